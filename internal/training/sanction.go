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

// State has the member say in their case what they have to say. Nobody else says it for them.
//
// cite: P-39, 47 CFR 64.2009(b)
func (d *Discipline) State(ctx context.Context, id cpni.ID, text, by string) error {
	f, err := d.Case(ctx, id)
	if err != nil {
		return err
	}
	if string(f.Staff) != by {
		return cpni.Rejected("ROLE", "a statement is the member's own", discipline, "let them write it on the page of the case")
	}
	if text, err = written(text, "the statement"); err != nil {
		return err
	}
	return d.step(ctx, f.Case, Step{Kind: Statement}, text, by)
}

// Decide decides in a case, with its reason, and does what was decided in the same transaction. until is for a suspension
// until a day; zero: until the course is passed again.
//
// cite: P-39, 47 CFR 64.2009(b)
func (d *Discipline) Decide(ctx context.Context, id cpni.ID, kind Kind, until time.Time, reason, by string) error {
	f, err := d.Case(ctx, id)
	if err != nil {
		return err
	}
	if string(f.Staff) == by {
		return errOneself
	}
	if !slices.Contains(Decisions, kind) {
		return cpni.Rejected("BAD_INPUT", "that is nothing that can be decided in a case", discipline, "choose a decision")
	}
	if reason, err = written(reason, "the reason"); err != nil {
		return err
	}
	if kind != Suspension && !until.IsZero() || !until.IsZero() && !until.After(d.Clock.Now()) {
		return cpni.Rejected("BAD_INPUT", "a suspension may have a day of the future on which it ends, and nothing else has one", discipline, "leave the day out, or give a later one")
	}
	return d.step(ctx, f.Case, Step{Kind: kind, Until: until}, reason, by)
}

// step adds to a case, one after the other.
func (d *Discipline) step(ctx context.Context, c *Case, s Step, text, by string) error {
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := lock(ctx, tx, c.Staff); err != nil {
			return nil, err
		}
		now, err := steps(ctx, tx, c.ID)
		if err != nil {
			return nil, err
		}
		if err := follows(now, s.Kind); err != nil {
			return nil, err
		}
		s.At = d.Clock.Now()
		if n := len(now); n > 0 && s.At.Before(now[n-1].At) {
			s.At = now[n-1].At
		}
		what := "sanction: " + string(s.Kind)
		switch s.Kind {
		case Statement:
			what = "statement in a case"
		case Unfounded, Lifted:
			what = "case decided: " + string(s.Kind)
		}
		e, err := d.entry(ctx, tx, s.At, ledger.Admin, "", by, map[string]any{"what": what, "case": c.ID, "finding": c.Finding, "member": c.Staff, "until": s.Until, "text": text})
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO case_step (case_id, step_id, at, by_id, kind, valid_until) VALUES ($1, $2, $3, $4, $5, $6)",
			string(c.ID), string(e.ID), s.At.UnixMicro(), by, string(s.Kind), micro(s.Until)); err != nil {
			return nil, err
		}
		return []ledger.Entry{e}, d.carryOut(ctx, tx, c.Staff, s)
	})
	d.Staff.Changed(c.Staff)
	return plainly(err, "adding to a case")
}

// follows refuses a step that cannot come after those that were.
func follows(past []Step, kind Kind) error {
	was := func(kinds ...Kind) bool {
		return slices.ContainsFunc(past, func(s Step) bool { return slices.Contains(kinds, s.Kind) })
	}
	switch {
	case kind == Statement:
	case was(Unfounded):
		return cpni.Rejected("CONFLICT", "the case was decided: it was no violation", discipline, "record a new finding if there is one")
	case kind == Unfounded && was(Warning, Retraining, Suspension, Dismissal):
		return cpni.Rejected("CONFLICT", "a sanction was decided in this case, and what was decided stays", discipline, "lift a suspension, or say in a new decision what is different now")
	case kind == Lifted && !was(Suspension):
		return cpni.Rejected("CONFLICT", "no suspension was decided in this case", discipline, "choose another decision")
	}
	return nil
}

// carryOut does what was decided.
func (d *Discipline) carryOut(ctx context.Context, tx *store.Tx, member cpni.ID, s Step) error {
	switch s.Kind {
	case Retraining:
		return d.Staff.RetrainTx(ctx, tx, member, s.At)
	case Suspension:
		return d.Staff.SuspendTx(ctx, tx, member, s.At, s.Until)
	case Lifted:
		return d.Staff.LiftTx(ctx, tx, member)
	case Dismissal:
		return d.Staff.DismissTx(ctx, tx, member)
	}
	return nil
}

// SanctionMissing is the code of the alert that a finding waits for its case, or a case for its decision.
const SanctionMissing cpni.Code = "SANCTION_MISSING"

// Due raises an alert for each finding that has waited too long for its case, and for each case that has waited too long
// for its decision; once for each, on however many nodes it runs.
//
// cite: P-39, 47 CFR 64.2009(b)
func (d *Discipline) Due(ctx context.Context) error {
	now := d.Clock.Now()
	n := d.Rules(now)
	waiting, err := d.findings(ctx, `f.found <= $1 AND c.case_id IS NULL AND NOT EXISTS (SELECT 1 FROM discipline_alert a WHERE a.subject_id = f.finding_id)
		OR c.opened <= $2 AND NOT EXISTS (SELECT 1 FROM case_step s WHERE s.case_id = c.case_id AND s.kind <> 'statement') AND NOT EXISTS (SELECT 1 FROM discipline_alert a WHERE a.subject_id = c.case_id)`,
		now.Add(-n.CaseWithin).UnixMicro(), now.Add(-n.DecisionWithin).UnixMicro())
	if err != nil {
		return err
	}
	var errs []error
	for i := len(waiting) - 1; i >= 0; i-- { // the oldest first
		f := &waiting[i]
		if f.Case == nil {
			errs = append(errs, d.alert(ctx, f, f.ID, "a violation has no case", "SELECT count(*) FROM discipline_case WHERE finding_id = $1"))
		} else {
			errs = append(errs, d.alert(ctx, f, f.Case.ID, "a case has no decision", "SELECT count(*) FROM case_step WHERE case_id = $1 AND kind <> 'statement'"))
		}
	}
	return errors.Join(errs...)
}

// alert raises the alert about subject, unless unless counts something.
func (d *Discipline) alert(ctx context.Context, f *Finding, subject cpni.ID, what, unless string) error {
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var n int
		if err := tx.QueryRow(ctx, unless, string(subject)).Scan(&n); err != nil || n > 0 {
			return nil, err
		}
		e, err := d.entry(ctx, tx, d.Clock.Now(), ledger.Alert, SanctionMissing, keeper, map[string]any{"what": what, "finding": f.ID, "subject": subject})
		if err != nil {
			return nil, err
		}
		var id string
		err = tx.QueryRow(ctx, "INSERT INTO discipline_alert (subject_id, at, record_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING subject_id", string(subject), e.At.UnixMicro(), string(e.ID)).Scan(&id)
		if store.IsNoRow(err) {
			return nil, nil // another node was first
		}
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return fmt.Errorf("raising an alert: %w", err)
	}
	return nil
}

// Alerts are the moments at which it was noticed that a finding or a case waits, by its id.
func (d *Discipline) Alerts(ctx context.Context) (map[cpni.ID]time.Time, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT subject_id, at FROM discipline_alert")
	if err != nil {
		return nil, fmt.Errorf("reading alerts: %w", err)
	}
	defer rows.Close()
	all := map[cpni.ID]time.Time{}
	for rows.Next() {
		var id cpni.ID
		var at int64
		if err := rows.Scan(&id, &at); err != nil {
			return nil, err
		}
		all[id] = moment(at)
	}
	return all, rows.Err()
}
