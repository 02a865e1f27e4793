package office

import (
	"ringfence/internal/cpni"
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
	if c.Channels[cpni.Voice] != nil {
		o.Contacts.HasSwitch()
	}
	return notify.NewCarrier(notify.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Outbox: o.Outbox, Customers: o.Customers, Clock: o.Clock, Zone: o.Zone,
		Numbers: numbersOf(o.Policy, notify.RulesOf), Channels: c.Channels, Writer: c.Writer,
		Called: o.Contacts.Called,
		Tokens: map[string]string{"carrier": c.Carrier.Name, "phone": c.Carrier.Phone, "email": c.Carrier.Email, "web": c.Carrier.Web, "address": c.Carrier.Address}})
}
