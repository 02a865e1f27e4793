package training

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/tools/txtar"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Attempt is one try at the test of a course.
type Attempt struct {
	Staff   cpni.ID
	ID      cpni.ID
	Course  string
	Version string
	Digest  string
	Began   time.Time
	Asked   []Asked
	Result  *Result // nil: not graded
}

// Result is what came of an attempt.
type Result struct {
	Graded  time.Time
	Answers [][]int // of each question that was asked, the places of the chosen choices in the course
	Asked   int
	Hits    int // questions answered rightly
	Needed  int
	Passed  bool
	Record  cpni.ID // of the ledger
}

// Percent is how many of the questions were answered rightly, rounded down.
func (r *Result) Percent() int { return r.Hits * 100 / max(1, r.Asked) }

// day is what numbers of a day count.
const day = 24 * time.Hour

// Begin begins an attempt at a course, or gives the one that the member has begun and not answered.
//
// cite: P-38, 47 CFR 64.2009(b)
func (s *School) Begin(ctx context.Context, id cpni.ID, course string) (*Attempt, error) {
	m, _, err := s.Staff.Recent(ctx, id)
	if err != nil {
		return nil, err
	}
	c, ok := s.Courses.Get(course)
	if !ok {
		return nil, ErrNone
	}
	if m.Disabled || !slices.Contains(c.Roles, m.Role) {
		return nil, cpni.Rejected("ROLE", "the course is not for your work", law, "take the course that stands on your training page")
	}
	var a *Attempt
	_, err = s.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		a = nil
		if err := lock(ctx, tx, id); err != nil {
			return nil, err
		}
		now := s.Clock.Now()
		n := s.Rules(now)
		past, err := attempts(ctx, tx, "a.staff_id = $1 AND a.began > $2", string(id), now.Add(-max(day, n.Pause, n.AttemptLife)).UnixMicro())
		if err != nil {
			return nil, err
		}
		for i := range past {
			if p := &past[i]; p.Result == nil && p.Digest == c.Digest && now.Before(p.Began.Add(n.AttemptLife)) {
				a = p
				return nil, nil
			}
		}
		if err := s.may(past, now, n); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO course (digest, course_id, version, at, source) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (digest) DO NOTHING",
			c.Digest, c.ID, c.Version, now.UnixMicro(), string(c.Source)); err != nil {
			return nil, err
		}
		a = &Attempt{Staff: id, ID: cpni.NewTimedID(now), Course: c.ID, Version: c.Version, Digest: c.Digest, Began: now, Asked: c.draw()}
		asked, err := json.Marshal(a.Asked)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO course_attempt (staff_id, attempt_id, course_id, version, digest, began, asked) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			string(id), string(a.ID), c.ID, c.Version, c.Digest, now.UnixMicro(), string(asked)); err != nil {
			return nil, err
		}
		e, err := s.entry(ctx, tx, now, ledger.Admin, "", string(id), map[string]any{"what": "course test begun", "member": id, "course": c.ID, "version": c.Version, "digest": c.Digest, "attempt": a.ID, "asked": a.Asked})
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return nil, plainly(err, "beginning a test")
	}
	return a, nil
}

// may refuses an attempt that comes too soon.
func (s *School) may(past []Attempt, now time.Time, n Rules) error {
	today, oldest := 0, now
	var open time.Time
	for _, p := range past {
		if p.Began.After(now.Add(-day)) {
			today++
			oldest = p.Began // they come newest first
		}
		if p.Result != nil && !p.Result.Passed && p.Result.Graded.Add(n.Pause).After(open) {
			open = p.Result.Graded.Add(n.Pause)
		}
	}
	if today >= n.AttemptsPerDay {
		return cpni.Rejected("TOO_MANY", fmt.Sprintf("%d tests were begun within a day, which is as many as may be", today), law,
			"read the material again; the next test can begin on "+oldest.Add(day).In(s.Zone).Format("2 January at 15:04 MST"))
	}
	if now.Before(open) {
		return cpni.Rejected("TOO_MANY", "the last test was not passed, and the next one waits for a while", law,
			"read the sections in which answers were wrong; the next test can begin at "+open.In(s.Zone).Format("15:04 MST"))
	}
	return nil
}

// Errors of grading.
var (
	ErrGraded = cpni.Rejected("CONFLICT", "this test has been graded already", law, "look at its result, or begin another")
	errLapsed = cpni.Rejected("CONFLICT", "this test was begun too long ago", law, "begin another")
)

// Grade grades an attempt: of each question the places, as shown, of the choices that were chosen. It does so once; what is
// answered later changes nothing. A pass makes the member's training current in the same transaction.
//
// cite: P-38, I-22, 47 CFR 64.2009(b)
func (s *School) Grade(ctx context.Context, id, attempt cpni.ID, chosen [][]int) (*Attempt, error) {
	a, err := s.Attempt(ctx, id, attempt)
	if err != nil {
		return nil, err
	}
	c, err := s.Course(ctx, a.Digest)
	if err != nil {
		return nil, err
	}
	r := &Result{Asked: len(a.Asked), Needed: c.need(len(a.Asked))}
	if r.Answers, err = unshuffled(a.Asked, chosen); err != nil {
		return nil, err
	}
	for i, q := range a.Asked {
		if c.right(q.Question, r.Answers[i]) {
			r.Hits++
		}
	}
	r.Passed = r.Hits >= r.Needed
	answers, err := json.Marshal(r.Answers)
	if err != nil {
		return nil, err
	}
	_, err = s.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := lock(ctx, tx, id); err != nil {
			return nil, err
		}
		r.Graded = s.Clock.Now()
		n := s.Rules(r.Graded)
		if !r.Graded.Before(a.Began.Add(n.AttemptLife)) {
			return nil, errLapsed
		}
		what := "course test failed"
		detail := map[string]any{"member": id, "course": a.Course, "version": a.Version, "digest": a.Digest, "attempt": a.ID, "answers": r.Answers, "asked": r.Asked, "hits": r.Hits, "needed": r.Needed, "passed": r.Passed}
		until := r.Graded.Add(n.Life)
		if r.Passed {
			what = "course passed"
			detail["until"] = until
		}
		detail["what"] = what
		e, err := s.entry(ctx, tx, r.Graded, ledger.Admin, "", string(id), detail)
		if err != nil {
			return nil, err
		}
		r.Record = e.ID
		passed := 0
		if r.Passed {
			passed = 1
		}
		var stored string
		err = tx.QueryRow(ctx, `INSERT INTO course_result (staff_id, attempt_id, graded, answers, asked, hits, needed, passed, record_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT DO NOTHING RETURNING attempt_id`, string(id), string(a.ID), r.Graded.UnixMicro(), string(answers), r.Asked, r.Hits, r.Needed, passed, string(e.ID)).Scan(&stored)
		if store.IsNoRow(err) {
			return nil, ErrGraded
		}
		if err != nil || !r.Passed {
			return []ledger.Entry{e}, err
		}
		if _, err := s.Staff.TrainTx(ctx, tx, id, r.Graded, c.Name()); err != nil {
			return nil, err
		}
		return []ledger.Entry{e}, s.keepPass(ctx, tx, Pass{Staff: id, ID: e.ID, Passed: r.Graded, Until: until, Recorded: r.Graded, By: string(id), Course: a.Course, Version: a.Version, Digest: a.Digest, Attempt: a.ID, Record: e.ID})
	})
	s.Staff.Changed(id)
	if err != nil {
		return nil, plainly(err, "grading a test")
	}
	a.Result = r
	return a, nil
}

// unshuffled turns the places as shown into places in the course.
func unshuffled(asked []Asked, chosen [][]int) ([][]int, error) {
	wrong := cpni.Rejected("BAD_INPUT", "an answer is none of those that were shown", law, "answer on the page of the test")
	if len(chosen) != len(asked) {
		return nil, wrong
	}
	all := make([][]int, len(asked))
	missing := 0
	for i, places := range chosen {
		all[i] = []int{}
		for _, p := range places {
			if p < 0 || p >= len(asked[i].Order) || slices.Contains(all[i], asked[i].Order[p]) {
				return nil, wrong
			}
			all[i] = append(all[i], asked[i].Order[p])
		}
		slices.Sort(all[i])
		if len(places) == 0 {
			missing++
		}
	}
	if missing > 0 {
		return nil, cpni.Rejected("INCOMPLETE", fmt.Sprintf("%d of %d questions are not answered, so nothing was graded", missing, len(asked)), law, "answer them, and send the test again")
	}
	return all, nil
}

// right reports whether the choices of an answer are those that are right, all of them and no other.
func (c *Course) right(question string, answer []int) bool {
	q, ok := c.question(question)
	if !ok {
		return false
	}
	for i, x := range q.Choices {
		if x.Right != slices.Contains(answer, i) {
			return false
		}
	}
	return true
}

// Course gives a course by its digest: as it is taught now, or as it once was.
func (s *School) Course(ctx context.Context, digest string) (*Course, error) {
	for _, c := range s.Courses.courses {
		if c.Digest == digest {
			return c, nil
		}
	}
	var id, source string
	err := s.DB.Reader().QueryRow(ctx, "SELECT course_id, source FROM course WHERE digest = $1", digest).Scan(&id, &source)
	if store.IsNoRow(err) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading a course: %w", err)
	}
	archive := txtar.Parse([]byte(source))
	for i := range archive.Files {
		archive.Files[i].Name = id + "/" + archive.Files[i].Name
	}
	files, err := txtar.FS(archive)
	if err != nil {
		return nil, fmt.Errorf("reading a course of the past: %w", err)
	}
	return readCourse(files, id, nil)
}

// Question gives a question of a course as it was asked.
func (c *Course) Question(a Asked) (Question, bool) { return c.question(a.Question) }

// Right reports whether the answer to a question is right.
func (c *Course) Right(a Asked, answer []int) bool { return c.right(a.Question, answer) }

// Attempt gives an attempt of a member.
func (s *School) Attempt(ctx context.Context, id, attempt cpni.ID) (*Attempt, error) {
	all, err := attempts(ctx, s.DB.Reader(), "a.staff_id = $1 AND a.attempt_id = $2", string(id), string(attempt))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	return &all[0], nil
}

// Attempts lists the attempts of a member, newest first.
func (s *School) Attempts(ctx context.Context, id cpni.ID) ([]Attempt, error) {
	return attempts(ctx, s.DB.Reader(), "a.staff_id = $1", string(id))
}

func attempts(ctx context.Context, q store.Querier, where string, args ...any) ([]Attempt, error) {
	rows, err := q.Query(ctx, `SELECT a.staff_id, a.attempt_id, a.course_id, a.version, a.digest, a.began, a.asked,
		coalesce(r.graded, 0), coalesce(r.answers, ''), coalesce(r.asked, 0), coalesce(r.hits, 0), coalesce(r.needed, 0), coalesce(r.passed, 0), coalesce(r.record_id, '')
		FROM course_attempt a LEFT JOIN course_result r ON r.staff_id = a.staff_id AND r.attempt_id = a.attempt_id WHERE `+where+" ORDER BY a.attempt_id DESC", args...)
	if err != nil {
		return nil, fmt.Errorf("reading attempts: %w", err)
	}
	defer rows.Close()
	var all []Attempt
	for rows.Next() {
		var a Attempt
		var r Result
		var began, graded int64
		var passed int
		var asked, answers string
		if err := rows.Scan(&a.Staff, &a.ID, &a.Course, &a.Version, &a.Digest, &began, &asked, &graded, &answers, &r.Asked, &r.Hits, &r.Needed, &passed, &r.Record); err != nil {
			return nil, err
		}
		a.Began = moment(began)
		if err := json.Unmarshal([]byte(asked), &a.Asked); err != nil {
			return nil, fmt.Errorf("reading an attempt: %w", err)
		}
		if graded != 0 {
			r.Graded, r.Passed = moment(graded), passed != 0
			if err := json.Unmarshal([]byte(answers), &r.Answers); err != nil {
				return nil, fmt.Errorf("reading a result: %w", err)
			}
			a.Result = &r
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// Read notes that a member has read a part of a course's material.
func (s *School) Read(ctx context.Context, id cpni.ID, c *Course, section string) error {
	if _, ok := c.Section(section); !ok {
		return ErrNone
	}
	err := s.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO course_reading (staff_id, digest, section, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
			string(id), c.Digest, section, s.Clock.Now().UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("noting what was read: %w", err)
	}
	return nil
}

// HasRead tells which parts of a course's material a member has read.
func (s *School) HasRead(ctx context.Context, id cpni.ID, c *Course) (map[string]bool, error) {
	rows, err := s.DB.Reader().Query(ctx, "SELECT section FROM course_reading WHERE staff_id = $1 AND digest = $2", string(id), c.Digest)
	if err != nil {
		return nil, fmt.Errorf("reading what was read: %w", err)
	}
	defer rows.Close()
	all := map[string]bool{}
	for rows.Next() {
		var section string
		if err := rows.Scan(&section); err != nil {
			return nil, err
		}
		all[section] = true
	}
	return all, rows.Err()
}
