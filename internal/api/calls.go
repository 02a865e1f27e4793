package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/contact"
	"ringfence/internal/staff"
)

// Script is what is read to customers, word by word.
type Script struct {
	ID      string   `json:"id"`
	Version string   `json:"version"`
	Parts   []string `json:"parts" doc:"In the order in which they are read."`
	Cites   []string `json:"cites"`
}

type scriptBody struct{ Body Script }

// cite: P-13, P-28, P-41, 47 CFR 64.2007(a)(1), 47 CFR 64.2008(f)
func (a *API) calls() {
	tag := []string{"contacts"}
	register(a, operation{right: staff.Serve, scope: "contacts", Operation: huma.Operation{OperationID: "write-note", Method: http.MethodPost, Path: "/v1/contacts/{id}/notes", Tags: tag,
		DefaultStatus: http.StatusNoContent, Summary: "Write a note", Description: "Sealed with the customer, never changed. A note with a secret or the number of a card in it is refused (NOTE_SECRET, NOTE_CARD) and kept nowhere."}},
		func(ctx context.Context, c caller, in *struct {
			OneContact
			Body struct {
				Text string `json:"text" maxLength:"600" doc:"No call detail, amounts or places, no secrets."`
			}
		}) (*struct{}, error) {
			if _, err := a.mine(ctx, c, in.ID); err != nil {
				return nil, err
			}
			return nil, a.office.Contacts.Note(ctx, in.ID, in.Body.Text)
		})
	register(a, operation{right: staff.Serve, scope: "contacts", Operation: huma.Operation{OperationID: "answer-one-time", Method: http.MethodPost, Path: "/v1/contacts/{id}/consent", Tags: tag,
		Summary:     "Record a consent for one call",
		Description: "What the customer answered to the script one-time. A yes counts for the purposes that the script names, in this contact alone; after a no they are not asked again in it."}},
		func(ctx context.Context, c caller, in *struct {
			OneContact
			Body struct {
				Answer    string   `json:"answer" enum:"yes,no"`
				Script    string   `json:"script" maxLength:"100" doc:"Version of the text that was read."`
				Read      bool     `json:"read,omitempty" doc:"Whoever asks attests that all of it was read, and that the answer is the customer's."`
				Recording string   `json:"recording,omitempty" maxLength:"100" doc:"Id of the call's recording."`
				Partners  []string `json:"partners,omitempty" maxItems:"20" doc:"Partners whom the text one-time-partner named, by their ids."`
			}
		}) (*contactBody, error) {
			if _, err := a.mine(ctx, c, in.ID); err != nil {
				return nil, err
			}
			b := in.Body
			s, err := a.office.OneTimeConsent(ctx, contact.Consent{Contact: in.ID, Yes: b.Answer == "yes", Script: b.Script, Read: b.Read, Recording: b.Recording, Partners: b.Partners})
			if err != nil {
				return nil, err
			}
			return a.contactOf(ctx, s)
		})
	register(a, operation{right: staff.Serve, scope: "contacts", Operation: huma.Operation{OperationID: "read-script", Method: http.MethodGet, Path: "/v1/scripts/{script}", Tags: tag,
		Summary: "Read what is read aloud", Description: "The script in force today: one-time asks for consent for one call, one-time-partner for one in which companies that are named receive, safe-connections tells survivors of their rights."}},
		func(_ context.Context, _ caller, in *struct {
			ID string `path:"script" maxLength:"64"`
		}) (*scriptBody, error) {
			s, ok := a.office.Script(in.ID)
			if !ok {
				return nil, errNotFound
			}
			out := &scriptBody{Script{ID: s.ID, Version: s.Version, Cites: s.Cites}}
			for _, p := range s.Parts {
				out.Body.Parts = append(out.Body.Parts, p.Says)
			}
			return out, nil
		})
}
