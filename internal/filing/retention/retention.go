// Package retention says how long each kind of record is kept, and has what is past its time erased by two people.
//
// A kind of record has a term: the floor that the rule sets, below which nobody can go; the months that the carrier keeps to; and,
// where one is sensible, a most after which somebody is asked why it is still there. What is to go is first a plan that anybody who
// reads records can look at. One person proposes it, another agrees to exactly that, and it is carried out in pieces, each with its
// entry in the ledger. A legal hold keeps what it covers for as long as it is in force.
//
// A customer's key is destroyed when nothing of theirs must be kept. What has a floor must stay readable until its time is over, so it
// holds the key back; what has none does not.
//
// cite: P-41, P-49, P-54, I-21, I-22, 47 CFR 64.2007(a)(3), 47 CFR 64.2008(a)(2), 47 CFR 64.2009(c), 47 CFR 64.2009(d), 47 CFR 64.2011(d)
package retention

import (
	"context"
	"errors"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what a Desk is made of.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Staff     *staff.Register
	Customers *customer.Book
	Incidents *breach.Desk
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's: it decides days
	// Numbers gives the numbers of the policy as they are in force at a moment.
	Numbers func(at time.Time) rules.InForce
	// Life is for how long somebody can agree to a plan of a moment.
	Life func(at time.Time) time.Duration
}

// Desk keeps the terms, the holds and the plans.
type Desk struct{ Parts }

// New opens the desk.
func New(p Parts) *Desk { return &Desk{p} }

// ErrNone: there is no such hold or plan.
var ErrNone = errors.New("there is no such hold or plan")

// Codes of refusals and alerts.
const (
	Retained cpni.Code = "RETENTION"
	Over     cpni.Code = "RETENTION_OVER" // something is older than the policy keeps such a thing at most
)

var cited = []string{"P-41", "P-54", "47 CFR 64.2009(c)", "47 CFR 64.2011(d)"}

func bad(says string, next ...string) error {
	return cpni.Rejected("BAD_INPUT", says, cited, next...)
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

// admits refuses whoever has not a right.
func (d *Desk) admits(ctx context.Context, by cpni.ID, right staff.Right) error {
	m, _, err := d.Staff.Get(ctx, by)
	if err != nil {
		return err
	}
	if refusal := m.Barred(right); refusal != nil {
		return refusal
	}
	return nil
}
