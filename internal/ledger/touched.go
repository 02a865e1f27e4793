package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
)

// Trace says whose touch is looked for. What is empty does not narrow it, and something must.
//
// A key of the API acts as its member, so a key is traced by that member; what is written for a partner names the partner as its
// recipient, so one file for one is found by the recipient, the member who had it made, and its time.
type Trace struct {
	Actor     string // a member of the staff, or "customer"
	Recipient string // a kind of recipient, or the id of a partner
	Contact   cpni.ID
	From      time.Time // included
	Until     time.Time // not included
}

// Touch is what the ledger says about one customer whom a trace reaches.
type Touch struct {
	Customer  cpni.ID
	Permitted int64            // entries that permitted to release something
	Shown     int64            // look-ups: a card, a line of a list or the list of records was shown; nothing of it is a release
	Data      []cpni.DataClass // all that was permitted, in the order of cpni.DataClasses; empty when nothing was
	// Entry is the first one, First and Last are when the first and the last happened, to the microsecond, UTC: of those that permitted
	// when there are such, of the look-ups otherwise.
	Entry       cpni.ID
	First, Last time.Time
}

// CPNI reports whether something was permitted that is neither subscriber list information nor aggregate.
//
// cite: P-43, 47 USC 222(h)(1)
func (t Touch) CPNI() bool {
	return slices.ContainsFunc(t.Data, func(d cpni.DataClass) bool { return d != cpni.Listing && d != cpni.Aggregate })
}

// Reach is how far a trace went.
type Reach struct {
	Customers int64 // touched in any way
	Permitted int64 // of these, of whom something was permitted
	Entries   int64 // that touched them
	// Through is how many entries the tree had when the trace began: every one of them was looked at. What came meanwhile may be in it or
	// not; a trace that is made again when the tree is longer finds it.
	Through int64
	// Destroyed are the decisions and look-ups of the time that were destroyed when their retention was over. Nobody can tell any more
	// whose touch they were.
	Destroyed int64
}

// ErrNoTrace: a trace must say something.
var ErrNoTrace = errors.New("a trace needs an actor, a recipient, a contact, or both ends of a time")

// touches is what a trace looks at, in the words of the index of it, record_touched: the databases use it for no others.
const touches = "(kind = 'decision' AND outcome = 'permit' OR kind = 'lookup') AND customer_id <> ''"

// touchedAtOnce is how many entries one query of a trace reads.
const touchedAtOnce = 5000

// fold is a Touch while it grows: of the permits and of the look-ups by themselves.
type fold struct {
	customer cpni.ID
	of       [2]several // permits, look-ups
	classes  uint32     // bit i: cpni.DataClasses[i]
	others   []cpni.DataClass
}

// several is what is known of some entries.
type several struct {
	n           int64
	first, last int64 // microseconds
	entry       cpni.ID
}

const (
	ofPermits = iota
	ofLookUps
)

func (f *fold) add(kind Kind, id cpni.ID, at int64, classes string) {
	s := &f.of[ofPermits]
	if kind == Lookup {
		s = &f.of[ofLookUps]
	}
	if s.n == 0 || at < s.first || at == s.first && id < s.entry {
		s.first, s.entry = at, id
	}
	if s.n == 0 || at > s.last {
		s.last = at
	}
	s.n++
	for class := range strings.FieldsSeq(classes) {
		if i := slices.Index(cpni.DataClasses, cpni.DataClass(class)); i >= 0 {
			f.classes |= 1 << i
		} else if !slices.Contains(f.others, cpni.DataClass(class)) {
			f.others = append(f.others, cpni.DataClass(class)) // by a program that had more of them
		}
	}
}

func (f *fold) touch() Touch {
	s := f.of[ofPermits]
	if s.n == 0 {
		s = f.of[ofLookUps]
	}
	t := Touch{Customer: f.customer, Permitted: f.of[ofPermits].n, Shown: f.of[ofLookUps].n, Entry: s.entry, First: time.UnixMicro(s.first).UTC(), Last: time.UnixMicro(s.last).UTC()}
	for i, class := range cpni.DataClasses {
		if f.classes&(1<<i) != 0 {
			t.Data = append(t.Data, class)
		}
	}
	slices.Sort(f.others)
	t.Data = append(t.Data, f.others...)
	return t
}

// Touched finds every customer of whom something was permitted to whom a trace is about, or was shown to them, and calls each for one
// after the other, by their ids; refusals are none. It holds some 250 bytes for each customer in memory. What is committed and not in
// the tree yet is found as well.
//
// The answer says who was reached, and by which entry; it opens nothing.
//
// cite: P-43, P-41, 47 CFR 64.2011(d), 47 CFR 64.2009(c)
func (l *Ledger) Touched(ctx context.Context, t Trace, each func(Touch) error) (Reach, error) {
	var reach Reach
	if t.Actor == "" && t.Recipient == "" && t.Contact == "" && (t.From.IsZero() || t.Until.IsZero()) {
		return reach, ErrNoTrace
	}
	var err error
	if reach.Through, err = l.Head(ctx); err != nil { // before the first question, so that all of it is there to be found
		return reach, err
	}
	found := map[cpni.ID]*fold{}
	err = l.eachTouch(ctx, t, func(customer, id cpni.ID, kind Kind, at int64, classes string) {
		f := found[customer]
		if f == nil {
			f = &fold{customer: customer}
			found[customer] = f
		}
		f.add(kind, id, at, classes)
		reach.Entries++
	})
	if err != nil {
		return Reach{}, fmt.Errorf("tracing who was touched: %w", err)
	}
	if reach.Destroyed, err = l.destroyedTouches(ctx, t); err != nil {
		return Reach{}, err
	}
	reach.Customers = int64(len(found))
	for _, customer := range slices.Sorted(maps.Keys(found)) {
		f := found[customer]
		if f.of[ofPermits].n > 0 {
			reach.Permitted++
		}
		if err := each(f.touch()); err != nil {
			return reach, err
		}
	}
	return reach, nil
}

// CountTouched tells how far a trace goes.
func (l *Ledger) CountTouched(ctx context.Context, t Trace) (Reach, error) {
	return l.Touched(ctx, t, func(Touch) error { return nil })
}

// eachTouch calls do for every entry of a trace, by the ids. It asks in pieces, so that no question keeps the database from tidying up.
func (l *Ledger) eachTouch(ctx context.Context, t Trace, do func(customer, id cpni.ID, kind Kind, at int64, classes string)) error {
	query, args := t.query()
	for {
		rows, err := l.db.Reader().Query(ctx, query, args...)
		if err != nil {
			return err
		}
		n := 0
		err = eachRow(rows, func() error {
			var customer, id, kind, classes string // which are read without reflection
			var at int64
			if err := rows.Scan(&customer, &id, &kind, &at, &classes); err != nil {
				return err
			}
			do(cpni.ID(customer), cpni.ID(id), Kind(kind), at, classes)
			args[0] = id
			n++
			return nil
		})
		if err != nil || n < touchedAtOnce {
			return err
		}
	}
}

// query finds a page of what t is about; the first argument is the id behind which it begins.
func (t Trace) query() (query string, args []any) {
	var where strings.Builder
	add := func(condition string, value any) {
		args = append(args, value)
		fmt.Fprintf(&where, condition, len(args))
	}
	after, before := t.ids()
	add("id > $%d", after)
	add(" AND id < $%d", before)
	if !t.From.IsZero() {
		add(" AND at >= $%d", t.From.UnixMicro())
	}
	if !t.Until.IsZero() {
		add(" AND at < $%d", t.Until.UnixMicro())
	}
	for _, c := range [...]struct{ condition, value string }{{" AND actor = $%d", t.Actor}, {" AND recipient = $%d", t.Recipient}, {" AND contact = $%d", string(t.Contact)}} {
		if c.value != "" {
			add(c.condition, c.value)
		}
	}
	add(" AND "+touches+" ORDER BY id LIMIT $%d", touchedAtOnce)
	return "SELECT customer_id, id, kind, at, permits FROM record WHERE " + where.String(), args
}

// ids are bounds of the ids of the entries of a time: all are greater than after and less than before.
func (t Trace) ids() (after, before string) {
	before = behindAll
	if !t.From.IsZero() {
		after = strings.TrimRight(string(cpni.FirstTimedID(t.From)), "0") // sorts before it, and behind all that are less
	}
	if !t.Until.IsZero() {
		before = string(cpni.FirstTimedID(t.Until.Add(time.Millisecond))) // an id knows no less than the millisecond
	}
	return after, before
}

// behindAll sorts behind every id.
const behindAll = "zzzzzzzzzzzzzzzzzzzzzzzzzzz"

// destroyedTouches counts what may have belonged to a trace and is gone.
func (l *Ledger) destroyedTouches(ctx context.Context, t Trace) (n int64, err error) {
	after, before := t.ids()
	err = l.db.Reader().QueryRow(ctx, "SELECT count(*) FROM record_destroyed WHERE id > $1 AND id < $2 AND kind IN ('decision', 'lookup') AND customer_id <> ''", after, before).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting what was destroyed: %w", err)
	}
	return n, nil
}
