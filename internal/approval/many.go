package approval

import (
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
)

// StandingOf is Standing of what a customer's profile says of approvals alone, for whoever looks at many customers without their profiles.
//
// cite: P-36, I-19
func StandingOf(all []customer.Approval, purpose cpni.Purpose, data []cpni.DataClass, recipient rules.Recipient, at time.Time, terms Terms) rules.Approval {
	return stands(all, purpose, data, recipient, at, terms)
}

// ScopesOf names the scopes on which a use depends: its own, and when call location and other information are asked for together also that of
// the other.
//
// cite: P-36, 47 USC 222(f)
func ScopesOf(purpose cpni.Purpose, data []cpni.DataClass, recipient rules.Recipient) []string {
	all := []string{ScopeOf(purpose, data, recipient)}
	if rest := withoutLocation(data); len(rest) > 0 && len(rest) < len(data) {
		all = append(all, ScopeOf(purpose, rest, recipient))
	}
	return all
}

// Common reports whether what is said of a scope is about more than one use: about everything, or about a class of information.
func Common(scope string) bool {
	return scope == customer.Everything || len(scope) > len(dataScope) && scope[:len(dataScope)] == dataScope
}

// OfPartner reports whether a scope is a partner's.
func OfPartner(scope string) bool {
	return len(scope) > len(partnerScope) && scope[:len(partnerScope)] == partnerScope
}
