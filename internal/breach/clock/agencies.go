package clock

import (
	"cmp"
	"slices"
	"time"

	"ringfence/internal/workday"
)

// places are the agencies of each rule.
//
// cite: P-45, 47 CFR 64.2011(a), 47 CFR 64.2011(b)
var places = map[Profile][]Agency{
	Rule2007: {SecretService, FBI},
	Rule2023: {FCC, SecretService, FBI},
}

// inform reckons to whom a breach under the rule u is reported, until when, and since when all of them have it. A small one is not,
// and belongs into the summary of its year; once it had to be reported it has to be, whatever is found later.
//
// cite: P-44, P-45, 47 CFR 64.2011(a), 47 CFR 64.2011(b), V01, V27, V28, V30
func (r *reckoning) inform(u *ruled) {
	breach := func(f Facts) bool { k, _ := u.Profile.kind(f); return k == Breach }
	u.breachSince = r.begins(breach)
	u.reportSince = r.begins(func(f Facts) bool { return breach(f) && !u.small(f) })
	if why, ok := u.whySmall(r.facts, !u.reportSince.isZero()); ok {
		u.why = append(u.why, why)
	}
	if u.reportSince.isZero() {
		u.summaryOf = u.breachSince.day.Year
		u.summary = r.cal.DueOn(workday.On(u.summaryOf+1, u.SummaryMonth, u.SummaryDay))
		return
	}
	u.agencies = places[u.Profile]
	u.report = r.cal.Deadline(u.reportSince.day, u.AgenciesDays)
	u.by = u.notBefore(u.report.Last)
	u.reported = r.reportedTo(u.agencies)
}

// reportedTo is the moment at which every one of agencies had a report; zero: one of them has none yet, and the report is not done.
//
// cite: P-45, P-51, 47 CFR 64.2011(b)
func (r *reckoning) reportedTo(agencies []Agency) time.Time {
	var last time.Time
	for _, a := range agencies {
		var first time.Time
		for _, p := range r.c.Reports {
			if slices.Contains(p.Agencies, a) && (first.IsZero() || p.At.Before(first)) {
				first = p.At
			}
		}
		if first.IsZero() {
			return first
		}
		last = later(last, first)
	}
	return last
}

// late reports whether the report under u came, or is still missing, after its last day was over in Washington or the carrier's zone.
//
// cite: P-44, 47 CFR 64.2011(b), V15
func (r *reckoning) late(u *ruled) bool {
	done := u.reported
	if done.IsZero() {
		done = r.now
	}
	return !u.by.IsZero() && !done.Before(workday.FirstEnd(u.by, r.zone))
}

// agencies joins what the rules that count ask: all of their agencies, and the earliest day that is still to be kept. When everything is
// reported that is the day of the rule that was kept last.
func (r *reckoning) agencies(out *Clocks) *ruled {
	var lead *ruled
	for _, u := range r.counting() {
		if u.by.IsZero() {
			continue
		}
		for _, a := range u.agencies {
			if !slices.Contains(out.Agencies, a) {
				out.Agencies = append(out.Agencies, a)
			}
		}
		out.Late = out.Late || r.late(u)
		if lead == nil || before(u, lead) {
			lead = u
		}
	}
	slices.SortFunc(out.Agencies, func(a, b Agency) int {
		return cmp.Compare(slices.Index(places[Rule2023], a), slices.Index(places[Rule2023], b))
	})
	if lead != nil {
		out.AgenciesBy, out.Reported = lead.by, r.reportedTo(out.Agencies)
	}
	return lead
}

// before reports whether the report under a matters before the one under b.
func before(a, b *ruled) bool {
	switch {
	case a.reported.IsZero() != b.reported.IsZero():
		return a.reported.IsZero()
	case !a.reported.Equal(b.reported):
		return a.reported.After(b.reported)
	}
	return a.by.Before(b.by)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
