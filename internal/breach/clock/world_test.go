package clock

import (
	"sync"
	"testing"
	"time"

	"ringfence/internal/rules"
	"ringfence/internal/workday"
	"ringfence/policy"
)

var builtIn = sync.OnceValue(func() *rules.Profiles {
	s, err := rules.Load(policy.Files)
	if err != nil {
		panic(err)
	}
	return s.Profiles()
})

// today gives the numbers as the built-in policy has them; switched, with the order of 2023 in force from 2027-01-04 on.
func today() Numbers { return NumbersOf(builtIn().At(workday.On(2026, 11, 24))) }

func switched() Numbers {
	p, err := builtIn().Switched(map[string]string{"breach": "breach-2023"}, workday.On(2027, 1, 4))
	if err != nil {
		panic(err)
	}
	return NumbersOf(p.At(workday.On(2027, 1, 4)))
}

// carrier has the calendars with the closures of the policy; closing likewise, and more.
var carrier = sync.OnceValue(func() *workday.Calendars {
	c, err := workday.Load(policy.Files)
	if err != nil {
		panic(err)
	}
	return c
})

func closing(days ...string) *workday.Calendars {
	var list []workday.Closure
	for _, d := range days {
		list = append(list, workday.Closure{Date: day(d), Why: "executive order", Source: "a test"})
	}
	c, err := workday.New(list)
	if err != nil {
		panic(err)
	}
	return c
}

func in(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

var eastern, pacific, guam = in("America/New_York"), in("America/Los_Angeles"), in("Pacific/Guam")

// at reads a moment in Eastern time, as 2026-12-04 10:00 or 2026-12-04; "" is no moment.
func at(s string) time.Time { return atIn(s, eastern) }

func atIn(s string, zone *time.Location) time.Time {
	if s == "" {
		return time.Time{}
	}
	form := "2006-01-02 15:04"
	if len(s) == len(time.DateOnly) {
		form = time.DateOnly
	}
	t, err := time.ParseInLocation(form, s, zone)
	if err != nil {
		panic(err)
	}
	return t
}

// day reads a day; "" is none.
func day(s string) workday.Date {
	if s == "" {
		return workday.Date{}
	}
	d, err := workday.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// sold is a breach under both rules.
func sold() Facts {
	return Facts{Outcome: Disclosed, Intentional: Yes, GoodFaith: No, CPNI: true, Encryption: Plain, Customers: 40, Harm: Likely, Basis: true}
}

// determined is a breach that was determined at s.
func determined(s string, facts ...Facts) Case {
	if len(facts) == 0 {
		facts = []Facts{sold()}
	}
	c := Case{Determined: at(s), Discovered: at(s).Add(-24 * time.Hour), Facts: facts}
	if c.Facts[0].At.IsZero() {
		c.Facts[0].At = c.Discovered
	}
	return c
}

// told adds a report to the agencies of the rule of 2007 at s.
func (c Case) told(s string) Case { return c.reported(s, SecretService, FBI) }

func (c Case) reported(s string, to ...Agency) Case {
	c.Reports = append(c.Reports[:len(c.Reports):len(c.Reports)], Report{At: at(s), Agencies: to})
	return c
}

func (c Case) directed(s, agency, until string, written bool) Case {
	c.Directions = append(c.Directions[:len(c.Directions):len(c.Directions)], Direction{At: at(s), Agency: agency, Written: written, Until: day(until)})
	return c
}

func (c Case) lifted(s, agency string) Case {
	c.Lifts = append(c.Lifts[:len(c.Lifts):len(c.Lifts)], Lift{At: at(s), Agency: agency})
	return c
}

// reckon reckons c at s, in Eastern time.
func reckon(c Case, s string, n Numbers) Clocks { return Reckon(c, at(s), n, carrier(), eastern) }

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func moment(t *testing.T, what string, got time.Time, want string) {
	t.Helper()
	if !got.Equal(at(want)) {
		t.Errorf("%s: %s, want %s", what, got.In(eastern), want)
	}
}
