package office

import (
	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/rules"
)

// openIncidents opens the breach desk.
//
// cite: P-43, P-44, P-47, 47 CFR 64.2011
func (o *Office) openIncidents() {
	o.Incidents = breach.New(breach.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Staff: o.Staff, Customers: o.Customers, Outbox: o.Outbox, Clock: o.Clock, Zone: o.Zone, Calendars: o.calendars,
		Letterhead: o.Letterhead(),
		TookPart:   o.Training.TookPart,
		Numbers:    numbersOf(o.Policy, clock.NumbersOf),
		Kept: numbersOf(o.Policy, func(n rules.InForce) int {
			return max(n.Int("retention", "breach_months"), n.Int("retention", "breach_floor_months"))
		})})
}
