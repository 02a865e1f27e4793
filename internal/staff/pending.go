package staff

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// ErrOver: a sign-in, or what was to be set up, has taken too long or has come to its end.
var ErrOver = cpni.Rejected("SIGN_IN_OVER", "that has taken too long, or was done already", []string{"P-37"}, "begin again")

// Awaited is what a sign-in waits for whose first step is done.
type Awaited struct {
	Member   *Member
	Enrol    bool // a second factor has to be set up
	TOTP     bool // a code of an app will do
	Passkey  bool // a passkey will do
	Recovery int  // how many recovery codes are left, any of which will do
}

// Pending tells what a sign-in waits for.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) Pending(ctx context.Context, secret string) (*Awaited, error) {
	m, err := r.pending(ctx, secret)
	if err != nil {
		return nil, err
	}
	a := &Awaited{Member: m}
	factors, err := r.Factors(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	for _, f := range factors {
		a.TOTP = a.TOTP || f.Kind == KindTOTP
		a.Passkey = a.Passkey || f.Kind == KindPasskey
	}
	if a.Enrol = len(factors) == 0; !a.Enrol {
		a.Recovery, err = r.RecoveryLeft(ctx, m.ID)
	}
	return a, err
}

// pending finds whose sign-in it is that goes on.
func (r *Register) pending(ctx context.Context, secret string) (*Member, error) {
	hash, ok := hashOf(pendingPrefix, secret)
	if !ok {
		return nil, ErrOver
	}
	var began int64
	e, err := readEntry(func(into ...any) error {
		return r.db.Reader().QueryRow(ctx, "SELECT p.began, m.version, m.document FROM sign_in p JOIN staff m ON m.staff_id = p.staff_id WHERE p.hash = $1", hash[:]).Scan(append([]any{&began}, into...)...)
	})
	if errors.Is(err, ErrNone) {
		return nil, ErrOver
	}
	if err != nil {
		return nil, fmt.Errorf("reading a sign-in: %w", err)
	}
	if now := r.clock.Now(); e.member.Disabled || !now.Before(time.UnixMicro(began).Add(r.rules(now).SignInLife)) {
		return nil, ErrOver
	}
	return e.member, nil
}

// endPending ends a sign-in that goes on, which can be done once.
func (r *Register) endPending(ctx context.Context, tx *store.Tx, secret string) error {
	hash, ok := hashOf(pendingPrefix, secret)
	if !ok {
		return ErrOver
	}
	n, err := affected(tx.Exec(ctx, "DELETE FROM sign_in WHERE hash = $1", hash[:]))
	if err == nil && n == 0 {
		err = ErrOver
	}
	return err
}

// Abandon ends a sign-in that goes on; who wants in begins again.
func (r *Register) Abandon(ctx context.Context, secret string) error {
	err := r.db.Tx(ctx, func(tx *store.Tx) error { return r.endPending(ctx, tx, secret) })
	if errors.Is(err, ErrOver) {
		return nil
	}
	return err
}

// CheckCode is the second step of a sign-in: a code of an app, or a recovery code. With the secret of a session it proves again
// who its holder is. A failed one counts as a failed sign-in.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) CheckCode(ctx context.Context, secret, code string, from From) (Step, error) {
	m, a, err := r.showing(ctx, secret, from)
	if err != nil {
		return Step{}, err
	}
	if err := r.count(ctx, m, a.at, a.counted); err != nil {
		return Step{}, err
	}
	if a.still, a.by, err = r.proof(ctx, m, code, a.at); err != nil {
		return Step{}, err
	}
	step, err := Step{}, error(ErrCode)
	if a.still != nil {
		step, err = r.admit(ctx, m.ID, a)
	}
	if errors.Is(err, ErrCode) {
		return Step{}, r.turnAway(ctx, m, ErrCode)
	}
	return step, err
}

// ErrCode: a second factor that is not right.
var ErrCode = cpni.Rejected("SIGN_IN", "the code is not right, or was used before", []string{"P-37"}, "wait for the next code of the app", "or use one of your recovery codes")

// proof looks at a code; what it gives takes the code in the transaction in which it counts. nil: the code is wrong.
func (r *Register) proof(ctx context.Context, m *Member, code string, now time.Time) (take func(*store.Tx, *Member) error, by string, err error) {
	code = plainCode(code)
	if len(code) == codeDigits {
		id, step, err := r.matchTOTP(ctx, m.ID, code, now)
		if err != nil || id == "" {
			return nil, "", err
		}
		return func(tx *store.Tx, _ *Member) error { return takeStep(ctx, tx, m.ID, id, step, now) }, "code of an app", nil
	}
	if len(code) != recoveryLength {
		return nil, "", nil
	}
	return func(tx *store.Tx, _ *Member) error { return r.takeRecovery(ctx, tx, m.ID, code, now) }, "recovery code", nil
}

// keep records what a ceremony needs between two requests of its owner: one of a kind at a time.
func (r *Register) keepCeremony(ctx context.Context, owner [32]byte, kind string, of cpni.ID, plain []byte) error {
	return r.db.Tx(ctx, func(tx *store.Tx) error {
		sealed, err := r.vault.SealTx(ctx, tx, "", ceremonyPlace(kind), plain)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO ceremony (owner, kind, staff_id, began, sealed) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner, kind) DO UPDATE SET staff_id = excluded.staff_id, began = excluded.began, sealed = excluded.sealed",
			owner[:], kind, string(of), r.clock.Now().UnixMicro(), sealed)
		return err
	})
}

func ceremonyPlace(kind string) string { return "staff/ceremony/" + kind }

// ceremony reads what was kept; ErrOver when there is nothing, or it is too old.
func (r *Register) ceremony(ctx context.Context, owner [32]byte, kind string) ([]byte, error) {
	var began int64
	var sealed []byte
	err := r.db.Reader().QueryRow(ctx, "SELECT began, sealed FROM ceremony WHERE owner = $1 AND kind = $2", owner[:], kind).Scan(&began, &sealed)
	if store.IsNoRow(err) {
		return nil, ErrOver
	}
	if err != nil {
		return nil, fmt.Errorf("reading a sign-in: %w", err)
	}
	if now := r.clock.Now(); !now.Before(time.UnixMicro(began).Add(r.rules(now).SignInLife)) {
		return nil, ErrOver
	}
	return r.vault.OpenState(ctx, "", ceremonyPlace(kind), sealed)
}

// takeCeremony takes what was kept, so that it counts once.
func (r *Register) takeCeremony(ctx context.Context, tx *store.Tx, owner [32]byte, kind string) error {
	n, err := affected(tx.Exec(ctx, "DELETE FROM ceremony WHERE owner = $1 AND kind = $2", owner[:], kind))
	if err == nil && n == 0 {
		err = ErrOver
	}
	return err
}

// holder is who sets up a factor: somebody with a session, or somebody whose sign-in waits for their first one.
type holder struct {
	member *Member
	owner  [32]byte
	secret string
	first  bool // they are signing in, and have no factor yet
}

func (r *Register) holder(ctx context.Context, secret string) (holder, error) {
	h := holder{secret: secret}
	var err error
	var ok bool
	if h.owner, ok = hashOf(sessionPrefix, secret); ok {
		h.member, err = r.Session(ctx, secret)
		return h, err
	}
	if h.owner, ok = hashOf(pendingPrefix, secret); !ok {
		return h, ErrOver
	}
	a, err := r.Pending(ctx, secret)
	if err != nil {
		return h, err
	}
	if !a.Enrol {
		return h, ErrOver // who has a factor shows it; a password alone sets up no other
	}
	h.member, h.first = a.Member, true
	return h, nil
}

// Enrolled is what came of setting up a factor.
type Enrolled struct {
	Step           // the session that has begun with it, where somebody was signing in
	Codes []string // recovery codes, shown this once; none where there are some already
}

// addFactor gives a member a factor that they have shown to work, and their recovery codes with the first.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) addFactor(ctx context.Context, h holder, f Factor, ceremony string, secret []byte, from From) (Enrolled, error) {
	now := r.clock.Now()
	tokens := newTokens()
	fresh := newRecoveryCodes(r.rules(now).RecoveryCodes)
	var done Enrolled
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		done = Enrolled{}
		e, err := locked(ctx, tx, h.member.ID)
		if err != nil {
			return nil, err
		}
		n, err := r.countFactors(ctx, tx, e.member.ID)
		switch {
		case err != nil:
			return nil, err
		case e.member.Disabled, h.first && n > 0:
			return nil, ErrOver
		case n >= mostFactors:
			return nil, cpni.Rejected("TOO_MANY", "there are as many second factors as an account may have", nil, "remove one that is not used")
		}
		if err := r.takeCeremony(ctx, tx, h.owner, ceremony); err != nil {
			return nil, err
		}
		sealed, err := r.vault.SealTx(ctx, tx, "", factorPlace(e.member.ID, f.ID), secret)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO factor (staff_id, factor_id, kind, name, made, used, step, sealed) VALUES ($1, $2, $3, $4, $5, $5, $6, $7)",
			string(e.member.ID), string(f.ID), string(f.Kind), f.Name, now.UnixMicro(), f.step, sealed); err != nil {
			return nil, err
		}
		if left, err := recoveryLeft(ctx, tx, e.member.ID); err != nil {
			return nil, err
		} else if left == 0 {
			if err := r.replaceRecovery(ctx, tx, e.member.ID, fresh); err != nil {
				return nil, err
			}
			done.Codes = fresh
		}
		all, err := r.entries(ctx, tx, string(e.member.ID), nil, map[string]any{"what": "second factor added", "kind": f.Kind})
		if err != nil {
			return nil, err
		}
		if !h.first {
			return all, stillOn(ctx, tx, h.owner)
		}
		if err := r.endPending(ctx, tx, h.secret); err != nil {
			return nil, err
		}
		if done.Step, err = r.further(ctx, tx, e.member, admission{from: from, at: now, whole: true}, tokens); err != nil {
			return nil, err
		}
		more, err := r.entries(ctx, tx, string(e.member.ID), nil, map[string]any{"what": "signed in", "by": "new second factor"})
		return append(all, more...), err
	})
	if err != nil {
		return Enrolled{}, plainly(err)
	}
	return done, nil
}

// stillOn refuses what a session asks for that has ended meanwhile.
func stillOn(ctx context.Context, tx *store.Tx, session [32]byte) error {
	var n int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM session WHERE hash = $1 AND ended = 0", session[:]).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return ErrSignIn
	}
	return nil
}
