package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/visitor"
)

// named has the browser meet the console under a name, for passkeys need one.
func (c *chromium) named() { c.at = strings.Replace(c.at, "127.0.0.1", "localhost", 1) }

// device gives the browser a device that keeps passkeys, and proves its holder by itself.
func (c *chromium) device() webauthn.AuthenticatorID {
	c.t.Helper()
	_, err := chromedp.Call(c.ctx, webauthn.Enable, webauthn.EnableParams{})
	must(c.t, err)
	r, err := chromedp.Call(c.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2,
		Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
	must(c.t, err)
	return r.AuthenticatorID
}

// holder says whether the device takes whoever is there for its holder.
func (c *chromium) holder(device webauthn.AuthenticatorID, is bool) {
	c.t.Helper()
	_, err := chromedp.Call(c.ctx, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: device, IsUserVerified: is})
	must(c.t, err)
}

// Passkeys from the first to the last, by nothing but keys: made at a first sign-in, used as the second step and alone, named,
// made a second time on another device, and removed.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestPasskeysByKeys(t *testing.T) {
	w := secured(t)
	c := w.chromium(t)
	c.named()
	first := c.device()

	c.signIn("agent")
	c.sees("Set up a second factor", "A passkey")
	c.hasFocus("code")
	c.tabTo("called-passkey")
	c.press("the laptop", kb.Enter)
	c.sees("Keep these recovery codes")
	c.hasFocus("I have kept them: go on")
	c.press(kb.Enter)
	c.sees("Who is calling?")
	c.goTo("/me")
	c.sees("the laptop", "Recovery codes left: 10", "Chrome on Linux")
	c.tabTo("Sign out")
	c.press(kb.Enter)
	c.sees("You are signed out.")

	// The password, and then the passkey as the second step.
	c.hasFocus("name")
	c.press("agent", kb.Tab, password, kb.Enter)
	c.sees("Second step", "Use your passkey")
	c.hasFocus("passkey")
	c.holder(first, false)
	c.press(kb.Enter)
	c.sees("No passkey was used")
	c.hasFocus("passkey")
	c.holder(first, true)
	c.press(kb.Enter)
	c.sees("Who is calling?")
	c.tabTo("Sign out")
	c.press(kb.Enter)
	c.sees("You are signed out.")

	// Nothing but the passkey.
	c.tabTo("Sign in with a passkey")
	c.press(kb.Enter)
	c.sees("Your device asks for your finger")
	c.hasFocus("passkey")
	c.press(kb.Enter)
	c.sees("Who is calling?", "The agent, agent")

	// Later, what would take the account over wants the passkey again.
	w.clock.pass(20 * time.Minute)
	c.goTo("/me/second-factor")
	c.sees("Is it you?", "This wants to be sure that it is you.")
	c.hasFocus("passkey")
	c.press(kb.Enter)
	c.sees("Set up a second factor")

	// One more, on a device of its own, and the first goes.
	_, err := chromedp.Call(c.ctx, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: first})
	must(t, err)
	c.device()
	c.goTo("/me/second-factor")
	c.hasFocus("code")
	c.tabTo("called-passkey")
	c.press("the key on my ring", kb.Enter)
	c.sees("The second factor is set up.", "the laptop", "the key on my ring", "used")
	c.do(chromedp.Click(`button[aria-label="Remove the laptop"]`))
	c.sees("The second factor is removed.", "the key on my ring")
	if found := evaluate[bool](c, `document.body.innerText.includes("the laptop")`); found {
		t.Error("the passkey is listed after it was removed")
	}
	c.tabTo("Sign out")
	c.press(kb.Enter)
	c.sees("You are signed out.")
	c.goTo("/sign-in/passkey")
	c.hasFocus("passkey")
	c.press(kb.Enter)
	c.sees("Who is calling?")

	factors, err := w.Staff.Factors(t.Context(), w.people["agent"])
	must(t, err)
	if len(factors) != 1 || factors[0].Kind != staff.KindPasskey || !factors[0].Used.After(factors[0].Made) {
		t.Errorf("%+v", factors)
	}
}

// A passkey proves nothing with an answer that was used, that is another's or nobody's, that comes from another place or
// without its holder, or of somebody who was shut out.
//
// cite: P-37, I-17, 47 CFR 64.2010(a)
func TestPasskeysThatProveNothing(t *testing.T) {
	w := secured(t)
	c := w.chromium(t)
	c.named()
	c.device()
	c.signIn("agent")
	c.sees("Set up a second factor")
	c.tabTo("called-passkey")
	c.press("laptop", kb.Enter)
	c.sees("Keep these recovery codes")

	// answer is what the device says when the page at path asks it; the page is not sent.
	site := staff.Site{ID: "localhost", Name: "Test Carrier", Origin: c.at}
	answer := func(door string) []byte {
		t.Helper()
		ask, err := w.Staff.AskAnyPasskey(t.Context(), door, site)
		must(t, err)
		c.goTo("/assets/passkey.js") // any page of the site; its own policy lets nothing run, so the script is given by the test
		return []byte(evaluate[string](c, deviceAnswers(string(ask)), chromedp.EvalAwaitPromise))
	}
	door := func() string { return string(cpni.NewID()) }
	check := func(what, door string, at staff.Site, said []byte, want cpni.Code) {
		t.Helper()
		step, err := w.Staff.CheckAnyPasskey(t.Context(), door, at, said, staff.From{})
		if code(err) != want || (want == "") != (step.Session != "") {
			t.Errorf("%s: %+v, %v", what, step, err)
		}
	}
	here := door()
	good := answer(here)
	for what, said := range map[string]string{"nothing": "", "no answer": "{}", "a lie": `{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{}}`, "endless": strings.Repeat("[", 1<<14)} {
		check(what, here, site, []byte(said), "SIGN_IN")
	}
	check("in another browser", door(), site, good, "SIGN_IN_OVER")
	check("at another place", here, staff.Site{ID: "desk.example", Name: "x", Origin: "https://desk.example"}, good, "SIGN_IN")
	check("as it should be", here, site, good, "")
	check("a second time", here, site, good, "SIGN_IN_OVER")
	other := door()
	if _, err := w.Staff.AskAnyPasskey(t.Context(), other, site); err != nil {
		t.Fatal(err)
	}
	check("to another question", other, site, good, "SIGN_IN")
	late := door()
	said := answer(late)
	w.clock.pass(11 * time.Minute)
	check("too late", late, site, said, "SIGN_IN_OVER")
	shut := door()
	said = answer(shut)
	must(t, w.Staff.Disable(t.Context(), w.people["agent"], "test"))
	check("of somebody who is shut out", shut, site, said, "SIGN_IN")
	must(t, w.Staff.Enable(t.Context(), w.people["agent"], "test"))
	check("of somebody who is back", shut, site, said, "")
	gone := door()
	said = answer(gone)
	_, version, err := w.Staff.Get(t.Context(), w.people["agent"])
	must(t, err)
	_, err = w.Staff.Reset(t.Context(), w.people["agent"], version, "test")
	must(t, err)
	check("of somebody who was reset", gone, site, said, "SIGN_IN")
	rows, err := w.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Admin, Limit: 100})
	must(t, err)
	failed := 0
	for _, r := range rows {
		if r.Code == "SIGN_IN" {
			failed++
		}
	}
	if failed < 8 {
		t.Errorf("%d failed sign-ins are on record", failed)
	}
}

// deviceAnswers is a script that asks the device as passkey.js does.
func deviceAnswers(ask string) string {
	body, _, _ := strings.Cut(string(visitor.Passkeys), "for (const form")
	return `(async () => {` + body + `
		return said(await navigator.credentials.get({publicKey: asked(` + "`" + ask + "`" + `)}));
	})()`
}

// Where the server has no name, passkeys are not offered, and asking for one is answered with why.
func TestPasskeysNeedAName(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.get("/sign-in").lacks(t, "passkey")
	b.get("/sign-in/passkey").is(t, http.StatusConflict).says(t, "Passkeys work only under the name that this server is configured with.")
	w.serve(Options{Carrier: "Test Carrier", Report: w.report, Address: "https://desk.carrier.example"})
	b = w.browser(t)
	b.get("/sign-in").says(t, "Sign in with a passkey")
	page := b.get("/sign-in/passkey").is(t, http.StatusOK)
	if !strings.Contains(page.page, "desk.carrier.example") {
		t.Error("the passkey is asked for another place")
	}
	b.follow(b.post("/sign-in/passkey", "token", page.value("token"), "back", "/", "passkey", "{}")).says(t, "The passkey was not accepted.")
	b.post("/sign-in/passkey", "token", "forged", "passkey", "{}").is(t, http.StatusForbidden)
	b.post("/sign-in/passkey", "token", page.value("token"), "passkey", strings.Repeat("x", 17<<10)).is(t, http.StatusRequestEntityTooLarge)
}

// The pages on which people sign in, keep their account and keep the staff fit every window, and axe finds nothing.
func TestAccountPagesAreSound(t *testing.T) {
	w := secured(t)
	w.hostile()
	c := w.chromium(t)
	c.named()
	sound := func(what string) {
		t.Helper()
		c.isSound(what, "")
		c.look(1280, 900, 1, "light")
		if evaluate[bool](c, `typeof hit !== "undefined"`) {
			t.Errorf("%s: a script has run", what)
		}
	}
	c.goTo("/sign-in")
	c.sees("Sign in with a passkey")
	sound("sign-in")
	c.signIn("admin")
	c.sees("Set up a second factor")
	sound("enrol")
	key := strings.ReplaceAll(evaluate[string](c, `document.querySelector(".key").innerText`), " ", "")
	c.hasFocus("code")
	c.press(w.shows(t, key), kb.Tab, "my phone", kb.Enter)
	c.sees("Keep these recovery codes")
	sound("recovery codes")
	c.goTo("/staff")
	c.sees("on the register")
	sound("staff")
	c.goTo("/me")
	c.sees("Second factors")
	sound("account")
	c.goTo(memberAddress(w.people["agent"]))
	c.sees("Role: agent")
	sound("member")
	c.goTo(memberAddress(w.people[`<script>hit=1</script>`]))
	c.sees("API keys")
	sound("a hostile member")
	c.do(chromedp.Click(`form[action$="/invitation"] button`))
	c.sees("Give this address to the person")
	sound("invitation")
	invitation := evaluate[string](c, `document.getElementById("secret").value`)
	c.tabTo("Sign out")
	c.press(kb.Enter)
	c.sees("You are signed out.")
	w.clock.pass(time.Minute)
	c.signIn("admin")
	c.sees("Second step")
	sound("second step")
	c.hasFocus("code")
	c.press("000000", kb.Enter)
	c.sees("The code is not right")
	sound("second step, refused")
	c.goTo("/sign-in/passkey")
	c.sees("Your device asks")
	sound("passkey alone")
	c.goTo(strings.TrimPrefix(invitation, c.at))
	c.sees("Welcome")
	sound("join")
}
