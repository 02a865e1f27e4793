package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ringfence/internal/workday"
)

// Span is a run of days on which a profile is in force.
type Span struct {
	From  workday.Date `json:"from"`
	Until workday.Date `json:"until,omitzero"` // the first day on which it no longer is; zero: no end is known
}

// Dated is one profile with its numbers and the days on which it is in force. It is there for a dormant profile as well, and for one
// that another has superseded: an incident asks what either rule would have, and one that began under the old rule is measured by it.
type Dated struct {
	Profile string
	Spans   []Span // in order, apart from each other; none: it is dormant
	numbers map[string]number
}

// Dated gives a profile as it stands on the day of n. Of a number with several rows the one counts that is in force on that day, or
// was the last to be; before all of them the first; and of a dormant profile the one that is prepared.
//
// cite: P-43, 47 CFR 64.2011, V34
func (n InForce) Dated(profile string) Dated {
	s := Dated{Profile: profile, numbers: map[string]number{}}
	best := map[string]*profileRow{}
	for i := range n.profiles.rows {
		r := &n.profiles.rows[i]
		if r.Profile != profile {
			continue
		}
		if r.State == "in-force" {
			s.Spans = append(s.Spans, Span{From: r.from, Until: r.until})
		}
		for name, v := range r.numbers {
			if n.nearer(r, best[name]) {
				best[name], s.numbers[name] = r, v
			}
		}
	}
	s.Spans = joined(s.Spans)
	return s
}

// nearer reports whether the row r says more about the day of n than the row than, which may be none.
func (n InForce) nearer(r, than *profileRow) bool {
	switch {
	case than == nil:
		return true
	case r.State != than.State:
		return r.State == "in-force"
	}
	began, thanBegan := !n.day.Before(r.from), !n.day.Before(than.from)
	switch {
	case began != thanBegan:
		return began
	case began:
		return r.from.After(than.from)
	}
	return r.from.Before(than.from)
}

// joined makes one span of those that touch: a profile has a row for each section, and new rows follow on old ones.
func joined(all []Span) []Span {
	slices.SortFunc(all, func(a, b Span) int { return a.From.Compare(b.From) })
	var out []Span
	for _, s := range all {
		if len(out) == 0 {
			out = append(out, s)
			continue
		}
		last := &out[len(out)-1]
		switch {
		case last.Until.IsZero():
		case s.From.After(last.Until):
			out = append(out, s)
		case s.Until.IsZero() || s.Until.After(last.Until):
			last.Until = s.Until
		}
	}
	return out
}

// Look gives a whole number, where the profile has it.
func (s Dated) Look(name string) (n int, ok bool) {
	v, ok := s.numbers[name]
	return v.whole, ok && v.kind == whole
}

// Int gives a whole number.
func (s Dated) Int(name string) int { return s.get(name, whole).whole }

// Ints gives a list of whole numbers.
func (s Dated) Ints(name string) []int { return s.get(name, listed).list }

func (s Dated) get(name, kind string) number {
	v, ok := s.numbers[name]
	if !ok || v.kind != kind {
		panic(fmt.Sprintf("rules: the profile %s has no %s %s; name it in ever", s.Profile, kind, name))
	}
	return v
}

// ever are the numbers that the program asks for of profiles that may be dormant. A policy without one of them is refused when it is
// loaded, and not on the day on which the profile takes effect.
var ever = map[string]map[string]string{
	"breach-2007": {"agencies_business_days": whole, "hold_business_days": whole, "direction_days": whole, "customers_target_days": whole,
		"reminders_business_days": listed, "escalate_business_day": whole, "customers_reminder_days": whole},
	"breach-2023": {"agencies_business_days": whole, "direction_days": whole, "customers_days": whole, "small_breach_below": whole,
		"small_breach_summary_month": whole, "small_breach_summary_day": whole, "small_breach_summary_reminder_days": listed,
		"reminders_business_days": listed, "escalate_business_day": whole, "customers_reminder_days": whole},
}

// longestClock in days; a longer one is a slip of the pen.
const longestClock = 400

// standComplete refuses a policy that lacks a number of ever, or gives one that no clock can run by.
func (p *Profiles) standComplete() error {
	for _, profile := range slices.Sorted(maps.Keys(ever)) {
		for _, name := range slices.Sorted(maps.Keys(ever[profile])) {
			kind, found := ever[profile][name], false
			for _, r := range p.rows {
				n, ok := r.numbers[name]
				if !ok || r.Profile != profile {
					continue
				}
				if found = true; n.kind != kind {
					return wrong("%s: %s of the profile %s is a %s, not a %s", r.file, name, profile, kind, n.kind)
				}
				if !strings.HasSuffix(name, "_below") && (kind == whole && (n.whole < 1 || n.whole > longestClock) ||
					slices.ContainsFunc(n.list, func(d int) bool { return d < 1 || d > longestClock })) {
					return wrong("%s: %s of the profile %s lies between 1 and %d", r.file, name, profile, longestClock)
				}
			}
			if !found {
				return wrong("no row gives %s of the profile %s, which has to be known while it is dormant as well", name, profile)
			}
		}
	}
	return nil
}
