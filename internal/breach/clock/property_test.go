package clock

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

var zones = []string{"America/Los_Angeles", "America/Denver", "America/New_York", "America/Puerto_Rico", "Pacific/Guam"}

// drawn is a world and a case in it.
type drawn struct {
	c      Case
	n      Numbers
	cal    *workday.Calendars
	zone   *time.Location
	second naive
	about  []time.Time // moments at which it is worth looking
}

// draw makes a world and a case out of choices; pick chooses a whole number from the first to the last that it is given.
func draw(pick func(what string, from, to int) int) drawn {
	const first, last = 2021, 2050
	d := drawn{zone: in(zones[pick("zone", 0, len(zones)-1)]), n: today()}
	begin := ymd(first, 1, 1) + pick("day", 0, ymd(last+1, 1, 1)-ymd(first, 1, 1)-1)
	hours := []int{0, 1, 59, 119, 4*60 + 59, 5 * 60, 9 * 60, 12 * 60, 14 * 60, 21*60 + 30, 1439}
	moment := func(what string, from, to int) time.Time {
		day := dated(begin + pick(what, from, to))
		return time.Date(day.Year, day.Month, day.Day, 0, hours[pick(what+" minute", 0, len(hours)-1)], 0, 0, d.second.zones[pick(what+" wall", 0, 1)])
	}
	d.second = naive{zones: [2]*time.Location{eastern, d.zone}, closed: map[int]bool{}, switches: never}
	var closures []workday.Closure
	for range pick("closures", 0, 4) {
		if n := begin + pick("closure", 0, 60); !d.second.closed[n] {
			d.second.closed[n] = true
			closures = append(closures, workday.Closure{Date: dated(n), Why: "closed", Source: "drawn"})
		}
	}
	var err error
	if d.cal, err = workday.New(closures); err != nil {
		panic(err)
	}
	if pick("switched", 0, 3) > 0 {
		d.second.switches = begin + pick("switch", -60, 60)
		day := dated(d.second.switches)
		d.n.Of2007.Spans = []rules.Span{{From: workday.Date{Year: 2007, Month: 12, Day: 8}, Until: day}}
		d.n.Of2023.Spans = []rules.Span{{From: day}}
	}

	c := &d.c
	c.Discovered = moment("discovered", -10, 0)
	if pick("is determined", 0, 9) > 0 {
		c.Determined = moment("determined", 0, 3)
		if pick("others say so earlier", 0, 5) == 0 {
			c.Earlier = dated(begin - pick("earlier", -2, 20))
		}
	}
	facts := Facts{At: c.Discovered, Outcome: Disclosed, Intentional: Yes, CPNI: true, Customers: 499, Harm: Unlikely, Basis: true}
	for i := range pick("facts", 1, 4) {
		if i > 0 {
			facts.At = moment("facts", -5, 40)
		}
		for range pick("changes", 1, 3) {
			change(&facts, pick)
		}
		c.Facts = append(c.Facts, facts)
	}
	for range pick("reports", 0, 4) {
		of := [][]Agency{{SecretService, FBI}, {FCC, SecretService, FBI}, {FCC}, {FBI}, {SecretService}, {FCC, SecretService, FBI}}
		c.Reports = append(c.Reports, Report{At: moment("report", -2, 20), Agencies: of[pick("to", 0, len(of)-1)], Urgent: pick("urgent", 0, 3) == 0})
	}
	agencies := []string{"FBI", "USSS", "FCC"}
	for range pick("directions", 0, 3) {
		g := Direction{At: moment("direction", 0, 40), Agency: agencies[pick("agency", 0, 2)], Written: pick("written", 0, 1) == 0, Until: dated(begin + pick("until", 0, 90))}
		if !g.Written && pick("dropped", 0, 2) == 0 {
			g.Dropped = moment("dropped", 0, 60)
			if g.Dropped.Before(g.At) {
				g.Dropped = g.At
			}
		}
		c.Directions = append(c.Directions, g)
	}
	for range pick("lifts", 0, 2) {
		c.Lifts = append(c.Lifts, Lift{At: moment("lift", 0, 60), Agency: agencies[pick("agency", 0, 2)]})
	}
	for range pick("consultations", 0, 2) {
		c.Consulted = append(c.Consulted, Consultation{At: moment("consultation", 0, 20), Agency: "FBI"})
	}
	if pick("closed", 0, 4) == 0 {
		c.Closed = moment("close", 10, 60)
	}
	slices.SortStableFunc(c.Facts, func(a, b Facts) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(c.Reports, func(a, b Report) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(c.Directions, func(a, b Direction) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(c.Lifts, func(a, b Lift) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(c.Consulted, func(a, b Consultation) int { return a.At.Compare(b.At) })
	for range 4 {
		d.about = append(d.about, moment("now", 0, 70))
	}
	d.about = append(d.about, c.Determined, c.Closed)
	for _, p := range c.Reports {
		d.about = append(d.about, p.At)
	}
	for _, g := range c.Directions {
		d.about = append(d.about, g.At, g.Dropped)
	}
	for _, l := range c.Lifts {
		d.about = append(d.about, l.At)
	}
	for _, f := range c.Facts {
		d.about = append(d.about, f.At)
	}
	return d
}

// change draws one of the facts anew.
func change(f *Facts, pick func(string, int, int) int) {
	truths := []Truth{Yes, No, Unknown}
	switch pick("fact", 0, 9) {
	case 0:
		f.Outcome = []Outcome{Attempted, Accessed, Used, Disclosed}[pick("outcome", 0, 3)]
	case 1:
		f.Intentional = truths[pick("intentional", 0, 2)]
	case 2:
		f.GoodFaith = truths[pick("good faith", 0, 2)]
	case 3:
		f.CPNI = !f.CPNI
	case 4:
		f.Personal = !f.Personal
	case 5:
		f.Encryption = []Encryption{Plain, KeyUnknown, KeySafe}[pick("encryption", 0, 2)]
	case 6, 7:
		f.Customers = []int{0, 1, 499, 500, 9000}[pick("customers", 0, 4)]
	case 8:
		f.Harm = []Harm{Unlikely, Likely, HarmUnknown}[pick("harm", 0, 2)]
	case 9:
		f.Basis = !f.Basis
	}
}

// known is c as it was on record at now.
func (c Case) known(now time.Time) Case {
	clear := func(t *time.Time) {
		if t.After(now) {
			*t = time.Time{}
		}
	}
	clear(&c.Determined)
	clear(&c.Closed)
	c.Facts = slices.DeleteFunc(slices.Clone(c.Facts), func(f Facts) bool { return f.At.After(now) })
	c.Reports = slices.DeleteFunc(slices.Clone(c.Reports), func(p Report) bool { return p.At.After(now) })
	c.Directions = slices.DeleteFunc(slices.Clone(c.Directions), func(d Direction) bool { return d.At.After(now) })
	for i := range c.Directions {
		clear(&c.Directions[i].Dropped)
	}
	c.Lifts = slices.DeleteFunc(slices.Clone(c.Lifts), func(l Lift) bool { return l.At.After(now) })
	c.Consulted = slices.DeleteFunc(slices.Clone(c.Consulted), func(q Consultation) bool { return q.At.After(now) })
	return c
}

// line writes what is compared, so that both sides are words.
func line(kind Kind, counts string, agencies []Agency, by, summary, customers, windowBy workday.Date, late, must bool, hold string, reported, from, windowFrom time.Time) string {
	agencies = slices.Sorted(slices.Values(agencies))
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format(time.RFC3339)
	}
	when := func(d workday.Date) string {
		if d.IsZero() {
			return "-"
		}
		return d.String()
	}
	return fmt.Sprintf("%s under %s; to %v by %s (late %v), reported %s; summary %s; hold %q, from %s; must %v by %s; window %s to %s", kind, counts, agencies, when(by), late, stamp(reported),
		when(summary), hold, stamp(from), must, when(customers), stamp(windowFrom), when(windowBy))
}

func (a answer) String() string {
	day := func(n int) workday.Date {
		if n == 0 {
			return workday.Date{}
		}
		return dated(n)
	}
	var counts []string
	for i, l := range a.laws {
		if l.counts {
			counts = append(counts, string([]Profile{Rule2007, Rule2023}[i]))
		}
	}
	return line(a.kind, strings.Join(counts, " and "), a.agencies, day(a.agenciesBy), day(a.summary), day(a.by), day(a.windowBy), a.late, a.must, a.hold, a.reported, a.from, a.windowFrom)
}

func (c Clocks) String() string {
	var counts []string
	for _, p := range c.Counting {
		counts = append(counts, string(p))
	}
	return line(c.Kind, strings.Join(counts, " and "), c.Agencies, c.AgenciesBy, c.SummaryBy, c.By, c.WindowBy, c.Late, c.Must, c.Hold, c.Reported, c.From, c.WindowFrom)
}

// compare reckons d twice at each moment worth looking at, and says where the two differ.
func (d drawn) compare() string {
	for _, about := range d.about {
		for _, now := range []time.Time{about.Add(-time.Minute), about, about.Add(time.Minute)} {
			c := d.c.known(now)
			if about.IsZero() || len(c.Facts) == 0 {
				continue
			}
			got, want := Reckon(c, now, d.n, d.cal, d.zone).String(), d.second.reckon(c, now).String()
			if got != want {
				return fmt.Sprintf("at %s in %s, switched on %s:\n%+v\n we say %s\nnaively %s", now.UTC(), d.zone, dated(d.second.switches), c, got, want)
			}
		}
	}
	return ""
}

// The clocks are as a second, naive implementation has them, which goes through the days one by one: over thirty years of random
// determinations, reports, directions, lifts, closures and zones.
//
// cite: P-43, P-44, P-47, P-48, I-07, I-08, 47 CFR 64.2011, 47 CFR 1.4
func TestClocksTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(func(what string, from, to int) int { return rapid.IntRange(from, to).Draw(t, what) })
		if differs := d.compare(); differs != "" {
			t.Fatal(differs)
		}
	})
}

// The same over many cases that are drawn evenly, which rapid does not do; and over as many in which much happens in one moment.
//
// cite: P-43, P-44, P-47, P-48, I-07, I-08, 47 CFR 64.2011, 47 CFR 1.4
func TestClocksTwiceEvenly(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2011))
	seen := map[string]int{}
	for i := range 200 {
		d := draw(func(what string, from, to int) int {
			if i%2 == 1 && what != "day" && what != "zone" {
				to = min(to, from+2)
			}
			return from + r.IntN(to-from+1)
		})
		if differs := d.compare(); differs != "" {
			t.Fatal(differs)
		}
		for _, now := range d.about {
			if c := d.c.known(now); len(c.Facts) > 0 && !now.IsZero() {
				got := Reckon(c, now, d.n, d.cal, d.zone)
				seen[got.Hold+"/"+string(got.Kind)]++
				seen[fmt.Sprint("late ", got.Late)]++
				seen[fmt.Sprint("rules ", len(got.Counting))]++
				seen[fmt.Sprint("summary ", !got.SummaryBy.IsZero())]++
				seen[fmt.Sprint("window ", !got.WindowFrom.IsZero())]++
			}
		}
	}
	for _, what := range []string{"LE_HOLD/breach", "NEED_WRITING/breach", "/breach", "/register-entry", "/attempt", "late true", "rules 2", "summary true", "window true"} {
		if seen[what] < 10 {
			t.Errorf("%q was drawn %d times: too seldom for the comparison to say anything; %v", what, seen[what], seen)
		}
	}
}

// Every day of thirty years: until when the agencies are told, and until when customers wait; the first never after the second, and neither
// going back as its beginning goes on.
//
// cite: P-44, P-47, I-07, 47 CFR 64.2011(b), 47 CFR 64.2011(b)(1), 47 CFR 1.4
func TestEveryDayOfThirtyYears(t *testing.T) {
	cal, v := closing(), naive{zones: [2]*time.Location{eastern, eastern}, switches: never}
	var lastBy, lastHold workday.Date
	n := today()
	for day := ymd(2021, 1, 1); day < ymd(2051, 1, 1); day++ {
		d := dated(day)
		noon := time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, eastern)
		c := Case{Discovered: noon, Determined: noon, Facts: []Facts{sold()}, Reports: []Report{{At: noon, Agencies: []Agency{SecretService, FBI}}}}
		got := Reckon(c, noon, n, cal, eastern)
		if want := dated(v.after(day, 7)); got.AgenciesBy != want {
			t.Fatalf("determined %s: to be reported by %s, naively %s (64.2011(b))", d, got.AgenciesBy, want)
		}
		through, left := day, 7
		for left > 0 {
			if through++; v.open(through, true) {
				left--
			}
		}
		hold := workday.DateIn(got.From, eastern).Add(-1)
		if hold != dated(through) || !got.From.Equal(v.midnights(through + 1)[0]) {
			t.Fatalf("reported %s: held through %s, naively %s (64.2011(b)(1))", d, hold, dated(through))
		}
		if got.AgenciesBy.After(hold) || got.AgenciesBy.Before(lastBy) || hold.Before(lastHold) {
			t.Fatalf("from %s: due %s, held through %s; from the day before %s and %s (I-07)", d, got.AgenciesBy, hold, lastBy, lastHold)
		}
		lastBy, lastHold = got.AgenciesBy, hold
	}
}
