package clock

import (
	"fmt"

	"ringfence/internal/workday"
)

// lines are the clocks as pictures show them: every day from the beginning of each, counted or skipped and why. report and customers
// are the rules whose days count, or nil.
//
// cite: P-44, P-47, P-48, 47 CFR 1.4
func (r *reckoning) lines(out *Clocks, report, customers *ruled) []Line {
	all := []Line{}
	if report != nil {
		says := fmt.Sprintf("To be reported to %s by %s: %d business days after %s", named(out.Agencies), report.by, report.AgenciesDays, report.report.From)
		if report.by != report.report.Last {
			says += ", and no sooner than the rule is in force"
		}
		all = append(all, Line{"agencies", says + ".", report.reportSince.at, report.report, []string{"P-44", "47 CFR 64.2011(b)", "47 CFR 1.4"}})
	}
	for _, u := range r.counting() {
		if len(u.hold.Days) == 0 {
			continue
		}
		says := fmt.Sprintf("Customers hear nothing through %s: %d full business days after the report", u.hold.Last, u.HoldDays)
		if u.from.Before(workday.LastStart(u.hold.Last.Add(1), r.zone)) {
			says += "; but an urgent need was reported and consulted about"
		}
		all = append(all, Line{"hold", says + ".", u.reported, u.hold, []string{"P-47", "47 CFR 64.2011(b)(1)", "47 CFR 1.4"}})
	}
	for i := range r.c.Directions {
		all = append(all, r.direction(i))
	}
	if customers != nil {
		says := fmt.Sprintf("Customers are to be told by %s: %d days after %s, weekends and holidays among them.", customers.customersBy, customers.Customers, customers.customers.From)
		if customers.Profile == Rule2007 {
			says += " The rule names no limit; this is our own."
		}
		all = append(all, Line{"customers", says, customers.breachSince.at, customers.customers, []string{"P-47", "47 CFR 64.2011(c)"}})
	}
	for _, u := range r.counting() {
		if u.summaryOf != 0 {
			all = append(all, r.yearly(u))
		}
	}
	return all
}

// direction is the line of the direction at i, from the day on which it was given through the last on which it holds.
func (r *reckoning) direction(i int) Line {
	d := r.c.Directions[i]
	given := workday.Latest(d.At, r.zone)
	count := r.cal.CalendarDays(given, given.DaysUntil(d.Until))
	says := fmt.Sprintf("%s directed in writing that customers are not told through %s.", d.Agency, d.Until)
	end := r.over(d)
	if !d.Written {
		says = fmt.Sprintf("%s asked by word of mouth that customers are not told through %s. It has to come in writing.", d.Agency, d.Until)
		end = r.unwritten(i)
	}
	if end.Before(workday.LastStart(d.Until.Add(1), r.zone)) {
		says += fmt.Sprintf(" It ended on %s.", workday.Latest(end, r.zone))
	}
	return Line{"direction", says, d.At, count, []string{"P-48", "47 CFR 64.2011(b)(3)"}}
}

// yearly is the line of the summary: the fixed day, and those that were skipped on the way to the one on which it is due.
func (r *reckoning) yearly(u *ruled) Line {
	count := workday.Count{Calendar: workday.DeadlineCalendar, From: u.summary.Fixed, Last: u.summary.By, Version: r.cal.Version()}
	count.Days = append(append(count.Days, u.summary.Days...), workday.Day{Date: u.summary.By, Number: 1})
	says := fmt.Sprintf("The summary of the small breaches of %d is due by %s; best by %s.", u.summaryOf, u.summary.By, u.summary.Plan)
	return Line{"summary", says, u.breachSince.at, count, []string{"47 CFR 64.2011(a)(4)", "47 CFR 1.4"}}
}

func named(agencies []Agency) string {
	s := ""
	for i, a := range agencies {
		switch {
		case i == 0:
		case i == len(agencies)-1:
			s += " and "
		default:
			s += ", "
		}
		s += string(a)
	}
	return s
}
