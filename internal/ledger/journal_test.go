package ledger_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// urgent is the answer to an emergency call.
func urgent(i int) ledger.Entry {
	e := entry("", i, cpni.Permit)
	e.Purpose, e.Recipient, e.Permits = string(cpni.Emergency), string(cpni.ToPSAP), []cpni.DataClass{cpni.Location}
	return e
}

// TestTheJournalTakesEmergenciesAlone refuses every entry that can wait.
//
// cite: P-41, I-27, V113
func TestTheJournalTakesEmergenciesAlone(t *testing.T) {
	l := open(t, storetest.Open(t, storetest.SQLite(t)), key(t))
	path := filepath.Join(t.TempDir(), "emergencies")
	j := l.Journal(path)
	for name, other := range map[string]func(*ledger.Entry){
		"call detail":         func(e *ledger.Entry) { e.Permits = []cpni.DataClass{cpni.CallDetail} },
		"more than location":  func(e *ledger.Entry) { e.Permits = append(e.Permits, cpni.CallDetail) },
		"for the family":      func(e *ledger.Entry) { e.Recipient = string(cpni.ToFamily) },
		"for another purpose": func(e *ledger.Entry) { e.Purpose = string(cpni.CustomerRequest) },
		"an administrative act": func(e *ledger.Entry) {
			e.Kind, e.Outcome, e.Permits = ledger.Admin, cpni.OK, nil
		},
	} {
		e := urgent(1)
		other(&e)
		if r, err := j.Record(e, nil); !errors.Is(err, ledger.ErrNotForJournal) || r.Permit() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("something was written")
	}
	r, err := j.Record(urgent(2), nil)
	if err != nil || !r.Covers(cpni.Location) || r.Covers(cpni.CallDetail) {
		t.Errorf("the answer to an emergency call: %v", err)
	}
}

// TestTheJournalComesIntoTheLedgerOnce brings what was recorded on the node into the ledger, each entry once, whatever a crash has left.
//
// cite: P-41, I-03, I-27, V113
func TestTheJournalComesIntoTheLedgerOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, key(t))
		path := filepath.Join(t.TempDir(), "emergencies")
		j := l.Journal(path)
		var beside []string
		bring := func() int {
			t.Helper()
			n, err := j.Bring(t.Context(), func(_ context.Context, _ *store.Tx, b []byte) error {
				beside = append(beside, string(b))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := bring(); n != 0 {
			t.Errorf("%d entries of no file", n)
		}
		var receipts []ledger.Receipt
		for i := range 3 {
			r, err := j.Record(urgent(i), []byte("row")[:3*(i%2)])
			if err != nil {
				t.Fatal(err)
			}
			receipts = append(receipts, r)
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// A crash has cut a line, of which nobody was told; the next one is written over it.
		if err := os.WriteFile(path, append(whole, whole[:40]...), 0o600); err != nil {
			t.Fatal(err)
		}
		last, err := j.Record(urgent(3), nil)
		if err != nil {
			t.Fatal(err)
		}
		whole, err = os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := bring(); n != 4 {
			t.Errorf("%d entries came in", n)
		}
		// A crash before the file was emptied: the entries are there already.
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if n := bring(); n != 0 {
			t.Errorf("%d entries came in a second time", n)
		}
		if err := l.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, r := range append(receipts, last) {
			row, err := l.Record(t.Context(), "", r.Entry())
			if err != nil || row.Recipient != string(cpni.ToPSAP) {
				t.Errorf("an entry: %+v, %v", row, err)
			}
			if _, err := l.Prove(t.Context(), "", r.Entry()); err != nil {
				t.Error(err)
			}
		}
		if v, err := l.Verify(t.Context(), io.Discard); err != nil || !v.OK() {
			t.Errorf("the ledger: %+v, %v", v, err)
		}
		if len(beside) != 1 || beside[0] != "row" {
			t.Errorf("beside: %q", beside)
		}
		// What nobody can read waits for somebody, and is not thrown away.
		if err := os.WriteFile(path, []byte("{}x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Bring(t.Context(), nil); err == nil {
			t.Error("a line that is none comes in")
		}
		if left, err := os.ReadFile(path); err != nil || len(left) == 0 {
			t.Errorf("it is thrown away: %v", err)
		}
	})
}
