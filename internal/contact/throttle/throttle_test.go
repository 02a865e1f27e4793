package throttle

import (
	"context"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

var (
	start  = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	usual  = Rules{FreeTries: 3, FirstDelay: time.Second, PerDay: 10, Closed: 15 * time.Minute, InAll: 30, InAllPIN: 10, InAllWeak: 5}
	source = Rules{FreeTries: 2, FirstDelay: time.Second, LongestDelay: 4 * time.Second, InAll: 6}
)

func take(t testing.TB, db *store.DB, at time.Time, counters ...Counter) Verdict {
	t.Helper()
	var v Verdict
	if err := db.Tx(t.Context(), func(tx *store.Tx) (err error) {
		v, err = Take(t.Context(), tx, at, counters...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return v
}

func do(t testing.TB, db *store.DB, do func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *store.Tx) error { return do(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// The table of tries: when the next may be made.
//
// cite: P-19, I-18, 47 CFR 64.2010(a)
func TestDelays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := Counter{Of: cpni.NewID(), Subject: "secrets", Rules: usual}
		at := start
		// After the 3rd a second, doubling; after the 10th of a day a quarter of an hour; at most a day; after the 30th no more.
		for n := 1; n <= 30; n++ {
			if v := take(t, db, at, c); !v.Open() {
				t.Fatalf("try %d: %+v", n, v)
			}
			want := time.Duration(0)
			if n >= 3 {
				want = min(time.Second<<min(n-3, 20), 24*time.Hour)
			}
			if n == 10 {
				want = 15 * time.Minute
			}
			if want == 0 || n == 30 {
				continue
			}
			if v := take(t, db, at, c); v.Wait != want {
				t.Fatalf("after try %d the wait is %s, want %s (I-18)", n, v.Wait, want)
			}
			if at = at.Add(want); take(t, db, at.Add(-time.Microsecond), c).Open() {
				t.Fatalf("after try %d the next is taken too early", n)
			}
		}
		if v := take(t, db, at.AddDate(1, 0, 0), c); !v.Shut {
			t.Errorf("after 30 tries: %+v", v)
		}
		do(t, db, func(ctx context.Context, tx *store.Tx) error { return Clear(ctx, tx, c.Of, c.Subject) })
		if v := take(t, db, at, c); !v.Open() {
			t.Errorf("after somebody was reached out to: %+v", v)
		}
	})
}

// Of a PIN fewer tries are taken, of one from an old system fewer still; all count together.
//
// cite: P-19, I-18
func TestKindsOfSecret(t *testing.T) {
	db := storetest.Open(t, "memory:")
	own := usual
	own.InAllWeak = 3
	for _, row := range []struct {
		kind  Kind
		rules Rules
		most  int
	}{{Password, usual, 30}, {PIN, usual, 10}, {Weak, usual, 5}, {Weak, own, 3}, {Password, Rules{}, 0}, {Weak, Rules{}, 0}} {
		c := Counter{Of: cpni.NewID(), Subject: "secrets", Rules: row.rules, Kind: row.kind}
		at, n := start, 0
		for range 200 {
			at = at.Add(25 * time.Hour)
			if take(t, db, at, c).Open() {
				n++
			}
		}
		if n != row.most {
			t.Errorf("kind %d: %d tries, want %d (I-18)", row.kind, n, row.most)
		}
		c.Kind = Password
		if v := take(t, db, at, c); v.Open() != (row.rules.InAll > n) {
			t.Errorf("kind %d: and then a password: %+v", row.kind, v)
		}
	}
}

// Tries at the same moment, on whatever node, count as if one came after the other.
//
// cite: I-18
func TestTriesAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for range 5 {
			counters := []Counter{{Of: cpni.NewID(), Subject: "secrets", Rules: usual}, {Subject: "source " + string(cpni.NewID()), Rules: usual, Daily: true}}
			var open sync.Map
			var all sync.WaitGroup
			for i := range 40 {
				all.Go(func() {
					if take(t, db, start, counters...).Open() {
						open.Store(i, true)
					}
				})
			}
			all.Wait()
			n := 0
			open.Range(func(any, any) bool { n++; return true })
			if n != usual.FreeTries {
				t.Fatalf("%d tries got through at once, want %d (I-18)", n, usual.FreeTries)
			}
		}
	})
}

// What one counter refuses counts under none; otherwise who is slowed down at one place could close all customers.
//
// cite: I-18
func TestRefusedTriesDoNotCount(t *testing.T) {
	db := storetest.Open(t, "memory:")
	place := Counter{Subject: "source x", Rules: source, Daily: true}
	customer := Counter{Of: cpni.NewID(), Subject: "secrets", Rules: usual}
	for range source.FreeTries {
		take(t, db, start, Counter{Of: cpni.NewID(), Subject: "secrets", Rules: usual}, place)
	}
	for range 100 {
		if v := take(t, db, start, customer, place); v.Open() || v.Counter != 1 {
			t.Fatalf("%+v", v)
		}
	}
	if n, err := Streak(t.Context(), db.Reader(), customer.Of, customer.Subject); err != nil || n != 0 {
		t.Errorf("%d failures count, %v", n, err)
	}
}

// A place begins anew each day, and is never closed for good.
//
// cite: I-18
func TestDailyCounter(t *testing.T) {
	db := storetest.Open(t, "memory:")
	place := Counter{Subject: "source x", Rules: source, Daily: true}
	midnight := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	for day := range 3 {
		n := 0
		for i := range 1000 {
			at := midnight.AddDate(0, 0, day).Add(time.Duration(i) * 80 * time.Second)
			v := take(t, db, at, place)
			if v.Open() {
				n++
			} else if next := at.Add(v.Wait); next.After(midnight.AddDate(0, 0, day+1)) {
				t.Fatalf("closed until %s", next)
			}
		}
		if n != source.InAll {
			t.Errorf("day %d: %d tries, want %d", day, n, source.InAll)
		}
	}
}

// What was right is given back, and does not forgive what was wrong: giving a right secret of one's own by turns with
// guesses gains nothing.
//
// cite: I-18
func TestGivingBackForgivesNothing(t *testing.T) {
	db := storetest.Open(t, "memory:")
	rapid.Check(t, func(r *rapid.T) {
		guesses := Counter{Of: cpni.NewID(), Subject: "secrets", Rules: usual}
		at, wrong := start, 0
		for _, right := range rapid.SliceOfN(rapid.Bool(), 1, 60).Draw(r, "right") {
			v := take(t, db, at, guesses)
			if wrong >= usual.InAll != v.Shut {
				r.Fatalf("after %d wrong ones: %+v", wrong, v)
			}
			if v.Shut {
				return
			}
			if !v.Open() {
				at = at.Add(v.Wait)
				if !take(t, db, at, guesses).Open() {
					r.Fatalf("closed after the wait")
				}
			}
			if right {
				do(t, db, func(ctx context.Context, tx *store.Tx) error { return GiveBack(ctx, tx, at, guesses) })
			} else {
				wrong++
			}
			if n, err := Streak(t.Context(), db.Reader(), guesses.Of, guesses.Subject); err != nil || n != wrong {
				r.Fatalf("%d failures count after %d, %v", n, wrong, err)
			}
		}
	})
}

// The failures of everybody are counted by the hour.
//
// cite: I-18
func TestSurge(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { do(t, db, func(ctx context.Context, tx *store.Tx) error { return Note(ctx, tx, start) }) })
		}
		all.Wait()
		for _, row := range []struct {
			at   time.Time
			want int
		}{{start, 50}, {start.Add(59 * time.Minute), 50}, {start.Add(time.Hour), 0}, {start.Add(-time.Second), 0}, {start.AddDate(0, 0, 1), 0}} {
			if n, err := InHour(t.Context(), db.Reader(), row.at); err != nil || n != row.want {
				t.Errorf("at %s: %d, %v; want %d", row.at, n, err, row.want)
			}
		}
		do(t, db, func(ctx context.Context, tx *store.Tx) error { return Note(ctx, tx, start.AddDate(0, 0, 1)) })
		if n, err := InHour(t.Context(), db.Reader(), start.AddDate(0, 0, 1)); err != nil || n != 1 {
			t.Errorf("the next day at the same hour: %d, %v", n, err)
		}
	})
}

// Counters of places do not pile up; those of customers stay until the customer goes.
//
// cite: I-26
func TestSweep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		take(t, db, start, Counter{Of: cpni.NewID(), Subject: "secrets", Rules: usual})
		take(t, db, start, Counter{Subject: "login x", Rules: usual})
		take(t, db, start, Counter{Subject: "source x", Rules: usual, Daily: true})
		do(t, db, func(ctx context.Context, tx *store.Tx) error { return Note(ctx, tx, start) })
		for _, row := range []struct{ days, left int }{{0, 4}, {2, 4}, {3, 2}, {90, 2}, {91, 1}, {4000, 1}} {
			do(t, db, func(ctx context.Context, tx *store.Tx) error { return Sweep(ctx, tx, start.AddDate(0, 0, row.days)) })
			var n int
			if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM throttle").Scan(&n); err != nil || n != row.left {
				t.Errorf("after %d days %d counters are left, want %d; %v", row.days, n, row.left, err)
			}
		}
	})
}
