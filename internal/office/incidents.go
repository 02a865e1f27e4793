package office

import (
	"context"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/rules"
)

// openIncidents opens the breach desk.
//
// cite: P-43, P-44, P-47, 47 CFR 64.2011
func (o *Office) openIncidents(c Config) error {
	speaking, err := ReadIncidentWords(c.Courses)
	if err != nil {
		return err
	}
	o.Incidents = breach.New(breach.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Staff: o.Staff, Customers: o.Customers, Outbox: o.Outbox, Clock: o.Clock, Zone: o.Zone, Calendars: o.calendars,
		Contacts: o.Contacts, Try: o.tryIncident, Shows: o.showIncident, Speaking: speaking,
		Letterhead: o.Letterhead(),
		TookPart:   o.Training.TookPart,
		Numbers:    numbersOf(o.Policy, clock.NumbersOf),
		Copied:     o.copied,
		Kept: numbersOf(o.Policy, func(n rules.InForce) int {
			return max(n.Int("retention", "breach_months"), n.Int("retention", "breach_floor_months"))
		})})
	return nil
}

// tryIncident writes what customers are told of an incident by every way in a language, and says what is wrong with it.
//
// cite: P-47, 47 CFR 64.2011(c)
func (o *Office) tryIncident(language string, tokens map[string]string) error {
	for name, text := range map[string]string{"carrier": o.Carrier.Name, "telephone": o.Carrier.Phone, "short-code": o.Outbox.Number(cpni.NewID())} {
		tokens[name] = text
	}
	for _, via := range []cpni.Via{cpni.Email, cpni.Postal, cpni.Text} {
		if _, err := o.Editions.Write(notify.IncidentNotice, via, language, tokens); err != nil {
			return err
		}
	}
	return nil
}

// showIncident writes a message about an incident as a customer gets it.
func (o *Office) showIncident(ctx context.Context, of cpni.ID, m notify.Message) (notify.Piece, error) {
	if m.At.IsZero() {
		m.At = o.Clock.Now()
	}
	return o.Messages.Shown(ctx, of, m, false)
}

// incidentTokens are those of a message that tells of an incident: its words, in the customer's language.
//
// cite: P-47, 47 CFR 64.2011(c)
func (o *Office) incidentTokens(m notify.Message, language string) map[string]string {
	all, err := o.Incidents.Tokens(context.Background(), m, language)
	if err != nil {
		return nil // the template refuses to be written without its words, and the message is tried again
	}
	return all
}
