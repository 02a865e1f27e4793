package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/customer"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
)

// A customer of a mobile carrier locks their account against a new SIM, and takes the lock off; they are told of both. Other carriers' customers see
// nothing of it. The page fits a desk and a telephone, in both languages, and axe finds nothing to complain of.
//
// cite: P-16, P-23, 47 CFR 64.2010(h), V114
func TestTheCustomersLockAgainstANewSIM(t *testing.T) {
	s := visit(t, storetest.Open(t, "memory:"))
	ann := s.Customer(t)
	s.signIn(ann, officetest.Password)
	if _, page := s.get("/account/people"); strings.Contains(page, "SIM card") {
		t.Error("a carrier without mobile service speaks of it")
	}
	if status, _ := s.get("/account/people/sim"); status != http.StatusNotFound {
		t.Errorf("and has the page: %d", status)
	}
	if status, _ := s.post("/account/people/sim", "lock", "yes"); status != http.StatusForbidden || !s.profile(ann).SIMLocked.IsZero() {
		t.Errorf("and locks: %d", status)
	}
	s.Door.CMRS = true
	for _, c := range []struct {
		lock, says string
		locked     bool
	}{{"yes", "The lock is on.", true}, {"no", "The lock is off.", false}} {
		before := s.told(ann, customer.WhatSIMLock)
		s.Time.Add(time.Second)
		if status, page := s.post("/account/people/sim", "lock", c.lock); status != http.StatusOK || !strings.Contains(page, c.says) {
			t.Errorf("%s: %d %s", c.lock, status, page)
		}
		if got := !s.profile(ann).SIMLocked.IsZero(); got != c.locked {
			t.Errorf("%s: locked %v", c.lock, got)
		}
		if s.told(ann, customer.WhatSIMLock) == before {
			t.Errorf("%s: nobody is told (P-23)", c.lock)
		}
	}
	c := s.chromium()
	c.takeOver(s)
	for _, language := range []string{"en", "es"} {
		c.goTo("/account/people/sim?language=" + language)
		c.isSound("sim lock " + language)
	}
	c.goTo("/account/people?language=en")
	c.isSound("people with sim lock")
}
