package contact

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
)

// EndService ends a customer's service: their numbers leave them at once, and what was on its way to them there is taken
// back. Denials stay.
//
// cite: P-14, P-20, 47 CFR 64.2003(q)
func (d *Desk) EndService(ctx context.Context, id cpni.ID, by string) error {
	_, err := d.customers.Update(ctx, id, func(p *customer.Profile) (customer.Change, error) {
		if !p.Ended.IsZero() {
			return customer.Change{}, customer.ErrUnchanged
		}
		p.Ended = d.clock.Now()
		return customer.Change{Actor: by, What: "service ends", Also: func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
			return d.outbox.CancelTo(ctx, tx, p.ID, "")
		}}, nil
	})
	return err
}

// RestartService begins service again on the lines that the customer had, but for those whose numbers others have by now;
// every denial stands as it did.
//
// cite: P-14, 47 CFR 64.2007(a)(2)
func (d *Desk) RestartService(ctx context.Context, id cpni.ID, by string) error {
	old, _, err := d.customers.Get(ctx, id)
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, l := range old.Lines {
		holders, err := d.customers.Find(ctx, customer.ByNumber, l.Number)
		if err != nil {
			return err
		}
		taken[l.Number] = slices.ContainsFunc(holders, func(h cpni.ID) bool { return h != id })
	}
	_, err = d.customers.Update(ctx, id, func(p *customer.Profile) (customer.Change, error) {
		if p.Ended.IsZero() {
			return customer.Change{}, customer.ErrUnchanged
		}
		for i := range p.Lines {
			if l := &p.Lines[i]; l.Removed.IsZero() && taken[l.Number] {
				l.Removed = p.Ended
			}
		}
		p.Ended = time.Time{}
		return customer.Change{Actor: by, What: "service begins again"}, nil
	})
	return err
}
