package audience

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Sets finds audiences from an index of all customers that this node keeps in mind. Before it answers it takes in whoever was changed by a
// transaction that had ended when it was asked, on whichever node; so what it says is what decisions about each customer alone would have
// said then.
//
// cite: P-36, I-02, I-19, 47 CFR 64.2009(a)
type Sets struct {
	Parts
	plain   *Plain
	words   *dictionary
	source  source
	portion int // how many customers are told of between two looks at what was changed

	catching sync.Mutex // one at a time reads what was changed
	next     int64      // from where changes are to be read
	seen     map[customer.Trace]bool
	build    string // from which the index was begun

	current  atomic.Pointer[Index]
	progress atomic.Int64 // customers read by a building that is under way
}

var _ Audience = (*Sets)(nil)

// NewSets gives the audience that keeps an index. It reads nothing until it is asked.
func NewSets(p Parts) *Sets {
	s := &Sets{Parts: p, plain: NewPlain(p), words: newDictionary(), portion: pageOf}
	s.source = s.fromTables
	p.Customers.WhenForgetting(s.forgetTx)
	p.Customers.WhenForgotten(s.letGo)
	return s
}

// reach is how long ago a moment may be that is asked about, and more than lies between the clocks of two nodes.
const reach = 10 * time.Minute

// ready gives the index with everything in it that was committed when it was asked for.
func (s *Sets) ready(ctx context.Context) (*Index, error) {
	s.catching.Lock()
	defer s.catching.Unlock()
	if s.current.Load() == nil {
		if err := s.load(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	return s.current.Load(), nil
}

// letGo takes those out of the index who are forgotten. What fails is done before the next answer.
//
// cite: P-37, I-21
func (s *Sets) letGo() {
	s.catching.Lock()
	defer s.catching.Unlock()
	if s.current.Load() != nil {
		_ = s.catchUp(context.Background())
	}
}

// catchUp takes in who was changed since the last time.
//
// cite: I-02, I-19
func (s *Sets) catchUp(ctx context.Context) error {
	c, err := s.Customers.Changed(ctx, s.next)
	if err != nil {
		return err
	}
	if c.Pruned > s.next { // this node has not listened for so long that it cannot know who was changed
		if err := s.load(ctx); err != nil {
			return err
		}
		if c, err = s.Customers.Changed(ctx, s.next); err != nil {
			return err
		}
	}
	x := s.current.Load()
	var ids []cpni.ID
	known := map[cpni.ID]bool{}
	seen := map[customer.Trace]bool{}
	for _, t := range c.All {
		if t.N >= c.Next {
			seen[t] = true // comes again, until those end who had begun before it
		}
		if !s.seen[t] && !known[t.ID] {
			known[t.ID] = true
			ids = append(ids, t.ID)
		}
	}
	for some := range slices.Chunk(ids, pageOf) {
		if err := s.take(ctx, x, some); err != nil {
			return err
		}
	}
	s.next, s.seen = c.Next, seen
	return nil
}

// take reads customers and puts what is to be kept in mind of them in the place of what was.
func (s *Sets) take(ctx context.Context, x *Index, ids []cpni.ID) error {
	records, err := s.readRecords(ctx, x, ids)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range ids {
		k, err := keyOf(id)
		if err != nil {
			return err
		}
		if err := x.put(k, records[id]); err != nil {
			return err
		}
	}
	return nil
}

// readRecords reads what is to be kept in mind of customers; of those who are forgotten there is nothing.
func (s *Sets) readRecords(ctx context.Context, x *Index, ids []cpni.ID) (map[cpni.ID]*record, error) {
	all, err := s.Customers.ReadMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[cpni.ID]*record, len(all))
	for _, r := range all {
		var kept record
		switch {
		case r.Err == nil:
			kept = x.recordOf(r.Profile, r.Version)
		case errors.Is(r.Err, vault.ErrForgotten):
			continue
		case errors.Is(r.Err, vault.ErrSealBroken):
			kept = record{version: r.Version, broken: true}
		default:
			return nil, r.Err
		}
		found[r.ID] = &kept
	}
	return found, nil
}

// Count is as in Audience.
func (s *Sets) Count(ctx context.Context, q Question) (Counts, error) {
	if err := q.check(); err != nil {
		return Counts{}, err
	}
	x, err := s.ready(ctx)
	if err != nil {
		return Counts{}, err
	}
	frame, err := s.Door.Frame(ctx, q.request())
	if err != nil {
		return Counts{}, err
	}
	if frame.At.Before(x.from) {
		return s.plain.Count(ctx, q) // by a clock that is far behind
	}
	f, door, allowed, err := s.judge(ctx, x, &frame, &q)
	if err != nil {
		return Counts{}, err
	}
	c := Counts{Customers: f.customers, Outside: f.outside, Included: f.permitted, Excluded: f.refused}
	for _, k := range door {
		v, err := s.plain.judge(ctx, &q, idOf(k))
		if err != nil {
			return Counts{}, err
		}
		switch {
		case !v.inService:
			c.Customers--
		case !v.meant:
			c.Outside++
		case v.code != permitted:
			c.Excluded[v.code]++
		default:
			c.Included++
		}
	}
	if q.Filter.Usage != nil { // of whoever has not refused it
		n, err := s.reaching(ctx, x, &q, allowed)
		if err != nil {
			return Counts{}, err
		}
		c.Included -= f.permitted - n
		c.Outside += f.permitted - n
	}
	return c, nil
}

// judge finds whom the rules let in while the index stands still, and who has to be asked about at the door.
func (s *Sets) judge(ctx context.Context, x *Index, frame *disclose.Frame, q *Question) (found, []key, *roaring.Bitmap, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	f, err := x.judge(ctx, frame, &q.Filter, q.Filter.Usage != nil)
	if err != nil {
		return f, nil, nil, err
	}
	var door []key
	for it := f.door.Iterator(); it.HasNext(); {
		door = append(door, x.key(it.Next()))
	}
	return f, door, f.allowed, nil
}

// reaching counts those of a set who use as much as the question asks for.
func (s *Sets) reaching(ctx context.Context, x *Index, q *Question, set *roaring.Bitmap) (int, error) {
	numbers := set.ToArray()
	var n atomic.Int64
	err := spread(ctx, len(numbers), func(from, to int) error {
		for _, number := range numbers[from:to] {
			x.mu.RLock()
			k := x.key(number)
			x.mu.RUnlock()
			ok, err := s.reaches(ctx, &q.Filter, idOf(k))
			if err != nil {
				return err
			}
			if ok {
				n.Add(1)
			}
		}
		return nil
	})
	return int(n.Load()), err
}

// Each is as in Audience. Nobody is told who had objected before the portion was begun in which they are: portions are small, and each is
// judged again, by the versions that the customers have then.
//
// cite: P-11, P-12, I-02, I-19, 47 CFR 64.2009(a)
func (s *Sets) Each(ctx context.Context, q Question, after cpni.ID, do func(cpni.ID) error) error {
	if err := q.check(); err != nil {
		return err
	}
	x, err := s.ready(ctx)
	if err != nil {
		return err
	}
	frame, err := s.Door.Frame(ctx, q.request())
	if err != nil {
		return err
	}
	if frame.At.Before(x.from) {
		return s.plain.Each(ctx, q, after, do)
	}
	all, err := s.members(ctx, x, &frame, &q, after)
	if err != nil {
		return err
	}
	for {
		some := all.next(s.portion)
		if len(some) == 0 {
			return nil
		}
		still, err := s.again(ctx, &q, some)
		if err != nil {
			return err
		}
		for _, id := range still {
			if err := do(id); err != nil {
				return err
			}
		}
	}
}

// members gives those whom the rules let in, and those about whom the door has to be asked, in the order of their ids.
func (s *Sets) members(ctx context.Context, x *Index, frame *disclose.Frame, q *Question, after cpni.ID) (*walk, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	f, err := x.judge(ctx, frame, &q.Filter, true)
	if err != nil {
		return nil, err
	}
	f.allowed.Or(f.door)
	return x.walk(f.allowed, after), nil
}

// again judges customers anew and gives those who are in the audience now. What was read of them stood in the database when they were judged.
func (s *Sets) again(ctx context.Context, q *Question, some []key) ([]cpni.ID, error) {
	x, err := s.ready(ctx)
	if err != nil {
		return nil, err
	}
	frame, err := s.Door.Frame(ctx, q.request())
	if err != nil {
		return nil, err
	}
	verdicts, guards, err := s.each(x, &frame, q, some)
	if err != nil {
		return nil, err
	}
	stale, err := s.DB.CheckGuards(ctx, guards)
	if err != nil {
		return nil, fmt.Errorf("checking versions: %w", err)
	}
	var in []cpni.ID
	for i, k := range some {
		v, id := verdicts[i], idOf(k)
		if stale[i] || v.code == atTheDoor { // changed in this very moment, or the index does not know
			if v, err = s.plain.judge(ctx, q, id); err != nil {
				return nil, err
			}
		} else if v.inService && v.meant && v.code == permitted {
			if v.meant, err = s.reaches(ctx, &q.Filter, id); err != nil {
				return nil, err
			}
		}
		if v.inService && v.meant && v.code == permitted {
			in = append(in, id)
		}
	}
	return in, nil
}

// each judges customers one by one from what is kept in mind of them, and names the versions on which that stands.
func (s *Sets) each(x *Index, frame *disclose.Frame, q *Question, some []key) ([]verdict, []store.Guard, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	one := x.search(frame, &q.Filter)
	verdicts, guards := make([]verdict, len(some)), make([]store.Guard, len(some))
	var r record
	var all []customer.Approval
	for i, k := range some {
		guards[i] = store.Guard{Table: "customer", Key: string(idOf(k)), Version: -1}
		n, ok := x.find(k)
		if !ok || !x.alive.Contains(n) {
			continue
		}
		var err error
		if verdicts[i], err = one.one(n, &r, &all); err != nil {
			return nil, nil, err
		}
		guards[i].Version = r.version
	}
	return verdicts, guards, nil
}

// walk goes through a set of customers in the order of their ids.
type walk struct {
	x     *Index
	it    roaring.IntPeekable // those whose numbers have that order
	late  []key               // the others
	after key
	from  bool // only those behind after
}

// walk begins to go through a set behind a customer.
func (x *Index) walk(set *roaring.Bitmap, after cpni.ID) *walk {
	w := &walk{x: x, it: set.Iterator()}
	if after != "" {
		w.after, _ = after.Bytes()
		w.from = true
	}
	edge := uint32(x.sorted) << 16
	for it := set.Iterator(); it.HasNext(); {
		it.AdvanceIfNeeded(edge)
		if it.HasNext() {
			w.late = append(w.late, x.key(it.Next()))
		}
	}
	slices.SortFunc(w.late, compare)
	return w
}

func compare(a, b key) int { return bytes.Compare(a[:], b[:]) }

// next gives the next customers; none: there are no more.
func (w *walk) next(most int) []key {
	w.x.mu.RLock()
	defer w.x.mu.RUnlock()
	edge := uint32(w.x.sorted) << 16
	var all []key
	for len(all) < most {
		early := w.it.HasNext() && w.it.PeekNext() < edge
		var k key
		switch {
		case early && (len(w.late) == 0 || compare(w.x.key(w.it.PeekNext()), w.late[0]) < 0):
			k = w.x.key(w.it.Next())
		case len(w.late) > 0:
			k, w.late = w.late[0], w.late[1:]
		default:
			return all
		}
		if !w.from || compare(k, w.after) > 0 {
			all = append(all, k)
		}
	}
	return all
}

// mark is from where changes are to be read by whoever reads customers from now on.
func (s *Sets) mark(ctx context.Context) (int64, error) {
	c, err := s.Customers.Changed(ctx, math.MaxInt64)
	return c.Next, err
}

// Still gives those of some customers who are in an audience now, by the versions that they have now.
//
// cite: P-12, I-02, 47 CFR 64.2009(a)
func (s *Sets) Still(ctx context.Context, q Question, ids []cpni.ID) ([]cpni.ID, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	var in []cpni.ID
	for some := range slices.Chunk(ids, s.portion) {
		keys := make([]key, 0, len(some))
		for _, id := range some {
			if k, err := keyOf(id); err == nil {
				keys = append(keys, k)
			}
		}
		still, err := s.again(ctx, &q, keys)
		if err != nil {
			return nil, err
		}
		in = append(in, still...)
	}
	return in, nil
}

// Gather tells who is in an audience for whoever collects it: hear is told of each who is, and then again of everybody who was changed meanwhile,
// whether they are in it now, until nothing is new or often enough. The last word on each counts; so nobody is in what was collected who
// had refused, with an acknowledgement, before the last look.
//
// cite: P-11, P-12, I-02, I-19, 47 CFR 64.2009(a)
func (s *Sets) Gather(ctx context.Context, q Question, hear func(id cpni.ID, in bool) error) error {
	began, err := s.Door.Frame(ctx, q.request())
	if err != nil {
		return err
	}
	from, err := s.mark(ctx)
	if err != nil {
		return err
	}
	if err := s.Each(ctx, q, "", func(id cpni.ID) error { return hear(id, true) }); err != nil {
		return err
	}
	seen := map[customer.Trace]bool{}
	for range mostLooks {
		c, err := s.Customers.Changed(ctx, from)
		if err != nil {
			return err
		}
		if c.Pruned > from {
			return errMovedOn
		}
		var ids []cpni.ID
		fresh, known := map[customer.Trace]bool{}, map[cpni.ID]bool{}
		for _, t := range c.All {
			fresh[t] = true
			if !seen[t] && !known[t.ID] {
				known[t.ID] = true
				ids = append(ids, t.ID)
			}
		}
		if len(ids) == 0 {
			break
		}
		still, err := s.Still(ctx, q, ids)
		if err != nil {
			return err
		}
		in := make(map[cpni.ID]bool, len(still))
		for _, id := range still {
			in[id] = true
		}
		for _, id := range ids {
			if err := hear(id, in[id]); err != nil {
				return err
			}
		}
		from, seen = c.Next, fresh
	}
	ended, err := s.Door.Frame(ctx, q.request())
	if err != nil {
		return err
	}
	if !slices.Equal(judgedBy(&began), judgedBy(&ended)) {
		return errMovedOn
	}
	return nil
}

// judgedBy are the versions that decide about everybody alike; that of who asks is none of them.
func judgedBy(f *disclose.Frame) []store.Guard {
	return slices.DeleteFunc(slices.Clone(f.Guards), func(g store.Guard) bool { return g.Table == "staff" })
}

// mostLooks bounds how often those are looked at again who were changed meanwhile: with many customers somebody is at every moment.
const mostLooks = 12

// errMovedOn: what everybody was judged by is no longer what the first were judged by.
var errMovedOn = cpni.Rejected("BUSY", "the rules, the recipient or the public policy changed while the audience was collected", []string{"P-40"}, "collect it again")
