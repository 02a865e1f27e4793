package portal_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/filing/monitor"
	"ringfence/internal/office"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// The carrier's own monitor refuses on this page as a browser does; each way in which the page can break is seen at its step, and three in a
// row open a file.
//
// cite: P-12, P-27, V55, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func TestThePageForRefusalsIsTried(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		whole, harm := s.server.Config.Handler, func(http.ResponseWriter, *http.Request) bool { return false }
		s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !harm(w, r) {
				whole.ServeHTTP(w, r)
			}
		})
		p, err := monitor.NewWeb(s.at+office.RefusePage, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.Monitors.Use(monitor.Web, p)
		every := s.Monitors.Numbers(s.Clock.Now()).Every
		try := func() monitor.Try {
			t.Helper()
			s.Time.Add(every)
			if err := s.Monitors.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
			all, err := s.Monitors.Tries(t.Context(), monitor.Web, monitor.Span{}, 1)
			if err != nil || len(all) != 1 {
				t.Fatalf("%d tries, %v", len(all), err)
			}
			return all[0]
		}
		for range 3 {
			if got := try(); got.Outcome != monitor.Worked {
				t.Fatalf("it %s at %q: %s", got.Outcome, got.Step, got.Says)
			}
		}
		accounts, err := s.Monitors.Accounts(t.Context())
		if err != nil || len(accounts) != 1 || s.own(accounts[0]) != cpni.Denied || s.confirmations(accounts[0]) != 0 {
			t.Errorf("%v (%v)", accounts, err)
		}
		// changed serves the page with something in it changed.
		changed := func(old, new string) func(http.ResponseWriter, *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				seen := httptest.NewRecorder()
				whole.ServeHTTP(seen, r)
				if !bytes.Contains(seen.Body.Bytes(), []byte(old)) && r.Method == http.MethodGet {
					t.Errorf("the page has no %q", old)
				}
				for k, v := range seen.Header() {
					w.Header()[k] = v
				}
				w.WriteHeader(seen.Code)
				w.Write(bytes.ReplaceAll(seen.Body.Bytes(), []byte(old), []byte(new)))
				return true
			}
		}
		broken := func(method string) func(http.ResponseWriter, *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == method {
					http.Error(w, "it is broken", http.StatusInternalServerError)
				}
				return r.Method == method
			}
		}
		swallowed := func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost { // as a page that says thanks and keeps nothing
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Write([]byte("<p>Thank you."))
			}
			return r.Method == http.MethodPost
		}
		for _, x := range []struct {
			name, step string
			harm       func(http.ResponseWriter, *http.Request) bool
		}{
			{"the page is down", "open the page", broken(http.MethodGet)},
			{"the button is gone", "fill in the form", changed(`value="everything"`, `value="nothing"`)},
			{"the field is gone", "fill in the form", changed(`name="who"`, `name=""`)},
			{"the form goes to another place", "send the form", changed(`action="/account/refuse`, `action="/account/refused`)},
			{"the form is refused", "send the form", broken(http.MethodPost)},
		} {
			harm = x.harm
			if got := try(); got.Outcome != monitor.Failing || got.Step != x.step {
				t.Errorf("%s: it %s at %q: %s", x.name, got.Outcome, got.Step, got.Says)
			}
		}
		harm = swallowed
		s.Time.Add(every)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(s.Monitors.Work(t.Context()))
		s.Time.Add(s.Monitors.Numbers(s.Clock.Now()).RecordWithin)
		must(s.Monitors.Work(t.Context()))
		all, err := s.Monitors.List(t.Context(), monitor.Span{})
		must(err)
		web := all[slices.IndexFunc(all, func(x monitor.Standing) bool { return x.Way == monitor.Web })]
		if web.Last.Step != "on record" || web.State != monitor.Down || web.InARow != 6 || len(web.Failures) != 1 {
			t.Errorf("%+v, last %+v", web, web.Last)
		}
		f, err := s.Filing.One(t.Context(), web.Failure, s.Member(t, cpni.RoleAuditor))
		must(err)
		if f.State() != filing.Open || !strings.Contains(f.Facts.Mechanism, "web") {
			t.Errorf("%+v", f.Facts)
		}
	})
}
