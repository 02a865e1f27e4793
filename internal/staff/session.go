package staff

import (
	"bytes"
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
	pendingPrefix = "rfp_" // of a sign-in that goes on
	invitePrefix  = "rfi_" // of an invitation
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

// endSessions ends a member's sessions, and the sign-ins that are to become some.
func (r *Register) endSessions(ctx context.Context, tx *store.Tx, of cpni.ID) error {
	if _, err := tx.Exec(ctx, "UPDATE session SET ended = $1 WHERE staff_id = $2 AND ended = 0", r.clock.Now().UnixMicro(), string(of)); err != nil {
		return fmt.Errorf("ending the sessions: %w", err)
	}
	if _, err := tx.Exec(ctx, "DELETE FROM sign_in WHERE staff_id = $1", string(of)); err != nil {
		return fmt.Errorf("ending the sign-ins: %w", err)
	}
	return nil
}

// SessionInfo is what is known of a session that goes on. Its secret is known only to the browser.
type SessionInfo struct {
	ID               string // names the session to EndSession; of no use for signing in
	Began, Active    time.Time
	Browser, Network string // coarse; "": not known
	This             bool   // it is the session that asks
}

// Sessions lists the sessions of a member that go on, the latest used first; asking is the secret of the one that asks.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) Sessions(ctx context.Context, of cpni.ID, asking string) ([]SessionInfo, error) {
	now := r.clock.Now()
	n := r.rules(now)
	rows, err := r.db.Reader().Query(ctx, "SELECT hash, began, active, browser, network FROM session WHERE staff_id = $1 AND ended = 0 AND active > $2 AND began > $3 ORDER BY active DESC, hash",
		string(of), now.Add(-n.SessionIdle).UnixMicro(), now.Add(-n.SessionLength).UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	defer rows.Close()
	this, _ := hashOf(sessionPrefix, asking)
	var all []SessionInfo
	for rows.Next() {
		var s SessionInfo
		var hash []byte
		var began, active int64
		if err := rows.Scan(&hash, &began, &active, &s.Browser, &s.Network); err != nil {
			return nil, fmt.Errorf("listing sessions: %w", err)
		}
		s.ID, s.This, s.Began, s.Active = hex.EncodeToString(hash), bytes.Equal(hash, this[:]), time.UnixMicro(began).UTC(), time.UnixMicro(active).UTC()
		all = append(all, s)
	}
	return all, rows.Err()
}

// ErrNoSession: the session has ended already, or is not that member's.
var ErrNoSession = cpni.Rejected("CONFLICT", "that session has ended already", nil, "look at the list as it is now")

// EndSession ends one session of a member, at once; id is that of SessionInfo.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) EndSession(ctx context.Context, of cpni.ID, id, by string) error {
	hash, err := hex.DecodeString(id)
	if err != nil || len(hash) != 32 {
		return ErrNoSession
	}
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		n, err := affected(tx.Exec(ctx, "UPDATE session SET ended = $1 WHERE hash = $2 AND staff_id = $3 AND ended = 0", r.clock.Now().UnixMicro(), hash, string(of)))
		if err == nil && n == 0 {
			err = ErrNoSession
		}
		if err != nil {
			return nil, err
		}
		return r.entries(ctx, tx, by, nil, map[string]any{"what": "session ended", "member": of})
	})
	return plainly(err)
}

// EndSessions ends the sessions of a member, at once, but for the one whose secret is except; "": all of them.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) EndSessions(ctx context.Context, of cpni.ID, except, by string) error {
	keep, _ := hashOf(sessionPrefix, except)
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if _, err := locked(ctx, tx, of); err != nil {
			return nil, err
		}
		n, err := affected(tx.Exec(ctx, "UPDATE session SET ended = $1 WHERE staff_id = $2 AND ended = 0 AND hash <> $3", r.clock.Now().UnixMicro(), string(of), keep[:]))
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM sign_in WHERE staff_id = $1", string(of)); err != nil {
			return nil, err
		}
		return r.entries(ctx, tx, by, nil, map[string]any{"what": "sessions ended", "member": of, "sessions": n})
	})
	return plainly(err)
}

// Sweep removes sessions, sign-ins and invitations that have ended or can no more be used, and those counts of failures, the staff's and of the
// sources of customers' tries, that count no longer.
func (r *Register) Sweep(ctx context.Context) error {
	now := r.clock.Now()
	n := r.rules(now)
	err := r.db.Tx(ctx, func(tx *store.Tx) error {
		for query, before := range map[string]time.Time{"DELETE FROM session WHERE ended <> 0 OR began < $1": now.Add(-n.SessionLength), "DELETE FROM sign_in WHERE began < $1": now.Add(-n.SignInLife),
			"DELETE FROM ceremony WHERE began < $1": now.Add(-n.SignInLife), "DELETE FROM invitation WHERE expires < $1": now} {
			if _, err := tx.Exec(ctx, query, before.UnixMicro()); err != nil {
				return err
			}
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
