package api_test

import (
	"net/http"
	"strings"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// The certificate of a year, by the interface: read by those who may see registers, written by those who keep them, and never signed here.
//
// cite: P-37, 47 CFR 64.2009(e)
func TestACertificate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, agent := s.key(t, cpni.RoleAgent)
		_, auditor := s.key(t, cpni.RoleAuditor)
		_, other := s.key(t, cpni.RoleCompliance, "contacts")
		_, key := s.key(t, cpni.RoleCompliance)
		const all, one = "/v1/certificates", "/v1/certificates/2026"
		s.do(t, agent, "GET", all, nil).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, other, "GET", all, nil).problem(t, http.StatusForbidden, "SCOPE_OF_KEY")
		s.do(t, auditor, "GET", all+"/2027", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, auditor, "POST", one+"/fields", object{"signatory": "Jo Doe"}).problem(t, http.StatusForbidden, "ROLE")
		var list struct {
			Certificates []api.AnnualCertificate `json:"certificates"`
		}
		if s.do(t, auditor, "GET", all, nil).into(t, &list); len(list.Certificates) != 1 || list.Certificates[0].Due != "2027-03-01" || list.Certificates[0].State != "working" {
			t.Errorf("the files are %+v", list.Certificates)
		}
		var x, again api.AnnualCertificate
		body := object{"signatory": "Jo Doe", "title": "President", "complaints": object{"none": true}, "own": "We comply with everything and are in full compliance."}
		s.do(t, key, "POST", one+"/fields", body, "Idempotency-Key", "w").into(t, &x)
		s.do(t, key, "POST", one+"/fields", body, "Idempotency-Key", "w").into(t, &again)
		if x.Version != 1 || again.Version != 1 || len(x.Obligations) < 10 || x.Gaps == 0 || len(x.Contrary) != 1 || len(x.History) != 1 || !strings.Contains(x.Text, "[LACKS: ") {
			t.Errorf("written it is version %d and %d, %d obligations, %d gaps, contrary %v", x.Version, again.Version, len(x.Obligations), x.Gaps, x.Contrary)
		}
		body["version"] = 7
		s.do(t, key, "POST", one+"/fields", body).problem(t, http.StatusConflict, "CONFLICT")
		s.do(t, key, "POST", one+"/receipt", object{"number": "F-1"}).problem(t, http.StatusConflict, "STATE")
		s.do(t, key, "POST", one+"/reopening", object{"reason": "why not"}).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, key, "POST", one+"/signature", object{}).problem(t, http.StatusNotFound, "NOT_FOUND")
		if r := s.do(t, auditor, "GET", one+"/pages", nil); !strings.HasPrefix(string(r.raw), "%PDF-") {
			t.Error("the pages are no PDF")
		}
	})
}
