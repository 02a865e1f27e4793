package staff

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// showing finds who shows a second factor: somebody whose sign-in goes on, or the holder of a session who proves again who
// they are.
func (r *Register) showing(ctx context.Context, secret string, from From) (m *Member, a admission, err error) {
	a = admission{from: from, at: r.clock.Now(), whole: true}
	if strings.HasPrefix(secret, sessionPrefix) {
		a.confirm = secret
		m, err = r.Session(ctx, secret)
	} else {
		a.pending = secret
		m, err = r.pending(ctx, secret)
	}
	if err == nil {
		a.counted = r.counters(m.Login, from.Source, a.at)
	}
	return m, a, err
}

// prove notes that the holder of a session has proved again who they are.
func (r *Register) prove(ctx context.Context, tx *store.Tx, m *Member, a admission) error {
	hash, _ := hashOf(sessionPrefix, a.confirm)
	n, err := affected(tx.Exec(ctx, "UPDATE session SET proved = $1 WHERE hash = $2 AND staff_id = $3 AND ended = 0", a.at.UnixMicro(), hash[:], string(m.ID)))
	if err == nil && n == 0 {
		err = ErrSignIn
	}
	return err
}

// Proved reports whether the holder of a session has proved who they are lately enough for an act that wants it: who finds a
// desk that was left takes no account over.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) Proved(ctx context.Context, session string) (bool, error) {
	hash, ok := hashOf(sessionPrefix, session)
	if !ok {
		return false, nil
	}
	var proved int64
	err := r.db.Reader().QueryRow(ctx, "SELECT proved FROM session WHERE hash = $1 AND ended = 0", hash[:]).Scan(&proved)
	if store.IsNoRow(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading a session: %w", err)
	}
	now := r.clock.Now()
	return now.Before(time.UnixMicro(proved).Add(r.rules(now).StepUp)), nil
}

// ProveByPassword proves again who the holder of a session is who has no second factor. A wrong one counts as a failed
// sign-in.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) ProveByPassword(ctx context.Context, session, password string, from From) error {
	m, a, err := r.showing(ctx, session, from)
	if err != nil {
		return err
	}
	n, err := r.countFactors(ctx, r.db.Reader(), m.ID)
	if err != nil {
		return err
	}
	if a.confirm == "" || n > 0 || m.Password == "" {
		return cpni.Rejected("CONFLICT", "a password alone does not prove who you are", []string{"P-37"}, "show your second factor", "or sign out and in again")
	}
	if err := r.count(ctx, m, a.at, a.counted); err != nil {
		return err
	}
	leave, err := r.hashing()
	if err != nil {
		return err
	}
	right, err := r.matches(m, password)
	leave()
	if err != nil {
		return err
	}
	if !right {
		return r.turnAway(ctx, m, ErrOwnPassword)
	}
	a.by = "password"
	_, err = r.admit(ctx, m.ID, a)
	return err
}
