package intake

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestMoments(t *testing.T) {
	for _, c := range []struct {
		zone, at     string
		first, again string
		err          error
	}{
		{"America/New_York", "2026-02-10 22:41:05", "2026-02-11T03:41:05Z", "", nil},
		{"America/New_York", "2026-03-08 01:59:30", "2026-03-08T06:59:30Z", "", nil},
		{"America/New_York", "2026-03-08 02:00:00", "", "", errNonexistent},
		{"America/New_York", "2026-03-08 02:59:59", "", "", errNonexistent},
		{"America/New_York", "2026-03-08 03:00:00", "2026-03-08T07:00:00Z", "", nil},
		{"America/New_York", "2026-11-01 00:59:59", "2026-11-01T04:59:59Z", "", nil},
		{"America/New_York", "2026-11-01 01:30:00", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", nil},
		{"America/New_York", "2026-11-01 02:00:00", "2026-11-01T07:00:00Z", "", nil},
		{"Australia/Lord_Howe", "2026-04-05 01:45:00", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z", nil},
		{"Pacific/Apia", "2011-12-30 12:00:00", "", "", errNonexistent}, // a day that Samoa left out
		{"UTC", "2024-02-29 00:00:00", "2024-02-29T00:00:00Z", "", nil},
		{"UTC", "2023-02-29 00:00:00", "", "", errNotATime},
		{"UTC", "2100-02-29 00:00:00", "", "", errNotATime},
		{"UTC", "2026-04-31 00:00:00", "", "", errNotATime},
		{"UTC", "2026-01-01 24:00:00", "", "", errNotATime},
		{"UTC", "2026-01-01 00:60:00", "", "", errNotATime},
		{"UTC", "2026-01-01 00:00:61", "", "", errNotATime},
		{"UTC", "2026-13-01 00:00:00", "", "", errNotATime},
		{"UTC", "2026-01-01T00:00:07.123456", "2026-01-01T00:00:07Z", "", nil},
		{"UTC", "2026-01-01 00:00:07.", "", "", errNotATime},
		{"UTC", "2026-01-01 00:00:07x", "", "", errNotATime},
		{"UTC", "0000-00-00 00:00:00", "", "", errNotATime},
		{"UTC", "-001-01-01 00:00:00", "", "", errNotATime},
	} {
		t.Run(c.zone+" "+c.at, func(t *testing.T) {
			s, err := parseStamp([]byte(c.at))
			var first, again int64
			var twice bool
			if err == nil {
				w := &wallclock{zone: zone(t, c.zone)}
				first, again, twice, err = w.moments(s)
			}
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			if got := time.Unix(first, 0).UTC().Format(time.RFC3339); got != c.first {
				t.Errorf("first %s, want %s", got, c.first)
			}
			got := ""
			if twice {
				got = time.Unix(again, 0).UTC().Format(time.RFC3339)
			}
			if got != c.again {
				t.Errorf("again %q, want %q", got, c.again)
			}
		})
	}
}

// I-25: whatever moment it is, what the wall clock showed leads back to it, as the first or the second occurrence.
func TestMomentsFindEveryMoment(t *testing.T) {
	zones := map[string]*time.Location{}
	for _, name := range []string{"America/New_York", "Europe/Moscow", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "UTC", "Asia/Kathmandu"} {
		zones[name] = zone(t, name)
	}
	names := slices.Sorted(maps.Keys(zones))
	rapid.Check(t, func(t *rapid.T) {
		z := zones[rapid.SampledFrom(names).Draw(t, "zone")]
		w := &wallclock{zone: z}
		for range 3 {
			u := rapid.Int64Range(200000, 2208988800).Draw(t, "moment")
			if rapid.Bool().Draw(t, "near a change") {
				if _, end := time.Unix(u, 0).In(z).ZoneBounds(); !end.IsZero() {
					u = end.Unix() + rapid.Int64Range(-7200, 7200).Draw(t, "distance")
				}
			}
			shown := time.Unix(u, 0).In(z).Format("2006-01-02 15:04:05")
			s, err := parseStamp([]byte(shown))
			if err != nil {
				t.Fatal(err)
			}
			first, again, twice, err := w.moments(s)
			if err != nil || first != u && !(twice && again == u) {
				t.Fatalf("%s in %s: %d %d %v %v, want %d", shown, z, first, again, twice, err, u)
			}
			if twice && again <= first {
				t.Fatalf("occurrences in the wrong order")
			}
		}
	})
}
