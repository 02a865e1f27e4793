package letter

import (
	"bytes"
	"fmt"
	"time"

	"ringfence/internal/notify/letter/pdf"
)

// Label is the kind of a part that names what the next one says, such as a field of a form.
const Label = "H3"

// Document is headings and paragraphs for those who keep, file or inspect records: upright, with the letterhead of who made it, and on
// each page what it is of and whether it is the last word.
type Document struct {
	Paper      string   // us-letter or a4; "": us-letter
	Letterhead []string // the first line is bold
	Language   string   // en or es
	Title      string
	Made       time.Time
	Mark       string // in a box at the head of each page, such as DRAFT; "": none
	Foot       string // at the foot of each page, before its number
	Parts      []Part // their lines end with "\n"
}

// PDF prints the document, with the tree that tells those who hear it what is a heading, a label or a paragraph. One that is too long is an
// *Unfit.
//
// cite: P-51, P-52
func (d Document) PDF() ([]byte, error) {
	fonts, err := faces()
	if err != nil {
		return nil, err
	}
	s := &stationery{paper: d.sheet(), regular: fonts[0], bold: fonts[1], letterhead: d.Letterhead}
	if len(d.Letterhead) > 0 {
		s.carrier = d.Letterhead[0]
	}
	part := pdf.NewPart(language(d.Language))
	lines := func(text string) []string {
		var all []string
		for _, line := range plainText([]byte(text)) {
			clean, _ := printable(s.regular, line)
			all = append(all, clean)
		}
		return all
	}
	blocks := []*block{s.paragraph(part, Title, s.bold, 15, 19, 0, lines(d.Title))}
	blocks[0].withNext = true
	for _, p := range d.Parts {
		var b *block
		switch p.Kind {
		case Heading:
			b = s.paragraph(part, Heading, s.bold, 12, 16, 2*between, lines(p.Text))
			b.withNext = true
		case Label:
			b = s.paragraph(part, Label, s.bold, 8.5, 11, between, lines(p.Text))
			b.withNext = true
		default:
			b = s.paragraph(part, Paragraph, s.regular, textSize, textLead, 2, lines(p.Text))
		}
		blocks = append(blocks, b)
	}
	pages := flow(blocks, s.paper.first, s.paper.later, s.paper.bottom)
	if len(pages) > mostPages {
		return nil, &Unfit{"too-many-pages", "the document is too long to be printed"}
	}
	w := wordsIn(d.Language)
	for n, runs := range pages {
		g := part.Page(s.paper.width, s.paper.height)
		d.top(s, part, g, n)
		for _, r := range runs {
			r.block.draw(g, r.from, r.to, r.y)
		}
		d.foot(s, g, w, n+1, len(pages))
	}
	if err := part.Done(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	title, _ := printable(s.regular, d.Title)
	out := pdf.NewDocument(&b, pdf.About{Title: title, Author: s.carrier, Language: language(d.Language), Made: d.Made})
	if err := out.Add(part); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// sheet is the paper of a document: it goes into no envelope.
func (d Document) sheet() paper {
	p := Config{Paper: d.Paper}.paper()
	const edge = 0.9 * inch
	return paper{name: p.name, width: p.width, height: p.height, left: edge, right: p.width - edge, first: 1.5 * inch, later: 1.1 * inch, bottom: p.height - 0.9*inch,
		letterhead: box{edge, 0.55 * inch, p.width - 2*edge, 0.9 * inch}}
}

// markSize is that of the letters of a mark, in points.
const markSize = 13.0

// top draws the letterhead, on later pages a line instead of it, and the mark. The mark of the first page is part of what the document
// says; those after it repeat it for the eye.
func (d Document) top(s *stationery, part *pdf.Part, g *pdf.Page, page int) {
	room := s.paper.right
	if mark, _ := printable(s.bold, d.Mark); mark != "" {
		width := s.bold.Width(mark, markSize) + 16
		x, y := s.paper.right-width, s.paper.letterhead.y-4
		room = x - 12
		g.Artifact(func() {
			g.Rectangle(x, y, width, markSize+9, 0)
			g.Rectangle(x+1.2, y+1.2, width-2.4, markSize+6.6, 0.9)
		})
		say := func() { g.Text(s.bold, markSize, x+8, y+markSize+2.5, mark+" ") }
		if page == 0 {
			g.Tagged(part.Element(pdf.Root, Paragraph), say)
		} else {
			g.Artifact(say)
		}
	}
	if page > 0 {
		g.Artifact(func() {
			g.Text(s.regular, 8, s.paper.left, s.paper.letterhead.y+8, fitted(s.regular, 8, room-s.paper.left, s.carrier))
		})
		return
	}
	narrow := *s
	narrow.paper.letterhead.width = room - s.paper.left
	narrow.heading(part, g)
}

// foot draws what the document is of, and the number of the page.
func (d Document) foot(s *stationery, g *pdf.Page, w words, page, of int) {
	foot, _ := printable(s.regular, d.Foot)
	g.Artifact(func() {
		number := fmt.Sprintf(w.page, page, of)
		y := s.paper.height - 0.5*inch
		wide := s.regular.Width(number, 8)
		g.Text(s.regular, 8, s.paper.right-wide, y, number)
		g.Text(s.regular, 8, s.paper.left, y, fitted(s.regular, 8, s.paper.right-s.paper.left-wide-12, foot))
	})
}
