// Package pdf writes letters as PDF files: text, rules, marks and one picture, with the tree that tells those who hear a
// page what is a heading, a paragraph or the head of a column (ISO 32000-1, 14.8). Many letters can share one file and its
// fonts. The same parts give the same bytes.
//
// There are libraries that write PDF; none that is kept writes this tree, and all cut the fonts anew for each file, which
// takes fifty times as long as the rest of a letter (docs/dependencies.md).
package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// About describes a document to programs.
type About struct {
	Title    string
	Author   string
	Language string // of the whole, such as en
	Made     time.Time
}

// Document writes parts, one after the other.
type Document struct {
	to      io.Writer
	at      int64
	sum     hash.Hash
	err     error
	about   About
	objects []place // by number less one
	loose   []int   // numbers of objects that wait for a stream of objects
	waiting []string

	fonts  map[*Font]fontPlace
	order  []*Font
	images map[*Image]int
	pages  []int // object numbers
	tops   []int // elements at the top of the tree
	marks  []int // for each page, the array of the elements of its marks
}

// place is where an object lies: at an offset, or as the nth in a stream of objects.
type place struct {
	offset int64
	stream int // 0: it stands alone
	nth    int
}

type fontPlace struct {
	object int
	wide   bool
}

// The objects that every document has.
const (
	catalogue = 1 + iota
	pageTree
	structure
	whole // the element that is the document
	parents
	information
	metadata
	firstFree
)

// perStream is how many objects share a stream: enough to pack well, few enough to be read for one.
const perStream = 200

// NewDocument begins a file.
func NewDocument(to io.Writer, about About) *Document {
	d := &Document{to: to, sum: sha256.New(), about: about, objects: make([]place, firstFree-1), fonts: map[*Font]fontPlace{}, images: map[*Image]int{}}
	d.write("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	return d
}

func (d *Document) write(s string) { d.writeBytes([]byte(s)) }

func (d *Document) writeBytes(b []byte) {
	if d.err != nil {
		return
	}
	n, err := d.to.Write(b)
	d.at += int64(n)
	d.sum.Write(b)
	d.err = err
}

func (d *Document) number() int {
	d.objects = append(d.objects, place{})
	return len(d.objects)
}

// stream writes an object that has bytes of its own.
func (d *Document) stream(number int, dictionary string, b []byte) {
	d.objects[number-1] = place{offset: d.at}
	d.write(fmt.Sprintf("%d 0 obj\n<<%s/Length %d>>\nstream\n", number, dictionary, len(b)))
	d.writeBytes(b)
	d.write("\nendstream\nendobj\n")
}

// object keeps an object until there are enough to pack.
func (d *Document) object(number int, body string) {
	d.loose, d.waiting = append(d.loose, number), append(d.waiting, body)
	if len(d.loose) == perStream {
		d.pack()
	}
}

func (d *Document) pack() {
	if len(d.loose) == 0 {
		return
	}
	stream := d.number()
	var head, body strings.Builder
	for n, number := range d.loose {
		fmt.Fprintf(&head, "%d %d ", number, body.Len())
		body.WriteString(d.waiting[n])
		body.WriteByte('\n')
		d.objects[number-1] = place{stream: stream, nth: n}
	}
	packed, err := packed([]byte(head.String() + body.String()))
	if err != nil && d.err == nil {
		d.err = err
	}
	d.stream(stream, fmt.Sprintf("/Type/ObjStm/N %d/First %d/Filter/FlateDecode", len(d.loose), head.Len()), packed)
	d.loose, d.waiting = d.loose[:0], d.waiting[:0]
}

func packed(b []byte) ([]byte, error) {
	z := packers.Get().(*zlib.Writer)
	defer packers.Put(z)
	var out bytes.Buffer
	z.Reset(&out)
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Add writes a part that is Done.
func (d *Document) Add(p *Part) error {
	for _, f := range p.fontsUsed() {
		at, ok := d.fonts[f]
		if !ok {
			at.object = d.number()
			d.order = append(d.order, f)
		}
		at.wide = at.wide || p.wide[f]
		d.fonts[f] = at
	}
	elements := make([]int, len(p.elements))
	for n := range elements {
		elements[n] = d.number()
	}
	part := d.number()
	pages := make([]int, len(p.pages))
	for n := range pages {
		pages[n] = d.number()
	}
	for n, g := range p.pages {
		d.page(g, pages[n], elements)
	}
	top := []string{}
	for n, e := range p.elements {
		below := part
		if e.parent != Root {
			below = elements[e.parent]
		} else {
			top = append(top, reference(elements[n]))
		}
		var kids strings.Builder
		for _, k := range e.kids {
			if k.page < 0 {
				kids.WriteString(reference(elements[k.element]))
			} else {
				fmt.Fprintf(&kids, "<</Type/MCR/Pg %s/MCID %d>>", reference(pages[k.page]), k.mark)
			}
			kids.WriteByte(' ')
		}
		more := ""
		if e.kind == "TH" {
			more = "/A<</O/Table/Scope/Column>>"
		}
		if e.alt != "" {
			more += "/Alt " + text(e.alt)
		}
		d.object(elements[n], fmt.Sprintf("<</Type/StructElem/S/%s/P %s/K[%s]%s>>", e.kind, reference(below), kids.String(), more))
	}
	d.object(part, fmt.Sprintf("<</Type/StructElem/S/Sect/P %s/Lang %s/K[%s]>>", reference(whole), text(p.language), strings.Join(top, " ")))
	d.tops = append(d.tops, part)
	return d.err
}

func (p *Part) fontsUsed() []*Font {
	var all []*Font
	for _, g := range p.pages {
		for f := range g.fonts {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	slices.SortFunc(all, func(a, b *Font) int { return strings.Compare(a.name, b.name) })
	return all
}

func (d *Document) page(g *Page, number int, elements []int) {
	content := d.number()
	d.stream(content, "/Filter/FlateDecode", g.packed)
	var fonts, images strings.Builder
	for _, f := range d.order {
		if g.fonts[f] {
			fmt.Fprintf(&fonts, "/%s %s", f.name, reference(d.fonts[f].object))
		}
	}
	for m := range g.images { // a letterhead has one
		if d.images[m] == 0 {
			d.images[m] = d.image(m)
		}
		fmt.Fprintf(&images, "/%s %s", m.name, reference(d.images[m]))
	}
	d.object(number, fmt.Sprintf("<</Type/Page/Parent %s/MediaBox[0 0 %g %g]/Contents %s/Resources<</Font<<%s>>/XObject<<%s>>>>/StructParents %d/Tabs/S>>",
		reference(pageTree), g.width, g.height, reference(content), fonts.String(), images.String(), len(d.pages)))
	d.pages = append(d.pages, number)
	marks := make([]string, len(g.marks))
	for n, e := range g.marks {
		marks[n] = reference(elements[e])
	}
	array := d.number()
	d.object(array, "["+strings.Join(marks, " ")+"]")
	d.marks = append(d.marks, array)
}

func (d *Document) image(m *Image) int {
	alpha := ""
	if m.alpha != nil {
		mask := d.number()
		d.stream(mask, fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode", m.Width, m.Height), m.alpha)
		alpha = "/SMask " + reference(mask)
	}
	number := d.number()
	d.stream(number, fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/FlateDecode%s", m.Width, m.Height, alpha), m.colours)
	return number
}

// Close writes what the parts share, and the table of where everything lies.
func (d *Document) Close() error {
	for _, f := range d.order {
		d.font(f, d.fonts[f])
	}
	d.stream(metadata, "/Type/Metadata/Subtype/XML", d.about.xmp())
	d.object(catalogue, fmt.Sprintf("<</Type/Catalog/Pages %s/StructTreeRoot %s/MarkInfo<</Marked true>>/Lang %s/Metadata %s/ViewerPreferences<</DisplayDocTitle true>>>>",
		reference(pageTree), reference(structure), text(d.about.Language), reference(metadata)))
	d.object(pageTree, fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", len(d.pages), references(d.pages)))
	d.object(structure, fmt.Sprintf("<</Type/StructTreeRoot/K %s/ParentTree %s/ParentTreeNextKey %d>>", reference(whole), reference(parents), len(d.pages)))
	d.object(whole, fmt.Sprintf("<</Type/StructElem/S/Document/P %s/K[%s]>>", reference(structure), references(d.tops)))
	var numbers strings.Builder
	for n, array := range d.marks {
		fmt.Fprintf(&numbers, "%d %s ", n, reference(array))
	}
	d.object(parents, fmt.Sprintf("<</Nums[%s]>>", numbers.String()))
	d.object(information, fmt.Sprintf("<</Title %s/Author %s/Producer(Ringfence)/CreationDate(D:%sZ)>>", text(d.about.Title), text(d.about.Author), d.about.Made.UTC().Format("20060102150405")))
	d.pack()

	table := d.number()
	d.objects[table-1] = place{offset: d.at}
	rows := make([]byte, 0, 7*(len(d.objects)+1))
	rows = append(rows, 0, 0, 0, 0, 0, 0xff, 0xff)
	for _, o := range d.objects {
		kind, a, b := byte(1), o.offset, 0
		if o.stream != 0 {
			kind, a, b = 2, int64(o.stream), o.nth
		}
		rows = append(rows, kind, byte(a>>24), byte(a>>16), byte(a>>8), byte(a), byte(b>>8), byte(b))
	}
	if d.at >= 1<<32 {
		return fmt.Errorf("a document of more than 4 GiB: put fewer letters into one file")
	}
	name := hex.EncodeToString(d.sum.Sum(nil)[:16])
	packed, err := packed(rows)
	if err != nil {
		return err
	}
	start := d.at
	d.stream(table, fmt.Sprintf("/Type/XRef/Size %d/W[1 4 2]/Root %s/Info %s/ID[<%s><%s>]/Filter/FlateDecode", len(d.objects)+1, reference(catalogue), reference(information), name, name), packed)
	d.write(fmt.Sprintf("startxref\n%d\n%%%%EOF\n", start))
	return d.err
}

func (d *Document) font(f *Font, at fontPlace) {
	c := f.plain
	if at.wide {
		c = f.wide
	}
	file, unicode, descendant, descriptor := d.number(), d.number(), d.number(), d.number()
	d.stream(file, fmt.Sprintf("/Length1 %d/Filter/FlateDecode", c.length), c.file)
	d.stream(unicode, "/Filter/FlateDecode", c.unicode)
	name := "RINGFC+" + f.name
	d.object(descriptor, fmt.Sprintf("<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[%d %d %d %d]/ItalicAngle 0/Ascent %d/Descent %d/CapHeight %d/StemV 80/FontFile2 %s>>",
		name, f.box[0], f.box[1], f.box[2], f.box[3], f.ascent, f.descent, f.capHeight, reference(file)))
	d.object(descendant, fmt.Sprintf("<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor %s/CIDToGIDMap/Identity/DW 0/W %s>>",
		name, reference(descriptor), c.widths))
	d.object(at.object, fmt.Sprintf("<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%s]/ToUnicode %s>>", name, reference(descendant), reference(unicode)))
}

func reference(number int) string { return fmt.Sprintf("%d 0 R", number) }

func references(numbers []int) string {
	all := make([]string, len(numbers))
	for n, number := range numbers {
		all[n] = reference(number)
	}
	return strings.Join(all, " ")
}

// text is a string of a dictionary, in UTF-16 so that nothing in it has a meaning of its own.
func text(s string) string {
	b := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return "<" + hex.EncodeToString(b) + ">"
}

var xml = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (a About) xmp() []byte {
	clean := func(s string) string {
		return xml.Replace(strings.Map(func(r rune) rune {
			if r < ' ' || r == 0xfffe || r == 0xffff {
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, "")))
	}
	return fmt.Appendf(nil, `<?xpacket begin="%s" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>%s</rdf:li></rdf:Bag></dc:language>
<xmp:CreateDate>%s</xmp:CreateDate>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`, "\ufeff", clean(a.Title), clean(a.Language), a.Made.UTC().Format("2006-01-02T15:04:05Z"))
}
