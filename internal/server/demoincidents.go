package server

import (
	"context"
	"errors"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// incidents takes in what an agent suspects, a bill that went to the wrong house, and a rehearsal: one that runs, one that is closed, and one with
// which nobody can do harm.
//
// cite: P-43, P-44, P-49, 47 CFR 64.2011
func (d *others) incidents(ctx context.Context) error {
	for _, put := range []func(context.Context) error{d.suspected, d.misdirected, d.rehearsal} {
		if err := put(ctx); err != nil {
			return err
		}
	}
	return nil
}

// there reports whether an incident is in already.
func (d *others) there(ctx context.Context, what string) (bool, error) {
	i, err := d.Incidents.One(ctx, d.id(what), d.by["cora"])
	if errors.Is(err, breach.ErrNone) {
		return false, nil
	}
	return err == nil && len(i.History) > 1, err
}

// act is something that a member does once.
func (d *others) act(login, what string) breach.Act {
	return breach.Act{By: d.by[login], ID: d.id(what)}
}

// suspected is what alma has heard on the telephone and cora has determined: the agencies wait for a report.
func (d *others) suspected(ctx context.Context) error {
	const what = "suspicion"
	if there, err := d.there(ctx, what); there || err != nil {
		return err
	}
	found := d.now.Add(-20 * time.Hour)
	f := breach.Facts{Title: "Calls read aloud by a stranger", What: "Somebody of The Old Mill rang: a man whom nobody there knows had read the calls of February to them on the telephone, number by number.", Discovered: found, DiscoveredBy: "alma, in a call",
		Data: []cpni.DataClass{cpni.CallDetail}, Outcome: clock.Disclosed, Intentional: clock.Unknown, Encryption: clock.Plain, Harm: clock.HarmUnknown}
	if _, err := d.Incidents.Open(ctx, breach.Intake{ID: d.id(what), By: d.by["alma"], Facts: f}); err != nil {
		return err
	}
	of, err := d.Customers.Find(ctx, customer.ByNumber, "+12025550161")
	if err != nil {
		return err
	}
	if len(of) > 0 {
		if _, err := d.Incidents.Put(ctx, d.id(what), d.act("cora", what+" set"), of[:1], "It is they who rang."); err != nil {
			return err
		}
	}
	f.Intentional, f.Customers, f.Basis = clock.Yes, 1, "The look-ups of that week show a contact in which nobody had rung. The agent in it no longer works here."
	if _, err := d.Incidents.Correct(ctx, d.id(what), d.act("cora", what+" corrected"), f, "The look-ups of that week were read."); err != nil {
		return err
	}
	_, err = d.Incidents.Determine(ctx, d.id(what), d.act("cora", what+" determined"), breach.Determination{Basis: "The contact has no call behind it."})
	return err
}

// misdirected is what is no breach under the rule in force, and stands on the register.
func (d *others) misdirected(ctx context.Context) error {
	const what = "wrong envelope"
	if there, err := d.there(ctx, what); there || err != nil {
		return err
	}
	f := breach.Facts{Title: "A bill in the wrong envelope", What: "The inserting machine put two bills into one envelope. The neighbour brought the second one back, opened.", How: "A worn belt.", Discovered: d.now.Add(-9 * 24 * time.Hour), DiscoveredBy: "a customer, at the counter",
		Data: []cpni.DataClass{cpni.Billing}, Outcome: clock.Disclosed, Intentional: clock.No, Encryption: clock.Plain, Harm: clock.Unlikely, Basis: "The neighbour was asked, and gave it back the same day.", Customers: 1}
	if _, err := d.Incidents.Open(ctx, breach.Intake{ID: d.id(what), By: d.by["cora"], Facts: f}); err != nil {
		return err
	}
	if _, err := d.Incidents.Determine(ctx, d.id(what), d.act("cora", what+" determined"), breach.Determination{}); err != nil {
		return err
	}
	_, err := d.Incidents.Close(ctx, d.id(what), d.act("cora", what+" closed"), breach.Closing{Cause: "A worn belt in the inserting machine.", Remedy: "The belt was changed, and a scale weighs each envelope.", Lessons: "The machine is looked at every month.", NoSanction: "Nobody was at fault."})
	return err
}

// rehearsal is one that cora has begun, to see what would have to be done.
func (d *others) rehearsal(ctx context.Context) error {
	const what = "rehearsal"
	if there, err := d.there(ctx, what); there || err != nil {
		return err
	}
	f := breach.Facts{Title: "Rehearsal: a laptop is gone", What: "We assume that a laptop with bills of some hundred customers was taken from a car.", Discovered: d.now.Add(-2 * time.Hour), DiscoveredBy: "nobody: it is a rehearsal",
		Data: []cpni.DataClass{cpni.Billing}, Outcome: clock.Accessed, Intentional: clock.Yes, Encryption: clock.KeyUnknown, Harm: clock.HarmUnknown, Customers: 340}
	if _, err := d.Incidents.Open(ctx, breach.Intake{ID: d.id(what), By: d.by["cora"], Facts: f, Exercise: true}); err != nil {
		return err
	}
	_, err := d.Incidents.Determine(ctx, d.id(what), d.act("otto", what+" determined"), breach.Determination{})
	return err
}
