package api_test

import (
	"net/http"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/matter"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// The carrier's ticket system opens a ticket, asked twice once; a request rests on it by id or number until it is closed. For who
// does not work on such there is none.
//
// cite: P-28, P-34, P-37, I-11, 47 USC 222(c)(1), 47 CFR 64.2010(a)
func TestMatters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, system := s.key(t, cpni.RoleSystem, "matters", "provide-service", "protect")
		_, agent := s.key(t, cpni.RoleAgent)
		_, fraud := s.key(t, cpni.RoleFraud)
		_, marketer := s.key(t, cpni.RoleMarketing)
		_, narrow := s.key(t, cpni.RoleSystem, "customers")
		ann, ben := s.Customer(t), s.Customer(t)
		about := func(id cpni.ID) []object { return []object{{"customer": id}} }
		ticket := object{"kind": "ticket", "reference": "T-1", "why": "No dial tone.", "about": about(ann.ID), "data": []string{"service"}}
		var m, again api.Matter
		s.do(t, system, "POST", "/v1/matters", ticket, "Idempotency-Key", "one").into(t, &m)
		s.do(t, system, "POST", "/v1/matters", ticket, "Idempotency-Key", "one").into(t, &again)
		if m.ID != again.ID || m.State != matter.Open || m.Purpose != cpni.ProvideService || len(m.Data) != 1 || m.Why != "No dial tone." {
			t.Errorf("%+v, %+v", m, again)
		}
		other := object{"kind": "ticket", "reference": "T-2", "why": "Noise.", "about": about(ann.ID)}
		s.do(t, system, "POST", "/v1/matters", other, "Idempotency-Key", "one").problem(t, http.StatusConflict, "IDEMPOTENCY")
		s.do(t, system, "POST", "/v1/matters", ticket).problem(t, http.StatusConflict, "CONFLICT")
		s.do(t, agent, "POST", "/v1/matters", object{"kind": "port-out", "reference": "P-1", "why": "x", "carrier": "Far", "about": about(ann.ID)}).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, narrow, "POST", "/v1/matters", other).problem(t, http.StatusForbidden, "SCOPE_OF_KEY")
		s.do(t, system, "POST", "/v1/matters", object{"kind": "ticket", "reference": "T-3", "why": "x", "about": about(cpni.NewID())}).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, system, "POST", "/v1/matters", object{"kind": "ticket", "reference": "T-3", "why": "x", "about": about(ann.ID), "data": []string{"location"}}).problem(t, http.StatusUnprocessableEntity, "NOT_NECESSARY")

		ask := func(of cpni.ID, basis object) answer {
			body := object{"customer": of, "data": []string{"service"}, "purpose": "provide-service", "to": "carrier"}
			for k, v := range basis {
				body[k] = v
			}
			return s.do(t, system, "POST", "/v1/disclosures", body)
		}
		for name, basis := range map[string]object{"by id": {"matter": m.ID}, "by number": {"matter": "t-1"}, "as a ticket": {"ticket": object{"id": "T-1"}}, "as a ticket that the caller calls closed": {"ticket": object{"id": "T-1", "open": false}}} {
			if a := ask(ann.ID, basis); a.status != http.StatusOK {
				t.Errorf("%s: %s", name, a.raw)
			}
		}
		ask(ben.ID, object{"matter": m.ID}).problem(t, http.StatusForbidden, "NOT_NECESSARY")
		ask(ann.ID, object{"ticket": object{"id": "T-99", "open": true}}).problem(t, http.StatusForbidden, "NOT_NECESSARY")
		ask(ann.ID, object{"order": object{"id": "T-1", "open": true}}).problem(t, http.StatusForbidden, "NOT_NECESSARY")

		at := "/v1/matters/" + string(m.ID)
		s.do(t, fraud, "GET", at, nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, fraud, "POST", at+"/close", object{"outcome": "done", "reason": "x"}).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, fraud, "GET", "/v1/matters?kind=ticket", nil).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, fraud, "POST", "/v1/matters/search", object{"kind": "ticket", "reference": "T-1"}).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, marketer, "GET", "/v1/matters", nil).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, agent, "POST", "/v1/matters/search", object{"kind": "ticket", "reference": "t-1"}).into(t, &again)
		if again.ID != m.ID {
			t.Errorf("found %+v", again)
		}
		s.do(t, agent, "POST", "/v1/matters/search", object{"kind": "ticket", "reference": "T-9"}).problem(t, http.StatusNotFound, "NOT_FOUND")
		var h api.MatterHistory
		s.do(t, agent, "POST", at+"/notes", object{"note": "The mast."}).into(t, &h)
		s.do(t, agent, "POST", at+"/close", object{"outcome": "lapsed", "reason": "x"}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, agent, "POST", at+"/close", object{"outcome": "done", "reason": "Mended."}).into(t, &h)
		if h.State != matter.Closed || h.Outcome != matter.Done || h.Closed == nil || len(h.History) != 3 || h.History[1].Note != "The mast." || h.History[2].Note != "Mended." {
			t.Errorf("%+v", h)
		}
		s.do(t, agent, "POST", at+"/close", object{"outcome": "done", "reason": "Again."}).problem(t, http.StatusConflict, "CONFLICT")
		ask(ann.ID, object{"matter": m.ID}).problem(t, http.StatusForbidden, "NOT_NECESSARY")

		for _, reference := range []string{"T-2", "T-3", "T-4"} {
			s.Time.Add(time.Second)
			s.do(t, system, "POST", "/v1/matters", object{"kind": "ticket", "reference": reference, "why": "Noise.", "about": about(ben.ID)})
		}
		var page api.Matters
		s.do(t, agent, "GET", "/v1/matters?state=open&limit=2", nil).into(t, &page)
		if len(page.Matters) != 2 || page.Matters[0].Reference != "T-4" || page.Next == "" {
			t.Fatalf("%+v", page)
		}
		next := page.Next
		page = api.Matters{}
		s.do(t, agent, "GET", "/v1/matters?state=open&limit=2&before="+string(next), nil).into(t, &page)
		if len(page.Matters) != 1 || page.Matters[0].Reference != "T-2" || page.Next != "" {
			t.Errorf("%+v", page)
		}
		s.Time.Add(5 * 24 * time.Hour)
		if err := s.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		page = api.Matters{}
		_, fresh := s.key(t, cpni.RoleAgent)
		s.do(t, fresh, "GET", "/v1/matters?idle=true&customer="+string(ben.ID), nil).into(t, &page)
		if len(page.Matters) != 3 || page.Matters[0].Idle == nil {
			t.Errorf("%+v", page)
		}
	})
}
