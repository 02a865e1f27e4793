package wording

import (
	"strings"
	"unicode/utf16"
)

// mostSegments is how long a text message may be.
const mostSegments = 2

// The letters that a text message carries in seven bits, and those that take two places there.
//
// 3GPP TS 23.038, section 6.2.1.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmTwo   = "\f^{}\\[~]|€"
)

// septets counts the places of a text in the seven-bit alphabet; ok is false when it has letters of another.
func septets(text string) (n int, ok bool) {
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			n++
		case strings.ContainsRune(gsmTwo, r):
			n += 2
		default:
			return 0, false
		}
	}
	return n, true
}

// Segments counts the parts in which a text message travels: of 160 letters, or 153 when there are several, of the
// seven-bit alphabet; of 70, or 67, of any other. A letter of two places may make one more than this says when it falls
// on a border.
func Segments(text string) int {
	if n, ok := septets(text); ok {
		return parts(n, 160, 152) // a part may lack one place, for a letter of two
	}
	return parts(len(utf16.Encode([]rune(text))), 70, 66)
}

func parts(n, whole, each int) int {
	if n <= whole {
		return 1
	}
	return (n + each - 1) / each
}

// plainer writes letters of a text message for others as the language allows it, when it fits the seven-bit alphabet then.
func (l *Language) plainer(text string) string {
	if _, ok := septets(text); ok {
		return text
	}
	var pairs []string
	for _, from := range sortedKeys(l.Letters) {
		pairs = append(pairs, from, l.Letters[from])
	}
	plain := strings.NewReplacer(pairs...).Replace(text)
	if _, ok := septets(plain); ok {
		return plain
	}
	return text
}
