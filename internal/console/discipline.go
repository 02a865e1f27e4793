package console

import (
	"errors"
	"net/http"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/training"
)

// disciplinePlaces are the pages of the disciplinary process.
//
// cite: P-39, 47 CFR 64.2009(b)
func disciplinePlaces() []place {
	return []place{
		{pattern: "/discipline", right: staff.Discipline, get: (*visit).disciplinePage, post: (*visit).recordFinding},
		{pattern: "/discipline/findings/{finding}", get: (*visit).findingPage, post: (*visit).goOnWithFinding},
	}
}

func findingAddress(id cpni.ID) string { return "/discipline/findings/" + string(id) }

// Words of the process.
var (
	severityWords = map[training.Severity]string{"minor": "minor", "serious": "serious", "grave": "grave"}
	sanctionWords = map[training.Kind]string{training.Statement: "Statement of the member", training.Unfounded: "No violation", training.Warning: "Warning", training.Retraining: "New training",
		training.Suspension: "Suspension", training.Dismissal: "Dismissal", training.Lifted: "Suspension lifted"}
	decisionChoices = []option{{"warning", "Warning"}, {"retraining", "New training: nothing is released until the course is passed again"}, {"suspension", "Suspension: serves nobody until the day, or until the course is passed again"},
		{"dismissal", "Dismissal: shut out at once"}, {"unfounded", "No violation"}, {"lifted", "Lift a suspension"}}
)

type findingRow struct {
	Address, Who, At, Severity string
	State                      chip
}

// findingRows lists findings about a member, or about everybody when of is "".
func (v *visit) findingRows(of cpni.ID) ([]findingRow, error) {
	all, err := v.office.Discipline.Findings(v.r.Context(), of)
	if err != nil {
		return nil, err
	}
	var rows []findingRow
	for i := range all {
		f := &all[i]
		row := findingRow{Address: findingAddress(f.ID), At: v.day(f.Happened), Severity: wordOf(severityWords, f.Severity), State: v.findingState(f)}
		if row.Who, err = v.actor(string(f.Staff)); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// findingState says where a finding stands, and whether it has waited too long.
func (v *visit) findingState(f *training.Finding) chip {
	n := v.office.Discipline.Rules(v.now)
	switch {
	case f.Case == nil && !v.now.Before(f.Found.Add(n.CaseWithin)):
		return chip{"No case: overdue", "bad"}
	case f.Case == nil:
		return chip{"No case yet", "warn"}
	case f.Case.Decided():
		return chip{"Decided", "good"}
	case !v.now.Before(f.Case.Opened.Add(n.DecisionWithin)):
		return chip{"No decision: overdue", "bad"}
	}
	return chip{"Open", "warn"}
}

// disciplineView is the process: what was found, and what became of it.
type disciplineView struct {
	page
	Waiting, Done []findingRow
	People        []option
	Today         string
	Customer      string // of the entry from which something is found
	Entry         string
	CaseWithin    string
}

// cite: P-39, 47 CFR 64.2009(b)
func (v *visit) disciplinePage() error {
	rows, err := v.findingRows("")
	if err != nil {
		return err
	}
	q := v.r.URL.Query()
	view := disciplineView{page: v.page("Discipline", "/discipline"), Today: v.now.In(v.office.Zone).Format(time.DateOnly), CaseWithin: length(v.office.Discipline.Rules(v.now).CaseWithin)}
	if n := v.office.Discipline.Rules(v.now).CaseWithin; n%(24*time.Hour) == 0 {
		view.CaseWithin = counted(int(n/(24*time.Hour)), "day", "days")
	}
	if id := cpni.ID(q.Get("entry")); id.Valid() {
		view.Entry = string(id)
	}
	if id := cpni.ID(q.Get("customer")); id.Valid() {
		view.Customer = string(id)
	}
	for _, r := range rows {
		if r.State.Tone == "good" {
			view.Done = append(view.Done, r)
		} else {
			view.Waiting = append(view.Waiting, r)
		}
	}
	if view.People, err = v.people(); err != nil {
		return err
	}
	return v.show(http.StatusOK, disciplinePage(view))
}

// recordFinding records a violation.
//
// cite: P-39, 47 CFR 64.2009(b)
func (v *visit) recordFinding() error {
	happened, err := v.dayField("happened")
	var made *training.Finding
	if err == nil {
		made, err = v.office.Discipline.Find(v.r.Context(), training.Finding{Staff: cpni.ID(v.field("member")), Happened: happened, Severity: training.Severity(v.field("severity")),
			Customer: cpni.ID(v.field("customer")), Source: cpni.ID(v.field("entry"))}, v.form.Get("what"), string(v.member.ID))
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: "/discipline", Refusal: refusal}, "/discipline")
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: findingAddress(made.ID), Note: "The finding is on record."}, findingAddress(made.ID))
}

// findingView is a finding with its case.
type findingView struct {
	page
	Address, Who, What, At, Found, By, Severity string
	State                                       chip
	Source                                      string  // address of the entry from which it was found
	Entry                                       cpni.ID // that entry
	Case                                        bool
	Opened, OpenedBy                            string
	Steps                                       []stepView
	MayOpen, MayDecide, MayState                bool
	Decisions                                   []option
	Own                                         bool
}

type stepView struct{ Title, At, By, Says, Until string }

// theirFinding gives the finding of the address: to who keeps discipline, and to whom it is about.
//
// cite: P-39
func (v *visit) theirFinding() (*training.Finding, error) {
	f, err := v.office.Discipline.Finding(v.r.Context(), v.id("finding"))
	if err != nil {
		return nil, err
	}
	if f.Staff != v.member.ID && !v.member.May(staff.Discipline) {
		return nil, training.ErrNone
	}
	return f, nil
}

// cite: P-39, 47 CFR 64.2009(b)
func (v *visit) findingPage() error {
	f, err := v.theirFinding()
	if err != nil {
		return err
	}
	ctx, d := v.r.Context(), v.office.Discipline
	here := "/discipline"
	if f.Staff == v.member.ID {
		here = "/training"
	}
	own := f.Staff == v.member.ID
	view := findingView{page: v.page("Finding", here), Address: findingAddress(f.ID), At: v.day(f.Happened), Found: v.moment(f.Found), Severity: capital(wordOf(severityWords, f.Severity)), State: v.findingState(f),
		Entry: f.Source, Own: own, MayOpen: !own && f.Case == nil, MayDecide: !own && f.Case != nil, MayState: own && f.Case != nil, Decisions: decisionChoices}
	if f.Customer != "" && v.member.May(staff.ReadRecords) {
		view.Source = recordsAddress(f.Customer) + "/" + string(f.Source)
	}
	if view.Who, err = v.actor(string(f.Staff)); err != nil {
		return err
	}
	if view.By, err = v.actor(f.By); err != nil {
		return err
	}
	if view.What, err = d.What(ctx, f); err != nil {
		return err
	}
	if c := f.Case; c != nil {
		view.Case, view.Opened = true, v.moment(c.Opened)
		if view.OpenedBy, err = v.actor(c.By); err != nil {
			return err
		}
		for _, s := range c.Steps {
			step := stepView{Title: sanctionWords[s.Kind], At: v.moment(s.At)}
			if !s.Until.IsZero() {
				step.Until = v.moment(s.Until)
			}
			if step.By, err = v.actor(s.By); err != nil {
				return err
			}
			if step.Says, err = d.Said(ctx, s); err != nil {
				return err
			}
			view.Steps = append(view.Steps, step)
		}
	}
	return v.show(http.StatusOK, findingPage(view))
}

// goOnWithFinding opens the case of a finding, decides in it, or takes the member's statement.
//
// cite: P-39, 47 CFR 64.2009(b)
func (v *visit) goOnWithFinding() error {
	f, err := v.theirFinding()
	if err != nil {
		return err
	}
	ctx, d, by, at := v.r.Context(), v.office.Discipline, string(v.member.ID), findingAddress(f.ID)
	if v.field("do") != "state" && !v.member.May(staff.Discipline) {
		return v.notTheirWork(staff.Discipline)
	}
	note := ""
	switch do := v.field("do"); {
	case do == "open":
		note = "The case is open."
		_, err = d.OpenCase(ctx, f.ID, by)
	case f.Case == nil:
		return errUnreadable
	case do == "state":
		note = "Your statement is on record."
		err = d.State(ctx, f.Case.ID, v.form.Get("text"), by)
	case do == "decide":
		note = "The decision is on record, and in force."
		var until time.Time
		if v.field("until") != "" {
			until, err = v.dayField("until")
		}
		if err == nil {
			err = d.Decide(ctx, f.Case.ID, training.Kind(v.field("kind")), until, v.form.Get("text"), by)
		}
	default:
		return errUnreadable
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: at, Refusal: refusal}, at)
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: at, Note: note}, at)
}
