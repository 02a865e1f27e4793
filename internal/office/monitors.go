package office

import "ringfence/internal/filing/monitor"

// openMonitors makes what tries each way to refuse. It tries nothing until it is told how, which the server does.
//
// cite: P-12, P-27, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func (o *Office) openMonitors() {
	o.Monitors = monitor.New(monitor.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Customers: o.Customers, Contacts: o.Contacts, Secrets: o.Secrets, Approvals: o.Approvals, Filing: o.Filing,
		Clock: o.Clock, Zone: o.Zone, Numbers: numbersOf(o.Policy, monitor.NumbersOf)})
}
