package workday

import (
	"testing"
	"time"
)

// cite: P-44, P-47, 47 CFR 1.4
func TestFirstAndLastMoments(t *testing.T) {
	for _, c := range []struct{ zone, start, end string }{
		{"America/New_York", "2026-12-16T05:00:00Z", "2026-12-17T05:00:00Z"},
		{"America/Los_Angeles", "2026-12-16T08:00:00Z", "2026-12-17T05:00:00Z"}, // begins later there, and ends first in Washington
		{"Pacific/Guam", "2026-12-16T05:00:00Z", "2026-12-16T14:00:00Z"},        // begins last in Washington, and ends earlier there
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := LastStart(On(2026, 12, 16), zone).UTC().Format(time.RFC3339); got != c.start {
			t.Errorf("%s: the day has begun everywhere at %s, want %s", c.zone, got, c.start)
		}
		if got := FirstEnd(On(2026, 12, 16), zone).UTC().Format(time.RFC3339); got != c.end {
			t.Errorf("%s: the day is over somewhere at %s, want %s", c.zone, got, c.end)
		}
	}
	if got := LastStart(On(2026, 12, 16)); !got.Equal(On(2026, 12, 16).Start(eastern)) {
		t.Errorf("without the carrier's zone the Commission's counts, got %s", got)
	}
}
