package office

import (
	"time"

	"ringfence/internal/contact"
)

// contactRules are the numbers in force of contacts and proofs, with what is the carrier's own affair.
//
// cite: P-21, 47 CFR 64.2010(h)
func (o *Office) contactRules(zone *time.Location) func(time.Time) contact.Rules {
	dated := numbersOf(o.Policy, contact.RulesOf)
	return func(at time.Time) contact.Rules {
		r := dated(at)
		r.Zone, r.CMRS = zone, o.Door != nil && o.Door.CMRS
		return r
	}
}
