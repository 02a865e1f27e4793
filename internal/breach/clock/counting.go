package clock

import (
	"time"

	"ringfence/internal/workday"
)

// ruled is one rule and what it makes of the incident.
type ruled struct {
	Rule
	kind   Kind
	why    []Reason
	counts bool
	// first is the first day on which the rule is in force and this incident was open: nothing of it was due before.
	first workday.Date

	breachSince beginning // when it was determined to be a breach under this rule
	reportSince beginning // when a report became required; zero: it never was
	agencies    []Agency
	report      workday.Count // of the business days within which they are told
	by          workday.Date
	reported    time.Time // when all of agencies had it

	hold workday.Count // of the business days after the report for which customers wait
	from time.Time     // when this rule lets them be told, directions aside

	must        bool
	customers   workday.Count
	customersBy workday.Date

	summary   workday.Due
	summaryOf int // the year; 0: it belongs into no summary
}

// beginning is an act from which something counts: its moment, and the day that counts for what is due.
type beginning struct {
	at  time.Time
	day workday.Date
}

func (b beginning) isZero() bool { return b.at.IsZero() }

// determination is the act from which what is due counts: the earliest day on which it may be held that a breach was determined.
//
// cite: P-44, 47 CFR 64.2011(b), V14
func (r *reckoning) determination() beginning {
	if r.c.Determined.IsZero() {
		return beginning{}
	}
	b := beginning{r.c.Determined, workday.Earliest(r.c.Determined, r.zone)}
	if e := r.c.Earlier; !e.IsZero() && e.Before(b.day) {
		b.day = e
	}
	return b
}

// begins is when what asks of the facts was first so, from the determination on. Facts that were recorded later count from their own
// moment; what was thought before the determination and was not so at it does not count.
//
// cite: P-43, P-44, 47 CFR 64.2011(a)(3), V30
func (r *reckoning) begins(asks func(Facts) bool) beginning {
	known := 0 // the facts as they were at the determination
	for i, f := range r.c.Facts {
		if !f.At.After(r.c.Determined) {
			known = i
		}
	}
	for i, f := range r.c.Facts[known:] {
		switch {
		case !asks(f):
		case i == 0:
			return r.determination()
		default:
			return beginning{f.At, workday.Earliest(f.At, r.zone)}
		}
	}
	return beginning{}
}

// weigh says which rules count: those in force on any day from the determination, or now while there is none, until the file is
// closed or now. Near midnight the day is any that the carrier's zone and Washington show. When none was in force at all, both count.
//
// cite: P-43, 47 CFR 64.2011, V34
func (r *reckoning) weigh() {
	end := r.now
	if !r.c.Closed.IsZero() {
		end = r.c.Closed
	}
	first, last := workday.Earliest(end, r.zone), workday.Latest(end, r.zone)
	if d := r.determination(); !d.isZero() {
		if first = d.day; last.Before(first) {
			last = first
		}
	}
	none := true
	for _, u := range r.rules {
		u.first, u.counts = u.during(first, last)
		none = none && !u.counts
	}
	for _, u := range r.rules {
		u.counts = u.counts || none
	}
}

// notBefore keeps a day that is due from lying before the rule was in force.
func (u *ruled) notBefore(day workday.Date) workday.Date {
	if u.counts && day.Before(u.first) {
		return u.first
	}
	return day
}

// counting are the rules that count and call it a breach.
func (r *reckoning) counting() []*ruled {
	var all []*ruled
	for _, u := range r.rules {
		if u.counts && u.kind == Breach {
			all = append(all, u)
		}
	}
	return all
}
