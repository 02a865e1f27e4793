package smpp

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

// stopWords are folded texts; those that end with * match what begins with them.
type stopWords map[string]bool

func newStopWords(words []string) stopWords {
	s := stopWords{}
	for _, w := range words {
		begins, open := strings.CutSuffix(strings.TrimSpace(w), "*")
		if f := fold(begins); f != "" {
			s[f] = s[f] || open
		}
	}
	return s
}

// in reports whether text asks for no more texts.
func (s stopWords) in(text string) bool {
	words := strings.Fields(fold(text))
	for n := len(words); n > 0; n-- {
		open, is := s[strings.Join(words[:n], " ")]
		if is && (open || n == len(words)) {
			return true
		}
	}
	return false
}

// fold leaves the letters and digits of a text, in capitals without accents, one space between words.
func fold(text string) string {
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
