package office_test

import (
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/publish"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/workday"
)

// examplePublic are the facts of a carrier that there is not.
var examplePublic = office.Public{Carrier: publish.Carrier{Name: "Example Tel", Email: "privacy@example.net", Phone: "+18005550100", Post: "1 Main St, Springfield, VA 22150", Web: "https://account.example.net",
	Facility: "https://reporting.facility.example/cpni", Posting: "https://example.net/privacy", Verified: workday.On(2026, time.November, 1)}}

// everyWay carries nothing; it only has to be there.
type everyWay struct{ notify.Channel }

func allWays() map[cpni.Via]notify.Channel {
	return map[cpni.Via]notify.Channel{cpni.Email: everyWay{}, cpni.Text: everyWay{}, cpni.Voice: everyWay{}, cpni.Postal: everyWay{}}
}

// alerted counts the alerts of a code.
func alerted(t *testing.T, o *officetest.Office, code cpni.Code) int {
	t.Helper()
	all, err := o.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Alert, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range all {
		if r.Code == code {
			n++
		}
	}
	return n
}

// One alert tells that sentences turned red, and another when they do again; of two nodes one raises it. What the program does not keep yet
// raises none. A link to the facility that nobody has looked at for ninety days is an alert and no more.
//
// cite: P-37, P-46, P-55, 47 CFR 64.2011(b)
func TestAlertsAboutThePublicPolicy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.OpenPublic(t, db, examplePublic)
		other := o.On(t, db)
		nodes := []*officetest.Office{o, other}
		due := func() {
			t.Helper()
			for _, n := range nodes {
				if err := n.Published.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := n.Due(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		reach := func(ways map[cpni.Via]notify.Channel) {
			for _, n := range nodes {
				n.Reach(ways)
			}
		}
		reach(allWays())
		due()
		if n := alerted(t, o, office.Unkept); n != 0 {
			t.Errorf("%d alerts while only what is not built is red", n)
		}
		less := allWays()
		delete(less, cpni.Postal)
		reach(less)
		due()
		due()
		if n := alerted(t, o, office.Unkept); n != 1 {
			t.Errorf("%d alerts when letters went, want 1", n)
		}
		reach(allWays())
		due()
		reach(less)
		due()
		if n := alerted(t, o, office.Unkept); n != 2 {
			t.Errorf("%d alerts when they went again, want 2", n)
		}
		reach(allWays())
		due()
		if n := alerted(t, o, office.FacilityUnverified); n != 0 {
			t.Errorf("%d alerts about a link that was looked at", n)
		}
		o.Time.Add(70 * 24 * time.Hour) // 23 days had passed
		due()
		due()
		if n := alerted(t, o, office.FacilityUnverified); n != 1 {
			t.Errorf("%d alerts about a link that nobody has looked at for 90 days, want 1", n)
		}
		if k, err := o.Keeping(t.Context()); err != nil || k.Unkept["breach-where"].IsZero() {
			t.Errorf("the sentence that names it is not red: %v", err)
		}
	})
}

// A decision that stood on a policy before another was published is made again: on a node that does not know of it yet, too.
//
// cite: P-56, I-02, 47 CFR 64.2008(c)(2)
func TestPublishedElsewhereIsHeededAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		public := examplePublic
		first := officetest.OpenPublic(t, db, office.Public{})
		text, err := publish.Without(first.PublicText(), publish.Covers{Data: []cpni.DataClass{cpni.Billing}})
		if err != nil {
			t.Fatal(err)
		}
		public.First = text
		first.Public = public
		o, other := first.On(t, db), first.On(t, db)
		now := o.Clock.Now()
		id, err := o.Customers.Create(t.Context(), customer.Profile{Name: "Ann Archer", Since: now.AddDate(-2, 0, 0), Lines: []customer.Line{{Number: "+12025550141", Categories: []cpni.Category{cpni.Local}, Since: now.AddDate(-2, 0, 0)}},
			Approvals: []customer.Approval{{Scope: string(cpni.OwnMarketing), State: cpni.OptInOK, Since: now.AddDate(0, -1, 0), NoticeAt: now.AddDate(0, -1, 0)}}}, "test")
		if err != nil {
			t.Fatal(err)
		}
		mia := o.Member(t, cpni.RoleMarketing)
		ask := func(n *officetest.Office) cpni.Outcome {
			t.Helper()
			a, err := n.Door.Disclose(t.Context(), disclose.Request{Caller: disclose.Caller{Staff: mia}, Customer: id, Data: []cpni.DataClass{cpni.Billing}, Purpose: cpni.OwnMarketing, To: "carrier"})
			if err != nil {
				t.Fatal(err)
			}
			return a.Decision.Outcome
		}
		if a, b := ask(o), ask(other); a != cpni.Permit || b != cpni.Permit {
			t.Fatalf("before: %s and %s", a, b)
		}
		o.Time.Add(time.Minute)
		if err := o.PublishAdding(t.Context(), "2026-12", o.Clock.Now(), publish.Covers{Data: []cpni.DataClass{cpni.Billing}}, "test"); err != nil {
			t.Fatal(err)
		}
		if a, b := ask(other), ask(o); a != cpni.Deny || b != cpni.Deny {
			t.Errorf("after: %s on the other node, %s on this", a, b)
		}
	})
}
