// Package partner keeps the other companies that may be given customer proprietary network information: what counsel
// has classed each as, and the agreement under which it must destroy what it was given.
//
// cite: P-15, P-35, P-41, 47 CFR 64.2007(b)
package partner

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
)

// Partner is another company. Its class is an attribute of its contract, set by counsel; unset it is an independent
// contractor, who needs the customer's opt-in.
//
// cite: P-15, 47 CFR 64.2007(b)
type Partner struct {
	ID        string            `json:"id"`             // chosen by the carrier; it stands in rules, scopes and records
	Name      string            `json:"name,omitempty"` // as customers are told of it; "" the id
	Class     cpni.PartnerClass `json:"class,omitempty"`
	Agreement *Agreement        `json:"agreement,omitempty"` // nil: none, and no export
	// Serves lists the customers to whom an affiliate itself provides service; ServesAll says that it serves all.
	Serves    []cpni.ID `json:"serves,omitempty"`
	ServesAll bool      `json:"serves_all,omitempty"`
	// Placed says that it collects: for billing it is given only what belongs to accounts that are placed with it.
	//
	// cite: P-35, 47 USC 222(d)(1)
	Placed bool `json:"placed,omitempty"`
	// Key is the partner's public key (age, X25519): files are enciphered to it, and to nothing else. "": no file can be made.
	Key string `json:"key,omitempty"`
	// Webhook is the https address that is told when a file waits; "": the partner looks by itself.
	Webhook string `json:"webhook,omitempty"`

	// Due is the first day by which something that the partner holds must be destroyed; zero: nothing waits for a certificate. The
	// exports keep it, and no Put changes it.
	Due time.Time `json:"-"`
}

// Agreement is the confidentiality agreement: it ends, and by some day what was given must be destroyed.
//
// cite: P-35, P-41
type Agreement struct {
	Reference    string    `json:"reference,omitempty"` // where the signed paper is found
	From         time.Time `json:"from,omitzero"`       // zero: it is in force already
	Until        time.Time `json:"until,omitzero"`      // first moment after its last day
	DestroyBy    time.Time `json:"destroy_by,omitzero"` // of everything that is given under it
	DestroyProof bool      `json:"destroy_proof,omitempty"`
	// DestroyDays is within how many days after it was given each file must be destroyed; 0: the agreement has no such rule. With
	// neither a day nor a number of days nothing may be exported.
	DestroyDays int `json:"destroy_days,omitempty"`
	// Purposes are those for which the partner may be given something; none: the agreement names none, and nothing may be exported.
	Purposes []cpni.Purpose `json:"purposes,omitempty"`
}

// Destroyed is the day by which everything that is given under the agreement must be destroyed at the latest: its own, or so many
// days after its end.
//
// cite: P-35, P-41
func (a Agreement) Destroyed() time.Time {
	if a.DestroyBy.IsZero() && a.DestroyDays > 0 {
		return a.Until.AddDate(0, 0, a.DestroyDays)
	}
	return a.DestroyBy
}

// Called is the name by which customers are told of the partner.
//
// cite: P-15, 47 CFR 64.2008(c)(2)
func (p *Partner) Called() string {
	if p.Name != "" {
		return p.Name
	}
	return p.ID
}

// longestName bounds a partner's name, in bytes.
const longestName = 200

// Facts gives what the rules may know of the partner as a recipient of this customer's information.
//
// cite: P-15, P-35, 47 CFR 64.2005(a)(1)
func (p *Partner) Facts(customer cpni.ID) rules.Recipient {
	r := rules.Recipient{Kind: cpni.ToPartner, Partner: p.ID, Class: p.Class, ServesThis: p.ServesAll || slices.Contains(p.Serves, customer)}
	if r.Class == "" {
		r.Class = cpni.IndependentContractor
	}
	r.Placed = p.Placed
	if p.Agreement != nil {
		a := p.Agreement
		r.Agreement, r.From, r.Until, r.DestroyBy, r.DestroyProof, r.Purposes = true, a.From, a.Until, a.Destroyed(), a.DestroyProof, a.Purposes
	}
	r.Due = p.Due
	return r
}

var (
	idForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$`)
	reserved = []string{string(cpni.ToCustomer), string(cpni.ToAuthorised), string(cpni.ToDesignee), string(cpni.ToCarrier), string(cpni.ToLawEnforcement),
		string(cpni.ToDirectoryPublisher), string(cpni.ToPSAP), string(cpni.ToFamily), string(cpni.ToPartner), string(cpni.ToOtherCarrier), "everything", "all", "unknown"}
	classes = []cpni.PartnerClass{"", cpni.Agent, cpni.AffiliateComm, cpni.AffiliateOther, cpni.JointVenture, cpni.IndependentContractor, cpni.OtherParty}
)

// mostDestroyDays bounds a rule of destruction: ten years.
const mostDestroyDays = 3650

func soundKey(key string) bool {
	_, err := age.ParseX25519Recipient(key)
	return err == nil
}

// soundAddress reports whether a webhook may be called there.
func soundAddress(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(address) > longestAddress {
		return false
	}
	at, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && at.IsLoopback())
}

const longestAddress = 500

// check says what is wrong with p.
func (p *Partner) check() *cpni.Refusal {
	clauses := []string{"P-15", "P-35", "47 CFR 64.2007(b)"}
	switch {
	case !idForm.MatchString(p.ID):
		return cpni.Rejected("CONFIG", "a partner's id has 2 to 40 small letters, digits and hyphens", clauses, "choose an id such as acme-energy")
	case slices.Contains(reserved, p.ID):
		return cpni.Rejected("CONFIG", "this id already means a kind of recipient", clauses, "choose another id")
	case !slices.Contains(classes, p.Class):
		return cpni.Rejected("CONFIG", "a partner's class is agent, affiliate-comm, affiliate-other, joint-venture, independent-contractor or other", clauses,
			"ask counsel for the class; leave it out to have the partner treated as an independent contractor")
	case len(p.Name) > longestName || strings.ContainsFunc(p.Name, unicode.IsControl) || p.Name != strings.TrimSpace(p.Name):
		return cpni.Rejected("CONFIG", "a partner's name is a line of at most 200 bytes", []string{"P-15", "47 CFR 64.2008(c)(2)"}, "give the name by which customers know the company")
	case p.Agreement != nil && p.Agreement.Until.IsZero():
		return cpni.Rejected("CONFIG", "an agreement has a last day", clauses, "give the day on which it ends")
	case p.Agreement != nil && !p.Agreement.From.IsZero() && !p.Agreement.From.Before(p.Agreement.Until):
		return cpni.Rejected("CONFIG", "an agreement begins before it ends", clauses, "look at its two dates")
	case p.Agreement != nil && (p.Agreement.DestroyDays < 0 || p.Agreement.DestroyDays > mostDestroyDays):
		return cpni.Rejected("CONFIG", "what is given is destroyed within 1 to 3,650 days", clauses, "give the number of days that the agreement names")
	case p.Agreement != nil && slices.ContainsFunc(p.Agreement.Purposes, func(w cpni.Purpose) bool { return !slices.Contains(cpni.Purposes, w) }):
		return cpni.Rejected("CONFIG", "the agreement names a purpose that we do not know", clauses, "name purposes such as partner-marketing or billing")
	case p.Agreement != nil && (len(p.Agreement.Reference) > longestName || strings.ContainsFunc(p.Agreement.Reference, unicode.IsControl)):
		return cpni.Rejected("CONFIG", "the reference of an agreement is a line of at most 200 bytes", clauses, "give the number under which the paper is filed")
	case p.Key != "" && !soundKey(p.Key):
		return cpni.Rejected("CONFIG", "that is no public key of age", []string{"P-41"}, "have the partner make a pair of keys with `age-keygen`, and give the line that begins with age1, never the secret one")
	case p.Webhook != "" && !soundAddress(p.Webhook):
		return cpni.Rejected("CONFIG", "that is no address which a partner can be told at", []string{"P-41"}, "give an address that begins with https and has no name, password or fragment in it; http is for this machine alone")
	case p.Agreement == nil && (p.ServesAll || len(p.Serves) > 0) && p.Class != cpni.AffiliateComm && p.Class != cpni.AffiliateOther:
		return cpni.Rejected("CONFIG", "only an affiliate serves customers itself", []string{"47 CFR 64.2005(a)(1)"}, "give its class as affiliate-comm or affiliate-other")
	}
	return nil
}
