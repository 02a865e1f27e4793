package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/partner"
	"ringfence/internal/staff"
)

// Partner is another company on the register.
type Partner struct {
	Class     cpni.PartnerClass `json:"class,omitempty" enum:"agent,affiliate-comm,affiliate-other,joint-venture,independent-contractor,other" doc:"Set by counsel; unset it is an independent contractor."`
	Agreement *Agreement        `json:"agreement,omitempty"`
	Serves    []cpni.ID         `json:"serves,omitempty" doc:"Customers whom an affiliate serves itself."`
	ServesAll bool              `json:"serves_all,omitempty"`
	Placed    bool              `json:"placed,omitempty" doc:"It collects: for billing it is given only what belongs to accounts that are placed with it."`
}

// Agreement is what was agreed about destruction.
type Agreement struct {
	Until        time.Time `json:"until"`
	DestroyBy    time.Time `json:"destroy_by" doc:"The day by which what was given must be destroyed."`
	DestroyProof bool      `json:"destroy_proof,omitempty" doc:"A certificate of destruction is held."`
}

// NamedPartner is a partner with its id.
type NamedPartner struct {
	ID string `json:"id"`
	Partner
}

func partnerOf(p partner.Partner) NamedPartner {
	out := NamedPartner{p.ID, Partner{Class: p.Class, Serves: p.Serves, ServesAll: p.ServesAll, Placed: p.Placed}}
	if g := p.Agreement; g != nil {
		out.Agreement = &Agreement{g.Until, g.DestroyBy, g.DestroyProof}
	}
	return out
}

// NewStaff is a member of the staff, or an integration.
type NewStaff struct {
	Login string    `json:"login" minLength:"2" maxLength:"60"`
	Name  string    `json:"name" minLength:"1" maxLength:"200"`
	Role  cpni.Role `json:"role" enum:"agent,supervisor,marketing,compliance,officer,fraud,billing,auditor,admin,system"`
}

// StaffID names a member.
type StaffID struct {
	ID cpni.ID `json:"id"`
}

// NewKey is an API key to be made.
type NewKey struct {
	Staff  cpni.ID  `json:"staff" doc:"For whom it acts."`
	Name   string   `json:"name" minLength:"1" maxLength:"60"`
	Scopes []string `json:"scopes,omitempty" maxItems:"20" doc:"Operations (contacts, customers, records, messages, registers, alerts, policy) and purposes that it is limited to; none: whatever its member may do."`
}

// MadeKey is a new key; it is shown this once.
type MadeKey struct {
	Key string `json:"key"`
}

// cite: P-15, P-35, P-37, P-38, 47 CFR 64.2009(b)
func (a *API) registers() {
	tag := []string{"registers"}
	register(a, operation{right: staff.KeepRegisters, scope: "registers", Operation: huma.Operation{OperationID: "put-partner", Method: http.MethodPut, Path: "/v1/partners/{id}", Tags: tag, Summary: "Put a partner on the register, or change what it says"}},
		func(ctx context.Context, c caller, in *struct {
			ID   string `path:"id" maxLength:"40"`
			Body Partner
		}) (*struct{}, error) {
			p := partner.Partner{ID: in.ID, Class: in.Body.Class, Serves: in.Body.Serves, ServesAll: in.Body.ServesAll}
			p.Placed = in.Body.Placed
			if g := in.Body.Agreement; g != nil {
				p.Agreement = &partner.Agreement{Until: g.Until.UTC(), DestroyBy: g.DestroyBy.UTC(), DestroyProof: g.DestroyProof}
			}
			return nil, a.office.Partners.Put(ctx, string(c.member.ID), p)
		})
	register(a, operation{scope: "registers", Operation: huma.Operation{OperationID: "list-partners", Method: http.MethodGet, Path: "/v1/partners", Tags: tag, Summary: "List the partners"}},
		func(ctx context.Context, _ caller, _ *struct{}) (*struct{ Body []NamedPartner }, error) {
			all, err := a.office.Partners.All(ctx)
			if err != nil {
				return nil, err
			}
			out := &struct{ Body []NamedPartner }{[]NamedPartner{}}
			for _, p := range all {
				out.Body = append(out.Body, partnerOf(p))
			}
			return out, nil
		})
	register(a, operation{right: staff.KeepStaff, scope: "registers", Operation: huma.Operation{OperationID: "add-staff", Method: http.MethodPost, Path: "/v1/staff", Tags: tag, DefaultStatus: http.StatusCreated,
		Summary: "Add a member of the staff", Description: "Without a password: they act by API keys, or by a password that is set with `ringfence staff`."}},
		func(ctx context.Context, c caller, in *struct{ Body NewStaff }) (*struct{ Body StaffID }, error) {
			id, err := a.office.Staff.Add(ctx, staff.Member{Login: in.Body.Login, Name: in.Body.Name, Role: in.Body.Role}, "", string(c.member.ID))
			return &struct{ Body StaffID }{StaffID{id}}, err
		})
	register(a, operation{right: staff.Train, scope: "registers", Operation: huma.Operation{OperationID: "record-training", Method: http.MethodPost, Path: "/v1/staff/{id}/training", Tags: tag, Summary: "Record that a member has passed a course elsewhere", Description: "Nobody records their own. The course that is built in is taken at the desk."}},
		func(ctx context.Context, c caller, in *struct {
			ID   cpni.ID `path:"id" maxLength:"26"`
			Body struct {
				Passed   time.Time `json:"passed"`
				Evidence string    `json:"evidence,omitempty" maxLength:"1000" doc:"What shows it, such as the certificate's number; it is kept with the record."`
			}
		}) (*struct{}, error) {
			if in.Body.Passed.After(a.office.Clock.Now()) {
				return nil, badInput("training cannot have been passed in the future")
			}
			evidence := in.Body.Evidence
			if evidence == "" {
				evidence = "recorded by the API, without more"
			}
			_, err := a.office.Training.RecordOutside(ctx, in.ID, in.Body.Passed.UTC(), evidence, string(c.member.ID))
			return nil, err
		})
	register(a, operation{right: staff.KeepStaff, scope: "registers", Operation: huma.Operation{OperationID: "make-key", Method: http.MethodPost, Path: "/v1/keys", Tags: tag, DefaultStatus: http.StatusCreated, Summary: "Make an API key", Description: "It is shown once."}},
		func(ctx context.Context, c caller, in *struct{ Body NewKey }) (*struct{ Body MadeKey }, error) {
			if _, _, err := a.office.Staff.Recent(ctx, in.Body.Staff); err != nil {
				return nil, err
			}
			key, err := a.office.Staff.NewKey(ctx, in.Body.Staff, in.Body.Name, in.Body.Scopes, string(c.member.ID))
			return &struct{ Body MadeKey }{MadeKey{key}}, err
		})
}
