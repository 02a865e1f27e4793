// Package clock reckons the clocks of an incident: what is due to whom and when, from which moment customers may be told, and until
// when they have to be. It is a pure function of what is recorded, the dated numbers of the rules of 2007 and of 2023, and the calendars.
//
// What is due is counted on the deadline calendar from the earliest date that the moment has in the carrier's zone or in Washington; what is
// held, on the hold calendar from the latest.
//
// cite: P-43, P-44, P-47, P-48, I-07, 47 CFR 64.2011, 47 CFR 1.4
package clock

import (
	"time"

	"ringfence/internal/workday"
)

// Agency is a place to which a breach is reported.
type Agency string

// The agencies.
const (
	SecretService Agency = "USSS"
	FBI           Agency = "FBI"
	FCC           Agency = "FCC"
)

// Kind is what the rules call an incident.
type Kind string

// The kinds.
const (
	Breach        Kind = "breach"
	RegisterEntry Kind = "register-entry" // no breach under the rule, and kept on the register
	Attempt       Kind = "attempt"        // nothing was seen: an attempt, of which 47 CFR 64.2010(a) wants to know
)

// Outcome is what came of it.
type Outcome string

// The outcomes. What is not known counts as the worst that it may be.
const (
	Attempted Outcome = "attempted"
	Accessed  Outcome = "accessed"
	Used      Outcome = "used"
	Disclosed Outcome = "disclosed"
)

// Truth is a fact that may not be known.
type Truth string

// The truths.
const (
	Yes     Truth = "yes"
	No      Truth = "no"
	Unknown Truth = "unknown"
)

// Encryption is whether what was taken could be read.
type Encryption string

// The states of encryption and its key.
const (
	Plain      Encryption = "none"
	KeyUnknown Encryption = "key-unknown"
	KeySafe    Encryption = "key-safe" // with definitive evidence that the key was not taken
)

// Harm is whether customers are likely to be harmed.
type Harm string

// The findings. Unless it is found unlikely, with a basis, it counts as likely.
const (
	Likely      Harm = "likely"
	Unlikely    Harm = "unlikely"
	HarmUnknown Harm = "unknown"
)

// Facts are what is held of an incident from a moment on.
type Facts struct {
	At          time.Time  `json:"at"` // when it was recorded: what changes counts from then
	Outcome     Outcome    `json:"outcome"`
	Intentional Truth      `json:"intentional"`
	GoodFaith   Truth      `json:"good_faith"` // an employee or agent came upon it in good faith and made nothing of it; what was used or disclosed is not excused by it
	CPNI        bool       `json:"cpni"`       // customer proprietary network information is among it
	Personal    bool       `json:"personal"`   // so is other covered data, which the rule of 2023 adds
	Encryption  Encryption `json:"encryption"`
	Customers   int        `json:"customers"` // how many, as far as is known; 0: that is not known
	Harm        Harm       `json:"harm"`
	Basis       bool       `json:"basis"` // the basis of the finding on harm, and of the count, is on record
}

// Report is what was filed at the central facility, with its receipt.
type Report struct {
	At       time.Time `json:"at"`
	Agencies []Agency  `json:"agencies"` // to which the receipt says it went
	Urgent   bool      `json:"urgent"`   // it says that customers must be told at once to avoid immediate and irreparable harm
}

// Direction is an agency's word that customers must not be told until a day is over.
type Direction struct {
	At      time.Time    `json:"at"`
	Agency  string       `json:"agency"`
	Written bool         `json:"written"`
	Until   workday.Date `json:"until"`            // the last day on which they must not
	Dropped time.Time    `json:"dropped,omitzero"` // of an oral one: when it was found that it will not be confirmed
}

// Lift is an agency's written word that its direction ends.
type Lift struct {
	At     time.Time `json:"at"` // from this moment on
	Agency string    `json:"agency"`
}

// Consultation is what an agency was asked before customers are told at once.
type Consultation struct {
	At     time.Time `json:"at"`
	Agency string    `json:"agency"`
}

// StateLaw is the duty of another law to tell customers by a day.
type StateLaw struct {
	At    time.Time    `json:"at"`
	State string       `json:"state"`
	Law   string       `json:"law"`
	By    workday.Date `json:"by"`
}

// Case is what is recorded of an incident, in the order in which it was.
type Case struct {
	Discovered time.Time `json:"discovered"`
	// Determined is when it was reasonably determined that a breach had happened; zero: it was not yet. Earlier is the day from
	// which others may hold that it was; zero: no earlier day. What is due counts from the earlier of the two.
	Determined time.Time      `json:"determined,omitzero"`
	Earlier    workday.Date   `json:"earlier,omitzero"`
	Facts      []Facts        `json:"facts"` // at least one
	Reports    []Report       `json:"reports,omitempty"`
	Directions []Direction    `json:"directions,omitempty"`
	Lifts      []Lift         `json:"lifts,omitempty"`
	Consulted  []Consultation `json:"consulted,omitempty"`
	StateLaws  []StateLaw     `json:"state_laws,omitempty"`
	Told       time.Time      `json:"told,omitzero"`   // when the last of the customers was told
	Closed     time.Time      `json:"closed,omitzero"` // when the file was closed
	// Summarized is when the summary of a year's small breaches was filed that this one stands in.
	Summarized time.Time `json:"summarized,omitzero"`
}
