package notify

import (
	"errors"
	"slices"
	"time"

	"ringfence/internal/cpni"
)

// Message is one that is planned in the transaction of what caused it; a channel carries it. A verification code stands in
// its tokens: whoever shows messages to the staff leaves the tokens out.
type Message struct {
	ID       cpni.ID           `json:"id"`
	Kind     string            `json:"kind"` // names its template
	Via      cpni.Via          `json:"via"`
	Place    Place             `json:"place"`
	To       string            `json:"to"`
	Language string            `json:"language,omitempty"` // en or es; "" as the customer has it
	Tokens   map[string]string `json:"tokens,omitempty"`
	// Until is when it is worth nothing any more, such as that of a code; zero: never.
	Until time.Time `json:"until,omitzero"`
	// AtOnce is set when no hour is too late for it: nothing else tells the customer the same at once.
	AtOnce bool `json:"at_once,omitempty"`
	// InsteadOf is the message that did not arrive, in whose place this one goes.
	InsteadOf cpni.ID `json:"instead_of,omitempty"`
	// About is the change of the account that it tells of, and AsOf when that was made: no place younger than that is told.
	About cpni.ID   `json:"about,omitempty"`
	AsOf  time.Time `json:"as_of,omitzero"`
	// Beside are the places to which the same goes as well.
	Beside []string `json:"beside,omitempty"`
	// Run is the notice of rights that it gives, and Edition the version of its words; "" it is none, and those in use.
	Run     cpni.ID `json:"run,omitempty"`
	Edition string  `json:"edition,omitempty"`
	// Tried are places to which the same went already and did not arrive.
	Tried []string `json:"tried,omitempty"`

	// What the row tells; none of it is in the sealed part.
	At       time.Time `json:"-"` // when it was planned
	State    State     `json:"-"`
	Code     string    `json:"-"` // the other side's last word, or ours
	Changed  time.Time `json:"-"` // when its state was last written; zero: never since it was planned
	Due      time.Time `json:"-"` // no attempt before
	Attempts int       `json:"-"`
	Wording  string    `json:"-"` // version of the template that it was written by; "" it has not gone yet
	Instead  cpni.ID   `json:"-"` // the message that goes in its place
	Stopped  bool      `json:"-"` // taken back, or settled by somebody: no other attempt
}

// Kinds of messages. Each names the templates by which it is written.
const (
	VerificationCode = "verification-code"
	CallBack         = "call-back"
	AccountChange    = "account-change"
	Records          = "records"
	NotMeReceived    = "not-me-received"
	NotMeSettled     = "not-me-settled"
	StopReceived     = "stop-received"
	DesigneeRecords  = "designee-records" // to whom a customer has named in writing
	WrittenRequest   = "written-request"  // that the customer has asked for that
	NamedUnreached   = "named-unreached"  // that whom they have named could not be reached
	ReportReceived   = "report-received"
	ReportAnswered   = "report-answered"
	ProcessDemand    = "process-demand"   // legal process asks for the customer's records, and nothing has gone yet
	ProcessAnswered  = "process-answered" // records of the customer were given under legal process
	Test             = "test"
	// Of what may be done with the customer's information: a notice that silence answers, a request that only a yes answers, and
	// the confirmation of what a customer has said.
	OptOutNotice   = "opt-out-notice"
	OptInRequest   = "opt-in-request"
	AnswerReceived = "answer-received"
	// AnswerHow says to who has said yes where nothing shows who they are how to say it.
	AnswerHow = "answer-how"
	// Campaign offers something for a campaign, by which Run is named.
	Campaign = "campaign"
	// IncidentNotice tells who was reached by a breach of it. Run names the incident.
	IncidentNotice = "incident-notice"
)

// EditionToken is the token that names the edition by which a notice is written.
const EditionToken = "edition"

// mustArrive tells of a kind of message whether the customer must hear of it: when it does not arrive another way is taken,
// and somebody has to look. A confirmation of an answer need not: what the customer has said counts whether it arrives or not.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(iii)
func mustArrive(kind string) bool {
	return slices.Contains([]string{AccountChange, Records, NotMeReceived, NotMeSettled, DesigneeRecords, WrittenRequest, NamedUnreached, ProcessDemand, ProcessAnswered, IncidentNotice}, kind) || IsNotice(kind)
}

// IsNotice reports whether a kind of message is a notice of the customer's rights: whoever has given it counts who was not reached.
//
// cite: 47 CFR 64.2008(b)
func IsNotice(kind string) bool { return kind == OptOutNotice || kind == OptInRequest }

// Refusable reports whether a kind of message is one to which customers may answer that they want their information used so no more.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v)
func Refusable(kind string) bool { return IsNotice(kind) || kind == Campaign }

// asksFirst reports whether somebody is asked, at the moment at which a message is to go, whether it still may; and hears what became of it.
//
// cite: P-12, P-47, I-08
func asksFirst(kind string) bool { return Refusable(kind) || kind == IncidentNotice }

// counted reports whether whoever sent a message counts those whom it did not reach, so that no alert has to be raised about each.
func counted(kind string) bool { return IsNotice(kind) || kind == IncidentNotice }

// Place is what sort of place a message goes to; unlike the place itself it may be shown.
type Place string

// The places.
const (
	Old   Place = "old"   // where the customer was reached before a change
	TNOR  Place = "tnor"  // a telephone number of record
	AOR   Place = "aor"   // an address of record
	Named Place = "named" // another: one that was named by who asked, or an address too young to be of record
)

// State is what has become of a message.
type State string

// The states.
const (
	Queued    State = "queued"    // it waits to be sent, for the first time or again
	Sending   State = "sending"   // a channel has it
	Sent      State = "sent"      // the other side has taken it
	Delivered State = "delivered" // the customer has it, as far as the other side can know
	Bounced   State = "bounced"   // it went out and came back
	Failed    State = "failed"    // it could not be handed over, and no more is tried
	Replaced  State = "replaced"  // it bounced or failed, and goes another way
	Cancelled State = "cancelled" // before it was sent: what it says or where it goes holds no more
)

// States lists them in the order of a message's life.
var States = []State{Queued, Sending, Sent, Delivered, Bounced, Failed, Replaced, Cancelled}

// ErrNotOurs is what an inbox answers to a token or a reference that no message has.
var ErrNotOurs = errors.New("no message bears that token or reference")
