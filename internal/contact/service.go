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

// Disturbance is something known about a line after which somebody else may hold it for a while.
type Disturbance struct {
	Customer cpni.ID
	Number   string
	What     string    // port, forward or sim
	At       time.Time // zero: now
	By       string
}

// Disturb notes that a line was ported, forwarded or given a new SIM: until that is long enough ago it proves nothing and
// gets no notice. What was on its way to it is taken back, and a code that was sent there is worth nothing.
//
// cite: P-20, 47 CFR 64.2003(q), 47 CFR 64.2010(a)
func (d *Desk) Disturb(ctx context.Context, x Disturbance) error {
	if !slices.Contains([]string{"port", "forward", "sim"}, x.What) {
		return badInput("a line is disturbed by a port, a forward or a change of SIM", "name port, forward or sim", "P-20")
	}
	now := d.clock.Now()
	at := x.At
	if at.IsZero() || at.After(now) {
		at = now
	}
	_, err := d.customers.Update(ctx, x.Customer, func(p *customer.Profile) (customer.Change, error) {
		l, err := liveLine(p, x.Number, now)
		if err != nil {
			return customer.Change{}, err
		}
		if !at.After(l.Disturbed) {
			return customer.Change{}, customer.ErrUnchanged
		}
		l.Disturbed = at
		number := l.Number
		return customer.Change{Actor: x.By, What: "line disturbed: " + x.What, Also: func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
			return d.outbox.CancelTo(ctx, tx, p.ID, number)
		}}, nil
	})
	return err
}
