// Package aggregate makes figures about many customers: how many there are, and how much they use, by month, service and place. A
// figure that would tell of few is hidden, and so is every other from which that one could be worked out.
//
// A month is counted once, when it is over. Whoever counts puts customers of the same service and place together, and those of
// whom there are too few with others, until every group can be told of; smaller groups are kept nowhere. A cell of a report is
// given when it is made of whole groups. Whatever is subtracted from whatever else, in one report or in all that were ever given,
// is therefore made of whole groups too, and none of them is small.
//
// cite: P-05, I-20, 47 USC 222(c)(3), 47 USC 222(h)(2)
package aggregate

import (
	"cmp"
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

// Group is a group of customers that is large enough to be told of.
type Group struct {
	Places    []Place         `json:"places"`
	Customers int64           `json:"customers"`
	Sums      map[Measure]Sum `json:"sums"`
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

// tells reports whether a group can be told of: there are enough customers in it, enough of them have part in each sum in which any
// has, and no one or two of them are most of it. What is made of several such groups is one as well.
//
// cite: P-05, I-20, 47 USC 222(h)(2)
func (n Numbers) tells(g Group) bool {
	if g.Customers < n.Smallest {
		return false
	}
	for _, m := range sums {
		s := g.Sums[m]
		if s.Customers == 0 {
			continue
		}
		if s.Customers < n.Smallest || s.largest*100 > s.Total*n.LargestPercent || (s.largest+s.second)*100 > s.Total*n.TwoLargestPercent {
			return false
		}
	}
	return true
}

// grouped puts groups together until each can be told of: those of a state that buy the same first, then those of a state, then
// all. With too few customers in all it gives none. The same groups in any order give the same.
//
// cite: P-05, I-20, 47 USC 222(h)(2)
func (n Numbers) grouped(all []Group) []Group {
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
			all = append(all, n.joined(some)...)
		}
	}
	all = slices.DeleteFunc(all, func(g Group) bool { return !n.tells(g) })
	slices.SortFunc(all, compareGroups)
	return all
}

func compareGroups(a, b Group) int { return comparePlaces(a.Places[0], b.Places[0]) }

// joined puts together the groups of a neighbourhood that cannot be told of: first with each other, in order, and what is left over
// with the smallest of the others. At most one is left that cannot be told of.
func (n Numbers) joined(some []Group) []Group {
	slices.SortFunc(some, compareGroups)
	var good []Group
	var small *Group
	for _, g := range some {
		switch {
		case n.tells(g) && g.Customers > 0:
			good = append(good, g)
			continue
		case small != nil:
			g = small.with(g)
		}
		if n.tells(g) {
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
		if small = &with; n.tells(with) {
			good, small = append(good, with), nil
		}
	}
	if small != nil {
		good = append(good, *small)
	}
	return good
}
