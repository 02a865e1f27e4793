package letter

import (
	"bytes"

	"ringfence/internal/notify/letter/pdf"
)

// Part is a heading or a paragraph of a document.
type Part struct {
	Kind string // H1, H2 or P
	Text string
}

// Parts of a document by their kinds, as those who hear it are told of them.
const (
	Title     = "H1"
	Heading   = "H2"
	Paragraph = "P"
)

// Pages makes a document of headings and paragraphs, such as the public policy, in a language: with the tree that tells those
// who hear it what is what. Its title is that of the first part.
//
// cite: P-55
func (c *Channel) Pages(lang string, parts []Part) (file []byte, pages int, err error) {
	w := wordsIn(lang)
	f := finished{part: pdf.NewPart(language(lang)), title: w.untitled}
	if len(parts) > 0 {
		f.title, _ = printable(c.s.regular, parts[0].Text)
	}
	var blocks []*block
	for _, p := range parts {
		text, lost := printable(c.s.regular, p.Text)
		f.replaced += lost
		var b *block
		switch p.Kind {
		case Title:
			b = c.s.paragraph(f.part, Title, c.s.bold, 16, 20, 0, []string{text})
			b.withNext = true
		case Heading:
			b = c.s.paragraph(f.part, Heading, c.s.bold, 12, 16, 2*between, []string{text})
			b.withNext = true
		default:
			b = c.s.paragraph(f.part, Paragraph, c.s.regular, textSize, textLead, between, []string{text})
		}
		blocks = append(blocks, b)
	}
	if err := c.s.set(&f, blocks, c.s.paper.later, func(*pdf.Page) {}, w, mark{}); err != nil {
		return nil, 0, err
	}
	var b bytes.Buffer
	if err := c.s.write(&b, f, language(lang)); err != nil {
		return nil, 0, err
	}
	return b.Bytes(), f.pages, nil
}
