package intake

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// now is when imports of tests happen.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// phoneBook is a Directory of a test: lines by number.
type phoneBook map[string]Line

func (b phoneBook) Line(_ context.Context, number string) (Line, bool, error) {
	l, ok := b[number]
	return l, ok, nil
}

// world is an importer over a real database, vault and ledger.
type world struct {
	*Importer
	book phoneBook
}

func newWorld(t testing.TB, db *store.DB, master *vault.Master) *world {
	t.Helper()
	v, err := vault.Open(t.Context(), db, master)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewKey("intake.test.example")
	if err != nil {
		t.Fatal(err)
	}
	clock := cpni.ClockFunc(func() time.Time { return now })
	l, err := ledger.Open(t.Context(), db, ledger.Options{Origin: "intake.test.example", Signer: signer, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	book := phoneBook{}
	return &world{&Importer{DB: db, Vault: v, Ledger: l, Lines: book, Book: customer.NewBook(db, v, l, clock), Clock: clock, Zone: zone(t, "America/New_York")}, book}
}

// line makes a customer with one line for each number.
func (w *world) line(t testing.TB, numbers ...string) cpni.ID {
	t.Helper()
	id := cpni.NewID()
	if err := w.DB.Tx(t.Context(), func(tx *store.Tx) error { return w.Vault.NewCustomerKey(t.Context(), tx, id) }); err != nil {
		t.Fatal(err)
	}
	for i, n := range numbers {
		w.book[n] = Line{Customer: id, Number: i + 1}
	}
	return id
}

// calls opens every call of every line, as "number: start seconds answered out other id", sorted by the line's number.
func (w *world) calls(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, number := range slices.Sorted(maps.Keys(w.book)) {
		l := w.book[number]
		at := w.Clock.Now()
		receipts, err := w.Ledger.Commit(t.Context(), func(*store.Tx) ([]ledger.Entry, error) {
			return []ledger.Entry{{Customer: l.Customer, ID: cpni.NewTimedID(at), Kind: ledger.Decision, At: at, Outcome: cpni.Permit,
				Permits: []cpni.DataClass{cpni.CallDetail}, Commitment: sha256.Sum256(nil), Sealed: []byte{1}}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, month := range w.months(t, l) {
			calls, err := w.Vault.ReadCalls(t.Context(), receipts[0], l.Number, []int{month})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range calls {
				all = append(all, fmt.Sprintf("%s %d: %s %d %v %v %s %x", number, month, c.At.Format(time.RFC3339), c.Seconds, c.Answered, c.Out, c.Number, c.ID))
			}
		}
	}
	return all
}

func (w *world) months(t testing.TB, l Line) (months []int) {
	t.Helper()
	rows, err := w.DB.Reader().Query(t.Context(), "SELECT month FROM call_segment WHERE customer_id = $1 AND line = $2 ORDER BY month", string(l.Customer), l.Number)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var m int
		if err := rows.Scan(&m); err != nil {
			t.Fatal(err)
		}
		months = append(months, m)
	}
	return months
}

// write makes a file of the test's own.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *world) mustImport(t testing.TB, text string, o CallOptions) *Summary {
	t.Helper()
	s, err := w.Calls(t.Context(), write(t, "calls.csv", text), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
