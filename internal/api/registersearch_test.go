package api_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/register"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// The registers are searched, read line by line and taken away by those whose work it is; marketing comes to that of campaigns alone.
//
// cite: P-37, P-40, P-41, 47 CFR 64.2009(c)
func TestTheRegistersByTheInterface(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		s.Door.InlineProcess = true // what a process is, its own tests show
		compliance, key := s.key(t, cpni.RoleCompliance)
		_, auditor := s.key(t, cpni.RoleAuditor)
		_, marketing := s.key(t, cpni.RoleMarketing)
		_, agent := s.key(t, cpni.RoleAgent)
		ann := s.Customer(t)
		var last cpni.ID
		for _, number := range []string{"CV 1", "CV 2", "CV 3"} {
			s.Time.Add(time.Second)
			a, err := s.Door.Disclose(t.Context(), disclose.Request{Caller: disclose.Caller{Staff: compliance}, Customer: ann.ID, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.Legal, To: "law-enforcement", Via: cpni.File,
				Process: &rules.Process{ID: number, Issuer: "a court", Scope: []cpni.DataClass{cpni.CallDetail}, From: officetest.Start.AddDate(0, -1, 0), Until: officetest.Start.AddDate(1, 0, 0), ReviewedBy: "counsel"}})
			if err != nil || !a.Decision.Permit() {
				t.Fatalf("%v, %+v", err, a)
			}
			last = a.Entry
		}
		if err := s.Ledger.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		const at = "/v1/registers/disclosures"
		var page struct {
			Lines []register.Disclosure `json:"lines"`
			Words string                `json:"words"`
			Tree  int64                 `json:"tree"`
			Next  string                `json:"next"`
		}
		s.do(t, key, "POST", at+"/search", object{"purpose": "legal", "limit": 2}).into(t, &page)
		if len(page.Lines) != 2 || page.Lines[0].Entry != last || page.Next == "" || page.Tree == 0 || !strings.Contains(page.Words, "legal process") {
			t.Fatalf("%+v", page)
		}
		second := page
		second.Lines, second.Next = nil, ""
		s.do(t, key, "POST", at+"/search", object{"purpose": "legal", "limit": 2, "before": page.Next}).into(t, &second)
		if len(second.Lines) != 1 || second.Lines[0].Basis.ID != "CV 1" || second.Next != "" {
			t.Errorf("the second page: %+v", second)
		}
		s.do(t, key, "POST", at+"/search", object{"before": "yesterday"}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, key, "POST", at+"/search", object{"purpose": "whim"}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		var line register.Disclosure
		s.do(t, auditor, "GET", at+"/"+string(ann.ID)+"/"+string(last), nil).into(t, &line)
		if line.Entry != last || line.To.Kind != cpni.ToLawEnforcement {
			t.Errorf("the line: %+v", line)
		}
		s.do(t, key, "GET", at+"/"+string(ann.ID)+"/"+string(cpni.NewID()), nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		for _, path := range []string{at + "/search", "/v1/registers/processes/search", at + "/file?as=csv"} {
			s.do(t, marketing, "POST", path, object{}).problem(t, http.StatusForbidden, "ROLE")
			s.do(t, agent, "POST", path, object{}).problem(t, http.StatusForbidden, "ROLE")
		}
		var campaigns api.RegisterPage
		s.do(t, marketing, "POST", "/v1/registers/campaigns/search", object{}).into(t, &campaigns)
		if len(campaigns.Lines) != 0 {
			t.Errorf("campaigns: %+v", campaigns)
		}
		table := s.do(t, key, "POST", at+"/file?as=csv", object{})
		if rows, err := csv.NewReader(strings.NewReader(string(table.raw))).ReadAll(); err != nil || len(rows) != 4 {
			t.Errorf("as a table: %v, %v", rows, err)
		}
		proof := s.do(t, auditor, "POST", at+"/file?as=proof", object{})
		if v, err := register.Verify(strings.NewReader(string(proof.raw)), s.Ledger.VerifierKey()); err != nil || v.Lines != 3 {
			t.Errorf("with proofs: %+v, %v", v, err)
		}
		if printed := s.do(t, auditor, "POST", at+"/file?as=pdf", object{}); !strings.HasPrefix(string(printed.raw), "%PDF-") {
			t.Errorf("printed: %.40q", printed.raw)
		}
		s.do(t, key, "POST", at+"/destroy", object{"before": officetest.Start.Add(time.Hour)}).problem(t, http.StatusConflict, "RETENTION")
		s.do(t, auditor, "POST", at+"/destroy", object{"before": officetest.Start.Add(time.Hour)}).problem(t, http.StatusForbidden, "ROLE")
		rows, err := s.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Lookup})
		if err != nil || len(rows) != 7 {
			t.Errorf("%d looks are on record, %v (P-37)", len(rows), err)
		}
	})
}
