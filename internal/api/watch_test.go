package api_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/watch"
)

// Cards that are read are on record, a decoy is noticed, its case is worked on and closed, and never by the one it is about.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func TestWatching(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		culprit, curious := s.key(t, cpni.RoleFraud)
		_, reader := s.key(t, cpni.RoleCompliance)
		_, agent := s.key(t, cpni.RoleAgent)
		_, auditor := s.key(t, cpni.RoleAuditor)
		ann := s.Customer(t)
		looked := func() {
			t.Helper()
			if err := errors.Join(s.Ledger.Sequence(t.Context()), s.Watch.Step(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Watch.SetDecoy(t.Context(), ann.ID, true, "test"); err != nil {
			t.Fatal(err)
		}
		s.Time.Add(time.Second)
		s.do(t, curious, "POST", "/v1/customers/search", object{"account": ann.Account})
		s.do(t, curious, "GET", "/v1/customers/"+string(ann.ID), nil)
		rows, err := s.Ledger.Records(t.Context(), ann.ID, ledger.Filter{Kind: ledger.Lookup})
		if err != nil || len(rows) != 2 || rows[0].Actor != string(culprit) || rows[0].Purpose != watch.Card {
			t.Fatalf("on record: %+v (%v)", rows, err)
		}
		looked()
		var list api.Alerts
		s.do(t, reader, "GET", "/v1/alerts?state=open&detector=decoy", nil).into(t, &list)
		if len(list.Alerts) != 1 || list.Alerts[0].Code != "DECOY" || list.Alerts[0].Member != culprit || list.Alerts[0].Evidence != 2 {
			t.Fatalf("alerts: %+v", list)
		}
		at := "/v1/alerts/" + string(list.Alerts[0].ID)
		s.do(t, agent, "GET", "/v1/alerts", nil).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, curious, "GET", at, nil).problem(t, http.StatusForbidden, "SELF_REVIEW")
		s.do(t, curious, "POST", at+"/take", nil).problem(t, http.StatusForbidden, "SELF_REVIEW")
		s.do(t, curious, "GET", "/v1/alerts", nil).into(t, &list)
		if len(list.Alerts) != 0 {
			t.Errorf("the one it is about sees %+v", list)
		}
		s.do(t, reader, "GET", "/v1/alerts/"+string(cpni.NewID()), nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, reader, "POST", at+"/notes", object{"note": "too early"}).problem(t, http.StatusConflict, "CONFLICT")
		var c api.AlertCase
		s.do(t, reader, "POST", at+"/take", nil).into(t, &c)
		if c.Alert.State != watch.Looking || len(c.Entries) != 2 {
			t.Errorf("taken: %+v", c)
		}
		s.do(t, reader, "POST", at+"/notes", object{"note": "Asked them."})
		s.do(t, reader, "POST", at+"/close", object{"outcome": "guilty", "reason": "x"}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, reader, "POST", at+"/close", object{"outcome": "violation", "reason": " "}).problem(t, http.StatusUnprocessableEntity, "REASON")
		s.do(t, reader, "POST", at+"/close", object{"outcome": "violation", "reason": "Curiosity."}).into(t, &c)
		if c.Alert.Outcome != watch.Violation || c.Alert.Closed == nil || len(c.History) != 4 || c.History[2].Note != "Asked them." {
			t.Errorf("closed: %+v", c)
		}
		looked()
		search := func(key, query string) (all api.Activities) {
			t.Helper()
			a := s.do(t, key, "GET", "/v1/activity?"+query, nil)
			if a.status != http.StatusOK {
				t.Fatalf("%s: %s", query, a.raw)
			}
			a.into(t, &all)
			return all
		}
		if all := search(auditor, "kind=lookup&actor="+string(culprit)); len(all.Activity) != 2 || all.Activity[0].Customer != ann.ID {
			t.Errorf("look-ups: %+v", all)
		}
		if all := search(reader, "code=DECOY"); len(all.Activity) != 1 {
			t.Errorf("the alert: %+v", all)
		}
		for who, key := range map[string]string{"an auditor": auditor, "the one it is about": curious} {
			if all := search(key, "code=DECOY"); len(all.Activity) != 0 {
				t.Errorf("%s sees %+v", who, all)
			}
		}
		seen := 0
		for next := ""; ; {
			all := search(reader, "limit=2&to=2030-01-01T00:00:00Z&before="+next)
			seen += len(all.Activity)
			if next = all.Next; next == "" {
				break
			}
		}
		if whole := search(reader, "limit=500"); seen != len(whole.Activity) {
			t.Errorf("in pages %d, whole %d", seen, len(whole.Activity))
		}
		s.do(t, reader, "GET", "/v1/activity?before=x", nil).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, agent, "GET", "/v1/activity", nil).problem(t, http.StatusForbidden, "ROLE")
	})
}
