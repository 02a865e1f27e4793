package api_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"ringfence/internal/api"
	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/export"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// A partner comes on the register by two people, gets a file that two have agreed to, fetches it once with its own key, reads it with
// its secret one, and hands in that it is destroyed.
//
// cite: P-15, P-35, P-37, P-41, 47 CFR 64.2009(c), 47 CFR 64.2010(a)
func TestPartnerFetchesItsFile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, compliance := s.key(t, cpni.RoleCompliance)
		_, officer := s.key(t, cpni.RoleOfficer)
		_, billing := s.key(t, cpni.RoleBilling)
		_, marketing := s.key(t, cpni.RoleMarketing)
		ann := s.Customer(t)
		if err := s.DB.Tx(t.Context(), func(tx *store.Tx) error {
			return s.Vault.PutItem(t.Context(), tx, ann.ID, vault.Item{Class: cpni.Billing, Period: 202610, Values: map[string]string{"total": "84.10"}})
		}); err != nil {
			t.Fatal(err)
		}
		secret, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}

		contract := object{"name": "Bill Printers", "key": secret.Recipient().String(), "agreement": object{"reference": "C-77", "until": "2027-11-24T00:00:00Z", "destroy_days": 30, "purposes": []string{"billing"}}}
		var p api.Proposal
		a := s.do(t, compliance, "PUT", "/v1/partners/printers", contract)
		if a.into(t, &p); a.status != http.StatusAccepted || p.Kind != countersign.Partner || a.header.Get("Location") == "" {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		s.do(t, compliance, "POST", "/v1/proposals/"+string(p.ID)+"/agreement", object{"hash": p.Hash}).problem(t, http.StatusConflict, "SAME_PERSON")
		if a := s.do(t, officer, "POST", "/v1/proposals/"+string(p.ID)+"/agreement", object{"hash": p.Hash}); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		if a := s.do(t, compliance, "PUT", "/v1/partners/others", object{"class": "other"}); a.status != http.StatusNoContent {
			t.Errorf("what gives nothing takes two: %d %s", a.status, a.raw)
		}

		ask := object{"title": "Bills", "partner": "printers", "purpose": "billing", "basis": "47 USC 222(d)(1)", "data": []string{"billing"}, "columns": []string{"name", "billing.total"}, "months": []string{"2026-10"}}
		s.do(t, compliance, "POST", "/v1/exports", ask).problem(t, http.StatusForbidden, "ROLE")
		var e api.Export
		s.do(t, billing, "POST", "/v1/exports", ask, "Idempotency-Key", "october").into(t, &e)
		var again api.Export
		s.do(t, billing, "POST", "/v1/exports", ask, "Idempotency-Key", "october").into(t, &again)
		if e.State != export.Proposed || again.ID != e.ID {
			t.Fatalf("%+v, %+v", e, again)
		}
		s.do(t, marketing, "POST", "/v1/exports/"+string(e.ID)+"/agreement", nil).problem(t, http.StatusForbidden, "ROLE")
		if a := s.do(t, officer, "POST", "/v1/exports/"+string(e.ID)+"/agreement", nil); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		if err := s.Exports.Work(t.Context()); err != nil {
			t.Fatal(err)
		}

		var made, foreign api.MadeKey
		s.do(t, compliance, "POST", "/v1/partners/printers/keys", object{"name": "sftp host"}).into(t, &made)
		s.do(t, compliance, "POST", "/v1/partners/others/keys", object{"name": "host"}).into(t, &foreign)
		file := "/v1/partners/printers/exports/" + string(e.ID) + "/file"
		s.do(t, "", "POST", file, nil).problem(t, http.StatusUnauthorized, "KEY")
		s.do(t, compliance, "POST", file, nil).problem(t, http.StatusUnauthorized, "KEY")
		s.do(t, foreign.Key, "POST", file, nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, foreign.Key, "POST", strings.Replace(file, "printers", "others", 1), nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, made.Key, "GET", "/v1/exports", nil).problem(t, http.StatusUnauthorized, "API_KEY")
		var waiting []api.Waiting
		s.do(t, made.Key, "GET", "/v1/partners/printers/exports", nil).into(t, &waiting)
		if len(waiting) != 1 || waiting[0].ID != e.ID || waiting[0].Rows != 1 || waiting[0].State != export.Ready {
			t.Fatalf("%+v", waiting)
		}
		got := s.do(t, made.Key, "POST", file, nil)
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/zip" {
			t.Fatalf("%d %s", got.status, got.raw)
		}
		if text := plainOf(t, got.raw, secret); !strings.Contains(text, ",84.10\r\n") || !strings.HasPrefix(text, "reference,name,billing.total\r\n") || strings.Count(text, "\r\n") != 2 {
			t.Errorf("%q", text)
		}
		s.do(t, made.Key, "POST", file, nil).problem(t, http.StatusConflict, "FETCHED")

		certificate := object{"destroyed": s.Clock.Now().Format(time.RFC3339), "signer": "Pat Printer", "method": "shredded", "name": "c.pdf", "type": "application/pdf", "paper": base64.StdEncoding.EncodeToString([]byte("%PDF-1.7"))}
		if a := s.do(t, made.Key, "POST", "/v1/partners/printers/exports/"+string(e.ID)+"/certificate", certificate); a.status != http.StatusCreated {
			t.Errorf("%d %s", a.status, a.raw)
		}
		s.do(t, made.Key, "GET", "/v1/partners/printers/exports", nil).into(t, &waiting)
		if len(waiting) != 0 {
			t.Errorf("%+v", waiting)
		}
		var keys []api.PartnerKey
		s.do(t, compliance, "GET", "/v1/partners/printers/keys", nil).into(t, &keys)
		if len(keys) != 1 || keys[0].Name != "sftp host" {
			t.Fatalf("%+v", keys)
		}
		if a := s.do(t, compliance, "DELETE", "/v1/partners/printers/keys/"+keys[0].ID, nil); a.status != http.StatusNoContent {
			t.Errorf("%d %s", a.status, a.raw)
		}
		s.do(t, made.Key, "GET", "/v1/partners/printers/exports", nil).problem(t, http.StatusUnauthorized, "KEY")
		if len(s.reports) > 0 {
			t.Errorf("reported %v", s.reports)
		}
	})
}

// plainOf deciphers the only part of a file.
func plainOf(t *testing.T, archive []byte, key age.Identity) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("part-0001.csv.age")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := age.Decrypt(f, key)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
