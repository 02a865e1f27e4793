package retention_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// world is an office in which records grow old.
type world struct {
	*officetest.Office
	t                          *testing.T
	db                         *store.DB
	compliance, officer, agent cpni.ID
}

func each(t *testing.T, test func(w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(of(t, db, officetest.Open(t, db))) })
}

func of(t *testing.T, db *store.DB, o *officetest.Office) *world {
	w := &world{Office: o, t: t, db: db}
	w.Door.InlineProcess = true // what a process is, its own tests show
	w.people()
	return w
}

// people are hired anew, for the training of those from before is over.
func (w *world) people() {
	w.compliance, w.officer, w.agent = w.Member(w.t, cpni.RoleCompliance), w.Member(w.t, cpni.RoleOfficer), w.Member(w.t, cpni.RoleAgent)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// later moves the clock by months and some days.
func (w *world) later(months int) {
	w.Time.Add(time.Duration(months) * 31 * 24 * time.Hour)
	w.people()
}

// served is a customer who was served on the telephone, and tried a wrong secret.
func (w *world) served() *customer.Profile {
	w.t.Helper()
	ann := w.Customer(w.t)
	in := w.Verified(w.t, w.agent, ann.ID)
	a, err := w.Door.Disclose(w.t.Context(), officetest.AskCalls(w.agent, in))
	w.must(err)
	if !a.Decision.Permit() {
		w.t.Fatalf("%+v", a.Decision)
	}
	w.must(w.Contacts.End(w.t.Context(), in))
	return ann
}

// given is a customer whose calls went to a court.
func (w *world) given() *customer.Profile {
	w.t.Helper()
	ann := w.Customer(w.t)
	a, err := w.Door.Disclose(w.t.Context(), disclose.Request{Caller: disclose.Caller{Staff: w.compliance}, Customer: ann.ID, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.Legal, To: "law-enforcement", Via: cpni.File,
		Process: &rules.Process{ID: "26-1", Issuer: "a district court", Scope: []cpni.DataClass{cpni.CallDetail}, From: officetest.Start.AddDate(0, -1, 0), Until: officetest.Start.AddDate(5, 0, 0), ReviewedBy: "counsel"}})
	w.must(err)
	if !a.Decision.Permit() {
		w.t.Fatalf("%+v", a.Decision)
	}
	return ann
}

func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	w.must(w.db.Reader().QueryRow(w.t.Context(), query, args...).Scan(&n))
	return n
}

// verifies checks the whole ledger, and how many records it says were destroyed.
func (w *world) verifies(destroyed int) {
	w.t.Helper()
	w.must(w.Ledger.Sequence(w.t.Context()))
	var said strings.Builder
	v, err := w.Ledger.Verify(w.t.Context(), &said)
	w.must(err)
	if !v.OK() || int(v.Destroyed) != destroyed {
		w.t.Errorf("the ledger verifies: %v, with %d destroyed, want %d (P-41)\n%s", v.OK(), v.Destroyed, destroyed, &said)
	}
}
