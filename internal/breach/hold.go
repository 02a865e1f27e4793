package breach

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// Hold says why customers must not be told of an incident now; nil: they may be. It knows no exception: whoever tells customers, by whatever
// way, asks here first.
//
// cite: P-47, P-48, I-08, 47 CFR 64.2011(a), 47 CFR 64.2011(b)(1)
func (d *Desk) Hold(i *Incident) *cpni.Refusal {
	return d.refuses(d.Clocks(i))
}

func (d *Desk) refuses(c clock.Clocks) *cpni.Refusal {
	if !c.Held {
		return nil
	}
	cites := []string{"P-47", "47 CFR 64.2011(a)", "47 CFR 64.2011(b)(1)"}
	if cpni.Code(c.Hold) == NeedWriting {
		return held(NeedWriting, "an agency has asked not to tell customers, and has not written it; the hold is kept until that is settled", []string{"P-48", "47 CFR 64.2011(b)(3)"},
			"ask the officer to put it in writing", "when they will not, record that, with the reason")
	}
	switch {
	case !c.From.IsZero():
		return held(Held, fmt.Sprintf("no customer may be told before %s", c.From.In(d.Zone).Format("2006-01-02 15:04")), cites, "wait until then; an agency may lift its direction in writing, and where harm is immediate and irreparable the report says so and an agency is consulted")
	case len(c.Agencies) > 0:
		return held(Held, "no customer may be told before the agencies have the report and the days after it are over", cites, fmt.Sprintf("file the report at the central facility by %s and enter its receipt", lastDay(c.AgenciesBy)))
	}
	return held(Held, "no customer may be told before it is determined what happened", cites, "record the determination")
}

// Holding lists the open incidents, no rehearsals, of which no customer may be told now.
//
// cite: P-47, I-08, 47 CFR 64.2011(a)
func (d *Desk) Holding(ctx context.Context) ([]*Incident, error) {
	all, err := d.openOnes(ctx)
	if err != nil {
		return nil, err
	}
	var holding []*Incident
	for _, i := range all {
		if !i.Exercise && d.Hold(i) != nil {
			holding = append(holding, i)
		}
	}
	return holding, nil
}

// openOnes reads all incidents that are not closed: there are few.
func (d *Desk) openOnes(ctx context.Context) ([]*Incident, error) {
	ids, err := d.ids(ctx, "state = $1 ORDER BY at, incident_id", stateOpen)
	if err != nil {
		return nil, err
	}
	var all []*Incident
	for _, id := range ids {
		i, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
		if errors.Is(err, ErrNone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, nil
}

func (d *Desk) ids(ctx context.Context, where string, args ...any) ([]cpni.ID, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT incident_id FROM incident WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("listing incidents: %w", err)
	}
	defer rows.Close()
	var all []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("listing incidents: %w", err)
		}
		all = append(all, id)
	}
	return all, rows.Err()
}

// Query says which incidents List gives.
type Query struct {
	Closed   bool         // closed ones; otherwise open ones
	Exercise bool         // rehearsals; otherwise incidents
	From     workday.Date // opened on this day or later; zero: whenever
	Before   cpni.ID      // of the list: only those behind this one
	Limit    int          // at most so many; 0 for 50
}

// List gives incidents, the newest first, to who may know of them.
//
// cite: P-49, 47 CFR 64.2011(d)
func (d *Desk) List(ctx context.Context, by cpni.ID, q Query) ([]*Incident, error) {
	if err := d.admits(ctx, by, staff.ReadIncidents); err != nil {
		return nil, err
	}
	if q.Limit <= 0 {
		q.Limit = usualListed
	}
	state, from := stateOpen, int64(0)
	if q.Closed {
		state = stateClosed
	}
	if !q.From.IsZero() {
		from = q.From.Start(d.Zone).UnixMicro()
	}
	ids, err := d.ids(ctx, `state = $1 AND exercise = $2 AND at >= $3 AND ($4 = '' OR (at, incident_id) < ((SELECT b.at FROM incident b WHERE b.incident_id = $4), $4)) ORDER BY at DESC, incident_id DESC LIMIT $5`,
		state, flag(q.Exercise), from, string(q.Before), min(q.Limit, mostListed))
	if err != nil {
		return nil, err
	}
	var all []*Incident
	for _, id := range ids {
		i, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, nil
}

const (
	usualListed = 50
	mostListed  = 500
)
