package breach

import (
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Event is one step in the history of an incident. Steps are added and never changed; a correction is a new one.
//
// cite: P-49, 47 CFR 64.2011(d)
type Event struct {
	N     int       `json:"-"` // 1, 2, …
	At    time.Time `json:"-"` // when it was recorded; in a rehearsal, on the rehearsal's clock
	What  What      `json:"-"`
	By    string    `json:"-"` // a member's id, or system
	Entry cpni.ID   `json:"-"` // of the ledger
	Act   cpni.ID   `json:"-"` // names what somebody did, so that it is done once when it is sent twice; "" of the system

	Reason string `json:"reason,omitempty"`
	Paper  int    `json:"paper,omitempty"` // that came with it; 0: none

	Facts         *Facts         `json:"facts,omitempty"`         // Opened, Corrected: the whole of them
	Determination *Determination `json:"determination,omitempty"` // Determined
	Report        *Report        `json:"report,omitempty"`        // Drafted, Reported
	Direction     *Direction     `json:"direction,omitempty"`     // Directed
	Agency        string         `json:"agency,omitempty"`        // Lifted, Consulted, Dropped, Responded
	Officer       string         `json:"officer,omitempty"`       // of the agency
	Happened      time.Time      `json:"happened,omitzero"`       // Lifted, Consulted, Responded: when, as the carrier knows it
	Text          string         `json:"text,omitempty"`          // Responded, Remarked: what was said; "" of a response: there was none
	State         *StateDuty     `json:"state,omitempty"`         // StateAsked
	Reach         *Reach         `json:"reach,omitempty"`         // Reached: customers put into the set or taken out of it
	Count         int            `json:"count,omitempty"`         // Reached: how many are in the set from here on; Telling, TellOn, ToldByHand, Told: how many customers
	Closing       *Closing       `json:"closing,omitempty"`       // ClosedFile
	Code          cpni.Code      `json:"code,omitempty"`          // Reminded, Refused
	Day           workday.Date   `json:"day,omitzero"`            // Reminded: for which day
	Forward       time.Duration  `json:"forward,omitempty"`       // Advanced: how far a rehearsal's clock was moved
	Hash          string         `json:"hash,omitempty"`          // SHA-256 of the paper, in hexadecimal digits
	Case          string         `json:"case,omitempty"`          // Sanctioned: the finding or case of discipline
	Words         *Words         `json:"words,omitempty"`         // Worded: what customers are told
	Answers       Answers        `json:"answers,omitempty"`       // Answered: what the call centre says, by language
	Of            int            `json:"of,omitempty"`            // WordsAgreed: which words, by their step
	Summed        *Summed        `json:"summary,omitempty"`       // Summarized
}

// What is what a step tells.
type What string

// The steps.
const (
	Opened      What = "opened"
	Corrected   What = "facts corrected"
	Determined  What = "determined"
	Reached     What = "customers reached"
	Drafted     What = "report drafted"
	Reported    What = "report filed"
	Directed    What = "direction of an agency"
	Dropped     What = "oral direction not confirmed"
	Lifted      What = "direction lifted"
	Consulted   What = "agency consulted"
	Responded   What = "answer of an agency"
	StateAsked  What = "duty under another law"
	Telling     What = "telling began"
	TellPaused  What = "telling paused"
	TellOn      What = "telling goes on"
	ToldByHand  What = "told otherwise"
	Told        What = "telling ended"
	Worded      What = "words for customers"
	WordsAgreed What = "words agreed to"
	Answered    What = "answers for the call centre"
	Refused     What = "telling refused"
	Reminded    What = "reminded"
	Remarked    What = "remark"
	Attached    What = "paper attached"
	Sanctioned  What = "sanction case"
	ClosedFile  What = "closed"
	Reopened    What = "opened again"
	Advanced    What = "rehearsal moved on"
	Summarized  What = "summary of the year filed"
)

// Facts are what is held of an incident. They are always given whole: a correction repeats what has not changed.
//
// cite: P-43, P-50, P-52, 47 CFR 64.2011(d), 47 CFR 64.2011(e)
type Facts struct {
	Title string `json:"title"` // a few words that name it; never a customer's
	What  string `json:"what"`  // what happened, and under which circumstances
	How   string `json:"how,omitempty"`

	Discovered   time.Time    `json:"discovered"`
	DiscoveredBy string       `json:"discovered_by"` // a member's id, or in words
	From         workday.Date `json:"from,omitzero"` // the first and the last day on which it happened, as far as is known
	Until        workday.Date `json:"until,omitzero"`
	Source       string       `json:"source,omitempty"` // from where it was learned: an alert's, case's or contact's id, or in words

	Data     []cpni.DataClass `json:"data,omitempty"`
	Personal []string         `json:"personal,omitempty"` // other covered data, in words

	Outcome     clock.Outcome    `json:"outcome"`
	Intentional clock.Truth      `json:"intentional"`
	GoodFaith   clock.Truth      `json:"good_faith"`
	Encryption  clock.Encryption `json:"encryption"`
	Harm        clock.Harm       `json:"harm"`
	Basis       string           `json:"basis,omitempty"` // of the findings on intent, harm and count

	Customers    int    `json:"customers"`               // how many, as far as is known; never below the set
	CarrierLoss  *int64 `json:"carrier_loss,omitempty"`  // estimated, in cents; nil: not known
	CustomerLoss *int64 `json:"customer_loss,omitempty"` // likewise
}

// Determination is that it was reasonably determined what happened.
//
// cite: P-44, 47 CFR 64.2011(b)
type Determination struct {
	At time.Time `json:"at"`
	// Earlier is the day from which others may hold that it was determined; zero: no earlier day. What is due counts from it.
	Earlier workday.Date `json:"earlier,omitzero"`
	Basis   string       `json:"basis,omitempty"`
}

// Report is what goes to the agencies through the central facility.
//
// cite: P-45, P-51, 47 CFR 64.2011(b)
type Report struct {
	Form     string            `json:"form"`             // and its version
	Fields   map[string]string `json:"fields,omitempty"` // what a person wrote over the draft
	At       time.Time         `json:"at,omitzero"`      // when it was filed; zero of a draft
	Receipt  string            `json:"receipt,omitempty"`
	Agencies []clock.Agency    `json:"agencies,omitempty"`
	Urgent   bool              `json:"urgent,omitempty"`
	// Supplements is the number of the report that it adds to; 0: none.
	Supplements int    `json:"supplements,omitempty"`
	Copy        int    `json:"copy,omitempty"`      // the paper that holds the copy of what was filed
	CopyHash    string `json:"copy_hash,omitempty"` // SHA-256 of it
	Pages       int    `json:"pages,omitempty"`     // the paper that holds it as PDF
}

// Direction is an agency's word that customers must not be told.
//
// cite: P-48, 47 CFR 64.2011(b)(3)
type Direction struct {
	Agency  string       `json:"agency"`
	Officer string       `json:"officer"`
	Written bool         `json:"written"`
	Given   time.Time    `json:"given"` // when the agency gave it
	Until   workday.Date `json:"until"` // the last day on which they must not be told
}

// StateDuty is what another law asks for.
//
// cite: V22, 47 CFR 64.2011(b)(1)
type StateDuty struct {
	State string       `json:"state"`
	Law   string       `json:"law"`
	By    workday.Date `json:"by"`
}

// Reach is how the set of customers changed.
//
// cite: P-52, 47 CFR 64.2011(d)
type Reach struct {
	By      string `json:"by"`              // trace or hand
	Trace   string `json:"trace,omitempty"` // of a trace: whose touch was looked for, in words
	Added   int    `json:"added"`
	Removed int    `json:"removed"`

	Traced *Traced `json:"traced,omitempty"` // of a trace
}

// Closing is what the file says at its end.
//
// cite: P-43, P-53, 47 CFR 64.2011(d)
type Closing struct {
	Cause   string `json:"cause"`
	Remedy  string `json:"remedy"`
	Lessons string `json:"lessons"`
	// NoSanction says why nobody was disciplined; "" there is a case, or nobody of ours was in it.
	NoSanction string `json:"no_sanction,omitempty"`
}
