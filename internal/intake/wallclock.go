package intake

import (
	"errors"
	"time"
)

// Errors of a time in a row.
var (
	errNotATime    = errors.New("not a time")
	errNoZone      = errors.New("a time without a zone; say with --zone which the clock had")
	errNonexistent = errors.New("a local time that does not exist: the clocks went forward over it; is the zone right?")
)

// wallclock turns the local times of a file into moments of UTC by the rules of one zone.
//
// A day without a clock change costs one comparison; the last day seen is remembered. It is used by one goroutine.
type wallclock struct {
	zone *time.Location

	year, month, day int
	midnight         int64 // unix seconds of the remembered day's 00:00, valid when plain
	plain            bool  // the offset does not change between one day before and one day after that day
}

// stamp is a time as a wall clock shows it.
type stamp struct{ year, month, day, second int } // second of the day

// moments gives the UTC times (unix seconds) at which the zone's clocks show s: one, two in a repeated hour (the
// first occurrence first), or errNonexistent in a skipped one.
func (w *wallclock) moments(s stamp) (first, again int64, twice bool, err error) {
	if s.day != w.day || s.month != w.month || s.year != w.year {
		w.remember(s)
	}
	if w.plain {
		return w.midnight + int64(s.second), 0, false, nil
	}
	return w.search(time.Date(s.year, time.Month(s.month), s.day, 0, 0, 0, 0, time.UTC).Unix() + int64(s.second))
}

func (w *wallclock) remember(s stamp) {
	w.year, w.month, w.day = s.year, s.month, s.day
	utc := time.Date(s.year, time.Month(s.month), s.day, 0, 0, 0, 0, time.UTC)
	_, before := utc.Add(-26 * time.Hour).In(w.zone).Zone()
	_, after := utc.Add(50 * time.Hour).In(w.zone).Zone()
	_, end := utc.Add(-26 * time.Hour).In(w.zone).ZoneBounds()
	w.plain = before == after && (end.IsZero() || end.After(utc.Add(50*time.Hour)))
	w.midnight = utc.Unix() - int64(before)
}

// search tries every period of constant offset near l, the seconds since 1970 that the clock on the wall counts.
func (w *wallclock) search(l int64) (first, again int64, twice bool, err error) {
	t := time.Unix(l, 0).Add(-26 * time.Hour).In(w.zone)
	limit := time.Unix(l, 0).Add(26 * time.Hour)
	found := 0
	for {
		start, end := t.ZoneBounds()
		_, offset := t.Zone()
		u := time.Unix(l-int64(offset), 0)
		if (start.IsZero() || !u.Before(start)) && (end.IsZero() || u.Before(end)) {
			if found == 0 {
				first = u.Unix()
			} else {
				again = u.Unix()
			}
			found++
		}
		if end.IsZero() || end.After(limit) || found == 2 {
			break
		}
		t = end.In(w.zone)
	}
	if found == 0 {
		return 0, 0, false, errNonexistent
	}
	return first, again, found == 2, nil
}

// parseStamp reads "2006-01-02 15:04:05", the form in which exchanges write local time; a 'T' in place of the space
// and a fraction of a second (dropped) are allowed. It refuses days and hours that no calendar or clock has.
func parseStamp(b []byte) (stamp, error) {
	if len(b) < 19 || b[4] != '-' || b[7] != '-' || b[10] != ' ' && b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return stamp{}, errNotATime
	}
	if len(b) > 19 && (b[19] != '.' || !allDigits(b[20:]) || len(b) == 20) {
		return stamp{}, errNotATime
	}
	year, ok1 := number(b[:4])
	month, ok2 := number(b[5:7])
	day, ok3 := number(b[8:10])
	hour, ok4 := number(b[11:13])
	minute, ok5 := number(b[14:16])
	s, ok6 := number(b[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || year < 1970 || hour > 23 || minute > 59 || s > 59 || !validDay(year, month, day) {
		return stamp{}, errNotATime
	}
	return stamp{year, month, day, hour*3600 + minute*60 + s}, nil
}

var monthDays = [13]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func validDay(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	if month == 2 && day == 29 {
		return year%4 == 0 && (year%100 != 0 || year%400 == 0)
	}
	return day <= monthDays[month]
}

func number(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(b) > 0 && len(b) < 18
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
