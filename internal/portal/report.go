package portal

import (
	"errors"
	"net/http"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// reportPlaces are where customers say that something is wrong, and read the answer.
//
// cite: P-41, 47 CFR 64.2009(e)
func reportPlaces() []place {
	return []place{
		{"GET " + reportPath, visiting((*Portal).report)},
		{"POST " + reportPath, visiting((*Portal).reportNow)},
	}
}

const reportPath = "/account/report"

// reportView is the page of reports.
type reportView struct {
	visit
	Error string
	Kinds []choice
	Line  *lineView // that it is about; nil: none
	Text  string
	Key   string
	Past  []reportedView
}

// reportedView is a report that was made.
type reportedView struct {
	When, Kind, Text string
	State            string
	Answer           string
	Line             cpni.ID
}

func (p *Portal) report(w http.ResponseWriter, r *http.Request, v visit) error {
	return p.showReport(w, r, v, http.StatusOK, "", r.URL.Query().Get("line"))
}

func (p *Portal) showReport(w http.ResponseWriter, r *http.Request, v visit, status int, says, line string) error {
	view := reportView{visit: v.titled("report"), Error: says, Key: string(cpni.NewTimedID(p.office.Clock.Now()))}
	if r.PostForm != nil {
		view.Text = r.PostForm.Get("text")
	}
	if line != "" {
		l, err := p.office.Accounting.One(r.Context(), v.Customer, cpni.ID(line))
		if err == nil {
			x := p.lineView(v, l, nil)
			view.Line = &x
		} else if !errors.Is(err, ledger.ErrNoRecord) {
			return err
		}
	}
	for _, c := range complaint.Categories {
		chosen := r.PostForm != nil && r.PostForm.Get("category") == string(c)
		view.Kinds = append(view.Kinds, choice{Name: "category", Value: string(c), Label: v.says("report-" + string(c)), Hint: v.says("report-" + string(c) + "-hint"), Chosen: chosen})
	}
	all, err := p.office.Complaints.Of(r.Context(), v.Customer)
	if err != nil {
		return err
	}
	for _, c := range all {
		view.Past = append(view.Past, reportedView{When: p.momentOf(v.Language, c.At), Kind: v.says("report-" + string(c.Category)), Text: c.Text, State: v.says("report-state-" + string(c.State)), Answer: c.Answer, Line: c.Entry})
	}
	p.show(w, r, status, reportPage(view))
	return nil
}

// reportNow takes a report.
//
// cite: P-41, 47 CFR 64.2009(e)
func (p *Portal) reportNow(w http.ResponseWriter, r *http.Request, v visit) error {
	line := r.PostForm.Get("line")
	if line != "" { // only a line that they can see is one that they can report
		if _, err := p.office.Accounting.One(r.Context(), v.Customer, cpni.ID(line)); errors.Is(err, ledger.ErrNoRecord) {
			line = ""
		} else if err != nil {
			return err
		}
	}
	c, err := p.office.Complaints.File(r.Context(), complaint.Filing{ID: cpni.ID(r.PostForm.Get("key")), Customer: v.Customer, Category: complaint.Category(r.PostForm.Get("category")), Entry: cpni.ID(line),
		Text: r.PostForm.Get("text"), Contact: v.Contact.ID})
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return p.showReport(w, r, v, http.StatusBadRequest, v.says("report-refused"), line)
	}
	if err != nil {
		return err
	}
	if c.Message == "" { // there is no place where they could be told
		return v.onward(p, w, r, reportPath, "said-reported-here")
	}
	return v.onward(p, w, r, reportPath, "said-reported")
}
