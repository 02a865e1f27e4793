package smpp

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// How many texts a telephone company counts.
func TestMeasure(t *testing.T) {
	for _, row := range []struct {
		text string
		n    int
		in   string
	}{
		{"", 1, GSM7},
		{strings.Repeat("a", 160), 1, GSM7},
		{strings.Repeat("a", 161), 2, GSM7},
		{strings.Repeat("a", 306), 2, GSM7},
		{strings.Repeat("a", 307), 3, GSM7},
		{strings.Repeat("€", 80), 1, GSM7},  // two septets each
		{strings.Repeat("€", 81), 2, GSM7},  // 76 fit into a part of 153
		{strings.Repeat("€", 152), 2, GSM7}, // and the odd septet stays empty
		{strings.Repeat("€", 153), 3, GSM7},
		{"¿Señor Núñez?", 1, UCS2},             // ú is not in GSM-7
		{"¿Mañana, señora Ibáñez?", 1, UCS2},   // nor á
		{"¡Año y pingüino, Él é ¿Ñ?", 1, GSM7}, // all of these are
		{"¡ñandú!", 1, UCS2},
		{"¡Año nuevo, pingüino! ¿Café?", 1, GSM7},
		{strings.Repeat("á", 70), 1, UCS2},
		{strings.Repeat("á", 71), 2, UCS2},
		{strings.Repeat("á", 134), 2, UCS2},
		{strings.Repeat("á", 135), 3, UCS2},
		{strings.Repeat("😀", 35), 1, UCS2}, // two units each
		{strings.Repeat("😀", 36), 2, UCS2},
		{strings.Repeat("😀", 66), 2, UCS2}, // 33 fit into a part of 67
		{strings.Repeat("😀", 67), 3, UCS2},
		{"a\x1b", 1, UCS2}, // an escape is no character
		{"\xff", 1, UCS2},
	} {
		if n, in := Measure(row.text); n != row.n || in != row.in {
			t.Errorf("%.30q: %d in %s, not %d in %s", row.text, n, in, row.n, row.in)
		}
	}
}

// No character is lost or torn, and no part is too long, whatever the text is.
func TestPartsOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.SampledFrom([]rune("aé€{ñ@\n¿ÑÜ^")), 0, 700, -1),
			rapid.StringOfN(rapid.SampledFrom([]rune("aá😀€ñ")), 0, 300, -1)).Draw(t, "text")
		a, parts := encode(text, "")
		again := ""
		for _, p := range parts {
			if len(parts) > 1 && len(p) > a.part*a.unit || len(p) > a.single*a.unit {
				t.Fatalf("a part of %d octets in %s", len(p), a.name)
			}
			s := decode(p, a.coding.DataCoding())
			if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) && !strings.ContainsRune(text, utf8.RuneError) {
				t.Fatalf("a character is torn in %q", s)
			}
			again += s
		}
		if again != text {
			t.Fatalf("%q became %q", text, again)
		}
		if n, in := Measure(text); n != len(parts) || in != a.name {
			t.Fatalf("measured %d in %s", n, in)
		}
		if _, always := encode(text, UCS2); decode(bytes.Join(always, nil), 8) != text {
			t.Fatalf("in UCS-2 it is another text")
		}
	})
}
