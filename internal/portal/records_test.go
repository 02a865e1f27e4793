package portal_test

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/portal"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// site is a portal with a browser.
type site struct {
	*officetest.Office
	t       testing.TB
	server  *httptest.Server
	browser *http.Client
	at      string // the server by its name
	from    string // where the browser is; "": nobody says
}

func visit(t testing.TB, db *store.DB, change ...func(*portal.Options)) *site {
	t.Helper()
	o := officetest.Open(t, db)
	s := &site{Office: o, t: t}
	s.server = httptest.NewUnstartedServer(nil)
	_, port, _ := net.SplitHostPort(s.server.Listener.Addr().String())
	s.at = "http://localhost:" + port // browsers keep passkeys for names alone
	options := portal.Options{Carrier: office.Carrier{Name: "Lucid Telephone", Phone: "+18005550147", Address: s.at}, Pace: -1, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Report: func(err error) { t.Errorf("a page failed: %v", err) },
		PDF: func(language string, enclosed ...notify.Enclosure) ([]byte, int, error) {
			return []byte("%PDF- " + language + string(enclosed[0].Bytes)), 1, nil
		}}
	for _, c := range change {
		c(&options)
	}
	s.server.Config.Handler = portal.New(o.Office, options).Handler()
	s.server.Start()
	t.Cleanup(s.server.Close)
	s.another()
	return s
}

// another has somebody else come, with a browser of their own.
func (s *site) another() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.browser = &http.Client{Jar: jar, Transport: placed{s}}
}

// placed says where the browser is, as the proxy before the portal would.
type placed struct{ s *site }

func (p placed) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.s.from != "" {
		r.Header.Set("X-Forwarded-For", p.s.from)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (s *site) read(r *http.Response, err error) (int, string) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func (s *site) get(path string) (int, string) {
	s.t.Helper()
	return s.read(s.browser.Get(s.server.URL + path))
}

func (s *site) post(path string, fields ...string) (int, string) {
	s.t.Helper()
	s.Time.Add(time.Millisecond)
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return s.read(s.browser.PostForm(s.server.URL+path, form))
}

// sent has an agent send a customer's calls to their e-mail of record, and gives the path of the link.
func (s *site) sent(of *customer.Profile) string {
	s.t.Helper()
	agent := s.Member(s.t, cpni.RoleAgent)
	r := officetest.AskCalls(agent, s.Verified(s.t, agent, of.ID))
	r.Via, r.Months = cpni.Email, []int{202611}
	a, err := s.Door.Disclose(s.t.Context(), r)
	if err != nil || !a.Decision.Permit() {
		s.t.Fatalf("%+v, %v", a, err)
	}
	all, err := s.Outbox.Messages(s.t.Context(), of.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range all {
		if m.Kind == notify.Records {
			return office.RecordsLink + s.Outbox.Token(m.ID)
		}
	}
	s.t.Fatal("no message tells of the records")
	return ""
}

func (s *site) permits(of cpni.ID) int {
	s.t.Helper()
	all, err := s.Ledger.Records(s.t.Context(), of, ledger.Filter{Kind: ledger.Decision, Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, r := range all {
		if r.Outcome == cpni.Permit {
			n++
		}
	}
	return n
}

var tokens = regexp.MustCompile(`/r/[a-z0-9]{16}`)

// plain leaves out of a page what is of its address.
func plain(page string) string { return tokens.ReplaceAllString(page, "/r/…") }

// cite: P-16, P-21, P-41, I-01, 47 CFR 64.2010(c)
func TestRecordsAreOpenedByThePassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		at := s.sent(ann)
		before := s.permits(ann.ID)
		if status, page := s.get(at); status != http.StatusOK || strings.Contains(page, ann.Name) || strings.Contains(page, "7035550") || !strings.Contains(page, "password") {
			t.Errorf("before the password: %d %s", status, page)
		}
		if status, page := s.get(at + "/1.csv"); status != http.StatusOK || strings.Contains(page, "7035550") || !strings.Contains(page, `name="password"`) {
			t.Errorf("the file before the password: %d %s", status, page)
		}
		if status, page := s.post(at, "do", "password", "password", "red fox 7 7"); status != http.StatusForbidden || strings.Contains(page, "7035550") {
			t.Errorf("a wrong password: %d", status)
		}
		if n := s.permits(ann.ID); n != before {
			t.Errorf("%d openings on record before anything was opened", n-before)
		}
		status, page := s.post(at, "do", "password", "password", officetest.Password)
		if status != http.StatusOK || !strings.Contains(page, "+17035550124") {
			t.Fatalf("the right password: %d %s", status, page)
		}
		if strings.Contains(page, "+17035550123") {
			t.Error("a call of October is shown, and November was decided (P-21)")
		}
		if n := s.permits(ann.ID); n != before+1 {
			t.Errorf("%d openings on record, want 1 (P-41)", n-before)
		}
		if status, file := s.get(at + "/1.csv"); status != http.StatusOK || !strings.Contains(file, "+17035550124") || !strings.HasPrefix(file, "Day,Time") {
			t.Errorf("the file: %d %s", status, file)
		}
		if status, file := s.get(at + "/records.pdf?language=es"); status != http.StatusOK || !strings.HasPrefix(file, "%PDF- es") {
			t.Errorf("the document: %d %s", status, file)
		}
		if n := s.permits(ann.ID); n != before+3 {
			t.Errorf("%d openings on record, want 3 (P-41)", n-before)
		}
		if status, _ := s.get(at + "/9.csv"); status != http.StatusNotFound {
			t.Errorf("a file that is none: %d", status)
		}
		if _, page := s.get(at + "?language=es"); !strings.Contains(page, "Aquí está lo que pidió") || !strings.Contains(page, "Llamadas de") {
			t.Errorf("in Spanish: %s", page)
		}

		mine := s.browser
		s.another() // who has the link alone
		if _, page := s.get(at); strings.Contains(page, "7035550") {
			t.Error("another browser sees what was opened (P-16)")
		}
		s.browser = mine
		if _, page := s.post(at, "do", "leave"); strings.Contains(page, "7035550") {
			t.Error("after leaving the page is open still")
		}
		if _, page := s.get(at); strings.Contains(page, "7035550") {
			t.Error("after leaving the page opens without a password")
		}
		s.post(at, "do", "password", "password", officetest.Password)
		s.Time.Add(15 * time.Minute)
		if _, page := s.get(at); strings.Contains(page, "7035550") {
			t.Error("a page that nobody touched for a quarter of an hour is open still")
		}
		s.Time.Add(14 * 24 * time.Hour)
		if status, page := s.post(at, "do", "password", "password", officetest.Password); status != http.StatusForbidden || strings.Contains(page, "7035550") {
			t.Errorf("a link that is too old opens: %d", status)
		}
	})
}

// Who has no token, or one that leads nowhere, sees and hears the same as who has one.
//
// cite: P-16, I-23, 47 CFR 64.2010(a)
func TestAnUnknownLinkLooksLikeAnyOther(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		known, unknown := s.sent(ann), office.RecordsLink+"abcdefghjkmnpqrs"
		steps := func(at string) []string {
			s.another()
			var all []string
			say := func(status int, page string) { all = append(all, http.StatusText(status)+plain(page)) }
			say(s.get(at))
			say(s.post(at, "do", "password", "password", "red fox 7 7"))
			say(s.post(at, "do", "no-password"))
			say(s.post(at, "do", "code", "code", "000000"))
			say(s.post(at, "do", "new", "password", "a new password of mine"))
			say(s.get(at))
			say(s.get(at + "/1.csv"))
			say(s.get(at + "/records.pdf"))
			say(s.post(at, "do", "leave"))
			return all
		}
		there, none := steps(known), steps(unknown)
		for i := range there {
			if there[i] != none[i] {
				t.Errorf("step %d differs:\n%s\n\n%s", i+1, there[i], none[i])
			}
		}
	})
}

// cite: P-20, P-22, P-23, 47 CFR 64.2010(c), 47 CFR 64.2010(e)
func TestWhoHasNoPasswordSetsOneByACodeToTheirLine(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		at := s.sent(ann)
		if _, err := s.Customers.Update(t.Context(), ann.ID, func(p *customer.Profile) (customer.Change, error) {
			p.Credentials.Password = nil
			return customer.Change{Actor: "test", What: "password gone"}, nil
		}); err != nil {
			t.Fatal(err)
		}
		if _, page := s.post(at, "do", "no-password"); !strings.Contains(page, `name="code"`) || strings.Contains(page, ann.Lines[0].Number[8:]) {
			t.Fatalf("no code is asked for, or the number is told: %s", page)
		}
		all, err := s.Outbox.Messages(t.Context(), ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		all = slices.DeleteFunc(all, func(m notify.Message) bool { return m.Kind != notify.VerificationCode })
		if len(all) != 1 || all[0].To != ann.Lines[0].Number {
			t.Fatalf("%d codes were sent", len(all))
		}
		m := all[0]
		if _, page := s.post(at, "do", "code", "code", m.Tokens["code"]); strings.Contains(page, "7035550") || !strings.Contains(page, `autocomplete="new-password"`) {
			t.Fatalf("a code alone opens the records, or no password is asked for (47 CFR 64.2010(c)): %s", page)
		}
		if status, _ := s.post(at, "do", "new", "password", "12345678"); status != http.StatusForbidden {
			t.Errorf("a weak password is taken: %d (P-19)", status)
		}
		if _, page := s.post(at, "do", "new", "password", "quiet harbour at dusk 9"); !strings.Contains(page, "+17035550124") {
			t.Errorf("the new password opens nothing: %s", page)
		}
		after, err := s.Outbox.Messages(t.Context(), ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, m := range after {
			if m.Kind == notify.AccountChange {
				told++
			}
		}
		if told == 0 {
			t.Error("nobody is told of the new password (P-23)")
		}
	})
}

// What a letter encloses is what was decided, and nothing goes along with an e-mail.
//
// cite: P-21, P-41, I-01, 47 CFR 64.2010(b)(1)(ii)
func TestALetterEnclosesWhatWasDecided(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		for _, via := range []cpni.Via{cpni.Postal, cpni.Email} {
			agent := s.Member(t, cpni.RoleAgent)
			a, err := s.Door.Disclose(t.Context(), disclose.Request{Caller: disclose.Caller{Staff: agent}, Contact: s.Verified(t, agent, ann.ID), Data: []cpni.DataClass{cpni.CallDetail}, Months: []int{202611}, Via: via})
			if err != nil || !a.Decision.Permit() {
				t.Fatalf("%+v, %v", a, err)
			}
			enclosed, err := s.Door.Enclose(t.Context(), ann.ID, notify.Message{Kind: notify.Records, Via: via, Tokens: map[string]string{"entry": string(a.Entry)}})
			if err != nil {
				t.Fatal(err)
			}
			if via == cpni.Email {
				if len(enclosed) != 0 {
					t.Error("an e-mail encloses what others can read (47 CFR 64.2010(c))")
				}
				continue
			}
			text := ""
			for _, e := range enclosed {
				text += e.Name + "\n" + string(e.Bytes)
			}
			if !strings.Contains(text, "+17035550124") || strings.Contains(text, "+17035550123") || len(enclosed) != 1 || enclosed[0].Type != "text/csv" {
				t.Errorf("%d enclosures: %s", len(enclosed), text)
			}
		}
		agent := s.Member(t, cpni.RoleAgent)
		a, err := s.Door.Disclose(t.Context(), officetest.AskCalls(agent, s.Contact(t, agent, ann.ID)))
		if err != nil || a.Decision.Permit() {
			t.Fatalf("%+v, %v", a, err)
		}
		if _, err := s.Door.Enclose(t.Context(), ann.ID, notify.Message{Kind: notify.Records, Via: cpni.Postal, Tokens: map[string]string{"entry": string(a.Entry)}}); err == nil {
			t.Error("a refusal is enclosed (I-01)")
		}
	})
}
