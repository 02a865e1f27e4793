package office

import (
	"strings"

	"ringfence/internal/breach/clock"
	"ringfence/internal/filing"
	"ringfence/internal/rules"
)

// openFiling opens the desk of ways to refuse that failed. Who writes its letters is who reports to the agencies.
//
// cite: P-12, 47 CFR 64.2009(f)
func (o *Office) openFiling() {
	c := o.ReportFacts().Carrier
	var contact []string
	for _, line := range []string{c.Contact.Name, c.Contact.Title, c.Contact.Phone, c.Contact.Email, c.Address} {
		if line != "" {
			contact = append(contact, line)
		}
	}
	name := c.LegalName
	if name == "" {
		name = o.Carrier.Name
	}
	if c.Contact.Name == "" || c.Contact.Phone == "" && c.Contact.Email == "" {
		contact = nil // nobody can be asked there
	}
	o.Filing = filing.New(filing.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Staff: o.Staff, Clock: o.Clock, Zone: o.Zone, Calendars: o.calendars,
		Numbers: numbersOf(o.Policy, clock.NumbersOf),
		Steps:   numbersOf(o.Policy, func(n rules.InForce) []int { return n.Ints("opt-out-failure", "letter_reminder_business_days") }),
		Carrier: filing.Carrier{Name: name, Contact: strings.Join(contact, "\n")}})
}
