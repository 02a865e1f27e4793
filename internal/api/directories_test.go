package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"filippo.io/age"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/directory"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// An integration asks for figures about many and gets no figure that tells of few, whatever it says of the cells itself.
//
// cite: P-05, P-37, V75, I-11, 47 USC 222(c)(3), 47 USC 222(h)(2)
func TestReports(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		for i := range 14 {
			s.Customer(t, func(p *customer.Profile) {
				p.Postal[0].Value = map[bool]string{true: "1 Main St, Springfield, VA 22150", false: "2 Far Rd, Arlington, VA 22201"}[i < 11]
			})
		}
		_, key := s.key(t, cpni.RoleSystem)
		_, agent := s.key(t, cpni.RoleAgent)
		ask := object{"measure": "customers", "by": []string{"zip"}, "from": "2026-10", "purpose": "other-marketing"}
		s.do(t, agent, "POST", "/v1/reports", ask).problem(t, http.StatusForbidden, "ROLE")
		var r, again api.FiguresReport
		s.do(t, key, "POST", "/v1/reports", ask, "Idempotency-Key", "k1").into(t, &r)
		s.do(t, key, "POST", "/v1/reports", ask, "Idempotency-Key", "k1").into(t, &again)
		if r.ID == "" || r.ID != again.ID || r.State != "waiting" {
			t.Fatalf("%+v, %+v", r, again)
		}
		if err := s.Aggregate.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.do(t, key, "GET", "/v1/reports/"+string(r.ID), nil).into(t, &r); r.State != "given" || len(r.Cells) != 1 || r.Cells[0].Amount != 14 || !r.Hidden || r.Decision == "" {
			t.Errorf("%+v", r)
		}
		// What the caller says of the cells is not heard: there is no field for it.
		s.do(t, key, "POST", "/v1/disclosures", object{"data": []string{"aggregate"}, "purpose": "other-marketing", "to": "carrier", "cells": 40}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, key, "GET", "/v1/reports/"+string(cpni.NewID()), nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		ask["from"] = "2026-11"
		if p := s.do(t, key, "POST", "/v1/reports", ask); !strings.Contains(string(p.raw), "NOT_OVER") {
			t.Errorf("a month that runs: %s", p.raw)
		}
	})
}

// An integration has an extract made and fetches it, which only the publisher can open.
//
// cite: P-32, P-37, 47 USC 222(e)
func TestExtracts(t *testing.T) {
	s := serve(t, officetest.Open(t, storetest.Open(t, "memory:")))
	ann := s.Customer(t, func(p *customer.Profile) { p.Lines[0].Listed = true })
	keeper, key := s.key(t, cpni.RoleSystem)
	_, marketing := s.key(t, cpni.RoleMarketing)
	publisher, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	terms, err := s.Directory.PutTerms(t.Context(), keeper, directory.Terms{Whole: 40, Says: "Print them."})
	if err == nil {
		err = s.Directory.Put(t.Context(), keeper, directory.Publisher{ID: "white-pages", Name: "White Pages", Key: publisher.Recipient().String()})
	}
	if err == nil {
		err = s.Directory.Agree(t.Context(), keeper, "white-pages", terms.Version, "contract")
	}
	if err != nil {
		t.Fatal(err)
	}
	s.do(t, marketing, "GET", "/v1/directory/terms", nil).problem(t, http.StatusForbidden, "ROLE")
	var all []api.DirectoryTerms
	if s.do(t, key, "GET", "/v1/directory/terms", nil).into(t, &all); len(all) != 1 || all[0].Whole != 40 {
		t.Errorf("%+v", all)
	}
	var e api.DirectoryExtract
	s.do(t, key, "POST", "/v1/directory/extracts", object{"publisher": "white-pages", "kind": "whole"}).into(t, &e)
	if p := s.do(t, key, "POST", "/v1/directory/extracts/"+string(cpni.NewID())+"/file", nil); p.status != http.StatusNotFound {
		t.Errorf("%d", p.status)
	}
	if err := s.Directory.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := "/v1/directory/extracts/" + string(e.ID)
	if s.do(t, key, "GET", at, nil).into(t, &e); e.State != "ready" || e.Manifest == nil || e.Manifest.Listings != 1 {
		t.Fatalf("%+v", e)
	}
	file := s.do(t, key, "POST", at+"/file", nil)
	if _, err := age.Decrypt(bytes.NewReader(file.raw), publisher); err != nil || strings.Contains(string(file.raw), ann.Name) {
		t.Errorf("%d: %v", file.status, err)
	}
}
