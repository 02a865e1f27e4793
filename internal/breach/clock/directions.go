package clock

import (
	"fmt"
	"time"

	"ringfence/internal/workday"
)

// directed is the moment at which the last of the written directions is over; zero: there is none. Each holds through its last day, in
// the zone where that ends last, or until the agency that gave it lifts it. One that was over before it was given holds nothing.
//
// cite: P-48, 47 CFR 64.2011(b)(3), V18, V19, V20
func (r *reckoning) directed() time.Time {
	var last time.Time
	for _, d := range r.c.Directions {
		if end := r.over(d); d.Written && end.After(d.At) {
			last = later(last, end)
		}
	}
	return last
}

// over is the moment at which a direction ends by itself or by being lifted, whichever comes first. A lift ends what its agency gave
// before it.
func (r *reckoning) over(d Direction) time.Time {
	end := workday.LastStart(d.Until.Add(1), r.zone)
	for _, l := range r.c.Lifts {
		if l.Agency == d.Agency && d.At.Before(l.At) && l.At.Before(end) {
			end = l.At
		}
	}
	return end
}

// oral is the moment at which the last of the directions that were only spoken is over; zero: none is waiting to be written. Such a one
// keeps the hold until its day, but no longer than a first direction may last, and only until it is written, lifted or found not to be
// confirmed: then it falls away by itself.
//
// cite: P-48, 47 CFR 64.2011(b)(3), V21
func (r *reckoning) oral() time.Time {
	var last time.Time
	for i, d := range r.c.Directions {
		if !d.Written {
			last = later(last, r.unwritten(i))
		}
	}
	return last
}

// unwritten is when the spoken direction at i is over. A written one of its agency does away with it that came after it; of two of one
// moment, that is recorded after it.
func (r *reckoning) unwritten(i int) time.Time {
	d := r.c.Directions[i]
	end := r.over(d)
	if most := workday.LastStart(r.cal.CalendarDays(workday.Latest(d.At, r.zone), r.directionDays()).Last.Add(1), r.zone); most.Before(end) {
		end = most
	}
	if !d.Dropped.IsZero() && d.Dropped.Before(end) {
		end = d.Dropped
	}
	for j, w := range r.c.Directions {
		after := w.At.After(d.At) || w.At.Equal(d.At) && j > i
		if w.Written && w.Agency == d.Agency && after && w.At.Before(end) {
			end = w.At
		}
	}
	return end
}

// directionDays is how long a first direction may last, under the shortest of the rules that count.
func (r *reckoning) directionDays() int {
	least := 0
	for _, u := range r.rules {
		if u.counts && (least == 0 || u.Directions < least) {
			least = u.Directions
		}
	}
	return least
}

// overlong are the first written directions of an agency that go beyond what a first one may last, and that nothing in writing carries
// on or ends in time. They are kept all the same: what an agency wrote is not for us to shorten.
//
// cite: P-48, 47 CFR 64.2011(b)(3)
func (r *reckoning) overlong() []Conflict {
	var all []Conflict
	first := map[string]int{}
	for i, d := range r.c.Directions {
		if _, ok := first[d.Agency]; d.Written && !ok {
			first[d.Agency] = i
		}
	}
	for i, d := range r.c.Directions {
		if at, ok := first[d.Agency]; !ok || at != i {
			continue
		}
		most := r.cal.CalendarDays(workday.Earliest(d.At, r.zone), r.directionDays()).Last
		if !d.Until.After(most) || r.carriedOn(i, most) {
			continue
		}
		all = append(all, Conflict{
			Says:  fmt.Sprintf("The first direction of %s holds through %s, and may do so through %s only. It is kept; ask the agency for an extension in writing.", d.Agency, d.Until, most),
			Cites: []string{"P-48", "47 CFR 64.2011(b)(3)"},
		})
	}
	return all
}

// carriedOn reports whether the direction at i was extended in writing, or lifted before the day most was over.
func (r *reckoning) carriedOn(i int, most workday.Date) bool {
	d := r.c.Directions[i]
	for _, w := range r.c.Directions[i+1:] {
		if w.Written && w.Agency == d.Agency {
			return true
		}
	}
	return !r.over(d).After(workday.LastStart(most.Add(1), r.zone))
}
