package customer

import (
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// start is when stories of tests begin.
var start = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

// clock stands still unless the test moves it.
type clock struct{ at atomic.Int64 }

func (c *clock) Now() time.Time { return time.UnixMicro(c.at.Load()).UTC() }

// world is a register over a real database, vault and ledger.
type world struct {
	*Book
	t      testing.TB
	clock  *clock
	master *vault.Master
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}, master: vault.NewMaster()}
	w.clock.at.Store(start.UnixMicro())
	w.Book = w.node(db)
	return w
}

// node opens the register on db as one more process would.
func (w *world) node(db *store.DB) *Book {
	w.t.Helper()
	v, err := vault.Open(w.t.Context(), db, w.master)
	if err != nil {
		w.t.Fatal(err)
	}
	signer, err := ledger.NewKey("customer.test.example")
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := ledger.Open(w.t.Context(), db, ledger.Options{Origin: "customer.test.example", Signer: signer, Clock: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	return NewBook(db, v, l, w.clock)
}

// ann is a customer with something in every field.
func ann() Profile {
	since := start.AddDate(-6, 0, 0)
	return Profile{
		Name: "Ann Archer", Account: "A-917304", Since: since, Born: "1980-04-02", SSN4: "6789",
		Lines:          []Line{{Number: "+12025550143", Categories: []cpni.Category{cpni.Local}, Since: since}},
		Postal:         []Address{{Value: "1 Main St, Springfield, VA 22150", Since: since}},
		Email:          []Address{{Value: "ann@example.com", Since: since}},
		ContactNumbers: []string{"+17035550199"},
		Authorised:     []Authorised{{Name: "Bo Archer", Data: []cpni.DataClass{cpni.Billing}}},
	}
}

func (w *world) create(p Profile) cpni.ID {
	w.t.Helper()
	id, err := w.Create(w.t.Context(), p, "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) get(id cpni.ID) *Profile {
	w.t.Helper()
	p, _, err := w.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// update changes a customer by do alone.
func (w *world) update(id cpni.ID, do func(p *Profile)) error {
	_, err := w.Update(w.t.Context(), id, func(p *Profile) (Change, error) {
		do(p)
		return Change{Actor: "test", What: "changed"}, nil
	})
	return err
}

func (w *world) found(kind, value string) []cpni.ID {
	w.t.Helper()
	ids, err := w.Find(w.t.Context(), kind, value)
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

// count counts the rows of a query.
func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	var n int
	if err := w.db.Reader().QueryRow(w.t.Context(), query, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}
