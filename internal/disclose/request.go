// Package disclose is the one door through which customer proprietary network information leaves.
//
// A Request is turned into facts, the rules decide on the facts, the decision is committed to the ledger, and only the
// receipt of that commitment opens the vault. A refusal takes the same way and is recorded too.
//
// cite: P-01, P-16, P-28, P-41, 47 CFR 64.2009(c), 47 CFR 64.2010(a)
package disclose

import (
	"context"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Request asks for a customer's information.
type Request struct {
	Caller   Caller
	Customer cpni.ID
	Contact  cpni.ID // the contact in which it is asked; empty without one
	Data     []cpni.DataClass
	Purpose  cpni.Purpose // empty: customer-request when there is a contact
	To       string       // who receives it, in the words of Recipient; empty: customer
	Via      cpni.Via     // empty: voice on a telephone contact, screen otherwise
	Address  string       // where to send, for postal and email; empty: the newest address of record
	Line     string       // one line in E.164; empty: all lines
	Months   []int        // calendar months in the carrier's zone as yyyymm; empty: the current and the one before

	Process   *rules.Process
	Case      *rules.Case
	Ticket    *rules.Case
	Order     *rules.Case
	Emergency *rules.Emergency
	Written   *WrittenRequest
	Unaided   *UnaidedCall
	Cells     *int
	PortOut   bool
	Offer     *rules.Offer

	// Campaign is the campaign for which it is asked; what the register says of it is among the facts. Empty: for none.
	Campaign cpni.ID

	// Sends takes the place of the message that would bring what is permitted to its address: it runs in the transaction that
	// records the permit, and gives what else is to be recorded. nil: the message is planned at once.
	Sends func(ctx context.Context, tx *store.Tx, customer, entry cpni.ID) ([]ledger.Entry, error) `json:"-"`

	// IdempotencyKey makes a retried request have one effect and the same answer; it belongs to the caller.
	IdempotencyKey string

	brief bool // of a refusal the ways to a permit are not looked for
}

// Caller is who asks: a member of the staff by id, an integration by the name of its key, or the customer themself.
type Caller struct {
	Staff    cpni.ID  // set for staff and for integrations, which are staff of the role system
	Customer bool     // the customer, signed in to the portal
	Scopes   []string // the purposes that the caller's key is limited to; empty: those of its role
}

// WrittenRequest is a customer's request that records be given to a person they name.
//
// cite: P-36, 47 USC 222(c)(2)
type WrittenRequest struct {
	Written bool   `json:"written"`
	Signed  bool   `json:"signed"`
	Names   string `json:"names"` // the person or company named
}

// UnaidedCall is a call that the customer described without help.
//
// cite: 47 CFR 64.2010(b)(1)(iv)
type UnaidedCall struct {
	Number string    `json:"number"`
	At     time.Time `json:"at"` // to the minute, UTC
}

// Answer is what comes back: always a recorded decision, and for a permit what it released.
type Answer struct {
	Entry    cpni.ID // the ledger entry
	Customer cpni.ID
	At       time.Time
	Decision rules.Decision
	Rules    string // version of the rule set
	Hash     []byte // of the ledger entry, as in the receipt
	// Released is nil for a refusal and for information that is sent rather than shown.
	Released *Released
	// ToAddress is where it is sent, for via postal, email and text, and To what sort of place that is: a caller who is
	// told of it must not hear the address itself.
	ToAddress string
	To        notify.Place
	Replayed  bool // an earlier answer to the same idempotency key
}

// Released is the information itself.
type Released struct {
	Calls []LineCalls
	Items []vault.Item
	Lines []ListedLine
}

// LineCalls are the calls of one line.
type LineCalls struct {
	Line  string // E.164
	Calls []vault.Call
}

// ListedLine is subscriber list information (47 USC 222(h)(3)): a published number with its name.
type ListedLine struct {
	Number string
	Name   string
}

// CallCount is the number of calls released.
func (r *Released) CallCount() int {
	n := 0
	if r != nil {
		for _, l := range r.Calls {
			n += len(l.Calls)
		}
	}
	return n
}

// Recipient is the parsed form of Request.To.
type Recipient struct {
	Kind cpni.RecipientKind
	Name string // of the authorised person, designee, carrier or partner
}

// ParseRecipient reads who receives: customer, authorised:NAME, designee:NAME, carrier:NAME (another carrier), carrier
// (ourselves), law-enforcement, directory-publisher, psap, family, or the id of a partner.
func ParseRecipient(to string) Recipient {
	kind, name, named := strings.Cut(to, ":")
	switch {
	case to == "":
		return Recipient{Kind: cpni.ToCustomer}
	case named && (kind == string(cpni.ToAuthorised) || kind == string(cpni.ToDesignee)):
		return Recipient{Kind: cpni.RecipientKind(kind), Name: name}
	case named && kind == string(cpni.ToCarrier):
		return Recipient{Kind: cpni.ToOtherCarrier, Name: name}
	case named:
		return Recipient{Kind: cpni.RecipientKind("unknown"), Name: to}
	}
	switch k := cpni.RecipientKind(to); k {
	case cpni.ToCustomer, cpni.ToCarrier, cpni.ToLawEnforcement, cpni.ToDirectoryPublisher, cpni.ToPSAP, cpni.ToFamily:
		return Recipient{Kind: k}
	}
	return Recipient{Kind: cpni.ToPartner, Name: to}
}
