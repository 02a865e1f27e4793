package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// served is an office whose interface is served on loopback.
type served struct {
	*officetest.Office
	url     string
	reports []error
}

func serve(t *testing.T, o *officetest.Office) *served {
	s := &served{Office: o}
	server := httptest.NewServer(api.New(o.Office, func(err error) { s.reports = append(s.reports, err) }).Handler())
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// key makes an API key for a new member of a role.
func (s *served) key(t *testing.T, role cpni.Role, scopes ...string) (cpni.ID, string) {
	t.Helper()
	member := s.Member(t, role)
	key, err := s.Staff.NewKey(t.Context(), member, "test", scopes, "test")
	if err != nil {
		t.Fatal(err)
	}
	return member, key
}

type answer struct {
	status int
	header http.Header
	raw    []byte
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.raw, v); err != nil {
		t.Fatalf("%v in %s", err, a.raw)
	}
}

// problem checks that an answer is a whole problem and gives it.
//
// cite: I-28
func (a answer) problem(t *testing.T, status int, code cpni.Code) api.Problem {
	t.Helper()
	var p api.Problem
	a.into(t, &p)
	if a.status != status || p.Status != status || p.Code != code {
		t.Errorf("answered %d %s, want %d %s", a.status, a.raw, status, code)
	}
	if a.header.Get("Content-Type") != "application/problem+json" || !strings.HasPrefix(p.Type, "urn:ringfence:problem:") || p.Title == "" || p.Detail == "" || len(p.Next) == 0 {
		t.Errorf("a problem that lacks something: %s %s", a.header.Get("Content-Type"), a.raw)
	}
	return p
}

// do sends a request; body is JSON text, or anything that becomes it. More are names and values of headers.
func (s *served) do(t *testing.T, key, method, path string, body any, more ...string) answer {
	t.Helper()
	var b []byte
	switch v := body.(type) {
	case nil:
	case string:
		b = []byte(v)
	default:
		var err error
		if b, err = json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, raw}
}

type object = map[string]any

// An agent's day by the interface alone: find, open, ask in vain, verify, see the calls, and what is on record about it.
//
// cite: P-16, P-19, P-41, I-01, I-11, I-28
func TestCallsAreReleasedToTheVerified(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, agent := s.key(t, cpni.RoleAgent)
		_, auditor := s.key(t, cpni.RoleAuditor)
		ann := s.Customer(t)

		var found struct{ Customers []api.Card }
		s.do(t, agent, "POST", "/v1/customers/search", object{"number": ann.Lines[0].Number}).into(t, &found)
		if len(found.Customers) != 1 || found.Customers[0].ID != ann.ID || strings.Contains(fmt.Sprint(found), ann.Lines[0].Number) {
			t.Fatalf("found %+v", found)
		}
		var opened, again api.Contact
		open := object{"customer": ann.ID, "channel": "phone", "caller": ann.Lines[0].Number}
		first := s.do(t, agent, "POST", "/v1/contacts", open, "Idempotency-Key", "call 17")
		first.into(t, &opened)
		s.do(t, agent, "POST", "/v1/contacts", open, "Idempotency-Key", "call 17").into(t, &again)
		if first.status != http.StatusCreated || opened.ID == "" || opened.ID != again.ID || !opened.Live || len(opened.Proved) != 0 {
			t.Fatalf("opened %d %+v, and again %+v", first.status, opened, again)
		}

		ask := object{"contact": opened.ID, "data": []string{"call-detail"}, "months": []string{"2026-10", "2026-11"}}
		p := s.do(t, agent, "POST", "/v1/disclosures", ask).problem(t, http.StatusForbidden, "UNAUTHENTICATED")
		if len(p.Ways) == 0 || len(p.Clauses) == 0 || p.Entry == "" || len(p.Reasons) == 0 || len(p.Says) == 0 {
			t.Errorf("a refusal that helps nobody: %+v", p)
		}
		s.do(t, agent, "POST", "/v1/contacts/"+string(opened.ID)+"/proofs", object{"password": "red heron"}).problem(t, http.StatusUnprocessableEntity, "BAD_SECRET")
		var proved api.Contact
		s.do(t, agent, "POST", "/v1/contacts/"+string(opened.ID)+"/proofs", object{"password": officetest.Password}).into(t, &proved)
		if proved.Speaker != "customer" || len(proved.Proved) != 1 || proved.Proved[0].Method != cpni.ByPassword {
			t.Fatalf("proved %+v", proved)
		}

		var told, repeated api.Disclosure
		s.do(t, agent, "POST", "/v1/disclosures", ask, "Idempotency-Key", "ask 1").into(t, &told)
		s.do(t, agent, "POST", "/v1/disclosures", ask, "Idempotency-Key", "ask 1").into(t, &repeated)
		if told.Released == nil || len(told.Released.Calls) != 1 || len(told.Released.Calls[0].Calls) != officetest.Calls || told.Replayed {
			t.Fatalf("told %+v", told)
		}
		if repeated.Entry != told.Entry || !repeated.Replayed || len(repeated.Released.Calls[0].Calls) != officetest.Calls {
			t.Errorf("asked again under the key: %+v", repeated)
		}
		s.do(t, agent, "POST", "/v1/disclosures", object{"contact": opened.ID, "data": []string{"usage"}}, "Idempotency-Key", "ask 1").problem(t, http.StatusConflict, "IDEMPOTENCY")

		var considered api.Considered
		s.do(t, agent, "POST", "/v1/considerations", ask).into(t, &considered)
		if considered.Outcome != cpni.Permit {
			t.Errorf("considered %+v", considered)
		}

		if err := s.Ledger.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		var proof api.Proof
		about := "/v1/customers/" + string(ann.ID)
		s.do(t, auditor, "GET", about+"/entries/"+string(told.Entry)+"/proof", nil).into(t, &proof)
		if !strings.Contains(proof.Leaf, string(told.Entry)) || proof.Size <= proof.Index || !strings.Contains(proof.Checkpoint, officetest.Origin) {
			t.Errorf("proof %+v", proof)
		}
		var decision api.Decision
		s.do(t, auditor, "GET", about+"/decisions/"+string(told.Entry), nil).into(t, &decision)
		if decision.Entry.Outcome != cpni.Permit || len(decision.Rules) == 0 || decision.Facts.Purpose != cpni.CustomerRequest {
			t.Errorf("on record %+v", decision)
		}

		if a := s.do(t, agent, "DELETE", "/v1/contacts/"+string(opened.ID), nil); a.status != http.StatusNoContent {
			t.Errorf("ending answered %d %s", a.status, a.raw)
		}
		s.do(t, agent, "POST", "/v1/disclosures", ask).problem(t, http.StatusForbidden, "TOKEN_SCOPE")
		if len(s.reports) > 0 {
			t.Errorf("reported %v", s.reports)
		}
	})
}

// Pages hold everything once, newest first, however small they are, also while more is written.
func TestPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, agent := s.key(t, cpni.RoleAgent)
		_, auditor := s.key(t, cpni.RoleAuditor)
		ann := s.Customer(t)
		in := object{"customer": ann.ID, "data": []string{"usage"}, "purpose": "curiosity", "to": "carrier"}
		asked := map[cpni.ID]bool{}
		for range 23 {
			asked[s.do(t, agent, "POST", "/v1/disclosures", in).problem(t, http.StatusForbidden, "UNKNOWN_PURPOSE").Entry] = true
			s.Time.Add(time.Second)
		}
		seen, before := []api.Entry{}, ""
		for pages := 0; ; pages++ {
			var page api.Entries
			s.do(t, auditor, "GET", "/v1/customers/"+string(ann.ID)+"/entries?kind=decision&limit=5"+before, nil).into(t, &page)
			seen = append(seen, page.Entries...)
			if page.Next == "" {
				break
			}
			if len(page.Entries) != 5 || pages > 10 {
				t.Fatalf("page %d holds %d", pages, len(page.Entries))
			}
			before = "&before=" + string(page.Next)
			s.do(t, agent, "POST", "/v1/disclosures", in)
		}
		if len(seen) != len(asked) {
			t.Errorf("%d on the pages, want %d", len(seen), len(asked))
		}
		for i, e := range seen {
			if !asked[e.ID] || i > 0 && e.At.After(seen[i-1].At) {
				t.Errorf("entry %d is %+v", i, e)
			}
		}
	})
}

// The description is served, and names every operation with what it needs.
func TestTheDescriptionIsServed(t *testing.T) {
	s := serve(t, officetest.Open(t, storetest.Open(t, "memory:")))
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Responses   map[string]struct{ Content map[string]any }
		}
	}
	s.do(t, "", "GET", "/v1/openapi.json", nil).into(t, &d)
	if !strings.HasPrefix(d.OpenAPI, "3.1") || len(d.Paths) < 15 {
		t.Fatalf("%s with %d paths", d.OpenAPI, len(d.Paths))
	}
	for path, operations := range d.Paths {
		for method, o := range operations {
			if o.OperationID == "" || o.Summary == "" || len(o.Responses) < 3 {
				t.Errorf("%s %s is not described: %+v", method, path, o)
			}
			if p := o.Responses["403"]; p.Content["application/problem+json"] == nil {
				t.Errorf("%s %s does not say that refusals are problems", method, path)
			}
		}
	}
}

// Who tries again and again to pass for a customer is noticed, on the customer's card and on record; the customer is
// served as before.
//
// cite: P-16, P-18, P-37, 47 CFR 64.2010(a)
func TestAPretexterIsNoticed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, agent := s.key(t, cpni.RoleAgent)
		_, auditor := s.key(t, cpni.RoleAuditor)
		ann := s.Customer(t)
		about := "/v1/customers/" + string(ann.ID)
		card := func() (c api.Card) {
			t.Helper()
			s.do(t, agent, "GET", about, nil).into(t, &c)
			return c
		}
		for n := range 5 {
			if c := card(); c.Alerted != nil {
				t.Fatalf("noticed after %d attempts", n)
			}
			var opened api.Contact
			s.do(t, agent, "POST", "/v1/contacts", object{"customer": ann.ID, "channel": "phone"}).into(t, &opened)
			s.do(t, agent, "POST", "/v1/contacts/"+string(opened.ID)+"/proofs", object{"claim": object{"ssn4": "6789", "born": "1980-04-02"}}).problem(t, http.StatusUnprocessableEntity, "METHOD")
			s.Time.Add(time.Hour)
		}
		if c := card(); c.Alerted == nil || s.Clock.Now().Sub(*c.Alerted) != time.Hour {
			t.Errorf("not noticed: %+v", c)
		}
		var page api.Entries
		s.do(t, auditor, "GET", about+"/entries?kind=alert", nil).into(t, &page)
		if len(page.Entries) != 1 || page.Entries[0].Code != contact.Pretext {
			t.Errorf("on record %+v", page.Entries)
		}
		if in := s.Verified(t, s.Member(t, cpni.RoleAgent), ann.ID); in == "" {
			t.Error("the customer is not served")
		}
		s.Time.Add(24 * time.Hour)
		if c := card(); c.Alerted != nil {
			t.Errorf("a day later: %v", c.Alerted)
		}
	})
}

// Of a customer who has asked for care the card tells neither lines nor account.
//
// cite: P-17, 47 USC 222(a), 47 CFR 64.2010(a)
func TestCardsOfThoseUnderCare(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, agent := s.key(t, cpni.RoleAgent)
		for care, id := range map[bool]cpni.ID{
			false: s.Customer(t).ID,
			true:  s.Customer(t, func(p *customer.Profile) { p.Safety = &customer.Safety{Since: officetest.Start} }).ID,
		} {
			var c api.Card
			s.do(t, agent, "GET", "/v1/customers/"+string(id), nil).into(t, &c)
			if c.Care != care || (len(c.Lines) == 0) != care || (c.Account == "") != care || c.Name == "" {
				t.Errorf("with care %v: %+v", care, c)
			}
		}
	})
}
