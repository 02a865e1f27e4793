package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/breach"
	clocks "ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// incidentFile is what stands at the top of every page of a file.
type incidentFile struct {
	page
	Address, Number, Called string
	Exercise                bool
	Ahead                   string // the day that it is in a rehearsal
	Chips                   []chip
	Tabs                    []navItem
	Key                     cpni.ID // names what the forms of the page do
	Version                 string
	May                     bool // the person may change the file
	Open                    bool // the file is
	i                       *breach.Incident
	c                       clocks.Clocks
}

// incidentTabs are the pages of a file.
var incidentTabs = []option{{"", "Overview"}, {"/customers", "Whose data"}, {"/report", "Report"}, {"/agencies", "Agencies"}, {"/telling", "Telling"}, {"/papers", "Papers"}, {"/closing", "Closing"}, {"/history", "History"}}

// incidentFile begins a page of a file.
//
// cite: P-43, P-47, P-49
func (v *visit) incidentFile(i *breach.Incident, tab string) incidentFile {
	c := v.office.Incidents.Clocks(i)
	f := incidentFile{page: v.page(i.Number, "/incidents"), Address: incidentAddress(i.ID), Number: i.Number, Called: i.Facts.Title, Exercise: i.Exercise, Key: cpni.NewID(), Version: strconv.FormatInt(i.Version, 10),
		May: v.member.May(staff.HandleIncidents), Open: i.Closed.IsZero(), i: i, c: c}
	f.Chips = append(f.Chips, incidentKinds[c.Kind], v.holdText(i, c))
	if c.Late {
		f.Chips = append(f.Chips, chip{"Agencies told late", "bad"})
		if c.Reported.IsZero() {
			f.Chips[len(f.Chips)-1].Text = "Report to the agencies is late"
		}
	}
	if c.CustomersLate {
		f.Chips = append(f.Chips, chip{"Customers told late", "bad"})
	}
	if !f.Open {
		f.Chips = append(f.Chips, chip{"Closed " + v.day(i.Closed), ""})
	}
	if i.Exercise {
		f.Ahead = v.moment(i.Now(v.now))
	}
	for _, t := range incidentTabs {
		f.Tabs = append(f.Tabs, navItem{t.Text, f.Address + t.Value, t.Value == tab})
	}
	return f
}

// reasonView is something with where it is written.
type reasonView struct {
	Says  string
	Cites []string
}

func reasonsOf(all []clocks.Reason) []reasonView {
	var views []reasonView
	for _, r := range all {
		views = append(views, reasonView{r.Says, r.Cites})
	}
	return views
}

// ruleColumn is an incident under one rule.
type ruleColumn struct {
	ID, Name string
	Marks    []chip
	Kind     chip
	Why      []reasonView
	Days     []fact
}

// reminderView is that something is asked for on a day.
type reminderView struct {
	Day, Says, To string
	Come          bool // the day has come
}

// clockLine is one clock as days in a row.
type clockLine struct {
	ID, Title, Says string
	Cites           []string
	Days            []clockDay
	Long            bool // it is folded
	Sums            string
}

// clockDay is a day of a clock: counted with its number, or skipped and why.
type clockDay struct {
	Weekday, Date, Number, Why string
	Class                      string
	Marks                      []string
}

// incidentView is the overview of a file.
type incidentView struct {
	incidentFile
	Dues      []incidentDue
	Rules     []ruleColumn
	Days      []fact
	Conflicts []reasonView
	Reminders []reminderView
	Lines     []clockLine
	Facts     []fact
	Texts     []fact
	Alert     string // address of the alert that it comes from; "" of none
	Today     string // as a form has it
	Least     string // the first day that the determination can be given
}

// incidentPage shows what an incident is under both rules, what is due and held, and what is known of it.
//
// cite: P-43, P-44, P-47, P-48, P-52, 47 CFR 64.2011
func (v *visit) incidentPage() error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	view := incidentView{incidentFile: v.incidentFile(i, ""), Today: v.todayOf(i).String(), Least: workday.DateIn(i.Facts.Discovered, v.office.Zone).String()}
	c := view.c
	view.Dues = v.incidentDues(i, c)
	for _, p := range []clocks.Profile{clocks.Rule2007, clocks.Rule2023} {
		view.Rules = append(view.Rules, v.ruleColumn(p, c))
	}
	view.Days = v.clockFacts(i, c)
	for _, x := range c.Conflicts {
		view.Conflicts = append(view.Conflicts, reasonView{x.Says, x.Cites})
	}
	today := v.todayOf(i)
	view.Reminders = remindersOf(c.Reminders, today)
	for n, l := range c.Lines {
		view.Lines = append(view.Lines, clockLineOf(n, l, today))
	}
	if view.Facts, view.Texts, err = v.incidentFacts(i.Facts); err != nil {
		return err
	}
	if id := cpni.ID(i.Facts.Source); id.Valid() && v.member.May(staff.Watch) {
		view.Alert = caseAddress(id)
	}
	return v.show(http.StatusOK, incidentPage(view))
}

// remindersOf writes reminders, what is asked for every day as one.
func remindersOf(all []clocks.Reminder, today workday.Date) (views []reminderView) {
	first := workday.Date{}
	for n, r := range all {
		x := reminderView{dated(r.On), r.Says, roleWords[cpni.Role(r.To)], !r.On.After(today)}
		if n > 0 && all[n-1].Says == r.Says && all[n-1].To == r.To {
			x.Day = dated(first) + ", and every day to " + x.Day
			x.Come = views[len(views)-1].Come
			views[len(views)-1] = x
			continue
		}
		first = r.On
		views = append(views, x)
	}
	return views
}

func (v *visit) ruleColumn(p clocks.Profile, c clocks.Clocks) ruleColumn {
	u := c.Under[p]
	r := ruleColumn{ID: string(p), Name: ruleNames[p], Kind: incidentKinds[u.Kind], Why: reasonsOf(u.Why)}
	if u.InForce {
		r.Marks = append(r.Marks, chip{"In force", "good"})
	} else {
		r.Marks = append(r.Marks, chip{"Not in force", ""})
	}
	for _, k := range c.Counting {
		if k == p {
			r.Marks = append(r.Marks, chip{"Counts for this incident", "good"})
		}
	}
	add := func(name, value string) {
		if value != "" {
			r.Days = append(r.Days, fact{name, value})
		}
	}
	if u.Kind == clocks.Breach && !u.AgenciesBy.IsZero() {
		add("To be reported to", agenciesText(u.Agencies))
		add("By", dated(u.AgenciesBy))
		if !u.Reported.IsZero() {
			add("They have it since", v.moment(u.Reported))
		}
	}
	if u.Kind == clocks.Breach && !u.SummaryBy.IsZero() {
		add("In the summary due by", dated(u.SummaryBy))
	}
	switch {
	case u.Kind != clocks.Breach:
	case u.Must:
		add("Customers are told", "by "+dated(u.By))
	case !c.Now.IsZero() && (u.From != time.Time{} || !u.AgenciesBy.IsZero() || !u.SummaryBy.IsZero()):
		add("Customers are told", "nobody has to be")
	}
	if !u.From.IsZero() {
		add("Not before", v.moment(u.From))
	}
	return r
}

// clockFacts are the days on which everything turns.
//
// cite: P-44, P-47, P-48
func (v *visit) clockFacts(i *breach.Incident, c clocks.Clocks) (all []fact) {
	add := func(name, value string) {
		if value != "" {
			all = append(all, fact{name, value})
		}
	}
	moment := func(name string, t time.Time) {
		if !t.IsZero() {
			add(name, v.moment(t))
		}
	}
	moment("Discovered", i.Facts.Discovered)
	if d := i.Determined; d != nil {
		moment("Determined", d.At)
		if !d.Earlier.IsZero() {
			add("Counted from", dated(d.Earlier)+", from which others may hold that it was determined")
		}
		add("Basis", d.Basis)
	} else {
		add("Determined", "not yet: the clocks do not run")
	}
	add("Agencies by", dated(c.AgenciesBy))
	moment("All of them had it", c.Reported)
	switch {
	case !c.From.IsZero():
		moment("Customers not before", c.From)
	case c.Kind == clocks.Breach:
		add("Customers not before", "not known before the agencies have the report")
	}
	moment("Kept by a spoken word until", c.OralUntil)
	if c.Must {
		add("Customers by", dated(c.By))
	} else if c.Kind == clocks.Breach && i.Determined != nil {
		add("Customers by", "nobody has to be told")
	}
	if !c.WindowFrom.IsZero() {
		add("Lawful under both rules", "from "+v.moment(c.WindowFrom)+" to "+dated(c.WindowBy))
	} else if c.Kind == clocks.Breach && !c.Reported.IsZero() {
		add("Lawful under both rules", "no time: a hold lasts beyond the last day of the other rule")
	}
	if !c.SummaryBy.IsZero() {
		add(fmt.Sprintf("Summary of %d", c.Summary), "due by "+dated(c.SummaryBy))
	}
	moment("All told", i.ToldAll)
	return all
}

// mostShown is how many days of a clock are shown unfolded.
const mostShown = 16

// clockLineOf makes the picture of a clock.
//
// cite: P-44, P-47, 47 CFR 1.4
func clockLineOf(n int, l clocks.Line, today workday.Date) clockLine {
	x := clockLine{ID: "clock-" + strconv.Itoa(n), Title: clockTitles[l.Name], Says: l.Says, Cites: l.Cites, Long: len(l.Count.Days) > mostShown}
	cell := func(d workday.Date) clockDay {
		c := clockDay{Weekday: d.Weekday().String()[:3], Date: d.Start(time.UTC).Format("2 Jan")}
		if d == today {
			c.Marks = append(c.Marks, "today")
			c.Class = "today "
		}
		return c
	}
	first := cell(l.Count.From)
	first.Why, first.Class = "the day it counts from", first.Class+"from"
	x.Days = append(x.Days, first)
	skipped := 0
	for _, d := range l.Count.Days {
		c := cell(d.Date)
		if d.Number > 0 {
			c.Number, c.Class, c.Why = strconv.Itoa(d.Number), c.Class+"counted", d.Why
		} else {
			c.Class, c.Why = c.Class+"skipped", d.Why
			skipped++
		}
		if d.Date == l.Count.Last {
			c.Class, c.Marks = c.Class+" last", append(c.Marks, "last day")
		}
		x.Days = append(x.Days, c)
	}
	x.Sums = fmt.Sprintf("%s, %d skipped", counted(len(l.Count.Days)-skipped, "day counted", "days counted"), skipped)
	switch days := today.DaysUntil(l.Count.Last); {
	case today.Before(l.Count.From):
	case days < 0:
		x.Sums += "; over since " + counted(-days, "day", "days")
	case days == 0:
		x.Sums += "; today is the last"
	default:
		x.Sums += "; " + counted(days, "day is left", "days are left")
	}
	return x
}

// incidentFacts tells what is held of an incident: short things by name, and texts.
//
// cite: P-43, P-50, P-52, 47 CFR 64.2011(d)
func (v *visit) incidentFacts(f breach.Facts) (all, texts []fact, err error) {
	add := func(name, value string) {
		if value != "" {
			all = append(all, fact{name, value})
		}
	}
	by, err := v.actor(f.DiscoveredBy)
	if err != nil {
		return nil, nil, err
	}
	add("Discovered", v.moment(f.Discovered)+", by "+by)
	source := f.Source
	if cpni.ID(source).Valid() {
		source = "" // a link stands in its place
	}
	add("Learned from", source)
	switch {
	case !f.From.IsZero() && !f.Until.IsZero():
		add("Happened", dated(f.From)+" to "+dated(f.Until))
	case !f.From.IsZero():
		add("Happened", "from "+dated(f.From)+"; its end is not known")
	case !f.Until.IsZero():
		add("Happened", "until "+dated(f.Until)+"; its beginning is not known")
	}
	var data []string
	for _, c := range f.Data {
		data = append(data, classWords[c])
	}
	if len(data) == 0 {
		data = []string{"none is named"}
	}
	add("Customer information", strings.Join(data, ", "))
	add("Other personal data", strings.Join(f.Personal, ", "))
	add("What came of it", wordIn(outcomeChoices, f.Outcome))
	add("Somebody meant it", wordIn(truthChoices, f.Intentional))
	add("In good faith", wordIn(truthChoices, f.GoodFaith))
	add("Encryption", wordIn(keyChoices, f.Encryption))
	add("Harm", wordIn(harmChoices, f.Harm))
	if f.Customers > 0 {
		add("How many customers", strconv.Itoa(f.Customers))
	} else {
		add("How many customers", "not known")
	}
	for _, l := range []struct {
		name string
		loss *int64
	}{{"Loss of the carrier", f.CarrierLoss}, {"Loss of customers", f.CustomerLoss}} {
		if l.loss != nil {
			add(l.name, centsText(*l.loss)+", estimated")
		}
	}
	for _, t := range []fact{{"What happened", f.What}, {"How", f.How}, {"Basis of the findings", f.Basis}} {
		if t.Value != "" {
			texts = append(texts, t)
		}
	}
	return all, texts, nil
}

func centsText(n int64) string { return fmt.Sprintf("$%d.%02d", n/100, n%100) }
