package api_test

import (
	"net/http"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// An emergency is on record before anything is given on it, once for each idempotency key; who recorded it says why within a day, and what
// nobody justified is an alert. What is asked for in an emergency without that is refused.
//
// cite: P-28, P-41, I-01, I-11, 47 USC 222(d)(4)
func TestEmergencies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		ann := s.Customer(t)
		if err := s.DB.Tx(t.Context(), func(tx *store.Tx) error {
			month := vault.Month(s.Clock.Now(), s.Zone)
			return s.Vault.PutItem(t.Context(), tx, ann.ID, vault.Item{Class: cpni.Location, Period: month, Values: map[string]string{"cell": "Springfield 3"}})
		}); err != nil {
			t.Fatal(err)
		}
		member, agent := s.key(t, cpni.RoleAgent)
		_, other := s.key(t, cpni.RoleAgent)
		_, marketing := s.key(t, cpni.RoleMarketing)
		_, narrow := s.key(t, cpni.RoleAgent, "contacts", string(cpni.CustomerRequest))
		_, watch := s.key(t, cpni.RoleCompliance)
		const at = "/v1/emergencies"
		claim := func() object {
			return object{"customer": ann.ID, "to": "psap", "kind": "911-call", "caller": "psap", "callback": "county dispatch, 703 555 0100", "incident": "I-7"}
		}
		list := func(key, query string) (all []api.RecordedEmergency) {
			t.Helper()
			s.do(t, key, "GET", at+query, nil).into(t, &all)
			return all
		}
		// Nothing is given without a record of it, whatever the door would say.
		s.do(t, agent, "POST", "/v1/disclosures", object{"customer": ann.ID, "data": []string{"location"}, "purpose": "emergency", "to": "psap", "via": "voice", "emergency": object{"kind": "911-call", "caller": "psap"}}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, marketing, "POST", at, claim()).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, narrow, "POST", at, claim()).problem(t, http.StatusForbidden, "SCOPE_OF_KEY")
		stranger := claim()
		stranger["customer"] = cpni.NewID()
		s.do(t, agent, "POST", at, stranger).problem(t, http.StatusNotFound, "NOT_FOUND")
		mute := claim()
		mute["callback"] = " "
		s.do(t, agent, "POST", at, mute).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		if all := list(agent, ""); len(all) != 0 {
			t.Fatalf("%+v", all)
		}
		var first, again api.EmergencyAnswer
		for _, into := range []*api.EmergencyAnswer{&first, &again} {
			a := s.do(t, agent, "POST", at, claim(), "Idempotency-Key", "dispatch 17")
			if a.into(t, into); a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.raw)
			}
		}
		if first.ID != again.ID || first.Disclosure.Entry != again.Disclosure.Entry || first.Disclosure.Released == nil || len(first.Disclosure.Released.Items) != 1 || !first.Due.Equal(again.Due) || !first.Due.After(s.Clock.Now()) {
			t.Errorf("%+v, again %+v", first, again)
		}
		friend := claim()
		friend["to"], friend["kind"], friend["caller"] = "family", "life-at-risk", "other"
		s.Time.Add(time.Second)
		s.do(t, agent, "POST", at, friend).problem(t, http.StatusForbidden, "NOT_NECESSARY")
		// What was refused is to be justified as well: somebody asked for it.
		open := list(agent, "")
		if len(open) != 2 || open[0].ID != first.ID || open[0].By != member || open[0].To != "psap" || open[0].Late || open[1].To != "family" {
			t.Fatalf("%+v", open)
		}
		if len(list(other, "")) != 0 || len(list(watch, "")) != 2 {
			t.Error("others see one's own, and who watches sees everybody's")
		}
		why := func(id cpni.ID) string {
			return "/v1/customers/" + string(ann.ID) + "/emergencies/" + string(id) + "/justification"
		}
		reason := object{"reason": "The county's dispatch called about a 911 call from this number."}
		s.do(t, agent, "POST", why(first.ID), object{"reason": "because"}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, other, "POST", why(first.ID), reason).problem(t, http.StatusNotFound, "NOT_FOUND")
		if a := s.do(t, agent, "POST", why(first.ID), reason); a.status != http.StatusNoContent {
			t.Errorf("%d %s", a.status, a.raw)
		}
		s.do(t, agent, "POST", why(first.ID), reason).problem(t, http.StatusNotFound, "NOT_FOUND")
		if all := list(agent, "?justified=true"); len(all) != 1 || all[0].Justified == nil || all[0].Reason != reason["reason"] {
			t.Errorf("%+v", all)
		}
		s.Time.Add(25 * time.Hour)
		if err := s.Door.Missed(t.Context()); err != nil {
			t.Fatal(err)
		}
		if open := list(agent, ""); len(open) != 1 || !open[0].Late {
			t.Errorf("%+v", open)
		}
		rows, err := s.Ledger.Records(t.Context(), ann.ID, everything)
		late := 0
		for _, r := range rows {
			if r.Code == disclose.EmergencyUnjustified {
				late++
			}
		}
		if err != nil || late != 1 {
			t.Errorf("%d alerts, %v", late, err)
		}
	})
}
