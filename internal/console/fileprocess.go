package console

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/process"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

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
	return v.told(err, address, note, process.ErrNone)
}
