package letter

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"image"
	_ "image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/datamatrix"
	"pgregory.net/rapid"

	"ringfence/internal/notify"
)

var update = flag.Bool("update", false, "write the golden files anew")

// word is a word as poppler finds it on a page, in points from the upper left corner.
type word struct {
	page                   int
	XMin, YMin, XMax, YMax float64
	Text                   string
}

// wordsOf reads where the words of a PDF stand.
func wordsOf(t testing.TB, file []byte) (words []word, width, height float64) {
	t.Helper()
	out := program(t, "pdftotext", "-bbox", keep(t, "letter.pdf", file), "-")
	d := xml.NewDecoder(strings.NewReader(out))
	d.Strict = false
	page := 0
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		attr := map[string]float64{}
		for _, a := range start.Attr {
			var v float64
			if _, err := fmt.Sscan(a.Value, &v); err == nil {
				attr[a.Name.Local] = v
			}
		}
		switch start.Name.Local {
		case "page":
			page++
			width, height = attr["width"], attr["height"]
		case "word":
			w := word{page: page, XMin: attr["xMin"], YMin: attr["yMin"], XMax: attr["xMax"], YMax: attr["yMax"]}
			if err := d.DecodeElement(&w.Text, &start); err != nil {
				t.Fatal(err)
			}
			words = append(words, w)
		}
	}
	if page == 0 {
		t.Fatal("poppler finds no page")
	}
	return words, width, height
}

func (w word) inside(b box) bool {
	return w.XMin >= b.x-0.01 && w.XMax <= b.x+b.width+0.01 && w.YMin >= b.y-0.01 && w.YMax <= b.y+b.height+0.01
}

func (w word) touches(b box) bool {
	return w.XMax > b.x && w.XMin < b.x+b.width && w.YMax > b.y && w.YMin < b.y+b.height
}

// TestAddressInWindow compares where a stranger's reader finds the address with the windows of the envelopes, measured from
// the envelope's edges: of the sheet as it lies, and as it lies when it has moved to the right as far as it can. Nothing
// else may be seen through them.
//
// cite: P-25, 47 CFR 64.2010(f)(2)
func TestAddressInWindow(t *testing.T) {
	envelopes := map[string]struct {
		windows []box // the address's first
		moves   float64
	}{
		// A #10 envelope is 297 points high and the folded sheet 264; the sheet lies on its bottom.
		USLetter: {[]box{{36, 264 - 45 - 72, 288, 72}, {31.5, 264 - 180 - 63, 252, 63}}, 72},
		// An envelope DL is 110 mm high and the folded sheet 105.
		A4: {[]box{{20 * mm, (105 - 15 - 45) * mm, 90 * mm, 45 * mm}}, 10 * mm},
	}
	for paper, e := range envelopes {
		for _, to := range []string{"1 Main St, Springfield, VA 22150", "12345 Northwestern Massachusetts Avenue Extension, Building 17, Apartment 1204B, Springfield Gardens, VA 22150-1234"} {
			for _, name := range []string{"Ann Lee", strings.Repeat("Maximiliana Wolfeschlegelsteinhausen ", 11), strings.Repeat("W", 400), ""} {
				t.Run(paper, func(t *testing.T) {
					cfg := config(t)
					cfg.Paper = paper
					p := notice("en")
					p.To, p.Name = to, name
					file, _, err := open(t, cfg).Render(p)
					if err != nil {
						t.Fatal(err)
					}
					words, _, _ := wordsOf(t, file)
					found := ""
					for _, w := range words {
						if w.page != 1 {
							continue
						}
						for n, window := range e.windows {
							moved := window
							moved.x -= e.moves // the sheet has moved to the right
							seen := box{moved.x, window.y, window.width + e.moves, window.height}
							if !w.touches(seen) {
								continue
							}
							if !w.inside(window) || !w.inside(moved) {
								t.Errorf("47 CFR 64.2010(f)(2): %q at %.0f,%.0f to %.0f,%.0f is cut by window %d %+v", w.Text, w.XMin, w.YMin, w.XMax, w.YMax, n, window)
							}
							if n == 0 && (paper != A4 || w.YMin > 62*mm) {
								found += w.Text + " "
							}
						}
					}
					if !strings.HasSuffix(found, strings.Join(strings.Fields(to[strings.LastIndex(to, "VA"):]), " ")+" ") || !strings.Contains(found, strings.Fields(to)[0]+" ") {
						t.Errorf("the window shows %q, and the address is %q", found, to)
					}
				})
			}
		}
	}
}

// TestNothingOutsideItsBox holds that no word of any letter leaves its page's margins, whatever is in it.
func TestNothingOutsideItsBox(t *testing.T) {
	for _, paper := range []string{USLetter, A4} {
		cfg := config(t)
		cfg.Paper = paper
		c := open(t, cfg)
		p := notice("es")
		p.Name = strings.Repeat("ñ", 200)
		p.Subject = strings.Repeat("Wort", 100) + " " + strings.Repeat("break-after-hyphens-", 30)
		p.Text = strings.Repeat("x", 3000) + "\n\n" + strings.Repeat("https://carrier.example/a/very/long/path/", 30) + "\n\n" + strings.Repeat("line\n", 200)
		e, err := Table(strings.Repeat("Title", 60), []Column{{Title: "Narrow"}, {Title: strings.Repeat("Head", 40)}, {Title: "Right", Right: true}},
			[][]string{{"a", strings.Repeat("cell", 5000), "1"}, {strings.Repeat("b ", 300), "c", strings.Repeat("9", 200)}})
		if err != nil {
			t.Fatal(err)
		}
		p.Enclosed = []notify.Enclosure{e, {Name: "terms.txt", Type: "text/plain; charset=utf-8", Bytes: []byte(strings.Repeat("Terms and conditions. ", 500))}}
		file, pages, err := c.Render(p)
		if err != nil {
			t.Fatal(err)
		}
		words, width, height := wordsOf(t, file)
		page := box{7 * mm, 7 * mm, width - 14*mm, height - 14*mm}
		for _, w := range words {
			if !w.inside(page) {
				t.Errorf("%s, page %d of %d: %.40q runs out at %.0f,%.0f to %.0f,%.0f", paper, w.page, pages, w.Text, w.XMin, w.YMin, w.XMax, w.YMax)
			}
		}
		if last := words[len(words)-1].page; last != pages {
			t.Errorf("%s: Render says %d pages, and the last words are on %d", paper, pages, last)
		}
	}
}

// TestGoldenLetters compares the text of letters, as a stranger's reader lays it out, with what was looked at.
//
// cite: P-21, P-25, 47 CFR 64.2010(f)(2)
func TestGoldenLetters(t *testing.T) {
	for _, paper := range []string{USLetter, A4} {
		for _, language := range []string{"en", "es"} {
			t.Run(paper+"-"+language, func(t *testing.T) {
				cfg := config(t)
				cfg.Paper, cfg.Letterhead.Logo = paper, logo(t)
				p := notice(language)
				p.Enclosed = []notify.Enclosure{calls(t, 60)}
				file, pages, err := open(t, cfg).Render(p)
				if err != nil {
					t.Fatal(err)
				}
				path := keep(t, "letter.pdf", file)
				got := program(t, "pdftotext", "-layout", path, "-")
				golden := filepath.Join("testdata", paper+"-"+language+".txt")
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("P-25: the letter changed; look at it, then write it anew with -update:\n%s", diff)
				}
				about := program(t, "pdfinfo", path)
				for _, want := range []string{"Tagged:          yes", "Title:           " + p.Subject, fmt.Sprintf("Pages:           %d", pages)} {
					if !strings.Contains(about, want) {
						t.Errorf("pdfinfo does not say %q:\n%s", want, about)
					}
				}
				// What those hear who cannot see: one heading a document, paragraphs, and a table with a head, once.
				tree := program(t, "pdfinfo", "-struct-text", path)
				for what, n := range map[string]int{"H1 (": 2, "Table (": 1, "TH:": 6, "Figure": 1, "TD": 60 * 6} {
					if got := strings.Count(tree, what); got != n {
						t.Errorf("the tree has %d of %q and not %d", got, what, n)
					}
				}
				if fonts := program(t, "pdffonts", path); strings.Count(fonts, " yes yes yes ") != 2 {
					t.Errorf("the fonts are not embedded, cut and readable as text:\n%s", fonts)
				}
				program(t, "qpdf", "--check", path)
			})
		}
	}
}

// picture renders a part of a page as it would be printed.
func picture(t testing.TB, file []byte, page, dpi int, part box) image.Image {
	t.Helper()
	path := keep(t, "letter.pdf", file)
	px := func(points float64) string { return fmt.Sprint(math.Round(points * float64(dpi) / 72)) }
	program(t, "pdftoppm", "-png", "-r", fmt.Sprint(dpi), "-f", fmt.Sprint(page), "-l", fmt.Sprint(page), "-x", px(part.x), "-y", px(part.y), "-W", px(part.width), "-H", px(part.height), "-singlefile", path, strings.TrimSuffix(path, ".pdf"))
	b, err := os.ReadFile(strings.TrimSuffix(path, "pdf") + "png")
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMarkIsRead reads the inserter's mark from the picture of each page, with a reader that is not ours.
func TestMarkIsRead(t *testing.T) {
	for _, paper := range []string{USLetter, A4} {
		cfg := config(t)
		cfg.Paper = paper
		c := open(t, cfg)
		p := notice("en")
		p.Enclosed = []notify.Enclosure{calls(t, 60)}
		m := mark{"06dt9c4k3w0000000000000001", 123456}
		f, err := c.s.letter(p, m)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := c.s.write(&b, f, "en"); err != nil {
			t.Fatal(err)
		}
		for page := 1; page <= f.pages; page++ {
			const dpi = 300
			place := box{markLeft - 5, c.s.paper.height - markBottom - 5, 26*module + 10, 26*module + 10}
			seen := picture(t, b.Bytes(), page, dpi, place)
			bits, err := gozxing.NewBinaryBitmapFromImage(seen)
			if err != nil {
				t.Fatal(err)
			}
			read, err := datamatrix.NewDataMatrixReader().DecodeWithoutHints(bits)
			if err != nil {
				t.Fatalf("%s: the mark of page %d cannot be read: %v", paper, page, err)
			}
			if want := m.words(page, f.pages); read.GetText() != want {
				t.Errorf("%s: the mark of page %d says %q and not %q", paper, page, read.GetText(), want)
			}
		}
	}
}

// TestPicture looks at the pixels of a letter: ink where it belongs, and none in the margins or between the windows' rims
// and what they show.
func TestPicture(t *testing.T) {
	cfg := config(t)
	cfg.Letterhead.Logo = logo(t)
	file, _, err := open(t, cfg).Render(notice("es"))
	if err != nil {
		t.Fatal(err)
	}
	m := picture(t, file, 1, 72, box{0, 0, 8.5 * inch, 11 * inch})
	ink := func(b box) int {
		n := 0
		for y := int(b.y); y < int(b.y+b.height); y++ {
			for x := int(b.x); x < int(b.x+b.width); x++ {
				if r, g, bl, _ := m.At(x, y).RGBA(); r+g+bl < 3*0xc000 {
					n++
				}
			}
		}
		return n
	}
	p := usLetter()
	for name, b := range map[string]box{"address": p.address, "sender": p.sender, "letterhead": p.letterhead, "text": {p.left, p.first, p.right - p.left, 120}, "fold": {0, p.folds[0] - 2, 14, 4}} {
		if ink(b) == 0 {
			t.Errorf("nothing is printed at the %s", name)
		}
	}
	for name, b := range map[string]box{"right margin": {p.width - 20, 0, 20, p.height}, "top": {0, 0, p.width, 18}, "address window's right": {p.address.x + p.address.width, p.window.y, 60, p.window.height}} {
		if n := ink(b); n > 0 {
			t.Errorf("%d dark pixels in what must be empty: %s", n, name)
		}
	}
}

// TestDocument makes a PDF of enclosures alone, and reads the same rows from each form of a table.
//
// cite: P-21, 47 CFR 64.2003(b)
func TestDocument(t *testing.T) {
	c := open(t, config(t))
	e := calls(t, 100)
	sheet, err := ReadTable(e)
	if err != nil {
		t.Fatal(err)
	}
	text, err := sheet.CSV()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []notify.Enclosure{e, {Name: "Calls of October 2026", Type: "text/csv", Bytes: text}} {
		file, pages, err := c.Document("es", e)
		if err != nil {
			t.Fatal(err)
		}
		got := program(t, "pdftotext", "-layout", keep(t, "calls.pdf", file), "-")
		if pages != 3 || strings.Count(got, "Lasted") != 3 || strings.Count(got, "555") != 100 || !strings.Contains(got, "Página 3 de 3") || strings.Count(got, "Calls of October 2026") != 1 {
			t.Errorf("P-21: %d pages:\n%s", pages, got)
		}
	}
	if _, _, err := c.Document("en", notify.Enclosure{Type: "image/png"}); err == nil {
		t.Error("a picture is taken for a table")
	}
	for says, rows := range map[string][][]string{"row 2": {{"a", "b"}, {"c"}}, "50001 rows": make([][]string, 50_001)} {
		if _, err := Table("x", []Column{{Title: "1"}, {Title: "2"}}, rows); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	if _, err := Table("x", nil, nil); err == nil {
		t.Error("a table without columns")
	}
	if e, err := Table("Nothing", []Column{{Title: "Date"}}, nil); err != nil {
		t.Error(err)
	} else if _, pages, err := c.Document("en", e); err != nil || pages != 1 {
		t.Errorf("a table without rows: %d pages, %v", pages, err)
	}
}

// TestReference holds that a letter bears what finds its message, and not in a window.
func TestReference(t *testing.T) {
	for _, paper := range []string{USLetter, A4} {
		cfg := config(t)
		cfg.Paper = paper
		p := notice("es")
		p.Return = "7k2n9r3t6w1y8a06h0zq8v4m"
		file, _, err := open(t, cfg).Render(p)
		if err != nil {
			t.Fatal(err)
		}
		words, _, _ := wordsOf(t, file)
		found := false
		for _, w := range words {
			found = found || w.Text == p.Return && w.XMin > cfg.paper().window.x+cfg.paper().window.width
		}
		if !found {
			t.Errorf("%s: the letter does not bear its reference beside the window", paper)
		}
	}
}

// TestSameBytes holds that a letter is made alike each time.
func TestSameBytes(t *testing.T) {
	cfg := config(t)
	cfg.Letterhead.Logo = logo(t)
	c := open(t, cfg)
	p := notice("en")
	p.Enclosed = []notify.Enclosure{calls(t, 300)}
	one, _, err := c.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		other, _, err := c.Render(p)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one, other) {
			t.Fatal("the same letter has other bytes")
		}
	}
}

// TestBreakLines is a property: no line is wider than it may be, unless it is one character; nothing is lost, doubled or
// moved; and no line could have taken more.
func TestBreakLines(t *testing.T) {
	fonts, err := faces()
	if err != nil {
		t.Fatal(err)
	}
	f := fonts[0]
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.Float64Range(1, 500).Draw(t, "width")
		s := rapid.StringOf(rapid.SampledFrom([]rune("abcdefghWWiil  --//ñÉ€□1234.,"))).Draw(t, "text")
		lines := breakLines(f, 10, width, s)
		if len(lines) == 0 {
			t.Fatal("no line at all")
		}
		for n, l := range lines {
			if w := f.Width(l, 10); w > width+1e-6 && len([]rune(l)) > 1 {
				t.Fatalf("line %d is %.2f wide and may be %.2f: %q", n, w, width, l)
			}
			if l == "" && len(lines) > 1 || strings.HasPrefix(l, " ") || strings.HasSuffix(l, " ") {
				t.Fatalf("line %d is %q", n, l)
			}
			if n+1 < len(lines) {
				next := lines[n+1]
				if i := strings.IndexByte(next, ' '); i >= 0 {
					next = next[:i]
				}
				if joined := l + " " + next; strings.Contains(" "+strings.Join(strings.Fields(s), " ")+" ", " "+joined+" ") && f.Width(joined, 10) < width-1e-6 {
					t.Fatalf("line %d %q had room for %q", n, l, next)
				}
			}
		}
		if got, want := strings.Join(strings.Fields(strings.Join(lines, "")), ""), strings.Join(strings.Fields(s), ""); got != want {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

// TestFlow is a property: rows keep their order, none is lost, no page is too full, no paragraph leaves a line alone, and a
// heading stands above what it heads.
func TestFlow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const first, later, bottom = 250, 50, 700
		n := rapid.IntRange(1, 12).Draw(t, "blocks")
		var blocks []*block
		for i := range n {
			b := &block{before: rapid.Float64Range(0, 20).Draw(t, "before"), together: rapid.IntRange(1, 2).Draw(t, "together"),
				withNext: i+1 < n && rapid.Bool().Draw(t, "heading"), newPage: rapid.IntRange(0, 5).Draw(t, "new") == 0}
			rows := rapid.IntRange(1, 90).Draw(t, "rows")
			if b.withNext {
				rows = rapid.IntRange(1, 2).Draw(t, "rows")
			}
			height := rapid.Float64Range(5, 30).Draw(t, "height")
			for range rows {
				b.heights = append(b.heights, height)
			}
			blocks = append(blocks, b)
		}
		pages := flow(blocks, first, later, bottom)
		at := map[*block]int{}
		on := map[*block][]int{}
		for p, runs := range pages {
			y := float64(later)
			if p == 0 {
				y = first
			}
			for _, r := range runs {
				if r.y < y-0.01 {
					t.Fatalf("page %d: a run stands on the one above it", p)
				}
				if r.from != at[r.block] || r.to <= r.from {
					t.Fatalf("page %d: rows %d to %d come after row %d", p, r.from, r.to, at[r.block])
				}
				at[r.block] = r.to
				on[r.block] = append(on[r.block], p)
				y = r.y + sum(r.block.heights[r.from:r.to])
				if y > bottom+0.01 {
					t.Fatalf("page %d ends at %.1f", p, y)
				}
				alone := r.to - r.from
				if r.block.together == 2 && alone == 1 && len(r.block.heights) > 1 {
					t.Fatalf("page %d: a line stands alone", p)
				}
			}
		}
		for i, b := range blocks {
			if at[b] != len(b.heights) {
				t.Fatalf("block %d has %d rows and %d are printed", i, len(b.heights), at[b])
			}
			if b.withNext && !blocks[i+1].newPage {
				last, next := on[b][len(on[b])-1], on[blocks[i+1]][0]
				if last != next && pages[last][0].block != b {
					t.Fatalf("heading %d stands on page %d and what it heads on %d", i, last, next)
				}
			}
		}
	})
}

func TestAddressLines(t *testing.T) {
	for one, want := range map[string][]string{
		"1 Main St, Springfield, VA 22150":                         {"1 Main St", "Springfield VA 22150"},
		"1 Main St, Springfield, VA, 22150":                        {"1 Main St", "Springfield VA 22150"},
		"1 Main St, Apt 4B, Springfield, VA 22150-1234, USA":       {"1 Main St", "Apt 4B", "Springfield VA 22150-1234"},
		"1 Main St\nSpringfield VA 22150":                          {"1 Main St", "Springfield VA 22150"},
		"PO Box 7,Springfield , VA  22150 ":                        {"PO Box 7", "Springfield VA 22150"},
		"1 Main St Springfield VA 22150":                           {"1 Main St Springfield VA 22150"},
		"Unter den Linden 1, 10117 Berlin, Germany":                {"Unter den Linden 1", "10117 Berlin", "Germany"},
		"Springfield, VA 22150":                                    {"Springfield VA 22150"},
		"VA 22150":                                                 {"VA 22150"},
		" ,, ":                                                     nil,
		"c/o Ann Lee, 1 Main St, Suite 200, Springfield, VA 22150": {"c/o Ann Lee", "1 Main St", "Suite 200", "Springfield VA 22150"},
	} {
		if diff := cmp.Diff(want, addressLines(one)); diff != "" {
			t.Errorf("%q: %s", one, diff)
		}
	}
	for one, want := range map[string]string{"1 Main St, Springfield, VA 22150-1234": "22150", "Apt 12345": "12345", "": "", "10117 Berlin": "", "VA 221501": ""} {
		if got := zip(addressLines(one)); got != want {
			t.Errorf("the ZIP code of %q is %q and not %q", one, got, want)
		}
	}
}

// TestUnfit holds that an address is never cut and never printed with holes, and that what a letter cannot carry is said.
//
// cite: P-25, 47 CFR 64.2010(f)(2)
func TestUnfit(t *testing.T) {
	c := open(t, config(t))
	for code, change := range map[string]func(*notify.Piece){
		"no-address":          func(p *notify.Piece) { p.To = " , " },
		"address-too-long":    func(p *notify.Piece) { p.To = strings.Repeat("A very long part of an address, ", 9) },
		"address-unprintable": func(p *notify.Piece) { p.To = "東京都千代田区1-1, Tokyo 100-0001" },
		"no-text":             func(p *notify.Piece) { p.Text = "\n \n" },
		"enclosure": func(p *notify.Piece) {
			p.Enclosed = []notify.Enclosure{{Name: "a.exe", Type: "application/octet-stream"}}
		},
		"too-many-pages": func(p *notify.Piece) { p.Text = strings.Repeat("x\n\n", 60_000) },
	} {
		p := notice("en")
		change(&p)
		_, _, err := c.Render(p)
		u, ok := err.(*Unfit)
		if !ok || u.Code != code {
			t.Errorf("%s: %v", code, err)
		} else if strings.Contains(u.Says, "Tokyo") || strings.Contains(u.Says, "very long part") {
			t.Errorf("%s tells the address: %q", code, u.Says)
		}
	}
}

// TestLongWords holds that a megabyte without a space is laid out as fast as one with spaces: else one message would hold up all.
func TestLongWords(t *testing.T) {
	c := open(t, config(t))
	long := strings.Repeat("x-", mostText/2)
	for name, change := range map[string]func(*notify.Piece){
		"text":    func(p *notify.Piece) { p.Text = strings.Repeat("x", mostText) },
		"name":    func(p *notify.Piece) { p.Name = long },
		"subject": func(p *notify.Piece) { p.Subject = long },
		"cell": func(p *notify.Piece) {
			e, err := Table("x", []Column{{Title: long[:1000]}}, [][]string{{long}})
			if err != nil {
				t.Fatal(err)
			}
			p.Enclosed = []notify.Enclosure{e}
		},
	} {
		p := notice("en")
		change(&p)
		if _, pages, err := c.Render(p); err != nil || pages < 1 {
			t.Errorf("%s: %d pages, %v", name, pages, err)
		}
	}
}

// TestReplacedVisibly holds that a name with a hole in it is seen to have one.
func TestReplacedVisibly(t *testing.T) {
	fonts, err := faces()
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]string{
		"Ann Lee": "Ann Lee", "Nu\u0301n\u0303ez": "Núñez", "Łukasz Żółć": "Łukasz Żółć", "Ольга": "Ольга",
		"李 Ann": "□ Ann", "שלום": "□□□□", "\u202eAnn\u202c": "Ann", "Ann 👩‍👩‍👧": "Ann □□□", "a\tb\u00ad\x00c": "a bc", "\xff\xfe": "□", "non\u2011stop": "non-stop",
	} {
		got, n := printable(fonts[0], s)
		if got != want || n != strings.Count(want, "□") {
			t.Errorf("%q is printed as %q with %d replaced, and not as %q", s, got, n, want)
		}
	}
}

// FuzzLetter looks for what makes a letter fail otherwise than by saying that it is unfit.
func FuzzLetter(f *testing.F) {
	f.Add("Ann Lee", "1 Main St, Springfield, VA 22150", "Subject", "Text\n\nMore", "Cell")
	f.Add(strings.Repeat("W", 400), "1 Main St, Springfield, VA 22150", strings.Repeat("s", 300), strings.Repeat("t", 2000), strings.Repeat("c", 9000))
	f.Add("שלום 👩‍👩‍👧 \u202e", "1 Main St\x00, \xff", "\n", "\r\n\r\n\x1b", "�")
	c := open(f, config(f))
	f.Fuzz(func(t *testing.T, name, to, subject, text, cell string) {
		p := notice("en")
		p.Name, p.To, p.Subject, p.Text = name, to, subject, text
		e, err := Table(subject, []Column{{Title: cell}, {Title: "b", Right: true}}, [][]string{{cell, name}, {"", to}})
		if err != nil {
			t.Fatal(err)
		}
		p.Enclosed = []notify.Enclosure{e, {Name: name, Type: "text/plain", Bytes: []byte(cell)}}
		file, pages, err := c.Render(p)
		if _, ok := err.(*Unfit); ok {
			return
		}
		if err != nil || pages < 3 || !bytes.HasSuffix(file, []byte("%%EOF\n")) {
			t.Errorf("%d pages, %v", pages, err)
		}
	})
}
