package api_test

import (
	"net/http"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// What a node has seen of a customer before does not make it say yes after an objection that another node has taken; nor does
// it go on saying no after the customer's later yes.
//
// cite: P-12, P-36, I-02, 47 CFR 64.2007(a)(2)
func TestApprovalCheckIsOfThisMoment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		one := serve(t, officetest.Open(t, db))
		two := serve(t, one.On(t, db))
		_, marketing := one.key(t, cpni.RoleMarketing)
		_, agent := one.key(t, cpni.RoleAgent)
		ann := one.Customer(t, func(p *customer.Profile) {
			yes := officetest.Start.AddDate(0, -1, 0)
			p.Approvals = []customer.Approval{{Scope: "own-marketing", State: cpni.OptInOK, Since: yes, NoticeAt: yes}}
		})
		about := "/v1/customers/" + string(ann.ID)
		check := func(s *served, want cpni.Outcome, code cpni.Code, state cpni.ApprovalState) {
			t.Helper()
			var a api.ApprovalCheck
			s.do(t, marketing, "GET", about+"/approvals/check?purpose=own-marketing&category=broadband", nil).into(t, &a)
			if a.Outcome != want || a.Code != code || a.Approval != state {
				t.Errorf("checked %+v, want %s %s %s", a, want, code, state)
			}
			var c api.Considered
			s.do(t, marketing, "POST", "/v1/considerations", object{"customer": ann.ID, "data": []string{"usage"}, "purpose": "own-marketing", "to": "carrier", "offer": object{"categories": []string{"broadband"}}}).into(t, &c)
			if c.Outcome != want || c.Code != code || c.Approval != state || (len(c.Ways) > 0) != (want == cpni.Deny) {
				t.Errorf("considered %+v, want %s %s %s", c, want, code, state)
			}
		}
		check(one, cpni.Permit, "", cpni.OptInOK)
		check(two, cpni.Permit, "", cpni.OptInOK)
		one.Time.Add(time.Second)
		if a := one.do(t, agent, "POST", about+"/objections", object{"scope": "own-marketing", "via": "phone"}); a.status != http.StatusNoContent {
			t.Fatalf("objecting answered %d %s", a.status, a.raw)
		}
		check(two, cpni.Deny, "DENIED", cpni.Denied)
		check(one, cpni.Deny, "DENIED", cpni.Denied)

		two.do(t, marketing, "GET", "/v1/customers/"+string(cpni.NewID())+"/approvals/check?purpose=own-marketing", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		var a api.ApprovalCheck
		two.do(t, agent, "GET", about+"/approvals/check?purpose=spying", nil).into(t, &a)
		if a.Outcome != cpni.Deny || a.Code != "UNKNOWN_PURPOSE" {
			t.Errorf("a purpose that is none: %+v", a)
		}
		two.do(t, marketing, "GET", about+"/approvals/check", nil).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		if entries := len(one.reports) + len(two.reports); entries > 0 {
			t.Errorf("reported %v %v", one.reports, two.reports)
		}
	})
}
