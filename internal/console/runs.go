package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/staff"
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
		{pattern: "/bills/{run}/returned", right: staff.KeepCustomers, files: true, post: (*visit).billsReturned, home: "/bills/{run}"},
		{pattern: "/bills/{run}/inserts.csv", right: staff.KeepCustomers, get: (*visit).billInserts},
		{pattern: "/bills/{run}/insert/{language}", right: staff.ReadRecords, get: (*visit).billInsert},
		{pattern: "/records/{customer}/notices", right: staff.ReadRecords, get: (*visit).customerNotices},
		{pattern: "/desk/customers/{customer}/notices", right: staff.See, get: (*visit).customerNotices},
		{pattern: "/records/{customer}/notices/{run}/returned", right: staff.KeepCustomers, post: (*visit).billReturned, home: "/records/{customer}/notices"},
		{pattern: "/desk/customers/{customer}/notices/{run}/returned", right: staff.Serve, post: (*visit).billReturned, home: "/desk/customers/{customer}/notices"},
	}
}

var (
	runStates   = map[notice.RunState]chip{notice.Planned: {"planned", ""}, notice.Running: {"under way", "warn"}, notice.Paused: {"paused", "bad"}, notice.Stopped: {"stopped", "bad"}, notice.Done: {"everybody looked at", "good"}}
	givenStates = map[string]chip{notice.WithPlanned: {"on its way", "warn"}, notice.WithGiven: {"given", "good"}, notice.WithCameBack: {"came back, another form is on its way", "warn"}, notice.WithNoWay: {"no way is left", "bad"}, notice.WithLeftOut: {"left out", ""}}
	runWays     = map[string]string{notice.ByEmail: "e-mail", notice.ByPostal: "letter", notice.ByInsert: "with the bill", notice.ByPortal: "in the portal", notice.ByWord: "by word", "": "no way"}
	runCodes    = map[string]string{notice.NoPlace: "no address on the account", notice.NoEmailConsent: "an e-mail address, and no approval of notices there", notice.OnItsWay: "another run has put the same on its way", notice.Refused: "has refused what is asked for",
		notice.Agreed: "has said yes already", notice.Ended: "service has ended", notice.Unreadable: "the account cannot be read", notice.RunStopped: "the run was stopped first", notice.NoInsert: "the bill went without it", notice.BillReturned: "the bill came back", "": ""}
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
