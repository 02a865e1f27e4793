package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/certificate"
)

// actOnCertificate names what the person does about the file of the address, over the version that they have seen.
func (v *visit) actOnCertificate(what string) (int, certificate.Act, error) {
	year, err := v.year()
	if err != nil {
		return 0, certificate.Act{}, err
	}
	key, err := v.key("certificate " + what + " " + strconv.Itoa(year))
	if err != nil {
		return 0, certificate.Act{}, err
	}
	version, err := v.seenVersion() // the form counts from one, for a file into which nobody has written has the version 0
	return year, certificate.Act{By: v.member.ID, ID: key, Version: version - 1}, err
}

// certificateFields is the form of what people write into a file.
type certificateFields struct {
	certificateFile
	Fields                       certificate.Fields
	Employee, Disclosure, Online string
	Register                     certificate.Complaints
	Configured                   certificate.Carrier
	Gaps                         []gapView
}

func (v *visit) fieldsForm(f *certificate.File, fields certificate.Fields) (certificateFields, error) {
	form := certificateFields{certificateFile: v.certificateFile(f), Fields: fields, Configured: v.office.Certificates.Carrier()}
	x, err := v.office.Certificates.Draft(v.r.Context(), f.Year, v.member.ID)
	if err != nil {
		return form, err
	}
	form.Register = x.Register
	for _, g := range x.Gaps {
		form.Gaps = append(form.Gaps, gapView{g.ID, g.Says, fields.Explained[g.ID], linksOf(g.Evidence)})
	}
	c := fields.Complaints
	if c != (certificate.Complaints{}) && !c.None {
		form.Employee, form.Disclosure, form.Online = strconv.Itoa(c.Employee), strconv.Itoa(c.Disclosure), strconv.Itoa(c.Online)
	}
	return form, nil
}

// cite: 47 CFR 64.2009(e)
func (v *visit) certificateFieldsPage() error {
	f, err := v.certificateOf()
	if err != nil {
		return err
	}
	form, err := v.fieldsForm(f, f.Fields)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, certificateFieldsPage(form))
}

// explainedField names the field in which a gap is explained.
func explainedField(id string) string { return "explained:" + id }

// readCertificate reads what the form says, which is the whole of the fields.
func (v *visit) readCertificate() (f certificate.Fields, err error) {
	answer := func(name string) certificate.Answer {
		return certificate.Answer{None: v.field(name+"-none") == "yes", Text: v.text(name)}
	}
	f = certificate.Fields{Company: v.field("company"), FilerID: v.field("filer"), Signatory: v.field("signatory"), Title: v.field("title"), Agent: v.field("agent") == "yes", Knowledge: v.field("knowledge") == "yes", Truthful: v.field("truthful") == "yes",
		Complaints: certificate.Complaints{None: v.field("complaints-none") == "yes", Summary: v.text("complaints")}, Brokers: answer("brokers"), Pretexting: answer("pretexting"), Steps: v.text("steps"), Own: v.text("own"), Explained: map[string]string{}}
	for name, to := range map[string]*int{"employee": &f.Complaints.Employee, "disclosure": &f.Complaints.Disclosure, "online": &f.Complaints.Online} {
		text := v.field(name)
		if text == "" {
			continue
		}
		n, failed := strconv.Atoi(text)
		if failed != nil {
			err = errField("a number of complaints is no number", "write digits, or say that there were none")
		}
		*to = n
	}
	for name := range v.form {
		if id, ok := strings.CutPrefix(name, explainedField("")); ok {
			f.Explained[id] = v.text(name)
		}
	}
	return f, err
}

// amendCertificate puts other fields in the place of those that the file holds.
//
// cite: 47 CFR 64.2009(e)
func (v *visit) amendCertificate() error {
	year, a, err := v.actOnCertificate("fields")
	if err != nil {
		return err
	}
	f, err := v.certificateOf()
	if err != nil {
		return err
	}
	fields, err := v.readCertificate()
	for id, says := range f.Fields.Explained { // of a gap that is not open now, what was said of it stays
		if _, asked := fields.Explained[id]; !asked {
			fields.Explained[id] = says
		}
	}
	if err == nil {
		_, err = v.office.Certificates.Amend(v.r.Context(), year, a, fields)
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		form, err := v.fieldsForm(f, fields)
		if err != nil {
			return err
		}
		if form.Problem = problemOf(refusal); refusal.Code != "CONFLICT" {
			form.Version = v.form.Get("version") // of what the person has seen
		}
		return v.show(refusedAs(refusal).status, certificateFieldsPage(form))
	}
	return v.told(err, certificateAddress(year), "It is written into the file. Whoever was led through it before is led through it again.", certificate.ErrNone)
}

// walkStep is a step of a walk as pages have it.
type walkStep struct {
	ID, Title, Address, Confirmed, Remark string
	Here                                  bool
}

// walkView is where an officer is led through a file.
type walkView struct {
	certificateFile
	Begun   bool
	Mine    bool // it is this officer who is led through it
	By      string
	Began   string
	Hash    string
	Drawn   []certificate.Stratum
	Steps   []walkStep
	Step    *certificate.Step // that is shown; nil: none
	Answers []answered
	Gaps    []gapView
	Text    []certificate.Section
	Record  string // where the decision stands on record
	Made    []fact // of the decision
	Again   []fact
	Facts   []string
	Same    bool
	Done    bool
}

// walkOf is the page of a walk, at a step where one is named.
func (v *visit) walkOf(f *certificate.File, id string) (walkView, error) {
	view := walkView{certificateFile: v.certificateFile(f)}
	w := f.Walk
	if w == nil {
		return view, nil
	}
	by, err := v.actor(string(w.By))
	if err != nil {
		return view, err
	}
	view.Begun, view.Mine, view.By, view.Began, view.Hash, view.Drawn, view.Done = true, w.By == v.member.ID && view.Officer && f.Sign == nil, by, v.moment(w.Began), w.Hash, w.Drawn, w.Done()
	for i, s := range w.Steps {
		x := walkStep{ID: s.ID, Title: s.Title, Address: view.Address + "/walk/" + s.ID, Remark: s.Remark, Here: s.ID == id}
		if !s.Confirmed.IsZero() {
			x.Confirmed = v.moment(s.Confirmed)
		}
		if view.Steps = append(view.Steps, x); x.Here {
			view.Step = &w.Steps[i]
		}
	}
	if view.Step == nil {
		if id != "" {
			return view, errNowhere
		}
		return view, nil
	}
	switch view.Step.Kind {
	case certificate.StepChecked:
		view.Answers = answersOf(&w.Of)
	case certificate.StepGaps:
		view.Gaps = gapsOf(&w.Of)
	case certificate.StepCertificate:
		view.Text = w.Of.Sections
	case certificate.StepDecision:
		v.walkDecision(&view)
	}
	return view, nil
}

// walkDecision tells of a drawn decision, and of what making it again has shown.
func (v *visit) walkDecision(view *walkView) {
	s := view.Step.Decision
	view.Record = recordsAddress(s.Customer) + "/" + string(s.Entry)
	outcome := capital(string(s.Outcome))
	if s.Code != "" {
		outcome += ", " + string(s.Code)
	}
	view.Made = []fact{{"Recorded", v.moment(s.At)}, {"Asked for", capital(s.Purpose)}, {"Came out as", outcome}}
	x := view.Step.Seen
	if x == nil {
		return
	}
	view.Same, view.Facts = x.Same(), x.Facts
	if x.Forgotten {
		view.Again = []fact{{"Made again", v.moment(x.At) + ": nobody can read its facts any more"}}
		return
	}
	var codes []string
	for _, c := range x.Codes {
		codes = append(codes, string(c))
	}
	again := capital(string(x.Outcome))
	if len(codes) > 0 {
		again += ", " + strings.Join(codes, ", ")
	}
	view.Again = []fact{{"Made again", v.moment(x.At)}, {"Comes out as", again}, {"Rules that decided", strings.Join(x.Decided, ", ")}, {"For", strings.Join(append(append([]string(nil), x.Clauses...), x.Cites...), ", ")}, {"Version of the rules", x.Rules}}
	if x.Differs != "" {
		view.Again = append(view.Again, fact{"Differs", x.Differs})
	}
}

// walkPage shows how far an officer has come through the file.
//
// cite: 47 CFR 64.2009(e)
func (v *visit) walkPage() error { return v.walkAt("") }

// walkStepPage shows one step of the walk.
//
// cite: P-41, 47 CFR 64.2009(e)
func (v *visit) walkStepPage() error { return v.walkAt(v.r.PathValue("step")) }

func (v *visit) walkAt(step string) error {
	f, err := v.certificateOf()
	if err != nil {
		return err
	}
	view, err := v.walkOf(f, step)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, walkPage(view))
}

// beginWalk freezes the file and begins.
//
// cite: 47 CFR 64.2009(e), V109, V110
func (v *visit) beginWalk() error {
	year, a, err := v.actOnCertificate("walk")
	if err != nil {
		return err
	}
	at := certificateAddress(year) + "/walk"
	f, err := v.office.Certificates.Begin(v.r.Context(), year, a)
	if err == nil && f.Walk.Next() != nil {
		return v.goTo(at + "/" + f.Walk.Next().ID)
	}
	return v.told(err, at, "The walk has begun.", certificate.ErrNone)
}

// decideAgain makes a drawn decision again before the officer.
//
// cite: P-41, 47 CFR 64.2009(e)
func (v *visit) decideAgain() error {
	step := v.r.PathValue("step")
	year, a, err := v.actOnCertificate("again " + step)
	if err != nil {
		return err
	}
	_, err = v.office.Certificates.Show(v.r.Context(), year, a, step)
	return v.told(err, certificateAddress(year)+"/walk/"+step, "It was made again from the facts on record.", certificate.ErrNone)
}

// confirmStep records that the officer has looked at a step, and leads on to the next.
//
// cite: 47 CFR 64.2009(e)
func (v *visit) confirmStep() error {
	step := v.r.PathValue("step")
	year, a, err := v.actOnCertificate("confirm " + step)
	if err != nil {
		return err
	}
	at := certificateAddress(year)
	f, err := v.office.Certificates.Confirm(v.r.Context(), year, a, step, v.text("remark"))
	if err != nil {
		return v.told(err, at+"/walk/"+step, "", certificate.ErrNone)
	}
	if next := f.Walk.Next(); next != nil {
		return v.goTo(at + "/walk/" + next.ID)
	}
	return v.leave(flash{For: at + "/walk", Note: "You have looked at everything. It can be signed."}, at+"/walk")
}

// signView is where an officer signs.
type signView struct {
	certificateFile
	Facts  []fact
	Lacks  string // what has to be done before; "" it can be signed
	Factor bool   // the officer has a second factor
}

// signPage shows what is signed, and asks for the signature.
//
// cite: P-37, 47 CFR 64.2009(e)
func (v *visit) signPage() error {
	f, err := v.certificateOf()
	if err != nil {
		return err
	}
	view := signView{certificateFile: v.certificateFile(f)}
	factors, err := v.office.Staff.Factors(v.r.Context(), v.member.ID)
	if err != nil {
		return err
	}
	view.Factor = len(factors) > 0
	switch w := f.Walk; {
	case f.Sign != nil:
		view.Lacks = "It is signed already."
	case !view.Officer:
		view.Lacks = "An officer of the carrier signs, and nobody for them."
	case w == nil:
		view.Lacks = "Nobody was led through the file as it is now. What is signed is what was seen."
	case !w.Done():
		view.Lacks = "The walk through the file is not finished: " + w.Next().Title + " is not confirmed."
	case w.By != v.member.ID:
		view.Lacks = "Another officer was led through it."
	default:
		view.Facts = []fact{{"Year", view.Year}, {"Carrier", w.Of.Fields.Company}, {"Who signs", w.Of.Fields.Signatory + ", " + w.Of.Fields.Title}, {"Looked at", counted(len(w.Steps), "step", "steps") + ", each confirmed"},
			{"What was not kept", counted(len(w.Of.Gaps), "gap is told in the statement", "gaps are told in the statement")}, {"SHA-256 of the text", w.Hash}}
	}
	return v.show(http.StatusOK, signPage(view))
}

// signCertificate signs.
//
// cite: P-37, 47 CFR 64.2009(e), 47 CFR 1.17
func (v *visit) signCertificate() error {
	year, a, err := v.actOnCertificate("sign")
	if err != nil {
		return err
	}
	at := certificateAddress(year)
	if _, err := v.office.Certificates.Sign(v.r.Context(), year, a, v.session); err != nil {
		return v.told(err, at+"/sign", "", certificate.ErrNone)
	}
	return v.leave(flash{For: at, Note: "It is signed. Take the pages, file them in the docket, and enter its confirmation here."}, at)
}

// fileCertificate records that the docket has it.
//
// cite: 47 CFR 64.2009(e)
func (v *visit) fileCertificate() error {
	year, a, err := v.actOnCertificate("filed")
	if err != nil {
		return err
	}
	at, err := v.momentOf("at", time.Time{})
	if err == nil {
		_, err = v.office.Certificates.File(v.r.Context(), year, a, at, v.field("number"), v.scanned())
	}
	return v.told(err, certificateAddress(year), "It is on record that the docket has it.", certificate.ErrNone)
}

// reopenCertificate takes the signature back.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.17
func (v *visit) reopenCertificate() error {
	year, a, err := v.actOnCertificate("reopen")
	if err != nil {
		return err
	}
	_, err = v.office.Certificates.Reopen(v.r.Context(), year, a, v.text("reason"))
	return v.told(err, certificateAddress(year), "The signature is taken back. What was signed stays on record.", certificate.ErrNone)
}
