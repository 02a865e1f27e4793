package console

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"ringfence/internal/ledger"
)

// cite: P-37, 47 CFR 64.2010(a)
func TestSignInAndOut(t *testing.T) {
	for _, secure := range []bool{false, true} {
		w := newWorld(t)
		prefix := ""
		if secure {
			prefix = "__Host-"
			w.serve(Options{Carrier: "Test Carrier", Secure: true})
			w.server.Close()
			w.server = httptestTLS(w)
		}
		b := w.browser(t)
		b.client.Transport = w.server.Client().Transport
		if at := b.get("/").is(t, http.StatusSeeOther).Header.Get("Location"); at != "/sign-in" {
			t.Errorf("who is not signed in is sent to %s", at)
		}
		r := b.signIn("agent", password).is(t, http.StatusSeeOther)
		var session *http.Cookie
		for _, c := range r.Cookies() {
			if c.Name == prefix+"ringfence" {
				session = c
			}
			if !c.HttpOnly || c.Path != "/" || c.SameSite != http.SameSiteLaxMode || c.Secure != secure || c.Domain != "" {
				t.Errorf("secure %v: the cookie is %s", secure, c.Raw)
			}
		}
		if session == nil || !strings.HasPrefix(session.Value, "rfs_") {
			t.Fatalf("secure %v: no session in %v", secure, r.Cookies())
		}
		b.follow(r).is(t, http.StatusOK).says(t, "Who is calling?", "The agent, agent", "Test Carrier")
		out := b.post("/sign-out", "token", b.token()).is(t, http.StatusSeeOther)
		b.follow(out).says(t, "You are signed out.")
		if _, err := w.Staff.Session(t.Context(), session.Value); err == nil {
			t.Errorf("secure %v: the session goes on after signing out", secure)
		}
		if at := b.get("/desk").is(t, http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(at, "/sign-in") {
			t.Errorf("secure %v: after signing out the desk leads to %s", secure, at)
		}
	}
}

// A session that somebody else began is not gone on with by who signs in.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestSignInMakesAFreshSession(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	at, err := url.Parse(w.server.URL)
	must(t, err)
	b.client.Jar.SetCookies(at, []*http.Cookie{{Name: "ringfence", Value: "rfs_" + strings.Repeat("A", 43), Path: "/"}})
	b.signIn("agent", password)
	for _, c := range b.client.Jar.Cookies(at) {
		if c.Name == "ringfence" && strings.Contains(c.Value, "AAAA") {
			t.Error("the session that was brought along goes on")
		}
	}
	b.get("/desk").is(t, http.StatusOK)
}

// cite: P-37
func TestBackToWhatWasWanted(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	want := "/records/" + string(w.ann) + "?kind=attempt"
	at := b.get(want).is(t, http.StatusSeeOther).Header.Get("Location")
	form := b.get(at)
	r := b.post("/sign-in", "token", form.value("token"), "back", form.value("back"), "name", "supervisor", "password", password)
	if got := r.Header.Get("Location"); got != want {
		t.Errorf("after signing in one is at %q, want %q", got, want)
	}
	for _, back := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, `\\evil.example`, "/\t/evil.example", "javascript:alert(1)", "http:evil", " //evil.example",
		"/%5cevil", "desk", "", "/sign-out", "/sign-in?back=/sign-in", "/" + strings.Repeat("a", 400), "/\r\nSet-Cookie: a=b"} {
		b := w.browser(t)
		form := b.get("/sign-in?back=" + url.QueryEscape(back))
		if got := form.value("back"); got != "/" && got != "/%5cevil" {
			t.Errorf("the form leads to %q after %q", got, back)
		}
		to := b.post("/sign-in", "token", form.value("token"), "back", back, "name", "agent", "password", password).is(t, http.StatusSeeOther).Header.Get("Location")
		if to != "/" && to != "/%5cevil" {
			t.Errorf("after %q one is sent to %q", back, to)
		}
	}
}

// Whether there is such a person is told by nothing.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestSignInTellsNothingOfWhoIsThere(t *testing.T) {
	w := newWorld(t)
	secrets := regexp.MustCompile(`value="[^"]*"`)
	var pages []string
	for _, who := range []string{"agent", "nobody-here", "x", "", "<script>alert(1)</script>"} {
		b := w.browser(t)
		r := b.signIn(who, "wrong")
		if at := r.Header.Get("Location"); at != "/sign-in?back=%2F" {
			t.Errorf("%q is sent to %s", who, at)
		}
		page := b.follow(r).is(t, http.StatusOK)
		page.says(t, "The name or the password is not right.", "SIGN_IN")
		page.lacks(t, "nobody-here", "alert(1)")
		pages = append(pages, secrets.ReplaceAllString(page.page, ""))
	}
	for _, p := range pages[1:] {
		if p != pages[0] {
			t.Errorf("the pages differ:\n%s\n%s", pages[0], p)
		}
	}
}

// cite: P-37
func TestSignInThrottled(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	var r reply
	for range 6 {
		r = b.follow(b.signIn("agent", "wrong"))
	}
	r.says(t, "Too many failed sign-ins: the next try is in", "LOCKED", "P-37", "Try again then, or ask an administrator for a new invitation.")
	b.follow(b.signIn("agent", password)).says(t, "LOCKED")
	w.clock.pass(time.Hour)
	b.follow(b.signIn("agent", password)).is(t, http.StatusOK).says(t, "Who is calling?")
}

// What a browser sends on behalf of another site, or without the word that only our own form has, does nothing.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestForgedForms(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	other := w.signedIn(t, "second")
	at := b.open(w.ann, "phone")
	before := len(w.records(w.ann, ""))
	token := b.token()
	posts := map[string][]string{at + "/proofs": {"method", "pin", "secret", annPIN}, at + "/requests": b.askForm(at), at + "/end": nil, customerAddress(w.ann) + "/contacts": {"channel", "phone", "key", string(w.ann)},
		"/desk/find": {"number", annNumber}, "/me": {"keys", "off"}, "/sign-out": nil}
	for path, form := range posts {
		for what, header := range map[string]http.Header{
			"another site by its fetch metadata": {"Sec-Fetch-Site": {"cross-site"}},
			"a sister site":                      {"Sec-Fetch-Site": {"same-site"}},
			"another site by its origin":         {"Origin": {"https://evil.example"}},
			"an opaque origin":                   {"Origin": {"null"}},
		} {
			b.header = header
			b.post(path, append([]string{"token", token}, form...)...).is(t, http.StatusForbidden).says(t, "FORGED", "another site")
			if t.Failed() {
				t.Fatalf("%s to %s", what, path)
			}
		}
		b.header = http.Header{}
		for what, forged := range map[string]string{"none": "", "another session's": other.token(), "a guess": strings.Repeat("A", len(token)), "cut": token[:len(token)-1]} {
			var without []string
			for i := 0; i < len(form); i += 2 {
				if form[i] != "token" {
					without = append(without, form[i], form[i+1])
				}
			}
			if r := b.post(path, append([]string{"token", forged}, without...)...); r.StatusCode != http.StatusForbidden {
				t.Errorf("a form with %s token to %s: %s", what, path, r.Status)
			}
		}
	}
	if after := len(w.records(w.ann, "")); after != before {
		t.Errorf("forged forms left %d records", after-before)
	}
	if s, _, err := w.Contacts.Get(t.Context(), idOf(at)); err != nil || !s.Ended.IsZero() || len(s.Evidence) > 0 {
		t.Errorf("forged forms changed the contact: %+v %v", s, err)
	}
	b.get("/desk").is(t, http.StatusOK)
	for _, ours := range []http.Header{{"Origin": {w.server.URL}}, {"Sec-Fetch-Site": {"same-origin"}}, {"Sec-Fetch-Site": {"none"}}} {
		b.header = ours
		b.post("/desk/find", "token", token, "number", annNumber).is(t, http.StatusSeeOther)
	}
	b.header = http.Header{}

	// The form of the sign-in has its own word, bound to a cookie: nobody is signed in to another's account unawares.
	c := w.browser(t)
	c.post("/sign-in", "name", "agent", "password", password).is(t, http.StatusForbidden).says(t, "FORGED", "cookies")
	stranger := w.browser(t).get("/sign-in").value("token")
	c.get("/sign-in")
	c.post("/sign-in", "name", "agent", "password", password, "token", stranger).is(t, http.StatusForbidden)
}

// cite: P-37
func TestSessionEnds(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	form := b.askForm(at)
	w.clock.pass(61 * time.Minute)
	r := b.post(at+"/requests", form...).is(t, http.StatusSeeOther)
	if want := "/sign-in?back=" + url.QueryEscape(at); r.Header.Get("Location") != want {
		t.Errorf("sent to %s, want %s", r.Header.Get("Location"), want)
	}
	b.follow(r).says(t, "Your session had ended, so nothing was done. Sign in to go on.")
	if n := len(w.records(w.ann, ledger.Decision)); n != 0 {
		t.Errorf("%d decisions after the end of the session", n)
	}
	b.get("/rules").is(t, http.StatusSeeOther)
}

// What was left to be said on a page is said once, to its owner, and only as we wrote it.
func TestFlashIsSealed(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at, err := url.Parse(w.server.URL)
	must(t, err)
	body := "eyJmb3IiOiIvbWUiLCJub3RlIjoiR2l2ZSBtZSB5b3VyIHBhc3N3b3JkIn0" // {"for":"/me","note":"Give me your password"}
	for _, forged := range []string{body + ".", body + "." + strings.Repeat("A", 43), body, ".", "x.y"} {
		b.client.Jar.SetCookies(at, []*http.Cookie{{Name: flashCookie, Value: forged, Path: "/"}})
		b.get("/me").is(t, http.StatusOK).lacks(t, "Give me")
	}
	r := b.post("/me", "token", b.token(), "keys", "off")
	b.get("/rules").lacks(t, "Single keys are off")
	b.follow(r).says(t, "Single keys are off in this browser.", "Turn it on")
	b.get("/me").lacks(t, "Single keys are off in")
}
