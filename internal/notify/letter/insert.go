package letter

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/notify"
	"ringfence/internal/notify/letter/pdf"
)

// leastType is the smallest letters that a notice about customer information is printed in, in points. Letters and inserts are
// larger; where an insert is long, its letters become smaller until they reach this.
//
// cite: 47 CFR 64.2008(c)(5)
const leastType = 10.0

// Insert is a notice that goes with a bill: one page, the same for all customers of a language.
type Insert struct {
	Paper    string // us-letter or a4; "": us-letter
	Carrier  string
	Language string // en or es
	Made     time.Time
	Words    notify.Words // of the letter's text
}

// PDF prints the insert on one page, in letters of ten points or more, with its language and the tree of what stands on it. A text that
// does not fit is an *Unfit: nothing is made smaller than people can read.
//
// cite: P-02, P-27, 47 CFR 64.2008(c)(5)
func (i Insert) PDF() ([]byte, error) {
	fonts, err := faces()
	if err != nil {
		return nil, err
	}
	s := &stationery{paper: Config{Paper: i.Paper}.paper(), regular: fonts[0], bold: fonts[1], carrier: i.Carrier}
	if strings.TrimSpace(i.Words.Text) == "" || strings.TrimSpace(i.Words.Subject) == "" {
		return nil, &Unfit{"no-text", "the insert says nothing"}
	}
	if len(i.Words.Text) > mostText {
		return nil, &Unfit{"too-many-pages", "the text is longer than an insert can be"}
	}
	for size := textSize + 1; size >= leastType; size -= 0.25 {
		part, fits := s.insert(i, size)
		if !fits {
			continue
		}
		if err := part.Done(); err != nil {
			return nil, err
		}
		var b bytes.Buffer
		d := pdf.NewDocument(&b, pdf.About{Title: i.Words.Subject, Author: i.Carrier, Language: language(i.Language), Made: i.Made})
		if err := d.Add(part); err != nil {
			return nil, err
		}
		if err := d.Close(); err != nil {
			return nil, err
		}
		return b.Bytes(), nil
	}
	return nil, &Unfit{"too-many-pages", fmt.Sprintf("the notice does not fit on one page in letters of %g points; say it in fewer words", leastType)}
}

// insert lays out the page in letters of a size; fits is whether it is one.
func (s *stationery) insert(i Insert, size float64) (part *pdf.Part, fits bool) {
	const edge = 0.7 * inch
	part = pdf.NewPart(language(i.Language))
	clean := func(v string) string {
		line, _ := printable(s.regular, v)
		return line
	}
	blocks := []*block{
		s.paragraph(part, "P", s.bold, leastType, leastType*1.3, 0, []string{clean(i.Carrier)}),
		s.paragraph(part, "H1", s.bold, size+3, (size+3)*1.25, 2, []string{clean(i.Words.Subject)}),
	}
	for _, p := range paragraphs(i.Words.Text) {
		for n := range p {
			if item, is := strings.CutPrefix(p[n], "- "); is {
				p[n] = "• " + item
			}
			p[n] = clean(p[n])
		}
		blocks = append(blocks, s.paragraph(part, "P", s.regular, size, size*1.3, size*0.55, p))
	}
	pages := flow(blocks, edge, edge, s.paper.height-edge)
	if len(pages) != 1 {
		return nil, false
	}
	g := part.Page(s.paper.width, s.paper.height)
	for _, r := range pages[0] {
		r.block.draw(g, r.from, r.to, r.y)
	}
	return part, true
}
