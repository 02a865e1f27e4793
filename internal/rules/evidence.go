package rules

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// registerPage is a page of the Federal Register, with a word more if need be: 91 FR 12345, or 91 FR 12345 (Dec. 14, 2026).
var registerPage = regexp.MustCompile(`^([0-9]{2,3}) FR ([0-9]{1,6})( ?[,;(/].{1,160})?$`)

// anyPage finds pages of the Federal Register in a text.
var anyPage = regexp.MustCompile(`\b([0-9]{2,3}) FR ([0-9]{1,6})\b`)

// unbroken are the families of which one profile is in force on every day from the first on: the desk asks for the rule of a
// day, and no day is without one.
var unbroken = []string{"breach"}

// ages takes the name of a profile apart that is one of a family of rules which follow on each other: breach-2023 is the rule of
// 2023 of the family breach. Other profiles, such as cpni-core, are no family's.
func ages(profile string) (family string, dated bool) {
	i := strings.LastIndexByte(profile, '-')
	if i <= 0 || len(profile)-i-1 != 4 {
		return "", false
	}
	_, err := strconv.ParseUint(profile[i+1:], 10, 16)
	return profile[:i], err == nil
}

// spell is a time without a gap in which a profile is in force.
type spell struct {
	profile     string
	from, until workday.Date // until is zero when nothing ends it
	proof       string       // page of the Federal Register that announced from; "": none is named
}

// holds reports whether day lies in the spell.
func (s spell) holds(day workday.Date) bool {
	return !day.Before(s.from) && (s.until.IsZero() || day.Before(s.until))
}

// spells gives the times in which profiles of a family are in force, by their first day.
func (p *Profiles) spells(family string) []spell {
	var all []spell
	for _, name := range p.Names() {
		if of, dated := ages(name); !dated || of != family {
			continue
		}
		var rows []profileRow
		for _, r := range p.rows {
			if r.Profile == name && r.State == "in-force" {
				rows = append(rows, r)
			}
		}
		slices.SortStableFunc(rows, func(a, b profileRow) int { return a.from.Compare(b.from) })
		var own []spell
		for _, r := range rows {
			n := len(own) - 1
			if n < 0 || !own[n].until.IsZero() && own[n].until.Before(r.from) {
				own = append(own, spell{name, r.from, r.until, r.proof()})
				continue
			}
			if s := &own[n]; !s.until.IsZero() && (r.until.IsZero() || s.until.Before(r.until)) {
				s.until = r.until
			}
			if own[n].from == r.from && own[n].proof == "" {
				own[n].proof = r.proof()
			}
		}
		all = append(all, own...)
	}
	slices.SortStableFunc(all, func(a, b spell) int { return cmp.Or(a.from.Compare(b.from), cmp.Compare(a.profile, b.profile)) })
	return all
}

// proof gives the page of the Federal Register that announced the first day of a row. A source that is more than a page, such as
// one that says that no day is published, is where the rule comes from, and proves no day.
func (r *profileRow) proof() string {
	switch {
	case r.Citation != "":
		return r.Citation
	case anyPage.FindString(r.Source) == r.Source:
		return r.Source
	}
	return ""
}

// proven refuses a profile of a family that is in force and names no page of the Federal Register that announced the day, two
// of a family in force on one day, and a day on which none is of a family that is never without.
//
// cite: V35, P-58, 47 CFR 64.2011
func (p *Profiles) proven() error {
	var families []string
	for _, name := range p.Names() {
		if family, dated := ages(name); dated && !slices.Contains(families, family) {
			families = append(families, family)
		}
	}
	for _, family := range families {
		all := p.spells(family)
		for i, s := range all {
			if s.proof == "" {
				return noEvidence("profiles: %s is in force from %s, and no page of the Federal Register is named that announced that day", s.profile, s.from)
			}
			if i == 0 {
				continue
			}
			before := all[i-1]
			if before.until.IsZero() || s.from.Before(before.until) {
				return wrong("profiles: %s and %s are both in force on %s; end the older one with superseded_from", before.profile, s.profile, s.from)
			}
			if before.until.Before(s.from) && slices.Contains(unbroken, family) {
				return wrong("profiles: no profile of the family %s is in force on %s: %s ends before %s begins", family, before.until, before.profile, s.profile)
			}
		}
		if !slices.Contains(unbroken, family) {
			continue
		}
		if len(all) == 0 {
			return wrong("profiles: no profile of the family %s is in force", family)
		}
		if last := all[len(all)-1]; !last.until.IsZero() {
			return wrong("profiles: no profile of the family %s is in force from %s on", family, last.until)
		}
	}
	return nil
}

func noEvidence(format string, a ...any) *cpni.Refusal {
	return cpni.Rejected("PROFILE_EVIDENCE", fmt.Sprintf(format, a...), []string{"47 CFR 64.2011"}, "give the citation, such as 91 FR 12345")
}
