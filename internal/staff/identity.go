package staff

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Identity is who somebody is for a provider of single sign-on.
type Identity struct {
	Issuer, Subject string
	// Login is what the provider vouches for as the name of the account: with it an account is found that no identity
	// belongs to yet. "": nothing.
	Login string
	// Whole says that the provider has seen two factors itself.
	Whole bool
}

// ErrNoAccount: the provider knows the person and we do not, or not any more.
var ErrNoAccount = cpni.Rejected("SIGN_IN", "no account here belongs to the one that you have with the provider", []string{"P-37"}, "ask an administrator to add you", "sign in another way if you have an account")

// SignInAs signs in whom a provider vouches for. An account is bound to the first identity with which it is found, and
// found by nothing else of that provider from then on; none is made.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) SignInAs(ctx context.Context, who Identity, from From) (Step, error) {
	now := r.clock.Now()
	var m *Member
	var id cpni.ID
	err := r.db.Reader().QueryRow(ctx, "SELECT staff_id FROM identity WHERE issuer = $1 AND subject = $2", who.Issuer, who.Subject).Scan(&id)
	linked := err == nil
	switch {
	case linked:
		m, _, err = r.Get(ctx, id)
	case store.IsNoRow(err):
		m, err = r.unlinked(ctx, who)
	}
	if errors.Is(err, ErrNone) || err == nil && (m.Disabled || m.Role == cpni.RoleSystem) {
		return Step{}, r.turnAway(ctx, nil, ErrNoAccount)
	}
	if err != nil {
		return Step{}, fmt.Errorf("reading who signs in: %w", err)
	}
	step, err := r.admit(ctx, m.ID, admission{from: from, at: now, by: "single sign-on", whole: who.Whole, still: func(tx *store.Tx, m *Member) error {
		return r.link(ctx, tx, who, m.ID, linked, now)
	}})
	if errors.Is(err, ErrNoAccount) {
		return Step{}, r.turnAway(ctx, m, ErrNoAccount)
	}
	return step, err
}

// unlinked finds the account of somebody who comes for the first time.
func (r *Register) unlinked(ctx context.Context, who Identity) (*Member, error) {
	l, ok := login(who.Login)
	if !ok {
		return nil, ErrNone
	}
	e, err := readEntry(r.db.Reader().QueryRow(ctx, readMember+"login = $1", l).Scan)
	return e.member, err
}

// link binds an identity to an account, or sees to it that it is bound still.
func (r *Register) link(ctx context.Context, tx *store.Tx, who Identity, of cpni.ID, linked bool, now time.Time) error {
	if linked {
		var n int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM identity WHERE issuer = $1 AND subject = $2 AND staff_id = $3", who.Issuer, who.Subject, string(of)).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return ErrNoAccount
		}
		return nil
	}
	n, err := affected(tx.Exec(ctx, "INSERT INTO identity (issuer, subject, staff_id, linked) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", who.Issuer, who.Subject, string(of), now.UnixMicro()))
	if err == nil && n == 0 {
		err = ErrNoAccount // the account is another's, or the identity
	}
	return err
}

const travelling = "sso"

// KeepTrip keeps what is needed when somebody comes back from a provider, for the browser whose random word door is.
func (r *Register) KeepTrip(ctx context.Context, door string, plain []byte) error {
	return r.keepCeremony(ctx, doorOwner(door), travelling, "", plain)
}

// TakeTrip gives what KeepTrip kept, once.
func (r *Register) TakeTrip(ctx context.Context, door string) ([]byte, error) {
	plain, err := r.ceremony(ctx, doorOwner(door), travelling)
	if err != nil {
		return nil, err
	}
	if err := r.db.Tx(ctx, func(tx *store.Tx) error { return r.takeCeremony(ctx, tx, doorOwner(door), travelling) }); err != nil {
		return nil, plainly(err)
	}
	return plain, nil
}
