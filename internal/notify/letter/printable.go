package letter

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"ringfence/internal/notify/letter/pdf"
)

// absent stands for a character that the fonts lack or that would stand in the wrong order: anything but Latin, Greek and
// Cyrillic. It is seen, so that nobody takes a name with a hole in it for the whole.
const absent = '□'

// printable makes one line of s that a font can show, and counts what it had to replace. Marks that steer the direction of
// text or join pictures vanish: they have no shape of their own, and could turn an address round.
func printable(f *pdf.Font, s string) (line string, replaced int) {
	if plain(s) {
		return s, 0
	}
	var b strings.Builder
	for _, r := range norm.NFC.String(strings.ToValidUTF8(s, string(absent))) {
		switch {
		case r == '\u00a0':
			b.WriteRune(r)
		case r == '\u2011' || r == '\u2010':
			b.WriteByte('-')
		case unicode.IsSpace(r) || unicode.Is(unicode.Z, r):
			b.WriteByte(' ')
		case unicode.Is(unicode.C, r) || r >= '\ufe00' && r <= '\ufe0f' || r >= 0xe0100 && r <= 0xe01ef:
		case r == absent || !f.Has(r):
			b.WriteRune(absent)
			replaced++
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), replaced
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
