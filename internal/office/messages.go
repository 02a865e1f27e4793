package office

import (
	"context"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
)

// Carrier is what messages to customers say of who writes them.
//
// cite: P-12, P-27
type Carrier struct {
	Name  string
	Phone string
	Email string
	Web   string
	// Address is where customers reach this server, such as https://account.carrier.example; links in messages begin with it.
	Address string
}

// messages makes the carrier of messages.
func (o *Office) messages(c Config) *notify.Carrier {
	return notify.NewCarrier(notify.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Outbox: o.Outbox, Customers: o.Customers, Clock: o.Clock, Zone: o.Zone,
		Numbers: numbersOf(o.Policy, notify.RulesOf), Channels: c.Channels,
		Still: o.Contacts.Still, Hidden: o.Contacts.Hidden, Instead: o.Contacts.Instead,
		NotMe: func(ctx context.Context, of cpni.ID, m notify.Message) error {
			return o.Contacts.NotMe(ctx, of, m, contact.ByCall)
		},
		Adds: func(_ cpni.ID, m notify.Message, _ *customer.Profile) map[string]string {
			return o.Contacts.Adds(m, c.Carrier.Address)
		},
		Tokens: map[string]string{"carrier": c.Carrier.Name, "phone": c.Carrier.Phone, "email": c.Carrier.Email, "web": c.Carrier.Web, "address": c.Carrier.Address}})
}
