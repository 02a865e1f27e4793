package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/filing/books"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
	"ringfence/internal/workday"
)

// bookRecordView is one record.
type bookRecordView struct {
	page
	Address, Number, Called string
	List                    option // the register of its year
	Facts, Texts            []fact
	From                    books.Complainant
	Report                  string // the address of the customer's report; "" none
	Customer                string // the address of what is on record about them; "" not known
	Gone                    bool   // who complained is forgotten
	Links                   []option
	Steps                   []bookStep
	May                     bool
}

// bookStep is a step of the history, with what it has changed.
type bookStep struct {
	historyStep
	Changes []books.Change
}

// bookRecordOf gives the record of the address.
func (v *visit) bookRecordOf() (*books.Record, error) {
	r, err := v.office.Books.One(v.r.Context(), v.id("record"), v.member.ID)
	if errors.Is(err, books.ErrNone) {
		return nil, errNowhere
	}
	return r, err
}

// longFact is from how many bytes on something stands as a text of its own.
const longFact = 60

// bookRecordPage shows a record with its history. That somebody reads who complained is on record.
//
// cite: P-37, P-41, 47 CFR 64.2009(e)
func (v *visit) bookRecordPage() error {
	r, err := v.bookRecordOf()
	if err != nil {
		return err
	}
	if r.Customer != "" {
		if err := v.office.Viewed(v.r.Context(), v.member.ID, watch.Records, r.Customer); err != nil {
			return err
		}
	}
	view := bookRecordView{page: v.page(r.Number, "/books"), Address: r.Address(), Number: r.Number, Called: r.Facts.Title(), From: r.From, Gone: r.Forgotten, May: v.member.May(staff.KeepRegisters)}
	for _, l := range r.Facts.Lines() {
		switch {
		case l.Label == "Alerts" || l.Label == "Incidents": // they stand as links
		case len(l.Value) > longFact || strings.Contains(l.Value, "\n"):
			view.Texts = append(view.Texts, fact{l.Label, l.Value})
		default:
			view.Facts = append(view.Facts, fact{l.Label, l.Value})
		}
	}
	if m := r.Facts.Method; m != nil {
		for _, id := range m.Alerts {
			view.Links = append(view.Links, option{"/alerts/" + string(id), "Alert " + short(id)})
		}
		for _, id := range m.Incidents {
			view.Links = append(view.Links, option{"/incidents/" + string(id), "Incident " + short(id)})
		}
	}
	if x := r.Facts.Review; x != nil {
		view.Links = append(view.Links, option{"/books/suppliers/" + x.Partner, "All reviews of this supplier"})
		if v.member.May(staff.ReadRecords) {
			view.Links = append(view.Links, option{partnerAddress(x.Partner), "What the register of partners says of it"})
		}
	}
	if r.Customer != "" && v.member.May(staff.ReadRecords) {
		view.Customer = recordsAddress(r.Customer)
	}
	if r.Report && r.Customer != "" && v.member.May(staff.Discipline) {
		view.Report = reportAddress(r.Customer, r.ID)
	}
	day := bookDay(r)
	view.List = option{bookListAddress(r.Kind, day.Year, ""), bookWords[r.Kind].title + " of " + strconv.Itoa(day.Year)}
	for i, e := range slices.Backward(r.History) {
		by, err := v.actor(e.By)
		if err != nil {
			return err
		}
		s := bookStep{historyStep: historyStep{N: e.N, What: capital(string(e.What)), At: v.moment(e.At), By: by, Says: e.Reason}}
		if i > 0 {
			s.Changes = e.Facts.Changed(r.History[i-1].Facts)
		}
		view.Steps = append(view.Steps, s)
	}
	return v.show(http.StatusOK, bookRecordPage(view))
}

// bookDay is the day under whose year a record counts first.
func bookDay(r *books.Record) workday.Date {
	switch f := r.Facts; {
	case f.Complaint != nil:
		return f.Complaint.Received
	case f.Action != nil:
		return f.Action.On
	case f.Method != nil:
		return f.Method.First
	default:
		return f.Review.On
	}
}

// bookForm is the form of what is held of a record.
type bookForm struct {
	page
	New                bool
	Kind               books.Kind
	Number, Action     string
	Key                cpni.ID
	Version, Reason    string
	Complaint          books.Complaint
	From               books.Complainant
	Customer           string
	Fixed              bool // where it comes from and when it came is what a report says
	Gone               bool
	Broker             books.Action
	Method             books.Method
	Alerts, Incidents  string
	Review             books.Review
	Partners           []option
	EveryMonths, Today string
}

// wordChoices lists words with what people read.
func wordChoices[K ~string](all []K, words map[K]string) []option {
	out := make([]option, len(all))
	for i, k := range all {
		out[i] = option{string(k), words[k]}
	}
	return out
}

func (v *visit) bookForm(kind books.Kind) (bookForm, error) {
	today := workday.DateIn(v.now, v.office.Zone)
	form := bookForm{page: v.page(bookWords[kind].enter, "/books"), New: true, Kind: kind, Action: "/books/new/" + string(kind), Key: cpni.NewID(), Today: today.String(),
		EveryMonths: strconv.Itoa(v.office.Books.Numbers(v.now).EveryMonths), Complaint: books.Complaint{Category: complaint.EmployeeAccess, Source: books.FromCustomer, Verdict: books.NotKnown}, Review: books.Review{On: today}}
	if kind != books.Reviews {
		return form, nil
	}
	all, err := v.office.Partners.All(v.r.Context())
	for _, p := range all {
		form.Partners = append(form.Partners, option{p.ID, p.Called()})
	}
	return form, err
}

// fill puts what is held into the form.
func (f *bookForm) fill(facts books.Facts) {
	switch {
	case facts.Complaint != nil:
		f.Complaint = *facts.Complaint
	case facts.Action != nil:
		f.Broker = *facts.Action
	case facts.Method != nil:
		f.Method, f.Alerts, f.Incidents = *facts.Method, idsText(facts.Method.Alerts), idsText(facts.Method.Incidents)
	case facts.Review != nil:
		f.Review = *facts.Review
	}
}

func idsText(ids []cpni.ID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = string(id)
	}
	return strings.Join(words, "\n")
}

func idsOf(text string) []cpni.ID {
	var all []cpni.ID
	for _, w := range strings.Fields(text) {
		all = append(all, cpni.ID(copiedID(w)))
	}
	return all
}

// facts reads what the form says, which is the whole of the facts, into the form as it is shown again.
func (v *visit) bookFacts(form *bookForm) (books.Facts, error) {
	form.Reason = v.text("reason")
	var faults []error
	day := func(name string) workday.Date {
		d, err := v.dateOf(name)
		faults = append(faults, err)
		return d
	}
	var facts books.Facts
	switch form.Kind {
	case books.Complaints:
		c := books.Complaint{Category: complaint.Category(v.field("category")), Source: books.Source(v.field("source")), Verdict: books.Verdict(v.field("verdict")), Finding: v.text("finding"), Done: v.text("done")}
		if form.Fixed {
			c.Source, c.Received = form.Complaint.Source, form.Complaint.Received
		} else {
			c.Received = day("received")
		}
		form.Complaint, form.From, form.Customer = c, books.Complainant{Name: v.field("name"), Says: v.text("says")}, copiedID(v.field("customer"))
		facts.Complaint = &c
	case books.Actions:
		form.Broker = books.Action{Body: books.Body(v.field("body")), Name: v.field("name"), Docket: v.field("docket"), On: day("on"), Against: v.field("against"), What: v.text("what"), Outcome: v.text("outcome")}
		facts.Action = &form.Broker
	case books.Methods:
		form.Alerts, form.Incidents = v.field("alerts"), v.field("incidents")
		form.Method = books.Method{What: v.text("what"), First: day("first"), Last: day("last"), Known: v.text("known"), Alerts: idsOf(form.Alerts), Incidents: idsOf(form.Incidents), Steps: v.text("steps"), Since: day("since")}
		facts.Method = &form.Method
	case books.Reviews:
		form.Review = books.Review{Partner: v.field("partner"), On: day("on"), Reviewer: v.field("reviewer"), Checked: v.text("checked"), Findings: v.text("findings"), MendBy: day("mend-by"), Mended: day("mended"), Next: day("next")}
		x := form.Review // what the policy makes of it does not stand in the form that is shown again
		facts.Review = &x
	}
	for _, err := range faults {
		if err != nil {
			return facts, err
		}
	}
	return facts, nil
}

// cite: P-41, 47 CFR 64.2009(e)
func (v *visit) newBookRecordPage() error {
	kind, err := v.bookOf()
	if err != nil {
		return err
	}
	form, err := v.bookForm(kind)
	if err != nil {
		return err
	}
	form.Review.Partner = v.r.URL.Query().Get("partner")
	return v.show(http.StatusOK, bookFormPage(form))
}

// enterBookRecord enters a record.
//
// cite: P-37, P-41, 47 CFR 64.2009(e), I-11
func (v *visit) enterBookRecord() error {
	kind, err := v.bookOf()
	if err != nil {
		return err
	}
	key, err := v.key("book " + string(kind))
	if err != nil {
		return err
	}
	form, err := v.bookForm(kind)
	if err != nil {
		return err
	}
	form.Key = cpni.ID(v.form.Get("key"))
	facts, err := v.bookFacts(&form)
	var r *books.Record
	if err == nil {
		r, err = v.office.Books.Enter(v.r.Context(), books.Intake{ID: key, By: v.member.ID, Facts: facts, From: form.From, Customer: cpni.ID(form.Customer)})
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		form.Problem = problemOf(refusal)
		return v.show(refusedAs(refusal).status, bookFormPage(form))
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: r.Address(), Note: "It is entered as " + r.Number + "."}, r.Address())
}

func (v *visit) correctionForm(r *books.Record) (bookForm, error) {
	form, err := v.bookForm(r.Kind)
	form.page.Title, form.New, form.Number, form.Action, form.Version = "Correct "+r.Number, false, r.Number, r.Address()+"/facts", strconv.FormatInt(r.Version, 10)
	form.Fixed, form.Gone = r.Report, r.Forgotten
	form.fill(r.Facts)
	form.From, form.Customer = r.From, string(r.Customer)
	return form, err
}

// cite: P-41, 47 CFR 64.2009(e)
func (v *visit) correctBookRecordPage() error {
	r, err := v.bookRecordOf()
	if err != nil {
		return err
	}
	form, err := v.correctionForm(r)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, bookFormPage(form))
}

// correctBookRecord puts new facts beside the old ones.
//
// cite: P-41, 47 CFR 64.2009(e)
func (v *visit) correctBookRecord() error {
	key, err := v.key("book facts " + string(v.id("record")))
	if err != nil {
		return err
	}
	version, err := v.seenVersion()
	if err != nil {
		return err
	}
	r, err := v.bookRecordOf()
	if err != nil {
		return err
	}
	form, err := v.correctionForm(r)
	if err != nil {
		return err
	}
	facts, err := v.bookFacts(&form)
	if err == nil {
		_, err = v.office.Books.Correct(v.r.Context(), r.ID, filing.Act{By: v.member.ID, ID: key, Version: version}, facts, form.From, form.Reason)
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		if form.Problem = problemOf(refusal); refusal.Code != "CONFLICT" {
			form.Version = v.form.Get("version") // of what the person has seen
		}
		return v.show(refusedAs(refusal).status, bookFormPage(form))
	}
	return v.told(err, r.Address(), "It is corrected. What was held before stays in the history.", books.ErrNone)
}
