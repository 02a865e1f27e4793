package letter

import (
	"fmt"
	"image/color"

	"github.com/boombuler/barcode/datamatrix"

	"ringfence/internal/notify/letter/pdf"
)

// mark tells an inserter which sheets belong into one envelope: the batch, the letter's number in it, the page, and how
// many there are. It stands on each page as a DataMatrix of ECC 200 and in words beside it.
type mark struct {
	batch  string // empty: the letter is only looked at, and bears none
	number int
}

// words is what the mark says: RF1/batch/number/page/pages.
func (m mark) words(page, pages int) string {
	return fmt.Sprintf("RF1/%s/%06d/%03d/%03d", m.batch, m.number, page, pages)
}

// module is the side of the mark's squares: half a millimetre is read at the speed of a line.
const module = 0.5 * mm

// The mark's place: its left upper corner, from the left and from the bottom of the sheet.
const (
	markLeft   = 10 * mm
	markBottom = 10*mm + 26*module
)

func (m mark) draw(g *pdf.Page, p paper, small *pdf.Font, page, pages int) error {
	says := m.words(page, pages)
	code, err := datamatrix.Encode(says)
	if err != nil {
		return fmt.Errorf("making the mark for the inserter: %w", err)
	}
	size := code.Bounds()
	g.Artifact(func() {
		y := p.height - markBottom
		g.Bits(markLeft, y, module, size.Dx(), size.Dy(), func(column, row int) bool {
			return code.At(column, row) == color.Black
		})
		g.Text(small, 5.5, markLeft+float64(size.Dx())*module+6, p.height-10*mm, says)
	})
	return nil
}
