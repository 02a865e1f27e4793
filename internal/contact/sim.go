package contact

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// errNoMobile: a carrier without mobile service changes no SIM.
var errNoMobile = reject("NOT_APPLICABLE", "this carrier offers no mobile service, so no SIM is changed here and nothing is locked", []string{"47 CFR 64.2010(h)"},
	"send the customer to the carrier of their mobile service", "if this carrier offers mobile service, have its operator set carrier.cmrs")

// errLocked: the customer has locked the account against changes of a SIM.
var errLocked = reject("SIM_LOCKED", "the customer has locked their account against changes of a SIM", []string{"P-16", "47 CFR 64.2010(h)"},
	"have the customer, once they are proved in a contact or signed in to their account, take the lock off", "then ask for the change again")

// SIMRequest asks for another SIM of a line.
type SIMRequest struct {
	Contact cpni.ID // whose evidence allows it; what others can know of the customer is none
	Number  string
}

// AskSIM notes that a customer wants another SIM, and plans the notice of it, which goes out before anything is done. What proves a customer
// here is what proves them everywhere: nothing that relatives know, bills say or a call shows.
//
// cite: P-16, P-20, P-23, 47 CFR 64.2010(h), V114
func (d *Desk) AskSIM(ctx context.Context, r SIMRequest) (cpni.ID, []Planned, error) {
	s, now, err := d.mobile(ctx, r.Contact)
	if err != nil {
		return "", nil, err
	}
	number, ok := customer.Number(r.Number)
	var ask customer.SIMAsk
	var planned []Planned
	_, err = d.customers.Update(ctx, s.Customer, func(p *customer.Profile) (customer.Change, error) {
		at := slices.IndexFunc(p.Lines, func(l customer.Line) bool { return ok && l.Number == number && l.Removed.IsZero() })
		switch {
		case !p.SIMLocked.IsZero():
			return customer.Change{}, errLocked
		case at < 0:
			return customer.Change{}, badInput("the customer has no such line", "give the number of a line of theirs", "P-20")
		}
		made := customer.Changed{What: customer.WhatSIM, At: now, By: s.actor(), Contact: string(s.ID)}
		var c customer.Change
		planned, c = d.changed(p, made, "SIM change asked for")
		if len(planned) == 0 {
			return customer.Change{}, reject("NO_PLACE", "there is no place at which the customer can be told before it is done", []string{"P-23", "47 CFR 64.2010(h)"},
				"add an address, and ask again once it is of record", "ask the customer to come to a shop with a photo ID")
		}
		ask = customer.SIMAsk{ID: p.Changes[len(p.Changes)-1].ID, Line: p.Lines[at].No, At: now, By: made.By}
		p.SIMAsks = append(p.SIMAsks, ask)
		return d.inContact(c, s), nil
	})
	if err != nil {
		return "", nil, d.answered(ctx, s, err)
	}
	return ask.ID, planned, nil
}

// mobile looks whether a customer who is proved in a contact can ask for what concerns a SIM.
func (d *Desk) mobile(ctx context.Context, id cpni.ID) (*State, time.Time, error) {
	now := d.clock.Now()
	if !d.numbers(now).CMRS {
		s, _, err := d.Get(ctx, id)
		if err != nil {
			return nil, now, err
		}
		return nil, now, d.refused(ctx, s, Proof{}, errNoMobile)
	}
	s, err := d.proved(ctx, id, "")
	return s, now, err
}

// DoSIM notes that another SIM is in use: by whom it was done, for whom and when. It is refused before the notice has gone out, when the customer
// has locked the account or said that it was not them, and when it was asked for too long ago. From then on the line proves nothing for the
// time for which a disturbed line does.
//
// cite: P-16, P-20, P-23, P-37, 47 CFR 64.2010(h), V114
func (d *Desk) DoSIM(ctx context.Context, of, ask cpni.ID, by string) error {
	now := d.clock.Now()
	n := d.numbers(now)
	if !n.CMRS {
		return d.refused(ctx, &State{Customer: of, Agent: cpni.ID(by)}, Proof{}, errNoMobile)
	}
	gone, err := d.toldOf(ctx, of, ask)
	if err != nil {
		return err
	}
	_, err = d.customers.Update(ctx, of, func(p *customer.Profile) (customer.Change, error) {
		i := slices.IndexFunc(p.SIMAsks, func(a customer.SIMAsk) bool { return a.ID == ask })
		if i < 0 {
			return customer.Change{}, reject("NOT_FOUND", "nobody has asked for that change", []string{"47 CFR 64.2010(h)"}, "have the customer ask for it")
		}
		a := &p.SIMAsks[i]
		l := slices.IndexFunc(p.Lines, func(l customer.Line) bool { return l.No == a.Line && l.Removed.IsZero() })
		disputed := p.Change(ask)
		switch {
		case !a.Done.IsZero():
			return customer.Change{}, customer.ErrUnchanged
		case !p.SIMLocked.IsZero():
			return customer.Change{}, errLocked
		case disputed == nil || !disputed.Disputed.IsZero() && disputed.Outcome != customer.Kept:
			return customer.Change{}, reject("FROZEN", "the customer has said that they did not ask for it", []string{"P-23", "47 CFR 64.2010(h)"}, "wait until that is settled", "have the customer ask again, proved anew")
		case l < 0:
			return customer.Change{}, badInput("the line is the customer's no longer", "have the customer ask for a line of theirs", "P-20")
		case now.Sub(a.At) >= n.SIMAskLife:
			return customer.Change{}, reject("ENDED", "it was asked for too long ago", []string{"47 CFR 64.2010(h)"}, "have the customer ask again, proved anew")
		case !gone:
			return customer.Change{}, reject("NOT_TOLD", "the customer is told before it is done, and no notice of it has gone out yet", []string{"P-23", "47 CFR 64.2010(h)"},
				"wait until the notice has gone; Messages shows what has become of it", "mend the way by which the customer is told")
		}
		a.Done, a.DoneBy = now, by
		number := p.Lines[l].Number
		p.Lines[l].Disturbed = now
		lost := func(ctx context.Context, tx *store.Tx, _ *customer.Profile) ([]ledger.Entry, error) {
			return d.withdraw(ctx, tx, of, number, now, by)
		}
		return d.leaves(customer.Change{Actor: by, What: "SIM changed", Detail: map[string]string{"what": "SIM changed", "change": string(ask)}, Alerts: lost}, number), nil
	})
	return d.answered(ctx, &State{Customer: of, Agent: cpni.ID(by)}, err)
}

// toldOf reports whether a notice of a change has gone out.
func (d *Desk) toldOf(ctx context.Context, of, change cpni.ID) (bool, error) {
	all, err := d.outbox.Messages(ctx, of)
	return slices.ContainsFunc(all, func(m notify.Message) bool {
		return m.About == change && change != "" && (m.State == notify.Sent || m.State == notify.Delivered)
	}), err
}

// LockSIM sets or lifts the customer's lock against changes of a SIM. It takes the same proof both ways, and the customer is told of both.
//
// cite: P-16, P-23, 47 CFR 64.2010(h), V114
func (d *Desk) LockSIM(ctx context.Context, contact cpni.ID, on bool) ([]Planned, error) {
	s, now, err := d.mobile(ctx, contact)
	if err != nil {
		return nil, err
	}
	var planned []Planned
	_, err = d.customers.Update(ctx, s.Customer, func(p *customer.Profile) (customer.Change, error) {
		if on == !p.SIMLocked.IsZero() {
			return customer.Change{}, customer.ErrUnchanged
		}
		made := customer.Changed{What: customer.WhatSIMLock, At: now, By: s.actor(), Contact: string(s.ID), Gone: !on}
		record := "SIM lock set"
		if p.SIMLocked = now; !on {
			p.SIMLocked, record = time.Time{}, "SIM lock lifted"
		}
		var c customer.Change
		planned, c = d.changed(p, made, record)
		return d.inContact(c, s), nil
	})
	if err != nil {
		return nil, d.answered(ctx, s, err)
	}
	return planned, nil
}
