package letter

// Names of papers in the configuration.
const (
	USLetter = "us-letter"
	A4       = "a4"
)

// box is a place on the sheet, in points from the upper left corner.
type box struct{ x, y, width, height float64 }

// inside is the box without a rim.
func (b box) inside(rim float64) box {
	return box{b.x + rim, b.y + rim, b.width - 2*rim, b.height - 2*rim}
}

// paper says where everything stands on a sheet. All is in points.
type paper struct {
	name          string
	width, height float64
	left, right   float64 // edges of the text
	first, later  float64 // where the text begins on the first page and on those after it
	bottom        float64 // where it ends
	letterhead    box
	date          float64 // base line, at the letterhead's left edge
	// window is what can be seen of the sheet through the envelope, as the folded sheet lies in it: at its left, on its
	// bottom. address is where the lines may stand, so that they are seen as well when the sheet has moved to the right.
	window, address box
	fromBottom      bool // the last line of the address stands on the bottom of its box, because the sheet can only move up
	// sender is the place of the return address: a window of its own, or a line above the address.
	senderWindow, sender box
	senderInLine         bool
	folds                []float64
	hole                 float64 // 0: none
	sheet                float64 // grams
	envelope             float64
	steps                []step
	foldable             int // how many sheets can be folded into the envelope at most
}

// step is a class of weight: up to so many grams.
type step struct {
	grams float64
	name  string
}

const (
	inch = 72.0
	mm   = 72 / 25.4
)

// rim is how far the address stays from the edge of the window: an eighth of an inch, as the Postal Service asks
// (Domestic Mail Manual 202.5).
const rim = inch / 8

// usLetter folds in three into a #10 envelope (4 1/8 by 9 1/2 inches) with two windows: 7/8 by 3 1/2 inches, 7/16 from the
// left and 2 1/2 from the bottom; and 1 by 4 inches, 1/2 from the left and 5/8 from the bottom. The sheet is an inch
// narrower than the envelope and may so move by an inch.
func usLetter() paper {
	panel := 11 * inch / 3
	p := paper{name: USLetter, width: 8.5 * inch, height: 11 * inch, left: 0.9 * inch, right: 7.6 * inch,
		first: 4 * inch, later: inch, bottom: 11*inch - 90,
		letterhead: box{4.75 * inch, 0.5 * inch, 2.85 * inch, 1.6 * inch}, date: 2.95 * inch,
		window:       box{0.5 * inch, panel - 1.625*inch, 4 * inch, inch},
		senderWindow: box{7. / 16 * inch, panel - 3.375*inch, 3.5 * inch, 7. / 8 * inch},
		fromBottom:   true, folds: []float64{panel, 2 * panel},
		sheet: 4.55, envelope: 6.75, foldable: 6,
		steps: []step{{28.35, "1oz"}, {56.7, "2oz"}, {85.05, "3oz"}, {99.22, "3.5oz"}},
	}
	moves := inch
	p.address = p.window.inside(rim)
	p.address.width -= moves
	p.sender = p.senderWindow.inside(rim)
	p.sender.width -= moves
	return p
}

// a4 is form B of DIN 5008, for an envelope DL with one window, 45 by 90 mm, 20 from the left and 15 from the bottom. The
// address has the lower 27.3 mm of its field, and the sender a line above it.
func a4() paper {
	return paper{name: A4, width: 210 * mm, height: 297 * mm, left: 25 * mm, right: 190 * mm,
		first: 110 * mm, later: 27 * mm, bottom: 297*mm - 90,
		letterhead: box{125 * mm, 12 * mm, 65 * mm, 45 * mm}, date: 86 * mm,
		window:       box{20 * mm, 45 * mm, 90 * mm, 45 * mm},
		address:      box{25 * mm, 62.7 * mm, 72 * mm, 26 * mm},
		senderWindow: box{20 * mm, 45 * mm, 90 * mm, 45 * mm}, sender: box{25 * mm, 57 * mm, 72 * mm, 5 * mm},
		senderInLine: true, folds: []float64{105 * mm, 210 * mm}, hole: 148.5 * mm,
		sheet: 4.99, envelope: 4.5, foldable: 6,
		steps: []step{{20, "20g"}, {50, "50g"}, {100, "100g"}, {500, "500g"}},
	}
}

// weigh says what so many sheets weigh in their envelope, and in which class of weight that is. The figures are of 20 lb
// bond or 80 g paper; the printer's scales are right where they differ.
func (p paper) weigh(sheets int) (grams float64, class string) {
	grams = p.envelope + float64(sheets)*p.sheet
	if sheets <= p.foldable {
		for _, s := range p.steps {
			if grams <= s.grams {
				return grams, s.name
			}
		}
	}
	return grams, "flat"
}
