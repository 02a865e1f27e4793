package office_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/matter"
	"ringfence/internal/office/officetest"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// What the caller says of a case, ticket or order counts for nothing: it must be on the register, open, and about this customer
// and what is asked. A matter that closes takes the ground from every later request, on every node and after a restart, and
// the record says why.
//
// cite: P-28, P-30, P-33, P-34, 47 USC 222(c)(1), 47 USC 222(d)(2)
func TestTheRegisterDecides(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := officetest.Open(t, db)
		b := a.On(t, db)
		agent, fraud := a.Member(t, cpni.RoleAgent), a.Member(t, cpni.RoleFraud)
		ann, ben := a.Customer(t), a.Customer(t)
		ticket := a.Work(t, matter.Ticket, "T-1", ann.ID)
		theirs := a.Work(t, matter.Protection, "F-1", ben.ID)
		mend := func(id string) disclose.Request {
			return disclose.Request{Caller: disclose.Caller{Staff: agent}, Customer: ann.ID, Data: []cpni.DataClass{cpni.Service}, Purpose: cpni.ProvideService, To: "carrier", Ticket: &rules.Case{ID: id, Open: true}}
		}
		protect := func(id cpni.ID) disclose.Request {
			return disclose.Request{Caller: disclose.Caller{Staff: fraud}, Customer: ann.ID, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.Protect, To: "carrier", Matter: id}
		}
		want := func(name string, o *officetest.Office, r disclose.Request, code cpni.Code, unfit string) {
			t.Helper()
			answer, err := o.Door.Disclose(t.Context(), r)
			if err != nil || answer.Decision.Code != code {
				t.Fatalf("%s: %+v %v, want %q", name, answer, err, code)
			}
			record, err := o.Door.Record(t.Context(), ann.ID, answer.Entry)
			if err != nil || record.Facts.Basis.Unfit != unfit {
				t.Errorf("%s: the record says %q, want %q (%v)", name, record.Facts.Basis.Unfit, unfit, err)
			}
		}
		want("nobody's ticket", a, mend("T-99"), "NOT_NECESSARY", matter.NotThere)
		want("by its number", a, mend("T-1"), "", "")
		want("by its id, on another node", b, mend(string(ticket.ID)), "", "")
		want("a ticket that is named as a case", a, protect(ticket.ID), "NOT_NECESSARY", matter.NotItsKind)
		want("another customer's case", a, protect(theirs.ID), "NOT_NECESSARY", matter.NotTheirs)
		own := a.Work(t, matter.Protection, "F-2", ann.ID)
		want("their own case", b, protect(own.ID), "", "")
		if _, err := a.Matters.Close(t.Context(), ticket.ID, "test", matter.Done, "Mended."); err != nil {
			t.Fatal(err)
		}
		want("closed, on the node that has not seen it", b, mend("T-1"), "NOT_NECESSARY", matter.NotOpen)
		want("closed", a, mend(string(ticket.ID)), "NOT_NECESSARY", matter.NotOpen)
		want("closed, after a restart", a.On(t, db), mend("T-1"), "NOT_NECESSARY", matter.NotOpen)
		if _, d, err := b.Door.Consider(t.Context(), mend("T-1")); err != nil || d.Permit() {
			t.Errorf("considered on a closed ticket: %v %v", d.Outcome, err)
		}
		if err := a.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.Time.Add(400 * 24 * time.Hour)
		if err := a.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m, err := b.Matters.Get(t.Context(), own.ID); err != nil || m.Outcome != matter.Lapsed {
			t.Errorf("a case that lies for a year: %+v %v", m, err)
		}
		mustVerify(t, a)
	})
}

// No use that began after the end of a matter was acknowledged is permitted on it, whatever is decided at that moment.
//
// cite: P-34, P-41, I-02, 47 USC 222(c)(1)
func TestNoUseAfterTheEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := officetest.Open(t, db)
		b := a.On(t, db)
		agent := a.Member(t, cpni.RoleAgent)
		ann := a.Customer(t)
		for round := range 4 {
			m := a.Work(t, matter.Ticket, fmt.Sprint("T-", round), ann.ID)
			var ended sync.Map
			var permitted, all sync.WaitGroup
			var once sync.Once
			permitted.Add(1)
			for i := range 6 {
				o := []*officetest.Office{a, b}[i%2]
				all.Go(func() {
					defer once.Do(permitted.Done)
					for range 20 {
						_, late := ended.Load("acknowledged")
						answer, err := o.Door.Disclose(context.Background(), disclose.Request{Caller: disclose.Caller{Staff: agent}, Customer: ann.ID, Data: []cpni.DataClass{cpni.Service}, Purpose: cpni.ProvideService, To: "carrier", Matter: m.ID})
						switch {
						case err != nil:
							t.Error(err)
							return
						case answer.Decision.Permit() && late:
							t.Error("permitted on a matter whose end was acknowledged")
						case answer.Decision.Permit():
							once.Do(permitted.Done)
						}
					}
				})
			}
			permitted.Wait()
			if _, err := a.Matters.Close(context.Background(), m.ID, "test", matter.Done, "Mended."); err != nil {
				t.Error(err)
			}
			ended.Store("acknowledged", true)
			all.Wait()
		}
		mustVerify(t, a)
	})
}

// While another carrier asks for a number, and for long after, nobody markets to keep its customer, whatever the caller says; the
// carrier that asked gets the service and its listing and nothing else, and no other carrier anything.
//
// cite: P-33, V104, V105, 47 USC 222(b), 47 USC 222(c)(1), 47 USC 222(d)(1)
func TestAPortIsForThePort(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := officetest.Open(t, db)
		b := a.On(t, db)
		clerk, marketer := a.Member(t, cpni.RoleSupervisor), a.Member(t, cpni.RoleMarketing)
		ann := a.Customer(t)
		line := ann.Lines[0].Number
		keep := disclose.Request{Caller: disclose.Caller{Staff: marketer}, Customer: ann.ID, Data: []cpni.DataClass{cpni.Usage}, Purpose: cpni.WinBack, To: "carrier", Offer: &rules.Offer{Categories: ann.Lines[0].Categories}}
		want := func(name string, o *officetest.Office, r disclose.Request, code cpni.Code) {
			t.Helper()
			answer, err := o.Door.Disclose(t.Context(), r)
			if err != nil || answer.Decision.Code != code {
				t.Fatalf("%s: %+v %v, want %q", name, answer, err, code)
			}
		}
		want("before", b, keep, "")
		m, err := a.Matters.Open(t.Context(), matter.Opening{Kind: matter.PortOut, Reference: "P-1", Why: "They have asked.", Carrier: "Far Telephone", About: []matter.About{{Customer: ann.ID, Lines: []string{line}}}, By: string(clerk)})
		if err != nil {
			t.Fatal(err)
		}
		want("while it runs, on the node that has not seen it", b, keep, "222B")
		withLine := keep
		withLine.Line, withLine.Purpose = line, cpni.OwnMarketing
		want("of that number", a, withLine, "222B")
		give := disclose.Request{Caller: disclose.Caller{Staff: clerk}, Customer: ann.ID, Data: []cpni.DataClass{cpni.Service, cpni.Listing}, Purpose: cpni.ProvideService, To: "carrier:Far Telephone", Line: line, Matter: m.ID, Via: cpni.File}
		want("what the port needs", a, give, "")
		more := give
		more.Data = []cpni.DataClass{cpni.Service, cpni.CallDetail}
		want("more than it needs", a, more, "NOT_NECESSARY")
		other := give
		other.To = "carrier:Near Telephone"
		want("to another carrier", a, other, "NOT_NECESSARY")
		whole := give
		whole.Line = ""
		want("of all numbers", a, whole, "NOT_NECESSARY")
		if _, err := a.Matters.Close(t.Context(), m.ID, "test", matter.Cancelled, "They stay."); err != nil {
			t.Fatal(err)
		}
		want("after its end", b, keep, "222B")
		want("nothing more for the other carrier", b, give, "NOT_NECESSARY")
		a.Time.Add(matter.PortBarred(a.Policy.Numbers(a.Clock.Now())))
		for _, id := range []cpni.ID{clerk, marketer} {
			if err := a.Staff.Train(t.Context(), id, a.Clock.Now(), "test"); err != nil {
				t.Fatal(err)
			}
		}
		want("long after", a, keep, "")
		mustVerify(t, a)
	})
}

// A vendor who collects gets what billing needs, of accounts that are placed with it, while they are.
//
// cite: P-35, P-41, 47 USC 222(d)(1)
func TestPlacements(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		biller := o.Member(t, cpni.RoleBilling)
		ann, ben := o.Customer(t), o.Customer(t)
		bound := &partner.Agreement{Until: o.Clock.Now().AddDate(1, 0, 0), DestroyBy: o.Clock.Now().AddDate(1, 0, 0)}
		for _, id := range []string{"collectors", "others"} {
			if err := o.Partners.Put(t.Context(), "test", partner.Partner{ID: id, Agreement: bound, Placed: true}); err != nil {
				t.Fatal(err)
			}
		}
		m, err := o.Matters.Open(t.Context(), matter.Opening{Kind: matter.Collection, Reference: "C-1", Why: "Two bills are not paid.", Partner: "collectors", Data: []cpni.DataClass{cpni.Billing}, About: []matter.About{{Customer: ann.ID}}, By: string(biller)})
		if err != nil {
			t.Fatal(err)
		}
		bill := disclose.Request{Caller: disclose.Caller{Staff: biller}, Customer: ann.ID, Data: []cpni.DataClass{cpni.Billing}, Purpose: cpni.BillingPurpose, To: "collectors", Via: cpni.File, Matter: m.ID}
		for _, c := range []struct {
			name   string
			change func(*disclose.Request)
			want   cpni.Code
		}{
			{"what is placed", func(*disclose.Request) {}, ""},
			{"no placement", func(r *disclose.Request) { r.Matter = "" }, "NOT_NECESSARY"},
			{"another's placement", func(r *disclose.Request) { r.Customer = ben.ID }, "NOT_NECESSARY"},
			{"another vendor", func(r *disclose.Request) { r.To = "others" }, "NOT_NECESSARY"},
			{"more than was placed", func(r *disclose.Request) { r.Data = []cpni.DataClass{cpni.Billing, cpni.Usage} }, "NOT_NECESSARY"},
			{"what no bill has", func(r *disclose.Request) { r.Data = []cpni.DataClass{cpni.Location} }, "NOT_NECESSARY"},
		} {
			r := bill
			c.change(&r)
			answer, err := o.Door.Disclose(t.Context(), r)
			if err != nil || answer.Decision.Code != c.want {
				t.Errorf("%s: %+v %v, want %q", c.name, answer, err, c.want)
			}
		}
		late := *bound
		late.DestroyBy = o.Clock.Now()
		if err := o.Partners.Put(t.Context(), "test", partner.Partner{ID: "collectors", Agreement: &late, Placed: true}); err != nil {
			t.Fatal(err)
		}
		if answer, err := o.Door.Disclose(t.Context(), bill); err != nil || answer.Decision.Code != "VENDOR" {
			t.Errorf("after the day of destruction: %+v %v", answer, err)
		}
		mustVerify(t, o)
	})
}
