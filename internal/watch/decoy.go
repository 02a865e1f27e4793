package watch

import (
	"context"
	"fmt"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// decoys notices whoever opens the card of a customer whom nobody has reason to open, or asks about them.
//
// cite: P-37, 47 CFR 64.2010(a)
var decoys = Detector{Name: "decoy", Code: "DECOY", Says: "A customer was opened whom nobody has reason to open.",
	see: func(s *sight, e Event) (*finding, error) {
		since, is := s.decoys[e.Customer]
		if e.Customer == "" || !is || e.At.Before(since) || e.Actor == contact.Customer {
			return nil, nil
		}
		switch {
		case e.Kind == ledger.Lookup && e.Purpose == Card, e.opens(), e.Kind == ledger.Attempt, e.Kind == ledger.Decision:
			f := &finding{Subject: e.Actor + " " + string(e.Customer), Customer: e.Customer, Evidence: []int64{e.Seq}}
			if e.Person != nil {
				f.Member = e.Person.ID
			}
			return f, nil
		}
		return nil, nil
	}}

func decoysIn(ctx context.Context, q store.Querier) (map[cpni.ID]time.Time, error) {
	rows, err := q.Query(ctx, "SELECT customer_id, since FROM watch_decoy")
	if err != nil {
		return nil, fmt.Errorf("reading the decoys: %w", err)
	}
	defer rows.Close()
	all := map[cpni.ID]time.Time{}
	for rows.Next() {
		var id cpni.ID
		var since int64
		if err := rows.Scan(&id, &since); err != nil {
			return nil, fmt.Errorf("reading the decoys: %w", err)
		}
		all[id] = time.UnixMicro(since).UTC()
	}
	return all, rows.Err()
}

// Decoys gives the customers that are decoys, and since when. Nothing else in the program tells them from others.
func (w *Watch) Decoys(ctx context.Context) (map[cpni.ID]time.Time, error) {
	return decoysIn(ctx, w.parts.DB.Reader())
}

// SetDecoy makes a customer a decoy, or one like others again. The record of it is the carrier's own, so that it does not
// stand among those of the customer.
//
// cite: P-37, 47 CFR 64.2010(a)
func (w *Watch) SetDecoy(ctx context.Context, customer cpni.ID, on bool, by string) error {
	if _, _, err := w.parts.Customers.Get(ctx, customer); err != nil {
		return err
	}
	now := w.parts.Clock.Now()
	what, query, args := "decoy set", "INSERT INTO watch_decoy (customer_id, since) VALUES ($1, $2) ON CONFLICT DO NOTHING", []any{string(customer), now.UnixMicro()}
	if !on {
		what, query, args = "decoy taken back", "DELETE FROM watch_decoy WHERE customer_id = $1", []any{string(customer)}
	}
	return w.administer(ctx, by, map[string]string{"what": what, "customer": string(customer)}, query, args...)
}

// administer changes what detectors know, together with its record.
func (w *Watch) administer(ctx context.Context, by string, detail map[string]string, query string, args ...any) error {
	_, err := w.parts.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		r, err := tx.Exec(ctx, query, args...)
		if err != nil {
			return nil, err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return nil, err // it was so already
		}
		e, err := w.parts.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: w.parts.Clock.Now(), Actor: by, Outcome: cpni.OK}, detail)
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return fmt.Errorf("changing what Watch knows: %w", err)
	}
	return nil
}
