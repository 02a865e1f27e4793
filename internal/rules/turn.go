package rules

import (
	"fmt"
	"maps"
	"slices"

	"ringfence/internal/workday"
)

// Turn is what a switch changes, for people to look at before it is proposed.
type Turn struct {
	Profile, Instead string // Instead is in force on the day before; "": none is, or the same one
	From             workday.Date
	Numbers          []TurnedNumber
	CalledOff        []Switch // whose place it takes before their day
	// AtAdoption says that the citation is the very page at which the rule was adopted. For a rule that had to wait for its day that is
	// seldom the page which announced it.
	AtAdoption bool
}

// TurnedNumber is one number of the two profiles, as each writes it; "": it does not have it.
type TurnedNumber struct{ Name, Was, Will string }

// Turn tells what a switch changes; w is as Entering gave it.
func (s *Set) Turn(w Switch) (Turn, error) {
	from, today, err := w.read()
	if err != nil {
		return Turn{}, err
	}
	t := Turn{Profile: w.Profile, From: from, AtAdoption: s.atAdoption(w)}
	left, err := standing(s.switches)
	if err != nil {
		return t, err
	}
	for _, old := range left {
		if !today.IsZero() && old.awaits(w.Profile, today) {
			t.CalledOff = append(t.CalledOff, old)
		}
	}
	next, err := standing(append(slices.Clone(s.switches), w))
	if err != nil {
		return t, err
	}
	after, err := s.filed.After(next)
	if err != nil {
		return t, err
	}
	family, _ := ages(w.Profile)
	if before, ok := after.on(family, from.Add(-1)); ok && before.profile != w.Profile {
		t.Instead = before.profile
	}
	was, will := after.written(t.Instead), after.written(t.Profile)
	both := slices.AppendSeq(slices.Collect(maps.Keys(was)), maps.Keys(will))
	slices.Sort(both)
	for _, name := range slices.Compact(both) {
		t.Numbers = append(t.Numbers, TurnedNumber{name, was[name], will[name]})
	}
	return t, nil
}

// written gives the numbers of a profile as its newest rows write them.
func (p *Profiles) written(profile string) map[string]string {
	all, since := map[string]string{}, map[string]workday.Date{}
	for _, r := range p.rows {
		for name, v := range r.Numbers {
			if r.Profile == profile && !r.from.Before(since[name]) {
				all[name], since[name] = fmt.Sprint(v), r.from
			}
		}
	}
	return all
}

func (s *Set) atAdoption(w Switch) bool {
	page := anyPage.FindString(w.Citation)
	return page != "" && slices.ContainsFunc(s.filed.rows, func(r profileRow) bool {
		return r.Profile == w.Profile && r.State == "dormant" && slices.Contains(anyPage.FindAllString(r.Source, -1), page)
	})
}

// Switchable lists the profiles that a switch can name: those of which rules follow on each other.
func (p *Profiles) Switchable() []string { return p.dated() }

// Family gives the family of a profile of which rules follow on each other, such as breach of breach-2023; "" it has none.
func Family(profile string) string {
	family, _ := ages(profile)
	return family
}
