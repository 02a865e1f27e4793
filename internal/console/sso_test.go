package console

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/staff/sso"
	"ringfence/internal/staff/sso/ssotest"
)

// singleSignOn serves a world whose staff may come by a real provider, which trusts itself with the second factor or not.
func (w *world) singleSignOn(t *testing.T, whole bool, known ...ssotest.Person) *ssotest.Provider {
	t.Helper()
	w.serve(Options{Carrier: "Test Carrier", Report: w.report})
	back := w.server.URL + "/sign-in/sso/back"
	p := ssotest.Start(t, back, known...)
	with := sso.New(sso.Options{Issuer: p.Issuer, ClientID: ssotest.ClientID, ClientSecret: ssotest.ClientSecret, Redirect: back, Claim: sso.ByEmail, SecondFactor: whole, Clock: cpni.ClockFunc(time.Now), Report: w.report})
	w.console.options.SSO, w.console.options.SSOName = with, "Carrier ID"
	return p
}

var providerLink = regexp.MustCompile(`href="(/sign-in/sso\?[^"]*)"`)

// toProvider follows the link of the sign-in page, and gives the address at the provider.
func (b *browser) toProvider(page string) string {
	b.t.Helper()
	m := providerLink.FindStringSubmatch(b.get(page).page)
	if m == nil {
		b.t.Fatal("the sign-in leads to no provider")
	}
	return b.get(strings.ReplaceAll(m[1], "&amp;", "&")).is(b.t, http.StatusSeeOther).Header.Get("Location")
}

// comeBack goes where the provider sends somebody.
func (b *browser) comeBack(at *url.URL) reply {
	b.t.Helper()
	return b.get(at.RequestURI())
}

// Who has an account with the provider and one here comes in with one sign-in; nobody else does, and no account is made.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestSingleSignOn(t *testing.T) {
	w := secured(t)
	w.member(staff.Member{Login: "rae@carrier.example", Name: "Rae Porter", Role: cpni.RoleAgent, Trained: w.clock.Now()})
	w.member(staff.Member{Login: "dee@carrier.example", Name: "Dee", Role: cpni.RoleAgent})
	must(t, w.Staff.Disable(t.Context(), w.people["dee@carrier.example"], "test"))
	p := w.singleSignOn(t, true, ssotest.Person{Subject: "s-1", Name: "rae", Email: "rae@carrier.example", Verified: true}, ssotest.Person{Subject: "s-2", Name: "sly", Email: "rae@carrier.example"},
		ssotest.Person{Subject: "s-3", Name: "nobody", Email: "nobody@carrier.example", Verified: true}, ssotest.Person{Subject: "s-4", Name: "dee", Email: "dee@carrier.example", Verified: true},
		ssotest.Person{Subject: "s-5", Name: "twin", Email: "rae@carrier.example", Verified: true})

	b := w.browser(t)
	at := b.toProvider("/sign-in?back=%2Frules")
	r := b.comeBack(p.SignIn(t, at, "rae")).is(t, http.StatusSeeOther)
	if got := r.Header.Get("Location"); got != "/rules" {
		t.Errorf("after signing in one is at %s", got)
	}
	b.follow(r).says(t, "Rae Porter, agent")

	for _, name := range []string{"sly", "nobody", "dee", "twin"} {
		x := w.browser(t)
		x.follow(x.comeBack(p.SignIn(t, x.toProvider("/sign-in"), name))).says(t, "No account here belongs to the one that you have with the provider.", "Sign in to the desk")
		x.get("/me").is(t, http.StatusSeeOther)
	}
	if all, err := w.Staff.Members(t.Context()); err != nil || len(all) != 13 {
		t.Errorf("%d members, %v: an account was made", len(all), err)
	}

	// What brings one in works once, and only in the browser that went.
	x, y := w.browser(t), w.browser(t)
	back := p.SignIn(t, x.toProvider("/sign-in"), "rae")
	y.toProvider("/sign-in")
	y.follow(y.comeBack(back)).says(t, "The provider of single sign-on has not vouched for you.")
	w.browser(t).get(back.RequestURI()).is(t, http.StatusSeeOther)
	x.follow(x.comeBack(back)).says(t, "Who is calling?")
	z := w.browser(t)
	z.get("/sign-in")
	z.follow(z.comeBack(back)).says(t, "That has taken too long, or was done already.")
	late := w.browser(t)
	back = p.SignIn(t, late.toProvider("/sign-in"), "rae")
	w.clock.pass(11 * time.Minute)
	late.follow(late.comeBack(back)).says(t, "That has taken too long, or was done already.")
	refused := w.browser(t)
	refused.toProvider("/sign-in")
	refused.follow(refused.get("/sign-in/sso/back?error=access_denied&error_description=<script>hit=1</script>")).says(t, "The provider of single sign-on has not vouched for you.")

	// Nobody is sent to the provider by a link of somebody else.
	w.browser(t).get("/sign-in/sso?back=/").is(t, http.StatusForbidden)

	must(t, w.Staff.Disable(t.Context(), w.people["rae@carrier.example"], "test"))
	b.get("/rules").is(t, http.StatusSeeOther)
	b = w.browser(t)
	b.follow(b.comeBack(p.SignIn(t, b.toProvider("/sign-in"), "rae"))).says(t, "No account here belongs")

	p.Stop()
	down := w.browser(t)
	back, err := url.Parse(down.toProvider("/sign-in")) // what it said of itself is known
	must(t, err)
	down.follow(down.get("/sign-in/sso/back?code=x&state="+url.QueryEscape(back.Query().Get("state")))).says(t, "The provider of single sign-on does not answer.", "Sign in another way if you have a password or a passkey here.")
}

// A provider that has seen one factor leaves the second to us.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestSingleSignOnWithOurSecondFactor(t *testing.T) {
	w := secured(t)
	w.member(staff.Member{Login: "rae@carrier.example", Name: "Rae Porter", Role: cpni.RoleAgent, Trained: w.clock.Now()})
	p := w.singleSignOn(t, false, ssotest.Person{Subject: "s-1", Name: "rae", Email: "rae@carrier.example", Verified: true})
	b := w.browser(t)
	page := b.follow(b.comeBack(p.SignIn(t, b.toProvider("/sign-in"), "rae")))
	page.says(t, "Set up a second factor")
	key := page.key(t)
	b.post("/sign-in/enrol", "token", page.value("token"), "back", "/", "code", w.shows(t, key)).is(t, http.StatusOK)
	w.clock.pass(time.Minute)
	b = w.browser(t)
	page = b.follow(b.comeBack(p.SignIn(t, b.toProvider("/sign-in"), "rae")))
	page.says(t, "Second step")
	b.follow(b.post("/sign-in/second", "token", page.value("token"), "back", "/", "code", w.shows(t, key))).says(t, "Who is calling?")
}
