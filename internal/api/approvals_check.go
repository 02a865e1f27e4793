package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
)

// ApprovalCheck is what the rules say to a use of one customer's information now.
type ApprovalCheck struct {
	Outcome  cpni.Outcome       `json:"outcome" enum:"permit,deny"`
	Code     cpni.Code          `json:"code,omitempty" doc:"Of a refusal: why."`
	Approval cpni.ApprovalState `json:"approval" doc:"Where the customer's approval of this use stands."`
	Clauses  []string           `json:"clauses,omitempty"`
}

type approvalCheckBody struct{ Body ApprovalCheck }

type approvalCheckInput struct {
	OneCustomer
	Purpose  cpni.Purpose     `query:"purpose" required:"true" maxLength:"64" doc:"own-marketing, other-marketing, partner-marketing, inbound-marketing or win-back."`
	To       string           `query:"to" maxLength:"64" default:"carrier" doc:"Who receives: carrier, or the id of a partner."`
	Data     []cpni.DataClass `query:"data" maxItems:"20" doc:"Classes of data; usage when none is given."`
	Category []cpni.Category  `query:"category" maxItems:"20" doc:"Categories of what is offered; none when what is offered is not known."`
}

// cite: P-36, I-02, 47 CFR 64.2009(a)
func (a *API) approvalChecks() {
	register(a, operation{Operation: huma.Operation{OperationID: "check-approval", Method: http.MethodGet, Path: "/v1/customers/{id}/approvals/check", Tags: []string{"customers"}, Summary: "Ask whether a use is approved now",
		Description: "What the rules say to this use by the caller, and where the customer's approval stands, as the database has it at this moment on whatever node. Nothing is released and nothing recorded; an answer is no permit, which only a disclosure gives."}},
		func(ctx context.Context, c caller, in *approvalCheckInput) (*approvalCheckBody, error) {
			r := disclose.Request{Caller: c.door(), Customer: in.ID, Purpose: in.Purpose, To: in.To, Data: in.Data, Via: cpni.Screen}
			if len(r.Data) == 0 {
				r.Data = []cpni.DataClass{cpni.Usage}
			}
			if len(in.Category) > 0 {
				r.Offer = &rules.Offer{Categories: in.Category}
			}
			facts, d, err := a.office.Door.Check(ctx, r)
			if err != nil {
				return nil, err
			}
			if !facts.Customer.Known {
				return nil, customer.ErrNoCustomer
			}
			return &approvalCheckBody{ApprovalCheck{Outcome: d.Outcome, Code: d.Code, Approval: facts.Approval.State, Clauses: d.Clauses}}, nil
		})
}
