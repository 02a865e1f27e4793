package notify

import (
	"time"

	"github.com/nyaruka/phonenumbers"
)

// quiet tells whether it is too early or too late to call or text a number, by the clocks where the number is at home, and
// until when. A number may be at home in several zones: it is quiet as long as it is in one of them. Of one that names none
// the carrier's zone counts.
//
// cite: 47 CFR 64.1200(c)(1), 47 CFR 64.2010(f)
func quiet(number string, now time.Time, carrier *time.Location, r Rules) (until time.Time, is bool) {
	for _, zone := range ZonesOf(number, carrier) {
		local := now.In(zone)
		if h := local.Hour(); h >= r.QuietUntil && h < r.QuietFrom {
			continue
		}
		day := local.Day()
		if local.Hour() >= r.QuietFrom {
			day++
		}
		if ends := time.Date(local.Year(), local.Month(), day, r.QuietUntil, 0, 0, 0, zone); ends.After(until) {
			until, is = ends, true
		}
	}
	return until, is
}

// ZonesOf gives the zones in which a number is at home; of one that names none, the carrier's.
func ZonesOf(number string, carrier *time.Location) []*time.Location {
	var all []*time.Location
	if n, err := phonenumbers.Parse(number, "US"); err == nil {
		names, err := phonenumbers.GetTimezonesForNumber(n)
		if err == nil && len(names) <= mostZones {
			for _, name := range names {
				if z, err := time.LoadLocation(name); err == nil && name != "Etc/Unknown" {
					all = append(all, z)
				}
			}
		}
	}
	if len(all) == 0 {
		all = append(all, carrier)
	}
	return all
}

// mostZones is more than what a number that belongs to a place has; a number of no place has all of its country's.
const mostZones = 4
