package api_test

import (
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A year by the interface alone: its numbers, its table, and the records behind a number, for those who may see each.
//
// cite: P-37, P-41, 47 CFR 64.2009(e)
func TestAYear(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		s := serve(t, o)
		compliance, key := s.key(t, cpni.RoleCompliance)
		_, supervisor := s.key(t, cpni.RoleSupervisor)
		_, agent := s.key(t, cpni.RoleAgent)
		_, other := s.key(t, cpni.RoleCompliance, "contacts")
		f, err := o.Filing.Open(t.Context(), filing.Intake{By: compliance, Facts: filing.Facts{Mechanism: "the form on the web", What: "The button did nothing.", Found: o.Clock.Now()}})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Yearly.Count(t.Context()); err != nil {
			t.Fatal(err)
		}
		const at = "/v1/years/2026"
		find := func(key, section, series string) *api.YearSeries {
			var y api.YearFigures
			s.do(t, key, "GET", at, nil).into(t, &y)
			for _, x := range y.Sections {
				if i := slices.IndexFunc(x.Series, func(y api.YearSeries) bool { return y.Key == series }); x.Key == section && i >= 0 {
					return &x.Series[i]
				}
			}
			return nil
		}
		if x := find(key, "work", "failures"); x == nil || len(x.Months) != 12 || x.Months[10] == nil || *x.Months[10] != 1 || x.Months[0] != nil || x.Months[11] != nil || x.Total == nil || *x.Total != 1 {
			t.Errorf("failures: %+v", x)
		}
		if x := find(supervisor, "work", "failures"); x != nil {
			t.Errorf("a supervisor sees failures: %+v (P-47)", x)
		}
		if x := find(supervisor, "training", "trained"); x == nil || x.Total != nil || *x.Months[10] == 0 {
			t.Errorf("trained: %+v", x)
		}
		rows, err := csv.NewReader(strings.NewReader(string(s.do(t, key, "GET", at+"/figures.csv", nil).raw))).ReadAll()
		if err != nil || len(rows) < 30 || rows[0][4] != "2026-01" || !slices.ContainsFunc(rows, func(r []string) bool { return r[1] == "failures" && r[14] == "1" && r[4] == "" }) {
			t.Errorf("the table: %v %v", rows, err)
		}
		var list api.YearRecords
		s.do(t, key, "GET", at+"/records?of=failures&month=11", nil).into(t, &list)
		if list.N != 1 || len(list.Records) != 1 || list.Records[0].ID != f.ID || list.Records[0].Number != f.Number || list.Records[0].Kind != "failure" {
			t.Errorf("behind the number: %+v", list)
		}
		s.do(t, key, "GET", at+"/records?of=failures&month=3", nil).into(t, &list)
		if list.N != 0 || len(list.Records) != 0 {
			t.Errorf("behind nothing: %+v", list)
		}
		s.do(t, key, "GET", at+"/records?of=decisions", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, supervisor, "GET", at+"/records?of=failures", nil).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, agent, "GET", at, nil).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, other, "GET", at, nil).problem(t, http.StatusForbidden, "SCOPE_OF_KEY")
	})
}
