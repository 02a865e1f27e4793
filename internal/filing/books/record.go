package books

import (
	"time"

	"ringfence/internal/cpni"
)

// What is what a step tells.
type What string

// The steps.
const (
	Entered   What = "entered"
	Corrected What = "corrected"
)

// Event is one step in the history of a record. Steps are added and never changed; a correction is a new one.
type Event struct {
	N     int       `json:"-"` // 1, 2, …
	At    time.Time `json:"-"`
	What  What      `json:"-"`
	By    string    `json:"-"` // a member's id, or system
	Entry cpni.ID   `json:"-"` // of the ledger
	Act   cpni.ID   `json:"-"` // names what somebody did, so that it is done once when it is sent twice

	Facts  Facts  `json:"facts"` // the whole of them
	Reason string `json:"reason,omitempty"`
	// Held is the SHA-256, in hex, of what is sealed apart of who complained; "" nothing is. It tells nothing of what it says.
	Held string `json:"held,omitempty"`

	From Complainant `json:"-"` // sealed apart
}

// Record is one thing on a register, as its history tells.
type Record struct {
	ID      cpni.ID
	Kind    Kind
	Number  string // by which people call it, such as C-2026-1
	Version int64
	Entered time.Time
	Changed time.Time
	Facts   Facts

	// Of complaints alone. From is empty where nobody said who complained, where the report says it, and of whom is forgotten.
	From      Complainant
	Customer  cpni.ID // who complained, where they are a customer who is known; "" none
	Report    bool    // the customer reported it: under the same id, the report says more
	Forgotten bool    // the customer is forgotten

	History []Event
}

// take adds a step to what the history has told so far.
func (r *Record) take(e Event) {
	if len(r.History) == 0 {
		r.Entered = e.At
	}
	r.History, r.Changed, r.Facts, r.From = append(r.History, e), e.At, e.Facts, e.From
}

// Address is that of the record's page in the console.
func (r *Record) Address() string { return address(r.ID) }

func address(id cpni.ID) string { return "/books/records/" + string(id) }
