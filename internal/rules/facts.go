package rules

import (
	"time"

	"ringfence/internal/cpni"
)

// Facts is everything that a decision about one request rests on, as it stood at At. A decision is a pure function of
// Facts and the rule set; Facts is what the ledger records, sealed, so that the decision can be made again years later.
//
// An unset field is unknown, and unknown never helps a permit. Times are UTC. Facts holds no value that identifies a
// person: no name, number or address, only their ages, kinds and counts.
type Facts struct {
	At      time.Time        `json:"at"`
	Purpose cpni.Purpose     `json:"purpose"`
	Data    []cpni.DataClass `json:"data"`
	Via     cpni.Via         `json:"via,omitempty"`
	CMRS    bool             `json:"cmrs,omitempty"` // the carrier offers commercial mobile service

	Actor       Actor        `json:"actor"`
	Customer    Customer     `json:"customer"`
	Recipient   Recipient    `json:"recipient"`
	Contact     *Contact     `json:"contact,omitempty"`
	Destination *Destination `json:"destination,omitempty"`
	Approval    Approval     `json:"approval"`
	Basis       Basis        `json:"basis"`
	Offer       *Offer       `json:"offer,omitempty"`
	Campaign    *Campaign    `json:"campaign,omitempty"` // nil: it is asked for no campaign
	Numbers     Numbers      `json:"numbers"`

	// Closed are ids of ways (see Way) that are known not to be open now, such as verify-password when none is set. It
	// changes no decision, only what is proposed after a refusal.
	Closed []string `json:"closed,omitempty"`
}

// Actor is who asks: a member of the staff, an integration, or the customer in the portal.
type Actor struct {
	Kind         string    `json:"kind"` // staff, system, customer
	Role         cpni.Role `json:"role,omitempty"`
	TrainedUntil time.Time `json:"trained_until,omitzero"` // zero: never trained
	Scopes       []string  `json:"scopes,omitempty"`       // purposes an API key is limited to; empty: those of its role
}

// Customer is what the rules may know of a customer.
type Customer struct {
	Known      bool            `json:"known"`
	Since      time.Time       `json:"since,omitzero"`
	Ended      time.Time       `json:"ended,omitzero"` // zero: service goes on
	Categories []cpni.Category `json:"categories,omitempty"`
	// Business carrier-customer arrangements (47 CFR 64.2010(g)): both are needed.
	DedicatedRepresentative bool `json:"dedicated_representative,omitempty"`
	ContractCoversCPNI      bool `json:"contract_covers_cpni,omitempty"`
	// ListedOnly: every number that the request would hand out is published or accepted for publication.
	ListedOnly bool `json:"listed_only,omitempty"`
	Forgotten  bool `json:"forgotten,omitempty"`
}

// Recipient is who would get the information.
type Recipient struct {
	Kind         cpni.RecipientKind `json:"kind"`
	Partner      string             `json:"partner,omitempty"` // the carrier's id for the partner
	Class        cpni.PartnerClass  `json:"class,omitempty"`   // unset counts as independent contractor
	Agreement    bool               `json:"agreement,omitempty"`
	Until        time.Time          `json:"until,omitzero"`          // end of the agreement
	DestroyBy    time.Time          `json:"destroy_by,omitzero"`     // when the data must be destroyed
	DestroyProof bool               `json:"destroy_proof,omitempty"` // a certificate of destruction is held
	ServesThis   bool               `json:"serves_this,omitempty"`   // an affiliate that serves this customer
	Granted      []cpni.DataClass   `json:"granted,omitempty"`       // what the customer's grant lets an authorised person see
	GrantKnown   bool               `json:"grant_known,omitempty"`   // the person is on the customer's list
}

// Contact is a customer-initiated (or outbound) contact and what was proved in it.
type Contact struct {
	Channel  cpni.Channel `json:"channel"`
	Live     bool         `json:"live"`
	Outbound bool         `json:"outbound,omitempty"`
	Same     bool         `json:"same"` // the contact belongs to the customer asked about
	Evidence []Evidence   `json:"evidence,omitempty"`
	// Speaker is who proved themselves: customer or authorised, never with a name.
	Speaker string `json:"speaker,omitempty"`
	// Receives: the authorised person who proved themselves is the one who would receive.
	Receives bool `json:"receives,omitempty"`
	// OneTime is an oral consent given in this contact after an oral notice, with its recording or attestation.
	OneTime *OneTimeConsent `json:"one_time,omitempty"`
}

// Evidence is one proof given in the contact.
type Evidence struct {
	Method cpni.Method `json:"method"`
	At     time.Time   `json:"at"`
	Until  time.Time   `json:"until,omitzero"` // when it dies, if before the contact does
}

// OneTimeConsent is limited, one-time use for the duration of a call (47 CFR 64.2008(f)).
type OneTimeConsent struct {
	At       time.Time      `json:"at"`
	Purposes []cpni.Purpose `json:"purposes"`
	Partners []string       `json:"partners,omitempty"`
	Evidence bool           `json:"evidence"` // a recording or attestation exists
}

// Destination is where the information would be sent or shown.
type Destination struct {
	Kind  string    `json:"kind"`           // postal, email, line, contact-number, other
	Since time.Time `json:"since,omitzero"` // when it was put on the account; zero: it is not on it
	// Shift is by how many seconds the carrier's clocks were set forward (negative: back) between Since and the request; see
	// Shift. An address is of record once its age has passed in true hours and on the carrier's clocks.
	Shift int64 `json:"shift,omitempty"`
	// Disturbed is the last known port, forward or change of SIM of the line.
	Disturbed time.Time `json:"disturbed,omitzero"`
	// Frozen: the customer says that it was not they who put it on the account.
	Frozen bool `json:"frozen,omitempty"`
}

// Approval is where the customer's approval of what is asked stands, for the purpose and recipient of this request.
type Approval struct {
	State    cpni.ApprovalState `json:"state,omitempty"` // unset: unnotified
	Since    time.Time          `json:"since,omitzero"`
	Matures  time.Time          `json:"matures,omitzero"`   // while waiting
	NoticeAt time.Time          `json:"notice_at,omitzero"` // last individual notice
	// NamesRecipient: the notice that the approval answers named this recipient (47 CFR 64.2008(c)(2)).
	NamesRecipient bool `json:"names_recipient,omitempty"`
	// OtherTuple: an opt-in is on file, but for another recipient or purpose.
	OtherTuple bool `json:"other_tuple,omitempty"`
	// ExpressPrior: express prior authorization for location covers this purpose (47 USC 222(f)).
	ExpressPrior bool `json:"express_prior,omitempty"`
	// ThirdPartyWord: all there is is another company's word that consent exists.
	ThirdPartyWord bool `json:"third_party_word,omitempty"`
}

// Basis is the proof that a request without approval rests on (P-28). Each part is nil unless offered.
type Basis struct {
	Process   *Process   `json:"process,omitempty"`
	Case      *Case      `json:"case,omitempty"`
	Ticket    *Case      `json:"ticket,omitempty"`
	Order     *Case      `json:"order,omitempty"`
	Emergency *Emergency `json:"emergency,omitempty"`
	Request   *Request   `json:"request,omitempty"`
	Unaided   *Unaided   `json:"unaided,omitempty"`
	Cells     *int       `json:"cells,omitempty"`    // smallest cell of an aggregate report
	PortOut   bool       `json:"port_out,omitempty"` // the request exists because another carrier asked to port
}

// Process is a legal process file (P-29).
type Process struct {
	ID         string           `json:"id"`
	Issuer     string           `json:"issuer"`
	Scope      []cpni.DataClass `json:"scope"`
	From       time.Time        `json:"from,omitzero"`
	Until      time.Time        `json:"until,omitzero"`
	ReviewedBy string           `json:"reviewed_by"`
	// Secret: the process forbids to tell the customer of it. No rule reads that; it keeps the decision out of what the
	// customer is shown.
	Secret bool `json:"secret,omitempty"`
}

// Case is a fraud case, a trouble ticket or an order; Open tells whether it still runs.
type Case struct {
	ID   string `json:"id"`
	Open bool   `json:"open"`
}

// Emergency is what 47 USC 222(d)(4) asks for.
type Emergency struct {
	Kind   string `json:"kind"`   // 911-call, life-at-risk
	Caller string `json:"caller"` // psap, guardian, immediate-family, other
}

// Request is a request to give records to a person whom the customer names (47 USC 222(c)(2)).
type Request struct {
	Written bool `json:"written"`
	Signed  bool `json:"signed"`
	Names   bool `json:"names"` // it names this recipient
}

// Unaided is call detail that a caller stated without help (47 CFR 64.2010(b)(iv)).
type Unaided struct {
	Matches bool `json:"matches"`
	Only    bool `json:"only"` // the request is for that call alone
}

// Offer is what marketing would offer.
type Offer struct {
	Categories []cpni.Category `json:"categories"`
}

// Campaign is what the register says of the campaign for which something is used, as it stood at the decision. Of one that is not
// on the register nothing but its id is known, and the use is refused.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
type Campaign struct {
	ID       cpni.ID `json:"id"`
	Version  int64   `json:"version,omitempty"`  // of its description, that was reviewed
	Approved bool    `json:"approved,omitempty"` // by somebody else than who drew it up, and not changed since
	Runs     bool    `json:"runs,omitempty"`     // it was launched, its days are now, and nobody has stopped it
	Covers   bool    `json:"covers,omitempty"`   // what was reviewed names the data, purpose, recipient and offer that are asked for
}

// Numbers are the profile figures that this decision used, recorded with it. Durations are in seconds.
type Numbers struct {
	AddressOfRecordAge int64 `json:"address_of_record_age"`
	DisturbedLine      int64 `json:"disturbed_line"`
	SmallestCell       int   `json:"smallest_cell"`
	UnaidedDetail      bool  `json:"unaided_detail"`
	RenoticeMonths     int   `json:"renotice_months"`
}
