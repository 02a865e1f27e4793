package staff

import (
	"context"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Key is an API key in force: on whose behalf, and for which purposes.
type Key struct {
	Staff   cpni.ID
	Name    string
	Scopes  []string
	Expires time.Time
	seen    time.Time
}

// KeyInfo is what is known of an API key, in force or not. The key itself is known only to its holder.
type KeyInfo struct {
	Key
	ID      string    // names the key to RevokeKey; of no use for signing in
	Revoked time.Time // zero: not revoked
}

// The most that a key may have.
const (
	longestKeyName = 100
	mostScopes     = 40
)

var scopeForm = regexp.MustCompile(`^[a-z0-9][a-z0-9:-]{0,39}$`)

// NewKey makes an API key for a member; it is shown once.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) NewKey(ctx context.Context, of cpni.ID, name string, scopes []string, by string) (string, error) {
	if name == "" || len(name) > longestKeyName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) || len(scopes) > mostScopes {
		return "", cpni.Rejected("CONFIG", "an API key has a name of at most 100 bytes and at most 40 scopes", nil, "shorten the name or the list")
	}
	for _, s := range scopes {
		if !scopeForm.MatchString(s) {
			return "", cpni.Rejected("CONFIG", "a scope of the API key is none", nil, "name purposes, such as customer-request")
		}
	}
	if !of.Valid() {
		return "", ErrNone
	}
	secret, hash := token(keyPrefix)
	now := r.clock.Now()
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		query := readMember + "staff_id = $1"
		if tx.Dialect() == store.Postgres {
			query += " FOR SHARE"
		}
		e, err := readEntry(tx.QueryRow(ctx, query, string(of)).Scan)
		if err != nil {
			return nil, err
		}
		if e.member.Disabled {
			return nil, cpni.Rejected("CONFIG", "the member of the staff is disabled", nil, "enable them first")
		}
		if _, err := tx.Exec(ctx, "INSERT INTO api_key (hash, staff_id, name, scopes, expires, revoked) VALUES ($1, $2, $3, $4, $5, 0)",
			hash[:], string(of), name, strings.Join(scopes, " "), now.Add(r.rules(now).KeyLife).UnixMicro()); err != nil {
			return nil, err
		}
		return r.entries(ctx, tx, by, nil, map[string]any{"what": "API key made", "for": of, "name": name, "scopes": scopes})
	})
	if err != nil {
		return "", plainly(err)
	}
	return secret, nil
}

// keySeen is how long a node trusts what it has read of a key.
const keySeen = 2 * time.Second

// Key checks an API key. One that another node has revoked is found out within two seconds.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) Key(ctx context.Context, secret string) (Key, error) {
	hash, ok := hashOf(keyPrefix, secret)
	if !ok {
		return Key{}, ErrNoKey
	}
	now := r.clock.Now()
	r.mu.RLock()
	k, ok := r.keys[hash]
	drops := r.drops
	r.mu.RUnlock()
	if !ok || now.Sub(k.seen) > keySeen {
		var revoked int64
		var document string
		i, err := scanKey(func(into ...any) error {
			return r.db.Reader().QueryRow(ctx, "SELECT "+keyColumns+", m.document FROM api_key k JOIN staff m ON m.staff_id = k.staff_id WHERE k.hash = $1", hash[:]).
				Scan(append(into, &document)...)
		}, &revoked)
		if store.IsNoRow(err) {
			return Key{}, ErrNoKey
		}
		if err != nil {
			return Key{}, fmt.Errorf("reading an API key: %w", err)
		}
		m, err := decode(document)
		if err != nil {
			return Key{}, err
		}
		if revoked != 0 || m.Disabled {
			return Key{}, ErrNoKey
		}
		k = i.Key
		k.seen = now
		r.keepKey(hash, k, drops)
	}
	if !now.Before(k.Expires) {
		return Key{}, ErrNoKey
	}
	return k, nil
}

func (r *Register) keepKey(hash [32]byte, k Key, drops uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.drops != drops {
		return
	}
	if len(r.keys) >= mostCached {
		clear(r.keys)
	}
	r.keys[hash] = k
}

const keyColumns = "k.hash, k.staff_id, k.name, k.scopes, k.expires, k.revoked"

func scanKey(scan func(...any) error, revoked *int64) (KeyInfo, error) {
	var i KeyInfo
	var hash []byte
	var scopes string
	var expires int64
	if err := scan(&hash, &i.Staff, &i.Name, &scopes, &expires, revoked); err != nil {
		return i, err
	}
	i.ID, i.Scopes, i.Expires = hex.EncodeToString(hash), strings.Fields(scopes), time.UnixMicro(expires).UTC()
	if *revoked != 0 {
		i.Revoked = time.UnixMicro(*revoked).UTC()
	}
	return i, nil
}

// Keys lists the API keys of a member, or of everybody when of is "", by when they expire.
func (r *Register) Keys(ctx context.Context, of cpni.ID) ([]KeyInfo, error) {
	rows, err := r.db.Reader().Query(ctx, "SELECT "+keyColumns+" FROM api_key k WHERE $1 = '' OR k.staff_id = $1 ORDER BY k.expires, k.hash", string(of))
	if err != nil {
		return nil, fmt.Errorf("listing API keys: %w", err)
	}
	defer rows.Close()
	var all []KeyInfo
	for rows.Next() {
		var revoked int64
		i, err := scanKey(rows.Scan, &revoked)
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, rows.Err()
}

// ErrUnknownKey: there is no such API key, or it is revoked already.
var ErrUnknownKey = cpni.Rejected("CONFIG", "there is no such API key, or it is revoked already", nil, "list the keys")

// RevokeKey makes an API key worth nothing; id is that of KeyInfo.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) RevokeKey(ctx context.Context, id, by string) error {
	hash, err := hex.DecodeString(id)
	if err != nil || len(hash) != 32 {
		return ErrUnknownKey
	}
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var of, name string
		err := tx.QueryRow(ctx, "UPDATE api_key SET revoked = $1 WHERE hash = $2 AND revoked = 0 RETURNING staff_id, name", r.clock.Now().UnixMicro(), hash).Scan(&of, &name)
		if store.IsNoRow(err) {
			return nil, ErrUnknownKey
		}
		if err != nil {
			return nil, err
		}
		return r.entries(ctx, tx, by, nil, map[string]any{"what": "API key revoked", "for": of, "name": name})
	})
	r.dropKeys()
	return plainly(err)
}

// dropKeys forgets what this node has last seen of keys.
func (r *Register) dropKeys() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drops++
	clear(r.keys)
}
