// Package partner keeps the other companies that may be given customer proprietary network information: what counsel
// has classed each as, and the agreement under which it must destroy what it was given.
//
// cite: P-15, P-35, P-41, 47 CFR 64.2007(b)
package partner

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

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
}

// Agreement is the confidentiality agreement: it ends, and by some day what was given must be destroyed.
//
// cite: P-35, P-41
type Agreement struct {
	Until        time.Time `json:"until,omitzero"`      // first moment after its last day
	DestroyBy    time.Time `json:"destroy_by,omitzero"` // unset: nothing may be exported
	DestroyProof bool      `json:"destroy_proof,omitempty"`
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
		r.Agreement, r.Until, r.DestroyBy, r.DestroyProof = true, p.Agreement.Until, p.Agreement.DestroyBy, p.Agreement.DestroyProof
	}
	return r
}

var (
	idForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$`)
	reserved = []string{string(cpni.ToCustomer), string(cpni.ToAuthorised), string(cpni.ToDesignee), string(cpni.ToCarrier), string(cpni.ToLawEnforcement),
		string(cpni.ToDirectoryPublisher), string(cpni.ToPSAP), string(cpni.ToFamily), string(cpni.ToPartner), string(cpni.ToOtherCarrier), "everything", "all", "unknown"}
	classes = []cpni.PartnerClass{"", cpni.Agent, cpni.AffiliateComm, cpni.AffiliateOther, cpni.JointVenture, cpni.IndependentContractor, cpni.OtherParty}
)

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
	case p.Agreement == nil && (p.ServesAll || len(p.Serves) > 0) && p.Class != cpni.AffiliateComm && p.Class != cpni.AffiliateOther:
		return cpni.Rejected("CONFIG", "only an affiliate serves customers itself", []string{"47 CFR 64.2005(a)(1)"}, "give its class as affiliate-comm or affiliate-other")
	}
	return nil
}
