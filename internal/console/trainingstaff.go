package console

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/training"
)

// mayReadTraining reports whether somebody may see how others stand with their training.
func (v *visit) mayReadTraining() bool {
	return v.member.May(staff.Train) || v.member.May(staff.ReadRecords)
}

// coverageView is how the staff stands.
type coverageView struct {
	page
	Counts    []navItem // by state
	Of        string
	Rows      []traineeRow
	Reminders []string // of passes that still run
	Exercises string   // of this year
	Notice    string   // within which a pass is called running out
}

type traineeRow struct {
	Address, Name, Role, Course, Until string
	State                              chip
}

// coveragePage shows who is trained, whose training runs out, and who never passed.
//
// cite: P-38, 47 CFR 64.2009(b)
func (v *visit) coveragePage() error {
	if !v.mayReadTraining() {
		return v.notTheirWork(staff.Train)
	}
	ctx := v.r.Context()
	members, err := v.office.Staff.Members(ctx)
	if err != nil {
		return err
	}
	of := training.State(v.r.URL.Query().Get("state"))
	if _, ok := standingWords[of]; !ok {
		of = ""
	}
	view := coverageView{page: v.page("Training of the staff", "/training"), Of: string(of), Notice: length(v.office.Training.Rules(v.now).Notice)}
	if n := v.office.Training.Rules(v.now).Notice; n%(24*time.Hour) == 0 {
		view.Notice = counted(int(n/(24*time.Hour)), "day", "days")
	}
	counts, names, all := map[training.State]int{}, map[cpni.ID]string{}, 0
	for i := range members {
		m := &members[i]
		if m.Disabled {
			continue
		}
		names[m.ID] = m.Name
		st := v.office.Training.Standing(m, v.now)
		if m.Role == cpni.RoleSystem {
			continue
		}
		all++
		counts[st.State]++
		if of == "" || st.State == of {
			row := traineeRow{Address: traineeAddress(m.ID), Name: m.Name, Role: capital(roleWords[m.Role]), State: v.standingView(m).State, Course: m.Course}
			if !st.Until.IsZero() {
				row.Until = v.moment(st.Until)
			}
			view.Rows = append(view.Rows, row)
		}
	}
	view.Counts = []navItem{{Text: fmt.Sprintf("All %d", all), Address: "/training/staff", Here: of == ""}}
	for _, s := range []training.State{training.Current, training.Lapsing, training.Lapsed, training.Never, training.Suspended} {
		view.Counts = append(view.Counts, navItem{fmt.Sprintf("%s %d", capital(standingWords[s]), counts[s]), "/training/staff?state=" + string(s), s == of})
	}
	told, err := v.office.Training.Reminders(ctx, "")
	if err != nil {
		return err
	}
	for _, r := range told[:min(len(told), 50)] {
		view.Reminders = append(view.Reminders, fmt.Sprintf("%s: %s, whose pass ends %s, on %s", v.moment(r.At), names[r.Staff], withinDays(r.Days), v.day(r.Until)))
	}
	if view.Exercises, err = v.exercisesOfYear(); err != nil {
		return err
	}
	return v.show(http.StatusOK, coveragePage(view))
}

// traineeView is how one member stands.
type traineeView struct {
	page
	Address   string
	Name      string
	Role      string
	Standing  standingView
	Passes    []passRow
	Attempts  []attemptRow
	Exercises []exerciseRow
	Told      []string
	MayAdd    bool
	Today     string
}

// traineePage shows how a member stands.
//
// cite: P-38, 47 CFR 64.2009(b)
func (v *visit) traineePage() error {
	if !v.mayReadTraining() {
		return v.notTheirWork(staff.Train)
	}
	m, _, err := v.office.Staff.Recent(v.r.Context(), v.id("member"))
	if err != nil {
		return err
	}
	view := traineeView{page: v.page(m.Name, "/training"), Address: traineeAddress(m.ID), Name: m.Name, Role: roleWords[m.Role], Standing: v.standingView(m),
		MayAdd: v.member.May(staff.Train) && m.ID != v.member.ID, Today: v.now.In(v.office.Zone).Format(time.DateOnly)}
	if view.Exercises, err = v.exercises(m.ID); err != nil {
		return err
	}
	if view.Passes, view.Attempts, view.Told, err = v.passes(m.ID); err != nil {
		return err
	}
	return v.show(http.StatusOK, traineePage(view))
}

// recordPass records a course that a member has passed elsewhere.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func (v *visit) recordPass() error {
	if !v.member.May(staff.Train) {
		return v.notTheirWork(staff.Train)
	}
	id := v.id("member")
	at := traineeAddress(id)
	passed, err := v.dayField("passed")
	if err == nil {
		_, err = v.office.Training.RecordOutside(v.r.Context(), id, passed, v.form.Get("evidence"), string(v.member.ID))
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: at, Refusal: refusal}, at)
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: at, Note: "The pass is on record."}, at)
}

// dayField reads a day of a form as its first moment in the carrier's zone.
func (v *visit) dayField(name string) (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, v.field(name), v.office.Zone)
	if err != nil {
		return day, cpni.Rejected("BAD_INPUT", "that is no day", nil, "give it as year, month and day")
	}
	return day.UTC(), nil
}

// passView is a pass as an inspector reads it.
type passView struct {
	page
	Carrier  string
	Name     string
	Login    string
	Member   cpni.ID
	Role     string
	Course   string
	Version  string
	Digest   string
	Text     string // address of what was taught, for who may read it
	At       string
	Score    string
	Until    string
	By       string
	Evidence string
	Standing standingView
	Sound    bool // as the ledger has it
	Record   cpni.ID
	Again    string // address of this page
	Proof    *proofView
	Waits    string
}

// passPage shows a pass with the proof that it stands in the ledger: one's own, or those of all to who may read them.
//
// cite: P-38, P-41, 47 CFR 64.2009(b)
func (v *visit) passPage() error {
	ctx, s := v.r.Context(), v.office.Training
	p, err := s.Pass(ctx, v.id("pass"))
	if err != nil {
		return err
	}
	if p.Staff != v.member.ID && !v.mayReadTraining() {
		return errNowhere
	}
	m, _, err := v.office.Staff.Recent(ctx, p.Staff)
	if err != nil {
		return err
	}
	view := passView{page: v.page("Record of training", "/training"), Carrier: v.options.Carrier, Name: m.Name, Login: m.Login, Member: m.ID, Role: roleWords[m.Role], Version: p.Version, Digest: p.Digest,
		At: v.moment(p.Passed), Until: v.moment(p.Until), Standing: v.standingView(m), Record: p.Record, Again: passAddress(p.ID)}
	if view.By, err = v.actor(p.By); err != nil {
		return err
	}
	if view.Sound, err = s.Sound(ctx, p); err != nil {
		return err
	}
	if p.Outside() {
		if view.Evidence, err = s.Evidence(ctx, p); err != nil {
			return err
		}
	} else if err := v.scored(&view, p); err != nil {
		return err
	}
	in, err := v.office.Ledger.Prove(ctx, "", p.Record)
	switch {
	case errors.Is(err, ledger.ErrNotYet):
		view.Waits = sentence(err.Error())
	case err != nil:
		return err
	default:
		view.Proof = proofViewOf(in)
	}
	return v.show(http.StatusOK, passPage(view))
}

func (v *visit) scored(view *passView, p *training.Pass) error {
	c, err := v.office.Training.Course(v.r.Context(), p.Digest)
	if err != nil {
		return err
	}
	a, err := v.office.Training.Attempt(v.r.Context(), p.Staff, p.Attempt)
	if err != nil {
		return err
	}
	view.Course = v.named(c.Title)
	if v.mayReadTraining() {
		view.Text = "/training/taught/" + p.Digest
	}
	view.Score = fmt.Sprintf("%d of %d questions, %d %%; %d were needed", a.Result.Hits, a.Result.Asked, a.Result.Percent(), a.Result.Needed)
	return nil
}

// taughtView is a course as it was taught, for who looks at what a pass stands for.
type taughtView struct {
	page
	Name, Version, Digest string
	Intro                 string // HTML
	Sections              []sectionView
	Questions             []askedView
	PassMark, Draws       int
}

// taughtPage shows the whole of a course that somebody took, now or once. What is right is not told: who reads it takes
// tests as well.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func (v *visit) taughtPage() error {
	if !v.mayReadTraining() {
		return v.notTheirWork(staff.Train)
	}
	c, err := v.office.Training.Course(v.r.Context(), v.r.PathValue("digest"))
	if err != nil {
		return err
	}
	view := taughtView{page: v.page(v.named(c.Title), "/training"), Name: v.named(c.Title), Version: c.Version, Digest: c.Digest, Intro: v.taught(c.Intro), PassMark: c.PassMark, Draws: c.Draws}
	for i, s := range c.Sections {
		view.Sections = append(view.Sections, sectionView{No: i + 1, Title: s.Title, HTML: v.taught(s.HTML)})
	}
	for i, q := range c.Questions {
		x := askedView{No: i + 1, Asks: v.named(q.Asks)}
		for _, choice := range q.Choices {
			x.Choices = append(x.Choices, choiceView{Says: v.named(choice.Says)})
		}
		view.Questions = append(view.Questions, x)
	}
	return v.show(http.StatusOK, taughtPage(view))
}

// exportTraining sends everybody's records of training as a file.
//
// cite: P-38, 47 CFR 64.2009(b)
func (v *visit) exportTraining() error {
	if !v.mayReadTraining() {
		return v.notTheirWork(staff.Train)
	}
	var b bytes.Buffer
	if err := v.office.Training.Export(v.r.Context(), &b); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="training-`+v.now.In(v.office.Zone).Format(time.DateOnly)+`.csv"`)
	v.w.WriteHeader(http.StatusOK)
	if v.r.Method != http.MethodHead {
		v.w.Write(b.Bytes())
	}
	return nil
}

// people lists who may be named in a form, by name.
func (v *visit) people() ([]option, error) {
	members, err := v.office.Staff.Members(v.r.Context())
	if err != nil {
		return nil, err
	}
	var all []option
	for _, m := range members {
		if m.Role != cpni.RoleSystem && m.ID != v.member.ID {
			all = append(all, option{string(m.ID), m.Name + ", " + roleWords[m.Role]})
		}
	}
	slices.SortFunc(all, func(a, b option) int {
		if a.Text < b.Text {
			return -1
		}
		return 1
	})
	return all, nil
}
