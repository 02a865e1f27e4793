package console

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/training"
)

const courseAt = "/training/courses/customer-information"

// rightForm answers a test; wrong is how many questions are answered wrongly.
func (w *world) rightForm(t testing.TB, of, attempt cpni.ID, wrong int) []string {
	t.Helper()
	a, err := w.Training.Attempt(context.Background(), of, attempt)
	must(t, err)
	c, err := w.Training.Course(context.Background(), a.Digest)
	must(t, err)
	var form []string
	for i, asked := range a.Asked {
		q, _ := c.Question(asked)
		for place, k := range asked.Order {
			if q.Choices[k].Right == (i >= wrong) {
				form = append(form, fmt.Sprintf("q%d", i+1), fmt.Sprint(place+1))
				if !q.Many() && i < wrong {
					break
				}
			}
		}
	}
	return form
}

// begin begins the test, and gives its address.
func (b *browser) begin() string {
	b.t.Helper()
	r := b.post(courseAt, "token", b.token())
	at := r.Header.Get("Location")
	if !strings.HasPrefix(at, "/training/attempts/") {
		b.t.Fatalf("no test was begun: %s\n%s", r.Status, text(b.follow(r).page))
	}
	return at
}

// pass takes the course and passes it, and gives the address of the pass.
func (b *browser) pass(of cpni.ID) string {
	b.t.Helper()
	at := b.begin()
	b.submit(at, b.rightForm(b.t, of, idOf(at), 0)...).is(b.t, http.StatusOK)
	all, err := b.Training.Passes(context.Background(), of)
	must(b.t, err)
	if len(all) == 0 {
		b.t.Fatal("not passed")
	}
	return passAddress(all[0].ID)
}

// visitedTraining shows every kind of page of training and discipline, and gives the addresses for who may see them all.
func (w *world) visitedTraining(login, words string) []string {
	w.t.Helper()
	ctx, of := context.Background(), w.people[login]
	b := w.signedIn(w.t, login)
	c := w.Training.Courses.All()[0]
	failed := b.begin()
	b.submit(failed, w.rightForm(w.t, of, idOf(failed), 9)...)
	w.clock.pass(20 * time.Minute)
	passed := b.pass(of)
	open := b.begin()
	must(w.t, w.Training.Read(ctx, of, c, c.Sections[0].ID))
	outside, err := w.Training.RecordOutside(ctx, w.people["untrained"], w.clock.Now().AddDate(0, -1, 0), words, "test")
	must(w.t, err)
	paths := []string{"/training", courseAt, courseAt + "/" + c.Sections[3].ID, courseAt + "/" + c.Sections[len(c.Sections)-1].ID, failed, open, passed, passAddress(outside.ID), "/training/staff", "/training/staff?state=never",
		traineeAddress(w.people["untrained"]), traineeAddress(of), "/discipline"}
	for _, who := range []cpni.ID{of, w.people["second"]} {
		f, err := w.Discipline.Find(ctx, training.Finding{Staff: who, Severity: "serious"}, words, "test")
		must(w.t, err)
		paths = append(paths, findingAddress(f.ID))
		k, err := w.Discipline.OpenCase(ctx, f.ID, "test")
		must(w.t, err)
		must(w.t, w.Discipline.State(ctx, k.ID, words, string(who)))
		must(w.t, w.Discipline.Decide(ctx, k.ID, training.Warning, time.Time{}, words, "test"))
	}
	bare, err := w.Discipline.Find(ctx, training.Finding{Staff: w.people["second"], Severity: "minor"}, words, "test")
	must(w.t, err)
	must(w.t, w.Ledger.Sequence(ctx))
	return append(paths, "/training/taught/"+c.Digest, findingAddress(bare.ID), "/discipline?entry="+string(bare.ID)+"&customer="+string(w.ann))
}

// Who is refused for want of training reads why, takes the course at once, and serves.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestUntrainedTakesTheCourse(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "untrained")
	card := b.get(customerAddress(w.ann))
	card.says(t, "You have no current training", "UNTRAINED", "Take the course now", "You have not passed the course yet: nothing is released to you")
	if n := strings.Count(card.page, `class="lapse"`); n != 1 {
		t.Errorf("%d lines about training, want 1", n)
	}
	opened := b.follow(b.post(customerAddress(w.ann)+"/contacts", "token", b.token(), "key", string(cpni.NewID()), "channel", "phone"))
	opened.says(t, "UNTRAINED", "Take the course now")
	if !strings.Contains(opened.page, `href="/training"`) {
		t.Error("the refusal does not lead to the course")
	}
	b.get("/training").says(t, "Never passed", "Customer information at Test Carrier", "0 of 12 sections read")
	first := b.get(courseAt)
	first.says(t, "Customer information at Test Carrier", "everybody at Test Carrier who serves", "What this information is", "0 of 12 read")
	read := b.submit(courseAt+"/what", "x", "y")
	read.says(t, "Verify before telling", "1 of 12 read", "Nobody is told anything protected")

	at := b.begin()
	page := b.get(at).is(t, http.StatusOK)
	page.says(t, "15 questions; 12 right answers pass")
	page.lacks(t, "chip good", "your answer")
	w.checkNothingTold(t, page, w.people["untrained"], idOf(at))
	form := w.rightForm(t, w.people["untrained"], idOf(at), 0)
	half := b.post(at, append([]string{"token", b.token()}, form[:8]...)...)
	half.is(t, http.StatusUnprocessableEntity).says(t, "not answered", "INCOMPLETE")
	if !strings.Contains(half.page, "checked") {
		t.Error("what was answered is gone")
	}
	result := b.submit(at, form...)
	result.says(t, "Passed", "15 of 15 questions were answered rightly", "Show the record of it")
	b.submit(at, w.rightForm(t, w.people["untrained"], idOf(at), 15)...).says(t, "Passed") // and it stays
	b.open(w.ann, "phone")
	if strings.Contains(b.get("/desk").page, `class="lapse"`) {
		t.Error("the line is still there")
	}
	b.get("/training").says(t, "Current", "passed", "15 of 15")
}

// checkNothingTold fails when a test tells what is right before it is graded.
func (w *world) checkNothingTold(t *testing.T, page reply, of, attempt cpni.ID) {
	t.Helper()
	a, err := w.Training.Attempt(context.Background(), of, attempt)
	must(t, err)
	c, err := w.Training.Course(context.Background(), a.Digest)
	must(t, err)
	said := text(page.page)
	for _, asked := range a.Asked {
		q, _ := c.Question(asked)
		if !strings.Contains(said, q.Asks) {
			t.Errorf("the question %s is not asked", q.ID)
		}
		if strings.Contains(said, q.Because) {
			t.Errorf("the question %s is explained before it is graded", q.ID)
		}
	}
}

// What was wrong is explained after grading, with the clause; and another test waits.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestFailedTest(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "untrained")
	at := b.begin()
	result := b.submit(at, w.rightForm(t, w.people["untrained"], idOf(at), 5)...)
	result.says(t, "Not passed", "10 of 15", "5 answers were wrong", "your answer", "P-", "The next test can begin at")
	a, err := w.Training.Attempt(context.Background(), w.people["untrained"], idOf(at))
	must(t, err)
	c, err := w.Training.Course(context.Background(), a.Digest)
	must(t, err)
	q, _ := c.Question(a.Asked[0])
	result.says(t, q.Because)
	b.submit(courseAt).says(t, "TOO_MANY", "The last test was not passed")
	b.get(customerAddress(w.ann)).says(t, "UNTRAINED")
	w.signedIn(t, "agent").get(at).is(t, http.StatusNotFound) // another's test is not there
}

// The line on each page says once how long there is.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestLapseLine(t *testing.T) {
	w := newWorld(t)
	until := w.clock.Now().AddDate(0, 0, 365)
	for _, row := range []struct {
		before time.Duration
		says   string
	}{{31 * 24 * time.Hour, ""}, {12 * 24 * time.Hour, "Your training lapses in 12 days"}, {24 * time.Hour, "Your training lapses tomorrow"}, {time.Hour, "Your training lapses today"}, {-time.Hour, "Your training has lapsed"}} {
		w.clock.pass(until.Add(-row.before).Sub(w.clock.Now()))
		r := w.signedIn(t, "agent").get("/desk")
		if n := strings.Count(r.page, `class="lapse"`); (n > 0) != (row.says != "") || n > 1 {
			t.Errorf("%s before: %d lines", row.before, n)
		}
		r.says(t, row.says)
	}
}

// Who keeps training sees how the staff stands, and records a pass from elsewhere; others do neither.
//
// cite: P-37, P-38, 47 CFR 64.2009(b)
func TestCoverage(t *testing.T) {
	w := newWorld(t)
	w.clock.pass(340 * 24 * time.Hour)
	must(t, w.Due(context.Background()))
	b := w.signedIn(t, "compliance")
	b.get("/training/staff").says(t, "All 11", "Lapses soon 10", "Never passed 1", "The untrained agent", "Reminders", "whose pass ends within 30 days")
	b.get("/training/staff?state=never").says(t, "The untrained agent")
	at := traineeAddress(w.people["untrained"])
	b.submit(at, "passed", "2027-01-04", "evidence", " ").says(t, "BAD_INPUT")
	b.submit(at, "passed", "not a day", "evidence", "certificate 7").says(t, "That is no day")
	b.submit(at, "passed", "2027-01-04", "evidence", "certificate 7").says(t, "The pass is on record.", "passed elsewhere", "Current")
	b.submit(traineeAddress(w.people["compliance"]), "passed", "2027-01-04", "evidence", "my own").says(t, "SELF_REVIEW")
	if m, _, err := w.Staff.Recent(context.Background(), w.people["untrained"]); err != nil || m.Until.IsZero() {
		t.Errorf("%+v, %v", m, err)
	}
	file := b.get("/training/records.csv").is(t, http.StatusOK)
	rows, err := csv.NewReader(strings.NewReader(file.page)).ReadAll()
	must(t, err)
	if len(rows) != 12 || !strings.Contains(file.Header.Get("Content-Disposition"), "training-2027-02-08.csv") {
		t.Errorf("%d rows, %q", len(rows), file.Header.Get("Content-Disposition"))
	}
	auditor := w.signedIn(t, "auditor")
	auditor.get("/training/records.csv").is(t, http.StatusOK)
	auditor.get(at).lacks(t, `name="evidence"`)
	auditor.post(at, "token", auditor.token(), "passed", "2027-01-04", "evidence", "x").is(t, http.StatusForbidden)
	for _, path := range []string{"/training/staff", at, "/training/records.csv", "/discipline"} {
		w.signedIn(t, "second").get(path).is(t, http.StatusForbidden)
	}
}

// The record of a pass has what an inspector asks for, and proves that it is in the ledger. It is its owner's, and of who
// may read records.
//
// cite: P-38, P-41, 47 CFR 64.2009(b)
func TestPassPage(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "untrained")
	at := b.pass(w.people["untrained"])
	b.get(at).says(t, "The entry is recorded and will be in the tree within a second")
	must(t, w.Ledger.Sequence(context.Background()))
	p, err := w.Training.Pass(context.Background(), idOf(at))
	must(t, err)
	for _, who := range []string{"untrained", "compliance", "auditor"} {
		w.signedIn(t, who).get(at).says(t, "Record of training", "The untrained agent", "Customer information at Test Carrier, version 1.0.0", "15 of 15 questions, 100 %; 12 were needed", "5 Mar 2027", string(p.Record), p.Digest, "leaf ", "Signed checkpoint", "ledger.test.example")
	}
	w.signedIn(t, "second").get(at).is(t, http.StatusNotFound)
	b.get(at).lacks(t, "differs from what the ledger")
	must(t, w.DB.Tx(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), "UPDATE training_pass SET valid_until = valid_until + 1000000")
		return err
	}))
	b.get(at).says(t, "This differs from what the ledger has on record.")
	taught := "/training/taught/" + p.Digest
	text := w.signedIn(t, "auditor").get(taught).is(t, http.StatusOK)
	text.says(t, "Verify before telling", "What is asked", "Which of these proves who a caller is?")
	text.lacks(t, "Displays lie")
	w.signedIn(t, "agent").get(taught).is(t, http.StatusForbidden)
	w.signedIn(t, "auditor").get("/training/taught/none").is(t, http.StatusNotFound)
}

// Who loses their training in the middle of a contact is refused there, and the refusal leads to the course.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func TestUntrainedWhileAsking(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.prove(at, "method", "pin", "secret", annPIN)
	must(t, w.Discipline.Decide(context.Background(), w.caseOf(t, "agent").ID, training.Retraining, time.Time{}, "x", "test"))
	r := b.ask(at)
	r.says(t, "Refused", "UNTRAINED", "Take the course now")
	r.lacks(t, "703 555")
	if !strings.Contains(r.page, `href="/training"`) {
		t.Error("the refusal does not lead to the course")
	}
}

// From the finding to the suspension: the member reads it and answers, somebody else decides, and the desk is shut.
//
// cite: P-39, I-22, 47 CFR 64.2009(b)
func TestDiscipline(t *testing.T) {
	w := newWorld(t)
	agent, cora, otto := w.signedIn(t, "agent"), w.signedIn(t, "compliance"), w.signedIn(t, "officer")
	contact := agent.open(w.ann, "phone")
	cora.submit("/discipline", "member", string(w.people["compliance"]), "happened", "2026-03-05", "severity", "grave", "what", "x").says(t, "SELF_REVIEW")
	cora.submit("/discipline", "member", string(w.people["agent"]), "happened", "2026-03-06", "severity", "grave", "what", "x").says(t, "cannot have happened in the future")
	cora.submit("/discipline", "member", string(w.people["agent"]), "happened", "2026-03-05", "severity", "grave", "what", "x", "entry", string(cpni.NewID())).says(t, "There is no such alert or entry")
	made := cora.submit("/discipline", "member", string(w.people["agent"]), "happened", "2026-03-05", "severity", "grave", "what", "Opened a neighbour's record.")
	made.says(t, "The finding is on record.", "Opened a neighbour's record.", "No case yet")
	at := cora.at
	cora.submit(at, "do", "open").says(t, "The case is open.")
	agent.get("/training").says(t, "Findings about you", "Grave", "Open")
	own := agent.get(at)
	own.says(t, "What you have to say")
	own.lacks(t, `name="kind"`)
	agent.submit(at, "do", "state", "text", "She asked me to.").says(t, "Your statement is on record.", "She asked me to.")
	agent.post(at, "token", agent.token(), "do", "decide", "kind", "unfounded", "text", "I am innocent").is(t, http.StatusForbidden)
	w.signedIn(t, "second").get(at).is(t, http.StatusNotFound)
	otto.submit(at, "do", "decide", "kind", "suspension", "until", "2026-03-04", "text", "x").says(t, "a day of the future")
	otto.submit(at, "do", "decide", "kind", "suspension", "text", "Until trained again.").says(t, "The decision is on record, and in force.", "Suspension", "Until trained again.", "Decided")

	agent.get("/desk").says(t, "You are suspended until you have passed the course again")
	agent.get(contact).is(t, http.StatusForbidden).says(t, "You are suspended, so you serve no customers.", "UNTRAINED", "Take the course now")
	agent.get(customerAddress(w.ann)).says(t, "You are suspended")
	w.clock.pass(time.Minute)
	agent.pass(w.people["agent"])
	agent.get("/training").says(t, "Current")
	agent.open(w.ann, "phone")

	before := w.rows(t)
	for _, who := range []string{"agent", "supervisor", "compliance", "officer", "admin", "auditor"} { // no call of any role takes anything away
		b := w.signedIn(t, who)
		for _, method := range []string{http.MethodDelete, http.MethodPut, http.MethodPatch} {
			for _, path := range []string{at, "/discipline", "/training", courseAt, traineeAddress(w.people["agent"])} {
				r, err := http.NewRequest(method, b.server.URL+path, nil)
				must(t, err)
				if b.send(r).StatusCode != http.StatusMethodNotAllowed {
					t.Errorf("%s %s by %s is taken", method, path, who)
				}
			}
		}
		for _, do := range []string{"remove", "delete", "close", ""} {
			b.post(at, "token", b.token(), "do", do, "text", "x")
		}
	}
	must(t, w.Staff.Sweep(context.Background()))
	must(t, w.Door.Sweep(context.Background()))
	for table, n := range w.rows(t) {
		if n < before[table] {
			t.Errorf("%s has %d rows, and had %d", table, n, before[table])
		}
	}
}

// rows counts what is on record about training and discipline.
func (w *world) rows(t testing.TB) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, table := range []string{"course", "course_attempt", "course_result", "training_pass", "finding", "discipline_case", "case_step"} {
		var n int
		must(t, w.DB.Reader().QueryRow(context.Background(), "SELECT count(*) FROM "+table).Scan(&n))
		all[table] = n
	}
	return all
}

// What is written about somebody, and in answers to a test, stands in no address and no entry that can be read without the
// key.
//
// cite: I-23, P-39
func TestStaffsWordsAreSealed(t *testing.T) {
	w := newWorld(t)
	const words = "canary-words"
	w.visitedTraining("compliance", words)
	must(t, w.Ledger.Each(context.Background(), func(r ledger.Row) error {
		if strings.Contains(fmt.Sprint(r.Entry), words) || strings.Contains(string(r.Sealed), words) {
			t.Errorf("an entry shows what was written: %s", r.ID)
		}
		return nil
	}))
	for _, table := range []string{"finding", "case_step", "training_pass", "discipline_case"} {
		rows, err := w.DB.Reader().Query(context.Background(), "SELECT * FROM "+table)
		must(t, err)
		columns, err := rows.Columns()
		must(t, err)
		for rows.Next() {
			cells := make([]any, len(columns))
			for i := range cells {
				cells[i] = new(any)
			}
			must(t, rows.Scan(cells...))
			for i, c := range cells {
				if strings.Contains(fmt.Sprint(*c.(*any)), words) {
					t.Errorf("%s.%s shows what was written", table, columns[i])
				}
			}
		}
		must(t, rows.Close())
	}
}

// Bad input of these pages has a clear outcome.
func TestTrainingBadInput(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "compliance")
	at := b.begin()
	for _, path := range []string{courseAt + "/nothing", "/training/courses/none", "/training/attempts/none", "/training/passes/none", "/training/staff/none", "/discipline/findings/none", "/training/courses/" + url.PathEscape(payload), "/training/attempts/" + string(cpni.NewID())} {
		b.get(path).is(t, http.StatusNotFound)
	}
	token := b.token()
	for _, form := range [][]string{{"q1", "x"}, {"q1", "99999999999999999999"}} {
		b.post(at, append([]string{"token", token}, form...)...).is(t, http.StatusBadRequest)
	}
	form := w.rightForm(t, w.people["compliance"], idOf(at), 0)
	form[1] = "77"
	b.post(at, append([]string{"token", token}, form...)...).is(t, http.StatusUnprocessableEntity)
	b.post(courseAt, "token", "forged").is(t, http.StatusForbidden)
	b.post("/discipline/findings/"+string(cpni.NewID()), "token", token, "do", "open").is(t, http.StatusNotFound)
	marketer := w.signedIn(t, "marketing")
	marketer.post("/discipline", "token", marketer.token(), "member", string(w.people["agent"])).is(t, http.StatusForbidden)
	out := w.signedIn(t, "second")
	at = out.begin()
	out.post("/sign-out", "token", out.token())
	if to := out.post(at, "q1", "1").Header.Get("Location"); !strings.Contains(to, url.QueryEscape(at)) {
		t.Errorf("signed out, an answer leads to %s", to)
	}
}

// The course from the refusal to the open contact, by nothing but keys.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestCourseByKeys(t *testing.T) {
	w := newWorld(t)
	c := w.chromium(t)
	c.signIn("untrained")
	c.sees("Who is calling?", "You have not passed the course yet")
	c.hasFocus("number")
	c.press("202 555 0141", kb.Enter)
	c.sees("You have no current training", "UNTRAINED")
	c.tabTo("Take the course now")
	c.press(kb.Enter)
	c.sees("Your training", "Never passed")
	c.tabTo("Customer information at Test Carrier")
	c.press(kb.Enter)
	c.sees("Begin to read")
	c.tabTo("Begin to read")
	c.press(kb.Enter)
	c.sees("What this information is", "0 of 12 read")
	c.tabTo("I have read this: on to “Verify before telling”")
	c.press(kb.Enter)
	c.sees("1 of 12 read", "The usual call has four moves")
	c.tabTo("Take the test")
	c.press(kb.Enter)
	c.sees("15 questions; 12 right answers pass")
	c.answer(w, w.people["untrained"])
	c.sees("Passed", "15 of 15 questions were answered rightly")
	c.hasFocus("result")
	c.press("/")
	c.hasFocus("number")
	c.press("202 555 0141", kb.Enter)
	c.sees("Open a contact")
	c.hasFocus("channel=phone")
	c.press(kb.Enter)
	c.sees("Not verified")
}

// answer answers the test that is on the page, all of it rightly, and has it graded.
func (c *chromium) answer(w *world, of cpni.ID) {
	c.t.Helper()
	all, err := w.Training.Attempts(context.Background(), of)
	must(c.t, err)
	course, err := w.Training.Course(context.Background(), all[0].Digest)
	must(c.t, err)
	for i, asked := range all[0].Asked {
		q, _ := course.Question(asked)
		field := fmt.Sprintf("q%d", i+1)
		for place, k := range asked.Order {
			switch {
			case q.Many():
				c.tabTo(fmt.Sprintf("%s=%d", field, place+1))
				if q.Choices[k].Right {
					c.press(" ")
				}
			case place == 0:
				c.tabTo(field + "=1")
				if q.Choices[k].Right {
					c.press(" ")
				}
			case q.Choices[k].Right:
				for range place {
					c.press(kb.ArrowDown)
				}
				c.hasFocus(fmt.Sprintf("%s=%d", field, place+1))
			}
		}
	}
	c.tabTo("Have it graded")
	c.press(kb.Enter)
}

// caseOf opens a case about a member.
func (w *world) caseOf(t testing.TB, login string) *training.Case {
	t.Helper()
	f, err := w.Discipline.Find(context.Background(), training.Finding{Staff: w.people[login], Severity: "serious"}, "x", "test")
	must(t, err)
	c, err := w.Discipline.OpenCase(context.Background(), f.ID, "test")
	must(t, err)
	return c
}
