package vault

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"ringfence/internal/cpni"
)

// Warm keeps the ciphers of customers ready, whose keys it reads in one query and opens on all processors. Of who has none it keeps
// nothing: whoever seals or opens for them hears ErrForgotten.
func (v *Vault) Warm(ctx context.Context, customers []string) error {
	var wanted []string
	drops := uint64(0)
	for i, c := range customers {
		_, ok, d := v.keys.get(nil, cpni.ID(c))
		if i == 0 {
			drops = d
		}
		if !ok {
			wanted = append(wanted, c)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	rows, err := v.db.Reader().Query(ctx, "SELECT customer_id, wrapped FROM customer_key WHERE customer_id IN "+v.db.Listed(1), v.db.List(wanted))
	if err != nil {
		return fmt.Errorf("reading customers' keys: %w", err)
	}
	defer rows.Close()
	var all []wrappedKey
	for rows.Next() {
		var w wrappedKey
		if err := rows.Scan(&w.customer, &w.wrapped); err != nil {
			return fmt.Errorf("reading customers' keys: %w", err)
		}
		all = append(all, w)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("reading customers' keys: %w", err)
	}
	n := max(1, runtime.GOMAXPROCS(0))
	var at sync.WaitGroup
	for w := range n {
		at.Go(func() {
			for i := w; i < len(all); i += n {
				// One that cannot be opened now is read again by who needs it, and they hear why.
				if k, err := v.cipher(ctx, v.db.Reader(), all[i].customer, all[i].wrapped); err == nil {
					v.keys.put(all[i].customer, k, drops)
				}
			}
		})
	}
	at.Wait()
	return nil
}
