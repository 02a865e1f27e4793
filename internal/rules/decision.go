package rules

import (
	"ringfence/internal/cpni"
	"strings"
)

// Decision is what the rules say to one request. Its slices are shared between decisions: do not change them.
//
// cite: P-01, P-28
type Decision struct {
	Outcome cpni.Outcome `json:"outcome"`         // Permit or Deny
	Code    cpni.Code    `json:"code,omitempty"`  // of a refusal: the first of Codes by cpni.Precedence
	Codes   []cpni.Code  `json:"codes,omitempty"` // every reason that holds, in that order, each once
	Clauses []string     `json:"clauses"`         // P-xx of the rules that decided, sorted
	Cites   []string     `json:"cites"`           // sections that the rules that decided rest on, sorted
	Rules   []string     `json:"rules"`           // ids of the rules that decided: by what their codes weigh, then as the files have them
	Says    []string     `json:"says"`            // their sentences for a person, in the same order
	// Ways are the ways to a permit, each a list of steps that are all needed. Only Explain fills it; a refusal without
	// any has none.
	Ways [][]Way `json:"ways,omitempty"`
}

// Next gives each way to a permit in one sentence; none: nothing would make it allowed as it was asked.
//
// cite: I-28
func (d Decision) Next() []string {
	var all []string
	for _, way := range d.Ways {
		steps := make([]string, len(way))
		for i, s := range way {
			steps[i] = strings.TrimSuffix(s.Says, ".")
		}
		all = append(all, strings.Join(steps, "; then: "))
	}
	return all
}

// Permit reports whether d permits.
func (d Decision) Permit() bool { return d.Outcome == cpni.Permit }

// Way is one step on the way from a refusal to a permit.
type Way struct {
	ID      string   `json:"id"`      // for instance verify-password
	Says    string   `json:"says"`    // what to do, one sentence for a person
	Clauses []string `json:"clauses"` // what the step rests on
}
