package portal_test

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

type storeDB = store.DB

// disputed is what somebody says who has got the notice of a change.
func disputed(of, change cpni.ID) contact.Dispute {
	return contact.Dispute{Customer: of, Change: change, How: contact.ByLink}
}

// settled has somebody find that a change was not the customer's.
func settled(s *site, of, change cpni.ID) error {
	_, err := s.Contacts.Settle(s.t.Context(), contact.Settlement{Customer: of, Change: change, By: "vera", Outcome: customer.Undone})
	return err
}

func (s *site) profile(of *customer.Profile) *customer.Profile {
	s.t.Helper()
	p, _, err := s.Customers.Get(s.t.Context(), of.ID)
	must(s.t, err)
	return p
}

// word is the browser's word for its session; "": it has none.
func (s *site) word() string {
	s.t.Helper()
	at, err := url.Parse(s.server.URL + "/account/")
	must(s.t, err)
	for _, c := range s.browser.Jar.Cookies(at) {
		if c.Name == "account" {
			return c.Value
		}
	}
	return ""
}

// bears has the browser bear a word.
func (s *site) bears(word string) {
	s.t.Helper()
	at, err := url.Parse(s.server.URL + "/account/")
	must(s.t, err)
	s.browser.Jar.SetCookies(at, []*http.Cookie{{Name: "account", Value: word, Path: "/"}})
}

// A word that somebody planted becomes no session, each sign-in has a fresh one, the database has only its hash, and after
// signing out, anywhere, it is worth nothing.
//
// cite: P-16, P-42, I-16, 47 CFR 64.2010(c)
func TestSessionsAreTheBrowsersOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann, bo := s.Customer(t), s.Customer(t)
		planted := "rfa_" + strings.Repeat("A", 43)
		s.bears(planted)
		s.signIn(ann, officetest.Password)
		first := s.word()
		if first == planted || first == "" {
			t.Fatal("the session goes by a word that somebody planted")
		}
		mine := s.browser
		s.another()
		s.bears(planted)
		if s.in() {
			t.Error("who planted the word is in")
		}
		s.signIn(ann, officetest.Password)
		if s.word() == first {
			t.Error("two sign-ins have one word")
		}
		s.signIn(bo, officetest.Password) // in the same browser
		if _, page := s.get("/account/"); !strings.Contains(page, bo.Name) {
			t.Error("the second customer sees the first one's pages")
		}
		var hashes []string
		rows, err := s.DB.Reader().Query(t.Context(), "SELECT hash, sealed FROM portal_session")
		must(t, err)
		for rows.Next() {
			var hash, sealed []byte
			must(t, rows.Scan(&hash, &sealed))
			hashes = append(hashes, string(hash)+string(sealed))
		}
		must(t, rows.Close())
		for _, h := range hashes {
			if strings.Contains(h, first) || strings.Contains(h, "Go-http") {
				t.Error("the database has a session's word, or the name of a browser in the clear")
			}
		}

		// Out everywhere.
		s.browser = mine
		if !s.in() {
			t.Fatal("the first browser is out")
		}
		s.another()
		s.signIn(ann, officetest.Password)
		if _, page := s.get("/account/security"); strings.Count(page, `name="session"`) != 3 {
			t.Errorf("the sessions are not listed: %s", page)
		}
		s.post("/account/security/sessions", "session", "others")
		if !s.in() {
			t.Error("the browser that asks is out")
		}
		s.browser = mine
		if s.in() {
			t.Error("the other browser is in still")
		}
		s.signIn(ann, officetest.Password)
		old := s.word()
		if _, page := s.post("/account/security/sessions", "session", "all"); !strings.Contains(page, "You are signed out") {
			t.Error(page)
		}
		s.bears(old)
		if s.in() {
			t.Error("a word that was signed out opens the account")
		}
	})
}

// Whoever knows the names of another customer's things gets nowhere with them.
//
// cite: P-16, I-16, 47 CFR 64.2010(c)
func TestNobodyWalksToAnotherAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t, func(p *customer.Profile) {
			p.Authorised = []customer.Authorised{{Name: "Cy Archer", Data: []cpni.DataClass{cpni.Billing}}}
			p.ContactNumbers = []string{"+17035550188"}
		})
		bo := s.Customer(t)
		s.signIn(ann, officetest.Password)
		change := s.profile(ann).Changes[0].ID
		_, page := s.get("/account/security")
		session := regexp.MustCompile(`name="session" value="([0-9a-f]{64})"`).FindStringSubmatch(page)
		if session != nil {
			t.Fatal("the browser's own session has a button to itself")
		}
		var hash []byte
		must(t, s.DB.Reader().QueryRow(t.Context(), "SELECT hash FROM portal_session WHERE customer_id = $1 AND ended = 0", string(ann.ID)).Scan(&hash))
		mine := s.browser
		s.another()
		s.signIn(bo, officetest.Password)
		s.post("/account/not-mine", "change", string(change))
		s.post("/account/security/sessions", "session", hex.EncodeToString(hash))
		s.post("/account/people/person/remove", "name", "Cy Archer")
		s.post("/account/people/number", "gone", "+17035550188")
		for _, field := range []string{"customer", "contact", "id"} {
			s.post("/account/people/postal", "postal", "9 Elm St, Fairfax, VA 22030", field, string(ann.ID))
		}
		for _, path := range []string{"/account/?customer=", "/account/plans?customer=", "/account/people?id="} {
			if _, page := s.get(path + string(ann.ID)); strings.Contains(page, ann.Name+"<") || strings.Contains(page, ann.Lines[0].Number) {
				t.Errorf("%s shows another's account", path)
			}
		}
		p := s.profile(ann)
		if len(p.Authorised) != 1 || len(p.ContactNumbers) != 1 || len(p.Postal) != 1 || p.Changes[0].Open() {
			t.Errorf("another customer has changed the account: %+v", p)
		}
		if n := len(s.profile(bo).Postal); n != 2 {
			t.Errorf("their own address was not changed: %d", n)
		}
		s.browser = mine
		if !s.in() {
			t.Error("another customer has ended the session")
		}
	})
}

// After signing in nobody is sent anywhere but to a page of ours.
func TestNobodyIsSentToAnotherSite(t *testing.T) {
	s := visit(t, storetest.Open(t, "memory:"))
	ann := s.Customer(t)
	for _, back := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "/account/../../evil", "/account//evil.example", "/account/%2e%2e/evil", "/desk", "/accounts", "javascript:alert(1)",
		"/account/sign-in", "/account/sign-in/new", "/account/assets/portal.css", "/account/x\r\nSet-Cookie: a=b", "/account/" + strings.Repeat("x", 300), "/account/people?x=https://evil.example"} {
		s.another()
		_, page := s.get(signIn + "?back=" + url.QueryEscape(back))
		if strings.Contains(page, `name="back"`) {
			t.Errorf("%q is taken as a page of ours", back)
		}
		s.post(signIn, "who", ann.Account, "password", officetest.Password, "back", back)
		_, page = s.get(signIn + "/code")
		s.post(signIn+"/code", "to", placeButton.FindStringSubmatch(page)[1])
		s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		r, err := s.browser.PostForm(s.server.URL+signIn+"/code", url.Values{"code": {s.lastCode(ann)}})
		must(t, err)
		r.Body.Close()
		if to := r.Header.Get("Location"); to != "/account/" {
			t.Errorf("%q: sent to %q", back, to)
		}
		s.Time.Add(6 * time.Minute) // codes have a pause
	}
	s.another()
	s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := s.browser.Get(s.server.URL + "/account/people/person?n=1")
	must(t, err)
	r.Body.Close()
	if to := r.Header.Get("Location"); to != signIn+"?back=%2Faccount%2Fpeople%2Fperson" {
		t.Errorf("sent to %q", to)
	}
}

// No page can be framed, kept or guessed at, nothing but our own style and, on pages for passkeys, our own script is loaded, and
// a form that another site sends does nothing.
func TestPagesAreHardToMisuse(t *testing.T) {
	s := visit(t, storetest.Open(t, "memory:"))
	ann := s.Customer(t)
	check := func(path string) {
		t.Helper()
		r, err := s.browser.Get(s.server.URL + path)
		must(t, err)
		r.Body.Close()
		csp := r.Header.Get("Content-Security-Policy")
		scripts := path == signIn+"/passkey" || path == "/account/security/passkey"
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "form-action 'self'") || !strings.Contains(csp, "base-uri 'none'") ||
			strings.Contains(csp, "unsafe") || strings.Contains(csp, "script-src") != scripts || r.Header.Get("X-Frame-Options") != "DENY" || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, r.Header)
		}
		for _, c := range r.Cookies() {
			if !c.HttpOnly || c.SameSite == http.SameSiteNoneMode || c.SameSite == http.SameSiteDefaultMode {
				t.Errorf("%s sets %s without guard", path, c.Name)
			}
		}
	}
	for _, path := range []string{signIn, signIn + "/new", signIn + "/passkey", "/account/nowhere"} {
		check(path)
	}
	s.signIn(ann, officetest.Password)
	for _, path := range []string{"/account/", "/account/security", "/account/security/password", "/account/security/passkey", "/account/people", "/account/people/email", "/account/plans"} {
		check(path)
	}
	for _, path := range []string{"/account/people/postal", "/account/sign-out", "/account/security/sessions", signIn} {
		r, err := http.NewRequest("POST", s.server.URL+path, strings.NewReader("postal=9+Elm+St&session=all"))
		must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		answer, err := s.browser.Do(r)
		must(t, err)
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s takes another site's form: %d", path, answer.StatusCode)
		}
	}
	if !s.in() || len(s.profile(ann).Postal) != 1 {
		t.Error("another site's form has done something")
	}
	if status, _ := s.post("/account/people/postal", "postal", strings.Repeat("x", 20<<10)); status != http.StatusBadRequest {
		t.Errorf("a giant form: %d", status)
	}
	if _, page := s.get("/account/"); strings.Contains(page, "said-") {
		t.Error("a name of a word is shown")
	}
}

// What proves the customer is changed only by who has shown the password lately; the customer is told at places of before, never
// of the value; and other browsers are out.
//
// cite: P-16, P-19, P-22, P-23, P-25, I-09, 47 CFR 64.2010(e), 47 CFR 64.2010(f)
func TestSecretsAreChanged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		s.signIn(ann, officetest.Password)
		other := s.browser
		s.another()
		s.signIn(ann, officetest.Password)
		s.Time.Add(11 * time.Minute)
		if _, page := s.get("/account/security/password"); !strings.Contains(page, "Is it still you?") {
			t.Errorf("a browser that was left open changes the password: %s", page)
		}
		if status, page := s.post("/account/confirm", "back", "/account/security/password", "password", "wrong wrong"); status != http.StatusForbidden || !strings.Contains(page, "not taken") {
			t.Errorf("%d %s", status, page)
		}
		if _, page := s.get("/account/security/password"); !strings.Contains(page, "Is it still you?") {
			t.Error("a wrong password opens the form")
		}
		if _, page := s.post("/account/confirm", "back", "/account/security/password", "password", officetest.Password); !strings.Contains(page, "by e-mail") || !strings.Contains(page, "never says what you have set") {
			t.Errorf("the form does not say what a change sets off: %s", page)
		}
		for _, c := range []struct{ path, says string }{{"password", "12345678"}, {"pin", "123456"}, {"question", "What is your mother's maiden name?"}} {
			if status, page := s.post("/account/security/"+c.path, c.path, c.says, "answer", "the comets"); status != http.StatusForbidden || strings.Contains(page, `value="12345`) {
				t.Errorf("%s: %d %s", c.path, status, page)
			}
		}
		before := s.word()
		if _, page := s.post("/account/security/password", "password", "quiet harbour at dusk 9"); !strings.Contains(page, "Your password is set") {
			t.Errorf("%s", page)
		}
		if s.word() == before || !s.in() {
			t.Error("the session has not got a new word, or is out")
		}
		s.post("/account/security/pin", "pin", "604913")
		s.post("/account/security/question", "question", "Which song do I hum?", "answer", "the comets")
		p := s.profile(ann)
		if p.Credentials.PIN == nil || len(p.Credentials.Backup) != 1 {
			t.Error("not set")
		}
		for _, what := range []string{customer.WhatPassword, customer.WhatPIN, customer.WhatBackup} {
			if s.told(ann, what) == 0 {
				t.Errorf("nobody is told of the %s (P-23)", what)
			}
		}
		all, err := s.Outbox.Messages(t.Context(), ann.ID)
		must(t, err)
		for _, m := range all {
			if m.Kind == notify.AccountChange && strings.Contains(strings.Join(values(m.Tokens), " "), "harbour") {
				t.Error("a notice has the value (I-09)")
			}
		}
		s.browser = other
		if s.in() {
			t.Error("another browser is in after the password was changed")
		}
		s.another()
		s.signIn(ann, "quiet harbour at dusk 9")

		// A password that was set elsewhere ends what goes on here, and so does one that is disowned.
		in := s.Contact(t, s.Member(t, cpni.RoleAgent), ann.ID)
		_, err = s.Contacts.Authenticate(t.Context(), in, contact.Proof{Password: "quiet harbour at dusk 9"})
		must(t, err)
		s.Time.Add(time.Second)
		_, err = s.Contacts.Enrol(t.Context(), contact.Enrolment{Contact: in, Password: "seven grey kettles"})
		must(t, err)
		if s.in() {
			t.Error("a session goes on by a password of before")
		}
		s.signIn(ann, "seven grey kettles")
		p = s.profile(ann)
		must(t, s.Contacts.Dispute(t.Context(), disputed(ann.ID, p.Changes[len(p.Changes)-1].ID)))
		if s.in() {
			t.Error("a session goes on by a password that is disowned (P-23)")
		}
	})
}

func values(m map[string]string) []string {
	var all []string
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// Addresses, wishes and people: each change is told to the places of before, and shown as it is.
//
// cite: P-16, P-21, P-23, P-24, P-25, I-09, 47 CFR 64.2003(f), 47 CFR 64.2008(d)(3), 47 CFR 64.2010(f)
func TestAddressesAndPeopleAreKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		s.signIn(ann, officetest.Password)
		old := ann.Email[0].Value
		for _, c := range []struct {
			what string
			path string
			form []string
			says string
		}{
			{customer.WhatPostal, "/account/people/postal", []string{"postal", "9 Elm St,  Fairfax, VA 22030"}, "9 Elm St, Fairfax, VA 22030"},
			{customer.WhatEmail, "/account/people/email", []string{"email", "ann.new@example.org"}, "ann.new@example.org"},
			{customer.WhatNotices, "/account/people/email", []string{"notices", "yes"}, "You have agreed to get notices"},
			{customer.WhatNotices, "/account/people/email", []string{"notices", "no"}, "You have not agreed"},
			{customer.WhatContactNumber, "/account/people/number", []string{"number", "(703) 555-0188"}, "+1 703 555 0188"},
			{customer.WhatContactNumber, "/account/people/number", []string{"gone", "+17035550188"}, "The number is removed"},
			{customer.WhatNotices, "/account/people/ways", []string{"by", "postal", "tongue", "en"}, "hear of changes by letter"},
			{customer.WhatAuthorised, "/account/people/person", []string{"name", "Bo  Archer", "see", "billing", "see", "service", "password", "nine calm rivers"}, "bills"},
			{customer.WhatAuthorised, "/account/people/person", []string{"name", "Bo Archer", "see", "usage"}, "use"},
			{customer.WhatAuthorised, "/account/people/person/remove", []string{"name", "Bo Archer"}, "Nobody may speak for you"},
		} {
			before := s.told(ann, c.what)
			s.Time.Add(time.Second)
			status, page := s.send(c.path, c.form)
			if status != http.StatusOK || !strings.Contains(page, c.says) {
				t.Errorf("%s %v: %d %s", c.path, c.form, status, page)
			}
			if s.told(ann, c.what) == before {
				t.Errorf("%s %v: nobody is told (P-23)", c.path, c.form)
			}
		}
		all, err := s.Outbox.Messages(t.Context(), ann.ID)
		must(t, err)
		told := false
		for _, m := range all {
			told = told || m.Kind == notify.AccountChange && m.To == old
			if m.To == "ann.new@example.org" || strings.HasPrefix(m.To, "9 Elm") || slices.ContainsFunc(values(m.Tokens), func(v string) bool { return strings.Contains(v, "ann.new") || strings.Contains(v, "Elm") }) {
				t.Errorf("a message has the new value or goes to it (I-09): %+v", m)
			}
		}
		if !told {
			t.Error("nobody is told at the address of before")
		}
		if status, page := s.send("/account/people/person", []string{"name", "Cy Archer"}); status != http.StatusForbidden || !strings.Contains(page, "Tick at least one") {
			t.Errorf("somebody may speak for the customer about nothing: %d %s", status, page)
		}
		if len(s.profile(ann).Authorised) != 0 {
			t.Error("somebody is authorised who was not")
		}
		s.another()
		if status, _ := s.post(signIn, "who", "ann.new@example.org", "password", officetest.Password); status != http.StatusOK {
			t.Error("the new address does not name the account")
		}
	})
}

// send sends a form in which a name may stand more than once.
func (s *site) send(path string, fields []string) (int, string) {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return s.read(s.browser.PostForm(s.server.URL+path, form))
}

// An authorised person has no account here, whatever secret they have.
//
// cite: P-16, 47 CFR 64.2003(f), 47 CFR 64.2010(c)
func TestWhoSpeaksForACustomerDoesNotSignIn(t *testing.T) {
	s := visit(t, storetest.Open(t, "memory:"))
	secret := s.Secrets.Secret("nine calm rivers")
	ann := s.Customer(t, func(p *customer.Profile) {
		p.Authorised = []customer.Authorised{{Name: "Bo Archer", Data: []cpni.DataClass{cpni.Billing}, Credentials: customer.Credentials{Password: &secret}}}
	})
	_, wrong := s.post(signIn, "who", ann.Account, "password", "no such rivers")
	if status, page := s.post(signIn, "who", ann.Account, "password", "nine calm rivers"); status != http.StatusForbidden || page != wrong {
		t.Errorf("%d %s", status, page)
	}
	s.signIn(ann, officetest.Password)
	s.Time.Add(11 * time.Minute)
	s.get("/account/security/pin")
	s.post("/account/confirm", "password", "nine calm rivers")
	s.post("/account/security/pin", "pin", "604913")
	if s.in() || s.profile(ann).Credentials.PIN != nil {
		t.Error("who shows another person's secret goes on as the customer")
	}
}

// A customer who must fear somebody near them signs in by their own word, gets codes only where they alone read them, and a
// changed word is told to nobody.
//
// cite: P-16, P-25, 47 USC 222(a), 47 USC 345
func TestCareIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		word := s.Secrets.Secret("marmalade kettle 9")
		ann := s.Customer(t, func(p *customer.Profile) {
			p.Safety = &customer.Safety{Since: p.Since, Word: &word, Shared: []string{customer.Shared.Lines, customer.Shared.Postal}, Alone: true}
			p.Online = true
		})
		if status, _ := s.post(signIn, "who", ann.Account, "password", officetest.Password); status != http.StatusForbidden {
			t.Error("the password of before, which others know, is taken")
		}
		s.Time.Add(time.Minute)
		for _, to := range []string{"line", "postal"} {
			s.post(signIn+"/new", "who", ann.Account, "to", to)
		}
		all, err := s.Outbox.Messages(t.Context(), ann.ID)
		must(t, err)
		if len(all) != 0 {
			t.Errorf("a message goes where others read it: %+v", all)
		}
		if status, page := s.post(signIn, "who", ann.Account, "password", "marmalade kettle 9"); status != http.StatusOK || !strings.Contains(page, "by e-mail to a•••@e•••.com") || strings.Contains(page, "+1202") {
			t.Fatalf("%d %s", status, page)
		}
		if status, page := s.post(signIn+"/code", "code", s.lastCode(ann)); status != http.StatusOK || !strings.Contains(page, "Your lines") {
			t.Fatalf("%d %s", status, page)
		}
		if _, page := s.get("/account/security"); strings.Contains(page, "/account/security/pin") || !strings.Contains(page, "a word of your own") {
			t.Errorf("what proves nothing is offered: %s", page)
		}
		s.Time.Add(time.Second)
		if _, page := s.post("/account/security/password", "password", "copper lantern 77 sky"); !strings.Contains(page, "Your word is set") {
			t.Errorf("%s", page)
		}
		if p := s.profile(ann); p.Safety == nil || !p.Safety.Alone || len(p.Safety.Shared) != 2 || s.told(ann, customer.WhatPassword) != 0 {
			t.Errorf("%+v", p.Safety)
		}
		if !s.in() {
			t.Error("the browser that changed it is out")
		}
		s.another()
		if status, _ := s.post(signIn, "who", ann.Account, "password", "copper lantern 77 sky"); status != http.StatusOK {
			t.Error("the new word is not taken")
		}
	})
}

// Which plans a customer has is shown by a decision that is on record.
//
// cite: P-04, P-16, P-41, I-01, 47 CFR 64.2010(c)
func TestPlansAreReleasedByADecision(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		must(t, s.DB.Tx(t.Context(), func(tx *store.Tx) error {
			return s.Vault.PutItem(t.Context(), tx, ann.ID, vault.Item{Class: cpni.Service, Values: map[string]string{"plan": "Sunny Basic"}})
		}))
		s.signIn(ann, officetest.Password)
		if _, page := s.get("/account/"); strings.Contains(page, "Sunny") || s.permits(ann.ID) != 0 {
			t.Error("the overview tells of plans, or asks for what it does not show")
		}
		if status, page := s.get("/account/plans"); status != http.StatusOK || !strings.Contains(page, "Sunny Basic") || s.permits(ann.ID) != 1 {
			t.Errorf("%d, %d decisions: %s", status, s.permits(ann.ID), page)
		}
	})
}

// A customer who did not make a change says so where they see it.
//
// cite: P-16, P-23, 47 CFR 64.2010(f)
func TestAChangeIsDisowned(t *testing.T) {
	s := visit(t, storetest.Open(t, "memory:"))
	ann := s.Customer(t)
	s.signIn(ann, officetest.Password)
	s.post("/account/people/postal", "postal", "9 Elm St, Fairfax, VA 22030")
	p := s.profile(ann)
	id := p.Changes[len(p.Changes)-1].ID
	if _, page := s.get("/account/"); !strings.Contains(page, string(id)) || strings.Contains(page, "Elm") {
		t.Errorf("the change is not shown, or its value is: %s", page)
	}
	if _, page := s.post("/account/not-mine", "change", string(id)); !strings.Contains(page, "The change is frozen") || !strings.Contains(page, "we look into it") {
		t.Errorf("%s", page)
	}
	if p := s.profile(ann); !p.Changes[len(p.Changes)-1].Open() || !p.Postal[len(p.Postal)-1].Frozen {
		t.Error("the change is not frozen")
	}
	if _, page := s.post("/account/not-mine", "change", string(cpni.NewID())); !strings.Contains(page, "was not done") {
		t.Errorf("%s", page)
	}
}
