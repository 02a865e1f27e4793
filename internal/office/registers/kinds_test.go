package registers_test

import (
	"slices"
	"testing"

	"ringfence/internal/accounting"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/matter"
	"ringfence/internal/office/officetest"
	"ringfence/internal/register"
)

// Every kind of release to somebody outside stands in the customer's accounting with what it rests on, or is kept back by a process that
// says so, and then those who may know of it still see it. The register has all of them.
//
// cite: P-29, P-40, P-41, 47 CFR 64.2009(c)
func TestEveryKindOfReleaseIsAccountedFor(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		w.partner("biller", cpni.Agent, officetest.Start.AddDate(2, 0, 0))
		w.partner("acme", cpni.JointVenture, officetest.Start.AddDate(2, 0, 0))
		ann := w.Customer(t, func(p *customer.Profile) {
			p.Lines[0].Listed = true
			old := officetest.Start.AddDate(-1, 0, 0)
			p.Approvals = []customer.Approval{{Scope: "partner:acme", State: cpni.OptInOK, Since: old, NoticeAt: old, Names: []string{"acme"}}}
		})
		staff := map[cpni.Role]cpni.ID{}
		for _, r := range []cpni.Role{cpni.RoleMarketing, cpni.RoleFraud, cpni.RoleBilling} {
			staff[r] = w.Member(t, r)
		}
		by := func(role cpni.Role, r disclose.Request) disclose.Request {
			r.Caller, r.Customer, r.Via = disclose.Caller{Staff: staff[role]}, ann.ID, cpni.File
			return r
		}
		kinds := []struct {
			name, basis string
			ask         disclose.Request
			destroy     bool
		}{
			{"a court", register.ByProcess, w.order("CV 1", ann.ID, false), false},
			{"a court in secret", register.ByProcess, w.order("CV 2", ann.ID, true), false},
			{"a designee", register.ByRequest, w.toDesignee(ann, "Tariff Analysts"), false},
			{"a vendor who bills", register.ByLaw, by(cpni.RoleBilling, disclose.Request{Data: []cpni.DataClass{cpni.Billing}, Purpose: cpni.BillingPurpose, To: "biller"}), true},
			{"a partner", register.ByApproval, by(cpni.RoleMarketing, disclose.Request{Data: []cpni.DataClass{cpni.Usage}, Purpose: cpni.PartnerMarketing, To: "acme"}), true},
			{"another carrier, of fraud", register.ByCase, by(cpni.RoleFraud, disclose.Request{Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.Protect, To: "carrier:Far Telephone", Matter: w.Work(t, matter.Protection, "F-1", ann.ID).ID}), false},
		}
		secret := cpni.ID("")
		want := map[cpni.ID]int{}
		for i, k := range kinds {
			a := w.ask(k.ask)
			want[a.Entry] = i
			if k.ask.Process != nil && k.ask.Process.Secret {
				secret = a.Entry
			}
		}
		emergency, err := w.Door.Emergency(ctx, disclose.Claim{ID: cpni.NewID(), Customer: ann.ID, Staff: w.agent, To: "psap", Kind: "911-call", Caller: "psap", Callback: "+12025550911"})
		w.must(err)
		want[emergency.Entry] = -1
		w.signed()
		lines, _, err := w.Accounting.List(ctx, ann.ID, accounting.Query{Each: true, Limit: 100})
		w.must(err)
		told := map[cpni.ID]accounting.Line{}
		for _, l := range lines {
			told[l.Entry] = l
		}
		page, err := w.Registers.Disclosed(ctx, register.Query{Customer: ann.ID, Viewer: w.compliance})
		w.must(err)
		for entry, i := range want {
			if !slices.Contains(entries(page.Lines), entry) {
				t.Errorf("%s is not on the register (P-41)", entry)
			}
			if i >= 0 && kinds[i].basis == register.ByCase {
				if at := slices.IndexFunc(page.Lines, func(d register.Disclosure) bool { return d.Entry == entry && d.Basis.Number == "F-1" }); at < 0 {
					t.Error("the register does not call the case by its number (P-31, P-41)")
				}
				byNumber, err := w.Registers.Disclosed(ctx, register.Query{Matter: " f-1 ", Viewer: w.compliance})
				w.must(err)
				if got := entries(byNumber.Lines); len(got) != 1 || got[0] != entry {
					t.Errorf("by the number of the case %v are found (P-31, P-41)", got)
				}
			}
			l, ok := told[entry]
			if entry == secret {
				if ok {
					t.Error("what a process forbids to tell is told (P-29)")
				}
				continue
			}
			basis := register.ByEmergency
			if i >= 0 {
				basis = kinds[i].basis
			}
			if !ok || l.Given == nil || l.Given.Basis != basis || len(l.Reasons) == 0 {
				t.Errorf("%s: %v, %+v (P-41)", basis, ok, l.Given)
				continue
			}
			if i >= 0 && kinds[i].destroy && (l.Given.File == nil || l.Given.File.DestroyBy.IsZero() || l.Given.Partner == "") {
				t.Errorf("%s: nothing says by when it must be destroyed: %+v", kinds[i].name, l.Given)
			}
		}
		all, _, err := w.Accounting.List(ctx, ann.ID, accounting.Query{Each: true, Limit: 100, All: true})
		w.must(err)
		kept := slices.IndexFunc(all, func(l accounting.Line) bool { return l.Entry == secret })
		if kept < 0 || !all[kept].Withheld || len(all[kept].Reasons) == 0 {
			t.Error("the secret line is not shown to those who may know of it, with the rule (P-29)")
		}
		for _, l := range lines {
			if l.Permit && l.Given == nil && l.For.Kind != cpni.ToCustomer && l.For.Kind != cpni.ToCarrier {
				t.Errorf("a release to %s tells nothing of what it rests on", l.For.Kind)
			}
		}
	})
}
