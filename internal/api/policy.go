package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
)

// Policy is what is in force.
type Policy struct {
	Version  string    `json:"version"`
	Clauses  []Clause  `json:"clauses"`
	Rules    []Rule    `json:"rules"`
	Profiles []Profile `json:"profiles"`
}

// Clause is one promise of the carrier's policy.
type Clause struct {
	ID       string   `json:"id"`
	Says     string   `json:"says"`
	Sections []string `json:"sections,omitempty"`
}

// Rule is one rule.
type Rule struct {
	ID      string    `json:"id"`
	Effect  string    `json:"effect" enum:"permit,forbid"`
	Code    cpni.Code `json:"code,omitempty"`
	Clauses []string  `json:"clauses"`
	Cites   []string  `json:"cites"`
	Says    string    `json:"says"`
}

// Profile is a row of dated numbers.
type Profile struct {
	Profile      string   `json:"profile"`
	Section      string   `json:"section"`
	State        string   `json:"state" enum:"in-force,dormant"`
	From         string   `json:"from,omitempty"`
	Until        string   `json:"until,omitempty"`
	Source       string   `json:"source"`
	LastVerified string   `json:"last_verified"`
	Citation     string   `json:"citation,omitempty" doc:"The page of the Federal Register that announced from, when the profile was put in force by a switch or the row names one."`
	Numbers      []string `json:"numbers"`
}

// cite: P-28, P-56
func (a *API) policy() {
	register(a, operation{scope: "policy", Operation: huma.Operation{OperationID: "read-policy", Method: http.MethodGet, Path: "/v1/policy", Tags: []string{"policy"}, Summary: "Read the policy in force"}},
		func(context.Context, caller, *struct{}) (*struct{ Body Policy }, error) {
			set, _ := a.office.Policy.Current()
			return &struct{ Body Policy }{policyOf(set)}, nil
		})
}

func policyOf(set *rules.Set) Policy {
	p := Policy{Version: set.Version(), Clauses: []Clause{}, Rules: []Rule{}, Profiles: []Profile{}}
	for _, c := range set.Clauses() {
		p.Clauses = append(p.Clauses, Clause{c.ID, c.Says, c.Sections})
	}
	for _, r := range set.Rules() {
		effect := "forbid"
		if r.Permits {
			effect = "permit"
		}
		p.Rules = append(p.Rules, Rule{r.ID, effect, r.Code, r.Clauses, r.Cites, r.Says})
	}
	for _, r := range set.Profiles().Rows() {
		p.Profiles = append(p.Profiles, Profile(r))
	}
	return p
}
