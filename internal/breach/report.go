package breach

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Facility is the one way by which a report goes to the agencies; any other is refused.
const Facility = "facility"

// Filing is a report that somebody has filed at the central facility, and for which they have its receipt.
//
// cite: P-45, P-51, 47 CFR 64.2011(b)
type Filing struct {
	Through  string         // Facility; another way is no report
	Receipt  string         // as the facility gave it
	At       time.Time      // when it was filed; zero: now
	Agencies []clock.Agency // to which the receipt says it went; none: to all that there have to be
	Urgent   bool           // it says that customers must be told at once
	// Supplements is the number of the report that it adds to; 0: it is the first.
	Supplements int
	Scan        []byte // of the receipt
	Form        string // the form and its version that was used; "" of none
	Copy, Pages []byte // what was filed, for machines and for people; nil: they are made of the draft
}

// Draft keeps what a person has written over the fields of the report. Nothing is filed.
//
// cite: P-45, P-52
func (d *Desk) Draft(ctx context.Context, id cpni.ID, a Act, form string, fields map[string]string) (*Incident, error) {
	for _, text := range fields {
		if len(text) > longestText {
			return nil, bad("a field of the report is longer than 20,000 bytes", "write it shorter")
		}
	}
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		_, err := m.note(Drafted, Event{Report: &Report{Form: form, Fields: fields}})
		return err
	})
}

// Report records that a report was filed, with its receipt: only then the hold begins to run. A late one is taken like any other, with
// an alert; one that some of the agencies alone have got does not start the hold.
//
// cite: P-44, P-45, P-51, V15, 47 CFR 64.2011(b)
func (d *Desk) Report(ctx context.Context, id cpni.ID, a Act, f Filing) (*Incident, error) {
	f.Receipt = line(f.Receipt)
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		c := m.clocks()
		if f.At.IsZero() {
			f.At = m.now
		}
		f.At = f.At.UTC()
		known := []clock.Agency{clock.SecretService, clock.FBI, clock.FCC}
		switch {
		case f.Through != Facility:
			return cpni.Rejected(BadChannel, "a report goes to the agencies through the central facility and no other way: a message to one of their offices is none", []string{"P-45", "P-46", "47 CFR 64.2011(b)"},
				"file it at the facility, then enter its receipt here")
		case f.Receipt == "" || len(f.Receipt) > longestLine:
			return cpni.Rejected(NoReceipt, "there is no receipt of the facility, and without one nothing shows that the agencies have it", []string{"P-45", "P-51", "47 CFR 64.2011(b)"},
				"copy the number that the facility gave after the report was filed")
		case f.At.After(m.now):
			return bad("it was filed at a moment that is to come", "look at the receipt again")
		case f.At.Before(m.i.Facts.Discovered):
			return bad("it was filed before the incident was discovered", "look at the receipt again")
		case f.Supplements < 0 || f.Supplements > len(m.i.Reports):
			return bad("there is no such report that it could add to", "give the number of one that was filed")
		case slices.ContainsFunc(f.Agencies, func(x clock.Agency) bool { return !slices.Contains(known, x) }):
			return bad("an agency is none of USSS, FBI and FCC", "tick those that the receipt names")
		}
		if len(f.Agencies) == 0 {
			if f.Agencies = c.Agencies; len(f.Agencies) == 0 {
				f.Agencies = []clock.Agency{clock.SecretService, clock.FBI}
			}
		}
		if f.Supplements == 0 && len(m.i.Reports) > 0 {
			f.Supplements = len(m.i.Reports) // what is filed later adds to what was filed before
		}
		if f.Copy == nil && f.Pages == nil && d.Copied != nil {
			if err := d.Copied(m.i, &f); err != nil {
				return err
			}
		}
		r := &Report{Form: f.Form, At: f.At, Receipt: f.Receipt, Agencies: f.Agencies, Urgent: f.Urgent, Supplements: f.Supplements}
		if m.i.Draft != nil {
			r.Fields = m.i.Draft.Fields
			if r.Form == "" {
				r.Form = m.i.Draft.Form
			}
		}
		e := Event{Report: r}
		var err error
		if r.Copy, r.CopyHash, err = m.keep("report", f.Copy); err != nil {
			return err
		}
		if r.Pages, _, err = m.keep("report", f.Pages); err != nil {
			return err
		}
		if e.Paper, e.Hash, err = m.keep("receipt", f.Scan); err != nil {
			return err
		}
		if _, err = m.note(Reported, e); err != nil {
			return err
		}
		if after := m.clocks(); after.Late && c.Reported.IsZero() && !after.Reported.IsZero() {
			return m.alert(LateToLaw, "the agencies were told after the last day on which they had to be")
		}
		return nil
	})
}

// Late reports whether the agencies were told after their day, or are not told though it is over.
func (d *Desk) Late(i *Incident) bool { return d.Clocks(i).Late }

// lastDay is a day as people read it, or none.
func lastDay(day workday.Date) string {
	if day.IsZero() {
		return "no day yet"
	}
	return day.String()
}
