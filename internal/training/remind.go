package training

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// keeper is the actor of what is done because its time has come.
const keeper = "training"

// Reminder tells a member that their pass runs out.
type Reminder struct {
	Staff  cpni.ID
	Until  time.Time // end of the pass
	Days   int       // the step: so many days before
	At     time.Time // when it was recorded
	Record cpni.ID   // of the ledger
}

// Due does what is due: it records reminders, ends passes that a new course has replaced, and ends suspensions whose day has
// come. Nothing is done twice, on however many nodes it runs and however often.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func (s *School) Due(ctx context.Context) error {
	members, err := s.Staff.Members(ctx)
	if err != nil {
		return err
	}
	now := s.Clock.Now()
	known, err := s.reminders(ctx, "valid_until > $1", now.UnixMicro())
	if err != nil {
		return err
	}
	var errs []error
	for i := range members {
		m := &members[i]
		if m.Disabled {
			continue
		}
		errs = append(errs, s.unsuspend(ctx, m, now), s.replace(ctx, m, now), s.remind(ctx, m, now, known))
	}
	return errors.Join(errs...)
}

// remind records the reminder of the step that has been reached, if it is not on record.
func (s *School) remind(ctx context.Context, m *staff.Member, now time.Time, known []Reminder) error {
	st := s.Standing(m, now)
	if st.State != Current && st.State != Lapsing {
		return nil
	}
	step := 0
	for _, d := range s.Rules(now).ReminderDays {
		if st.Days <= d && (step == 0 || d < step) {
			step = d
		}
	}
	same := func(r Reminder) bool { return r.Staff == m.ID && r.Until.Equal(st.Until) && r.Days == step }
	if step == 0 || slices.ContainsFunc(known, same) {
		return nil
	}
	_, err := s.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := s.entry(ctx, tx, now, ledger.Admin, "", keeper, map[string]any{"what": "reminded that training ends", "member": m.ID, "until": st.Until, "days": step})
		if err != nil {
			return nil, err
		}
		var id string
		err = tx.QueryRow(ctx, "INSERT INTO training_reminder (staff_id, valid_until, days, at, record_id) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING staff_id",
			string(m.ID), st.Until.UnixMicro(), step, e.At.UnixMicro(), string(e.ID)).Scan(&id)
		if store.IsNoRow(err) {
			return nil, nil // another node was first
		}
		return []ledger.Entry{e}, err
	})
	return plainly(err, "recording a reminder")
}

// replace ends a pass in whose place a new course is asked for.
func (s *School) replace(ctx context.Context, m *staff.Member, now time.Time) error {
	c := s.anew(m)
	if c == nil {
		return nil
	}
	from := c.From.Start(s.Zone)
	if now.Before(from) || !from.Before(m.Until) {
		return nil
	}
	_, err := s.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if still, err := s.again(ctx, tx, m); err != nil || !still {
			return nil, err
		}
		if err := s.Staff.RetrainTx(ctx, tx, m.ID, from); err != nil {
			return nil, err
		}
		e, err := s.entry(ctx, tx, now, ledger.Admin, "", keeper, map[string]any{"what": "training ended by a new course", "member": m.ID, "course": c.ID, "version": c.Version, "from": from})
		return []ledger.Entry{e}, err
	})
	s.Staff.Changed(m.ID)
	return plainly(err, "ending a pass")
}

// unsuspend ends a suspension whose day has come.
func (s *School) unsuspend(ctx context.Context, m *staff.Member, now time.Time) error {
	if m.Suspended == nil || m.Suspended.Until.IsZero() || now.Before(m.Suspended.Until) {
		return nil
	}
	_, err := s.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if still, err := s.again(ctx, tx, m); err != nil || !still {
			return nil, err
		}
		if err := s.Staff.LiftTx(ctx, tx, m.ID); err != nil {
			return nil, err
		}
		e, err := s.entry(ctx, tx, now, ledger.Admin, "", keeper, map[string]any{"what": "suspension over", "member": m.ID, "since": m.Suspended.Since, "until": m.Suspended.Until})
		return []ledger.Entry{e}, err
	})
	s.Staff.Changed(m.ID)
	return plainly(err, "ending a suspension")
}

// again reports whether a member is still as they were read: of two nodes one acts.
func (s *School) again(ctx context.Context, tx *store.Tx, m *staff.Member) (bool, error) {
	now, err := s.Staff.MemberTx(ctx, tx, m.ID)
	if err != nil {
		return false, err
	}
	same := now.Until.Equal(m.Until) && (now.Suspended == nil) == (m.Suspended == nil)
	return same && (m.Suspended == nil || now.Suspended.Until.Equal(m.Suspended.Until)), nil
}

// Reminders lists the reminders of a member, newest first; with "" those of everybody whose pass still runs.
func (s *School) Reminders(ctx context.Context, of cpni.ID) ([]Reminder, error) {
	if of == "" {
		return s.reminders(ctx, "valid_until > $1", s.Clock.Now().UnixMicro())
	}
	return s.reminders(ctx, "staff_id = $1", string(of))
}

func (s *School) reminders(ctx context.Context, where string, args ...any) ([]Reminder, error) {
	rows, err := s.DB.Reader().Query(ctx, "SELECT staff_id, valid_until, days, at, record_id FROM training_reminder WHERE "+where+" ORDER BY at DESC, days", args...)
	if err != nil {
		return nil, fmt.Errorf("reading reminders: %w", err)
	}
	defer rows.Close()
	var all []Reminder
	for rows.Next() {
		var r Reminder
		var until, at int64
		if err := rows.Scan(&r.Staff, &until, &r.Days, &at, &r.Record); err != nil {
			return nil, err
		}
		r.Until, r.At = moment(until), moment(at)
		all = append(all, r)
	}
	return all, rows.Err()
}
