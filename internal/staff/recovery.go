package staff

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// recoveryLength is how many letters a recovery code has: 32 to the tenth are fifty bits of chance.
const recoveryLength = 10

// newRecoveryCodes makes codes without letters that are taken for others.
func newRecoveryCodes(n int) []string {
	const letters = "abcdefghjkmnpqrstuvwxyz023456789"
	all := make([]string, n)
	for i := range all {
		var b [recoveryLength]byte
		rand.Read(b[:])
		for j := range b {
			b[j] = letters[int(b[j])%len(letters)]
		}
		all[i] = string(b[:5]) + "-" + string(b[5:])
	}
	return all
}

// recoveryHash is what is kept of a code: a keyed hash, with which the database alone tries none.
func (r *Register) recoveryHash(of cpni.ID, code string) []byte {
	return r.vault.BlindIndex("recovery code", string(of)+" "+code)
}

// replaceRecovery gives a member these codes in place of those that they had.
func (r *Register) replaceRecovery(ctx context.Context, tx *store.Tx, of cpni.ID, codes []string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM recovery_code WHERE staff_id = $1", string(of)); err != nil {
		return fmt.Errorf("removing recovery codes: %w", err)
	}
	for _, c := range codes {
		if _, err := tx.Exec(ctx, "INSERT INTO recovery_code (staff_id, hash, used) VALUES ($1, $2, 0)", string(of), r.recoveryHash(of, plainCode(c))); err != nil {
			return fmt.Errorf("keeping recovery codes: %w", err)
		}
	}
	return nil
}

// takeRecovery takes a recovery code, which can be done once.
//
// cite: P-37, I-17
func (r *Register) takeRecovery(ctx context.Context, tx *store.Tx, of cpni.ID, code string, now time.Time) error {
	n, err := affected(tx.Exec(ctx, "UPDATE recovery_code SET used = $1 WHERE staff_id = $2 AND hash = $3 AND used = 0", now.UnixMicro(), string(of), r.recoveryHash(of, code)))
	if err == nil && n == 0 {
		err = ErrCode
	}
	return err
}

// RecoveryLeft is how many recovery codes a member has left.
func (r *Register) RecoveryLeft(ctx context.Context, of cpni.ID) (int, error) {
	return recoveryLeft(ctx, r.db.Reader(), of)
}

func recoveryLeft(ctx context.Context, q store.Querier, of cpni.ID) (n int, err error) {
	if err = q.QueryRow(ctx, "SELECT count(*) FROM recovery_code WHERE staff_id = $1 AND used = 0", string(of)).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting recovery codes: %w", err)
	}
	return n, nil
}

// NewRecoveryCodes gives the one whose session it is fresh recovery codes, shown this once. The old ones are void.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) NewRecoveryCodes(ctx context.Context, session string) ([]string, error) {
	m, err := r.Session(ctx, session)
	if err != nil {
		return nil, err
	}
	codes := newRecoveryCodes(r.rules(r.clock.Now()).RecoveryCodes)
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if _, err := locked(ctx, tx, m.ID); err != nil {
			return nil, err
		}
		n, err := r.countFactors(ctx, tx, m.ID)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, cpni.Rejected("CONFLICT", "recovery codes stand in for a second factor, and there is none", nil, "set a second factor up first")
		}
		if err := r.replaceRecovery(ctx, tx, m.ID, codes); err != nil {
			return nil, err
		}
		return r.entries(ctx, tx, string(m.ID), nil, map[string]any{"what": "recovery codes renewed"})
	})
	if err != nil {
		return nil, plainly(err)
	}
	return codes, nil
}
