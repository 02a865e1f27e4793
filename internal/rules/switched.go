package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ringfence/internal/workday"
)

// Switched gives the profiles as a switch or a story wants them: of each family, such as breach, the named profile is in force from
// the day from, and the others of the family are not. What the family had before that day stays as it is.
func (p *Profiles) Switched(wanted map[string]string, from workday.Date) (*Profiles, error) {
	c := &Profiles{rows: slices.Clone(p.rows)}
	for _, family := range slices.Sorted(maps.Keys(wanted)) {
		name := wanted[family]
		if !strings.HasPrefix(name, family+"-") || !slices.Contains(c.Names(), name) {
			return nil, fmt.Errorf("the family %q has no profile %q; the profiles are %s", family, name, strings.Join(p.Names(), ", "))
		}
		c.end(family, name, from)
		c.begin(name, from)
	}
	return c, nil
}

// end takes the others of a family out of force from a day on.
func (p *Profiles) end(family, name string, from workday.Date) {
	var left []profileRow
	for _, r := range p.rows {
		switch other := r.Profile != name && strings.HasPrefix(r.Profile, family+"-") && r.State == "in-force"; {
		case !other || !r.until.IsZero() && !from.Before(r.until):
		case r.from.Before(from):
			r.until, r.SupersededFrom = from, from.String()
		case slices.ContainsFunc(left, func(l profileRow) bool { return l.Profile == r.Profile && l.Section == r.Section }):
			continue // it comes into force no more, and what it says stands in an earlier row
		default: // it comes into force no more
			r.State, r.from, r.EffectiveFrom, r.until, r.SupersededFrom, r.Citation = "dormant", workday.Date{}, "", workday.Date{}, "", ""
		}
		left = append(left, r)
	}
	p.rows = left
}

// begin brings a profile into force from a day on, unless it is.
func (p *Profiles) begin(name string, from workday.Date) {
	family, _ := ages(name)
	own := slices.DeleteFunc(p.spells(family), func(s spell) bool { return s.profile != name })
	if i := slices.IndexFunc(own, func(s spell) bool { return s.holds(from) }); i >= 0 {
		p.reopen(own[i])
		return
	}
	var last, next *spell
	for i := range own {
		if s := &own[i]; s.from.After(from) && next == nil {
			next = s
		} else if !s.from.After(from) {
			last = s
		}
	}
	var more []profileRow
	for i := range p.rows {
		r := &p.rows[i]
		switch {
		case r.Profile != name:
		case r.State == "dormant":
			r.State, r.from, r.EffectiveFrom = "in-force", from, from.String()
		case next != nil && r.from == next.from:
			r.from, r.EffectiveFrom = from, from.String()
		case next == nil && last != nil && r.until == last.until: // what was in force in the end is so once more
			again := *r
			again.from, again.EffectiveFrom, again.until, again.SupersededFrom, again.Citation = from, from.String(), workday.Date{}, "", ""
			more = append(more, again)
		}
	}
	p.rows = append(p.rows, more...)
	if next != nil {
		p.reopen(*next)
	}
}

// reopen lets a spell go on for which another profile had set an end.
func (p *Profiles) reopen(s spell) {
	if s.until.IsZero() {
		return
	}
	for i := range p.rows {
		if r := &p.rows[i]; r.Profile == s.profile && r.State == "in-force" && r.until == s.until {
			r.until, r.SupersededFrom = workday.Date{}, ""
		}
	}
}
