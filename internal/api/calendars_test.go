package api_test

import (
	"net/http"
	"strings"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
)

// A calendar program has nothing but an address; it works until it is ended, and another's key learns nothing.
//
// cite: P-37, P-44, 47 CFR 64.2010(a)
func TestCalendars(t *testing.T) {
	s := serve(t, officetest.Open(t, storetest.Open(t, "memory:")))
	_, key := s.key(t, cpni.RoleCompliance)
	_, agent := s.key(t, cpni.RoleAgent)
	var taken api.IncidentTaken
	s.do(t, key, "POST", "/v1/incidents", object{"what": "Calls were read.", "data": []string{"call-detail"}}).into(t, &taken)
	s.do(t, key, "POST", "/v1/incidents/"+string(taken.ID)+"/determination", object{})
	s.do(t, agent, "POST", "/v1/calendars", nil).problem(t, http.StatusForbidden, "ROLE")
	s.do(t, agent, "GET", "/v1/incidents/calendar", nil).problem(t, http.StatusForbidden, "ROLE")
	var made api.CalendarAddress
	s.do(t, key, "POST", "/v1/calendars", nil).into(t, &made)
	got, own := s.do(t, "", "GET", made.Path, nil), s.do(t, key, "GET", "/v1/incidents/calendar", nil)
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "text/calendar; charset=utf-8" || !strings.Contains(string(got.raw), taken.Number) || string(got.raw) != string(own.raw) {
		t.Errorf("%d %s %s", got.status, got.header.Get("Content-Type"), got.raw)
	}
	s.do(t, "", "GET", strings.TrimSuffix(made.Path, ".ics"), nil).problem(t, http.StatusNotFound, "NOT_FOUND")
	s.do(t, "", "GET", "/v1/calendars/rfcal_x.ics", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
	if a := s.do(t, key, "DELETE", "/v1/calendars", nil); a.status != http.StatusNoContent {
		t.Errorf("ended: %d %s", a.status, a.raw)
	}
	s.do(t, "", "GET", made.Path, nil).problem(t, http.StatusNotFound, "NOT_FOUND")
	s.do(t, key, "DELETE", "/v1/calendars", nil).problem(t, http.StatusConflict, "STATE")
	if len(s.reports) > 0 {
		t.Error(s.reports)
	}
}
