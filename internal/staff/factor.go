package staff

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// FactorKind is what sort of second factor it is.
type FactorKind string

// The kinds.
const (
	KindTOTP    FactorKind = "totp"    // an app that shows codes
	KindPasskey FactorKind = "passkey" // a key that a device keeps
)

// Factor is a second factor of a member. Its secret stays in the register.
type Factor struct {
	ID         cpni.ID
	Kind       FactorKind
	Name       string // what its holder calls it
	Made, Used time.Time
	step       int64
	sealed     []byte
}

const (
	mostFactors       = 10
	longestFactorName = 100
)

func factorPlace(of, factor cpni.ID) string {
	return "staff/factor/" + string(of) + "/" + string(factor)
}

// Factors lists the second factors of a member, the oldest first.
func (r *Register) Factors(ctx context.Context, of cpni.ID) ([]Factor, error) {
	rows, err := r.db.Reader().Query(ctx, "SELECT factor_id, kind, name, made, used, step, sealed FROM factor WHERE staff_id = $1 ORDER BY made, factor_id", string(of))
	if err != nil {
		return nil, fmt.Errorf("listing second factors: %w", err)
	}
	defer rows.Close()
	var all []Factor
	for rows.Next() {
		var f Factor
		var made, used int64
		if err := rows.Scan(&f.ID, &f.Kind, &f.Name, &made, &used, &f.step, &f.sealed); err != nil {
			return nil, fmt.Errorf("listing second factors: %w", err)
		}
		f.Made, f.Used = time.UnixMicro(made).UTC(), time.UnixMicro(used).UTC()
		all = append(all, f)
	}
	return all, rows.Err()
}

// HaveFactors tells which members have a second factor.
func (r *Register) HaveFactors(ctx context.Context) (map[cpni.ID]bool, error) {
	rows, err := r.db.Reader().Query(ctx, "SELECT DISTINCT staff_id FROM factor")
	if err != nil {
		return nil, fmt.Errorf("listing second factors: %w", err)
	}
	defer rows.Close()
	all := map[cpni.ID]bool{}
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("listing second factors: %w", err)
		}
		all[id] = true
	}
	return all, rows.Err()
}

func (r *Register) countFactors(ctx context.Context, q store.Querier, of cpni.ID) (n int, err error) {
	err = q.QueryRow(ctx, "SELECT count(*) FROM factor WHERE staff_id = $1", string(of)).Scan(&n)
	return n, err
}

// factorName checks what a holder calls a factor.
func factorName(name, otherwise string) (string, error) {
	if name = strings.TrimSpace(name); name == "" {
		return otherwise, nil
	}
	if len(name) > longestFactorName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return "", cpni.Rejected("BAD_INPUT", "the name is too long, or is no text", nil, "give a name of at most 100 bytes")
	}
	return name, nil
}

// ErrLastFactor: the last second factor stays where one is asked for.
var ErrLastFactor = cpni.Rejected("CONFLICT", "it is the last second factor, and nobody signs in without one", []string{"P-37"}, "set another up first")

// RemoveFactor takes a second factor away from the one whose session it is. The last can go only where none is asked for,
// and the recovery codes go with it.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) RemoveFactor(ctx context.Context, session string, factor cpni.ID) error {
	m, err := r.Session(ctx, session)
	if err != nil {
		return err
	}
	now := r.clock.Now()
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if _, err := locked(ctx, tx, m.ID); err != nil {
			return nil, err
		}
		n, err := affected(tx.Exec(ctx, "DELETE FROM factor WHERE staff_id = $1 AND factor_id = $2", string(m.ID), string(factor)))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, ErrOver
		}
		left, err := r.countFactors(ctx, tx, m.ID)
		if err != nil {
			return nil, err
		}
		if left == 0 {
			if r.rules(now).SecondFactor {
				return nil, ErrLastFactor
			}
			if _, err := tx.Exec(ctx, "DELETE FROM recovery_code WHERE staff_id = $1", string(m.ID)); err != nil {
				return nil, err
			}
		}
		return r.entries(ctx, tx, string(m.ID), nil, map[string]any{"what": "second factor removed", "left": left})
	})
	return plainly(err)
}

// clearFactors takes all factors, recovery codes and links to single sign-on away.
func clearFactors(ctx context.Context, tx *store.Tx, of cpni.ID) error {
	for _, table := range []string{"factor", "recovery_code", "identity"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE staff_id = $1", string(of)); err != nil {
			return fmt.Errorf("clearing second factors: %w", err)
		}
	}
	return nil
}

// SecondFactorRequired reports whether nobody signs in with a password alone.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) SecondFactorRequired() bool { return r.rules(r.clock.Now()).SecondFactor }
