package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

var everything = ledger.Filter{Limit: 10_000}

// Nobody without a key in force gets anything, and is not told which of its parts was wrong.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		member, key := s.key(t, cpni.RoleAgent)
		other := s.Member(t, cpni.RoleAgent)
		revoked, err := s.Staff.NewKey(t.Context(), other, "revoked", nil, "test")
		if err != nil {
			t.Fatal(err)
		}
		keys, err := s.Staff.Keys(t.Context(), other)
		if err != nil || len(keys) != 1 {
			t.Fatal(keys, err)
		}
		if err := s.Staff.RevokeKey(t.Context(), keys[0].ID, "test"); err != nil {
			t.Fatal(err)
		}
		ann := s.Customer(t)
		path := "/v1/customers/" + string(ann.ID)
		if a := s.do(t, key, "GET", path, nil); a.status != http.StatusOK {
			t.Fatalf("with a key: %d %s", a.status, a.raw)
		}
		var first []byte
		for name, bad := range map[string]string{"none": "", "a wrong one": key[:len(key)-2] + "xx", "half": key[:len(key)/2], "revoked": revoked, "nothing": " ", "two": "a b"} {
			a := s.do(t, bad, "GET", path, nil)
			a.problem(t, http.StatusUnauthorized, "API_KEY")
			if a.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s: no scheme is named", name)
			}
			if first == nil {
				first = a.raw
			}
			if !bytes.Equal(first, a.raw) {
				t.Errorf("%s is told apart: %s", name, a.raw)
			}
		}
		if err := s.Staff.Disable(t.Context(), member, "test"); err != nil {
			t.Fatal(err)
		}
		s.do(t, key, "GET", path, nil).problem(t, http.StatusUnauthorized, "API_KEY")
	})
}

// A key does what its member's work is and what its scopes name, and nothing else.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestRightsAndScopes(t *testing.T) {
	s := serve(t, officetest.Open(t, storetest.Open(t, "memory:")))
	ann := s.Customer(t)
	about := "/v1/customers/" + string(ann.ID)
	operations := map[string]struct {
		method, path string
		body         any
		roles        string // whose work it is
		scope        string
	}{
		"search":   {"POST", "/v1/customers/search", object{"number": ann.Lines[0].Number}, "agent supervisor compliance officer fraud billing system", "customers"},
		"card":     {"GET", about, nil, "agent supervisor compliance officer fraud billing system", "customers"},
		"contact":  {"POST", "/v1/contacts", object{"customer": ann.ID, "channel": "phone"}, "agent supervisor compliance fraud system", "contacts"},
		"create":   {"POST", "/v1/customers", object{"name": "New", "lines": []any{}}, "billing admin system", "customers"},
		"entries":  {"GET", about + "/entries", nil, "supervisor compliance officer fraud auditor", "records"},
		"activity": {"GET", "/v1/activity", nil, "supervisor compliance officer fraud auditor", "records"},
		"messages": {"GET", "/v1/messages", nil, "supervisor compliance officer fraud auditor", "messages"},
		"alerts":   {"GET", "/v1/alerts", nil, "supervisor compliance officer fraud", "alerts"},
		"partner":  {"PUT", "/v1/partners/acme-energy", object{"class": "other"}, "compliance officer", "registers"},
		"staff":    {"POST", "/v1/staff", object{"login": "", "name": "N", "role": "agent"}, "admin", "registers"},
		"training": {"POST", "/v1/staff/" + string(s.Member(t, cpni.RoleAgent)) + "/training", object{"passed": "2026-01-01T00:00:00Z"}, "compliance", "registers"},
		"trainees": {"GET", "/v1/training", nil, "supervisor compliance officer fraud auditor", "records"},
		"passes":   {"GET", "/v1/staff/" + string(s.Member(t, cpni.RoleAgent)) + "/training", nil, "supervisor compliance officer fraud auditor", "records"},
		"key":      {"POST", "/v1/keys", object{"staff": s.Member(t, cpni.RoleAgent), "name": ""}, "admin", "registers"},
		"partners": {"GET", "/v1/partners", nil, "agent supervisor marketing compliance officer fraud billing auditor admin system", "registers"},
		"policy":   {"GET", "/v1/policy", nil, "agent supervisor marketing compliance officer fraud billing auditor admin system", "policy"},
	}
	for _, role := range cpni.Roles {
		_, whole := s.key(t, role)
		_, elsewhere := s.key(t, role, "nothing-of-this")
		for name, o := range operations {
			body := o.body
			if m, ok := body.(object); ok && (name == "staff" || name == "key") {
				m["login"], m["name"] = string(cpni.NewID())[:10], string(cpni.NewID())
				if name == "key" {
					delete(m, "login")
				}
			}
			a := s.do(t, whole, o.method, o.path, body)
			if strings.Contains(" "+o.roles+" ", " "+string(role)+" ") {
				if a.status >= 300 {
					t.Errorf("%s by %s: %d %s", name, role, a.status, a.raw)
				}
				s.do(t, elsewhere, o.method, o.path, body).problem(t, http.StatusForbidden, "SCOPE_OF_KEY")
				_, narrow := s.key(t, role, o.scope)
				if a := s.do(t, narrow, o.method, o.path, body); a.status == http.StatusForbidden {
					t.Errorf("%s by %s with the scope %s: %s", name, role, o.scope, a.raw)
				}
				continue
			}
			a.problem(t, http.StatusForbidden, "ROLE")
		}
	}
}

// What is another's looks as if it were not there, and who walks through ids is made to wait, alone and for a minute.
//
// cite: P-37, P-42, 47 CFR 64.2010(a)
func TestWalkingThroughIDs(t *testing.T) {
	s := serve(t, officetest.Open(t, storetest.Open(t, "memory:")))
	owner, _ := s.key(t, cpni.RoleAgent)
	_, walker := s.key(t, cpni.RoleAgent)
	_, neighbour := s.key(t, cpni.RoleAgent)
	ann := s.Customer(t)
	theirs := s.Verified(t, owner, ann.ID)
	for _, step := range []struct {
		method, rest string
		body         any
	}{{"GET", "", nil}, {"DELETE", "", nil}, {"POST", "/proofs", object{"password": officetest.Password}}, {"POST", "/credentials", object{"pin": "274936"}},
		{"POST", "/changes", object{"email": "new@example.com"}}} {
		is := s.do(t, walker, step.method, "/v1/contacts/"+string(theirs)+step.rest, step.body)
		not := s.do(t, walker, step.method, "/v1/contacts/"+string(cpni.NewID())+step.rest, step.body)
		if is.status != http.StatusNotFound || is.status != not.status || !bytes.Equal(is.raw, not.raw) {
			t.Errorf("%s %s: %d %s against %d %s", step.method, step.rest, is.status, is.raw, not.status, not.raw)
		}
	}
	allowed := s.Policy.Numbers(s.Clock.Now()).Int("security-defaults", "key_misses_per_minute")
	waiting := 0
	for range 2 * allowed {
		if a := s.do(t, walker, "GET", "/v1/customers/"+string(cpni.NewID()), nil); a.status == http.StatusTooManyRequests {
			a.problem(t, http.StatusTooManyRequests, "TOO_MANY")
			if a.header.Get("Retry-After") == "" {
				t.Error("not said when to come back")
			}
			waiting++
		}
	}
	if waiting < allowed {
		t.Errorf("made to wait %d times of %d", waiting, 2*allowed)
	}
	s.do(t, walker, "GET", "/v1/customers/"+string(ann.ID), nil).problem(t, http.StatusTooManyRequests, "TOO_MANY")
	if a := s.do(t, neighbour, "GET", "/v1/customers/"+string(ann.ID), nil); a.status != http.StatusOK {
		t.Errorf("a neighbour has to wait as well: %d", a.status)
	}
	s.Time.Add(time.Minute)
	if a := s.do(t, walker, "GET", "/v1/customers/"+string(ann.ID), nil); a.status != http.StatusOK {
		t.Errorf("a minute later: %d %s", a.status, a.raw)
	}
}

// An idempotency key makes one customer and one contact, however many ask at once; another's key is another.
//
// cite: I-11
func TestRepeatedCreation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, key := s.key(t, cpni.RoleSystem)
		_, other := s.key(t, cpni.RoleSystem)
		var mu sync.Mutex
		made := map[string]int{}
		var all sync.WaitGroup
		create := func(key string, body object) answer {
			return s.do(t, key, "POST", "/v1/customers", body, "Idempotency-Key", "order 7")
		}
		for range 8 {
			all.Go(func() {
				a := create(key, object{"name": "Bo Berg", "lines": []any{object{"number": "+12025558811", "categories": []string{"local"}}}})
				if a.status != http.StatusCreated {
					t.Errorf("%d %s", a.status, a.raw)
				}
				mu.Lock()
				defer mu.Unlock()
				made[string(a.raw)]++
			})
		}
		all.Wait()
		if len(made) != 1 {
			t.Errorf("made %v", made)
		}
		if a := create(other, object{"name": "Cy Cole", "lines": []any{}}); a.status != http.StatusCreated || made[string(a.raw)] != 0 {
			t.Errorf("another's: %d %s", a.status, a.raw)
		}
	})
}
