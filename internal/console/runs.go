package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"ringfence/internal/approval"
	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/office"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
	"ringfence/internal/workday"
)

// runPlaces are the notices of rights that go to many, their renewal, and the proof for each customer.
//
// cite: P-26, P-27, 47 CFR 64.2008(a)(2), 47 CFR 64.2009(d)
func runPlaces() []place {
	const run = "/runs/{run}"
	return []place{
		{pattern: "/runs", right: staff.ReadRecords, get: (*visit).runsPage},
		{pattern: "/runs/new", right: staff.GiveNotices, get: (*visit).newRunPage, post: (*visit).proposeRun},
		{pattern: "/runs/renewals", right: staff.ReadRecords, get: (*visit).renewalsPage},
		{pattern: run, right: staff.ReadRecords, get: (*visit).runPage},
		{pattern: run + "/customers", right: staff.ReadRecords, get: (*visit).runCustomersPage},
		{pattern: run + "/pause", right: staff.GiveNotices, post: (*visit).pauseRun, home: run},
		{pattern: run + "/resume", right: staff.GiveNotices, post: (*visit).resumeRun, home: run},
		{pattern: run + "/stop", right: staff.GiveNotices, post: (*visit).stopRun, home: run},
		{pattern: "/bills/{run}", right: staff.KeepCustomers, files: true, get: (*visit).billsPage, post: (*visit).confirmBills},
		{pattern: "/bills/{run}/inserts.csv", right: staff.KeepCustomers, get: (*visit).billInserts},
		{pattern: "/bills/{run}/insert/{language}", right: staff.ReadRecords, get: (*visit).billInsert},
		{pattern: "/records/{customer}/notices", right: staff.ReadRecords, get: (*visit).customerNotices},
		{pattern: "/desk/customers/{customer}/notices", right: staff.See, get: (*visit).customerNotices},
	}
}

var (
	runStates   = map[notice.RunState]chip{notice.Planned: {"planned", ""}, notice.Running: {"under way", "warn"}, notice.Paused: {"paused", "bad"}, notice.Stopped: {"stopped", "bad"}, notice.Done: {"everybody looked at", "good"}}
	givenStates = map[string]chip{notice.WithPlanned: {"on its way", "warn"}, notice.WithGiven: {"given", "good"}, notice.WithCameBack: {"came back, another form is on its way", "warn"}, notice.WithNoWay: {"no way is left", "bad"}, notice.WithLeftOut: {"left out", ""}}
	runWays     = map[string]string{notice.ByEmail: "e-mail", notice.ByPostal: "letter", notice.ByInsert: "with the bill", notice.ByPortal: "in the portal", notice.ByWord: "by word", "": "no way"}
	runCodes    = map[string]string{notice.NoPlace: "no address on the account", notice.NoEmailConsent: "an e-mail address, and no approval of notices there", notice.OnItsWay: "another run has put the same on its way", notice.Refused: "has refused what is asked for",
		notice.Agreed: "has said yes already", notice.Ended: "service has ended", notice.Unreadable: "the account cannot be read", notice.RunStopped: "the run was stopped first", notice.NoInsert: "the bill went without it", "": ""}
	runKinds = map[string]string{approval.OptOut: "notice, after which silence counts", approval.OptIn: "request, to which only a yes counts"}
)

func runAddress(id cpni.ID) string { return "/runs/" + string(id) }

// runRow is a run in a list.
type runRow struct {
	Address, Title, For, Kind, At string
	State                         chip
	Looked                        string
}

// runState is the state of a run, told from whether it has begun.
func (v *visit) runState(r notice.Run) chip {
	if r.State == notice.Running && r.Starts.After(v.now) {
		if r.Audience.Standing {
			return chip{"looks again on " + v.day(r.Starts), "good"}
		}
		return chip{"begins on " + v.clock(r.Starts), ""}
	}
	return runStates[r.State]
}

func (v *visit) runRow(r notice.Run) runRow {
	return runRow{Address: runAddress(r.ID), Title: r.Title, For: r.Audience.String(), Kind: runKinds[r.Spec.Kind], At: v.clock(r.At), State: v.runState(r), Looked: many(r.Looked)}
}

// many writes a number with its thousands apart.
func many(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

type runsView struct {
	page
	Runs    []runRow
	Day     *dayRow
	MayGive bool
}

const mostRunsListed = 100

// runsPage lists the runs, and where customers stood last night.
//
// cite: P-27, 47 CFR 64.2008(a)(2)
func (v *visit) runsPage() error {
	view := runsView{page: v.page("Notices to customers", "/runs"), MayGive: v.member.May(staff.GiveNotices)}
	all, err := v.office.Notices.Runs(v.r.Context(), mostRunsListed)
	if err != nil {
		return err
	}
	for _, r := range all {
		view.Runs = append(view.Runs, v.runRow(r))
	}
	days, err := v.office.Notices.Days(v.r.Context(), 1)
	if err != nil {
		return err
	}
	if len(days) > 0 {
		d := v.dayRow(days[0])
		view.Day = &d
	}
	return v.show(http.StatusOK, runsPage(view))
}

// newRunView is a run that somebody describes.
type newRunView struct {
	page
	Key                                  cpni.ID
	Name, Kind, Who, Months, Since, Wait string
	Starts, Customers, Recipients        string
	Purposes, Ways                       []string
	Standing                             bool
	Partners                             []option
	Edition                              string
}

func (v newRunView) has(list []string, what string) bool { return slices.Contains(list, what) }

func (v *visit) newRunPage() error {
	view := newRunView{page: v.page("A new notice", "/runs"), Key: cpni.NewID(), Kind: approval.OptOut, Who: notice.Never, Months: "4", Purposes: []string{string(cpni.OwnMarketing)}, Ways: []string{notice.ByEmail, notice.ByPostal}}
	if who := v.r.URL.Query().Get("who"); slices.Contains(notice.Whos, who) {
		view.Who = who
	}
	return v.showNewRun(http.StatusOK, view)
}

func (v *visit) showNewRun(status int, view newRunView) error {
	partners, err := v.office.Partners.All(v.r.Context())
	if err != nil {
		return err
	}
	for _, p := range partners {
		view.Partners = append(view.Partners, option{Value: p.ID, Text: p.ID})
	}
	return v.show(status, newRunPage(view))
}

var errField = func(what, next string) *cpni.Refusal { return cpni.Rejected("BAD_INPUT", what, nil, next) }

// proposeRun proposes what the form describes; a form that cannot be proposed is shown again with the reason.
//
// cite: P-26, P-27, 47 CFR 64.2009(d)
func (v *visit) proposeRun() error {
	id, err := v.key("proposal of a notice")
	if err != nil {
		return err
	}
	s, l, err := v.runForm()
	var p *countersign.Proposal
	if err == nil {
		p, err = v.office.ProposeNotice(v.r.Context(), id, s, l, v.member.ID)
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		view := newRunView{page: v.page("A new notice", "/runs"), Key: cpni.NewID(), Name: v.field("title"), Kind: v.field("kind"), Who: v.field("who"), Months: v.field("months"), Since: v.field("since"), Wait: v.field("wait"),
			Starts: v.field("starts"), Customers: v.field("customers"), Recipients: v.field("recipients"), Purposes: v.form["purpose"], Ways: v.form["way"], Standing: v.field("standing") != "", Edition: v.field("edition")}
		view.Problem = problemOf(refusal)
		return v.showNewRun(http.StatusUnprocessableEntity, view)
	}
	return v.proposed(p, err, "/runs/new")
}

// recipientName is the name by which customers know a company; without one, its id.
func recipientName(name, id string) string {
	if name == "" {
		return id
	}
	return name
}

func (v *visit) runForm() (s notice.Spec, l notice.Launch, err error) {
	s = notice.Spec{Kind: v.field("kind"), Edition: v.field("edition")}
	for _, p := range v.form["purpose"] {
		s.Purposes = append(s.Purposes, cpni.Purpose(p))
	}
	for _, w := range notice.Ways { // in the order in which they are tried
		if slices.Contains(v.form["way"], w) {
			s.Ways = append(s.Ways, w)
		}
	}
	if len(s.Ways) == 0 {
		return s, l, errField("a notice goes at least one way", "choose one")
	}
	for _, id := range v.form["partner"] {
		p, _, err := v.office.Partners.Get(v.r.Context(), id)
		if err != nil {
			return s, l, err
		}
		s.Recipients = append(s.Recipients, notice.Recipient{ID: p.ID, Name: recipientName(v.field("name-"+p.ID), p.ID), Class: p.Class})
	}
	number := func(name string, into *int) error {
		text := v.field(name)
		if text == "" {
			return nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return errField("what stands under "+name+" is no number", "write digits")
		}
		*into = n
		return nil
	}
	l = notice.Launch{Title: v.field("title"), Audience: notice.Audience{Who: v.field("who"), Standing: v.field("standing") != "" && (v.field("who") == notice.Never || v.field("who") == notice.Newcomer)}}
	var months int
	if err := errors.Join(number("wait", &s.Wait), number("months", &months)); err != nil {
		return s, l, err
	}
	switch l.Audience.Who {
	case notice.Lapsing:
		l.Audience.Months = months
	case notice.Newcomer:
		if l.Audience.Since, err = workday.ParseDate(v.field("since")); err != nil {
			return s, l, errField("the day since which customers are new is no day", "give it as year, month and day")
		}
	case notice.ThoseOf:
		for id := range strings.FieldsFuncSeq(v.field("customers"), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' }) {
			l.Audience.Customers = append(l.Audience.Customers, cpni.ID(id))
		}
	}
	if day := v.field("starts"); day != "" {
		d, err := workday.ParseDate(day)
		if err != nil {
			return s, l, errField("the day on which it begins is no day", "give it as year, month and day")
		}
		if l.Starts = d.Start(v.office.Zone); !l.Starts.After(v.now) {
			l.Starts = time.Time{}
			if d != workday.DateIn(v.now, v.office.Zone) {
				return s, l, errField("the day on which it begins is past", "leave it open, or name a day that is to come")
			}
		}
	}
	return s, l, nil
}

// countView is how many customers a notice goes to, and who is left out.
type countView struct {
	Customers, Goes string
	Rows            []tallyRow
}

type tallyRow struct {
	State    chip
	Way, Why string
	N        string
	Address  templ.SafeURL // of the customers; "" they are only counted
}

func countOf(c notice.Count) countView {
	view := countView{Customers: many(c.Customers), Goes: many(c.Goes())}
	for _, t := range c.Tallies {
		row := tallyOf(t)
		if t.State == notice.WithPlanned {
			row.State = chip{"would go", "good"}
		}
		view.Rows = append(view.Rows, row)
	}
	return view
}

func tallyOf(t notice.Tally) tallyRow {
	return tallyRow{State: givenStates[t.State], Way: runWays[t.Via], Why: wordOf(runCodes, t.Code), N: many(t.N)}
}

// noticeView is a proposed notice as who agrees reads it.
type noticeActView struct {
	Title, For, Kind, Starts string
	Facts                    []fact
	Count                    *countView
	Words                    []wordsView
}

type wordsView struct{ Way, Language, Subject, Text string }

// factsOf are what a notice says, for people.
func (v *visit) factsOf(s notice.Spec) []fact {
	words := func(list []string) string { return strings.Join(list, ", ") }
	var purposes, data, names, ways []string
	for _, p := range s.Purposes {
		purposes = append(purposes, wordOf(purposeWords, p))
	}
	for _, d := range s.Data {
		data = append(data, string(d))
	}
	for _, r := range s.Recipients {
		names = append(names, r.Name)
	}
	for _, w := range s.Ways {
		ways = append(ways, runWays[w])
	}
	all := []fact{{"Kind", runKinds[s.Kind]}, {"For", words(purposes)}}
	if len(data) > 0 {
		all = append(all, fact{"Information", words(data)})
	}
	if len(names) > 0 {
		all = append(all, fact{"Companies named", words(names)})
	}
	all = append(all, fact{"Ways, in this order", words(ways)})
	if s.Wait > 0 {
		all = append(all, fact{"Days that it gives", strconv.Itoa(s.Wait)})
	}
	return all
}

// showNotice fills the page of a proposed notice: what it says word by word, and how it would go.
//
// cite: P-02, P-27, 47 CFR 64.2009(d)
func (v *visit) showNotice(p *countersign.Proposal) (*noticeActView, error) {
	var a office.NoticeAct
	if err := json.Unmarshal(p.Act, &a); err != nil {
		return nil, err
	}
	view := &noticeActView{Title: a.Launch.Title, For: a.Launch.Audience.String(), Kind: runKinds[a.Says.Kind], Facts: v.factsOf(a.Says)}
	if !a.Launch.Starts.IsZero() {
		view.Starts = v.clock(a.Launch.Starts)
	}
	if p.Report != nil {
		var c notice.Count
		if err := json.Unmarshal(p.Report, &c); err != nil {
			return nil, err
		}
		shown := countOf(c)
		view.Count = &shown
	}
	return view, v.showWords(view, a.Says)
}

// showWords adds the words of a notice in every way and language.
func (v *visit) showWords(view *noticeActView, s notice.Spec) error {
	if s.Edition == "" {
		return nil
	}
	e, err := v.office.Editions.Edition(s.Edition)
	if err != nil {
		return err
	}
	for _, t := range e.Texts() {
		if !slices.Contains(s.Ways, string(t.Via())) && !(t.Via() == cpni.Postal && (slices.Contains(s.Ways, notice.ByInsert) || slices.Contains(s.Ways, notice.ByPortal))) {
			continue
		}
		tokens := t.Sample()
		tokens["carrier"] = v.options.Carrier
		words, err := t.Write(tokens)
		if err != nil {
			return err
		}
		view.Words = append(view.Words, wordsView{runWays[string(t.Via())], t.Language(), words.Subject, words.Text})
	}
	return nil
}

type runView struct {
	page
	Row                runRow
	Facts              []fact
	By, Second, Starts string
	Expected, Looked   int64
	Rows               []tallyRow
	Progress           notice.Progress
	Words              []wordsView
	Pauses, Resumes    bool
	Stops, Bills       bool
	Address            string
}

// runPage shows how far a run has come.
//
// cite: P-27, V40, 47 CFR 64.2008(a)(2)
func (v *visit) runPage() error {
	ctx := v.r.Context()
	r, err := v.office.Notices.Run(ctx, v.id("run"))
	if errors.Is(err, notice.ErrNoRun) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	may := v.member.May(staff.GiveNotices)
	view := runView{page: v.page(r.Title, "/runs"), Row: v.runRow(r), Facts: v.factsOf(r.Spec), Expected: max(r.Expected, r.Looked), Looked: r.Looked, Address: runAddress(r.ID),
		Pauses: may && r.State == notice.Running, Resumes: may && r.State == notice.Paused, Stops: may && (r.State == notice.Running || r.State == notice.Paused),
		Bills: slices.Contains(r.Spec.Ways, notice.ByInsert) && v.member.May(staff.KeepCustomers)}
	for id, into := range map[cpni.ID]*string{r.By: &view.By, r.Second: &view.Second} {
		if id != "" {
			if *into, err = v.colleague(id); err != nil {
				return err
			}
		}
	}
	if view.Progress, err = v.office.Notices.Progress(ctx, r.ID); err != nil {
		return err
	}
	for _, t := range view.Progress.Tallies {
		row := tallyOf(t)
		q := url.Values{"state": {t.State}, "via": {t.Via}, "code": {t.Code}}
		row.Address = templ.SafeURL(runAddress(r.ID) + "/customers?" + q.Encode())
		view.Rows = append(view.Rows, row)
	}
	words := &noticeActView{}
	if err := v.showWords(words, r.Spec); err != nil {
		return err
	}
	view.Words = words.Words
	return v.show(http.StatusOK, runPage(view))
}

type runCustomersView struct {
	page
	Row     tallyRow
	IDs     []cpni.ID
	Back    string
	Next    templ.SafeURL
	Heading string
}

const mostOnPage = 200

// runCustomersPage lists the customers of a run in one state for one reason, by their ids.
//
// cite: P-27, P-41
func (v *visit) runCustomersPage() error {
	ctx := v.r.Context()
	r, err := v.office.Notices.Run(ctx, v.id("run"))
	if errors.Is(err, notice.ErrNoRun) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	q := v.r.URL.Query()
	t := notice.Tally{State: q.Get("state"), Via: q.Get("via"), Code: q.Get("code")}
	if _, known := givenStates[t.State]; !known {
		return errNowhere
	}
	ids, err := v.office.Notices.Those(ctx, r.ID, t, cpni.ID(q.Get("after")), mostOnPage)
	if err != nil {
		return err
	}
	view := runCustomersView{page: v.page("Customers of a notice", "/runs"), Row: tallyOf(t), IDs: ids, Back: runAddress(r.ID), Heading: r.Title}
	if len(ids) == mostOnPage {
		q.Set("after", string(ids[len(ids)-1]))
		view.Next = templ.SafeURL(runAddress(r.ID) + "/customers?" + q.Encode())
	}
	return v.show(http.StatusOK, runCustomersPage(view))
}

func (v *visit) moveRun(note string, do func(id cpni.ID) (notice.Run, error)) error {
	id := v.id("run")
	_, err := do(id)
	if errors.Is(err, notice.ErrNoRun) {
		return errNowhere
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: runAddress(id), Refusal: refusal}, runAddress(id))
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: runAddress(id), Note: note}, runAddress(id))
}

func (v *visit) pauseRun() error {
	return v.moveRun("It is paused: nobody else is planned, and what has not gone waits.", func(id cpni.ID) (notice.Run, error) {
		return v.office.Notices.Pause(v.r.Context(), id, string(v.member.ID))
	})
}

func (v *visit) resumeRun() error {
	return v.moveRun("It goes on where it was.", func(id cpni.ID) (notice.Run, error) {
		return v.office.Notices.Resume(v.r.Context(), id, string(v.member.ID))
	})
}

func (v *visit) stopRun() error {
	return v.moveRun("It is stopped for good: what has not gone does not go.", func(id cpni.ID) (notice.Run, error) {
		return v.office.Notices.Stop(v.r.Context(), id, string(v.member.ID))
	})
}

type billsView struct {
	page
	Run     runRow
	Address string
	Today   string
}

// billsPage is where the billing system's people fetch what goes into bills, and say what was mailed.
//
// cite: P-27, V51
func (v *visit) billsPage() error {
	r, err := v.office.Notices.Run(v.r.Context(), v.id("run"))
	if errors.Is(err, notice.ErrNoRun) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, billsPage(billsView{v.page("Notices in bills", "/runs"), v.runRow(r), "/bills/" + string(r.ID), workday.DateIn(v.now, v.office.Zone).String()}))
}

// billInserts hands out the file for the billing system.
//
// cite: P-27, P-41, V51
func (v *visit) billInserts() error {
	r, err := v.office.Notices.Run(v.r.Context(), v.id("run"))
	if errors.Is(err, notice.ErrNoRun) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="notices-`+string(r.ID)+`.csv"`)
	if v.r.Method == http.MethodHead {
		return nil
	}
	_, err = v.office.Notices.Inserts(v.r.Context(), r.ID, v.w, string(v.member.ID))
	return err
}

// billInsert shows the page that lies in the bill.
//
// cite: P-27, 47 CFR 64.2008(c)(5)
func (v *visit) billInsert() error {
	if !slices.Contains(notice.Languages, v.r.PathValue("language")) {
		return errNowhere
	}
	doc, err := v.office.Notices.InsertDocument(v.r.Context(), v.id("run"), v.r.PathValue("language"))
	if errors.Is(err, notice.ErrNoRun) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", doc.Type)
	h.Set("Content-Disposition", `inline; filename="`+doc.Name+`"`)
	if v.r.Method != http.MethodHead {
		v.w.Write(doc.Bytes)
	}
	return nil
}

// confirmBills takes the file in which the billing system says which bills were mailed.
//
// cite: P-27, V51, 47 CFR 64.2008(d)(1)(ii), 47 CFR 64.2009(f)
func (v *visit) confirmBills() error {
	back := "/bills/" + string(v.id("run"))
	done, err := v.takeBills()
	var refusal *cpni.Refusal
	switch {
	case errors.Is(err, notice.ErrNoRun):
		return errNowhere
	case errors.As(err, &refusal):
		return v.leave(flash{For: back, Refusal: refusal}, back)
	case err != nil:
		return err
	}
	note := fmt.Sprintf("%s notices are proven mailed on %s.", many(done.Given), done.Mailed)
	if done.Missed > 0 {
		note += fmt.Sprintf(" %s bills went without it: their customers stay unnotified. Assess by %s whether that is more than an anomaly.", many(done.Missed), done.AssessBy)
	}
	if done.Unknown > 0 {
		note += fmt.Sprintf(" For %s customers no notice of this run waits.", many(done.Unknown))
	}
	return v.leave(flash{For: back, Note: note}, back)
}

func (v *visit) takeBills() (notice.Confirmed, error) {
	day, err := workday.ParseDate(v.field("mailed"))
	if err != nil {
		return notice.Confirmed{}, errField("the day on which the bills were mailed is no day", "give it as year, month and day")
	}
	if len(v.uploads) == 0 {
		return notice.Confirmed{}, errField("there is no file", "choose the file that the billing system has written")
	}
	all := notice.Mailing{Mailed: day}
	for _, u := range v.uploads {
		m, err := notice.ReadMailing(strings.NewReader(u.Text), day)
		if err != nil {
			return notice.Confirmed{}, err
		}
		all.Inserted, all.Missed = append(all.Inserted, m.Inserted...), append(all.Missed, m.Missed...)
	}
	return v.office.Notices.Mailed(v.r.Context(), v.id("run"), all, string(v.member.ID))
}

// dayRow is where customers stood on a day.
type dayRow struct {
	Date                                              string
	InService, Covered, Soon, Lapsed, Never, Renewing string
	Fresh, OnWay, Late, NoWay, Nothing                string
	Alarm                                             bool
	In                                                []fact
}

func (v *visit) dayRow(d notice.Day) dayRow {
	row := dayRow{Date: d.Date.String(), InService: many(d.Of(notice.InService)), Covered: many(d.Of(notice.Covered)), Lapsed: many(d.Of(notice.Lapsed)), Never: many(d.Of(notice.NeverHad)), Renewing: many(d.Of(notice.Renewing)),
		Fresh: many(d.Of(notice.FreshNew)), OnWay: many(d.Of(notice.UnderWay)), Late: many(d.Of(notice.TooLong)), NoWay: many(d.Of(notice.NoWayOut)), Nothing: many(d.Of(notice.Nothing)),
		Alarm: d.Of(notice.Nothing)+d.Of(notice.TooLong)+d.Of(notice.NoWayOut) > 0}
	var soon int64
	for _, days := range v.office.Notices.Numbers(v.now).Alarms {
		n := d.Of(notice.LapsesIn + strconv.Itoa(days))
		soon += n
		row.In = append(row.In, fact{"lapse within " + strconv.Itoa(days) + " days", many(n)})
	}
	row.Soon = many(soon)
	return row
}

type renewalsView struct {
	page
	Months  []monthRow
	Days    []dayRow
	Runs    []runRow
	MayGive bool
	Most    int64
	As      string
}

type monthRow struct {
	Month string
	N     int64
	Shown string
	Run   *runRow // that reaches them; nil: none that is planned does
}

// renewalsPage shows month by month how many notices lapse and which run reaches their customers, and day by day where customers stood.
//
// cite: P-58, 47 CFR 64.2008(d)(2)
func (v *visit) renewalsPage() error {
	ctx := v.r.Context()
	view := renewalsView{page: v.page("Renewals", "/runs"), MayGive: v.member.May(staff.GiveNotices)}
	days, err := v.office.Notices.Days(ctx, 60)
	if err != nil {
		return err
	}
	runs, err := v.office.Notices.Renewals(ctx)
	if err != nil {
		return err
	}
	for _, r := range runs {
		view.Runs = append(view.Runs, v.runRow(r))
	}
	for _, d := range days {
		view.Days = append(view.Days, v.dayRow(d))
	}
	if len(days) > 0 {
		view.As = days[0].Date.String()
		today := workday.DateIn(v.now, v.office.Zone)
		for m := range v.office.Notices.Numbers(v.now).Renews + 1 {
			first := workday.On(today.Year, today.Month+time.Month(m), 1)
			row := monthRow{Month: fmt.Sprintf("%s %d", first.Month, first.Year), N: days[0].Of(fmt.Sprintf("%s%04d-%02d", notice.LapsesOn, first.Year, int(first.Month)))}
			row.Shown = many(row.N)
			view.Most = max(view.Most, row.N)
			end := workday.On(first.Year, first.Month+1, 1).Start(v.office.Zone)
			for i, r := range runs {
				if r.Reaches(end, v.office.Zone, v.now) && r.Starts.Before(end) {
					row.Run = &view.Runs[i]
					break
				}
			}
			view.Months = append(view.Months, row)
		}
	}
	return v.show(http.StatusOK, renewalsPage(view))
}

type customerNoticesView struct {
	page
	Customer cpni.ID
	Back     string
	Rows     []proofRow
}

type proofRow struct {
	Title, Kind, Scopes, Way, Why string
	State                         chip
	Given, Silence                string
	Void                          bool
	Run                           string // address; "" the reader may not open it
	Forms                         []formRow
}

type formRow struct{ Way, State, Words, Planned, Sent, Mailed, CameBack string }

// customerNotices shows every notice of a customer with its proof.
//
// cite: P-26, P-27, P-41, 47 CFR 64.2008(a)(2)
func (v *visit) customerNotices() error {
	ctx, id := v.r.Context(), v.id("customer")
	if _, _, err := v.office.Customers.Get(ctx, id); err != nil {
		return err
	}
	if err := v.office.Viewed(ctx, v.member.ID, watch.Records, id); err != nil {
		return err
	}
	all, err := v.office.Notices.Of(ctx, id)
	if err != nil {
		return err
	}
	view := customerNoticesView{page: v.page("Notices of a customer", "/records"), Customer: id, Back: recordsAddress(id)}
	if strings.HasPrefix(v.r.URL.Path, "/desk/") {
		view.page, view.Back = v.page("Notices of a customer", "/desk"), customerAddress(id)
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return v.clock(t)
	}
	for _, p := range all {
		row := proofRow{Title: p.Title, Kind: runKinds[p.Kind], Scopes: strings.Join(p.Scopes, ", "), Way: runWays[p.Via], Why: wordOf(runCodes, p.Code), State: givenStates[p.State], Given: at(p.Given), Silence: at(p.Silence), Void: p.Void}
		if row.Title == "" {
			row.Title = "A notice to this customer"
		} else if v.member.May(staff.ReadRecords) {
			row.Run = runAddress(p.Run)
		}
		for _, f := range p.Forms {
			row.Forms = append(row.Forms, formRow{runWays[string(f.Via)], messageStates[f.State].Text, f.Wording, at(f.Planned), at(f.Sent), at(f.Mailed), at(f.CameBack)})
		}
		view.Rows = append(view.Rows, row)
	}
	return v.show(http.StatusOK, customerNoticesPage(view))
}
