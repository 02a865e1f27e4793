package disclose

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// answer makes the answer to a decision that is on record, and releases what it permits against its receipt.
//
// cite: P-41, I-01
func (d *Door) answer(ctx context.Context, g *gathered, p *pending) (*Answer, error) {
	hash := p.receipt.Hash()
	a := &Answer{Entry: p.receipt.Entry(), Customer: g.customerID, At: g.at, Decision: g.decision, Rules: g.rules, Hash: hash[:]}
	if !g.decision.Permit() {
		return a, nil
	}
	if viaChannels(g.facts.Via) {
		a.ToAddress, a.To = g.address, placeOf(&g.facts)
		return a, nil
	}
	if g.request.Unread {
		return a, nil
	}
	var err error
	if a.Released, err = d.release(ctx, g, p); err != nil {
		return nil, fmt.Errorf("the decision %s is on record, but what it permits could not be read: %w", a.Entry, err)
	}
	return a, nil
}

// needs tells what a permitted request will open: nil when nothing is told or shown.
func (d *Door) needs(g *gathered) func(context.Context, store.Querier) (*vault.Fetched, error) {
	if !g.decision.Permit() || g.profile == nil || viaChannels(g.facts.Via) || g.request.Unread {
		return nil
	}
	return d.opens(g)
}

// opens fetches what a request is about.
func (d *Door) opens(g *gathered) func(context.Context, store.Querier) (*vault.Fetched, error) {
	return func(ctx context.Context, q store.Querier) (*vault.Fetched, error) {
		f := vault.Fetch(g.customerID)
		for _, class := range g.facts.Data {
			switch class {
			case cpni.CallDetail:
				for _, l := range g.lines() {
					if err := f.Calls(ctx, q, l.No, g.callMonths(d.Zone)); err != nil {
						return nil, err
					}
				}
			case cpni.Usage, cpni.Service, cpni.Location, cpni.Billing:
				if err := f.Items(ctx, q, class, g.months); err != nil {
					return nil, err
				}
			}
		}
		return f, nil
	}
}

// viaChannels reports whether the information is sent by the channels, which open it when they do.
func viaChannels(via cpni.Via) bool {
	return via == cpni.Postal || via == cpni.Email || via == cpni.Text
}

// lines are the lines that the request is about.
func (g *gathered) lines() []customer.Line {
	if g.request.Line == "" {
		return g.profile.Lines
	}
	return slices.DeleteFunc(slices.Clone(g.profile.Lines), func(l customer.Line) bool { return l.Number != g.request.Line })
}

// callMonths are the months whose calls the request is about: where a caller described one call, that of the call.
func (g *gathered) callMonths(zone *time.Location) []int {
	if g.facts.Basis.Unaided != nil {
		return []int{vault.Month(g.request.Unaided.At, zone)}
	}
	return g.months
}

// release opens what the receipt covers.
func (d *Door) release(ctx context.Context, g *gathered, p *pending) (*Released, error) {
	out := &Released{}
	if g.profile == nil { // what is about nobody, such as a report, opens nothing
		return out, nil
	}
	if p.fetched == nil {
		var err error
		if p.fetched, err = p.needs(ctx, d.DB.Reader()); err != nil {
			return nil, err
		}
	}
	lines := g.lines()
	for _, class := range g.facts.Data {
		switch class {
		case cpni.CallDetail:
			if err := d.releaseCalls(ctx, g, p, lines, out); err != nil {
				return nil, err
			}
		case cpni.Usage, cpni.Service, cpni.Location, cpni.Billing:
			items, err := d.Vault.OpenItems(ctx, p.receipt, p.fetched, class)
			if err != nil {
				return nil, err
			}
			for _, i := range items {
				if !g.limits.item(i, d.Zone) {
					continue
				}
				if i.Line == 0 || slices.ContainsFunc(lines, func(l customer.Line) bool { return l.No == i.Line }) {
					out.Items = append(out.Items, i)
				}
			}
		case cpni.Listing:
			if !p.receipt.Covers(class) {
				return nil, vault.ErrNotCovered
			}
			for _, l := range g.profile.Listings(g.at) {
				if g.request.Line != "" && l.Number != g.request.Line {
					continue
				}
				x := ListedLine{Number: l.Number, Name: l.Name}
				if g.facts.Purpose == cpni.Directory {
					x.Address, x.Heading = l.Address, l.Heading
				}
				out.Lines = append(out.Lines, x)
			}
		}
	}
	return out, nil
}

// releaseCalls opens the calls of lines. Where a caller described one call and nobody was proved, that one alone.
//
// cite: 47 CFR 64.2010(b)(1)(iv)
func (d *Door) releaseCalls(ctx context.Context, g *gathered, p *pending, lines []customer.Line, out *Released) error {
	only := g.facts.Basis.Unaided != nil
	var onlyLine int
	var onlyID uint64
	if only {
		var err error
		if onlyLine, onlyID, err = d.described(ctx, g); err != nil {
			return err
		}
	}
	for _, l := range lines {
		if only && l.No != onlyLine {
			continue
		}
		calls, err := d.Vault.OpenCalls(ctx, p.receipt, p.fetched, l.No, g.callMonths(d.Zone))
		if err != nil {
			return err
		}
		if only {
			calls = slices.DeleteFunc(calls, func(c vault.Call) bool { return c.ID != onlyID })
		}
		calls = slices.DeleteFunc(calls, func(c vault.Call) bool { return !g.limits.call(c) })
		if len(calls) > 0 || l.Removed.IsZero() {
			out.Calls = append(out.Calls, LineCalls{Line: l.Number, Calls: calls})
		}
	}
	return nil
}
