package letter

import (
	"strings"
	"unicode/utf8"

	"ringfence/internal/notify/letter/pdf"
)

// breakLines breaks one line of text into lines that are no wider than width: at spaces, then after hyphens and slashes,
// and inside a word only when the word is wider than a line. Spaces in a row become one. It gives at least one line.
func breakLines(f *pdf.Font, size, width float64, s string) []string {
	space := f.Width(" ", size)
	var lines []string
	var line strings.Builder
	at := 0.0
	end := func() {
		lines = append(lines, line.String())
		line.Reset()
		at = 0
	}
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' }) {
		glue := true // to the word before it, by a space
		for word != "" {
			gap := 0.0
			if glue && at > 0 {
				gap = space
			}
			// Only as much of a word is measured as a line can take: it may be a megabyte without a space.
			piece := word[:f.Within(word, size, width-at-gap)]
			if len(piece) < len(word) {
				piece = piece[:hyphen(word, len(piece))]
				if piece == "" && at > 0 {
					end()
					continue
				}
				if piece == "" {
					piece = cut(f, size, width, word)
				}
			}
			w := f.Width(piece, size)
			if glue && at > 0 {
				line.WriteByte(' ')
			}
			line.WriteString(piece)
			at += gap + w
			word = word[len(piece):]
			if word != "" {
				end()
			}
			glue = false
		}
	}
	if line.Len() > 0 || len(lines) == 0 {
		end()
	}
	return lines
}

// hyphen is where the beginning of a word ends that ends in a hyphen or a slash and is no longer than most bytes, or 0. A sign
// at the word's beginning or end, as of a negative number, is no place to break.
func hyphen(word string, most int) int {
	for n := min(most, len(word)-2); n > 2; n-- {
		if word[n-1] == '-' || word[n-1] == '/' {
			return n
		}
	}
	return 0
}

// cut is as much of a word as fits, and never nothing.
func cut(f *pdf.Font, size, width float64, word string) string {
	if n := f.Within(word, size, width); n > 0 {
		return word[:n]
	}
	_, n := utf8.DecodeRuneInString(word)
	return word[:n]
}
