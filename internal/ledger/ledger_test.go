package ledger_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

const origin = "ledger.test.example"

func forward(t testing.TB, db *store.DB) *store.ForwardClock {
	t.Helper()
	clock, err := store.Forward(t.Context(), cpni.ClockFunc(time.Now), db)
	if err != nil {
		t.Fatal(err)
	}
	return clock
}

func open(t testing.TB, db *store.DB, signer note.Signer) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), db, ledger.Options{Origin: origin, Signer: signer, Clock: forward(t, db)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func key(t testing.TB) note.Signer {
	t.Helper()
	s, err := ledger.NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// entry is a decision about one of a few customers; its record says what it is.
func entry(customer cpni.ID, i int, outcome cpni.Outcome) ledger.Entry {
	sealed := fmt.Appendf(nil, "sealed record %d", i)
	e := ledger.Entry{Customer: customer, ID: cpni.NewTimedID(time.Now()), Kind: ledger.Decision, At: time.Now(), Actor: "a", Purpose: "customer-request",
		Recipient: "customer", Outcome: outcome, Rules: "v1", Commitment: sha256.Sum256(sealed), Sealed: sealed}
	if outcome == cpni.Permit {
		e.Permits = []cpni.DataClass{cpni.CallDetail}
	} else {
		e.Code = "UNAUTHENTICATED"
	}
	return e
}

// commit records n entries in commits of at most batch.
func commit(t testing.TB, l *ledger.Ledger, customer cpni.ID, n, batch int) []ledger.Receipt {
	t.Helper()
	var all []ledger.Receipt
	for len(all) < n {
		r, err := l.Commit(t.Context(), func(*store.Tx) ([]ledger.Entry, error) {
			var es []ledger.Entry
			for i := range min(batch, n-len(all)) {
				es = append(es, entry(customer, len(all)+i, cpni.Permit))
			}
			return es, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r...)
	}
	return all
}

func TestEveryCommittedEntryCanBeProved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		signer := key(t)
		l := open(t, db, signer)
		customer := cpni.NewID()
		var before tlog.Tree
		for round, n := range []int{1, 2, 254, 1, 300, 3} {
			receipts := commit(t, l, customer, n, 37)
			if round == 3 {
				l = open(t, db, signer) // as after a restart
			}
			if err := l.Sequence(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, r := range receipts {
				in, err := l.Prove(t.Context(), r.Customer(), r.Entry())
				if err != nil {
					t.Fatal(err)
				}
				leaf, err := ledger.ParseLeaf(in.Leaf)
				if err != nil || leaf.ID != r.Entry() {
					t.Fatalf("leaf %q: %v", in.Leaf, err)
				}
			}
			now, err := l.Tree(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if before.N > 0 {
				p, err := l.Consistency(t.Context(), before.N, now.N)
				if err != nil {
					t.Fatal(err)
				}
				if err := tlog.CheckTree(p, now.N, now.Hash, before.N, before.Hash); err != nil {
					t.Fatalf("the tree of %d does not go on from that of %d: %v", now.N, before.N, err)
				}
			}
			before = now
		}
		if before.N != 561 {
			t.Errorf("%d leaves, 561 were committed", before.N)
		}
	})
}

// cite: P-41
func TestAReceiptCoversWhatItsEntryPermits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, key(t))
		customer := cpni.NewID()
		receipts, err := l.Commit(t.Context(), func(*store.Tx) ([]ledger.Entry, error) {
			return []ledger.Entry{entry(customer, 1, cpni.Permit), entry(customer, 2, cpni.Deny)}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !receipts[0].Covers(cpni.CallDetail) || receipts[0].Covers(cpni.Billing) {
			t.Error("the permit does not cover what it permits, or more")
		}
		if receipts[1].Permit() || receipts[1].Covers(cpni.CallDetail) || (ledger.Receipt{}).Covers(cpni.CallDetail) {
			t.Error("a refusal or the zero receipt covers something")
		}
		again, err := l.Recall(t.Context(), customer, receipts[0].Entry())
		if err != nil || again.Hash() != receipts[0].Hash() || !again.Covers(cpni.CallDetail) {
			t.Errorf("recalled receipt differs: %v", err)
		}
		if _, err := l.Commit(t.Context(), func(*store.Tx) ([]ledger.Entry, error) {
			bad := entry(customer, 3, cpni.Deny)
			bad.Permits = []cpni.DataClass{cpni.CallDetail}
			return []ledger.Entry{bad}, nil
		}); err == nil {
			t.Error("a refusal that permits was recorded")
		}
	})
}
