package clock

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/workday"
)

// asked writes the reminders of one code as day/role, and checks that each says something.
func asked(t *testing.T, c Clocks, code string) string {
	t.Helper()
	var all []string
	for _, r := range c.Reminders {
		if r.Says == "" || len(r.Cites) == 0 {
			t.Errorf("a reminder says nothing: %+v", r)
		}
		if r.Code == code {
			all = append(all, r.On.String()[5:]+"/"+r.To)
		}
	}
	return strings.Join(all, " ")
}

// The steps of P-44, the officer from the fifth day on, and every day once it is late, without an end.
//
// cite: P-44, 47 CFR 64.2011(b), V15
func TestReportIsAskedFor(t *testing.T) {
	c := determined("2026-11-24 10:00") // business days 11-25, 11-27, 11-30, 12-01, 12-02, 12-03, 12-04
	for now, want := range map[string]string{
		"2026-11-24 11:00": "11-25/compliance",
		"2026-11-25":       "11-25/compliance 11-30/compliance",
		"2026-12-01":       "11-25/compliance 11-30/compliance 12-02/officer",
		"2026-12-02":       "11-25/compliance 11-30/compliance 12-02/officer 12-03/officer",
		"2026-12-20":       "11-25/compliance 11-30/compliance 12-02/officer 12-03/officer",
	} {
		same(t, now+" LE_DUE", asked(t, reckon(c, now, today()), "LE_DUE"), want)
	}
	for now, want := range map[string]string{
		"2026-12-02":       "",
		"2026-12-03":       "12-05/officer",
		"2026-12-04 23:59": "12-05/officer",
		"2026-12-05":       "12-05/officer 12-06/officer",
		"2026-12-07":       "12-05/officer 12-06/officer 12-07/officer 12-08/officer",
	} {
		same(t, now+" LATE_LE", asked(t, reckon(c, now, today()), "LATE_LE"), want)
	}
	year := reckon(c, "2027-12-05", today())
	same(t, "a year later it still asks", strings.Count(asked(t, year, "LATE_LE"), "officer"), 367)
	partial := reckon(c.reported("2026-12-01", FBI), "2026-12-02", today())
	same(t, "one agency is not enough", asked(t, partial, "LE_DUE"), "11-25/compliance 11-30/compliance 12-02/officer 12-03/officer")
	done := reckon(c.told("2026-12-01 10:00"), "2026-12-02", today())
	same(t, "done", asked(t, done, "LE_DUE")+asked(t, done, "LATE_LE"), "")
	late := reckon(c.told("2026-12-07 09:00"), "2026-12-20", today())
	same(t, "done late", asked(t, late, "LE_DUE")+asked(t, late, "LATE_LE"), "12-05/officer 12-06/officer 12-07/officer")
	evening := Reckon(c.told("2026-12-05 00:30"), at("2026-12-05 00:40"), today(), carrier(), pacific)
	same(t, "done late, on its own evening in California", asked(t, evening, "LATE_LE"), "12-05/officer")
	open := c
	open.Determined = time.Time{}
	same(t, "not determined", len(reckon(open, "2026-12-20", today()).Reminders), 0)

	both := reckon(determined("2026-12-31 10:00"), "2027-01-04 09:00", switched())
	same(t, "both rules ask once", asked(t, both, "LE_DUE"), "01-04/compliance 01-06/compliance")
	n := switched()
	n.Of2023.Escalate = 3
	both = reckon(determined("2026-12-31 10:00"), "2027-01-06 09:00", n)
	same(t, "and the officer before compliance", asked(t, both, "LE_DUE"), "01-04/compliance 01-06/officer 01-08/officer")
	long := reckon(determined("2026-12-10 10:00").told("2026-12-11 10:00"), "2027-01-04 09:00", switched())
	same(t, "after the first day of the rule", asked(t, long, "LATE_LE"), "01-05/officer")
}

// cite: P-47, 47 CFR 64.2011(c)
func TestCustomersAreAskedFor(t *testing.T) {
	c := determined("2026-11-24 10:00").told("2026-12-04 10:00") // from 12-16, by 12-24
	for now, want := range map[string]string{
		"2026-12-05": "12-16/compliance",
		"2026-12-16": "12-16/compliance 12-18/compliance",
		"2026-12-20": "12-16/compliance 12-18/compliance 12-19/compliance 12-20/compliance 12-21/compliance",
		"2026-12-24": "12-16/compliance 12-18/compliance 12-19/compliance 12-20/compliance 12-21/compliance 12-22/compliance 12-23/compliance 12-24/compliance",
	} {
		same(t, now+" CUSTOMERS_DUE", asked(t, reckon(c, now, today()), "CUSTOMERS_DUE"), want)
	}
	late := reckon(c, "2026-12-26", today())
	same(t, "late", asked(t, late, "CUSTOMERS_LATE"), "12-25/officer 12-26/officer 12-27/officer")
	same(t, "late", late.CustomersLate, true)
	same(t, "not late on the last day", reckon(c, "2026-12-24 23:59", today()).CustomersLate, false)
	same(t, "the first of January comes first", asked(t, reckon(c.directed("2026-12-10", "FBI", "2026-12-31", true), "2026-12-31", today()), "CUSTOMERS_DUE"), "01-01/compliance")
	held := reckon(c.directed("2026-12-10", "FBI", "2026-12-31", true), "2027-01-01", today())
	same(t, "a hold goes before", held.CustomersLate, false)
	same(t, "a hold goes before", asked(t, held, "CUSTOMERS_LATE"), "01-02/officer")
	same(t, "and is over", reckon(c.directed("2026-12-10", "FBI", "2026-12-31", true), "2027-01-02", today()).CustomersLate, true)
	oral := c.directed("2026-12-10", "FBI", "2026-12-21", false)
	same(t, "while a spoken direction keeps the hold", asked(t, reckon(oral, "2026-12-18", today()), "CUSTOMERS_DUE"), "12-22/compliance")
	oral.Directions[0].Dropped = at("2026-12-19 12:00")
	same(t, "dropped", asked(t, reckon(oral, "2026-12-19 12:00", today()), "CUSTOMERS_DUE"), "12-19/compliance 12-20/compliance")
	oral.Directions[0].Dropped, oral.Directions[0].Until = time.Time{}, day("2026-12-28")
	same(t, "a spoken one goes before as well", fmt.Sprint(reckon(oral, "2026-12-29", today()).CustomersLate, reckon(oral, "2026-12-30", today()).CustomersLate), "false true")
	none := reckon(determined("2026-11-24 10:00"), "2027-01-20", today())
	same(t, "while they must not be told nothing asks for it", asked(t, none, "CUSTOMERS_DUE")+asked(t, none, "CUSTOMERS_LATE"), "")
	same(t, "nor is it late", none.CustomersLate, false)

	for name, end := range map[string]func(*Case, string){
		"told":   func(c *Case, s string) { c.Told = at(s) },
		"closed": func(c *Case, s string) { c.Closed = at(s) },
	} {
		in, out := c, c
		end(&in, "2026-12-20")
		end(&out, "2026-12-26 10:00")
		got := reckon(in, "2027-01-20", today())
		same(t, name+" in time", fmt.Sprint(got.CustomersLate, asked(t, got, "CUSTOMERS_DUE")+asked(t, got, "CUSTOMERS_LATE")), "false")
		got = reckon(out, "2027-01-20", today())
		same(t, name+" late", asked(t, got, "CUSTOMERS_DUE")+asked(t, got, "CUSTOMERS_LATE"), "12-25/officer 12-26/officer")
		same(t, name+" late", got.CustomersLate, true)
		same(t, name+": the day stays", got.By, day("2026-12-24"))
	}
	told := c
	told.Told, told.Closed = at("2026-12-20"), at("2027-01-20")
	same(t, "closed long after they were told", reckon(told, "2027-01-21", today()).CustomersLate, false)
	told.Told, told.Closed = told.Closed, told.Told
	same(t, "closed before", reckon(told, "2027-01-21", today()).CustomersLate, false)
	key := sold()
	key.Encryption = KeySafe
	quiet := reckon(determined("2027-02-01 10:00", key).reported("2027-02-02", FCC, SecretService, FBI), "2027-04-01", switched())
	same(t, "nobody has to be told", asked(t, quiet, "CUSTOMERS_DUE")+asked(t, quiet, "CUSTOMERS_LATE"), "")
}

// cite: P-48, 47 CFR 64.2011(b)(3), V21
func TestWritingIsAskedFor(t *testing.T) {
	c := determined("2026-11-24 10:00").told("2026-12-04 10:00").directed("2026-12-14 09:00", "FBI", "2026-12-17", false)
	for now, want := range map[string]string{
		"2026-12-14 09:00": "12-14/compliance 12-15/compliance",
		"2026-12-16":       "12-14/compliance 12-15/compliance 12-16/compliance 12-17/compliance",
		"2026-12-17 23:59": "12-14/compliance 12-15/compliance 12-16/compliance 12-17/compliance",
		"2026-12-18":       "",
	} {
		same(t, now, asked(t, reckon(c, now, today()), "NEED_WRITING"), want)
	}
	same(t, "written", asked(t, reckon(c.directed("2026-12-15", "FBI", "2026-12-17", true), "2026-12-15", today()), "NEED_WRITING"), "")
}

// cite: 47 CFR 64.2011(a)(4), V27
func TestSummaryIsAskedFor(t *testing.T) {
	f := sold()
	f.Customers, f.Harm = 499, Unlikely
	c := determined("2027-12-20 10:00", f) // due 2028-02-01
	for now, want := range map[string]string{
		"2027-12-20 11:00": "01-02/compliance",
		"2028-01-18":       "01-02/compliance 01-18/compliance 01-25/compliance",
		"2028-02-01":       "01-02/compliance 01-18/compliance 01-25/compliance 01-31/compliance",
	} {
		same(t, now+" SUMMARY_DUE", asked(t, reckon(c, now, switched()), "SUMMARY_DUE"), want)
	}
	same(t, "before the determination nothing was due", asked(t, reckon(determined("2027-12-03 10:00", f), "2028-01-01", switched()), "SUMMARY_DUE"), "12-03/compliance 01-02/compliance")
	same(t, "late", asked(t, reckon(c, "2028-02-03", switched()), "SUMMARY_LATE"), "02-02/officer 02-03/officer 02-04/officer")
	c.Closed = at("2028-01-01")
	same(t, "a closed file belongs into it all the same", asked(t, reckon(c, "2028-02-03", switched()), "SUMMARY_LATE"), "02-02/officer 02-03/officer 02-04/officer")
	c.Summarized = at("2028-01-30")
	done := reckon(c, "2028-02-03", switched())
	same(t, "filed", asked(t, done, "SUMMARY_DUE")+asked(t, done, "SUMMARY_LATE"), "")
	c.Summarized = at("2028-02-02 12:00")
	done = reckon(c, "2028-03-03", switched())
	same(t, "filed late", asked(t, done, "SUMMARY_DUE")+asked(t, done, "SUMMARY_LATE"), "02-02/officer")
	sunday := determined("2025-12-20 10:00", f) // the first of February 2026 is a Sunday
	n := switched()
	n.Of2023.Spans = n.Of2007.Spans
	same(t, "rolled", reckon(sunday, "2026-01-02", n).SummaryBy, day("2026-02-02"))
}

// Every clock has its line, which shows each day from its beginning to its end; and the reasons name what they rest on.
//
// cite: P-44, P-47, P-48, 47 CFR 1.4
func TestLines(t *testing.T) {
	c := determined("2026-11-24 10:00").told("2026-12-04 10:00").directed("2026-12-10 09:00", "FBI", "2027-01-09", true).lifted("2026-12-20", "FBI").
		directed("2026-12-11 09:00", "USSS", "2026-12-18", false)
	got := reckon(c, "2026-12-21", today())
	want := map[string]string{
		"agencies":                           "2026-11-24 2026-12-04 10 deadline",
		"hold":                               "2026-12-04 2026-12-15 11 hold",
		"direction FBI directed in writing":  "2026-12-10 2027-01-09 30 ",
		"direction USSS asked by word of mo": "2026-12-11 2026-12-18 7 ",
		"customers":                          "2026-11-24 2026-12-24 30 ",
	}
	for _, l := range got.Lines {
		name := l.Name
		if name == "direction" {
			name = (name + " " + l.Says)[:34]
			name = strings.TrimSuffix(name, " ")
		}
		if name == "direction FBI directed in writing" && !strings.Contains(l.Says, "It ended on 2026-12-20") {
			t.Errorf("a lift is not shown: %s", l.Says)
		}
		same(t, name, fmt.Sprintf("%s %s %d %s", l.Count.From, l.Count.Last, len(l.Count.Days), l.Count.Calendar), want[name])
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("there is no line for %v", want)
	}
	urgent := determined("2026-11-24 10:00").told("2026-12-04 10:00")
	urgent.Reports[0].Urgent, urgent.Consulted = true, []Consultation{{at("2026-12-05"), "FBI"}}
	if l := reckon(urgent, "2026-12-06", today()).Lines; !slices.ContainsFunc(l, func(l Line) bool { return strings.Contains(l.Says, "urgent need") }) {
		t.Errorf("an urgent need is not shown: %v", l)
	}
	f := sold()
	f.Customers, f.Harm = 499, Unlikely
	small := reckon(determined("2025-12-20 10:00", f), "2026-01-02", func() Numbers { n := switched(); n.Of2023.Spans = n.Of2007.Spans; return n }())
	i := slices.IndexFunc(small.Lines, func(l Line) bool { return l.Name == "summary" })
	if i < 0 || !strings.Contains(small.Lines[i].Says, "best by 2026-01-30") || len(small.Lines[i].Count.Days) != 2 || small.Lines[i].Count.Days[0].Why != "Sunday" {
		t.Errorf("the summary of a year whose day is a Sunday: %+v", small.Lines)
	}
	long := reckon(determined("2026-12-01 10:00").told("2026-12-03 10:00"), "2027-01-04 12:00", switched())
	if !strings.Contains(long.Lines[0].Says, "no sooner than the rule is in force") {
		t.Errorf("the first day of the rule is not shown: %s", long.Lines[0].Says)
	}
}

// Reckon gives the same however often it is asked, changes nothing that it is given, and does not need the desk to have been there: after
// a month without power it says what it would have said.
//
// cite: P-44, I-04
func TestReckoningKeepsNothing(t *testing.T) {
	c := determined("2026-12-31 10:00").reported("2027-01-12", FBI, FCC).directed("2027-01-05", "FBI", "2027-01-20", false).directed("2027-01-06", "USSS", "2027-02-20", true)
	c.Reports = append(c.Reports, Report{At: at("2027-01-11"), Agencies: []Agency{SecretService}})
	was := fmt.Sprintf("%+v", c)
	first := reckon(c, "2027-02-15", switched())
	for now := at("2026-12-01"); now.Before(at("2027-03-01")); now = now.Add(37 * time.Hour) {
		Reckon(c, now, switched(), carrier(), eastern)
	}
	if again := reckon(c, "2027-02-15", switched()); !reflect.DeepEqual(first, again) {
		t.Errorf("asked again:\n%+v\n%+v", first, again)
	}
	same(t, "the case", fmt.Sprintf("%+v", c), was)
	first.Agencies[0] = "somebody"
	same(t, "what it gives is its own", reckon(c, "2027-02-15", switched()).Agencies[0], FCC)
	same(t, "the version of the calendars is in it", first.Lines[0].Count.Version, carrier().Version())
	for _, l := range first.Lines {
		if l.Count.Calendar == workday.HoldCalendar && l.From.IsZero() {
			t.Errorf("the hold does not say when it began: %+v", l)
		}
	}
}
