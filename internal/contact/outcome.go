package contact

import (
	"context"
	"errors"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Outcome is how a contact ended, in one word. It says nothing about what was asked or told.
type Outcome string

// The outcomes.
const (
	Served      Outcome = "served"
	NotVerified Outcome = "not-verified"
	CalledBack  Outcome = "called-back"
	GaveUp      Outcome = "gave-up"
	Transferred Outcome = "transferred"
	CutOff      Outcome = "cut-off"
	Helped      Outcome = "helped" // an emergency or a caller in distress
)

// Outcomes lists every outcome in the order in which forms show them.
var Outcomes = []Outcome{Served, NotVerified, CalledBack, Transferred, GaveUp, CutOff, Helped}

// End ends a contact: from then on nothing that was proved in it counts.
//
// cite: P-42, I-16
func (d *Desk) End(ctx context.Context, id cpni.ID) error { return d.WrapUp(ctx, id, "") }

// WrapUp ends a contact and records how it ended; "" leaves that open. A contact that has ended stays as it is.
//
// cite: P-42, I-16
func (d *Desk) WrapUp(ctx context.Context, id cpni.ID, how Outcome) error {
	if how != "" && !slices.Contains(Outcomes, how) {
		return badInput("that is no outcome of a contact", "choose one of the list", "P-42")
	}
	s, _, err := d.Get(ctx, id)
	if err != nil {
		return err
	}
	_, err = d.changeAny(ctx, s.Customer, id, func(ctx context.Context, tx *store.Tx, now time.Time, s *State, p *customer.Profile) (ledger.Entry, any, error) {
		if !s.Ended.IsZero() {
			return ledger.Entry{}, nil, errStand
		}
		s.Ended, s.Outcome = now, how
		detail := map[string]string{"what": Ended}
		if how != "" {
			detail["outcome"] = string(how)
		}
		if err := d.voidRing(ctx, tx, s); err != nil {
			return ledger.Entry{}, nil, err
		}
		if s.Code.byLetter() { // it comes later, and is taken in a contact that goes on with this one
			return ledger.Entry{Kind: ledger.Contact, Purpose: Ended, Outcome: cpni.OK}, detail, nil
		}
		return ledger.Entry{Kind: ledger.Contact, Purpose: Ended, Outcome: cpni.OK}, detail, d.voidCode(ctx, tx, s)
	})
	if errors.Is(err, errStand) {
		return nil
	}
	return err
}
