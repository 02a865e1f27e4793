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
	"ringfence/internal/workday"
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

// fileProcessView is the form by which a paper is taken in.
type fileProcessView struct {
	page
	Key     string // names the file: sent twice it is taken in once
	Kinds   []processKindView
	Classes []option
	People  []option
	Today   string
}

// processKindView is a kind as the form explains it.
type processKindView struct {
	Value, Called, Section, Demands, Notice, Silence, Reviewers, Due, Kept string
}

var noticeOfProcess = map[string]string{rules.NoticeBefore: "The customer is told first, and has %s to go to court.", rules.NoticeAfter: "The customer is told once it was released, as soon as no order forbids it.", rules.NoticeNone: "The customer is not told."}

func (v *visit) processKindView(k rules.ProcessKind) processKindView {
	x := processKindView{Value: k.Name, Called: k.Called, Section: k.Section, Notice: noticeOfProcess[k.Notice], Due: days(k.AnswerWithin), Kept: counted(k.KeepMonths, "month", "months")}
	if k.Notice == rules.NoticeBefore {
		x.Notice = fmt.Sprintf(x.Notice, days(k.NoticeWait))
	}
	var data, roles []string
	for _, d := range k.Demands {
		data = append(data, strings.ToLower(classWords[d]))
	}
	for _, r := range k.Reviewers {
		roles = append(roles, roleWords[r])
	}
	x.Demands, x.Reviewers = strings.Join(data, ", "), strings.Join(roles, " or ")
	switch {
	case slices.Contains(k.Silence, rules.SilenceOpen):
		x.Silence = "It may forbid to tell the customer, until a day or until that is lifted."
	case slices.Contains(k.Silence, rules.SilenceDated):
		x.Silence = "It may forbid to tell the customer until a day that it names."
	default:
		x.Silence = "It cannot forbid to tell the customer."
	}
	return x
}

// days writes a length of time in whole days.
func days(d time.Duration) string { return counted(int(d/(24*time.Hour)), "day", "days") }

// cite: P-29
func (v *visit) fileProcessPage() error {
	view := fileProcessView{page: v.page("Take legal process in", "/process"), Key: string(cpni.NewID()), Today: v.now.In(v.office.Zone).Format(time.DateOnly)}
	for _, k := range v.office.Policy.Numbers(v.now).ProcessKinds() {
		view.Kinds = append(view.Kinds, v.processKindView(k))
	}
	for _, c := range cpni.DataClasses {
		if c != cpni.Aggregate {
			view.Classes = append(view.Classes, option{string(c), classWords[c]})
		}
	}
	var err error
	if view.People, err = v.processPeople(nil); err != nil {
		return err
	}
	return v.show(http.StatusOK, fileProcessPage(view))
}

// processPeople lists those who may be named in a secret file, but for those who are.
func (v *visit) processPeople(already []cpni.ID) ([]option, error) {
	members, err := v.office.Staff.Members(v.r.Context())
	if err != nil {
		return nil, err
	}
	var all []option
	for _, m := range members {
		if m.ID != v.member.ID && m.Role != cpni.RoleSystem && !m.Disabled && m.May(staff.AnswerProcess) && !slices.Contains(already, m.ID) {
			all = append(all, option{string(m.ID), m.Name + ", " + roleWords[m.Role]})
		}
	}
	slices.SortFunc(all, func(a, b option) int { return strings.Compare(a.Text, b.Text) })
	return all, nil
}

// dayStart and dayEnd read a day of the form: its first moment, and the first moment after it; zero when it is left empty.
func (v *visit) dayStart(name string) (time.Time, error) {
	if v.field(name) == "" {
		return time.Time{}, nil
	}
	d, err := workday.ParseDate(v.field(name))
	if err != nil {
		return time.Time{}, cpni.Rejected("BAD_INPUT", "that is no day", []string{"P-29"}, "give it as year, month and day")
	}
	return d.Start(v.office.Zone), nil
}

func (v *visit) dayEnd(name string) (time.Time, error) {
	at, err := v.dayStart(name)
	if err != nil || at.IsZero() {
		return at, err
	}
	return workday.DateIn(at, v.office.Zone).End(v.office.Zone), nil
}

// fileProcess takes a paper in.
//
// cite: P-29, P-41
func (v *visit) fileProcess() error {
	f := process.Filing{ID: v.office.RepeatableID("process", string(v.member.ID), v.field("key")), By: v.member.ID, Kind: v.field("kind"), Number: v.field("number"), Issuer: v.field("issuer"), Court: v.field("court"), To: v.field("to"),
		Officer: v.field("officer"), Address: v.field("address"), Key: v.field("age"), About: strings.Split(v.field("about"), "\n")}
	for _, c := range v.form["class"] {
		f.Data = append(f.Data, cpni.DataClass(c))
	}
	var failed error
	for _, d := range []struct {
		name string
		into *time.Time
		end  bool
	}{{"issued", &f.Issued, false}, {"received", &f.Received, false}, {"in-force", &f.From, false}, {"until", &f.Until, true}, {"due", &f.Due, true}, {"records-from", &f.AskedFrom, false}, {"records-until", &f.AskedUntil, true}, {"silence-until", &f.Silence.Until, true}} {
		read := v.dayStart
		if d.end {
			read = v.dayEnd
		}
		at, err := read(d.name)
		*d.into, failed = at, errors.Join(failed, err)
	}
	if failed == nil && v.field("silence") != "" {
		f.Silence.Ordered = true
		for _, id := range v.form["named"] {
			f.Named = append(f.Named, cpni.ID(id))
		}
	} else if failed == nil && !f.Silence.Until.IsZero() {
		failed = cpni.Rejected("BAD_INPUT", "a day is given until which the customer must not be told, and not that they must not", []string{"P-29"}, "choose both, or leave both out")
	} else {
		f.Silence = process.Silence{}
	}
	if len(v.uploads) > 0 {
		f.Scan = []byte(v.uploads[0].Text)
	}
	if failed != nil {
		return v.processed("/process/new", "", failed)
	}
	p, err := v.office.Processes.File(v.r.Context(), f)
	if err != nil {
		return v.processed("/process/new", "", err)
	}
	return v.processed(processAddress(p.ID), "It is taken in. Somebody else reads it before anything is released.", nil)
}

// processed sends the browser to a page of the desk with what came of the last step.
func (v *visit) processed(address, note string, err error) error {
	var refusal *cpni.Refusal
	switch {
	case errors.Is(err, process.ErrNone):
		return errNowhere
	case errors.As(err, &refusal):
		return v.leave(flash{For: address, Refusal: refusal}, address)
	case err != nil:
		return err
	}
	return v.leave(flash{For: address, Note: note}, address)
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

// reviewProcess records what the person who has read a paper says of it.
//
// cite: P-29
func (v *visit) reviewProcess() error {
	ctx, id := v.r.Context(), v.id("process")
	version, _ := strconv.ParseInt(v.field("version"), 10, 64)
	x := process.Verdict{By: v.member.ID, Version: version, Approve: v.field("verdict") == "approve", Reason: v.field("reason")}
	note := "It is rejected, with your reason. Nothing is released."
	if x.Approve {
		note = "It is approved, within what you chose. It can be released now."
		p, err := v.office.Processes.One(ctx, id, v.member.ID)
		if err != nil {
			return v.processed(processAddress(id), "", err)
		}
		from, err := v.dayStart("records-from")
		until, err2 := v.dayEnd("records-until")
		if err := errors.Join(err, err2); err != nil {
			return v.processed(processAddress(id), "", err)
		}
		x.Scope = process.Scope{From: dayWithin(from, p.Asked.From, v.office.Zone), Until: dayWithin(until, p.Asked.Until, v.office.Zone)}
		for _, no := range v.form["subject"] {
			if n, err := strconv.Atoi(no); err == nil {
				x.Scope.Subjects = append(x.Scope.Subjects, n)
			}
		}
		for _, c := range v.form["class"] {
			x.Scope.Data = append(x.Scope.Data, cpni.DataClass(c))
		}
	}
	_, err := v.office.Processes.Review(ctx, id, x)
	return v.processed(processAddress(id), note, err)
}

// dayWithin gives the moment that the paper names where the form names its day, which has no hours: a paper may end at noon.
func dayWithin(day, exact time.Time, zone *time.Location) time.Time {
	if day.IsZero() || workday.DateIn(day, zone) == workday.DateIn(exact, zone) || workday.DateIn(day.Add(-time.Microsecond), zone) == workday.DateIn(exact.Add(-time.Microsecond), zone) {
		return exact
	}
	return day
}

// cite: P-29, P-41
func (v *visit) releaseProcess() error {
	id := v.id("process")
	tried, err := v.office.Processes.Release(v.r.Context(), id, v.member.ID)
	note := fmt.Sprintf("%s released, each by a decision of its own.", counted(tried.Released, "entry was", "entries were"))
	if len(tried.Refused) > 0 {
		note += " " + counted(len(tried.Refused), "was", "were") + " refused: the history says why."
	}
	return v.processed(processAddress(id), note, err)
}

func (v *visit) packProcess() error {
	id := v.id("process")
	n, err := v.office.Processes.Pack(v.r.Context(), id, v.member.ID)
	return v.processed(processAddress(id), fmt.Sprintf("Package %d is made. It is opened and handed out once.", n), err)
}

// handOutProcess hands a package out, once.
//
// cite: P-29, P-41, I-01
func (v *visit) handOutProcess() error {
	id := v.id("process")
	n, err := strconv.Atoi(v.r.PathValue("n"))
	if err != nil {
		return errNowhere
	}
	out, err := v.office.Processes.HandOut(v.r.Context(), id, v.member.ID, n, v.options.Letter)
	if err != nil {
		return v.processed(processAddress(id), "", err)
	}
	return v.handFile(out.Media, out.Name, out.File)
}

func (v *visit) closeProcess() error {
	_, err := v.office.Processes.Close(v.r.Context(), v.id("process"), v.member.ID, v.field("reason"))
	return v.processed(processAddress(v.id("process")), "It is closed. Nothing more is released under it.", err)
}

func (v *visit) endProcess() error {
	x := process.Ending{By: v.member.ID, State: process.State(v.field("state")), Reason: v.field("reason")}
	if len(v.uploads) > 0 {
		x.Scan = []byte(v.uploads[0].Text)
	}
	_, err := v.office.Processes.End(v.r.Context(), v.id("process"), x)
	return v.processed(processAddress(v.id("process")), "It has ended. Nothing is released under it from now on, and no package that was not handed out.", err)
}

func (v *visit) quietProcess() error {
	address := processAddress(v.id("process"))
	x := process.Quiet{By: v.member.ID, Lift: v.field("silence") == "lift", Reason: v.field("reason")}
	var err error
	if x.Until, err = v.dayEnd("silence-until"); err != nil {
		return v.processed(address, "", err)
	}
	if x.Lift {
		x.Until = time.Time{}
	}
	if v.field("silence") == "until" && x.Until.IsZero() {
		return v.processed(address, "", cpni.Rejected("BAD_INPUT", "it is not said until which day", []string{"P-29"}, "give the last day on which the customer must not be told"))
	}
	if v.field("silence") == "open" {
		x.Until = time.Time{}
	}
	if len(v.uploads) > 0 {
		x.Scan = []byte(v.uploads[0].Text)
	}
	_, err = v.office.Processes.Quiet(v.r.Context(), v.id("process"), x)
	return v.processed(address, "It is on record. When the silence ends the customer is told by itself.", err)
}

func (v *visit) lookedProcess() error {
	_, err := v.office.Processes.Looked(v.r.Context(), v.id("process"), v.member.ID, v.field("reason"))
	return v.processed(processAddress(v.id("process")), "It is on record that the silence still stands.", err)
}

func (v *visit) nameProcess() error {
	var more []cpni.ID
	for _, id := range v.form["named"] {
		more = append(more, cpni.ID(id))
	}
	_, err := v.office.Processes.Name(v.r.Context(), v.id("process"), v.member.ID, more...)
	return v.processed(processAddress(v.id("process")), "They may know of it from now on.", err)
}
