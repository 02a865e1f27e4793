// Package approval tells where a customer's approval of a use stands, and takes what customers say of it: refusal on every
// channel, and consent where it is proved who speaks and to which notice. What can never be consent — a signature, continued
// service, an old file, a partner's word — is refused here.
//
// What is said and what is given are events, each kept with its evidence and never changed; where an approval stands follows from
// them, is written into the customer's profile with a new version, and is what decisions read.
//
// cite: P-10, P-14, P-26, P-36, P-57, 47 CFR 64.2007
package approval

import (
	"regexp"
	"slices"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
)

// ScopeOf names the scope that a purpose and recipient need.
func ScopeOf(purpose cpni.Purpose, data []cpni.DataClass, recipient rules.Recipient) string {
	switch {
	case slices.Contains(data, cpni.Location):
		return locationScope + string(purpose)
	case recipient.Kind == cpni.ToPartner && (recipient.Class == cpni.Agent || recipient.Class == cpni.AffiliateComm) && purpose == cpni.OwnMarketing:
		return string(cpni.OwnMarketing)
	case recipient.Kind == cpni.ToPartner:
		return partnerScope + recipient.Partner
	case purpose == cpni.OtherMarketing:
		return string(cpni.OtherMarketing)
	}
	return string(cpni.OwnMarketing)
}

const (
	partnerScope  = "partner:"
	locationScope = "location:"
	dataScope     = "data:"
)

var partnerForm = regexp.MustCompile(`^partner:[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$`)

// ValidScope reports whether scope is one that a customer can refuse: own-marketing, other-marketing, partner:ID,
// location:PURPOSE, data:CLASS, or everything.
//
// cite: P-11, P-36
func ValidScope(scope string) bool {
	if scope == customer.Everything {
		return true
	}
	if class, ok := strings.CutPrefix(scope, dataScope); ok {
		return slices.Contains(cpni.DataClasses, cpni.DataClass(class)) && class != string(cpni.Aggregate)
	}
	return grantable(scope)
}

// grantable reports whether a scope is one that a customer can say yes to: never everything, and never a class of information
// whatever it is for.
//
// cite: P-36, 47 CFR 64.2008(c)(2)
func grantable(scope string) bool {
	if purpose, ok := strings.CutPrefix(scope, locationScope); ok {
		return slices.Contains(cpni.Purposes, cpni.Purpose(purpose))
	}
	return scope == string(cpni.OwnMarketing) || scope == string(cpni.OtherMarketing) || partnerForm.MatchString(scope)
}

// Import refuses what can never be consent; nothing else is imported.
//
// cite: P-10, P-57, 47 CFR 64.2003(k), 47 CFR 64.2007(a)(1)
func Import(basis string) error {
	switch basis {
	case "partner-says":
		return cpni.Rejected("CONSENT_EVIDENCE", "another company's word that a customer agreed is no evidence of it", []string{"P-36", "47 CFR 64.2007(a)(1)"},
			"obtain the customer's own answer to a notice and keep it")
	case "signature", "continued-service", "legacy-contract":
		return cpni.Rejected("NOT_CONSENT", "a signature, staying a customer, or an old contract is not an answer to a notice", []string{"P-10", "P-57", "47 CFR 64.2003(k)"},
			"send the customer an individual notice and wait for the answer or the waiting period")
	}
	return cpni.Rejected("CONFIG", "that is no known basis of an approval", []string{"P-10"}, "name signature, continued-service, legacy-contract or partner-says")
}
