// Package filing keeps the files of ways to refuse that failed, and of the letters that the Commission gets about them.
//
// A customer who may refuse the use of their information must be able to. Where a way to refuse did not work, somebody judges whether that
// was more than an anomaly; if it was, the Commission has a letter within five business days, also where every other way worked. A file is
// nothing but its history read from the beginning: a correction is a new step beside the old one. What is due follows from the history, the
// calendar and the numbers of the policy alone.
//
// cite: P-12, 47 CFR 64.2009(f), V55, V56, V57
package filing

import (
	"context"
	"errors"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
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
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's
	Calendars *workday.Calendars
	// Numbers gives the numbers of the rules as they are known at a moment.
	Numbers func(at time.Time) clock.Numbers
	// Steps gives the business days after the judgement on which the letter is asked for.
	Steps func(at time.Time) []int
	// Carrier is who writes the letter.
	Carrier Carrier
}

// Carrier is who writes letters to the Commission.
type Carrier struct {
	Name    string // its legal name
	Contact string // who answers for the carrier, how they are reached; "" it is not known
}

// Desk keeps the files.
type Desk struct{ Parts }

// New opens the desk.
func New(p Parts) *Desk { return &Desk{p} }

// ErrNone: there is no such file that whoever asks may know of.
var ErrNone = errors.New("there is no such file of a failure")

// Codes of refusals and alerts.
const (
	Incomplete cpni.Code = "INCOMPLETE"
	WrongState cpni.Code = "STATE"
	NoReceipt  cpni.Code = "RECEIPT"
	Failed     cpni.Code = "OPTOUT_FAILED"  // a way to refuse did not work, and somebody has to judge it
	Due        cpni.Code = "LETTER_DUE"     // the Commission is to have a letter
	Overdue    cpni.Code = "LETTER_OVERDUE" // the Commission should have had it
)

var ofLetter = []string{"47 CFR 64.2009(f)"}

func bad(says string, next ...string) error {
	return cpni.Rejected("BAD_INPUT", says, ofLetter, next...)
}

func lacks(says string, next ...string) error {
	return cpni.Rejected(Incomplete, says, ofLetter, next...)
}

func wrongState(says string, next ...string) error {
	return cpni.Rejected(WrongState, says, ofLetter, next...)
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
