package clock

import (
	"time"

	"ringfence/internal/workday"
)

// LetterBy counts until when the Commission has to have the letter about an opt-out way that failed, and that was judged to be more
// than an anomaly. zone is the carrier's.
//
// cite: 47 CFR 64.2009(f), V55, V56, V57
func LetterBy(judged time.Time, n Numbers, cal *workday.Calendars, zone *time.Location) workday.Count {
	return cal.Deadline(workday.Earliest(judged, zone), n.LetterDays)
}
