package incidents_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// icalendar reads a calendar as strictly as RFC 5545 is written: lines that end with CRLF and have at most 75 octets, folded by a space and never within
// a letter, names and values apart, components that are closed in their order. It gives the events, each by its properties.
func icalendar(t *testing.T, file []byte) []map[string]string {
	t.Helper()
	text, ok := strings.CutSuffix(string(file), "\r\n")
	if !ok || !utf8.ValidString(text) {
		t.Fatalf("the calendar does not end with CRLF, or is no UTF-8 (RFC 5545, 3.1): %q", file)
	}
	var lines []string
	for _, l := range strings.Split(text, "\r\n") {
		switch {
		case strings.ContainsAny(l, "\r\n") || len(l) > 75 || !utf8.ValidString(l):
			t.Fatalf("a line of %d octets, or with an end of line within, or a letter that is cut (RFC 5545, 3.1): %q", len(l), l)
		case strings.HasPrefix(l, " ") && len(lines) > 0:
			lines[len(lines)-1] += l[1:]
		default:
			lines = append(lines, l)
		}
	}
	var open []string
	var all []map[string]string
	for _, l := range lines {
		name, value, ok := strings.Cut(l, ":")
		if !ok || name == "" {
			t.Fatalf("a line without a name: %q", l)
		}
		switch name {
		case "BEGIN":
			if open = append(open, value); value == "VEVENT" {
				all = append(all, map[string]string{})
			}
			continue
		case "END":
			if len(open) == 0 || open[len(open)-1] != value {
				t.Fatalf("%s is closed and %v are open", value, open)
			}
			open = open[:len(open)-1]
			continue
		}
		if len(open) == 0 || open[0] != "VCALENDAR" {
			t.Fatalf("%q stands outside the calendar", l)
		}
		switch open[len(open)-1] {
		case "VEVENT":
			if _, twice := all[len(all)-1][name]; twice {
				t.Errorf("%s twice in an event", name)
			}
			all[len(all)-1][name] = value
		case "VALARM":
			all[len(all)-1]["ALARM "+name] += value + ";"
		}
	}
	if len(open) > 0 {
		t.Fatalf("%v are not closed", open)
	}
	ids := map[string]bool{}
	for _, e := range all {
		for _, name := range []string{"UID", "DTSTAMP", "DTSTART;VALUE=DATE", "DTEND;VALUE=DATE", "SUMMARY", "SEQUENCE", "ALARM TRIGGER", "ALARM ACTION", "ALARM DESCRIPTION"} {
			if e[name] == "" {
				t.Errorf("an event without %s: %v", name, e)
			}
		}
		if ids[e["UID"]] {
			t.Errorf("two events have the id %s", e["UID"])
		}
		ids[e["UID"]] = true
		if _, err := time.Parse("20060102T150405Z", e["DTSTAMP"]); err != nil {
			t.Error(err)
		}
	}
	return all
}

// The calendar has the days of what is not done, moves them with the file, and says no more than the number and what is due.
//
// cite: P-44, P-47, I-10, 47 CFR 64.2011(b)
func TestCalendar(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		d, by := o.Incidents, o.Member(t, cpni.RoleCompliance)
		facts := breach.Facts{Title: "The shop in Springfield", What: "Somebody there read calls.", Discovered: o.Clock.Now(), DiscoveredBy: "Ann Roe", Data: []cpni.DataClass{cpni.CallDetail}, Intentional: clock.Yes, Customers: 3}
		i, err := d.Open(t.Context(), breach.Intake{By: by, Facts: facts})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Open(t.Context(), breach.Intake{By: by, Facts: facts, Exercise: true}); err != nil {
			t.Fatal(err)
		}
		events := func() map[string]map[string]string {
			t.Helper()
			file, err := d.Calendar(t.Context(), by)
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := d.Calendar(t.Context(), by); !bytes.Equal(file, again) {
				t.Error("the same calendar twice is two")
			}
			for _, word := range []string{"Springfield", "calls", "Ann", "R-2026"} {
				if bytes.Contains(file, []byte(word)) {
					t.Errorf("the calendar says %q (P-37)", word)
				}
			}
			all := map[string]map[string]string{}
			for _, e := range icalendar(t, file) {
				id, _ := strings.CutPrefix(e["UID"], string(i.ID)+"-")
				all[strings.TrimSuffix(id, "@"+officetest.Origin)] = e
			}
			return all
		}
		if all := events(); len(all) != 0 {
			t.Errorf("before the determination: %v", all)
		}
		if i, err = d.Determine(t.Context(), i.ID, breach.Act{By: by}, breach.Determination{}); err != nil {
			t.Fatal(err)
		}
		first := events()["agencies"]
		if first["DTSTART;VALUE=DATE"] != "20261204" || first["DTEND;VALUE=DATE"] != "20261205" || first["SUMMARY"] != "I-2026-1: last day to report to the agencies" || first["ALARM TRIGGER"] != "-PT15H;PT9H;" {
			t.Errorf("the day of the agencies: %v (P-44)", first)
		}
		if i, err = d.Report(t.Context(), i.ID, breach.Act{By: by}, breach.Filing{Through: breach.Facility, Receipt: "F-1"}); err != nil {
			t.Fatal(err)
		}
		all := events()
		if _, still := all["agencies"]; still || all["from"]["DTSTART;VALUE=DATE"] != "20261205" || all["hold"]["DTSTART;VALUE=DATE"] != "20261204" || all["from"]["SEQUENCE"] <= first["SEQUENCE"] {
			t.Errorf("after the report: %v (P-47)", all)
		}
		was := all["from"]
		if _, err = d.Direct(t.Context(), i.ID, breach.Act{By: by}, breach.Direction{Agency: "FBI", Officer: "Agent Doe", Written: true, Until: d.Clocks(i).AgenciesBy.Add(20)}, nil, ""); err != nil {
			t.Fatal(err)
		}
		if now := events()["from"]; now["UID"] != was["UID"] || now["DTSTART;VALUE=DATE"] != "20261225" || now["SEQUENCE"] <= was["SEQUENCE"] {
			t.Errorf("put off: %v, before it %v (P-48)", now, was)
		}
		if _, err := d.Calendar(t.Context(), o.Member(t, cpni.RoleAgent)); err == nil {
			t.Error("an agent reads the calendar (P-47)")
		}
	})
}

// The address of a calendar is its member's, works until another is made or it is ended, and ends with what they may.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestFeed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		d, by := o.Incidents, o.Member(t, cpni.RoleAuditor)
		holds := func(secret string, want bool) {
			t.Helper()
			file, err := d.Feed(t.Context(), secret)
			if want != (err == nil && bytes.HasPrefix(file, []byte("BEGIN:VCALENDAR\r\n"))) || !want && !errors.Is(err, breach.ErrNone) {
				t.Errorf("the address gives %q, %v", file, err)
			}
		}
		one, err := d.NewFeed(t.Context(), by)
		if err != nil {
			t.Fatal(err)
		}
		holds(one, true)
		holds("", false)
		holds(one[:len(one)-1]+"-", false)
		two, err := d.NewFeed(t.Context(), by)
		if err != nil {
			t.Fatal(err)
		}
		holds(one, false)
		holds(two, true)
		if since, err := d.FeedSince(t.Context(), by); err != nil || !since.Equal(o.Clock.Now()) {
			t.Errorf("since %s, %v", since, err)
		}
		if err := d.RevokeFeed(t.Context(), by); err != nil {
			t.Fatal(err)
		}
		holds(two, false)
		if err := d.RevokeFeed(t.Context(), by); err == nil {
			t.Error("ended twice")
		}
		three, err := d.NewFeed(t.Context(), by)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Staff.Disable(t.Context(), by, "test"); err != nil {
			t.Fatal(err)
		}
		holds(three, false)
		if _, err := d.NewFeed(t.Context(), o.Member(t, cpni.RoleAgent)); err == nil {
			t.Error("an agent has an address (P-47)")
		}
		var kept []string
		rows, err := db.Reader().Query(t.Context(), "SELECT hash FROM incident_feed")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var hash []byte
			if err := rows.Scan(&hash); err != nil {
				t.Fatal(err)
			}
			kept = append(kept, string(hash))
		}
		if rows.Err() != nil || len(kept) != 3 || slices.Contains(kept, one) {
			t.Errorf("%d are kept, %v", len(kept), rows.Err())
		}
	})
}
