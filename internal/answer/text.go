package answer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// Texted takes a text that came from a customer's number. The desk of contacts hears it first: STOP, and "this was not me", are its.
// What is left may be an answer: a no counts for the line's customer, to a yes comes how to give one, and what is about the use of
// information and is not plain is put before a person.
//
// cite: P-12, P-14, 47 CFR 64.2008(c)(3), 47 CFR 64.2008(d)(3)(v)
func (d *Desk) Texted(ctx context.Context, from, to, words string, stop bool, at time.Time) error {
	if err := d.Contacts.Texted(ctx, from, to, words, stop, at); err != nil || stop {
		return err
	}
	number, ok := customer.Number(from)
	if !ok {
		return nil
	}
	found, err := d.Customers.Find(ctx, customer.ByNumber, number)
	if err != nil {
		return fmt.Errorf("looking for who texted: %w", err)
	}
	partners, err := d.Partners(ctx)
	if err != nil {
		return err
	}
	// The message centre may bring the same text twice; the same words of one day are one answer.
	key := number + " " + workday.DateIn(at, d.Zone).String() + " " + plain(cutTo(words, mostJudged))
	s := said{via: approval.ByText, kind: "text", key: key, unnamed: true, at: at.UTC(), wrote: notify.Wrote{Text: words}, raw: []byte(words), verdict: d.Words.Judge(words, partners), version: d.Words.version}
	if v := s.verdict; v.Means == MeansThanks || v.Means == MeansNothing || v.Means == MeansNotPlain && !v.About {
		return nil
	}
	var failed []error
	for _, of := range found {
		_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) { return d.textTx(ctx, tx, of, number, s) })
		if gone(err) {
			continue
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("taking a text with an answer: %w", err))
			continue
		}
		d.done(of)
	}
	return errors.Join(failed...)
}

func (d *Desk) textTx(ctx context.Context, tx *store.Tx, of cpni.ID, number string, s said) ([]ledger.Entry, error) {
	p, _, err := d.Customers.HoldTx(ctx, tx, of)
	if err != nil {
		return nil, err
	}
	a := unasked(s.verdict, p)
	if a.how {
		a.how = false
		// They have just written from there, so it takes texts.
		if l, ok := p.LineOf(number, d.Clock.Now()); ok && l.NoTexts.IsZero() && !l.Frozen && !p.Quiet(customer.Shared.Lines) {
			if err := d.tellHow(ctx, tx, of, []contact.Spot{{Via: cpni.Text, Place: notify.TNOR, To: number}}); err != nil {
				return nil, err
			}
		}
	}
	return d.doTx(ctx, tx, of, s, a)
}
