package notify

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// StopWords are the texts that ask for no more of them, when the configuration names none. A * stands for whatever
// follows. Small and capital letters, accents, and signs around the words make no difference.
//
// cite: P-14, 47 CFR 64.1200(a)(10)
func StopWords() []string {
	return []string{
		"STOP", "STOP *", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "UNSUBSCRIBE *", "CANCEL", "END", "QUIT", "REVOKE",
		"OPT OUT", "OPTOUT", "REMOVE ME", "NO MORE", "NO MORE TEXTS",
		"ALTO", "ALTO *", "PARE", "PARE *", "PAREN", "PAREN *", "PARAR", "BAJA", "BAJA *", "DAR DE BAJA", "NO MAS", "NO MAS *", "CANCELAR", "FIN", "SALIR", "DETENER", "TERMINAR",
	}
}

// Stops are folded texts; those that end with * match what begins with them.
type Stops map[string]bool

// NewStops gives what asks for no more texts, in words such as those of StopWords.
func NewStops(words []string) Stops {
	s := Stops{}
	for _, w := range words {
		begins, open := strings.CutSuffix(strings.TrimSpace(w), "*")
		if f := folded(begins); f != "" {
			s[f] = s[f] || open
		}
	}
	return s
}

// In reports whether text asks for no more texts.
func (s Stops) In(text string) bool {
	words := strings.Fields(folded(text))
	for n := len(words); n > 0; n-- {
		open, is := s[strings.Join(words[:n], " ")]
		if is && (open || n == len(words)) {
			return true
		}
	}
	return false
}

// folded leaves the letters and digits of a text, in capitals without accents, one space between words.
func folded(text string) string {
	letters := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToUpper(r)
		case r == '\'', r == '’':
			return -1
		}
		return ' '
	}, norm.NFD.String(text))
	return strings.Join(strings.Fields(letters), " ")
}
