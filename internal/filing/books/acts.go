package books

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// Intake is a record as somebody enters it.
type Intake struct {
	ID    cpni.ID // names it; sent twice it is entered once. "" a fresh one
	By    cpni.ID
	Facts Facts
	// Of a complaint alone: who complained, and as which customer, where that is known.
	From     Complainant
	Customer cpni.ID
}

var errNoFacts = bad("it is not said what is entered", "give a complaint, an action, a method or a review")

// Enter enters a record.
//
// cite: P-37, P-41, 47 CFR 64.2009(e)
func (d *Desk) Enter(ctx context.Context, in Intake) (*Record, error) {
	if err := d.admits(ctx, in.By, staff.KeepRegisters); err != nil {
		return nil, err
	}
	if in.ID == "" {
		in.ID = cpni.NewTimedID(d.Clock.Now())
	}
	if !in.ID.Valid() {
		return nil, bad("the record has no id", "begin again")
	}
	if err := d.sound(ctx, &in.Facts, &in.From); err != nil {
		return nil, err
	}
	switch {
	case in.Facts.Complaint == nil && (in.Customer != "" || !in.From.empty()):
		return nil, bad("only a complaint is somebody's", "leave out who complained")
	case in.Facts.Complaint != nil && in.Facts.Complaint.Source == FromReport:
		return nil, bad("what a customer reports here is entered by itself", "say where else the complaint comes from")
	}
	var r *Record
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		r, entries, err = d.insert(ctx, tx, in, false)
		return entries, err
	})
	switch {
	case errors.Is(err, errDone):
		return d.read(ctx, d.DB.Reader(), d.Vault.OpenState, in.ID, "")
	case errors.Is(err, vault.ErrForgotten):
		return nil, bad("there is no such customer", "leave the customer out where they are not known")
	}
	return r, plainly(err)
}

// sound brings facts to their form, or says what is wrong with them.
func (d *Desk) sound(ctx context.Context, f *Facts, from *Complainant) error {
	x := f.one()
	if x == nil {
		return errNoFacts
	}
	return plainly(errors.Join(x.check(d, d.today()), from.check(), d.known(ctx, *f)))
}

// Correct puts new facts beside those that are held, with the reason: another category, what was found, what was done, what came of it.
//
// cite: P-41, 47 CFR 64.2009(e)
func (d *Desk) Correct(ctx context.Context, id cpni.ID, a filing.Act, facts Facts, from Complainant, reason string) (*Record, error) {
	reason = strings.TrimSpace(reason)
	if err := d.admits(ctx, a.By, staff.KeepRegisters); err != nil {
		return nil, err
	}
	if err := d.sound(ctx, &facts, &from); err != nil {
		return nil, err
	}
	return d.change(ctx, id, a, func(m *moved) error {
		switch was := m.r.Facts; {
		case facts.Kind() != m.r.Kind:
			return bad("the record stands on another register", "enter it there")
		case reason == "" || len(reason) > longestText:
			return lacks("it is not said why the record is corrected", "write in a sentence what has become known")
		case was.Review != nil && was.Review.Partner != facts.Review.Partner:
			return bad("the review was of another partner", "enter a review of this partner")
		case was.Complaint == nil:
		case m.r.Report && (facts.Complaint.Source != FromReport || facts.Complaint.Received != was.Complaint.Received):
			return errReport
		case !m.r.Report && facts.Complaint.Source == FromReport:
			return bad("no customer reported this here", "say where the complaint comes from")
		}
		return m.note(Corrected, Event{Facts: facts, From: from, Reason: reason})
	})
}

// TakeReport enters a complaint that a customer reports, in the transaction in which the report is kept and under its id. By it the
// complaint counts for its year also when the customer is forgotten, and the report with them.
//
// cite: P-41, I-21, 47 CFR 64.2009(e)
func (d *Desk) TakeReport(ctx context.Context, tx *store.Tx, c *complaint.Complaint) ([]ledger.Entry, error) {
	_, entries, err := d.insert(ctx, tx, Intake{ID: c.ID, By: c.Taken, Customer: c.Customer, Facts: reported(c.Category, workday.DateIn(c.At, d.Zone))}, true)
	if errors.Is(err, errDone) {
		return nil, nil
	}
	return entries, err
}

// adopt enters reports that were kept before there was this register.
func (d *Desk) adopt(ctx context.Context) error {
	rows, err := d.DB.Reader().Query(ctx, "SELECT c.customer_id, c.complaint_id, c.category, c.at FROM complaint c WHERE NOT EXISTS (SELECT 1 FROM book_record b WHERE b.record_id = c.complaint_id) ORDER BY c.at LIMIT 500")
	if err != nil {
		return fmt.Errorf("looking for reports: %w", err)
	}
	defer rows.Close()
	var all []*complaint.Complaint
	for rows.Next() {
		c, at := &complaint.Complaint{}, int64(0)
		if err := rows.Scan(&c.Customer, &c.ID, &c.Category, &at); err != nil {
			return fmt.Errorf("looking for reports: %w", err)
		}
		c.At = moment(at)
		all = append(all, c)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("looking for reports: %w", err)
	}
	var failed []error
	for _, c := range all {
		_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			var there int // not when the customer was forgotten meanwhile
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM complaint WHERE customer_id = $1 AND complaint_id = $2", string(c.Customer), string(c.ID)).Scan(&there); err != nil || there == 0 {
				return nil, err
			}
			return d.TakeReport(ctx, tx, c)
		})
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
