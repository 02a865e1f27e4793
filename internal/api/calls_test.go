package api_test

import (
	"net/http"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// What is done in a call at the desk is done by the interface as well: notes, the consent for one call, and how it ended.
//
// cite: P-13, P-19, P-28, P-41, P-42, 47 CFR 64.2007(a)(1), 47 CFR 64.2008(f)
func TestACallByTheInterface(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, key := s.key(t, cpni.RoleAgent)
		_, other := s.key(t, cpni.RoleAgent)
		ann := s.Customer(t)
		var c api.Contact
		s.do(t, key, "POST", "/v1/contacts", object{"customer": ann.ID, "channel": "phone"}).into(t, &c)
		at := "/v1/contacts/" + string(c.ID)
		if a := s.do(t, key, "POST", at+"/notes", object{"text": "Wants a call after five."}); a.status != http.StatusNoContent {
			t.Errorf("%d %s", a.status, a.raw)
		}
		s.do(t, key, "POST", at+"/notes", object{"text": "4111 1111 1111 1111"}).problem(t, http.StatusUnprocessableEntity, "NOTE_CARD")
		s.do(t, other, "POST", at+"/notes", object{"text": "x"}).problem(t, http.StatusNotFound, "NO_CONTACT")

		var script api.Script
		s.do(t, key, "GET", "/v1/scripts/one-time", nil).into(t, &script)
		if script.Version == "" || len(script.Parts) < 4 {
			t.Errorf("%+v", script)
		}
		if a := s.do(t, key, "GET", "/v1/scripts/none", nil); a.status != http.StatusNotFound {
			t.Errorf("%d", a.status)
		}
		yes := object{"answer": "yes", "script": script.Version, "read": true, "recording": "rec-1"}
		s.do(t, key, "POST", at+"/consent", yes).problem(t, http.StatusForbidden, "UNAUTHENTICATED")
		s.do(t, key, "POST", at+"/proofs", object{"password": officetest.Password})
		s.do(t, key, "POST", at+"/notes", object{"text": officetest.Password}).problem(t, http.StatusUnprocessableEntity, "NOTE_SECRET")
		s.do(t, key, "POST", at+"/consent", object{"answer": "yes", "script": script.Version}).problem(t, http.StatusUnprocessableEntity, "CONSENT_EVIDENCE")
		s.do(t, other, "POST", at+"/consent", yes).problem(t, http.StatusNotFound, "NO_CONTACT")
		if s.do(t, key, "POST", at+"/consent", yes).into(t, &c); c.OneTime != "yes" {
			t.Errorf("%+v", c)
		}
		if s.do(t, key, "POST", at+"/consent", object{"answer": "no", "script": script.Version}).into(t, &c); c.OneTime != "no" {
			t.Errorf("%+v", c)
		}
		s.do(t, key, "POST", at+"/consent", yes).problem(t, http.StatusUnprocessableEntity, "DENIED")

		if a := s.do(t, key, "DELETE", at+"?outcome=happy", nil); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%d %s", a.status, a.raw)
		}
		if a := s.do(t, key, "DELETE", at+"?outcome=served", nil); a.status != http.StatusNoContent {
			t.Errorf("%d %s", a.status, a.raw)
		}
		if state, _, err := s.Contacts.Get(t.Context(), c.ID); err != nil || state.Outcome != contact.Served {
			t.Errorf("%+v, %v", state, err)
		}
	})
}
