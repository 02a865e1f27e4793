package watch

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Remake throws the index and the counts away and has them made again of the records; Step does that, a batch at a time.
// Alerts and cases stay, and nothing that was looked at raises one again. Of a customer who was forgotten the records say
// no longer which rules decided, so their decisions are missing from the counts of rules.
func (w *Watch) Remake(ctx context.Context) error {
	return w.parts.DB.Tx(ctx, func(tx *store.Tx) error {
		for _, table := range []string{"watch_entry", "watch_count", "watch_habit", "watch_due"} {
			if _, err := tx.Exec(ctx, "DELETE FROM "+table); err != nil {
				return fmt.Errorf("emptying the index: %w", err)
			}
		}
		var head int64
		if err := tx.QueryRow(ctx, "SELECT coalesce(max(first_seq + count), 0) FROM ledger_span").Scan(&head); err != nil {
			return fmt.Errorf("reading the size of the tree: %w", err)
		}
		return tx.SetMeta(ctx, positionName, position{next: head, remake: true}.String())
	})
}

// remakeSome takes up one batch of records, in their own order.
func (w *Watch) remakeSome(ctx context.Context, p position) (more bool, err error) {
	type placed struct {
		ledger.Entry
		seq int64
	}
	var rows []placed
	next := p
	err = w.parts.Ledger.EachPlaced(ctx, p.of, p.id, p.next, batch, func(r ledger.Row, seq int64) error {
		next.of, next.id = r.Customer, r.ID
		if r.Kind == ledger.Decision {
			plain, err := w.parts.Vault.OpenRecord(ctx, r)
			switch {
			case errors.Is(err, vault.ErrForgotten):
			case err != nil:
				return err
			default:
				d, err := disclose.DecodeRecord(plain)
				if err != nil {
					return err
				}
				r.Decided = d.Decision.Rules
			}
		}
		rows = append(rows, placed{r.Entry, seq})
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("making the index again: %w", err)
	}
	if len(rows) < batch {
		next = position{next: p.next}
	}
	return true, w.parts.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := move(ctx, tx, p, next); err != nil {
			return err
		}
		c := counts{}
		for _, r := range rows {
			if err := index(ctx, tx, r.Entry, r.seq); err != nil {
				return err
			}
			c.add(w.day(r.At), r.Entry)
		}
		if err := c.write(ctx, tx); err != nil {
			return err
		}
		if next.remake {
			return nil
		}
		// How many customers each person worked on is counted when all is there.
		days, err := w.habits(ctx, tx)
		if err != nil {
			return err
		}
		for h, n := range days {
			if err := setHabit(ctx, tx, h.actor, h.day, n); err != nil {
				return err
			}
		}
		return nil
	})
}
