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
			piece := word
			w := f.Width(piece, size)
			gap := 0.0
			if glue && at > 0 {
				gap = space
			}
			if at+gap+w > width {
				piece = fitting(f, size, width-at-gap, word)
				if piece == "" && at > 0 {
					end()
					continue
				}
				if piece == "" {
					piece = cut(f, size, width, word)
				}
				w = f.Width(piece, size)
			}
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

// fitting is the longest beginning of a word that ends in a hyphen or a slash and fits, or "". A sign at the word's
// beginning or end, as of a negative number, is no place to break.
func fitting(f *pdf.Font, size, width float64, word string) string {
	best, w := 0, 0.0
	for i, r := range word {
		w += f.Width(string(r), size)
		if w > width {
			break
		}
		if n := i + utf8.RuneLen(r); i > 1 && n < len(word)-1 && (r == '-' || r == '/') {
			best = n
		}
	}
	return word[:best]
}

// cut is as much of a word as fits, and never nothing.
func cut(f *pdf.Font, size, width float64, word string) string {
	w := 0.0
	for i, r := range word {
		if w += f.Width(string(r), size); w > width && i > 0 {
			return word[:i]
		}
	}
	return word
}
