package office_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
	"ringfence/internal/watch"
)

// How much ordinary traffic the figures rest on. docs/watch.md gives those of 40 agents and 20 days; the test that runs
// each time takes less of the same.
var (
	agentsOnDuty = flag.Int("agents", 8, "agents in the ordinary traffic of TestOrdinaryTraffic")
	daysOfWork   = flag.Int("days", 10, "working days of it, at least 8")
	seedOfIt     = flag.Uint64("seed", 20260302, "of its chance")
	popularOfAll = flag.Float64("popular", 3, "of a hundred wrong secrets, how many are among the four that many people try")
)

// traffic is a carrier's days, made by chance from a seed: people who call, agents who serve them in shifts and now and then
// slip, and those who do what they should not.
type traffic struct {
	*officetest.Office
	t         *testing.T
	r         *rand.Rand
	agents    []cpni.ID
	fraud     cpni.ID
	customers []cpni.ID
	frequent  []cpni.ID // who call every other day
	events    []happening
	contacts  int
	wrong     map[string]func(watch.Alert) bool // who was planted, and how their alert is known
}

// happening is something at a moment of a day.
type happening struct {
	at time.Time
	do func()
}

func (f *traffic) at(at time.Time, do func()) { f.events = append(f.events, happening{at, do}) }

// run lets a day happen, in the order of its moments. Watch looks every hour.
func (f *traffic) run() {
	slices.SortStableFunc(f.events, func(a, b happening) int { return a.at.Compare(b.at) })
	next := time.Time{}
	for _, e := range f.events {
		if d := e.at.Sub(f.Time.Now()); d > 0 {
			f.Time.Add(d)
		}
		if f.Time.Now().After(next) {
			looked(f.t, f.Office)
			next = f.Time.Now().Add(time.Hour)
		}
		e.do()
	}
	f.events = f.events[:0]
}

func (f *traffic) chance(percent float64) bool { return f.r.Float64()*100 < percent }

func (f *traffic) between(from, to time.Duration) time.Duration {
	return from + time.Duration(f.r.Int64N(int64(to-from)))
}

func (f *traffic) anybody() cpni.ID {
	if f.chance(4) {
		return f.frequent[f.r.IntN(len(f.frequent))]
	}
	return f.customers[f.r.IntN(len(f.customers))]
}

func (f *traffic) view(by, of cpni.ID) {
	if err := f.Viewed(f.t.Context(), by, watch.Card, of); err != nil {
		f.t.Fatal(err)
	}
}

func (f *traffic) opens(by, with cpni.ID) cpni.ID {
	return f.Contact(f.t, by, with)
}

func (f *traffic) proves(in cpni.ID, secret string) {
	if _, err := f.Contacts.Authenticate(f.t.Context(), in, contact.Proof{Password: secret}); err != nil && !strings.Contains(err.Error(), "reject") {
		f.t.Fatal(err)
	}
}

func (f *traffic) asks(by, in cpni.ID) {
	if _, err := f.Door.Disclose(f.t.Context(), officetest.AskCalls(by, in)); err != nil {
		f.t.Fatal(err)
	}
}

// popular are wrong secrets that many people try.
var popular = []string{"password 1", "qwerty 123", "letmein now", "sunshine 7"}

// serve is one call from the card to the end, as it goes: most people know their password, some not at once, some never;
// some only have a question.
func (f *traffic) serve(by cpni.ID, at time.Time) {
	who := f.anybody()
	if f.chance(1.2) { // a slip of the hand: another's card first
		f.at(at, func() { f.view(by, f.anybody()) })
		at = at.Add(15 * time.Second)
	}
	f.contacts++
	var in cpni.ID
	f.at(at, func() { f.view(by, who) })
	f.at(at.Add(10*time.Second), func() { in = f.opens(by, who) })
	wrong := func() string {
		if f.chance(*popularOfAll) {
			return popular[f.r.IntN(len(popular))]
		}
		return "wrong " + string(cpni.NewID())
	}
	say := func(after time.Duration, secret string) { f.at(at.Add(after), func() { f.proves(in, secret) }) }
	ask := func(after time.Duration) { f.at(at.Add(after), func() { f.asks(by, in) }) }
	if f.chance(5) {
		ask(20 * time.Second) // too early
	}
	switch n := f.r.Float64() * 100; {
	case n < 15: // only a question
	case n < 85:
		say(40*time.Second, officetest.Password)
		ask(time.Minute)
	case n < 93:
		say(40*time.Second, wrong())
		say(55*time.Second, officetest.Password)
		ask(80 * time.Second)
	default:
		say(40*time.Second, wrong())
		say(55*time.Second, wrong())
		ask(80 * time.Second)
	}
	f.at(at.Add(3*time.Minute), func() {
		if err := f.Contacts.End(f.t.Context(), in); err != nil {
			f.t.Fatal(err)
		}
	})
	if f.chance(6) { // work afterwards
		f.at(at.Add(f.between(4*time.Minute, time.Hour)), func() { f.view(by, who) })
	}
}

// workDay is what one day brings to everybody.
func (f *traffic) workDay(day time.Time, n int) {
	for i, a := range f.agents {
		if (i+n)%6 == 5 {
			continue // their day off
		}
		begin := day.Add([]time.Duration{8 * time.Hour, 10 * time.Hour, 12*time.Hour + 30*time.Minute}[i%3])
		end := begin.Add(8 * time.Hour)
		pause := begin.Add(f.between(3*time.Hour, 5*time.Hour))
		pace := f.between(6*time.Minute, 10*time.Minute) // of this day: some days are busy
		for at := begin.Add(f.between(0, 5*time.Minute)); at.Before(end); at = at.Add(f.between(pace/2, pace*3/2)) {
			if at.After(pause) && at.Before(pause.Add(40*time.Minute)) {
				continue
			}
			f.serve(a, at)
		}
		if f.chance(15) { // a call back to somebody who does not answer
			f.at(begin.Add(f.between(time.Hour, 7*time.Hour)), func() { f.view(a, f.anybody()) })
		}
		if i%3 == 2 && f.chance(5) { // one more call after the doors have closed
			f.serve(a, day.Add(21*time.Hour).Add(f.between(0, 10*time.Minute)))
		}
	}
	for range 25 {
		f.at(day.Add(f.between(9*time.Hour, 17*time.Hour)), func() { f.view(f.fraud, f.anybody()) })
	}
}

// plant has people do what they should not, on days of the period.
func (f *traffic) plant(day time.Time, n int) {
	about := func(name, detector string, is func(watch.Alert) bool) {
		f.wrong[name] = func(a watch.Alert) bool { return a.Detector == detector && is(a) }
	}
	by := func(who cpni.ID) func(watch.Alert) bool { return func(a watch.Alert) bool { return a.Member == who } }
	victim := func(i int) cpni.ID { return f.customers[i] }
	decoy, colleague, own := victim(len(f.customers)-1), victim(len(f.customers)-2), victim(len(f.customers)-3)
	curious, bribed, hurried, late, haunting, snooping := f.agents[0], f.agents[1], f.agents[2], f.agents[3], f.agents[4], f.agents[5]
	if n >= 2 { // five a day, as long as it lasts, among the ordinary ones
		about("five cards a day without a contact", "no-contact", by(bribed))
		for range 5 {
			f.at(day.Add(f.between(9*time.Hour, 16*time.Hour)), func() { f.view(bribed, f.anybody()) })
		}
	}
	switch n {
	case 3:
		about("ten curious cards in a day", "no-contact", by(curious))
		for i := range 10 {
			f.at(day.Add(9*time.Hour).Add(time.Duration(i)*35*time.Minute), func() { f.view(curious, victim(10+i)) })
		}
	case 4:
		about("130 customers in a day", "burst", by(hurried))
		for i := range 130 {
			f.at(day.Add(8*time.Hour).Add(time.Duration(i)*4*time.Minute), func() { f.opens(hurried, victim(100+i)) })
		}
		about("five customers at night", "after-hours", by(late))
		for i := range 5 {
			f.at(day.Add(23*time.Hour).Add(time.Duration(i)*9*time.Minute), func() { f.opens(late, victim(300+i)) })
		}
	case 5, 6:
		about("a pretexter who asks for one customer", "refusals", func(a watch.Alert) bool { return a.Customer == victim(0) })
		for i := range 2 {
			at, a := day.Add(10*time.Hour).Add(time.Duration(i)*3*time.Hour), f.agents[(n+i)%len(f.agents)]
			var in cpni.ID
			f.at(at, func() { in = f.opens(a, victim(0)) })
			f.at(at.Add(time.Minute), func() { f.asks(a, in) })
			f.at(at.Add(2*time.Minute), func() { f.asks(a, in) })
		}
	case 7:
		about("one secret on twelve customers", "one-secret", func(a watch.Alert) bool {
			return a.Raised.After(day.Add(14*time.Hour)) && a.Raised.Before(day.Add(17*time.Hour))
		})
		for i := range 12 {
			who := victim(400 + i)
			f.at(day.Add(14*time.Hour).Add(time.Duration(i)*3*time.Minute), func() {
				s, err := f.Contacts.Open(f.t.Context(), contact.Opening{Customer: who, Channel: cpni.Online, Source: "192.0.2.7"})
				if err != nil {
					f.t.Fatal(err)
				}
				f.proves(s.ID, "letmein now")
			})
		}
		about("a decoy opened", "decoy", by(snooping))
		f.at(day.Add(15*time.Hour), func() { f.view(snooping, decoy) })
		about("a colleague's card", "colleague", func(a watch.Alert) bool { return a.Member == snooping })
		f.at(day.Add(15*time.Hour+5*time.Minute), func() { f.view(snooping, colleague) })
		about("their own account", "colleague", by(late))
		f.at(day.Add(16*time.Hour), func() { f.opens(late, own) })
	}
	if n >= 1 && n <= 7 {
		about("the same customer on seven days", "again", by(haunting))
		f.at(day.Add(11*time.Hour), func() { f.opens(haunting, victim(1)) })
	}
}

// Of ordinary traffic few alarms come, and everybody who was planted in it is noticed. The numbers are those of
// docs/watch.md, which tells how to have them counted for 40 agents and 20 days.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestOrdinaryTraffic(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	f := &traffic{Office: o, t: t, r: rand.New(rand.NewPCG(*seedOfIt, 1)), wrong: map[string]func(watch.Alert) bool{}}
	start := time.Date(2027, 3, 1, 0, 0, 0, 0, officetest.Zone) // a Monday
	o.Time.Add(start.Sub(o.Time.Now()))
	for range *agentsOnDuty {
		f.agents = append(f.agents, o.Member(t, cpni.RoleAgent))
	}
	f.fraud = o.Member(t, cpni.RoleFraud)
	secret := o.Secrets.Secret(officetest.Password)
	for i := range max(1200, *agentsOnDuty*150) {
		id, err := o.Customers.Create(t.Context(), customer.Profile{Name: fmt.Sprintf("Customer %d", i), Account: fmt.Sprintf("T-%d", i), Since: start.AddDate(-3, 0, 0),
			Lines:       []customer.Line{{Number: fmt.Sprintf("+1303555%04d", i), Categories: []cpni.Category{cpni.Local}, Since: start.AddDate(-3, 0, 0)}},
			Credentials: customer.Credentials{Password: &secret}}, "test")
		if err != nil {
			t.Fatal(err)
		}
		f.customers = append(f.customers, id)
	}
	f.frequent = f.customers[len(f.customers)-60 : len(f.customers)-20]
	last := len(f.customers) - 1
	for _, err := range []error{o.Watch.SetDecoy(t.Context(), f.customers[last], true, "test"), o.Watch.SetKin(t.Context(), f.agents[6], f.customers[last-1], true, "test"),
		o.Watch.SetKin(t.Context(), f.agents[3], f.customers[last-2], true, "test")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	known := f.customers
	f.customers = known[:last-2] // those three nobody calls for
	day := start
	for n := range *daysOfWork {
		f.workDay(day, n)
		f.customers = known
		f.plant(day, n)
		f.customers = known[:last-2]
		f.run()
		if day = day.AddDate(0, 0, 1); day.Weekday() == time.Sunday {
			day = day.AddDate(0, 0, 1)
		}
	}
	o.Time.Add(24 * time.Hour)
	looked(t, o)

	var all []watch.Alert
	for before := cpni.ID(""); ; {
		some, err := o.Watch.Alerts(t.Context(), watch.Filter{Before: before, Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
		if len(some) < 500 {
			break
		}
		before = some[499].ID
	}
	hits, alarms, perDetector := map[string]watch.Alert{}, 0, map[string]int{}
	for _, a := range all {
		planted := false
		for name, is := range f.wrong {
			if is(a) {
				planted = true
				if first, ok := hits[name]; !ok || a.Raised.Before(first.Raised) {
					hits[name] = a
				}
			}
		}
		if !planted && !f.alsoOf(a) {
			alarms++
			perDetector[a.Detector]++
		}
	}
	thousand := float64(alarms) * 1000 / float64(f.contacts)
	month := float64(alarms) / float64(*agentsOnDuty) * 20 / float64(*daysOfWork)
	t.Logf("%d agents, %d days, %d ordinary contacts, seed %d", *agentsOnDuty, *daysOfWork, f.contacts, *seedOfIt)
	t.Logf("false alarms: %d, that is %.2f per 1,000 contacts and %.2f an agent a month; by detector %v", alarms, thousand, month, perDetector)
	for name := range f.wrong {
		a, ok := hits[name]
		if !ok {
			t.Errorf("not noticed: %s", name)
			continue
		}
		t.Logf("noticed: %-45s %-12s %d entries, raised %s", name, a.Detector, a.Evidence, a.Raised.In(officetest.Zone).Format("Mon 2 Jan 15:04"))
	}
	if a, ok := hits["ten curious cards in a day"]; ok {
		found, err := o.Watch.Case(t.Context(), a.ID, f.fraud)
		if err != nil {
			t.Fatal(err)
		}
		curious := map[cpni.ID]bool{}
		for _, e := range found.Entries {
			if i := slices.Index(known[10:20], e.Customer); i >= 0 && e.Kind == ledger.Lookup {
				curious[e.Customer] = true
			}
		}
		if len(curious) != 10 {
			t.Errorf("of ten curious look-ups %d are in the alert", len(curious))
		}
	}
	if a, ok := hits["five cards a day without a contact"]; ok && a.Raised.After(start.AddDate(0, 0, 2+7)) {
		t.Errorf("who takes five a day was noticed only at %s", a.Raised)
	}
	if month > 0.5 || thousand > 1 {
		t.Errorf("%.2f false alarms an agent a month, %.2f per 1,000 contacts: at most 0.5 and 1", month, thousand)
	}
}

// alsoOf reports whether an alert is about somebody who was planted, though not the one that was meant: it is no false
// alarm that a pretexter is noticed as a pretext as well.
func (f *traffic) alsoOf(a watch.Alert) bool {
	switch a.Member {
	case f.agents[1], f.agents[2], f.agents[3], f.agents[4], f.agents[5]:
		return a.Detector == "burst" && a.Member == f.agents[2] || a.Detector == "no-contact" && (a.Member == f.agents[1]) || a.Detector == "colleague" || a.Detector == "decoy"
	}
	return a.Detector == "pretext" && (a.Customer == f.customers[0] || slices.Contains(f.customers[400:412], a.Customer))
}
