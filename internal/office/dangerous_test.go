package office_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/matter"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

func codeOf(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// entries counts the records of the carrier by what they say.
func entries(t *testing.T, o *officetest.Office, kind ledger.Kind) map[string]int {
	t.Helper()
	rows, err := o.Ledger.Records(t.Context(), "", ledger.Filter{Kind: kind, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, r := range rows {
		plain, err := o.Vault.OpenRecord(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		var d struct{ What string }
		if err := vault.Detail(plain, &d); err != nil {
			t.Fatal(err)
		}
		n[d.What+" "+string(r.Code)]++
	}
	return n
}

// One proposes to forget a customer and another agrees; neither can do it alone, and nobody without the right takes part.
// All of it is on record, and the ledger still verifies.
//
// cite: P-37, I-21, 47 CFR 64.2010(a)
func TestForgettingTakesTwo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ann := o.Customer(t)
		one, two, agent := o.Member(t, cpni.RoleOfficer), o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleAgent)
		if _, err := o.ProposeForget(t.Context(), "", ann.ID, agent); codeOf(err) != "ROLE" {
			t.Errorf("an agent proposes: %v", err)
		}
		if _, err := o.ProposeForget(t.Context(), "", cpni.NewID(), one); codeOf(err) != "MOVED" {
			t.Errorf("nobody is to be forgotten: %v", err)
		}
		p, err := o.ProposeForget(t.Context(), "", ann.ID, one)
		if err != nil || p.State != countersign.Waiting || p.Hash == "" {
			t.Fatalf("proposed: %+v, %v", p, err)
		}
		if again, err := o.ProposeForget(t.Context(), "", ann.ID, one); err != nil || again.ID != p.ID {
			t.Errorf("proposed twice by one: %+v, %v", again, err)
		}
		if _, err := o.ProposeForget(t.Context(), "", ann.ID, two); codeOf(err) != "CONFLICT" {
			t.Errorf("proposed by another too: %v", err)
		}
		if _, err := o.Proposals.Agree(t.Context(), p.ID, p.Hash, one); codeOf(err) != "SAME_PERSON" {
			t.Errorf("the same person agrees: %v", err)
		}
		if _, err := o.Proposals.Agree(t.Context(), p.ID, p.Hash, agent); codeOf(err) != "ROLE" {
			t.Errorf("an agent agrees: %v", err)
		}
		if _, err := o.Proposals.Agree(t.Context(), p.ID, strings.Repeat("0", 64), two); codeOf(err) != "CONFLICT" {
			t.Errorf("something else is agreed to: %v", err)
		}
		if _, err := o.Proposals.Agree(t.Context(), cpni.NewID(), p.Hash, two); codeOf(err) != "NOT_FOUND" {
			t.Errorf("nothing is agreed to: %v", err)
		}
		if _, _, err := o.Customers.Get(t.Context(), ann.ID); err != nil {
			t.Fatalf("forgotten by one: %v", err)
		}
		done, err := o.Proposals.Agree(t.Context(), p.ID, p.Hash, two)
		if err != nil || done.State != countersign.Done || done.Second != two {
			t.Fatalf("agreed: %+v, %v", done, err)
		}
		if _, _, err := o.Customers.Get(t.Context(), ann.ID); !errors.Is(err, customer.ErrNoCustomer) {
			t.Errorf("not forgotten: %v", err)
		}
		if _, err := o.Proposals.Agree(t.Context(), p.ID, p.Hash, two); codeOf(err) != "CONFLICT" {
			t.Errorf("agreed to twice: %v", err)
		}
		admin := entries(t, o, ledger.Admin)
		for what, n := range map[string]int{"proposed ": 1, "agreed to ": 1, "agreement turned away SAME_PERSON": 1, "agreement turned away ROLE": 1, "proposal turned away ROLE": 1} {
			if admin[what] != n {
				t.Errorf("%d records of %q, want %d; there are %v", admin[what], what, n, admin)
			}
		}
		if rows, err := o.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Forget}); err != nil || len(rows) != 1 || rows[0].Actor != string(two) {
			t.Errorf("records of forgetting: %+v, %v", rows, err)
		}
		if err := o.Ledger.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		if v, err := o.Ledger.Verify(t.Context(), t.Output()); err != nil || !v.OK() {
			t.Errorf("the ledger: %+v, %v", v, err)
		}
	})
}

// A proposal ends unharmed when it is refused, withdrawn or out of time, when what it would change is gone, and when who
// made it may not do so any more. What has ended stays ended after a restart, and what waits goes on.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestProposalsThatEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		one, two, three := o.Member(t, cpni.RoleOfficer), o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleOfficer)
		propose := func() (*countersign.Proposal, cpni.ID) {
			t.Helper()
			ann := o.Customer(t)
			p, err := o.ProposeForget(t.Context(), "", ann.ID, one)
			if err != nil {
				t.Fatal(err)
			}
			return p, ann.ID
		}
		ended := func(p *countersign.Proposal, want countersign.State, of cpni.ID) {
			t.Helper()
			if now, err := o.Proposals.Get(t.Context(), p.ID); err != nil || now.State != want || now.State.Open() {
				t.Errorf("want %s: %+v, %v", want, now, err)
			}
			if _, err := o.Proposals.Agree(t.Context(), p.ID, p.Hash, two); codeOf(err) != "CONFLICT" {
				t.Errorf("%s, and agreed to: %v", want, err)
			}
			if _, err := o.Proposals.Refuse(t.Context(), p.ID, two); codeOf(err) != "CONFLICT" {
				t.Errorf("%s, and refused: %v", want, err)
			}
			if _, err := o.Proposals.Withdraw(t.Context(), p.ID, one); codeOf(err) != "CONFLICT" {
				t.Errorf("%s, and withdrawn: %v", want, err)
			}
			if _, _, err := o.Customers.Get(t.Context(), of); of != "" && err != nil {
				t.Errorf("%s, and done: %v", want, err)
			}
		}
		p, ann := propose()
		if _, err := o.Proposals.Refuse(t.Context(), p.ID, one); codeOf(err) != "SAME_PERSON" {
			t.Errorf("one's own is refused: %v", err)
		}
		if _, err := o.Proposals.Withdraw(t.Context(), p.ID, two); codeOf(err) != "ROLE" {
			t.Errorf("another's is withdrawn: %v", err)
		}
		if _, err := o.Proposals.Refuse(t.Context(), p.ID, two); err != nil {
			t.Fatal(err)
		}
		ended(p, countersign.Refused, ann)

		p, ann = propose()
		if _, err := o.Proposals.Withdraw(t.Context(), p.ID, one); err != nil {
			t.Fatal(err)
		}
		ended(p, countersign.Withdrawn, ann)

		p, ann = propose()
		if err := o.Customers.Forget(t.Context(), ann, "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Proposals.Agree(t.Context(), p.ID, p.Hash, two); codeOf(err) != "MOVED" {
			t.Errorf("of somebody who is forgotten: %v", err)
		}
		ended(p, countersign.Moved, "")

		p, ann = propose()
		o = o.On(t, db) // a restart
		m, _, err := o.Staff.Recent(t.Context(), two)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := o.Proposals.Waits(t.Context(), m); err != nil || n != 1 {
			t.Errorf("%d wait for the second person, %v", n, err)
		}
		open, past, err := o.Proposals.List(t.Context(), m)
		if err != nil || len(open) != 1 || open[0].ID != p.ID || len(past) != 3 {
			t.Errorf("listed: %d open, %d past, %v", len(open), len(past), err)
		}
		o.Time.Add(o.Policy.Numbers(o.Clock.Now()).Duration("security-defaults", "proposal_life"))
		ended(p, countersign.Expired, ann)
		if n, err := o.Proposals.Waits(t.Context(), m); err != nil || n != 0 {
			t.Errorf("%d wait still, %v", n, err)
		}

		p, ann = propose()
		if err := o.Staff.Disable(t.Context(), one, "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Proposals.Agree(t.Context(), p.ID, p.Hash, two); codeOf(err) != "CONFLICT" {
			t.Errorf("of somebody who has left: %v", err)
		}
		if _, _, err := o.Customers.Get(t.Context(), ann); err != nil {
			t.Errorf("done: %v", err)
		}
		if _, err := o.Proposals.Refuse(t.Context(), p.ID, three); err != nil {
			t.Errorf("what somebody has left behind cannot be refused: %v", err)
		}
	})
}

// Two who agree at the same moment on two nodes have it done once: one is told that it is done, the other that it was
// decided.
//
// cite: P-37, I-21
func TestTwoNodesAgreeAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := officetest.Open(t, db)
		b := a.On(t, db)
		one, two, three := a.Member(t, cpni.RoleOfficer), a.Member(t, cpni.RoleCompliance), a.Member(t, cpni.RoleOfficer)
		for range 5 {
			ann := a.Customer(t)
			p, err := a.ProposeForget(t.Context(), "", ann.ID, one)
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			errs := make([]error, 4)
			for i, by := range []struct {
				node *officetest.Office
				who  cpni.ID
			}{{a, two}, {b, two}, {a, three}, {b, three}} {
				all.Go(func() { _, errs[i] = by.node.Proposals.Agree(context.WithoutCancel(t.Context()), p.ID, p.Hash, by.who) })
			}
			all.Wait()
			done := 0
			for _, err := range errs {
				switch {
				case err == nil:
					done++
				case codeOf(err) != "CONFLICT":
					t.Errorf("another answer: %v", err)
				}
			}
			if done != 1 {
				t.Fatalf("done %d times: %v", done, errs)
			}
		}
		rows, err := a.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Forget, Limit: 100})
		if err != nil || len(rows) != 5 || entries(t, a, ledger.Admin)["agreed to "] != 5 {
			t.Errorf("%d records of forgetting, %v", len(rows), err)
		}
	})
}

const closed = `@id("closed")
@clause("P-33")
@cite("47 USC 222(c)(1)")
@code("FORBIDDEN")
@says("Closed.")
forbid (principal, action == Action::"provide-service", resource);`

// Another policy is tried by the carrier's stories before anybody can agree to it, takes effect when another agrees, at
// once and on every node, and stays after a restart. One whose stories fail cannot be agreed to.
//
// cite: P-01, P-13, I-04, 47 CFR 64.2008(c)(3)
func TestChangingThePolicyTakesTwo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := officetest.Open(t, db)
		one, two, agent := a.Member(t, cpni.RoleCompliance), a.Member(t, cpni.RoleOfficer), a.Member(t, cpni.RoleAgent)
		ann := a.Customer(t)
		work := disclose.Request{Caller: disclose.Caller{Staff: agent}, Customer: ann.ID, Purpose: cpni.ProvideService, Data: []cpni.DataClass{cpni.Service},
			To: "carrier", Order: &rules.Case{ID: "O-1", Open: true}}
		a.Work(t, matter.Order, "O-1", ann.ID)
		decide := func(o *officetest.Office) cpni.Code {
			t.Helper()
			d, err := o.Door.Disclose(t.Context(), work)
			if err != nil {
				t.Fatal(err)
			}
			return d.Decision.Code
		}
		if code := decide(a); code != "" {
			t.Fatalf("before: %s", code)
		}
		files := map[string][]byte{"rules/" + rules.PublishedPrefix + "closed.cedar": []byte(closed)}
		*a.Stories = func(p *rules.Set) office.Rehearsal {
			return office.Rehearsal{Passed: 1, Failed: []string{"FAIL  A story: told.yaml:3"}}
		}
		bad := map[string][]byte{"rules/90-bad.cedar": []byte(strings.Replace(closed, "resource);", "resource) when { context.approval.state == \"denied\" };", 1))}
		if _, err := a.ProposePolicy(t.Context(), "", bad, one); codeOf(err) != "RETALIATION" || !strings.Contains(err.Error(), "rules/90-bad.cedar:1") {
			t.Errorf("retaliation is proposed: %v", err)
		}
		if entries(t, a, ledger.Admin)["rules refused RETALIATION"] != 1 {
			t.Error("retaliation is not on record")
		}
		propose := func(files map[string][]byte) *countersign.Proposal {
			t.Helper()
			p, err := a.ProposePolicy(t.Context(), "", files, one)
			if err != nil || p.State != countersign.Trying {
				t.Fatalf("proposed: %+v, %v", p, err)
			}
			if _, err := a.Proposals.Agree(t.Context(), p.ID, p.Hash, two); codeOf(err) != "CONFLICT" {
				t.Errorf("agreed to before it is tried: %v", err)
			}
			if err := a.Proposals.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
			if p, err = a.Proposals.Get(t.Context(), p.ID); err != nil {
				t.Fatal(err)
			}
			return p
		}
		p := propose(files)
		if _, err := a.Proposals.Agree(t.Context(), p.ID, p.Hash, two); p.State != countersign.Failed || codeOf(err) != "CONFLICT" || !strings.Contains(string(p.Report), "told.yaml:3") {
			t.Errorf("its stories fail: %+v, %v", p, err)
		}
		var under string
		*a.Stories = func(p *rules.Set) office.Rehearsal {
			under = p.Version()
			return office.Rehearsal{Passed: 7}
		}
		rival := propose(map[string][]byte{"rules/91-closed.cedar": []byte(closed)})
		p = propose(files)
		b := a.On(t, db)
		if _, err := b.Proposals.Agree(t.Context(), p.ID, p.Hash, two); err != nil {
			t.Fatal(err)
		}
		set, _ := b.Policy.Current()
		if set.Version() != under || decide(b) != "FORBIDDEN" || decide(a) != "FORBIDDEN" {
			t.Errorf("in force is %s, tried was %s; decided %s and %s", set.Version(), under, decide(b), decide(a))
		}
		if _, err := a.Proposals.Agree(t.Context(), rival.ID, rival.Hash, two); codeOf(err) != "MOVED" {
			t.Errorf("agreed to on another policy: %v", err)
		}
		if after := a.On(t, db); decide(after) != "FORBIDDEN" {
			t.Error("a restart has undone it")
		}
		if _, err := a.ProposePolicy(t.Context(), "", files, one); codeOf(err) != "BAD_INPUT" {
			t.Errorf("nothing is proposed: %v", err)
		}
	})
}

// Keys are renewed by two, once, while others may ask for the same; what was sealed stays readable.
//
// cite: P-37
func TestRenewingKeysTakesTwo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := officetest.Open(t, db)
		b := a.On(t, db)
		one, two := a.Member(t, cpni.RoleAdmin), a.Member(t, cpni.RoleOfficer)
		ann := a.Customer(t)
		if _, err := a.ProposeRotate(t.Context(), "", "all of them", one); codeOf(err) != "BAD_INPUT" {
			t.Errorf("no such keys: %v", err)
		}
		before, err := a.Vault.Wrapping(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		agreed := func(keys string) *countersign.Proposal {
			t.Helper()
			p, err := a.ProposeRotate(t.Context(), "", keys, one)
			if err != nil {
				t.Fatal(err)
			}
			if p, err = b.Proposals.Agree(t.Context(), p.ID, p.Hash, two); err != nil || p.State != countersign.Working {
				t.Fatalf("agreed: %+v, %v", p, err)
			}
			return p
		}
		all := []*countersign.Proposal{agreed(office.KeysWrapping), agreed(office.KeysCustomers)}
		var both sync.WaitGroup
		for _, o := range []*officetest.Office{a, b} {
			both.Go(func() {
				if err := o.Proposals.Work(context.WithoutCancel(t.Context())); err != nil && !errors.Is(err, vault.ErrRotating) {
					t.Errorf("renewing: %v", err)
				}
			})
		}
		both.Wait()
		// Where both nodes took one each and the one found the other at it, what is left is done when it is looked for again.
		for range 3 {
			a.Time.Add(6 * time.Minute)
			if err := a.Proposals.Work(t.Context()); err != nil && !errors.Is(err, vault.ErrRotating) {
				t.Fatal(err)
			}
		}
		for _, p := range all {
			if p, err := a.Proposals.Get(t.Context(), p.ID); err != nil || p.State != countersign.Done {
				t.Errorf("%+v, %v", p, err)
			}
		}
		if now, err := b.Vault.Wrapping(t.Context()); err != nil || now == before {
			t.Errorf("the wrapping key is %d, as before; %v", now, err)
		}
		if n := entries(t, a, ledger.Rotate); n["done "] != 2 {
			t.Errorf("records of renewing: %v", n)
		}
		late, err := a.ProposeRotate(t.Context(), "", office.KeysWrapping, one)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Vault.Renew(t.Context(), late.At.Unix(), nil); err != nil { // as nothing was renewed then, nothing is now
			t.Fatal(err)
		}
		now, err := b.Vault.Wrapping(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Vault.Renew(t.Context(), now, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Proposals.Agree(t.Context(), late.ID, late.Hash, two); codeOf(err) != "MOVED" {
			t.Errorf("renewed once more by an old proposal: %v", err)
		}
		for _, o := range []*officetest.Office{a, b} {
			if p, _, err := o.Customers.Get(t.Context(), ann.ID); err != nil || p.Name != ann.Name {
				t.Errorf("what was sealed: %v", err)
			}
		}
	})
}

// Who holds the master key may act alone, and the record says so.
//
// cite: P-37, I-21
func TestBreakGlassIsOnRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ann := o.Customer(t)
		if err := o.Customers.ForgetAlone(t.Context(), ann.ID, "command"); err != nil {
			t.Fatal(err)
		}
		rows, err := o.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Forget})
		if err != nil || len(rows) != 1 {
			t.Fatalf("%d records, %v", len(rows), err)
		}
		plain, err := o.Vault.OpenRecord(t.Context(), rows[0])
		if err != nil {
			t.Fatal(err)
		}
		var d struct{ How string }
		if err := vault.Detail(plain, &d); err != nil || !strings.Contains(d.How, "break-glass") {
			t.Errorf("on record: %q, %v", d.How, err)
		}
	})
}

// Health counts on both databases, and a verification that was asked for is remembered.
//
// cite: P-37, P-41
func TestHealth(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		o.Customer(t)
		h, err := o.Health(t.Context())
		if err != nil || h.Waiting == 0 || h.Size == 0 || h.Verified != nil || h.WrappingID == 0 || !h.Rotated.IsZero() || h.Began.IsZero() || !h.Signed.IsZero() {
			t.Errorf("before the first checkpoint: %+v, %v", h, err)
		}
		if err := o.Ledger.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		by := o.Member(t, cpni.RoleAdmin)
		if v, err := o.Verify(t.Context(), by); err != nil || v.Faults != 0 || v.Entries == 0 {
			t.Errorf("verified: %+v, %v", v, err)
		}
		if h, err = o.Health(t.Context()); err != nil || h.Verified == nil || h.Verified.Entries == 0 || h.Signed.IsZero() || h.Entries == 0 {
			t.Errorf("after it: %+v, %v", h, err)
		}
		for _, c := range h.Checks {
			if c.Says != "" {
				t.Errorf("%s: %s", c.Name, c.Says)
			}
		}
	})
}
