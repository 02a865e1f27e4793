package console

import (
	"slices"
	"strconv"
	"time"

	"ringfence/internal/disclose"
	"ringfence/internal/vault"
)

// filterView narrows the calls that were released to one other side, one day, or both. The other side is named by its
// place in the list and not by its number, which stands in no address.
//
// cite: I-23
type filterView struct {
	Key  string
	Who  []choice
	Days []choice
	On   bool
}

// The days and other sides to choose from. Of very many other sides none is offered before a day is chosen: nobody reads
// such a list.
const (
	mostDays  = 400
	mostSides = 60
)

// sides gives the numbers of the other sides of calls, and the days of the calls, both sorted.
func (v *visit) sides(all *disclose.Released) (numbers, days []string) {
	for _, l := range all.Calls {
		for _, c := range l.Calls {
			numbers = append(numbers, c.Number)
			days = append(days, c.At.In(v.office.Zone).Format(time.DateOnly))
		}
	}
	slices.Sort(numbers)
	slices.Sort(days)
	return slices.Compact(numbers), slices.Compact(days)
}

// sidesOn gives the other sides of one day, or of all days.
func (v *visit) sidesOn(all *disclose.Released, day string) map[string]bool {
	of := map[string]bool{}
	for _, l := range all.Calls {
		for _, c := range l.Calls {
			if day == "" || c.At.In(v.office.Zone).Format(time.DateOnly) == day {
				of[c.Number] = true
			}
		}
	}
	return of
}

// filter makes the form, and gives what is left of the calls.
func (v *visit) filter(all *disclose.Released) (*filterView, *disclose.Released) {
	if all.CallCount() < 2 {
		return nil, all
	}
	numbers, days := v.sides(all)
	q := v.r.URL.Query()
	view := &filterView{Key: q.Get("key"), Who: []choice{{option{"", "Everybody"}, true}}, Days: []choice{{option{"", "Every day"}, true}}}
	who, day := -1, ""
	if n, err := strconv.Atoi(q.Get("who")); err == nil && n >= 1 && n <= len(numbers) {
		who = n - 1
	}
	if slices.Contains(days, q.Get("day")) {
		day = q.Get("day")
	}
	of := v.sidesOn(all, day)
	if len(of) > mostSides {
		view.Who[0].Text, of = "Everybody (choose a day first)", nil
	}
	for i, n := range numbers {
		if i != who && !of[n] {
			continue
		}
		text := spaced(n)
		if n == "" {
			text = "Withheld"
		}
		view.Who = append(view.Who, choice{option{strconv.Itoa(i + 1), text}, i == who})
	}
	for _, d := range days[:min(len(days), mostDays)] {
		at, _ := time.Parse(time.DateOnly, d) // as it was written above
		view.Days = append(view.Days, choice{option{d, at.Format("Mon 2 Jan 2006")}, d == day})
	}
	if view.On = who >= 0 || day != ""; !view.On {
		return view, all
	}
	left := &disclose.Released{Items: all.Items, Lines: all.Lines}
	for _, l := range all.Calls {
		calls := slices.DeleteFunc(slices.Clone(l.Calls), func(c vault.Call) bool {
			return who >= 0 && c.Number != numbers[who] || day != "" && c.At.In(v.office.Zone).Format(time.DateOnly) != day
		})
		if len(calls) > 0 {
			left.Calls = append(left.Calls, disclose.LineCalls{Line: l.Line, Calls: calls})
		}
	}
	return view, left
}
