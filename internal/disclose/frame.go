package disclose

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/customer"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/store"
)

// Frame is what the decisions about one use have in common, whichever customer it is about: the rules and numbers in force, who asks, who
// would receive. It is for whoever decides about very many customers at one moment; a decision that releases is the door's alone.
//
// cite: P-36, I-02, I-19
type Frame struct {
	At    time.Time // in the carrier's zone
	Facts rules.Facts
	Rules *rules.Set
	Terms approval.Terms
	// Partner is the recipient; nil: it is none of the register.
	Partner *partner.Partner
	// PartnerVersion is that of the register.
	PartnerVersion int64
	// Guards are the versions on which it stands.
	Guards []store.Guard
}

// Frame gathers what decisions about r have in common; r names no customer and no contact. It stood in the database when it was given.
//
// cite: P-36, I-02, I-19
func (d *Door) Frame(ctx context.Context, r Request) (Frame, error) {
	r.Customer, r.Contact, r.brief = "", "", true
	if err := r.check(); err != nil {
		return Frame{}, err
	}
	for range tries {
		g, err := d.gather(ctx, r)
		if err != nil {
			return Frame{}, auditDown(err)
		}
		f := Frame{At: g.at.In(d.Zone), Facts: g.facts, Terms: approval.Terms{RenoticeMonths: g.facts.Numbers.RenoticeMonths}, Guards: g.guards}
		f.Rules, _ = d.Policy.Current()
		if d.Additions != nil {
			var guard store.Guard
			f.Terms.Additions, guard = d.Additions()
			f.Guards = append(f.Guards, guard)
		}
		if g.partner != "" {
			if f.Partner, f.PartnerVersion, err = d.Partners.Recent(ctx, g.partner); err != nil {
				return Frame{}, auditDown(err)
			}
			f.Guards = append(f.Guards, store.Guard{Table: "partner", Key: g.partner, Version: f.PartnerVersion})
		}
		stale, err := d.DB.CheckGuards(ctx, f.Guards)
		if err != nil {
			return Frame{}, auditDown(err)
		}
		if !slices.Contains(stale, true) && f.Rules.Version() == g.rules {
			return f, nil
		}
		if err := d.forget(ctx, g); err != nil {
			return Frame{}, auditDown(err)
		}
	}
	return Frame{}, errBusy
}

// Of gives the facts about one customer in the frame: what the rules may know of them, whether the recipient serves them, and what they have
// said of approvals.
func (f *Frame) Of(c rules.Customer, serves bool, all []customer.Approval) rules.Facts {
	facts := f.Facts
	facts.Customer = c
	if f.Partner != nil {
		facts.Recipient.ServesThis = serves
	}
	facts.Approval = approval.StandingOf(all, facts.Purpose, facts.Data, facts.Recipient, f.At, f.Terms)
	return facts
}
