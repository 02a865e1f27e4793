// Package workday counts days as 47 CFR 1.4 does, on two calendars that differ on every day about which one may argue.
//
// The deadline calendar takes a day on which the Commission's offices may or may not count as closed for a business
// day, so that what is due is due at the earliest defensible date. The hold calendar takes the same day for a holiday,
// so that what is held back is held until the latest. Such days are Inauguration Day, which is a holiday only in
// the Washington area, and closures by weather or executive order, which policy/closures.yaml lists. Saturdays,
// Sundays and the federal holidays of 5 USC 6103(a) are no business days on either.
package workday

import (
	"fmt"
	"strings"
	"time"

	"github.com/rickar/cal/v2/us"
)

// Kind says which of the two calendars a count was made on.
type Kind string

// The calendars.
const (
	DeadlineCalendar Kind = "deadline"
	HoldCalendar     Kind = "hold"
)

// Calendars are the deadline calendar and the hold calendar. They do not change once made and may be shared.
type Calendars struct {
	closed  map[Date]Closure
	version string
}

// Version names the calendars by their content: it changes whenever any day of either would.
func (c *Calendars) Version() string { return c.version }

// Day is one day and what a count made of it.
type Day struct {
	Date Date `json:"date"`
	// Number is the place of the day in the count, from 1; 0 when the day was skipped.
	Number int `json:"number,omitempty"`
	// Why tells why the day was skipped, or why it was counted although one might think it is none.
	Why string `json:"why,omitempty"`
}

// Count is how a date was found: every day that was looked at, in order.
type Count struct {
	Calendar Kind   `json:"calendar,omitempty"` // empty when calendar days were counted
	From     Date   `json:"from"`               // the day of the act; the first counted day is the one after it
	Days     []Day  `json:"days"`
	Last     Date   `json:"last"` // the last counted day, which is part of the period
	Version  string `json:"version"`
}

// Deadline counts n business days from the day of the act on the deadline calendar. What must be done within n
// business days is due by the end of Last.
//
// cite: P-44, 47 CFR 1.4, 47 CFR 64.2011(b), 47 CFR 64.2009(f)
func (c *Calendars) Deadline(from Date, n int) Count { return c.count(DeadlineCalendar, from, n) }

// HoldThrough counts n full business days from the day of the act on the hold calendar. What is held for n business
// days is held through the end of Last; the first day on which it may go is Last.Add(1).
//
// cite: P-47, 47 CFR 1.4, 47 CFR 64.2011(b)(1)
func (c *Calendars) HoldThrough(from Date, n int) Count { return c.count(HoldCalendar, from, n) }

func (c *Calendars) count(kind Kind, from Date, n int) Count {
	k := Count{Calendar: kind, From: from, Last: from, Version: c.version}
	for counted := 0; counted < n; {
		k.Last = k.Last.Add(1)
		business, why := c.Business(kind, k.Last)
		day := Day{Date: k.Last, Why: why}
		if business {
			counted++
			day.Number = counted
		}
		k.Days = append(k.Days, day)
	}
	return k
}

// CalendarDays counts n calendar days from the day of the act. It does not move when the last day is a holiday.
//
// cite: 47 CFR 1.4
func (c *Calendars) CalendarDays(from Date, n int) Count {
	k := Count{From: from, Last: from, Version: c.version}
	for i := 1; i <= n; i++ {
		k.Last = from.Add(i)
		k.Days = append(k.Days, Day{Date: k.Last, Number: i})
	}
	return k
}

// Due is a fixed date on which something must be done, and what became of it.
type Due struct {
	Fixed Date `json:"fixed"` // as the rule names it
	// By is the last day on which it is in time: Fixed, or the next business day when Fixed is none.
	By Date `json:"by"`
	// Plan is the last business day not after Fixed on the hold calendar: who keeps to it need not rely on the roll.
	Plan Date  `json:"plan"`
	Days []Day `json:"days,omitempty"` // the days that were skipped on the way to By
}

// DueOn rolls a fixed date that is no business day to the next that is one.
//
// cite: 47 CFR 1.4, 47 CFR 64.2009(e)
func (c *Calendars) DueOn(fixed Date) Due {
	d := Due{Fixed: fixed, By: fixed, Plan: fixed}
	for {
		business, why := c.Business(DeadlineCalendar, d.By)
		if business {
			break
		}
		d.Days = append(d.Days, Day{Date: d.By, Why: why})
		d.By = d.By.Add(1)
	}
	for {
		if business, _ := c.Business(HoldCalendar, d.Plan); business {
			return d
		}
		d.Plan = d.Plan.Add(-1)
	}
}

// Business reports whether day is a business day on the calendar kind, and why it is none; of a day about which one
// may argue, it says why it was taken so.
//
// cite: P-44, P-47, 47 CFR 1.4
func (c *Calendars) Business(kind Kind, day Date) (bool, string) {
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
		return false, w.String()
	}
	if name := Holiday(day); name != "" {
		return false, name
	}
	doubt := c.doubt(day)
	if doubt == "" {
		return true, ""
	}
	if kind == HoldCalendar {
		return false, doubt
	}
	return true, doubt + "; taken as a business day, so that nothing falls due later for it"
}

// doubt says why the Commission's offices may not be open on day, which is otherwise a business day.
func (c *Calendars) doubt(day Date) string {
	var why []string
	if Inauguration(day) {
		why = append(why, "Inauguration Day, a holiday in the Washington area only")
	}
	if closure, ok := c.closed[day]; ok {
		why = append(why, fmt.Sprintf("closed: %s (%s)", closure.Why, closure.Source))
	}
	return strings.Join(why, "; ")
}

// Holiday is the name of the federal holiday that is observed on day, or "".
//
// cite: 47 CFR 1.4(e), 5 USC 6103(a)
func Holiday(day Date) string {
	for _, h := range us.Holidays {
		year := day.Year
		if day.Month == time.December && h.Month == time.January {
			year++ // New Year's Day is observed in the old year when it is a Saturday
		}
		actual, observed := h.Calc(year)
		switch day {
		case dateOf(actual):
			if dateOf(observed) == day {
				return h.Name
			}
		case dateOf(observed):
			return h.Name + ", observed"
		}
	}
	return ""
}

// Inauguration reports whether day is the holiday that the Washington area has in the January after a presidential
// election: the 20th, or the 21st when the 20th is a Sunday. A Saturday is not moved.
//
// cite: 47 CFR 1.4(e), 5 USC 6103(c)
func Inauguration(day Date) bool {
	if day.Year%4 != 1 || day.Month != time.January {
		return false
	}
	if On(day.Year, time.January, 20).Weekday() == time.Sunday {
		return day.Day == 21
	}
	return day.Day == 20
}
