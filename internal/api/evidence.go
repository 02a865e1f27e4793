package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/evidence"
	"ringfence/internal/staff"
)

// NewEvidence is a bundle that is proposed.
type NewEvidence struct {
	From  time.Time `json:"from" doc:"Of the entries that are in it: from this moment on."`
	To    time.Time `json:"to" doc:"Before this moment."`
	Scope string    `json:"scope" enum:"all,customer,incident,campaign"`
	ID    cpni.ID   `json:"id,omitempty" maxLength:"26" doc:"Of the customer, incident or campaign."`
	Key   string    `json:"key" maxLength:"4000" doc:"The auditor's public key, as age writes it; the facts are sealed to it."`
	Why   string    `json:"why" minLength:"1" maxLength:"2000" doc:"Who asks for it and why."`
}

// evidence is what auditors take along.
//
// cite: P-37, P-41, P-49, 47 CFR 64.2009(c)
func (a *API) evidence() {
	register(a, operation{right: staff.KeepRegisters, scope: "proposals", Operation: huma.Operation{OperationID: "propose-evidence", Method: http.MethodPost, Path: "/v1/evidence", Tags: []string{"proposals"}, DefaultStatus: http.StatusAccepted,
		Summary: "Propose a bundle of evidence", Description: "A second person agrees; then it can be taken. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body NewEvidence
		}) (*proposed, error) {
			b := in.Body
			order := evidence.Order{From: b.From.UTC(), To: b.To.UTC(), Scope: evidence.Scope{Kind: b.Scope, ID: b.ID}, Key: b.Key, Why: b.Why}
			return a.proposed(a.office.Proposals.Propose(ctx, a.repeatable("proposal of evidence", c, in.Key), countersign.Evidence, order, c.member.ID))
		})
	register(a, operation{right: staff.ReadRegisters, scope: "registers", Operation: huma.Operation{OperationID: "take-evidence", Method: http.MethodPost, Path: "/v1/evidence/{proposal}/bundle", Tags: []string{"registers"}, DefaultStatus: http.StatusOK,
		Summary:     "Take a bundle of evidence to which two people have agreed",
		Description: "It is made as it is sent, as a ZIP archive; one that breaks off is none. `ringfence verify --folder` and `ringfence replay --bundle` read it once it is unpacked. Who takes it, and what it was, is on record each time.",
		Responses:   map[string]*huma.Response{"200": {Description: "The bundle", Content: map[string]*huma.MediaType{"application/zip": {}}}}}},
		func(ctx context.Context, c caller, in *struct {
			Proposal cpni.ID `path:"proposal" maxLength:"26"`
		}) (*huma.StreamResponse, error) {
			if _, err := a.office.AgreedEvidence(ctx, in.Proposal); err != nil {
				return nil, err
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				hc.SetHeader("Content-Type", "application/zip")
				hc.SetHeader("Content-Disposition", `attachment; filename="evidence-`+string(in.Proposal)+`.zip"`)
				hc.SetHeader("Cache-Control", "no-store")
				_, w := humago.Unwrap(hc)
				line := http.NewResponseController(w)
				// The line may be slow, but not silent: each file has its own time.
				silent := time.AfterFunc(partTime, func() { a.report(ignoreUnsupported(line.SetWriteDeadline(time.Unix(1, 0)))) })
				defer silent.Stop()
				if err := ignoreUnsupported(line.SetWriteDeadline(time.Time{})); err != nil {
					a.report(err)
				}
				to := evidence.NewZip(hc.BodyWriter(), a.office.Clock.Now(), func() { silent.Reset(partTime) })
				if _, err := a.office.MakeEvidence(hc.Context(), in.Proposal, string(c.member.ID), to); err != nil {
					a.report(err)
					panic(http.ErrAbortHandler) // half a bundle must not be taken for the whole
				}
			}}, nil
		})
}
