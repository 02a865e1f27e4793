package office

import (
	"context"
	"fmt"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
)

// Stands lists where every scope of a customer's approval stands now.
//
// cite: P-11, P-36
func (o *Office) Stands(ctx context.Context, p *customer.Profile) ([]approval.Stand, error) {
	all, err := o.Partners.All(ctx)
	if err != nil {
		return nil, err
	}
	partners := make([]rules.Recipient, len(all))
	for i := range all {
		partners[i] = all[i].Facts(p.ID)
	}
	now := o.Clock.Now()
	terms := approval.Terms{RenoticeMonths: o.Approvals.Numbers(now).RenoticeMonths}
	terms.Additions, _ = o.Published.Terms()
	return approval.Stands(p, partners, now.In(o.Zone), terms), nil
}

// AnswerEvidence gives the whole of what shows that a customer said something, to somebody who may read records; that they looked is on
// record first.
//
// cite: P-36, P-41, 47 CFR 64.2007(a)(1), 47 CFR 64.2010(a)
func (o *Office) AnswerEvidence(ctx context.Context, by, of, event cpni.ID) (approval.Event, []byte, error) {
	e, err := o.Approvals.Event(ctx, of, event)
	if err != nil {
		return e, nil, err
	}
	_, err = o.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		entry, err := o.Vault.Entry(ctx, tx, ledger.Entry{Customer: of, Kind: ledger.Lookup, At: o.Clock.Now(), Actor: string(by), Purpose: "evidence", Outcome: cpni.OK},
			map[string]string{"what": "the evidence of an answer was read", "event": string(event)})
		return []ledger.Entry{entry}, err
	})
	if err != nil {
		return e, nil, fmt.Errorf("%w: %w", errUnrecorded, err)
	}
	raw, err := o.Approvals.Raw(ctx, of, event)
	return e, raw, err
}
