package api_test

import (
	"net/http"
	"strings"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// What is dangerous is proposed by one and agreed to by another; forgetting a customer is only proposed.
//
// cite: P-37, I-21, 47 CFR 64.2010(a)
func TestProposals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		ann := s.Customer(t)
		one, oneKey := s.key(t, cpni.RoleOfficer)
		_, two := s.key(t, cpni.RoleCompliance)
		_, agent := s.key(t, cpni.RoleAgent)
		_, admin := s.key(t, cpni.RoleAdmin)
		another, err := s.Staff.NewKey(t.Context(), one, "another", nil, "test")
		if err != nil {
			t.Fatal(err)
		}
		path := "/v1/customers/" + string(ann.ID)
		s.do(t, agent, "DELETE", path, nil).problem(t, http.StatusForbidden, "ROLE")
		a := s.do(t, oneKey, "DELETE", path, nil)
		var p api.Proposal
		a.into(t, &p)
		at := a.header.Get("Location")
		if a.status != http.StatusAccepted || at != "/v1/proposals/"+string(p.ID) || p.State != "waiting" || p.By != one || !strings.Contains(string(a.raw), string(ann.ID)) {
			t.Fatalf("proposed: %d %s at %s", a.status, a.raw, at)
		}
		if b := s.do(t, another, "DELETE", path, nil); b.status != http.StatusAccepted || b.header.Get("Location") != at {
			t.Errorf("asked again: %d %s", b.status, b.raw)
		}
		s.do(t, two, "DELETE", path, nil).problem(t, http.StatusConflict, "CONFLICT")
		s.do(t, oneKey, "GET", path, nil).into(t, &struct{}{})
		agree := object{"hash": p.Hash}
		s.do(t, oneKey, "POST", at+"/agreement", agree).problem(t, http.StatusConflict, "SAME_PERSON")
		s.do(t, another, "POST", at+"/agreement", agree).problem(t, http.StatusConflict, "SAME_PERSON")
		s.do(t, agent, "POST", at+"/agreement", agree).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, admin, "GET", at, nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, two, "POST", at+"/agreement", object{"hash": strings.Repeat("0", 64)}).problem(t, http.StatusConflict, "CONFLICT")
		s.do(t, two, "DELETE", at, nil).problem(t, http.StatusForbidden, "ROLE")
		if a = s.do(t, two, "POST", at+"/agreement", agree); a.status != http.StatusOK {
			t.Fatalf("agreed: %d %s", a.status, a.raw)
		}
		s.do(t, oneKey, "GET", path, nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, two, "POST", at+"/agreement", agree).problem(t, http.StatusConflict, "CONFLICT")

		*s.Stories = func(*rules.Set) office.Rehearsal { return office.Rehearsal{Passed: 3} }
		bad := s.do(t, two, "POST", "/v1/proposals", object{"kind": "policy", "files": object{"rules/90-ours.cedar": "permit (principal, action, resource"}}).problem(t, http.StatusUnprocessableEntity, "RULES")
		if !strings.Contains(bad.Detail, "rules/90-ours.cedar") {
			t.Errorf("a slip of the pen: %s", bad.Detail)
		}
		good := object{"kind": "policy", "files": object{"rules/90-ours.cedar": `@id("closed") @clause("P-33") @cite("47 USC 222(c)(1)") @code("FORBIDDEN") @says("Closed.") forbid (principal, action == Action::"win-back", resource);`}}
		a = s.do(t, two, "POST", "/v1/proposals", good, "Idempotency-Key", "k1")
		a.into(t, &p)
		if again := s.do(t, two, "POST", "/v1/proposals", good, "Idempotency-Key", "k1"); a.status != http.StatusAccepted || p.State != "trying" || again.header.Get("Location") != a.header.Get("Location") {
			t.Fatalf("proposed: %d %s, again %s", a.status, a.raw, again.raw)
		}
		if err := s.Proposals.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		at = a.header.Get("Location")
		s.do(t, oneKey, "GET", at, nil).into(t, &p)
		if p.State != "waiting" || p.Rehearsal == nil || p.Rehearsal.Passed != 3 {
			t.Errorf("tried: %+v", p)
		}
		if a = s.do(t, oneKey, "POST", at+"/refusal", nil); a.status != http.StatusOK || !strings.Contains(string(a.raw), "refused") {
			t.Errorf("refused: %d %s", a.status, a.raw)
		}
		a = s.do(t, two, "POST", "/v1/proposals", object{"kind": "switch", "switch": object{"profile": "breach-2023", "from": "2027-01-04", "citation": "91 FR 12345"}})
		if at = a.header.Get("Location"); a.status != http.StatusAccepted {
			t.Fatalf("a switch: %d %s", a.status, a.raw)
		}
		if a = s.do(t, two, "DELETE", at, nil); a.status != http.StatusOK || !strings.Contains(string(a.raw), "withdrawn") {
			t.Errorf("withdrawn: %d %s", a.status, a.raw)
		}
		for _, b := range []object{{"kind": "forget"}, {"kind": "rotate", "customer": string(ann.ID)}, {"kind": "rotate", "keys": "wrapping", "customer": string(ann.ID)}} {
			s.do(t, admin, "POST", "/v1/proposals", b).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		}
		if a = s.do(t, admin, "POST", "/v1/proposals", object{"kind": "rotate", "keys": "wrapping"}); a.status != http.StatusAccepted {
			t.Errorf("keys: %d %s", a.status, a.raw)
		}
		var all []api.Proposal
		s.do(t, oneKey, "GET", "/v1/proposals", nil).into(t, &all)
		if len(all) != 4 || all[0].Kind != "rotate" {
			t.Errorf("listed: %+v", all)
		}
		s.do(t, agent, "GET", "/v1/proposals", nil).into(t, &all)
		if len(all) != 0 {
			t.Errorf("listed to an agent: %+v", all)
		}
		var roles []api.RoleRights
		s.do(t, agent, "GET", "/v1/roles", nil).into(t, &roles)
		if len(roles) != len(cpni.Roles) || len(roles[0].Rights) != len(cpni.Rights) || !roles[0].Rights[0].Allowed || roles[0].Rights[0].Rules[0] != "right-serve" {
			t.Errorf("roles: %+v", roles)
		}
		if len(s.reports) > 0 {
			t.Errorf("reported: %v", s.reports)
		}
	})
}
