package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
)

// Proposal is something dangerous that one person wants done and another must agree to.
//
// cite: P-37, 47 CFR 64.2010(a)
type Proposal struct {
	ID        cpni.ID           `json:"id"`
	Kind      countersign.Kind  `json:"kind" enum:"policy,switch,notice,partner,rotate,forget,publish-policy,destroy-records,erase,evidence"`
	State     countersign.State `json:"state" enum:"trying,waiting,working,done,failed,refused,withdrawn,moved,expired"`
	Hash      string            `json:"hash" doc:"Of exactly what will be done; it is given back to agree."`
	By        cpni.ID           `json:"by"`
	At        time.Time         `json:"at"`
	Expires   time.Time         `json:"expires" doc:"Nobody can agree from then on."`
	Second    cpni.ID           `json:"second,omitempty" doc:"Who agreed or refused."`
	Ended     *time.Time        `json:"ended,omitempty"`
	Act       any               `json:"act" doc:"What will be done: for forget the customer, for rotate the keys, for policy the changed files with the versions before and after, for switch also the profile, its day, its citation and the day on which it was entered, for publish-policy the text, its day and the hash of what will be published."`
	Rehearsal *Rehearsal        `json:"rehearsal,omitempty" doc:"What came of telling the carrier's scenarios under a proposed policy. A switch is held up by none."`
	Count     *notice.Count     `json:"count,omitempty" doc:"Of notice: how many customers it would go to by each way, and how many would be left out, by reason."`
}

// Rehearsal is what came of telling the carrier's scenarios.
type Rehearsal struct {
	Passed int      `json:"passed"`
	Failed []string `json:"failed,omitempty"`
}

// NewProposal is what is proposed; exactly one part goes with the kind.
type NewProposal struct {
	Kind     countersign.Kind  `json:"kind" enum:"policy,switch,rotate,forget,publish-policy"`
	Customer cpni.ID           `json:"customer,omitempty" maxLength:"26" doc:"Of forget: whose key is destroyed."`
	Keys     string            `json:"keys,omitempty" enum:"wrapping,customers" doc:"Of rotate."`
	Files    map[string]string `json:"files,omitempty" doc:"Of policy: changed files by their paths, such as rules/90-ours.cedar or profiles/cpni-core.yaml."`
	Switch   *ProfileSwitch    `json:"switch,omitempty"`
	Public   *NewPublic        `json:"public,omitempty" doc:"Of publish-policy."`
}

// NewPublic is a version of the public policy that is proposed.
type NewPublic struct {
	Effective string `json:"effective" format:"date" doc:"The day from which it is in force, in the carrier's zone; not a day that is past."`
	Text      string `json:"text" doc:"The text with its placeholders, in the form of policy/public/policy.yaml; it names its version."`
}

// ProfileSwitch brings a profile into force in the place of the others of its family.
type ProfileSwitch struct {
	Profile  string `json:"profile" maxLength:"60"`
	From     string `json:"from" format:"date"`
	Citation string `json:"citation" maxLength:"180" doc:"The page of the Federal Register that announced the day, such as 91 FR 12345."`
	Reason   string `json:"reason,omitempty" maxLength:"400"`
	Late     bool   `json:"late,omitempty" doc:"Says that the day is past and that this is meant; then a reason is needed."`
}

// RoleRights are what the rules in force say of a role.
type RoleRights struct {
	Role   cpni.Role `json:"role"`
	Rights []Ruling  `json:"rights"`
}

// Ruling is what the rules say of one right.
type Ruling struct {
	Right   cpni.Right `json:"right"`
	Allowed bool       `json:"allowed"`
	Rules   []string   `json:"rules" doc:"Those that decided."`
	Says    string     `json:"says"`
	Clauses []string   `json:"clauses"`
}

func (a *API) proposalOf(p *countersign.Proposal) (Proposal, error) {
	out := Proposal{ID: p.ID, Kind: p.Kind, State: p.State, Hash: p.Hash, By: p.By, At: p.At, Expires: p.Expires, Second: p.Second}
	if !p.Ended.IsZero() {
		out.Ended = &p.Ended
	}
	if err := json.Unmarshal(p.Act, &out.Act); err != nil {
		return out, err
	}
	if p.Report != nil && p.Kind == countersign.Notice {
		out.Count = &notice.Count{}
		return out, json.Unmarshal(p.Report, out.Count)
	}
	if p.Report != nil {
		out.Rehearsal = &Rehearsal{}
		return out, json.Unmarshal(p.Report, out.Rehearsal)
	}
	return out, nil
}

// proposed is the answer to something that now waits for a second person.
type proposed struct {
	Location string `header:"Location"`
	Body     Proposal
}

func (a *API) proposed(p *countersign.Proposal, err error) (*proposed, error) {
	if err != nil {
		return nil, err
	}
	body, err := a.proposalOf(p)
	return &proposed{"/v1/proposals/" + string(p.ID), body}, err
}

// OneProposal names a proposal.
type OneProposal struct {
	ID cpni.ID `path:"id" maxLength:"26"`
}

// mostPolicyBody bounds a proposal, which may bring files of rules.
const mostPolicyBody = 2 << 20

// cite: P-37, 47 CFR 64.2010(a)
func (a *API) proposals() {
	tag := []string{"proposals"}
	type proposalBody struct{ Body Proposal }
	answer := func(p *countersign.Proposal, err error) (*proposalBody, error) {
		if err != nil {
			return nil, err
		}
		body, err := a.proposalOf(p)
		return &proposalBody{body}, err
	}
	register(a, operation{scope: "proposals", Operation: huma.Operation{OperationID: "list-proposals", Method: http.MethodGet, Path: "/v1/proposals", Tags: tag,
		Summary: "List the proposals", Description: "The newest of those whose right the caller has, and their own; those first of which something may still come."}},
		func(ctx context.Context, c caller, _ *struct{}) (*struct{ Body []Proposal }, error) {
			open, past, err := a.office.Proposals.List(ctx, c.member)
			if err != nil {
				return nil, err
			}
			out := &struct{ Body []Proposal }{[]Proposal{}}
			for _, p := range append(open, past...) {
				body, err := a.proposalOf(p)
				if err != nil {
					return nil, err
				}
				out.Body = append(out.Body, body)
			}
			return out, nil
		})
	register(a, operation{scope: "proposals", Operation: huma.Operation{OperationID: "read-proposal", Method: http.MethodGet, Path: "/v1/proposals/{id}", Tags: tag, Summary: "Read a proposal"}},
		func(ctx context.Context, c caller, in *OneProposal) (*proposalBody, error) {
			return answer(a.office.Proposals.For(ctx, in.ID, c.member))
		})
	register(a, operation{scope: "proposals", most: mostPolicyBody, Operation: huma.Operation{OperationID: "propose", Method: http.MethodPost, Path: "/v1/proposals", Tags: tag, DefaultStatus: http.StatusAccepted,
		Summary: "Propose something that takes two people", Description: "Needs the right of its kind. Nothing happens before another member with that right agrees; a policy and a switch are first tried by the carrier's scenarios. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body NewProposal
		}) (*proposed, error) {
			return a.proposed(a.propose(ctx, c, in.Body, a.repeatable("proposal", c, in.Key)))
		})
	register(a, operation{scope: "proposals", Operation: huma.Operation{OperationID: "agree", Method: http.MethodPost, Path: "/v1/proposals/{id}/agreement", Tags: tag,
		Summary: "Agree to a proposal", Description: "By another member than the one who proposed, with the same right; the hash is that of the proposal as it was read. It is done once."}},
		func(ctx context.Context, c caller, in *struct {
			OneProposal
			Body struct {
				Hash string `json:"hash" minLength:"64" maxLength:"64"`
			}
		}) (*proposalBody, error) {
			if _, err := a.office.Proposals.For(ctx, in.ID, c.member); err != nil {
				return nil, err
			}
			return answer(a.office.Proposals.Agree(ctx, in.ID, in.Body.Hash, c.member.ID))
		})
	register(a, operation{scope: "proposals", Operation: huma.Operation{OperationID: "refuse", Method: http.MethodPost, Path: "/v1/proposals/{id}/refusal", Tags: tag, Summary: "Refuse somebody else's proposal"}},
		func(ctx context.Context, c caller, in *OneProposal) (*proposalBody, error) {
			if _, err := a.office.Proposals.For(ctx, in.ID, c.member); err != nil {
				return nil, err
			}
			return answer(a.office.Proposals.Refuse(ctx, in.ID, c.member.ID))
		})
	register(a, operation{scope: "proposals", Operation: huma.Operation{OperationID: "withdraw", Method: http.MethodDelete, Path: "/v1/proposals/{id}", Tags: tag, Summary: "Withdraw one's own proposal", DefaultStatus: http.StatusOK}},
		func(ctx context.Context, c caller, in *OneProposal) (*proposalBody, error) {
			if _, err := a.office.Proposals.For(ctx, in.ID, c.member); err != nil {
				return nil, err
			}
			return answer(a.office.Proposals.Withdraw(ctx, in.ID, c.member.ID))
		})
	register(a, operation{right: staff.Forget, scope: "customers", Operation: huma.Operation{OperationID: "forget-customer", Method: http.MethodDelete, Path: "/v1/customers/{id}", Tags: []string{"customers"}, DefaultStatus: http.StatusAccepted,
		Summary: "Propose to forget a customer", Description: "When another member agrees, the customer's key is destroyed: nothing of theirs can be read again by anybody. The ledger still verifies. The answer names the proposal."}},
		func(ctx context.Context, c caller, in *OneCustomer) (*proposed, error) {
			return a.proposed(a.propose(ctx, c, NewProposal{Kind: countersign.Forget, Customer: in.ID}, ""))
		})
	register(a, operation{scope: "registers", Operation: huma.Operation{OperationID: "read-roles", Method: http.MethodGet, Path: "/v1/roles", Tags: []string{"registers"}, Summary: "Read what each role may do, and by which rule"}},
		func(context.Context, caller, *struct{}) (*struct{ Body []RoleRights }, error) {
			out := &struct{ Body []RoleRights }{[]RoleRights{}}
			for _, role := range cpni.Roles {
				r := RoleRights{Role: role, Rights: []Ruling{}}
				for _, x := range a.office.Staff.RightsOf(role) {
					r.Rights = append(r.Rights, Ruling{x.Right, x.Allowed, append([]string{}, x.Rules...), x.Says, x.Clauses})
				}
				out.Body = append(out.Body, r)
			}
			return out, nil
		})
}

// propose makes a proposal of what a request says.
func (a *API) propose(ctx context.Context, c caller, n NewProposal, id cpni.ID) (*countersign.Proposal, error) {
	if given(n.Customer != "", n.Keys != "", len(n.Files) > 0, n.Switch != nil, n.Public != nil) != 1 {
		return nil, badInput("give exactly the part that goes with the kind: customer, keys, files, switch or public")
	}
	by := c.member.ID
	switch {
	case n.Kind == countersign.Forget && n.Customer != "":
		return a.office.ProposeForget(ctx, id, n.Customer, by)
	case n.Kind == countersign.Rotate && n.Keys != "":
		return a.office.ProposeRotate(ctx, id, n.Keys, by)
	case n.Kind == countersign.Policy && len(n.Files) > 0:
		files := map[string][]byte{}
		for name, text := range n.Files {
			files[name] = []byte(text)
		}
		return a.office.ProposePolicy(ctx, id, files, by)
	case n.Kind == countersign.Switch && n.Switch != nil:
		return a.office.ProposeSwitch(ctx, id, rules.Switch{Profile: n.Switch.Profile, From: n.Switch.From, Citation: n.Switch.Citation, Reason: n.Switch.Reason, Late: n.Switch.Late}, by)
	case n.Kind == countersign.Publish && n.Public != nil:
		return a.office.ProposePublish(ctx, id, []byte(n.Public.Text), n.Public.Effective, by)
	}
	return nil, badInput("give exactly the part that goes with the kind: customer, keys, files, switch or public")
}
