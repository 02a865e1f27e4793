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
	Name      string            `json:"name,omitempty" maxLength:"200" doc:"As customers are told of it."`
	Key       string            `json:"key,omitempty" maxLength:"100" doc:"Public key (age) to which files are enciphered."`
	Webhook   string            `json:"webhook,omitempty" maxLength:"500" doc:"An https address that is told when a file waits."`
	Serves    []cpni.ID         `json:"serves,omitempty" doc:"Customers whom an affiliate serves itself."`
	ServesAll bool              `json:"serves_all,omitempty"`
	Placed    bool              `json:"placed,omitempty" doc:"It collects: for billing it is given only what belongs to accounts that are placed with it."`
}

// Agreement is what was agreed about destruction.
type Agreement struct {
	Reference    string         `json:"reference,omitempty" maxLength:"200" doc:"Where the signed paper is found."`
	From         *time.Time     `json:"from,omitempty" doc:"None: it is in force already."`
	Until        time.Time      `json:"until"`
	DestroyBy    *time.Time     `json:"destroy_by,omitempty" doc:"The day by which what was given must be destroyed."`
	DestroyDays  int            `json:"destroy_days,omitempty" minimum:"0" maximum:"3650" doc:"Within how many days each file must be destroyed."`
	DestroyProof bool           `json:"destroy_proof,omitempty" doc:"A certificate of destruction is held."`
	Purposes     []cpni.Purpose `json:"purposes,omitempty" maxItems:"20" doc:"For which something may be given; without any no file is made."`
}

// NamedPartner is a partner with its id.
type NamedPartner struct {
	ID string `json:"id"`
	Partner
}

func partnerOf(p partner.Partner) NamedPartner {
	out := NamedPartner{p.ID, Partner{Class: p.Class, Name: p.Name, Key: p.Key, Webhook: p.Webhook, Serves: p.Serves, ServesAll: p.ServesAll, Placed: p.Placed}}
	if g := p.Agreement; g != nil {
		out.Agreement = &Agreement{g.Reference, momentOf(g.From), g.Until, momentOf(g.DestroyBy), g.DestroyDays, g.DestroyProof, g.Purposes}
	}
	return out
}

// putAnswer is the answer to a change of the register of partners.
type putAnswer struct {
	Status   int
	Location string `header:"Location"`
	Body     *Proposal
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
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
	register(a, operation{right: staff.KeepRegisters, scope: "registers", Operation: huma.Operation{OperationID: "put-partner", Method: http.MethodPut, Path: "/v1/partners/{id}", Tags: tag, DefaultStatus: http.StatusNoContent, Summary: "Put a partner on the register, or change what it says",
		Description: "What narrows what the partner may get is done at once (204). What lets it have more is proposed, and done when a second person agrees (202, with the proposal)."}},
		func(ctx context.Context, c caller, in *struct {
			ID   string `path:"id" maxLength:"40"`
			Body Partner
		}) (*putAnswer, error) {
			b := in.Body
			p := partner.Partner{ID: in.ID, Name: b.Name, Class: b.Class, Key: b.Key, Webhook: b.Webhook, Serves: b.Serves, ServesAll: b.ServesAll, Placed: b.Placed}
			if g := b.Agreement; g != nil {
				p.Agreement = &partner.Agreement{Reference: g.Reference, From: moment(g.From), Until: g.Until.UTC(), DestroyBy: moment(g.DestroyBy), DestroyDays: g.DestroyDays, DestroyProof: g.DestroyProof, Purposes: g.Purposes}
			}
			proposal, err := a.office.PutPartner(ctx, "", p, c.member.ID)
			if err != nil || proposal == nil {
				return &putAnswer{Status: http.StatusNoContent}, err
			}
			body, err := a.proposalOf(proposal)
			return &putAnswer{http.StatusAccepted, "/v1/proposals/" + string(proposal.ID), &body}, err
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
