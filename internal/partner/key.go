package partner

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// KeyInfo is what is known of a key with which a partner fetches what is its own. The key itself is known only to the partner.
type KeyInfo struct {
	ID      string // names the key to RevokeKey; of no use for asking
	Partner string
	Name    string
	At      time.Time
	Expires time.Time
	Revoked time.Time // zero: not revoked
}

// keyPrefix is what a partner's key begins with, so that it is told from those of the staff.
const keyPrefix = "rfpartner_"

// Keys are refused for one of these reasons.
var (
	ErrNoKey      = cpni.Rejected("KEY", "that is no partner's key in force", []string{"P-37", "47 CFR 64.2010(a)"}, "ask the carrier for a key: they show it once")
	ErrUnknownKey = cpni.Rejected("CONFIG", "there is no such key of a partner, or it is revoked already", nil, "list the partner's keys")
)

// NewKey makes a key with which a partner sees and fetches the files that wait for it, and hands in certificates; it opens nothing
// else, and no file can be read by it. It is shown once, and lasts for life.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func (r *Register) NewKey(ctx context.Context, id, name string, life time.Duration, by string) (string, error) {
	if name == "" || len(name) > 100 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return "", cpni.Rejected("CONFIG", "a partner's key has a name of at most 100 bytes", nil, "name it after the machine that uses it")
	}
	secret := keyPrefix + base64.RawURLEncoding.EncodeToString(random(24))
	hash := sha256.Sum256([]byte(secret))
	now := r.clock.Now()
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var there string
		err := tx.QueryRow(ctx, "SELECT partner_id FROM partner WHERE partner_id = $1", id).Scan(&there)
		if store.IsNoRow(err) {
			return nil, ErrNoPartner
		}
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO partner_key (hash, partner_id, name, by_staff, at, expires, revoked) VALUES ($1, $2, $3, $4, $5, $6, 0)",
			hash[:], id, name, by, now.UnixMicro(), now.Add(life).UnixMicro()); err != nil {
			return nil, err
		}
		return r.entry(ctx, tx, by, map[string]any{"what": "partner's key made", "partner": id, "name": name})
	})
	if err != nil {
		return "", plainly(err)
	}
	return secret, nil
}

// KeyOf checks a partner's key. It is read anew each time, so that one that is revoked is worth nothing at once.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) KeyOf(ctx context.Context, secret string) (KeyInfo, error) {
	if !strings.HasPrefix(secret, keyPrefix) || len(secret) > 100 {
		return KeyInfo{}, ErrNoKey
	}
	hash := sha256.Sum256([]byte(secret))
	k, err := scanKey(r.db.Reader().QueryRow(ctx, "SELECT "+keyColumns+" FROM partner_key WHERE hash = $1", hash[:]).Scan)
	if store.IsNoRow(err) {
		return KeyInfo{}, ErrNoKey
	}
	if err != nil {
		return KeyInfo{}, fmt.Errorf("reading a partner's key: %w", err)
	}
	if !k.Revoked.IsZero() || !r.clock.Now().Before(k.Expires) {
		return KeyInfo{}, ErrNoKey
	}
	return k, nil
}

const keyColumns = "hash, partner_id, name, at, expires, revoked"

func scanKey(scan func(...any) error) (KeyInfo, error) {
	var k KeyInfo
	var hash []byte
	var at, expires, revoked int64
	if err := scan(&hash, &k.Partner, &k.Name, &at, &expires, &revoked); err != nil {
		return k, err
	}
	k.ID, k.At, k.Expires, k.Revoked = hex.EncodeToString(hash), dueOf(at), dueOf(expires), dueOf(revoked)
	return k, nil
}

// Keys lists the keys of a partner, the newest first.
func (r *Register) Keys(ctx context.Context, id string) ([]KeyInfo, error) {
	rows, err := r.db.Reader().Query(ctx, "SELECT "+keyColumns+" FROM partner_key WHERE partner_id = $1 ORDER BY at DESC, hash", id)
	if err != nil {
		return nil, fmt.Errorf("listing a partner's keys: %w", err)
	}
	defer rows.Close()
	var all []KeyInfo
	for rows.Next() {
		k, err := scanKey(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("listing a partner's keys: %w", err)
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

// RevokeKey makes a partner's key worth nothing.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) RevokeKey(ctx context.Context, partner, id, by string) error {
	hash, err := hex.DecodeString(id)
	if err != nil || len(hash) != sha256.Size {
		return ErrUnknownKey
	}
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var name string
		err := tx.QueryRow(ctx, "UPDATE partner_key SET revoked = $1 WHERE hash = $2 AND partner_id = $3 AND revoked = 0 RETURNING name", r.clock.Now().UnixMicro(), hash, partner).Scan(&name)
		if store.IsNoRow(err) {
			return nil, ErrUnknownKey
		}
		if err != nil {
			return nil, err
		}
		return r.entry(ctx, tx, by, map[string]any{"what": "partner's key revoked", "partner": partner, "name": name})
	})
	return plainly(err)
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// newSecret makes a secret of a webhook in the form of the Standard Webhooks specification.
func newSecret() string { return "whsec_" + base64.StdEncoding.EncodeToString(random(32)) }
