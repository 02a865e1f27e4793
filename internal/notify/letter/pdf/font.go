package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/tdewolff/font"
)

// Font is a typeface that was cut down once, when the program started, so that no document has to do it again: to the
// letters of English and Spanish, and to all of Latin, Greek and Cyrillic that the face has. A document carries the first
// cut unless it needs the second; both number their glyphs alike.
type Font struct {
	name        string
	near        [firstFar]glyph // of most text, by code point
	far         map[rune]glyph
	plain, wide cut
	ascent      int // in thousandths of the size
	descent     int
	capHeight   int
	box         [4]int
}

// firstFar is the first code point that is looked up in a map.
const firstFar = 0x250

type glyph struct {
	id    uint16 // 0: the face has none
	width uint16 // in thousandths of the size
}

// cut is a part of a typeface as it stands in a file.
type cut struct {
	glyphs  int    // how many may be used
	file    []byte // compressed
	length  int    // of the file before
	unicode []byte // the map back to text, compressed
	widths  string
}

// englishAndSpanish is what the first cut has beside ASCII.
const englishAndSpanish = "\u00a0áéíóúüñÁÉÍÓÚÜÑ¿¡ºª°§©®«»·–—‘’“”…•€□"

// ParseFont cuts a TrueType face.
func ParseFont(name string, face []byte) (*Font, error) {
	whole, err := font.ParseSFNT(face, 0)
	if err != nil {
		return nil, fmt.Errorf("reading the font %s: %w", name, err)
	}
	if !whole.IsTrueType {
		return nil, fmt.Errorf("the font %s is not TrueType", name)
	}
	f := &Font{name: strings.ReplaceAll(name, " ", ""), far: map[rune]glyph{}}
	em := int(whole.Head.UnitsPerEm)
	thousandths := func(n int) int { return (n*1000 + em/2) / em }
	f.ascent, f.descent = thousandths(int(whole.Hhea.Ascender)), thousandths(int(whole.Hhea.Descender))
	f.capHeight = thousandths(int(whole.OS2.SCapHeight))
	f.box = [4]int{thousandths(int(whole.Head.XMin)), thousandths(int(whole.Head.YMin)), thousandths(int(whole.Head.XMax)), thousandths(int(whole.Head.YMax))}

	var runes []rune
	for r := rune(' '); r <= '~'; r++ {
		runes = append(runes, r)
	}
	runes = append(runes, []rune(englishAndSpanish)...)
	plain := len(runes)
	for r := rune(0xa1); r <= 0x2300; r++ {
		if unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.P, unicode.S) && !slices.Contains(runes[:plain], r) {
			runes = append(runes, r)
		}
	}

	ids := []uint16{0}
	var has []rune
	seen := map[uint16]uint16{0: 0}
	glyphs := 1
	for n, r := range runes {
		id := whole.GlyphIndex(r)
		if id != 0 {
			at, ok := seen[id]
			if !ok {
				at = uint16(len(ids))
				seen[id] = at
				ids = append(ids, id)
				has = append(has, r)
			}
			g := glyph{at, uint16(thousandths(int(whole.GlyphAdvance(id))))}
			if r < firstFar {
				f.near[r] = g
			} else {
				f.far[r] = g
			}
		}
		if n == plain-1 {
			glyphs = len(ids)
		}
	}
	if f.plain, err = f.cut(face, ids[:glyphs:glyphs], has[:glyphs-1]); err != nil {
		return nil, err
	}
	f.wide, err = f.cut(face, ids, has)
	return f, err
}

// cut reads the face anew, because the library changes what it cuts.
func (f *Font) cut(face []byte, ids []uint16, has []rune) (cut, error) {
	c := cut{glyphs: len(ids)}
	whole, err := font.ParseSFNT(face, 0)
	if err != nil {
		return c, err
	}
	part, err := whole.Subset(slices.Clone(ids), font.SubsetOptions{Tables: font.KeepPDFTables})
	if err != nil {
		return c, fmt.Errorf("cutting the font %s: %w", f.name, err)
	}
	file := part.Write()
	c.length = len(file)
	if c.file, err = deflated(file, zlib.BestCompression); err != nil {
		return c, err
	}
	var widths, text strings.Builder
	widths.WriteString("[0 [0")
	for _, r := range has {
		fmt.Fprintf(&widths, " %d", f.glyph(r).width)
	}
	widths.WriteString("]]")
	c.widths = widths.String()
	text.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	for some := range slices.Chunk(has, 100) {
		fmt.Fprintf(&text, "%d beginbfchar\n", len(some))
		for _, r := range some {
			fmt.Fprintf(&text, "<%04X> <%04X>\n", f.glyph(r).id, r)
		}
		text.WriteString("endbfchar\n")
	}
	text.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	c.unicode, err = deflated([]byte(text.String()), zlib.BestCompression)
	return c, err
}

func (f *Font) glyph(r rune) glyph {
	if r >= 0 && r < firstFar {
		return f.near[r]
	}
	return f.far[r]
}

// Has reports whether the font can show r.
func (f *Font) Has(r rune) bool { return f.glyph(r).id != 0 }

// Width is how wide s is in points at a size in points.
func (f *Font) Width(s string, size float64) float64 {
	n := 0
	for _, r := range s {
		n += int(f.glyph(r).width)
	}
	return float64(n) * size / 1000
}

// Within is the length in bytes of the longest beginning of s that is no wider than width, in points.
func (f *Font) Within(s string, size, width float64) int {
	most := width * 1000 / size
	n := 0.0
	for i, r := range s {
		if n += float64(f.glyph(r).width); n > most+1e-9 {
			return i
		}
	}
	return len(s)
}

func deflated(b []byte, level int) ([]byte, error) {
	var out bytes.Buffer
	z, err := zlib.NewWriterLevel(&out, level)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
