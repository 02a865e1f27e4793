package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// SIMAsked is that a customer has asked for another SIM.
type SIMAsked struct {
	ID      cpni.ID  `json:"id" doc:"Names the change; say with it that the new SIM is in use."`
	Notices []Notice `json:"notices" doc:"Which notices go out before it is done, by which way and to what kind of place."`
}

// sims are changes of SIM cards: asked for, told to the customer, done, or locked. They are for carriers of mobile service alone.
//
// cite: P-23, 47 CFR 64.2010(h)
func (a *API) sims() {
	tag := []string{"contacts"}
	register(a, operation{right: staff.Serve, scope: "contacts", Operation: huma.Operation{OperationID: "ask-sim-change", Method: http.MethodPost, Path: "/v1/contacts/{id}/sim-changes", Tags: tag, DefaultStatus: http.StatusCreated,
		Summary: "Ask for another SIM of a line", Description: "The customer must have been proved in the contact, and is told before it is done. SIM_LOCKED: they have locked their account. NOT_APPLICABLE: the carrier offers no mobile service."}},
		func(ctx context.Context, c caller, in *struct {
			OneContact
			Body struct {
				Number string `json:"number" minLength:"1" maxLength:"40"`
			}
		}) (*struct{ Body SIMAsked }, error) {
			if _, err := a.mine(ctx, c, in.ID); err != nil {
				return nil, err
			}
			id, planned, err := a.office.Contacts.AskSIM(ctx, contact.SIMRequest{Contact: in.ID, Number: in.Body.Number})
			if err != nil {
				return nil, err
			}
			return &struct{ Body SIMAsked }{SIMAsked{id, noticesOf(planned).Body.Notices}}, nil
		})
	register(a, operation{right: staff.Serve, scope: "customers", Operation: huma.Operation{OperationID: "do-sim-change", Method: http.MethodPost, Path: "/v1/customers/{id}/sim-changes/{change}/done", Tags: tag, DefaultStatus: http.StatusNoContent,
		Summary: "Say that a new SIM is in use", Description: "Refused before a notice has gone out (NOT_TOLD), when the account is locked (SIM_LOCKED) or the customer has said that it was not them (FROZEN), and when it was asked for too long ago (ENDED). Twice is once."}},
		func(ctx context.Context, c caller, in *struct {
			OneCustomer
			Change cpni.ID `path:"change" maxLength:"26"`
		}) (*struct{}, error) {
			return nil, a.office.Contacts.DoSIM(ctx, in.ID, in.Change, string(c.member.ID))
		})
	register(a, operation{right: staff.Serve, scope: "contacts", Operation: huma.Operation{OperationID: "lock-sim", Method: http.MethodPut, Path: "/v1/contacts/{id}/sim-lock", Tags: tag,
		Summary: "Set or lift the lock against a new SIM", Description: "The customer's own; they must have been proved in the contact, and are told of both."}},
		func(ctx context.Context, c caller, in *struct {
			OneContact
			Body struct {
				Locked bool `json:"locked"`
			}
		}) (*noticesBody, error) {
			if _, err := a.mine(ctx, c, in.ID); err != nil {
				return nil, err
			}
			planned, err := a.office.Contacts.LockSIM(ctx, in.ID, in.Body.Locked)
			return noticesOf(planned), err
		})
}
