package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/filing"
	"ringfence/internal/filing/retention"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store/storetest"
)

// The terms, a hold, a plan and what became of it, by the interface alone.
//
// cite: P-41, P-54, I-22, 47 CFR 64.2011(d)
func TestRetention(t *testing.T) {
	s := serve(t, officetest.Open(t, storetest.Open(t, "memory:")))
	ann := s.Customer(t)
	s.Verified(t, s.Member(t, cpni.RoleAgent), ann.ID)
	s.Time.Add(40 * 31 * 24 * time.Hour)
	_, one := s.key(t, cpni.RoleCompliance)
	_, two := s.key(t, cpni.RoleOfficer)
	_, agent := s.key(t, cpni.RoleAgent)
	const at = "/v1/retention"
	var terms []api.RetentionTerm
	s.do(t, one, "GET", at, nil).into(t, &terms)
	i := slices.IndexFunc(terms, func(x api.RetentionTerm) bool { return x.Kind == "incidents" })
	if i < 0 || terms[i].Floor != 24 || terms[i].Months < 24 {
		t.Errorf("the terms: %+v (P-54)", terms)
	}
	for _, path := range []string{at, at + "/plan", at + "/holds", at + "/erasures"} {
		s.do(t, agent, "GET", path, nil).problem(t, http.StatusForbidden, "ROLE")
	}
	suit := object{"matter": "A suit", "reason": "Counsel asks.", "scope": object{"customer": ann.ID, "kind": "attempts"}}
	s.do(t, agent, "POST", at+"/holds", suit).problem(t, http.StatusForbidden, "ROLE")
	s.do(t, one, "POST", at+"/holds", object{"matter": "A suit", "reason": "x", "scope": object{"kind": "nothing"}}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
	var hold, again api.RetentionHold
	s.do(t, one, "POST", at+"/holds", suit, "Idempotency-Key", "k").into(t, &hold)
	s.do(t, one, "POST", at+"/holds", suit, "Idempotency-Key", "k").into(t, &again)
	if hold.ID == "" || hold.ID != again.ID || hold.Scope.Kind != "attempts" {
		t.Errorf("placed as %+v and %+v (I-11)", hold, again)
	}
	s.do(t, two, "DELETE", "/v1/customers/"+string(ann.ID), nil).problem(t, http.StatusConflict, "RETENTION")
	var plan api.ErasurePlan
	s.do(t, one, "GET", at+"/plan", nil).into(t, &plan)
	held := 0
	for _, l := range plan.Lines {
		held += l.Held
	}
	if plan.Items == 0 || held == 0 {
		t.Errorf("the plan: %+v", plan)
	}
	s.do(t, one, "POST", at+"/plan", object{"kinds": []string{"approvals"}}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
	var p api.Proposal
	a := s.do(t, one, "POST", at+"/plan", object{"kinds": []string{"call-detail"}}, "Idempotency-Key", "p")
	if a.into(t, &p); a.status != http.StatusAccepted || p.Kind != "erase" {
		t.Fatalf("proposed: %d %s", a.status, a.raw)
	}
	if b := s.do(t, one, "POST", at+"/plan", object{"kinds": []string{"call-detail"}}, "Idempotency-Key", "p"); b.header.Get("Location") != a.header.Get("Location") {
		t.Errorf("again: %s (I-11)", b.raw)
	}
	s.do(t, one, "POST", a.header.Get("Location")+"/agreement", object{"hash": p.Hash}).problem(t, http.StatusConflict, "SAME_PERSON")
	if b := s.do(t, two, "POST", a.header.Get("Location")+"/agreement", object{"hash": p.Hash}); b.status != http.StatusOK {
		t.Fatalf("agreed: %s", b.raw)
	}
	if err := s.Proposals.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	var done []api.Erasure
	s.do(t, two, "GET", at+"/erasures", nil).into(t, &done)
	if len(done) != 1 || done[0].State != "done" || len(done[0].Lines) != 1 || done[0].Lines[0].Erased != done[0].Lines[0].Planned || done[0].Lines[0].Erased == 0 {
		t.Errorf("what was erased: %+v (P-41)", done)
	}
	s.do(t, one, "POST", at+"/holds/"+string(hold.ID)+"/lift", object{"why": "over"}).problem(t, http.StatusConflict, "SAME_PERSON")
	s.do(t, two, "POST", at+"/holds/"+string(cpni.NewID())+"/lift", object{"why": "over"}).problem(t, http.StatusNotFound, "NOT_FOUND")
	if b := s.do(t, two, "POST", at+"/holds/"+string(hold.ID)+"/lift", object{"why": "The suit is settled."}); b.status != http.StatusOK {
		t.Errorf("lifted: %s", b.raw)
	}
}

// schema is what of the description of a body this test reads.
type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Format     string
	Enum       []any
	Required   []string
	Properties map[string]schema
	Items      *schema
	MinLength  int
	Minimum    float64
}

// No call that changes anything, by any role, and no job takes away a record that is below its floor. Each operation of the interface is
// called by each role about what is there, with a body as it is described.
//
// cite: I-22, P-54, 47 CFR 64.2007(a)(3), 47 CFR 64.2009(c), 47 CFR 64.2011(d)
func TestNothingBelowItsFloorCanBeRemoved(t *testing.T) {
	ctx := t.Context()
	s := serve(t, officetest.Open(t, storetest.Open(t, "memory:")))
	s.Door.InlineProcess = true
	ann, compliance := s.Customer(t), s.Member(t, cpni.RoleCompliance)
	a, err := s.Door.Disclose(ctx, disclose.Request{Caller: disclose.Caller{Staff: compliance}, Customer: ann.ID, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.Legal, To: "law-enforcement", Via: cpni.File,
		Process: &rules.Process{ID: "26-1", Issuer: "a district court", Scope: []cpni.DataClass{cpni.CallDetail}, From: officetest.Start.AddDate(0, -1, 0), Until: officetest.Start.AddDate(5, 0, 0), ReviewedBy: "counsel"}})
	if err != nil || !a.Decision.Permit() {
		t.Fatalf("%+v, %v", a, err)
	}
	incident, err := s.Incidents.Open(ctx, breach.Intake{By: compliance, Facts: breach.Facts{What: "A bill went to another customer.", Discovered: s.Clock.Now(), DiscoveredBy: "an agent"}})
	if err != nil {
		t.Fatal(err)
	}
	failure, err := s.Filing.Open(ctx, filing.Intake{By: compliance, Facts: filing.Facts{Mechanism: "the form", What: "It was broken.", Found: s.Clock.Now()}})
	if err != nil {
		t.Fatal(err)
	}
	hold, err := s.Retention.Place(ctx, "", compliance, retention.Scope{Kind: "changes"}, "A suit", "Counsel asks.")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ledger.Sequence(ctx); err != nil {
		t.Fatal(err)
	}
	// What is kept: the rows of every table of a kind that has a floor, and every entry of the ledger.
	tables := map[string]bool{"record": true}
	for _, k := range retention.Catalogue() {
		if s.Retention.Term(k, s.Clock.Now()).Floor == 0 {
			continue
		}
		for _, table := range k.Tables {
			name := strings.TrimSuffix(table, "*")
			rows, err := s.DB.Reader().Query(ctx, "SELECT name FROM sqlite_master WHERE type = 'table' AND (name = $1 OR $2 AND name LIKE $1 || '%')", name, name != table)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var found string
				if err := rows.Scan(&found); err != nil {
					t.Fatal(err)
				}
				tables[found] = true
			}
			rows.Close()
		}
	}
	passing := []string{"approval", "campaign_work", "incident_work", "incident_feed", "export_part", "discipline_alert", "training_reminder", "incident_reminder", "filing_reminder"} // how things stand, and what goes on
	kept := func() map[string]int {
		all := map[string]int{}
		for table := range tables {
			if slices.Contains(passing, table) {
				continue
			}
			n := 0
			if err := s.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
				t.Fatal(err)
			}
			all[table] = n
		}
		return all
	}
	before := kept()
	if before["record"] == 0 || before["incident_event"] == 0 || before["filing_event"] == 0 || len(before) < 25 {
		t.Fatalf("there is nothing to lose: %v", before)
	}

	var d struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Schema schema }
			}
		}
		Components struct{ Schemas map[string]schema }
	}
	s.do(t, "", "GET", "/v1/openapi.json", nil).into(t, &d)
	var make func(x schema, name string, deep int) any
	make = func(x schema, name string, deep int) any {
		if ref, ok := strings.CutPrefix(x.Ref, "#/components/schemas/"); ok {
			x = d.Components.Schemas[ref]
		}
		switch kind := fmt.Sprint(x.Type); {
		case len(x.Enum) > 0:
			return x.Enum[0]
		case strings.Contains(kind, "object"):
			o := object{}
			for name, p := range x.Properties {
				if slices.Contains(x.Required, name) || deep == 0 && (name == "customer" || name == "before" || name == "kind") {
					o[name] = make(p, name, deep+1)
				}
			}
			return o
		case strings.Contains(kind, "array"):
			if x.Items == nil || deep > 4 {
				return []any{}
			}
			return []any{make(*x.Items, name, deep+1)}
		case strings.Contains(kind, "boolean"):
			return true
		case strings.Contains(kind, "integer"), strings.Contains(kind, "number"):
			return max(1, x.Minimum)
		case x.Format == "date-time":
			return s.Clock.Now().Add(-time.Hour)
		case x.Format == "date":
			return "2026-11-24"
		case name == "customer":
			return ann.ID
		}
		return strings.Repeat("x", max(1, x.MinLength))
	}
	ids := map[string]cpni.ID{"incidents": incident.ID, "opt-out-failures": failure.ID, "customers": ann.ID, "holds": hold.ID}
	calls, answered := 0, map[int]int{}
	for _, role := range cpni.Roles {
		_, key := s.key(t, role)
		for path, operations := range d.Paths {
			at := path
			for {
				from := strings.IndexByte(at, '{')
				if from < 0 {
					break
				}
				id := string(ann.ID)
				for word, named := range ids {
					if strings.Contains(at[:from], "/"+word+"/") {
						id = string(named)
					}
				}
				at = at[:from] + id + at[from+strings.IndexByte(at[from:], '}')+1:]
			}
			for method, o := range operations {
				if method == "get" || strings.HasPrefix(path, "/v1/keys") {
					continue
				}
				var body any
				if c, ok := o.RequestBody.Content["application/json"]; ok {
					body = make(c.Schema, "", 0)
				}
				calls++
				answered[s.do(t, key, strings.ToUpper(method), at, body).status/100]++
			}
		}
	}
	if calls < 500 || answered[2] < 20 {
		t.Errorf("%d calls, answered %v: the test does not reach what it should", calls, answered)
	}
	// Two people who want everything gone, and every job.
	one, _ := s.key(t, cpni.RoleOfficer)
	two, _ := s.key(t, cpni.RoleCompliance)
	if _, err := s.ProposeErasure(ctx, "", one); err == nil {
		t.Error("something is past its time on the first day (I-22)")
	}
	if _, err := s.ProposeDestroy(ctx, cpni.NewID(), s.Clock.Now(), two); err == nil {
		t.Error("the register of disclosures can be emptied (I-22)")
	}
	if _, err := s.ProposeForget(ctx, "", ann.ID, one); err == nil {
		t.Error("whose calls went to a court can be forgotten (I-22)")
	}
	for n := range 3 {
		for what, job := range map[string]func() error{
			"what is due": func() error { return s.Due(ctx) }, "proposals": func() error { return s.Proposals.Work(ctx) }, "notices": func() error { return s.Notices.Work(ctx) }, "campaigns": func() error { return s.Campaigns.Work(ctx) },
			"files": func() error { return s.Exports.Work(ctx) }, "incidents": func() error { return s.Incidents.Work(ctx) }, "registers": func() error { return s.Registers.CatchUp(ctx) }, "audiences": func() error { return s.Audience.Nightly(ctx) },
		} {
			if err := job(); err != nil {
				t.Logf("%s, round %d: %v", what, n, err)
			}
		}
		s.Time.Add(100 * 24 * time.Hour) // all of it still below every floor
	}
	after := kept()
	for table, n := range before {
		if after[table] < n {
			t.Errorf("%s had %d rows and has %d (I-22)", table, n, after[table])
		}
	}
}
