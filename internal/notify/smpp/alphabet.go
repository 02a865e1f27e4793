package smpp

import (
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/linxGnu/gosmpp/data"
)

// The alphabets of texts.
const (
	GSM7 = "GSM-7" // the default alphabet and its extension table
	UCS2 = "UCS-2"
)

// alphabet is how many characters of one kind fit into a text: alone, and in each part of a long one, where six octets
// tell which part it is.
type alphabet struct {
	name         string
	coding       data.Encoding // whose data_coding is written
	single, part int           // in septets or in UTF-16 units
	unit         int           // octets of one of these as they are sent
	encode       func(rune) ([]byte, bool)
}

var gsm7 = alphabet{name: GSM7, coding: data.GSM7BIT, single: 160, part: 153, unit: 1, encode: func(r rune) ([]byte, bool) {
	b, ok := septets()[r]
	return b, ok
}}

// septets are the octets of each character of GSM-7, one septet in each, as gosmpp's table has them.
var septets = sync.OnceValue(func() map[rune][]byte {
	all := map[rune][]byte{}
	for b := range byte(0x80) {
		for _, octets := range [][]byte{{b}, {0x1b, b}} {
			if r := []rune(read(octets)); len(r) == 1 {
				all[r[0]] = octets
			}
		}
	}
	return all
})

// read is what gosmpp makes of octets in GSM-7; "" when it makes nothing of them.
func read(octets []byte) string {
	s, err := data.GSM7BIT.Decode(octets)
	if err != nil {
		return ""
	}
	return s
}

// Centres send pairs of units on as they are, and telephones show them as the one character that they are.
var ucs2 = alphabet{name: UCS2, coding: data.UCS2, single: 70, part: 67, unit: 2, encode: func(r rune) ([]byte, bool) {
	var b []byte
	for _, u := range utf16.AppendRune(nil, r) {
		b = append(b, byte(u>>8), byte(u))
	}
	return b, true
}}

// parts is text in the octets of alphabet a, a slice for each part; nil when a lacks one of its characters. No
// character is torn: an escape stays with what it escapes, and a pair of units together.
func (a alphabet) parts(text string) [][]byte {
	whole := make([]byte, 0, len(text)*a.unit)
	var ends []int // of the parts, if there are several
	begin := 0
	for _, r := range text {
		b, ok := a.encode(r)
		if !ok {
			return nil
		}
		if len(whole)+len(b)-begin > a.part*a.unit {
			ends = append(ends, len(whole))
			begin = len(whole)
		}
		whole = append(whole, b...)
	}
	if len(whole) <= a.single*a.unit {
		return [][]byte{whole}
	}
	var parts [][]byte
	begin = 0
	for _, end := range append(ends, len(whole)) {
		parts = append(parts, whole[begin:end])
		begin = end
	}
	return parts
}

// encode chooses the alphabet: GSM-7 when it has every character of the text, UCS-2 otherwise. A text goes out as it was
// approved, letter by letter: in Spanish ñ, é, ü, ¿ and ¡ are in GSM-7; one á, í, ó or ú makes the whole text UCS-2.
func encode(text string, only string) (alphabet, [][]byte) {
	if only != UCS2 {
		if parts := gsm7.parts(text); parts != nil {
			return gsm7, parts
		}
	}
	return ucs2, ucs2.parts(text)
}

// Measure says in how many texts a telephone company counts text, and in which alphabet it goes out.
func Measure(text string) (segments int, alphabet string) {
	if !utf8.ValidString(text) {
		text = string([]rune(text)) // as it is sent
	}
	a, parts := encode(text, "")
	return len(parts), a.name
}

// decode reads what came in; what cannot be read is shown as �. Centres that take the default alphabet for Latin-1 are
// known by an octet that GSM-7 cannot have.
func decode(octets []byte, coding byte) string {
	switch {
	case coding == 8 || coding >= 0x10 && coding < 0x40 && coding&0x0c == 8:
		units := make([]uint16, 0, len(octets)/2)
		for i := 0; i+1 < len(octets); i += 2 {
			units = append(units, uint16(octets[i])<<8|uint16(octets[i+1]))
		}
		return string(utf16.Decode(units))
	case coding != 1 && coding != 3:
		if s, err := data.GSM7BIT.Decode(octets); err == nil {
			return s
		}
	}
	runes := make([]rune, len(octets))
	for i, b := range octets {
		runes[i] = rune(b)
	}
	return string(runes)
}
