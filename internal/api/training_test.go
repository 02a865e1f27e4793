package api_test

import (
	"net/http"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Who is trained, and by what, is read by the interface as it stands at the desk; a pass from elsewhere is recorded with what
// shows it, and nobody records their own.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestTraining(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		cora, key := s.key(t, cpni.RoleCompliance)
		id, err := s.Staff.Add(t.Context(), staff.Member{Login: "fresh", Name: "Rae Porter", Role: cpni.RoleAgent}, "", "test")
		if err != nil {
			t.Fatal(err)
		}
		state := func() api.Trainee {
			t.Helper()
			var all []api.Trainee
			s.do(t, key, "GET", "/v1/training", nil).into(t, &all)
			for _, x := range all {
				if x.Staff == id {
					return x
				}
			}
			t.Fatal("the member is not listed")
			return api.Trainee{}
		}
		if x := state(); x.State != "never" || x.Until != nil {
			t.Errorf("%+v", x)
		}
		at := "/v1/staff/" + string(id) + "/training"
		passed := s.Clock.Now().AddDate(0, -1, 0).Truncate(time.Second)
		if a := s.do(t, key, "POST", at, object{"passed": passed, "evidence": "certificate 7"}); a.status >= 300 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		if x := state(); x.State != "current" || x.Until == nil || !x.Until.Equal(passed.AddDate(0, 0, 365)) {
			t.Errorf("%+v", x)
		}
		var passes []api.TrainingPass
		s.do(t, key, "GET", at, nil).into(t, &passes)
		if len(passes) != 1 || !passes[0].Passed.Equal(passed) || passes[0].Course != "" {
			t.Fatalf("%+v", passes)
		}
		p, err := s.Training.Pass(t.Context(), passes[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := s.Training.Evidence(t.Context(), p); err != nil || text != "certificate 7" {
			t.Errorf("%q, %v", text, err)
		}
		if a := s.do(t, key, "POST", "/v1/staff/"+string(cora)+"/training", object{"passed": passed}); a.status < 400 {
			t.Errorf("they recorded their own: %d", a.status)
		}
		s.do(t, key, "POST", at, object{"passed": s.Clock.Now().Add(time.Hour)}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, key, "GET", "/v1/staff/"+string(cpni.NewID())+"/training", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
	})
}
