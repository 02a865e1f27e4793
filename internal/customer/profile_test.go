package customer

import (
	"testing"
	"time"

	"ringfence/internal/cpni"
	_ "ringfence/internal/workday" // which brings the zones along
)

const monthOfDays = 30 * 24 * time.Hour

// An address is of record after thirty times twenty-four hours, on the clock of the wall as well.
//
// cite: P-21, V84, V85, I-25, 47 CFR 64.2003(b)
func TestAddressOfRecord(t *testing.T) {
	eastern, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	local := func(text string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04:05", text, eastern)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, row := range []struct {
		cite             string
		since, until, at string
		want             bool
	}{
		{"V84", "2026-10-25 15:00:00", "", "2026-11-23 15:00:00", false},
		{"V85", "2026-10-25 15:00:00", "", "2026-11-24 14:59:59", false}, // thirty days and an hour less a second have passed
		{"V85", "2026-10-25 15:00:00", "", "2026-11-24 15:00:00", true},
		{"in spring the wall runs ahead", "2026-02-20 12:00:00", "", "2026-03-22 12:00:00", false},
		{"in spring the wall runs ahead", "2026-02-20 12:00:00", "", "2026-03-22 13:00:00", true},
		{"taken off", "2026-01-01 00:00:00", "2026-11-24 15:00:00", "2026-11-24 15:00:00", false},
		{"still on", "2026-01-01 00:00:00", "2026-11-24 15:00:00", "2026-11-24 14:59:59", true},
		{"not on yet", "2026-12-01 00:00:00", "", "2026-11-24 15:00:00", false},
	} {
		a := Address{Since: local(row.since)}
		if row.until != "" {
			a.Until = local(row.until)
		}
		if got := a.OfRecord(local(row.at), monthOfDays); got != row.want {
			t.Errorf("%s: since %s, at %s: %v, want %v", row.cite, row.since, row.at, got, row.want)
		}
	}
	if (Address{}).OfRecord(local("2026-11-24 15:00:00"), monthOfDays) {
		t.Error("an address that does not say since when it stands there is of record (P-21)")
	}
}

// Numbers are brought to one form; what can be dialled only next door, or is none, is none.
//
// cite: P-20, 47 CFR 64.2003(q)
func TestNumber(t *testing.T) {
	for text, want := range map[string]string{
		"+12025550143": "+12025550143", "(202) 555-0143": "+12025550143", "1-202-555-0143": "+12025550143", "202.555.0143": "+12025550143",
		"+44 20 7946 0958": "+442079460958", "5550143": "", "911": "", "": "", "ann": "", "+1202555014": "", "+120255501433": "", "\x00": "",
	} {
		got, ok := Number(text)
		if got != want || ok != (want != "") {
			t.Errorf("%q is %q (%v), want %q", text, got, ok, want)
		}
	}
}

// The facts that rules are given hold no name, number or address.
//
// cite: P-20, 47 CFR 64.2003(f), 47 CFR 64.2010(g)
func TestFacts(t *testing.T) {
	p := ann()
	p.Business = &Business{DedicatedRepresentative: "rep", ContractCoversCPNI: true}
	p.Lines = append(p.Lines, Line{Number: "+12025550144", Categories: []cpni.Category{cpni.Wireless, cpni.Local}, Listed: true})
	f := p.Facts(start)
	if len(f.Categories) != 2 || f.Categories[0] != cpni.Local || f.ListedOnly || !f.DedicatedRepresentative || !f.ContractCoversCPNI || !f.Known {
		t.Errorf("%+v", f)
	}
	p.Lines[0].Removed = start
	if f := p.Facts(start); !f.ListedOnly {
		t.Error("the only line is listed")
	}
	p.Ended = start
	if f := p.Facts(start); f.ListedOnly || len(f.Categories) != 0 {
		t.Errorf("after the end of service: %+v", f)
	}
	if f := p.Facts(start.Add(-time.Second)); len(f.Categories) != 2 {
		t.Errorf("before the end of service: %+v", f)
	}
}

// cite: P-17
func TestMasked(t *testing.T) {
	for value, want := range map[string]string{"+12025550143": "+1202•••••43", "A-917304": "•-•••304", "12": "12", "": ""} {
		if got := Masked(value); got != want {
			t.Errorf("%q is shown as %q, want %q", value, got, want)
		}
	}
}
