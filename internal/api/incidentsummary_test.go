package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/workday"
)

// The summary of a year's small breaches is read by those who see incidents, and filed by an officer, once.
//
// cite: P-37, V27, I-11, 47 CFR 64.2011(a)(4)
func TestIncidentSummary(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		numbers := s.Incidents.Numbers
		s.Incidents.Numbers = func(at time.Time) clock.Numbers { // the rule of 2023 alone is in force
			n := numbers(at)
			n.Of2007.Spans, n.Of2023.Spans = nil, []rules.Span{{From: workday.On(2026, time.January, 1)}}
			return n
		}
		_, agent := s.key(t, cpni.RoleAgent)
		_, auditor := s.key(t, cpni.RoleAuditor)
		_, compliance := s.key(t, cpni.RoleCompliance)
		_, officer := s.key(t, cpni.RoleOfficer)
		var taken api.IncidentTaken
		s.do(t, compliance, "POST", "/v1/incidents", object{"what": "A colleague read a bill.", "data": []string{"billing"}, "outcome": "used", "intentional": "no", "harm": "unlikely", "basis": "They were asked.", "customers": 7}).into(t, &taken)
		var i api.Incident
		s.do(t, compliance, "POST", "/v1/incidents/"+string(taken.ID)+"/determination", object{}).into(t, &i)

		const path = "/v1/incident-summaries/2026"
		s.do(t, agent, "GET", path, nil).problem(t, http.StatusForbidden, "ROLE")
		var got api.IncidentSummary
		s.do(t, auditor, "GET", path, nil).into(t, &got)
		if len(got.Breaches) != 1 || got.Breaches[0].Number != "I-2026-1" || got.Breaches[0].Customers != 7 || got.Due != "2027-02-01" || got.Below != 500 || !strings.Contains(got.Text, "Breach I-2026-1") {
			t.Errorf("%+v", got)
		}
		s.do(t, officer, "POST", path, object{"receipt": "S-1"}).problem(t, http.StatusConflict, "STATE")
		s.Time.Add(time.Date(2027, 1, 20, 12, 0, 0, 0, officetest.Zone).Sub(s.Clock.Now()))
		for _, key := range []string{agent, auditor, compliance} {
			s.do(t, key, "POST", path, object{"receipt": "S-1"}).problem(t, http.StatusForbidden, "ROLE")
		}
		s.do(t, officer, "POST", path, object{"receipt": ""}).problem(t, http.StatusUnprocessableEntity, "RECEIPT")
		for range 2 {
			var filed struct {
				Incidents []api.Incident `json:"incidents"`
			}
			s.do(t, officer, "POST", path, object{"receipt": "S-1"}, "Idempotency-Key", "one").into(t, &filed)
			if len(filed.Incidents) != 1 || filed.Incidents[0].ID != taken.ID || filed.Incidents[0].Version != i.Version+1 {
				t.Errorf("filed: %+v", filed)
			}
		}
		got = api.IncidentSummary{}
		if s.do(t, auditor, "GET", path, nil).into(t, &got); len(got.Breaches) != 0 || got.Due != "" {
			t.Errorf("after it was filed: %+v", got)
		}
	})
}
