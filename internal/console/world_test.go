package console

import (
	"bytes"
	"context"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/matter"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/scenario"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/policy"
)

// clock is one that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond) // no two things happen at once
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is an office with a console that people reach.
type world struct {
	*office.Office
	t       testing.TB
	clock   *clock
	server  *httptest.Server
	console *Console
	people  map[string]cpni.ID
	ann     cpni.ID

	mu      sync.Mutex
	reports []string
}

const (
	annNumber   = "+12025550141"
	annPassword = "blue heron 42"
	annPIN      = "830271"
	annAnswer   = "the comets"
	boPassword  = "red fox 77"
	password    = "correct horse battery" // of every member of the staff
	called      = "+17035550123"          // in February
)

var policySet = sync.OnceValues(func() (*rules.Set, error) { return rules.Load(policy.Files) })

// newWorld opens an office in memory with one member of the staff of each role, named after it, and Ann Archer.
func newWorld(t testing.TB, change ...func(*office.Config)) *world {
	t.Helper()
	ctx := context.Background()
	set, err := policySet()
	must(t, err)
	db, err := store.Open(ctx, "memory:")
	must(t, err)
	zone, err := time.LoadLocation("America/New_York")
	must(t, err)
	signer, err := ledger.NewKey("ledger.test.example")
	must(t, err)
	w := &world{t: t, clock: &clock{now: time.Date(2026, 3, 5, 15, 0, 0, 0, time.UTC)}, people: map[string]cpni.ID{}}
	config := office.Config{DB: db, Policy: set, Master: vault.NewMaster(), Origin: "ledger.test.example", Signer: signer, Clock: w.clock, Zone: zone,
		HashCost: &contact.HashCost{MemoryKiB: 64, Passes: 1}, SecondFactorOptional: true, Rehearse: scenario.Rehearse(stories), Notices: officetest.Notices(t)}
	for _, c := range change {
		c(&config)
	}
	w.Office, err = office.Open(ctx, config)
	must(t, err)
	t.Cleanup(func() {
		w.Close()
		db.Close()
	})
	for _, r := range []cpni.Role{cpni.RoleAgent, cpni.RoleSupervisor, cpni.RoleCompliance, cpni.RoleFraud, cpni.RoleBilling, cpni.RoleMarketing, cpni.RoleOfficer, cpni.RoleAuditor, cpni.RoleAdmin} {
		w.member(staff.Member{Login: string(r), Name: "The " + string(r), Role: r, Trained: w.clock.Now()})
	}
	w.member(staff.Member{Login: "second", Name: "The second agent", Role: cpni.RoleAgent, Trained: w.clock.Now()})
	w.member(staff.Member{Login: "untrained", Name: "The untrained agent", Role: cpni.RoleAgent})
	w.ann = w.customer(w.annArcher())
	w.calls(w.ann, 1, vault.Call{At: time.Date(2026, 2, 11, 3, 41, 7, 0, time.UTC), Seconds: 9, Answered: true, Out: true, Number: called, ID: 1},
		vault.Call{At: time.Date(2026, 2, 12, 14, 0, 0, 0, time.UTC), ID: 2})
	w.item(w.ann, vault.Item{Class: cpni.Billing, Period: 202602, Values: map[string]string{"total": "42.30 USD"}})
	w.serve(Options{Carrier: "Test Carrier", Report: w.report})
	return w
}

// serve answers with a console of these options.
func (w *world) serve(o Options) {
	if w.server != nil {
		w.server.Close()
	}
	w.console = New(w.Office, o)
	w.server = httptest.NewServer(w.console.Handler())
	w.t.Cleanup(w.server.Close)
}

func (w *world) report(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = append(w.reports, err.Error())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) member(m staff.Member) {
	w.t.Helper()
	id, err := w.Staff.Add(context.Background(), m, password, "test")
	must(w.t, err)
	w.people[m.Login] = id
}

func (w *world) secret(text string) *customer.Secret {
	s := w.Secrets.Secret(text)
	s.Set = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	return &s
}

// annArcher is a customer who has everything.
func (w *world) annArcher() customer.Profile {
	since := time.Date(2019, 5, 1, 4, 0, 0, 0, time.UTC)
	return customer.Profile{Name: "Ann Archer", Account: "L-1001", Since: since, Born: "1980-04-02", SSN4: "6789",
		Lines:  []customer.Line{{Number: annNumber, Categories: []cpni.Category{cpni.Local}, Since: since}},
		Postal: []customer.Address{{Value: "1 Main St, Springfield, VA 22150", Since: since}}, Email: []customer.Address{{Value: "ann.archer@example.com", Since: since}},
		ContactNumbers: []string{"+17035550199"},
		Credentials: customer.Credentials{Password: w.secret(annPassword), PIN: w.secret(annPIN),
			Backup: []customer.Backup{{Question: "What was the first concert you went to?", Answer: *w.secret(annAnswer)}}},
		Authorised: []customer.Authorised{{Name: "Bo Archer", Data: []cpni.DataClass{cpni.Billing}, Credentials: customer.Credentials{Password: w.secret(boPassword)}}}}
}

func (w *world) customer(p customer.Profile) cpni.ID {
	w.t.Helper()
	id, err := w.Customers.Create(context.Background(), p, "test")
	must(w.t, err)
	return id
}

// calls seals calls of one line, each in its month of the carrier's zone.
func (w *world) calls(of cpni.ID, line int, calls ...vault.Call) {
	w.t.Helper()
	byMonth := map[int][]vault.Call{}
	for _, c := range calls {
		m := vault.Month(c.At, w.Zone)
		byMonth[m] = append(byMonth[m], c)
	}
	must(w.t, w.DB.Tx(context.Background(), func(tx *store.Tx) error {
		for m, list := range byMonth {
			if _, err := w.Vault.MergeCalls(context.Background(), tx, []vault.Portion{{Customer: of, Line: line, Month: m, Calls: list}}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// works opens a matter about a customer, with everything that its kind can name.
func (w *world) works(kind matter.Kind, reference string, of cpni.ID) *matter.Matter {
	w.t.Helper()
	m, err := w.Matters.Open(context.Background(), matter.Opening{Kind: kind, Reference: reference, Why: "The test needs it.", About: []matter.About{{Customer: of}}, Data: kind.Most(), By: "test"})
	must(w.t, err)
	return m
}

func (w *world) item(of cpni.ID, i vault.Item) {
	w.t.Helper()
	must(w.t, w.DB.Tx(context.Background(), func(tx *store.Tx) error { return w.Vault.PutItem(context.Background(), tx, of, i) }))
}

// records counts what is on record about a customer.
func (w *world) records(of cpni.ID, kind ledger.Kind) []ledger.Row {
	w.t.Helper()
	rows, err := w.Ledger.Records(context.Background(), of, ledger.Filter{Kind: kind, Limit: 500})
	must(w.t, err)
	return rows
}

// browser is a person's browser, without scripts.
type browser struct {
	*world
	t      testing.TB
	client *http.Client
	header http.Header // sent with every request
	at     string      // the path and query of the page that is shown
}

// reply is an answer to a browser.
type reply struct {
	*http.Response
	page string
}

func (w *world) browser(t testing.TB) *browser {
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &browser{world: w, t: t, header: http.Header{}, client: &http.Client{Jar: jar, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// signedIn is the browser of somebody who has signed in.
func (w *world) signedIn(t testing.TB, login string) *browser {
	t.Helper()
	b := w.browser(t)
	b.signIn(login, password)
	if r := b.get("/me"); r.StatusCode != http.StatusOK {
		t.Fatalf("signing in as %s: %s\n%s", login, r.Status, text(r.page))
	}
	return b
}

func (b *browser) signIn(login, password string) reply {
	b.t.Helper()
	form := b.get("/sign-in")
	return b.post("/sign-in", "token", form.value("token"), "back", form.value("back"), "name", login, "password", password)
}

func (b *browser) send(r *http.Request) reply {
	b.t.Helper()
	for name, values := range b.header {
		r.Header[name] = values
	}
	answer, err := b.client.Do(r)
	must(b.t, err)
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	must(b.t, err)
	return reply{answer, string(page)}
}

func (b *browser) get(path string) reply {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.server.URL+path, nil)
	must(b.t, err)
	b.at = path
	return b.send(r)
}

// post sends a form of names and values.
func (b *browser) post(path string, form ...string) reply {
	b.t.Helper()
	v := url.Values{}
	for i := 0; i < len(form); i += 2 {
		v.Add(form[i], form[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, b.server.URL+path, strings.NewReader(v.Encode()))
	must(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(r)
}

// postTo posts a form in the way that the place reads it.
func (b *browser) postTo(p place, path string, form ...string) reply {
	b.t.Helper()
	if !p.files && p.scan == 0 {
		return b.post(path, form...)
	}
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for i := 0; i < len(form); i += 2 {
		must(b.t, parts.WriteField(form[i], form[i+1]))
	}
	must(b.t, parts.Close())
	r, err := http.NewRequest(http.MethodPost, b.server.URL+path, &body)
	must(b.t, err)
	r.Header.Set("Content-Type", parts.FormDataContentType())
	return b.send(r)
}

// follow goes where an answer sends the browser, which must be another page, and be shown there.
func (b *browser) follow(r reply) reply {
	b.t.Helper()
	for range 5 {
		if r.StatusCode != http.StatusSeeOther {
			return r
		}
		r = b.get(r.Header.Get("Location"))
	}
	b.t.Fatal("the browser is sent in a circle")
	return r
}

// submit posts a form with the token of this session, and follows.
func (b *browser) submit(path string, form ...string) reply {
	b.t.Helper()
	return b.follow(b.post(path, append([]string{"token", b.token()}, form...)...))
}

func (b *browser) token() string {
	b.t.Helper()
	return b.get("/rules").value("token")
}

// open opens a contact with a customer, and gives its address.
func (b *browser) open(of cpni.ID, channel string) string {
	b.t.Helper()
	page := b.get(customerAddress(of))
	r := b.post(customerAddress(of)+"/contacts", "token", page.value("token"), "key", page.value("key"), "channel", channel)
	at := r.Header.Get("Location")
	if !strings.HasPrefix(at, "/desk/contacts/") {
		b.t.Fatalf("no contact was opened: %s\n%s", r.Status, text(b.follow(r).page))
	}
	return at
}

// prove gives one proof in a contact, and shows the page that says what came of it.
func (b *browser) prove(contact string, form ...string) reply {
	b.t.Helper()
	return b.submit(contact+"/proofs", form...)
}

// ask asks in a contact for what the form has, changed as said, and shows the answer.
func (b *browser) ask(contact string, change ...string) reply {
	b.t.Helper()
	return b.follow(b.post(contact+"/requests", b.askForm(contact, change...)...))
}

// askForm is the form for asking as the page has it, changed as said.
func (b *browser) askForm(contact string, change ...string) []string {
	b.t.Helper()
	page := b.get(contact)
	form := map[string]string{"token": page.value("token"), "key": lastValue(page.page, "key"), "data": "call-detail", "from": "202602", "through": "", "line": "", "via": "voice",
		"to": "customer", "purpose": "customer-request", "basis": "", "id": ""}
	var extra []string
	for i := 0; i < len(change); i += 2 {
		if change[i] == "also" {
			extra = append(extra, "data", change[i+1])
			continue
		}
		form[change[i]] = change[i+1]
	}
	for name, value := range form {
		extra = append(extra, name, value)
	}
	return extra
}

// value gives the value of the first field of the page with this name.
func (r reply) value(name string) string {
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(r.page)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// lastValue gives the value of the last field of the page with this name: of the form that asks, not of one that asks
// again another way.
func lastValue(page, name string) string {
	all := regexp.MustCompile(`name="`+name+`" value="([^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	blanks = regexp.MustCompile(`\s+`)
)

// text is what a page says.
func text(page string) string {
	return strings.TrimSpace(blanks.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(page, " ")), " "))
}

// says fails unless the page says all of it.
func (r reply) says(t testing.TB, all ...string) {
	t.Helper()
	page := text(r.page)
	for _, s := range all {
		if !strings.Contains(page, s) {
			t.Errorf("%s: the page does not say %q; it says:\n%s", r.Request.URL.Path, s, page)
		}
	}
}

// lacks fails when the page, its source included, has one of these.
func (r reply) lacks(t testing.TB, all ...string) {
	t.Helper()
	for _, s := range all {
		if strings.Contains(r.page, s) {
			t.Errorf("%s: the page has %q", r.Request.URL.Path, s)
		}
	}
}

// is fails unless the answer has this status.
func (r reply) is(t testing.TB, status int) reply {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("%s %s: %s, want %d\n%s", r.Request.Method, r.Request.URL.Path, r.Status, status, text(r.page))
	}
	return r
}

// code is the verification code that is on its way to a customer.
func (w *world) code(of cpni.ID) string {
	w.t.Helper()
	all, err := w.Outbox.Messages(context.Background(), of)
	must(w.t, err)
	for i := len(all) - 1; i >= 0; i-- {
		if c := all[i].Tokens["code"]; c != "" && all[i].State == "queued" {
			return c
		}
	}
	w.t.Fatal("no code is on its way")
	return ""
}

// idOf gives the id at the end of an address.
func idOf(address string) cpni.ID { return cpni.ID(address[strings.LastIndex(address, "/")+1:]) }

// httptestTLS serves a world's console by HTTPS.
func httptestTLS(w *world) *httptest.Server {
	s := httptest.NewTLSServer(w.console.Handler())
	w.t.Cleanup(s.Close)
	return s
}

// empty sends everybody home for good: the database is as before anybody worked here.
func (w *world) empty(t testing.TB) {
	t.Helper()
	must(t, w.DB.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "DELETE FROM staff")
		return err
	}))
}

// tellsNumber looks for one of the telephone numbers of these tests. Three digits alone stand in many an id.
func tellsNumber(text string) bool {
	return slices.ContainsFunc([]string{"55501", "555 01", "555-01", "555%2001", "555+01"}, func(n string) bool { return strings.Contains(text, n) })
}
