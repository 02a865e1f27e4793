package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

const strictCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// visited shows somebody who may do everything every kind of page about a customer, and gives the addresses.
func (w *world) visited(b *browser, of cpni.ID, pin, question string) []string {
	w.t.Helper()
	at := b.open(of, "phone")
	paths := []string{"/desk", "/desk?c=" + string(of) + "&c=" + string(w.ann), customerAddress(of), "/me", "/me/second-factor", "/me/confirm", "/rules", "/rules/numbers", "/records/ledger", "/records", at}
	b.ask(at)
	paths = append(paths, b.at)
	b.prove(at, "method", "pin", "secret", "000111")
	b.prove(at, "method", "claim", "claim", "born")
	b.prove(at, "method", "backup", "question", question, "secret", "no")
	b.prove(at, "method", "code", "place", "email")
	b.prove(at, "method", "pin", "secret", pin)
	b.ask(at, "also", "billing", "also", "service")
	paths = append(paths, b.at, at)
	b.ask(at, "to", "authorised:"+payload)
	paths = append(paths, b.at)
	b.submit(at+"/notes", "text", payload)
	b.ask(at, "purpose", "inbound-marketing", "data", "service")
	paths = append(paths, b.at)
	claim := b.get(customerAddress(of) + "/emergency")
	b.follow(b.post(customerAddress(of)+"/emergency", "token", claim.value("token"), "claim", claim.value("claim"), "who", "other", "callback", payload))
	paths = append(paths, customerAddress(of)+"/emergency", b.at)
	shop, chat, mail := b.open(of, "store"), b.open(of, "chat"), b.open(of, "mail")
	ended := b.open(of, "phone")
	b.submit(ended + "/end")
	paths = append(paths, shop, chat, mail, ended, recordsAddress(of), recordsAddress(of)+"?kind=attempt")
	must(w.t, w.Ledger.Sequence(context.Background()))
	for _, r := range w.records(of, "decision") {
		paths = append(paths, recordsAddress(of)+"/"+string(r.ID))
	}
	paths = append(paths, w.watched(b, of)...)
	paths = append(paths, w.lettered(of)...)
	return append(paths, "/nowhere", "/desk/contacts/"+string(of))
}

// payload breaks out of an attribute, of text and of a script, where something is not escaped.
const payload = `"'><script>hit=1</script><img src=x onerror=hit=1><a href="javascript:hit=1">{{hit}}`

// hostile is a customer in whose every field a script hides, and a member of the staff likewise.
func (w *world) hostile() cpni.ID {
	w.t.Helper()
	since := w.clock.Now().AddDate(-2, 0, 0)
	id := w.customer(customer.Profile{Name: payload, Account: payload, Since: since, Lines: []customer.Line{{Number: "+12025550170", Since: since, Categories: []cpni.Category{cpni.Local}}},
		Postal: []customer.Address{{Value: payload, Since: since}}, Email: []customer.Address{{Value: payload, Since: since}}, ContactNumbers: []string{payload},
		Credentials: customer.Credentials{PIN: w.secret("915274"), Password: w.secret("x"), Backup: []customer.Backup{{Question: payload, Answer: *w.secret("y")}}},
		Authorised:  []customer.Authorised{{Name: payload, Data: []cpni.DataClass{payload}}}, Business: &customer.Business{DedicatedRepresentative: payload, ContractCoversCPNI: true},
		Approvals: []customer.Approval{{Scope: payload, State: cpni.Denied, Since: since, Names: []string{payload}}}})
	w.calls(id, 1, vault.Call{At: time.Date(2026, 2, 11, 3, 41, 7, 0, time.UTC), Seconds: 9, Answered: true, Out: true, Number: payload, ID: 1})
	w.item(id, vault.Item{Class: cpni.Billing, Period: 202602, Values: map[string]string{payload: payload}})
	w.item(id, vault.Item{Class: cpni.Service, Values: map[string]string{payload: payload}})
	w.member(staff.Member{Login: `<script>hit=1</script>`, Name: payload, Role: cpni.RoleCompliance, Trained: w.clock.Now()})
	w.serve(Options{Carrier: payload, Report: w.report})
	return id
}

var (
	scripts  = regexp.MustCompile(`(?i)<script[^>]*>`)
	handlers = regexp.MustCompile(`(?i)<[^>"']*("[^"]*"|'[^']*'|[^>"'])*\s(on[a-z]+|style)\s*=`)
)

// Whatever stands in a field is text and nothing else.
//
// cite: P-37, I-23
func TestPayloadsAreInert(t *testing.T) {
	w := newWorld(t)
	id := w.hostile()
	b := w.signedIn(t, `<script>hit=1</script>`)
	seen := 0
	for _, path := range w.visited(b, id, "915274", payload) {
		r := b.get(path)
		r.lacks(t, "<script>hit", "<img src=x", `href="javascript:`, "onerror=hit=1>")
		for _, s := range scripts.FindAllString(r.page, -1) {
			if !strings.HasPrefix(s, `<script src="/assets/desk.js?v=`) {
				t.Errorf("%s: %s", path, s)
			}
		}
		for _, m := range regexp.MustCompile(`<[a-z][^<>]*>`).FindAllString(r.page, -1) {
			if handlers.MatchString(m) {
				t.Errorf("%s: %s", path, m)
			}
		}
		seen += strings.Count(r.page, "&lt;script&gt;hit=1")
	}
	if seen < 50 {
		t.Errorf("the payload is on the pages only %d times: the test does not see what it should", seen)
	}
	b.post("/desk/find", "token", b.token(), "number", payload).lacks(t, "<script>hit", "<img src=x")
	for _, path := range []string{"/desk?c=" + url.QueryEscape(payload), "/" + url.PathEscape(payload), "/records/" + url.PathEscape(payload), "/sign-in?back=" + url.QueryEscape(payload),
		"/records/" + string(id) + "?kind=" + url.QueryEscape(payload) + "&before=" + url.QueryEscape(payload), "/desk/customers/" + string(id) + "?shown=" + url.QueryEscape(payload)} {
		b.get(path).lacks(t, "<script>hit", "<img src=x")
	}
}

// Every answer bears the same strict headers, is small, and keeps nothing.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestEveryAnswerIsGuarded(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "supervisor")
	paths := append(w.visited(b, w.ann, annPIN, "What was the first concert you went to?"), "/sign-in", "/", "/assets/none", "/assets/ringfence.css", "/assets/desk.js", "/assets/mark.svg", "/%ff")
	for _, who := range []*browser{b, w.browser(t), w.signedIn(t, "marketing")} {
		for _, path := range paths {
			r := who.get(path)
			for name, want := range map[string]string{"Content-Security-Policy": strictCSP, "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"} {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s: %s is %q", path, name, got)
				}
			}
			cache := r.Header.Get("Cache-Control")
			if strings.HasPrefix(path, "/assets/") && path != "/assets/none" {
				if cache != "no-cache" {
					t.Errorf("%s: %s", path, cache)
				}
				continue
			}
			if cache != "no-store" {
				t.Errorf("%s: Cache-Control is %q", path, cache)
			}
			if len(r.page) > 150_000 {
				t.Errorf("%s has %d bytes", path, len(r.page))
			}
			if r.page != "" && (!strings.HasPrefix(r.page, "<!doctype html>") || strings.Count(r.page, "<h1") != 1) {
				t.Errorf("%s: no page with one heading: %.60s", path, r.page)
			}
			for _, c := range r.Cookies() {
				if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
					t.Errorf("%s: cookie %s", path, c.Raw)
				}
			}
		}
	}
	for name, a := range w.console.assets {
		r := b.get(a.address).is(t, http.StatusOK)
		if got := r.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") || r.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %q %q", name, got, r.Header.Get("Content-Type"))
		}
	}
}

// No address that a browser is sent to, or that a page links to, has a number, a name or a secret in it.
//
// cite: I-23
func TestNothingPersonalInAddresses(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "supervisor")
	record := &locations{next: http.DefaultTransport}
	b.client.Transport = record
	links := regexp.MustCompile(`(?:href|action|src)="([^"]*)"`)
	for _, path := range w.visited(b, w.ann, annPIN, "What was the first concert you went to?") {
		for _, m := range links.FindAllStringSubmatch(b.get(path).page, -1) {
			record.all = append(record.all, m[1])
		}
	}
	b.post("/desk/find", "token", b.token(), "number", annNumber)
	b.get("/desk?number=" + url.QueryEscape(annNumber))
	b.submit("/records", "number", "Ann Archer")
	if len(record.all) < 300 {
		t.Errorf("only %d addresses were seen", len(record.all))
	}
	for _, a := range record.all {
		plain, err := url.QueryUnescape(a)
		must(t, err)
		for _, personal := range []string{"55501", "555 01", "rcher", "L-1001", "heron", annPIN, "comets", "Main", "example.com", "42.30"} {
			if strings.Contains(plain, personal) {
				t.Errorf("%q stands in the address %s", personal, a)
			}
		}
	}
}

// locations notes where browsers are sent.
type locations struct {
	next http.RoundTripper
	all  []string
}

// RoundTrip passes a request on.
func (l *locations) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.next.RoundTrip(r)
	if err == nil {
		if at := answer.Header.Get("Location"); at != "" {
			l.all = append(l.all, at)
		}
	}
	return answer, err
}

// What a browser would never send is turned away with a page that says why.
func TestInputAttacker(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	token := b.token()
	form := "application/x-www-form-urlencoded"
	for _, c := range []struct {
		what, method, path, kind, body string
		status                         int
		says                           string
	}{
		{"a body that is too large", "POST", at + "/proofs", form, "token=" + token + "&secret=" + strings.Repeat("a", 70<<10), 413, "larger than any form"},
		{"a field that is too long", "POST", at + "/proofs", form, "token=" + token + "&secret=" + strings.Repeat("a", 2000), 413, "A field holds more than 1,000 bytes"},
		{"a name that is too long", "POST", at + "/proofs", form, "token=" + token + "&" + strings.Repeat("a", 2000) + "=1", 413, "1,000 bytes"},
		{"bytes that are no text", "POST", at + "/proofs", form, "token=" + token + "&method=pin&secret=%ff%fe", 400, "cannot be read"},
		{"an overlong encoding", "POST", "/desk/find", form, "token=" + token + "&number=%c0%af", 400, "cannot be read"},
		{"a surrogate", "POST", "/desk/find", form, "token=" + token + "&number=%ed%a0%80", 400, "cannot be read"},
		{"a null", "POST", "/desk/find", form, "token=" + token + "&number=a%00b", 400, "cannot be read"},
		{"a broken escape", "POST", "/desk/find", form, "token=" + token + "&number=%zz", 400, "cannot be read"},
		{"a semicolon", "POST", "/desk/find", form, "token=" + token + ";number=1", 400, "cannot be read"},
		{"very many fields", "POST", "/desk/find", form, "token=" + token + strings.Repeat("&a=1", 15_000), 400, "cannot be read"},
		{"a file", "POST", at + "/proofs", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n" + token + "\r\n--x--", 415, "Only forms of these pages"},
		{"JSON", "POST", at + "/proofs", "application/json", `{"token":"` + token + `"}`, 415, "Only forms of these pages"},
		{"no type", "POST", at + "/proofs", "", "token=" + token, 415, "Only forms of these pages"},
		{"an odd type", "POST", at + "/proofs", "text/html; =;", "token=" + token, 415, "Only forms of these pages"},
		{"PUT", "PUT", at, form, "", 405, "cannot be done at this address"},
		{"DELETE", "DELETE", at, "", "", 405, "cannot be done at this address"},
		{"a method that nobody knows", "BREW", "/desk", "", "", 405, "cannot be done at this address"},
		{"OPTIONS", "OPTIONS", "/desk", "", "", 405, "cannot be done at this address"},
		{"POST where one only reads", "POST", "/rules", form, "token=" + token, 405, "cannot be done at this address"},
		{"GET of a place that is nowhere", "GET", "/admin.php", "", "", 404, "nothing here under this address"},
		{"POST to a place that is nowhere", "POST", "/admin.php", form, "token=" + token, 404, "nothing here under this address"},
		{"a path that is no text", "GET", "/desk/customers/%ff", "", "", 400, "cannot be read"},
		{"a null in the path", "GET", "/desk/customers/a%00", "", "", 400, "cannot be read"},
		{"a very long path", "GET", "/desk/customers/" + strings.Repeat("a", 5000), "", "", 404, "nothing here"},
		{"a path that climbs", "GET", "/assets/..%2fconsole.go", "", "", 404, "nothing here"},
		{"an id that is none", "GET", "/desk/contacts/1", "", "", 404, "nothing here"},
	} {
		t.Run(c.what, func(t *testing.T) {
			r, err := http.NewRequest(c.method, b.server.URL+c.path, strings.NewReader(c.body))
			must(t, err)
			if c.kind != "" {
				r.Header.Set("Content-Type", c.kind)
			}
			page := b.send(r).is(t, c.status)
			page.says(t, c.says)
			if c.status == http.StatusMethodNotAllowed && !strings.Contains(page.Header.Get("Allow"), "GET") {
				t.Errorf("what is allowed is %q", page.Header.Get("Allow"))
			}
		})
	}
	if len(w.reports) > 0 {
		t.Errorf("what others do wrong was reported as ours: %v", w.reports)
	}
	head, err := b.client.Head(b.server.URL + "/rules")
	must(t, err)
	defer head.Body.Close()
	if rest, _ := io.ReadAll(head.Body); head.StatusCode != http.StatusOK || len(rest) > 0 {
		t.Errorf("HEAD: %s with %d bytes", head.Status, len(rest))
	}
}

// A form whose end never comes is not waited for.
func TestSlowForm(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for as long as a form may take")
	}
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	in, out := io.Pipe()
	defer out.Close()
	go out.Write([]byte("token="))
	r, err := http.NewRequest(http.MethodPost, b.server.URL+"/desk/find", in)
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	began := time.Now()
	answer, err := b.client.Do(r)
	if err == nil {
		answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s", answer.Status)
		}
	}
	if took := time.Since(began); took > 2*bodyTime {
		t.Errorf("it was waited for %s", took)
	}
}

// What goes wrong on our side is told to the operator, and to the person only that it did and what to do.
//
// cite: P-41, I-23, I-27
func TestOurOwnFault(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.prove(at, "method", "pin", "secret", annPIN)
	form := b.askForm(at)
	must(t, w.DB.Tx(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), "DROP TABLE idempotency")
		return err
	}))
	r := b.post(at+"/requests", form...).is(t, http.StatusServiceUnavailable)
	r.says(t, "AUDIT_DOWN", "The decision cannot be recorded now, so nothing is released.", "Ask again in a moment")
	r.lacks(t, "idempotency", "no such table", "703 555")
	if r.Header.Get("Retry-After") == "" {
		t.Error("nothing says when to come back")
	}
	must(t, w.DB.Tx(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), "DROP TABLE lookup")
		return err
	}))
	r = b.post("/desk/find", "token", r.value("token"), "number", annNumber).is(t, http.StatusInternalServerError)
	r.says(t, "Something failed on our side; nothing was released on it.", "Tell the operator if it lasts, with the time: 5 Mar 2026, 10:00:00 EST.")
	r.lacks(t, "lookup", "SQL", annNumber)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.reports) != 2 {
		t.Fatalf("reported: %q", w.reports)
	}
	for _, s := range w.reports {
		if tellsNumber(s) || strings.Contains(s, "Archer") {
			t.Errorf("the report holds personal data: %s", s)
		}
	}
}

// A page that panics is one that failed, and the place is reported.
func TestPanic(t *testing.T) {
	w := newWorld(t)
	w.console.office.Customers = nil
	b := w.signedIn(t, "agent")
	b.get(customerAddress(w.ann)).is(t, http.StatusInternalServerError).says(t, "Something failed on our side")
	if len(w.reports) != 1 || !strings.Contains(w.reports[0], "a page panicked at ringfence/internal/") {
		t.Errorf("%q", w.reports)
	}
}

func TestFaultsHaveTheirStatus(t *testing.T) {
	w := newWorld(t)
	v := w.console.visit(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	for _, c := range []struct {
		err    error
		status int
	}{
		{contact.ErrNoContact, 404}, {customer.ErrNoCustomer, 404}, {vault.ErrForgotten, 404}, {context.DeadlineExceeded, 503}, {store.ErrClosed, 503},
		{cpni.Rejected("LOCKED", "x", nil), 429}, {cpni.Rejected("ROLE", "x", nil), 403}, {cpni.Rejected("TOKEN_SCOPE", "x", nil), 409}, {cpni.Rejected("OTHER", "x", nil), 422}, {errors.New("x"), 500},
	} {
		if f := v.faultOf(c.err); f.status != c.status {
			t.Errorf("%v: %d, want %d", c.err, f.status, c.status)
		}
	}
}
