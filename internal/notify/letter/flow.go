package letter

import "ringfence/internal/notify/letter/pdf"

// block is a paragraph, a heading or a table: a column of rows that may be divided between pages.
type block struct {
	before   float64 // space above it, but at the top of a page
	heights  []float64
	together int     // how many rows stay together at least, at the foot of a page and at the head of the next
	withNext bool    // its last row stands on the page of the next block's first rows
	newPage  bool    // it begins a page
	again    float64 // height of the head that is repeated on each page after its first; 0: none
	draw     func(g *pdf.Page, from, to int, y float64)
}

// run is a part of a block on a page.
type run struct {
	block    *block
	from, to int
	y        float64
}

// flow divides blocks between pages. No row is higher than a page.
func flow(blocks []*block, first, later, bottom float64) [][]run {
	pages := [][]run{nil}
	y := first
	top := true
	turn := func() {
		pages = append(pages, nil)
		y, top = later, true
	}
	for n, b := range blocks {
		if b.newPage && n > 0 {
			turn()
		}
		from := 0
		for from < len(b.heights) {
			start := y
			if !top && from == 0 {
				start += b.before
			}
			if from > 0 {
				start += b.again
			}
			to := b.fits(from, bottom-start)
			if to == len(b.heights) && b.withNext && !top && !begins(blocks[n+1:], bottom-start-sum(b.heights[from:])) {
				to = from
			}
			if to == from {
				if !top {
					turn()
					continue
				}
				to = from + 1 // a row that is too high for its page stands there alone
			}
			pages[len(pages)-1] = append(pages[len(pages)-1], run{b, from, to, start})
			y, top = start+sum(b.heights[from:to]), false
			from = to
			if from < len(b.heights) {
				turn()
			}
		}
	}
	return pages
}

// begins reports whether the first of some blocks can begin in a height, with what it stands above.
func begins(blocks []*block, height float64) bool {
	if len(blocks) == 0 || blocks[0].newPage {
		return true
	}
	b := blocks[0]
	height -= b.before
	switch b.fits(0, height) {
	case 0:
		return false
	case len(b.heights):
		return !b.withNext || begins(blocks[1:], height-sum(b.heights))
	}
	return true
}

// fits is the row up to which the block can stand in a height from a row on, without leaving fewer rows than stay together.
func (b *block) fits(from int, height float64) int {
	to := from
	for to < len(b.heights) && b.heights[to] <= height+0.001 {
		height -= b.heights[to]
		to++
	}
	if to == len(b.heights) {
		return to
	}
	if left := len(b.heights) - to; left < b.together {
		to = len(b.heights) - b.together
	}
	if to-from < b.together {
		return from
	}
	return to
}

func sum(heights []float64) float64 {
	all := 0.0
	for _, h := range heights {
		all += h
	}
	return all
}
