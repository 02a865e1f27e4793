package filing

import (
	"strings"
	"testing"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/workday"
)

// The letter says everything that the rule asks for, marks what it lacks, and is the same for the same file.
//
// cite: 47 CFR 64.2009(f)
func TestTheLetter(t *testing.T) {
	found := time.Date(2026, 11, 30, 15, 0, 0, 0, time.UTC)
	whole := func() *Failure {
		return &Failure{Number: "O-2026-1", Judged: &Judgement{At: found}, Facts: Facts{Mechanism: "the form on the web", What: "The button did nothing.", Found: found, First: workday.On(2026, 11, 28), Affected: 120,
			Remedy: "It was mended.", Remedied: workday.On(2026, 12, 1), States: clock.Yes, Commissions: "Virginia SCC", Action: "It took note.", Notice: "Please refuse again.", Contact: "Jo Doe, +18005550101"}}
	}
	carrier := Carrier{Name: "Example Telephone, LLC"}
	full := Write(whole(), carrier, time.UTC)
	if gaps := full.Lacking(); len(gaps) != 0 {
		t.Errorf("a whole letter lacks %v", gaps)
	}
	text := full.Text()
	for _, says := range []string{"Example Telephone, LLC", "the form on the web", "The button did nothing.", "November 30, 2026", "November 28, 2026", "120", "It was mended.", "December 1, 2026", "Virginia SCC", "It took note.", "Please refuse again.", "Jo Doe"} {
		if !strings.Contains(text, says) {
			t.Errorf("the letter does not say %q:\n%s", says, text)
		}
	}
	if Write(whole(), carrier, time.UTC).Text() != text {
		t.Error("the same file makes another letter")
	}
	for name, change := range map[string]func(*Failure, *Carrier){
		"the name of the carrier":                                      func(_ *Failure, c *Carrier) { c.Name = "" },
		"which way to refuse did not work":                             func(f *Failure, _ *Carrier) { f.Facts.Mechanism = "" },
		"what the problem was":                                         func(f *Failure, _ *Carrier) { f.Facts.What = "" },
		"what is done about it":                                        func(f *Failure, _ *Carrier) { f.Facts.Remedy = "" },
		"when the remedy was or will be implemented":                   func(f *Failure, _ *Carrier) { f.Facts.Remedied = workday.Date{} },
		"whether state commissions were notified":                      func(f *Failure, _ *Carrier) { f.Facts.States = clock.Unknown },
		"which state commissions were notified":                        func(f *Failure, _ *Carrier) { f.Facts.Commissions = "" },
		"what the state commissions did":                               func(f *Failure, _ *Carrier) { f.Facts.Action = "" },
		"the notice that customers got, or that and why they got none": func(f *Failure, _ *Carrier) { f.Facts.Notice = "" },
		"whom the Commission asks at the carrier":                      func(f *Failure, _ *Carrier) { f.Facts.Contact = "" },
	} {
		f, c := whole(), carrier
		change(f, &c)
		d := Write(f, c, time.UTC)
		if gaps := d.Lacking(); len(gaps) != 1 || gaps[0].Lacks != name || !strings.Contains(d.Text(), "[LACKS: "+name+"]") {
			t.Errorf("without it, it lacks %v, want %q", gaps, name)
		}
	}
	if file, err := full.PDF([]string{"Example Telephone, LLC"}, found); err != nil || !strings.HasPrefix(string(file), "%PDF-") {
		t.Errorf("printed: %v", err)
	}
	f := whole()
	f.Facts.States, f.Facts.Commissions, f.Facts.Action = clock.No, "", ""
	if text := Write(f, carrier, time.UTC).Text(); !strings.Contains(text, "No state commission was notified.") {
		t.Errorf("none was notified:\n%s", text)
	}
}
