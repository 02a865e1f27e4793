package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A program takes it that a change was not the customer's, without a proof; somebody who works on cases decides about it, and
// never who made the change. No answer bears a value.
//
// cite: P-16, P-23, P-25, P-37, I-09, 47 CFR 64.2010(a), 47 CFR 64.2010(f)
func TestDisputes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, agent := s.key(t, cpni.RoleAgent)
		maker, made := s.key(t, cpni.RoleSupervisor)
		_, fraud := s.key(t, cpni.RoleFraud)
		_, marketing := s.key(t, cpni.RoleMarketing)
		ann := s.Customer(t)
		path := "/v1/customers/" + string(ann.ID)
		c, err := s.Contacts.Open(t.Context(), contact.Opening{Customer: ann.ID, Channel: cpni.Store, Agent: maker})
		if err == nil {
			_, err = s.Contacts.Authenticate(t.Context(), c.ID, contact.Proof{PhotoID: &contact.PhotoID{Name: ann.Name, Government: true, Expires: officetest.Start.AddDate(3, 0, 0)}})
		}
		if err != nil {
			t.Fatal(err)
		}
		change := func(body object) {
			t.Helper()
			s.Time.Add(time.Second)
			if a := s.do(t, made, "POST", "/v1/contacts/"+string(c.ID)+"/changes", body); a.status != http.StatusOK || !strings.Contains(string(a.raw), `"via"`) {
				t.Fatalf("%v: %d %s", body, a.status, a.raw)
			}
		}
		change(object{"email": "thief@example.org"})
		change(object{"authorise": object{"name": "Mo Grey", "data": []string{"billing"}, "password": "green-otter-61"}})
		change(object{"ways": object{"notice_by": "postal", "language": "es"}})
		change(object{"dismiss": "mo grey"})
		s.do(t, made, "POST", "/v1/contacts/"+string(c.ID)+"/changes", object{"dismiss": "nobody"}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		var list api.AccountChanges
		a := s.do(t, agent, "GET", path+"/changes", nil)
		a.into(t, &list)
		if len(list.Changes) != 4 || list.Frozen || list.Changes[3].What != customer.WhatEmail || list.Changes[3].By != string(maker) {
			t.Fatalf("%s", a.raw)
		}
		for _, value := range []string{"thief", "Grey", "otter"} {
			if strings.Contains(string(a.raw), value) {
				t.Errorf("the list tells %q (I-09)", value)
			}
		}
		email, person := list.Changes[3].ID, list.Changes[2].ID
		number := ""
		messages, err := s.Outbox.Messages(t.Context(), ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			if m.Kind == notify.AccountChange && m.About == person {
				number = s.Outbox.Number(m.ID)
			}
		}
		s.do(t, marketing, "POST", path+"/disputes", object{"change": email}).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, agent, "POST", path+"/disputes", object{}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, agent, "POST", path+"/disputes", object{"change": cpni.NewID()}).problem(t, http.StatusUnprocessableEntity, "NO_CHANGE")
		s.do(t, agent, "POST", "/v1/customers/"+string(s.Customer(t).ID)+"/disputes", object{"short_code": number}).problem(t, http.StatusUnprocessableEntity, "NO_CHANGE")
		for _, body := range []object{{"change": email}, {"short_code": number}} {
			if a := s.do(t, agent, "POST", path+"/disputes", body); a.status != http.StatusNoContent {
				t.Fatalf("%v: %d %s", body, a.status, a.raw)
			}
			s.do(t, agent, "POST", path+"/disputes", body).problem(t, http.StatusUnprocessableEntity, "NO_CHANGE")
		}
		var card api.Card
		if s.do(t, agent, "GET", path, nil).into(t, &card); !card.Frozen {
			t.Errorf("the card does not say that something is frozen: %+v", card)
		}
		if err := errors.Join(s.Ledger.Sequence(t.Context()), s.Watch.Step(t.Context())); err != nil {
			t.Fatal(err)
		}
		var alerts api.Alerts
		s.do(t, fraud, "GET", "/v1/alerts?detector=not-me", nil).into(t, &alerts)
		if len(alerts.Alerts) != 1 || alerts.Alerts[0].Member != maker || alerts.Alerts[0].Code != contact.NotMe || alerts.Alerts[0].Customer != ann.ID {
			t.Errorf("%+v", alerts)
		}
		settle := func(key string, change cpni.ID, outcome string) answer {
			s.Time.Add(time.Second)
			return s.do(t, key, "POST", path+"/disputes/"+string(change)+"/settle", object{"outcome": outcome})
		}
		settle(agent, email, customer.Kept).problem(t, http.StatusForbidden, "ROLE")
		settle(made, email, customer.Kept).problem(t, http.StatusForbidden, "SELF_REVIEW")
		if a := settle(fraud, email, customer.Undone); a.status != http.StatusOK || strings.Contains(string(a.raw), "@") {
			t.Errorf("%d %s", a.status, a.raw)
		}
		if a := settle(fraud, person, customer.Kept); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.raw)
		}
		settle(fraud, person, customer.Kept).problem(t, http.StatusUnprocessableEntity, "NO_CHANGE")
		s.do(t, agent, "GET", path+"/changes", nil).into(t, &list)
		if list.Frozen || list.Changes[0].Undoes != email {
			t.Errorf("%+v", list)
		}
	})
}
