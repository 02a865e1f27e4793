package contact

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// keptDays is for how many days, today among them, wrong secrets are told from each other. Then their tags go, and the
// keys with them: of a tag without its key nothing can be learned, by us neither.
const keptDays = 2

// noteTried keeps the tag of a wrong secret, 24 bits of its keyed hash, so that Watch can see when one secret is tried on
// many customers. Right secrets leave none, and the ledger, from which nothing can be taken away, never gets one.
//
// cite: P-37, I-18, 47 CFR 64.2010(a)
func (d *Desk) noteTried(ctx context.Context, tx *store.Tx, s *State, secret string, now time.Time) error {
	day := utcDay(now)
	key, err := d.triedKey(ctx, tx, day)
	if err != nil {
		return err
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(Spoken(secret)))
	sum := m.Sum(nil)
	tag := int(sum[0])<<16 | int(sum[1])<<8 | int(sum[2])
	_, err = tx.Exec(ctx, "INSERT INTO tried (customer_id, contact_id, at, day, tag) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING", string(s.Customer), string(s.ID), now.UnixMicro(), day, tag)
	if err != nil {
		return fmt.Errorf("noting a wrong secret: %w", err)
	}
	return nil
}

func utcDay(at time.Time) int {
	y, m, d := at.UTC().Date()
	return y*10000 + int(m)*100 + d
}

// triedKey gives the key of a day. It is made by chance, not derived, so that it can be destroyed.
func (d *Desk) triedKey(ctx context.Context, tx *store.Tx, day int) ([]byte, error) {
	place := fmt.Sprintf("tried/%d", day)
	for fresh := false; ; fresh = true {
		var sealed []byte
		err := tx.QueryRow(ctx, "SELECT sealed FROM tried_key WHERE day = $1", day).Scan(&sealed)
		if err == nil {
			return d.vault.OpenStateTx(ctx, tx, "", place, sealed)
		}
		if !store.IsNoRow(err) || fresh {
			return nil, fmt.Errorf("reading the day's key for wrong secrets: %w", err)
		}
		key := make([]byte, 32)
		rand.Read(key)
		if sealed, err = d.vault.SealTx(ctx, tx, "", place, key); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO tried_key (day, sealed) VALUES ($1, $2) ON CONFLICT (day) DO NOTHING", day, sealed); err != nil {
			return nil, fmt.Errorf("making the day's key for wrong secrets: %w", err)
		}
	}
}

// mostAlike bounds the tries that Alike gives: the newest.
const mostAlike = 60

// Alike gives on which customers the wrong secret of an attempt was tried since a moment of the same day, that attempt
// among them; nobody when the attempt was none with a wrong secret. The tag names the secret within its day.
//
// cite: P-37, 47 CFR 64.2010(a)
func Alike(ctx context.Context, q store.Querier, customer cpni.ID, in string, at, since time.Time) (tag string, tries []Try, err error) {
	var day, t int
	err = q.QueryRow(ctx, "SELECT day, tag FROM tried WHERE customer_id = $1 AND contact_id = $2 AND at = $3", string(customer), in, at.UnixMicro()).Scan(&day, &t)
	if store.IsNoRow(err) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("reading a wrong secret's tag: %w", err)
	}
	rows, err := q.Query(ctx, "SELECT customer_id, contact_id, at FROM tried WHERE day = $1 AND tag = $2 AND at >= $3 AND at <= $4 ORDER BY at DESC, customer_id LIMIT $5", day, t, since.UnixMicro(), at.UnixMicro(), mostAlike)
	if err != nil {
		return "", nil, fmt.Errorf("comparing wrong secrets: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var y Try
		var us int64
		if err := rows.Scan(&y.Customer, &y.Contact, &us); err != nil {
			return "", nil, fmt.Errorf("comparing wrong secrets: %w", err)
		}
		y.At = time.UnixMicro(us).UTC()
		tries = append(tries, y)
	}
	return fmt.Sprintf("%d %06x", day, t), tries, rows.Err()
}

// Try is one attempt with a wrong secret.
type Try struct {
	Customer cpni.ID
	Contact  string
	At       time.Time
}

// Sweep destroys the tags of wrong secrets that are older than yesterday, and the keys under which they were made.
func (d *Desk) Sweep(ctx context.Context) error {
	before := utcDay(d.clock.Now().AddDate(0, 0, 1-keptDays))
	err := d.db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM tried_key WHERE day < $1", before); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM tried WHERE day < $1", before)
		return err
	})
	if err != nil {
		return fmt.Errorf("removing the tags of wrong secrets: %w", err)
	}
	return nil
}
