package office

import (
	"context"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rulebook"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// SwitchAct is the taking effect of another profile of a family.
type SwitchAct struct {
	rulebook.Draft
	Switch rules.Switch `json:"switch"`
}

// ProposeSwitch proposes that a profile takes effect on a day in the place of the others of its family. What is wrong with it is told at
// once, as in rules.Set.Entering; the carrier's stories are told under it before anybody can agree.
//
// cite: V35, P-58, 47 CFR 64.2011
func (o *Office) ProposeSwitch(ctx context.Context, id cpni.ID, w rules.Switch, by cpni.ID) (*countersign.Proposal, error) {
	d, w, err := o.Policy.DraftSwitch(ctx, w, string(by))
	if err != nil {
		return nil, err
	}
	return o.Proposals.Propose(ctx, id, countersign.Switch, SwitchAct{d, w}, by)
}

func (o *Office) holdsSwitch(ctx context.Context, a SwitchAct) error {
	return o.Policy.HoldsSwitch(ctx, a.Draft, a.Switch)
}

// trySwitch tells the carrier's stories under a switch. Those that come out otherwise are shown and hold nothing up: a rule takes effect
// on its day, also when stories were written for the one before.
func (o *Office) trySwitch(ctx context.Context, act []byte, heard func()) (report any, passed bool, err error) {
	a, err := read[SwitchAct](act)
	if err != nil {
		return nil, false, err
	}
	_, set, err := o.Policy.Drafted(ctx, a.Draft)
	if err != nil {
		return nil, false, err
	}
	if o.rehearse == nil {
		return nil, true, nil // this server has no stories
	}
	r, err := o.rehearse(ctx, set, heard)
	return r, true, err
}

func (o *Office) doSwitch(ctx context.Context, tx *store.Tx, a SwitchAct, by string) ([]ledger.Entry, func(context.Context) error, error) {
	entries, taken, err := o.Policy.TakeSwitch(ctx, tx, a.Draft, a.Switch, by)
	return entries, func(context.Context) error { taken(); return nil }, err
}

// SwitchProfile brings a profile into force on a day without a second person, and on a day that is past without being told that this is
// meant: stories do. Where the profile is in force on that day already nothing changes.
//
// cite: V35, 47 CFR 64.2011
func (o *Office) SwitchProfile(ctx context.Context, w rules.Switch, by string) error {
	if from, err := workday.ParseDate(w.From); err == nil && from.Before(workday.DateIn(o.Clock.Now(), o.Zone)) {
		w.Late, w.Reason = true, "a story tells it so"
	}
	d, w, err := o.Policy.DraftSwitch(ctx, w, by)
	if err != nil {
		if rules.InForceAlready(err) {
			return nil
		}
		return err
	}
	var after func(context.Context) error
	if _, err := o.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		entries, after, err = o.doSwitch(ctx, tx, SwitchAct{d, w}, by)
		return entries, err
	}); err != nil {
		return err
	}
	return after(ctx)
}
