// Package books keeps the registers of which the yearly certificate tells: complaints that somebody without the right had a customer's
// information, what the carrier has done against those who trade in such information, the methods by which they try to get it, and the
// reviews of the companies that are given it. Which sanctions there were stands with discipline, and is told here beside them.
//
// A record is nothing but its history read from the beginning: a correction is a new step beside the old one. What tells who complained
// is sealed apart, for the customer where the customer is known; when they are forgotten that goes, and the record counts as before. A
// count of zero says "none" only of a time for which the registers were kept, so they also hold since when they are.
//
// cite: P-39, P-41, 47 CFR 64.2009(b), 47 CFR 64.2009(e)
package books

import (
	"context"
	"errors"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// Parts are what a Desk is made of.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Staff     *staff.Register
	Customers *customer.Book
	Partners  *partner.Register
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's: it says on which day and in which year something counts
	Numbers   func(at time.Time) Numbers
	// Sanctions tells which sanctions were decided from one moment until before another, the oldest first.
	Sanctions func(ctx context.Context, from, until time.Time) ([]Row, error)
}

// Numbers are those of the policy.
type Numbers struct {
	EveryMonths int // from one review of a partner to the next, at most
	FirstDays   int // until the first review, from when a partner is first known to get anything
}

// Desk keeps the registers.
type Desk struct{ Parts }

// New opens the desk. From then on what tells of a customer who is forgotten goes from the registers in the same transaction.
//
// cite: P-37, I-21
func New(p Parts) *Desk {
	d := &Desk{p}
	p.Customers.WhenForgetting(d.forgetTx)
	return d
}

// ErrNone: there is no such record.
var ErrNone = errors.New("there is no such record in the registers")

// Codes of refusals and alerts.
const (
	Incomplete cpni.Code = "INCOMPLETE"
	WrongState cpni.Code = "STATE"
	ReviewDue  cpni.Code = "SUPPLIER_REVIEW_DUE" // a partner was not reviewed in time, or what a review found is not mended
)

var ofBooks = []string{"47 CFR 64.2009(e)"}

func bad(says string, next ...string) error {
	return cpni.Rejected("BAD_INPUT", says, ofBooks, next...)
}

func lacks(says string, next ...string) error {
	return cpni.Rejected(Incomplete, says, ofBooks, next...)
}

// plainly gives what a person can act on without saying in which transaction it came up.
func plainly(err error) error {
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, ErrNone):
		return ErrNone
	}
	return err
}

// admits refuses whoever has not a right; "" is the system, which has all.
func (d *Desk) admits(ctx context.Context, by cpni.ID, right staff.Right) error {
	if by == "" {
		return nil
	}
	m, _, err := d.Staff.Get(ctx, by)
	if err != nil {
		return err
	}
	if refusal := m.Barred(right); refusal != nil {
		return refusal
	}
	return nil
}

func (d *Desk) today() workday.Date { return workday.DateIn(d.Clock.Now(), d.Zone) }
