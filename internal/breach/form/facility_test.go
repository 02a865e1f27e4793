package form

import (
	"strings"
	"testing"

	"ringfence/internal/workday"
)

// A link that is no link refuses; one that was not looked at lately warns and refuses nothing.
//
// cite: P-46, 47 CFR 64.2011(b)
func TestFacility(t *testing.T) {
	day := workday.On(2026, 8, 1)
	for _, row := range []struct {
		facility Facility
		refused  bool
		warns    string
	}{
		{Facility{Link: "https://reporting.facility.example/cpni", Verified: day}, false, ""},
		{Facility{Link: "https://reporting.facility.example/cpni", Verified: day, Stale: true}, false, "since August 1, 2026"},
		{Facility{Link: "https://reporting.facility.example/cpni", Stale: true}, false, "Nobody has looked whether"},
		{Facility{Link: "", Stale: true}, true, "Nobody has looked whether"},
		{Facility{Link: " ", Verified: day}, true, ""},
		{Facility{Link: "http://reporting.facility.example/cpni", Verified: day}, true, ""},
		{Facility{Link: "mailto:agent@fieldoffice.example", Verified: day}, true, ""},
	} {
		err := row.facility.Refused()
		if (err != nil) != row.refused || err != nil && (!strings.Contains(err.Error(), "CONFIG") || !strings.Contains(err.Error(), "P-46")) {
			t.Errorf("%+v: %v", row.facility, err)
		}
		if w := row.facility.Warns(); (w == "") != (row.warns == "") || !strings.Contains(w, row.warns) {
			t.Errorf("%+v warns %q", row.facility, w)
		}
	}
}

// Only the facility takes a report.
//
// cite: P-45, 47 CFR 64.2011(b)
func TestWay(t *testing.T) {
	if err := Way(ByFacility); err != nil {
		t.Error(err)
	}
	for _, by := range []string{ByEmail, "telephone", ""} {
		if err := Way(by); err == nil || !strings.Contains(err.Error(), "CHANNEL") || !strings.Contains(err.Error(), "P-45") {
			t.Errorf("by %q: %v", by, err)
		}
	}
}
