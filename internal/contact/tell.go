package contact

import (
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
)

// Tells gives the message that tells a customer something in writing, at the place that they prefer among those where they
// were reached before now: by text, e-mail or post. ok is false when there is no such place.
//
// cite: P-21, P-25, 47 CFR 64.2003(b)
func (d *Desk) Tells(p *customer.Profile, kind string, tokens map[string]string) (m notify.Message, ok bool) {
	now := d.clock.Now()
	for _, s := range d.numbers(now).spots(p, customer.Changed{At: now}, now) {
		if s.place != notify.Old && slices.Contains([]cpni.Via{cpni.Text, cpni.Email, cpni.Postal}, s.via) {
			return notify.Message{Kind: kind, Via: s.via, Place: s.place, To: s.to, Tokens: tokens}, true
		}
	}
	return m, false
}
