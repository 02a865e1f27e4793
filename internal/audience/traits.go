package audience

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/workday"
)

// traits are what filters tell customers apart by, at one moment, but for what they use.
type traits struct {
	inService  bool
	categories []string
	lines      int
	since      time.Time
	where      where
}

// where is as much of a postal address as filters know.
type where struct{ state, zip string }

// traitsOf takes a customer's traits from the profile.
func traitsOf(p *customer.Profile, at time.Time) traits {
	t := traits{inService: p.Ended.IsZero() || at.Before(p.Ended), lines: len(p.LiveLines(at)), since: p.Since}
	for _, c := range p.Categories(at) {
		t.categories = append(t.categories, string(c))
	}
	if a, ok := customer.Current(p.Postal, at); ok {
		t.where = whereOf(a.Value)
	}
	return t
}

var whereForm = regexp.MustCompile(`\b([A-Z]{2})[ ,]+([0-9]{5})(?:-[0-9]{4})?\b`)

// whereOf finds the state and ZIP code at the end of an address as the postal service writes it; both are "" of another.
func whereOf(address string) where {
	all := whereForm.FindAllStringSubmatch(address, -1)
	if len(all) == 0 {
		return where{}
	}
	last := all[len(all)-1]
	return where{strings.Clone(last[1]), strings.Clone(last[2])}
}

// meant reports whether a use is meant of a customer, as far as it can be told without looking at what they use.
//
// cite: P-40, 47 CFR 64.2009(c)
func (f *Filter) meant(t traits, zone *time.Location) bool {
	return f.service(t.categories, t.lines) && f.tenure(t.since, zone) && f.place(t.where)
}

func (f *Filter) service(categories []string, lines int) bool {
	buys := func(c cpni.Category) bool { return slices.Contains(categories, string(c)) }
	for _, c := range f.Has {
		if !buys(c) {
			return false
		}
	}
	return !slices.ContainsFunc(f.Lacks, buys) && lines >= f.Least && (f.Most == 0 || lines <= f.Most)
}

func (f *Filter) tenure(since time.Time, zone *time.Location) bool {
	if f.From.IsZero() && f.Before.IsZero() {
		return true
	}
	day := workday.DateIn(since, zone)
	return (f.From.IsZero() || !day.Before(f.From)) && (f.Before.IsZero() || day.Before(f.Before))
}

func (f *Filter) place(w where) bool {
	if len(f.States) > 0 && !slices.Contains(f.States, w.state) {
		return false
	}
	return len(f.Zips) == 0 || w.zip != "" && slices.ContainsFunc(f.Zips, func(z string) bool { return strings.HasPrefix(w.zip, z) })
}
