package rulebook

import (
	"context"

	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// DraftSwitch gives the policy in force with a profile switched, and the switch as it is entered today. What is wrong with it is as in
// rules.Set.Entering, and on record.
//
// cite: V35, P-58, 47 CFR 64.2011
func (b *Book) DraftSwitch(ctx context.Context, w rules.Switch, by string) (Draft, rules.Switch, error) {
	if err := b.Refresh(ctx); err != nil {
		return Draft{}, w, err
	}
	set := b.current.Load().set
	w, err := set.Entering(w, workday.DateIn(b.clock.Now(), b.zone))
	if err != nil {
		return Draft{}, w, b.turnAway(ctx, err, by)
	}
	files, err := set.WithSwitch(w)
	if err != nil {
		return Draft{}, w, err
	}
	d, _, err := b.Draft(ctx, files, by)
	return d, w, err
}

// HoldsSwitch fails when a drafted switch cannot take effect any more as it was proposed: its policy has gone, or its day has.
//
// cite: V35
func (b *Book) HoldsSwitch(ctx context.Context, d Draft, w rules.Switch) error {
	if err := b.Holds(ctx, d); err != nil {
		return err
	}
	base, err := b.At(ctx, d.Base)
	if err != nil {
		return err
	}
	_, err = base.Entering(w, workday.DateIn(b.clock.Now(), b.zone))
	return err
}

// TakeSwitch brings a drafted switch into force in tx, as Take does; the record says which profile, from what day and by what page.
//
// cite: V35, P-58, 47 CFR 64.2011
func (b *Book) TakeSwitch(ctx context.Context, tx *store.Tx, d Draft, w rules.Switch, by string) (entries []ledger.Entry, taken func(), err error) {
	about := map[string]string{"what": "the profile " + w.Profile + " takes effect on " + w.From, "profile": w.Profile, "effective": w.From, "citation": w.Citation, "entered": w.Entered}
	if w.Reason != "" {
		about["reason"] = w.Reason
	}
	if w.Late {
		about["late"] = "yes"
	}
	return b.take(ctx, tx, d, by, about)
}

// Redate asks Options.Profiles again which of the dated numbers in force count: a story has switched some.
func (b *Book) Redate() error {
	now := *b.current.Load()
	var err error
	if now.profiles, err = b.dated(now.set); err != nil {
		return err
	}
	b.store(&now)
	return nil
}
