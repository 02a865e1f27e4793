package workday

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func carrier(t testing.TB) *Calendars {
	t.Helper()
	c, err := Load(os.DirFS("../../policy"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func day(t testing.TB, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Every day from 2020 to 2040 is compared with the published list, so that a holiday too many is found as well.
//
// cite: P-44, P-47, 47 CFR 1.4(e), 5 USC 6103(a)
func TestPublishedHolidays(t *testing.T) {
	f, err := os.Open("testdata/federal-holidays.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	published := map[Date]string{}
	moved := 0
	for _, row := range rows {
		observed, itself := day(t, row[0]), day(t, row[1])
		published[observed] = row[2]
		if observed != itself {
			moved++
		}
	}
	if len(published) != 21*11-1 || moved < 20 { // Juneteenth began in 2021
		t.Fatalf("the list has %d days, %d of them moved from a weekend; it is not whole", len(published), moved)
	}
	c, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for d := On(2020, 1, 1); d.Year <= 2040; d = d.Add(1) {
		name, listed := published[d]
		if got := Holiday(d); (got != "") != listed {
			t.Errorf("%s: we say %q, published is %q (47 CFR 1.4(e))", d, got, name)
		}
		business, why := c.Business(DeadlineCalendar, d)
		weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
		if business == (listed || weekend) {
			t.Errorf("%s: business day on the deadline calendar: %v %s (47 CFR 1.4(e))", d, business, why)
		}
	}
}

func TestDatedCases(t *testing.T) {
	const closing = "2026-12-24"
	own := carrier(t)
	closed, err := New([]Closure{{Date: day(t, closing), Why: "executive order", Source: "a test"}})
	if err != nil {
		t.Fatal(err)
	}
	deadline := func(c *Calendars, from string, n int) Date { return c.Deadline(day(t, from), n).Last }
	hold := func(c *Calendars, from string, n int) Date { return c.HoldThrough(day(t, from), n).Last }
	// cite: P-44, P-47, 47 CFR 1.4, 47 CFR 64.2011(b), 47 CFR 64.2009(e), 47 CFR 64.2009(f)
	for _, c := range []struct {
		name string
		got  Date
		want string
	}{
		{"V01 Thanksgiving is skipped, the day after it counts", deadline(own, "2026-11-24", 7), "2026-12-04"},
		{"V02 hold after the report", hold(own, "2026-12-04", 7), "2026-12-15"},
		{"V02 earliest notice", hold(own, "2026-12-04", 7).Add(1), "2026-12-16"},
		{"V03 reported early", hold(own, "2026-11-25", 7), "2026-12-07"},
		{"V03 earliest notice", hold(own, "2026-11-25", 7).Add(1), "2026-12-08"},
		{"V04 determined on a Saturday", deadline(own, "2026-12-19", 7), "2026-12-30"},
		{"V04 as if on the Friday before", deadline(own, "2026-12-18", 7), "2026-12-30"},
		{"V05 a closure moves no deadline", deadline(closed, "2026-12-19", 7), "2026-12-30"},
		{"V05 a closure lengthens a hold", hold(closed, "2026-12-19", 7), "2026-12-31"},
		{"V06 Juneteenth on a Friday", deadline(own, "2026-06-12", 7), "2026-06-24"},
		{"V07 Juneteenth on a Saturday", deadline(own, "2027-06-10", 7), "2027-06-22"},
		{"V08 the fourth of July on a Saturday", deadline(own, "2026-06-26", 7), "2026-07-08"},
		{"V08 hold", hold(own, "2026-07-08", 7), "2026-07-17"},
		{"V08 earliest notice is a Saturday", hold(own, "2026-07-08", 7).Add(1), "2026-07-18"},
		{"V09 Columbus Day, from a Sunday", deadline(own, "2026-10-11", 7), "2026-10-21"},
		{"V10 two observed holidays", deadline(own, "2027-12-23", 7), "2028-01-05"},
		{"V11 Inauguration Day, deadline", deadline(own, "2021-01-14", 7), "2021-01-26"},
		{"V11 Inauguration Day, hold", hold(own, "2021-01-14", 7), "2021-01-27"},
		{"V12 Inauguration Day, deadline", deadline(own, "2033-01-13", 7), "2033-01-25"},
		{"V12 Inauguration Day, hold", hold(own, "2033-01-13", 7), "2033-01-26"},
		{"V13 Inauguration on a Saturday, deadline", deadline(own, "2029-01-16", 7), "2029-01-25"},
		{"V13 Inauguration on a Saturday, hold", hold(own, "2029-01-16", 7), "2029-01-25"},
		{"V30 found to be 510", deadline(own, "2027-03-10", 7), "2027-03-19"},
		{"V31 thirty days are not moved by a weekend", own.CalendarDays(day(t, "2027-02-01"), 30).Last, "2027-03-03"},
		{"V34 both agencies and the Commission", deadline(own, "2026-12-31", 7), "2027-01-12"},
		{"V34 hold", hold(own, "2027-01-12", 7), "2027-01-22"},
		{"V34 day 30 on a Saturday stays", own.CalendarDays(day(t, "2026-12-31"), 30).Last, "2027-01-30"},
		{"V55 letter", deadline(own, "2026-11-30", 5), "2026-12-07"},
		{"V56 letter over Christmas", deadline(own, "2026-12-23", 5), "2026-12-31"},
		{"V56 a closure moves no letter", deadline(closed, "2026-12-23", 5), "2026-12-31"},
		{"V57 letter over Martin Luther King's day", deadline(own, "2027-01-14", 5), "2027-01-22"},
		{"V107 certificate of 2026", own.DueOn(day(t, "2027-03-01")).By, "2027-03-01"},
		{"V107 first alarm, 60 days before", own.DueOn(day(t, "2027-03-01")).By.Add(-60), "2026-12-31"},
		{"V108 certificate of 2025, rolled from a Sunday", own.DueOn(day(t, "2026-03-01")).By, "2026-03-02"},
		{"V108 planned for the Friday", own.DueOn(day(t, "2026-03-01")).Plan, "2026-02-27"},
		{"certificate of 2027", own.DueOn(day(t, "2028-03-01")).By, "2028-03-01"},
		{"V27 annual summary", own.DueOn(day(t, "2028-02-01")).By, "2028-02-01"},
		{"nothing to count", deadline(own, "2026-11-24", 0), "2026-11-24"},
		{"inauguration on a Sunday is the Monday", hold(own, "2013-01-18", 1), "2013-01-22"},
	} {
		if c.got != day(t, c.want) {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
}

// cite: P-44, P-47
func TestEarliestAndLatestDate(t *testing.T) {
	pacific, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	// V14: half past nine in the evening in California is past midnight in Washington.
	at := time.Date(2026, 12, 1, 21, 30, 0, 0, pacific)
	if got := Earliest(at, pacific); got != On(2026, 12, 1) {
		t.Errorf("V14 earliest date %s", got)
	}
	if got := Latest(at, pacific); got != On(2026, 12, 2) {
		t.Errorf("V14 latest date %s", got)
	}
	if got := carrier(t).Deadline(Earliest(at, pacific), 7).Last; got != On(2026, 12, 10) {
		t.Errorf("V14 deadline %s, want 2026-12-10 (64.2011(b))", got)
	}
	if got := Earliest(at); got != On(2026, 12, 2) {
		t.Errorf("without the carrier's zone the Commission's date counts, got %s", got)
	}
}

func TestCountShowsItsDays(t *testing.T) {
	k := carrier(t).HoldThrough(On(2025, 12, 23), 2)
	var b strings.Builder
	for _, d := range k.Days {
		b.WriteString(d.Date.String() + " " + string(rune('0'+d.Number)) + " " + d.Why + "\n")
	}
	want := `2025-12-24 0 closed: day before Christmas by executive order (Executive Order of 2025-12-18)
2025-12-25 0 Christmas Day
2025-12-26 0 closed: day after Christmas by executive order (Executive Order of 2025-12-18)
2025-12-27 0 Saturday
2025-12-28 0 Sunday
2025-12-29 1 
2025-12-30 2 
`
	if b.String() != want {
		t.Errorf("the trace of a hold:\n%swant:\n%s", b.String(), want)
	}
	k = carrier(t).Deadline(On(2025, 12, 23), 1)
	if len(k.Days) != 1 || k.Days[0].Number != 1 || !strings.Contains(k.Days[0].Why, "taken as a business day") {
		t.Errorf("a deadline counts the closure and says so: %+v", k.Days)
	}
}

func TestObservedNewYear(t *testing.T) {
	if got := Holiday(On(2027, 12, 31)); got != "New Year's Day, observed" {
		t.Errorf("the Friday before a Saturday's New Year is %q", got)
	}
	if got := Holiday(On(2020, 6, 19)); got != "" {
		t.Errorf("Juneteenth was no holiday in 2020, but is %q", got)
	}
}

// The law I-07: what is due is never due after the same period held, and neither goes back when its start goes on.
//
// cite: P-44, P-47, 47 CFR 1.4
func TestDueNeverAfterHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := On(2020, 1, 1)
		closed := rapid.SliceOfNDistinct(rapid.IntRange(0, 365*30), 0, 60, rapid.ID).Draw(t, "closed")
		list := make([]Closure, 0, len(closed))
		for _, d := range closed {
			list = append(list, Closure{Date: start.Add(d), Why: "closed", Source: "drawn"})
		}
		c, err := New(list)
		if err != nil {
			t.Fatal(err)
		}
		from := start.Add(rapid.IntRange(0, 365*30).Draw(t, "from"))
		n := rapid.IntRange(0, 30).Draw(t, "n")
		due, hold := c.Deadline(from, n), c.HoldThrough(from, n)
		if due.Last.After(hold.Last) {
			t.Fatalf("%d business days from %s: due %s, held only through %s", n, from, due.Last, hold.Last)
		}
		later := from.Add(rapid.IntRange(0, 20).Draw(t, "later"))
		if c.Deadline(later, n).Last.Before(due.Last) {
			t.Fatalf("%d business days: due %s from %s, but earlier from %s", n, due.Last, from, later)
		}
		if c.HoldThrough(later, n).Last.Before(hold.Last) {
			t.Fatalf("%d business days: held through %s from %s, but shorter from %s", n, hold.Last, from, later)
		}
		none, err := New(nil)
		if err != nil {
			t.Fatal(err)
		}
		if none.Deadline(from, n).Last != due.Last {
			t.Fatalf("closures moved a deadline from %s to %s", none.Deadline(from, n).Last, due.Last)
		}
		counted := 0
		for _, d := range hold.Days {
			if d.Number > 0 {
				counted++
			} else if d.Why == "" {
				t.Fatalf("%s was skipped without a reason", d.Date)
			}
		}
		if counted != n {
			t.Fatalf("%d days counted, want %d", counted, n)
		}
	})
}

func TestDateMoments(t *testing.T) {
	newYork := eastern
	havana, err := time.LoadLocation("America/Havana")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		date  Date
		zone  *time.Location
		start string
	}{
		{On(2026, 12, 16), newYork, "2026-12-16T00:00:00-05:00"},
		{On(2026, 3, 8), newYork, "2026-03-08T00:00:00-05:00"},
		{On(2026, 3, 8), havana, "2026-03-08T01:00:00-04:00"}, // midnight is skipped there
	} {
		got := c.date.Start(c.zone)
		if got.Format(time.RFC3339) != c.start {
			t.Errorf("%s begins in %s at %s, want %s", c.date, c.zone, got.Format(time.RFC3339), c.start)
		}
		if end := c.date.Add(-1).End(c.zone); !end.Equal(got) {
			t.Errorf("the day before %s ends at %s", c.date, end)
		}
	}
}

// When the 20th is a Sunday the Monday is Martin Luther King's day as well, so no count can tell this rule's two cases apart.
//
// cite: 47 CFR 1.4(e), 5 USC 6103(c)
func TestInauguration(t *testing.T) {
	for _, c := range []struct {
		day  Date
		want bool
	}{
		{On(2021, 1, 20), true},
		{On(2021, 1, 21), false},
		{On(2013, 1, 20), false}, // a Sunday
		{On(2013, 1, 21), true},
		{On(2029, 1, 20), true}, // a Saturday
		{On(2029, 1, 19), false},
		{On(2022, 1, 20), false},
		{On(2021, 2, 20), false},
	} {
		if got := Inauguration(c.day); got != c.want {
			t.Errorf("%s is Inauguration Day: %v, want %v", c.day, got, c.want)
		}
	}
}
