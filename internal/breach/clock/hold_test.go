package clock

import (
	"slices"
	"testing"
	"time"
)

// V16 and V17: an urgent need ends the wait once an agency was consulted, and not before; a written direction stays.
//
// cite: P-47, 47 CFR 64.2011(b)(2), V16, V17
func TestUrgent(t *testing.T) {
	c := determined("2026-11-24 10:00").told("2026-12-04 10:00")
	c.Reports[0].Urgent = true
	same(t, "V17", reckon(c, "2026-12-05 12:00", today()).Held, true)
	moment(t, "V17", reckon(c, "2026-12-05 12:00", today()).From, "2026-12-16")
	c.Consulted = []Consultation{{at("2026-12-08 09:00"), "USSS"}, {at("2026-12-05 11:00"), "FBI"}}
	moment(t, "V16", reckon(c, "2026-12-05 12:00", today()).From, "2026-12-05 11:00")
	same(t, "V16", reckon(c, "2026-12-05 12:00", today()).Held, false)
	moment(t, "consulted before the report", func() time.Time {
		c := c
		c.Consulted = []Consultation{{at("2026-12-03 11:00"), "FBI"}}
		return reckon(c, "2026-12-05", today()).From
	}(), "2026-12-04 10:00")
	moment(t, "a written direction still holds", reckon(c.directed("2026-12-05 12:00", "FBI", "2026-12-20", true), "2026-12-06", today()).From, "2026-12-21")
	moment(t, "consulted after the hold", func() time.Time {
		c := c
		c.Consulted = []Consultation{{at("2026-12-20 11:00"), "FBI"}}
		return reckon(c, "2026-12-21", today()).From
	}(), "2026-12-16")
	partial := determined("2026-11-24 10:00").reported("2026-12-04 10:00", FBI)
	partial.Reports[0].Urgent, partial.Consulted = true, c.Consulted
	same(t, "urgent, and one agency has nothing yet", reckon(partial, "2026-12-06", today()).Held, true)
	quiet := determined("2026-11-24 10:00").told("2026-12-04 10:00")
	quiet.Consulted = c.Consulted
	moment(t, "consulted, and the report says nothing of it", reckon(quiet, "2026-12-06", today()).From, "2026-12-16")
	later := quiet.reported("2026-12-07 08:00", FBI) // a supplement that says so
	later.Reports[1].Urgent = true
	moment(t, "a supplement says so", reckon(later, "2026-12-08", today()).From, "2026-12-07 08:00")
}

// V21: a direction by word of mouth keeps the hold and moves nothing; it has to be written, and ends by itself.
//
// cite: P-48, 47 CFR 64.2011(b)(3), V21
func TestOral(t *testing.T) {
	c := determined("2026-11-24 10:00").told("2026-12-04 10:00").directed("2026-12-09 09:00", "FBI", "2027-01-05", false)
	dropped := c
	dropped.Directions = slices.Clone(c.Directions)
	dropped.Directions[0].Dropped = at("2026-12-18 09:00")
	long := determined("2026-11-24 10:00").told("2026-12-04 10:00").directed("2026-12-09 09:00", "FBI", "2027-12-31", false)
	for _, row := range []struct {
		name, now string
		c         Case
		hold      string
		from      string
	}{
		{"while the ordinary hold runs", "2026-12-15 23:59", c, "LE_HOLD", "2026-12-16"},
		{"after it", "2026-12-16", c, "NEED_WRITING", "2026-12-16"},
		{"on its last day", "2027-01-05 23:59", c, "NEED_WRITING", "2026-12-16"},
		{"after that", "2027-01-06", c, "", "2026-12-16"},
		{"dropped, before", "2026-12-18 08:59", dropped, "NEED_WRITING", "2026-12-16"},
		{"dropped", "2026-12-18 09:00", dropped, "", "2026-12-16"},
		{"no longer than a first one may last", "2027-01-08 23:59", long, "NEED_WRITING", "2026-12-16"},
		{"and then it falls away", "2027-01-09", long, "", "2026-12-16"},
		{"written now", "2026-12-18 10:00", c.directed("2026-12-18 10:00", "FBI", "2026-12-31", true), "LE_HOLD", "2027-01-01"},
		{"written by another, and over", "2027-01-02", c.directed("2026-12-18 10:00", "USSS", "2026-12-31", true), "NEED_WRITING", "2027-01-01"},
		{"written and over", "2027-01-02", c.directed("2026-12-18 10:00", "FBI", "2026-12-31", true), "", "2027-01-01"},
		{"written before it, and over", "2026-12-20", determined("2026-11-24 10:00").told("2026-12-04 10:00").directed("2026-12-08", "FBI", "2026-12-17", true).
			directed("2026-12-09 09:00", "FBI", "2027-01-05", false), "NEED_WRITING", "2026-12-18"},
		{"written in the same moment, and recorded before it", "2026-12-20", determined("2026-11-24 10:00").told("2026-12-04 10:00").directed("2026-12-09", "FBI", "2026-12-17", true).
			directed("2026-12-09", "FBI", "2027-01-05", false), "NEED_WRITING", "2026-12-18"},
		{"and recorded after it", "2026-12-20", determined("2026-11-24 10:00").told("2026-12-04 10:00").directed("2026-12-09", "FBI", "2027-01-05", false).
			directed("2026-12-09", "FBI", "2026-12-17", true), "", "2026-12-18"},
		{"lifted in writing", "2026-12-20", c.lifted("2026-12-19", "FBI"), "", "2026-12-16"},
		{"lifted by another", "2026-12-20", c.lifted("2026-12-19", "USSS"), "NEED_WRITING", "2026-12-16"},
	} {
		got := reckon(row.c, row.now, today())
		same(t, row.name+": hold", got.Hold, row.hold)
		same(t, row.name+": held", got.Held, row.hold != "")
		moment(t, row.name+": from", got.From, row.from)
	}
}
