package cpni

import (
	"fmt"
	"slices"
	"strings"
)

// Code names the reason of a refusal. The first of Precedence that holds is the code of the decision.
type Code string

// Precedence orders the codes of refused disclosures: when several reasons hold, the first here names the refusal.
var Precedence = []Code{
	"UNKNOWN_PURPOSE", "UNKNOWN_RECIPIENT", "UNCLASSIFIED", "FORBIDDEN", "222B", "UNTRAINED", "ROLE",
	"PROCESS", "NEED_WRITING", "NOT_SLI", "NOT_AGGREGATE", "NOT_NECESSARY", "VENDOR", "CAMPAIGN", "NOT_CUSTOMER", "NO_GRANT", "CHANNEL",
	"TOKEN_SCOPE", "NOT_AOR", "NOT_TNOR", "METHOD", "UNAUTHENTICATED", "DENIED", "EXPRESS_PRIOR", "OPTIN_REQUIRED",
	"SCOPE", "RECIPIENT_NOT_NOTIFIED", "UNNOTIFIED", "WAITING", "RENOTICE_DUE", "NO_APPROVAL", "AUDIT_DOWN",
}

// First returns the code of codes that Precedence puts first, or "" when there is none.
func First(codes []Code) Code {
	for _, c := range Precedence {
		if slices.Contains(codes, c) {
			return c
		}
	}
	if len(codes) > 0 {
		return slices.Min(codes)
	}
	return ""
}

// Refusal is an error that a person can act on: what happened, which clause it rests on, and what to do next.
// It never contains personal data.
type Refusal struct {
	Outcome Outcome  // Deny, Hold or Reject
	Code    Code     // for instance BAD_SECRET
	Says    string   // what happened, one sentence
	Clauses []string // P-xx and sections
	Next    []string // what to do; empty when there is no way
}

// Error gives the whole text: code, sentence, clauses and next steps.
func (r *Refusal) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s", r.Outcome, r.Code, r.Says)
	if len(r.Clauses) > 0 {
		fmt.Fprintf(&b, " [%s]", strings.Join(r.Clauses, ", "))
	}
	if len(r.Next) > 0 {
		fmt.Fprintf(&b, " Do: %s", strings.Join(r.Next, "; "))
	}
	return b.String()
}

// Rejected makes a Reject refusal.
func Rejected(code Code, says string, clauses []string, next ...string) *Refusal {
	return &Refusal{Outcome: Reject, Code: code, Says: says, Clauses: clauses, Next: next}
}
