package console

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/breach"
	clocks "ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
	"ringfence/internal/workday"
)

// suspicionView is the form by which anybody reports a suspicion.
type suspicionView struct {
	page
	Key                           cpni.ID
	Source                        string // the id of the alert that it comes from; "" of none
	What, How, Discovered, Latest string
}

// momentField is how a form has a moment by the carrier's clocks.
const momentField = "2006-01-02T15:04"

func (v *visit) momentIn(t time.Time) string { return t.In(v.office.Zone).Format(momentField) }

// suspicionPage is where anybody who works for the carrier says that there is something.
//
// cite: P-43, P-50, 47 CFR 64.2011(d)
func (v *visit) suspicionPage() error {
	view := suspicionView{page: v.page("Report a suspicion", "/suspicion"), Key: cpni.NewID(), Latest: v.momentIn(v.now)}
	a, err := v.alertNamed()
	if err != nil {
		return err
	}
	if a != nil {
		view.Source, view.How, view.Discovered = string(a.ID), v.alertAs(a.Alert), v.momentIn(a.Raised)
	}
	return v.show(http.StatusOK, suspicionPage(view))
}

// incidentOfAlert is where an alert is taken in as an incident by those whose work it is, and reported by others.
//
// cite: P-43, P-50
func (v *visit) incidentOfAlert(id cpni.ID) option {
	switch {
	case v.member.May(staff.HandleIncidents):
		return option{"/incidents/new?" + queryOf("alert", string(id)), "Take it in as an incident"}
	case v.member.May(staff.ReportIncidents):
		return option{"/suspicion?" + queryOf("alert", string(id)), "Report a suspicion"}
	}
	return option{}
}

// alertNamed gives the alert that the address names, where there is one that the person may see.
func (v *visit) alertNamed() (*watch.Case, error) {
	id := cpni.ID(v.r.URL.Query().Get("alert"))
	if !id.Valid() || !v.member.May(staff.Watch) {
		return nil, nil
	}
	c, err := v.office.Watch.Case(v.r.Context(), id, v.member.ID)
	if errors.Is(err, watch.ErrNoCase) {
		return nil, errNowhere
	}
	return c, err
}

// alertAs says in words from which alert something is known.
func (v *visit) alertAs(a watch.Alert) string {
	row, err := v.alertRow(a)
	if err != nil {
		return "An alert of " + v.moment(a.Raised) + "."
	}
	return "An alert of " + v.moment(a.Raised) + ": " + row.Detector + "."
}

// reportSuspicion takes a report in. Whoever reports hears the number of it, and nothing else.
//
// cite: P-43, P-47, P-50, I-11
func (v *visit) reportSuspicion() error {
	key, err := v.key("suspicion")
	if err != nil {
		return err
	}
	view := suspicionView{page: v.page("Report a suspicion", "/suspicion"), Key: cpni.ID(v.form.Get("key")), Latest: v.momentIn(v.now), Source: v.field("source"), What: v.text("what"), How: v.text("how"), Discovered: v.field("discovered")}
	f := breach.Facts{What: view.What, How: view.How, DiscoveredBy: string(v.member.ID), Source: view.Source}
	f.Discovered, err = v.momentOf("discovered", time.Time{})
	var i *breach.Incident
	if err == nil {
		i, err = v.office.Incidents.Open(v.r.Context(), breach.Intake{ID: key, By: v.member.ID, Facts: f})
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		view.Problem = problemOf(refusal)
		return v.show(refusedAs(refusal).status, suspicionPage(view))
	}
	if err != nil {
		return err
	}
	return v.goTo("/suspicion/" + i.Number)
}

// suspectedPage thanks, and gives the number and nothing else. What stands in the address is shown as it is: whether there is such a number
// the page does not say.
//
// cite: P-47
func (v *visit) suspectedPage() error {
	number := v.r.PathValue("number")
	if len(number) > 20 || strings.Trim(number, "IR-0123456789") != "" {
		return errNowhere
	}
	return v.show(http.StatusOK, suspectedPage(v.page("Thank you", "/suspicion"), number))
}

// text gives a longer text of the form, as people write it.
func (v *visit) text(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(v.form.Get(name), "\r\n", "\n"))
}

var errMoment = cpni.Rejected("BAD_INPUT", "a day or time of the form is none", []string{"P-49"}, "give the day as year, month and day, and the time as hours and minutes")

// momentOf reads a moment by the carrier's clocks; zero where it is left empty. The form knows no seconds: where it has the minute of known,
// it means that.
func (v *visit) momentOf(name string, known time.Time) (time.Time, error) {
	text := v.field(name)
	if text == "" {
		return time.Time{}, nil
	}
	if !known.IsZero() && text == v.momentIn(known) {
		return known, nil
	}
	for _, form := range []string{momentField, "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(form, text, v.office.Zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errMoment
}

// dateOf reads a day; zero where it is left empty.
func (v *visit) dateOf(name string) (workday.Date, error) {
	if v.field(name) == "" {
		return workday.Date{}, nil
	}
	d, err := workday.ParseDate(v.field(name))
	if err != nil {
		return d, errMoment
	}
	return d, nil
}

// factsView is the form of what is held of an incident.
type factsView struct {
	incidentFile // of one that is there
	New          bool
	Action       string
	Facts        breach.Facts
	Discovered   string
	Latest       string
	Personal     string
	Customers    string
	Losses       [2]string
	Reason       string
	By           string // who discovered it, as people read it
	Classes      []option
	Rehearsal    bool
}

func (f factsView) has(c string) bool {
	for _, d := range f.Facts.Data {
		if string(d) == c {
			return true
		}
	}
	return false
}

func (v *visit) factsView(f breach.Facts) factsView {
	view := factsView{Facts: f, By: v.nameOf(f.DiscoveredBy), Latest: v.momentIn(v.now), Personal: strings.Join(f.Personal, "\n"), Customers: countField(f.Customers)}
	if !f.Discovered.IsZero() {
		view.Discovered = v.momentIn(f.Discovered)
	}
	for n, loss := range []*int64{f.CarrierLoss, f.CustomerLoss} {
		if loss != nil {
			view.Losses[n] = strings.TrimPrefix(centsText(*loss), "$")
		}
	}
	for _, c := range cpni.DataClasses {
		view.Classes = append(view.Classes, option{string(c), classWords[c]})
	}
	return view
}

// newIncidentPage is the form by which those whose work it is take an incident in, which may come from an alert.
//
// cite: P-43, P-49, P-50, P-52
func (v *visit) newIncidentPage() error {
	f := breach.Facts{Outcome: clocks.Accessed, Intentional: clocks.Unknown, GoodFaith: clocks.Unknown, Encryption: clocks.KeyUnknown, Harm: clocks.HarmUnknown, DiscoveredBy: string(v.member.ID)}
	a, err := v.alertNamed()
	if err != nil {
		return err
	}
	if a != nil {
		row, err := v.alertRow(a.Alert)
		if err != nil {
			return err
		}
		f.Title, f.What, f.Source, f.Discovered = "Alert: "+row.Detector, strings.TrimSpace(v.alertAs(a.Alert)+" "+a.Says), string(a.ID), a.Raised
	}
	view := v.factsView(f)
	view.page, view.New, view.Action, view.Key = v.page("Take an incident in", "/incidents"), true, "/incidents/new", cpni.NewID()
	return v.show(http.StatusOK, factsPage(view))
}

// correctFactsPage is the form by which facts are corrected, with what is held now.
//
// cite: P-49, P-50, P-52
func (v *visit) correctFactsPage() error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	view := v.factsView(i.Facts)
	view.incidentFile, view.Action = v.incidentFile(i, ""), incidentAddress(i.ID)+"/facts"
	return v.show(http.StatusOK, factsPage(view))
}

// nameOf names a member of the staff, or gives the words that stand in the place of one.
func (v *visit) nameOf(id string) string {
	if !cpni.ID(id).Valid() {
		return id
	}
	name, err := v.actor(id)
	if err != nil {
		v.options.Report(err)
		return id
	}
	return name
}

// factsForm reads what the form says, which is the whole of the facts. Known are those that are held, where there are any.
func (v *visit) factsForm(known breach.Facts) (f breach.Facts, view factsView, err error) {
	f = breach.Facts{Title: v.field("title"), What: v.text("what"), How: v.text("how"), DiscoveredBy: v.field("discovered-by"), Source: v.field("source"),
		Outcome: clocks.Outcome(v.field("outcome")), Intentional: clocks.Truth(v.field("intentional")), GoodFaith: clocks.Truth(v.field("good-faith")), Encryption: clocks.Encryption(v.field("encryption")), Harm: clocks.Harm(v.field("harm")), Basis: v.text("basis")}
	for _, id := range []string{known.DiscoveredBy, string(v.member.ID)} {
		if f.DiscoveredBy != "" && f.DiscoveredBy == v.nameOf(id) {
			f.DiscoveredBy = id
		}
	}
	var faults [6]error
	f.Discovered, faults[0] = v.momentOf("discovered", known.Discovered)
	f.From, faults[1] = v.dateOf("from")
	f.Until, faults[2] = v.dateOf("until")
	for _, c := range cpni.DataClasses {
		for _, picked := range v.form["data"] {
			if picked == string(c) {
				f.Data = append(f.Data, c)
			}
		}
	}
	for line := range strings.Lines(v.text("personal")) {
		if line = strings.TrimSpace(line); line != "" {
			f.Personal = append(f.Personal, line)
		}
	}
	if text := v.field("customers"); text != "" {
		if f.Customers, err = strconv.Atoi(strings.ReplaceAll(text, ",", "")); err != nil {
			faults[3] = errField("how many customers is no number", "write digits, or leave it empty until it is known")
		}
	}
	f.CarrierLoss, faults[4] = centsOf(v.field("carrier-loss"))
	f.CustomerLoss, faults[5] = centsOf(v.field("customer-loss"))
	view = v.factsView(f)
	view.Discovered, view.Customers, view.Personal, view.Losses, view.Reason = v.field("discovered"), v.field("customers"), v.text("personal"), [2]string{v.field("carrier-loss"), v.field("customer-loss")}, v.text("reason")
	for _, fault := range faults {
		if fault != nil {
			return f, view, fault
		}
	}
	return f, view, nil
}

// centsOf reads an amount of dollars; nil where it is left empty.
func centsOf(text string) (*int64, error) {
	text = strings.NewReplacer("$", "", ",", "", " ", "").Replace(text)
	if text == "" {
		return nil, nil
	}
	whole, part, dotted := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	cents := int64(0)
	if dotted && err == nil {
		cents, err = strconv.ParseInt((part + "00")[:2], 10, 64)
	}
	if err != nil || n < 0 || cents < 0 || len(part) > 2 || n > math.MaxInt64/100-1 {
		return nil, errField("a loss is no amount of dollars", "write it such as 1200 or 1200.50, or leave it empty")
	}
	n = n*100 + cents
	return &n, nil
}

// takeIncidentIn takes an incident or a rehearsal in.
//
// cite: P-43, P-49, P-50, P-52, I-11
func (v *visit) takeIncidentIn() error {
	key, err := v.key("incident")
	if err != nil {
		return err
	}
	f, view, err := v.factsForm(breach.Facts{})
	view.page, view.New, view.Action, view.Key, view.Rehearsal = v.page("Take an incident in", "/incidents"), true, "/incidents/new", cpni.ID(v.form.Get("key")), v.field("rehearsal") != ""
	var i *breach.Incident
	if err == nil {
		i, err = v.office.Incidents.Open(v.r.Context(), breach.Intake{ID: key, By: v.member.ID, Exercise: view.Rehearsal, Facts: f})
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		view.Problem = problemOf(refusal)
		return v.show(refusedAs(refusal).status, factsPage(view))
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: incidentAddress(i.ID), Note: "It is taken in as " + i.Number + "."}, incidentAddress(i.ID))
}

// correctFacts puts new facts beside the old ones.
//
// cite: P-43, P-49, P-52, V30
func (v *visit) correctFacts() error {
	a, err := v.actOn("facts")
	if err != nil {
		return err
	}
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	f, view, err := v.factsForm(i.Facts)
	if err == nil {
		_, err = v.office.Incidents.Correct(v.r.Context(), i.ID, a, f, view.Reason)
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		version := v.form.Get("version") // of what the person has seen
		view.incidentFile, view.Action = v.incidentFile(i, ""), incidentAddress(i.ID)+"/facts"
		view.Problem = problemOf(refusal)
		if refusal.Code != "CONFLICT" {
			view.Version = version
		}
		return v.show(refusedAs(refusal).status, factsPage(view))
	}
	if err != nil {
		return err
	}
	return v.wentOn("", "The facts are corrected. What was held before stays in the history.", nil)
}
