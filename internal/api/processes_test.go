package api_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A paper is taken in through the interface with its scan, once for one key; it is read with its history by those who may know of it, and
// the door takes a process by its id alone.
//
// cite: P-29, P-37, I-11, 47 USC 222(c)(1)
func TestLegalProcess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, one := s.key(t, cpni.RoleCompliance)
		_, other := s.key(t, cpni.RoleCompliance)
		_, agent := s.key(t, cpni.RoleAgent)
		officer := s.Member(t, cpni.RoleOfficer)
		ann := s.Customer(t)
		now := s.Clock.Now()
		paper := []byte("%PDF-1.7 in the matter of")
		body := map[string]any{"kind": "court-order", "number": "26-cr-114", "issuer": "Judge Roe", "officer": "Special Agent Doe", "address": "Federal Bureau, 9 Pine Road, Springfield, VA 22150", "issued": now.Add(-48 * time.Hour), "received": now.Add(-time.Hour),
			"until": now.Add(480 * time.Hour), "about": []string{ann.Account}, "data": []string{"call-detail"}, "records": map[string]any{"from": now.Add(-960 * time.Hour), "until": now}, "scan": base64.StdEncoding.EncodeToString(paper),
			"silence": map[string]any{}, "named": []cpni.ID{officer}}
		s.do(t, agent, "POST", "/v1/processes", body).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, agent, "GET", "/v1/processes", nil).problem(t, http.StatusForbidden, "ROLE")
		var made, again api.LegalProcess
		s.do(t, one, "POST", "/v1/processes", body, "Idempotency-Key", "paper-1").into(t, &made)
		s.do(t, one, "POST", "/v1/processes", body, "Idempotency-Key", "paper-1").into(t, &again)
		if made.ID != again.ID || made.State != "entered" || made.Silence == nil || len(made.Asked.About) != 1 || made.Asked.About[0].Customer != ann.ID {
			t.Errorf("%+v, %+v", made, again)
		}
		bad := map[string]any{}
		for k, v := range body {
			bad[k] = v
		}
		bad["scan"] = base64.StdEncoding.EncodeToString([]byte("<html>"))
		s.do(t, one, "POST", "/v1/processes", bad).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		at := "/v1/processes/" + string(made.ID)
		var whole api.WholeProcess
		s.do(t, one, "GET", at, nil).into(t, &whole)
		if len(whole.History) != 1 || len(whole.Papers) != 1 || whole.Number != "26-cr-114" {
			t.Errorf("%+v", whole)
		}
		if got := s.do(t, one, "GET", at+"/papers/1", nil); got.status != http.StatusOK || !strings.Contains(string(got.raw), "in the matter of") {
			t.Errorf("%d %q", got.status, got.raw)
		}
		// Who is not named learns nothing of it.
		s.do(t, other, "GET", at, nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, other, "GET", at+"/papers/1", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		var list struct {
			Processes []api.LegalProcess `json:"processes"`
		}
		if s.do(t, other, "GET", "/v1/processes", nil).into(t, &list); len(list.Processes) != 0 {
			t.Errorf("%+v (P-37)", list)
		}
		if s.do(t, one, "GET", "/v1/processes?state=entered", nil).into(t, &list); len(list.Processes) != 1 {
			t.Errorf("%+v", list)
		}
		// The door reads no more of it than its id, and nobody has reviewed it.
		s.do(t, one, "POST", "/v1/disclosures", map[string]any{"customer": ann.ID, "data": []string{"call-detail"}, "purpose": "legal", "to": "law-enforcement", "via": "file", "process": map[string]any{"id": made.ID}}).problem(t, http.StatusForbidden, "PROCESS")
	})
}
