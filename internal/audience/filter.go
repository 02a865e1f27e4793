package audience

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Filter says of which customers a use is meant: all parts must hold, and an empty one holds for everybody.
//
// cite: P-40, 47 CFR 64.2009(c)
type Filter struct {
	Has   []cpni.Category `json:"has,omitempty"`   // services of which they buy every one
	Lacks []cpni.Category `json:"lacks,omitempty"` // services of which they buy none
	// Least and Most bound how many lines they have; Most 0: any number.
	Least int `json:"least,omitempty"`
	Most  int `json:"most,omitempty"`
	// From and Before bound since when they are customers, as days in the carrier's zone: from From on, and before Before.
	From   workday.Date `json:"from,omitzero"`
	Before workday.Date `json:"before,omitzero"`
	// States and Zips are where their newest postal address lies: states in two capital letters, ZIP codes by their first digits.
	States []string `json:"states,omitempty"`
	Zips   []string `json:"zips,omitempty"`
	Usage  *Usage   `json:"usage,omitempty"`
}

// Usage bounds what customers use, by the records of their calls in a month.
type Usage struct {
	Month   int `json:"month"`             // calendar month in the carrier's zone, as yyyymm
	Calls   int `json:"calls,omitempty"`   // at least so many calls that they began
	Minutes int `json:"minutes,omitempty"` // at least so many whole minutes of conversation, of calls that they began
}

// Bounds of what a filter can say.
const (
	mostPlaces = 100
	mostLines  = 1_000_000
	mostUsage  = 1_000_000_000
)

var (
	stateForm = regexp.MustCompile(`^[A-Z]{2}$`)
	zipForm   = regexp.MustCompile(`^[0-9]{1,5}$`)
)

// Check refuses a filter that none can mean.
func (f Filter) Check() *cpni.Refusal {
	bad := func(says, way string) *cpni.Refusal {
		return cpni.Rejected("BAD_INPUT", says, []string{"P-40", "47 CFR 64.2009(c)"}, way)
	}
	strange := func(all []cpni.Category) bool {
		return slices.ContainsFunc(all, func(c cpni.Category) bool { return !slices.Contains(cpni.Services, c) })
	}
	form := func(all []string, is *regexp.Regexp) bool {
		return len(all) <= mostPlaces && !slices.ContainsFunc(all, func(s string) bool { return !is.MatchString(s) })
	}
	switch {
	case strange(f.Has) || strange(f.Lacks):
		return bad("customers are told apart by the services that they buy, and this is none of them", "name local, long-distance, wireless or voip")
	case slices.ContainsFunc(f.Has, func(c cpni.Category) bool { return slices.Contains(f.Lacks, c) }):
		return bad("nobody buys a service and does not buy it", "name each service once")
	case f.Least < 0 || f.Most < 0 || f.Least > mostLines || f.Most > mostLines || f.Most > 0 && f.Most < f.Least:
		return bad("nobody has so many lines, and no more than so many", "give the least, and a most that is not less; 0 is any number")
	case !f.From.IsZero() && !f.Before.IsZero() && !f.From.Before(f.Before):
		return bad("nobody has become a customer from one day on and before it", "give a first day that is before the other")
	case !form(f.States, stateForm):
		return bad("a state is two capital letters, and at most 100 can be named", "write VA, MD")
	case !form(f.Zips, zipForm):
		return bad("a ZIP code is given by its first one to five digits, and at most 100 can be named", "write 221, 20001")
	case f.Usage != nil && (f.Usage.Month < 197001 || f.Usage.Month%100 < 1 || f.Usage.Month%100 > 12 || f.Usage.Month > 999912):
		return bad("that is no month", "write 202602 for February 2026")
	case f.Usage != nil && (f.Usage.Calls < 0 || f.Usage.Minutes < 0 || f.Usage.Calls > mostUsage || f.Usage.Minutes > mostUsage || f.Usage.Calls == 0 && f.Usage.Minutes == 0):
		return bad("usage is bounded by at least some calls or minutes", "give how many calls or minutes a month at least")
	}
	return nil
}

// Data are the classes of protected information that telling customers apart by f uses; where somebody lives is none.
//
// cite: P-02, P-40, 47 USC 222(h)(1), 47 CFR 64.2009(c)
func (f Filter) Data() []cpni.DataClass {
	var all []cpni.DataClass
	if len(f.Has) > 0 || len(f.Lacks) > 0 || f.Least > 0 || f.Most > 0 {
		all = append(all, cpni.Service)
	}
	if f.Usage != nil {
		all = append(all, cpni.Usage)
	}
	return all
}

// String says in words of whom a use is meant.
func (f Filter) String() string {
	var all []string
	say := func(format string, a ...any) { all = append(all, fmt.Sprintf(format, a...)) }
	services := func(list []cpni.Category, and string) string {
		words := make([]string, len(list))
		for i, c := range list {
			words[i] = strings.ReplaceAll(string(c), "-", " ")
		}
		return strings.Join(words, and)
	}
	if len(f.Has) > 0 {
		say("who buy %s", services(f.Has, " and "))
	}
	if len(f.Lacks) > 0 {
		say("who buy no %s", services(f.Lacks, " and no "))
	}
	switch {
	case f.Least > 0 && f.Most == f.Least:
		say("with %d lines", f.Least)
	case f.Least > 0 && f.Most > 0:
		say("with %d to %d lines", f.Least, f.Most)
	case f.Least > 0:
		say("with at least %d lines", f.Least)
	case f.Most > 0:
		say("with at most %d lines", f.Most)
	}
	if !f.From.IsZero() {
		say("who are customers since %s or later", f.From)
	}
	if !f.Before.IsZero() {
		say("who have been customers since before %s", f.Before)
	}
	if len(f.States) > 0 {
		say("who live in %s", strings.Join(f.States, " or "))
	}
	if len(f.Zips) > 0 {
		say("whose ZIP code begins with %s", strings.Join(f.Zips, " or "))
	}
	if u := f.Usage; u != nil {
		var least []string
		if u.Calls > 0 {
			least = append(least, fmt.Sprintf("%d calls", u.Calls))
		}
		if u.Minutes > 0 {
			least = append(least, fmt.Sprintf("%d minutes", u.Minutes))
		}
		say("who made at least %s in %04d-%02d", strings.Join(least, " and "), u.Month/100, u.Month%100)
	}
	if len(all) == 0 {
		return "all customers in service"
	}
	return "customers " + strings.Join(all, ", ")
}
