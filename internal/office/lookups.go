package office

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// lookUp is what was shown of customers to one person at one moment.
type lookUp struct {
	by        cpni.ID
	what      string // watch.Card, watch.List or watch.Records
	customers []cpni.ID
	at        time.Time
}

// mostLookUps bounds how many look-ups one transaction records.
const mostLookUps = 64

// Viewed puts on record that something of customers is about to be shown to a member of the staff or an integration; what
// is one of watch.Card, watch.List and watch.Records. It returns when the record is durable: what cannot be recorded is
// not shown. Those who look at the same time are recorded together.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func (o *Office) Viewed(ctx context.Context, by cpni.ID, what string, customers ...cpni.ID) error {
	if len(customers) == 0 {
		return nil
	}
	err := o.lookUps.Do(ctx, lookUp{by, what, customers, o.Clock.Now()})
	if err == nil || errors.Is(err, store.ErrClosed) || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w: %w", errUnrecorded, err)
}

var errUnrecorded = cpni.Rejected("AUDIT_DOWN", "that somebody looks cannot be recorded now, so nothing is shown", []string{"P-41", "47 CFR 64.2010(a)"}, "try again in a moment", "tell the operator if it lasts")

// recordLookUps records look-ups in one transaction. Of a customer whose key is destroyed there is nothing to show.
func (o *Office) recordLookUps(ctx context.Context, all []lookUp) []error {
	_, err := o.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var entries []ledger.Entry
		for _, l := range all {
			for _, of := range l.customers {
				e, err := o.Vault.Entry(ctx, tx, ledger.Entry{Customer: of, Kind: ledger.Lookup, At: l.at, Actor: string(l.by), Purpose: l.what, Outcome: cpni.OK}, map[string]string{"what": "looked at"})
				if errors.Is(err, vault.ErrForgotten) {
					continue
				}
				if err != nil {
					return nil, err
				}
				entries = append(entries, e)
			}
		}
		return entries, nil
	})
	errs := make([]error, len(all))
	for i := range errs {
		errs[i] = err
	}
	return errs
}
