package filing

import (
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// State is where a file stands.
type State string

// The states.
const (
	Open     State = "open"      // not judged yet, or the letter is not sent
	Filed    State = "filed"     // the Commission has the letter
	NoLetter State = "no-letter" // it was judged to be an anomaly
)

// Facts are what is held of a failure. They are always given whole: a correction repeats what has not changed.
//
// cite: 47 CFR 64.2009(f)
type Facts struct {
	Mechanism string       `json:"mechanism"`         // which way to refuse did not work
	What      string       `json:"what"`              // the problem: what customers experienced, and why
	Found     time.Time    `json:"found"`             // when somebody first knew of it
	First     workday.Date `json:"first,omitzero"`    // the first day on which it did not work, as far as is known
	Affected  int          `json:"affected"`          // customers who could not refuse; 0: not known
	Remedy    string       `json:"remedy,omitempty"`  // what is done about it
	Remedied  workday.Date `json:"remedied,omitzero"` // the day on which that is done, or will be
	// States says whether state commissions were notified, States Yes: Commissions which ones, and Action what they did.
	States      clock.Truth `json:"states,omitempty"`
	Commissions string      `json:"commissions,omitempty"`
	Action      string      `json:"action,omitempty"`
	Notice      string      `json:"notice,omitempty"`  // the words of the notice that customers got, or that and why they got none
	Contact     string      `json:"contact,omitempty"` // of the carrier, for this letter; "": that of the configuration
}

// Judgement is what a failure was judged to be.
//
// cite: 47 CFR 64.2009(f)
type Judgement struct {
	At      time.Time `json:"at"`
	Anomaly bool      `json:"anomaly"` // it was no more than one: no letter is due
	Basis   string    `json:"basis,omitempty"`
}

// Letter is that the letter was sent to the Commission.
//
// cite: 47 CFR 64.2009(f)
type Letter struct {
	At    time.Time `json:"at"`
	Proof string    `json:"proof"` // the confirmation of the filing, or the number of the registered letter
	Late  bool      `json:"late,omitempty"`
	Text  int       `json:"text"`           // the paper that holds the letter as it was drafted
	Scan  int       `json:"scan,omitempty"` // the paper that proves it; 0: none
}

// What is what a step tells.
type What string

// The steps.
const (
	Opened    What = "opened"
	Corrected What = "facts corrected"
	Judged    What = "judged"
	Sent      What = "letter filed"
	Reminded  What = "reminded"
)

// Event is one step in the history of a file. Steps are added and never changed; a correction is a new one.
//
// cite: 47 CFR 64.2009(f)
type Event struct {
	N     int       `json:"-"` // 1, 2, …
	At    time.Time `json:"-"`
	What  What      `json:"-"`
	By    string    `json:"-"` // a member's id, or system
	Entry cpni.ID   `json:"-"` // of the ledger
	Act   cpni.ID   `json:"-"` // names what somebody did, so that it is done once when it is sent twice

	Reason    string       `json:"reason,omitempty"`
	Facts     *Facts       `json:"facts,omitempty"` // Opened, Corrected: the whole of them
	Judgement *Judgement   `json:"judgement,omitempty"`
	Letter    *Letter      `json:"letter,omitempty"`
	Code      cpni.Code    `json:"code,omitempty"` // Reminded
	Day       workday.Date `json:"day,omitzero"`   // Reminded: for which day
}

// Failure is a way to refuse that did not work, as its history tells.
type Failure struct {
	ID      cpni.ID
	Number  string // by which people call it, such as O-2026-1
	Version int64
	Opened  time.Time
	Changed time.Time
	Facts   Facts
	Judged  *Judgement // nil: it is not judged yet
	Letter  *Letter    // nil: the Commission has none
	History []Event
}

// Anomaly says whether it was judged to be no more than an anomaly.
func (f *Failure) Anomaly() clock.Truth {
	switch {
	case f.Judged == nil:
		return clock.Unknown
	case f.Judged.Anomaly:
		return clock.Yes
	}
	return clock.No
}

// State is where the file stands.
func (f *Failure) State() State {
	switch {
	case f.Letter != nil:
		return Filed
	case f.Anomaly() == clock.Yes:
		return NoLetter
	}
	return Open
}

// take adds a step to what the history has told so far.
func (f *Failure) take(e Event) {
	f.History, f.Changed = append(f.History, e), e.At
	switch e.What {
	case Opened:
		f.Opened, f.Facts = e.At, *e.Facts
	case Corrected:
		f.Facts = *e.Facts
	case Judged:
		f.Judged = e.Judgement
	case Sent:
		f.Letter = e.Letter
	}
}
