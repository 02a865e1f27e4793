package office

import (
	"ringfence/internal/aggregate"
	"ringfence/internal/directory"
)

// giveListings opens what gives listings to publishers, and figures about many.
//
// cite: P-05, P-32, 47 USC 222(c)(3), 47 USC 222(e)
func (o *Office) giveListings() {
	o.Directory = directory.New(directory.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Policy: o.Policy, Customers: o.Customers, Door: o.Door, Clock: o.Clock})
	o.Aggregate = aggregate.New(aggregate.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Policy: o.Policy, Customers: o.Customers, Door: o.Door, Clock: o.Clock, Zone: o.Zone})
}
