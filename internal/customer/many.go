package customer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"ringfence/internal/cpni"
	"ringfence/internal/vault"
)

// Read is a customer as ReadMany found them.
type Read struct {
	ID      cpni.ID
	Version int64    // as in a store.Guard
	Profile *Profile // nil: Err says why
	// Err is vault.ErrForgotten, or what keeps the profile from being read; the others are read all the same.
	Err error
}

// ReadMany gives customers as they stand, in the order of ids; those who are not there are left out. It asks the database twice,
// however many they are, and opens what is sealed on all processors. What it reads is not kept.
func (b *Book) ReadMany(ctx context.Context, ids []cpni.ID) ([]Read, error) {
	names := make([]string, len(ids))
	at := make(map[cpni.ID]int, len(ids))
	for i, id := range ids {
		names[i], at[id] = string(id), i
	}
	rows, err := b.db.Reader().Query(ctx, "SELECT customer_id, version, sealed FROM customer WHERE customer_id IN "+b.db.Listed(1), b.db.List(names))
	if err != nil {
		return nil, fmt.Errorf("reading customers: %w", err)
	}
	defer rows.Close()
	found, sealed := make([]Read, len(ids)), make([][]byte, len(ids))
	for rows.Next() {
		var r Read
		var s []byte
		if err := rows.Scan(&r.ID, &r.Version, &s); err != nil {
			return nil, fmt.Errorf("reading customers: %w", err)
		}
		found[at[r.ID]], sealed[at[r.ID]] = r, s
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading customers: %w", err)
	}
	if err := b.vault.Warm(ctx, names); err != nil {
		return nil, err
	}
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < len(found); i += workers {
				if sealed[i] != nil {
					found[i].Profile, found[i].Err = b.openOne(ctx, found[i].ID, sealed[i])
				}
			}
		})
	}
	all.Wait()
	there := found[:0]
	for _, r := range found {
		if r.ID != "" {
			there = append(there, r)
		}
	}
	return there, nil
}

var workers = max(1, runtime.GOMAXPROCS(0))

func (b *Book) openOne(ctx context.Context, id cpni.ID, sealed []byte) (*Profile, error) {
	plain, err := b.vault.OpenState(ctx, id, place, sealed)
	if err != nil {
		return nil, err
	}
	p := &Profile{}
	if err := json.Unmarshal(plain, p); err != nil {
		return nil, fmt.Errorf("reading a customer: %w", errors.Join(err, vault.ErrSealBroken))
	}
	return p, nil
}
