package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/answer"
	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// NewAnswer is what a customer says about the use of their information, as another system has heard it.
//
// cite: P-12, P-36
type NewAnswer struct {
	Says     string           `json:"says" enum:"grant,object,revoke-objection" doc:"Yes to what a notice told, no, or that a no is taken back."`
	Scope    string           `json:"scope,omitempty" maxLength:"100" doc:"own-marketing, other-marketing, partner:ID, location:PURPOSE; of an objection also data:CLASS and everything, which it is when not given."`
	Via      string           `json:"via" enum:"email,portal,phone,postal,store,sms"`
	Contact  cpni.ID          `json:"contact,omitempty" maxLength:"26" doc:"In which the customer has proved who they are. An objection needs none."`
	Notice   cpni.ID          `json:"notice,omitempty" maxLength:"26" doc:"The message of the notice that a yes answers."`
	Names    []string         `json:"names,omitempty" maxItems:"100" doc:"Partners that a yes is for; none: those that the notice named."`
	Data     []cpni.DataClass `json:"data,omitempty" maxItems:"20" doc:"Classes of information that a yes is for; none: those that the notice named."`
	Evidence *AnswerEvidence  `json:"evidence,omitempty"`
	Received *time.Time       `json:"received,omitempty" doc:"When it was received; now, when not given. It counts from then."`
	Signed   bool             `json:"signed,omitempty" doc:"It is on paper, bears the customer's signature, and evidence gives the hash of its scan."`
}

// AnswerEvidence is what shows that something was said.
type AnswerEvidence struct {
	Kind string `json:"kind" minLength:"1" maxLength:"40" doc:"recording, attestation, letter, mail, text, form, signal."`
	Says string `json:"says,omitempty" maxLength:"2000" doc:"The id of the recording, or who attests to what."`
	Hash string `json:"hash,omitempty" pattern:"^[0-9a-f]{64}$" doc:"SHA-256 of what is kept elsewhere."`
	Size int    `json:"size,omitempty" readOnly:"true" doc:"Bytes that are kept here."`
}

// AnswerEvent is one thing that was said or given about a customer's approval.
type AnswerEvent struct {
	ID       cpni.ID          `json:"id"`
	What     string           `json:"what" doc:"stated, noticed, void, objected, granted, lifted."`
	Scope    string           `json:"scope,omitempty"`
	Scopes   []string         `json:"scopes,omitempty" doc:"Of a notice: what it told of."`
	At       time.Time        `json:"at" doc:"Since when it counts."`
	Recorded time.Time        `json:"recorded"`
	Via      string           `json:"via,omitempty"`
	By       string           `json:"by,omitempty"`
	Contact  cpni.ID          `json:"contact,omitempty"`
	Proved   []cpni.Method    `json:"proved,omitempty" doc:"How the customer had shown who they are."`
	Notice   cpni.ID          `json:"notice,omitempty"`
	Matures  *time.Time       `json:"matures,omitempty"`
	Names    []string         `json:"names,omitempty"`
	Data     []cpni.DataClass `json:"data,omitempty"`
	Code     string           `json:"code,omitempty"`
	Evidence *AnswerEvidence  `json:"evidence,omitempty"`
}

// ScopeStands is where one scope of a customer's approval stands.
type ScopeStands struct {
	Scope   string     `json:"scope"`
	State   string     `json:"state" doc:"unnotified, waiting, opt-out-ok, opt-in-ok, denied, renotice-due."`
	Since   *time.Time `json:"since,omitempty"`
	Noticed *time.Time `json:"noticed,omitempty"`
	Matures *time.Time `json:"matures,omitempty" doc:"The first moment at which silence counts."`
	Lapses  *time.Time `json:"lapses,omitempty" doc:"The first moment at which silence counts no more."`
	Notice  cpni.ID    `json:"notice,omitempty" doc:"The message of the notice that it rests on."`
	By      string     `json:"by,omitempty" doc:"The wider refusal under which it stands."`
}

func momentOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func eventOf(e approval.Event) AnswerEvent {
	out := AnswerEvent{ID: e.ID, What: string(e.What), Scope: e.Scope, Scopes: e.Scopes, At: e.At, Recorded: e.Recorded, Via: e.Via, By: e.By, Contact: e.Contact, Proved: e.Proved, Notice: e.Notice,
		Matures: momentOf(e.Matures), Names: e.Names, Data: e.Data, Code: e.Code}
	if x := e.Evidence; x != nil {
		out.Evidence = &AnswerEvidence{Kind: x.Kind, Says: x.Says, Hash: x.Hash, Size: max(x.Size, len(x.Raw))}
	}
	return out
}

type answersBody struct {
	Body struct {
		Events []AnswerEvent `json:"events" doc:"In the order in which they were recorded."`
	}
}

type standsBody struct {
	Body struct {
		Approvals []ScopeStands `json:"approvals"`
	}
}

type evidenceBody struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// answers are what customers say about the use of their information, for switchboards, shops and other systems.
//
// cite: P-11, P-12, P-14, P-36, 47 CFR 64.2007(a), 47 CFR 64.2008(c)(3)
func (a *API) answers() {
	tag := []string{"customers"}
	register(a, operation{right: staff.Serve, scope: "customers", Operation: huma.Operation{OperationID: "answer", Method: http.MethodPost, Path: "/v1/customers/{id}/answers", Tags: tag, DefaultStatus: http.StatusCreated,
		Summary:     "Record what a customer says about the use of their information",
		Description: "A no needs only to name the customer. A yes, and taking a no back, need a live contact in which the customer has proved who they are, or their signature on paper; a yes also the notice that it answers, and on the telephone evidence. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			OneCustomer
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body NewAnswer
		}) (*struct{ Body AnswerEvent }, error) {
			b := in.Body
			x := approval.Answer{Customer: in.ID, Says: approval.Say(b.Says), Scope: b.Scope, Via: b.Via, Contact: b.Contact, Notice: b.Notice, Names: b.Names, Data: b.Data, By: string(c.member.ID), Signed: b.Signed,
				As: a.repeatable("answer", c, in.Key)}
			if b.Received != nil {
				x.At = *b.Received
			}
			if e := b.Evidence; e != nil {
				x.Evidence = &approval.Evidence{Kind: e.Kind, Says: e.Says, Hash: e.Hash}
			}
			id, err := a.office.Approvals.Answer(ctx, x)
			if err != nil {
				return nil, err
			}
			made, err := a.office.Approvals.Event(ctx, in.ID, id)
			if errors.Is(err, approval.ErrNoEvidence) { // there was nothing to take back
				return nil, cpni.Rejected("NOT_FOUND", "the customer has no such refusal that could be taken back", []string{"P-14"}, "look where their approvals stand")
			}
			if err != nil {
				return nil, err
			}
			if !x.Made(made) {
				return nil, errOtherAnswer
			}
			return &struct{ Body AnswerEvent }{eventOf(made)}, nil
		})
	register(a, operation{right: staff.See, scope: "customers", Operation: huma.Operation{OperationID: "list-answers", Method: http.MethodGet, Path: "/v1/customers/{id}/answers", Tags: tag,
		Summary: "What a customer has said about the use of their information, and was told of it", Description: "With the kind of evidence of each, and without the evidence itself."}},
		func(ctx context.Context, c caller, in *OneCustomer) (*answersBody, error) {
			if err := a.shown(ctx, c, in.ID); err != nil {
				return nil, err
			}
			all, err := a.office.Approvals.Events(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			out := &answersBody{}
			out.Body.Events = []AnswerEvent{}
			for _, e := range all {
				out.Body.Events = append(out.Body.Events, eventOf(e))
			}
			return out, nil
		})
	register(a, operation{right: staff.ReadRecords, scope: "customers", Operation: huma.Operation{OperationID: "read-answer-evidence", Method: http.MethodGet, Path: "/v1/customers/{id}/answers/{event}/evidence", Tags: tag,
		Summary: "Read what shows that a customer said something", Description: "As it came in: a scanned letter, a mail, a text. That it was read is on record."}},
		func(ctx context.Context, c caller, in *struct {
			OneCustomer
			Event cpni.ID `path:"event" maxLength:"26"`
		}) (*evidenceBody, error) {
			_, raw, err := a.office.AnswerEvidence(ctx, c.member.ID, in.ID, in.Event)
			if errors.Is(err, approval.ErrNoEvidence) {
				return nil, errNotFound
			}
			if err != nil {
				return nil, err
			}
			out := &evidenceBody{Type: "application/octet-stream", Disposition: `attachment; filename="evidence"`, Body: raw}
			if media, ok := answer.Sniff(raw); ok {
				out.Type = media
			}
			return out, nil
		})
	register(a, operation{right: staff.See, scope: "customers", Operation: huma.Operation{OperationID: "list-approvals", Method: http.MethodGet, Path: "/v1/customers/{id}/approvals", Tags: tag,
		Summary: "Where a customer's approvals stand now", Description: "Every scope, with since when, what it rests on, and when silence begins and ceases to count. It says nothing about service, and nothing about service depends on it."}},
		func(ctx context.Context, c caller, in *OneCustomer) (*standsBody, error) {
			if err := a.shown(ctx, c, in.ID); err != nil {
				return nil, err
			}
			p, _, err := a.office.Customers.Get(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			all, err := a.office.Stands(ctx, p)
			if err != nil {
				return nil, err
			}
			out := &standsBody{}
			for _, s := range all {
				out.Body.Approvals = append(out.Body.Approvals, ScopeStands{Scope: s.Scope, State: string(s.State), Since: momentOf(s.Since), Noticed: momentOf(s.Noticed), Matures: momentOf(s.Matures), Lapses: momentOf(s.Lapses), Notice: s.Notice, By: s.By})
			}
			return out, nil
		})
}

// errOtherAnswer: what the customer said now is not on record, and whoever asks must not take it to be.
//
// cite: P-12, I-11
var errOtherAnswer = cpni.Rejected("IDEMPOTENCY", "this idempotency key was used for another answer of the customer, so this one was not recorded", []string{"P-12"}, "make a new key for every answer; use one again only to repeat the very same")

// shown puts on record that something of a customer is about to be shown; a customer there must be.
func (a *API) shown(ctx context.Context, c caller, of cpni.ID) error {
	if _, _, err := a.office.Customers.Get(ctx, of); err != nil {
		return err
	}
	return a.office.Viewed(ctx, c.member.ID, watch.Card, of)
}
