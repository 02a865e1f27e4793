package approval

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A database of the version before has profiles and no rows of where approvals stand. Nobody is screened until the rows are there, and
// then every customer stands as their profile says, those too who have said something meanwhile.
//
// cite: P-14, P-36, 47 CFR 64.2007(a)(2)
func TestDatabaseFromBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, local(t, "2026-11-24 10:00"))
		w.said.Numbers = func(time.Time) Rules { return Rules{Wait: 30, RenoticeMonths: 24} }
		want := map[cpni.ID]cpni.ApprovalState{}
		denied := customer.Approval{Scope: "own-marketing", State: cpni.Denied, Since: w.now.AddDate(-1, 0, 0)}
		yes := customer.Approval{Scope: "own-marketing", State: cpni.OptInOK, Since: w.now.AddDate(-1, 0, 0)}
		for i := range 450 { // more than two transactions take
			switch i % 3 {
			case 0:
				want[w.create(t, denied)] = cpni.Denied
			case 1:
				want[w.create(t, yes)] = cpni.OptInOK
			default:
				w.create(t)
			}
		}
		late := w.create(t, yes, customer.Approval{Scope: "other-marketing", State: cpni.OptInOK, Since: w.now.AddDate(-1, 0, 0)})
		want[late] = cpni.Denied
		for _, q := range []string{"DELETE FROM approval", "DELETE FROM meta WHERE name = 'approval.stands'"} {
			if err := db.Tx(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), q)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		old := newWorld(t, db, w.now)
		old.said.Numbers = w.said.Numbers
		use := Use{Purpose: cpni.OwnMarketing, Data: usage, Recipient: carrier}
		screened := func() (map[cpni.ID]cpni.ApprovalState, error) {
			got := map[cpni.ID]cpni.ApprovalState{}
			err := old.said.Screen(t.Context(), use, func(of cpni.ID, s cpni.ApprovalState) error {
				if s != cpni.Unnotified {
					got[of] = s
				}
				return nil
			})
			return got, err
		}
		if _, err := screened(); code(err) != "BUSY" {
			t.Fatalf("it was screened before the rows were there: %v (P-14)", err)
		}
		if err := old.said.Object(t.Context(), late, "own-marketing", ByPhone, "test", old.now); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := old.book.StandAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		got, err := screened()
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d customers stand somewhere, want %d: %v", len(got), len(want), err)
		}
		for id, state := range want {
			if got[id] != state {
				t.Errorf("%s, want %s (P-14)", got[id], state)
			}
		}
	})
}

// What shows that something was said is kept whole and apart from the history, and is gone with the customer.
//
// cite: P-36, I-21, 47 CFR 64.2007(a)(1), 47 CFR 64.2007(a)(3)
func TestEvidenceIsKeptApart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, local(t, "2026-11-24 10:00"))
		id := w.create(t)
		raw := bytes.Repeat([]byte("no "), 1000)
		event, err := w.said.Answer(t.Context(), Answer{Customer: id, Says: Object, Via: ByPostal, By: "test", Evidence: &Evidence{Kind: "letter", Says: "one page", Raw: raw}})
		if err != nil {
			t.Fatal(err)
		}
		e, err := w.said.Event(t.Context(), id, event)
		if err != nil || e.Evidence == nil || e.Evidence.Raw != nil || e.Evidence.Size != len(raw) || e.Evidence.Hash == "" || e.Evidence.Kind != "letter" {
			t.Fatalf("the history says %+v, %v", e.Evidence, err)
		}
		if got, err := w.said.Raw(t.Context(), id, event); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%d bytes of evidence, %v", len(got), err)
		}
		if _, err := w.said.Raw(t.Context(), id, cpni.NewID()); !errors.Is(err, ErrNoEvidence) {
			t.Errorf("of what was never said: %v", err)
		}
		if err := w.book.Forget(t.Context(), id, "test"); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM approval_evidence").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d pieces of evidence are left, %v (I-21)", n, err)
		}
	})
}
