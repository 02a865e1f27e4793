// Package certificate keeps the annual certificates: for each calendar year a working file that is there from the first day, a statement that is
// written out of what the records show, and the certificate that an officer signs.
//
// The file is nothing but its history read from the beginning. What the statement says comes out of the list of obligations in the policy and
// the numbers that its sources give; nobody writes a claim into it that a source does not support, and what was not kept stands in it. An
// officer is led through what was checked, through what is open and through decisions of the year that are drawn by chance and made again
// before their eyes; what they confirmed, and nothing else, is what they sign.
//
// cite: P-37, P-58, 47 CFR 64.2009(e), 47 CFR 1.17, V107, V108, V109, V110
package certificate

import (
	"context"
	"errors"
	"iter"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// Parts are what a Desk is made of.
type Parts struct {
	DB         *store.DB
	Vault      *vault.Vault
	Ledger     *ledger.Ledger
	Staff      *staff.Register
	Clock      cpni.Clock
	Zone       *time.Location // the carrier's: it decides when a year begins
	Calendars  *workday.Calendars
	Numbers    func(at time.Time) Numbers
	List       *List          // what has to be answered for, and in which words
	Carrier    func() Carrier // who certifies
	Sources    []Source       // what the records show
	Unanswered Unanswered
	// Keepers gives what keeps clauses now.
	Keepers    func(ctx context.Context) (func(clauses []string) Keeping, error)
	Complaints func(ctx context.Context, p Period) (Complaints, error) // that the registers hold of a year
	Known      func(ctx context.Context, p Period) (Known, error)
	// Decisions gives the decisions of a period in the order in which they were recorded.
	Decisions func(ctx context.Context, p Period) iter.Seq2[Sampled, error]
	// Again makes a recorded decision again from its recorded facts.
	Again func(ctx context.Context, customer, entry cpni.ID) (Seen, error)
	// Hush refuses words that speak of what the public must not be told yet; nil: nothing does.
	Hush       func(ctx context.Context, by cpni.ID, texts ...string) error
	Letterhead []string
}

// Numbers are the dated numbers of certificates.
type Numbers struct {
	Month, Day int   // on which it is due, of the year after
	Alarms     []int // days before that on which it is asked for
	Each, Most int   // decisions that are drawn of each sort, and in all
}

// NumbersOf takes the numbers of certificates from a policy.
//
// cite: 47 CFR 64.2009(e)
func NumbersOf(n rules.InForce) Numbers {
	const of = "certificate"
	return Numbers{Month: n.Int(of, "due_month"), Day: n.Int(of, "due_day"), Alarms: n.Ints(of, "alarm_days"), Each: n.Int(of, "sample_each"), Most: n.Int(of, "sample_most")}
}

// Carrier is who certifies.
type Carrier struct {
	Name    string // its legal name
	FilerID string // of FCC Form 499; "" it is not configured
}

// Desk keeps the files.
type Desk struct{ Parts }

// New opens the desk.
func New(p Parts) *Desk { return &Desk{p} }

// ErrNone: there is no such file that whoever asks may know of.
var ErrNone = errors.New("there is no certificate of such a year")

// Codes of refusals and alerts.
const (
	Incomplete   cpni.Code = "INCOMPLETE"
	Contradicted cpni.Code = "STATEMENT_CONTRADICTED"
	WrongState   cpni.Code = "STATE"
	NoFactor     cpni.Code = "SECOND_FACTOR"
	NoReceipt    cpni.Code = "RECEIPT"
	Due          cpni.Code = "CERTIFICATE_DUE"     // it is asked for
	Overdue      cpni.Code = "CERTIFICATE_OVERDUE" // its day is over, and it is not filed
)

var ofCertificate = []string{"47 CFR 64.2009(e)"}

func bad(says string, next ...string) error {
	return cpni.Rejected("BAD_INPUT", says, ofCertificate, next...)
}

func lacks(says string, next ...string) error {
	return cpni.Rejected(Incomplete, says, ofCertificate, next...)
}

func wrongState(says string, next ...string) error {
	return cpni.Rejected(WrongState, says, ofCertificate, next...)
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

// officer gives the officer who acts, and refuses everybody else: who is led through the file is who signs it.
//
// cite: 47 CFR 64.2009(e), V109
func (d *Desk) officer(ctx context.Context, by cpni.ID) (*staff.Member, error) {
	if err := d.admits(ctx, by, staff.KeepRegisters); err != nil {
		return nil, err
	}
	m, _, err := d.Staff.Get(ctx, by)
	if err != nil {
		return nil, err
	}
	if m.Role != cpni.RoleOfficer {
		return nil, cpni.Rejected("ROLE", "an officer of the carrier is led through the file and signs the certificate, and nobody for them", ofCertificate, "have an officer do it")
	}
	return m, nil
}
