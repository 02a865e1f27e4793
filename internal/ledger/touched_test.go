package ledger_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// touching is an entry of which only what a trace looks at is of interest.
func touching(at time.Time, kind ledger.Kind, customer cpni.ID, actor string, classes ...cpni.DataClass) ledger.Entry {
	e := ledger.Entry{Customer: customer, ID: cpni.NewTimedID(at), Kind: kind, At: at, Actor: actor, Outcome: cpni.OK, Commitment: sha256.Sum256([]byte("x")), Sealed: []byte("x")}
	if kind == ledger.Decision {
		e.Outcome, e.Recipient = cpni.Deny, "customer"
		if len(classes) > 0 {
			e.Outcome, e.Permits = cpni.Permit, classes
		}
	}
	return e
}

func put(t testing.TB, l *ledger.Ledger, all ...ledger.Entry) {
	t.Helper()
	if _, err := l.Commit(t.Context(), func(*store.Tx) ([]ledger.Entry, error) { return all, nil }); err != nil {
		t.Fatal(err)
	}
}

func touched(t interface {
	Helper()
	Fatal(...any)
}, l *ledger.Ledger, trace ledger.Trace) ([]ledger.Touch, ledger.Reach) {
	t.Helper()
	var all []ledger.Touch
	reach, err := l.Touched(context.Background(), trace, func(x ledger.Touch) error { all = append(all, x); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all, reach
}

var touchedBase = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// TestWhomATraceReaches names one by one what is a touch and what is none.
//
// cite: P-43, P-41, 47 CFR 64.2011(d)
func TestWhomATraceReaches(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, key(t))
		at := func(minute int) time.Time { return touchedBase.Add(time.Duration(minute) * time.Minute) }
		names := map[cpni.ID]string{}
		id := func(name string) cpni.ID { x := cpni.NewID(); names[x] = name; return x }
		anna, ben, cora, dora, emil := id("anna"), id("ben"), id("cora"), id("dora"), id("emil")
		call := cpni.NewTimedID(at(0))
		asked := touching(at(1), ledger.Decision, anna, "amir", cpni.Service, cpni.CallDetail)
		asked.Contact = string(call)
		refused := touching(at(2), ledger.Decision, ben, "amir")
		refused.Contact = string(call)
		sold := touching(at(3), ledger.Decision, cora, "lena", cpni.Billing)
		sold.Recipient = "partner-1"
		listed := touching(at(4), ledger.Decision, emil, "lena", cpni.Listing)
		listed.Recipient = string(cpni.ToDirectoryPublisher)
		served := touching(at(5), ledger.Decision, anna, "lena", cpni.Location)
		served.Recipient = string(cpni.ToLawEnforcement)
		put(t, l, asked, refused, sold, listed, served,
			touching(at(6), ledger.Lookup, dora, "amir"),
			touching(at(7), ledger.Lookup, anna, "amir"),
			touching(at(8), ledger.Lookup, "", "amir"), // a register was read
			touching(at(9), ledger.Decision, "", "amir", cpni.Aggregate),
			touching(at(10), ledger.Attempt, ben, "amir"),
			touching(at(11), ledger.Change, ben, "amir"),
			touching(at(12), ledger.Contact, ben, "amir"),
			touching(at(13), ledger.Decision, anna, "customer", cpni.Usage))
		for _, c := range []struct {
			clause string
			trace  ledger.Trace
			want   string
		}{
			{"P-43: a member", ledger.Trace{Actor: "amir"}, "anna 1+1 call-detail service; dora 0+1 (no CPNI)"},
			{"P-43: a member, and of one who was permitted the time is that of the permit", ledger.Trace{Actor: "amir", From: at(7), Until: at(8)}, "anna 0+1 (no CPNI)"},
			{"P-43: a partner", ledger.Trace{Recipient: "partner-1"}, "cora 1+0 billing"},
			{"P-43: those whose listing went out", ledger.Trace{Recipient: string(cpni.ToDirectoryPublisher)}, "emil 1+0 listing (no CPNI)"},
			{"P-43: what was released under legal process", ledger.Trace{Recipient: string(cpni.ToLawEnforcement)}, "anna 1+0 location"},
			{"P-43: a file for a partner, by who had it made", ledger.Trace{Recipient: "partner-1", Actor: "amir"}, ""},
			{"P-43: a contact", ledger.Trace{Contact: call}, "anna 1+0 call-detail service"},
			{"P-43: what customers did themselves", ledger.Trace{Actor: "customer"}, "anna 1+0 usage"},
			{"P-43: what was given to customers", ledger.Trace{Recipient: "customer"}, "anna 2+0 call-detail usage service"},
			{"P-43: a time, its end not included", ledger.Trace{From: at(3), Until: at(6)}, "anna 1+0 location; cora 1+0 billing; emil 1+0 listing (no CPNI)"},
			{"P-43: a time in which nothing happened", ledger.Trace{From: at(20), Until: at(30)}, ""},
			{"P-43: nobody", ledger.Trace{Actor: "zoe"}, ""},
		} {
			all, reach := touched(t, l, c.trace)
			var lines []string
			for _, x := range all {
				line := fmt.Sprintf("%s %d+%d", names[x.Customer], x.Permitted, x.Shown)
				for _, d := range x.Data {
					line += " " + string(d)
				}
				if !x.CPNI() {
					line += " (no CPNI)"
				}
				lines = append(lines, line)
			}
			slices.Sort(lines)
			if got := strings.Join(lines, "; "); got != c.want {
				t.Errorf("%s: %q, want %q", c.clause, got, c.want)
			}
			if reach.Customers != int64(len(all)) {
				t.Errorf("%s: %d customers are counted and %d are told", c.clause, reach.Customers, len(all))
			}
		}
		all, _ := touched(t, l, ledger.Trace{Actor: "amir"})
		for _, x := range all {
			if x.Customer == anna && (x.Entry != asked.ID || !x.First.Equal(asked.At) || !x.Last.Equal(asked.At)) {
				t.Errorf("P-43: anna is in by %v, %v to %v, not by what was permitted", x.Entry, x.First, x.Last)
			}
		}
		for _, empty := range []ledger.Trace{{}, {From: at(0)}, {Until: at(0)}} {
			if _, err := l.CountTouched(t.Context(), empty); !errors.Is(err, ledger.ErrNoTrace) {
				t.Errorf("a trace of everything is followed: %v", err)
			}
		}
	})
}

// naive reads every record.
func naive(t *rapid.T, l *ledger.Ledger, trace ledger.Trace) ([]ledger.Touch, ledger.Reach) {
	var reach ledger.Reach
	permits, shown := map[cpni.ID][]ledger.Row{}, map[cpni.ID][]ledger.Row{}
	err := l.Each(context.Background(), func(r ledger.Row) error {
		if r.Customer == "" || trace.Actor != "" && r.Actor != trace.Actor || trace.Contact != "" && r.Contact != string(trace.Contact) || trace.Recipient != "" && r.Recipient != trace.Recipient ||
			!trace.From.IsZero() && r.At.Before(trace.From) || !trace.Until.IsZero() && !r.At.Before(trace.Until) {
			return nil
		}
		switch {
		case r.Kind == ledger.Decision && r.Outcome == cpni.Permit:
			permits[r.Customer] = append(permits[r.Customer], r)
		case r.Kind == ledger.Lookup:
			shown[r.Customer] = append(shown[r.Customer], r)
		default:
			return nil
		}
		reach.Entries++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	who := map[cpni.ID]bool{}
	for c := range permits {
		who[c] = true
		reach.Permitted++
	}
	for c := range shown {
		who[c] = true
	}
	reach.Customers = int64(len(who))
	var all []ledger.Touch
	for _, c := range slices.Sorted(maps.Keys(who)) {
		rows := permits[c]
		if len(rows) == 0 {
			rows = shown[c]
		}
		first := slices.MinFunc(rows, func(a, b ledger.Row) int {
			if d := a.At.Compare(b.At); d != 0 {
				return d
			}
			return strings.Compare(string(a.ID), string(b.ID))
		})
		x := ledger.Touch{Customer: c, Permitted: int64(len(permits[c])), Shown: int64(len(shown[c])), Entry: first.ID, First: first.At}
		for _, r := range rows {
			if r.At.After(x.Last) {
				x.Last = r.At
			}
		}
		for _, class := range append(slices.Clone(cpni.DataClasses), "later-class") {
			if slices.ContainsFunc(permits[c], func(r ledger.Row) bool { return slices.Contains(r.Permits, class) }) {
				x.Data = append(x.Data, class)
			}
		}
		all = append(all, x)
	}
	return all, reach
}

// TestATraceFindsWhatReadingEverythingFinds holds traces against a walk through all records.
//
// cite: P-43, 47 CFR 64.2011(d)
func TestATraceFindsWhatReadingEverythingFinds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		signer := key(t)
		var customers []cpni.ID
		for range 5 {
			customers = append(customers, cpni.NewID())
		}
		customers = append(customers, "")
		contacts := []string{"", string(cpni.NewID()), string(cpni.NewID())}
		actors := []string{"customer", "system", "amir", "lena"}
		recipients := []string{"customer", "carrier", "unknown", "law-enforcement", "partner-1", "partner-2"}
		rapid.Check(t, func(rt *rapid.T) {
			clear(t, db)
			l := open(t, db, signer)
			moment := rapid.Map(rapid.IntRange(0, 4000), func(us int) time.Time { return touchedBase.Add(time.Duration(us) * time.Microsecond) })
			draw := rapid.Custom(func(rt *rapid.T) ledger.Entry {
				var classes []cpni.DataClass
				kind := rapid.SampledFrom([]ledger.Kind{ledger.Decision, ledger.Decision, ledger.Decision, ledger.Lookup, ledger.Attempt, ledger.Contact, ledger.Admin}).Draw(rt, "kind")
				if kind == ledger.Decision {
					classes = rapid.SliceOfNDistinct(rapid.SampledFrom(append(slices.Clone(cpni.DataClasses), "later-class")), 0, 3, rapid.ID).Draw(rt, "classes")
				}
				e := touching(moment.Draw(rt, "at"), kind, rapid.SampledFrom(customers).Draw(rt, "customer"), rapid.SampledFrom(actors).Draw(rt, "actor"), classes...)
				e.Contact = rapid.SampledFrom(contacts).Draw(rt, "contact")
				if kind == ledger.Decision {
					e.Recipient = rapid.SampledFrom(recipients).Draw(rt, "recipient")
				}
				return e
			})
			entries := rapid.SliceOfN(draw, 0, 40).Draw(rt, "entries")
			put(t, l, entries...)
			if rapid.Bool().Draw(rt, "in the tree") {
				if err := l.Sequence(t.Context()); err != nil {
					rt.Fatal(err)
				}
			}
			size, err := l.Head(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			for range 6 {
				trace := ledger.Trace{Actor: rapid.SampledFrom(append(actors, "", "")).Draw(rt, "by"), Recipient: rapid.SampledFrom(append(recipients, "", "", "")).Draw(rt, "to"),
					Contact: cpni.ID(rapid.SampledFrom(contacts).Draw(rt, "in")), From: moment.Draw(rt, "from"), Until: moment.Draw(rt, "until")}
				if trace.Actor+trace.Recipient+string(trace.Contact) != "" {
					if rapid.Bool().Draw(rt, "from ever") {
						trace.From = time.Time{}
					}
					if rapid.Bool().Draw(rt, "for ever") {
						trace.Until = time.Time{}
					}
				}
				want, far := naive(rt, l, trace)
				far.Through = size
				if got, reach := touched(rt, l, trace); !reflect.DeepEqual(got, want) || reach != far {
					rt.Fatalf("P-43: %+v reaches\n%+v, %+v; reading everything finds\n%+v, %+v", trace, got, reach, want, far)
				}
			}
		})
	})
}

// TestATraceGoesOnOverItsPages has more entries than one question reads.
//
// cite: P-43
func TestATraceGoesOnOverItsPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, key(t))
		const n = 2*ledger.TouchedAtOnce + 1
		for from := 0; from < n; from += 1000 {
			var all []ledger.Entry
			for i := from; i < min(from+1000, n); i++ {
				all = append(all, touching(touchedBase.Add(time.Duration(i)*time.Microsecond), ledger.Decision, cpni.NewID(), "amir", cpni.Usage))
			}
			put(t, l, all...)
		}
		for _, trace := range []ledger.Trace{{Actor: "amir"}, {From: touchedBase, Until: touchedBase.Add(time.Hour)}} {
			reach, err := l.CountTouched(t.Context(), trace)
			if err != nil || reach.Customers != n || reach.Entries != n || reach.Permitted != n {
				t.Errorf("P-43: %+v of %d, %v", reach, n, err)
			}
		}
	})
}

// TestATraceWhileEntriesComeIn: what was in the tree when it began is in it, and what it finds is there.
//
// cite: P-43, P-41
func TestATraceWhileEntriesComeIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, key(t))
		ctx, stop := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		var mu sync.Mutex
		meant, done := map[cpni.ID]bool{}, map[cpni.ID]bool{}
		for range 2 {
			writers.Go(func() {
				for i := 0; i < 300 && ctx.Err() == nil; i++ {
					customer := cpni.NewID()
					mu.Lock()
					meant[customer] = true
					mu.Unlock()
					_, err := l.Commit(t.Context(), func(*store.Tx) ([]ledger.Entry, error) {
						return []ledger.Entry{touching(time.Now().UTC().Truncate(time.Microsecond), ledger.Decision, customer, "amir", cpni.Usage)}, nil
					})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					done[customer] = true
					mu.Unlock()
				}
			})
		}
		for range 8 {
			if err := l.Sequence(t.Context()); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			before := maps.Clone(done)
			mu.Unlock()
			all, reach := touched(t, l, ledger.Trace{Actor: "amir"})
			if reach.Customers < reach.Through {
				t.Errorf("P-43: %d of the %d in the tree were found", reach.Customers, reach.Through)
			}
			mu.Lock()
			for _, x := range all {
				if !meant[x.Customer] {
					t.Error("P-43: somebody is found of whom there is no entry")
				}
				delete(before, x.Customer)
			}
			mu.Unlock()
			if len(before) > 0 {
				t.Errorf("P-43: %d of whom an entry was committed before are not found", len(before))
			}
		}
		stop()
		writers.Wait()
	})
}

// TestATraceTellsOfWhatIsGone destroys a permit.
//
// cite: P-43, P-41
func TestATraceTellsOfWhatIsGone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, key(t))
		customer := cpni.NewID()
		e := touching(touchedBase, ledger.Decision, customer, "amir", cpni.Usage)
		put(t, l, e, touching(touchedBase, ledger.Change, customer, "amir"))
		row, err := l.Record(t.Context(), customer, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return ledger.Destroy(t.Context(), tx, cpni.NewID(), []ledger.Row{row}) }); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			trace ledger.Trace
			gone  int64
		}{
			{ledger.Trace{Actor: "amir"}, 1},
			{ledger.Trace{From: touchedBase, Until: touchedBase.Add(time.Second)}, 1},
			{ledger.Trace{Actor: "amir", From: touchedBase.Add(time.Second)}, 0},
		} {
			if reach, err := l.CountTouched(t.Context(), c.trace); err != nil || reach.Customers != 0 || reach.Destroyed != c.gone {
				t.Errorf("P-43: %+v, %v; %d are gone", reach, err, c.gone)
			}
		}
	})
}

// TestATraceReadsAnIndex holds that each sort of trace is answered from the index of what touches customers.
//
// cite: P-43
func TestATraceReadsAnIndex(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, key(t))
		for from := 0; from < 3000; from += 1000 { // a table of few pages PostgreSQL reads whole
			var all []ledger.Entry
			for i := range 1000 {
				e := touching(touchedBase.Add(time.Duration(from+i)*time.Second), ledger.Decision, cpni.NewID(), fmt.Sprintf("agent-%d", i%50), cpni.Usage)
				e.Contact, e.Recipient, e.Sealed = fmt.Sprintf("contact-%d", from+i), fmt.Sprintf("partner-%d", i%50), make([]byte, 900)
				all = append(all, e)
			}
			put(t, l, all...)
		}
		if db.Dialect() == store.Postgres {
			c, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.ExecContext(t.Context(), "ANALYZE record"); err != nil {
				t.Fatal(err)
			}
			c.Close()
		}
		for name, trace := range map[string]ledger.Trace{
			"a member":  {Actor: "agent-7"},
			"a partner": {Recipient: "partner-7"},
			"a contact": {Contact: "contact-7"},
			"a time":    {From: touchedBase, Until: touchedBase.Add(2 * time.Minute)},
		} {
			plan, err := l.TouchedPlan(t.Context(), trace)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(plan, "record_touched") {
				t.Errorf("P-43: a trace of %s reads no index:\n%s", name, plan)
			}
		}
	})
}
