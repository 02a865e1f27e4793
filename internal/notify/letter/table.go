package letter

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ringfence/internal/notify"
	"ringfence/internal/notify/letter/pdf"
)

// TableType is the media type of an enclosure that is a table. It goes as rows and not as pages, because only the letter
// knows its paper and on which page the table begins.
const TableType = "application/vnd.ringfence.table+json"

// Column is a column of a table.
type Column struct {
	Title string `json:"title"`
	Right bool   `json:"right,omitempty"` // its cells stand at the right, as numbers do
}

// Sheet is a table as an enclosure holds it.
type Sheet struct {
	Title   string     `json:"title"`
	Columns []Column   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

// Bounds of tables: a letter is no archive.
const (
	mostColumns = 12
	mostRows    = 50_000
)

// Table makes an enclosure of rows, such as a customer's own call records, to be sent to their address of record.
//
// cite: P-21, 47 CFR 64.2003(b), 47 CFR 64.2010(b)
func Table(title string, columns []Column, rows [][]string) (notify.Enclosure, error) {
	s := Sheet{title, columns, rows}
	if err := s.check(); err != nil {
		return notify.Enclosure{}, err
	}
	b, err := json.Marshal(s)
	if err != nil {
		return notify.Enclosure{}, fmt.Errorf("enclosing a table: %w", err)
	}
	return notify.Enclosure{Name: "table.json", Type: TableType, Bytes: b}, nil
}

// ReadTable is the table of an enclosure that Table has made.
func ReadTable(e notify.Enclosure) (Sheet, error) {
	var s Sheet
	if e.Type != TableType {
		return s, errors.New("the enclosure is no table")
	}
	if err := json.Unmarshal(e.Bytes, &s); err != nil {
		return s, fmt.Errorf("reading an enclosed table: %w", err)
	}
	return s, s.check()
}

// CSV gives the table as a file for programs, such as one that goes with an e-mail.
func (s Sheet) CSV() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	head := make([]string, len(s.Columns))
	for n, c := range s.Columns {
		head[n] = c.Title
	}
	if err := w.Write(head); err != nil {
		return nil, err
	}
	if err := w.WriteAll(s.Rows); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (s Sheet) check() error {
	if len(s.Columns) == 0 || len(s.Columns) > mostColumns {
		return fmt.Errorf("a table of %d columns: it needs between 1 and %d", len(s.Columns), mostColumns)
	}
	if len(s.Rows) > mostRows {
		return fmt.Errorf("a table of %d rows: %d is the most; send it in parts", len(s.Rows), mostRows)
	}
	for n, r := range s.Rows {
		if len(r) != len(s.Columns) {
			return fmt.Errorf("row %d of the table has %d cells and not %d", n+1, len(r), len(s.Columns))
		}
	}
	return nil
}

// How a table looks, in points.
const (
	cellSize = 8.5
	cellLead = 10.5
	cellGap  = 8.0 // between columns
	rowGap   = 3.0 // above and below a rule
)

// tableBlock lays a table out in a width. A row that is higher than a page goes on in another.
func (s *stationery) tableBlock(part *pdf.Part, t Sheet, replaced *int) *block {
	width := s.paper.right - s.paper.left
	head := make([]string, len(t.Columns))
	rows := make([][]string, len(t.Rows))
	clean := func(v string) string {
		line, n := printable(s.regular, v)
		*replaced += n
		return line
	}
	for n, c := range t.Columns {
		head[n] = clean(c.Title)
	}
	for n, r := range t.Rows {
		rows[n] = make([]string, len(r))
		for i, v := range r {
			rows[n][i] = clean(v)
		}
	}
	widths := s.columnWidths(head, rows, width)

	most := int((s.paper.bottom-s.paper.later)/cellLead) - 4
	headLines := wrapRow(s.bold, widths, head, 4)[0]
	headHeight := rowHeight(headLines)
	most -= int(headHeight/cellLead) + 1

	var laid [][][]string // rows of cells of lines
	for _, r := range rows {
		laid = append(laid, wrapRow(s.regular, widths, r, most)...)
	}
	table := pdf.Element(-1)
	b := &block{before: 8, together: 1, again: headHeight}
	for n := range max(len(laid), 1) {
		h := headHeight // the first row takes the head with it
		if n > 0 {
			h = 0
		}
		if len(laid) > 0 {
			h += rowHeight(laid[n])
		}
		b.heights = append(b.heights, h)
	}
	b.draw = func(g *pdf.Page, from, to int, y float64) {
		if table < 0 {
			table = part.Element(pdf.Root, "Table")
		}
		if from == 0 {
			tr := part.Element(table, "TR")
			s.drawRow(g, headLines, t.Columns, widths, y, s.bold, func(draw func()) { g.Tagged(part.Element(tr, "TH"), draw) })
			y += headHeight
		} else {
			// The head is read once; on later pages it is for the eye.
			s.drawRow(g, headLines, t.Columns, widths, y-headHeight, s.bold, g.Artifact)
		}
		if len(laid) == 0 {
			return
		}
		for _, r := range laid[from:to] {
			tr := part.Element(table, "TR")
			s.drawRow(g, r, t.Columns, widths, y, s.regular, func(draw func()) { g.Tagged(part.Element(tr, "TD"), draw) })
			y += rowHeight(r)
		}
	}
	return b
}

func (s *stationery) drawRow(g *pdf.Page, cells [][]string, columns []Column, widths []float64, y float64, f *pdf.Font, tagged func(func())) {
	x := s.paper.left
	for n, lines := range cells {
		tagged(func() {
			for i, line := range lines {
				at := x
				if columns[n].Right {
					at += widths[n] - f.Width(line, cellSize)
				}
				g.Text(f, cellSize, at, y+rowGap+float64(i)*cellLead+cellSize*0.85, line)
			}
		})
		x += widths[n] + cellGap
	}
	under := y + rowHeight(cells)
	g.Artifact(func() { g.Rectangle(s.paper.left, under-0.5, s.paper.right-s.paper.left, 0.5, 0.6) })
}

func rowHeight(cells [][]string) float64 {
	lines := 1
	for _, c := range cells {
		lines = max(lines, len(c))
	}
	return float64(lines)*cellLead + 2*rowGap
}

// wrapRow breaks the cells of a row into lines, and the row into rows of no more than most lines.
func wrapRow(f *pdf.Font, widths []float64, cells []string, most int) [][][]string {
	lines := make([][]string, len(cells))
	longest := 1
	for n, c := range cells {
		lines[n] = breakLines(f, cellSize, widths[n], c)
		longest = max(longest, len(lines[n]))
	}
	if longest <= most {
		return [][][]string{lines}
	}
	var rows [][][]string
	for from := 0; from < longest; from += most {
		row := make([][]string, len(cells))
		for n := range cells {
			row[n] = lines[n][min(from, len(lines[n])):min(from+most, len(lines[n]))]
		}
		rows = append(rows, row)
	}
	return rows
}

// columnWidths gives each column what it needs; when that is too much, those that need little get it and the others share
// what is left.
func (s *stationery) columnWidths(head []string, rows [][]string, width float64) []float64 {
	width -= cellGap * float64(len(head)-1)
	needs := make([]float64, len(head))
	for n, h := range head {
		needs[n] = s.bold.Width(h, cellSize)
	}
	for _, r := range rows {
		for n, c := range r {
			needs[n] = max(needs[n], s.regular.Width(c, cellSize))
		}
	}
	order := make([]int, len(needs))
	for n := range order {
		needs[n] = max(needs[n]+0.1, cellSize)
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case needs[a] < needs[b]:
			return -1
		case needs[a] > needs[b]:
			return 1
		}
		return 0
	})
	widths := make([]float64, len(needs))
	for i, n := range order {
		share := width / float64(len(order)-i)
		widths[n] = min(needs[n], share)
		width -= widths[n]
	}
	// What is left stands between the columns, so that a table is as wide as the text.
	if len(widths) > 1 && width > 0 {
		for n := range widths[:len(widths)-1] {
			widths[n] += width / float64(len(widths)-1)
		}
	}
	return widths
}

// plainText reads an enclosure of text.
func plainText(b []byte) []string {
	return strings.Split(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n")
}
