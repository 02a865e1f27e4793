package training

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Who passes is trained from then on, and it is on record with the course, the questions, the answers and the score.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestPass(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add(cpni.RoleAgent, time.Time{})
		c := w.course()
		if st := w.Standing(w.member(id), start); st.State != Never {
			t.Fatalf("%+v", st)
		}
		a := w.take(id, c.Draws)
		m := w.member(id)
		if !a.Result.Passed || a.Result.Percent() != 100 || !m.Trained.Equal(start) || !m.Until.Equal(start.AddDate(0, 0, 365)) || m.Course != c.Name() {
			t.Fatalf("%+v; %+v", a.Result, m)
		}
		if st := w.Standing(m, start); st.State != Current || st.Days != 365 {
			t.Errorf("%+v", st)
		}
		told := w.told(a.Result.Record)
		if told["what"] != "course passed" || told["version"] != c.Version || told["digest"] != c.Digest || told["hits"] != float64(c.Draws) || len(told["answers"].([]any)) != c.Draws {
			t.Errorf("on record: %v", told)
		}
		passes, err := w.Passes(t.Context(), id)
		if err != nil || len(passes) != 1 || passes[0].Outside() || passes[0].Attempt != a.ID || passes[0].Record != a.Result.Record || !passes[0].Until.Equal(m.Until) {
			t.Fatalf("%+v, %v", passes, err)
		}
		p, err := w.Pass(t.Context(), passes[0].ID)
		if err != nil || p.ID != passes[0].ID {
			t.Errorf("%+v, %v", p, err)
		}
		w.soundUntilChanged(p)
		if _, err := w.Pass(t.Context(), cpni.NewID()); !errors.Is(err, ErrNone) {
			t.Errorf("a pass that nobody has: %v", err)
		}
		// The same attempt again changes nothing.
		w.clock.advance(time.Hour)
		if _, err := w.Grade(t.Context(), id, a.ID, answers(c, a, 0)); code(err) != "CONFLICT" {
			t.Errorf("graded again: %v", err)
		}
		if again, err := w.Attempt(t.Context(), id, a.ID); err != nil || !again.Result.Passed {
			t.Errorf("%+v, %v", again, err)
		}
	})
}

// The pass mark is what it says: one right answer fewer fails, and a failed test changes nothing in the training.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestPassMark(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	c := w.course()
	need := c.need(c.Draws)
	if need*100 < c.PassMark*c.Draws || (need-1)*100 >= c.PassMark*c.Draws {
		t.Fatalf("%d of %d is not %d %%", need, c.Draws, c.PassMark)
	}
	id := w.add(cpni.RoleAgent, time.Time{})
	if a := w.take(id, need-1); a.Result.Passed || !w.member(id).Until.IsZero() {
		t.Errorf("%d right answers pass", need-1)
	}
	w.clock.advance(time.Hour)
	if a := w.take(id, need); !a.Result.Passed || w.member(id).Until.IsZero() {
		t.Errorf("%d right answers do not pass", need)
	}
	// Of a question with several right answers, all of them and no other.
	for _, q := range c.Questions {
		if !q.Many() {
			continue
		}
		var all, some []int
		for i, x := range q.Choices {
			if x.Right {
				all = append(all, i)
			}
		}
		some = all[1:]
		every := make([]int, len(q.Choices))
		for i := range every {
			every[i] = i
		}
		if !c.right(q.ID, all) || c.right(q.ID, some) || c.right(q.ID, every) || c.right(q.ID, nil) {
			t.Errorf("%s is graded wrongly", q.ID)
		}
	}
}

// Who fails waits, and the day has an end of tests; looking at other questions by beginning anew is no way around.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestAttemptsAreLimited(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add(cpni.RoleAgent, time.Time{})
		c := w.course()
		n := w.School.Rules(start)
		first, err := w.Begin(t.Context(), id, c.ID)
		must(t, err)
		if same, err := w.Begin(t.Context(), id, c.ID); err != nil || same.ID != first.ID {
			t.Errorf("a second test was begun beside the first: %v", err)
		}
		if _, err := w.Grade(t.Context(), id, first.ID, answers(c, first, 0)); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(n.Pause - time.Second)
		if _, err := w.Begin(t.Context(), id, c.ID); code(err) != "TOO_MANY" {
			t.Errorf("before the pause is over: %v", err)
		}
		w.clock.advance(time.Second)
		for range n.AttemptsPerDay - 1 {
			w.take(id, 0)
			w.clock.advance(n.Pause)
		}
		if _, err := w.Begin(t.Context(), id, c.ID); code(err) != "TOO_MANY" || !strings.Contains(err.Error(), "25 November") {
			t.Errorf("the test after %d: %v", n.AttemptsPerDay, err)
		}
		w.clock.advance(24 * time.Hour)
		late, err := w.Begin(t.Context(), id, c.ID)
		must(t, err)
		w.clock.advance(n.AttemptLife)
		if _, err := w.Grade(t.Context(), id, late.ID, answers(c, late, c.Draws)); code(err) != "CONFLICT" || !w.member(id).Until.IsZero() {
			t.Errorf("a test that was begun a day ago: %v", err)
		}
		if fresh, err := w.Begin(t.Context(), id, c.ID); err != nil || fresh.ID == late.ID {
			t.Errorf("after it lapsed: %v", err)
		}
	})
}

// Of two browsers, or nodes, that begin or send one test at once, one counts.
//
// cite: P-38, I-22
func TestAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add(cpni.RoleAgent, time.Time{})
		c := w.course()
		other, _ := w.node(nil)
		nodes := []*School{w.School, other}
		var all sync.WaitGroup
		begun := make([]*Attempt, 12)
		for i := range begun {
			all.Go(func() {
				var err error
				if begun[i], err = nodes[i%2].Begin(t.Context(), id, c.ID); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if t.Failed() {
			return
		}
		for _, a := range begun {
			if a.ID != begun[0].ID {
				t.Fatal("two tests were begun")
			}
		}
		errs := make([]error, 12)
		for i := range errs {
			all.Go(func() {
				_, errs[i] = nodes[i%2].Grade(t.Context(), id, begun[0].ID, answers(c, begun[0], c.Draws*(i%3)/2))
			})
		}
		all.Wait()
		graded := 0
		for _, err := range errs {
			switch {
			case err == nil:
				graded++
			case code(err) != "CONFLICT":
				t.Error(err)
			}
		}
		if graded != 1 {
			t.Errorf("one test was graded %d times", graded)
		}
		if n := len(w.records(ledger.Admin)); n != 3 { // added, begun, graded
			t.Errorf("%d records, want 3", n)
		}
	})
}

// What cannot be an answer to what was shown is refused, and nothing is graded.
func TestBadAnswers(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id, stranger := w.add(cpni.RoleAgent, time.Time{}), w.add(cpni.RoleAgent, time.Time{})
	c := w.course()
	a, err := w.Begin(t.Context(), id, c.ID)
	must(t, err)
	good := func() [][]int { return answers(c, a, c.Draws) }
	for name, row := range map[string]struct {
		change func([][]int) [][]int
		want   cpni.Code
	}{
		"too few":        {func(x [][]int) [][]int { return x[1:] }, "BAD_INPUT"},
		"too many":       {func(x [][]int) [][]int { return append(x, []int{0}) }, "BAD_INPUT"},
		"none":           {func([][]int) [][]int { return nil }, "BAD_INPUT"},
		"not answered":   {func(x [][]int) [][]int { x[3] = nil; return x }, "INCOMPLETE"},
		"a choice twice": {func(x [][]int) [][]int { x[0] = []int{1, 1}; return x }, "BAD_INPUT"},
		"beyond":         {func(x [][]int) [][]int { x[0] = []int{99}; return x }, "BAD_INPUT"},
		"below":          {func(x [][]int) [][]int { x[0] = []int{-1}; return x }, "BAD_INPUT"},
	} {
		if _, err := w.Grade(t.Context(), id, a.ID, row.change(good())); code(err) != row.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Grade(t.Context(), stranger, a.ID, good()); !errors.Is(err, ErrNone) {
		t.Errorf("another's test: %v", err)
	}
	if _, err := w.Begin(t.Context(), id, "none"); !errors.Is(err, ErrNone) {
		t.Errorf("a course that is none: %v", err)
	}
	if _, err := w.Begin(t.Context(), w.add(cpni.RoleSystem, time.Time{}), c.ID); code(err) != "ROLE" {
		t.Errorf("a machine takes the course: %v", err)
	}
	if again, err := w.Attempt(t.Context(), id, a.ID); err != nil || again.Result != nil {
		t.Errorf("it was graded: %+v, %v", again, err)
	}
}

// A pass from elsewhere is recorded by somebody else, with what shows it.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func TestOutsidePass(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add(cpni.RoleAgent, time.Time{})
		passed := start.AddDate(0, -1, 0)
		for name, row := range map[string]struct {
			at           time.Time
			evidence, by string
			want         cpni.Code
		}{
			"their own":   {passed, "certificate 7", string(id), "SELF_REVIEW"},
			"no evidence": {passed, "  ", "cora", "BAD_INPUT"},
			"long":        {passed, strings.Repeat("e", 1001), "cora", "BAD_INPUT"},
			"tomorrow":    {start.Add(time.Hour), "certificate 7", "cora", "CONFIG"},
		} {
			if _, err := w.RecordOutside(t.Context(), id, row.at, row.evidence, row.by); code(err) != row.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		p, err := w.RecordOutside(t.Context(), id, passed, " certificate 7 of the old carrier ", "cora")
		must(t, err)
		if m := w.member(id); !m.Until.Equal(passed.AddDate(0, 0, 365)) || !p.Until.Equal(m.Until) || !p.Outside() {
			t.Errorf("%+v, %+v", m, p)
		}
		w.soundUntilChanged(p)
		if text, err := w.Evidence(t.Context(), p); err != nil || text != "certificate 7 of the old carrier" {
			t.Errorf("%q, %v", text, err)
		}
	})
}

// What an inspector takes along names everybody: who passed, who failed, and who never did; and no cell is a formula.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestExport(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	passed, failed, never, outside, stated := w.add(cpni.RoleAgent, time.Time{}), w.add(cpni.RoleAgent, time.Time{}), w.add(cpni.RoleAgent, time.Time{}), w.add(cpni.RoleFraud, time.Time{}), w.add(cpni.RoleBilling, start.AddDate(0, -1, 0))
	a := w.take(passed, w.course().Draws)
	w.take(failed, 3)
	_, err := w.RecordOutside(t.Context(), outside, start.AddDate(0, -1, 0), "=HYPERLINK(1)", "cora")
	must(t, err)
	var out bytes.Buffer
	must(t, w.Export(t.Context(), &out))
	rows, err := csv.NewReader(&out).ReadAll()
	must(t, err)
	what := map[cpni.ID][]string{}
	for _, r := range rows[1:] {
		what[cpni.ID(r[0])] = r
	}
	if len(rows) != 6 || strings.Join(rows[0], ",") != strings.Join(exported, ",") {
		t.Fatalf("%q", rows)
	}
	for id, want := range map[cpni.ID]string{passed: "test passed", failed: "test failed", never: "never trained", outside: "passed elsewhere", stated: "trained when added"} {
		if what[id][4] != want {
			t.Errorf("%q, want %s", what[id], want)
		}
	}
	if r := what[passed]; r[6] != w.course().Version || r[12] != "2027-11-24T15:00:00Z" || r[15] != string(a.Result.Record) {
		t.Errorf("%q", r)
	}
	if what[outside][14] != "'=HYPERLINK(1)" {
		t.Errorf("a formula: %q", what[outside])
	}
}

// An old result is explained by the course of its day, whatever the course is now.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestCoursesOfThePast(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add(cpni.RoleAgent, time.Time{})
		a := w.take(id, 4)
		later, err := Read(files(goodCourse, goodMaterial), clauses)
		must(t, err)
		now, _ := w.node(later)
		c, err := now.Course(t.Context(), a.Digest)
		must(t, err)
		hits := 0
		for i, q := range a.Asked {
			if c.Right(q, a.Result.Answers[i]) {
				hits++
			}
		}
		if hits != a.Result.Hits || c.Digest != a.Digest || c.Name() != w.course().Name() {
			t.Errorf("%d right answers, want %d; %s", hits, a.Result.Hits, c.Name())
		}
		if _, err := now.Course(t.Context(), "none"); !errors.Is(err, ErrNone) {
			t.Errorf("a course that never was: %v", err)
		}
	})
}

func TestReading(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add(cpni.RoleAgent, time.Time{})
		c := w.course()
		for range 2 {
			must(t, w.Read(t.Context(), id, c, c.Sections[1].ID))
		}
		if read, err := w.HasRead(t.Context(), id, c); err != nil || len(read) != 1 || !read[c.Sections[1].ID] {
			t.Errorf("%v, %v", read, err)
		}
		if err := w.Read(t.Context(), id, c, "nothing"); !errors.Is(err, ErrNone) {
			t.Errorf("a part that is none: %v", err)
		}
	})
}
