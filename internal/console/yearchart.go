package console

import (
	"fmt"
	"math"
	"strconv"

	"ringfence/internal/filing/yearly"
)

// yearChart is a picture of a year, a column a month, in units of its own. It is beside a table that says the same, so nothing in it is read
// aloud; shapes and patterns, not colours, tell its parts apart.
type yearChart struct {
	ID, Title string
	Total     string // of the year, in words
	Address   string // of the records behind it; "": none
	Top       string // what the highest column stands for
	Height    int
	Bars      []yearBar
	Dots      []yearDot
	Texts     []yearText
	Unknown   []yearText // of months of which nothing is known
	Empty     bool       // nothing is on record in the whole year
	Wide      bool       // names stand beside it
}

type yearBar struct{ X, Y, W, H, Class string }
type yearDot struct{ X, Y, R string }
type yearText struct{ X, Y, Text, Class string }

const (
	yearColumn = 14  // units of a month, of which 10 are the bar
	yearTall   = 44  // of the highest column
	yearFoot   = 11  // of the letters of the months
	yearWide   = 168 // of all months
)

var monthLetters = [yearly.Months]string{"J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D"}

func at(n float64) string { return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64) }

// framed begins a chart with its months.
func framed(id, title string) *yearChart {
	c := &yearChart{ID: id, Title: title, Height: yearTall + yearFoot}
	for m, letter := range monthLetters {
		c.Texts = append(c.Texts, yearText{at(float64(m*yearColumn + yearColumn/2)), strconv.Itoa(yearTall + yearFoot - 2), letter, ""})
	}
	return c
}

func (c *yearChart) unknown(month int) {
	c.Unknown = append(c.Unknown, yearText{at(float64(month*yearColumn + yearColumn/2)), strconv.Itoa(yearTall - 3), "–", ""})
}

func (c *yearChart) bar(month int, y, h float64, class string) {
	if h <= 0 {
		return
	}
	c.Bars = append(c.Bars, yearBar{at(float64(month*yearColumn + 2)), at(y), strconv.Itoa(yearColumn - 4), at(h), class})
}

// columns draws one number a month.
func columns(s yearly.Series, class string) *yearChart {
	c := framed(s.Key, s.Title)
	top := int64(1)
	for _, x := range s.Cells {
		top = max(top, x.N)
	}
	c.Empty = true
	for m, x := range s.Cells {
		if !x.Known {
			c.unknown(m)
			continue
		}
		if x.N != 0 {
			c.Empty = false
			h := max(1.5, float64(x.N)/float64(top)*(yearTall-8))
			c.bar(m, yearTall-h, h, class)
		}
	}
	c.Top = many(top)
	return c
}

// ranges draws of a time within which half and nine in ten were done: a column to the longer one, with a mark at the shorter.
func ranges(of, median, most yearly.Series) *yearChart {
	c := framed(of.Key, of.Title)
	top := int64(1)
	for _, x := range most.Cells {
		top = max(top, x.N)
	}
	c.Empty = of.Total.N == 0
	for m := range yearly.Months {
		if !of.Cells[m].Known || !most.Cells[m].Known {
			c.unknown(m)
			continue
		}
		tall := func(n int64) float64 { return max(1.5, float64(n)/float64(top)*(yearTall-8)) }
		c.bar(m, yearTall-tall(most.Cells[m].N), tall(most.Cells[m].N), "outline")
		c.bar(m, yearTall-tall(median.Cells[m].N), tall(median.Cells[m].N), "solid")
	}
	c.Top = took(top, most.Unit)
	return c
}

// yearPatterns tell the parts of a column apart, from the bottom; the style sheet and the page have them.
var yearPatterns = []string{"solid", "slant", "dots", "level", "cross", "outline"}

// shares draws what part of all each series is, one on the other.
func shares(id, title string, all []yearly.Series) *yearChart {
	c := framed(id, title)
	c.Empty = true
	for m := range yearly.Months {
		sum := int64(0)
		for _, s := range all {
			sum += s.Cells[m].N
		}
		if !all[0].Cells[m].Known || sum == 0 {
			c.unknown(m)
			continue
		}
		c.Empty = false
		y := float64(yearTall)
		for i, s := range all {
			h := float64(s.Cells[m].N) / float64(sum) * (yearTall - 8)
			y -= h
			c.bar(m, y, h, yearPatterns[i%len(yearPatterns)])
		}
	}
	c.Top = "all"
	return c
}

const (
	mostBubbles = 8
	bubbleRow   = 14
	bubbleLeft  = 96 // of the names
)

// bubbles draws months by series, each number as a disc of its size.
func bubbles(id, title string, all []yearly.Series) *yearChart {
	c := &yearChart{ID: id, Title: title, Empty: len(all) == 0, Wide: true}
	all = all[:min(len(all), mostBubbles)]
	top := int64(1)
	for _, s := range all {
		for _, x := range s.Cells {
			top = max(top, x.N)
		}
	}
	c.Height = len(all)*bubbleRow + yearFoot
	middle := func(m int) string { return at(float64(bubbleLeft + m*yearColumn + yearColumn/2)) }
	for i, s := range all {
		y := float64(i*bubbleRow) + bubbleRow/2
		c.Texts = append(c.Texts, yearText{"0", at(y + 3), s.Title, "name"})
		for m, x := range s.Cells {
			switch {
			case !x.Known:
				c.Unknown = append(c.Unknown, yearText{middle(m), at(y + 3), "–", ""})
			case x.N > 0:
				c.Dots = append(c.Dots, yearDot{middle(m), at(y), at(1.2 + 4.8*math.Sqrt(float64(x.N)/float64(top)))})
			}
		}
	}
	for m, letter := range monthLetters {
		c.Texts = append(c.Texts, yearText{middle(m), strconv.Itoa(c.Height - 2), letter, ""})
	}
	c.Top = many(top)
	return c
}

// took writes a time shortly.
func took(n int64, unit yearly.Unit) string {
	one := func(n int64, word string) string {
		if n == 1 {
			return "1 " + word
		}
		return many(n) + " " + word + "s"
	}
	switch unit {
	case yearly.BusinessDays:
		return one(n, "business day")
	case yearly.Days:
		return one(n, "day")
	case yearly.Seconds:
		switch {
		case n < 60:
			return fmt.Sprintf("%d s", n)
		case n < 3600:
			return fmt.Sprintf("%d min", n/60)
		case n < 2*86400:
			return fmt.Sprintf("%d h", n/3600)
		}
		return one(n/86400, "day")
	}
	return many(n)
}

// width is how wide a chart is, in its units.
func (c *yearChart) width() int {
	if c.Wide {
		return bubbleLeft + yearWide
	}
	return yearWide
}
