package api_test

import (
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/publish"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/workday"
	"ringfence/policy"
)

// The public policy is read by programs, with its versions, what changed and how it is kept; a version is proposed by one and agreed to by
// another.
//
// cite: P-37, P-55, P-56, P-58
func TestPublicPolicy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		text, err := fs.ReadFile(policy.Files, publish.File)
		if err != nil {
			t.Fatal(err)
		}
		first, err := publish.Without(text, publish.Covers{Data: []cpni.DataClass{cpni.Location}})
		if err != nil {
			t.Fatal(err)
		}
		s := serve(t, officetest.OpenPublic(t, db, office.Public{First: first, Carrier: publish.Carrier{Name: "Example Tel", Email: "privacy@example.net", Phone: "+18005550100", Post: "1 Main St, Springfield, VA 22150", Web: "https://account.example.net",
			Facility: "https://reporting.facility.example/cpni", Posting: "https://example.net/privacy", Verified: workday.On(2026, time.November, 1)}}))
		_, agent := s.key(t, cpni.RoleAgent)
		_, one := s.key(t, cpni.RoleCompliance)
		_, two := s.key(t, cpni.RoleOfficer)
		const at = "/v1/policy/public"
		var now api.PublicPolicy
		s.do(t, agent, "GET", at, nil).into(t, &now)
		if now.Version != "2026-11" || !now.InForce || len(now.Sections) != 10 || !strings.Contains(now.Sections[0].Sentences[0].ES, "Example Tel") || len(now.Adds.Purposes) != 0 {
			t.Errorf("%s with %d sections", now.Version, len(now.Sections))
		}
		next := strings.Replace(string(text), `version: "2026-11"`, `version: "2026-12"`, 1)
		proposal := object{"kind": "publish-policy", "public": object{"effective": "2026-11-24", "text": next}}
		s.do(t, agent, "POST", "/v1/proposals", proposal).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, one, "POST", "/v1/proposals", object{"kind": "publish-policy"}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, one, "POST", "/v1/proposals", object{"kind": "publish-policy", "public": object{"effective": "2026-11-23", "text": next}}).problem(t, http.StatusUnprocessableEntity, "CONFIG")
		a := s.do(t, one, "POST", "/v1/proposals", proposal)
		var p api.Proposal
		a.into(t, &p)
		if a.status != http.StatusAccepted {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		s.do(t, one, "POST", "/v1/proposals/"+string(p.ID)+"/agreement", object{"hash": p.Hash}).problem(t, http.StatusConflict, "SAME_PERSON")
		if a = s.do(t, two, "POST", "/v1/proposals/"+string(p.ID)+"/agreement", object{"hash": p.Hash}); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		var versions []api.PublicVersion
		s.do(t, agent, "GET", at+"/versions", nil).into(t, &versions)
		if len(versions) != 2 || versions[0].Version != "2026-12" || !versions[0].InForce || versions[1].InForce || len(versions[0].Adds.Data) != 1 || versions[0].Adds.Data[0] != cpni.Location {
			t.Errorf("%+v", versions)
		}
		var d api.PublicDifference
		s.do(t, agent, "GET", at+"/changes?from=2026-11&to=2026-12", nil).into(t, &d)
		if len(d.Changes) != 0 || d.Same != 53 || len(d.Adds.Data) != 1 || len(d.Drops.Data) != 0 {
			t.Errorf("%d alike, %d changes, %+v", d.Same, len(d.Changes), d.Adds)
		}
		var was api.PublicPolicy
		s.do(t, agent, "GET", at+"/versions/2026-11", nil).into(t, &was)
		if was.Hash != now.Hash || was.InForce {
			t.Error("the version before is another now")
		}
		s.do(t, agent, "GET", at+"/versions/1999", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, agent, "GET", at+"/changes?from=1999&to=2026-12", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		var kept []api.PublicKept
		s.do(t, agent, "GET", at+"/keepers", nil).into(t, &kept)
		red := map[string]bool{}
		for _, k := range kept {
			red[k.ID] = k.Red
			if k.Red && len(k.Reasons) == 0 {
				t.Errorf("%s is red without a reason", k.ID)
			}
		}
		if len(kept) != 53 || !red["changes-where"] || red["without-service"] {
			t.Errorf("%d sentences, %v", len(kept), red)
		}
	})
}
