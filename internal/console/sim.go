package console

import (
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// simForms are the forms about SIM cards, where the carrier offers mobile service: asking for another one, saying that it is in use, and the
// customer's lock.
//
// cite: P-23, 47 CFR 64.2010(h)
func (v *visit) simForms(p *customer.Profile, form func(id, what, title, label, help string) changeForm) []changeForm {
	if !v.office.Door.CMRS {
		return nil
	}
	if !p.SIMLocked.IsZero() {
		return []changeForm{form("sim-unlock", customer.WhatSIMLock, "Take the SIM lock off", "", "The customer has locked the account: until they take the lock off, no SIM is changed.")}
	}
	all := []changeForm{form("sim", customer.WhatSIM, "New SIM", "", "The customer is told before it is done. Then say here that it is in use.")}
	if a := openSIM(p); a != nil {
		done := form("sim-done", "", "The new SIM is in use", "", "Asked for "+v.ago(a.At, "")+". It is refused until the notice has gone out.")
		all = append(all, done)
	}
	return append(all, form("sim-lock", customer.WhatSIMLock, "Lock the account against a new SIM", "", "Nobody gets a new SIM for these lines until the customer takes the lock off."))
}

// openSIM is the newest change of a SIM that was asked for and not done; nil: there is none.
func openSIM(p *customer.Profile) *customer.SIMAsk {
	if n := len(p.SIMAsks); n > 0 && p.SIMAsks[n-1].Done.IsZero() {
		return &p.SIMAsks[n-1]
	}
	return nil
}

// simChanged does what a form about SIM cards asks for.
//
// cite: P-23, 47 CFR 64.2010(h)
func (v *visit) simChanged(s *contact.State, what string) ([]contact.Planned, error) {
	ctx, desk := v.r.Context(), v.office.Contacts
	switch what {
	case "sim-lock", "sim-unlock":
		return desk.LockSIM(ctx, s.ID, what == "sim-lock")
	case "sim":
		number, err := v.numberAt(s, v.form.Get("line"))
		if err != nil {
			return nil, err
		}
		_, planned, err := desk.AskSIM(ctx, contact.SIMRequest{Contact: s.ID, Number: number})
		return planned, err
	}
	p, _, err := v.office.Customers.Get(ctx, s.Customer)
	if err != nil {
		return nil, err
	}
	a := openSIM(p)
	if a == nil {
		return nil, cpni.Rejected("NOT_FOUND", "nobody has asked for a new SIM that is not done", []string{"47 CFR 64.2010(h)"}, "ask for it first, and wait until the customer is told")
	}
	return nil, desk.DoSIM(ctx, s.Customer, a.ID, string(v.member.ID))
}

// simNote is what is said when a change was made.
func simNote(what string) string {
	if what == "sim" {
		return "Noted, and not done yet."
	}
	return "Done."
}
