package answer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// Replied takes a reply to one of our messages, or the complaint that one was unwanted, within the transaction that keeps what came in.
//
// cite: P-12, P-14, V38, V39, 47 CFR 64.2008(d)(3)(ii)
func (d *Desk) Replied(ctx context.Context, tx *store.Tx, of cpni.ID, m notify.Message, r notify.Report) ([]ledger.Entry, error) {
	if r.Kind != notify.Reply && r.Kind != notify.Complaint {
		return nil, nil
	}
	told, _, err := d.Approvals.Told(ctx, tx, of, m.ID)
	if err != nil {
		return nil, err
	}
	s := d.mailed(notify.Wrote{Text: r.Says}, r.Raw, r.At, told.Names)
	if r.Wrote != nil {
		s = d.mailed(*r.Wrote, r.Raw, r.At, told.Names)
	}
	a := follows(m.Kind, told, r.Kind, s.verdict)
	if notify.IsNotice(m.Kind) {
		s.notice = m.ID
	}
	entries, err := d.doTx(ctx, tx, of, s, a)
	if gone(err) {
		return nil, nil
	}
	return entries, err
}

// mailed is a mail as it was written and read.
func (d *Desk) mailed(w notify.Wrote, raw []byte, at time.Time, partners []string) said {
	text := w.Text
	if own := ownSubject(w.Subject); own != "" {
		text = own + "\n\n" + text
	}
	sum := sha256.Sum256([]byte(w.Subject + "\x00" + w.Text))
	name := w.ID
	if name == "" { // the same words of one day are one answer
		name = workday.DateIn(at, d.Zone).String()
	}
	return said{via: approval.ByEmail, kind: "mail", key: name + " " + hex.EncodeToString(sum[:]), unnamed: w.ID == "", at: at.UTC(), wrote: w, raw: raw, verdict: d.Words.Judge(text, partners), version: d.Words.version}
}

// doTx does what follows from an answer of one customer.
func (d *Desk) doTx(ctx context.Context, tx *store.Tx, of cpni.ID, s said, a act) ([]ledger.Entry, error) {
	all, err := d.objectTx(ctx, tx, of, s, a.object, bySelf)
	if err != nil {
		return nil, err
	}
	if a.how {
		p, _, err := d.Customers.ReadTx(ctx, tx, of)
		if err != nil {
			return nil, err
		}
		if err := d.tellHow(ctx, tx, of, d.Contacts.OfRecord(p, d.Clock.Now(), cpni.Email)); err != nil {
			return nil, err
		}
	}
	if a.read != "" {
		more, err := d.putTx(ctx, tx, of, nil, s, a)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// mostSharing is how many customers may have one address for a refusal to count for all of them.
const mostSharing = 5

// Mail takes a mail to the address for answers that answers no message of ours. Its From names the customer, which is enough for a
// refusal and for nothing else.
//
// cite: P-12, P-14, P-27, 47 CFR 64.2008(c)(3)
func (d *Desk) Mail(ctx context.Context, raw []byte, w notify.Wrote, at time.Time) error {
	if w.Machine {
		return notify.ErrNotOurs
	}
	found, err := d.byEmail(ctx, w.From)
	if err != nil {
		return err
	}
	partners, err := d.Partners(ctx)
	if err != nil {
		return err
	}
	s := d.mailed(w, raw, at, partners)
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if len(found) == 1 {
			entries, err := d.mailTx(ctx, tx, found[0], s)
			if !gone(err) {
				return entries, err
			}
		}
		a := act{read: Nobody}
		if len(found) > 1 {
			a.read = Several
		}
		if s.verdict.Means == MeansNo && len(found) > 0 && len(found) <= mostSharing {
			a.object = named(s.verdict)
		}
		return d.sharedTx(ctx, tx, found, s, a)
	})
	if err != nil {
		return fmt.Errorf("taking a mail with an answer: %w", err)
	}
	d.done(found...)
	return nil
}

// mailTx takes a mail of one customer.
func (d *Desk) mailTx(ctx context.Context, tx *store.Tx, of cpni.ID, s said) ([]ledger.Entry, error) {
	p, _, err := d.Customers.HoldTx(ctx, tx, of)
	if err != nil {
		return nil, err
	}
	return d.doTx(ctx, tx, of, s, unasked(s.verdict, p))
}

// unasked says what follows from a mail or a text that answers no message of ours.
//
// cite: P-12, P-14, 47 CFR 64.2008(c)(3)
func unasked(v Verdict, p *customer.Profile) act {
	switch {
	case v.Means == MeansNo && v.Asks:
		return act{object: named(v), read: Question}
	case v.Means == MeansNo:
		return act{object: named(v)}
	case v.Means == MeansYes:
		return act{how: true}
	case v.Refuses && silent(p):
		return act{object: named(v), read: NotPlain}
	}
	return act{read: NotPlain}
}

// sharedTx takes a mail from an address that several customers have, or none: a plain refusal counts for each of them, and a person
// finds out whose it was.
func (d *Desk) sharedTx(ctx context.Context, tx *store.Tx, found []cpni.ID, s said, a act) (all []ledger.Entry, err error) {
	for _, of := range found {
		entries, err := d.objectTx(ctx, tx, of, s, a.object, bySelf)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	entries, err := d.putTx(ctx, tx, "", found, s, a)
	return append(all, entries...), err
}

// byEmail finds who has an e-mail address on the account now.
func (d *Desk) byEmail(ctx context.Context, from string) ([]cpni.ID, error) {
	if from == "" {
		return nil, nil
	}
	ids, err := d.Customers.Find(ctx, customer.ByEmail, from)
	if err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	var found []cpni.ID
	for _, id := range ids {
		p, _, err := d.Customers.Get(ctx, id)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(p.Email, func(a customer.Address) bool { return a.On(now) && strings.EqualFold(a.Value, from) }) {
			found = append(found, id)
		}
	}
	slices.Sort(found) // two who hold several do it in the same order
	return found, nil
}
