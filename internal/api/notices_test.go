package api_test

import (
	"net/http"
	"strings"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A notice to many is proposed with whom it would go to, agreed to by somebody else, goes with the bills, and is proven by the day on
// which these were mailed; and each customer's notices stand with their proof.
//
// cite: P-26, P-27, V51, 47 CFR 64.2008(a)(2), 47 CFR 64.2009(d)
func TestNoticesToMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		ann, ben := s.Customer(t), s.Customer(t)
		_, one := s.key(t, cpni.RoleCompliance)
		_, two := s.key(t, cpni.RoleCompliance)
		_, agent := s.key(t, cpni.RoleAgent)
		_, billing := s.key(t, cpni.RoleSystem)
		work := func() {
			t.Helper()
			if err := s.Proposals.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Notices.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		with := func(kind string) object {
			return object{"title": "With the bills", "for": object{"who": "everyone"}, "says": object{"kind": kind, "ways": []string{"bill-insert"}}}
		}
		s.do(t, agent, "POST", "/v1/notices", with("opt-out")).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, one, "POST", "/v1/notices", with("perhaps")).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		a := s.do(t, one, "POST", "/v1/notices", with("opt-out"))
		var p api.Proposal
		if a.into(t, &p); a.status != http.StatusAccepted {
			t.Fatalf("proposed: %d %s", a.status, a.raw)
		}
		at := a.header.Get("Location")
		work()
		if s.do(t, two, "GET", at, nil).into(t, &p); p.State != "waiting" || p.Count == nil || p.Count.Customers != 2 {
			t.Fatalf("counted: %+v", p)
		}
		s.do(t, one, "POST", at+"/agreement", object{"hash": p.Hash}).problem(t, http.StatusConflict, "SAME_PERSON")
		if a := s.do(t, two, "POST", at+"/agreement", object{"hash": p.Hash}); a.status != http.StatusOK {
			t.Fatalf("agreed: %d %s", a.status, a.raw)
		}
		work()
		var runs []api.NoticeRun
		if s.do(t, one, "GET", "/v1/notices", nil).into(t, &runs); len(runs) != 1 {
			t.Fatalf("%+v", runs)
		}
		path := "/v1/notices/" + string(runs[0].ID)
		read := func() (r api.NoticeRun) {
			t.Helper()
			s.do(t, one, "GET", path, nil).into(t, &r)
			return r
		}
		if r := read(); r.State != "done" || r.Looked != 2 || r.Progress.Planned != 2 {
			t.Errorf("%+v %+v", r, r.Progress)
		}
		s.do(t, one, "GET", "/v1/notices/"+string(cpni.NewID()), nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		csv := s.do(t, billing, "GET", path+"/inserts", nil)
		if csv.status != http.StatusOK || strings.Count(string(csv.raw), "\n") != 3 || !strings.Contains(string(csv.raw), string(ann.ID)) {
			t.Errorf("%d %s", csv.status, csv.raw)
		}
		if pdf := s.do(t, billing, "GET", path+"/insert/es", nil); !strings.HasPrefix(string(pdf.raw), "%PDF-") {
			t.Errorf("%d %.40s", pdf.status, pdf.raw)
		}
		day := s.Clock.Now().In(s.Zone).Format("2006-01-02")
		mailed := object{"mailed": day, "inserted": []cpni.ID{ann.ID}, "missed": []cpni.ID{ben.ID}}
		s.do(t, agent, "POST", path+"/mailings", mailed).problem(t, http.StatusForbidden, "ROLE")
		if a := s.do(t, billing, "POST", path+"/mailings", mailed); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		if r := read(); r.Progress.Given != 1 {
			t.Errorf("%+v", r.Progress)
		}
		var of []api.CustomerNotice
		if s.do(t, one, "GET", "/v1/customers/"+string(ann.ID)+"/notices", nil).into(t, &of); len(of) != 1 || of[0].State != "given" || of[0].Silence == nil || of[0].Given == nil {
			t.Errorf("%+v", of)
		}
		of = nil
		if s.do(t, one, "GET", "/v1/customers/"+string(ben.ID)+"/notices", nil).into(t, &of); len(of) != 1 || of[0].State == "given" || of[0].Silence != nil {
			t.Errorf("V51: %+v", of)
		}
		var ids []cpni.ID
		if s.do(t, one, "GET", path+"/customers?state=given&via=bill-insert", nil).into(t, &ids); len(ids) != 1 || ids[0] != ann.ID {
			t.Errorf("%v", ids)
		}
		// Bills come back, a list of them and one by itself.
		var back notice.Returned
		s.do(t, agent, "POST", path+"/returned", object{"customers": []cpni.ID{ann.ID}}).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, billing, "POST", path+"/returned", object{"customers": []cpni.ID{}}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		single := func(of cpni.ID) string {
			return "/v1/customers/" + string(of) + "/notices/" + string(runs[0].ID) + "/returned"
		}
		s.do(t, agent, "POST", single(ben.ID), nil).problem(t, http.StatusConflict, "CONFLICT")
		a = s.do(t, agent, "POST", single(ann.ID), nil)
		if a.into(t, &back); a.status != http.StatusOK || back != (notice.Returned{Returned: 1, Again: 1}) {
			t.Errorf("one came back: %d %s", a.status, a.raw)
		}
		a = s.do(t, billing, "POST", path+"/returned", object{"customers": []cpni.ID{ann.ID, ben.ID}})
		if a.into(t, &back); a.status != http.StatusOK || back != (notice.Returned{Unknown: 2}) {
			t.Errorf("reported before: %d %s", a.status, a.raw)
		}
		s.do(t, billing, "POST", "/v1/notices/"+string(cpni.NewID())+"/returned", object{"customers": []cpni.ID{ann.ID}}).problem(t, http.StatusNotFound, "NOT_FOUND")
		of = nil
		if s.do(t, one, "GET", "/v1/customers/"+string(ann.ID)+"/notices", nil).into(t, &of); len(of) != 1 || of[0].State != "came-back" || !of[0].Void || of[0].Silence != nil {
			t.Errorf("V40: %+v", of)
		}
		s.do(t, one, "POST", path+"/pause", nil).problem(t, http.StatusConflict, "CONFLICT")
		if err := s.Notices.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
		var days []api.NoticeDay
		if s.do(t, one, "GET", "/v1/notice-days", nil).into(t, &days); len(days) != 1 {
			t.Errorf("%+v", days)
		}
	})
}
