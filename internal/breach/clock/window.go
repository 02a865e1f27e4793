package clock

import "ringfence/internal/workday"

// window is the time in which telling customers is lawful under both rules at once, whichever counts: from the end of the hold of
// 2007 to the last day of 2023. It is known once the report that the rule of 2007 asks for is complete; there is none when a direction, or
// a report that the other rule still waits for, leaves nothing of it.
//
// cite: P-47, 47 CFR 64.2011(b), 47 CFR 64.2011(b)(1), V34
func (r *reckoning) window(out *Clocks) {
	old, next := r.rules[0], r.rules[1]
	reported := r.reportedTo(places[Rule2007])
	if r.c.Determined.IsZero() || out.Kind != Breach || reported.IsZero() {
		return
	}
	_, from := r.waited(old, reported)
	from = later(later(from, r.c.Determined), r.directed())
	for _, u := range r.counting() {
		if u.from.IsZero() {
			return
		}
		from = later(from, u.from)
	}
	by := r.lastDay(next)
	if from.Before(workday.FirstEnd(by, r.zone)) {
		out.WindowFrom, out.WindowBy = from, by
	}
}

// lastDay is the last day for customers under the rule u, whether or not it asks for it.
func (r *reckoning) lastDay(u *ruled) workday.Date {
	since := u.breachSince
	if since.isZero() {
		since = r.determination()
	}
	return u.notBefore(r.cal.CalendarDays(since.day, u.Customers).Last)
}
