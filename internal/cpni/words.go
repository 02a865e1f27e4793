// Package cpni holds the field's words: classes of customer proprietary network information, the purposes for which
// it may be asked, who may receive it, the ways it travels, and the codes with which a request is answered.
//
// Every other package speaks in these words; the database, the API, the screens and the scenario language spell them
// the same way.
package cpni

// DataClass is a kind of information that the carrier holds because of its relationship with a customer.
//
// cite: P-03, P-04, P-06, 47 USC 222(h)(1)
type DataClass string

// The data classes. Listing and Aggregate are not CPNI when they are truly what they are called; the rules say when.
const (
	CallDetail DataClass = "call-detail" // specific calls: number, time, duration, direction (47 CFR 64.2003(d))
	Usage      DataClass = "usage"       // amounts and patterns of use
	Service    DataClass = "service"     // types of service and their technical configuration
	Location   DataClass = "location"    // call location (47 USC 222(f))
	Billing    DataClass = "billing"     // bills and charges
	Listing    DataClass = "listing"     // subscriber list information (47 USC 222(h)(3))
	Aggregate  DataClass = "aggregate"   // collective data without identities (47 USC 222(h)(2))
)

// DataClasses lists every class in the order in which documents show them.
var DataClasses = []DataClass{CallDetail, Usage, Service, Location, Billing, Listing, Aggregate}

// Purpose says what a request is for.
type Purpose string

// The purposes.
const (
	CustomerRequest    Purpose = "customer-request"
	ProvideService     Purpose = "provide-service"
	BillingPurpose     Purpose = "billing"
	Protect            Purpose = "protect"
	Legal              Purpose = "legal"
	Directory          Purpose = "directory"
	Emergency          Purpose = "emergency"
	DesigneePurpose    Purpose = "designee"
	OwnMarketing       Purpose = "own-marketing"
	OtherMarketing     Purpose = "other-marketing"
	PartnerMarketing   Purpose = "partner-marketing"
	InboundMarketing   Purpose = "inbound-marketing"
	CompetitorTracking Purpose = "competitor-tracking"
	WinBack            Purpose = "win-back"
)

// Purposes lists every purpose.
var Purposes = []Purpose{CustomerRequest, ProvideService, BillingPurpose, Protect, Legal, Directory, Emergency,
	DesigneePurpose, OwnMarketing, OtherMarketing, PartnerMarketing, InboundMarketing, CompetitorTracking, WinBack}

// RecipientKind says what sort of person or company receives the information.
type RecipientKind string

// The kinds of recipient. A partner's own class (agent, affiliate and so on) is PartnerClass.
const (
	ToCustomer           RecipientKind = "customer"
	ToAuthorised         RecipientKind = "authorised"
	ToDesignee           RecipientKind = "designee"
	ToPartner            RecipientKind = "partner"
	ToCarrier            RecipientKind = "carrier"
	ToLawEnforcement     RecipientKind = "law-enforcement"
	ToDirectoryPublisher RecipientKind = "directory-publisher"
	ToPSAP               RecipientKind = "psap"
	ToOtherCarrier       RecipientKind = "other-carrier"
	ToFamily             RecipientKind = "family"
)

// PartnerClass is what counsel has classed a partner as; an unset class is an independent contractor.
//
// cite: P-15, 47 CFR 64.2007(b)
type PartnerClass string

// The partner classes.
const (
	Agent                 PartnerClass = "agent"
	AffiliateComm         PartnerClass = "affiliate-comm"
	AffiliateOther        PartnerClass = "affiliate-other"
	JointVenture          PartnerClass = "joint-venture"
	IndependentContractor PartnerClass = "independent-contractor"
	OtherParty            PartnerClass = "other"
)

// Via is how the information travels to its recipient.
type Via string

// The ways.
const (
	Voice  Via = "voice"
	Screen Via = "screen"
	Postal Via = "postal"
	Email  Via = "email"
	Text   Via = "text"
	File   Via = "file"
)

// Channel is how a customer and the carrier are in contact.
type Channel string

// The channels.
const (
	Phone  Channel = "phone"
	Store  Channel = "store"
	Online Channel = "online"
	Chat   Channel = "chat"
	Mail   Channel = "mail"
)

// Method is a way by which a person proves, within one contact, who they are.
type Method string

// The methods. A claim (caller ID, part of an SSN, a birth date, an account number, a bill amount, a voice) is none.
//
// cite: P-18, 47 CFR 64.2010
const (
	ByPassword Method = "password"
	ByPIN      Method = "pin"
	ByCallback Method = "callback"
	ByCode     Method = "code"
	ByPhotoID  Method = "photo-id"
	ByContract Method = "contract"
	ByBackup   Method = "backup"  // leads only to setting a new password, never to CPNI
	ByPasskey  Method = "passkey" // online only: a key that the customer's device keeps, in the place of the password and the code
)

// Category is a category of service (47 CFR 64.2005) or a kind of product that a campaign offers.
type Category string

// The service categories come first; the rest are kinds of product.
const (
	Local        Category = "local"
	LongDistance Category = "long-distance"
	Wireless     Category = "wireless"
	VoIP         Category = "voip"
	Broadband    Category = "broadband"
	VoiceMail    Category = "voice-mail"
	CPE          Category = "cpe"
	CallFeatures Category = "call-features" // former adjunct-to-basic features (47 CFR 64.2005(c)(3))
	OtherProduct Category = "other"
)

// Services are the categories of service that a customer buys; the rest may be offered beside them (47 CFR 64.2005(a)).
var Services = []Category{Local, LongDistance, Wireless, VoIP}

// Role is what a member of the staff is employed to do.
type Role string

// The roles.
const (
	RoleAgent      Role = "agent"
	RoleSupervisor Role = "supervisor"
	RoleMarketing  Role = "marketing"
	RoleCompliance Role = "compliance"
	RoleOfficer    Role = "officer"
	RoleFraud      Role = "fraud"
	RoleBilling    Role = "billing"
	RoleAuditor    Role = "auditor"
	RoleAdmin      Role = "admin"
	RoleSystem     Role = "system" // an integration that acts through an API key of its own
)

// Roles lists the roles in the order in which screens show them.
var Roles = []Role{RoleAgent, RoleSupervisor, RoleMarketing, RoleCompliance, RoleOfficer, RoleFraud, RoleBilling, RoleAuditor, RoleAdmin, RoleSystem}

// ApprovalState is where a customer's approval of one scope stands (regulation digest 3.9).
type ApprovalState string

// The states.
const (
	Unnotified  ApprovalState = "unnotified"
	Waiting     ApprovalState = "waiting"
	OptOutOK    ApprovalState = "opt-out-ok"
	OptInOK     ApprovalState = "opt-in-ok"
	Denied      ApprovalState = "denied"
	RenoticeDue ApprovalState = "renotice-due"
	OneTime     ApprovalState = "one-time"
)

// Outcome is how a request ended.
type Outcome string

// The outcomes. Deny: a rule refuses a use of CPNI. Hold: not yet. Reject: a bad artefact or command; nothing changed.
const (
	OK     Outcome = "ok"
	Permit Outcome = "permit"
	Deny   Outcome = "deny"
	Hold   Outcome = "hold"
	Reject Outcome = "reject"
)
