package letter

import (
	"fmt"
	"time"
)

// words are what a letter says beside its text.
type words struct {
	page     string // number, of how many
	enclosed string
	// reference is what the customer names when they answer.
	reference string
	date      func(time.Time) string
	untitled  string
}

var months = [...]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"}

// wordsIn gives the words in a language; another than Spanish is English.
func wordsIn(language string) words {
	if language == "es" {
		return words{page: "Página %d de %d", enclosed: "Adjunto: ", reference: "Referencia: ", untitled: "Carta", date: func(t time.Time) string {
			return fmt.Sprintf("%d de %s de %d", t.Day(), months[t.Month()-1], t.Year())
		}}
	}
	return words{page: "Page %d of %d", enclosed: "Enclosed: ", reference: "Reference: ", untitled: "Letter", date: func(t time.Time) string { return t.Format("January 2, 2006") }}
}
