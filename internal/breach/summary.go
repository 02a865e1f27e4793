package breach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// Summed is that a small breach stands in the summary of a year that was filed through the central facility.
//
// cite: V27, 47 CFR 64.2011(a)(4)
type Summed struct {
	Year    int       `json:"year"`
	Receipt string    `json:"receipt"`
	At      time.Time `json:"at"`    // when it was filed
	Count   int       `json:"count"` // how many breaches stand in it
}

var summaryCites = []string{"P-51", "47 CFR 64.2011(a)(4)"}

// longestWait is how many months after its last step a closed file may still wait for the summary: a breach of the first days of a year waits for
// the day in the next, which a weekend moves.
const longestWait = 14

// unsummed reports whether an incident has to stand in the summary of a year and does not yet; of year 0, in that of any year.
func (d *Desk) unsummed(i *Incident, year int) bool {
	of := d.Clocks(i).Summary
	return !i.Exercise && i.Summarized.IsZero() && of != 0 && (year == 0 || of == year)
}

// summing reports whether a rule that knows of the summary is in force, or was: otherwise nothing waits for one.
func (d *Desk) summing(now time.Time) bool {
	today := workday.DateIn(now, d.Zone)
	return slices.ContainsFunc(d.Numbers(now).Of2023.Spans, func(s rules.Span) bool { return !s.From.After(today) })
}

// waiting reads the files in a state, touched since a moment, that wait for the summary of a year.
func (d *Desk) waiting(ctx context.Context, state string, since time.Time, year int) ([]*Incident, error) {
	if !d.summing(d.Clock.Now()) {
		return nil, nil
	}
	ids, err := d.ids(ctx, `state = $1 AND exercise = 0 AND changed >= $2
		AND NOT EXISTS (SELECT 1 FROM incident_event e WHERE e.incident_id = incident.incident_id AND e.what = $3) ORDER BY at, incident_id`, state, since.UnixMicro(), string(Summarized))
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
		if d.unsummed(i, year) {
			all = append(all, i)
		}
	}
	return all, nil
}

// oldestFirst sorts incidents as they were taken in; of one moment, by their numbers.
func oldestFirst(a, b *Incident) int {
	return cmp.Or(a.Opened.Compare(b.Opened), cmp.Compare(len(a.Number), len(b.Number)), cmp.Compare(a.Number, b.Number))
}

// closedWaiting reads the closed files that wait for a summary: a small breach may be closed long before it is due.
func (d *Desk) closedWaiting(ctx context.Context) ([]*Incident, error) {
	return d.waiting(ctx, stateClosed, d.Clock.Now().AddDate(0, -longestWait, 0), 0)
}

// SmallOf lists the breaches, open and closed and no rehearsals, that have to stand in the summary of a year and do not yet, in the order in which
// they were taken in. Of year 0 it lists those of every year.
//
// cite: V27, 47 CFR 64.2011(a)(3), 47 CFR 64.2011(a)(4)
func (d *Desk) SmallOf(ctx context.Context, year int, by cpni.ID) ([]*Incident, error) {
	if err := d.admits(ctx, by, staff.ReadIncidents); err != nil {
		return nil, err
	}
	open, err := d.waiting(ctx, stateOpen, time.UnixMicro(0), year)
	if err != nil {
		return nil, err
	}
	since := d.Clock.Now().AddDate(0, -longestWait, 0)
	if first := workday.On(year, time.January, 1).Start(d.Zone).AddDate(0, 0, -1); year != 0 && first.Before(since) {
		since = first
	}
	closed, err := d.waiting(ctx, stateClosed, since, year)
	all := append(open, closed...)
	slices.SortFunc(all, oldestFirst)
	return all, err
}

// SummaryOf is the summary of a year as it would be filed now: what has not been filed of it.
//
// cite: V27, 47 CFR 64.2011(a)(4)
func (d *Desk) SummaryOf(ctx context.Context, year int, by cpni.ID) (Summary, error) {
	all, err := d.SmallOf(ctx, year, by)
	if err != nil {
		return Summary{}, err
	}
	return d.summary(year, all), nil
}

func noneSmall(year int) error {
	return cpni.Rejected(WrongState, fmt.Sprintf("no small breach waits for the summary of %d", year), summaryCites, "look at the year; what was filed is in the files of the incidents")
}

// summary puts the summary of a year together.
func (d *Desk) summary(year int, all []*Incident) Summary {
	s := Summary{Year: year, Below: d.Numbers(d.Clock.Now()).Of2023.SmallBelow, Zone: d.Zone}
	if len(d.Letterhead) > 0 {
		s.Carrier = d.Letterhead[0]
	}
	for _, i := range all {
		s.Due = d.Clocks(i).SummaryBy
		x := SmallBreach{ID: i.ID, Number: i.Number, Discovered: i.Facts.Discovered, From: i.Facts.From, Until: i.Facts.Until, Customers: i.Customers(), Data: i.Facts.Data, Personal: i.Facts.Personal,
			Outcome: i.Facts.Outcome, Basis: i.Facts.Basis}
		if i.Determined != nil {
			x.Determined, x.Earlier = i.Determined.At, i.Determined.Earlier
		}
		s.Breaches = append(s.Breaches, x)
	}
	return s
}

// Summarize records that an officer has signed the summary of a year's small breaches and filed it through the central facility: in the history
// of each, with a copy of what was filed, in one transaction. filed is when; zero: now. It gives the incidents that stand in it. What is
// found later is filed by a further one.
//
// ROLE: only an officer signs it. RECEIPT: there is none. STATE: the year is not over, or nothing waits for its summary.
//
// cite: P-37, P-51, V27, I-11, 47 CFR 64.2011(a)(4)
func (d *Desk) Summarize(ctx context.Context, year int, a Act, receipt string, filed time.Time) ([]*Incident, error) {
	officer, err := d.signer(ctx, a.By)
	if err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	if receipt = line(receipt); filed.IsZero() {
		filed = now
	}
	filed = filed.UTC()
	switch {
	case year <= 0:
		return nil, bad("a summary is of one year", "name the year")
	case receipt == "" || len(receipt) > longestLine:
		return nil, cpni.Rejected(NoReceipt, "there is no receipt of the facility, and without one nothing shows that the summary was filed", summaryCites, "copy the number that the facility gave after it was filed")
	case filed.After(now):
		return nil, bad("it was filed at a moment that is to come", "look at the receipt again")
	case workday.DateIn(filed, d.Zone).Year <= year:
		return nil, cpni.Rejected(WrongState, fmt.Sprintf("the summary is of a whole year, and %d was not over when it was filed", year), summaryCites, "file it when the year is over")
	}
	small, err := d.SmallOf(ctx, year, a.By)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(small, func(a, b *Incident) int { return cmp.Compare(a.ID, b.ID) }) // all lock them in one order
	var done []*Incident
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		in, err := d.locked(ctx, tx, small, year)
		if err != nil {
			return nil, err
		}
		if done, err = d.summedBy(ctx, tx, a.ID); err != nil {
			return nil, err
		}
		switch {
		case len(done) > 0:
			return nil, errDone
		case len(in) == 0:
			return nil, noneSmall(year)
		case slices.ContainsFunc(in, func(i *Incident) bool { return filed.Before(i.Determined.At) }):
			return nil, bad("it was filed before one of the breaches was determined, which cannot stand in it then", "look at the receipt again")
		}
		s := d.summary(year, in)
		s.Signed, s.Receipt, s.Filed = officer.Name, receipt, filed
		file, step := s.Text(), Summed{Year: year, Receipt: receipt, At: filed, Count: len(in)}
		var entries []ledger.Entry
		for _, i := range in {
			i, more, err := d.move(ctx, tx, i.ID, Act{By: a.By, ID: a.ID}, func(m *moved) (err error) {
				e := Event{Summed: &step}
				if e.Paper, e.Hash, err = m.keep("summary", file); err == nil {
					_, err = m.note(Summarized, e)
				}
				return err
			})
			if err != nil {
				return nil, err
			}
			done, entries = append(done, i), append(entries, more...)
		}
		return entries, nil
	})
	if err != nil && !errors.Is(err, errDone) {
		return nil, plainly(err)
	}
	return done, nil
}

// signer gives the officer who signs a summary; anybody else is refused.
func (d *Desk) signer(ctx context.Context, by cpni.ID) (*staff.Member, error) {
	if err := d.admits(ctx, by, staff.HandleIncidents); err != nil {
		return nil, err
	}
	m, _, err := d.Staff.Get(ctx, by)
	if err == nil && m.Role != cpni.RoleOfficer {
		err = cpni.Rejected("ROLE", "the summary of the small breaches is signed by an officer", []string{"P-37", "47 CFR 64.2011(a)(4)"}, "have an officer sign it, file it and enter its receipt")
	}
	return m, err
}

// locked reads again, in a transaction, which of the incidents wait for the summary of a year, in the order in which they were taken in.
func (d *Desk) locked(ctx context.Context, tx *store.Tx, all []*Incident, year int) ([]*Incident, error) {
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " FOR UPDATE"
	}
	var still []*Incident
	for _, i := range all {
		i, err := d.read(ctx, tx, d.in(tx), i.ID, lock)
		if errors.Is(err, ErrNone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if d.unsummed(i, year) {
			still = append(still, i)
		}
	}
	slices.SortFunc(still, oldestFirst)
	return still, nil
}

// summedBy gives the incidents that stand in the summary which an act has filed already.
func (d *Desk) summedBy(ctx context.Context, tx *store.Tx, act cpni.ID) ([]*Incident, error) {
	if act == "" {
		return nil, nil
	}
	rows, err := tx.Query(ctx, "SELECT incident_id FROM incident_event WHERE act = $1 AND what = $2", string(act), string(Summarized))
	if err != nil {
		return nil, fmt.Errorf("looking for a summary: %w", err)
	}
	defer rows.Close()
	var ids []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("looking for a summary: %w", err)
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("looking for a summary: %w", err)
	}
	var all []*Incident
	for _, id := range ids {
		i, err := d.read(ctx, tx, d.in(tx), id, "")
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	slices.SortFunc(all, oldestFirst)
	return all, nil
}
