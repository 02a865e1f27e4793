package workday

import "time"

// LastStart is the first moment at which day has begun in the zone of the Commission and in every one of zones. What is held
// until a day begins is held until then.
//
// cite: P-47, 47 CFR 1.4
func LastStart(day Date, zones ...*time.Location) time.Time {
	var last time.Time
	for _, z := range withCommission(zones) {
		if start := day.Start(z); start.After(last) {
			last = start
		}
	}
	return last
}

// FirstEnd is the first moment at which day is over in the zone of the Commission or in any of zones. What is due on a day is
// late from then on.
//
// cite: P-44, 47 CFR 1.4
func FirstEnd(day Date, zones ...*time.Location) time.Time {
	var first time.Time
	for _, z := range withCommission(zones) {
		if end := day.End(z); first.IsZero() || end.Before(first) {
			first = end
		}
	}
	return first
}
