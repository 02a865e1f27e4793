package office_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/process"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A process that is withdrawn, quashed or no longer in force releases nothing: not when it is quashed between the decision and its
// record, and not from a package that was made before.
//
// cite: P-29, I-02, 47 USC 222(c)(1)
func TestEndedLegalProcessReleasesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		l, ctx := lawOf(t, o), t.Context()
		ann := o.Customer(t)
		p := l.approve(l.file(l.order(ann.Account)))
		o.Door.Processes = &quashing{Register: o.Processes, do: func() {
			must[*process.Process](t)(o.Processes.End(ctx, p.ID, process.Ending{By: l.taker, State: process.Quashed, Reason: "the court of appeals", Scan: paper}))
		}}
		tried := l.release(p)
		if tried.Released != 0 || len(tried.Refused) != 1 || len(must[[]process.Release](t)(o.Processes.Releases(ctx, p.ID, l.taker))) != 0 {
			t.Errorf("quashed between the decision and its record: %+v (I-02)", tried)
		}
		for _, r := range must[[]ledger.Row](t)(o.Ledger.Records(ctx, ann.ID, ledger.Filter{Kind: ledger.Decision})) {
			if r.Outcome == cpni.Permit {
				t.Error("a permit is on record (I-02)")
			}
		}
		o.Door.Processes = o.Processes
		for _, how := range []process.State{process.Withdrawn, process.Quashed, ""} {
			f := l.order(ann.Account)
			f.Until = o.Clock.Now().Add(time.Hour)
			p := l.approve(l.file(f))
			l.release(p)
			n := must[int](t)(o.Processes.Pack(ctx, p.ID, l.taker))
			if how == "" {
				o.Time.Add(time.Hour)
			} else if _, err := o.Processes.End(ctx, p.ID, process.Ending{By: l.taker, State: how, Reason: "a letter"}); err != nil {
				t.Fatal(err)
			}
			if _, err := o.Processes.HandOut(ctx, p.ID, l.taker, n, nil); code(err) != "PROCESS" {
				t.Errorf("a package of one that is %q: %v (P-29)", how, err)
			}
			if _, err := o.Processes.Release(ctx, p.ID, l.taker); code(err) != "PROCESS" {
				t.Errorf("a release of one that is %q: %v (P-29)", how, err)
			}
			a := must[*disclose.Answer](t)(o.Door.Disclose(ctx, disclose.Request{Caller: disclose.Caller{Staff: l.taker}, Customer: ann.ID, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.Legal, To: "law-enforcement", Via: cpni.File,
				Months: []int{202611}, Process: &rules.Process{ID: string(p.ID)}}))
			if a.Decision.Permit() {
				t.Errorf("the door, of one that is %q: permitted (P-29)", how)
			}
		}
	})
}

// What is due raises one alert and is released no sooner; what was handed out is not late.
//
// cite: P-29
func TestNothingIsReleasedBecauseItIsLate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		l, ctx := lawOf(t, o), t.Context()
		ann := o.Customer(t)
		f := l.order(ann.Account)
		f.Due = o.Clock.Now().Add(time.Hour)
		waits, answered := l.file(f), l.approve(l.file(f))
		l.release(answered)
		n := must[int](t)(o.Processes.Pack(ctx, answered.ID, l.taker))
		must[*process.Handout](t)(o.Processes.HandOut(ctx, answered.ID, l.taker, n, nil))
		l.due()
		if n := l.alerts(process.Overdue); n != 0 {
			t.Errorf("%d alerts before it is due", n)
		}
		o.Time.Add(time.Hour)
		l.due()
		if n := l.alerts(process.Overdue); n != 1 {
			t.Errorf("%d alerts, want 1", n)
		}
		if p := must[*process.Process](t)(o.Processes.One(ctx, waits.ID, l.taker)); p.State != process.Entered || !p.Late {
			t.Errorf("%+v", p)
		}
		if all := must[[]process.Release](t)(o.Processes.Releases(ctx, waits.ID, l.taker)); len(all) != 0 {
			t.Errorf("released because it is late: %+v (P-29)", all)
		}
	})
}

// Where the policy has the customer told first, nothing is released before they have had time to go to court, and it is answered to
// the party that the paper names and to nobody else.
//
// cite: P-29, 47 USC 222(c)(1)
func TestTheCustomerIsToldFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		l, ctx := lawOf(t, o), t.Context()
		ann := o.Customer(t)
		nowhere := o.Customer(t, func(p *customer.Profile) { p.Email, p.Postal = nil, nil })
		f := l.order(ann.Account, nowhere.Account)
		f.Kind, f.To, f.Until = "civil-subpoena", "Smith & Partners", at("2027-06-01 00:00")
		p := l.approve(l.file(f))
		if all := messages(t, o, ann.ID, notify.ProcessDemand); len(all) != 1 || all[0].Tokens["until"] == "" {
			t.Fatalf("told first: %+v", all)
		}
		if n := l.alerts(process.Untold); n != 1 {
			t.Errorf("%d alerts about a customer without an address of record", n)
		}
		wait := o.Policy.Numbers(o.Clock.Now())
		k, _ := wait.ProcessKind(f.Kind)
		if _, err := o.Processes.Release(ctx, p.ID, l.taker); code(err) != "PROCESS" {
			t.Errorf("released at once: %v (P-29)", err)
		}
		ask := disclose.Request{Caller: disclose.Caller{Staff: l.taker}, Customer: ann.ID, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.Legal, To: "designee:smith & partners", Via: cpni.File, Months: []int{202611}, Process: &rules.Process{ID: string(p.ID)}}
		if a := must[*disclose.Answer](t)(o.Door.Disclose(ctx, ask)); a.Decision.Permit() {
			t.Error("the door, while the customer can still go to court: permitted (P-29)")
		}
		o.Time.Add(k.NoticeWait)
		other := ask
		other.To = "law-enforcement"
		if a := must[*disclose.Answer](t)(o.Door.Disclose(ctx, other)); a.Decision.Permit() {
			t.Error("answered to somebody whom the paper does not name (P-29)")
		}
		if tried := l.release(p); tried.Released != 2 {
			t.Errorf("after the wait: %+v", tried)
		}
		l.due()
		if all := messages(t, o, ann.ID, notify.ProcessAnswered); len(all) != 1 {
			t.Errorf("told afterwards: %d messages", len(all))
		}
	})
}

// Whoever releases at the same time, on one node or two, releases each subject once.
//
// cite: P-29, I-11
func TestLegalProcessIsReleasedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		two := o.On(t, db)
		l, ctx := lawOf(t, o), t.Context()
		p := l.approve(l.file(l.order(o.Customer(t).Account, o.Customer(t).Account, o.Customer(t).Account)))
		var all sync.WaitGroup
		for _, n := range []*officetest.Office{o, two, o, two} {
			all.Go(func() {
				if _, err := n.Processes.Release(ctx, p.ID, l.taker); err != nil && code(err) != "CONFLICT" {
					t.Error(err)
				}
			})
		}
		all.Wait()
		releases := must[[]process.Release](t)(o.Processes.Releases(ctx, p.ID, l.taker))
		if len(releases) != 3 {
			t.Errorf("%d releases of three subjects: %+v (I-11)", len(releases), releases)
		}
	})
}

// The rights of a customer to be forgotten take what a file says of them as well; the file stays, and answers nothing of theirs.
//
// cite: P-29, I-21
func TestForgottenSubjectOfLegalProcess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		l, ctx := lawOf(t, o), t.Context()
		ann := o.Customer(t)
		p := l.approve(l.file(l.order(ann.Account)))
		l.release(p)
		n := must[int](t)(o.Processes.Pack(ctx, p.ID, l.taker))
		if err := o.Customers.Forget(ctx, ann.ID, string(l.taker)); err != nil {
			t.Fatal(err)
		}
		p = must[*process.Process](t)(o.Processes.One(ctx, p.ID, l.taker))
		if s := p.Subjects[0]; !s.Forgotten || s.Says != "" {
			t.Errorf("%+v (I-21)", s)
		}
		out := must[*process.Handout](t)(o.Processes.HandOut(ctx, p.ID, l.taker, n, nil))
		if files := unpacked(t, out.File); callsOf(t, files) != 0 || !strings.Contains(files["not-released.csv"], "destroyed") {
			t.Errorf("%v", files)
		}
	})
}
