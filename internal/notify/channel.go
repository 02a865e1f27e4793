package notify

import (
	"context"
	"time"

	"ringfence/internal/cpni"
)

// Channel carries messages one way: to a mail server, a message centre, a switch, a print shop.
type Channel interface {
	// Send hands pieces over and calls told once for each, as soon as it knows what became of it; told may be called from
	// several goroutines, and no more once Send has returned. A piece for which told was not called is tried again. The
	// other side may have seen a piece before, when this program died before it could write that down: whatever the
	// channel has by which the other side can tell a repetition bears the piece's ID.
	Send(ctx context.Context, pieces []Piece, told func(Piece, Outcome))
	// Check says what keeps the channel from carrying messages now; nil: nothing. It sends nothing to anybody.
	Check(ctx context.Context) error
	// Batch is how many pieces it takes at most at once.
	Batch() int
}

// Gatherer is a channel whose pieces wait for others, so that they go together: letters make one print batch.
type Gatherer interface {
	// Gathers is how long a piece waits at most. A full batch does not wait.
	Gathers() time.Duration
}

// Piece is a message in its words, ready for a channel.
type Piece struct {
	ID       cpni.ID // of the message, the same at every attempt
	Kind     string
	Via      cpni.Via
	To       string // an e-mail address, a number in E.164, or a postal address in one line
	Name     string // whose address it is; may be empty
	Language string // en or es
	Words
	Enclosed []Enclosure
	// Return is a signed token by which a bounce or an answer finds the message; letters and digits, 16 of them.
	Return  string
	Attempt int // 1 is the first
}

// Words are what a message says. A template gives those that its channel needs.
type Words struct {
	Subject string
	Text    string
	HTML    string
	Spoken  []Spoken // of a call, in order
	Version string   // of the template
}

// Spoken is a part of what a call says: a sentence, or digits that are read one by one.
type Spoken struct {
	Text   string `json:"text,omitempty"`
	Digits string `json:"digits,omitempty"`
	// Key asks for this key to be pressed once it is spoken, and says so; "" asks for none.
	Key string `json:"key,omitempty"`
	// NotOnMachine leaves this part out when a machine has taken the call: what only the customer may hear.
	NotOnMachine bool `json:"not_on_machine,omitempty"`
}

// Enclosure is a document that goes with a message.
type Enclosure struct {
	Name  string // of the file
	Type  string // its media type
	Bytes []byte
}

// Outcome is what a channel has made of a piece.
type Outcome struct {
	// State is Sent when the other side has taken it and may tell more later, Delivered when the customer has it, Bounced or
	// Failed when no other attempt will help, Queued when another may.
	State State
	// Code is the other side's own word, such as an SMTP status or a SIP response; nothing personal.
	Code string
	// Says is the other side's text, for the people who look into it. It may be personal and is kept sealed.
	Says string
	// Reference is the other side's name for the message, under which it will tell more; "" it will not.
	Reference string
	// Call tells how a call went; nil of anything else.
	Call *Call
	// After is the least time until another attempt, when the other side has named one.
	After time.Duration
}

// Call is how a call went.
type Call struct {
	// Ended is answered, machine, busy, no-answer, refused, or unreachable.
	Ended   string        `json:"ended"`
	Pressed string        `json:"pressed,omitempty"` // the key that was asked for and pressed
	Lasted  time.Duration `json:"lasted,omitempty"`
}

// How a call ended.
const (
	Answered    = "answered"
	Machine     = "machine" // something recorded the message
	Busy        = "busy"
	NoAnswer    = "no-answer"
	Refused     = "refused"
	Unreachable = "unreachable"
)

// Report is what the other side tells of a message later: a receipt, a bounce, an answer.
type Report struct {
	Outcome
	At time.Time
	// Raw is the whole of it as it came, kept sealed as evidence; nil: there is none.
	Raw []byte
	// Wrote is what a person has written, of a reply; nil: nobody has taken it apart.
	Wrote *Wrote
	// Kind of what came: receipt, bounce, auto-reply, reply, stop, mailed, complaint.
	Kind string
}

// Wrote is what somebody has written in a mail. Nothing of it proves who they are.
type Wrote struct {
	ID      string // of the mail, as its header says
	From    string // the one address that it says it is from; "" several, or none
	Subject string
	Text    string // with what it quotes
	Machine bool   // a machine has answered
	Shown   bool   // that its sender is of the organization of From
}

// Kinds of reports.
const (
	Receipt   = "receipt"
	Bounce    = "bounce"
	AutoReply = "auto-reply"
	Reply     = "reply"
	Stop      = "stop"   // the customer wants no more of these
	Mailed    = "mailed" // the print shop has posted a letter
	Complaint = "complaint"
)

// Mobile takes what customers text to the carrier. It may only restrict: nobody has proved who they are by a text.
type Mobile interface {
	// Texted gives a text that came in. from and to are numbers in E.164 where they can be read as such, stop is whether the
	// words ask for no more texts. Who brings the text keeps it, and gives it again, until the answer is nil.
	Texted(ctx context.Context, from, to, words string, stop bool, at time.Time) error
}

// Inbox takes what comes in about messages that went out. The outbox is one.
type Inbox interface {
	// Returned reports about the message that bears a return token. ErrNotOurs: no message does.
	Returned(ctx context.Context, token string, r Report) error
	// Referred reports about the message that a channel named so when it took it. ErrNotOurs: no message was.
	Referred(ctx context.Context, via cpni.Via, reference string, r Report) error
}
