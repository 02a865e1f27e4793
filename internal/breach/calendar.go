package breach

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// Calendar writes the days of all open incidents, and of closed ones that wait for the summary of their year, for calendar programs (RFC 5545): whole days with a stable id each, and alarms on the day
// before and in the morning. A calendar lies on telephones and at companies that keep calendars for others; so it holds the number of an incident and what
// is due, and nothing of what happened or to whom. Rehearsals are not in it.
//
// cite: P-44, P-47, I-10, 47 CFR 64.2011(b), 47 CFR 64.2011(c)
func (d *Desk) Calendar(ctx context.Context, by cpni.ID) ([]byte, error) {
	if err := d.admits(ctx, by, staff.ReadIncidents); err != nil {
		return nil, err
	}
	all, err := d.openOnes(ctx)
	if err != nil {
		return nil, err
	}
	closed, err := d.closedWaiting(ctx)
	if err != nil {
		return nil, err
	}
	cal := ics.NewCalendarFor("Ringfence")
	cal.SetCalscale("GREGORIAN")
	cal.SetMethod(ics.MethodPublish)
	cal.SetXWRCalName("What is due for incidents")
	cal.SetRefreshInterval("PT1H", &ics.KeyValues{Key: "VALUE", Value: []string{"DURATION"}})
	cal.SetXPublishedTTL("PT1H")
	for _, i := range append(all, closed...) {
		if i.Exercise {
			continue
		}
		for _, x := range d.dates(i) {
			d.event(cal, i, x)
		}
	}
	return []byte(cal.Serialize(ics.WithNewLineWindows)), nil
}

// date is a day of an incident, and what is due on it.
type date struct {
	id   string // within the incident; stays the same when the day moves
	on   workday.Date
	says string
}

// reminderWords say what a reminder asks for without anything that somebody wrote.
var reminderWords = map[string]string{
	"LE_DUE": "report to the agencies", "LATE_LE": "the report to the agencies is late", "NEED_WRITING": "ask the agency for its direction in writing", "CUSTOMERS_DUE": "tell the customers",
	"CUSTOMERS_LATE": "the customers should have been told", "SUMMARY_DUE": "file the summary of the year", "SUMMARY_LATE": "the summary of the year is late",
}

// dates are the days of an incident that are not done with.
func (d *Desk) dates(i *Incident) []date {
	c := d.Clocks(i)
	var all []date
	add := func(id string, on workday.Date, says string) {
		if !i.Closed.IsZero() && !strings.HasPrefix(id, "summary") {
			return
		}
		if !on.IsZero() && !slices.ContainsFunc(all, func(x date) bool { return x.id == id }) {
			all = append(all, date{id, on, says})
		}
	}
	if c.Reported.IsZero() {
		add("agencies", c.AgenciesBy, "last day to report to the agencies")
	}
	if c.Must && i.ToldAll.IsZero() {
		if !c.From.IsZero() {
			add("from", workday.Latest(c.From, d.Zone), "customers may be told from this day on")
		}
		add("until", c.By, "last day to tell the customers")
	}
	if !c.OralUntil.IsZero() {
		add("oral", workday.DateIn(c.OralUntil, d.Zone), "a direction that was only spoken ends")
	}
	var hold workday.Date
	for _, l := range c.Lines { // of two rules the later counts
		if l.Name == "hold" && !c.Reported.IsZero() && c.Held && (hold.IsZero() || l.Count.Last.After(hold)) {
			hold = l.Count.Last
		}
	}
	add("hold", hold, "last day of the hold: nobody is told before it is over")
	if i.Summarized.IsZero() {
		add("summary", c.SummaryBy, "last day for the summary of the year's small breaches")
	}
	for _, r := range c.Reminders {
		if words := reminderWords[r.Code]; words != "" {
			add(strings.ToLower(r.Code)+"-"+r.On.String(), r.On, "reminder: "+words)
		}
	}
	return all
}

// event writes one day. Its sequence is the version of the file, which goes up with each step.
func (d *Desk) event(cal *ics.Calendar, i *Incident, x date) {
	e := cal.AddEvent(fmt.Sprintf("%s-%s@%s", i.ID, x.id, d.Ledger.Origin()))
	day := func(at workday.Date) time.Time { return time.Date(at.Year, at.Month, at.Day, 0, 0, 0, 0, time.UTC) }
	says := i.Number + ": " + x.says
	e.SetDtStampTime(i.Changed)
	e.SetLastModifiedAt(i.Changed)
	e.SetSequence(int(i.Version))
	e.SetAllDayStartAt(day(x.on))
	e.SetAllDayEndAt(day(x.on.Add(1)))
	e.SetSummary(says)
	e.SetClass(ics.ClassificationConfidential)
	e.SetTimeTransparency(ics.TransparencyTransparent)
	for _, before := range []string{"-PT15H", "PT9H"} { // of midnight: nine in the morning of the day before, and of the day
		a := e.AddAlarm()
		a.SetAction(ics.ActionDisplay)
		a.SetTrigger(before)
		a.SetDescription(says)
	}
}
