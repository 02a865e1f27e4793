package matter

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// start is when stories of tests begin.
var start = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

// clock stands still unless the test moves it.
type clock struct{ at atomic.Int64 }

func (c *clock) Now() time.Time       { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.at.Add(d.Microseconds()) }
func days(n int) time.Duration        { return time.Duration(n) * 24 * time.Hour }
func (w *world) vendor(p partner.Partner) {
	w.t.Helper()
	must(w.t, w.partners.Put(w.t.Context(), "test", p))
}

// numbers are those of these tests.
func numbers(time.Time) Numbers {
	n := Numbers{Kinds: map[Kind]Times{}}
	for _, k := range Kinds {
		n.Kinds[k] = Times{Remind: days(3), Close: days(10), Longest: days(30)}
	}
	return n
}

// world is a register over a real database, vault and ledger.
type world struct {
	*Register
	t         testing.TB
	clock     *clock
	master    *vault.Master
	customers *customer.Book
	partners  *partner.Register
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}, master: vault.NewMaster()}
	w.clock.at.Store(start.UnixMicro())
	w.open(db)
	return w
}

// open opens the register on db: again, as after a restart or on another node.
func (w *world) open(db *store.DB) {
	w.t.Helper()
	v, err := vault.Open(w.t.Context(), db, w.master)
	must(w.t, err)
	signer, err := ledger.NewKey("matter.test.example")
	must(w.t, err)
	l, err := ledger.Open(w.t.Context(), db, ledger.Options{Origin: "matter.test.example", Signer: signer, Clock: w.clock})
	must(w.t, err)
	w.customers, w.partners = customer.NewBook(db, v, l, w.clock), partner.NewRegister(db, v, l, w.clock)
	w.Register = New(Parts{DB: db, Vault: v, Ledger: l, Customers: w.customers, Partners: w.partners, Clock: w.clock, Numbers: numbers})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func codeOf(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// customer adds one with some lines.
func (w *world) customer(name string, lines ...string) cpni.ID {
	w.t.Helper()
	p := customer.Profile{Name: name, Since: start.AddDate(-3, 0, 0)}
	for _, l := range lines {
		p.Lines = append(p.Lines, customer.Line{Number: l, Since: p.Since})
	}
	id, err := w.customers.Create(w.t.Context(), p, "test")
	must(w.t, err)
	return id
}

// made opens a matter, with what it does not say.
func (w *world) made(o Opening) *Matter {
	w.t.Helper()
	m, err := w.Open(w.t.Context(), full(o))
	must(w.t, err)
	return m
}

func full(o Opening) Opening {
	if o.Kind == "" {
		o.Kind = Ticket
	}
	if o.Reference == "" {
		o.Reference = "T-1"
	}
	if o.Why == "" {
		o.Why = "The line is dead."
	}
	if o.By == "" {
		o.By = "rep"
	}
	return o
}

func (w *world) unfit(m *Matter, u Use) string {
	w.t.Helper()
	if u.Purpose == "" {
		u.Purpose = m.Purpose()
	}
	if u.Data == nil {
		u.Data = m.Data[:1]
	}
	if u.To == "" {
		u.To = cpni.ToCarrier
	}
	u.At = w.clock.Now()
	f, err := w.Justifies(w.t.Context(), string(m.ID), Kinds, u)
	must(w.t, err)
	return f.Unfit
}

// changes counts the entries about a customer's account.
func (w *world) changes(of cpni.ID) int {
	w.t.Helper()
	rows, err := w.parts.Ledger.Records(w.t.Context(), of, ledger.Filter{Kind: ledger.Change})
	must(w.t, err)
	return len(rows)
}
