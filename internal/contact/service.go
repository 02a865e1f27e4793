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
		return d.leaves(customer.Change{Actor: by, What: "service ends"}, ""), nil
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

// leaves has c take back what is on its way to a line that is the customer's no longer, or may be somebody else's for now;
// number "" is every line. A notice of change among it goes another way; where none is left somebody has to look.
//
// cite: P-20, P-23, P-25, 47 CFR 64.2003(q), 47 CFR 64.2010(f)
func (d *Desk) leaves(c customer.Change, number string) customer.Change {
	var missed []customer.Changed
	also, alerts := c.Also, c.Alerts
	c.Also = func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
		waiting, err := d.outbox.Waiting(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if err := d.outbox.CancelTo(ctx, tx, p.ID, number); err != nil {
			return err
		}
		waiting = slices.DeleteFunc(waiting, func(m notify.Message) bool { return m.Place != notify.TNOR || number != "" && m.To != number })
		if missed, err = d.redirect(ctx, tx, p, waiting); err != nil || also == nil {
			return err
		}
		return also(ctx, tx, p)
	}
	c.Alerts = func(ctx context.Context, tx *store.Tx, p *customer.Profile) ([]ledger.Entry, error) {
		all, err := d.allMissing(ctx, tx, p, missed)
		if err != nil || alerts == nil {
			return all, err
		}
		more, err := alerts(ctx, tx, p)
		return append(all, more...), err
	}
	return c
}

// redirect has notices of change that were taken back go another way. It gives the changes of which now nothing goes anywhere.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
func (d *Desk) redirect(ctx context.Context, tx *store.Tx, p *customer.Profile, stopped []notify.Message) (missed []customer.Changed, err error) {
	now := d.clock.Now()
	lost := map[cpni.ID]bool{}
	for _, m := range stopped {
		if !slices.Contains(tellsOfChange, m.Kind) {
			continue
		}
		other := d.Instead(p, m, now)
		if other == nil {
			lost[m.About] = true
			continue
		}
		other.ID, other.Kind, other.InsteadOf, other.Tried = cpni.NewTimedID(now), m.Kind, m.ID, append(slices.Clone(m.Tried), m.To)
		if err := d.outbox.Plan(ctx, tx, p.ID, *other); err != nil {
			return nil, err
		}
	}
	if len(lost) == 0 {
		return nil, nil
	}
	going, err := d.outbox.Going(ctx, tx, p.ID)
	if err != nil {
		return nil, err
	}
	for _, m := range going { // what goes beside it, or has arrived
		delete(lost, m.About)
	}
	for _, c := range p.Changes {
		if lost[c.ID] {
			missed = append(missed, c)
		}
	}
	return missed, nil
}

// allMissing are the alerts that nobody can be told of changes.
func (d *Desk) allMissing(ctx context.Context, tx *store.Tx, p *customer.Profile, missed []customer.Changed) ([]ledger.Entry, error) {
	var all []ledger.Entry
	for _, c := range missed {
		alert, err := d.missing(ctx, tx, p.ID, c)
		if err != nil {
			return nil, err
		}
		all = append(all, alert...)
	}
	return all, nil
}
