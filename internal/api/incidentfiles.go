package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// incidentFiles are the files in which an incident is handed over: as pages, and as a bundle that anybody can check.
//
// cite: P-41, P-49, P-51, 47 CFR 64.2011(d)
func (a *API) incidentFiles() {
	tag := []string{"incidents"}
	const one = "/v1/incidents/{id}"
	register(a, operation{scope: "incidents", Operation: huma.Operation{OperationID: "read-dossier", Method: http.MethodGet, Path: one + "/dossier", Tags: tag, Summary: "Read the whole file as PDF",
		Description: "With every step, what both rules make of it, the clocks day by day, and the hashes of the papers. Of a closed file it is always the same."}},
		func(ctx context.Context, c caller, in *OneIncident) (*evidenceBody, error) {
			i, err := a.incident(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			file, err := a.office.Incidents.Dossier(ctx, in.ID, c.member.ID)
			if err != nil {
				return nil, err
			}
			return &evidenceBody{Type: "application/pdf", Disposition: fmt.Sprintf(`attachment; filename="%s.pdf"`, i.Number), Body: file}, nil
		})
	register(a, operation{scope: "incidents", Operation: huma.Operation{OperationID: "read-dossier-signature", Method: http.MethodGet, Path: one + "/dossier/signature", Tags: tag, Summary: "Read the signature of the PDF",
		Description: "A signed note with the ledger's key over the SHA-256 of the PDF of a file that is closed (409, STATE, while it is open: its pages change from moment to moment)."}},
		func(ctx context.Context, c caller, in *OneIncident) (*evidenceBody, error) {
			i, err := a.incident(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			_, signed, err := a.office.Incidents.SignedDossier(ctx, in.ID, c.member.ID)
			if err != nil {
				return nil, err
			}
			return &evidenceBody{Type: "text/plain; charset=utf-8", Disposition: fmt.Sprintf(`attachment; filename="%s.pdf.note"`, i.Number), Body: signed}, nil
		})
	register(a, operation{scope: "incidents", Operation: huma.Operation{OperationID: "read-incident-bundle", Method: http.MethodGet, Path: one + "/bundle", Tags: tag, Summary: "Read the whole file as a bundle that anybody can check",
		Description: "A ZIP file with the PDF, every step to the byte and the proof that the ledger holds it, the papers, the clocks and a signature. `ringfence verify-incident` checks it without asking anybody, and a README in it says how others do. Who the customers are stands nowhere in it. That it was taken is on record.",
		Responses:   map[string]*huma.Response{"200": {Description: "The bundle", Content: map[string]*huma.MediaType{"application/zip": {}}}}}},
		func(ctx context.Context, c caller, in *OneIncident) (*huma.StreamResponse, error) {
			i, err := a.incident(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			b, err := a.office.Incidents.Bundle(ctx, in.ID, c.member.ID)
			if err != nil {
				return nil, err
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				hc.SetHeader("Content-Type", "application/zip")
				hc.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.zip"`, i.Number))
				hc.SetHeader("Cache-Control", "no-store")
				if err := b.Write(hc.BodyWriter()); err != nil {
					a.report(err)
					panic(http.ErrAbortHandler) // half a bundle must not be taken for the whole
				}
			}}, nil
		})
}
