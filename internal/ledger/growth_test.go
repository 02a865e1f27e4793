package ledger_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// wall is a machine's clock that anybody may set.
type wall struct{ now time.Time }

func (w *wall) Now() time.Time { return w.now }

// life is a ledger that lives through restarts and a clock that jumps.
type life struct {
	db       *store.DB
	signer   note.Signer
	wall     *wall
	clock    *store.ForwardClock
	l        *ledger.Ledger
	customer cpni.ID
	order    []cpni.ID // entries as they were committed
	known    []tlog.Tree
}

func (f *life) restart(t *rapid.T) {
	var err error
	if f.clock, err = store.Forward(context.Background(), f.wall, f.db); err != nil {
		t.Fatal(err)
	}
	if f.l, err = ledger.Open(context.Background(), f.db, ledger.Options{Origin: origin, Signer: f.signer, Clock: f.clock}); err != nil {
		t.Fatal(err)
	}
}

func (f *life) commit(t *rapid.T) {
	n := rapid.SampledFrom([]int{1, 1, 2, 7, 100, 256, 300}).Draw(t, "entries")
	receipts, err := f.l.Commit(context.Background(), func(*store.Tx) ([]ledger.Entry, error) {
		all := make([]ledger.Entry, n)
		for i := range all {
			all[i] = entry(f.customer, i, cpni.Permit)
			all[i].At = f.clock.Now()
		}
		return all, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range receipts {
		f.order = append(f.order, r.Entry())
	}
}

func (f *life) sequence(t *rapid.T) {
	if err := f.l.Sequence(context.Background()); err != nil {
		t.Fatal(err)
	}
	tree, err := f.l.Tree(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if tree.N != int64(len(f.order)) {
		t.Fatalf("%d entries in the tree, %d were committed", tree.N, len(f.order))
	}
	if tree.N > 0 {
		f.known = append(f.known, tree)
	}
}

// check holds the whole log against everything that was ever signed and against the order of time.
func (f *life) check(t *rapid.T) {
	ctx := context.Background()
	if len(f.known) == 0 {
		return
	}
	newest := f.known[len(f.known)-1]
	for _, older := range f.known {
		p, err := f.l.Consistency(ctx, older.N, newest.N)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(p, newest.N, newest.Hash, older.N, older.Hash); err != nil {
			t.Fatalf("I-12: the tree of %d does not go on from that of %d: %v", newest.N, older.N, err)
		}
	}
	leafs := leafsOf(t, f.l, newest.N)
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, int(newest.N)-1), 1, 8).Draw(t, "proved") {
		in, err := f.l.Prove(ctx, f.customer, f.order[i])
		if err != nil || leafs[in.Index].ID != f.order[i] {
			t.Fatalf("entry %d is not %s: %v", in.Index, f.order[i], err)
		}
	}
	for i, leaf := range leafs[1:] {
		if last := leafs[i]; leaf.At.Before(last.At) || leaf.Sequenced.Before(last.Sequenced) || leaf.Sequenced.Before(leaf.At) {
			t.Fatalf("I-13: entry %d, at %v, sequenced %v, follows one at %v, sequenced %v", i+1, leaf.At, leaf.Sequenced, last.At, last.Sequenced)
		}
	}
	v, err := ledger.VerifyDatabase(ctx, f.db, ledger.Trust{Key: f.l.VerifierKey()}, io.Discard)
	if err != nil || !v.OK() {
		t.Fatalf("verification: %v, %v", err, v.Faults)
	}
}

// leafsOf reads the first size leaves as they are served.
func leafsOf(t *rapid.T, l *ledger.Ledger, size int64) []ledger.Leaf {
	var all []ledger.Leaf
	for int64(len(all)) < size {
		tile := tlog.Tile{H: 8, L: -1, N: int64(len(all)) / 256, W: int(min(256, size-int64(len(all))))}
		w := httptest.NewRecorder()
		l.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+torchwood.TilePath(tile), nil))
		for rest := w.Body.Bytes(); len(rest) > 0; {
			var e []byte
			var err error
			if e, rest, err = torchwood.ReadTileEntry(rest); err != nil {
				t.Fatal(err)
			}
			leaf, err := ledger.ParseLeaf(e)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, leaf)
		}
		if w.Code != http.StatusOK || len(all) == 0 {
			t.Fatalf("%s answers %d", torchwood.TilePath(tile), w.Code)
		}
	}
	return all
}

// TestTheTreeOnlyGrowsAndTimeNeverGoesBack draws histories of commits, sequencing, restarts and jumps of the clock.
//
// cite: P-41
func TestTheTreeOnlyGrowsAndTimeNeverGoesBack(t *testing.T) {
	db := storetest.Open(t, "memory:")
	signer := key(t)
	rapid.Check(t, func(rt *rapid.T) {
		clear(t, db)
		f := &life{db: db, signer: signer, wall: &wall{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, customer: cpni.NewID()}
		f.restart(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"commit":   f.commit,
			"sequence": f.sequence,
			"restart":  f.restart,
			"clock": func(t *rapid.T) {
				f.wall.now = f.wall.now.Add(time.Duration(rapid.Int64Range(-int64(48*time.Hour), int64(48*time.Hour)).Draw(t, "jump")))
			},
		})
		f.sequence(rt)
		f.check(rt)
	})
}

// TestSeveralNodesMakeOneLog has nodes commit and sequence at once, some of them sure to be the sequencer when they are
// not.
//
// cite: P-41
func TestSeveralNodesMakeOneLog(t *testing.T) {
	const nodes, commits, batch = 3, 40, 5
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		signer, customer := key(t), cpni.NewID()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var writers, runners sync.WaitGroup
		receipts := make([][]ledger.Receipt, nodes)
		ledgers := make([]*ledger.Ledger, nodes)
		for i := range nodes {
			ledgers[i] = open(t, db, signer)
			runners.Go(func() { ledgers[i].Run(ctx, func(error) {}) })
			writers.Go(func() {
				for range commits {
					receipts[i] = append(receipts[i], commit(t, ledgers[i], customer, batch, batch)...)
					// Without the lock, as a node that has not noticed that it lost it: it may fail, it may not do harm.
					_ = ledgers[i].Sequence(ctx)
				}
			})
		}
		writers.Wait()
		stop()
		runners.Wait()
		l := open(t, db, signer)
		if err := l.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		v := verify(t, db, verifierKey(t, l))
		if !v.OK() || v.Tree.N != nodes*commits*batch || v.Waiting != 0 {
			t.Fatalf("%d entries of %d, %d wait; faults %v", v.Tree.N, nodes*commits*batch, v.Waiting, v.Faults)
		}
		for _, all := range receipts {
			for _, r := range all {
				if _, err := l.Prove(t.Context(), customer, r.Entry()); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// TestAnotherNodeTakesOver stops the node that sequences; the other goes on by itself.
func TestAnotherNodeTakesOver(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres(t))
	signer, customer := key(t), cpni.NewID()
	proved := func(l *ledger.Ledger) {
		r := commit(t, l, customer, 1, 1)[0]
		for {
			_, err := l.Prove(t.Context(), customer, r.Entry())
			if err == nil {
				return
			}
			if !errors.Is(err, ledger.ErrNotYet) {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	start := func() (*ledger.Ledger, func()) {
		l := open(t, db, signer)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			l.Run(ctx, func(err error) { t.Error(err) })
		}()
		return l, func() { stop(); <-done }
	}
	first, stopFirst := start()
	proved(first)
	second, stopSecond := start()
	proved(second) // sequenced by the first
	stopFirst()
	proved(second)
	third, stopThird := start()
	proved(third) // sequenced by the second
	stopSecond()
	proved(third)
	stopThird()
}

// TestARowThatWasChangedYieldsNoReceipt changes a refusal into a permit, before and after it is in the tree.
//
// cite: P-41, P-01
func TestARowThatWasChangedYieldsNoReceipt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, key(t))
		customer := cpni.NewID()
		for _, sequenced := range []bool{false, true} {
			receipts, err := l.Commit(t.Context(), func(*store.Tx) ([]ledger.Entry, error) {
				return []ledger.Entry{entry(customer, 1, cpni.Deny)}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			id := receipts[0].Entry()
			if sequenced {
				if err := l.Sequence(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if r, err := l.Recall(t.Context(), customer, id); err != nil || r.Permit() {
				t.Errorf("recalling a refusal: permit %v, %v", r.Permit(), err)
			}
			alter(t, db, "UPDATE record SET outcome = 'permit', permits = 'call-detail' WHERE id = $1", string(id))
			if r, err := l.Recall(t.Context(), customer, id); err == nil || r.Covers(cpni.CallDetail) {
				t.Errorf("sequenced %v: a refusal that was changed in the database opens the vault", sequenced)
			}
			alter(t, db, "UPDATE record SET outcome = 'deny', permits = '' WHERE id = $1", string(id))
		}
	})
}
