package workday

import (
	"fmt"
	"time"
	_ "time/tzdata" // dates do not depend on what the machine has installed
)

// Date is a day of the civil calendar, without a zone: what the law counts. The zero Date is no date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// On is the date year-month-day, carried over into the right month when day lies outside it, as time.Date does.
func On(year int, month time.Month, day int) Date {
	return dateOf(time.Date(year, month, day, 12, 0, 0, 0, time.UTC))
}

// DateIn is the date that a calendar on the wall of zone shows at t.
func DateIn(t time.Time, zone *time.Location) Date { return dateOf(t.In(zone)) }

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseDate reads a date written 2026-11-24.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is no date of the form 2026-11-24", s)
	}
	return dateOf(t), nil
}

func (d Date) noon() time.Time { return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC) }

// Add is the date days after d, or before it when days is negative.
func (d Date) Add(days int) Date { return On(d.Year, d.Month, d.Day+days) }

// Weekday is the day of the week of d.
func (d Date) Weekday() time.Weekday { return d.noon().Weekday() }

// Compare is -1, 0 or 1 as d is before, on or after other.
func (d Date) Compare(other Date) int { return d.noon().Compare(other.noon()) }

// Before reports whether d is earlier than other.
func (d Date) Before(other Date) bool { return d.Compare(other) < 0 }

// After reports whether d is later than other.
func (d Date) After(other Date) bool { return d.Compare(other) > 0 }

// DaysUntil is the number of days from d to other; negative when other is earlier.
func (d Date) DaysUntil(other Date) int { return int(other.noon().Sub(d.noon()) / (24 * time.Hour)) }

// IsZero reports whether d is no date at all.
func (d Date) IsZero() bool { return d == Date{} }

// Start is the first moment of d in zone.
func (d Date) Start(zone *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
	for dateOf(t) != d { // a zone in which that midnight is skipped: the day begins with the new time
		t = t.Add(30 * time.Minute)
	}
	return t
}

// End is the first moment after d in zone: what is due on d is late from then on.
func (d Date) End(zone *time.Location) time.Time { return d.Add(1).Start(zone) }

// String writes d as 2026-11-24.
func (d Date) String() string { return d.noon().Format(time.DateOnly) }

// MarshalText writes d as 2026-11-24, and no date as nothing.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	read, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = read
	return nil
}

// Earliest is the earliest date that any of zones shows at t. Duties are counted from it.
//
// cite: P-44, 47 CFR 1.4
func Earliest(t time.Time, zones ...*time.Location) Date {
	d := DateIn(t, time.UTC).Add(2)
	for _, z := range withCommission(zones) {
		if in := DateIn(t, z); in.Before(d) {
			d = in
		}
	}
	return d
}

// Latest is the latest date that any of zones shows at t. Holds are counted from it.
//
// cite: P-47, 47 CFR 1.4
func Latest(t time.Time, zones ...*time.Location) Date {
	d := DateIn(t, time.UTC).Add(-2)
	for _, z := range withCommission(zones) {
		if in := DateIn(t, z); in.After(d) {
			d = in
		}
	}
	return d
}

// withCommission adds the zone of the Federal Communications Commission, whose wall decides its own acts.
func withCommission(zones []*time.Location) []*time.Location {
	return append([]*time.Location{eastern}, zones...)
}

var eastern = mustLoad("America/New_York")

func mustLoad(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic("workday: the zone data that is built in lacks " + name)
	}
	return z
}
