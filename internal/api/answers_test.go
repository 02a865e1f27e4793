package api_test

import (
	"net/http"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A switchboard records what callers say: a no of anybody whose line it is, a yes only of who has proved themselves in the contact, with
// evidence and the notice that it answers; each once for a key, and each with its history.
//
// cite: P-12, P-14, P-36, I-11, 47 CFR 64.2007(a)
func TestAnswers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		machine, key := s.key(t, cpni.RoleSystem)
		_, auditor := s.key(t, cpni.RoleAuditor)
		_, reader := s.key(t, cpni.RoleCompliance)
		pin := s.Secrets.Secret("830275")
		ann := s.Customer(t, func(p *customer.Profile) { p.Credentials.PIN = &pin })
		notice := cpni.NewTimedID(s.Clock.Now())
		if _, err := s.Ledger.Commit(t.Context(), func(tx *store.Tx) ([]ledger.Entry, error) {
			_, entries, err := s.Approvals.Give(t.Context(), tx, ann.ID, approval.Given{Notice: notice, Kind: approval.OptIn, Via: "email", At: s.Clock.Now(), Scopes: []string{"partner:acme"}, Names: []string{"acme"}, By: "test"})
			return entries, err
		}); err != nil {
			t.Fatal(err)
		}
		s.Time.Add(time.Hour)
		at := "/v1/customers/" + string(ann.ID)
		body := func(more map[string]any) map[string]any {
			b := map[string]any{"says": "grant", "scope": "partner:acme", "via": "phone", "notice": notice, "evidence": map[string]any{"kind": "recording", "says": "call 77"}}
			for k, v := range more {
				if b[k] = v; v == nil {
					delete(b, k)
				}
			}
			return b
		}
		unproved, proved := s.Contact(t, machine, ann.ID), s.Contact(t, machine, ann.ID)
		s.do(t, key, "POST", "/v1/contacts/"+string(proved)+"/proofs", map[string]any{"pin": "830275"})
		for name, row := range map[string]struct {
			more   map[string]any
			status int
			code   string
		}{
			"no contact":            {nil, http.StatusForbidden, "UNAUTHENTICATED"},
			"nobody proved":         {map[string]any{"contact": unproved}, http.StatusForbidden, "UNAUTHENTICATED"},
			"no evidence":           {map[string]any{"contact": proved, "evidence": nil}, http.StatusUnprocessableEntity, "CONSENT_EVIDENCE"},
			"no evidence in a shop": {map[string]any{"contact": proved, "via": "store", "evidence": nil}, http.StatusUnprocessableEntity, "CONSENT_EVIDENCE"},
			"evidence of nothing":   {map[string]any{"contact": proved, "evidence": map[string]any{"kind": "attestation"}}, http.StatusUnprocessableEntity, "CONSENT_EVIDENCE"},
			"no notice":             {map[string]any{"contact": proved, "notice": nil}, http.StatusUnprocessableEntity, "NOT_CONSENT"},
			"another company":       {map[string]any{"contact": proved, "names": []string{"beta"}}, http.StatusUnprocessableEntity, "NOT_CONSENT"},
			"everything":            {map[string]any{"contact": proved, "scope": "everything"}, http.StatusUnprocessableEntity, "NOT_CONSENT"},
			"a moment to come":      {map[string]any{"contact": proved, "received": s.Clock.Now().Add(time.Hour)}, http.StatusUnprocessableEntity, "BAD_INPUT"},
			"nothing to take back":  {map[string]any{"contact": proved, "says": "revoke-objection", "scope": "own-marketing"}, http.StatusNotFound, "NOT_FOUND"},
		} {
			a := s.do(t, key, "POST", at+"/answers", body(row.more))
			var p api.Problem
			a.into(t, &p)
			if string(p.Code) != row.code || a.status < 400 {
				t.Errorf("%s: %d %s, want %s", name, a.status, p.Code, row.code)
			}
		}
		states := func() map[string]api.ScopeStands {
			t.Helper()
			var out struct{ Approvals []api.ScopeStands }
			s.do(t, key, "GET", at+"/approvals", nil).into(t, &out)
			all := map[string]api.ScopeStands{}
			for _, x := range out.Approvals {
				all[x.Scope] = x
			}
			return all
		}
		yes := body(map[string]any{"contact": proved})
		var first, again, no api.AnswerEvent
		s.do(t, key, "POST", at+"/answers", yes, "Idempotency-Key", "k1").into(t, &first)
		s.do(t, key, "POST", at+"/answers", yes, "Idempotency-Key", "k1").into(t, &again)
		if first.What != "granted" || first.ID != again.ID || first.Evidence == nil || len(first.Proved) == 0 {
			t.Fatalf("%+v %+v", first, again)
		}
		for name, other := range map[string]map[string]any{"a no": {"says": "object", "via": "phone"}, "a no to that": {"says": "object", "scope": "partner:acme", "via": "phone"}} {
			var p api.Problem
			if a := s.do(t, key, "POST", at+"/answers", other, "Idempotency-Key", "k1"); a.status != http.StatusConflict {
				t.Errorf("%s under the key of a yes is answered with %d (P-12)", name, a.status)
			} else if a.into(t, &p); p.Code != "IDEMPOTENCY" {
				t.Errorf("%s under the key of a yes: %s", name, p.Code)
			}
		}
		s.do(t, key, "POST", at+"/answers", map[string]any{"says": "object", "via": "phone", "evidence": map[string]any{"kind": "recording", "hash": "zz"}}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.Time.Add(time.Minute)
		s.do(t, key, "POST", at+"/answers", map[string]any{"says": "object", "via": "phone"}).into(t, &no)
		if no.What != "objected" || no.Scope != "everything" {
			t.Fatalf("%+v", no)
		}
		if got := states(); got["own-marketing"].State != "denied" || got["own-marketing"].By != "everything" || got["everything"].State != "denied" || got["everything"].Since == nil {
			t.Errorf("%+v (P-14)", got)
		}
		var history struct{ Events []api.AnswerEvent }
		s.do(t, key, "GET", at+"/answers", nil).into(t, &history)
		if len(history.Events) != 3 || history.Events[0].What != "noticed" || history.Events[1].ID != first.ID || history.Events[2].ID != no.ID {
			t.Errorf("%+v", history)
		}
		letter, err := s.Approvals.Answer(t.Context(), approval.Answer{Customer: ann.ID, Says: approval.Object, Via: approval.ByPostal, By: "test", Evidence: &approval.Evidence{Kind: "letter", Raw: []byte("%PDF-1.7 no")}})
		if err != nil {
			t.Fatal(err)
		}
		raw := at + "/answers/" + string(letter) + "/evidence"
		s.do(t, key, "GET", raw, nil).problem(t, http.StatusForbidden, "ROLE")
		opened := 0
		for _, who := range []string{auditor, reader} {
			a := s.do(t, who, "GET", raw, nil)
			if a.status == http.StatusOK {
				opened++
			}
			if who == reader && (a.status != http.StatusOK || string(a.raw) != "%PDF-1.7 no") {
				t.Errorf("%d %s", a.status, a.raw)
			}
		}
		looks, err := s.Ledger.Records(t.Context(), ann.ID, ledger.Filter{Kind: ledger.Lookup})
		seen := 0 // all at one moment of the test's clock, so in no order
		for _, l := range looks {
			if l.Purpose == "evidence" {
				seen++
			}
		}
		if err != nil || seen != opened {
			t.Errorf("%d looks at the evidence are on record, and %d were given it: %v", seen, opened, err)
		}
		s.do(t, reader, "GET", at+"/answers/"+string(no.ID)+"/evidence", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, key, "GET", "/v1/customers/"+string(cpni.NewID())+"/approvals", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		if a := s.do(t, key, "POST", at+"/objections", map[string]any{"via": "phone", "scope": "data:location"}); a.status != http.StatusNoContent {
			t.Errorf("the older way: %d %s", a.status, a.raw)
		}
	})
}
