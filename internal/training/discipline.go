package training

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Discipline keeps findings, their cases, and what was decided in them. Nobody decides about themselves, and nothing that
// was written is changed or removed.
//
// cite: P-39, I-22, 47 CFR 64.2009(b)
type Discipline struct{ Parts }

// NewDiscipline opens the disciplinary process.
func NewDiscipline(p Parts) *Discipline { return &Discipline{p} }

// Severity is how grave a violation is.
type Severity string

// The severities.
const (
	Minor   Severity = "minor"
	Serious Severity = "serious"
	Grave   Severity = "grave"
)

// Severities lists them, from the least.
var Severities = []Severity{Minor, Serious, Grave}

// Finding is a violation that was found.
type Finding struct {
	ID       cpni.ID
	Staff    cpni.ID // who did it
	Happened time.Time
	Found    time.Time
	By       string // who recorded it
	Severity Severity
	// Customer and Source name the alert or entry of the ledger from which it was found; "" for none. An alert about the
	// carrier itself has no customer.
	Customer, Source cpni.ID
	Record           cpni.ID // of the ledger
	Case             *Case   // nil: it has none yet
}

// Case is what became of a finding.
type Case struct {
	ID      cpni.ID
	Finding cpni.ID
	Staff   cpni.ID
	Opened  time.Time
	By      string
	Record  cpni.ID // of the ledger
	Steps   []Step  // in order
}

// Step is something that was said or decided in a case.
type Step struct {
	ID    cpni.ID // of the ledger's record
	At    time.Time
	By    string
	Kind  Kind
	Until time.Time // of a suspension until a day
}

// Kind is what a step of a case is.
type Kind string

// The kinds. All but Statement are decisions.
const (
	Statement  Kind = "statement"  // what the member says
	Unfounded  Kind = "unfounded"  // it was no violation
	Warning    Kind = "warning"    //
	Retraining Kind = "retraining" // training ends now, until the course is passed again
	Suspension Kind = "suspension" // serves nobody until a day, or until the course is passed again
	Dismissal  Kind = "dismissal"  // shut out
	Lifted     Kind = "lifted"     // the end of a suspension before its time
)

// Decisions are what may be decided in a case.
var Decisions = []Kind{Unfounded, Warning, Retraining, Suspension, Dismissal, Lifted}

// Decided reports whether something was decided in the case.
func (c *Case) Decided() bool {
	return slices.ContainsFunc(c.Steps, func(s Step) bool { return s.Kind != Statement })
}

// discipline is what refusals of the process rest on.
var discipline = []string{"P-39", "47 CFR 64.2009(b)"}

// Find records a violation. what says what happened. One that is given an id is recorded once, however often it is found.
//
// cite: P-39, 47 CFR 64.2009(b)
func (d *Discipline) Find(ctx context.Context, f Finding, what, by string) (*Finding, error) {
	if string(f.Staff) == by {
		return nil, errOneself
	}
	what, err := written(what, "what happened")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(Severities, f.Severity) {
		return nil, cpni.Rejected("BAD_INPUT", "a finding is minor, serious or grave", discipline, "choose one of them")
	}
	if _, _, err := d.Staff.Recent(ctx, f.Staff); err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	f.Happened = f.Happened.UTC().Truncate(time.Microsecond) // as it is kept
	if f.Happened.IsZero() {
		f.Happened = now
	}
	if f.Happened.After(now) {
		return nil, cpni.Rejected("BAD_INPUT", "a violation cannot have happened in the future", discipline, "give the day on which it happened")
	}
	if f.Source != "" {
		if _, err := d.Ledger.Record(ctx, f.Customer, f.Source); errors.Is(err, ledger.ErrNoRecord) {
			return nil, cpni.Rejected("NOT_FOUND", "there is no such alert or entry in the ledger", discipline, "give the id as its page shows it, or leave it out")
		} else if err != nil {
			return nil, err
		}
	}
	f.By, f.Case = by, nil
	given := f.ID
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		f.Found = d.Clock.Now()
		if f.ID = given; given == "" {
			f.ID = cpni.NewTimedID(f.Found)
		}
		e, err := d.entry(ctx, tx, f.Found, ledger.Admin, "", by, map[string]any{"what": "violation found", "finding": f.ID, "member": f.Staff, "happened": f.Happened, "severity": f.Severity, "source": f.Source, "text": what})
		if err != nil {
			return nil, err
		}
		f.Record = e.ID
		done, err := tx.Exec(ctx, "INSERT INTO finding (finding_id, staff_id, happened, found, by_id, severity, source_customer, source_record, record_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
			string(f.ID), string(f.Staff), f.Happened.UnixMicro(), f.Found.UnixMicro(), by, string(f.Severity), string(f.Customer), string(f.Source), string(f.Record))
		if err != nil {
			return nil, err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 { // it is there already
			return nil, err
		}
		return []ledger.Entry{e}, nil
	})
	if err != nil {
		return nil, plainly(err, "recording a finding")
	}
	return &f, nil
}

// OpenCase opens the case of a finding, or gives the one that it has.
//
// cite: P-39, 47 CFR 64.2009(b)
func (d *Discipline) OpenCase(ctx context.Context, finding cpni.ID, by string) (*Case, error) {
	f, err := d.Finding(ctx, finding)
	if err != nil {
		return nil, err
	}
	if string(f.Staff) == by {
		return nil, errOneself
	}
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		now := d.Clock.Now()
		id := cpni.NewTimedID(now)
		e, err := d.entry(ctx, tx, now, ledger.Admin, "", by, map[string]any{"what": "case opened", "case": id, "finding": f.ID, "member": f.Staff})
		if err != nil {
			return nil, err
		}
		err = tx.QueryRow(ctx, "INSERT INTO discipline_case (case_id, finding_id, staff_id, opened, by_id, record_id) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING case_id",
			string(id), string(f.ID), string(f.Staff), now.UnixMicro(), by, string(e.ID)).Scan(&id)
		if store.IsNoRow(err) {
			return nil, nil // it has one
		}
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return nil, plainly(err, "opening a case")
	}
	if f, err = d.Finding(ctx, finding); err != nil {
		return nil, err
	}
	return f.Case, nil
}

// Finding gives a finding with its case.
func (d *Discipline) Finding(ctx context.Context, id cpni.ID) (*Finding, error) {
	return d.one(ctx, "f.finding_id = $1", id)
}

// Case gives the finding to which a case belongs, with the case.
func (d *Discipline) Case(ctx context.Context, id cpni.ID) (*Finding, error) {
	return d.one(ctx, "c.case_id = $1", id)
}

func (d *Discipline) one(ctx context.Context, where string, id cpni.ID) (*Finding, error) {
	all, err := d.findings(ctx, where, string(id))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	return &all[0], nil
}

// Findings lists the findings about a member, newest first; with "" those about everybody.
func (d *Discipline) Findings(ctx context.Context, of cpni.ID) ([]Finding, error) {
	return d.findings(ctx, "$1 = '' OR f.staff_id = $1", string(of))
}

func (d *Discipline) findings(ctx context.Context, where string, args ...any) ([]Finding, error) {
	q := d.DB.Reader()
	rows, err := q.Query(ctx, `SELECT f.finding_id, f.staff_id, f.happened, f.found, f.by_id, f.severity, f.source_customer, f.source_record, f.record_id,
		coalesce(c.case_id, ''), coalesce(c.opened, 0), coalesce(c.by_id, ''), coalesce(c.record_id, '')
		FROM finding f LEFT JOIN discipline_case c ON c.finding_id = f.finding_id WHERE `+where+" ORDER BY f.finding_id DESC", args...)
	if err != nil {
		return nil, fmt.Errorf("reading findings: %w", err)
	}
	defer rows.Close()
	var all []Finding
	for rows.Next() {
		var f Finding
		var c Case
		var happened, found, opened int64
		if err := rows.Scan(&f.ID, &f.Staff, &happened, &found, &f.By, &f.Severity, &f.Customer, &f.Source, &f.Record, &c.ID, &opened, &c.By, &c.Record); err != nil {
			return nil, err
		}
		f.Happened, f.Found = moment(happened), moment(found)
		if c.ID != "" {
			c.Finding, c.Staff, c.Opened = f.ID, f.Staff, moment(opened)
			f.Case = &c
		}
		all = append(all, f)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Case != nil {
			if all[i].Case.Steps, err = steps(ctx, q, all[i].Case.ID); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func steps(ctx context.Context, q store.Querier, of cpni.ID) ([]Step, error) {
	rows, err := q.Query(ctx, "SELECT step_id, at, by_id, kind, valid_until FROM case_step WHERE case_id = $1 ORDER BY at, step_id", string(of))
	if err != nil {
		return nil, fmt.Errorf("reading a case: %w", err)
	}
	defer rows.Close()
	var all []Step
	for rows.Next() {
		var s Step
		var at, until int64
		if err := rows.Scan(&s.ID, &at, &s.By, &s.Kind, &until); err != nil {
			return nil, err
		}
		s.At, s.Until = moment(at), moment(until)
		all = append(all, s)
	}
	return all, rows.Err()
}

// What gives the words of a finding.
func (d *Discipline) What(ctx context.Context, f *Finding) (string, error) {
	return d.wrote(ctx, f.Record, "text")
}

// Said gives the words of a step.
func (d *Discipline) Said(ctx context.Context, s Step) (string, error) {
	return d.wrote(ctx, s.ID, "text")
}
