package disclose

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/vault"
)

// Newest gives the records of the newest decisions, at most so many, without those of customers who are forgotten.
func (d *Door) Newest(ctx context.Context, most int) ([]Record, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT customer_id, id, sealed FROM record WHERE kind = $1 ORDER BY id DESC LIMIT $2", string(ledger.Decision), most)
	if err != nil {
		return nil, fmt.Errorf("reading the newest decisions: %w", err)
	}
	type sealed struct {
		customer, id cpni.ID
		bytes        []byte
	}
	var found []sealed
	for rows.Next() {
		var s sealed
		if err := rows.Scan(&s.customer, &s.id, &s.bytes); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		found = append(found, s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading the newest decisions: %w", err)
	}
	var all []Record
	for _, s := range found {
		plain, err := d.Vault.OpenState(ctx, s.customer, recordPlace(s.id), s.bytes)
		if errors.Is(err, vault.ErrForgotten) {
			continue
		}
		if err != nil {
			return nil, err
		}
		r, err := DecodeRecord(plain)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}
