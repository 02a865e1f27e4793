package certificate

import (
	"time"

	"ringfence/internal/cpni"
)

// State is where a file stands.
type State string

// The states.
const (
	Working State = "working" // it is being written
	Signed  State = "signed"  // and waits to be filed
	Filed   State = "filed"
)

// Complaints are complaints of unauthorized release, by the categories that the Commission asks for.
//
// cite: 47 CFR 64.2009(e)
type Complaints struct {
	None       bool   `json:"none,omitempty"` // there were none: that is said, and not left blank
	Employee   int    `json:"employee,omitempty"`
	Disclosure int    `json:"disclosure,omitempty"`
	Online     int    `json:"online,omitempty"`
	Summary    string `json:"summary,omitempty"` // of what they were about, and what came of them
}

func (c Complaints) total() int { return c.Employee + c.Disclosure + c.Online }

// Answer is something that is told, or explicitly none.
type Answer struct {
	None bool   `json:"none,omitempty"`
	Text string `json:"text,omitempty"`
}

func (a Answer) blank() bool { return !a.None && a.Text == "" }

// Fields are what people write into a file. They are always given whole.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.17
type Fields struct {
	Company    string     `json:"company,omitempty"`   // "": that of the configuration
	FilerID    string     `json:"filer_id,omitempty"`  // of Form 499; "": that of the configuration
	Signatory  string     `json:"signatory,omitempty"` // who signs
	Title      string     `json:"title,omitempty"`     // which makes them an officer
	Agent      bool       `json:"agent,omitempty"`     // they act as an agent of the carrier
	Knowledge  bool       `json:"knowledge,omitempty"` // they have personal knowledge that the procedures are adequate
	Truthful   bool       `json:"truthful,omitempty"`  // they know what 47 CFR 1.17 asks of whoever writes to the Commission
	Complaints Complaints `json:"complaints,omitzero"`
	Brokers    Answer     `json:"brokers,omitzero"`    // actions against data brokers
	Pretexting Answer     `json:"pretexting,omitzero"` // what is known of how pretexters go about it
	Steps      string     `json:"steps,omitempty"`     // what is done against them
	// Explained says of each gap, by its id, why it was and what is done about it; a gap that is open must be in it.
	Explained map[string]string `json:"explained,omitempty"`
	Own       string            `json:"own,omitempty"` // more words of the officer's in the statement
}

// What is what a step tells.
type What string

// The steps.
const (
	Amended   What = "amended"
	Taken     What = "walk begun" // the file was frozen for the walk
	Shown     What = "shown"
	Confirmed What = "confirmed"
	SignedIt  What = "signed"
	FiledIt   What = "filed"
	Reopened  What = "reopened"
	Reminded  What = "reminded"
)

// Event is one step in the history of a file. Steps are added and never changed.
//
// cite: 47 CFR 64.2009(e)
type Event struct {
	N     int       `json:"-"` // 1, 2, …
	At    time.Time `json:"-"`
	What  What      `json:"-"`
	By    string    `json:"-"` // a member's id, or system
	Entry cpni.ID   `json:"-"` // of the ledger
	Act   cpni.ID   `json:"-"` // names what somebody did, so that it is done once when it is sent twice

	Fields    *Fields    `json:"fields,omitempty"`    // Amended: the whole of them
	Walk      *Walk      `json:"walk,omitempty"`      // Taken
	Step      string     `json:"step,omitempty"`      // Shown, Confirmed: its id
	Seen      *Seen      `json:"seen,omitempty"`      // Shown
	Remark    string     `json:"remark,omitempty"`    // Confirmed
	Signature *Signature `json:"signature,omitempty"` // SignedIt
	Receipt   *Receipt   `json:"receipt,omitempty"`   // FiledIt
	Reason    string     `json:"reason,omitempty"`    // Reopened, Reminded
	Code      cpni.Code  `json:"code,omitempty"`      // Reminded
	Day       string     `json:"day,omitempty"`       // Reminded: for which day
}

// Signature is that an officer signed the file as they were led through it.
//
// cite: 47 CFR 64.2009(e)
type Signature struct {
	At        time.Time `json:"at"`
	By        cpni.ID   `json:"by"`
	Name      string    `json:"name"`
	Title     string    `json:"title"`
	Hash      string    `json:"hash"` // SHA-256 of the text, in hexadecimal
	Text      int       `json:"text"` // the paper that holds the text
	Pages     int       `json:"pages"`
	FileName  string    `json:"file_name"`
	Gaps      int       `json:"gaps,omitempty"` // that it states
	Amends    bool      `json:"amends,omitempty"`
	Confirmed int       `json:"confirmed"` // steps of the walk
}

// Receipt is that the docket has it.
//
// cite: 47 CFR 64.2009(e)
type Receipt struct {
	At     time.Time `json:"at"`
	Number string    `json:"number"` // the confirmation
	Late   bool      `json:"late,omitempty"`
	Copy   int       `json:"copy,omitempty"` // the paper that proves it; 0: none
}

// File is the file of a year, as its history tells it.
type File struct {
	Year    int
	Version int64 // 0: nobody has written into it
	Changed time.Time
	Fields  Fields
	Walk    *Walk      // nil: none has begun since the file was last written
	Sign    *Signature // nil: it is not signed
	Receipt *Receipt   // nil: the docket does not have it
	// Before are the signatures that were taken back, the oldest first.
	Before  []Signature
	History []Event
}

// State is where the file stands.
func (f *File) State() State {
	switch {
	case f.Receipt != nil:
		return Filed
	case f.Sign != nil:
		return Signed
	}
	return Working
}

// take adds a step to what the history has told so far.
func (f *File) take(e Event) {
	f.History, f.Changed = append(f.History, e), e.At
	switch e.What {
	case Amended:
		f.Fields, f.Walk = *e.Fields, nil // whoever was led through it saw another
	case Taken:
		w := *e.Walk
		w.Began, w.By, w.Steps = e.At, cpni.ID(e.By), append([]Step(nil), w.Steps...)
		f.Walk = &w
	case Shown:
		if s := f.Walk.step(e.Step); s != nil {
			s.Seen = e.Seen
		}
	case Confirmed:
		if s := f.Walk.step(e.Step); s != nil {
			s.Confirmed, s.Remark = e.At, e.Remark
		}
	case SignedIt:
		f.Sign = e.Signature
	case FiledIt:
		f.Receipt = e.Receipt
	case Reopened:
		f.Before = append(f.Before, *f.Sign)
		f.Sign, f.Receipt, f.Walk = nil, nil, nil
	}
}
