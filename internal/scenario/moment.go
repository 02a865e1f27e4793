package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
)

const (
	dateForm   = "2006-01-02"
	momentForm = "2006-01-02 15:04"
	monthForm  = "2006-01"
)

// readDate reads a date that exists.
func readDate(text string) (time.Time, error) {
	t, err := time.Parse(dateForm, text)
	if err != nil {
		return t, fmt.Errorf("%q is not a date that exists; write it as 2026-03-02", text)
	}
	return t, nil
}

// readMonth reads a month as yyyymm.
func readMonth(text string) (int, error) {
	t, err := time.Parse(monthForm, text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a month; write it as 2026-02", text)
	}
	return t.Year()*100 + int(t.Month()), nil
}

// readMoment reads a local moment; a date alone is that day's first moment. A moment that the clock of the zone shows
// twice is its first passing that does not lie before earliest.
func readMoment(text string, zone *time.Location, earliest time.Time) (time.Time, error) {
	naive, err := time.Parse(momentForm, text)
	if err != nil {
		if naive, err = time.Parse(dateForm, text); err != nil {
			return naive, fmt.Errorf("%q is not a date or moment that exists; write it as 2026-03-02 or 2026-03-02 14:30", text)
		}
		return firstMoment(naive, zone), nil
	}
	passings := passingsOf(naive, zone)
	if len(passings) == 0 {
		return naive, fmt.Errorf("%q is skipped by the clocks of %s, which are set forward over it", text, zone)
	}
	for _, p := range passings {
		if !p.Before(earliest) {
			return p, nil
		}
	}
	return passings[len(passings)-1], nil
}

// passingsOf gives every moment at which the clocks of zone show naive: none when they are set forward over it, two
// when they are set back over it.
func passingsOf(naive time.Time, zone *time.Location) []time.Time {
	var all []time.Time
	for _, near := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := naive.Add(near).In(zone).Zone()
		t := naive.Add(-time.Duration(offset) * time.Second)
		if _, o := t.In(zone).Zone(); o == offset && !slices.ContainsFunc(all, t.Equal) {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// firstMoment gives the first moment of a day in zone, also where clocks are set forward over midnight.
func firstMoment(day time.Time, zone *time.Location) time.Time {
	for minute := range 24 * 60 {
		if p := passingsOf(day.Add(time.Duration(minute)*time.Minute), zone); len(p) > 0 {
			return p[0]
		}
	}
	return day // a day that the zone skipped altogether
}

var waitForm = regexp.MustCompile(`^(?:([0-9]{1,5})d)?(?:([0-9]{1,5})h)?(?:([0-9]{1,6})m)?$`)

// readWait reads a length of time: days of 24 hours, hours and minutes, as 30d, 2h, 1d12h or 90m.
func readWait(text string) (time.Duration, error) {
	f := waitForm.FindStringSubmatch(text)
	var total time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		if f != nil && f[i+1] != "" {
			n, err := strconv.Atoi(f[i+1])
			if err != nil {
				return 0, err
			}
			total += time.Duration(n) * unit
		}
	}
	if total == 0 {
		return 0, fmt.Errorf("%q is not a length of time; write it as 30d, 2h, 15m or 1d12h", text)
	}
	return total, nil
}
