package staff

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// ErrInvitation: an invitation that is worth nothing, or nothing any more.
var ErrInvitation = cpni.Rejected("INVITATION", "the invitation has been used, has lapsed, or was replaced by another", []string{"P-37"}, "sign in if you have set a password already", "ask an administrator for a new invitation")

// Invite makes a one-time invitation with which a member sets their own password; it is shown once, and older ones are
// void.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) Invite(ctx context.Context, id cpni.ID, by string) (secret string, err error) {
	return r.invite(ctx, id, anyVersion, by, "invited", func(*store.Tx, *Member) error { return nil })
}

// Reset takes a member's password, second factors and links to single sign-on away, ends their sessions, and invites them
// anew. The member is still at version.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) Reset(ctx context.Context, id cpni.ID, version int64, by string) (secret string, err error) {
	if string(id) == by {
		return "", ErrSelf
	}
	return r.invite(ctx, id, version, by, "account reset", func(tx *store.Tx, m *Member) error {
		m.Password = ""
		if err := clearFactors(ctx, tx, id); err != nil {
			return err
		}
		return r.endSessions(ctx, tx, id)
	})
}

func (r *Register) invite(ctx context.Context, id cpni.ID, version int64, by, what string, also func(*store.Tx, *Member) error) (string, error) {
	secret, hash := token(invitePrefix)
	now := r.clock.Now()
	err := r.changeAt(ctx, id, version, by, what, func(tx *store.Tx, m *Member) error {
		switch {
		case m.Disabled:
			return cpni.Rejected("CONFIG", "the member of the staff is disabled", nil, "enable them first")
		case m.Role == cpni.RoleSystem:
			return cpni.Rejected("CONFIG", "an integration does not sign in", nil, "make an API key for it")
		}
		if err := also(tx, m); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM invitation WHERE staff_id = $1", string(id)); err != nil {
			return err
		}
		return insertInvitation(ctx, tx, hash, id, now, r.rules(now).InviteLife)
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

func insertInvitation(ctx context.Context, tx *store.Tx, hash [32]byte, of cpni.ID, now time.Time, life time.Duration) error {
	_, err := tx.Exec(ctx, "INSERT INTO invitation (hash, staff_id, made, expires) VALUES ($1, $2, $3, $4)", hash[:], string(of), now.UnixMicro(), now.Add(life).UnixMicro())
	return err
}

// Invited gives the member whose invitation it is.
func (r *Register) Invited(ctx context.Context, secret string) (*Member, error) {
	id, err := r.invited(ctx, r.db.Reader(), secret)
	if err != nil {
		return nil, err
	}
	m, _, err := r.Get(ctx, id)
	if errors.Is(err, ErrNone) || err == nil && m.Disabled {
		return nil, ErrInvitation
	}
	return m, err
}

// invited gives the id for which an invitation is; "" for that of a first administrator.
func (r *Register) invited(ctx context.Context, q store.Querier, secret string) (id cpni.ID, err error) {
	hash, ok := hashOf(invitePrefix, secret)
	if !ok {
		return "", ErrInvitation
	}
	err = q.QueryRow(ctx, "SELECT staff_id FROM invitation WHERE hash = $1 AND expires > $2", hash[:], r.clock.Now().UnixMicro()).Scan(&id)
	if store.IsNoRow(err) {
		return "", ErrInvitation
	}
	if err != nil {
		return "", fmt.Errorf("reading an invitation: %w", err)
	}
	return id, nil
}

// takeInvitation takes an invitation, which can be done once.
func (r *Register) takeInvitation(ctx context.Context, tx *store.Tx, secret string, of cpni.ID) error {
	hash, _ := hashOf(invitePrefix, secret)
	n, err := affected(tx.Exec(ctx, "DELETE FROM invitation WHERE hash = $1 AND staff_id = $2 AND expires > $3", hash[:], string(of), r.clock.Now().UnixMicro()))
	if err == nil && n == 0 {
		err = ErrInvitation
	}
	return err
}

// Join takes an invitation: the member has this password from now on, and is signing in with it.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) Join(ctx context.Context, secret, password string, from From) (Step, error) {
	m, err := r.Invited(ctx, secret)
	if err != nil {
		return Step{}, err
	}
	now := r.clock.Now()
	hash, err := r.hashed(m, password, now)
	if err != nil {
		return Step{}, err
	}
	step, err := r.admit(ctx, m.ID, admission{from: from, at: now, by: "invitation", still: func(tx *store.Tx, m *Member) error {
		if err := r.takeInvitation(ctx, tx, secret, m.ID); err != nil {
			return err
		}
		m.Password = hash
		if err := throttle.Clear(ctx, tx, "", r.loginSubject(m.Login)); err != nil {
			return err
		}
		if err := r.endSessions(ctx, tx, m.ID); err != nil {
			return err
		}
		return write(ctx, tx, m)
	}})
	r.Drop(m.ID)
	return step, err
}

// metaFirst is the small fact that a first administrator has been set up.
const metaFirst = "staff.first"

// Empty reports whether nobody works here yet.
func (r *Register) Empty(ctx context.Context) (bool, error) {
	var one int
	err := r.db.Reader().QueryRow(ctx, "SELECT 1 FROM staff LIMIT 1").Scan(&one)
	if store.IsNoRow(err) {
		return true, nil
	}
	return false, err
}

// SetUp makes the one-time secret with which the first administrator makes their own account; "" when there are members
// already.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) SetUp(ctx context.Context) (secret string, err error) {
	empty, err := r.Empty(ctx)
	if err != nil || !empty {
		return "", err
	}
	secret, hash := token(invitePrefix)
	now := r.clock.Now()
	if err := r.db.Tx(ctx, func(tx *store.Tx) error {
		return insertInvitation(ctx, tx, hash, "", now, r.rules(now).InviteLife)
	}); err != nil {
		return "", fmt.Errorf("keeping the first invitation: %w", err)
	}
	return secret, nil
}

// SettingUp reports whether this is a secret of SetUp that is still good.
func (r *Register) SettingUp(ctx context.Context, secret string) (bool, error) {
	id, err := r.invited(ctx, r.db.Reader(), secret)
	if errors.Is(err, ErrInvitation) {
		return false, nil
	}
	if err != nil || id != "" {
		return false, err
	}
	return r.Empty(ctx)
}

// FirstAdministrator takes a secret of SetUp: an administrator is made and is signing in. It works once, and only while
// there is nobody.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) FirstAdministrator(ctx context.Context, secret, name, whole, password string, from From) (Step, error) {
	good, err := r.SettingUp(ctx, secret)
	if err != nil {
		return Step{}, err
	}
	if !good {
		return Step{}, ErrInvitation
	}
	m := Member{ID: cpni.NewID(), Login: name, Name: whole, Role: cpni.RoleAdmin}
	if err := r.checked(&m); err != nil {
		return Step{}, err
	}
	now := r.clock.Now()
	if m.Password, err = r.hashed(&m, password, now); err != nil {
		return Step{}, err
	}
	text, err := m.encode()
	if err != nil {
		return Step{}, err
	}
	tokens := newTokens()
	var step Step
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := r.takeInvitation(ctx, tx, secret, ""); err != nil {
			return nil, err
		}
		first, err := affected(tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", metaFirst, string(m.ID)))
		if err != nil {
			return nil, err
		}
		var there int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM staff").Scan(&there); err != nil {
			return nil, err
		}
		if first == 0 || there > 0 {
			return nil, ErrInvitation
		}
		if _, err := tx.Exec(ctx, "DELETE FROM invitation WHERE staff_id = ''"); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO staff (staff_id, version, login, document) VALUES ($1, 1, $2, $3)", string(m.ID), m.Login, text); err != nil {
			return nil, err
		}
		if step, err = r.further(ctx, tx, &m, admission{from: from, at: now}, tokens); err != nil {
			return nil, err
		}
		return r.entries(ctx, tx, string(m.ID), nil, map[string]any{"what": "first administrator set up", "member": m.ID, "role": m.Role})
	})
	if err != nil {
		return Step{}, plainly(err)
	}
	return step, nil
}
