package scenario

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/training"
)

// train has a member of the staff take a course and answer every question rightly, or none; or it records a course that they
// passed elsewhere: one that the policy does not have, or on a day of the past.
//
// cite: P-38, 47 CFR 64.2009(b)
func train(ctx context.Context, w *world, a args) (result, error) {
	id, school := w.staffIDs[a.text("staff")], w.office.Training
	failed := a.has("passed") && !a.flag("passed")
	course := a.text("course")
	if _, taught := school.Courses.Get(course); !taught {
		course = ""
	}
	if !failed && (course == "" || a.has("at")) {
		at := a.moment("at")
		if at.IsZero() {
			at = w.clock.Now()
		}
		p, err := school.RecordOutside(ctx, id, at, "told by the story", teller)
		if err != nil {
			return of(err, result{})
		}
		return result{outcome: cpni.OK, fields: map[string]any{"until": p.Until}}, nil
	}
	m, _, err := w.staff.Recent(ctx, id)
	if err != nil {
		return result{}, err
	}
	if course == "" {
		all := school.Courses.For(m.Role)
		if len(all) == 0 {
			return result{}, fmt.Errorf("there is no course for the role %s", m.Role)
		}
		course = all[0].ID
	}
	try, err := school.Begin(ctx, id, course)
	if err != nil {
		return of(err, result{})
	}
	c, err := school.Course(ctx, try.Digest)
	if err != nil {
		return result{}, err
	}
	if try, err = school.Grade(ctx, id, try.ID, chosen(c, try, !failed)); err != nil {
		return of(err, result{})
	}
	fields := map[string]any{"right": try.Result.Hits, "asked": try.Result.Asked}
	if m, _, err = w.staff.Recent(ctx, id); err == nil && try.Result.Passed {
		fields["until"] = m.Until
	}
	return result{outcome: cpni.OK, fields: fields}, err
}

// chosen are the places of all right choices of a test, or of all wrong ones.
func chosen(c *training.Course, try *training.Attempt, right bool) [][]int {
	all := make([][]int, len(try.Asked))
	for i, asked := range try.Asked {
		q, _ := c.Question(asked)
		for place, k := range asked.Order {
			if q.Choices[k].Right == right {
				all[i] = append(all[i], place)
			}
		}
	}
	return all
}

// by names who acts: a member of the staff, or the story itself.
func (w *world) by(a args) string {
	if id, ok := w.staffIDs[a.text("by")]; ok {
		return string(id)
	}
	return teller
}

// findViolation records a finding.
//
// cite: P-39, 47 CFR 64.2009(b)
func findViolation(ctx context.Context, w *world, a args) (result, error) {
	f := training.Finding{Staff: w.staffIDs[a.text("staff")], Severity: training.Severity(a.text("severity")), Happened: a.moment("happened")}
	if f.Severity == "" {
		f.Severity = "serious"
	}
	made, err := w.office.Discipline.Find(ctx, f, a.text("what"), w.by(a))
	if err != nil {
		return of(err, result{})
	}
	w.findings[a.text("id")] = made.ID
	return succeeded(), nil
}

// sanction decides about a finding that the story names, whose case it opens; or about what it says itself, which it records
// as a finding first.
//
// cite: P-39, 47 CFR 64.2009(b)
func sanction(ctx context.Context, w *world, a args) (result, error) {
	d, by, id := w.office.Discipline, w.by(a), w.staffIDs[a.text("staff")]
	finding, named := w.findings[a.text("for")]
	if !named {
		made, err := d.Find(ctx, training.Finding{Staff: id, Severity: "serious"}, a.text("for"), by)
		if err != nil {
			return of(err, result{})
		}
		finding = made.ID
	}
	f, err := d.Finding(ctx, finding)
	if err != nil {
		return result{}, err
	}
	if f.Staff != id {
		return result{}, fmt.Errorf("the finding %s is about somebody else", a.text("for"))
	}
	c, err := d.OpenCase(ctx, finding, by)
	if err != nil {
		return of(err, result{})
	}
	kind := training.Kind(a.text("is"))
	if kind == "" {
		kind = training.Warning
	}
	return of(d.Decide(ctx, c.ID, kind, a.moment("until"), "for "+a.text("for"), by), succeeded())
}

// reach moves the story's clock, and has done what was due by then. What a fault has taken down does nothing meanwhile.
func (w *world) reach(ctx context.Context, s step) error {
	w.clock.set(s.at)
	if w.down["ledger"] || w.down["database"] {
		return nil
	}
	if err := w.office.Due(ctx); err != nil {
		return fmt.Errorf("doing what was due: %w", err)
	}
	if len(w.campaigns) > 0 {
		if err := errors.Join(w.office.Campaigns.Work(ctx), w.office.Notices.Work(ctx)); err != nil {
			return fmt.Errorf("going on with campaigns: %w", err)
		}
	}
	if err := w.carry(ctx); err != nil {
		return fmt.Errorf("carrying the messages that were due: %w", err)
	}
	return nil
}
