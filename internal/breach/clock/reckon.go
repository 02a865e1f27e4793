package clock

import (
	"slices"
	"time"

	"ringfence/internal/workday"
)

// reckoning is what one call of Reckon has at hand.
type reckoning struct {
	c     Case
	facts Facts // as they are held now
	now   time.Time
	cal   *workday.Calendars
	zone  *time.Location
	rules []*ruled // that of 2007, and that of 2023
}

// Reckon says what is due and what is held of the case c at now. It reads nothing else, and asks for nothing that it was asked before: after
// a restart, or when the machine's clock was set, the answer is the same. Everything that c holds counts, also what bears a moment
// after now. zone is the carrier's. A case without facts is reckoned as the worst that it may be.
//
// cite: P-43, P-44, P-45, P-47, P-48, I-07, I-08, 47 CFR 64.2011, 47 CFR 1.4
func Reckon(c Case, now time.Time, n Numbers, cal *workday.Calendars, zone *time.Location) Clocks {
	if len(c.Facts) == 0 {
		c.Facts = []Facts{{CPNI: true, Personal: true}}
	}
	r := &reckoning{c: c, facts: c.Facts[len(c.Facts)-1], now: now, cal: cal, zone: zone, rules: []*ruled{{Rule: n.Of2007}, {Rule: n.Of2023}}}
	for _, u := range r.rules {
		kind, why := u.Profile.kind(r.facts)
		u.kind, u.why = kind, []Reason{why}
	}
	r.weigh()
	for _, u := range r.rules {
		if u.kind == Breach && !c.Determined.IsZero() {
			r.inform(u)
			r.open(u)
			r.obliged(u)
		}
	}
	return r.told()
}

// told puts together what the rules say.
func (r *reckoning) told() Clocks {
	out := Clocks{Now: r.now, Under: map[Profile]Under{}}
	var kinds []Kind
	for _, u := range r.rules {
		out.Under[u.Profile] = r.under(u)
		if !u.counts {
			continue
		}
		out.Counting = append(out.Counting, u.Profile)
		kinds = append(kinds, u.kind)
		for _, why := range u.why {
			if !slices.ContainsFunc(out.Why, func(w Reason) bool { return w.Says == why.Says }) {
				out.Why = append(out.Why, why)
			}
		}
	}
	out.Kind = whole(kinds)
	report := r.agencies(&out)
	for _, u := range r.counting() {
		if u.summaryOf != 0 {
			out.SummaryBy, out.Summary = u.summary.By, u.summaryOf
		}
	}
	out.From, out.OralUntil = r.telling(), r.oral()
	r.held(&out)
	customers := r.customers(&out)
	r.window(&out)
	r.conflicts(&out)
	out.Lines = r.lines(&out, report, customers)
	out.Reminders = r.reminders(&out)
	return out
}

// under is what the rule u asks for by itself, whether or not it counts.
func (r *reckoning) under(u *ruled) Under {
	today := workday.DateIn(r.now, r.zone)
	_, inForce := u.during(today, today)
	out := Under{
		Kind: u.kind, Why: u.why, InForce: inForce,
		Agencies: slices.Clone(u.agencies), AgenciesBy: u.by, Reported: u.reported,
		Must: u.must, By: u.customersBy, From: u.from,
	}
	if !u.from.IsZero() {
		out.From = later(u.from, r.directed())
	}
	if u.summaryOf != 0 {
		out.SummaryBy = u.summary.By
	}
	return out
}
