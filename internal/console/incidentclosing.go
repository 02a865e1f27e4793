package console

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
)

// incidentPapersView is what was said and attached beside the steps that have pages of their own.
type incidentPapersView struct {
	incidentFile
	Remarks []agencySaid
	Papers  []incidentPaperRow
}

type incidentPaperRow struct{ Address, Name, When, Hash string }

// incidentPapersPage lists remarks, and every paper of a file.
//
// cite: P-49, P-51, 47 CFR 64.2011(d)
func (v *visit) incidentPapersPage() error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	view := incidentPapersView{incidentFile: v.incidentFile(i, "/papers")}
	for _, e := range i.History {
		if (e.What != breach.Remarked && e.What != breach.Attached) || e.Text == "" {
			continue
		}
		by, err := v.actor(e.By)
		if err != nil {
			return err
		}
		view.Remarks = append(view.Remarks, agencySaid{by, v.moment(e.At), e.Text, ""})
	}
	papers, err := v.office.Incidents.Papers(v.r.Context(), i.ID, v.member.ID)
	if err != nil {
		return err
	}
	for _, p := range papers {
		view.Papers = append(view.Papers, incidentPaperRow{fmt.Sprintf("%s/papers/%d", view.Address, p.N), fmt.Sprintf("Paper %d: %s", p.N, p.Name), v.moment(p.At), hexOf(p.Hash[:])})
	}
	return v.show(http.StatusOK, incidentPapersPage(view))
}

// paperEndings are the endings of papers by what they are.
var paperEndings = map[string]string{"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "application/json": "json", "text/plain": "txt"}

// incidentPaper hands out a paper as it was kept, as a file that the browser keeps and does not open here.
//
// cite: P-51, 47 CFR 64.2011(d)
func (v *visit) incidentPaper() error {
	n, err := strconv.Atoi(v.r.PathValue("n"))
	if err != nil {
		return errNowhere
	}
	p, file, err := v.office.Incidents.File(v.r.Context(), v.id("incident"), v.member.ID, n)
	if errors.Is(err, breach.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	return v.handFile(p.Media, fmt.Sprintf("paper-%d.%s", n, paperEndings[p.Media]), file)
}

// cite: P-49, P-51
func (v *visit) remarkIncident() error {
	return v.doing("remark", "/papers", "It is in the file.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Remark(v.r.Context(), id, a, v.text("text"), v.field("name"), v.scanned())
	})
}

// closingView is what a file still lacks, and the form by which it is closed.
type closingView struct {
	incidentFile
	Missing    []problemView
	Words      breach.Closing
	Sanctions  []string
	Discipline bool // the person may look at cases of discipline
	Kept       string
	Done       *breach.Closing
}

// closingPage shows what a file lacks before it can be closed, and how it was closed.
//
// cite: P-43, P-53, 47 CFR 64.2011(d)
func (v *visit) closingPage() error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	return v.showClosing(http.StatusOK, i, breach.Closing{}, nil)
}

func (v *visit) showClosing(status int, i *breach.Incident, words breach.Closing, refusal *cpni.Refusal) error {
	view := closingView{incidentFile: v.incidentFile(i, "/closing"), Words: words, Discipline: v.member.May(staff.Discipline)}
	if refusal != nil {
		view.Problem = problemOf(refusal)
	}
	for _, e := range i.All(breach.Sanctioned) {
		view.Sanctions = append(view.Sanctions, e.Case)
	}
	if !view.Open {
		view.Done = i.Closing
		view.Kept = v.day(v.office.Incidents.KeptUntil(i))
	} else {
		missing, err := v.office.Incidents.Missing(v.r.Context(), i, words)
		if err != nil {
			return err
		}
		for _, r := range missing {
			view.Missing = append(view.Missing, *problemOf(r))
		}
	}
	return v.show(status, closingPage(view))
}

// closeIncident closes a file that is complete. What was typed stays in the form where it is refused.
//
// cite: P-43, P-49, P-53
func (v *visit) closeIncident() error {
	a, err := v.actOn("closing")
	if err != nil {
		return err
	}
	words := breach.Closing{Cause: v.text("cause"), Remedy: v.text("remedy"), Lessons: v.text("lessons"), NoSanction: v.text("no-sanction")}
	_, err = v.office.Incidents.Close(v.r.Context(), v.id("incident"), a, words)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		i, err := v.incidentOf()
		if err != nil {
			return err
		}
		return v.showClosing(refusedAs(refusal).status, i, words, refusal)
	}
	return v.wentOn("/closing", "The file is closed.", err)
}

// cite: P-49
func (v *visit) reopenIncident() error {
	return v.doing("reopening", "/closing", "The file is open again.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Reopen(v.r.Context(), id, a, v.field("reason"))
	})
}

// cite: P-39, 47 CFR 64.2009(b)
func (v *visit) sanctionIncident() error {
	return v.doing("sanction", "/closing", "The case is named in the file.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Sanction(v.r.Context(), id, a, v.field("case"))
	})
}

// determineIncident records that it was determined what happened: from then on the clocks run.
//
// cite: P-44, P-50, V14, 47 CFR 64.2011(b)
func (v *visit) determineIncident() error {
	earlier, err := v.dateOf("earlier")
	if err != nil {
		return v.wentOn("", "", err)
	}
	return v.doing("determination", "", "It is determined. The clocks run.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Determine(v.r.Context(), id, a, breach.Determination{Earlier: earlier, Basis: v.text("basis")})
	})
}

// advanceIncident moves the clock of a rehearsal on.
func (v *visit) advanceIncident() error {
	by := v.field("by")
	if by == "days" {
		by = v.field("days")
	}
	days, err := strconv.Atoi(by)
	if err != nil || days < 1 || days > 366 {
		return v.wentOn("", "", errField("that is no number of days", "give a number from 1 to 366"))
	}
	return v.doing("advance", "", "The clock of the rehearsal is moved on by "+counted(days, "day", "days")+".", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Advance(v.r.Context(), id, a, time.Duration(days)*24*time.Hour)
	})
}

// incidentHistoryView is everything that was done, the newest first.
type incidentHistoryView struct {
	incidentFile
	Steps []incidentStep
	Total int
	From  int
	Older string
}

// incidentStep is a step of the history as people read it.
type incidentStep struct {
	N            int
	At, What, By string
	Says         []string
	Paper, Entry string
}

// incidentHistoryPage shows who did what and when, each with its entry in the ledger.
//
// cite: P-41, P-49, 47 CFR 64.2011(d)
func (v *visit) incidentHistoryPage() error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	view := incidentHistoryView{incidentFile: v.incidentFile(i, "/history"), Total: len(i.History)}
	view.From = view.Total
	if before, err := strconv.Atoi(v.r.URL.Query().Get("before")); err == nil && before > 1 && before <= view.Total {
		view.From = before - 1
	}
	for n := view.From; n > 0; n-- {
		if view.From-n == rowsOnPage {
			view.Older = fmt.Sprintf("%s/history?before=%d", view.Address, n+1)
			break
		}
		s, err := v.incidentStep(i, i.History[n-1])
		if err != nil {
			return err
		}
		view.Steps = append(view.Steps, s)
	}
	return v.show(http.StatusOK, incidentHistoryPage(view))
}

// incidentStepView is a step with the proof that it stands in the ledger.
type incidentStepView struct {
	incidentFile
	Step  incidentStep
	Entry cpni.ID
	Hash  string
	Proof *proofView
	Waits string
}

// incidentStepPage proves that a step stands in the ledger.
//
// cite: P-41, P-49
func (v *visit) incidentStepPage() error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(v.r.PathValue("step"))
	if err != nil || n < 1 || n > len(i.History) {
		return errNowhere
	}
	e := i.History[n-1]
	view := incidentStepView{incidentFile: v.incidentFile(i, "/history"), Entry: e.Entry}
	if view.Step, err = v.incidentStep(i, e); err != nil {
		return err
	}
	row, err := v.office.Ledger.Record(v.r.Context(), "", e.Entry)
	if err != nil {
		return err
	}
	plain, err := v.office.Vault.OpenRecord(v.r.Context(), row)
	if err != nil {
		return err
	}
	view.Hash = hashIn(plain)
	in, err := v.office.Ledger.Prove(v.r.Context(), "", e.Entry)
	switch {
	case errors.Is(err, ledger.ErrNotYet):
		view.Waits = sentence(err.Error())
	case err != nil:
		return err
	default:
		view.Proof = proofViewOf(in)
	}
	return v.show(http.StatusOK, incidentStepPage(view))
}

// incidentStep tells a step.
func (v *visit) incidentStep(i *breach.Incident, e breach.Event) (s incidentStep, err error) {
	s = incidentStep{N: e.N, At: v.moment(e.At), What: capital(string(e.What)), Entry: fmt.Sprintf("%s/history/%d", incidentAddress(i.ID), e.N)}
	if s.By, err = v.actor(e.By); err != nil {
		return s, err
	}
	if e.Paper > 0 {
		s.Paper = fmt.Sprintf("%s/papers/%d", incidentAddress(i.ID), e.Paper)
	}
	for _, t := range v.stepSays(i, e) {
		if t = strings.TrimSpace(t); t != "" {
			s.Says = append(s.Says, t)
		}
	}
	return s, nil
}
