package contact

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// planned writes notices as a table has them.
func planned(all []Planned) string {
	words := make([]string, len(all))
	for i, p := range all {
		words[i] = string(p.Via) + ">" + string(p.To)
	}
	return strings.Join(words, " ")
}

// Who is told of which change, and where. The four kinds of change are told; what is no change of theirs is not.
//
// cite: P-23, P-24, P-25, V94, V95, I-09, 47 CFR 64.2010(f)
func TestNotices(t *testing.T) {
	recent := start.Add(-71 * time.Hour)
	nothing := func(*customer.Profile) {}
	for _, row := range []struct {
		name string
		make func(p *customer.Profile)
		do   func(w *world, c cpni.ID) ([]Planned, error)
		want string
	}{
		{"password", nothing, enrolled(Enrolment{Password: "violet-tandem-88"}), "voice>tnor email>aor"},
		{"PIN", nothing, enrolled(Enrolment{PIN: "604913"}), "voice>tnor email>aor"},
		{"backup answer", nothing, enrolled(Enrolment{Backup: map[string]string{"First concert?": "the comets"}}), "voice>tnor email>aor"},
		{"online account", nothing, enrolled(Enrolment{Online: true}), "voice>tnor email>aor"},
		{"postal address", nothing, altered(Alteration{Postal: "9 Elm St"}), "voice>tnor postal>old"},
		{"e-mail address", nothing, altered(Alteration{Email: "new@example.org"}), "voice>tnor email>old"},
		{"first postal address", func(p *customer.Profile) { p.Postal = nil }, altered(Alteration{Postal: "9 Elm St"}), "voice>tnor email>aor"},
		{"first e-mail address", func(p *customer.Profile) { p.Email = nil }, altered(Alteration{Email: "new@example.org"}), "voice>tnor postal>aor"},
		{"line added", nothing, altered(Alteration{LineAdd: &customer.Line{Number: "+12025550150"}}), "voice>tnor email>aor"},
		{"line removed", nothing, altered(Alteration{LineRemove: mobile}), "voice>tnor email>aor"},
		{"contact number", nothing, altered(Alteration{ContactNumber: "+17035550111"}), "voice>tnor email>aor"},
		{"listing", nothing, altered(Alteration{Listed: map[string]bool{line: true}}), "voice>tnor email>aor"},

		{"a line that was disturbed", func(p *customer.Profile) { p.Lines[0].Disturbed = recent }, enrolled(Enrolment{PIN: "604913"}), "text>tnor email>aor"},
		{"all lines disturbed", func(p *customer.Profile) { p.Lines[0].Disturbed, p.Lines[1].Disturbed = recent, recent }, enrolled(Enrolment{PIN: "604913"}), "email>aor postal>aor"},
		{"disturbed three days ago", func(p *customer.Profile) { p.Lines[0].Disturbed = start.Add(-72 * time.Hour) }, enrolled(Enrolment{PIN: "604913"}), "voice>tnor email>aor"},
		{"the longest line is not the first", func(p *customer.Profile) { p.Lines[1].Since = start.AddDate(-9, 0, 0) }, enrolled(Enrolment{PIN: "604913"}), "text>tnor email>aor"},
		{"no line", func(p *customer.Profile) { p.Lines = nil }, enrolled(Enrolment{PIN: "604913"}), "email>aor postal>aor"},
		{"an e-mail address of 29 days", func(p *customer.Profile) { p.Email[0].Since = start.AddDate(0, 0, -29) }, enrolled(Enrolment{PIN: "604913"}), "voice>tnor postal>aor"},
		{"the young e-mail address is changed again", func(p *customer.Profile) { p.Email[0].Since = start.AddDate(0, 0, -29) }, altered(Alteration{Email: "new@example.org"}), "voice>tnor postal>aor"},
		{"neither address of record", func(p *customer.Profile) {
			p.Email[0].Since, p.Postal[0].Since = start.AddDate(0, 0, -29), start.AddDate(0, 0, -29)
		}, altered(Alteration{Postal: "9 Elm St"}), "voice>tnor"},
		{"nowhere", func(p *customer.Profile) { p.Lines, p.Email, p.Postal = nil, nil, nil }, enrolled(Enrolment{PIN: "604913"}), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, storetest.Open(t, "memory:"))
			p := w.ann()
			row.make(&p)
			id := w.create(p)
			c := w.verified(id)
			w.clock.advance(time.Millisecond) // the change's record is the newest
			notices, err := row.do(w, c)
			if err != nil {
				t.Fatal(err)
			}
			if got := planned(notices); got != row.want {
				t.Errorf("%q, want %q (P-23)", got, row.want)
			}
			messages, err := w.outbox.Messages(w.ctx, id)
			if err != nil || len(messages) != len(notices) {
				t.Fatalf("%d messages for %d notices, %v", len(messages), len(notices), err)
			}
			for i, m := range messages {
				if m.Kind != "account-change" || m.State != notify.Queued {
					t.Errorf("%+v", m)
				}
				if !slices.Contains(notices, Planned{m.Via, m.Place}) {
					t.Errorf("message %d: %+v is not what was planned", i, m)
				}
				text, err := json.Marshal(m.Tokens)
				if err != nil {
					t.Fatal(err)
				}
				for _, value := range []string{"elm", "new@", "example", "violet", "604913", "comets", "concert", "main st", "550150"} {
					if strings.Contains(strings.ToLower(string(text)), value) {
						t.Errorf("the notice reveals %q (P-25, I-09)", value)
					}
				}
				if m.To == "9 Elm St" || m.To == "new@example.org" {
					t.Errorf("the notice goes to the new place (P-25)")
				}
			}
			// The record says of the change where it was told.
			records, err := w.ledger.Records(w.ctx, id, ledger.Filter{Kind: ledger.Change, Limit: 1})
			if err != nil || records[0].Contact != string(c) || records[0].Actor != "rep" {
				t.Fatalf("%+v, %v", records, err)
			}
			if row.name == "nowhere" && !w.mentions(records[0], `"notices":"none"`) {
				t.Error("that nobody could be told is not on record (P-23)")
			}
		})
	}
}

func enrolled(e Enrolment) func(*world, cpni.ID) ([]Planned, error) {
	return func(w *world, c cpni.ID) ([]Planned, error) {
		e.Contact = c
		return w.Enrol(w.ctx, e)
	}
}

func altered(a Alteration) func(*world, cpni.ID) ([]Planned, error) {
	return func(w *world, c cpni.ID) ([]Planned, error) {
		a.Contact = c
		return w.Alter(w.ctx, a)
	}
}

// A thief who has got in once changes everything, again and again: nothing ever goes to a place that came with it, until that
// place has been there for thirty days.
//
// cite: P-21, P-25, I-09, V84, 47 CFR 64.2003(b), 47 CFR 64.2010(f)(2)
func TestNothingGoesToANewPlace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		young := map[string]time.Time{}
		told := map[cpni.ID]bool{}
		for day := range 40 {
			w.clock.advance(24 * time.Hour)
			c := w.verified(id)
			email, postal := fmt.Sprintf("thief%d@example.org", day), fmt.Sprintf("%d Thieves St", day)
			if day < 9 {
				for _, a := range []Alteration{{Email: email}, {Postal: postal}, {LineAdd: &customer.Line{Number: fmt.Sprintf("+1202555016%d", day)}}} {
					a.Contact = c
					if _, err := w.Alter(w.ctx, a); err != nil {
						t.Fatal(err)
					}
				}
				young[email], young[postal] = w.clock.Now(), w.clock.Now()
			} else if _, err := w.Enrol(w.ctx, Enrolment{Contact: c, PIN: fmt.Sprintf("6%d4913", day%10)}); err != nil && w.code(err) != "WEAK_SECRET" {
				t.Fatal(err)
			}
			w.try(c, Proof{SendCode: "email"})
			w.try(c, Proof{SendCode: "postal"})
			all, err := w.outbox.Messages(w.ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range all {
				if since, isNew := young[m.To]; isNew && !told[m.ID] && w.clock.Now().Before(since.Add(usual.AddressOfRecordAge)) {
					t.Fatalf("day %d: a %s went to an address of %s (P-21)", day, m.Kind, w.clock.Now().Sub(since))
				}
				told[m.ID] = true
			}
		}
		// On the last of these days the newest address is one of record, and gets codes.
		if !slices.ContainsFunc(w.messagesTo(id, "thief8@example.org"), func(m notify.Message) bool { return m.Kind == "verification-code" }) {
			t.Error("an address of more than thirty days is not of record")
		}
	})
}

// What a face may send by mistake or malice is refused, recorded, and changes nothing.
//
// cite: P-16, P-23, P-24, I-23
func TestAlterRefuses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id, other := w.create(w.ann()), w.create(w.lone())
		c := w.verified(id)
		for _, row := range []struct {
			name string
			a    Alteration
			want cpni.Code
		}{
			{"nothing", Alteration{Contact: c}, "BAD_INPUT"},
			{"two things", Alteration{Contact: c, Email: "a@example.org", Postal: "9 Elm St"}, "BAD_INPUT"},
			{"another customer", Alteration{Contact: c, Customer: other, Email: "a@example.org"}, "UNAUTHENTICATED"},
			{"without a contact", Alteration{Customer: id, By: "rep", Email: "a@example.org"}, "UNAUTHENTICATED"},
			{"of nobody", Alteration{Email: "a@example.org"}, "UNAUTHENTICATED"},
			{"of nobody known", Alteration{Customer: cpni.NewID(), By: "rep", Email: "a@example.org"}, "UNAUTHENTICATED"},
			{"of an id of no form", Alteration{Customer: "\x00", By: "rep", Email: "a@example.org"}, "UNAUTHENTICATED"},
			{"no e-mail address", Alteration{Contact: c, Email: "a.example.org"}, "BAD_INPUT"},
			{"two e-mail addresses", Alteration{Contact: c, Email: "a@example.org,b@example.org"}, "BAD_INPUT"},
			{"a mail header", Alteration{Contact: c, Email: "a@example.org\r\nBcc: b@example.org"}, "BAD_INPUT"},
			{"a name before it", Alteration{Contact: c, Email: "Ann <a@example.org>"}, "BAD_INPUT"},
			{"a right-to-left mark in it", Alteration{Contact: c, Email: "a\u202e@example.org"}, "BAD_INPUT"},
			{"no text", Alteration{Contact: c, Email: "a\xff@example.org"}, "BAD_INPUT"},
			{"an endless e-mail address", Alteration{Contact: c, Email: strings.Repeat("a", 200) + "@example.org"}, "BAD_INPUT"},
			{"spaces for an address", Alteration{Contact: c, Postal: " \n "}, "BAD_INPUT"},
			{"an endless address", Alteration{Contact: c, Postal: strings.Repeat("9 Elm St ", 50)}, "BAD_INPUT"},
			{"an address with a null", Alteration{Contact: c, Postal: "9 Elm\x00 St"}, "BAD_INPUT"},
			{"a contact number that is none", Alteration{Contact: c, ContactNumber: "call me"}, "BAD_INPUT"},
			{"a line that is none", Alteration{Contact: c, LineAdd: &customer.Line{Number: "none"}}, "BAD_INPUT"},
			{"a category that is none", Alteration{Contact: c, LineAdd: &customer.Line{Number: "+12025550150", Categories: []cpni.Category{"gas"}}}, "BAD_INPUT"},
			{"a line that they have", Alteration{Contact: c, LineAdd: &customer.Line{Number: line}}, "BAD_INPUT"},
			{"another's line", Alteration{Contact: c, LineRemove: "+12025550199"}, "BAD_INPUT"},
			{"a contact number for a line", Alteration{Contact: c, LineRemove: reached}, "BAD_INPUT"},
			{"another's listing", Alteration{Contact: c, Listed: map[string]bool{line: true, "+12025550199": true}}, "BAD_INPUT"},
		} {
			_, version, err := w.book.Get(w.ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			attempts := len(w.attempts(id))
			notices, err := w.Alter(w.ctx, row.a)
			if code := w.code(err); code != row.want || len(notices) != 0 {
				t.Errorf("%s: %q, %v; want %q", row.name, code, notices, row.want)
			}
			if _, now, err := w.book.Get(w.ctx, id); err != nil || now != version {
				t.Errorf("%s: and yet something was changed", row.name)
			}
			if n := len(w.attempts(id)); n != attempts+1 && !strings.HasPrefix(row.name, "of ") {
				t.Errorf("%s: %d refusals on record", row.name, n-attempts)
			}
		}
		taken := w.ann()
		taken.Lines = []customer.Line{{Number: "+12025550177"}}
		w.create(taken)
		if _, err := w.Alter(w.ctx, Alteration{Contact: c, LineAdd: &customer.Line{Number: "+12025550177"}}); w.code(err) != "NUMBER_HELD" {
			t.Errorf("another customer's number: %v", err)
		}
	})
}

// What is there already is not put there anew: an address keeps its age.
//
// cite: P-21, 47 CFR 64.2003(b)
func TestSameAddressKeepsItsAge(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.ann())
	c := w.verified(id)
	for _, a := range []Alteration{{Email: "ANN@example.com"}, {Postal: "1  Main St, Springfield,\tVA 22150"}, {ContactNumber: "(703) 555-0199"}} {
		a.Contact = c
		if notices, err := w.Alter(w.ctx, a); err != nil || len(notices) != 0 {
			t.Errorf("%v, %v", notices, err)
		}
	}
	if p := w.profile(id); len(p.Email) != 1 || len(p.Postal) != 1 || len(p.ContactNumbers) != 1 {
		t.Errorf("%+v", p)
	}
	// Going away and coming back begins anew.
	for _, email := range []string{"other@example.org", "ann@example.com"} {
		if _, err := w.Alter(w.ctx, Alteration{Contact: c, Email: email}); err != nil {
			t.Fatal(err)
		}
	}
	if code := w.try(c, Proof{SendCode: "email"}); code != "NOT_AOR" {
		t.Errorf("an address that came back today is of record: %q", code)
	}
}

// The history of addresses and numbers has an end.
//
// cite: I-26
func TestHistoryIsBounded(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.lone())
	c := w.verified(id)
	for i := range 60 {
		for _, a := range []Alteration{{Email: fmt.Sprintf("a%d@example.org", i)}, {Postal: fmt.Sprintf("%d Elm St", i)}, {ContactNumber: fmt.Sprintf("+170355501%02d", i)}} {
			a.Contact = c
			if _, err := w.Alter(w.ctx, a); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := w.profile(id)
	if len(p.Email) != keepAddresses+1 || len(p.Postal) != keepAddresses+1 || len(p.ContactNumbers) != keepNumbers {
		t.Errorf("%d e-mail addresses, %d postal, %d numbers", len(p.Email), len(p.Postal), len(p.ContactNumbers))
	}
	if a, ok := customer.Current(p.Email, w.clock.Now()); !ok || a.Value != "a59@example.org" {
		t.Errorf("%+v", a)
	}
}

// When service ends the number is free at once. The next holder gets nothing that was meant for the old customer, who is not
// found by it; and nothing of theirs is proved by it.
//
// cite: P-14, P-20, 47 CFR 64.2003(q)
func TestNewHolderOfAnOldNumber(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		old := w.create(w.ann())
		c := w.verified(old)
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: c, PIN: "604913"}); err != nil { // a notice is on its way to the line
			t.Fatal(err)
		}
		w.try(c, Proof{SendCode: line}) // and a code
		code := w.sent(old)
		if err := w.EndService(w.ctx, old, "test"); err != nil {
			t.Fatal(err)
		}
		for _, m := range w.messagesTo(old, line) {
			if m.State != notify.Cancelled {
				t.Errorf("a %s still goes to the line", m.Kind)
			}
		}
		if found, err := w.book.Find(w.ctx, customer.ByNumber, line); err != nil || len(found) != 0 {
			t.Errorf("the number finds %v, %v", found, err)
		}
		p := w.lone()
		p.Name, p.Lines = "Nell Newton", []customer.Line{{Number: line}}
		fresh := w.create(p)
		if found, err := w.book.Find(w.ctx, customer.ByNumber, line); err != nil || !slices.Equal(found, []cpni.ID{fresh}) {
			t.Errorf("the number finds %v, %v", found, err)
		}
		again := w.contact(old)
		for name, p := range map[string]Proof{"a call-back": {Callback: &Callback{Number: line, Answered: true}}, "a code to the line": {SendCode: line}} {
			if code := w.try(again, p); code != "NOT_TNOR" {
				t.Errorf("%s for the old customer: %q (P-20)", name, code)
			}
		}
		if got := w.try(c, Proof{Code: code}); got != "NOT_TNOR" {
			t.Errorf("the code that was sent before: %q (P-20)", got)
		}
		if code := w.try(w.contact(fresh), Proof{Callback: &Callback{Number: line, Answered: true}}); code != "" {
			t.Errorf("a call-back for the new customer: %q", code)
		}
		// A change for the old customer is told at their address alone.
		notices, err := w.Enrol(w.ctx, Enrolment{Contact: w.verified(old), PIN: "592836"})
		if err != nil || planned(notices) != "email>aor postal>aor" {
			t.Errorf("%q, %v", planned(notices), err)
		}
		// Service begins again on what is still theirs.
		if err := w.RestartService(w.ctx, old, "test"); err != nil {
			t.Fatal(err)
		}
		live := w.profile(old).LiveLines(w.clock.Now())
		if len(live) != 1 || live[0].Number != mobile {
			t.Errorf("%+v", live)
		}
		if found, err := w.book.Find(w.ctx, customer.ByNumber, mobile); err != nil || !slices.Equal(found, []cpni.ID{old}) {
			t.Errorf("their own number finds %v, %v", found, err)
		}
		if code := w.try(w.contact(old), Proof{Callback: &Callback{Number: line, Answered: true}}); code != "NOT_TNOR" {
			t.Errorf("the number that another has now: %q", code)
		}
	})
}

// Ending twice is ending once; denials stand through it all.
//
// cite: P-14, V102, 47 CFR 64.2007(a)(2)
func TestServiceEndsAndBegins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := w.ann()
		p.Approvals = []customer.Approval{{Scope: customer.Everything, State: cpni.Denied, Since: start.AddDate(-1, 0, 0)}}
		id := w.create(p)
		for _, step := range []struct {
			do   func() error
			live int
		}{
			{func() error { return w.RestartService(w.ctx, id, "test") }, 2},
			{func() error { return w.EndService(w.ctx, id, "test") }, 0},
			{func() error { return w.EndService(w.ctx, id, "test") }, 0},
			{func() error { return w.RestartService(w.ctx, id, "test") }, 2},
			{func() error { return w.RestartService(w.ctx, id, "test") }, 2},
		} {
			w.clock.advance(24 * time.Hour)
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			p := w.profile(id)
			if n := len(p.LiveLines(w.clock.Now())); n != step.live || p.Approvals[0].State != cpni.Denied {
				t.Errorf("%d lines, want %d; %+v", n, step.live, p.Approvals)
			}
		}
		records, err := w.ledger.Records(w.ctx, id, ledger.Filter{Kind: ledger.Change})
		if err != nil || len(records) != 3 {
			t.Errorf("%d changes on record, want 3 with the beginning; %v", len(records), err)
		}
		for _, end := range []func() error{func() error { return w.EndService(w.ctx, cpni.NewID(), "test") }, func() error { return w.RestartService(w.ctx, cpni.NewID(), "test") }} {
			if err := end(); err != error(customer.ErrNoCustomer) {
				t.Errorf("nobody's: %v", err)
			}
		}
	})
}

// A SIM swapper owns the number for a while: it proves nothing and hears of nothing; and the record says why.
//
// cite: P-20, 47 CFR 64.2003(q), 47 CFR 64.2010(a)
func TestDisturb(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		disturb := func(x Disturbance) cpni.Code {
			x.Customer, x.By = id, "network"
			return w.code(w.Disturb(w.ctx, x))
		}
		for _, row := range []struct {
			x    Disturbance
			want cpni.Code
		}{
			{Disturbance{Number: mobile, What: "flood"}, "BAD_INPUT"},
			{Disturbance{Number: reached, What: "sim"}, "BAD_INPUT"},
			{Disturbance{Number: "", What: "sim"}, "BAD_INPUT"},
			{Disturbance{Number: mobile, What: "sim", At: start.Add(-time.Hour)}, ""},
			{Disturbance{Number: mobile, What: "port", At: start.Add(-2 * time.Hour)}, ""}, // heard of later, was earlier: changes nothing
			{Disturbance{Number: mobile, What: "forward", At: start.Add(9 * time.Hour)}, ""},
		} {
			if got := disturb(row.x); got != row.want {
				t.Errorf("%+v: %q", row.x, got)
			}
		}
		if l, _ := w.profile(id).LineOf(mobile, start); !l.Disturbed.Equal(start) {
			t.Errorf("disturbed at %s: nothing is known of the future", l.Disturbed)
		}
		for hours, want := range map[int]cpni.Code{0: "NOT_TNOR", 71: "NOT_TNOR", 72: ""} {
			w.clock.at.Store(start.Add(time.Duration(hours) * time.Hour).UnixMicro())
			if got := w.try(w.contact(id), Proof{Callback: &Callback{Number: mobile, Answered: true}}); got != want {
				t.Errorf("%d hours later: %q, want %q (P-20)", hours, got, want)
			}
		}
	})
}
