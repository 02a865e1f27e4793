package aggregate

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
)

// Dimension is by what a report tells customers apart.
type Dimension string

// The dimensions.
const (
	ByService  Dimension = "service"  // what they buy, all of it together
	ByCategory Dimension = "category" // one category that they buy; who buys two is counted at both
	ByState    Dimension = "state"
	ByZip      Dimension = "zip" // the first three digits
	ByMonth    Dimension = "month"
)

// Dimensions lists them.
var Dimensions = []Dimension{ByService, ByCategory, ByState, ByZip, ByMonth}

// Spec is what a report is asked for.
type Spec struct {
	Measure    Measure         `json:"measure"`
	By         []Dimension     `json:"by,omitempty"`         // at most two; none: one figure
	From       int             `json:"from"`                 // first month, yyyymm in the carrier's zone
	To         int             `json:"to"`                   // last month
	Categories []cpni.Category `json:"categories,omitempty"` // only customers who buy one of these; none: all
	States     []string        `json:"states,omitempty"`     // only these; none: all
	Purpose    cpni.Purpose    `json:"purpose"`
	Recipient  string          `json:"to_whom"` // carrier, or the id of a partner
}

// Bounds of what is asked.
const (
	mostBy     = 2
	mostMonths = 36
	mostStates = 60
)

var clauses = []string{"P-05", "47 USC 222(h)(2)"}

func bad(says, next string) error { return cpni.Rejected("BAD_INPUT", says, clauses, next) }

// check brings what is asked to its form, or says what is wrong with it.
func (s *Spec) check() error {
	if !slices.Contains(Measures, s.Measure) {
		return bad("the report names nothing that is counted", "ask for customers, lines, calls or minutes")
	}
	for i, d := range s.By {
		if !slices.Contains(Dimensions, d) || slices.Contains(s.By[:i], d) {
			return bad("the report is by something that is not told apart, or twice by the same", "ask by service, category, state, zip or month")
		}
	}
	if len(s.By) > mostBy {
		return bad("a report is by two things at most", "ask for two reports")
	}
	if !isMonth(s.From) || !isMonth(s.To) || s.To < s.From || len(months(s.From, s.To)) > mostMonths {
		return bad("the report is of no months, or of too many", "name the first and the last month, at most 36")
	}
	if !s.Measure.Flows() && s.From != s.To && !slices.Contains(s.By, ByMonth) {
		return bad("customers and lines of several months do not add up: they are the same ones", "ask for one month, or by month")
	}
	for i, c := range s.Categories {
		if !slices.Contains(cpni.Services, c) {
			return bad("that is no category of service", "name local, long-distance, wireless or voip")
		}
		if slices.Contains(s.Categories[:i], c) {
			return bad("a category is named twice", "name it once")
		}
	}
	if len(s.States) > mostStates {
		return bad("the report names too many states", "leave the states out to have all")
	}
	for i, x := range s.States {
		if s.States[i] = strings.ToUpper(strings.TrimSpace(x)); len(s.States[i]) != 2 {
			return bad("a state has two letters", "write VA for Virginia")
		}
	}
	if s.Recipient == "" {
		s.Recipient = string(cpni.ToCarrier)
	}
	return nil
}

func isMonth(m int) bool { return m >= 197001 && m <= 999912 && m%100 >= 1 && m%100 <= 12 }

func months(from, to int) []int {
	var all []int
	for m := from; m <= to; {
		all = append(all, m)
		if m++; m%100 > 12 {
			m += 88
		}
		if len(all) > 2*mostMonths {
			break
		}
	}
	return all
}

// Total is the word that stands in a report for all of a dimension.
const Total = ""

// Unknown stands for a place that is not known.
const Unknown = "unknown"

// Cell is a figure that was given.
type Cell struct {
	Key       []string `json:"key"` // a word for each dimension; Total for all of it
	Amount    int64    `json:"amount"`
	Customers int64    `json:"customers"` // who have part in it; of several months, in the one with most
}

// Result is what a report gives: the cells that can be given, in order. That one is not there says that it is hidden or that there
// is none, and not which.
//
// cite: P-05, I-20, 47 USC 222(h)(2)
type Result struct {
	Cells    []Cell `json:"cells"`
	Smallest int64  `json:"smallest"` // customers in the smallest of them; 0: there are none
	Hidden   bool   `json:"hidden"`   // something that was asked for is not given
}

// words are what a place is called in a dimension: in that of categories it may be several.
func (d Dimension) words(p Place, month int) []string {
	or := func(w string) []string { return []string{cmp.Or(w, Unknown)} }
	switch d {
	case ByService:
		return or(p.Service)
	case ByCategory:
		if all := p.Categories(); len(all) > 0 {
			return all
		}
		return or("")
	case ByState:
		return or(p.State)
	case ByZip:
		return or(p.Zip)
	}
	return []string{monthWord(month)}
}

func monthWord(m int) string {
	text := strconv.Itoa(m)
	return text[:4] + "-" + text[4:]
}

func (s Spec) covers(p Place) bool {
	if len(s.States) > 0 && !slices.Contains(s.States, p.State) {
		return false
	}
	return len(s.Categories) == 0 || slices.ContainsFunc(p.Categories(), func(c string) bool { return slices.Contains(s.Categories, cpni.Category(c)) })
}

// keys are the cells to which a place of a month counts: for each dimension its words, and the total of it. Of months that do not
// add up there is no total.
func (s Spec) keys(p Place, month int) [][]string {
	all := [][]string{nil}
	for _, d := range s.By {
		words := d.words(p, month)
		if d != ByMonth || s.Measure.Flows() {
			words = append(slices.Clone(words), Total)
		}
		var more [][]string
		for _, k := range all {
			for _, w := range words {
				more = append(more, append(slices.Clone(k), w))
			}
		}
		all = more
	}
	return all
}

// in reports whether a cell has part in a month.
func (s Spec) in(month int, key []string) bool {
	i := slices.Index(s.By, ByMonth)
	return i < 0 || key[i] == Total || key[i] == monthWord(month)
}

// cell is a cell while its groups are looked at.
type cell struct {
	key               []string
	amount, customers int64
	torn              bool // a group is partly in it, so it is hidden
}

// table makes the cells of a report of groups, by month. A cell is given when it is made of whole groups in each of its months; of a
// month of which nothing can be told there are none, so whatever has part in it is hidden: to give what the other months have as if it
// were all would be wrong, and to say of what it is would tell who was there in that month.
//
// cite: P-05, I-20, 47 USC 222(h)(2)
func (s Spec) table(by map[int]Counted) Result {
	cells := map[string]*cell{}
	at := func(key []string) *cell {
		name := strings.Join(key, "\x00")
		if cells[name] == nil {
			cells[name] = &cell{key: key}
		}
		return cells[name]
	}
	var r Result
	var untold []int // months
	for _, month := range months(s.From, s.To) {
		most := map[*cell]int64{} // customers of this month
		if len(by[month][s.Measure]) == 0 {
			untold, r.Hidden = append(untold, month), true
		}
		for _, g := range by[month][s.Measure] {
			inside := map[*cell]int{}
			for _, p := range g.Places {
				if !s.covers(p) {
					continue
				}
				for _, k := range s.keys(p, month) {
					inside[at(k)]++
				}
			}
			amount, customers := g.of(s.Measure)
			for c, n := range inside {
				if n < len(g.Places) {
					c.torn = true
					continue
				}
				c.amount += amount
				most[c] += customers
			}
		}
		for c, n := range most {
			c.customers = max(c.customers, n)
		}
	}
	for _, c := range cells {
		if c.torn || c.customers == 0 || slices.ContainsFunc(untold, func(m int) bool { return s.in(m, c.key) }) {
			r.Hidden = true
			continue
		}
		r.Cells = append(r.Cells, Cell{Key: c.key, Amount: c.amount, Customers: c.customers})
		if r.Smallest == 0 || c.customers < r.Smallest {
			r.Smallest = c.customers
		}
	}
	slices.SortFunc(r.Cells, func(a, b Cell) int { return slices.CompareFunc(a.Key, b.Key, compareWords) })
	return r
}

// compareWords puts totals last.
func compareWords(a, b string) int {
	if (a == Total) != (b == Total) {
		if a == Total {
			return 1
		}
		return -1
	}
	return cmp.Compare(a, b)
}
