package office

import (
	"context"
	"time"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/register"
	"ringfence/internal/store"
	"ringfence/internal/watch"
)

// openRegisters opens the registers of campaigns, of disclosures and of legal process.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func (o *Office) openRegisters() {
	o.Registers = register.New(register.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Policy: o.Policy, Partners: o.Partners, Clock: o.Clock, Zone: o.Zone})
}

// Letterhead is what stands above a register that is printed.
func (o *Office) Letterhead() register.Sender {
	var all register.Sender
	for _, line := range []string{o.Carrier.Name, o.Carrier.Phone, o.Carrier.Email, o.Carrier.Web} {
		if line != "" {
			all = append(all, line)
		}
	}
	return all
}

// OneDisclosure gives a line of the register of disclosures, and puts on record that somebody looks at what is on record about its
// customer.
//
// cite: P-37, P-41, 47 CFR 64.2009(c)
func (o *Office) OneDisclosure(ctx context.Context, by, customer, entry cpni.ID) (register.Disclosure, error) {
	d, err := o.Registers.One(ctx, by, customer, entry)
	if err != nil {
		return d, err
	}
	if customer != "" && !d.Unreadable {
		if err := o.Viewed(ctx, by, watch.Records, customer); err != nil {
			return register.Disclosure{}, err
		}
	}
	return d, o.Registers.Look(ctx, by, register.Disclosures, register.Query{Customer: customer}, "", 0)
}

// ProposeDestroy proposes to destroy what is on the register of disclosures from before a moment, which must be over.
//
// cite: P-41, I-22, 47 CFR 64.2009(c)
func (o *Office) ProposeDestroy(ctx context.Context, id cpni.ID, before time.Time, by cpni.ID) (*countersign.Proposal, error) {
	a, err := o.Registers.Proposes(ctx, before)
	if err != nil {
		return nil, err
	}
	return o.Proposals.Propose(ctx, id, countersign.Destroy, a, by)
}

func (o *Office) holdsDestroy(ctx context.Context, a register.DestroyAct) error {
	return o.Registers.Holds(ctx, a)
}

func (o *Office) doDestroy(ctx context.Context, tx *store.Tx, a register.DestroyAct, by string) ([]ledger.Entry, func(context.Context) error, error) {
	entries, err := o.Registers.Destroy(ctx, tx, a, by)
	return entries, func(context.Context) error { return nil }, err
}
