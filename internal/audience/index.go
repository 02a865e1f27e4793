package audience

import (
	"bytes"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// Index keeps all customers in mind as numbers in sets: by what rules may know of their service, and by what they have said and were told of
// each scope, with the weeks in which the notices and answers lie. Beside the sets it has what was written of each, to look at those
// one by one of whom a set does not tell enough at a moment.
type Index struct {
	zone *time.Location
	from time.Time // no moment before can be asked about

	words *dictionary

	mu      sync.RWMutex
	parts   []*part
	sorted  int            // so many parts have the ids in order, and each begins behind the one before
	late    map[key]uint32 // numbers of those in the other parts
	alive   *roaring.Bitmap
	broken  *roaring.Bitmap // who cannot be read
	moving  *roaring.Bitmap // whose service or place was another after from
	moved   time.Time       // the last moment at which one of these changed
	service map[class]*roaring.Bitmap
	months  map[int32]*roaring.Bitmap  // by the month since which they are customers
	states  map[string]*roaring.Bitmap // by the state where they live
	zips    map[string]*roaring.Bitmap // by the first three digits of the ZIP code
	scopes  map[string]*scope          // by scope; "" has those who have said something that is about more than one
	lone    map[lone]home              // where those are filed of whom one row stands there, as of most
	served  served
}

// mostOfPart bounds the customers of a part: their numbers share the upper half, as those of a container of a set do.
const mostOfPart = 1 << 16

// part is a stretch of numbers with what is written of each.
type part struct {
	words
	keys []key
	at   []uint32 // where the record of each begins in data; gone: there is none any more
	data []byte
	lost int // bytes of records that were written again elsewhere
}

const gone = ^uint32(0)

// scope has those of whom something stands on the account about one scope.
type scope struct {
	all      *roaring.Bitmap
	yes      *roaring.Bitmap // who have said yes to it
	patterns map[string]*pattern
}

// pattern has those of whom the same stands there, but for the times: the same rows in the same order, of which the same came before and
// after one another where that matters.
type pattern struct {
	all   *roaring.Bitmap
	slots []*slot // of each row that time changes
}

// slot has the customers of a pattern by when one of its rows lies.
type slot struct {
	row   int // which of the rows
	kind  *kind
	weeks map[weeks]*bucket
}

// weeks are those in which a row's times lie.
type weeks struct{ rests, matures int32 }

// bucket has those whose times lie in the same weeks, and the first and last of these.
type bucket struct {
	all            *roaring.Bitmap
	rests, matures span
}

type span struct{ min, max time.Time }

func (s *span) add(t time.Time) {
	if t.Before(s.min) {
		s.min = t
	}
	if t.After(s.max) {
		s.max = t
	}
}

// newIndex makes an empty index; zone is the carrier's, and no moment before from will be asked about.
func newIndex(words *dictionary, zone *time.Location, from time.Time) *Index {
	return &Index{zone: zone, from: from, words: words, late: map[key]uint32{}, alive: roaring.New(), broken: roaring.New(), moving: roaring.New(),
		service: map[class]*roaring.Bitmap{}, months: map[int32]*roaring.Bitmap{}, states: map[string]*roaring.Bitmap{}, zips: map[string]*roaring.Bitmap{}, scopes: map[string]*scope{}, lone: map[lone]home{}}
}

// find gives a customer's number.
func (x *Index) find(k key) (uint32, bool) {
	p := sort.Search(x.sorted, func(i int) bool { return bytes.Compare(x.parts[i].keys[0][:], k[:]) > 0 }) - 1
	if p >= 0 {
		if i, ok := slices.BinarySearchFunc(x.parts[p].keys, k, func(a, b key) int { return bytes.Compare(a[:], b[:]) }); ok {
			return uint32(p)<<16 | uint32(i), true
		}
	}
	n, ok := x.late[k]
	return n, ok
}

func (x *Index) key(n uint32) key { return x.parts[n>>16].keys[n&0xffff] }

// read gives what is kept in mind of a customer, in r, whose room is used again.
func (x *Index) read(n uint32, r *record) error {
	p := x.parts[n>>16]
	at := p.at[n&0xffff]
	if at == gone {
		return errDamaged
	}
	_, err := p.read(p.data[at:], r)
	return err
}

// put takes in what is to be kept in mind of a customer from now on; nil: nothing.
func (x *Index) put(k key, r *record) error {
	n, there := x.find(k)
	if there {
		if p := x.parts[n>>16]; p.at[n&0xffff] != gone {
			var old record
			if err := x.read(n, &old); err != nil {
				return err
			}
			x.unfile(n, &old)
			p.erase(int(n & 0xffff))
		}
	}
	if r == nil {
		return nil
	}
	if !there {
		last := len(x.parts) - 1
		if last < x.sorted || len(x.parts[last].keys) == mostOfPart {
			x.parts = append(x.parts, &part{})
			last++
		}
		p := x.parts[last]
		n = uint32(last)<<16 | uint32(len(p.keys))
		p.keys, p.at = append(p.keys, k), append(p.at, gone)
		x.late[k] = n
	}
	p := x.parts[n>>16]
	begins := len(p.data)
	data, err := p.write(p.data, r)
	if err != nil {
		return err
	}
	p.data, p.at[n&0xffff] = data, uint32(begins)
	x.file(n, r)
	return nil
}

// erase overwrites a record: what was kept in mind of somebody who is forgotten stands nowhere.
func (p *part) erase(i int) {
	var r record
	if n, err := p.read(p.data[p.at[i]:], &r); err == nil {
		clear(p.data[p.at[i]:][:n])
		p.lost += n
	}
	p.at[i] = gone
}

// file puts a customer's number into the sets.
func (x *Index) file(n uint32, r *record) {
	x.alive.Add(n)
	if r.broken {
		x.broken.Add(n)
		return
	}
	if r.spans != nil {
		x.moving.Add(n)
		if r.spans.Last.After(x.moved) {
			x.moved = r.spans.Last
		}
	}
	give(x.service, r.class, n)
	give(x.months, x.month(r.since), n)
	if r.where.state != "" {
		give(x.states, r.where.state, n)
		give(x.zips, r.where.zip[:zipDigits], n)
	}
	if len(r.rows) == 1 {
		l := lone{r.rows[0].kind, shapeOf(r.rows[0])}
		h, ok := x.lone[l]
		if !ok {
			name := l.kind.scope
			if l.kind.common {
				name = ""
			}
			h = x.home(name, r.rows)
			x.lone[l] = h
		}
		x.fileIn(h, r.rows, n, l.kind.yes && !l.kind.common)
		return
	}
	eachScope(r.rows, func(name string, rows []row) { x.fileIn(x.home(name, rows), rows, n, saidYes(name, rows)) })
}

// lone is what a single row has in common with others that are filed in the same place.
type lone struct {
	kind  *kind
	shape byte
}

// home is where customers are filed of whom the same stands there about a scope.
type home struct {
	scope   *scope
	pattern *pattern
}

// home gives where rows are filed, which is made where it is not there yet.
func (x *Index) home(name string, rows []row) home {
	s := x.scopes[name]
	if s == nil {
		s = &scope{all: roaring.New(), yes: roaring.New(), patterns: map[string]*pattern{}}
		x.scopes[name] = s
	}
	id := string(patternOf(nil, rows))
	p := s.patterns[id]
	if p == nil {
		p = &pattern{all: roaring.New()}
		for i, r := range rows {
			if !r.kind.refusal {
				p.slots = append(p.slots, &slot{row: i, kind: r.kind, weeks: map[weeks]*bucket{}})
			}
		}
		s.patterns[id] = p
	}
	return home{s, p}
}

func (x *Index) fileIn(h home, rows []row, n uint32, yes bool) {
	h.scope.all.Add(n)
	if yes {
		h.scope.yes.Add(n)
	}
	h.pattern.all.Add(n)
	for _, slot := range h.pattern.slots {
		r := rows[slot.row]
		w := x.weeks(r)
		b := slot.weeks[w]
		if b == nil {
			b = &bucket{all: roaring.New(), rests: span{r.rests(), r.rests()}, matures: span{r.matures, r.matures}}
			slot.weeks[w] = b
		}
		b.all.Add(n)
		b.rests.add(r.rests())
		b.matures.add(r.matures)
	}
}

// unfile takes a customer's number out of the sets in which file has put it.
func (x *Index) unfile(n uint32, r *record) {
	x.alive.Remove(n)
	if r.broken {
		x.broken.Remove(n)
		return
	}
	x.moving.Remove(n)
	take(x.service, r.class, n)
	take(x.months, x.month(r.since), n)
	if r.where.state != "" {
		take(x.states, r.where.state, n)
		take(x.zips, r.where.zip[:zipDigits], n)
	}
	eachScope(r.rows, func(name string, rows []row) {
		s := x.scopes[name]
		if s == nil {
			return
		}
		s.all.Remove(n)
		s.yes.Remove(n)
		id := string(patternOf(nil, rows))
		p := s.patterns[id]
		if p == nil {
			return
		}
		p.all.Remove(n)
		for _, slot := range p.slots {
			w := x.weeks(rows[slot.row])
			if b := slot.weeks[w]; b != nil {
				b.all.Remove(n)
				if b.all.IsEmpty() {
					delete(slot.weeks, w)
				}
			}
		}
		if p.all.IsEmpty() {
			delete(s.patterns, id)
			clear(x.lone)
		}
		if s.all.IsEmpty() {
			delete(x.scopes, name)
		}
	})
}

// zipDigits is by how many digits of a ZIP code there are sets; longer ones are looked at one by one.
const zipDigits = 3

func give[K comparable](to map[K]*roaring.Bitmap, k K, n uint32) {
	set := to[k]
	if set == nil {
		set = roaring.New()
		to[k] = set
	}
	set.Add(n)
}

func take[K comparable](from map[K]*roaring.Bitmap, k K, n uint32) {
	set := from[k]
	if set == nil {
		return
	}
	set.Remove(n)
	if set.IsEmpty() {
		delete(from, k)
	}
}

// month is that of a moment by the carrier's dates.
func (x *Index) month(t time.Time) int32 {
	y, m, _ := t.In(x.zone).Date()
	return int32(y)*12 + int32(m) - 1
}

// eachScope gives the rows on which a use depends that needs a scope, for each scope of which something stands there: those of the scope and those
// that are about more than one, in the order in which they stand. "" has the latter alone.
func eachScope(rows []row, do func(scope string, rows []row)) {
	if len(rows) == 1 { // as most have it
		name := rows[0].kind.scope
		if rows[0].kind.common {
			name = ""
		}
		do(name, rows)
		return
	}
	var some []row
	of := func(name string) {
		some = some[:0]
		for _, r := range rows {
			if r.kind.common || r.kind.scope == name {
				some = append(some, r)
			}
		}
	}
	if of(""); len(some) > 0 {
		do("", some)
	}
	for i, r := range rows {
		name := r.kind.scope
		if r.kind.common || slices.ContainsFunc(rows[:i], func(o row) bool { return o.kind.scope == name }) {
			continue
		}
		of(name)
		do(name, some)
	}
}

func saidYes(scope string, rows []row) bool {
	return slices.ContainsFunc(rows, func(r row) bool { return r.kind.yes && r.kind.scope == scope })
}

// patternOf appends what rows have in common with those of others of whom the same can be said at every moment that lies on the same
// side of their times.
func patternOf(b []byte, rows []row) []byte {
	for _, r := range rows {
		b = strconv.AppendInt(b, int64(r.kind.no), 10)
		b = append(b, shapeOf(r))
	}
	// A yes lifts a refusal that came before it.
	for _, no := range rows {
		if !no.kind.refusal {
			continue
		}
		for _, yes := range rows {
			if !yes.kind.yes {
				continue
			}
			c := byte('-')
			if yes.since.After(no.since) {
				c = '+'
			}
			b = append(b, c)
		}
	}
	return b
}

// shapeOf tells what a row's times have in common with those of others, whenever they lie.
func shapeOf(r row) byte {
	switch {
	case r.noticed.IsZero():
		return 'n' // silence rests on nothing
	case r.matures.After(r.noticed):
		return 'w'
	}
	return 'o' // a wait never ends
}

// never is the week of what has no time.
const never = -1 << 31

func (x *Index) weeks(r row) weeks { return weeks{x.week(r.rests()), x.week(r.matures)} }

// week counts weeks by the carrier's dates.
func (x *Index) week(t time.Time) int32 {
	if t.IsZero() {
		return never
	}
	_, off := t.In(x.zone).Zone()
	s := t.Unix() + int64(off)
	w := s / (7 * 86400)
	if s < 0 {
		w--
	}
	return int32(w)
}

// Customers is how many the index has in mind.
func (x *Index) Customers() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return int(x.alive.GetCardinality())
}

// append takes in a part whose customers come behind all that are there, in order, and whose records lie one behind the other.
func (x *Index) append(p *part) error {
	if len(p.keys) == 0 {
		return nil
	}
	if len(x.parts) != x.sorted {
		return errDamaged
	}
	no := uint32(len(x.parts))
	x.parts, x.sorted = append(x.parts, p), x.sorted+1
	p.at = make([]uint32, len(p.keys))
	at := 0
	var r record
	for i := range p.keys {
		p.at[i] = uint32(at)
		n, err := p.read(p.data[at:], &r)
		if err != nil {
			return err
		}
		at += n
		x.file(no<<16|uint32(i), &r)
	}
	return nil
}
