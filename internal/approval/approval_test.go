package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// terms are those of the law: an opt-out notice carries two years.
var terms = Terms{RenoticeMonths: 24}

func eastern(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// local reads a moment of the carrier's zone; a date alone is its first.
func local(t testing.TB, text string) time.Time {
	t.Helper()
	for _, form := range []string{"2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(form, text, eastern(t)); err == nil {
			return at
		}
	}
	t.Fatalf("%q is no moment", text)
	return time.Time{}
}

var (
	carrier = rules.Recipient{Kind: cpni.ToCarrier}
	usage   = []cpni.DataClass{cpni.Usage}
)

func partner(id string, class cpni.PartnerClass) rules.Recipient {
	return rules.Recipient{Kind: cpni.ToPartner, Partner: id, Class: class}
}

// cite: P-15, P-36, 47 CFR 64.2007(b), 47 USC 222(f)
func TestScopeOf(t *testing.T) {
	location := []cpni.DataClass{cpni.Usage, cpni.Location}
	for _, row := range []struct {
		purpose   cpni.Purpose
		data      []cpni.DataClass
		recipient rules.Recipient
		want      string
	}{
		{cpni.OwnMarketing, usage, carrier, "own-marketing"},
		{cpni.WinBack, usage, carrier, "own-marketing"},
		{cpni.InboundMarketing, usage, carrier, "own-marketing"},
		{cpni.OtherMarketing, usage, carrier, "other-marketing"},
		{cpni.OwnMarketing, usage, partner("helpers", cpni.Agent), "own-marketing"},
		{cpni.OwnMarketing, usage, partner("sister", cpni.AffiliateComm), "own-marketing"},
		{cpni.OwnMarketing, usage, partner("cousin", cpni.AffiliateOther), "partner:cousin"},
		{cpni.OtherMarketing, usage, partner("helpers", cpni.Agent), "partner:helpers"},
		{cpni.PartnerMarketing, usage, partner("helpers", cpni.Agent), "partner:helpers"},
		{cpni.PartnerMarketing, usage, partner("acme", cpni.JointVenture), "partner:acme"},
		{cpni.PartnerMarketing, usage, partner("acme", ""), "partner:acme"}, // unset counts as independent contractor
		{cpni.OwnMarketing, location, carrier, "location:own-marketing"},
		{cpni.PartnerMarketing, location, partner("acme", cpni.JointVenture), "location:partner-marketing"},
	} {
		if got := ScopeOf(row.purpose, row.data, row.recipient); got != row.want {
			t.Errorf("%s of %v to %s %s: %s, want %s", row.purpose, row.data, row.recipient.Partner, row.recipient.Class, got, row.want)
		}
	}
}

// Which state an approval of the carrier's own marketing stands in.
//
// cite: P-09, P-14, P-26, P-36, P-58, 47 CFR 64.2007(a)(2), 47 CFR 64.2008(d)
func TestStanding(t *testing.T) {
	day := func(s string) time.Time { return local(t, s) }
	everything := func(since string) customer.Approval {
		return customer.Approval{Scope: customer.Everything, State: cpni.Denied, Since: day(since)}
	}
	own := func(state cpni.ApprovalState, since string) customer.Approval {
		return customer.Approval{Scope: "own-marketing", State: state, Since: day(since), NoticeAt: day(since)}
	}
	waiting := func(notice, matures string) customer.Approval {
		a := own(cpni.Waiting, notice)
		if matures != "" {
			a.Matures = day(matures)
		}
		return a
	}
	for _, row := range []struct {
		cite string
		all  []customer.Approval
		at   string
		want cpni.ApprovalState
	}{
		{"3.9: at the start", nil, "2026-11-24", cpni.Unnotified},
		{"V36: the last day of waiting", []customer.Approval{waiting("2026-12-03", "2027-01-03")}, "2027-01-02 23:59", cpni.Waiting},
		{"V36: the wait is over", []customer.Approval{waiting("2026-12-03", "2027-01-03")}, "2027-01-03", cpni.OptOutOK},
		{"P-26: a wait without an end", []customer.Approval{waiting("2026-12-03", "")}, "2027-06-01", cpni.Waiting},
		{"P-26: a wait that ends with its notice", []customer.Approval{waiting("2026-12-03", "2026-12-03")}, "2027-06-01", cpni.Waiting},
		{"I-15: no notice", []customer.Approval{{Scope: "own-marketing", State: cpni.OptOutOK, Since: day("2026-01-01")}}, "2026-11-24", cpni.Unnotified},
		{"I-15: a wait without a notice", []customer.Approval{{Scope: "own-marketing", State: cpni.Waiting, Matures: day("2026-01-01")}}, "2026-11-24", cpni.Unnotified},
		{"V48: before the day", []customer.Approval{own(cpni.OptOutOK, "2024-11-25")}, "2026-11-24", cpni.OptOutOK},
		{"V48: on the day", []customer.Approval{own(cpni.OptOutOK, "2024-11-25")}, "2026-11-25 23:59", cpni.OptOutOK},
		{"V48: after the day", []customer.Approval{own(cpni.OptOutOK, "2024-11-25")}, "2026-11-26", cpni.RenoticeDue},
		{"V48: given in the evening", []customer.Approval{own(cpni.OptOutOK, "2024-11-25 21:30")}, "2026-11-26", cpni.RenoticeDue},
		{"V49: on the day", []customer.Approval{own(cpni.OptOutOK, "2024-02-29")}, "2026-02-28 23:59", cpni.OptOutOK},
		{"V49: after the day", []customer.Approval{own(cpni.OptOutOK, "2024-02-29")}, "2026-03-01", cpni.RenoticeDue},
		{"V48: a wait that is over ages too", []customer.Approval{waiting("2024-11-25", "2024-12-26")}, "2026-11-26", cpni.RenoticeDue},
		{"V50: renewed, waiting again", []customer.Approval{waiting("2026-12-03", "2027-01-06")}, "2027-01-05 23:59", cpni.Waiting},
		{"V50: a denial stands beside it", []customer.Approval{own(cpni.Denied, "2025-01-01"), waiting("2026-12-03", "2027-01-06")}, "2027-02-01", cpni.Denied},
		{"3.9: an express yes does not age", []customer.Approval{own(cpni.OptInOK, "2020-01-01")}, "2026-11-24", cpni.OptInOK},
		{"3.9: denied over opt-in", []customer.Approval{own(cpni.OptInOK, "2026-01-02"), own(cpni.Denied, "2026-01-01")}, "2026-11-24", cpni.Denied},
		{"3.9: opt-in over opt-out", []customer.Approval{own(cpni.OptOutOK, "2026-01-02"), own(cpni.OptInOK, "2026-01-01")}, "2026-11-24", cpni.OptInOK},
		{"3.9: opt-out over a newer wait", []customer.Approval{waiting("2026-11-20", "2026-12-21"), own(cpni.OptOutOK, "2026-01-01")}, "2026-11-24", cpni.OptOutOK},
		{"3.9: everything", []customer.Approval{everything("2026-01-01")}, "2026-11-24", cpni.Denied},
		{"3.9: everything over an older yes", []customer.Approval{own(cpni.OptInOK, "2025-01-01"), everything("2026-01-01")}, "2026-11-24", cpni.Denied},
		{"3.9: a later narrower yes", []customer.Approval{everything("2026-01-01"), own(cpni.OptInOK, "2026-01-02")}, "2026-11-24", cpni.OptInOK},
		{"3.9: a yes of the same moment", []customer.Approval{everything("2026-01-01"), own(cpni.OptInOK, "2026-01-01")}, "2026-11-24", cpni.Denied},
		{"3.9: silence after the denial", []customer.Approval{everything("2026-01-01"), own(cpni.OptOutOK, "2026-03-01")}, "2026-11-24", cpni.Denied},
		{"3.9: a yes to another", []customer.Approval{everything("2026-01-01"), {Scope: "partner:acme", State: cpni.OptInOK, Since: day("2026-01-02")}}, "2026-11-24", cpni.Denied},
		{"P-36: a yes to everything is none", []customer.Approval{{Scope: customer.Everything, State: cpni.OptInOK, Since: day("2026-01-02"), NoticeAt: day("2026-01-01")}}, "2026-11-24", cpni.Unnotified},
		{"an unknown state", []customer.Approval{own("deemed", "2026-01-01")}, "2026-11-24", cpni.Unnotified},
	} {
		p := &customer.Profile{Approvals: row.all}
		if got := Standing(p, cpni.OwnMarketing, usage, carrier, day(row.at), terms); got.State != row.want {
			t.Errorf("%s: %s at %s, want %s", row.cite, got.State, row.at, row.want)
		}
	}
}

// A yes covers the company that the notice named, and no other.
//
// cite: P-15, P-36, V64, 47 CFR 64.2008(c)(2)
func TestStandingNamesTheRecipient(t *testing.T) {
	at := local(t, "2026-11-24")
	p := &customer.Profile{Approvals: []customer.Approval{
		{Scope: "partner:acme", State: cpni.OptInOK, Since: at.AddDate(0, -1, 0)},
		{Scope: "own-marketing", State: cpni.OptOutOK, Since: at.AddDate(0, -1, 0), NoticeAt: at.AddDate(0, -2, 0), Names: []string{"helpers"}},
		{Scope: "location:partner-marketing", State: cpni.OptInOK, Since: at.AddDate(0, -1, 0), Names: []string{"acme"}},
	}}
	for _, row := range []struct {
		purpose             cpni.Purpose
		data                []cpni.DataClass
		to                  rules.Recipient
		state               cpni.ApprovalState
		named, other, prior bool
	}{
		{cpni.PartnerMarketing, usage, partner("acme", cpni.JointVenture), cpni.OptInOK, true, false, true},
		{cpni.PartnerMarketing, usage, partner("beta", cpni.JointVenture), cpni.Unnotified, false, true, false},
		{cpni.OwnMarketing, usage, partner("helpers", cpni.Agent), cpni.OptOutOK, true, true, false},
		{cpni.OwnMarketing, usage, partner("others", cpni.Agent), cpni.OptOutOK, false, true, false},
		{cpni.OwnMarketing, usage, carrier, cpni.OptOutOK, true, false, false},
		{cpni.PartnerMarketing, []cpni.DataClass{cpni.Location}, partner("acme", cpni.JointVenture), cpni.OptInOK, true, true, true},
		{cpni.PartnerMarketing, []cpni.DataClass{cpni.Location}, partner("beta", cpni.JointVenture), cpni.OptInOK, false, true, true},
	} {
		got := Standing(p, row.purpose, row.data, row.to, at, terms)
		if got.State != row.state || got.NamesRecipient != row.named || got.OtherTuple != row.other || got.ExpressPrior != row.prior {
			t.Errorf("%s of %v to %s: %+v", row.purpose, row.data, row.to.Partner, got)
		}
	}
}

// Location asked for beside something else does not open that something else.
//
// cite: P-36, V67, 47 USC 222(f)
func TestStandingOfBoth(t *testing.T) {
	at := local(t, "2026-11-24")
	yes := customer.Approval{Scope: "location:own-marketing", State: cpni.OptInOK, Since: at.AddDate(0, -1, 0)}
	no := customer.Approval{Scope: "own-marketing", State: cpni.Denied, Since: at.AddDate(0, -2, 0)}
	both := []cpni.DataClass{cpni.Location, cpni.Usage}
	for _, row := range []struct {
		all  []customer.Approval
		data []cpni.DataClass
		want cpni.ApprovalState
	}{
		{[]customer.Approval{yes}, []cpni.DataClass{cpni.Location}, cpni.OptInOK},
		{[]customer.Approval{yes}, both, cpni.Unnotified},
		{[]customer.Approval{yes, no}, both, cpni.Denied},
		{[]customer.Approval{yes, no}, []cpni.DataClass{cpni.Location}, cpni.OptInOK},
		{[]customer.Approval{{Scope: "own-marketing", State: cpni.OptInOK}}, both, cpni.Unnotified},
		{[]customer.Approval{yes, {Scope: "own-marketing", State: cpni.OptInOK}}, both, cpni.OptInOK},
	} {
		if got := Standing(&customer.Profile{Approvals: row.all}, cpni.OwnMarketing, row.data, carrier, at, terms); got.State != row.want {
			t.Errorf("%v with %v: %s, want %s", row.data, row.all, got.State, row.want)
		}
	}
}

// cite: P-10, P-57, 47 CFR 64.2003(k), 47 CFR 64.2007(a)(1)
func TestImportRefuses(t *testing.T) {
	for basis, want := range map[string]cpni.Code{"signature": "NOT_CONSENT", "continued-service": "NOT_CONSENT", "legacy-contract": "NOT_CONSENT",
		"partner-says": "CONSENT_EVIDENCE", "": "CONFIG", "yes": "CONFIG"} {
		if got := code(Import(basis)); got != want {
			t.Errorf("%q: %q, want %q", basis, got, want)
		}
	}
}

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// world is a register of customers with a clock that the test moves.
type world struct {
	said   *Book
	book   *customer.Book
	ledger *ledger.Ledger
	now    time.Time
}

// master is of every database of these tests, so that the cases of a property can share one.
var master = vault.NewMaster()

func newWorld(t failer, db *store.DB, now time.Time) *world {
	t.Helper()
	w := &world{now: now.UTC()}
	clock := cpni.ClockFunc(func() time.Time { return w.now })
	v, err := vault.Open(context.Background(), db, master)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewKey("approval.test.example")
	if err != nil {
		t.Fatal(err)
	}
	if w.ledger, err = ledger.Open(context.Background(), db, ledger.Options{Origin: "approval.test.example", Signer: signer, Clock: clock}); err != nil {
		t.Fatal(err)
	}
	w.book = customer.NewBook(db, v, w.ledger, clock)
	w.said = NewBook(Parts{DB: db, Vault: v, Ledger: w.ledger, Customers: w.book, Clock: clock, Zone: time.UTC})
	return w
}

// failer is what both a test and a property test are.
type failer interface {
	Helper()
	Fatal(...any)
}

func (w *world) create(t failer, all ...customer.Approval) cpni.ID {
	t.Helper()
	id, err := w.book.Create(context.Background(), customer.Profile{Name: "Ann Archer", Since: w.now.AddDate(-5, 0, 0), Approvals: all}, "test")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (w *world) profile(t failer, id cpni.ID) *customer.Profile {
	t.Helper()
	p, _, err := w.book.Get(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// cite: P-11, P-12, P-14, 47 CFR 64.2008(c)
func TestObject(t *testing.T) {
	zone := eastern(t)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := local(t, "2026-11-24 10:00")
		w := newWorld(t, db, at)
		yes := func(scope string) customer.Approval {
			return customer.Approval{Scope: scope, State: cpni.OptInOK, Since: at.AddDate(0, -1, 0)}
		}
		states := func(id cpni.ID) string {
			p := w.profile(t, id)
			var all []cpni.ApprovalState
			for _, purpose := range []cpni.Purpose{cpni.OwnMarketing, cpni.OtherMarketing} {
				all = append(all, Standing(p, purpose, usage, carrier, w.now.In(zone), terms).State)
			}
			return fmt.Sprint(append(all, Standing(p, cpni.PartnerMarketing, usage, partner("acme", cpni.JointVenture), w.now.In(zone), terms).State))
		}
		id := w.create(t, yes("own-marketing"), yes("other-marketing"), yes("partner:acme"))
		for _, step := range []struct{ scope, want string }{
			{"", "[opt-in-ok opt-in-ok opt-in-ok]"}, // nothing yet
			{"partner:acme", "[opt-in-ok opt-in-ok denied]"},
			{"own-marketing", "[denied opt-in-ok denied]"},
			{"own-marketing", "[denied opt-in-ok denied]"},
			{customer.Everything, "[denied denied denied]"},
			{customer.Everything, "[denied denied denied]"},
		} {
			w.now = w.now.Add(time.Minute)
			if step.scope != "" {
				if err := w.said.Object(t.Context(), id, step.scope, "phone", "test", w.now); err != nil {
					t.Fatal(err)
				}
			}
			if got := states(id); got != step.want {
				t.Errorf("after %q: %s, want %s (P-11)", step.scope, got, step.want)
			}
		}
		// The narrower denials are there still, should the one of everything ever be lifted.
		if n := len(w.profile(t, id).Approvals); n != 3 {
			t.Errorf("%d denials on file, want 3", n)
		}
		// An objection that was received before another was recorded later does not make it older.
		if err := w.said.Object(t.Context(), id, "", "postal", "test", at); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(w.profile(t, id).Approvals, func(a customer.Approval) bool { return a.Scope == customer.Everything })
		if since := w.profile(t, id).Approvals[i].Since; !since.After(at) {
			t.Errorf("the denial of everything has become older: %s", since)
		}
		records, err := w.ledger.Records(t.Context(), id, ledger.Filter{Kind: ledger.Change})
		if err != nil || len(records) != 1+6 {
			t.Errorf("%d records, %v", len(records), err)
		}
		for name, err := range map[string]error{
			"a scope that is none": w.said.Object(t.Context(), id, "all", "phone", "test", w.now),
			"a purpose of none":    w.said.Object(t.Context(), id, "location:fun", "phone", "test", w.now),
			"a moment to come":     w.said.Object(t.Context(), id, "", "phone", "test", w.now.Add(time.Hour)),
			"a class that is none": w.said.Object(t.Context(), id, "data:shoes", "phone", "test", w.now),
		} {
			if c := code(err); c != "CONFIG" && c != "BAD_INPUT" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := w.said.Object(t.Context(), cpni.NewID(), "", "phone", "test", w.now); !errors.Is(err, customer.ErrNoCustomer) {
			t.Errorf("nobody objected: %v", err)
		}
	})
}

// cite: P-11, P-36
func TestValidScope(t *testing.T) {
	for scope, want := range map[string]bool{"own-marketing": true, "other-marketing": true, "everything": true, "data:usage": true, "data:aggregate": false, "data:": false, "partner:acme-1": true, "location:own-marketing": true,
		"": false, "partner:": false, "partner:Acme": false, "partner:a b": false, "location:": false, "location:x": false, "win-back": false, "everything ": false} {
		if got := ValidScope(scope); got != want {
			t.Errorf("%q: %v", scope, got)
		}
	}
}

// scopes and the requests that need them.
var asked = map[string]struct {
	purpose cpni.Purpose
	data    []cpni.DataClass
	to      rules.Recipient
}{
	"own-marketing":          {cpni.OwnMarketing, usage, carrier},
	"other-marketing":        {cpni.OtherMarketing, usage, carrier},
	"partner:acme":           {cpni.PartnerMarketing, usage, partner("acme", cpni.JointVenture)},
	"location:own-marketing": {cpni.OwnMarketing, []cpni.DataClass{cpni.Location}, carrier},
}

// notice is what the model knows of the notice that a scope rests on.
type notice struct{ given, matures time.Time }

// Whatever happens in whatever order: what is denied stays denied until the customer says yes to just that, and silence is
// consent only after a notice that did not come back, its whole wait, and not for longer than it carries.
//
// cite: P-14, P-26, I-14, I-15, 47 CFR 64.2007(a)(2), 47 CFR 64.2008(d)
func TestDenialAndSilence(t *testing.T) {
	zone := eastern(t)
	db := storetest.Open(t, "memory:")
	names := []string{"own-marketing", "other-marketing", "partner:acme", "location:own-marketing"}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, db, time.Date(2024, 1, 5, 15, 0, 0, 0, time.UTC))
		id := w.create(t)
		denied, granted, notices := map[string]bool{}, map[string]bool{}, map[string]notice{}
		everything := false
		change := func(affirmative bool, do func(p *customer.Profile)) error {
			_, err := w.book.Update(context.Background(), id, func(p *customer.Profile) (customer.Change, error) {
				do(p)
				return customer.Change{Actor: "test", What: "changed", Affirmative: affirmative}, nil
			})
			return err
		}
		without := func(p *customer.Profile, drop func(a customer.Approval) bool) {
			p.Approvals = slices.DeleteFunc(p.Approvals, drop)
		}
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		scope := func(t *rapid.T) string { return rapid.SampledFrom(names).Draw(t, "scope") }
		t.Repeat(map[string]func(*rapid.T){
			"object": func(t *rapid.T) {
				s := rapid.SampledFrom(append(names, customer.Everything)).Draw(t, "scope")
				must(w.said.Object(context.Background(), id, s, "phone", "test", w.now))
				for _, n := range names {
					if s == n || s == customer.Everything {
						granted[n] = false
					}
				}
				denied[s] = true
				everything = everything || s == customer.Everything
			},
			"yes": func(t *rapid.T) {
				s := scope(t)
				must(change(true, func(p *customer.Profile) {
					without(p, func(a customer.Approval) bool { return a.Scope == s })
					p.Approvals = append(p.Approvals, customer.Approval{Scope: s, State: cpni.OptInOK, Since: w.now, NoticeAt: w.now})
				}))
				denied[s], granted[s] = false, true
				delete(notices, s)
			},
			"notice": func(t *rapid.T) {
				s := scope(t)
				n := notice{w.now, w.now.AddDate(0, 0, rapid.IntRange(31, 60).Draw(t, "wait"))}
				must(change(false, func(p *customer.Profile) {
					without(p, func(a customer.Approval) bool {
						return a.Scope == s && (a.State == cpni.Waiting || a.State == cpni.OptOutOK)
					})
					p.Approvals = append(p.Approvals, customer.Approval{Scope: s, State: cpni.Waiting, Since: n.given, NoticeAt: n.given, Matures: n.matures})
				}))
				notices[s] = n
			},
			"bounce": func(t *rapid.T) {
				s := scope(t)
				must(change(false, func(p *customer.Profile) {
					without(p, func(a customer.Approval) bool {
						return a.Scope == s && (a.State == cpni.Waiting || a.State == cpni.OptOutOK)
					})
				}))
				delete(notices, s)
			},
			"reset by a batch": func(t *rapid.T) {
				s := rapid.SampledFrom(append(names, customer.Everything)).Draw(t, "scope")
				err := change(false, func(p *customer.Profile) {
					without(p, func(a customer.Approval) bool { return a.Scope == s && a.State == cpni.Denied })
				})
				if denied[s] != (code(err) == "IMMUTABLE") {
					t.Fatalf("resetting a denial of %s (%v): %v", s, denied[s], err)
				}
			},
			"assumed yes": func(t *rapid.T) {
				s := scope(t)
				err := change(false, func(p *customer.Profile) {
					p.Approvals = append(p.Approvals, customer.Approval{Scope: s, State: cpni.OptInOK, Since: w.now, NoticeAt: w.now})
				})
				if under := denied[s] || everything; under != (code(err) == "IMMUTABLE") {
					t.Fatalf("a yes to %s that the customer did not say: %v", s, err)
				}
				if err == nil {
					granted[s] = true
				}
			},
			"service ends and begins": func(t *rapid.T) {
				must(change(false, func(p *customer.Profile) { p.Ended = w.now }))
				w.now = w.now.Add(time.Hour)
				must(change(false, func(p *customer.Profile) { p.Ended = time.Time{} }))
			},
			"time": func(t *rapid.T) {
				w.now = w.now.Add(time.Duration(rapid.Int64Range(1, 200*24*3600).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				w.now = w.now.Add(time.Second)
				p := w.profile(t, id)
				for _, s := range names {
					a := asked[s]
					got := Standing(p, a.purpose, a.data, a.to, w.now.In(zone), terms).State
					n, given := notices[s]
					want := cpni.Unnotified
					switch {
					case denied[s], everything && !granted[s]:
						want = cpni.Denied
					case granted[s]:
						want = cpni.OptInOK
					case given && w.now.Before(n.matures):
						want = cpni.Waiting
					case given && w.now.Before(n.given.In(zone).AddDate(2, 0, 0)):
						want = cpni.OptOutOK
					case given && w.now.After(n.given.In(zone).AddDate(2, 0, 2)):
						want = cpni.RenoticeDue
					case given: // the day on which it lapses has a test of its own
						continue
					}
					if got != want {
						t.Fatalf("%s: %s, want %s at %s", s, got, want, w.now)
					}
				}
			},
		})
	})
}
