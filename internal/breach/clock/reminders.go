package clock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// reminders are what is asked for of what is not done: every step up to today, and of each clock the next one to come. What was done
// too late keeps the steps of its lateness, so that nobody misses it who looks only later. Days are the carrier's.
//
// cite: P-44, P-48, 47 CFR 64.2011, V15, V21, V27
func (r *reckoning) reminders(out *Clocks) []Reminder {
	all := []Reminder{}
	all = append(all, r.askReport()...)
	all = append(all, r.askCustomers(out)...)
	all = append(all, r.askWriting()...)
	all = append(all, r.askSummary()...)
	slices.SortStableFunc(all, func(a, b Reminder) int { return cmp.Or(a.On.Compare(b.On), cmp.Compare(a.Code, b.Code)) })
	return all
}

func (r *reckoning) today() workday.Date { return workday.DateIn(r.now, r.zone) }

// upToNext sorts the steps of one clock, says each once, and ends with the first that is still to come. Of two on one day the officer's
// stands.
func (r *reckoning) upToNext(steps []Reminder) []Reminder {
	slices.SortStableFunc(steps, func(a, b Reminder) int {
		return cmp.Or(a.On.Compare(b.On), cmp.Compare(a.Code, b.Code), -strings.Compare(a.To, b.To))
	})
	steps = slices.CompactFunc(steps, func(a, b Reminder) bool { return a.On == b.On && a.Code == b.Code })
	for i, s := range steps {
		if s.On.After(r.today()) {
			return steps[:i+1]
		}
	}
	return steps
}

// daily gives one step for each day from first, through the day on which it was done, or through tomorrow while it is not.
func (r *reckoning) daily(first workday.Date, done time.Time, step func(workday.Date) Reminder) []Reminder {
	last := r.today().Add(1)
	if !done.IsZero() {
		last = workday.DateIn(done, r.zone)
	}
	all := []Reminder{step(first)}
	for day := first.Add(1); !day.After(last); day = day.Add(1) {
		all = append(all, step(day))
	}
	return all
}

// askReport asks for the report on the business days of the rule, and every day once it is late.
func (r *reckoning) askReport() []Reminder {
	var steps []Reminder
	cites := []string{"P-44", "47 CFR 64.2011(b)"}
	for _, u := range r.counting() {
		if u.by.IsZero() {
			continue
		}
		if u.reported.IsZero() {
			for _, d := range u.report.Days {
				if !slices.Contains(u.Reminders, d.Number) || d.Date.After(u.by) {
					continue
				}
				to := cpni.RoleCompliance
				if d.Number >= u.Escalate {
					to = cpni.RoleOfficer
				}
				says := fmt.Sprintf("Business day %d of %d: report the breach to %s by %s.", d.Number, u.AgenciesDays, named(u.agencies), u.by)
				steps = append(steps, Reminder{d.Date, "LE_DUE", says, string(to), cites})
			}
		}
		if u.reported.IsZero() || r.late(u) {
			steps = append(steps, r.daily(u.by.Add(1), u.reported, func(day workday.Date) Reminder {
				return Reminder{day, "LATE_LE", fmt.Sprintf("The report to %s was due by %s. Report all the same.", named(u.agencies), u.by), string(cpni.RoleOfficer), cites}
			})...)
		}
	}
	return r.upToNext(steps)
}

// askCustomers asks that customers are told: on the first day on which they may be, on the last days, and every day once it is late.
// While they must not be told it asks for nothing.
func (r *reckoning) askCustomers(out *Clocks) []Reminder {
	if !out.Must || out.From.IsZero() {
		return nil
	}
	done := r.done()
	first, last := r.free(out), r.pressing(out)
	cites := []string{"P-47", "47 CFR 64.2011(c)"}
	var steps []Reminder
	due := func(day workday.Date) {
		steps = append(steps, Reminder{day, "CUSTOMERS_DUE", fmt.Sprintf("Customers may be told; they have to be by %s.", last), string(cpni.RoleCompliance), cites})
	}
	if done.IsZero() {
		due(first)
		for day := last.Add(1 - r.lastDays()); !day.After(last); day = day.Add(1) {
			if day.After(first) {
				due(day)
			}
		}
	}
	if done.IsZero() || out.CustomersLate {
		steps = append(steps, r.daily(last.Add(1), done, func(day workday.Date) Reminder {
			return Reminder{day, "CUSTOMERS_LATE", fmt.Sprintf("Customers had to be told by %s. Tell them now.", last), string(cpni.RoleOfficer), cites}
		})...)
	}
	return r.upToNext(steps)
}

// lastDays is how many of the last days are asked for, under the rule that asks most often.
func (r *reckoning) lastDays() int {
	most := 0
	for _, u := range r.counting() {
		most = max(most, u.LastDays)
	}
	return most
}

// askWriting asks every day that a direction which was only spoken comes in writing, while it keeps the hold or is going to.
func (r *reckoning) askWriting() []Reminder {
	var steps []Reminder
	for i, d := range r.c.Directions {
		end := time.Time{}
		if !d.Written {
			end = r.unwritten(i)
		}
		if !r.now.Before(end) {
			continue
		}
		says := fmt.Sprintf("Ask %s to write down its direction, or to say that there is none.", d.Agency)
		for day := workday.DateIn(d.At, r.zone); day.Start(r.zone).Before(end); day = day.Add(1) {
			steps = append(steps, Reminder{day, "NEED_WRITING", says, string(cpni.RoleCompliance), []string{"P-48", "47 CFR 64.2011(b)(3)"}})
		}
	}
	return r.upToNext(steps)
}

// askSummary asks for the summary of a year's small breaches on the days before it is due, and every day once it is late.
func (r *reckoning) askSummary() []Reminder {
	var steps []Reminder
	cites := []string{"47 CFR 64.2011(a)(4)"}
	for _, u := range r.counting() {
		if u.summaryOf == 0 {
			continue
		}
		by, done := u.summary.By, r.c.Summarized
		if done.IsZero() {
			for _, days := range u.SummaryReminders {
				if day := by.Add(-days); !day.Before(u.breachSince.day) {
					says := fmt.Sprintf("The summary of the small breaches of %d is due by %s; the officer signs it.", u.summaryOf, by)
					steps = append(steps, Reminder{day, "SUMMARY_DUE", says, string(cpni.RoleCompliance), cites})
				}
			}
		}
		if done.IsZero() || !done.Before(workday.FirstEnd(by, r.zone)) {
			steps = append(steps, r.daily(by.Add(1), done, func(day workday.Date) Reminder {
				return Reminder{day, "SUMMARY_LATE", fmt.Sprintf("The summary of the small breaches of %d was due by %s.", u.summaryOf, by), string(cpni.RoleOfficer), cites}
			})...)
		}
	}
	return r.upToNext(steps)
}
