package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"math"
	"strconv"
	"sync"
)

// Part is some pages with the tree of what stands on them. Parts are made independently of each other, by several
// goroutines when there is much to do, and then put into a document.
type Part struct {
	language string
	pages    []*Page
	elements []element
	wide     map[*Font]bool // whether the second cut is needed
}

// Element names a node of the tree of a part: what a piece of the page is, for those who hear it instead of seeing it.
type Element int

// Root is the part itself.
const Root Element = -1

type element struct {
	kind   string // the name that PDF gives it: H1, P, Table, TR, TH, TD
	parent Element
	kids   []kid
	alt    string
}

// kid is an element below, or content that is marked on a page.
type kid struct {
	element Element
	page    int // -1: this is an element
	mark    int
}

// NewPart begins a part whose text is in a language such as en.
func NewPart(language string) *Part { return &Part{language: language, wide: map[*Font]bool{}} }

// Element adds a node below another, which must be of the same part.
func (p *Part) Element(below Element, kind string) Element {
	e := Element(len(p.elements))
	p.elements = append(p.elements, element{kind: kind, parent: below})
	if below != Root {
		p.elements[below].kids = append(p.elements[below].kids, kid{element: e, page: -1})
	}
	return e
}

// Describe says what an element shows, for those who do not see it.
func (p *Part) Describe(e Element, words string) { p.elements[e].alt = words }

// Pages is how many pages the part has.
func (p *Part) Pages() int { return len(p.pages) }

// Page begins a page, in points.
func (p *Part) Page(width, height float64) *Page {
	g := &Page{part: p, number: len(p.pages), width: width, height: height, fonts: map[*Font]bool{}, images: map[*Image]bool{}}
	p.pages = append(p.pages, g)
	return g
}

// Page takes what stands on it. Places are in points from the upper left corner; text stands on its base line.
type Page struct {
	part          *Part
	number        int
	width, height float64
	content       bytes.Buffer
	packed        []byte
	marks         []Element // of the tree, by the number of the mark
	fonts         map[*Font]bool
	images        map[*Image]bool
	scratch       []byte
}

// Tagged draws what belongs to an element.
func (g *Page) Tagged(e Element, draw func()) {
	n := len(g.marks)
	g.marks = append(g.marks, e)
	el := &g.part.elements[e]
	el.kids = append(el.kids, kid{page: g.number, mark: n})
	fmt.Fprintf(&g.content, "/%s <</MCID %d>> BDC\n", el.kind, n)
	draw()
	g.content.WriteString("EMC\n")
}

// Artifact draws what is no part of what the page says: marks for machines, page numbers, rules.
func (g *Page) Artifact(draw func()) {
	g.content.WriteString("/Artifact BMC\n")
	draw()
	g.content.WriteString("EMC\n")
}

// numbers writes numbers to a hundredth, and what follows them.
func (g *Page) numbers(after string, n ...float64) {
	b := g.scratch[:0]
	for _, v := range n {
		b = append(strconv.AppendFloat(b, math.Round(v*100)/100, 'f', -1, 64), ' ')
	}
	g.scratch = append(b, after...)
	g.content.Write(g.scratch)
}

const hexDigits = "0123456789ABCDEF"

// Text writes s in one line. What the font lacks is left out; who calls has replaced it.
func (g *Page) Text(f *Font, size, x, y float64, s string) {
	if s == "" {
		return
	}
	g.fonts[f] = true
	g.content.WriteString("BT /")
	g.content.WriteString(f.name)
	g.content.WriteByte(' ')
	g.numbers("Tf ", size)
	g.numbers("Td <", x, g.height-y)
	b := g.scratch[:0]
	for _, r := range s {
		id := f.glyph(r).id
		if id == 0 {
			continue
		}
		if int(id) >= f.plain.glyphs {
			g.part.wide[f] = true
		}
		b = append(b, hexDigits[id>>12], hexDigits[id>>8&15], hexDigits[id>>4&15], hexDigits[id&15])
	}
	g.scratch = append(b, "> Tj ET\n"...)
	g.content.Write(g.scratch)
}

// Rectangle fills one; grey is 0 for black and 1 for white.
func (g *Page) Rectangle(x, y, width, height, grey float64) {
	g.numbers("g ", grey)
	g.numbers("re f 0 g\n", x, g.height-y-height, width, height)
}

// Bits draws a pattern of square modules, side points each: dark where dark says so.
func (g *Page) Bits(x, y, side float64, columns, rows int, dark func(column, row int) bool) {
	g.content.WriteString("q ")
	g.numbers("cm\n", side*float64(columns), 0, 0, side*float64(rows), x, g.height-y-side*float64(rows))
	fmt.Fprintf(&g.content, "BI /W %d /H %d /IM true /BPC 1 /D [1 0] /F /AHx ID\n", columns, rows)
	for row := range rows {
		for from := 0; from < columns; from += 8 {
			var b byte
			for n := range 8 {
				if from+n < columns && dark(from+n, row) {
					b |= 0x80 >> n
				}
			}
			g.content.WriteByte(hexDigits[b>>4])
			g.content.WriteByte(hexDigits[b&15])
		}
	}
	g.content.WriteString(">\nEI Q\n")
}

// Picture draws an image into a box of points.
func (g *Page) Picture(m *Image, x, y, width, height float64) {
	g.images[m] = true
	g.content.WriteString("q ")
	g.numbers("cm /", width, 0, 0, height, x, g.height-y-height)
	g.content.WriteString(m.name)
	g.content.WriteString(" Do Q\n")
}

var packers = sync.Pool{New: func() any {
	z, _ := zlib.NewWriterLevel(nil, zlib.BestSpeed) // the level is one that there is
	return z
}}

// Done packs the pages; the part takes nothing more.
func (p *Part) Done() error {
	z := packers.Get().(*zlib.Writer)
	defer packers.Put(z)
	for _, g := range p.pages {
		var out bytes.Buffer
		out.Grow(g.content.Len()/4 + 64)
		z.Reset(&out)
		if _, err := z.Write(g.content.Bytes()); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		g.packed, g.content, g.scratch = out.Bytes(), bytes.Buffer{}, nil
	}
	return nil
}
