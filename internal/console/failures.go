package console

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	clocks "ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// failurePlaces are the files of ways to refuse that failed, with the letters to the Commission.
//
// cite: P-12, P-37, 47 CFR 64.2009(f)
func failurePlaces() []place {
	const list, one = "/failures", "/failures/{failure}"
	const read, handle = staff.ReadIncidents, staff.HandleIncidents
	return []place{
		{pattern: list, right: read, get: (*visit).failuresPage},
		{pattern: list + "/new", right: handle, get: (*visit).newFailurePage, post: (*visit).takeFailureIn, long: true},
		{pattern: one, right: read, get: (*visit).failurePage},
		{pattern: one + "/facts", right: handle, get: (*visit).correctFailurePage, post: (*visit).correctFailure, long: true},
		{pattern: one + "/judge", right: handle, post: (*visit).judgeFailure, home: one, long: true},
		{pattern: one + "/file", right: handle, post: (*visit).fileLetter, home: one, scan: filing.MostPaper},
		{pattern: one + "/letter.pdf", right: read, get: (*visit).letterPDF},
		{pattern: one + "/papers/{n}", right: read, get: (*visit).failurePaper},
	}
}

const failuresTitle = "Failed ways to refuse"

func failureAddress(id cpni.ID) string { return "/failures/" + string(id) }

// failureRow is a file as the list has it.
type failureRow struct {
	Address, Number, Called, When string
	State                         chip
	Due, Left, Tone               string // what is to be done, "" nothing
	on                            workday.Date
}

// failureDue says what is to be done about a failure and by when.
//
// cite: 47 CFR 64.2009(f)
func (v *visit) failureRow(f *filing.Failure) failureRow {
	r := failureRow{Address: failureAddress(f.ID), Number: f.Number, Called: f.Facts.Mechanism, When: v.day(f.Opened), State: v.failureState(f)}
	switch {
	case f.State() != filing.Open:
	case f.Judged == nil:
		r.Due = "Judge whether it was more than an anomaly"
	default:
		by := v.office.Filing.LetterBy(f).Last
		r.Due, r.on = "Send the letter to the Commission by "+dated(by), by
		if r.Left, r.Tone = daysLeft(workday.DateIn(v.now, v.office.Zone).DaysUntil(by)); v.office.Filing.Late(f) && r.Tone != "bad" {
			r.Left, r.Tone = "late", "bad"
		}
	}
	return r
}

func (v *visit) failureState(f *filing.Failure) chip {
	switch {
	case f.Letter != nil && f.Letter.Late:
		return chip{"Letter sent late", "bad"}
	case f.Letter != nil:
		return chip{"Letter sent", "good"}
	case f.Judged == nil:
		return chip{"Not judged", "warn"}
	case f.Judged.Anomaly:
		return chip{"An anomaly: no letter is due", ""}
	case v.office.Filing.Late(f):
		return chip{"Letter is late", "bad"}
	}
	return chip{"Letter is due", "warn"}
}

// failuresView lists files.
type failuresView struct {
	page
	States []navItem
	Rows   []failureRow
	Older  string
	May    bool
}

// failuresPage lists files; of open ones what is due first stands first.
//
// cite: 47 CFR 64.2009(f)
func (v *visit) failuresPage() error {
	done := v.r.URL.Query().Get("of") == "done"
	q := filing.Query{Done: done, Limit: mostOpen, Before: cpni.ID(v.r.URL.Query().Get("before"))}
	if !q.Before.Valid() {
		q.Before = ""
	}
	if done {
		q.Limit = rowsOnPage + 1
	}
	view := failuresView{page: v.page(failuresTitle, "/failures"), May: v.member.May(staff.HandleIncidents), States: []navItem{{"Open", "/failures", !done}, {"Done", "/failures?of=done", done}}}
	all, err := v.office.Filing.List(v.r.Context(), v.member.ID, q)
	if err != nil {
		return err
	}
	if done && len(all) > rowsOnPage {
		all = all[:rowsOnPage]
		view.Older = "/failures?" + queryOf("of", "done", "before", string(all[rowsOnPage-1].ID))
	}
	for _, f := range all {
		view.Rows = append(view.Rows, v.failureRow(f))
	}
	if !done {
		slices.SortStableFunc(view.Rows, func(a, b failureRow) int {
			if x, y := a.on.IsZero(), b.on.IsZero(); x || y {
				return flagged(x) - flagged(y)
			}
			return a.on.Compare(b.on)
		})
	}
	return v.show(http.StatusOK, failuresPage(view))
}

// failuresWait says in one line what waits about ways to refuse that failed; nothing to those who do not work on them.
//
// cite: 47 CFR 64.2009(f)
func (v *visit) failuresWait() ([]waiting, error) {
	if !v.member.May(staff.HandleIncidents) {
		return nil, nil
	}
	all, err := v.office.Filing.List(v.r.Context(), v.member.ID, filing.Query{Limit: mostOpen})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	w := waiting{counted(len(all), "way to refuse has failed", "ways to refuse have failed"), "/failures", "warn"}
	late := 0
	for _, f := range all {
		late += flagged(v.office.Filing.Late(f))
	}
	if late > 0 {
		w.Text, w.Tone = w.Text+"; "+counted(late, "letter to the Commission is late", "letters to the Commission are late"), "bad"
	}
	return []waiting{w}, nil
}

// failureFile is what stands at the top of the pages of a file.
type failureFile struct {
	page
	Address, Number, Called string
	Chips                   []chip
	Key                     cpni.ID
	Version                 string
	May                     bool // the person may change it
}

func (v *visit) failureFile(f *filing.Failure) failureFile {
	return failureFile{page: v.page(f.Number, "/failures"), Address: failureAddress(f.ID), Number: f.Number, Called: f.Facts.Mechanism, Chips: []chip{v.failureState(f)}, Key: cpni.NewID(), Version: strconv.FormatInt(f.Version, 10),
		May: v.member.May(staff.HandleIncidents)}
}

// failureView is one file.
type failureView struct {
	failureFile
	Facts     []fact
	Texts     []fact
	Judged    bool
	CanJudge  bool
	CanFile   bool
	CanChange bool
	Lines     []clockLine
	Reminders []reminderView
	Elements  []filing.Element
	Lacking   int
	Sent      []fact
	Papers    []option
	Steps     []historyStep
	Now       string
}

// historyStep is a step as pages have it.
type historyStep struct {
	N                  int
	What, At, By, Says string
}

// failureOf gives the file of the address.
func (v *visit) failureOf() (*filing.Failure, error) {
	f, err := v.office.Filing.One(v.r.Context(), v.id("failure"), v.member.ID)
	if errors.Is(err, filing.ErrNone) {
		return nil, errNowhere
	}
	return f, err
}

// failurePage shows a file: what is known, the clock with its days, the letter with what it lacks, and the history.
//
// cite: P-12, 47 CFR 64.2009(f)
func (v *visit) failurePage() error {
	f, err := v.failureOf()
	if err != nil {
		return err
	}
	d := v.office.Filing
	view := failureView{failureFile: v.failureFile(f), Now: v.momentIn(v.now), Judged: f.Judged != nil, CanChange: f.Letter == nil}
	view.CanJudge, view.CanFile = f.Judged == nil || f.Judged.Anomaly, f.State() == filing.Open && f.Judged != nil
	today := workday.Latest(v.now, v.office.Zone)
	if by := d.LetterBy(f); len(by.Days) > 0 {
		line := clockLineOf(0, clocks.Line{Says: "The letter is sent to the Commission by the end of " + dated(by.Last) + ".", Count: by, Cites: []string{"47 CFR 64.2009(f)"}}, workday.DateIn(v.now, v.office.Zone))
		line.Title = "Letter to the Commission"
		view.Lines = []clockLine{line}
		until := by.Last
		if today.After(until) {
			until = today
		}
		var late []clocks.Reminder
		for _, r := range d.Reminders(f, until) {
			if r.Code == filing.Overdue {
				late = append(late, clocks.Reminder{On: r.On, Says: "The letter is late."})
				continue
			}
			view.Reminders = append(view.Reminders, reminderView{Day: dated(r.On), Says: "The letter is due.", Come: !r.On.After(today)})
		}
		view.Reminders = append(view.Reminders, remindersOf(late, today)...)
	}
	view.Facts, view.Texts = v.failureFacts(f)
	draft := filing.Write(f, d.Carrier, v.office.Zone)
	view.Elements, view.Lacking = draft.Elements, len(draft.Lacking())
	if l := f.Letter; l != nil {
		view.Sent = []fact{{"Sent", v.moment(l.At)}, {"Proof", l.Proof}}
		view.Papers = append(view.Papers, option{fmt.Sprintf("%s/papers/%d", view.Address, l.Text), "The letter as it was sent"})
		if l.Scan > 0 {
			view.Papers = append(view.Papers, option{fmt.Sprintf("%s/papers/%d", view.Address, l.Scan), "The proof as it was scanned"})
		}
	}
	for _, e := range slices.Backward(f.History) {
		by, err := v.actor(e.By)
		if err != nil {
			return err
		}
		s := historyStep{N: e.N, What: capital(string(e.What)), At: v.moment(e.At), By: by, Says: e.Reason}
		if j := e.Judgement; j != nil {
			s.Says = "More than an anomaly, on " + v.moment(j.At) + ". " + j.Basis
			if j.Anomaly {
				s.Says = "An anomaly, on " + v.moment(j.At) + ". " + j.Basis
			}
		}
		view.Steps = append(view.Steps, s)
	}
	return v.show(http.StatusOK, failurePage(view))
}

// failureFacts tells what is held of a failure.
func (v *visit) failureFacts(f *filing.Failure) (all, texts []fact) {
	x := f.Facts
	affected := "not known"
	if x.Affected > 0 {
		affected = strconv.Itoa(x.Affected)
	}
	all = append(all, fact{"Found", v.moment(x.Found)})
	if !x.First.IsZero() {
		all = append(all, fact{"Did not work from", dated(x.First)})
	}
	all = append(all, fact{"Customers who could not refuse", affected})
	switch {
	case f.Judged == nil:
		all = append(all, fact{"Judged", "not yet: the clock does not run"})
	case f.Judged.Anomaly:
		all = append(all, fact{"Judged", v.moment(f.Judged.At) + ": an anomaly"})
	default:
		all = append(all, fact{"Judged", v.moment(f.Judged.At) + ": more than an anomaly"}, fact{"Letter by", dated(v.office.Filing.LetterBy(f).Last)})
	}
	texts = append(texts, fact{"The problem", x.What})
	if f.Judged != nil && f.Judged.Basis != "" {
		texts = append(texts, fact{"Basis of the judgement", f.Judged.Basis})
	}
	return all, texts
}

// failureForm is the form of what is held of a failure.
type failureForm struct {
	failureFile
	New             bool
	Action          string
	Facts           filing.Facts
	Found, Affected string
	Reason          string
}

var stateChoices = []option{{string(clocks.Unknown), "Not known"}, {string(clocks.Yes), "Yes, these below"}, {string(clocks.No), "No state commission was notified"}}

func (v *visit) newFailureForm() failureForm {
	return failureForm{failureFile: failureFile{page: v.page("Take a failed way to refuse in", "/failures"), Key: cpni.NewID()}, New: true, Action: "/failures/new", Facts: filing.Facts{States: clocks.Unknown}}
}

// cite: P-12, 47 CFR 64.2009(f)
func (v *visit) newFailurePage() error {
	return v.show(http.StatusOK, failureFormPage(v.newFailureForm()))
}

// cite: 47 CFR 64.2009(f)
func (v *visit) correctFailurePage() error {
	f, err := v.failureOf()
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, failureFormPage(failureForm{failureFile: v.failureFile(f), Action: failureAddress(f.ID) + "/facts", Facts: f.Facts, Found: v.momentIn(f.Facts.Found), Affected: countField(f.Facts.Affected)}))
}

// readFailure reads what the form says, which is the whole of the facts, into the form as it is shown again.
func (v *visit) readFailure(form *failureForm, known time.Time) error {
	f := filing.Facts{Mechanism: v.field("mechanism"), What: v.text("what"), Remedy: v.text("remedy"), States: clocks.Truth(v.field("states")), Commissions: v.text("commissions"), Action: v.text("action"), Notice: v.text("notice"), Contact: v.text("contact")}
	var faults [4]error
	f.Found, faults[0] = v.momentOf("found", known)
	f.First, faults[1] = v.dateOf("first")
	f.Remedied, faults[2] = v.dateOf("remedied")
	if text := v.field("affected"); text != "" {
		var err error
		if f.Affected, err = strconv.Atoi(strings.ReplaceAll(text, ",", "")); err != nil {
			faults[3] = errField("how many customers is no number", "write digits, or leave it empty until it is known")
		}
	}
	form.Facts, form.Found, form.Affected, form.Reason = f, v.field("found"), v.field("affected"), v.text("reason")
	for _, fault := range faults {
		if fault != nil {
			return fault
		}
	}
	return nil
}

// takeFailureIn takes a failure in.
//
// cite: P-12, 47 CFR 64.2009(f), I-11
func (v *visit) takeFailureIn() error {
	key, err := v.key("failure")
	if err != nil {
		return err
	}
	form := v.newFailureForm()
	form.Key = cpni.ID(v.form.Get("key"))
	var f *filing.Failure
	if err = v.readFailure(&form, time.Time{}); err == nil {
		f, err = v.office.Filing.Open(v.r.Context(), filing.Intake{ID: key, By: v.member.ID, Facts: form.Facts})
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		form.Problem = problemOf(refusal)
		return v.show(refusedAs(refusal).status, failureFormPage(form))
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: failureAddress(f.ID), Note: "It is taken in as " + f.Number + "."}, failureAddress(f.ID))
}

// correctFailure puts new facts beside the old ones.
//
// cite: 47 CFR 64.2009(f)
func (v *visit) correctFailure() error {
	a, err := v.actOnFailure("facts")
	if err != nil {
		return err
	}
	f, err := v.failureOf()
	if err != nil {
		return err
	}
	form := failureForm{failureFile: v.failureFile(f), Action: failureAddress(f.ID) + "/facts"}
	if err = v.readFailure(&form, f.Facts.Found); err == nil {
		_, err = v.office.Filing.Correct(v.r.Context(), f.ID, a, form.Facts, form.Reason)
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		if form.Problem = problemOf(refusal); refusal.Code != "CONFLICT" {
			form.Version = v.form.Get("version") // of what the person has seen
		}
		return v.show(refusedAs(refusal).status, failureFormPage(form))
	}
	return v.failureDone("The facts are corrected. What was held before stays in the history.", err)
}

// actOnFailure names what the person does about the failure of the address, over the version that they have seen.
func (v *visit) actOnFailure(what string) (filing.Act, error) {
	key, err := v.key("failure " + what + " " + string(v.id("failure")))
	if err != nil {
		return filing.Act{}, err
	}
	version, err := v.seenVersion()
	return filing.Act{By: v.member.ID, ID: key, Version: version}, err
}

func (v *visit) failureDone(note string, err error) error {
	return v.told(err, failureAddress(v.id("failure")), note, filing.ErrNone)
}

// judgeFailure records whether it was more than an anomaly.
//
// cite: 47 CFR 64.2009(f)
func (v *visit) judgeFailure() error {
	a, err := v.actOnFailure("judge")
	if err != nil {
		return err
	}
	j := filing.Judgement{Basis: v.text("basis"), Anomaly: v.field("is") == "anomaly"}
	note := "It is judged to be more than an anomaly. The clock of the letter runs."
	if j.Anomaly {
		note = "It is judged to be an anomaly. No letter is due."
	}
	if v.field("is") != "more" && !j.Anomaly {
		return errUnreadable
	}
	_, err = v.office.Filing.Judge(v.r.Context(), v.id("failure"), a, j)
	return v.failureDone(note, err)
}

// fileLetter records that the letter was sent.
//
// cite: 47 CFR 64.2009(f)
func (v *visit) fileLetter() error {
	a, err := v.actOnFailure("file")
	if err != nil {
		return err
	}
	at, err := v.momentOf("at", time.Time{})
	if err == nil {
		_, err = v.office.Filing.File(v.r.Context(), v.id("failure"), a, at, v.field("proof"), v.scanned())
	}
	return v.failureDone("The letter is on record as it was sent.", err)
}

// letterPDF prints the letter as the file tells it now.
//
// cite: 47 CFR 64.2009(f)
func (v *visit) letterPDF() error {
	f, err := v.failureOf()
	if err != nil {
		return err
	}
	file, err := filing.Write(f, v.office.Filing.Carrier, v.office.Zone).PDF(v.office.Letterhead(), f.Changed)
	if err != nil {
		return err
	}
	return v.handFile("application/pdf", "letter-"+f.Number+".pdf", file)
}

// cite: 47 CFR 64.2009(f)
func (v *visit) failurePaper() error {
	n, err := strconv.Atoi(v.r.PathValue("n"))
	if err != nil {
		return errNowhere
	}
	p, file, err := v.office.Filing.Paper(v.r.Context(), v.id("failure"), v.member.ID, n)
	if errors.Is(err, filing.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	return v.handFile(p.Media, fmt.Sprintf("paper-%d.%s", n, paperEndings[p.Media]), file)
}
