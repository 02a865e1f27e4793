package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/breach"
	clocks "ringfence/internal/breach/clock"
	"ringfence/internal/breach/form"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// incidentReportPlaces are where the report to the agencies is drafted, copied into the facility by a person, and its receipt entered.
//
// cite: P-45, P-51, P-52, 47 CFR 64.2011(b)
func incidentReportPlaces() []place {
	const report = "/incidents/{incident}/report"
	return []place{
		{pattern: report, right: staff.ReadIncidents, get: (*visit).agencyReportPage},
		{pattern: report + "/draft", right: staff.HandleIncidents, post: (*visit).draftReport, home: report, long: true},
		{pattern: report + "/file", right: staff.HandleIncidents, post: (*visit).fileReport, home: report, scan: breach.MostPaper},
		{pattern: report + "/draft.json", right: staff.ReadIncidents, get: (*visit).draftJSON},
		{pattern: report + "/draft.pdf", right: staff.ReadIncidents, get: (*visit).draftPDF},
	}
}

// agencyReport is the report to the agencies.
type agencyReport struct {
	incidentFile
	Draft    form.Filled
	Fields   map[string]reportField
	Blocking []form.Problem
	Hints    []form.Problem
	Required bool // there are agencies to be told
	Due      string
	Told     string // since when all of them have it; "" they have not
	Facility string // its address; "" it is not known
	Warns    string
	Agencies []filedAgency
	Urgent   bool
	Filed    []filedView
	Now      string
}

type filedAgency struct {
	Value, Text string
	Must        bool
}

// filedView is a report that was filed.
type filedView struct {
	N               int
	Receipt, At, To string
	Marks           []chip
	Papers          []option
	Step            string
}

// reportField is what a page asks for in a field of the form.
type reportField struct {
	form.Answer
	ID       string
	Typed    []string // as the controls have it
	Drafted  string   // what the records say, where somebody wrote over it
	NotKnown bool     // that it is not known is what stands there
	May      bool
}

func (f reportField) chosen(o string) bool {
	for _, v := range strings.Split(f.Value, ", ") {
		if v == o {
			return true
		}
	}
	return false
}

// agencyReportPage shows the draft with every field, what is missing in it, and what was filed.
//
// cite: P-45, P-51, P-52, 47 CFR 64.2011(b)
func (v *visit) agencyReportPage() error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	return v.showAgencyReport(http.StatusOK, i, nil)
}

func (v *visit) showAgencyReport(status int, i *breach.Incident, refusal *cpni.Refusal) error {
	view := agencyReport{incidentFile: v.incidentFile(i, "/report"), Fields: map[string]reportField{}, Now: v.momentIn(i.Now(v.now))}
	if refusal != nil {
		view.Problem = problemOf(refusal)
	}
	view.May = view.May && view.Open
	view.Draft = v.office.BreachReport(i)
	for _, s := range view.Draft.Sections {
		for _, a := range s.Fields {
			view.Fields[a.Name] = v.reportField(a, view.May)
		}
	}
	for _, p := range view.Draft.Problems() {
		if p.Blocks {
			view.Blocking = append(view.Blocking, p)
		} else {
			view.Hints = append(view.Hints, p)
		}
	}
	view.Required, view.Due, view.Urgent = len(view.c.Agencies) > 0, dated(view.c.AgenciesBy), view.Draft.Urgent()
	facility := v.office.Facility(v.now)
	if !view.c.Reported.IsZero() {
		view.Told = v.moment(view.c.Reported)
	}
	var unknown *cpni.Refusal
	if view.Warns = facility.Warns(); errors.As(facility.Refused(), &unknown) {
		view.Warns = sentence(unknown.Says)
	} else {
		view.Facility = facility.Link
	}
	for _, a := range []clocks.Agency{clocks.SecretService, clocks.FBI, clocks.FCC} {
		x := filedAgency{Value: string(a), Text: agencyNames[a]}
		for _, m := range view.c.Agencies {
			x.Must = x.Must || m == a
		}
		view.Agencies = append(view.Agencies, x)
	}
	for n, r := range i.Reports {
		view.Filed = append(view.Filed, v.filedView(i, n+1, r))
	}
	return v.show(status, agencyReportPage(view))
}

func (v *visit) reportField(a form.Answer, may bool) reportField {
	f := reportField{Answer: a, ID: "f-" + a.Name, NotKnown: a.Value == form.Unknown, May: may}
	if a.Changed {
		f.Drafted = cmp.Or(a.Drafted, "nothing")
	}
	if f.NotKnown {
		f.Typed = []string{"", ""}
		return f
	}
	switch from, until, both := strings.Cut(a.Value, "/"); {
	case a.Kind == form.Moment && len(a.Value) > 16:
		f.Typed = []string{a.Value[:16]}
	case a.Kind == form.Range && both:
		f.Typed = []string{strings.TrimSuffix(from, ".."), strings.TrimSuffix(until, "..")}
	case a.Kind == form.Range:
		f.Typed = []string{"", ""}
	default:
		f.Typed = []string{a.Value}
	}
	return f
}

func (v *visit) filedView(i *breach.Incident, n int, r breach.Filed) filedView {
	at := incidentAddress(i.ID)
	x := filedView{N: n, Receipt: r.Receipt, At: v.moment(r.At), To: agenciesText(r.Agencies), Step: fmt.Sprintf("%s/history/%d", at, r.N)}
	if r.Urgent {
		x.Marks = append(x.Marks, chip{"Customers must be told at once", "warn"})
	}
	if r.Supplements > 0 {
		x.Marks = append(x.Marks, chip{fmt.Sprintf("Adds to report %d", r.Supplements), ""})
	}
	for _, p := range []struct {
		n    int
		text string
	}{{r.Pages, "As it was filed, as PDF"}, {r.Copy, "As it was filed, as JSON"}, {i.History[r.N-1].Paper, "The receipt"}} {
		if p.n > 0 {
			x.Papers = append(x.Papers, option{fmt.Sprintf("%s/papers/%d", at, p.n), p.text})
		}
	}
	return x
}

// draftReport keeps what a person wrote over the draft. What says the same as the records is not written over them.
//
// cite: P-45, P-52
func (v *visit) draftReport() error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	f, draft := v.office.BreachForm(i), v.office.BreachReport(i)
	changed := map[string]string{}
	for _, s := range draft.Sections {
		for _, a := range s.Fields {
			x, ok := f.Field(a.Name)
			name := "f-" + a.Name
			if !ok || !v.form.Has("has-"+a.Name) {
				continue
			}
			typed := v.form[name]
			if x.Kind == form.Range {
				typed = rangeTyped(typed)
			}
			said := x.Read(v.office.Zone, typed...)
			if v.form.Has("u-" + a.Name) {
				said = form.Unknown
			}
			drafted := a.Value
			if a.Changed {
				drafted = a.Drafted
			}
			if said != drafted {
				changed[a.Name] = said
			}
		}
	}
	return v.doing("draft", "/report", "The draft is kept. Nothing was filed.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Draft(v.r.Context(), id, a, f.Named(), changed)
	})
}

// rangeTyped gives the two days of a range as forms read them.
func rangeTyped(typed []string) []string {
	if len(typed) != 2 || typed[0] == "" && typed[1] == "" {
		return nil
	}
	return []string{cmp.Or(typed[0], ".."), cmp.Or(typed[1], "..")}
}

// fileReport records that a person has filed the report at the facility, with its receipt, and keeps the copy of what was filed.
//
// cite: P-44, P-45, P-51, V15, 47 CFR 64.2011(b)
func (v *visit) fileReport() error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	f := breach.Filing{Through: v.field("through"), Receipt: v.field("receipt"), Urgent: v.field("urgent") != "", Scan: v.scanned()}
	for _, a := range v.form["agency"] {
		f.Agencies = append(f.Agencies, clocks.Agency(a))
	}
	if f.At, err = v.momentOf("filed", time.Time{}); err != nil {
		return v.wentOn("/report", "", err)
	}
	if f.At.IsZero() {
		f.At = i.Now(v.now)
	}
	if n := len(i.Reports); n > 0 {
		f.Supplements = n
	}
	return v.doing("report", "/report", "It is on record that the report was filed, with the copy of it.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Report(v.r.Context(), id, a, f)
	})
}

// cite: P-45, P-52
func (v *visit) draftJSON() error { return v.handDraft("application/json", "json", form.Filled.JSON) }

// cite: P-45, P-52
func (v *visit) draftPDF() error { return v.handDraft("application/pdf", "pdf", form.Filled.PDF) }

func (v *visit) handDraft(media, ending string, write func(form.Filled) ([]byte, error)) error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	draft := v.office.BreachReport(i)
	file, err := write(draft)
	if err != nil {
		return err
	}
	return v.handFile(media, draft.Name()+"."+ending, file)
}

// rows is how many lines the control of a longer text has.
func (f reportField) rows() string {
	return strconv.Itoa(min(12, max(3, strings.Count(f.Value, "\n")+len(f.Value)/70+1)))
}
