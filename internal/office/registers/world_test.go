package registers_test

import (
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/office/officetest"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// world is an office in which things are given to third parties.
type world struct {
	*officetest.Office
	t          *testing.T
	db         *store.DB
	compliance cpni.ID
	agent      cpni.ID
}

func each(t *testing.T, test func(w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(open(t, db)) })
}

func open(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{Office: officetest.Open(t, db), t: t, db: db}
	w.Door.InlineProcess = true // what a process is, its own tests show
	w.compliance, w.agent = w.Member(t, cpni.RoleCompliance), w.Member(t, cpni.RoleAgent)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// ask asks at the door, and fails when it is not permitted.
func (w *world) ask(r disclose.Request) *disclose.Answer {
	w.t.Helper()
	w.Time.Add(time.Second)
	a, err := w.Door.Disclose(w.t.Context(), r)
	w.must(err)
	if !a.Decision.Permit() {
		w.t.Fatalf("it was refused: %+v", a.Decision)
	}
	return a
}

// order is a court's, of which everything is in order.
func (w *world) order(number string, of cpni.ID, secret bool) disclose.Request {
	return disclose.Request{Caller: disclose.Caller{Staff: w.compliance}, Customer: of, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.Legal, To: "law-enforcement", Via: cpni.File,
		Process: &rules.Process{ID: number, Issuer: "a district court", Scope: []cpni.DataClass{cpni.CallDetail}, From: officetest.Start.AddDate(0, -1, 0), Until: officetest.Start.AddDate(5, 0, 0), ReviewedBy: "counsel", Secret: secret}}
}

// toDesignee gives a customer's calls to somebody whom they have named.
func (w *world) toDesignee(of *customer.Profile, name string) disclose.Request {
	return disclose.Request{Caller: disclose.Caller{Staff: w.agent}, Customer: of.ID, Contact: w.Verified(w.t, w.agent, of.ID), Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.DesigneePurpose, Via: cpni.Screen,
		To: "designee:" + name, Written: &disclose.WrittenRequest{Written: true, Signed: true, Names: name}}
}

// partner puts a partner on the register.
func (w *world) partner(id string, class cpni.PartnerClass, destroy time.Time) {
	w.t.Helper()
	w.must(w.Partners.Put(w.t.Context(), "test", partner.Partner{ID: id, Name: "The " + id + " company", Class: class, Agreement: &partner.Agreement{Until: destroy.AddDate(-1, 0, 0), DestroyBy: destroy}}))
}

func (w *world) signed() {
	w.t.Helper()
	w.must(w.Ledger.Sequence(w.t.Context()))
}
