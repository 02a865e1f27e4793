package customer

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// metaStands says how far where approvals stand has been written of customers from before it was written beside each profile: the last
// customer of whom it was, or all.
const (
	metaStands = "approval.stands"
	allStand   = "all"
	// standSome is how many customers are written in one transaction, so that nobody waits long behind it.
	standSome = 200
)

// Stands reports whether where approvals stand is written of every customer.
func (b *Book) Stands(ctx context.Context) (bool, error) {
	if b.stands.Load() {
		return true, nil
	}
	far, err := b.db.Meta(ctx, metaStands)
	if err != nil {
		return false, err
	}
	b.stands.Store(far == allStand)
	return far == allStand, nil
}

// StandAll writes where approvals stand of every customer from before it was written beside each profile. It goes on where it stopped;
// done on several nodes, or again, it writes the same.
//
// cite: P-14, P-36
func (b *Book) StandAll(ctx context.Context) error {
	for ctx.Err() == nil {
		done, err := b.Stands(ctx)
		if err != nil || done {
			return err
		}
		if err := b.db.Tx(ctx, b.standSomeTx(ctx)); err != nil {
			return fmt.Errorf("writing where approvals stand: %w", err)
		}
	}
	return ctx.Err()
}

func (b *Book) standSomeTx(ctx context.Context) func(tx *store.Tx) error {
	return func(tx *store.Tx) error {
		after := ""
		err := tx.QueryRow(ctx, "SELECT value FROM meta WHERE name = $1", metaStands).Scan(&after)
		if err != nil && !store.IsNoRow(err) || after == allStand {
			return err
		}
		ids, err := idsAfter(ctx, tx, after)
		if err != nil {
			return err
		}
		for _, id := range ids {
			p, _, err := b.hold(ctx, tx, id, " FOR UPDATE")
			if errors.Is(err, ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) || errors.Is(err, vault.ErrSealBroken) {
				continue // nothing of theirs is used by anybody
			}
			if err != nil {
				return err
			}
			if err := standTx(ctx, tx, nil, p); err != nil {
				return err
			}
		}
		far := allStand
		if len(ids) == standSome {
			far = string(ids[len(ids)-1])
		}
		return tx.SetMeta(ctx, metaStands, far)
	}
}

func idsAfter(ctx context.Context, tx *store.Tx, after string) ([]cpni.ID, error) {
	rows, err := tx.Query(ctx, "SELECT customer_id FROM customer WHERE customer_id > $1 ORDER BY customer_id LIMIT $2", after, standSome)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []cpni.ID
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		all = append(all, cpni.ID(id))
	}
	return all, rows.Err()
}
