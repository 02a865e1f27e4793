package vault

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"time"

	"ringfence/internal/cpni"
)

// Call is one call of one line: call detail information.
//
// cite: P-06, 47 CFR 64.2003(d)
type Call struct {
	At       time.Time // start, UTC, to the second
	Seconds  int       // of conversation; 0 when it was not answered
	Answered bool
	Out      bool   // the line called; otherwise it was called
	Number   string // of the other side, E.164 where it can be; "" when withheld
	ID       uint64 // hash of the exchange's own id of the call; its low 48 bits are kept
}

// idMask keeps the bits of a call's id that are stored: enough that two calls of one line and month do not meet.
const idMask = 1<<48 - 1

// ErrBadCall: a call has a length, a time or a number that no call has.
var ErrBadCall = errors.New("a call has a length, a time or a number that no call has; nothing was sealed")

// Bounds of what a call can be; what lies outside is refused before it is sealed.
const (
	mostSeconds   = math.MaxInt32
	longestNumber = 1<<10 - 1
)

var firstSecond, lastSecond = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()

func (c *Call) sound() bool {
	at := c.At.Unix()
	return c.Seconds >= 0 && c.Seconds <= mostSeconds && len(c.Number) <= longestNumber && at >= firstSecond && at <= lastSecond
}

// better reports whether leg a tells more of the call than leg b: an answered leg before an unanswered one, then the
// longer, then the smaller number. It is a total order, so that legs may come in any order and any number of times.
func better(a, b Call) bool {
	switch {
	case a.Answered != b.Answered:
		return a.Answered
	case a.Seconds != b.Seconds:
		return a.Seconds > b.Seconds
	case a.Number != b.Number:
		return a.Number < b.Number
	}
	return a.Out && !b.Out
}

// join makes one call of two legs of it.
func join(a, b Call) Call {
	start := a.At
	if b.At.Before(start) {
		start = b.At
	}
	if better(b, a) {
		a = b
	}
	a.At = start
	return a
}

// Merge joins the legs of the same call and sorts by start: the same calls in any order, any split and any number of
// times give the same result. It changes its argument.
//
// cite: I-24
func Merge(calls []Call) []Call {
	var m merger
	return m.byStart(m.unique(calls))
}

// merger merges many small lists without allocating for each.
type merger struct {
	keys    []uint64
	sorted  []Call
	before  []Call
	told    []Call
	outcome []Call
}

// unique joins the legs of the same call and orders by id, in place.
func (m *merger) unique(calls []Call) []Call {
	for i := range calls {
		calls[i].ID &= idMask
		calls[i].At = time.Unix(calls[i].At.Unix(), 0).UTC()
	}
	m.sort(calls, func(c *Call) uint64 { return c.ID })
	out := calls[:0]
	for _, c := range calls {
		if n := len(out); n > 0 && out[n-1].ID == c.ID {
			out[n-1] = join(out[n-1], c)
			continue
		}
		out = append(out, c)
	}
	return out
}

// byStart orders by start and, of calls that start together, by id, in place; calls must be in the order of their ids.
func (m *merger) byStart(calls []Call) []Call {
	m.sort(calls, func(c *Call) uint64 { return uint64(c.At.Unix()-firstSecond) & idMask })
	return calls
}

// sort orders by a key of at most 48 bits, in place, and leaves calls with the same key in the order in which they are.
func (m *merger) sort(calls []Call, key func(*Call) uint64) {
	const few = 1 << 16 // whose index fits beside the key
	if len(calls) > few {
		slices.SortStableFunc(calls, func(a, b Call) int { return cmp.Compare(key(&a), key(&b)) })
		return
	}
	m.keys = m.keys[:0]
	inOrder := true
	for i := range calls {
		k := key(&calls[i])<<16 | uint64(i)
		inOrder = inOrder && (i == 0 || k > m.keys[i-1])
		m.keys = append(m.keys, k)
	}
	if inOrder {
		return
	}
	slices.Sort(m.keys)
	m.sorted = append(m.sorted[:0], calls...)
	for i, k := range m.keys {
		calls[i] = m.sorted[k&(few-1)]
	}
}

// into merges calls, which it leaves as they are, into what is there, and counts. The result is of use until the next
// call of into.
func (m *merger) into(there, calls []Call, count *Merged) (all []Call, news bool) {
	m.before = m.unique(append(m.before[:0], there...))
	m.told = m.unique(append(m.told[:0], calls...))
	m.outcome = m.outcome[:0]
	a, b := m.before, m.told
	for len(b) > 0 {
		switch {
		case len(a) > 0 && a[0].ID < b[0].ID:
			m.outcome = append(m.outcome, a[0])
			count.Same++
			a = a[1:]
		case len(a) > 0 && a[0].ID == b[0].ID:
			c := join(a[0], b[0])
			if c == a[0] {
				count.Same++
			} else {
				count.Changed++
				news = true
			}
			m.outcome = append(m.outcome, c)
			a, b = a[1:], b[1:]
		default:
			m.outcome = append(m.outcome, b[0])
			count.Added++
			news = true
			b = b[1:]
		}
	}
	count.Same += len(a)
	m.outcome = append(m.outcome, a...)
	return m.byStart(m.outcome), news
}

// Month gives the calendar month of at in zone as yyyymm: the carrier's zone decides dates.
//
// cite: I-25
func Month(at time.Time, zone *time.Location) int {
	y, m, _ := at.In(zone).Date()
	return y*100 + int(m)
}

// Portions groups calls of a line by their month in zone, the carrier's, in the order of months. The calls keep their
// order within a month.
//
// cite: I-25
func Portions(customer cpni.ID, line int, calls []Call, zone *time.Location) []Portion {
	var all []Portion
	for _, c := range calls {
		month := Month(c.At, zone)
		i, ok := slices.BinarySearchFunc(all, month, func(p Portion, month int) int { return cmp.Compare(p.Month, month) })
		if !ok {
			all = slices.Insert(all, i, Portion{Customer: customer, Line: line, Month: month})
		}
		all[i].Calls = append(all[i].Calls, c)
	}
	return all
}

func validMonth(yyyymm int) bool {
	return yyyymm >= 101 && yyyymm <= 999912 && yyyymm%100 >= 1 && yyyymm%100 <= 12
}

// nextMonth and lastMonth are the neighbours of a month.
func nextMonth(yyyymm int) int {
	if yyyymm%100 == 12 {
		return yyyymm + 100 - 11
	}
	return yyyymm + 1
}

func lastMonth(yyyymm int) int {
	if yyyymm%100 == 1 {
		return yyyymm - 100 + 11
	}
	return yyyymm - 1
}
