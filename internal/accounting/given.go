package accounting

import (
	"context"

	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/register"
)

// Given is what a line tells of something that went to somebody outside, beside who received it and why.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
type Given struct {
	Basis    string         // what it rests on, by its kind, as register names it
	Campaign string         // the title of the campaign of which it was a part; "" none
	Partner  string         // the name of the partner; "" it went to none
	File     *register.File // of what went to a partner: by when it must be destroyed there, and whether it was
}

// given tells of what went outside. nil: nothing did, or there are no registers to ask.
func (b *Book) given(ctx context.Context, row ledger.Row, rec disclose.Record) (*Given, error) {
	if b.Registers == nil || !row.Given() {
		return nil, nil
	}
	d, err := b.Registers.Told(ctx, row, rec)
	if err != nil {
		return nil, err
	}
	g := &Given{Basis: d.Basis.Kind, File: d.File}
	if d.To.Partner != "" {
		g.Partner = d.To.Name
	}
	if d.Campaigned != nil {
		g.Campaign = d.Campaigned.Called()
	}
	return g, nil
}
