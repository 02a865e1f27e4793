package office_test

import (
	"errors"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// A yes on a call counts on that call, over a standing refusal, which stands as it did; and on no other.
//
// cite: P-14, P-28, I-16, 47 USC 222(d)(3), 47 CFR 64.2008(f), V78, V79, V80, V83
func TestOneTimeConsentAtTheDoor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		ann := o.Customer(t, func(p *customer.Profile) {
			p.Approvals = []customer.Approval{{Scope: customer.Everything, State: cpni.Denied, Since: officetest.Start.Add(-time.Hour)}}
		})
		in := o.Verified(t, agent, ann.ID)
		asks := func(in cpni.ID, to string, want cpni.Code) {
			t.Helper()
			a, err := o.Door.Disclose(t.Context(), disclose.Request{Caller: disclose.Caller{Staff: agent}, Contact: in, Data: []cpni.DataClass{cpni.Service}, Purpose: cpni.InboundMarketing, To: to,
				Offer: &rules.Offer{Categories: []cpni.Category{cpni.Broadband}}})
			if err != nil || a.Decision.Code != want {
				t.Fatalf("%s, want %q: %v", a.Decision.Code, want, err)
			}
		}
		asks(in, "carrier", "DENIED")
		script, ok := o.Script(rules.OneTimeScript)
		if !ok {
			t.Fatal("no script")
		}
		consent := contact.Consent{Contact: in, Yes: true, Read: true, Script: script.Version}
		old := consent
		old.Script = "0"
		if _, err := o.OneTimeConsent(t.Context(), old); err == nil {
			t.Error("words that are read no longer were answered")
		}
		if _, err := o.OneTimeConsent(t.Context(), consent); err != nil {
			t.Fatal(err)
		}
		asks(in, "carrier", "")
		other := o.Verified(t, agent, ann.ID)
		asks(other, "carrier", "DENIED")
		if _, err := o.OneTimeConsent(t.Context(), contact.Consent{Contact: in}); err != nil {
			t.Fatal(err)
		}
		asks(in, "carrier", "DENIED")
		if p, _, err := o.Customers.Get(t.Context(), ann.ID); err != nil || len(p.Approvals) != 1 || p.Approvals[0].State != cpni.Denied {
			t.Errorf("the refusal of before: %+v, %v", p.Approvals, err)
		}
		// Service does not depend on it.
		if a, err := o.Door.Disclose(t.Context(), officetest.AskCalls(agent, in)); err != nil || !a.Decision.Permit() {
			t.Errorf("%+v, %v", a, err)
		}
		mustVerify(t, o)
	})
}

// What is given out in an emergency is claimed on record before, and justified after, by who took the claim.
//
// cite: P-28, P-41, I-01, 47 USC 222(d)(4), V68, V69, V70
func TestEmergency(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent, other := o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleAgent)
		ann := o.Customer(t)
		if err := o.DB.Tx(t.Context(), func(tx *store.Tx) error {
			return o.Vault.PutItem(t.Context(), tx, ann.ID, vault.Item{Class: cpni.Location, Period: 202611, Values: map[string]string{"cell": "Springfield 3"}})
		}); err != nil {
			t.Fatal(err)
		}
		claim := func(change func(*disclose.Claim)) disclose.Claim {
			o.Time.Add(time.Second)
			c := disclose.Claim{ID: cpni.NewID(), Customer: ann.ID, Staff: agent, To: "psap", Kind: rules.EmergencyCall, Caller: "psap", Callback: "county dispatch, 703 555 0100", Incident: "I-7"}
			if change != nil {
				change(&c)
			}
			return c
		}
		for _, c := range []struct {
			what   string
			change func(*disclose.Claim)
			code   cpni.Code
		}{
			{"911 centre", nil, ""},
			{"a parent, life at risk", func(c *disclose.Claim) { c.To, c.Kind, c.Caller = "family", rules.LifeAtRisk, "guardian" }, ""},
			{"a friend", func(c *disclose.Claim) { c.To, c.Kind, c.Caller = "family", rules.LifeAtRisk, "other" }, "NOT_NECESSARY"},
			{"police without an emergency call", func(c *disclose.Claim) { c.To, c.Kind, c.Caller = "law-enforcement", rules.LifeAtRisk, "other" }, "NOT_NECESSARY"},
		} {
			x := claim(c.change)
			a, err := o.Door.Emergency(t.Context(), x)
			if err != nil || a.Decision.Code != c.code {
				t.Fatalf("%s: %+v, %v", c.what, a, err)
			}
			if c.code == "" && (a.Released == nil || len(a.Released.Items) != 1) {
				t.Errorf("%s: released %+v", c.what, a.Released)
			}
			again, err := o.Door.Emergency(t.Context(), x)
			if err != nil || again.Entry != a.Entry {
				t.Errorf("%s, asked twice: %v, %v", c.what, again, err)
			}
		}
		if _, err := o.Door.Emergency(t.Context(), claim(func(c *disclose.Claim) { c.Callback = " " })); err == nil {
			t.Error("nobody can be called back")
		}
		claims := func() (n int) {
			t.Helper()
			rows, err := o.Ledger.Records(t.Context(), ann.ID, ledger.Filter{Kind: ledger.Change, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				var d map[string]string
				plain, err := o.Vault.OpenRecord(t.Context(), r)
				if err == nil {
					err = vault.Detail(plain, &d)
				}
				if err != nil {
					t.Fatal(err)
				}
				if d["what"] == "emergency claimed" && d["incident"] == "I-7" {
					n++
				}
			}
			return n
		}
		if n := claims(); n != 4 {
			t.Errorf("%d claims on record", n)
		}
		due, err := o.Door.Unjustified(t.Context(), agent)
		if err != nil || len(due) != 4 || due[0].Due.Sub(due[0].At) != 24*time.Hour {
			t.Fatalf("%+v, %v", due, err)
		}
		const reason = "The county dispatch called about a caller who had hung up."
		if err := o.Door.Justify(t.Context(), other, due[0].Customer, due[0].ID, reason); err == nil {
			t.Error("another has justified it")
		}
		if err := o.Door.Justify(t.Context(), agent, due[0].Customer, due[0].ID, "because"); err == nil {
			t.Error("one word justifies it")
		}
		if err := o.Door.Justify(t.Context(), agent, due[0].Customer, due[0].ID, reason); err != nil {
			t.Fatal(err)
		}
		if err := o.Door.Justify(t.Context(), agent, due[0].Customer, due[0].ID, reason); err == nil {
			t.Error("it was justified twice")
		}
		if due, err = o.Door.Unjustified(t.Context(), agent); err != nil || len(due) != 3 {
			t.Errorf("%+v, %v", due, err)
		}
		// Whoever has written no reason in time is missed, once.
		missed := func() int {
			t.Helper()
			if err := errors.Join(o.Due(t.Context()), o.Due(t.Context())); err != nil {
				t.Fatal(err)
			}
			rows, err := o.Ledger.Records(t.Context(), ann.ID, ledger.Filter{Kind: ledger.Alert, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if r.Code != disclose.EmergencyUnjustified || r.Actor != string(agent) {
					t.Errorf("an alert %s about %s", r.Code, r.Actor)
				}
			}
			return len(rows)
		}
		if n := missed(); n != 0 {
			t.Errorf("%d are missed before their time", n)
		}
		o.Time.Add(24 * time.Hour)
		if n := missed(); n != 3 {
			t.Errorf("%d are missed, want 3", n)
		}
		// What cannot be decided on record has been claimed all the same.
		if err := o.DB.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "ALTER TABLE idempotency RENAME TO away")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if a, err := o.Door.Emergency(t.Context(), claim(nil)); err == nil || a != nil || claims() != 5 {
			t.Errorf("%+v, %v, %d claims", a, err, claims())
		}
		if err := o.Customers.Forget(t.Context(), ann.ID, "test"); err != nil {
			t.Fatal(err)
		}
		if due, err = o.Door.Unjustified(t.Context(), agent); err != nil || len(due) != 0 {
			t.Errorf("after the customer was forgotten: %+v, %v", due, err)
		}
		mustVerify(t, o)
	})
}

// Nothing is sent to a place that others read, whoever asks and whatever was proved.
//
// cite: P-21, P-25, 47 USC 222(a)
func TestNothingGoesToSharedPlaces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		ann := o.Customer(t, func(p *customer.Profile) {
			p.Safety = &customer.Safety{Since: officetest.Start, Shared: []string{customer.Shared.Postal, customer.Shared.Lines}}
		})
		in := o.Verified(t, agent, ann.ID)
		for via, want := range map[cpni.Via]cpni.Code{cpni.Postal: "NOT_AOR", cpni.Email: "", cpni.Text: "METHOD", cpni.Voice: ""} {
			r := officetest.AskCalls(agent, in)
			r.Via = via
			a, err := o.Door.Disclose(t.Context(), r)
			if err != nil || a.Decision.Code != want {
				t.Errorf("%s: %s, want %q, %v", via, a.Decision.Code, want, err)
			}
		}
		r := officetest.AskCalls(agent, in)
		r.Via, r.Data = cpni.Text, []cpni.DataClass{cpni.Billing}
		if a, err := o.Door.Disclose(t.Context(), r); err != nil || a.Decision.Code != "NOT_TNOR" {
			t.Errorf("a text: %+v, %v", a.Decision, err)
		}
	})
}
