package scenario

import (
	"context"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// switchProfile brings a profile into force on a day: in a story at once, as if two people had agreed.
//
// cite: V35, 47 CFR 64.2011
func switchProfile(ctx context.Context, w *world, a args) (result, error) {
	told := rules.Switch{Profile: a.text("profile"), From: workday.DateIn(a.moment("effective"), w.office.Zone).String(), Citation: a.text("citation")}
	if err := w.office.SwitchProfile(ctx, told, teller); err != nil {
		return of(err, result{})
	}
	told.Entered = workday.DateIn(w.now(), w.office.Zone).String()
	w.switches = append(w.switches, told)
	if err := w.office.Policy.Redate(); err != nil {
		return result{}, err
	}
	fields := map[string]any{}
	for _, name := range w.profilesOf(rules.Family(told.Profile)) {
		if w.office.Policy.Numbers(w.now()).Has(name) {
			fields["in-force"] = name
		}
	}
	return result{outcome: cpni.OK, fields: fields}, nil
}

// profilesOf lists the profiles of a family.
func (w *world) profilesOf(family string) (names []string) {
	set, _ := w.office.Policy.Current()
	for _, name := range set.Profiles().Switchable() {
		if rules.Family(name) == family {
			names = append(names, name)
		}
	}
	return names
}
