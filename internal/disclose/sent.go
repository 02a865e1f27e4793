package disclose

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
)

// Sent opens what a recorded decision permits to be sent, at the moment at which it goes: the classes, lines and months of
// the decision and nothing else, against the receipt of its record.
//
// cite: P-21, P-41, I-01, 47 CFR 64.2003(b), 47 CFR 64.2010(b)(1)(ii)
func (d *Door) Sent(ctx context.Context, of, entry cpni.ID) (*Released, *customer.Profile, error) {
	receipt, err := d.Ledger.Recall(ctx, of, entry)
	if err != nil {
		return nil, nil, fmt.Errorf("opening what is to be sent: %w", err)
	}
	rec, err := d.Record(ctx, of, entry)
	if err != nil {
		return nil, nil, err
	}
	later := viaChannels(rec.Facts.Via) || rec.Limits != nil // what is released under legal process is handed out in one package
	if !receipt.Permit() || !later || rec.Facts.Basis.Unaided != nil {
		return nil, nil, errNotSent
	}
	g := &gathered{request: Request{Customer: of, Line: rec.Line}, at: receipt.At(), customerID: of, months: rec.Months, limits: rec.Limits, facts: rec.Facts}
	p, _, err := d.Customers.Get(ctx, of)
	if err != nil {
		return nil, nil, err
	}
	then := *p // a line that came after the decision is none of those that it was about
	then.Lines = slices.DeleteFunc(slices.Clone(p.Lines), func(l customer.Line) bool { return l.Since.After(receipt.At()) })
	g.profile = &then
	released, err := d.release(ctx, g, &pending{receipt: receipt, needs: d.opens(g)})
	return released, g.profile, err
}

var errNotSent = errors.New("that record permits nothing to be sent")

// Enclose gives the documents of a letter that brings records: a table for each line and class. Nothing is enclosed in an
// e-mail or a text, which others can read on their way.
//
// cite: P-21, 47 CFR 64.2010(b)(1)(ii), 47 CFR 64.2010(c)
func (d *Door) Enclose(ctx context.Context, of cpni.ID, m notify.Message) ([]notify.Enclosure, error) {
	if m.Kind != notify.Records && m.Kind != notify.DesigneeRecords || m.Via != cpni.Postal {
		return nil, nil
	}
	released, p, err := d.Sent(ctx, of, cpni.ID(m.Tokens["entry"]))
	if err != nil {
		return nil, err
	}
	language := m.Language
	if language == "" {
		language = p.Language
	}
	var all []notify.Enclosure
	for _, s := range Sheets(released, p, d.Zone, language) {
		e, err := s.CSV()
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}
