package disclose

import (
	"context"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/matter"
	"ringfence/internal/rules"
)

// namedAs are the kinds of matters that a request may name as its case, its ticket or its order. A port is an order.
var (
	cases   = []matter.Kind{matter.Protection}
	tickets = []matter.Kind{matter.Ticket}
	orders  = []matter.Kind{matter.Order, matter.PortIn, matter.PortOut}
)

// findMatters asks the register whether what the request rests on runs, is about this customer, and covers what is asked.
// What the caller says of that counts for nothing. A port that another carrier has asked for is known from the customer's
// profile, where the register has written it, also when the caller does not say so.
//
// cite: P-28, P-30, P-31, P-33, P-34, P-35, 47 USC 222(b), 47 USC 222(c)(1), 47 USC 222(d)
func (d *Door) findMatters(ctx context.Context, g *gathered, b *rules.Basis) error {
	if g.profile != nil && len(g.profile.Ports) > 0 && g.profile.Ported(g.request.Line, g.at, matter.PortBarred(d.Policy.Numbers(g.at))) {
		b.PortOut = true
	}
	if d.Matters == nil {
		return nil
	}
	use := matter.Use{Customer: g.customerID, Purpose: g.facts.Purpose, Data: g.facts.Data, Line: g.request.Line, To: g.to.Kind, Partner: g.partner, At: g.at}
	if g.to.Kind == cpni.ToOtherCarrier {
		use.Carrier = g.to.Name
	}
	find := func(name string, among []matter.Kind) (matter.Finding, error) {
		f, err := d.Matters.Justifies(ctx, name, among, use)
		if err == nil && f.ID != "" {
			g.guards, g.matters = append(g.guards, f.Guard), append(g.matters, f.ID)
		}
		if f.Unfit != matter.Fits {
			b.Unfit = f.Unfit
		}
		return f, err
	}
	for _, named := range []struct {
		is    **rules.Case
		among []matter.Kind
	}{{&b.Case, cases}, {&b.Ticket, tickets}, {&b.Order, orders}} {
		if *named.is == nil {
			continue
		}
		f, err := find((*named.is).ID, named.among)
		if err != nil {
			return err
		}
		*named.is = &rules.Case{ID: (*named.is).ID, Open: f.Unfit == matter.Fits}
	}
	if g.request.Matter == "" {
		return nil
	}
	f, err := find(string(g.request.Matter), matter.Kinds)
	if err != nil {
		return err
	}
	is := &rules.Case{ID: string(g.request.Matter), Open: f.Unfit == matter.Fits}
	switch f.Kind {
	case matter.Protection:
		b.Case = is
	case matter.Ticket:
		b.Ticket = is
	case matter.Collection:
		b.Placement = is
	default:
		b.Order = is
	}
	return nil
}

// worked notes that what a permit rests on is worked on.
func (d *Door) worked(ctx context.Context, g *gathered) error {
	if d.Matters == nil || !g.decision.Permit() {
		return nil
	}
	for _, id := range g.matters {
		if err := d.Matters.Touch(ctx, id, g.at); err != nil {
			return err
		}
	}
	return nil
}

// dropMatters drops what this node has last seen of the matters that a request rests on.
func (d *Door) dropMatters(g *gathered) {
	for _, id := range slices.Compact(g.matters) {
		d.Matters.Drop(id)
	}
}
