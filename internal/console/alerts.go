package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// watchPlaces are where one sees what is out of the ordinary, and works on it.
//
// cite: P-37, 47 CFR 64.2010(a)
func watchPlaces() []place {
	const one = "/alerts/{case}"
	return []place{
		{pattern: "/home", right: staff.Watch, get: (*visit).homePage},
		{pattern: "/alerts", right: staff.Watch, get: (*visit).alertsPage},
		{pattern: one, right: staff.Watch, get: (*visit).casePage},
		{pattern: one + "/take", right: staff.Watch, post: (*visit).takeCase, home: one},
		{pattern: one + "/note", right: staff.Watch, post: (*visit).noteCase, home: one},
		{pattern: one + "/close", right: staff.Watch, post: (*visit).closeCase, home: one},
		{pattern: "/alerts/known", right: staff.Discipline, get: (*visit).knownPage, post: (*visit).setKnown},
		{pattern: "/records/search", right: staff.ReadRecords, get: (*visit).searchPage, post: (*visit).search},
	}
}

func caseAddress(id cpni.ID) string { return "/alerts/" + string(id) }

// alertsText is how the section is called, with how many alerts nobody has taken.
func (v *visit) alertsText() string {
	open, _, err := v.office.Watch.Unclosed(v.r.Context(), v.member.ID)
	if err != nil {
		v.options.Report(err)
	}
	if open == 0 {
		return "Alerts"
	}
	return fmt.Sprintf("Alerts (%d)", open)
}

var (
	stateWords       = map[watch.State]string{watch.Open: "Open", watch.Looking: "Being looked into", watch.Closed: "Closed"}
	caseOutcomeWords = map[watch.Outcome]string{watch.Explained: "Explained", watch.Violation: "Violation", watch.FalseAlarm: "False alarm"}
	detectorWords    = map[string]string{"no-contact": "Look-ups without a contact", "burst": "Burst", "after-hours": "After hours", "refusals": "Refused again and again",
		"one-secret": "One secret, many customers", "again": "Same person, same customer", "decoy": "Decoy", "colleague": "Colleague or self", "pretext": "Pretext", "not-me": "Not the customer's change", "other": "Other", "lost-record": "Lost record"}
	stepWords = map[string]string{"raised": "Raised", "taken": "Taken", "noted": "Note"}
)

// alertRow is an alert as lists have it.
type alertRow struct {
	Address, Raised, Detector, About, State, Tone, Worker string
	Code                                                  cpni.Code
	Evidence                                              int
	Overdue                                               bool
}

func (v *visit) alertRow(a watch.Alert) (alertRow, error) {
	r := alertRow{Address: caseAddress(a.ID), Raised: v.clock(a.Raised), Detector: cmp.Or(detectorWords[a.Detector], a.Detector), Code: a.Code, State: stateWords[a.State], Evidence: a.Evidence,
		Overdue: v.office.Watch.Overdue(a, v.now)}
	if w, ok := alertWords[a.Code]; ok {
		r.Detector = w.title
	}
	switch a.State {
	case watch.Open:
		r.Tone = "bad"
	case watch.Looking:
		r.Tone = "warn"
	default:
		r.State += ": " + uncapital(caseOutcomeWords[a.Outcome])
	}
	var err error
	if r.About, err = v.about(a); err == nil && a.Worker != "" {
		r.Worker, err = v.actor(string(a.Worker))
	}
	return r, err
}

// about says whom an alert is about. A customer is named by no more than the end of their id.
//
// cite: I-23
func (v *visit) about(a watch.Alert) (string, error) {
	if a.Member != "" {
		return v.actor(string(a.Member))
	}
	if a.Customer != "" {
		return "customer " + short(a.Customer), nil
	}
	return "several", nil
}

// short is the end of an id, which tells it from its neighbours.
func short(id cpni.ID) string { return "…" + string(id[max(0, len(id)-8):]) }

// alertsView lists alerts, the newest first.
type alertsView struct {
	page
	States    []navItem
	Detectors []option
	State     string
	Detector  string
	Rows      []alertRow
	Older     string
	MayKnow   bool
}

// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) alertsPage() error {
	q := v.r.URL.Query()
	f := watch.Filter{State: watch.State(q.Get("state")), Detector: q.Get("detector"), Viewer: v.member.ID, Before: cpni.ID(q.Get("before")), Limit: rowsOnPage + 1}
	if _, ok := stateWords[f.State]; !ok {
		f.State, f.Unclosed = "", q.Get("state") != "all"
	}
	if _, ok := detectorWords[f.Detector]; !ok {
		f.Detector = ""
	}
	if !f.Before.Valid() {
		f.Before = ""
	}
	all, err := v.office.Watch.Alerts(v.r.Context(), f)
	if err != nil {
		return err
	}
	view := alertsView{page: v.page("Alerts", "/alerts"), Detector: f.Detector, MayKnow: v.member.May(staff.Discipline)}
	state := string(f.State)
	if f.State == "" && !f.Unclosed {
		state = "all"
	}
	view.State = state
	for _, s := range []option{{"", "To be done"}, {"open", "Open"}, {"looking", "Being looked into"}, {"closed", "Closed"}, {"all", "All"}} {
		view.States = append(view.States, navItem{s.Text, "/alerts?" + queryOf("state", s.Value, "detector", f.Detector), s.Value == state})
	}
	for _, d := range watch.Detectors {
		view.Detectors = append(view.Detectors, option{d.Name, detectorWords[d.Name]})
	}
	for _, name := range []string{"not-me", "other", "lost-record"} {
		view.Detectors = append(view.Detectors, option{name, detectorWords[name]})
	}
	if len(all) > rowsOnPage {
		all = all[:rowsOnPage]
		view.Older = "/alerts?" + queryOf("state", state, "detector", f.Detector, "before", string(all[rowsOnPage-1].ID))
	}
	for _, a := range all {
		row, err := v.alertRow(a)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, row)
	}
	return v.show(http.StatusOK, alertsPage(view))
}

// queryOf writes what is not empty of names and values.
func queryOf(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q.Encode()
}

// caseView is an alert and its case.
type caseView struct {
	page
	Address  string
	Alert    alertRow
	Says     string
	Newest   string
	Mine     bool // the person works on it
	Open     bool // nobody does
	Closed   bool
	Card     string // records of the customer whom it is about
	Messages string // the customer's messages, where it is about them
	Do       []string
	Member   string // the member's doings, as a search
	Rows     []foundRow
	Steps    []caseStep
	On       openMatterOn // a case of fraud
	Outcomes []option
	Changes  []changedView // that the customer says were not theirs
	Incident option        // where it is taken in as an incident, or reported as a suspicion
}

type caseStep struct{ At, By, What, Note string }

// casePage shows a case with its evidence. Nobody sees one about themself.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) casePage() error {
	c, err := v.office.Watch.Case(v.r.Context(), v.id("case"), v.member.ID)
	if errors.Is(err, watch.ErrNoCase) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	view := caseView{page: v.page("Case", "/alerts"), Address: caseAddress(c.ID), Says: c.Says, Newest: v.clock(c.Newest), Mine: c.State == watch.Looking && c.Worker == v.member.ID,
		Open: c.State == watch.Open, Closed: c.State == watch.Closed}
	if view.Alert, err = v.alertRow(c.Alert); err != nil {
		return err
	}
	if c.Member != "" {
		view.Member = "/records/search?" + queryOf("actor", string(c.Member))
	}
	if c.Customer != "" {
		view.Card = recordsAddress(c.Customer)
	}
	if w, ok := alertWords[c.Code]; ok {
		view.Do, view.Says = w.do, ""
		if w.messages && c.Customer != "" && v.member.May(staff.ReadRecords) {
			view.Messages = "/messages?customer=" + string(c.Customer)
		}
	}
	for _, f := range c.Entries {
		row, err := v.foundRow(f)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, row)
	}
	for _, s := range c.History {
		step := caseStep{At: v.moment(s.At), What: cmp.Or(stepWords[s.What], s.What), Note: s.Note}
		if outcome, ok := strings.CutPrefix(s.What, "closed: "); ok {
			step.What = "Closed: " + uncapital(caseOutcomeWords[watch.Outcome(outcome)])
		}
		if step.By, err = v.actor(s.By); err != nil {
			return err
		}
		view.Steps = append(view.Steps, step)
	}
	for _, o := range watch.Outcomes {
		view.Outcomes = append(view.Outcomes, option{string(o), caseOutcomeWords[o]})
	}
	if view.On, err = v.matterOn(c); err != nil {
		return err
	}
	if view.Changes, err = v.disputed(c.Code, c.Customer); err != nil {
		return err
	}
	view.Incident = v.incidentOfAlert(c.ID)
	return v.show(http.StatusOK, casePage(view))
}

// worked goes back to the case after something was done in it, or refused.
func (v *visit) worked(err error, note string) error {
	address := caseAddress(v.id("case"))
	var refusal *cpni.Refusal
	switch {
	case errors.Is(err, watch.ErrNoCase):
		return errNowhere
	case errors.As(err, &refusal) && refusal.Code != "SELF_REVIEW":
		return v.leave(flash{For: address, Refusal: refusal}, address)
	case err != nil:
		return err
	}
	return v.leave(flash{For: address, Note: note}, address)
}

func (v *visit) takeCase() error {
	return v.worked(v.office.Watch.Take(v.r.Context(), v.id("case"), v.member.ID), "The case is yours.")
}

func (v *visit) noteCase() error {
	return v.worked(v.office.Watch.Note(v.r.Context(), v.id("case"), v.member.ID, v.field("note")), "The note is in the case.")
}

func (v *visit) closeCase() error {
	return v.worked(v.office.Watch.Close(v.r.Context(), v.id("case"), v.member.ID, watch.Outcome(v.field("outcome")), v.field("reason")), "The case is closed.")
}

// foundRow is an entry that a search has found.
type foundRow struct {
	At, Who, What, Outcome, Tone, Customer, List, Address, Short string
	Code                                                         cpni.Code
}

// lookUpWords say what was looked at.
var lookUpWords = map[string]string{watch.Card: "Card looked at", watch.List: "Found by a search", watch.Records: "Records looked at", "opened": "Contact opened", "ended": "Contact ended"}

func (v *visit) foundRow(f watch.Found) (foundRow, error) {
	r := foundRow{At: v.moment(f.At), What: cmp.Or(lookUpWords[f.Purpose], strings.TrimSuffix(kindWords[f.Kind], "s"), capital(string(f.Kind))), Outcome: outcomeWords[f.Outcome], Code: f.Code, Tone: "good"}
	if f.Kind == ledger.Decision {
		r.What = wordOf(purposeWords, cpni.Purpose(f.Purpose))
	}
	if f.Lone {
		r.What += ", without a contact"
	}
	if f.Outcome != cpni.OK && f.Outcome != cpni.Permit || f.Kind == ledger.Alert {
		r.Tone = "bad"
	}
	if f.Kind == ledger.Alert {
		r.Outcome = "alert"
	}
	if f.Customer != "" {
		r.Customer, r.List, r.Short = short(f.Customer), recordsAddress(f.Customer), short(f.ID)
		if _, ok := kindWords[f.Kind]; ok {
			r.Address = recordsAddress(f.Customer) + "/" + string(f.ID)
		}
	}
	var err error
	r.Who, err = v.actor(cmp.Or(f.Actor, "the program"))
	return r, err
}

// knownView is what detectors were told: decoys, and members of the staff who are customers.
type knownView struct {
	page
	Decoys  []cpni.ID
	Members []option
	Kin     []kinRow
}

type kinRow struct {
	Name  string
	Count string
}

// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) knownPage() error {
	ctx := v.r.Context()
	decoys, err := v.office.Watch.Decoys(ctx)
	if err != nil {
		return err
	}
	kin, err := v.office.Watch.Kin(ctx)
	if err != nil {
		return err
	}
	view := knownView{page: v.page("What Watch knows", "/alerts")}
	for id := range decoys {
		view.Decoys = append(view.Decoys, id)
	}
	slices.Sort(view.Decoys)
	members, err := v.members()
	if err != nil {
		return err
	}
	view.Members = members
	for _, m := range members {
		if n := kin[cpni.ID(m.Value)]; n > 0 {
			view.Kin = append(view.Kin, kinRow{m.Text, counted(n, "account", "accounts")})
		}
	}
	return v.show(http.StatusOK, knownPage(view))
}

// members lists the people of the staff by name.
func (v *visit) members() ([]option, error) {
	all, err := v.office.Staff.Members(v.r.Context())
	if err != nil {
		return nil, err
	}
	var out []option
	for _, m := range all {
		out = append(out, option{string(m.ID), m.Name + ", " + wordOf(roleWords, m.Role)})
	}
	slices.SortFunc(out, func(a, b option) int {
		return cmp.Or(strings.Compare(a.Text, b.Text), strings.Compare(a.Value, b.Value))
	})
	return out, nil
}

// setKnown sets or takes back a decoy, or that a member is a customer. The customer is typed in as at the desk, and sent
// in the body.
//
// cite: P-37, I-23
func (v *visit) setKnown() error {
	ctx, back := v.r.Context(), "/alerts/known"
	of, refusal, err := v.customerNamed(v.field("customer"))
	if err != nil {
		return err
	}
	if refusal != nil {
		return v.leave(flash{For: back, Refusal: refusal}, back)
	}
	on := v.field("on") != "no"
	note := "The customer is a decoy."
	switch member := cpni.ID(v.field("member")); {
	case member != "":
		note = "It is noted."
		err = v.office.Watch.SetKin(ctx, member, of, on, string(v.member.ID))
	default:
		if !on {
			note = "The customer is a decoy no longer."
		}
		err = v.office.Watch.SetDecoy(ctx, of, on, string(v.member.ID))
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: back, Note: note}, back)
}

// customerNamed finds the one customer whom a person has typed: by id, or by what the desk finds them by.
func (v *visit) customerNamed(text string) (cpni.ID, *cpni.Refusal, error) {
	ids := []cpni.ID{cpni.ID(text)}
	if !ids[0].Valid() {
		ids = nil
		if v.member.May(staff.See) && text != "" {
			var err error
			if ids, err = v.office.Customers.Search(v.r.Context(), text); err != nil {
				return "", nil, err
			}
		}
	}
	if len(ids) != 1 {
		return "", cpni.Rejected("NOT_FOUND", "not exactly one customer was found by this", nil, "give the number of the service, the account, or the id of 26 characters"), nil
	}
	return ids[0], nil, nil
}
