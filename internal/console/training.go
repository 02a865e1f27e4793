package console

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/training"
)

// trainingPlaces are the pages of courses, and of who passed them.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func trainingPlaces() []place {
	const course = "/training/courses/{course}"
	return []place{
		{pattern: "/training", get: (*visit).trainingPage},
		{pattern: course, get: (*visit).coursePage, post: (*visit).beginTest},
		{pattern: course + "/{section}", get: (*visit).sectionPage, post: (*visit).readSection},
		{pattern: "/training/attempts/{attempt}", get: (*visit).attemptPage, post: (*visit).gradeTest},
		{pattern: "/training/passes/{pass}", get: (*visit).passPage},
		{pattern: "/training/taught/{digest}", get: (*visit).taughtPage},
		{pattern: "/training/staff", get: (*visit).coveragePage},
		{pattern: "/training/staff/{member}", get: (*visit).traineePage, post: (*visit).recordPass},
		{pattern: "/training/records.csv", get: (*visit).exportTraining},
	}
}

func courseAddress(id string) string    { return "/training/courses/" + id }
func attemptAddress(id cpni.ID) string  { return "/training/attempts/" + string(id) }
func passAddress(id cpni.ID) string     { return "/training/passes/" + string(id) }
func traineeAddress(id cpni.ID) string  { return "/training/staff/" + string(id) }
func sectionAddress(c, s string) string { return courseAddress(c) + "/" + s }
func (v *visit) named(text string) string {
	return strings.ReplaceAll(text, "{carrier}", v.options.Carrier)
}
func (v *visit) taught(text string) string {
	return strings.ReplaceAll(text, "{carrier}", html.EscapeString(v.options.Carrier))
}

// untrained is the code of a refusal that the course would change.
const untrained cpni.Code = "UNTRAINED"

var errSuspended = faulty(http.StatusForbidden, "Not now", untrained, "you are suspended, so you serve no customers", []string{"P-39", "47 CFR 64.2009(b)"},
	"see on your training page until when, and why", "let a colleague take the contact")

// barred is the fault of a person who may not come to a place.
//
// cite: P-37, P-39, 47 CFR 64.2009(b)
func (v *visit) barred(r staff.Right) error {
	if v.member.Suspended != nil {
		return errSuspended
	}
	return v.notTheirWork(r)
}

// lapse is the one line that tells somebody on each page that their training runs out, or is over. The pages of training
// say it themselves.
//
// cite: P-38, 47 CFR 64.2009(b)
func (v *visit) lapse() string {
	if strings.HasPrefix(v.r.URL.Path, "/training") {
		return ""
	}
	switch st := v.office.Training.Standing(v.member, v.now); st.State {
	case training.Lapsing:
		return "Your training lapses " + inDays(st.Days)
	case training.Lapsed:
		return "Your training has lapsed: nothing is released to you"
	case training.Never:
		return "You have not passed the course yet: nothing is released to you"
	case training.Suspended:
		return "You are suspended" + v.suspendedUntil(st)
	}
	return ""
}

func inDays(n int) string {
	switch n {
	case 0:
		return "today"
	case 1:
		return "tomorrow"
	}
	return "in " + strconv.Itoa(n) + " days"
}

func (v *visit) suspendedUntil(st training.Standing) string {
	if st.Suspension.IsZero() {
		return " until you have passed the course again"
	}
	return " until " + v.clock(st.Suspension)
}

// standingWords, and the tone of each.
var (
	standingWords = map[training.State]string{training.Current: "current", training.Lapsing: "lapses soon", training.Lapsed: "lapsed", training.Never: "never passed", training.Suspended: "suspended", training.Exempt: "needs none"}
	stateTones    = map[training.State]string{training.Current: "good", training.Lapsing: "warn", training.Lapsed: "bad", training.Never: "bad", training.Suspended: "bad"}
)

// standingView is how somebody stands with their training.
type standingView struct {
	State chip
	Until string // empty: no pass
	Says  string
}

func (v *visit) standingView(m *staff.Member) standingView {
	st := v.office.Training.Standing(m, v.now)
	s := standingView{State: chip{capital(standingWords[st.State]), stateTones[st.State]}}
	if !st.Until.IsZero() {
		s.Until = v.moment(st.Until)
	}
	switch st.State {
	case training.Lapsing:
		s.Says = "It lapses " + inDays(st.Days) + "."
	case training.Lapsed:
		s.Says = "It has lapsed, so nothing is released until the course is passed again."
	case training.Never:
		s.Says = "The course has not been passed yet, so nothing is released."
	case training.Suspended:
		s.Says = capital(strings.TrimPrefix("Suspended"+strings.Replace(v.suspendedUntil(st), "you have passed the course", "the course is passed", 1), " ")) + "."
	}
	if st.Anew != nil {
		s.Says += " Version " + st.Anew.Version + " of the course must be passed anew, from " + v.day(st.Until) + " on."
	}
	return s
}

// trainingView is somebody's own training.
type trainingView struct {
	page
	Standing  standingView
	Courses   []courseLink
	Passes    []passRow
	Attempts  []attemptRow
	Exercises []exerciseRow
	Reminders []string
	Findings  []findingRow
	Overview  bool // may see how the staff stands
}

type courseLink struct{ Address, Title, Version, Says string }

type passRow struct{ Address, At, Course, Until string }

type attemptRow struct{ Address, At, Course, Score, Result, Tone string }

// cite: P-38, P-39, 47 CFR 64.2009(b)
func (v *visit) trainingPage() error {
	ctx, m := v.r.Context(), v.member
	view := trainingView{page: v.page("Training", "/training"), Standing: v.standingView(m), Overview: v.mayReadTraining()}
	for _, c := range v.office.Training.Courses.For(m.Role) {
		read, err := v.office.Training.HasRead(ctx, m.ID, c)
		if err != nil {
			return err
		}
		view.Courses = append(view.Courses, courseLink{courseAddress(c.ID), v.named(c.Title), c.Version, fmt.Sprintf("%d of %d sections read; a test of %d questions, of which %d %% are enough", len(read), len(c.Sections), c.Draws, c.PassMark)})
	}
	var err error
	if view.Passes, view.Attempts, view.Reminders, err = v.passes(m.ID); err != nil {
		return err
	}
	if view.Exercises, err = v.exercises(m.ID); err != nil {
		return err
	}
	if view.Findings, err = v.findingRows(m.ID); err != nil {
		return err
	}
	return v.show(http.StatusOK, trainingPage(view))
}

// passes is what somebody passed and tried, and when they were reminded.
func (v *visit) passes(of cpni.ID) (passes []passRow, tries []attemptRow, reminders []string, err error) {
	ctx, s := v.r.Context(), v.office.Training
	all, err := s.Passes(ctx, of)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, p := range all {
		passes = append(passes, passRow{passAddress(p.ID), v.moment(p.Passed), courseWords(p.Course, p.Version), v.moment(p.Until)})
	}
	attempts, err := s.Attempts(ctx, of)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, a := range attempts {
		row := attemptRow{At: v.moment(a.Began), Course: courseWords(a.Course, a.Version), Result: "not answered"}
		if of == v.member.ID {
			row.Address = attemptAddress(a.ID)
		}
		if r := a.Result; r != nil {
			row.Score, row.Result, row.Tone = fmt.Sprintf("%d of %d", r.Hits, r.Asked), "not passed", "bad"
			if r.Passed {
				row.Result, row.Tone = "passed", "good"
			}
		}
		tries = append(tries, row)
	}
	told, err := s.Reminders(ctx, of)
	for _, r := range told {
		reminders = append(reminders, fmt.Sprintf("%s: the pass ends %s, on %s", v.moment(r.At), withinDays(r.Days), v.day(r.Until)))
	}
	return passes, tries, reminders, err
}

// withinDays writes a step of reminders.
func withinDays(days int) string {
	if days == 1 {
		return "within a day"
	}
	return "within " + strconv.Itoa(days) + " days"
}

func courseWords(id, version string) string {
	if id == "" {
		return "passed elsewhere"
	}
	return id + " " + version
}

// theirCourse gives the course of the address, which must be one for the person's work.
func (v *visit) theirCourse() (*training.Course, error) {
	c, ok := v.office.Training.Courses.Get(v.r.PathValue("course"))
	if !ok || !slices.Contains(c.Roles, v.member.Role) {
		return nil, training.ErrNone
	}
	return c, nil
}

// courseView is a course, or one part of it.
type courseView struct {
	page
	Address  string
	Name     string
	Version  string
	Intro    string // HTML
	Sections []sectionLink
	Here     *sectionView // nil: the beginning
	Read     int
	Draws    int
	PassMark int
}

type sectionLink struct {
	Address, Title string
	Read, Here     bool
}

type sectionView struct {
	No           int
	Title        string
	HTML         string
	Next, Title2 string // address and title of the next part; empty: the last
}

func (v *visit) courseView(c *training.Course, here string) (courseView, error) {
	view := courseView{page: v.page(v.named(c.Title), "/training"), Address: courseAddress(c.ID), Name: v.named(c.Title), Version: c.Version, Intro: v.taught(c.Intro), Draws: c.Draws, PassMark: c.PassMark}
	read, err := v.office.Training.HasRead(v.r.Context(), v.member.ID, c)
	if err != nil {
		return view, err
	}
	for i, s := range c.Sections {
		link := sectionLink{sectionAddress(c.ID, s.ID), s.Title, read[s.ID], s.ID == here}
		if link.Read {
			view.Read++
		}
		view.Sections = append(view.Sections, link)
		if link.Here {
			view.Here = &sectionView{No: i + 1, Title: s.Title, HTML: v.taught(s.HTML)}
			if i+1 < len(c.Sections) {
				view.Here.Next, view.Here.Title2 = sectionAddress(c.ID, c.Sections[i+1].ID), c.Sections[i+1].Title
			}
			view.Title = s.Title
		}
	}
	if here != "" && view.Here == nil {
		return view, training.ErrNone
	}
	return view, nil
}

// cite: P-38, 47 CFR 64.2009(b)
func (v *visit) coursePage() error { return v.showCourse("") }

// cite: P-38, 47 CFR 64.2009(b)
func (v *visit) sectionPage() error { return v.showCourse(v.r.PathValue("section")) }

func (v *visit) showCourse(section string) error {
	c, err := v.theirCourse()
	if err != nil {
		return err
	}
	view, err := v.courseView(c, section)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, coursePage(view))
}

// readSection notes that a part has been read, and goes to the next.
func (v *visit) readSection() error {
	c, err := v.theirCourse()
	if err != nil {
		return err
	}
	here := v.r.PathValue("section")
	if err := v.office.Training.Read(v.r.Context(), v.member.ID, c, here); err != nil {
		return err
	}
	i := slices.IndexFunc(c.Sections, func(s training.Section) bool { return s.ID == here })
	if i+1 < len(c.Sections) {
		return v.goTo(sectionAddress(c.ID, c.Sections[i+1].ID))
	}
	return v.goTo(courseAddress(c.ID))
}

// beginTest begins the test, or goes on with the one that has been begun.
//
// cite: P-38, 47 CFR 64.2009(b)
func (v *visit) beginTest() error {
	c, err := v.theirCourse()
	if err != nil {
		return err
	}
	a, err := v.office.Training.Begin(v.r.Context(), v.member.ID, c.ID)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: courseAddress(c.ID), Refusal: refusal}, courseAddress(c.ID))
	}
	if err != nil {
		return err
	}
	return v.goTo(attemptAddress(a.ID))
}

// testView is a test that is to be answered.
type testView struct {
	page
	Address   string
	Name      string
	Course    string // address
	Questions []askedView
	Need      int
}

type askedView struct {
	No      int
	Field   string // of the form
	Asks    string
	Many    bool
	Choices []choiceView
	Missing bool
}

type choiceView struct {
	Value  int
	Says   string
	Chosen bool
	Right  bool // told only after grading
}

// resultView is a test that has been graded.
type resultView struct {
	page
	Name      string
	Course    string // address
	Passed    bool
	Score     string
	Pass      string // address of the pass
	Wrong     []gradedView
	Right     []gradedView
	NextTries string
}

type gradedView struct {
	Asks    string
	Choices []choiceView
	Because string
	Clauses []string
	Section sectionLink
}

// attemptPage shows a test to be answered, and one that has been graded with what was wrong and why. What is right is told
// only after grading.
//
// cite: P-38, 47 CFR 64.2009(b)
func (v *visit) attemptPage() error {
	a, c, err := v.attempt()
	if err != nil {
		return err
	}
	if a.Result != nil {
		return v.showResult(a, c)
	}
	return v.showTest(http.StatusOK, a, c, nil, nil)
}

// attempt gives the person's own attempt of the address, and its course.
func (v *visit) attempt() (*training.Attempt, *training.Course, error) {
	a, err := v.office.Training.Attempt(v.r.Context(), v.member.ID, v.id("attempt"))
	if err != nil {
		return nil, nil, err
	}
	c, err := v.office.Training.Course(v.r.Context(), a.Digest)
	return a, c, err
}

func (v *visit) showTest(status int, a *training.Attempt, c *training.Course, chosen [][]int, refusal *cpni.Refusal) error {
	view := testView{page: v.page("Test", "/training"), Address: attemptAddress(a.ID), Name: v.named(c.Title), Course: courseAddress(c.ID), Need: (len(a.Asked)*c.PassMark + 99) / 100}
	if refusal != nil {
		view.Problem = problemOf(refusal)
	}
	for i, asked := range a.Asked {
		q, _ := c.Question(asked)
		x := askedView{No: i + 1, Field: "q" + strconv.Itoa(i+1), Asks: v.named(q.Asks), Many: q.Many(), Missing: chosen != nil && len(chosen[i]) == 0}
		for place, k := range asked.Order {
			x.Choices = append(x.Choices, choiceView{Value: place + 1, Says: v.named(q.Choices[k].Says), Chosen: chosen != nil && slices.Contains(chosen[i], place)})
		}
		view.Questions = append(view.Questions, x)
	}
	return v.show(status, testPage(view))
}

func (v *visit) showResult(a *training.Attempt, c *training.Course) error {
	r := a.Result
	view := resultView{page: v.page("Result", "/training"), Name: v.named(c.Title), Course: courseAddress(c.ID), Passed: r.Passed,
		Score: fmt.Sprintf("%d of %d questions were answered rightly; %d are needed. Graded %s.", r.Hits, r.Asked, r.Needed, v.moment(r.Graded))}
	if r.Passed {
		view.Pass = passAddress(r.Record)
	} else {
		pause := v.office.Training.Rules(r.Graded).Pause
		if open := r.Graded.Add(pause); v.now.Before(open) {
			view.NextTries = "The next test can begin at " + v.clock(open) + "."
		}
	}
	for i, asked := range a.Asked {
		q, _ := c.Question(asked)
		g := gradedView{Asks: v.named(q.Asks), Because: v.named(q.Because), Clauses: q.Clauses}
		if s, ok := c.Section(q.Section); ok {
			g.Section = sectionLink{Address: sectionAddress(c.ID, s.ID), Title: s.Title}
		}
		for _, k := range asked.Order {
			g.Choices = append(g.Choices, choiceView{Says: v.named(q.Choices[k].Says), Chosen: slices.Contains(r.Answers[i], k), Right: q.Choices[k].Right})
		}
		if c.Right(asked, r.Answers[i]) {
			view.Right = append(view.Right, g)
		} else {
			view.Wrong = append(view.Wrong, g)
		}
	}
	return v.show(http.StatusOK, resultPage(view))
}

// gradeTest grades what was answered. A form that leaves something out comes back with what it has.
//
// cite: P-38, 47 CFR 64.2009(b)
func (v *visit) gradeTest() error {
	a, c, err := v.attempt()
	if err != nil {
		return err
	}
	chosen := make([][]int, len(a.Asked))
	for i := range a.Asked {
		for _, text := range v.form["q"+strconv.Itoa(i+1)] {
			n, err := strconv.Atoi(text)
			if err != nil {
				return errUnreadable
			}
			chosen[i] = append(chosen[i], n-1)
		}
	}
	_, err = v.office.Training.Grade(v.r.Context(), v.member.ID, a.ID, chosen)
	var refusal *cpni.Refusal
	switch {
	case errors.Is(err, training.ErrGraded):
	case errors.As(err, &refusal) && refusal.Code == "INCOMPLETE":
		return v.showTest(http.StatusUnprocessableEntity, a, c, chosen, refusal)
	case err != nil:
		return err
	}
	return v.goTo(attemptAddress(a.ID))
}
