package letter

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"mime"
	"strings"
	"sync"
	"time"

	"github.com/go-fonts/liberation/liberationsansbold"
	"github.com/go-fonts/liberation/liberationsansregular"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/notify/letter/pdf"
)

// Unfit is why a piece can be no letter. Another attempt does not help; another channel may.
type Unfit struct {
	Code string // no-address, address-too-long, address-unprintable, no-text, enclosure, too-many-pages
	Says string // nothing personal
}

// Error gives the sentence.
func (u *Unfit) Error() string { return u.Says }

// Bounds of a letter.
const (
	mostPages = 999     // what its mark can count
	mostText  = 1 << 20 // bytes
)

// faces are the fonts, cut once: Liberation Sans, which has the measures of Arial (SIL Open Font License 1.1).
var faces = sync.OnceValues(func() ([2]*pdf.Font, error) {
	regular, err := pdf.ParseFont("LiberationSans", liberationsansregular.TTF)
	if err != nil {
		return [2]*pdf.Font{}, err
	}
	bold, err := pdf.ParseFont("LiberationSans-Bold", liberationsansbold.TTF)
	return [2]*pdf.Font{regular, bold}, err
})

// stationery is what all letters of a carrier share.
type stationery struct {
	paper         paper
	regular, bold *pdf.Font
	carrier       string
	letterhead    []string // the first line is bold
	sender        []string
	logo          *pdf.Image
	clock         cpni.Clock
	zone          *time.Location
}

// How text looks, in points.
const (
	textSize = 10.5
	textLead = 14.5
	between  = 8 // paragraphs
)

// finished is a letter whose pages are known.
type finished struct {
	part     *pdf.Part
	pages    int
	zip      string
	replaced int // characters that the fonts lack
	title    string
}

// letter lays a piece out.
func (s *stationery) letter(piece notify.Piece, m mark) (finished, error) {
	if len(piece.Text) > mostText {
		return finished{}, &Unfit{"too-many-pages", "the text is longer than a letter can be; send less of it"}
	}
	w := wordsIn(piece.Language)
	var done finished
	clean := func(v string) string {
		line, n := printable(s.regular, v)
		done.replaced += n
		return line
	}

	address := addressLines(piece.To)
	for n, line := range address {
		lost := 0
		if address[n], lost = printable(s.regular, line); lost > 0 {
			return done, &Unfit{"address-unprintable", "the postal address has characters that cannot be printed, and the letter would go astray; write it in Latin letters"}
		}
	}
	done.zip = zip(address)
	name := strings.Join(strings.Fields(clean(piece.Name)), " ")
	lines, size, fits := fitAddress(s.regular, name, address, s.paper.address.width, s.paper.address.height)
	switch {
	case len(address) == 0:
		return done, &Unfit{"no-address", "the piece has no postal address"}
	case !fits:
		return done, &Unfit{"address-too-long", "the postal address does not fit into the window of the envelope; write it shorter"}
	case strings.TrimSpace(piece.Text) == "":
		return done, &Unfit{"no-text", "the letter says nothing"}
	}

	subject := strings.Join(strings.Fields(clean(piece.Subject)), " ")
	done.title = subject
	if subject == "" {
		done.title = w.untitled
	}
	part := pdf.NewPart(language(piece.Language))
	done.part = part
	var blocks []*block
	if subject != "" {
		blocks = append(blocks, s.paragraph(part, "H1", s.bold, 11.5, 15, 0, []string{subject}))
		blocks[0].withNext = true
	}
	for _, p := range paragraphs(piece.Text) {
		for n := range p {
			p[n] = clean(p[n])
		}
		blocks = append(blocks, s.paragraph(part, "P", s.regular, textSize, textLead, between, p))
	}
	behind, titles, err := s.enclosed(part, piece.Enclosed, &done.replaced)
	if err != nil {
		return done, err
	}
	if len(titles) > 0 {
		blocks = append(blocks, s.paragraph(part, "P", s.regular, textSize, textLead, 2*between, []string{w.enclosed + strings.Join(titles, "; ")}))
	}
	first := func(g *pdf.Page) {
		s.head(part, g)
		g.Tagged(part.Element(pdf.Root, "P"), func() {
			y := s.paper.address.y
			if s.paper.fromBottom {
				y += s.paper.address.height - float64(len(lines))*lead(size)
			}
			for n, line := range lines {
				g.Text(s.regular, size, s.paper.address.x, y+float64(n)*lead(size)+size*0.86, line+" ")
			}
		})
		g.Tagged(part.Element(pdf.Root, "P"), func() {
			g.Text(s.regular, textSize, s.paper.letterhead.x, s.paper.date, w.date(s.clock.Now().In(s.zone))+" ")
			if piece.Return != "" {
				// By this a letter that comes back, or a customer who answers, finds the message.
				g.Text(s.regular, 8, s.paper.letterhead.x, s.paper.date+12, fitted(s.regular, 8, s.paper.letterhead.width, w.reference+clean(piece.Return)))
			}
		})
	}
	err = s.set(&done, append(blocks, behind...), s.paper.first, first, w, m)
	return done, err
}

// set puts blocks on pages and finishes the part.
func (s *stationery) set(done *finished, blocks []*block, top float64, first func(*pdf.Page), w words, m mark) error {
	pages := flow(blocks, top, s.paper.later, s.paper.bottom)
	if done.pages = len(pages); done.pages > mostPages {
		return &Unfit{"too-many-pages", fmt.Sprintf("the letter has %d pages, and %d is the most; send less of it", done.pages, mostPages)}
	}
	for n, runs := range pages {
		g := done.part.Page(s.paper.width, s.paper.height)
		if n == 0 {
			first(g)
		} else {
			g.Artifact(func() {
				g.Text(s.regular, 8, s.paper.left, s.paper.later-30, fitted(s.regular, 8, s.paper.right-s.paper.left, s.carrier))
			})
		}
		for _, r := range runs {
			r.block.draw(g, r.from, r.to, r.y)
		}
		g.Artifact(func() {
			page := fmt.Sprintf(w.page, n+1, len(pages))
			g.Text(s.regular, 8, s.paper.right-s.regular.Width(page, 8), s.paper.height-10*mm, page)
			for _, y := range s.paper.folds {
				g.Rectangle(0, y-0.15, 5*mm, 0.3, 0)
			}
			if s.paper.hole > 0 {
				g.Rectangle(0, s.paper.hole-0.15, 7*mm, 0.3, 0)
			}
		})
		if m.batch != "" {
			if err := m.draw(g, s.paper, s.regular, n+1, len(pages)); err != nil {
				return err
			}
		}
	}
	return done.part.Done()
}

// head draws who writes: letterhead, and the return address where the envelope shows it.
func (s *stationery) head(part *pdf.Part, g *pdf.Page) {
	at := s.paper.letterhead
	y := at.y
	if s.logo != nil {
		width, height := float64(s.logo.Width), float64(s.logo.Height)
		scale := min(at.width/width, at.height*0.45/height)
		figure := part.Element(pdf.Root, "Figure")
		part.Describe(figure, s.carrier)
		g.Tagged(figure, func() { g.Picture(s.logo, at.x, y, width*scale, height*scale) })
		y += height*scale + 6
	}
	g.Tagged(part.Element(pdf.Root, "P"), func() {
		for n, line := range s.letterhead {
			f, size := s.regular, 8.5
			if n == 0 {
				f, size = s.bold, 11
			}
			for _, l := range breakLines(f, size, at.width, line) {
				if y+size*1.25 > at.y+at.height {
					return
				}
				g.Text(f, size, at.x, y+size, l+" ")
				y += size * 1.25
			}
		}
	})
	to := s.paper.sender
	if s.paper.senderInLine {
		g.Tagged(part.Element(pdf.Root, "P"), func() {
			g.Text(s.regular, 6.5, to.x, to.y+6.5, fitted(s.regular, 6.5, to.width, strings.Join(s.sender, " · ")))
		})
		g.Artifact(func() { g.Rectangle(to.x, to.y+9, to.width, 0.3, 0.4) })
		return
	}
	g.Tagged(part.Element(pdf.Root, "P"), func() {
		for n, line := range s.sender {
			g.Text(s.regular, 8.5, to.x, to.y+8.5+float64(n)*10, fitted(s.regular, 8.5, to.width, line)+" ")
		}
	})
}

func fitted(f *pdf.Font, size, width float64, s string) string {
	if f.Width(s, size) <= width {
		return s
	}
	return shortened(f, size, width, s)
}

// paragraph makes a block of lines, which are broken where they are too long.
func (s *stationery) paragraph(part *pdf.Part, kind string, f *pdf.Font, size, leading, before float64, lines []string) *block {
	var broken []string
	for _, l := range lines {
		broken = append(broken, breakLines(f, size, s.paper.right-s.paper.left, l)...)
	}
	b := &block{before: before, together: 2}
	for range broken {
		b.heights = append(b.heights, leading)
	}
	element := pdf.Root
	b.draw = func(g *pdf.Page, from, to int, y float64) {
		if element == pdf.Root {
			element = part.Element(pdf.Root, kind)
		}
		g.Tagged(element, func() {
			for n, line := range broken[from:to] {
				g.Text(f, size, s.paper.left, y+float64(n)*leading+size, line+" ") // so that words at its end are read apart from the next
			}
		})
	}
	return b
}

// paragraphs divides a text at its empty lines; a single end of line stays one, as in an address or a list.
func paragraphs(text string) [][]string {
	var all [][]string
	var p []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\r\n", "\n")) {
		if line = strings.TrimSpace(line); line != "" {
			p = append(p, line)
			continue
		}
		if p != nil {
			all, p = append(all, p), nil
		}
	}
	if p != nil {
		all = append(all, p)
	}
	return all
}

// enclosed lays out the documents that go behind a letter, each from a page of its own on.
func (s *stationery) enclosed(part *pdf.Part, all []notify.Enclosure, replaced *int) (blocks []*block, titles []string, err error) {
	for _, e := range all {
		kind, _, err := mime.ParseMediaType(e.Type)
		if err != nil {
			kind = e.Type
		}
		title, lost := printable(s.regular, e.Name)
		*replaced += lost
		var body *block
		switch kind {
		case TableType:
			t, err := ReadTable(e)
			if err != nil {
				return nil, nil, &Unfit{"enclosure", "an enclosed table cannot be read: " + err.Error()}
			}
			if title, lost = printable(s.regular, t.Title); lost > 0 {
				*replaced += lost
			}
			body = s.tableBlock(part, t, replaced)
		case "text/csv":
			t, err := sheetOf(e)
			if err != nil {
				return nil, nil, &Unfit{"enclosure", "an enclosed table cannot be read: " + err.Error()}
			}
			body = s.tableBlock(part, t, replaced)
		case "text/plain":
			if len(e.Bytes) > mostText {
				return nil, nil, &Unfit{"too-many-pages", "an enclosed text is longer than a letter can be; send less of it"}
			}
			lines := plainText(e.Bytes)
			for n := range lines {
				var lost int
				lines[n], lost = printable(s.regular, lines[n])
				*replaced += lost
			}
			body = s.paragraph(part, "P", s.regular, textSize, textLead, between, lines)
		default:
			return nil, nil, &Unfit{"enclosure", "a letter can enclose tables and text, and this enclosure is neither; send it another way"}
		}
		head := s.paragraph(part, "H1", s.bold, 11.5, 15, 0, []string{title})
		head.newPage, head.withNext = true, true
		blocks, titles = append(blocks, head, body), append(titles, title)
	}
	return blocks, titles, nil
}

// sheetOf reads an enclosed file of comma-separated values, whose first row is the head.
func sheetOf(e notify.Enclosure) (Sheet, error) {
	rows, err := csv.NewReader(bytes.NewReader(e.Bytes)).ReadAll()
	if err != nil {
		return Sheet{}, err
	}
	if len(rows) == 0 {
		return Sheet{}, fmt.Errorf("it is empty")
	}
	s := Sheet{Title: e.Name, Rows: rows[1:]}
	for _, title := range rows[0] {
		s.Columns = append(s.Columns, Column{Title: title})
	}
	return s, s.check()
}

func language(l string) string {
	if l == "es" {
		return "es"
	}
	return "en"
}

// write writes one letter as a document.
func (s *stationery) write(to io.Writer, f finished, language string) error {
	d := pdf.NewDocument(to, pdf.About{Title: f.title, Author: s.carrier, Language: language, Made: s.clock.Now()})
	if err := d.Add(f.part); err != nil {
		return err
	}
	return d.Close()
}
