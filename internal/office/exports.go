package office

import (
	"context"
	"errors"
	"slices"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/export"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/store"
)

// exports makes what writes files for partners.
func (o *Office) exports() *export.Exports {
	return export.New(export.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Customers: o.Customers, Partners: o.Partners, Door: o.Door, Clock: o.Clock, Zone: o.Zone, Numbers: numbersOf(o.Policy, export.NumbersOf)})
}

// PartnerAct is what the register would come to say of a partner, when that lets it have more.
type PartnerAct struct {
	Since   int64           `json:"since"` // version of the register's row; 0: there was none
	Partner partner.Partner `json:"partner"`
	Widens  []string        `json:"widens"` // by what it may get more
}

// PutPartner changes what the register says of a partner. What lets the partner have more is proposed, and takes a second person: then
// the proposal is given. What narrows is done at once.
//
// cite: P-15, P-35, P-37, P-41, 47 CFR 64.2007(b)
func (o *Office) PutPartner(ctx context.Context, id cpni.ID, p partner.Partner, by cpni.ID) (*countersign.Proposal, error) {
	before, version, err := o.Partners.Get(ctx, p.ID)
	if err != nil && !errors.Is(err, partner.ErrNoPartner) {
		return nil, err
	}
	widens := partner.Widens(before, p)
	if p.Check() != nil || len(widens) == 0 {
		return nil, o.Partners.Put(ctx, string(by), p)
	}
	return o.Proposals.Propose(ctx, id, countersign.Partner, PartnerAct{version, p, widens}, by)
}

var errPartnerMoved = cpni.Rejected("MOVED", "what the register says of the partner has changed since this was proposed", []string{"P-37"}, "propose it again, from what the register says now")

// holdsPartner reports whether the register still says what it said when a change was proposed, and whether who agrees would read by
// what it lets the partner have more.
func (o *Office) holdsPartner(ctx context.Context, a PartnerAct) error {
	before, version, err := o.Partners.Get(ctx, a.Partner.ID)
	if err != nil && !errors.Is(err, partner.ErrNoPartner) {
		return err
	}
	if version != a.Since || !slices.Equal(a.Widens, partner.Widens(before, a.Partner)) {
		return errPartnerMoved
	}
	return a.Partner.Check()
}

func (o *Office) doPartner(ctx context.Context, tx *store.Tx, a PartnerAct, by string) ([]ledger.Entry, func(context.Context) error, error) {
	if a.Since != 0 {
		stale, err := tx.CheckGuards(ctx, []store.Guard{{Table: "partner", Key: a.Partner.ID, Version: a.Since}})
		if err != nil {
			return nil, nil, err
		}
		if stale[0] {
			return nil, nil, errPartnerMoved
		}
	}
	entries, err := o.Partners.PutTx(ctx, tx, by, a.Partner)
	return entries, func(context.Context) error { o.Partners.Drop(a.Partner.ID); return nil }, err
}
