package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Beginnings of the secrets that are shown once.
const (
	sessionPrefix = "rfs_"
	keyPrefix     = "rfk_"
)

// tokenBytes is how much chance is in such a secret.
const tokenBytes = 32

// token makes a secret that is shown once, and the hash that is kept.
func token(prefix string) (secret string, hash [32]byte) {
	b := make([]byte, tokenBytes)
	rand.Read(b)
	secret = prefix + base64.RawURLEncoding.EncodeToString(b)
	return secret, sha256.Sum256([]byte(secret))
}

// hashOf gives the hash under which a secret is kept; ok is false for what can be none.
func hashOf(prefix, secret string) (hash [32]byte, ok bool) {
	if !strings.HasPrefix(secret, prefix) || len(secret) != len(prefix)+base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return hash, false
	}
	return sha256.Sum256([]byte(secret)), true
}

// loginSubject names a login for the count of failures: one that is nobody's is counted as any other.
func (r *Register) loginSubject(login string) string {
	return "login " + hex.EncodeToString(r.vault.BlindIndex("login", login))
}

// SignIn begins a session for who knows the password; SignInFrom does, and also says where the attempt comes from.
func (r *Register) SignIn(ctx context.Context, login, password string) (secret string, err error) {
	return r.SignInFrom(ctx, login, password, "")
}

// SignInFrom begins a session for who knows the password. An unknown name takes as long as a wrong password, is counted,
// recorded and answered the same. source is where the attempt comes from, such as a network address; only its keyed hash
// is kept.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) SignInFrom(ctx context.Context, name, password, source string) (secret string, err error) {
	m, err := r.whoSignsIn(ctx, name)
	if err != nil {
		return "", err
	}
	now := r.clock.Now()
	counted := r.counters(name, source, now)
	var v throttle.Verdict
	if err := r.db.Tx(ctx, func(tx *store.Tx) error {
		v, err = throttle.Take(ctx, tx, now, counted...)
		return err
	}); err != nil {
		return "", fmt.Errorf("counting failed sign-ins: %w", err)
	}
	if !v.Open() {
		return "", r.turnAway(ctx, m, waits(v))
	}
	right, err := r.matches(m, password)
	if err != nil {
		return "", err
	}
	if !right {
		return "", r.turnAway(ctx, m, ErrSignIn)
	}
	secret, hash := token(sessionPrefix)
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := throttle.GiveBack(ctx, tx, now, counted...); err != nil {
			return nil, err
		}
		if err := throttle.Clear(ctx, tx, "", counted[0].Subject); err != nil {
			return nil, err
		}
		// Only for the member whose password was compared: they may have been disabled, or given another, meanwhile.
		if err := r.still(ctx, tx, m); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO session (hash, staff_id, began, active, ended) VALUES ($1, $2, $3, $3, 0)", hash[:], string(m.ID), now.UnixMicro()); err != nil {
			return nil, err
		}
		return r.entries(ctx, tx, string(m.ID), nil, map[string]string{"what": "signed in"})
	})
	if err != nil {
		return "", plainly(err)
	}
	return secret, nil
}

// whoSignsIn finds the member; nil when nobody can sign in under that name.
func (r *Register) whoSignsIn(ctx context.Context, name string) (*Member, error) {
	l, ok := login(name)
	if !ok {
		return nil, nil
	}
	e, err := readEntry(r.db.Reader().QueryRow(ctx, readMember+"login = $1", l).Scan)
	if errors.Is(err, ErrNone) || err == nil && (e.member.Password == "" || e.member.Disabled) {
		return nil, nil
	}
	return e.member, err
}

// counters are what a sign-in counts against.
func (r *Register) counters(name, source string, now time.Time) []throttle.Counter {
	n := r.rules(now)
	l, ok := login(name)
	if !ok {
		l = ""
	}
	all := []throttle.Counter{{Subject: r.loginSubject(l), Rules: n.Login}}
	if source != "" {
		all = append(all, throttle.Counter{Subject: "staff source " + hex.EncodeToString(r.vault.BlindIndex("source", source)), Rules: n.Source, Daily: true})
	}
	return all
}

func waits(v throttle.Verdict) *cpni.Refusal {
	if v.Shut {
		return cpni.Rejected("LOCKED", "too many wrong passwords: sign-in stays closed until an administrator sets a new password", []string{"P-37"}, "ask an administrator for a new password")
	}
	wait := (v.Wait + time.Second - 1) / time.Second * time.Second
	return cpni.Rejected("LOCKED", "too many wrong passwords: the next try is in "+wait.String(), []string{"P-37"}, "try again then, or ask an administrator for a new password")
}

// matches compares a password, or does as much for nobody.
func (r *Register) matches(m *Member, password string) (bool, error) {
	if m == nil || len(password) > longestPassword {
		r.hash.Waste()
		return false, nil
	}
	return r.hash.Matches(m.Password, password)
}

// turnAway records a sign-in that failed. What was typed as the name is not recorded: it may be the password.
func (r *Register) turnAway(ctx context.Context, m *Member, refusal *cpni.Refusal) error {
	by := ""
	if m != nil {
		by = string(m.ID)
	}
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		return r.entries(ctx, tx, by, refusal, map[string]string{"what": "sign-in failed"})
	})
	if err != nil {
		return errors.Join(refusal, err)
	}
	return refusal
}

// still refuses a member who is not as m any more.
func (r *Register) still(ctx context.Context, tx *store.Tx, m *Member) error {
	query := readMember + "staff_id = $1"
	if tx.Dialect() == store.Postgres {
		query += " FOR SHARE"
	}
	e, err := readEntry(tx.QueryRow(ctx, query, string(m.ID)).Scan)
	if errors.Is(err, ErrNone) || err == nil && (e.member.Disabled || e.member.Password != m.Password) {
		return ErrSignIn
	}
	return err
}

// touchEvery is how far the stored moment of last activity may lag.
const touchEvery = time.Minute

// Session gives the member whose session this is, and keeps it alive.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) Session(ctx context.Context, secret string) (*Member, error) {
	hash, ok := hashOf(sessionPrefix, secret)
	if !ok {
		return nil, ErrSignIn
	}
	var began, active, ended int64
	r.mu.RLock()
	drops := r.drops
	r.mu.RUnlock()
	e, err := readEntry(func(into ...any) error {
		return r.db.Reader().QueryRow(ctx, "SELECT s.began, s.active, s.ended, m.version, m.document FROM session s JOIN staff m ON m.staff_id = s.staff_id WHERE s.hash = $1", hash[:]).
			Scan(append([]any{&began, &active, &ended}, into...)...)
	})
	if errors.Is(err, ErrNone) {
		return nil, ErrSignIn
	}
	if err != nil {
		return nil, fmt.Errorf("reading a session: %w", err)
	}
	now := r.clock.Now()
	n := r.rules(now)
	if ended != 0 || e.member.Disabled || !now.Before(time.UnixMicro(active).Add(n.SessionIdle)) || !now.Before(time.UnixMicro(began).Add(n.SessionLength)) {
		return nil, ErrSignIn
	}
	r.keep(e, drops)
	if now.Sub(time.UnixMicro(active)) >= touchEvery {
		if err := r.db.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE session SET active = $1 WHERE hash = $2 AND active < $1 AND ended = 0", now.UnixMicro(), hash[:])
			return err
		}); err != nil {
			return nil, fmt.Errorf("keeping a session: %w", err)
		}
	}
	return e.member, nil
}

// SignOut ends a session.
func (r *Register) SignOut(ctx context.Context, secret string) error {
	hash, ok := hashOf(sessionPrefix, secret)
	if !ok {
		return nil
	}
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var id string
		err := tx.QueryRow(ctx, "UPDATE session SET ended = $1 WHERE hash = $2 AND ended = 0 RETURNING staff_id", r.clock.Now().UnixMicro(), hash[:]).Scan(&id)
		if store.IsNoRow(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return r.entries(ctx, tx, id, nil, map[string]string{"what": "signed out"})
	})
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

func (r *Register) endSessions(ctx context.Context, tx *store.Tx, of cpni.ID) error {
	if _, err := tx.Exec(ctx, "UPDATE session SET ended = $1 WHERE staff_id = $2 AND ended = 0", r.clock.Now().UnixMicro(), string(of)); err != nil {
		return fmt.Errorf("ending the sessions: %w", err)
	}
	return nil
}

// Sweep removes sessions that have ended or can no more be used, and those counts of failures, the staff's and of the
// sources of customers' tries, that count no longer.
func (r *Register) Sweep(ctx context.Context) error {
	now := r.clock.Now()
	err := r.db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM session WHERE ended <> 0 OR began < $1", now.Add(-r.rules(now).SessionLength).UnixMicro()); err != nil {
			return err
		}
		return throttle.Sweep(ctx, tx, now)
	})
	if err != nil {
		return fmt.Errorf("removing old sessions: %w", err)
	}
	return nil
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
