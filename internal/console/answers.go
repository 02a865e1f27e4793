package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringfence/internal/answer"
	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/staff"
	"ringfence/internal/vault"
	"ringfence/internal/watch"
	"ringfence/internal/workday"
)

// answerPlaces are where answers on paper are entered, where those that are not plain are read, and where an auditor sees what was said.
//
// cite: P-12, P-37, 47 CFR 64.2007(a)(3)
func answerPlaces() []place {
	const post, one, kept = "/answers/post/{customer}", "/answers/read/{answer}", "/records/{customer}/approvals"
	return []place{
		{pattern: "/answers", right: staff.Serve, get: (*visit).answersPage},
		{pattern: one, right: staff.Serve, get: (*visit).readAnswerPage},
		{pattern: one + "/open", right: staff.Serve, post: (*visit).takeAnswer, home: one},
		{pattern: one + "/back", right: staff.Serve, post: (*visit).giveAnswerBack, home: "/answers"},
		{pattern: one + "/decide", right: staff.Serve, post: (*visit).decideAnswer, home: one},
		{pattern: "/answers/post", right: staff.Serve, get: (*visit).paperPage, post: (*visit).findPaper},
		{pattern: post, right: staff.Serve, scan: approval.MostEvidence, get: (*visit).enterPaperPage, post: (*visit).enterPaper},
		{pattern: kept, right: staff.ReadRecords, get: (*visit).approvalsPage},
		{pattern: kept + "/{event}/evidence", right: staff.ReadRecords, post: (*visit).answerEvidence, home: kept},
	}
}

// unreadView lists the answers that a person has to read.
type unreadView struct {
	page
	Rows []unreadRow
}

type unreadRow struct {
	ID                        cpni.ID
	At, Due, Via, Why, Reader string
	Held, Late, Mine, Free    bool
}

var whyWords = map[string]string{answer.NotPlain: "What it means is not plain", answer.Question: "A no that also asks something", answer.Complaint: "They called our notice unwanted",
	answer.Nobody: "No customer has the address that it is from", answer.Several: "More than one customer has the address"}

// cite: P-12, P-37
func (v *visit) answersPage() error {
	all, err := v.office.Answers.Waiting(v.r.Context())
	if err != nil {
		return err
	}
	view := unreadView{page: v.page("Answers to read", "/desk")}
	for _, w := range all {
		row, err := v.unreadRow(w)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, row)
	}
	return v.show(http.StatusOK, answersPage(view))
}

func (v *visit) unreadRow(w answer.Waiting) (unreadRow, error) {
	row := unreadRow{ID: w.ID, At: v.moment(w.At), Due: v.day(w.Due.Add(-time.Second)), Via: wordOf(answerWays, w.Via), Why: wordOf(whyWords, w.Why), Held: w.Held, Late: !v.now.Before(w.Due), Mine: w.Reader == v.member.ID, Free: w.Reader == ""}
	if w.Reader != "" {
		who, err := v.actor(string(w.Reader))
		if err != nil {
			return row, err
		}
		row.Reader = who
	}
	return row, nil
}

// readView is one answer with its words.
type readView struct {
	page
	Row               unreadRow
	From, Subject     string
	Text              string
	Shown             bool
	Name, Card        string // of the customer, where it is known
	Heard             string
	Refused           []string
	Scopes            []option
	Unknown           bool
	Decided, Decision string
	NoteOfReader      string
}

var decisionWords = map[string]string{answer.IsObjection: "It is a no", answer.NotAbout: "It is not about this", answer.IsOther: "Something else"}

// takeAnswer takes an answer to read it.
func (v *visit) takeAnswer() error {
	address := "/answers/read/" + string(v.id("answer"))
	_, err := v.office.Answers.Open(v.r.Context(), v.id("answer"), v.member.ID)
	var refusal *cpni.Refusal
	switch {
	case errors.Is(err, answer.ErrNone):
		return errNowhere
	case errors.As(err, &refusal):
		return v.leave(flash{For: "/answers", Refusal: refusal}, "/answers")
	case err != nil:
		return err
	}
	return v.goTo(address)
}

func (v *visit) giveAnswerBack() error {
	if err := v.office.Answers.GiveBack(v.r.Context(), v.id("answer"), v.member.ID); err != nil {
		return err
	}
	return v.goTo("/answers")
}

// readAnswerPage shows an answer to who has taken it. Each time is on record.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func (v *visit) readAnswerPage() error {
	all, err := v.office.Answers.Waiting(v.r.Context())
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(w answer.Waiting) bool { return w.ID == v.id("answer") && w.Reader == v.member.ID }) {
		return v.goTo("/answers")
	}
	w, err := v.office.Answers.Open(v.r.Context(), v.id("answer"), v.member.ID)
	if err != nil {
		return err
	}
	view := readView{page: v.page("An answer", "/desk"), From: w.From, Subject: w.Subject, Text: w.Text, Shown: w.Shown, Unknown: w.Customer == ""}
	if view.Row, err = v.unreadRow(w.Waiting); err != nil {
		return err
	}
	for _, s := range w.Refused {
		view.Refused = append(view.Refused, uncapital(scopeWords(s)))
	}
	stands := []approval.Stand{{Scope: string(cpni.OwnMarketing)}, {Scope: string(cpni.OtherMarketing)}}
	if w.Customer != "" {
		p, _, err := v.office.Customers.Get(v.r.Context(), w.Customer)
		switch {
		case errors.Is(err, customer.ErrNoCustomer), errors.Is(err, vault.ErrForgotten):
		case err != nil:
			return err
		default:
			view.Name, view.Card = p.Name, customerAddress(p.ID)
			if stands, err = v.office.Stands(v.r.Context(), p); err != nil {
				return err
			}
		}
	}
	view.Scopes = refusable(stands)
	return v.show(http.StatusOK, readAnswerPage(view))
}

// decideAnswer records what a reader found.
func (v *visit) decideAnswer() error {
	d := answer.Decision{Is: v.form.Get("is"), Note: v.field("note"), By: v.member.ID}
	if s := v.field("scope"); s != "" {
		d.Scopes = []string{s}
	}
	address := "/answers/read/" + string(v.id("answer"))
	var refusal *cpni.Refusal
	if whose := v.field("whose"); whose != "" {
		ids, err := v.office.Customers.Search(v.r.Context(), whose)
		if err != nil {
			return err
		}
		if len(ids) != 1 {
			return v.leave(flash{For: address, Refusal: errOne}, address)
		}
		d.Customer = ids[0]
	}
	err := v.office.Answers.Decide(v.r.Context(), v.id("answer"), d)
	switch {
	case errors.Is(err, answer.ErrNone), errors.Is(err, customer.ErrNoCustomer):
		return errNowhere
	case errors.As(err, &refusal):
		return v.leave(flash{For: address, Refusal: refusal}, address)
	case err != nil:
		return err
	}
	return v.leave(flash{For: "/answers", Note: "It is decided, and on record."}, "/answers")
}

var errOne = cpni.Rejected("NOT_FOUND", "nobody, or more than one, was found by this", []string{"P-12"}, "give the account, or a number of theirs")

// paperView is where one begins to enter an answer on paper.
type paperView struct {
	page
}

func (v *visit) paperPage() error {
	return v.show(http.StatusOK, paperPage(paperView{v.page("Answers on paper", "/desk")}))
}

// findPaper finds whose answer it is: by the number that stands on the notice, or by the account.
//
// cite: P-12, P-17
func (v *visit) findPaper() error {
	if number := v.field("number"); number != "" {
		of, m, err := v.office.Outbox.ByNumber(v.r.Context(), number)
		if err == nil && notify.IsNotice(m.Kind) {
			return v.goTo("/answers/post/" + string(of) + "?notice=" + string(m.ID))
		}
		if err != nil && !errors.Is(err, notify.ErrNotOurs) {
			return err
		}
	}
	if account := v.field("account"); account != "" {
		ids, err := v.office.Customers.Find(v.r.Context(), customer.ByAccount, account)
		if err != nil {
			return err
		}
		if len(ids) == 1 {
			return v.goTo("/answers/post/" + string(ids[0]))
		}
	}
	return v.leave(flash{For: "/answers/post", Refusal: cpni.Rejected("NOT_FOUND", "no notice has this number, and nobody this account", []string{"P-12"}, "look at the paper again", "find the customer by name at the desk, and go on from there")}, "/answers/post")
}

// enterView is the form for an answer on paper.
type enterView struct {
	page
	Address string
	Card    card
	Stands  []standView
	Scopes  []option
	Notices []choice
	Today   string
	Days    int // after which a reason is needed
}

// cite: P-12, P-17, P-36
func (v *visit) enterPaperPage() error {
	p, _, err := v.office.Customers.Get(v.r.Context(), v.id("customer"))
	if err != nil {
		return err
	}
	view := enterView{page: v.page("An answer on paper", "/desk"), Address: "/answers/post/" + string(p.ID), Card: v.cardOf(p), Today: workday.DateIn(v.now, v.office.Zone).String(), Days: v.office.Answers.Numbers(v.now).BackdateDays}
	stands, err := v.office.Stands(v.r.Context(), p)
	if err != nil {
		return err
	}
	events, err := v.office.Approvals.Events(v.r.Context(), p.ID)
	if err != nil {
		return err
	}
	view.Stands, view.Scopes = v.standViews(stands), refusable(stands)
	named := v.r.URL.Query().Get("notice")
	for _, o := range v.askedOf(events) {
		view.Notices = append(view.Notices, choice{o, named != "" && strings.HasPrefix(o.Value, named+" ")})
	}
	if err := v.viewed(watch.Card, view.Card); err != nil {
		return err
	}
	return v.show(http.StatusOK, enterPaperPage(view))
}

// enterPaper records an answer on paper.
//
// cite: P-10, P-12, P-14, P-36, 47 CFR 64.2007(a)
func (v *visit) enterPaper() error {
	address := "/answers/post/" + string(v.id("customer"))
	day, err := workday.ParseDate(v.field("received"))
	if err != nil {
		day = workday.Date{}
	}
	x := answer.Entered{Customer: v.id("customer"), Via: v.form.Get("via"), Received: day, Reason: v.field("reason"), Signed: v.form.Get("signed") == "yes", By: v.member.ID, Scope: v.field("scope")}
	switch v.form.Get("says") {
	case "yes":
		id, scope, _ := strings.Cut(v.field("notice"), " ")
		x.Says, x.Notice, x.Scope = approval.Grant, cpni.ID(id), scope
	case "back":
		x.Says = approval.Lift
	case "no":
		x.Says = approval.Object
	}
	if len(v.uploads) > 0 {
		x.Scan = []byte(v.uploads[0].Text)
	}
	_, err = v.office.Answers.Enter(v.r.Context(), x)
	var refusal *cpni.Refusal
	switch {
	case errors.Is(err, customer.ErrNoCustomer):
		return errNowhere
	case errors.As(err, &refusal):
		return v.leave(flash{For: address, Refusal: refusal}, address)
	case err != nil:
		return err
	}
	return v.leave(flash{For: address, Note: "It is on record, and counts from the day on which it was received."}, address)
}

// keptView is what is on record of a customer's approvals, each with the evidence that put it there.
type keptView struct {
	page
	Customer cpni.ID
	Stands   []standView
	All      []saidWhatView
	Unread   []unreadRow
}

// cite: P-36, P-41, 47 CFR 64.2007(a)(3)
func (v *visit) approvalsPage() error {
	id := v.id("customer")
	p, _, err := v.office.Customers.Get(v.r.Context(), id)
	if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	stands, err := v.office.Stands(v.r.Context(), p)
	if err != nil {
		return err
	}
	events, err := v.office.Approvals.Events(v.r.Context(), id)
	if err != nil {
		return err
	}
	view := keptView{page: v.page("Approvals", "/records"), Customer: id, Stands: v.standViews(stands)}
	if view.All, err = v.saidWhatViews(id, events); err != nil {
		return err
	}
	read, err := v.office.Answers.Of(v.r.Context(), id)
	if err != nil {
		return err
	}
	for _, w := range read {
		row, err := v.unreadRow(w)
		if err != nil {
			return err
		}
		if !w.Decided.IsZero() {
			row.Why += ": " + uncapital(wordOf(decisionWords, w.Decision))
		}
		view.Unread = append(view.Unread, row)
	}
	if err := v.office.Viewed(v.r.Context(), v.member.ID, watch.Records, id); err != nil {
		return err
	}
	return v.show(http.StatusOK, approvalsPage(view))
}

// answerEvidence gives out what shows that a customer said something. That it was opened is on record first.
//
// cite: P-36, P-41, 47 CFR 64.2007(a)(1), 47 CFR 64.2010(a)
func (v *visit) answerEvidence() error {
	_, raw, err := v.office.AnswerEvidence(v.r.Context(), v.member.ID, v.id("customer"), v.id("event"))
	if errors.Is(err, approval.ErrNoEvidence) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	media, ok := answer.Sniff(raw)
	name := "evidence." + map[string]string{"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}[media]
	if !ok {
		media, name = "text/plain; charset=utf-8", "evidence.txt"
	}
	h := v.w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	v.w.WriteHeader(http.StatusOK)
	_, err = v.w.Write(raw)
	return err
}
