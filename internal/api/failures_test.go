package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A way to refuse that failed, by the interface alone: reported by a system, judged, completed and filed by those whose work it is.
//
// cite: P-12, P-37, 47 CFR 64.2009(f)
func TestAnOptOutFailure(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, system := s.key(t, cpni.RoleSystem, "incidents")
		_, other := s.key(t, cpni.RoleSystem, "contacts")
		_, auditor := s.key(t, cpni.RoleAuditor)
		_, key := s.key(t, cpni.RoleCompliance)
		const all = "/v1/opt-out-failures"
		facts := object{"mechanism": "the form on the web", "what": "The button did nothing.", "affected": 120}
		s.do(t, other, "POST", all, facts).problem(t, http.StatusForbidden, "SCOPE_OF_KEY")
		s.do(t, auditor, "POST", all, facts).problem(t, http.StatusForbidden, "ROLE")
		var taken, again api.FailureTaken
		s.do(t, system, "POST", all, facts, "Idempotency-Key", "one").into(t, &taken)
		s.do(t, system, "POST", all, facts, "Idempotency-Key", "one").into(t, &again)
		if taken != again || taken.Number != "O-2026-1" {
			t.Errorf("taken in as %+v and then %+v", taken, again)
		}
		at := all + "/" + string(taken.ID)
		s.do(t, system, "GET", at, nil).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, system, "POST", at+"/judgement", object{"anomaly": false}).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, key, "GET", all+"/"+string(cpni.NewID()), nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, key, "POST", at+"/letter", object{"proof": "R-1"}).problem(t, http.StatusConflict, "STATE")
		var f api.Failure
		s.do(t, key, "POST", at+"/judgement", object{"anomaly": false}, "Idempotency-Key", "j").into(t, &f)
		s.do(t, key, "POST", at+"/judgement", object{"anomaly": false}, "Idempotency-Key", "j").into(t, &f)
		if f.LetterBy == "" || f.State != "open" || len(f.Days) < 5 || len(f.History) != 2 || !slices.Contains(f.Lacks, "what is done about it") {
			t.Errorf("judged it is %+v", f)
		}
		s.do(t, key, "POST", at+"/letter", object{"proof": "R-1"}).problem(t, http.StatusUnprocessableEntity, "INCOMPLETE")
		s.do(t, key, "POST", at+"/facts", object{"mechanism": "the form on the web", "what": "The button did nothing.", "remedied": "soon", "reason": "it was mended"}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, key, "POST", at+"/facts", object{"mechanism": "the form on the web", "what": "The button did nothing.", "remedy": "It was mended.", "remedied": "2026-11-25", "states": "no", "notice": "Please refuse again.", "reason": "it was mended", "version": f.Version}).into(t, &f)
		s.do(t, key, "POST", at+"/letter", object{"proof": "R-1", "version": f.Version}).into(t, &f)
		if f.State != "filed" || f.Late || f.Proof != "R-1" || !strings.Contains(f.Letter, "Please refuse again.") {
			t.Errorf("filed it is %+v", f)
		}
		var list struct {
			Failures []api.Failure `json:"failures"`
		}
		if s.do(t, auditor, "GET", all+"?state=done", nil).into(t, &list); len(list.Failures) != 1 || list.Failures[0].ID != taken.ID {
			t.Errorf("done are %+v", list.Failures)
		}
	})
}
