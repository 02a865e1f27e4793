// Package breach keeps the files of incidents, from the first suspicion to the last customer told: what happened, as an append-only
// history; whose information it reached, out of the ledger; what has to be reported to whom and when; the hold within which no customer
// may be told, and the telling after it; and the proof of all of it.
//
// An incident is nothing but its history read from the beginning: a correction is a new fact beside the old one. What is due and what is held
// follows from the history alone (breach/clock), so that a restart, a jump of the clock or another node changes nothing.
//
// cite: P-43, P-44, P-47, P-48, P-49, P-50, P-51, P-52, P-53, 47 CFR 64.2011
package breach

import (
	"context"
	"errors"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/training"
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
	Outbox    *notify.Outbox
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's
	Calendars *workday.Calendars
	// Numbers gives the numbers of both rules as they are known at a moment.
	Numbers func(at time.Time) clock.Numbers
	// Kept gives how many months a file is kept after its last step.
	Kept func(at time.Time) int
	// Speaking are the words by which a text speaks of an incident, as ReadSpeaking gives them.
	Speaking []string
	// Contacts says where a customer can be told.
	Contacts *contact.Desk
	// Try writes what customers are told of an incident in every language and by every way, and says what is wrong with it; nil: nobody does.
	Try func(language string, tokens map[string]string) error
	// Shows writes a message as a customer gets it, without sending anything.
	Shows func(ctx context.Context, of cpni.ID, m notify.Message) (notify.Piece, error)
	// TookPart records as training who took part in a rehearsal that is closed; nil: it is recorded nowhere.
	TookPart func(ctx context.Context, tx *store.Tx, all []training.Exercise, by string) ([]ledger.Entry, error)
	// Letterhead stands above a file that is printed; the first line is the carrier's name.
	Letterhead []string
	// Copied makes the copies of a report that was filed of its draft, where whoever entered the receipt brought none; nil: there are none.
	Copied func(*Incident, *Filing) error
	// Keeps refuses to remove a file that must be kept although its time is over; nil: nothing keeps it.
	Keeps func(ctx context.Context, q store.Querier, id cpni.ID) error
}

// Desk is the breach desk.
type Desk struct {
	Parts
	telling telling
}

// New opens the desk.
func New(p Parts) *Desk { return &Desk{Parts: p, telling: telling{known: map[cpni.ID]known{}}} }

// ErrNone: there is no such incident that whoever asks may know of.
var ErrNone = errors.New("there is no such incident")

// Codes of refusals and alerts.
const (
	Held         cpni.Code = "LE_HOLD"      // customers must not be told yet
	NeedWriting  cpni.Code = "NEED_WRITING" // an agency has spoken and not written
	Backdated    cpni.Code = "BACKDATED"
	BadChannel   cpni.Code = "CHANNEL"
	NoReceipt    cpni.Code = "RECEIPT"
	Incomplete   cpni.Code = "INCOMPLETE"
	Retained     cpni.Code = "RETENTION"
	WrongState   cpni.Code = "STATE"
	Suspected    cpni.Code = "INCIDENT"       // an incident was taken in
	LateToLaw    cpni.Code = "LATE_LE"        // the agencies were told after their day, or are not told yet
	DueToLaw     cpni.Code = "LE_DUE"         // the agencies are to be told
	CustomersDue cpni.Code = "CUSTOMERS_DUE"  // customers may be told, and are not yet
	CustomersLat cpni.Code = "CUSTOMERS_LATE" // customers should have been told
	HoldTried    cpni.Code = "HOLD_TRIED"     // somebody tried to tell customers before they may be told
	StateLaw     cpni.Code = "STATE_LAW"      // another law asks for customers to be told while they must not be
)

// Alerts are the codes of the alerts that tell of incidents: only they see one who may know of incidents.
//
// cite: P-37, P-47, 47 CFR 64.2011(a)
var Alerts = []cpni.Code{Suspected, LateToLaw, DueToLaw, CustomersDue, CustomersLat, HoldTried, StateLaw, NeedWriting, "SUMMARY_DUE", "SUMMARY_LATE"}

func bad(says string, next ...string) error {
	return cpni.Rejected("BAD_INPUT", says, []string{"P-49", "P-52", "47 CFR 64.2011(d)"}, next...)
}

func lacks(says string, cites []string, next ...string) error {
	return cpni.Rejected(Incomplete, says, cites, next...)
}

func wrongState(says string, next ...string) error {
	return cpni.Rejected(WrongState, says, []string{"P-49", "47 CFR 64.2011(d)"}, next...)
}

// held is the answer to what must not be done yet.
func held(code cpni.Code, says string, cites []string, next ...string) *cpni.Refusal {
	return &cpni.Refusal{Outcome: cpni.Hold, Code: code, Says: says, Clauses: cites, Next: next}
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
