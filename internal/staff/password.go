package staff

import (
	"context"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// ErrOwnPassword: the password that a member has now is not what they typed.
var ErrOwnPassword = cpni.Rejected("SIGN_IN", "that is not the password that you have now", []string{"P-37"}, "type it again", "or ask an administrator for a new invitation")

// ChangePassword gives the one whose session it is another password, when they know the one that they have. Their other
// sessions end. A wrong one counts as a failed sign-in.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) ChangePassword(ctx context.Context, session, current, next string, from From) error {
	m, err := r.Session(ctx, session)
	if err != nil {
		return err
	}
	own := *m
	if own.Password == "" {
		return cpni.Rejected("CONFLICT", "you sign in without a password of your own", nil, "ask an administrator for an invitation if you need one")
	}
	now := r.clock.Now()
	if err := r.fit(&own, next, now); err != nil {
		return err
	}
	counted := r.counters(own.Login, from.Source, now)
	if err := r.count(ctx, &own, now, counted); err != nil {
		return err
	}
	leave, err := r.hashing()
	if err != nil {
		return err
	}
	right, err := r.matches(&own, current)
	leave()
	if err != nil {
		return err
	}
	if !right {
		return r.turnAway(ctx, &own, ErrOwnPassword)
	}
	hash, err := r.hashed(&own, next, now)
	if err != nil {
		return err
	}
	keep, _ := hashOf(sessionPrefix, session)
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := locked(ctx, tx, own.ID)
		if err != nil {
			return nil, err
		}
		if err := stillOn(ctx, tx, keep); err != nil {
			return nil, err
		}
		if e.member.Password != own.Password {
			return nil, ErrConflict
		}
		if err := throttle.GiveBack(ctx, tx, now, counted...); err != nil {
			return nil, err
		}
		e.member.Password = hash
		if err := write(ctx, tx, e.member); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "UPDATE session SET ended = $1 WHERE staff_id = $2 AND ended = 0 AND hash <> $3", now.UnixMicro(), string(own.ID), keep[:]); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM sign_in WHERE staff_id = $1", string(own.ID)); err != nil {
			return nil, err
		}
		return r.entries(ctx, tx, string(own.ID), nil, map[string]any{"what": "own password changed", "member": own.ID})
	})
	r.Drop(own.ID)
	return plainly(err)
}
