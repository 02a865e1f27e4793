package clock

import (
	"fmt"
	"time"

	"ringfence/internal/workday"
)

// obliged reckons whether customers have to be told under the rule u, and by which day. The day is the last of calendar days and is not
// moved by a weekend. The rule of 2007 names no limit: its day is our own target.
//
// cite: P-47, 47 CFR 64.2011(b), 47 CFR 64.2011(c), V29, V31, V32, V33
func (r *reckoning) obliged(u *ruled) {
	u.customers = r.cal.CalendarDays(u.breachSince.day, u.Customers)
	day := u.notBefore(u.customers.Last)
	if u.Profile == Rule2023 {
		if why, excused := excused(r.facts); excused {
			u.why = append(u.why, why)
			return
		}
	}
	u.must, u.customersBy = true, day
}

// excused reports whether the order of 2023 asks for no word to customers, and why.
//
// cite: 47 CFR 64.2011(b), V32, V33
func excused(f Facts) (Reason, bool) {
	cites := []string{"47 CFR 64.2011(b)", "89 FR 9968"}
	switch {
	case f.harmless():
		return Reason{"Order of 2023: harm was found unlikely, with the basis on record, so customers need not be told.", cites}, true
	case f.Encryption == KeySafe:
		return Reason{"Order of 2023: what was taken is encrypted and its key is proven safe, so customers need not be told.", cites}, true
	}
	return Reason{}, false
}

// customers joins by when customers have to be told: the earliest of the rules that count.
func (r *reckoning) customers(out *Clocks) *ruled {
	var lead *ruled
	for _, u := range r.counting() {
		if u.must && (lead == nil || u.customersBy.Before(lead.customersBy)) {
			lead = u
		}
	}
	if lead == nil {
		return nil
	}
	out.Must, out.By = true, lead.customersBy
	done := r.done()
	if done.IsZero() {
		done = r.now
	}
	out.CustomersLate = !out.From.IsZero() && !done.Before(workday.FirstEnd(r.pressing(out), r.zone))
	return lead
}

// done is when customers were told, or the file was closed; zero: neither.
func (r *reckoning) done() time.Time {
	if t, c := r.c.Told, r.c.Closed; t.IsZero() || !c.IsZero() && c.Before(t) {
		return c
	}
	return r.c.Told
}

// free is the first day on which customers may be told, as far as is known: when From has come and no spoken direction keeps the hold.
func (r *reckoning) free(out *Clocks) workday.Date {
	return workday.Latest(later(out.From, out.OralUntil), r.zone)
}

// pressing is the day after which it is late: By, or the first day on which customers may be told when a hold goes beyond By.
func (r *reckoning) pressing(out *Clocks) workday.Date {
	if from := r.free(out); from.After(out.By) {
		return from
	}
	return out.By
}

// conflicts are the duties that cannot be kept together with the hold. The hold goes before the law of a state. Where the hold's end is
// not known yet, it is taken as if the report were made now.
//
// cite: P-47, P-48, 47 CFR 64.2011(b)(1), 47 CFR 64.2011(f), V22
func (r *reckoning) conflicts(out *Clocks) {
	from := out.From
	if from.IsZero() && out.Kind == Breach {
		from = later(r.now, r.directed())
		for _, u := range r.counting() {
			if u.HoldDays > 0 && u.from.IsZero() {
				from = later(from, workday.LastStart(r.cal.HoldThrough(workday.Latest(r.now, r.zone), u.HoldDays).Last.Add(1), r.zone))
			}
		}
	}
	if !from.IsZero() {
		from = later(from, out.OralUntil)
	}
	passed := func(day workday.Date) bool {
		return !day.IsZero() && !from.IsZero() && !from.Before(workday.FirstEnd(day, r.zone))
	}
	first := workday.Latest(from, r.zone)
	for _, s := range r.c.StateLaws {
		if passed(s.By) {
			out.Conflicts = append(out.Conflicts, Conflict{
				Says:  fmt.Sprintf("%s (%s) wants customers told by %s. They must not be told before %s: the hold goes before it.", s.Law, s.State, s.By, first),
				Cites: []string{"P-47", "47 CFR 64.2011(b)(1)", "47 CFR 64.2011(f)"},
			})
		}
	}
	if out.Must && r.done().IsZero() && passed(out.By) {
		out.Conflicts = append(out.Conflicts, Conflict{
			Says:  fmt.Sprintf("Customers are to be told by %s, and must not be told before %s: the hold goes before it. Tell them as soon as it is over.", out.By, first),
			Cites: []string{"P-47", "P-48", "47 CFR 64.2011(b)"},
		})
	}
	out.Conflicts = append(out.Conflicts, r.overlong()...)
}
