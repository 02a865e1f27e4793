package api_test

import (
	"net/http"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Whom an agent's key has touched comes into the set out of the ledger; two people settle what those are told, and the telling begins when the hold is over,
// is paused and goes on.
//
// cite: P-43, P-47, P-52, I-08, 47 CFR 64.2011(b)(1), 47 CFR 64.2011(c)
func TestCustomersOfAnIncidentAreTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, key := s.key(t, cpni.RoleCompliance)
		_, officer := s.key(t, cpni.RoleOfficer)
		agent, hand := s.key(t, cpni.RoleAgent)
		ann := s.Customer(t)
		if a := s.do(t, hand, "GET", "/v1/customers/"+string(ann.ID), nil); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		if err := s.Ledger.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		var taken api.IncidentTaken
		s.do(t, key, "POST", "/v1/incidents", object{"what": "An agent looked at cards for a friend.", "data": []string{"call-detail"}, "intentional": "yes", "from": "2026-11-20"}).into(t, &taken)
		at := "/v1/incidents/" + string(taken.ID)
		var i api.Incident
		did := func(key, path string, body any) {
			t.Helper()
			a := s.do(t, key, "POST", at+path, body)
			if a.status != http.StatusOK {
				t.Fatalf("%s: %d %s", path, a.status, a.raw)
			}
			a.into(t, &i)
		}
		s.do(t, hand, "POST", at+"/traces", object{"actor": agent}).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, key, "POST", at+"/traces", object{"reason": "Nobody in particular."}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, key, "POST", at+"/traces/again", object{}).problem(t, http.StatusConflict, "STATE")
		did(key, "/traces", object{"actor": agent, "shown": true, "reason": "Whose cards they saw."})
		did(key, "/traces/again", object{"reason": "Before it is reported."})
		var far api.IncidentProgress
		s.do(t, key, "GET", at+"/telling", nil).into(t, &far)
		if far.Set != 1 || far.Tally["in"] != 1 || far.Telling != "not-begun" {
			t.Errorf("the trace put in: %+v (P-52)", far)
		}
		did(key, "/determination", object{})
		did(key, "/reports", object{"through": "facility", "receipt": "F-1"})
		text := func(what, done, advice, short string) object {
			return object{"what": what, "done": done, "advice": advice, "short": short}
		}
		words := object{"texts": object{"en": text("One of our agents looked at records without a reason.", "They no longer work here.", "Change your password.", "your records"),
			"es": text("Uno de nuestros agentes miró registros sin motivo.", "Ya no trabaja aquí.", "Cambie su contraseña.", "sus registros")}}
		did(key, "/words", words)
		var whole api.WholeIncident
		s.do(t, key, "GET", at, nil).into(t, &whole)
		step := whole.History[len(whole.History)-1].N
		if a := s.do(t, key, "POST", at+"/words/agreement", object{"step": step}); a.status < 400 {
			t.Errorf("agreed to their own words: %s (P-47)", a.raw)
		}
		did(officer, "/words/agreement", object{"step": step})
		did(key, "/answers", object{"answers": object{"en": []object{{"question": "Was it me?", "answer": "We have written to everybody whom it reached."}}, "es": []object{{"question": "¿Fui yo?", "answer": "Hemos escrito a todas las personas afectadas."}}}})
		s.do(t, key, "POST", at+"/told", object{"customers": []cpni.ID{ann.ID}, "how": "BY_WORD", "reason": "On the telephone."}).problem(t, http.StatusConflict, "LE_HOLD")
		s.do(t, key, "POST", at+"/telling", object{}).problem(t, http.StatusConflict, "LE_HOLD")
		s.Time.Add(14 * 24 * time.Hour)
		_, key = s.key(t, cpni.RoleCompliance)
		did(key, "/telling", object{})
		did(key, "/telling/pause", object{"reason": "A word was wrong."})
		if s.do(t, key, "GET", at+"/telling", nil).into(t, &far); far.Telling != "paused" {
			t.Errorf("paused: %+v", far)
		}
		did(key, "/telling/resume", object{})
		did(key, "/told", object{"customers": []cpni.ID{ann.ID}, "how": "BY_WORD", "reason": "On the telephone."})
		if s.do(t, key, "GET", at+"/telling", nil).into(t, &far); far.Telling != "ended" || far.Tally["told"] != 1 {
			t.Errorf("told: %+v (P-49)", far)
		}
	})
}
