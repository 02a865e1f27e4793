package console

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/process"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
)

// processPlaces are the desk of legal process: papers are taken in, read by somebody else, released, handed out and followed to their
// end.
//
// cite: P-29, P-37, P-41, 47 USC 222(c)(1)
func processPlaces() []place {
	const list, one = "/process", "/process/{process}"
	return []place{
		{pattern: list, right: staff.AnswerProcess, get: (*visit).processesPage},
		{pattern: list + "/new", right: staff.AnswerProcess, get: (*visit).fileProcessPage, post: (*visit).fileProcess, scan: process.MostScan},
		{pattern: one, right: staff.AnswerProcess, get: (*visit).processPage},
		{pattern: one + "/papers/{n}", right: staff.AnswerProcess, get: (*visit).processPaper},
		{pattern: one + "/review", right: staff.AnswerProcess, post: (*visit).reviewProcess, home: one},
		{pattern: one + "/release", right: staff.AnswerProcess, post: (*visit).releaseProcess, home: one},
		{pattern: one + "/pack", right: staff.AnswerProcess, post: (*visit).packProcess, home: one},
		{pattern: one + "/packages/{n}", right: staff.AnswerProcess, proved: true, post: (*visit).handOutProcess, home: one},
		{pattern: one + "/close", right: staff.AnswerProcess, post: (*visit).closeProcess, home: one},
		{pattern: one + "/end", right: staff.AnswerProcess, post: (*visit).endProcess, home: one, scan: process.MostScan},
		{pattern: one + "/silence", right: staff.AnswerProcess, post: (*visit).quietProcess, home: one, scan: process.MostScan},
		{pattern: one + "/looked", right: staff.AnswerProcess, post: (*visit).lookedProcess, home: one},
		{pattern: one + "/name", right: staff.AnswerProcess, post: (*visit).nameProcess, home: one},
	}
}

func processAddress(id cpni.ID) string { return "/process/" + string(id) }

var processStates = map[process.State]chip{process.Entered: {"To be read", "bad"}, process.Approved: {"To be answered", "warn"}, process.Answered: {"Answered", "good"}, process.Rejected: {"Rejected", ""},
	process.Withdrawn: {"Withdrawn", ""}, process.Quashed: {"Quashed", ""}}

// processRow is a file as the list has it. It names nobody whose information is asked for.
type processRow struct {
	Address, Number, Kind, Issuer, Due string
	State                              chip
	Marks                              []chip
}

// processesView lists the files that the person may know of.
type processesView struct {
	page
	States []navItem
	Rows   []processRow
	Older  string
}

// cite: P-29, P-37
func (v *visit) processesPage() error {
	state := process.State(v.r.URL.Query().Get("state"))
	if !slices.Contains(process.States, state) {
		state = ""
	}
	view := processesView{page: v.page("Legal process", "/process")}
	view.States = append(view.States, navItem{"All", "/process", state == ""})
	for _, s := range process.States {
		view.States = append(view.States, navItem{processStates[s].Text, "/process?" + queryOf("state", string(s)), s == state})
	}
	before := cpni.ID(v.r.URL.Query().Get("before"))
	if !before.Valid() {
		before = ""
	}
	all, next, err := v.office.Processes.List(v.r.Context(), v.member.ID, process.Query{State: state, Before: before, Limit: rowsOnPage})
	if err != nil {
		return err
	}
	for _, p := range all {
		view.Rows = append(view.Rows, v.processRow(p))
	}
	if next != "" {
		view.Older = "/process?" + queryOf("state", string(state), "before", string(next))
	}
	return v.show(http.StatusOK, processesPage(view))
}

func (v *visit) processRow(p *process.Process) processRow {
	row := processRow{Address: processAddress(p.ID), Number: p.Number, Kind: v.processKind(p.Kind), Issuer: p.Issuer, Due: v.clock(p.Due), State: processStates[p.State]}
	if p.State == process.Approved && p.Expired(v.now) {
		row.State = chip{"No longer in force", "bad"}
	}
	if p.Silence.Now(v.now) {
		row.Marks = append(row.Marks, chip{"Secret", "bad"})
	}
	if p.Late && (p.State == process.Entered || p.State == process.Approved) {
		row.Marks = append(row.Marks, chip{"Late", "bad"})
	}
	return row
}

func (v *visit) processKind(name string) string {
	if k, ok := v.office.Policy.Numbers(v.now).ProcessKind(name); ok {
		return k.Called
	}
	return name
}

// processView is one file.
type processView struct {
	page
	Address             string
	Row                 processRow
	Kind                processKindView
	Version             string
	Facts               []fact
	Subjects            []processSubjectView
	Classes             []processClassView
	Asked               [2]string // the first and the last day of the records
	From, Until         string    // the same, as the form has them
	Reviewed            bool
	Differences         []process.Difference
	Silence             string
	Open                bool // the silence has no end
	Named               []string
	People              []option
	Papers              []option
	Releases            []processReleaseView
	Packages            []processPackageView
	Withheld            []process.Gap
	Notices             []processNoticeView
	History             []processStepView
	Kept                string
	MayReview, MayAct   bool
	WhyNot              string // why the person cannot review it
	MayRelease, MayPack bool
	MayClose            bool
	WhyNoRelease        string
}

type processSubjectView struct {
	No         int
	Says, Who  string
	Address    string // of the customer's records
	Kept       bool   // it stands in the scope
	Considered bool   // somebody has reviewed it
}

type processClassView struct {
	Value, Text string
	Can, Kept   bool // the kind can command it; it stands in the scope
}

type processReleaseView struct{ What, At, Package, Entry string }

type processPackageView struct {
	N                int
	At, Handed, Hash string
	Address          string // at which it is handed out; "" it was, or cannot be
}

type processNoticeView struct{ Who, What, When string }

type processStepView struct{ At, What, By, Says string }

// processPage shows a file to those who may know of it.
//
// cite: P-29, P-37, P-41
func (v *visit) processPage() error {
	ctx, id, by := v.r.Context(), v.id("process"), v.member.ID
	p, err := v.office.Processes.One(ctx, id, by)
	if errors.Is(err, process.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	k, known := v.office.Policy.Numbers(v.now).ProcessKind(p.Kind)
	view := processView{page: v.page("Legal process", "/process"), Address: processAddress(id), Row: v.processRow(p), Version: strconv.FormatInt(p.Version, 10), Kept: v.day(v.office.Processes.KeptUntil(p)), Reviewed: len(p.Scope.Subjects) > 0}
	if known {
		view.Kind = v.processKindView(k)
	}
	last := func(t time.Time) time.Time { return t.Add(-time.Microsecond) }
	if err := v.processFacts(p, &view); err != nil {
		return err
	}
	wide := process.Widest(p, k)
	view.Asked = [2]string{v.day(p.Asked.From), v.day(last(p.Asked.Until))}
	view.From, view.Until = p.Asked.From.In(v.office.Zone).Format(time.DateOnly), last(p.Asked.Until).In(v.office.Zone).Format(time.DateOnly)
	for _, s := range p.Subjects {
		x := processSubjectView{No: s.No, Says: s.Says, Who: "nobody of ours in that time", Kept: !view.Reviewed || slices.Contains(p.Scope.Subjects, s.No), Considered: view.Reviewed}
		switch {
		case s.Forgotten:
			x.Says, x.Who = fmt.Sprintf("Entry %d", s.No), "a customer whose key is destroyed"
		case s.Customer != "" && s.Number != "":
			x.Who = "this line of customer " + short(s.Customer)
		case s.Customer != "":
			x.Who = "all lines of customer " + short(s.Customer)
		}
		view.Subjects = append(view.Subjects, x)
	}
	for _, d := range p.Asked.Data {
		view.Classes = append(view.Classes, processClassView{string(d), classWords[d], slices.Contains(wide.Data, d), !view.Reviewed && slices.Contains(wide.Data, d) || slices.Contains(p.Scope.Data, d)})
	}
	if view.Reviewed {
		view.Differences = p.Differences(p.Scope, v.office.Zone)
		view.Withheld = v.office.Processes.Withheld(p)
	}
	if err := v.processSteps(p, &view); err != nil {
		return err
	}
	view.MayAct = p.State == process.Entered || p.State == process.Approved
	if p.State == process.Entered {
		switch {
		case p.TakenBy == by:
			view.WhyNot = "You took it in, so somebody else reads it."
		case !slices.Contains(k.Reviewers, v.member.Role):
			view.WhyNot = "A paper of this kind is read by " + view.Kind.Reviewers + "."
		default:
			view.MayReview = true
		}
	}
	if p.State == process.Approved {
		switch {
		case p.Expired(v.now):
			view.WhyNoRelease = "It is no longer in force, so nothing is released under it any more."
		case v.now.Before(p.From):
			view.WhyNoRelease = "It is in force from " + v.moment(p.From) + " on."
		case v.now.Before(p.First):
			view.WhyNoRelease = "The customer was told first and can go to court until " + v.moment(p.First) + ". Nothing is released before, also when it is due."
		default:
			view.MayRelease = true
		}
	}
	return v.show(http.StatusOK, processPage(view))
}

// processFacts tells what the paper says.
func (v *visit) processFacts(p *process.Process, view *processView) error {
	add := func(name, value string) {
		if value != "" {
			view.Facts = append(view.Facts, fact{name, value})
		}
	}
	last := func(t time.Time) string { return v.day(t.Add(-time.Microsecond)) }
	by, err := v.actor(string(p.TakenBy))
	if err != nil {
		return err
	}
	add("Issued by", p.Issuer)
	add("Court", p.Court)
	add("Issued", v.day(p.Issued))
	add("Received", v.day(p.Received))
	add("In force", v.day(p.From)+" to "+last(p.Until))
	add("Due", v.moment(p.Due))
	to := "law enforcement"
	if p.To != process.LawEnforcement {
		to = p.To
	}
	add("Answered to", to)
	add("Taken by", p.Officer+", "+p.Address)
	if p.Key != "" {
		add("Package", "encrypted to "+p.Key)
	} else {
		add("Package", "not encrypted: the agency gave no key")
	}
	add("Taken in by", by)
	if p.ReviewedBy != "" {
		if by, err = v.actor(string(p.ReviewedBy)); err != nil {
			return err
		}
		add("Read by", by+", "+v.moment(p.ReviewedAt))
	}
	add("Reason", p.Reason)
	if p.Silence.Ordered {
		switch {
		case !p.Silence.Now(v.now):
			view.Silence = "It forbade to tell the customer until " + v.moment(p.Silence.Until) + "."
		case p.Silence.Until.IsZero():
			view.Silence, view.Open = "It forbids to tell the customer until that is lifted.", true
		default:
			view.Silence = "It forbids to tell the customer until " + v.moment(p.Silence.Until) + "."
		}
	}
	if p.Silence.Now(v.now) {
		for _, id := range p.Named {
			name, err := v.actor(string(id))
			if err != nil {
				return err
			}
			view.Named = append(view.Named, name)
		}
		if view.People, err = v.processPeople(p.Named); err != nil {
			return err
		}
	}
	return nil
}

var processNotices = map[string]string{rules.NoticeBefore: "told first", rules.NoticeAfter: "told afterwards"}

// processSteps tells what was done under a file.
func (v *visit) processSteps(p *process.Process, view *processView) error {
	ctx, id, by := v.r.Context(), p.ID, v.member.ID
	papers, err := v.office.Processes.Papers(ctx, id, by)
	if err != nil {
		return err
	}
	for _, x := range papers {
		view.Papers = append(view.Papers, option{fmt.Sprintf("%s/papers/%d", view.Address, x.N), fmt.Sprintf("Paper %d, %s, SHA-256 %s…", x.N, v.clock(x.At), hexOf(x.Hash[:6]))})
	}
	releases, err := v.office.Processes.Releases(ctx, id, by)
	if err != nil {
		return err
	}
	waits := false
	for _, x := range releases {
		r := processReleaseView{What: fmt.Sprintf("Entry %d", x.Subject), At: v.moment(x.At), Package: "in no package yet", Entry: recordsAddress(x.Customer) + "/" + string(x.Entry)}
		if s := p.Subject(x.Subject); s != nil && s.Says != "" {
			r.What = s.Says
		}
		if x.Package > 0 {
			r.Package = fmt.Sprintf("package %d", x.Package)
		} else {
			waits = true
		}
		view.Releases = append(view.Releases, r)
	}
	packages, err := v.office.Processes.Packages(ctx, id, by)
	if err != nil {
		return err
	}
	handed := false
	for _, x := range packages {
		r := processPackageView{N: x.N, At: v.moment(x.At), Hash: x.Hash}
		if handed = handed || !x.Handed.IsZero(); !x.Handed.IsZero() {
			r.Handed = v.moment(x.Handed)
		} else if p.Stands(v.now) {
			r.Address = fmt.Sprintf("%s/packages/%d", view.Address, x.N)
		}
		view.Packages = append(view.Packages, r)
	}
	view.MayPack, view.MayClose = waits || len(releases)+len(packages) == 0, p.State == process.Approved
	notices, err := v.office.Processes.Notices(ctx, id, by)
	if err != nil {
		return err
	}
	for _, n := range notices {
		x := processNoticeView{Who: "customer " + short(n.Customer), What: processNotices[n.Kind]}
		switch {
		case n.State == "sent":
			x.When = "sent " + v.moment(n.Changed)
		case n.State == "nowhere":
			x.When = "there is no address of record"
		case n.State == "dropped":
			x.When = "not any more: it has ended"
		case n.Due.IsZero():
			x.When = "when the silence is lifted"
		default:
			x.When = "after " + v.moment(n.Due)
		}
		view.Notices = append(view.Notices, x)
	}
	history, err := v.office.Processes.History(ctx, id, by)
	if err != nil {
		return err
	}
	for _, e := range history {
		x := processStepView{At: v.moment(e.At), What: capital(e.What)}
		if x.By, err = v.actor(e.By); err != nil {
			return err
		}
		var says []string
		if e.Subject > 0 {
			says = append(says, fmt.Sprintf("entry %d", e.Subject))
		}
		if e.Package > 0 {
			says = append(says, fmt.Sprintf("package %d", e.Package))
		}
		if e.Paper > 0 {
			says = append(says, fmt.Sprintf("paper %d", e.Paper))
		}
		if e.Until != nil {
			says = append(says, "until "+v.moment(*e.Until))
		}
		if e.Code != "" {
			says = append(says, string(e.Code))
		}
		for _, id := range e.Named {
			name, err := v.actor(string(id))
			if err != nil {
				return err
			}
			says = append(says, name)
		}
		if e.Reason != "" {
			says = append(says, e.Reason)
		}
		x.Says = capital(strings.Join(says, "; "))
		view.History = append(view.History, x)
	}
	return nil
}

// processPaper hands out a paper, as a file that the browser keeps and does not open here.
//
// cite: P-29, P-37
func (v *visit) processPaper() error {
	n, err := strconv.Atoi(v.r.PathValue("n"))
	if err != nil {
		return errNowhere
	}
	file, media, err := v.office.Processes.Scan(v.r.Context(), v.id("process"), v.member.ID, n)
	if errors.Is(err, process.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	ending := map[string]string{"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}[media]
	return v.handFile(media, fmt.Sprintf("paper-%d.%s", n, ending), file)
}

func (v *visit) handFile(media, name string, file []byte) error {
	v.w.Header().Set("Content-Type", media)
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	v.w.WriteHeader(http.StatusOK)
	v.w.Write(file)
	return nil
}
