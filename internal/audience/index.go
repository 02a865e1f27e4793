package audience

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"ringfence/internal/cpni"
)

// Index keeps all customers in mind as numbers in sets: by what rules may know of their service, and by what they have said and were told of
// each scope, with the weeks in which the notices and answers lie. Beside the sets it has what was written of each, to look at those
// one by one of whom a set does not tell enough at a moment.
type Index struct {
	zone *time.Location
	from time.Time // no moment before can be asked about

	kindsMu sync.RWMutex
	kinds   map[string]*kind

	mu      sync.RWMutex
	parts   []*part
	sorted  int            // so many parts have the ids in order, and each begins behind the one before
	late    map[key]uint32 // numbers of those in the other parts
	alive   *roaring.Bitmap
	broken  *roaring.Bitmap // who cannot be read
	moving  *roaring.Bitmap // whose service was another after from
	service map[class]*roaring.Bitmap
	scopes  map[string]*scope // by scope; "" has those who have said something that is about more than one
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

// NewIndex makes an empty index; zone is the carrier's, and no moment before from will be asked about.
func NewIndex(zone *time.Location, from time.Time) *Index {
	return &Index{zone: zone, from: from, kinds: map[string]*kind{}, late: map[key]uint32{}, alive: roaring.New(), broken: roaring.New(), moving: roaring.New(),
		service: map[class]*roaring.Bitmap{}, scopes: map[string]*scope{}}
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
	return p.read(p.data[at:], r)
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
	d := reader{b: p.data[p.at[i]:]}
	before := len(d.b)
	var r record
	if p.read(d.b, &r) == nil {
		d = reader{b: d.b}
		p.skip(&d)
		clear(p.data[p.at[i] : int(p.at[i])+before-len(d.b)])
		p.lost += before - len(d.b)
	}
	p.at[i] = gone
}

// skip reads over a record.
func (w *words) skip(d *reader) {
	d.number()
	flags := d.byte()
	d.number()
	if flags&withSpans != 0 {
		d.bytes(d.number())
	}
	for range d.number() {
		d.number()
		d.time()
		d.time()
		d.time()
	}
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
	}
	s := x.service[r.class]
	if s == nil {
		s = roaring.New()
		x.service[r.class] = s
	}
	s.Add(n)
	eachScope(r.rows, func(name string, rows []row) {
		s := x.scopes[name]
		if s == nil {
			s = &scope{all: roaring.New(), yes: roaring.New(), patterns: map[string]*pattern{}}
			x.scopes[name] = s
		}
		s.all.Add(n)
		if saidYes(name, rows) {
			s.yes.Add(n)
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
		p.all.Add(n)
		for _, slot := range p.slots {
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
	})
}

// unfile takes a customer's number out of the sets in which file has put it.
func (x *Index) unfile(n uint32, r *record) {
	x.alive.Remove(n)
	if r.broken {
		x.broken.Remove(n)
		return
	}
	x.moving.Remove(n)
	take(x.service, r.class, x.service[r.class], n)
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
		}
		if s.all.IsEmpty() {
			delete(x.scopes, name)
		}
	})
}

func take[K comparable](from map[K]*roaring.Bitmap, k K, set *roaring.Bitmap, n uint32) {
	if set == nil {
		return
	}
	set.Remove(n)
	if set.IsEmpty() {
		delete(from, k)
	}
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
		b = fmt.Append(b, r.kind.no)
		switch {
		case r.noticed.IsZero():
			b = append(b, 'n')
		case r.matures.After(r.noticed): // else it never ends
			b = append(b, 'w')
		default:
			b = append(b, 'o')
		}
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

// append takes in a part whose customers come behind all that are there, in order.
func (x *Index) append(p *part) error {
	if len(p.keys) == 0 {
		return nil
	}
	if len(x.parts) != x.sorted {
		return errDamaged
	}
	no := uint32(len(x.parts))
	x.parts, x.sorted = append(x.parts, p), x.sorted+1
	var r record
	for i := range p.keys {
		if err := p.read(p.data[p.at[i]:], &r); err != nil {
			return err
		}
		x.file(no<<16|uint32(i), &r)
	}
	return nil
}

// ids gives the customers of a set who come behind one, in the order of their ids.
func (x *Index) after(set *roaring.Bitmap, after cpni.ID) []key {
	var from key
	if after != "" {
		from, _ = after.Bytes()
	}
	var all, late []key
	edge := uint32(x.sorted) << 16
	for it := set.Iterator(); it.HasNext(); {
		n := it.Next()
		k := x.key(n)
		if after != "" && bytes.Compare(k[:], from[:]) <= 0 {
			continue
		}
		if n < edge {
			all = append(all, k)
		} else {
			late = append(late, k)
		}
	}
	if len(late) == 0 {
		return all
	}
	all = append(all, late...)
	slices.SortFunc(all, func(a, b key) int { return bytes.Compare(a[:], b[:]) })
	return all
}
