package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/breach/bundle"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// The file of an incident by the interface alone: taken in by a switchboard, determined, reported, held, put off, and shown with its clocks to
// those whose work it is and to nobody else.
//
// cite: P-43, P-44, P-45, P-47, P-48, P-49, V01, 47 CFR 64.2011
func TestAnIncident(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, system := s.key(t, cpni.RoleSystem, "incidents")
		_, other := s.key(t, cpni.RoleSystem, "contacts")
		_, agent := s.key(t, cpni.RoleAgent)
		_, auditor := s.key(t, cpni.RoleAuditor)
		compliance, key := s.key(t, cpni.RoleCompliance)
		ann := s.Customer(t)
		found := object{"what": "Somebody read the calls of a customer at a shop.", "data": []string{"call-detail"}, "outcome": "accessed", "intentional": "yes", "basis": "They have said so."}

		s.do(t, other, "POST", "/v1/incidents", found).problem(t, http.StatusForbidden, "SCOPE_OF_KEY")
		s.do(t, auditor, "POST", "/v1/incidents", found).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, system, "POST", "/v1/incidents", object{"what": "It will happen.", "discovered": s.Clock.Now().Add(time.Hour)}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, system, "POST", "/v1/incidents", object{"what": "When?", "from": "yesterday"}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, agent, "POST", "/v1/incidents", object{"what": "A rehearsal.", "exercise": true}).problem(t, http.StatusForbidden, "ROLE")
		var taken, again api.IncidentTaken
		s.do(t, system, "POST", "/v1/incidents", found, "Idempotency-Key", "one").into(t, &taken)
		s.do(t, system, "POST", "/v1/incidents", found, "Idempotency-Key", "one").into(t, &again)
		if taken != again || taken.Number != "I-2026-1" {
			t.Errorf("taken in as %+v and then %+v (P-43)", taken, again)
		}

		// Whoever may not know of it learns nothing, not even that it is there.
		at, none := "/v1/incidents/"+string(taken.ID), "/v1/incidents/"+string(cpni.NewID())
		for _, path := range []string{"", "/papers/1", "/customers"} {
			there, gone := s.do(t, agent, "GET", at+path, nil), s.do(t, agent, "GET", none+path, nil)
			there.problem(t, http.StatusNotFound, "NOT_FOUND")
			if string(there.raw) != string(gone.raw) {
				t.Errorf("of one that is there %s, of one that is not %s (P-47)", there.raw, gone.raw)
			}
		}
		s.do(t, key, "GET", none, nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, agent, "POST", at+"/determination", object{}).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, agent, "POST", at+"/removal", object{"reason": "to see"}).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, agent, "GET", "/v1/incidents", nil).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, auditor, "POST", at+"/determination", object{}).problem(t, http.StatusForbidden, "ROLE")

		// Nothing is told before it is determined, reported and the days after that are over.
		s.do(t, key, "POST", at+"/telling", object{}).problem(t, http.StatusConflict, "LE_HOLD")
		var i api.Incident
		s.do(t, key, "POST", at+"/customers", object{"customers": []cpni.ID{ann.ID}, "reason": "Whose calls they were."}).into(t, &i)
		s.do(t, key, "POST", at+"/customers", object{"customers": []cpni.ID{cpni.NewID()}, "reason": "Nobody."}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, key, "POST", at+"/determination", object{"version": i.Version + 7}).problem(t, http.StatusConflict, "CONFLICT")
		s.do(t, key, "POST", at+"/determination", object{"version": i.Version, "basis": "The log of the shop."}, "Idempotency-Key", "d").into(t, &i)
		s.do(t, key, "POST", at+"/determination", object{"basis": "The log of the shop."}, "Idempotency-Key", "d").into(t, &i)
		if i.Clocks.Kind != "breach" || i.Clocks.AgenciesBy != "2026-12-04" || len(i.Clocks.Agencies) != 2 || !i.Clocks.Held {
			t.Errorf("the clocks after the determination: %+v (P-44)", i.Clocks)
		}
		s.do(t, key, "POST", at+"/reports", object{"through": "email", "receipt": "4711"}).problem(t, http.StatusUnprocessableEntity, "CHANNEL")
		s.do(t, key, "POST", at+"/reports", object{"through": "facility", "receipt": ""}).problem(t, http.StatusUnprocessableEntity, "RECEIPT")
		s.do(t, key, "POST", at+"/drafts", object{"form": "breach-2007/1", "fields": object{"description": "A shop."}}).into(t, &i)
		paper := []byte("%PDF-1.7 as it was filed")
		s.do(t, key, "POST", at+"/reports", object{"through": "facility", "receipt": "F-4711", "pages": paper, "copy": []byte(`{"receipt":"F-4711"}`)}, "Idempotency-Key", "r").into(t, &i)
		s.do(t, key, "POST", at+"/reports", object{"through": "facility", "receipt": "F-4711", "pages": paper, "copy": []byte(`{"receipt":"F-4711"}`)}, "Idempotency-Key", "r").into(t, &i)
		if i.Clocks.Reported == nil || i.Clocks.CustomersFrom == nil || !i.Clocks.Held || i.Clocks.Hold != "LE_HOLD" {
			t.Errorf("the clocks after the report: %+v (P-47)", i.Clocks)
		}
		held := s.do(t, key, "POST", at+"/telling", object{}).problem(t, http.StatusConflict, "LE_HOLD")
		if held.Title != "Not yet" || len(held.Clauses) == 0 {
			t.Errorf("a hold without where it is written: %+v", held)
		}
		s.do(t, key, "POST", at+"/directions", object{"agency": "FBI", "officer": "Agent Doe", "written": false, "until": "2026-12-31"}).problem(t, http.StatusConflict, "NEED_WRITING")
		s.do(t, key, "POST", at+"/drops", object{"agency": "FBI", "reason": "They will not write it."}).into(t, &i)
		s.do(t, key, "POST", at+"/directions", object{"agency": "FBI", "officer": "Agent Doe", "written": true, "until": "2026-12-31", "scan": paper}).into(t, &i)
		if i.Clocks.CustomersFrom == nil || i.Clocks.CustomersFrom.Before(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("a written direction does not count: %+v (P-48)", i.Clocks.CustomersFrom)
		}
		s.do(t, key, "POST", at+"/state-duties", object{"state": "VA", "law": "Va. Code 18.2-186.6", "by": "2026-12-10"}).into(t, &i)
		if len(i.Clocks.Conflicts) == 0 {
			t.Errorf("a state's law against the hold is no conflict (V22): %+v", i.Clocks)
		}
		s.do(t, key, "POST", at+"/lifts", object{"agency": "FBI", "officer": "Agent Doe"}).into(t, &i)
		s.do(t, key, "POST", at+"/consultations", object{"agency": "FBI", "said": "They see no need."}).into(t, &i)
		s.do(t, key, "POST", at+"/responses", object{"none": true}).into(t, &i)
		s.do(t, key, "POST", at+"/remarks", object{"text": "The shop is shut.", "name": "photograph", "scan": paper}).into(t, &i)
		s.do(t, key, "POST", at+"/sanctions", object{"case": "case 7"}).into(t, &i)
		s.do(t, key, "POST", at+"/facts", object{"what": "Somebody read the calls of two customers at a shop.", "data": []string{"call-detail"}, "intentional": "yes", "basis": "They have said so.", "customers": 2, "reason": "There was another."}).into(t, &i)
		s.do(t, key, "POST", at+"/clock", object{"hours": 24}).problem(t, http.StatusConflict, "STATE")

		lacks := s.do(t, key, "POST", at+"/closing", object{"cause": "A shared password.", "remedy": "It is no longer shared.", "lessons": ""}).problem(t, http.StatusUnprocessableEntity, "INCOMPLETE")
		if !strings.Contains(lacks.Detail, "told") || !strings.Contains(lacks.Detail, "learned") {
			t.Errorf("what the file lacks is not named: %s", lacks.Detail)
		}
		var whole api.WholeIncident
		s.do(t, auditor, "GET", at, nil).into(t, &whole)
		if whole.Facts.Customers != 2 || whole.Set != 1 || whole.Tally["in"] != 1 || whole.Telling != "not-begun" || len(whole.Papers) != 4 || len(whole.Missing) == 0 || len(whole.Clocks.Lines) == 0 || len(whole.Clocks.Under) != 2 {
			t.Errorf("the whole file: %+v", whole)
		}
		first := whole.History[0]
		if told, _ := first.Tells["facts"].(map[string]any); first.What != "opened" || first.N != 1 || !first.Entry.Valid() || told["what"] != found["what"] {
			t.Errorf("the first step: %+v", first)
		}
		for _, e := range whole.History[1:] {
			if e.By != string(compliance) {
				t.Errorf("a step by %s: %+v", e.By, e)
			}
		}
		if got := s.do(t, auditor, "GET", at+"/papers/2", nil); string(got.raw) != string(paper) || got.header.Get("Content-Type") != "application/pdf" {
			t.Errorf("the paper: %s %q", got.header.Get("Content-Type"), got.raw)
		}
		s.do(t, auditor, "GET", at+"/papers/9", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		var people struct {
			Customers []api.AffectedCustomer `json:"customers"`
		}
		s.do(t, key, "GET", at+"/customers", nil).into(t, &people)
		if len(people.Customers) != 1 || people.Customers[0].Customer != ann.ID || people.Customers[0].State != "in" {
			t.Errorf("whom it reached: %+v (P-52)", people)
		}
		s.do(t, key, "POST", at+"/customers/removal", object{"customers": []cpni.ID{ann.ID}, "reason": "It was another."}).into(t, &i)
		var list struct {
			Incidents []api.Incident `json:"incidents"`
		}
		if s.do(t, auditor, "GET", "/v1/incidents", nil).into(t, &list); len(list.Incidents) != 1 || list.Incidents[0].ID != taken.ID {
			t.Errorf("the list: %+v", list)
		}
		if s.do(t, auditor, "GET", "/v1/incidents?state=closed", nil).into(t, &list); len(list.Incidents) != 0 {
			t.Errorf("the list of closed ones: %+v", list)
		}
		s.do(t, key, "POST", at+"/removal", object{"reason": "It is in the way."}).problem(t, http.StatusConflict, "RETENTION")
		if len(s.reports) > 0 {
			t.Errorf("what went wrong: %v", s.reports)
		}
	})
}

// What happened by accident is closed without agencies, and opened again with a reason; a rehearsal runs ahead.
//
// cite: P-43, P-49, V24
func TestAnIncidentIsClosed(t *testing.T) {
	s := serve(t, officetest.Open(t, storetest.Open(t, "memory:")))
	_, key := s.key(t, cpni.RoleCompliance)
	var taken api.IncidentTaken
	s.do(t, key, "POST", "/v1/incidents", object{"what": "A letter lay in the wrong envelope.", "data": []string{"billing"}, "intentional": "no", "basis": "The machine was set wrong.", "exercise": true}).into(t, &taken)
	if taken.Number != "R-2026-1" {
		t.Errorf("a rehearsal is called %s", taken.Number)
	}
	at := "/v1/incidents/" + string(taken.ID)
	var i api.Incident
	s.do(t, key, "POST", at+"/determination", object{}).into(t, &i)
	s.do(t, key, "POST", at+"/clock", object{"hours": 240}).into(t, &i)
	if !i.Clocks.Now.Equal(s.Clock.Now().Add(240 * time.Hour)) {
		t.Errorf("a rehearsal's clock shows %s at %s", i.Clocks.Now, s.Clock.Now())
	}
	for _, scan := range []string{base64.StdEncoding.EncodeToString([]byte("MZ\x00\x01"))} {
		s.do(t, key, "POST", at+"/remarks", object{"text": "A program.", "scan": scan}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
	}
	s.do(t, key, "POST", at+"/closing", object{"cause": "A machine.", "remedy": "It is set right.", "lessons": "Look twice.", "no_sanction": "Nobody did it."}).into(t, &i)
	if i.State != "closed" || i.Closed == nil || i.Clocks.Kind != "register-entry" {
		t.Errorf("closed: %+v", i)
	}
	// The whole of it is handed over, and checked by somebody who has nothing but the public key.
	if err := s.Ledger.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	pdf, signed := s.do(t, key, "GET", at+"/dossier", nil), s.do(t, key, "GET", at+"/dossier/signature", nil)
	if lines, err := ledger.OpenStatement(signed.raw, bundle.DossierSort, s.Ledger.VerifierKey()); err != nil || lines[2] != fmt.Sprintf("sha256 %x", sha256.Sum256(pdf.raw)) {
		t.Errorf("the signature of the pages: %q, %v", lines, err)
	}
	whole := s.do(t, key, "GET", at+"/bundle", nil)
	if r, err := bundle.Verify(bytes.NewReader(whole.raw), int64(len(whole.raw)), s.Ledger.VerifierKey()); err != nil || !r.OK() || r.Incident.Number != "R-2026-1" || !r.Incident.Exercise {
		t.Errorf("the bundle: %+v, %v", r, err)
	}
	if whole.header.Get("Content-Type") != "application/zip" || !strings.Contains(whole.header.Get("Content-Disposition"), "R-2026-1.zip") {
		t.Errorf("the bundle comes as %v", whole.header)
	}
	_, agent := s.key(t, cpni.RoleAgent)
	for _, path := range []string{"/dossier", "/dossier/signature", "/bundle"} {
		s.do(t, agent, "GET", at+path, nil).problem(t, http.StatusNotFound, "NOT_FOUND")
	}
	s.do(t, key, "POST", at+"/facts", object{"what": "Something else.", "reason": "Too late."}).problem(t, http.StatusConflict, "STATE")
	s.do(t, key, "POST", at+"/reopening", object{"reason": "There was another letter."}).into(t, &i)
	if i.State != "open" {
		t.Errorf("opened again: %+v", i)
	}
	s.do(t, key, "GET", at+"/dossier/signature", nil).problem(t, http.StatusConflict, "STATE")
}
