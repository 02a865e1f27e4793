package scenario

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/breach"
	clocks "ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// incidentActs are what the verbs about incidents do.
//
// cite: P-43, P-44, P-45, P-47, P-48
func incidentActs() map[string]act {
	return map[string]act{"incident": openIncident, "determine": determineIncident, "deadlines": deadlinesOf, "report": reportIncident, "direct": directIncident, "lift": liftIncident,
		"urgent": urgentIncident, "tell-customers": tellCustomers, "recount": recountIncident, "respond": respondIncident, "close": closeIncident, "state-law": stateLawOf, "drop": dropDirection, "summary": summarizeYear}
}

// handler is who works on incidents when a story does not say.
func (w *world) handler(ctx context.Context, a args) (cpni.ID, error) {
	if id, ok := w.staffIDs[a.text("by")]; ok {
		return id, nil
	}
	const name = "(who works on incidents)"
	id, known := w.staffIDs[name]
	if known {
		return id, nil
	}
	id, err := w.staff.Add(ctx, staff.Member{Login: "incidents", Name: name, Role: cpni.RoleCompliance, Trained: w.now()}, "", teller)
	w.staffIDs[name] = id
	return id, err
}

func truthOf(a args, field string) clocks.Truth {
	switch {
	case !a.has(field):
		return clocks.Unknown
	case a.flag(field):
		return clocks.Yes
	}
	return clocks.No
}

// openIncident takes an incident in. What a story states of intent, good faith, harm and keys is taken as having its basis.
//
// cite: P-43, P-49, P-50, P-52
func openIncident(ctx context.Context, w *world, a args) (result, error) {
	by, err := w.handler(ctx, a)
	if err != nil {
		return result{}, err
	}
	f := breach.Facts{What: a.text("what"), Discovered: a.moment("discovered"), DiscoveredBy: string(by), Data: classes(a.words("data")), Personal: a.words("personal"), Outcome: clocks.Outcome(a.text("outcome")),
		Intentional: truthOf(a, "intentional"), GoodFaith: truthOf(a, "good-faith"), Encryption: clocks.Encryption(a.text("encrypted")), Harm: clocks.Harm(a.text("harm")), Basis: a.text("basis")}
	if f.What == "" {
		f.What = "Something happened of which the story says no more."
	}
	if f.Discovered.IsZero() {
		f.Discovered = w.now()
	}
	if f.Basis == "" {
		f.Basis = "as the story states it"
	}
	var in []cpni.ID
	if c := a.n.get("customers"); c != nil {
		if count := (args{w, c}).n.get("count"); count != nil {
			f.Customers, _ = countOf(count)
		} else {
			for _, name := range a.words("customers") {
				in = append(in, w.customers[name])
			}
		}
	}
	i, err := w.office.Incidents.Open(ctx, breach.Intake{By: by, Facts: f, Exercise: a.flag("exercise")})
	if err == nil {
		w.incidents[a.text("id")] = i.ID
		if len(in) > 0 {
			_, err = w.office.Incidents.Put(ctx, i.ID, breach.Act{By: by}, in, "named by the story")
		}
	}
	return of(err, succeeded())
}

// incidental does something about an incident of a story.
func (w *world) incidental(ctx context.Context, a args, do func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error)) (*breach.Incident, error) {
	by, err := w.handler(ctx, a)
	if err != nil {
		return nil, err
	}
	return do(w.office.Incidents, w.incidents[a.text("incident")], breach.Act{By: by})
}

func determineIncident(ctx context.Context, w *world, a args) (result, error) {
	_, err := w.incidental(ctx, a, func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error) {
		t := breach.Determination{At: a.moment("at"), Basis: "as the story states it"}
		if a.has("earlier") {
			t.Earlier = workday.DateIn(a.moment("earlier"), w.office.Zone)
		}
		return d.Determine(ctx, id, act, t)
	})
	return of(err, succeeded())
}

// deadlinesOf tells what is due and what is held.
//
// cite: P-44, P-47
func deadlinesOf(ctx context.Context, w *world, a args) (result, error) {
	i, err := w.incidental(ctx, a, func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error) {
		return d.One(ctx, id, act.By)
	})
	if err != nil {
		return of(err, result{})
	}
	c := w.office.Incidents.Clocks(i)
	fields := map[string]any{"kind": string(c.Kind), "held": c.Held, "conflicts": len(c.Conflicts), "must-tell": c.Must, "late": c.Late}
	asked := []string{} // for what somebody is asked on this day, or was before
	for _, r := range c.Reminders {
		if !r.On.After(workday.DateIn(i.Now(w.now()), w.office.Zone)) && !slices.Contains(asked, r.Code) {
			asked = append(asked, r.Code)
		}
	}
	fields["asked"] = asked
	agencies := []string{}
	for _, x := range c.Agencies {
		agencies = append(agencies, string(x))
	}
	fields["agencies"] = agencies
	for name, day := range map[string]workday.Date{"agencies-by": c.AgenciesBy, "customers-by": c.By, "annual-summary-by": c.SummaryBy, "window-by": c.WindowBy} {
		if !day.IsZero() {
			fields[name] = day.String()
		}
	}
	if !c.From.IsZero() {
		fields["customers-from"] = c.From
	}
	if !c.WindowFrom.IsZero() {
		fields["window-from"] = c.WindowFrom
	}
	return result{outcome: cpni.OK, fields: fields}, nil
}

// reportIncident files a report, or tries another way.
//
// cite: P-44, P-45, P-51
func reportIncident(ctx context.Context, w *world, a args) (result, error) {
	i, err := w.incidental(ctx, a, func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error) {
		f := breach.Filing{Through: a.text("to"), Receipt: a.text("receipt"), Urgent: a.flag("urgent") || w.urgent[a.text("incident")]}
		for _, x := range a.words("agencies") {
			f.Agencies = append(f.Agencies, clocks.Agency(x))
		}
		return d.Report(ctx, id, act, f)
	})
	if err != nil {
		return of(err, result{})
	}
	c := w.office.Incidents.Clocks(i)
	return result{outcome: cpni.OK, fields: map[string]any{"late": c.Late, "complete": !c.Reported.IsZero()}}, nil
}

func directIncident(ctx context.Context, w *world, a args) (result, error) {
	_, err := w.incidental(ctx, a, func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error) {
		x := breach.Direction{Agency: a.text("agency"), Officer: a.text("officer"), Written: a.flag("written")}
		if x.Agency == "" {
			x.Agency = string(clocks.FBI)
		}
		if x.Officer == "" {
			x.Officer = "an officer"
		}
		if a.has("until") {
			x.Until = workday.DateIn(a.moment("until"), w.office.Zone)
		}
		return d.Direct(ctx, id, act, x, nil, "")
	})
	return of(err, succeeded())
}

// liftIncident lifts a direction: in writing, or not at all.
//
// cite: P-48, V20
func liftIncident(ctx context.Context, w *world, a args) (result, error) {
	if a.has("written") && !a.flag("written") {
		return result{outcome: cpni.Hold, code: breach.NeedWriting, cites: []string{"P-48", "47 CFR 64.2011(b)(3)"}, says: "a direction is lifted in writing"}, nil
	}
	_, err := w.incidental(ctx, a, func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error) {
		agency, officer := a.text("agency"), a.text("officer")
		if agency == "" {
			agency = string(clocks.FBI)
		}
		if officer == "" {
			officer = "an officer"
		}
		return d.Lift(ctx, id, act, agency, officer, a.moment("until"), nil)
	})
	return of(err, succeeded())
}

// urgentIncident says in the report that customers must be told at once, and whom of the agencies somebody has asked.
//
// cite: P-47, V16, V17
func urgentIncident(ctx context.Context, w *world, a args) (result, error) {
	i, err := w.incidental(ctx, a, func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error) {
		i, err := d.One(ctx, id, act.By)
		if err != nil {
			return nil, err
		}
		w.urgent[a.text("incident")] = a.flag("in-report") && len(i.Reports) == 0
		if a.flag("in-report") && len(i.Reports) > 0 {
			if i, err = d.Report(ctx, id, act, breach.Filing{Through: breach.Facility, Receipt: i.Reports[0].Receipt + "-U", Urgent: true, Agencies: i.Reports[0].Agencies}); err != nil {
				return nil, err
			}
		}
		if a.has("consulted") {
			c := a.sub("consulted")
			return d.Consult(ctx, id, act, c.text("agency"), "an officer", c.moment("at"), "")
		}
		return i, nil
	})
	if err != nil {
		return of(err, result{})
	}
	if refusal := w.office.Incidents.Hold(i); refusal != nil {
		return of(refusal, result{})
	}
	return succeeded(), nil
}

// tellCustomers tells the customers of an incident. Of whom a story gives no more than their number, as many are made customers first.
//
// cite: P-47, I-08, I-10
func tellCustomers(ctx context.Context, w *world, a args) (result, error) {
	by, err := w.handler(ctx, a)
	if err != nil {
		return result{}, err
	}
	d, id := w.office.Incidents, w.incidents[a.text("incident")]
	i, err := d.One(ctx, id, by)
	if err != nil {
		return of(err, result{})
	}
	if d.Hold(i) == nil && i.Set == 0 && i.Customers() > 0 {
		if err := w.fill(ctx, i, by); err != nil {
			return result{}, err
		}
	}
	if i.Words == nil {
		if err := w.wordIncident(ctx, i, by); err != nil {
			return of(err, result{})
		}
	}
	if _, err = d.Tell(ctx, id, breach.Act{By: by}); err != nil {
		return of(err, result{})
	}
	if err := w.tellAll(ctx, id, by); err != nil {
		return result{}, err
	}
	tally, err := d.Tally(ctx, id, by)
	return result{outcome: cpni.OK, fields: map[string]any{"told": tally[breach.IsSent] + tally[breach.IsPlanned] + tally[breach.IsTold], "no-way": tally[breach.NoWay]}}, err
}

// fill makes as many customers as an incident is said to have reached.
func (w *world) fill(ctx context.Context, i *breach.Incident, by cpni.ID) error {
	var made []cpni.ID
	for n := range i.Customers() {
		name := fmt.Sprintf("(customer %d of %s)", n+1, i.Number)
		id, err := w.book.Create(ctx, customer.Profile{Name: name, Account: fmt.Sprintf("%s-%d", i.Number, n+1), Since: i.Facts.Discovered.AddDate(-1, 0, 0),
			Postal: []customer.Address{{Value: fmt.Sprintf("%d Main St, Springfield, VA 22150", n+1), Since: i.Facts.Discovered.AddDate(-1, 0, 0)}}}, teller)
		if err != nil {
			return err
		}
		w.customers[name], w.names[id] = id, name
		made = append(made, id)
	}
	_, err := w.office.Incidents.Put(ctx, i.ID, breach.Act{By: by}, made, "counted by the story")
	return err
}

// recountIncident corrects how many customers it reached, or what harm is likely.
//
// cite: P-52, V30
func recountIncident(ctx context.Context, w *world, a args) (result, error) {
	_, err := w.incidental(ctx, a, func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error) {
		i, err := d.One(ctx, id, act.By)
		if err != nil {
			return nil, err
		}
		f := i.Facts
		if a.has("customers") {
			f.Customers = a.count("customers")
		}
		if a.has("harm") {
			f.Harm = clocks.Harm(a.text("harm"))
		}
		return d.Correct(ctx, id, act, f, "counted again")
	})
	return of(err, succeeded())
}

// summarizeYear files the summary of a year's small breaches, with its receipt.
//
// cite: V27, 47 CFR 64.2011(a)(4)
func summarizeYear(ctx context.Context, w *world, a args) (result, error) {
	by, err := w.handler(ctx, a)
	if err != nil {
		return result{}, err
	}
	all, err := w.office.Incidents.Summarize(ctx, a.count("year"), breach.Act{By: by}, a.text("receipt"), time.Time{})
	if err != nil {
		return of(err, result{})
	}
	return result{outcome: cpni.OK, fields: map[string]any{"breaches": len(all)}}, nil
}

func respondIncident(ctx context.Context, w *world, a args) (result, error) {
	_, err := w.incidental(ctx, a, func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error) {
		return d.Respond(ctx, id, act, string(clocks.FBI), "", a.text("response"), a.flag("none"), nil)
	})
	return of(err, succeeded())
}

// closeIncident closes a file, with an answer of the agencies when the story gives one.
//
// cite: P-43, P-53
func closeIncident(ctx context.Context, w *world, a args) (result, error) {
	if a.has("response") || a.flag("none") {
		if got, err := respondIncident(ctx, w, a); err != nil || got.outcome != cpni.OK {
			return got, err
		}
	}
	_, err := w.incidental(ctx, a, func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error) {
		c := breach.Closing{Cause: "as the story tells it", Remedy: "as the story tells it", Lessons: "as the story tells it", NoSanction: "the story names none"}
		for field, into := range map[string]*string{"cause": &c.Cause, "remedy": &c.Remedy, "lessons": &c.Lessons} {
			if a.has(field) {
				*into = a.text(field)
			}
		}
		return d.Close(ctx, id, act, c)
	})
	return of(err, succeeded())
}

// stateLawOf records that another law asks for customers to be told.
//
// cite: P-47, V22
func stateLawOf(ctx context.Context, w *world, a args) (result, error) {
	_, err := w.incidental(ctx, a, func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error) {
		return d.AskedByState(ctx, id, act, breach.StateDuty{State: a.text("state"), Law: a.text("law"), By: workday.DateIn(a.moment("until"), w.office.Zone)})
	})
	return of(err, succeeded())
}

func dropDirection(ctx context.Context, w *world, a args) (result, error) {
	_, err := w.incidental(ctx, a, func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error) {
		return d.Drop(ctx, id, act, a.text("agency"), "it will not be written")
	})
	return of(err, succeeded())
}
