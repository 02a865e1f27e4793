package console

import (
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// card is a customer without CPNI: enough to know whom one has before one, and nothing that needs a proof.
//
// cite: P-17
type card struct {
	ID      cpni.ID
	Name    string
	Account string   // its last characters
	Lines   []string // numbers of record, but for their middle
	More    int      // lines that are not shown
	Hidden  bool     // account and lines are not shown: the customer has asked for care
	Since   string
	Chips   []chip
	Address string // of the customer's page
	Records string // address of what is on record, for who may read it
}

// chip is a fact in a few words, with how it is to be taken: good, bad, warn or "".
type chip struct{ Text, Tone string }

// mostLines bounds the lines on a card.
const mostLines = 8

func (v *visit) cardOf(p *customer.Profile) card {
	c := card{ID: p.ID, Name: p.Name, Account: customer.Masked(p.Account), Since: v.day(p.Since), Address: customerAddress(p.ID)}
	for _, l := range p.LiveLines(v.now) {
		if len(c.Lines) == mostLines {
			c.More++
			continue
		}
		c.Lines = append(c.Lines, customer.Masked(l.Number))
	}
	if p.Safety != nil {
		c.Hidden = true
		c.Chips = append(c.Chips, chip{"Handle with care: nothing is said about this customer to anybody but them", "warn"})
	}
	if _, is := p.Disputes(); is {
		c.Chips = append(c.Chips, chip{"Frozen: the customer says that a change was not them", "bad"})
	}
	if !p.Ended.IsZero() {
		c.Chips = append(c.Chips, chip{"Service ended on " + v.day(p.Ended), "warn"})
	}
	if p.Business != nil {
		c.Chips = append(c.Chips, chip{"Business customer", ""})
	}
	if p.Objects() {
		c.Chips = append(c.Chips, chip{"Has refused marketing use", "warn"})
	}
	return c
}

// viewed puts on record that cards are about to be shown.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func (v *visit) viewed(what string, cards ...card) error {
	ids := make([]cpni.ID, len(cards))
	for i, c := range cards {
		ids[i] = c.ID
	}
	return v.office.Viewed(v.r.Context(), v.member.ID, what, ids...)
}

// warned adds to a card what the one who serves the customer should know first.
//
// cite: P-37
func (v *visit) warned(c *card) error {
	at, err := v.office.Alerted(v.r.Context(), c.ID)
	if err == nil && !at.IsZero() {
		c.Chips = append(c.Chips, chip{"Be careful: somebody tries again and again to pass for this customer, last at " + v.clock(at), "bad"})
	}
	return err
}

// onFile names the methods of proof for which the customer has something on file.
func onFile(p *customer.Profile) []string {
	var all []string
	for _, m := range p.OnFile() {
		all = append(all, methodWords[m])
	}
	return all
}
