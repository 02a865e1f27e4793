package generate

import (
	"math"
	"sort"
	"time"
)

// hourly is how much is called in each hour of a day in the middle of the continent, as UTC; daysOfWeek from Sunday on.
var (
	hourly     = [24]float64{9, 8, 7, 5, 3, 2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 11, 11, 11, 11, 11, 12, 12, 11}
	daysOfWeek = [7]float64{0.7, 1.1, 1.1, 1.1, 1.1, 1.15, 0.85}
)

// daily turns a part of all calls into a moment between two times, by the weights of hours and days.
type daily struct {
	hours []float64 // sums of weights up to the end of each hour from start on
	start int64     // unix seconds
	from  int64
	to    int64
}

func newDaily(from, to time.Time) *daily {
	d := &daily{from: ceil(from), to: ceil(to)}
	d.start = d.from
	sum := 0.0
	for t := d.from; t < d.to; t += 3600 {
		at := time.Unix(t, 0).UTC()
		part := math.Min(3600, float64(d.to-t)) / 3600
		sum += hourly[at.Hour()] * daysOfWeek[at.Weekday()] * part
		d.hours = append(d.hours, sum)
	}
	return d
}

func ceil(t time.Time) int64 {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return s
}

// at gives the moment before which the part u (0 ≤ u < 1) of all calls began, unix seconds.
func (d *daily) at(u float64) int64 {
	if len(d.hours) == 0 {
		return d.from
	}
	want := u * d.hours[len(d.hours)-1]
	i := min(sort.SearchFloat64s(d.hours, want), len(d.hours)-1)
	before := 0.0
	if i > 0 {
		before = d.hours[i-1]
	}
	t := d.start + int64(i)*3600 + int64((want-before)/(d.hours[i]-before)*3600)
	return max(d.from, min(t, d.to-1))
}

// bent is the part of calls that the first u of all lines have, when lines are drawn with byTime's bend.
func bent(u float64) float64 {
	// u = 0.55 v + 0.45 v², solved for v.
	return (-0.55 + math.Sqrt(0.55*0.55+4*0.45*u)) / (2 * 0.45)
}
