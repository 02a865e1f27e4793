package training

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// Rules are the dated numbers of training and discipline.
type Rules struct {
	Life           time.Duration // of a pass
	Notice         time.Duration // how long before its end it is called running out
	ReminderDays   []int         // before its end, at which a reminder is recorded
	Pause          time.Duration // after an attempt that failed
	AttemptsPerDay int
	AttemptLife    time.Duration // how long an attempt may take
	CaseWithin     time.Duration // a finding has its case
	DecisionWithin time.Duration // a case has its decision
}

// RulesOf takes the numbers from a policy.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func RulesOf(n rules.InForce) Rules {
	const core, defaults = "cpni-core", "security-defaults"
	return Rules{Life: n.Duration(core, "training_life"), Notice: n.Duration(core, "training_notice"), ReminderDays: n.Ints(core, "training_reminder_days"),
		Pause: n.Duration(defaults, "course_pause"), AttemptsPerDay: n.Int(defaults, "course_attempts_per_day"), AttemptLife: n.Duration(defaults, "course_attempt_life"),
		CaseWithin: n.Duration(core, "case_within"), DecisionWithin: n.Duration(core, "decision_within")}
}

// Parts are what School and Discipline stand on.
type Parts struct {
	DB      *store.DB
	Vault   *vault.Vault
	Ledger  *ledger.Ledger
	Staff   *staff.Register
	Clock   cpni.Clock
	Zone    *time.Location // the carrier's: it decides which day it is
	Courses *Catalogue
	Rules   func(time.Time) Rules
}

// School teaches, tests and reminds.
type School struct{ Parts }

// NewSchool opens the school.
func NewSchool(p Parts) *School { return &School{p} }

// State is how a member stands with their training.
type State string

// The states.
const (
	Current   State = "current"
	Lapsing   State = "lapsing" // current, and about to run out
	Lapsed    State = "lapsed"
	Never     State = "never"
	Suspended State = "suspended"
	Exempt    State = "exempt" // an integration, or a role for which there is no course and that has no pass
)

// Standing is how a member stands, and until when.
type Standing struct {
	State State
	Until time.Time // when training ends or ended; zero: never
	Days  int       // to that day by the carrier's calendar; 0: today
	Anew  *Course   // that is the reason why it ends then; nil: time alone
	// Suspension says until when a suspension lasts; zero, when State is Suspended: until the course is passed again.
	Suspension time.Time
}

// Standing tells how a member stands at a moment.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func (s *School) Standing(m *staff.Member, at time.Time) Standing {
	st := Standing{Until: m.Until}
	if a := s.anew(m); a != nil {
		if from := a.From.Start(s.Zone); from.Before(m.Until) {
			st.Until, st.Anew = from, a
		}
	}
	switch {
	case m.Role == cpni.RoleSystem, m.Until.IsZero() && len(s.Courses.For(m.Role)) == 0:
		st.State = Exempt
	case m.Suspended != nil:
		st.State, st.Suspension = Suspended, m.Suspended.Until
	case m.Until.IsZero():
		st.State = Never
	case !at.Before(st.Until):
		st.State = Lapsed
	default:
		st.State = Current
		st.Days = workday.DateIn(at, s.Zone).DaysUntil(workday.DateIn(st.Until, s.Zone))
		if !at.Before(st.Until.Add(-s.Rules(at).Notice)) {
			st.State = Lapsing
		}
	}
	return st
}

// anew gives the course of the member's role of which they must pass the new major version, and have not; nil: none. A pass
// from elsewhere counts when it is of a day after the one from which the new version is asked for.
func (s *School) anew(m *staff.Member) *Course {
	var wanted *Course
	for _, c := range s.Courses.For(m.Role) {
		var id, version string
		fmt.Sscan(m.Course, &id, &version)
		switch {
		case !c.Anew, m.Trained.IsZero():
			return nil
		case id != "" && major(version) >= c.Major(), id == "" && !m.Trained.Before(c.From.Start(s.Zone)):
			return nil
		}
		wanted = c
	}
	return wanted
}

// entry makes a record about a member of the staff.
func (p *Parts) entry(ctx context.Context, tx *store.Tx, at time.Time, kind ledger.Kind, code cpni.Code, by string, detail any) (ledger.Entry, error) {
	return p.Vault.Entry(ctx, tx, ledger.Entry{Kind: kind, At: at, Actor: by, Outcome: cpni.OK, Code: code}, detail)
}

// lock keeps others from changing what belongs to a member until tx ends.
func lock(ctx context.Context, tx *store.Tx, id cpni.ID) error {
	if tx.Dialect() != store.Postgres { // there one transaction writes at a time
		return nil
	}
	var version int64
	err := tx.QueryRow(ctx, "SELECT version FROM staff WHERE staff_id = $1 FOR UPDATE", string(id)).Scan(&version)
	if store.IsNoRow(err) {
		return staff.ErrNone
	}
	return err
}

// plainly gives what a person can act on without saying in which transaction it came up.
func plainly(err error, doing string) error {
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, staff.ErrNone):
		return staff.ErrNone
	case errors.Is(err, ErrNone):
		return ErrNone
	case err != nil:
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// ErrNone: there is no such course, attempt, pass, finding or case.
var ErrNone = errors.New("there is no such thing in training or discipline")

// law is what refusals of training rest on.
var law = []string{"P-38", "47 CFR 64.2009(b)"}

// moment reads a time of the database; zero is none.
func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
