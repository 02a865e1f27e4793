package office

import (
	"context"
	"errors"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/process"
	"ringfence/internal/vault"
	"ringfence/internal/watch"
)

// openProcesses opens the register of legal process, which the door asks what a process covers.
//
// cite: P-29, 47 USC 222(c)(1)
func (o *Office) openProcesses(c Config) {
	var head []string
	for _, line := range []string{o.Carrier.Phone, o.Carrier.Email, o.Carrier.Web} {
		if line != "" {
			head = append(head, line)
		}
	}
	o.Processes = process.New(process.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Policy: o.Policy, Customers: o.Customers, Contacts: o.Contacts, Staff: o.Staff, Door: o.Door, Outbox: o.Outbox,
		Clock: o.Clock, Zone: o.Zone, Carrier: o.Carrier.Name, Head: head})
	o.Door.Processes, o.Door.InlineProcess = o.Processes, c.InlineProcess
}

// HiddenFrom reports whether an entry is about a process of which a member of the staff may not know: it forbids to tell the customer,
// and names those who may. To the others there is no such entry; the ledger has it all the same.
//
// cite: P-29, P-37, 47 CFR 64.2010(a)
func (o *Office) HiddenFrom(ctx context.Context, by cpni.ID, row ledger.Row) (bool, error) {
	if row.Kind != ledger.Decision || row.Purpose != string(cpni.Legal) {
		return false, nil
	}
	plain, err := o.Vault.OpenRecord(ctx, row)
	if err != nil {
		if errors.Is(err, vault.ErrForgotten) {
			err = nil
		}
		return false, err
	}
	r, err := disclose.DecodeRecord(plain)
	if err != nil || r.Facts.Basis.Process == nil || r.Facts.Basis.Process.Filed == nil {
		return false, err
	}
	return o.Processes.Hides(ctx, r.Facts.Basis.Process.ID, by)
}

// HiddenFound is HiddenFrom for what a search of the ledger has found.
//
// cite: P-29, P-37, 47 CFR 64.2010(a)
func (o *Office) HiddenFound(ctx context.Context, by cpni.ID, f watch.Found) (bool, error) {
	if tellsOfIncident(f) {
		return o.hiddenIncident(ctx, by)
	}
	if f.Kind != ledger.Decision || f.Purpose != string(cpni.Legal) {
		return false, nil
	}
	row, err := o.Ledger.Record(ctx, f.Customer, f.ID)
	if err != nil {
		return false, err
	}
	return o.HiddenFrom(ctx, by, row)
}
