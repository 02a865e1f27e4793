package staff

import (
	"context"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Standing is what training and discipline have made of a member beside their pass.
type Standing struct {
	Course    string      `json:"course,omitempty"`    // id and version of the course that was passed last; empty: one taken elsewhere
	PassAfter time.Time   `json:"pass_after,omitzero"` // a pass before this moment counts for nothing
	Suspended *Suspension `json:"suspended,omitempty"` // nil: not suspended
}

// Suspension keeps a member from serving customers.
type Suspension struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"` // zero: until the course is passed again
}

// TrainedUntil is how long the member's training opens anything: not beyond the beginning of a suspension.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func (m *Member) TrainedUntil() time.Time {
	if m.Suspended != nil && m.Suspended.Since.Before(m.Until) {
		return m.Suspended.Since
	}
	return m.Until
}

// Train records that a member has passed the course. An older pass than the one on record changes nothing.
//
// cite: P-38, 47 CFR 64.2009(b)
func (r *Register) Train(ctx context.Context, id cpni.ID, passed time.Time, by string) error {
	if passed.After(r.clock.Now()) {
		return ErrTraining
	}
	return r.change(ctx, id, by, "training passed", func(_ *store.Tx, m *Member) error {
		r.train(m, passed, "")
		return nil
	})
}

// train takes a pass into account. One that is older than the last, or than what a sanction or a new course asks for,
// changes nothing.
func (r *Register) train(m *Member, passed time.Time, course string) {
	if !passed.After(m.Trained) || passed.Before(m.PassAfter) {
		return
	}
	m.Trained, m.Until, m.Course = passed, time.Time{}, course
	m.Until = r.trainedUntil(*m)
	if m.Suspended != nil && m.Suspended.Until.IsZero() {
		m.Suspended = nil
	}
}

// The methods whose names end in Tx change a member within a transaction that somebody else commits, together with its
// record. When it is committed, Changed is called.

// TrainTx records a pass of a course, which is named by id and version; "" for one taken elsewhere.
//
// cite: P-38, 47 CFR 64.2009(b)
func (r *Register) TrainTx(ctx context.Context, tx *store.Tx, id cpni.ID, passed time.Time, course string) (*Member, error) {
	if passed.After(r.clock.Now()) {
		return nil, ErrTraining
	}
	return r.changeTx(ctx, tx, id, anyVersion, func(_ *store.Tx, m *Member) error {
		r.train(m, passed, course)
		return nil
	})
}

// RetrainTx ends a member's training at a moment: no pass before it counts.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func (r *Register) RetrainTx(ctx context.Context, tx *store.Tx, id cpni.ID, from time.Time) error {
	_, err := r.changeTx(ctx, tx, id, anyVersion, func(_ *store.Tx, m *Member) error {
		m.retrain(from)
		return nil
	})
	return err
}

func (m *Member) retrain(from time.Time) {
	if from.After(m.PassAfter) {
		m.PassAfter = from
	}
	if m.Until.After(from) {
		m.Until = from
	}
}

// SuspendTx keeps a member from serving customers from a moment until another; when that is zero, until they have passed
// the course again. A suspension never shortens one that runs.
//
// cite: P-39, 47 CFR 64.2009(b)
func (r *Register) SuspendTx(ctx context.Context, tx *store.Tx, id cpni.ID, from, until time.Time) error {
	_, err := r.changeTx(ctx, tx, id, anyVersion, func(_ *store.Tx, m *Member) error {
		if until.IsZero() {
			m.retrain(from)
		}
		switch s := m.Suspended; {
		case s == nil:
			m.Suspended = &Suspension{from, until}
		case until.After(s.Until):
			m.Suspended = &Suspension{s.Since, until}
		}
		return nil
	})
	return err
}

// LiftTx ends a suspension. A pass that the suspension asked for is still asked for.
func (r *Register) LiftTx(ctx context.Context, tx *store.Tx, id cpni.ID) error {
	_, err := r.changeTx(ctx, tx, id, anyVersion, func(_ *store.Tx, m *Member) error {
		m.Suspended = nil
		return nil
	})
	return err
}

// DismissTx shuts a member out for good: their sessions end and their keys are revoked.
//
// cite: P-39, 47 CFR 64.2009(b)
func (r *Register) DismissTx(ctx context.Context, tx *store.Tx, id cpni.ID) error {
	_, err := r.changeTx(ctx, tx, id, anyVersion, func(tx *store.Tx, m *Member) error { return r.shutOut(ctx, tx, m) })
	return err
}

// shutOut disables a member.
func (r *Register) shutOut(ctx context.Context, tx *store.Tx, m *Member) error {
	m.Disabled = true
	if _, err := tx.Exec(ctx, "UPDATE api_key SET revoked = $1 WHERE staff_id = $2 AND revoked = 0", r.clock.Now().UnixMicro(), string(m.ID)); err != nil {
		return fmt.Errorf("revoking the API keys: %w", err)
	}
	if _, err := tx.Exec(ctx, "DELETE FROM invitation WHERE staff_id = $1", string(m.ID)); err != nil {
		return fmt.Errorf("voiding the invitations: %w", err)
	}
	return r.endSessions(ctx, tx, m.ID)
}

// Changed forgets what this node has last seen of a member and of keys, once a change within another's transaction is
// committed.
func (r *Register) Changed(id cpni.ID) {
	r.Drop(id)
	r.dropKeys()
}

// MemberTx gives a member as they are in tx, and keeps others from changing them until it ends.
func (r *Register) MemberTx(ctx context.Context, tx *store.Tx, id cpni.ID) (*Member, error) {
	e, err := locked(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	e.member.work = r.work
	return e.member, nil
}
