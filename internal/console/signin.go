package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/staff/sso"
	"ringfence/internal/visitor"
)

func signInPlaces() []place {
	return []place{
		{pattern: "/sign-in", open: true, get: (*visit).signInPage, post: (*visit).signIn},
		{pattern: "/sign-in/second", open: true, get: (*visit).secondPage, post: (*visit).second},
		{pattern: "/sign-in/second/passkey", open: true, post: (*visit).secondPasskey, home: "/sign-in/second"},
		{pattern: "/sign-in/enrol", open: true, get: (*visit).enrolPage, post: (*visit).enrol},
		{pattern: "/sign-in/enrol/passkey", open: true, post: (*visit).enrolPasskey, home: "/sign-in/enrol"},
		{pattern: "/sign-in/passkey", open: true, get: (*visit).passkeyPage, post: (*visit).passkey},
		{pattern: "/sign-in/sso", open: true, get: (*visit).toProvider},
		{pattern: "/sign-in/sso/back", open: true, get: (*visit).fromProvider},
		{pattern: "/sign-out", open: true, post: (*visit).signOut, home: "/"},
		{pattern: "/join", open: true, get: (*visit).joinPage, post: (*visit).join},
		{pattern: "/join/{secret}", open: true, get: (*visit).invited},
		{pattern: "/set-up", open: true, get: (*visit).setUpPage, post: (*visit).setUp},
		{pattern: "/set-up/{secret}", open: true, get: (*visit).invited},
	}
}

// signInView is the sign-in.
type signInView struct {
	page
	Back          string
	Site          bool   // passkeys work here
	Provider      string // the name of the provider of single sign-on; "": there is none
	ToProvider    string // the address that leads there
	Demonstration bool
	Empty         bool // nobody works here yet
}

// door gives the random word of this browser to which the forms are bound of who is not signed in.
func (v *visit) door() string {
	door := v.cookie(doorCookie)
	if !cpni.ID(door).Valid() {
		door = string(cpni.NewID())
		v.setCookie(doorCookie, door, 0)
	}
	return door
}

// atDoor gives the word when the form was made for this browser and this use.
func (v *visit) atDoor(use, token string) (string, error) {
	door := v.cookie(doorCookie)
	if !cpni.ID(door).Valid() || !v.seal.holds(token, use, door) {
		return "", errForged
	}
	return door, nil
}

func (v *visit) signInPage() error {
	back := wanted(v.r.URL.Query().Get("back"))
	if v.member != nil {
		return v.goTo(back)
	}
	door := v.door()
	p := v.page("Sign in", "")
	p.Token = v.seal.mark("sign-in", door)
	view := signInView{page: p, Back: back, Demonstration: v.options.Demonstration}
	_, view.Site = v.site()
	if v.options.SSO != nil {
		view.Provider = v.options.SSOName
		view.ToProvider = "/sign-in/sso?" + url.Values{"back": {back}, "token": {v.seal.mark("sso", door)}}.Encode()
	}
	var err error
	if view.Empty, err = v.office.Staff.Empty(v.r.Context()); err != nil {
		return err
	}
	return v.show(http.StatusOK, signInPage(view))
}

// signIn takes the first step. Whether there is such a person is told neither by the answer nor by its time.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) signIn() error {
	if _, err := v.atDoor("sign-in", v.form.Get("token")); err != nil {
		return err
	}
	back := wanted(v.form.Get("back"))
	step, err := v.office.Staff.CheckPassword(v.r.Context(), v.field("name"), v.form.Get("password"), v.from())
	return v.further(step, err, "/sign-in", back)
}

// further goes where a step of a sign-in leads: in, on, or back to the page that it came from.
func (v *visit) further(step staff.Step, err error, from, back string) error {
	query := "?back=" + url.QueryEscape(back)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		if refusal.Code == staff.ErrOver.Code {
			from = "/sign-in"
			v.setCookie(stepCookie, "", 0)
		}
		v.session = "" // what is left is for who is not signed in
		return v.leave(flash{For: from, Refusal: refusal}, from+query)
	}
	if err != nil {
		return err
	}
	if step.Session != "" {
		if err := v.begin(step.Session); err != nil {
			return err
		}
		return v.goTo(back)
	}
	v.setCookie(stepCookie, step.Pending, 0)
	v.setCookie(inviteCookie, "", 0)
	if step.Enrol {
		return v.goTo("/sign-in/enrol" + query)
	}
	return v.goTo("/sign-in/second" + query)
}

// begin gives the browser a session that has begun, in place of what it had.
func (v *visit) begin(session string) error {
	if v.session != "" {
		if err := v.office.Staff.SignOut(v.r.Context(), v.session); err != nil {
			return err
		}
	}
	v.setCookie(sessionCookie, session, 0)
	for _, name := range []string{doorCookie, stepCookie, inviteCookie} {
		v.setCookie(name, "", 0)
	}
	v.session = session
	return nil
}

// secondView is the second step of a sign-in.
type secondView struct {
	page
	Back     string
	TOTP     bool
	Recovery int
	Ask      string // what the browser is asked for a passkey; "": none
}

// secondPage asks for the second factor.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) secondPage() error {
	back := wanted(v.r.URL.Query().Get("back"))
	secret := v.cookie(stepCookie)
	a, err := v.office.Staff.Pending(v.r.Context(), secret)
	if err != nil {
		return v.further(staff.Step{}, err, "/sign-in", back)
	}
	if a.Enrol {
		return v.goTo("/sign-in/enrol?back=" + url.QueryEscape(back))
	}
	v.door()
	p := v.page("Second step", "")
	p.Token = v.seal.mark("step", secret)
	view := secondView{page: p, Back: back, TOTP: a.TOTP, Recovery: a.Recovery}
	if site, ok := v.site(); ok && a.Passkey {
		ask, err := v.office.Staff.AskPasskey(v.r.Context(), secret, site)
		if err != nil {
			return v.further(staff.Step{}, err, "/sign-in", back)
		}
		view.Ask, view.Passkeys = string(ask), v.assets[visitor.PasskeyScript].address
	}
	return v.show(http.StatusOK, secondPage(view))
}

// step gives the secret of the sign-in for which the form was made.
func (v *visit) step() (string, error) {
	secret := v.cookie(stepCookie)
	if secret == "" || !v.seal.holds(v.form.Get("token"), "step", secret) {
		return "", errForged
	}
	return secret, nil
}

func (v *visit) second() error {
	secret, err := v.step()
	if err != nil {
		return err
	}
	step, err := v.office.Staff.CheckCode(v.r.Context(), secret, v.form.Get("code"), v.from())
	return v.further(step, err, "/sign-in/second", wanted(v.form.Get("back")))
}

func (v *visit) secondPasskey() error {
	secret, err := v.step()
	if err != nil {
		return err
	}
	site, ok := v.site()
	if !ok {
		return errNoSite
	}
	step, err := v.office.Staff.CheckPasskey(v.r.Context(), secret, site, []byte(v.form.Get(passkeyField)), v.from())
	return v.further(step, err, "/sign-in/second", wanted(v.form.Get("back")))
}

// site is where browsers meet this console, for passkeys; ok is false where they cannot work: they need a name, and
// without one that is configured only localhost has one.
func (v *visit) site() (site staff.Site, ok bool) {
	site.Name = v.options.Carrier
	if v.options.Address != "" {
		u, err := url.Parse(v.options.Address)
		if err != nil {
			return site, false
		}
		site.ID, site.Origin = u.Hostname(), u.Scheme+"://"+u.Host
		return site, true
	}
	host, _, _ := strings.Cut(v.r.Host, ":")
	if host != "localhost" {
		return site, false
	}
	site.ID, site.Origin = host, "http://"+v.r.Host
	return site, true
}

var errNoSite = faulty(http.StatusConflict, "Not possible", "CONFIG", "passkeys work only under the name that this server is configured with", []string{"P-37"}, "reach it under that name", "or sign in another way")

// passkeyView is the sign-in with nothing but a passkey.
type passkeyView struct {
	page
	Back, Ask string
}

// passkeyPage asks for a passkey of whoever is there.
func (v *visit) passkeyPage() error {
	back := wanted(v.r.URL.Query().Get("back"))
	if v.member != nil {
		return v.goTo(back)
	}
	site, ok := v.site()
	if !ok {
		return errNoSite
	}
	door := v.door()
	ask, err := v.office.Staff.AskAnyPasskey(v.r.Context(), door, site)
	if err != nil {
		return err
	}
	p := v.page("Sign in with a passkey", "")
	p.Token, p.Passkeys = v.seal.mark("passkey", door), v.assets[visitor.PasskeyScript].address
	return v.show(http.StatusOK, passkeyPage(passkeyView{p, back, string(ask)}))
}

func (v *visit) passkey() error {
	door, err := v.atDoor("passkey", v.form.Get("token"))
	if err != nil {
		return err
	}
	site, ok := v.site()
	if !ok {
		return errNoSite
	}
	step, err := v.office.Staff.CheckAnyPasskey(v.r.Context(), door, site, []byte(v.form.Get(passkeyField)), v.from())
	return v.further(step, err, "/sign-in/passkey", wanted(v.form.Get("back")))
}

// toProvider sends somebody to the provider of single sign-on.
func (v *visit) toProvider() error {
	q := v.r.URL.Query()
	if v.options.SSO == nil {
		return errNowhere
	}
	door, err := v.atDoor("sso", q.Get("token"))
	if err != nil {
		return err
	}
	back := wanted(q.Get("back"))
	address, trip, err := v.options.SSO.Begin(v.r.Context(), back)
	if err != nil {
		return v.further(staff.Step{}, err, "/sign-in", back)
	}
	plain, err := json.Marshal(trip)
	if err != nil {
		return err
	}
	if err := v.office.Staff.KeepTrip(v.r.Context(), door, plain); err != nil {
		return err
	}
	return v.goTo(address)
}

// fromProvider takes in who comes back from the provider. What they bring counts once, in the browser that went.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) fromProvider() error {
	if v.options.SSO == nil {
		return errNowhere
	}
	ctx := v.r.Context()
	plain, err := v.office.Staff.TakeTrip(ctx, v.door())
	if err != nil {
		return v.further(staff.Step{}, err, "/sign-in", "/")
	}
	var trip sso.Trip
	if err := json.Unmarshal(plain, &trip); err != nil {
		return err
	}
	back := wanted(trip.Back)
	who, err := v.options.SSO.Finish(ctx, trip, v.r.URL.Query())
	if err != nil {
		return v.further(staff.Step{}, err, "/sign-in", back)
	}
	step, err := v.office.Staff.SignInAs(ctx, who, v.from())
	return v.further(step, err, "/sign-in", back)
}
