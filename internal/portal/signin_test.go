package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

const signIn = "/account/sign-in"

// lastCode is the code that was sent last to a customer.
func (s *site) lastCode(of *customer.Profile) string {
	s.t.Helper()
	all, err := s.Outbox.Messages(s.t.Context(), of.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range slices.Backward(all) {
		if m.Kind == notify.VerificationCode {
			return m.Tokens["code"]
		}
	}
	s.t.Fatal("no code was sent")
	return ""
}

// told counts the notices of change that were planned for a customer.
func (s *site) told(of *customer.Profile, what string) int {
	s.t.Helper()
	all, err := s.Outbox.Messages(s.t.Context(), of.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, m := range all {
		if m.Kind == notify.AccountChange && m.Tokens["what"] == what {
			n++
		}
	}
	return n
}

// signIn signs a customer in with the browser: by the account and the password, and a code to their line.
func (s *site) signIn(of *customer.Profile, password string) {
	s.t.Helper()
	if status, page := s.post(signIn, "who", of.Account, "password", password); status != http.StatusOK || !strings.Contains(page, "Send") && !strings.Contains(page, "code") {
		s.t.Fatalf("%d: %s", status, page)
	}
	_, page := s.get(signIn + "/code")
	if to := placeButton.FindStringSubmatch(page); to != nil {
		s.post(signIn+"/code", "to", to[1])
	}
	if status, page := s.post(signIn+"/code", "code", s.lastCode(of)); status != http.StatusOK || !strings.Contains(page, `action="/account/sign-out"`) {
		s.t.Fatalf("not signed in: %d: %s", status, page)
	}
}

// placeButton is the first place to which a code can be sent.
var placeButton = regexp.MustCompile(`name="to" value="([^"]+)"`)

// in reports whether the browser is signed in.
func (s *site) in() bool {
	s.t.Helper()
	_, page := s.get("/account/")
	return strings.Contains(page, `action="/account/sign-out"`)
}

// A customer signs in by the password and a code, is asked again after a while, and after signing out; the first time they are
// told that their account is online.
//
// cite: P-16, P-20, P-23, P-42, I-16, 47 CFR 64.2010(c), 47 CFR 64.2010(f)(1)
func TestSignIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		if status, page := s.get("/account/security?x=1"); status != http.StatusOK || !strings.Contains(page, `name="password"`) || !strings.Contains(page, `value="/account/security"`) {
			t.Errorf("who is not signed in is not sent to the sign-in and back: %d %s", status, page)
		}
		if status, page := s.post(signIn, "who", ann.Account, "password", "red fox 7 7"); status != http.StatusForbidden || strings.Contains(page, ann.Name) {
			t.Errorf("a wrong password: %d %s", status, page)
		}
		for _, who := range []string{ann.Account, ann.Lines[0].Number, ann.Lines[0].Number[2:], ann.Email[0].Value, strings.ToUpper(ann.Email[0].Value)} {
			s.another()
			if status, page := s.post(signIn, "who", who, "password", "Blue-Heron 42"); status != http.StatusOK || strings.Contains(page, ann.Lines[0].Number) || strings.Contains(page, ann.Email[0].Value) || !strings.Contains(page, "+1202") {
				t.Errorf("by %s: %d %s", who, status, page)
			}
			if s.in() {
				t.Error("the password alone opens the account")
			}
		}
		s.another()
		s.signIn(ann, "blue heron 42")
		if n := s.told(ann, customer.WhatOnline); n == 0 {
			t.Error("nobody is told that the account is online (47 CFR 64.2010(f)(1))")
		}
		n := s.told(ann, customer.WhatOnline)
		mine := s.browser
		s.another()
		if s.in() {
			t.Error("another browser is signed in")
		}
		s.signIn(ann, "blue heron 42")
		if s.told(ann, customer.WhatOnline) != n {
			t.Error("they are told at every visit")
		}
		s.browser = mine
		for range 4 {
			s.Time.Add(10 * time.Minute)
			if !s.in() {
				t.Fatal("a visit that goes on has ended")
			}
		}
		s.Time.Add(15 * time.Minute)
		if s.in() {
			t.Error("a session that nobody used for a quarter of an hour goes on")
		}
		s.signIn(ann, "blue heron 42")
		began := s.Clock.Now()
		for s.in() {
			s.Time.Add(10 * time.Minute)
			if s.Clock.Now().Sub(began) > 3*time.Hour {
				t.Fatal("a session outlives its contact (P-42)")
			}
		}
		s.signIn(ann, "blue heron 42")
		if _, page := s.post("/account/sign-out"); !strings.Contains(page, "You are signed out") || s.in() {
			t.Errorf("after signing out: %s", page)
		}
	})
}

// cite: P-16, P-19, P-20, P-22, P-23, 47 CFR 64.2010(e)
func TestAPasswordIsSetByACodeAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t, func(p *customer.Profile) { p.Credentials.Password = nil })
		for _, known := range []string{"Springfield", "1 Main St", ann.Name, ""} {
			s.another()
			s.post(signIn+"/new", "who", known, "to", "line")
			if status, page := s.post(signIn+"/code", "code", "123456"); status != http.StatusForbidden {
				t.Errorf("by %q: %d %s", known, status, page)
			}
		}
		s.another()
		if status, page := s.post(signIn+"/new", "who", ann.Account, "to", "line", "back", "/account/people"); status != http.StatusOK || strings.Contains(page, "2025") || !strings.Contains(page, `name="code"`) {
			t.Fatalf("%d %s", status, page)
		}
		if _, page := s.get(signIn + "/password"); strings.Contains(page, "new-password") {
			t.Error("a password can be set before the code is shown (47 CFR 64.2010(e))")
		}
		code := s.lastCode(ann)
		if status, page := s.post(signIn+"/code", "code", code); status != http.StatusOK || !strings.Contains(page, "new-password") {
			t.Fatalf("%d %s", status, page)
		}
		if s.in() {
			t.Error("a code alone opens the account (47 CFR 64.2010(c))")
		}
		for _, weak := range []string{"", "12345678", ann.Account + ann.Account} {
			if status, page := s.post(signIn+"/password", "password", weak); status != http.StatusForbidden || !strings.Contains(page, "not taken") {
				t.Errorf("%q: %d %s", weak, status, page)
			}
		}
		if status, page := s.post(signIn+"/password", "password", "quiet harbour at dusk 9"); status != http.StatusOK || !strings.Contains(page, "Your password is set") {
			t.Errorf("%d %s", status, page)
		}
		if !s.in() || s.told(ann, customer.WhatPassword) == 0 {
			t.Error("not signed in, or nobody is told of the new password (P-23)")
		}
		s.another()
		s.signIn(ann, "quiet harbour at dusk 9")
	})
}

// A letter's code is taken days later, with the number of the letter.
//
// cite: P-21, I-17, 47 CFR 64.2010(e)
func TestAPasswordIsSetByALetter(t *testing.T) {
	s := visit(t, storetest.Open(t, "memory:"))
	ann := s.Customer(t)
	s.post(signIn+"/new", "who", ann.Account, "to", "postal")
	code := s.lastCode(ann)
	all, err := s.Outbox.Messages(t.Context(), ann.ID)
	if err != nil {
		t.Fatal(err)
	}
	letter := s.Outbox.Number(all[len(all)-1].ID)
	s.Time.Add(4 * 24 * time.Hour)
	s.another()
	if status, page := s.post(signIn+"/new", "who", ann.Account, "letter", letter, "code", "00000000"); status != http.StatusForbidden || strings.Contains(page, "new-password") {
		t.Errorf("%d %s", status, page)
	}
	if status, page := s.post(signIn+"/new", "who", ann.Account, "letter", letter, "code", code); status != http.StatusOK || !strings.Contains(page, "new-password") {
		t.Fatalf("%d %s", status, page)
	}
	if _, page := s.post(signIn+"/password", "password", "quiet harbour at dusk 9"); !strings.Contains(page, `action="/account/sign-out"`) {
		t.Error(page)
	}
}

// Whatever is wrong about an account, and whether there is one, the answers are the same, byte by byte.
//
// cite: P-16, P-17, I-18, I-23, 47 CFR 64.2010(a)
func TestAnUnknownAccountLooksLikeAnyOther(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		none := s.Customer(t, func(p *customer.Profile) { p.Credentials.Password = nil })
		nowhere := s.Customer(t, func(p *customer.Profile) { p.Lines, p.Postal, p.Email = nil, nil, nil })
		careful := s.Customer(t, func(p *customer.Profile) {
			p.Safety = &customer.Safety{Since: p.Since, Shared: []string{customer.Shared.Lines, customer.Shared.Email, customer.Shared.Postal}}
		})
		locked := s.Customer(t)
		for i := range 40 {
			s.another()
			s.from = fmt.Sprintf("198.51.100.%d", i)
			s.post(signIn, "who", locked.Account, "password", "wrong wrong wrong")
			s.Time.Add(25 * time.Hour)
		}
		former := s.Customer(t)
		if _, err := s.Customers.Update(t.Context(), former.ID, func(p *customer.Profile) (customer.Change, error) {
			p.Ended = s.Clock.Now()
			return customer.Change{Actor: "test", What: "service ends"}, nil
		}); err != nil {
			t.Fatal(err)
		}
		steps := func(who string) []string {
			s.another()
			var all []string
			say := func(status int, page string) {
				all = append(all, http.StatusText(status)+strings.ReplaceAll(page, who, "…"))
			}
			say(s.post(signIn, "who", who, "password", "red fox 7 7"))
			say(s.post(signIn, "who", who, "password", ""))
			say(s.post(signIn, "who", who, "password", strings.Repeat("x", 300)))
			for _, to := range []string{"line", "email", "postal", "+12025550199"} {
				say(s.post(signIn+"/new", "who", who, "to", to))
				say(s.post(signIn+"/code", "code", "000000"))
				for range 4 {
					say(s.post(signIn+"/code", "code", "000001"))
				}
				say(s.post(signIn+"/code", "to", "email"))
				say(s.get(signIn + "/code"))
				say(s.get(signIn + "/password"))
			}
			say(s.post(signIn+"/new", "who", who, "letter", "1234567890", "code", "12345678"))
			say(s.get("/account/"))
			return all
		}
		s.from = "203.0.113.1"
		want := steps("A-unknown")
		for i, c := range []*customer.Profile{ann, none, nowhere, careful, locked, former} {
			s.from = fmt.Sprintf("203.0.113.%d", 10+i)
			got := steps(c.Account)
			for j := range want {
				if got[j] != want[j] {
					t.Errorf("customer %d, step %d differs:\n%s\n\n%s", i+1, j+1, got[j], want[j])
					break
				}
			}
		}
	})
}

// Who has codes sent to a customer again and again wakes nobody, and does not keep the customer out.
//
// cite: I-18, 47 CFR 64.2010(a)
func TestCodesThatNobodyAskedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		codes := func() (n int) {
			all, err := s.Outbox.Messages(t.Context(), ann.ID)
			must(t, err)
			for _, m := range all {
				if m.Kind == notify.VerificationCode {
					n++
				}
			}
			return n
		}
		for i := range 120 { // two hours
			s.another()
			s.from = fmt.Sprintf("192.0.2.%d", i)
			s.post(signIn+"/new", "who", ann.Account, "to", "line")
			s.Time.Add(time.Minute)
		}
		if n := codes(); n < 3 || n > 10 {
			t.Errorf("%d codes in two hours", n)
		}
		s.another()
		s.Time.Add(5 * time.Minute) // the pause of any code
		s.signIn(ann, "blue heron 42")
		if !s.in() {
			t.Error("the customer does not get in")
		}
	})
}

// A stuffer with many leaked pairs from many places gets no session, and learns nothing of which accounts there are; those who
// come from one place are slowed before anything is looked up, and the customer still gets in.
//
// cite: P-16, P-19, I-18, 47 CFR 64.2010(a), 47 CFR 64.2010(c)
func TestCredentialStuffing(t *testing.T) {
	pairs := 2000
	if testing.Short() {
		pairs = 200
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		var people []*customer.Profile
		for range 20 {
			people = append(people, s.Customer(t))
		}
		answers := map[string]map[string]int{}
		for i := range pairs {
			who, kind := fmt.Sprintf("leaked%d@example.org", i), "unknown"
			password := fmt.Sprintf("leaked password %d", i)
			if i%4 == 0 {
				p := people[i/4%len(people)]
				who, kind = p.Email[0].Value, "known"
			}
			s.another()
			s.from = fmt.Sprintf("192.0.%d.%d", i/250, i%250)
			status, page := s.post(signIn, "who", who, "password", password)
			if answers[kind] == nil {
				answers[kind] = map[string]int{}
			}
			answers[kind][fmt.Sprint(status)+strings.ReplaceAll(page, who, "…")]++
			at, _ := url.Parse(s.server.URL + "/account/")
			for _, c := range s.browser.Jar.Cookies(at) {
				if c.Name != "account-language" {
					t.Fatalf("a wrong pair leaves the cookie %s", c.Name)
				}
			}
			s.Time.Add(time.Second)
		}
		if len(answers["known"]) != 1 || len(answers["unknown"]) != 1 {
			t.Fatalf("%d answers for known accounts, %d for unknown", len(answers["known"]), len(answers["unknown"]))
		}
		for a := range answers["known"] {
			if answers["unknown"][a] == 0 {
				t.Error("known and unknown accounts are answered differently")
			}
		}
		var sessions int
		if err := s.DB.Reader().QueryRow(t.Context(), "SELECT count(*) FROM portal_session").Scan(&sessions); err != nil || sessions != 0 {
			t.Errorf("%d sessions, %v", sessions, err)
		}
		// One place alone is slowed, for known and unknown alike.
		s.from = "198.51.100.77"
		slowed := 0
		for i := range 60 {
			s.another()
			if status, _ := s.post(signIn, "who", fmt.Sprintf("leaked%d@example.net", i), "password", "leaked"); status == http.StatusTooManyRequests {
				slowed++
			}
		}
		if slowed < 30 {
			t.Errorf("only %d of 60 tries from one place were slowed (I-18)", slowed)
		}
		for _, p := range []*customer.Profile{people[0], people[7]} {
			s.another()
			s.from = "203.0.113.5"
			s.Time.Add(20 * time.Minute) // the longest that a wrong password closes the method
			s.post(signIn+"/new", "who", p.Account, "to", "line")
			s.post(signIn+"/code", "code", s.lastCode(p))
			s.post(signIn+"/password", "password", "a quiet harbour at dusk")
			if !s.in() {
				t.Error("the customer does not get in any more")
			}
		}
		rows, err := s.Ledger.Records(t.Context(), people[0].ID, ledger.Filter{Kind: ledger.Attempt, Limit: 100})
		if err != nil || len(rows) < pairs/4/20 {
			t.Errorf("%d attempts are on record, %v", len(rows), err)
		}
		rows, err = s.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Attempt, Limit: 100})
		if err != nil || len(rows) < 100 {
			t.Errorf("%d attempts at no account are on record, %v", len(rows), err)
		}
		_ = cpni.ByPassword
	})
}
