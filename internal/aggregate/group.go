// Package aggregate makes figures about many customers: how many there are, and how much they use, by month, service and place. A
// figure that would tell of few is hidden, and so is every other from which that one could be worked out.
//
// A month is counted once, when it is over. Whoever counts puts customers of the same service and place together, and those of
// whom there are too few with others, until every group can be told of; smaller groups are kept nowhere. That is done for customers
// first, and with those groups further for lines, calls and minutes. A cell of a report is given when it is made of whole groups in
// each of its months. Whatever is subtracted from whatever else, in one report or in all that were ever given, is therefore made of
// whole groups too, and none of them is small.
//
// cite: P-05, I-20, 47 USC 222(c)(3), 47 USC 222(h)(2)
package aggregate

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Measure is what is counted or added up.
type Measure string

// The measures. Customers and lines are those at the end of a month; calls and minutes those of the month.
const (
	Customers Measure = "customers"
	Lines     Measure = "lines"
	Calls     Measure = "calls"
	Minutes   Measure = "minutes"
)

// Measures lists them.
var Measures = []Measure{Customers, Lines, Calls, Minutes}

// sums are the measures that add up what each customer has; customers themselves are only counted.
var sums = []Measure{Lines, Calls, Minutes}

// Flows reports whether months of a measure add up: those of customers and lines do not, for they are the same ones.
func (m Measure) Flows() bool { return m == Calls || m == Minutes }

// Place is where customers are, and what they buy: the finest that is told apart.
type Place struct {
	Service string `json:"service"` // the categories that they buy, joined by +, in alphabetical order
	State   string `json:"state"`   // two letters; "" it is not known
	Zip     string `json:"zip"`     // the first three digits; "" it is not known
}

func comparePlaces(a, b Place) int {
	return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Zip, b.Zip))
}

// Categories are what customers of the place buy.
func (p Place) Categories() []string {
	if p.Service == "" {
		return nil
	}
	return strings.Split(p.Service, "+")
}

// Sum is what customers have together.
type Sum struct {
	Customers int64 `json:"customers"` // who have any of it
	Total     int64 `json:"total"`
	// largest and second are what the two have who have most. They are compared and never kept.
	largest, second int64
}

func (s Sum) with(o Sum) Sum {
	s.Customers, s.Total = s.Customers+o.Customers, s.Total+o.Total
	top := []int64{s.largest, s.second, o.largest, o.second}
	slices.Sort(top)
	s.largest, s.second = top[3], top[2]
	return s
}

// add puts what one customer has to the sum.
func (s Sum) add(amount int64) Sum {
	if amount <= 0 {
		return s
	}
	return s.with(Sum{Customers: 1, Total: amount, largest: amount})
}

// Group is a group of customers. One that is kept has the sum of its measure alone.
type Group struct {
	Places    []Place         `json:"places"`
	Customers int64           `json:"customers"`
	Sums      map[Measure]Sum `json:"sums,omitempty"`
}

func (g Group) with(o Group) Group {
	all := Group{Places: slices.Concat(g.Places, o.Places), Customers: g.Customers + o.Customers, Sums: map[Measure]Sum{}}
	for _, m := range sums {
		all.Sums[m] = g.Sums[m].with(o.Sums[m])
	}
	slices.SortFunc(all.Places, comparePlaces)
	return all
}

// of gives what a group has of a measure, and how many customers have it.
func (g Group) of(m Measure) (amount, customers int64) {
	if m == Customers {
		return g.Customers, g.Customers
	}
	return g.Sums[m].Total, g.Sums[m].Customers
}

// Numbers say when a group is large enough; they come from the profiles cpni-core and aggregate.
type Numbers struct {
	Smallest          int64 // customers
	LargestPercent    int64 // of a sum, at most, that one customer has
	TwoLargestPercent int64 // likewise two together
}

// tells reports whether what a group has of a measure can be told: there are enough customers in it, enough of them have part in the
// sum when any has, and no one or two of them are most of it. What is made of several such groups can be told of as well.
//
// cite: P-05, I-20, 47 USC 222(h)(2)
func (n Numbers) tells(m Measure, g Group) bool {
	if g.Customers < n.Smallest {
		return false
	}
	s := g.Sums[m]
	if m == Customers || s.Customers == 0 {
		return true
	}
	return s.Customers >= n.Smallest && s.largest*100 <= s.Total*n.LargestPercent && (s.largest+s.second)*100 <= s.Total*n.TwoLargestPercent
}

// Counted are the groups of a month for each measure: all its customers are in them, or there are none because not even all together
// can be told of. A group for one measure is made of whole groups for each measure before it (in the order of Measures). It has to
// be: how many have lines is nearly how many customers there are, so two ways of putting customers together that cross give away by
// subtraction where they differ.
type Counted map[Measure][]Group

// every gives the same groups for every measure.
func every(all []Group) Counted {
	c := Counted{}
	for _, m := range Measures {
		c[m] = all
	}
	return c
}

// grouped puts the groups of a month together until each can be told of. A measure of which nothing can be told does not coarsen those
// after it, and none coarsens those before it: that one customer makes most of all calls hides calls, and not how many customers
// there are.
//
// cite: P-05, I-20, 47 USC 222(h)(2)
func (n Numbers) grouped(of Counted) Counted {
	out := Counted{}
	var finer []Group
	for _, m := range Measures {
		some := n.groupedBy(m, whole(of[m], finer))
		if len(some) == 0 {
			continue
		}
		finer = some
		for _, g := range some {
			kept := Group{Places: g.Places, Customers: g.Customers}
			if m != Customers {
				kept.Sums = map[Measure]Sum{m: g.Sums[m]}
			}
			out[m] = append(out[m], kept)
		}
	}
	return out
}

// whole puts together those of some groups that have part in the same group of others, so that none of the others is torn.
func whole(some, others []Group) []Group {
	if len(others) == 0 {
		return slices.Clone(some)
	}
	at, parent := map[Place]int{}, make([]int, len(others))
	for i, o := range others {
		parent[i] = i
		for _, p := range o.Places {
			at[p] = i
		}
	}
	root := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	for _, g := range some {
		for _, p := range g.Places {
			parent[root(at[p])] = root(at[g.Places[0]])
		}
	}
	by := map[int]Group{}
	for _, g := range some {
		r := root(at[g.Places[0]])
		if was, ok := by[r]; ok {
			g = was.with(g)
		}
		by[r] = g
	}
	return slices.Collect(maps.Values(by))
}

// groupedBy puts groups together until each can be told of in a measure: those of a state that buy the same first, then those of a
// state, then all. It gives all customers, or none when not even all together can be told of. The same groups in any order give the
// same.
//
// cite: P-05, I-20, 47 USC 222(h)(2)
func (n Numbers) groupedBy(m Measure, all []Group) []Group {
	first := func(g Group) Place { return g.Places[0] }
	levels := []func(Group) string{
		func(g Group) string { return first(g).State + "\x00" + first(g).Service },
		func(g Group) string { return first(g).State },
		func(Group) string { return "" },
	}
	// A group that spans states is put together with others only at the last level.
	spans := func(g Group) bool { return g.Places[0].State != g.Places[len(g.Places)-1].State }
	mixed := func(g Group) bool {
		return slices.ContainsFunc(g.Places, func(p Place) bool { return p.Service != g.Places[0].Service })
	}
	for level, key := range levels {
		near := map[string][]Group{}
		var rest []Group
		for _, g := range all {
			if level == 0 && (spans(g) || mixed(g)) || level == 1 && spans(g) {
				rest = append(rest, g)
				continue
			}
			near[key(g)] = append(near[key(g)], g)
		}
		all = rest
		for _, some := range near {
			all = append(all, n.joined(m, some)...)
		}
	}
	all = slices.DeleteFunc(all, func(g Group) bool { return !n.tells(m, g) })
	slices.SortFunc(all, compareGroups)
	return all
}

func compareGroups(a, b Group) int { return comparePlaces(a.Places[0], b.Places[0]) }

// joined puts together the groups of a neighbourhood that cannot be told of: first with each other, in order, and what is left over
// with the smallest of the others. At most one is left that cannot be told of.
func (n Numbers) joined(m Measure, some []Group) []Group {
	slices.SortFunc(some, compareGroups)
	var good []Group
	var small *Group
	for _, g := range some {
		switch {
		case n.tells(m, g) && g.Customers > 0:
			good = append(good, g)
			continue
		case small != nil:
			g = small.with(g)
		}
		if n.tells(m, g) {
			good, small = append(good, g), nil
			continue
		}
		small = &g
	}
	for small != nil && len(good) > 0 {
		least := 0
		for i := range good {
			if good[i].Customers < good[least].Customers {
				least = i
			}
		}
		with := small.with(good[least])
		good = slices.Delete(good, least, least+1)
		if small = &with; n.tells(m, with) {
			good, small = append(good, with), nil
		}
	}
	if small != nil {
		good = append(good, *small)
	}
	return good
}
