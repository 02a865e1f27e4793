package api_test

import (
	"net/http"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
)

// The registers by the interface alone: entered once, corrected with the reason, and read by the year.
//
// cite: P-37, P-41, 47 CFR 64.2009(e)
func TestTheBooks(t *testing.T) {
	s := serve(t, officetest.Open(t, storetest.Open(t, "memory:")))
	_, agent := s.key(t, cpni.RoleAgent)
	_, auditor := s.key(t, cpni.RoleAuditor)
	_, key := s.key(t, cpni.RoleCompliance)
	_, narrow := s.key(t, cpni.RoleCompliance, "contacts")
	const all = "/v1/books/records"
	facts := object{"category": "disclosure", "source": "former", "received": "2026-11-20", "name": "Ann Example", "says": "Somebody told my brother."}
	s.do(t, narrow, "POST", all, object{"complaint": facts}).problem(t, http.StatusForbidden, "SCOPE_OF_KEY")
	s.do(t, auditor, "POST", all, object{"complaint": facts}).problem(t, http.StatusForbidden, "ROLE")
	s.do(t, key, "POST", all, object{}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
	var taken, again, r api.BookRecord
	s.do(t, key, "POST", all, object{"complaint": facts}, "Idempotency-Key", "one").into(t, &taken)
	s.do(t, key, "POST", all, object{"complaint": facts}, "Idempotency-Key", "one").into(t, &again)
	if taken.ID != again.ID || taken.Number != "C-2026-1" {
		t.Errorf("entered as %+v and %+v", taken, again)
	}
	at := all + "/" + string(taken.ID)
	s.do(t, agent, "GET", at, nil).problem(t, http.StatusForbidden, "ROLE")
	s.do(t, key, "GET", all+"/"+string(cpni.NewID()), nil).problem(t, http.StatusNotFound, "NOT_FOUND")
	facts["category"], facts["verdict"] = "employee-access", "founded"
	s.do(t, key, "POST", at+"/facts", object{"complaint": facts, "reason": "the records say so"}).problem(t, http.StatusUnprocessableEntity, "INCOMPLETE")
	facts["finding"] = "An agent looked without a contact."
	s.do(t, key, "POST", at+"/facts", object{"complaint": facts, "reason": "the records say so", "version": taken.Version}).into(t, &r)
	if r.Version != 2 || len(r.History) != 2 || r.Facts.Complaint == nil || r.Facts.Complaint.Says != "Somebody told my brother." || r.History[1].Reason == "" {
		t.Errorf("corrected it is %+v", r)
	}
	s.do(t, key, "POST", at+"/facts", object{"complaint": facts, "reason": "once more", "version": taken.Version}).problem(t, http.StatusConflict, "CONFLICT")
	s.do(t, key, "POST", all, object{"action": object{"body": "fcc", "on": "2026-11-01", "against": "Example Records", "what": "A petition."}}).into(t, &r)
	var y api.BookYear
	s.do(t, auditor, "GET", "/v1/books/years/2026", nil).into(t, &y)
	if len(y.Complaints) != 3 || y.Complaints[0].Count != 1 || y.Complaints[0].Records[0].ID != taken.ID || y.Complaints[1].Count != 0 || len(y.Actions) != 1 || y.Actions[0].Page != "/books/records/"+string(r.ID) {
		t.Errorf("the year is %+v", y)
	}
	s.do(t, auditor, "GET", "/v1/books/years/2031", nil).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
	var list struct {
		Suppliers []api.BookSupplier `json:"suppliers"`
	}
	if s.do(t, auditor, "GET", "/v1/books/suppliers", nil).into(t, &list); len(list.Suppliers) != 0 {
		t.Errorf("suppliers are %+v", list.Suppliers)
	}
}
