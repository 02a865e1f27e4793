package portal_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// signal has the browser send Global Privacy Control.
type signal struct{ next http.RoundTripper }

func (x signal) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Sec-GPC", "1")
	return x.next.RoundTrip(r)
}

// The signal of a browser in which a customer is signed in refuses everything once; what the customer chooses under it stands.
//
// cite: P-11, P-12, P-14, I-14, 47 CFR 64.2007(a)(2)
func TestGlobalPrivacyControl(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		s.noticed(ownByPost, ann)
		s.Time.Add(40 * 24 * time.Hour)
		plainly := s.browser.Transport
		on := func(is bool) {
			s.browser.Transport = plainly
			if is {
				s.browser.Transport = signal{plainly}
			}
		}
		on(true)
		s.get("/account/sign-in")
		s.get("/account/refuse")
		if len(s.events(ann.ID)) != 1 {
			t.Fatal("the signal of somebody who is not signed in is recorded")
		}
		on(false)
		s.signIn(ann, officetest.Password)
		s.get(choicesAt)
		if s.own(ann.ID) != cpni.OptOutOK {
			t.Fatal("without the signal something is refused")
		}
		on(true)
		_, page := s.get("/account/")
		if !strings.Contains(page, "sign-out") || s.own(ann.ID) != cpni.Denied {
			t.Fatalf("with the signal: %s", s.own(ann.ID))
		}
		all := s.events(ann.ID)
		if e := all[len(all)-1]; e.Via != approval.BySignal || e.Scope != customer.Everything || e.Evidence == nil || !strings.Contains(s.raw(ann.ID, e.ID), `"signal":"1"`) || !strings.Contains(s.raw(ann.ID, e.ID), `"at":"2027-`) {
			t.Errorf("kept as %+v", e)
		}
		for range 3 {
			s.get("/account/")
			s.Time.Add(time.Minute)
		}
		if n := len(s.events(ann.ID)); n != len(all) {
			t.Errorf("the signal is recorded again and again: %d events", n)
		}
		if _, page = s.get(choicesAt); !strings.Contains(page, "Global Privacy Control") || !strings.Contains(page, "We take that as your refusal of every use") || !strings.Contains(page, "by the Global Privacy Control of your browser") {
			t.Error("the page of choices does not tell of the signal")
		}
		// A yes under the signal is for its own scope, and stands.
		s.says("own-marketing", "yes")
		s.get("/account/")
		if got := s.own(ann.ID); got != cpni.OptInOK {
			t.Errorf("a yes that was given under the signal: %s", got)
		}
		if got := s.state(ann.ID, cpni.OtherMarketing, usage, theCarrier); got != cpni.Denied {
			t.Errorf("and everything else: %s", got)
		}
		s.says("own-marketing", "no")
		s.says("everything", "back")
		s.get("/account/")
		if _, page = s.get(choicesAt); !strings.Contains(page, "that choice of yours stands") {
			t.Errorf("the signal goes against what was chosen under it: %s", page)
		}
		c, _, err := s.Customers.Get(t.Context(), ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(c.Approvals, func(a customer.Approval) bool {
			return a.Scope == customer.Everything && a.State == cpni.Denied
		}) {
			t.Error("everything is refused again by the signal")
		}
		// What was taken back where nothing showed the signal does not outlive it.
		s.post(choicesAt, "say", "no")
		on(false)
		s.says("everything", "back")
		s.get("/account/")
		n := len(s.events(ann.ID))
		on(true)
		s.get("/account/")
		s.get("/account/")
		all = s.events(ann.ID)
		if len(all) != n+1 || all[n].Via != approval.BySignal {
			t.Errorf("%d events, want one more than %d", len(all), n)
		}
		for _, value := range []string{"0", "true", "1, 1", ""} {
			r, _ := http.NewRequest(http.MethodGet, s.server.URL+"/account/", nil)
			s.says("everything", "back")
			on(false)
			s.says("everything", "no")
			s.says("everything", "back")
			r.Header.Set("Sec-GPC", value)
			before := len(s.events(ann.ID))
			s.read(s.browser.Do(r))
			if len(s.events(ann.ID)) != before {
				t.Errorf("%q is taken for the signal", value)
			}
		}
		status, page := s.get("/.well-known/gpc.json")
		var says struct {
			GPC        bool
			LastUpdate string
		}
		if err := json.Unmarshal([]byte(page), &says); status != http.StatusOK || err != nil || !says.GPC {
			t.Errorf("%d %s", status, page)
		}
		if _, err := time.Parse(time.DateOnly, says.LastUpdate); err != nil {
			t.Errorf("%s", page)
		}
	})
}

// The signal counts on the pages of the public policy too, which are open to everybody, for a customer who is signed in.
//
// cite: P-12, P-55, 47 CFR 64.2007(a)(2)
func TestTheSignalOnThePolicy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		plain := s.browser.Transport
		for _, path := range []string{"/privacy", "/privacy/versions", "/privacy/2026-11", "/privacy/changes/a/b"} {
			ann := s.Customer(t)
			s.another()
			s.browser.Transport = signal{plain}
			before, _ := s.get(path)
			if n := len(s.events(ann.ID)); n != 0 {
				t.Fatalf("%s: the signal of somebody who is not signed in is recorded", path)
			}
			s.another()
			s.signIn(ann, officetest.Password)
			s.get(path)
			if s.own(ann.ID) == cpni.Denied {
				t.Fatalf("%s: without the signal something is refused", path)
			}
			s.browser.Transport = signal{plain}
			for range 2 {
				if status, page := s.get(path); status != before || strings.Contains(page, "sign-out") {
					t.Errorf("%s: %d, and %d for everybody", path, status, before)
				}
			}
			all := s.events(ann.ID)
			if s.own(ann.ID) != cpni.Denied || len(all) != 1 || all[0].Via != approval.BySignal {
				t.Errorf("%s: it stands at %s after %d events", path, s.own(ann.ID), len(all))
			}
		}
	})
}
