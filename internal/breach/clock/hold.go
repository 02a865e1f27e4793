package clock

import (
	"time"

	"ringfence/internal/workday"
)

// open reckons from when the rule u lets customers be told, directions aside; zero: not known before the report is complete. The rule of
// 2007 has them wait for full business days after it, the order of 2023 for the report alone, where one is required.
//
// cite: P-47, 47 CFR 64.2011(a), 47 CFR 64.2011(b)(1), V02, V03, V08, V34
func (r *reckoning) open(u *ruled) {
	switch {
	case u.HoldDays > 0:
		u.hold, u.from = r.waited(u, u.reported)
	case u.reportSince.isZero():
		u.from = r.c.Determined
	default:
		u.from = u.reported
	}
	if !u.from.IsZero() {
		u.from = later(u.from, r.c.Determined)
	}
}

// waited counts the business days of u after a report, and gives the moment at which they are over; earlier where there was an urgent
// need. A report that is not complete starts nothing.
func (r *reckoning) waited(u *ruled, reported time.Time) (workday.Count, time.Time) {
	if reported.IsZero() {
		return workday.Count{}, reported
	}
	count := r.cal.HoldThrough(workday.Latest(reported, r.zone), u.HoldDays)
	end := workday.LastStart(count.Last.Add(1), r.zone)
	if urgent := r.urgent(); !urgent.IsZero() {
		if urgent = later(urgent, reported); urgent.Before(end) {
			end = urgent
		}
	}
	return count, end
}

// urgent is the moment from which customers may be told at once: a report said that they must be, and an agency was consulted about it.
// Zero: one of the two is missing.
//
// cite: P-47, 47 CFR 64.2011(b)(2), V16, V17
func (r *reckoning) urgent() time.Time {
	var said, asked time.Time
	for _, p := range r.c.Reports {
		if p.Urgent && (said.IsZero() || p.At.Before(said)) {
			said = p.At
		}
	}
	for _, a := range r.c.Consulted {
		if asked.IsZero() || a.At.Before(asked) {
			asked = a.At
		}
	}
	if said.IsZero() || asked.IsZero() {
		return time.Time{}
	}
	return later(said, asked)
}

// held says whether customers must not be told now, and which code says so. Before a determination everything is held: nobody knows yet
// what it is.
//
// cite: P-47, P-48, I-08, 47 CFR 64.2011(a), V21
func (r *reckoning) held(out *Clocks) {
	switch {
	case out.From.IsZero() || r.now.Before(out.From):
		out.Held, out.Hold = true, "LE_HOLD"
	case r.now.Before(out.OralUntil):
		out.Held, out.Hold = true, "NEED_WRITING"
	}
}

// telling joins from when customers may be told: the latest of what the rules that count say, and of the written directions. Zero: one of
// them does not know yet.
//
// cite: P-47, P-48, 47 CFR 64.2011(b)
func (r *reckoning) telling() time.Time {
	if r.c.Determined.IsZero() {
		return time.Time{}
	}
	from := later(r.c.Determined, r.directed())
	for _, u := range r.counting() {
		if u.from.IsZero() {
			return time.Time{}
		}
		from = later(from, u.from)
	}
	return from
}
