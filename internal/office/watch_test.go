package office_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
	"ringfence/internal/watch"
)

// looked brings everything into the tree and has Watch look at it.
func looked(t testing.TB, o *officetest.Office) {
	t.Helper()
	if err := errors.Join(o.Ledger.Sequence(t.Context()), o.Watch.Step(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// card shows customers' cards to somebody, half a minute apart.
func card(t testing.TB, o *officetest.Office, by cpni.ID, of ...cpni.ID) {
	t.Helper()
	for _, id := range of {
		o.Time.Add(30 * time.Second)
		if err := o.Viewed(t.Context(), by, watch.Card, id); err != nil {
			t.Fatal(err)
		}
	}
}

// call is a contact of one of the staff with a customer that begins with their card.
func call(t testing.TB, o *officetest.Office, by, with cpni.ID) cpni.ID {
	t.Helper()
	card(t, o, by, with)
	o.Time.Add(10 * time.Second)
	return o.Contact(t, by, with)
}

func wrong(t testing.TB, o *officetest.Office, in cpni.ID, secret string) {
	t.Helper()
	o.Time.Add(time.Second)
	var r *cpni.Refusal
	if _, err := o.Contacts.Authenticate(t.Context(), in, contact.Proof{Password: secret}); !errors.As(err, &r) {
		t.Fatalf("a wrong secret: %v", err)
	}
}

func ask(t testing.TB, o *officetest.Office, by, in cpni.ID) {
	t.Helper()
	o.Time.Add(time.Second)
	if _, err := o.Door.Disclose(t.Context(), officetest.AskCalls(by, in)); err != nil {
		t.Fatal(err)
	}
}

func crowd(t testing.TB, o *officetest.Office, n int) []cpni.ID {
	t.Helper()
	all := make([]cpni.ID, n)
	for i := range all {
		all[i] = o.Customer(t).ID
	}
	return all
}

// raised gives the alerts of a detector, the oldest first.
func raised(t testing.TB, o *officetest.Office, detector string) []watch.Alert {
	t.Helper()
	all, err := o.Watch.Alerts(t.Context(), watch.Filter{Detector: detector})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

// Each detector notices what it is for, raises one alert about it, and says nothing about the customer.
//
// cite: P-37, 47 CFR 64.2010(a), I-23
func TestDetectors(t *testing.T) {
	for _, c := range []struct {
		detector string
		code     cpni.Code
		evidence int
		member   bool
		story    func(t *testing.T, o *officetest.Office, agent cpni.ID, some []cpni.ID)
	}{
		{"no-contact", "LOOKUPS", 7, true, func(t *testing.T, o *officetest.Office, agent cpni.ID, some []cpni.ID) {
			card(t, o, agent, some[:7]...)
			call(t, o, agent, some[8])
			o.Time.Add(20 * time.Minute)
		}},
		{"burst", "BURST", 27, true, func(t *testing.T, o *officetest.Office, agent cpni.ID, some []cpni.ID) {
			for _, id := range some[:27] { // one more than is too many: the second goes to the first's alert
				o.Time.Add(time.Minute)
				o.Contact(t, agent, id)
			}
		}},
		{"after-hours", "AFTER_HOURS", 3, true, func(t *testing.T, o *officetest.Office, agent cpni.ID, some []cpni.ID) {
			o.Time.Add(13 * time.Hour) // 23:00 in New York
			for _, id := range some[:3] {
				o.Contact(t, agent, id)
			}
		}},
		{"refusals", "REFUSALS", 6, false, func(t *testing.T, o *officetest.Office, agent cpni.ID, some []cpni.ID) {
			for range 3 {
				o.Time.Add(5 * time.Hour)
				in := o.Contact(t, agent, some[0])
				ask(t, o, agent, in)
				ask(t, o, agent, in)
			}
		}},
		{"one-secret", "ONE_SECRET", 5, false, func(t *testing.T, o *officetest.Office, agent cpni.ID, some []cpni.ID) {
			for _, id := range some[:5] {
				o.Time.Add(5 * time.Minute)
				wrong(t, o, o.Contact(t, agent, id), "Red  Fox 99")
			}
		}},
		{"again", "AGAIN", 12, true, func(t *testing.T, o *officetest.Office, agent cpni.ID, some []cpni.ID) {
			for range 6 {
				call(t, o, agent, some[0])
				o.Time.Add(24 * time.Hour)
			}
		}},
		{"decoy", "DECOY", 2, true, func(t *testing.T, o *officetest.Office, agent cpni.ID, some []cpni.ID) {
			if err := o.Watch.SetDecoy(t.Context(), some[0], true, "test"); err != nil {
				t.Fatal(err)
			}
			call(t, o, agent, some[0])
		}},
		{"colleague", "COLLEAGUE", 1, true, func(t *testing.T, o *officetest.Office, agent cpni.ID, some []cpni.ID) {
			other := o.Member(t, cpni.RoleAgent)
			if err := o.Watch.SetKin(t.Context(), other, some[0], true, "test"); err != nil {
				t.Fatal(err)
			}
			o.Verified(t, other, some[1])
			o.Verified(t, agent, some[0]) // they call themselves, and prove it
			o.Time.Add(3 * time.Hour)
			card(t, o, agent, some[0])
			o.Time.Add(16 * time.Minute)
		}},
		{"pretext", "PRETEXT", 1, false, func(t *testing.T, o *officetest.Office, agent cpni.ID, some []cpni.ID) {
			in := o.Contact(t, agent, some[0])
			for range 5 {
				o.Time.Add(time.Hour / 5)
				wrong(t, o, in, "wrong "+string(cpni.NewID()))
			}
		}},
	} {
		t.Run(c.detector, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				o := officetest.Open(t, db)
				agent := o.Member(t, cpni.RoleAgent)
				some := crowd(t, o, 28)
				looked(t, o)
				c.story(t, o, agent, some)
				looked(t, o)
				looked(t, o)
				all, err := o.Watch.Alerts(t.Context(), watch.Filter{})
				if err != nil {
					t.Fatal(err)
				}
				if len(all) != 1 || all[0].Detector != c.detector || all[0].Code != c.code || all[0].Evidence != c.evidence || (all[0].Member == agent) != c.member || all[0].State != watch.Open {
					t.Fatalf("raised %+v, want one %s with %d entries as evidence", all, c.detector, c.evidence)
				}
				reader := o.Member(t, cpni.RoleCompliance)
				found, err := o.Watch.Case(t.Context(), all[0].ID, reader)
				if err != nil || len(found.Entries) != c.evidence || len(found.History) != 1 {
					t.Fatalf("the case has %d entries and %d steps (%v)", len(found.Entries), len(found.History), err)
				}
				onRecord := 0
				if err := o.Ledger.Each(t.Context(), func(r ledger.Row) error {
					if r.Kind != ledger.Alert {
						return nil
					}
					onRecord++
					plain, err := o.Vault.OpenRecord(t.Context(), r)
					var detail map[string]any
					if err == nil {
						err = vault.Detail(plain, &detail)
					}
					for _, word := range []string{"Archer", "+1202555", "example.com", "A-1", "Red"} {
						if strings.Contains(string(plain), word) {
							t.Errorf("the alert has %q: %s", word, plain)
						}
					}
					if c.detector != "pretext" && (detail["case"] != string(all[0].ID) || r.Customer != "") {
						t.Errorf("the record of the alert: %+v %v", r.Entry, detail)
					}
					return err
				}); err != nil {
					t.Fatal(err)
				}
				if onRecord != 1 {
					t.Errorf("%d alerts are on record", onRecord)
				}
			})
		})
	}
}

// What ordinary work brings raises nothing.
//
// cite: P-37
func TestOrdinaryWorkRaisesNothing(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, storetest.SQLite(t)))
	agent, fraud := o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleFraud)
	some := crowd(t, o, 30)
	for _, id := range some[:15] {
		in := call(t, o, agent, id)
		if _, err := o.Contacts.Authenticate(t.Context(), in, contact.Proof{Password: officetest.Password}); err != nil {
			t.Fatal(err)
		}
		ask(t, o, agent, in)
		o.Time.Add(4 * time.Minute)
	}
	card(t, o, agent, some[15:18]...) // a slip of the hand, thrice
	card(t, o, fraud, some[:20]...)   // whose work it is
	o.Time.Add(time.Hour)
	looked(t, o)
	if all, err := o.Watch.Alerts(t.Context(), watch.Filter{}); err != nil || len(all) != 0 {
		t.Fatalf("raised %+v (%v)", all, err)
	}
}

// What is usual for somebody is too little for what is not.
//
// cite: P-37
func TestBurstAgainstOwnHistory(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, storetest.SQLite(t)))
	agent := o.Member(t, cpni.RoleAgent)
	some := crowd(t, o, 42)
	for day := range 7 {
		begin := o.Time.Now()
		n := 5
		if day == 6 {
			n = 41
		}
		for _, id := range some[:n] {
			o.Time.Add(4 * time.Minute)
			o.Contact(t, agent, id)
		}
		o.Time.Add(begin.Add(24 * time.Hour).Sub(o.Time.Now()))
		looked(t, o)
		if got := len(raised(t, o, "burst")); got != 0 && day < 6 {
			t.Fatalf("raised on day %d", day)
		}
	}
	if all := raised(t, o, "burst"); len(all) != 1 || all[0].Evidence != 41 {
		t.Fatalf("raised %+v", all)
	}
}

// An alert that was closed is not raised again for the same.
//
// cite: P-37
func TestClosedStaysClosed(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, storetest.SQLite(t)))
	agent, supervisor := o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleSupervisor)
	some := crowd(t, o, 12)
	card(t, o, agent, some[:5]...)
	o.Time.Add(time.Hour)
	looked(t, o)
	first := raised(t, o, "no-contact")
	if len(first) != 1 {
		t.Fatalf("raised %+v", first)
	}
	if err := errors.Join(o.Watch.Take(t.Context(), first[0].ID, supervisor), o.Watch.Close(t.Context(), first[0].ID, supervisor, watch.FalseAlarm, "a test of the switch")); err != nil {
		t.Fatal(err)
	}
	o.Time.Add(time.Minute)
	card(t, o, agent, some[5:8]...)
	o.Time.Add(time.Hour)
	looked(t, o)
	if all := raised(t, o, "no-contact"); len(all) != 1 || all[0].Evidence != 5 {
		t.Fatalf("raised %+v", all)
	}
	card(t, o, agent, some[8:10]...)
	o.Time.Add(time.Hour)
	looked(t, o)
	if all := raised(t, o, "no-contact"); len(all) != 2 || all[1].Evidence != 5 || all[1].State != watch.Open {
		t.Fatalf("raised %+v", all)
	}
}

// Watch takes every entry up once, whatever node does it, however often they are started, and two at a time.
//
// cite: P-37, I-10
func TestFollowsOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		some := crowd(t, o, 10)
		nodes := []*officetest.Office{o, o.On(t, db)}
		for round := range 6 {
			card(t, o, agent, some[:2+round]...)
			if round == 4 {
				nodes[1] = o.On(t, db) // it is started again
			}
			if err := o.Ledger.Sequence(t.Context()); err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for _, n := range nodes {
				all.Go(func() {
					if err := n.Watch.Step(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		looked(t, o)
		inTree, err := o.Ledger.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found, err := o.Watch.Search(t.Context(), watch.Query{Limit: 10_000})
		if err != nil || int64(len(found)) != inTree {
			t.Fatalf("%d entries are found of %d (%v)", len(found), inTree, err)
		}
		days, err := o.Watch.Days(t.Context(), 1)
		if err != nil || days[0].N[watch.LookUps] != 2+3+4+5+6+7 {
			t.Fatalf("counted %+v (%v)", days, err)
		}
	})
}

// The index made again of the records is the index that was followed.
//
// cite: P-37, P-41
func TestRemake(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		some := crowd(t, o, 8)
		for _, id := range some {
			in := call(t, o, agent, id)
			ask(t, o, agent, in)
			wrong(t, o, in, "not "+string(id))
		}
		looked(t, o)
		read := func() ([]watch.Found, []watch.Day, map[string]int64) {
			found, err := o.Watch.Search(t.Context(), watch.Query{Limit: 10_000})
			if err != nil {
				t.Fatal(err)
			}
			days, err := o.Watch.Days(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			rules, err := o.Watch.RuleCounts(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			return found, days, rules
		}
		found, days, rules := read()
		if len(rules) == 0 || days[1].N[watch.Contacts] != 8 || days[1].N[watch.Refused+"UNAUTHENTICATED"] != 8 {
			t.Fatalf("counted %v, by rule %v", days, rules)
		}
		if err := o.Watch.Remake(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := o.Watch.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		again, days2, rules2 := read()
		if !slices.Equal(found, again) {
			t.Errorf("the index differs:\n%v\n%v", found, again)
		}
		for what, n := range days[1].N {
			if days2[1].N[what] != n {
				t.Errorf("%s: counted %d, then %d", what, n, days2[1].N[what])
			}
		}
		for rule, n := range rules {
			if rules2[rule] != n {
				t.Errorf("%s: counted %d, then %d", rule, n, rules2[rule])
			}
		}
		card(t, o, agent, some[0]) // and it goes on
		looked(t, o)
		if now, _, _ := read(); len(now) != len(found)+1 {
			t.Errorf("%d entries, then %d", len(found), len(now))
		}
	})
}

// An entry whose record is gone is noticed.
//
// cite: P-41
func TestLostRecord(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, storetest.SQLite(t)))
	agent := o.Member(t, cpni.RoleAgent)
	ann := o.Customer(t)
	card(t, o, agent, ann.ID)
	if err := o.Ledger.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := o.DB.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "DELETE FROM record WHERE kind = 'lookup'")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	looked(t, o)
	if all := raised(t, o, "lost-record"); len(all) != 1 || all[0].Code != "LOST_RECORD" {
		t.Fatalf("raised %+v", all)
	}
}

// A search narrows by each of its fields and by several, and pages without gaps.
//
// cite: P-37, P-41
func TestSearch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent, other := o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleAgent)
		some := crowd(t, o, 4)
		for i, id := range some {
			who := agent
			if i == 3 {
				who = other
			}
			ask(t, o, who, o.Contact(t, who, id))
			o.Time.Add(time.Hour)
		}
		in := o.Verified(t, agent, some[0])
		ask(t, o, agent, in)
		looked(t, o)
		for _, c := range []struct {
			name string
			q    watch.Query
			want int
		}{
			{"decisions", watch.Query{Kind: ledger.Decision}, 5},
			{"a customer's", watch.Query{Kind: ledger.Decision, Customer: some[0]}, 2},
			{"an agent's", watch.Query{Kind: ledger.Decision, Actor: string(other)}, 1},
			{"by code", watch.Query{Code: "UNAUTHENTICATED"}, 4},
			{"by outcome", watch.Query{Kind: ledger.Decision, Outcome: cpni.Permit}, 1},
			{"by time", watch.Query{Kind: ledger.Decision, From: officetest.Start.Add(time.Hour), To: officetest.Start.Add(3 * time.Hour)}, 2},
			{"by code and agent", watch.Query{Code: "UNAUTHENTICATED", Actor: string(agent)}, 3},
			{"nothing", watch.Query{Code: "FORBIDDEN"}, 0},
		} {
			all, err := o.Watch.Search(t.Context(), c.q)
			if err != nil || len(all) != c.want {
				t.Errorf("%s: found %d, want %d (%v)", c.name, len(all), c.want, err)
			}
		}
		whole, err := o.Watch.Search(t.Context(), watch.Query{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		var paged []watch.Found
		for q := (watch.Query{Limit: 3}); ; {
			some, err := o.Watch.Search(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			paged = append(paged, some...)
			if len(some) < 3 {
				break
			}
			q.Before = watch.Cursor{At: some[2].At, Seq: some[2].Seq}
		}
		if !slices.Equal(whole, paged) {
			t.Errorf("in one there are %d, in pages %d", len(whole), len(paged))
		}
	})
}

// A case is worked on by one who watches, never by the one it is about, and closed once and with a reason.
//
// cite: P-37, P-39, 47 CFR 64.2010(a)
func TestCases(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		culprit, supervisor, compliance := o.Member(t, cpni.RoleSupervisor), o.Member(t, cpni.RoleSupervisor), o.Member(t, cpni.RoleCompliance)
		agent := o.Member(t, cpni.RoleAgent)
		ann := o.Customer(t)
		if err := o.Watch.SetDecoy(t.Context(), ann.ID, true, string(compliance)); err != nil {
			t.Fatal(err)
		}
		card(t, o, culprit, ann.ID)
		looked(t, o)
		id := raised(t, o, "decoy")[0].ID
		code := func(err error) cpni.Code {
			var r *cpni.Refusal
			if errors.As(err, &r) {
				return r.Code
			}
			if err != nil {
				t.Fatal(err)
			}
			return ""
		}
		ctx := t.Context()
		for i, step := range []struct {
			err  error
			want cpni.Code
		}{
			{o.Watch.Take(ctx, id, culprit), "SELF_REVIEW"},
			{o.Watch.Take(ctx, id, agent), "ROLE"},
			{o.Watch.Note(ctx, id, supervisor, "what is this"), "CONFLICT"},
			{o.Watch.Take(ctx, id, supervisor), ""},
			{o.Watch.Take(ctx, id, supervisor), ""},
			{o.Watch.Note(ctx, id, supervisor, "Asked them; they had <b>no</b> reason."), ""},
			{o.Watch.Note(ctx, id, supervisor, " "), "BAD_INPUT"},
			{o.Watch.Close(ctx, id, compliance, watch.Violation, "it was curiosity"), "CONFLICT"},
			{o.Watch.Close(ctx, id, supervisor, watch.Violation, ""), "REASON"},
			{o.Watch.Close(ctx, id, supervisor, "guilty", "it was curiosity"), "BAD_INPUT"},
			{o.Watch.Take(ctx, id, compliance), ""},
			{o.Watch.Close(ctx, id, culprit, watch.Explained, "it was me"), "SELF_REVIEW"},
			{o.Watch.Close(ctx, id, compliance, watch.Violation, "it was curiosity"), ""},
			{o.Watch.Close(ctx, id, compliance, watch.Explained, "it was not"), "CONFLICT"},
			{o.Watch.Take(ctx, id, compliance), "CONFLICT"},
		} {
			if got := code(step.err); got != step.want {
				t.Errorf("step %d: %q, want %q", i, got, step.want)
			}
		}
		if _, err := o.Watch.Case(ctx, id, culprit); code(err) != "SELF_REVIEW" {
			t.Errorf("the one it is about reads it: %v", err)
		}
		if _, err := o.Watch.Case(ctx, cpni.NewID(), compliance); !errors.Is(err, watch.ErrNoCase) {
			t.Errorf("no case: %v", err)
		}
		// Discipline goes on from it, once.
		if err := errors.Join(o.Due(ctx), o.Due(ctx)); err != nil {
			t.Fatal(err)
		}
		if found, err := o.Discipline.Findings(ctx, culprit); err != nil || len(found) != 1 || found[0].ID != id || found[0].Case != nil {
			t.Errorf("the violation became the findings %v, %v", found, err)
		}
		c, err := o.Watch.Case(ctx, id, compliance)
		if err != nil {
			t.Fatal(err)
		}
		var what []string
		for _, s := range c.History {
			what = append(what, s.What)
		}
		if want := []string{"raised", "taken", "noted", "taken", "closed: violation"}; !slices.Equal(what, want) || c.History[2].Note != "Asked them; they had <b>no</b> reason." || c.Outcome != watch.Violation {
			t.Errorf("the case's history is %q, want %q: %+v", what, want, c.Alert)
		}
		if all, err := o.Watch.Alerts(ctx, watch.Filter{Viewer: culprit}); err != nil || len(all) != 0 {
			t.Errorf("the one it is about sees %+v (%v)", all, err)
		}
		found, err := o.Watch.Violations(ctx)
		if err != nil || len(found) != 1 || found[0].Case != id || found[0].Member != culprit || found[0].By != compliance {
			t.Errorf("violations: %+v (%v)", found, err)
		}
	})
}

// Wrong secrets leave nothing for longer than two days: neither tags nor the keys that made them.
//
// cite: P-37, I-18
func TestTagsOfWrongSecretsGo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		ann := o.Customer(t)
		count := func(table string) (n int) {
			if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		wrong(t, o, o.Contact(t, agent, ann.ID), "one")
		o.Time.Add(24 * time.Hour)
		wrong(t, o, o.Contact(t, agent, ann.ID), "two")
		if err := o.Contacts.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if count("tried") != 2 || count("tried_key") != 2 {
			t.Fatalf("%d tags, %d keys", count("tried"), count("tried_key"))
		}
		o.Time.Add(24 * time.Hour)
		if err := o.Contacts.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if count("tried") != 1 || count("tried_key") != 1 {
			t.Fatalf("a day later %d tags, %d keys", count("tried"), count("tried_key"))
		}
	})
}
