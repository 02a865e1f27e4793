package api_test

import (
	"net/http"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A campaign is drawn up, counted, reviewed by somebody else, launched and stopped by the interface alone; counts name nobody, and a
// version that is no longer there does nothing.
//
// cite: P-40, I-11, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func TestCampaignsByKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		ann := s.Customer(t)
		s.Customer(t)
		_, market := s.key(t, cpni.RoleMarketing)
		_, super := s.key(t, cpni.RoleSupervisor)
		_, agent := s.key(t, cpni.RoleAgent)
		_, auditor := s.key(t, cpni.RoleAuditor)
		plan := object{"name": "Plus", "description": "A bigger local plan", "kind": "marketing", "purpose": "own-marketing", "uses": []string{"service"}, "products": []object{{"name": "Local Plus", "category": "local"}},
			"to": "carrier", "channel": "list", "starts": "2026-11-24", "ends": "2026-12-24", "filter": object{"has": []string{"local"}}}
		var counts campaign.Counts
		if s.do(t, market, "POST", "/v1/campaigns/counts", plan).into(t, &counts); counts.Included != 2 {
			t.Errorf("%+v", counts)
		}
		s.do(t, agent, "POST", "/v1/campaigns", plan).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, agent, "GET", "/v1/campaigns", nil).problem(t, http.StatusForbidden, "ROLE")
		var c, again api.Campaign
		a := s.do(t, market, "POST", "/v1/campaigns", plan, "Idempotency-Key", "one")
		if a.into(t, &c); a.status != http.StatusCreated || c.State != campaign.Draft || c.For != "customers who buy local" {
			t.Fatalf("drawn up: %d %s", a.status, a.raw)
		}
		if s.do(t, market, "POST", "/v1/campaigns", plan, "Idempotency-Key", "one").into(t, &again); again.ID != c.ID {
			t.Errorf("the same once more is another: %s", again.ID)
		}
		path := "/v1/campaigns/" + string(c.ID)
		act := func(key, what string, body object) {
			t.Helper()
			a := s.do(t, key, "POST", path+what, body)
			if a.into(t, &c); a.status != http.StatusOK {
				t.Fatalf("%s: %d %s", what, a.status, a.raw)
			}
		}
		act(market, "/submission", object{"version": c.Version})
		s.do(t, market, "POST", path+"/review", object{"version": c.Version, "verdict": "approve"}).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, super, "POST", path+"/review", object{"version": c.Version + 1, "verdict": "approve"}).problem(t, http.StatusConflict, "CONFLICT")
		act(super, "/review", object{"version": c.Version, "verdict": "approve"})
		act(market, "/launch", object{"version": c.Version})
		if err := s.Campaigns.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.do(t, auditor, "GET", path, nil).into(t, &c); c.State != campaign.Launched || !c.Approved || c.Progress == nil || c.Progress.Of(campaign.WithListed) != 2 || len(c.History) != 4 || c.History[2].Entry == "" {
			t.Errorf("read: %+v", c)
		}
		var ids []cpni.ID
		if s.do(t, agent, "GET", path+"/customers?limit=1", nil).into(t, &ids); len(ids) != 1 {
			t.Errorf("the list: %v", ids)
		}
		s.do(t, market, "GET", path+"/customers", nil).problem(t, http.StatusForbidden, "ROLE")
		if a := s.do(t, super, "POST", path+"/stop", nil); a.status != http.StatusOK {
			t.Fatalf("stopped: %d %s", a.status, a.raw)
		}
		if s.do(t, agent, "GET", path+"/customers", nil).into(t, &ids); len(ids) != 0 {
			t.Errorf("on the list of one that was stopped: %v", ids)
		}
		s.do(t, market, "POST", path+"/resume", nil).problem(t, http.StatusConflict, "CONFLICT")
		s.do(t, market, "GET", "/v1/campaigns/"+string(ann.ID), nil).problem(t, http.StatusNotFound, "NOT_FOUND")
	})
}
