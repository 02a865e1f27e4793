package watch

import (
	"slices"
	"time"

	"ringfence/internal/cpni"
)

// afterHours notices who begins to work on customers when nobody works, by the carrier's clocks. A call that began in time
// may go on.
//
// cite: P-37, 47 CFR 64.2010(a)
var afterHours = Detector{Name: "after-hours", Code: "AFTER_HOURS", Says: "Customers were worked on outside the hours of work.",
	see: func(s *sight, e Event) (*finding, error) {
		n := s.numbers(e.At)
		if !e.touches() || s.open(e.At, n) {
			return nil, nil
		}
		since, err := s.since("after-hours", e.Actor, e.At.Add(-12*time.Hour)) // one night, though it has two dates
		if err != nil {
			return nil, err
		}
		all, err := s.touches(e.Actor, since, e.At, e.Seq, n.Closed, false)
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(t touch) bool { return s.open(t.at, n) })
		if customers(all) < n.Closed {
			return nil, nil
		}
		return &finding{Subject: e.Actor, Member: cpni.ID(e.Actor), Evidence: seqs(all)}, nil
	}}

// open reports whether a moment lies in the hours of work.
func (s *sight) open(at time.Time, n Numbers) bool {
	t := at.In(s.w.parts.Zone)
	weekday := int(t.Weekday())
	if weekday == 0 {
		weekday = 7
	}
	return t.Hour() >= n.From && t.Hour() < n.To && slices.Contains(n.Days, weekday)
}
