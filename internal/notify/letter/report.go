package letter

import (
	"bytes"
	"fmt"
	"time"

	"ringfence/internal/notify/letter/pdf"
)

// Report is a table that is printed for those who keep or inspect records: across the sheet, with the letterhead of who made it.
type Report struct {
	Paper      string   // us-letter or a4; "": us-letter
	Letterhead []string // the first line is bold
	Language   string   // en or es
	Title      string
	Made       time.Time
	Lines      []string // above the table, a paragraph each
	Columns    []string
	Rows       [][]string
}

// mostReported bounds the rows of a report.
const mostReported = 10_000

// PDF prints the report, with its number and how many there are on each page. A report that is too long is an *Unfit.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func (r Report) PDF() ([]byte, error) {
	fonts, err := faces()
	if err != nil {
		return nil, err
	}
	upright := Config{Paper: r.Paper}.paper()
	const edge = 0.6 * inch
	p := paper{name: upright.name, width: upright.height, height: upright.width, left: edge, right: upright.height - edge, first: 1.7 * inch, later: 0.9 * inch, bottom: upright.width - 0.8*inch,
		letterhead: box{edge, 0.5 * inch, upright.height - 2*edge, 1.1 * inch}}
	s := &stationery{paper: p, regular: fonts[0], bold: fonts[1], letterhead: r.Letterhead}
	if len(r.Letterhead) > 0 {
		s.carrier = r.Letterhead[0]
	}
	w := wordsIn(r.Language)
	done := finished{part: pdf.NewPart(language(r.Language))}
	clean := func(v string) string {
		line, n := printable(s.regular, v)
		done.replaced += n
		return line
	}
	done.title = clean(r.Title)
	if len(r.Rows) > mostReported {
		return nil, &Unfit{"too-many-pages", fmt.Sprintf("the report has %d rows, and %d is the most", len(r.Rows), mostReported)}
	}
	blocks := []*block{s.paragraph(done.part, Title, s.bold, 15, 19, 0, []string{done.title})}
	blocks[0].withNext = true
	for _, line := range r.Lines {
		blocks = append(blocks, s.paragraph(done.part, Paragraph, s.regular, textSize, textLead, 3, []string{clean(line)}))
	}
	sheet := Sheet{Title: r.Title, Rows: r.Rows}
	for _, c := range r.Columns {
		sheet.Columns = append(sheet.Columns, Column{Title: c})
	}
	if err := sheet.check(); err != nil {
		return nil, err
	}
	if len(r.Rows) > 0 {
		blocks = append(blocks, s.tableBlock(done.part, sheet, &done.replaced))
	}
	if err := s.set(&done, blocks, p.first, func(g *pdf.Page) { s.heading(done.part, g) }, w, mark{}); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	d := pdf.NewDocument(&b, pdf.About{Title: done.title, Author: s.carrier, Language: language(r.Language), Made: r.Made})
	if err := d.Add(done.part); err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// heading draws the letterhead of a report, and a rule under it.
func (s *stationery) heading(part *pdf.Part, g *pdf.Page) {
	at := s.paper.letterhead
	y := at.y
	if len(s.letterhead) > 0 {
		g.Tagged(part.Element(pdf.Root, Paragraph), func() {
			for n, line := range s.letterhead {
				f, size := s.regular, 8.5
				if n == 0 {
					f, size = s.bold, 11
				}
				if y+size*1.25 > at.y+at.height {
					return
				}
				clean, _ := printable(f, line)
				g.Text(f, size, at.x, y+size, fitted(f, size, at.width, clean)+" ")
				y += size * 1.25
			}
		})
	}
	g.Artifact(func() { g.Rectangle(at.x, y+4, at.width, 0.6, 0.4) })
}
