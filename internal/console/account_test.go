package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office"
	"ringfence/internal/staff"
)

// secured is a world in which nobody signs in with a password alone.
func secured(t testing.TB) *world {
	return newWorld(t, func(c *office.Config) { c.SecondFactorOptional = false })
}

var keyOnPage = regexp.MustCompile(`<code class="key">([A-Z2-7 ]+)</code>`)

// key is that which a page shows for an app.
func (r reply) key(t testing.TB) string {
	t.Helper()
	m := keyOnPage.FindStringSubmatch(r.page)
	if m == nil {
		t.Fatalf("%s shows no key:\n%s", r.Request.URL.Path, text(r.page))
	}
	return strings.ReplaceAll(m[1], " ", "")
}

// shows is the code that an app with this key shows.
func (w *world) shows(t testing.TB, key string) string {
	t.Helper()
	c, err := totp.GenerateCode(key, w.clock.Now())
	must(t, err)
	return c
}

var codeOnPage = regexp.MustCompile(`<li><code>([a-z0-9]{5}-[a-z0-9]{5})</code></li>`)

// codes are the recovery codes that a page shows.
func (r reply) codes() []string {
	var all []string
	for _, m := range codeOnPage.FindAllStringSubmatch(r.page, -1) {
		all = append(all, m[1])
	}
	return all
}

// enrol signs somebody in for the first time, and sets up an app; it gives the key and the recovery codes.
func (b *browser) enrol(login string) (key string, codes []string) {
	b.t.Helper()
	page := b.follow(b.signIn(login, password))
	page.says(b.t, "Set up a second factor", "A password alone can be guessed or seen.")
	key = page.key(b.t)
	r := b.post("/sign-in/enrol", "token", page.value("token"), "back", page.value("back"), "called", "my phone", "code", b.shows(b.t, key)).is(b.t, http.StatusOK)
	r.says(b.t, "Keep these recovery codes", "They are shown this once")
	return key, r.codes()
}

// A sign-in in two steps: nothing is open after the first but the second.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestSecondStep(t *testing.T) {
	w := secured(t)
	b := w.browser(t)
	page := b.follow(b.signIn("agent", password))
	for _, path := range []string{"/desk", "/me", "/staff", "/me/second-factor", "/records"} {
		if at := b.get(path).is(t, http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(at, "/sign-in") {
			t.Errorf("after the first step %s leads to %s", path, at)
		}
	}
	wrong := b.follow(b.post("/sign-in/enrol", "token", page.value("token"), "back", "/", "code", "12345"))
	wrong.says(t, "That is not the code that the app should show now.")
	if wrong.key(t) != page.key(t) {
		t.Error("after a wrong code another key is shown")
	}
	b.post("/sign-in/enrol", "token", "forged", "code", w.shows(t, page.key(t))).is(t, http.StatusForbidden)
	key, codes := w.browser(t).enrol("agent")
	if len(codes) != 10 {
		t.Fatalf("recovery codes: %q", codes)
	}
	b.follow(b.post("/sign-in/enrol", "token", page.value("token"), "back", "/", "code", w.shows(t, page.key(t)))).says(t, "That has taken too long, or was done already.", "Sign in to the desk")

	w.clock.pass(time.Minute)
	want := "/records/ledger"
	at := b.get(want).is(t, http.StatusSeeOther).Header.Get("Location")
	form := b.get(at)
	second := b.follow(b.post("/sign-in", "token", form.value("token"), "back", form.value("back"), "name", "agent", "password", password))
	second.says(t, "Second step", "Code of your app or a recovery code", "Recovery codes left: 10")
	again := b.follow(b.post("/sign-in/second", "token", second.value("token"), "back", want, "code", "000000"))
	again.says(t, "The code is not right, or was used before.", "SIGN_IN")
	b.post("/sign-in/second", "token", "x", "code", w.shows(t, key)).is(t, http.StatusForbidden)
	r := b.post("/sign-in/second", "token", again.value("token"), "back", again.value("back"), "code", w.shows(t, key)).is(t, http.StatusSeeOther)
	if got := r.Header.Get("Location"); got != want {
		t.Errorf("after the second step one is at %s, want %s", got, want)
	}
	b.follow(r).is(t, http.StatusOK)

	c := w.browser(t)
	second = c.follow(c.signIn("agent", password))
	c.follow(c.post("/sign-in/second", "token", second.value("token"), "back", "/", "code", codes[3])).says(t, "Who is calling?")
	c.get("/me").says(t, "Recovery codes left: 9", "my phone", "You", "Where you are signed in")
	late := w.browser(t)
	second = late.follow(late.signIn("agent", password))
	w.clock.pass(11 * time.Minute)
	late.follow(late.post("/sign-in/second", "token", second.value("token"), "back", "/", "code", w.shows(t, key))).says(t, "That has taken too long", "Begin again.")
	late.get("/sign-in/second").is(t, http.StatusSeeOther)
	second = late.follow(late.signIn("agent", password))
	late.follow(late.post("/sign-out", "token", second.value("token"))).says(t, "Sign in to the desk")
	late.follow(late.get("/sign-in/second")).says(t, "That has taken too long, or was done already.")
}

// A demonstration says that it is one, where it lets people in with less; nothing else does.
func TestDemonstrationSaysSo(t *testing.T) {
	w := newWorld(t)
	w.browser(t).get("/sign-in").lacks(t, "This is a demonstration")
	w.serve(Options{Carrier: "Test Carrier", Report: w.report, Demonstration: true})
	b := w.browser(t)
	b.get("/sign-in").says(t, "This is a demonstration: a name and the password that it printed are enough.")
	b.follow(b.signIn("agent", password)).says(t, "Who is calling?")
	b.get("/me").says(t, "add a second factor")
}

// Which step comes tells nothing to who does not know the password.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestStepsTellNothing(t *testing.T) {
	w := secured(t)
	w.browser(t).enrol("agent")
	secrets := regexp.MustCompile(`value="[^"]*"`)
	var first string
	for i, who := range []string{"agent", "second", "nobody-here"} { // with a second factor, without one, and nobody
		b := w.browser(t)
		r := b.signIn(who, "wrong").is(t, http.StatusSeeOther)
		page := r.Header.Get("Location") + secrets.ReplaceAllString(b.follow(r).page, "")
		for _, k := range r.Cookies() {
			if k.Name != flashCookie {
				t.Errorf("%s: a cookie %s", who, k.Name)
			}
		}
		if i == 0 {
			first = page
		} else if page != first {
			t.Errorf("%s is answered otherwise:\n%s\n%s", who, page, first)
		}
	}
}

// cite: P-37, 47 CFR 64.2010(a)
func TestAccount(t *testing.T) {
	w := newWorld(t)
	b, other, third := w.signedIn(t, "agent"), w.signedIn(t, "agent"), w.signedIn(t, "agent")
	me := b.get("/me")
	me.says(t, "You sign in with a password alone.", "the server itself", "this one", "End all others")
	id := regexp.MustCompile(`name="session" value="([0-9a-f]{64})"`).FindAllStringSubmatch(me.page, -1)
	if len(id) != 2 {
		t.Fatalf("%d sessions can be ended, want 2", len(id))
	}
	b.submit("/me/sessions", "session", id[0][1]).says(t, "The session is ended.")
	b.submit("/me/sessions", "session", id[0][1]).says(t, "That session has ended already.")
	ended := 0
	for _, x := range []*browser{other, third} {
		if x.get("/me").StatusCode == http.StatusSeeOther {
			ended++
		}
	}
	if ended != 1 {
		t.Errorf("%d sessions ended, want 1", ended)
	}
	stranger := w.signedIn(t, "second")
	stranger.submit("/me/sessions", "session", id[1][1]).says(t, "That session has ended already.")
	b.submit("/me/sessions").says(t, "All other sessions are ended.")
	for _, x := range []*browser{other, third} {
		x.get("/me").is(t, http.StatusSeeOther)
	}
	stranger.get("/me").is(t, http.StatusOK)

	page := b.get("/me/second-factor").is(t, http.StatusOK)
	page.says(t, "Set up a second factor", "Passkeys work only under the name")
	if !strings.Contains(page.page, `<svg class="qr" viewBox="0 0 `) {
		t.Error("no picture for the camera")
	}
	r := b.post("/me/second-factor", "token", b.token(), "called", "", "code", w.shows(t, page.key(t))).is(t, http.StatusOK)
	if len(r.codes()) != 10 {
		t.Errorf("%d recovery codes", len(r.codes()))
	}
	me = b.get("/me")
	me.says(t, "Authenticator app", "Recovery codes left: 10", "Remove")
	renewed := b.post("/me/recovery", "token", b.token()).is(t, http.StatusOK).codes()
	if len(renewed) != 10 || renewed[0] == r.codes()[0] {
		t.Errorf("%q", renewed)
	}
	b.submit("/me/factors", "factor", "nonsense").says(t, "That has taken too long, or was done already.")
	b.submit("/me/factors", "factor", me.value("factor")).says(t, "The second factor is removed.", "You sign in with a password alone.")

	const next = "eleven purple kites"
	b.submit("/me/password", "current", password, "password", next, "again", next+"x").says(t, "The two passwords are not the same.")
	b.submit("/me/password", "current", "wrong", "password", next, "again", next).says(t, "That is not the password that you have now.")
	b.submit("/me/password", "current", password, "password", "short", "again", "short").says(t, "WEAK_SECRET")
	b.submit("/me/password", "current", password, "password", next, "again", next).says(t, "The password is changed")
	b.get("/me").is(t, http.StatusOK)
	w.browser(t).signIn("agent", next).is(t, http.StatusSeeOther)
}

var invitationOnPage = regexp.MustCompile(`value="(http://[^"]*/join/rfi_[^"]*)"`)

// invitation is the address that a page shows once.
func (r reply) invitation(t testing.TB) string {
	t.Helper()
	m := invitationOnPage.FindStringSubmatch(r.page)
	if m == nil {
		t.Fatalf("no invitation on the page:\n%s", text(r.page))
	}
	u, err := url.Parse(m[1])
	must(t, err)
	return u.Path
}

// From the register to a desk of one's own: an administrator invites, and the one who is invited needs nothing but the pages.
//
// cite: P-37, P-38, 47 CFR 64.2010(a)
func TestInviting(t *testing.T) {
	w := secured(t)
	admin := w.browser(t)
	admin.enrol("admin")
	page := admin.get("/staff").is(t, http.StatusOK)
	page.says(t, "11 on the register", "The untrained agent", "What each role allows", "Find customers and see their cards")
	r := admin.post("/staff/add", "token", admin.token(), "login", "nia", "whole", "Nia Adeyemi", "role", "agent").is(t, http.StatusOK)
	r.says(t, "Give this address to the person whom it is for", "works once")
	invitation := r.invitation(t)
	admin.get("/staff").lacks(t, "rfi_")
	admin.submit("/staff/add", "login", "nia", "whole", "x", "role", "agent").says(t, "That login is taken, or is none.")
	admin.submit("/staff/add", "login", "", "whole", "x", "role", "agent").says(t, "That login is taken, or is none.")
	admin.submit("/staff/add", "login", "king", "role", "king").says(t, "That is no role.")

	nia := w.browser(t)
	clean := nia.get(invitation).is(t, http.StatusSeeOther)
	if at := clean.Header.Get("Location"); at != "/join" {
		t.Errorf("the invitation leads to %s", at)
	}
	nia.get(invitation) // a second look does not use it up
	join := nia.follow(nia.get(invitation))
	join.says(t, "Welcome, Nia Adeyemi", "Name with which you sign in", "Serve customers")
	token := join.value("token")
	nia.follow(nia.post("/join", "token", token, "password", "blue kettle rides", "again", "other")).says(t, "The two passwords are not the same.")
	nia.follow(nia.post("/join", "token", token, "password", "password", "again", "password")).says(t, "WEAK_SECRET")
	nia.post("/join", "token", "forged", "password", "blue kettle rides", "again", "blue kettle rides").is(t, http.StatusForbidden)
	enrol := nia.follow(nia.post("/join", "token", token, "password", "blue kettle rides", "again", "blue kettle rides"))
	enrol.says(t, "Set up a second factor")
	nia.post("/sign-in/enrol", "token", enrol.value("token"), "back", "/", "code", w.shows(t, enrol.key(t))).is(t, http.StatusOK)
	nia.follow(nia.get("/")).says(t, "Who is calling?", "Nia Adeyemi, agent")
	late := w.browser(t)
	late.follow(late.get(invitation)).says(t, "The invitation has been used, has lapsed, or was replaced by another.")
	late.post("/join", "token", token, "password", "blue kettle rides", "again", "blue kettle rides").is(t, http.StatusUnprocessableEntity)
	for _, nothing := range []string{"/join", "/join/x", "/join/rfi_" + strings.Repeat("A", 43)} {
		b := w.browser(t)
		if r := b.follow(b.get(nothing)); r.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %s", nothing, r.Status)
		}
	}
}

// The register: roles, states, resets, sessions and keys; two who change one member at once; who may not.
//
// cite: P-37, P-38, 47 CFR 64.2009(b), 47 CFR 64.2010(a)
func TestRegisterOfTheStaff(t *testing.T) {
	w := newWorld(t)
	admin, agent := w.signedIn(t, "admin"), w.signedIn(t, "agent")
	at := memberAddress(w.people["agent"])
	for _, path := range []string{"/staff", at} {
		agent.get(path).is(t, http.StatusForbidden).says(t, "it needs the right to keep the register of the staff")
	}
	for _, path := range []string{at + "/role", at + "/state", at + "/invitation", at + "/sessions", at + "/keys", at + "/keys/end", "/staff/add"} {
		agent.post(path, "token", agent.token(), "role", "admin").is(t, http.StatusForbidden)
	}
	admin.get("/staff/"+string(cpni.NewID())).is(t, http.StatusNotFound)
	page := admin.get(at).is(t, http.StatusOK)
	page.says(t, "The agent", "Role: agent", "Password Set", "Second factor None", "the server itself")
	seen := page.value("version")
	admin.submit(at+"/role", "version", seen, "role", "supervisor").says(t, "The role is changed", "Role: supervisor", "Read what is on record")
	agent.get("/desk").is(t, http.StatusSeeOther)
	for path, form := range map[string][]string{"/role": {"role", "auditor"}, "/state": {"state", "disabled"}, "/invitation": nil} {
		admin.submit(at+path, append([]string{"version", seen}, form...)...).says(t, "Somebody else has changed this member meanwhile, so nothing was done.", "CONFLICT")
	}
	for _, bad := range []string{"", "0", "-1", "x"} {
		admin.submit(at+"/state", "version", bad, "state", "disabled").says(t, "CONFLICT")
	}
	agent = w.signedIn(t, "agent")
	admin.submit(at+"/sessions").says(t, "The member's sessions are ended.", "Nowhere.")
	agent.get("/desk").is(t, http.StatusSeeOther)

	agent = w.signedIn(t, "agent")
	version := admin.get(at).value("version")
	admin.submit(at+"/state", "version", version, "state", "disabled").says(t, "The member is shut out", "disabled")
	agent.get("/desk").is(t, http.StatusSeeOther)
	b := w.browser(t)
	b.follow(b.signIn("agent", password)).says(t, "The name or the password is not right.")
	admin.submit(at+"/state", "version", admin.get(at).value("version"), "state", "enabled").says(t, "The member may sign in again.")

	invitation := admin.post(at+"/invitation", "token", admin.token(), "version", admin.get(at).value("version")).is(t, http.StatusOK).invitation(t)
	b.follow(b.signIn("agent", password)).says(t, "The name or the password is not right.")
	b.follow(b.get(invitation)).says(t, "Welcome, The agent")

	made := admin.post(at+"/keys", "token", admin.token(), "called", "nightly", "scope", "contacts", "scope", "billing", "scope", "nonsense").is(t, http.StatusOK)
	key := regexp.MustCompile(`value="(rfk_[^"]+)"`).FindStringSubmatch(made.page)
	if key == nil {
		t.Fatalf("no key:\n%s", text(made.page))
	}
	if k, err := w.Staff.Key(t.Context(), key[1]); err != nil || strings.Join(k.Scopes, " ") != "contacts billing" {
		t.Errorf("%+v, %v", k, err)
	}
	page = admin.get(at)
	page.says(t, "nightly contacts, billing until")
	page.lacks(t, key[1])
	admin.submit(at+"/keys", "called", "x").says(t, "The API key would be good for nothing.")
	admin.submit(at+"/keys/end", "key", page.value("key")).says(t, "The API key is revoked.", "nightly contacts, billing revoked on")
	admin.submit(at+"/keys/end", "key", page.value("key")).says(t, "There is no such API key, or it is revoked already.")

	own := memberAddress(w.people["admin"])
	mine := admin.get(own)
	mine.says(t, "This is your own account")
	for path, form := range map[string][]string{"/role": {"role", "agent"}, "/state": {"state", "disabled"}, "/invitation": nil} {
		admin.submit(own+path, append([]string{"version", version}, form...)...).says(t, "Nobody changes their own role or account.", "ROLE")
	}
	rows, err := w.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Admin, Limit: 500})
	must(t, err)
	done := map[string]int{}
	for _, r := range rows {
		if r.Actor != string(w.people["admin"]) {
			continue
		}
		plain, err := w.Vault.OpenRecord(t.Context(), r)
		must(t, err)
		var d struct{ Detail struct{ What string } }
		must(t, json.Unmarshal(plain, &d))
		done[d.Detail.What]++
	}
	for _, what := range []string{"role changed", "sessions ended", "member of the staff disabled", "member of the staff enabled", "account reset", "API key made", "API key revoked"} {
		if done[what] != 1 {
			t.Errorf("%q is on record %d times", what, done[what])
		}
	}
}

// The one who keeps accounts reaches nothing of customers by any page, whatever they ask for.
//
// cite: P-37, P-38, 47 CFR 64.2010(a)
func TestAdministratorsReachNoCustomer(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	at := agent.open(w.ann, "phone")
	agent.prove(at, "method", "pin", "secret", annPIN)
	agent.ask(at)
	answer := agent.at
	before := len(w.records(w.ann, ""))
	admin := w.signedIn(t, "admin")
	for _, path := range []string{"/desk", customerAddress(w.ann), at, answer, "/records", recordsAddress(w.ann)} {
		r := admin.get(path).is(t, http.StatusForbidden)
		r.lacks(t, "Ann Archer", annNumber, "703 555", "2025550141")
	}
	for path, form := range map[string][]string{customerAddress(w.ann) + "/contacts": {"channel", "phone", "key", string(cpni.NewID())}, at + "/proofs": {"method", "pin", "secret", annPIN}, at + "/requests": {"data", "call-detail"},
		at + "/end": nil, "/desk/find": {"number", annNumber}, "/records": {"number", annNumber}} {
		admin.post(path, append([]string{"token", admin.token()}, form...)...).is(t, http.StatusForbidden)
	}
	for _, r := range []staff.Right{staff.Serve, staff.See, staff.Forget, staff.ReadRecords} {
		if (&staff.Member{Role: cpni.RoleAdmin}).May(r) {
			t.Errorf("an administrator may %s", r)
		}
	}
	if after := len(w.records(w.ann, "")); after != before {
		t.Errorf("%d records about a customer came of it", after-before)
	}
}

// The first administrator is made at the address that the server prints, and then there is no such address.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestSetUp(t *testing.T) {
	w := secured(t)
	w.get404(t, "/set-up", "/set-up/rfi_"+strings.Repeat("A", 43))
	w.empty(t)
	secret, err := w.Staff.SetUp(t.Context())
	must(t, err)
	b := w.browser(t)
	b.get("/sign-in").says(t, "Nobody works here yet.")
	b.get("/set-up").is(t, http.StatusNotFound)
	b.get("/set-up/rfi_"+strings.Repeat("A", 43)).is(t, http.StatusNotFound)
	if at := b.get("/set-up/"+secret).is(t, http.StatusSeeOther).Header.Get("Location"); at != "/set-up" {
		t.Errorf("it leads to %s", at)
	}
	page := b.get("/set-up").is(t, http.StatusOK)
	page.says(t, "Set up the first administrator", "Keep the register of the staff")
	token := page.value("token")
	b.follow(b.post("/set-up", "token", token, "login", "a b", "whole", "Amos", "password", "blue kettle rides", "again", "blue kettle rides")).says(t, "That login is taken, or is none.")
	b.post("/set-up", "token", "forged", "login", "amos", "password", "blue kettle rides", "again", "blue kettle rides").is(t, http.StatusForbidden)
	enrol := b.follow(b.post("/set-up", "token", token, "login", "amos", "whole", "Amos Ivanov", "password", "blue kettle rides", "again", "blue kettle rides"))
	b.post("/sign-in/enrol", "token", enrol.value("token"), "back", "/", "code", w.shows(t, enrol.key(t))).is(t, http.StatusOK)
	b.follow(b.get("/")).says(t, "Staff", "1 on the register", "Amos Ivanov, administrator")
	w.get404(t, "/set-up", "/set-up/"+secret)
	b.get("/set-up/"+secret).is(t, http.StatusNotFound)
}

func (w *world) get404(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		w.browser(t).get(p).is(t, http.StatusNotFound)
	}
}

// Where tries come from is what the connection says, and what proxies of ours say; what a browser writes there itself counts
// for nothing.
//
// cite: P-37, I-18
func TestWhereTriesComeFrom(t *testing.T) {
	ours := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, row := range []struct {
		remote    string
		forwarded []string
		proxies   []netip.Prefix
		source    string
		network   string
	}{
		{"203.0.113.7:4000", nil, ours, "203.0.113.7", "203.0.0.0/16"},
		{"203.0.113.7:4000", []string{"198.51.100.1"}, ours, "203.0.113.7", "203.0.0.0/16"},
		{"10.1.2.3:4000", []string{"198.51.100.1"}, nil, "10.1.2.3", "10.1.0.0/16"},
		{"10.1.2.3:4000", []string{"198.51.100.1"}, ours, "198.51.100.1", "198.51.0.0/16"},
		{"10.1.2.3:4000", []string{"6.6.6.6, 198.51.100.1"}, ours, "198.51.100.1", "198.51.0.0/16"},
		{"10.1.2.3:4000", []string{"6.6.6.6", "198.51.100.1, 10.9.9.9"}, ours, "198.51.100.1", "198.51.0.0/16"},
		{"10.1.2.3:4000", []string{"10.4.4.4"}, ours, "10.4.4.4", "10.4.0.0/16"},
		{"10.1.2.3:4000", []string{"nonsense"}, ours, "10.1.2.3", "10.1.0.0/16"},
		{"10.1.2.3:4000", []string{""}, ours, "10.1.2.3", "10.1.0.0/16"},
		{"[fd00::1]:4000", []string{"2001:db8:1:2:3:4:5:6"}, ours, "2001:db8:1:2::/64", "2001:db8::/32"},
		{"[::ffff:10.1.2.3]:4000", []string{"[2001:db8:1:2:9::1]:77"}, ours, "2001:db8:1:2::/64", "2001:db8::/32"},
		{"127.0.0.1:4000", nil, nil, "127.0.0.1", "the server itself"},
		{"@", nil, ours, "@", ""},
	} {
		r, err := http.NewRequest(http.MethodGet, "/", nil)
		must(t, err)
		r.RemoteAddr = row.remote
		r.Header["X-Forwarded-For"] = row.forwarded
		v := &visit{Console: &Console{options: Options{Proxies: row.proxies}}, r: r}
		if f := v.from(); f.Source != row.source || f.Network != row.network {
			t.Errorf("%s through %q: %q, %q, want %q, %q", row.remote, row.forwarded, f.Source, f.Network, row.source, row.network)
		}
	}
	for agent, want := range map[string]string{"": "Another browser", "curl/8": "Another browser", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0":               "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari on iOS"} {
		if got := browserOf(agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}

// Behind a proxy of ours, who tries many names from one place is slowed there, and nobody else is.
//
// cite: P-37, I-18
func TestThrottledBySourceBehindAProxy(t *testing.T) {
	w := newWorld(t)
	w.serve(Options{Carrier: "Test Carrier", Report: w.report, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	try := func(from, name, secret string) reply {
		b := w.browser(t)
		b.header.Set("X-Forwarded-For", from)
		return b.follow(b.signIn(name, secret))
	}
	for range 20 {
		try("6.6.6.6, 203.0.113.7", string(cpni.NewID()), "wrong").says(t, "SIGN_IN")
	}
	try("7.7.7.7, 203.0.113.7", "agent", password).says(t, "LOCKED")
	try("203.0.113.8", "agent", password).says(t, "Who is calling?")
}

// code is that of a refusal; "" of none.
func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// What would take an account over wants to be sure that it is its holder who sits there.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestIsItYou(t *testing.T) {
	w := newWorld(t)
	b, other := w.signedIn(t, "admin"), w.signedIn(t, "compliance")
	admin, _, err := w.Staff.Get(t.Context(), w.people["admin"])
	must(t, err)
	keeper := &visit{Console: w.console, member: admin}
	at := memberAddress(w.people["agent"])
	version := b.get(at).value("version")
	w.clock.pass(20 * time.Minute)
	w.each(func(p place, address string) {
		if !p.proved {
			return
		}
		b := b
		if p.right != "" && !keeper.mayCome(p.right) {
			b = other
		}
		if p.get != nil {
			if to := b.get(address).is(t, http.StatusSeeOther).Header.Get("Location"); to != "/me/confirm?back="+url.QueryEscape(address) {
				t.Errorf("%s leads to %s", address, to)
			}
		}
		if p.post != nil {
			if to := b.post(address, "token", b.token(), "version", version, "role", "auditor").is(t, http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(to, "/me/confirm?back=") {
				t.Errorf("%s leads to %s", address, to)
			}
		}
	})
	if got := b.get(at).value("version"); got != version {
		t.Error("the member was changed")
	}
	page := b.follow(b.post(at+"/role", "token", b.token(), "version", version, "role", "auditor"))
	page.says(t, "This wants to be sure that it is you. Nothing was done yet.", "Your password")
	page = b.follow(b.post("/me/confirm", "token", b.token(), "back", at, "password", "wrong"))
	page.says(t, "That is not the password that you have now.")
	r := b.post("/me/confirm", "token", b.token(), "back", at, "password", password).is(t, http.StatusSeeOther)
	if to := r.Header.Get("Location"); to != at {
		t.Errorf("one is sent to %s", to)
	}
	b.submit(at+"/role", "version", version, "role", "auditor").says(t, "The role is changed")
	page = b.get("/me/second-factor").is(t, http.StatusOK)
	key := page.key(t)
	b.post("/me/second-factor", "token", b.token(), "code", w.shows(t, key)).is(t, http.StatusOK)
	w.clock.pass(20 * time.Minute)
	b.follow(b.get("/me/second-factor")).says(t, "Is it you?", "Code of your app")
	b.follow(b.post("/me/confirm", "token", b.token(), "back", "/me/second-factor", "password", password)).says(t, "A password alone does not prove who you are.")
	b.follow(b.post("/me/confirm", "token", b.token(), "back", "https://evil.example", "code", w.shows(t, key))).says(t, "on the register")
	b.get("/me/second-factor").is(t, http.StatusOK)
}

// each gives every place with an address that it may have.
func (w *world) each(do func(p place, address string)) {
	for _, p := range addresses() {
		address := strings.TrimSuffix(p.pattern, "{$}")
		for name, value := range map[string]string{"customer": string(w.ann), "contact": string(cpni.NewID()), "entry": string(cpni.NewID()), "member": string(w.people["agent"]), "secret": "x"} {
			address = strings.ReplaceAll(address, "{"+name+"}", value)
		}
		do(p, address)
	}
}

// No role gets past what its rights are, at any address, however it asks.
//
// cite: P-37, P-38, 47 CFR 64.2010(a)
func TestEveryAddressAsksForItsRight(t *testing.T) {
	w := newWorld(t)
	for _, role := range cpni.Roles {
		if role == cpni.RoleSystem {
			continue
		}
		b := w.signedIn(t, string(role))
		token := b.token()
		m, _, err := w.Staff.Get(t.Context(), w.people[string(role)])
		must(t, err)
		v := &visit{Console: w.console, member: m}
		w.each(func(p place, address string) {
			if p.right == "" || v.mayCome(p.right) {
				return
			}
			if p.get != nil {
				b.get(address).is(t, http.StatusForbidden).says(t, "Not your work")
			}
			if p.post != nil {
				b.postTo(p, address, "token", token).is(t, http.StatusForbidden).says(t, "Not your work")
			}
		})
	}
	b := w.browser(t)
	w.each(func(p place, address string) {
		if !p.open {
			if at := b.get(address).is(t, http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(at, "/sign-in") {
				t.Errorf("%s leads who is not signed in to %s", address, at)
			}
		}
	})
}

// No form does anything that was not made for the session that sends it, or for the browser before there is one.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestEveryFormIsOurs(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "admin")
	stranger := w.signedIn(t, "second").token()
	w.each(func(p place, address string) {
		if p.post == nil {
			return
		}
		for _, token := range []string{"", "x", stranger} {
			b.postTo(p, address, "token", token, "version", "1", "role", "agent", "login", "evil", "password", password, "again", password).is(t, http.StatusForbidden).says(t, "FORGED")
		}
		b.header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
		b.postTo(p, address, "token", stranger).is(t, http.StatusForbidden).says(t, "FORGED", "another site")
		b.header = http.Header{}
	})
	b.get("/me").is(t, http.StatusOK)
}
