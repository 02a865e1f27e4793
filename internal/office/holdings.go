package office

import (
	"context"
	"time"

	"ringfence/internal/accounting"
	"ringfence/internal/breach"
	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/written"
)

// tellOfHoldings makes what customers are told of what is held about them, ask for in writing, and report.
//
// cite: P-36, P-41
func (o *Office) tellOfHoldings() {
	o.Accounting = accounting.New(accounting.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Policy: o.Policy, Customers: o.Customers, Staff: o.Staff, Clock: o.Clock, Zone: o.Zone, Processes: o.Processes})
	o.Written = written.New(written.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Policy: o.Policy, Customers: o.Customers, Contacts: o.Contacts, Secrets: o.Secrets, Door: o.Door,
		Outbox: o.Outbox, Staff: o.Staff, Clock: o.Clock, Zone: o.Zone})
	o.Complaints = complaint.New(complaint.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Customers: o.Customers, Contacts: o.Contacts, Outbox: o.Outbox, Clock: o.Clock,
		Hush: func(ctx context.Context, by cpni.ID, answer string) error {
			return o.hush(ctx, breach.ReportAnswer, by, time.Time{}, answer)
		}})
}
