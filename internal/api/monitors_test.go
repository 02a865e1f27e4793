package api_test

import (
	"net/http"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/monitor"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
)

// How each way to refuse is found stands at the interface, for those who know of failures, with its tries.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func TestOptOutMonitors(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	s := serve(t, o)
	_, auditor := s.key(t, cpni.RoleAuditor)
	_, agent := s.key(t, cpni.RoleAgent)
	nowhere, err := monitor.NewWeb("http://127.0.0.1:1/account/refuse", nil) // where nobody listens
	if err != nil {
		t.Fatal(err)
	}
	o.Monitors.Use(monitor.Web, nowhere)
	o.Monitors.NotOffered(monitor.Text, "no line takes texts")
	begun := o.Clock.Now()
	for range 3 {
		if err := o.Monitors.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.Time.Add(o.Monitors.Numbers(o.Clock.Now()).Every)
	}
	const all = "/v1/opt-out-monitors"
	s.do(t, agent, "GET", all, nil).problem(t, http.StatusForbidden, "ROLE")
	var list struct {
		Ways []api.WayTried `json:"ways"`
	}
	s.do(t, auditor, "GET", all, nil).into(t, &list)
	if len(list.Ways) != 4 || list.Ways[0].Way != monitor.Web || list.Ways[0].State != monitor.Down || list.Ways[0].Failed != 3 || list.Ways[0].Failure == "" || list.Ways[0].Last == nil || list.Ways[0].Last.Step != "open the page" {
		t.Errorf("%+v", list.Ways)
	}
	if w := list.Ways[2]; w.State != monitor.NotOffered || w.Why == "" {
		t.Errorf("%+v", w)
	}
	s.do(t, auditor, "GET", all+"?from="+begun.Add(time.Millisecond).UTC().Format("2006-01-02T15:04:05.999999999Z"), nil).into(t, &list)
	if list.Ways[0].Tries != 2 {
		t.Errorf("%d tries after the first", list.Ways[0].Tries)
	}
	var tries struct {
		Tries []api.TryMade `json:"tries"`
	}
	if s.do(t, auditor, "GET", all+"/web/tries?limit=2", nil).into(t, &tries); len(tries.Tries) != 2 || tries.Tries[0].Failure != list.Ways[0].Failure || !tries.Tries[0].At.After(tries.Tries[1].At) {
		t.Errorf("%+v", tries.Tries)
	}
	s.do(t, agent, "GET", all+"/web/tries", nil).problem(t, http.StatusForbidden, "ROLE")
}
