package office

import (
	"context"

	"ringfence/internal/aggregate"
	"ringfence/internal/cpni"
	"ringfence/internal/directory"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// giveListings opens what gives listings to publishers, and figures about many.
//
// cite: P-05, P-32, 47 USC 222(c)(3), 47 USC 222(e)
func (o *Office) giveListings() {
	o.Directory = directory.New(directory.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Policy: o.Policy, Customers: o.Customers, Door: o.Door, Clock: o.Clock})
	o.Aggregate = aggregate.New(aggregate.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Policy: o.Policy, Customers: o.Customers, Door: o.Door, Clock: o.Clock, Zone: o.Zone})
}

// heard passes on what has become of a message to whom it concerns.
//
// cite: P-26, P-36, 47 CFR 64.2008(d), 47 USC 222(c)(2)
func (o *Office) heard(ctx context.Context, tx *store.Tx, of cpni.ID, m notify.Message, f notify.Fate) ([]ledger.Entry, error) {
	if m.Kind == notify.DesigneeRecords {
		return o.Written.Unreachable(ctx, tx, of, m, f)
	}
	return o.Notices.Heard(ctx, tx, of, m, f)
}
