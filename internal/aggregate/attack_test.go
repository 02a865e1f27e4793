package aggregate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
)

// person is a customer of a made-up month.
type person struct {
	at                    Place
	lines, calls, minutes int64
}

// numbers are those of the profiles.
var numbers = Numbers{Smallest: 10, LargestPercent: 50, TwoLargestPercent: 80}

// population are all customers, by month.
type population map[int][]person

func (p population) groups(month int) []Group {
	at := map[Place]Group{}
	for _, x := range p[month] {
		g := at[x.at]
		if g.Customers == 0 {
			g = Group{Places: []Place{x.at}, Sums: map[Measure]Sum{}}
		}
		g.Customers++
		for m, n := range map[Measure]int64{Lines: x.lines, Calls: x.calls, Minutes: x.minutes} {
			g.Sums[m] = g.Sums[m].add(n)
		}
		at[x.at] = g
	}
	var all []Group
	for _, g := range at {
		all = append(all, g)
	}
	slices.SortFunc(all, compareGroups)
	return all
}

// of gives what a customer has of a measure.
func (x person) of(m Measure) int64 {
	return map[Measure]int64{Customers: 1, Lines: x.lines, Calls: x.calls, Minutes: x.minutes}[m]
}

// told is a figure that was given: which places and months it is made of.
type told struct {
	spec  Spec
	key   []string
	atoms []atom
	cell  Cell
}

type atom struct {
	month int
	place Place
}

// atomsOf are the places and months of a cell, of those where anybody is.
func (h held) atomsOf(s Spec, key []string) []atom {
	var all []atom
	for _, a := range slices.SortedFunc(maps.Keys(h), compareAtoms) {
		if a.month >= s.From && a.month <= s.To && s.covers(a.place) && slices.ContainsFunc(s.keys(a.place, a.month), func(k []string) bool { return slices.Equal(k, key) }) {
			all = append(all, a)
		}
	}
	return all
}

func compareAtoms(a, b atom) int {
	return cmp.Or(cmp.Compare(a.month, b.month), comparePlaces(a.place, b.place))
}

// held are what places of months have of every measure.
type held map[atom]map[Measure]Sum

func (p population) held() held {
	all := held{}
	for month, people := range p {
		for _, x := range people {
			a := atom{month, x.at}
			if all[a] == nil {
				all[a] = map[Measure]Sum{}
			}
			for _, m := range Measures {
				all[a][m] = all[a][m].add(x.of(m))
			}
		}
	}
	return all
}

// sensitive reports whether what places of months have together tells of few: in each month fewer customers than may be, or of one
// month one or two customers have most of it.
func (h held) sensitive(m Measure, atoms []atom) bool {
	s, by := Sum{}, map[int]int64{}
	for _, a := range atoms {
		if x := h[a][m]; x.Customers > 0 {
			s = s.with(x)
			by[a.month] += x.Customers
		}
	}
	most := int64(0)
	for _, n := range by {
		most = max(most, n)
	}
	if most == 0 {
		return false
	}
	if m == Customers {
		return most < numbers.Smallest
	}
	return most < numbers.Smallest || len(by) == 1 && (s.largest*100 > s.Total*numbers.LargestPercent || (s.largest+s.second)*100 > s.Total*numbers.TwoLargestPercent)
}

// prime is the field in which equations are solved; what holds of counts holds in it.
const prime = 2147483629

func power(b, e uint64) uint64 {
	r := uint64(1)
	for ; e > 0; e >>= 1 {
		if e&1 == 1 {
			r = r * b % prime
		}
		b = b * b % prime
	}
	return r
}

// solver keeps equations in echelon form.
type solver struct {
	rows   [][]uint64
	pivots []int
}

// reduce takes from v all that the equations give, and tells whether nothing is left of it.
func (s *solver) reduce(v []uint64) bool {
	for i, r := range s.rows {
		if f := v[s.pivots[i]]; f != 0 {
			for j := range v {
				v[j] = (v[j] + (prime-f)*r[j]) % prime
			}
		}
	}
	return !slices.ContainsFunc(v, func(x uint64) bool { return x != 0 })
}

func (s *solver) add(v []uint64) {
	if s.reduce(v) {
		return
	}
	p := slices.IndexFunc(v, func(x uint64) bool { return x != 0 })
	inverse := power(v[p], prime-2)
	for j := range v {
		v[j] = v[j] * inverse % prime
	}
	s.rows, s.pivots = append(s.rows, v), append(s.pivots, p)
}

// attack takes every figure that was given, in whatever report, and works out what follows from them: by equations, and by taking
// each from each that holds it. It takes figures of one measure with those of the measures after it, for who has part in the one has
// mostly part in the other: nearly everybody has a line. It says of what it has found out though it tells of few.
func attack(h held, all []told, asked []told) []string {
	var found []string
	// What each place of each month has is not known; every figure is an equation.
	at := map[atom]int{}
	for _, a := range slices.SortedFunc(maps.Keys(h), compareAtoms) {
		at[a] = len(at)
	}
	vector := func(atoms []atom) []uint64 {
		v := make([]uint64, len(at))
		for _, a := range atoms {
			v[at[a]] = 1
		}
		return v
	}
	for i, m := range Measures {
		// Who has part in a later measure tells of this one only in months of which something is given of it; that there are customers
		// is so in every month.
		given := map[int]bool{}
		for _, t := range all {
			for _, a := range t.atoms {
				given[a.month] = given[a.month] || m == Customers || t.spec.Measure == m
			}
		}
		s := &solver{}
		mine := map[string][]atom{} // each set of places once
		targets := map[string][]atom{}
		for a := range at {
			targets[fmt.Sprint([]atom{a})] = []atom{a}
		}
		for _, t := range asked {
			targets[fmt.Sprint(t.atoms)] = t.atoms
		}
		for _, t := range all {
			if slices.Contains(Measures[i:], t.spec.Measure) && mine[fmt.Sprint(t.atoms)] == nil && !slices.ContainsFunc(t.atoms, func(a atom) bool { return !given[a.month] }) {
				s.add(vector(t.atoms))
				mine[fmt.Sprint(t.atoms)] = t.atoms
			}
		}
		for _, t := range targets {
			if len(t) > 0 && h.sensitive(m, t) && s.reduce(vector(t)) {
				found = append(found, fmt.Sprintf("%s of %v", m, t))
			}
		}
		for _, big := range mine {
			in := map[atom]bool{}
			for _, a := range big {
				in[a] = true
			}
			for _, small := range mine {
				if len(small) >= len(big) || slices.ContainsFunc(small, func(a atom) bool { return !in[a] }) {
					continue
				}
				rest := slices.DeleteFunc(slices.Clone(big), func(a atom) bool { return slices.Contains(small, a) })
				if h.sensitive(m, rest) {
					found = append(found, fmt.Sprintf("%s of %v", m, rest))
				}
			}
		}
	}
	return found
}

// given are the figures of reports made of groups; those that hide says are left out. asked are all that were asked for.
func (h held) given(specs []Spec, by map[int]Counted, hide func(Cell) bool) (all, asked []told) {
	for _, s := range specs {
		for _, c := range s.table(by).Cells {
			if !hide(c) {
				all = append(all, told{s, c.Key, h.atomsOf(s, c.Key), c})
			}
		}
		cells := map[string]*told{}
		for a := range h {
			if a.month < s.From || a.month > s.To || !s.covers(a.place) {
				continue
			}
			for _, k := range s.keys(a.place, a.month) {
				name := strings.Join(k, "\x00")
				if cells[name] == nil {
					cells[name] = &told{spec: s, key: k}
				}
				cells[name].atoms = append(cells[name].atoms, a)
			}
		}
		for _, c := range cells {
			slices.SortFunc(c.atoms, compareAtoms)
			asked = append(asked, *c)
		}
	}
	return all, asked
}

// everything asks for all that can be asked for of some months.
func everything(from, to int) []Spec {
	var all []Spec
	by := [][]Dimension{nil}
	for i, a := range Dimensions {
		by = append(by, []Dimension{a})
		for _, b := range Dimensions[i+1:] {
			by = append(by, []Dimension{a, b})
		}
	}
	for _, m := range Measures {
		for _, b := range by {
			for _, month := range months(from, to) {
				all = append(all, Spec{Measure: m, By: b, From: month, To: month})
			}
			if m.Flows() || slices.Contains(b, ByMonth) {
				all = append(all, Spec{Measure: m, By: b, From: from, To: to})
			}
		}
		for _, c := range cpni.Services {
			all = append(all, Spec{Measure: m, By: []Dimension{ByZip}, From: from, To: from, Categories: []cpni.Category{c}})
		}
		for _, s := range []string{"VA", "MD", "WY"} {
			all = append(all, Spec{Measure: m, By: []Dimension{ByService}, From: from, To: from, States: []string{s}})
		}
	}
	return all
}

// people draws a population: crowded places and lonely ones, and now and then a customer who uses more than all others.
func people(t *rapid.T) population {
	p := population{}
	services := []string{"local", "voip", "local+long-distance", "wireless", ""}
	for _, m := range []int{202609, 202610} {
		for _, state := range []string{"VA", "MD", "WY"} {
			for zip := range 2 {
				for _, service := range services {
					n := rapid.SampledFrom([]int{0, 0, 1, 2, 3, 9, 10, 11, 25}).Draw(t, "customers")
					for range n {
						x := person{at: Place{Service: service, State: state, Zip: fmt.Sprintf("%s%d", map[string]string{"VA": "22", "MD": "20", "WY": "82"}[state], zip)}, lines: 1,
							calls: int64(rapid.IntRange(0, 3).Draw(t, "calls"))}
						if rapid.IntRange(0, 2).Draw(t, "uses") > 0 {
							x.minutes = int64(rapid.IntRange(1, 100).Draw(t, "minutes"))
						}
						if rapid.IntRange(0, 60).Draw(t, "business") == 0 {
							x.lines, x.minutes = 900, 100_000
						}
						p[m] = append(p[m], x)
					}
				}
			}
		}
	}
	return p
}

func nothing(Cell) bool { return false }

// Whoever has many reports, whichever they ask for, and solves all equations that they make, finds out nothing that tells of few.
//
// cite: P-05, I-20, 47 USC 222(h)(2)
func TestAttacker(t *testing.T) {
	specs := everything(202609, 202610)
	rapid.Check(t, func(t *rapid.T) {
		p := people(t)
		by := map[int]Counted{}
		for m := range p {
			by[m] = numbers.grouped(every(p.groups(m)))
		}
		h := p.held()
		all, asked := h.given(rapid.SliceOfN(rapid.SampledFrom(specs), 1, 20).Draw(t, "reports"), by, nothing)
		for _, x := range all {
			if h.sensitive(x.spec.Measure, x.atoms) {
				t.Fatalf("given: %+v", x)
			}
			var amount int64
			for _, a := range x.atoms {
				amount += h[a][x.spec.Measure].Total
			}
			if amount != x.cell.Amount {
				t.Fatalf("%s of %v is %d, given as %d", x.spec.Measure, x.key, amount, x.cell.Amount)
			}
		}
		if found := attack(h, all, asked); len(found) > 0 {
			t.Fatalf("of %d figures follow %q", len(all), found)
		}
	})
}

// The attacker is one: where small groups are told of, or only the small cells themselves are hidden, they find them.
//
// cite: P-05, I-20
func TestAttackerFinds(t *testing.T) {
	p := population{}
	for zip, n := range map[string]int{"220": 40, "221": 3, "222": 25} {
		for range n {
			p[202609] = append(p[202609], person{at: Place{Service: "local", State: "VA", Zip: zip}, lines: 1, calls: 2, minutes: 5})
		}
	}
	specs := []Spec{{Measure: Customers, By: []Dimension{ByZip}, From: 202609, To: 202609}}
	apart := map[int]Counted{202609: every(p.groups(202609))}
	h := p.held()
	all, asked := h.given(specs, apart, nothing)
	if found := attack(h, all, asked); len(found) == 0 {
		t.Error("nothing is hidden, and the attacker finds nothing")
	}
	all, asked = h.given(specs, apart, func(c Cell) bool { return c.Customers < numbers.Smallest })
	if found := attack(h, all, asked); len(found) == 0 {
		t.Error("only the small cell is hidden, and the attacker does not take the others from the total")
	}
	// Two reports, of which neither gives it away alone.
	specs = []Spec{{Measure: Customers, From: 202609, To: 202609}, {Measure: Customers, By: []Dimension{ByZip}, From: 202609, To: 202609}}
	all, asked = h.given(specs, apart, func(c Cell) bool { return c.Customers < numbers.Smallest || len(c.Key) == 1 && c.Key[0] == Total })
	if found := attack(h, all, asked); len(found) == 0 {
		t.Error("the attacker does not take one report from another")
	}
	good := map[int]Counted{202609: numbers.grouped(every(p.groups(202609)))}
	all, asked = h.given(specs, good, nothing)
	if found := attack(h, all, asked); len(found) > 0 || len(all) < 2 {
		t.Errorf("of %d figures follow %q", len(all), found)
	}
	// Customers and lines put together in ways that cross: each group is large enough, and the three are the difference.
	places := p.groups(202609)
	cross := map[int]Counted{202609: {Customers: {places[0].with(places[1]), places[2]}, Lines: {places[0], places[1].with(places[2])}}}
	specs = []Spec{{Measure: Customers, By: []Dimension{ByZip}, From: 202609, To: 202609}, {Measure: Lines, By: []Dimension{ByZip}, From: 202609, To: 202609}}
	all, asked = h.given(specs, cross, nothing)
	if found := attack(h, all, asked); len(found) == 0 {
		t.Error("the attacker does not take lines from customers")
	}
}

// A sum that one customer or two are most of is told only with those of others.
//
// cite: P-05, I-20, 47 USC 222(h)(2)
func TestOneWhoIsMostOfIt(t *testing.T) {
	p := population{}
	add := func(zip string, n int, minutes int64) {
		for range n {
			p[202609] = append(p[202609], person{at: Place{Service: "local", State: "VA", Zip: zip}, lines: 1, minutes: minutes})
		}
	}
	add("220", 30, 100)
	add("221", 30, 10)
	add("221", 1, 1000)
	add("222", 20, 100)
	by := map[int]Counted{202609: numbers.grouped(every(p.groups(202609)))}
	r := Spec{Measure: Minutes, By: []Dimension{ByZip}, From: 202609, To: 202609}.table(by)
	for _, c := range r.Cells {
		if c.Key[0] == "221" {
			t.Errorf("the minutes of one customer are told: %+v", c)
		}
	}
	if len(r.Cells) < 2 || !r.Hidden {
		t.Errorf("%+v", r)
	}
	// That one uses most hides what is used, and not how many there are.
	if r := (Spec{Measure: Customers, By: []Dimension{ByZip}, From: 202609, To: 202609}).table(by); len(r.Cells) != 4 || r.Hidden {
		t.Errorf("%+v", r)
	}
}

// Of a month of which nothing can be told, because one customer is most of all that was used, nothing is given with other months
// either: what the others have is not given as if it were of both.
//
// cite: P-05, I-20, 47 USC 222(h)(2)
func TestMonthThatCannotBeTold(t *testing.T) {
	p := population{}
	for _, m := range []int{202609, 202610} {
		for i := range 40 {
			x := person{at: Place{Service: "local", State: []string{"VA", "MD"}[i%2], Zip: "220"}, lines: 1, calls: 2, minutes: 5}
			if m == 202610 && i == 0 {
				x.minutes = 100_000
			}
			p[m] = append(p[m], x)
		}
	}
	by := map[int]Counted{}
	for m := range p {
		by[m] = numbers.grouped(every(p.groups(m)))
	}
	both := Spec{From: 202609, To: 202610}
	for _, c := range []struct {
		measure Measure
		by      []Dimension
		want    string
	}{
		{Minutes, nil, "[]"},
		{Minutes, []Dimension{ByState}, "[]"},
		{Minutes, []Dimension{ByMonth}, "[[2026-09]=200]"},
		{Minutes, []Dimension{ByState, ByMonth}, "[[MD 2026-09]=100 [VA 2026-09]=100 [ 2026-09]=200]"},
		{Calls, nil, "[[]=160]"},
		{Customers, []Dimension{ByMonth}, "[[2026-09]=40 [2026-10]=40]"},
	} {
		s := both
		s.Measure, s.By = c.measure, c.by
		r := s.table(by)
		got := []string{}
		for _, c := range r.Cells {
			got = append(got, fmt.Sprintf("%v=%d", c.Key, c.Amount))
		}
		if fmt.Sprint(got) != c.want || r.Hidden != (c.measure == Minutes) {
			t.Errorf("%s by %v: %v, hidden %v, want %s", c.measure, c.by, got, r.Hidden, c.want)
		}
	}
}

// Whoever asks for the same in another order, or of groups in another order, gets the same; and what is put together further is made of
// whole groups of before.
//
// cite: P-05, I-20
func TestGroupsAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := people(t)
		groups := p.groups(202609)
		once := numbers.grouped(every(slices.Clone(groups)))
		again := numbers.grouped(every(rapid.Permutation(groups).Draw(t, "order")))
		if fmt.Sprint(places(once)) != fmt.Sprint(places(again)) {
			t.Fatalf("%v\n%v", places(once), places(again))
		}
		stricter := numbers
		stricter.Smallest = 25
		later := stricter.grouped(once)
		for _, c := range []struct {
			Numbers
			Counted
		}{{numbers, once}, {stricter, later}} {
			var finer []Group
			for _, m := range Measures {
				all, n := c.Counted[m], int64(0)
				for _, g := range all {
					if s := g.Sums[m]; g.Customers < c.Smallest || s.Customers > 0 && s.Customers < c.Smallest || !c.tells(m, g) || m != Customers && len(g.Sums) != 1 || m == Customers && len(g.Sums) > 0 {
						t.Fatalf("%s: %+v cannot be told of, or has more than is told", m, g)
					}
					n += g.Customers
				}
				if len(all) == 0 {
					continue
				}
				if n != int64(len(p[202609])) {
					t.Fatalf("%s: %d customers of %d", m, n, len(p[202609]))
				}
				untorn(t, all, finer)
				finer = all
			}
		}
		for _, m := range Measures {
			if len(later[m]) > 0 {
				untorn(t, later[m], once[m])
			}
		}
	})
}

// untorn fails when a group of finer ones is in several of others, or in none.
func untorn(t *rapid.T, all, finer []Group) {
	for _, was := range finer {
		if !slices.ContainsFunc(all, func(g Group) bool {
			return !slices.ContainsFunc(was.Places, func(p Place) bool { return !slices.Contains(g.Places, p) })
		}) {
			t.Fatalf("a group was torn: %v", was.Places)
		}
	}
}

func places(c Counted) map[Measure][][]Place {
	out := map[Measure][][]Place{}
	for m, all := range c {
		for _, g := range all {
			out[m] = append(out[m], g.Places)
		}
	}
	return out
}
