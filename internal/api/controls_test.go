package api_test

import (
	"net/http"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/controls"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
)

// The list of controls, by the interface alone: read by an auditor, confirmed by compliance, once.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestControlsByTheInterface(t *testing.T) {
	s := serve(t, officetest.Open(t, storetest.Open(t, storetest.SQLite(t))))
	if err := s.Controls.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, auditor := s.key(t, cpni.RoleAuditor)
	_, agent := s.key(t, cpni.RoleAgent)
	_, key := s.key(t, cpni.RoleCompliance)
	const all = "/v1/controls"
	var list struct {
		Controls []api.Control `json:"controls"`
	}
	s.do(t, auditor, "GET", all, nil).into(t, &list)
	if len(list.Controls) == 0 || list.Controls[0].ID != "sealing" || list.Controls[0].State != controls.On || list.Controls[0].Since == nil || list.Controls[0].History != nil {
		t.Errorf("the list is %+v", list.Controls)
	}
	s.do(t, agent, "GET", all, nil).problem(t, http.StatusForbidden, "ROLE")
	at, words := all+"/backups", object{"on": true, "words": "The backup of this night is there.", "steps": 0}
	s.do(t, auditor, "POST", at+"/confirm", words).problem(t, http.StatusForbidden, "ROLE")
	s.do(t, key, "POST", all+"/sealing/confirm", words).problem(t, http.StatusConflict, "STATE")
	s.do(t, key, "GET", all+"/nothing", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
	var c api.Control
	s.do(t, key, "POST", at+"/confirm", words, "Idempotency-Key", "one").into(t, &c)
	s.do(t, key, "POST", at+"/confirm", words, "Idempotency-Key", "one").into(t, &c)
	if c.State != controls.On || len(c.History) != 1 || c.Every != 31 || c.Until == nil || c.History[0].Says != "The backup of this night is there." {
		t.Errorf("confirmed it is %+v", c)
	}
	s.do(t, key, "POST", at+"/confirm", words).problem(t, http.StatusConflict, "CONFLICT")
}
