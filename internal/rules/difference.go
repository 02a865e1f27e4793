package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Difference is what another policy has otherwise, as people read it.
type Difference struct {
	Rules   []RuleChange
	Numbers []NumberChange
	Other   []string // files that are otherwise beyond rules and numbers: comments, dates, sources
}

// RuleChange is a rule that is there before, after, or both and different.
type RuleChange struct {
	ID       string
	Was, Now *Rule // nil: not there
}

// NumberChange is a row of the dated numbers likewise.
type NumberChange struct {
	Profile, Section string
	Was, Now         string // what the row says; "": not there
}

// Compare tells what after has otherwise than before.
func Compare(before, after *Set) Difference {
	var d Difference
	was, now := map[string]*Rule{}, map[string]*Rule{}
	var ids []string
	for to, s := range map[*map[string]*Rule]*Set{&was: before, &now: after} {
		for _, r := range s.Rules() {
			(*to)[r.ID] = &r
			ids = append(ids, r.ID)
		}
	}
	slices.Sort(ids)
	touched := map[string]bool{}
	for _, id := range slices.Compact(ids) {
		a, b := was[id], now[id]
		if a != nil && b != nil && a.Text == b.Text {
			continue
		}
		d.Rules = append(d.Rules, RuleChange{id, a, b})
		for _, r := range []*Rule{a, b} {
			if r != nil {
				touched[r.File] = true
			}
		}
	}
	type row struct{ profile, section string }
	rows := func(s *Set) map[row][]string {
		all := map[row][]string{}
		for _, r := range s.profiles.Rows() {
			dates := r.State
			if r.From != "" {
				dates += " from " + r.From
			}
			if r.Until != "" {
				dates += " until " + r.Until
			}
			for _, n := range r.Numbers {
				all[row{r.Profile, r.Section}] = append(all[row{r.Profile, r.Section}], fmt.Sprintf("%s (%s)", n, dates))
			}
		}
		return all
	}
	old, fresh := rows(before), rows(after)
	keys := slices.AppendSeq(slices.Collect(maps.Keys(old)), maps.Keys(fresh))
	slices.SortFunc(keys, func(a, b row) int {
		return slices.Compare([]string{a.profile, a.section}, []string{b.profile, b.section})
	})
	for _, k := range slices.Compact(keys) {
		gone := slices.DeleteFunc(slices.Clone(old[k]), func(n string) bool { return slices.Contains(fresh[k], n) })
		come := slices.DeleteFunc(slices.Clone(fresh[k]), func(n string) bool { return slices.Contains(old[k], n) })
		for _, n := range gone {
			c := NumberChange{Profile: k.profile, Section: k.section, Was: n}
			name, _, _ := strings.Cut(n, ":")
			if i := slices.IndexFunc(come, func(x string) bool { return strings.HasPrefix(x, name+":") }); i >= 0 {
				c.Now = come[i]
				come = slices.Delete(come, i, i+1)
			}
			d.Numbers = append(d.Numbers, c)
		}
		for _, n := range come {
			d.Numbers = append(d.Numbers, NumberChange{Profile: k.profile, Section: k.section, Now: n})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after.Since(before))) {
		if !touched[name] && !(len(d.Numbers) > 0 && (name == switchesFile || strings.HasPrefix(name, "profiles/"))) {
			d.Other = append(d.Other, name)
		}
	}
	return d
}
