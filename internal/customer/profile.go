// Package customer keeps customers: who they are, their lines, their addresses of record with history, whom they have
// authorised, their credentials, and where their approvals stand.
//
// All of it is one document a customer, sealed under the customer's key, with a version that every change raises.
// Customers are found by keyed blind indexes, never by readable columns.
package customer

import (
	"slices"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
)

// Profile is what the carrier knows of a customer.
type Profile struct {
	ID      cpni.ID   `json:"id"`
	Name    string    `json:"name"`
	Account string    `json:"account,omitempty"`
	Since   time.Time `json:"since"`
	Ended   time.Time `json:"ended,omitzero"` // zero: service goes on
	// Test: the account is nobody's. The carrier's own monitor refuses with it, and it has had no service; so it is found by the number from
	// which the monitor calls and writes, as a customer in service would be.
	//
	// cite: P-12, 47 CFR 64.2008(d)(3)(v)
	Test           bool         `json:"test,omitempty"`
	Lines          []Line       `json:"lines,omitempty"`
	Postal         []Address    `json:"postal,omitempty"`
	Email          []Address    `json:"email,omitempty"`
	ContactNumbers []string     `json:"contact_numbers,omitempty"` // supplied by the customer, never of record
	Born           string       `json:"born,omitempty"`            // YYYY-MM-DD, only to refuse secrets made of it
	SSN4           string       `json:"ssn4,omitempty"`            // likewise
	Authorised     []Authorised `json:"authorised,omitempty"`
	Business       *Business    `json:"business,omitempty"`
	Credentials    Credentials  `json:"credentials"`
	Online         bool         `json:"online,omitempty"`
	Passkeys       []Passkey    `json:"passkeys,omitempty"` // of the online account
	Approvals      []Approval   `json:"approvals,omitempty"`
	Safety         *Safety      `json:"safety,omitempty"` // the customer has asked for care; nil: not
	// Language is that in which the customer is written and spoken to: en or es; "" is en.
	Language string `json:"language,omitempty"`
	// NoticeBy is the way by which the customer would rather hear of changes of their account: text, voice, email or postal.
	// It orders what is lawful and opens nothing.
	//
	// cite: P-25, 47 CFR 64.2010(f)(2)
	NoticeBy cpni.Via `json:"notice_by,omitempty"`
	// Changes are the latest changes of the account of which the customer was told, the oldest first.
	Changes []Changed `json:"changes,omitempty"`
	Ports   []Port    `json:"ports,omitempty"` // what other carriers have asked for, the oldest first
	// SIMLocked is since when the customer has locked their account against changes of a SIM; zero: it is not locked. SIMAsks are the changes
	// that they have asked for, the oldest first.
	//
	// cite: 47 CFR 64.2010(h)
	SIMLocked time.Time `json:"sim_locked,omitzero"`
	SIMAsks   []SIMAsk  `json:"sim_asks,omitempty"`
}

// SIMAsk is that a customer has asked for another SIM of a line, and what became of it.
//
// cite: 47 CFR 64.2010(h)
type SIMAsk struct {
	ID     cpni.ID   `json:"id"`   // that of the change of which the customer was told
	Line   int       `json:"line"` // its number within the customer
	At     time.Time `json:"at"`
	By     string    `json:"by,omitempty"`
	Done   time.Time `json:"done,omitzero"` // zero: not yet
	DoneBy string    `json:"done_by,omitempty"`
}

// Line is a line of service; its number is a telephone number of record.
//
// cite: P-20, 47 CFR 64.2003(q)
type Line struct {
	No         int             `json:"no"`     // 1, 2, … within the customer, never used again
	Number     string          `json:"number"` // E.164
	Categories []cpni.Category `json:"categories,omitempty"`
	Listed     bool            `json:"listed,omitempty"` // published, or accepted for publication, in a directory
	// Heading is the primary advertising classification under which a directory prints it, as it was assigned when service began.
	// NoAddress: the address is not printed beside it.
	//
	// cite: P-32, 47 USC 222(h)(3)
	Heading   string    `json:"heading,omitempty"`
	NoAddress bool      `json:"no_address,omitempty"`
	Since     time.Time `json:"since,omitzero"`
	Removed   time.Time `json:"removed,omitzero"`
	Disturbed time.Time `json:"disturbed,omitzero"` // last known port, forward or change of SIM
	NoTexts   time.Time `json:"no_texts,omitzero"`  // since when the line wants none; zero: it takes them
	Frozen    bool      `json:"frozen,omitempty"`   // the customer says that they did not add it: it proves nothing and gets nothing
}

// Address is a postal or e-mail address with the time it has been on the account.
//
// cite: P-21, 47 CFR 64.2003(b)
type Address struct {
	Value   string    `json:"value"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until,omitzero"`    // zero: still on the account
	Notices bool      `json:"notices,omitempty"` // express prior approval to get notices by e-mail
	Frozen  bool      `json:"frozen,omitempty"`  // the customer says that they did not set it: it is not of record and gets nothing
	Undone  bool      `json:"undone,omitempty"`  // somebody has found that it was not theirs: it never counts again
}

// OfRecord reports whether a has been on the account for at least age at the moment at, and still is: in true hours, and
// by the clocks of the zone of at. Since when is unknown of an address that does not say. One that the customer says they did
// not set is none.
//
// cite: P-21, P-23, I-25, 47 CFR 64.2003(b)
func (a Address) OfRecord(at time.Time, age time.Duration) bool {
	passed := at.Sub(a.Since)
	shown := passed + time.Duration(rules.Shift(a.Since, at, at.Location()))*time.Second
	return a.On(at) && !a.Frozen && !a.Undone && !a.Since.IsZero() && min(passed, shown) >= age
}

// On reports whether a is on the account at the moment at.
func (a Address) On(at time.Time) bool {
	return !at.Before(a.Since) && (a.Until.IsZero() || at.Before(a.Until))
}

// Authorised is a person whom the customer lets speak for them, with their own secret and what they may see.
//
// cite: P-16, 47 CFR 64.2003(f)
type Authorised struct {
	Name        string           `json:"name"`
	Data        []cpni.DataClass `json:"data"`
	Credentials Credentials      `json:"credentials"`
	Frozen      bool             `json:"frozen,omitempty"` // the customer says that they did not let them: they speak for nobody
}

// Business is the arrangement under which a business customer's contract may take the place of authentication.
//
// cite: 47 CFR 64.2010(g)
type Business struct {
	DedicatedRepresentative string `json:"dedicated_representative,omitempty"` // staff id; a pooled desk is none
	ContractCoversCPNI      bool   `json:"contract_covers_cpni,omitempty"`
}

// Credentials are what a person proves themselves with.
type Credentials struct {
	Password *Secret  `json:"password,omitempty"`
	PIN      *Secret  `json:"pin,omitempty"`
	Backup   []Backup `json:"backup,omitempty"`
}

// Secret is a hashed secret.
type Secret struct {
	Hash string    `json:"hash"` // argon2id with its parameters and salt
	Set  time.Time `json:"set"`
	Weak bool      `json:"weak,omitempty"` // taken over from an old system, throttled harder
	// Frozen: the customer says that they did not set it, so it proves nothing.
	Frozen bool `json:"frozen,omitempty"`
}

// Proves reports whether there is a secret that proves something: one that is set, and that the customer has not said they
// did not set.
//
// cite: P-16, P-23
func (s *Secret) Proves() bool { return s != nil && !s.Frozen }

// Backup is a question known only to the customer and the carrier, and its hashed answer.
//
// cite: P-22, 47 CFR 64.2010(e)
type Backup struct {
	Question string `json:"question"`
	Answer   Secret `json:"answer"`
}

// Approval is where the customer's approval of one scope stands: own-marketing, other-marketing, partner:ID,
// location:PURPOSE, or everything for an objection.
//
// cite: P-36, 47 CFR 64.2007(a)(2)
type Approval struct {
	Scope    string             `json:"scope"`
	State    cpni.ApprovalState `json:"state"`
	Since    time.Time          `json:"since"`
	Matures  time.Time          `json:"matures,omitzero"`
	NoticeAt time.Time          `json:"notice_at,omitzero"`
	Names    []string           `json:"names,omitempty"` // partners that the notice named
	// Data are the classes of information that the notice named; none: whatever the scope needs, but for call location.
	Data []cpni.DataClass `json:"data,omitempty"`
	// Notice is the message by which the notice was given; "" of what was taken over from before.
	Notice cpni.ID `json:"notice,omitempty"`
}

// Scope of an objection to all that needs approval.
const Everything = "everything"

// Current gives the address that is on the account at the moment at and came last.
func Current(all []Address, at time.Time) (Address, bool) {
	var best Address
	found := false
	for _, a := range all {
		if a.On(at) && (!found || !a.Since.Before(best.Since)) {
			best, found = a, true
		}
	}
	return best, found
}

// LiveLines gives the lines in service at the moment at.
func (p *Profile) LiveLines(at time.Time) []Line {
	var live []Line
	if !p.Ended.IsZero() && !at.Before(p.Ended) {
		return nil
	}
	for _, l := range p.Lines {
		if l.Removed.IsZero() || at.Before(l.Removed) {
			live = append(live, l)
		}
	}
	return live
}

// LineOf finds the line in service with this number.
func (p *Profile) LineOf(number string, at time.Time) (Line, bool) {
	for _, l := range p.LiveLines(at) {
		if l.Number == number {
			return l, true
		}
	}
	return Line{}, false
}

// OnFile lists the methods of proof for which something is on file, for who is about to ask for one.
//
// cite: P-17, 47 CFR 64.2010(g)
func (p *Profile) OnFile() []cpni.Method {
	var all []cpni.Method
	has := func(is bool, m cpni.Method) {
		if is {
			all = append(all, m)
		}
	}
	word := p.Safety != nil && p.Safety.Word != nil
	has(p.Credentials.Password.Proves() || word, cpni.ByPassword)
	has(p.Credentials.PIN.Proves() && !word, cpni.ByPIN)
	has(slices.ContainsFunc(p.Credentials.Backup, func(b Backup) bool { return b.Answer.Proves() }) && !word, cpni.ByBackup)
	has(p.Business != nil && p.Business.DedicatedRepresentative != "" && p.Business.ContractCoversCPNI, cpni.ByContract)
	return all
}

// Objects reports whether the customer has refused the use of their information for some purpose.
//
// cite: P-12, P-14
func (p *Profile) Objects() bool {
	return slices.ContainsFunc(p.Approvals, func(a Approval) bool { return a.State == cpni.Denied })
}

// Categories gives the categories of service that the customer buys at the moment at, sorted.
func (p *Profile) Categories(at time.Time) []cpni.Category {
	var all []cpni.Category
	for _, l := range p.LiveLines(at) {
		all = append(all, l.Categories...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Facts gives what the rules may know of the customer at the moment at.
func (p *Profile) Facts(at time.Time) rules.Customer {
	c := rules.Customer{Known: true, Since: p.Since, Ended: p.Ended, Categories: p.Categories(at)}
	if p.Business != nil {
		c.DedicatedRepresentative = p.Business.DedicatedRepresentative != ""
		c.ContractCoversCPNI = p.Business.ContractCoversCPNI
	}
	live := p.LiveLines(at)
	c.ListedOnly = len(live) > 0 && !slices.ContainsFunc(live, func(l Line) bool { return !l.Listed })
	return c
}

// Number brings a telephone number as people write it to E.164; numbers without a country are North American. ok is
// false when it is none.
func Number(text string) (e164 string, ok bool) {
	n, err := phonenumbers.Parse(text, "US")
	// A number that can be dialled only from its own neighbourhood names nobody.
	if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}

// fold brings a name, e-mail address or account to the form in which it is looked up.
func fold(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }
