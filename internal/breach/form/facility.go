package form

import (
	"net/url"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Facility is where reports are filed, as the carrier's configuration has it.
//
// cite: P-46, 47 CFR 64.2011(b)
type Facility struct {
	Link     string
	Verified workday.Date // when somebody last looked that the link leads there; zero: never
	Stale    bool         // that was too long ago, or never
}

// Codes about the facility.
const (
	CodeFacility cpni.Code = "CONFIG"              // there is no link to it
	AlertStale   cpni.Code = "FACILITY_UNVERIFIED" // it was not looked at lately
)

// Refused is the refusal to file through a facility that nobody can reach: its link is empty, or no https address. One that was not
// looked at lately is no reason to file late; Warns says it.
//
// cite: P-46, 47 CFR 64.2011(b)
func (f Facility) Refused() error {
	if u, err := url.Parse(f.Link); strings.TrimSpace(f.Link) != "" && err == nil && u.Scheme == "https" && u.Host != "" {
		return nil
	}
	return cpni.Rejected(CodeFacility, "the way to the reporting facility is not known: carrier.facility.link is empty or no https address", []string{"P-46", "47 CFR 64.2011(b)"},
		"take the address from the Commission’s page on reporting breaches of customer information, look that it leads there, and write it into carrier.facility.link with the day in carrier.facility.verified")
}

// Warns says that somebody has to look again whether the link leads to the facility; "": somebody did lately.
//
// cite: P-46
func (f Facility) Warns() string {
	switch {
	case !f.Stale:
		return ""
	case f.Verified.IsZero():
		return "Nobody has looked whether the link leads to the reporting facility. Look before you file, and write the day into carrier.facility.verified."
	}
	return "Nobody has looked since " + dayWords(f.Verified) + " whether the link leads to the reporting facility. Look before you file, and write the day into carrier.facility.verified."
}

// Ways by which somebody may mean to report.
const (
	ByFacility = "facility"
	ByEmail    = "email"
)

// Way refuses every way of reporting but the facility: a message to a field office tells nobody that a clock can start from.
//
// cite: P-45, 47 CFR 64.2011(b)
func Way(by string) error {
	if by == ByFacility {
		return nil
	}
	return cpni.Rejected(CodeChannel, "a breach is reported through the central reporting facility, and nothing else takes its place", []string{"P-45", "47 CFR 64.2011(b)"},
		"file the report at the facility, and enter its receipt")
}
