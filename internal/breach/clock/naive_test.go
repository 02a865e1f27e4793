package clock

import (
	"slices"
	"time"

	"ringfence/internal/workday"
)

// naive reckons the clocks a second time, in another way, to be compared with Reckon: it goes through the days one by one, keeps what it has
// seen, and looks at each moment at which something may change. It knows days as numbers since 1970, finds holidays by walking through
// the months, has the numbers of the law written into it, and asks package workday for nothing.
type naive struct {
	zones    [2]*time.Location // Washington's and the carrier's
	closed   map[int]bool
	switches int // the first day of the order of 2023, and the first on which the rule of 2007 is gone
}

const never = 1 << 30

func number(d workday.Date) int { return ymd(d.Year, d.Month, d.Day) }

func ymd(y int, m time.Month, d int) int {
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func dated(n int) workday.Date {
	y, m, d := time.Unix(int64(n)*86400, 0).UTC().Date()
	return workday.Date{Year: y, Month: m, Day: d}
}

// legal are the legal holidays as observed; local is Inauguration Day, which Washington alone has.
var legal, local = func() (map[int]bool, map[int]bool) {
	const monday, thursday, saturday, sunday = 4, 0, 2, 3 // of the day numbers modulo 7: the first of January 1970 was a Thursday
	legal, local := map[int]bool{}, map[int]bool{}
	for y := 2019; y <= 2054; y++ {
		fixed := [][2]int{{1, 1}, {7, 4}, {11, 11}, {12, 25}}
		if y >= 2021 {
			fixed = append(fixed, [2]int{6, 19})
		}
		for _, f := range fixed {
			n := ymd(y, time.Month(f[0]), f[1])
			switch n % 7 {
			case saturday:
				n--
			case sunday:
				n++
			}
			legal[n] = true
		}
		for _, m := range [][3]int{{1, monday, 3}, {2, monday, 3}, {5, monday, -1}, {9, monday, 1}, {10, monday, 2}, {11, thursday, 4}} {
			var of []int
			for n := ymd(y, time.Month(m[0]), 1); n < ymd(y, time.Month(m[0]+1), 1); n++ {
				if n%7 == m[1] {
					of = append(of, n)
				}
			}
			if m[2] < 0 {
				legal[of[len(of)-1]] = true
			} else {
				legal[of[m[2]-1]] = true
			}
		}
		if y%4 == 1 {
			n := ymd(y, 1, 20)
			if n%7 == sunday {
				n++
			}
			local[n] = true
		}
	}
	return legal, local
}()

// open reports whether n is a business day; sure leaves out the days of which one may think otherwise.
func (v naive) open(n int, sure bool) bool {
	switch {
	case n%7 == 2 || n%7 == 3 || legal[n]:
		return false
	}
	return !sure || !local[n] && !v.closed[n]
}

// shown are the days that the two walls show at t, the earlier first.
func (v naive) shown(t time.Time) (int, int) {
	var n [2]int
	for i, z := range v.zones {
		n[i] = ymd(t.In(z).Date())
	}
	return min(n[0], n[1]), max(n[0], n[1])
}

// after walks days business days on from n, on the calendar of what is due.
func (v naive) after(n, days int) int {
	for ; days > 0; days-- {
		for n++; !v.open(n, false); n++ {
		}
	}
	return n
}

// midnights are the beginnings of the day n on both walls.
func (v naive) midnights(n int) []time.Time {
	d := dated(n)
	return []time.Time{time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, v.zones[0]), time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, v.zones[1])}
}

// past reports whether the day n is over on either wall at t.
func (v naive) past(n int, t time.Time) bool { _, late := v.shown(t); return late > n }

// law is one of the two rules, as naive has seen it.
type law struct {
	counts, breach bool
	since          int       // the day from which a breach counts
	required       int       // the day from which its report counts; 0: none is required
	reported       time.Time // when the last of its agencies had the report
	by             int
}

// answer is what is compared.
type answer struct {
	kind               Kind
	laws               [2]law
	agencies           []Agency
	agenciesBy         int
	reported           time.Time
	late               bool
	summary            int
	hold               string
	from               time.Time
	must               bool
	by                 int
	windowFrom         time.Time
	windowBy           int
	customersOfOld     int
	customersOfTheNext int
}

func isBreach(which int, f Facts) bool {
	some := f.Outcome != Attempted
	if which == 0 {
		return some && f.CPNI && f.Intentional != No
	}
	return some && (f.CPNI || f.Personal) && !(f.GoodFaith == Yes && f.Outcome == Accessed)
}

func isSmall(which int, f Facts) bool {
	return which == 1 && f.Customers >= 1 && f.Customers <= 499 && f.Harm == Unlikely && f.Basis
}

func (v naive) reckon(c Case, now time.Time) answer {
	var a answer
	facts := c.Facts[len(c.Facts)-1]
	v.laws(c, now, &a)
	switch {
	case facts.Outcome == Attempted:
		a.kind = Attempt
	case a.laws[0].counts && a.laws[0].breach || a.laws[1].counts && a.laws[1].breach:
		a.kind = Breach
	default:
		a.kind = RegisterEntry
	}
	if !c.Determined.IsZero() {
		v.due(c, facts, now, &a)
	}
	v.walk(c, now, &a)
	return a
}

// laws goes through what became known, in order, and keeps from when each rule made it a breach and wanted a report.
func (v naive) laws(c Case, now time.Time, a *answer) {
	end := now
	if !c.Closed.IsZero() {
		end = c.Closed
	}
	first, last := v.shown(end)
	act := 0
	if !c.Determined.IsZero() {
		act, _ = v.shown(c.Determined)
		if !c.Earlier.IsZero() {
			act = min(act, number(c.Earlier))
		}
		first = act
	}
	a.laws[0].counts = first < v.switches
	a.laws[1].counts = max(first, last) >= v.switches
	for which := range a.laws {
		l := &a.laws[which]
		for i, f := range c.Facts {
			l.breach = isBreach(which, f)
			replaced := i+1 < len(c.Facts) && !c.Facts[i+1].At.After(c.Determined)
			if c.Determined.IsZero() || replaced || !l.breach {
				continue
			}
			day := act
			if i > 0 && f.At.After(c.Determined) {
				day, _ = v.shown(f.At)
			}
			if l.since == 0 {
				l.since = day
			}
			if l.required == 0 && !isSmall(which, f) {
				l.required = day
			}
		}
	}
}

// due finds the days on which something is due.
func (v naive) due(c Case, facts Facts, now time.Time, a *answer) {
	had := map[Agency]time.Time{}
	for _, p := range c.Reports {
		for _, to := range p.Agencies {
			if _, ok := had[to]; !ok {
				had[to] = p.At
			}
		}
	}
	whenAll := func(of []Agency) time.Time {
		var last time.Time
		for _, to := range of {
			at, ok := had[to]
			if !ok {
				return time.Time{}
			}
			if at.After(last) {
				last = at
			}
		}
		return last
	}
	a.customersOfOld, a.customersOfTheNext = never, never
	open, lastDone := never, never
	var doneAt time.Time
	for which := range a.laws {
		l := &a.laws[which]
		if !l.breach || !l.counts {
			continue
		}
		of := [][]Agency{{SecretService, FBI}, {FCC, SecretService, FBI}}[which]
		if l.required > 0 {
			l.by = v.after(l.required, 7)
			if which == 1 {
				l.by = max(l.by, v.switches)
			}
			l.reported = whenAll(of)
			moment := now
			if l.reported.IsZero() {
				open = min(open, l.by)
			} else {
				moment = l.reported
				if l.reported.Equal(doneAt) {
					lastDone = min(lastDone, l.by)
				} else if l.reported.After(doneAt) {
					doneAt, lastDone = l.reported, l.by
				}
			}
			a.late = a.late || v.past(l.by, moment)
			for _, to := range of {
				if !slices.Contains(a.agencies, to) {
					a.agencies = append(a.agencies, to)
				}
			}
		} else {
			y := dated(l.since).Year + 1
			a.summary = ymd(y, 2, 1)
			for !v.open(a.summary, false) {
				a.summary++
			}
		}
		if which == 0 {
			a.customersOfOld = l.since + 30
		} else if !(facts.Harm == Unlikely && facts.Basis) && facts.Encryption != KeySafe {
			a.customersOfTheNext = max(l.since+30, v.switches)
		}
	}
	if open < never {
		a.agenciesBy = open
	} else if lastDone < never {
		a.agenciesBy = lastDone
	}
	if len(a.agencies) > 0 {
		a.reported = whenAll(a.agencies)
	}
	if first := min(a.customersOfOld, a.customersOfTheNext); first < never {
		a.must, a.by = true, first
	}
}

// walk goes through every moment at which the hold may change, from the first event until long after now, and keeps a state: who was
// told, how many days of the hold are full, which directions stand.
func (v naive) walk(c Case, now time.Time, a *answer) {
	moments := []time.Time{now}
	add := func(t time.Time) {
		if !t.IsZero() {
			moments = append(moments, t)
		}
	}
	add(c.Determined)
	for _, p := range c.Reports {
		add(p.At)
	}
	for _, d := range c.Directions {
		add(d.At)
		add(d.Dropped)
	}
	for _, l := range c.Lifts {
		add(l.At)
	}
	for _, q := range c.Consulted {
		add(q.At)
	}
	start, end := slices.MinFunc(moments, time.Time.Compare), slices.MaxFunc(moments, time.Time.Compare)
	first, _ := v.shown(start)
	_, last := v.shown(end)
	last += 45
	for _, d := range c.Directions {
		last = max(last, number(d.Until)+2)
	}
	for n := first; n <= last; n++ {
		moments = append(moments, v.midnights(n)...)
	}
	slices.SortFunc(moments, time.Time.Compare)
	moments = slices.CompactFunc(moments, time.Time.Equal)

	s := state{v: v, c: c, a: a, told: map[Agency]bool{}}
	for _, t := range moments {
		if t.Before(start) {
			continue
		}
		s.step(t)
		heldStill := s.held(t)
		if t.Equal(now) {
			switch {
			case heldStill:
				a.hold = "LE_HOLD"
			case len(s.oral) > 0:
				a.hold = "NEED_WRITING"
			}
		}
		if c.Determined.IsZero() {
			continue
		}
		if heldStill {
			a.from = time.Time{}
		} else if a.from.IsZero() {
			a.from = t
		}
		if heldStill || !s.waited() {
			a.windowFrom = time.Time{}
		} else if a.windowFrom.IsZero() {
			a.windowFrom = t
		}
	}
	if a.kind != Breach || a.windowFrom.IsZero() {
		a.windowFrom = time.Time{}
		return
	}
	next := a.laws[1]
	a.windowBy = next.since + 30
	if !next.breach || next.since == 0 {
		act, _ := v.shown(c.Determined)
		if !c.Earlier.IsZero() {
			act = min(act, number(c.Earlier))
		}
		a.windowBy = act + 30
	}
	if next.counts {
		a.windowBy = max(a.windowBy, v.switches)
	}
	if v.past(a.windowBy, a.windowFrom) {
		a.windowFrom, a.windowBy = time.Time{}, 0
	}
}

// state is what has come by the moment at which the walk is.
type state struct {
	v             naive
	c             Case
	a             *answer
	told          map[Agency]bool
	complete      bool // the report that the rule of 2007 wants
	heldFrom      int  // the day of that, the later of the two walls
	lastFull      int  // the last day that is over on both walls
	full          int  // business days of the hold that are
	said, asked   bool
	written, oral []Direction
	gone          [4]int // how many of the reports, directions, lifts and consultations have come
}

func (s *state) step(t time.Time) {
	begun, _ := s.v.shown(t) // has begun on both walls, so that the day before is over on both
	if s.lastFull == 0 {
		s.lastFull = begun - 1
	}
	for ; s.lastFull < begun-1; s.lastFull++ {
		if s.complete && s.lastFull+1 > s.heldFrom && s.v.open(s.lastFull+1, true) {
			s.full++
		}
	}
	for ; s.gone[0] < len(s.c.Reports) && !s.c.Reports[s.gone[0]].At.After(t); s.gone[0]++ {
		p := s.c.Reports[s.gone[0]]
		for _, to := range p.Agencies {
			s.told[to] = true
		}
		s.said = s.said || p.Urgent
		if !s.complete && s.told[SecretService] && s.told[FBI] {
			s.complete = true
			_, s.heldFrom = s.v.shown(p.At)
		}
	}
	for ; s.gone[3] < len(s.c.Consulted) && !s.c.Consulted[s.gone[3]].At.After(t); s.gone[3]++ {
		s.asked = true
	}
	for ; s.gone[2] < len(s.c.Lifts) && !s.c.Lifts[s.gone[2]].At.After(t); s.gone[2]++ {
		ends := func(d Direction) bool { return d.Agency == s.c.Lifts[s.gone[2]].Agency }
		s.written, s.oral = slices.DeleteFunc(s.written, ends), slices.DeleteFunc(s.oral, ends)
	}
	for ; s.gone[1] < len(s.c.Directions) && !s.c.Directions[s.gone[1]].At.After(t); s.gone[1]++ {
		d := s.c.Directions[s.gone[1]]
		if d.Written {
			s.written = append(s.written, d)
			s.oral = slices.DeleteFunc(s.oral, func(o Direction) bool { return o.Agency == d.Agency })
		} else {
			s.oral = append(s.oral, d)
		}
	}
	s.written = slices.DeleteFunc(s.written, func(d Direction) bool { return begun > number(d.Until) })
	s.oral = slices.DeleteFunc(s.oral, func(d Direction) bool {
		_, given := s.v.shown(d.At)
		return begun > number(d.Until) || begun > given+30 || !d.Dropped.IsZero() && !t.Before(d.Dropped)
	})
}

// waited reports whether the wait of 2007 is over.
func (s *state) waited() bool { return s.complete && (s.full >= 7 || s.said && s.asked) }

// held reports whether the law holds customers back at t.
func (s *state) held(t time.Time) bool {
	if s.c.Determined.IsZero() || t.Before(s.c.Determined) || len(s.written) > 0 {
		return true
	}
	for which, l := range s.a.laws {
		if !l.counts || !l.breach {
			continue
		}
		if which == 0 && !s.waited() {
			return true
		}
		if which == 1 && l.required > 0 && !(s.told[FCC] && s.told[SecretService] && s.told[FBI]) {
			return true
		}
	}
	return false
}
