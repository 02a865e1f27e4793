package contact

import (
	"context"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Pretext is the code of the alert that somebody tries again and again to pass for a customer.
const Pretext cpni.Code = "PRETEXT"

// alerted gives the alert that an attempt raises beside its own entry: none unless it was refused, and is the last of as
// many within a day, or what the policy says, as are too many. It says how many, and nothing of what was tried.
//
// cite: P-16, P-18, P-37, 47 CFR 64.2010(a)
func (d *Desk) alerted(ctx context.Context, tx *store.Tx, e ledger.Entry, now time.Time) ([]ledger.Entry, error) {
	if e.Kind != ledger.Attempt || e.Outcome == cpni.OK {
		return nil, nil
	}
	r := d.numbers(now)
	failed, err := ledger.Failures(ctx, tx, e.Customer, now.Add(-r.AlertWithin))
	if err != nil {
		return nil, err
	}
	if failed++; failed%max(1, r.AlertAttempts) != 0 {
		return nil, nil
	}
	alert, err := d.vault.Entry(ctx, tx, ledger.Entry{Customer: e.Customer, Kind: ledger.Alert, At: now, Actor: e.Actor, Contact: e.Contact, Outcome: cpni.OK, Code: Pretext},
		map[string]string{"what": fmt.Sprintf("%d attempts to pass for the customer have failed within %s", failed, r.AlertWithin)})
	return []ledger.Entry{alert}, err
}
