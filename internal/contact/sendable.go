package contact

import (
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// Sendable is a place of record to which a code can be sent now.
type Sendable struct {
	To    string // as Proof.SendCode takes it: a number, email or postal
	Via   cpni.Via
	Place string // the number or address itself: only its owner may see it, and not before they have proved themselves
}

// Sendable lists the places to which a code can be sent: numbers of record that nobody else may hold for now, and the
// newest address of record of each kind.
//
// cite: P-20, P-21, 47 CFR 64.2003(b), 47 CFR 64.2003(q)
func (d *Desk) Sendable(p *customer.Profile) []Sendable {
	now := d.clock.Now()
	r := d.numbers(now)
	var all []Sendable
	add := func(to string) {
		if c, _, refusal := d.destination(p, to, r, now); refusal == nil {
			all = append(all, Sendable{to, c.Via, c.Place})
		}
	}
	for _, l := range p.LiveLines(now) {
		add(l.Number)
	}
	add(string(cpni.Email))
	add(string(cpni.Postal))
	return all
}
