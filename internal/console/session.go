package console

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// recognise finds out who is there. A session that has ended is taken away from the browser.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) recognise() error {
	secret := v.cookie(sessionCookie)
	if secret == "" {
		return nil
	}
	m, err := v.office.Staff.Session(v.r.Context(), secret)
	if errors.Is(err, staff.ErrSignIn) {
		v.setCookie(sessionCookie, "", 0)
		return nil
	}
	if err != nil {
		return err
	}
	v.session, v.member = secret, m
	return nil
}

// toSignIn sends who is not signed in to the sign-in, and from there to where they wanted to go.
func (v *visit) toSignIn(p place) error {
	back := v.r.URL.Path
	switch {
	case v.posts():
		back = v.homeOf(p)
	case v.r.URL.RawQuery != "" && back != "/desk": // there it is a telephone number
		back += "?" + v.r.URL.RawQuery
	}
	address := "/sign-in"
	if back != "/" && localPath(back) {
		address += "?back=" + url.QueryEscape(back)
	}
	if v.cookie(sessionCookie) == "" {
		return v.goTo(address)
	}
	note := "Your session has ended. Sign in to go on."
	if v.posts() {
		note = "Your session had ended, so nothing was done. Sign in to go on."
	}
	return v.leave(flash{For: "/sign-in", Note: note}, address)
}

// localPath reports whether an address leads nowhere but to a page of ours.
func localPath(address string) bool {
	if len(address) > 300 || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.ContainsAny(address, "\\\t\r\n") {
		return false
	}
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && strings.HasPrefix(u.Path, "/") && !strings.HasPrefix(u.Path, "//") &&
		!strings.HasPrefix(u.Path, "/sign-")
}

// wanted is where to go after signing in.
func wanted(back string) string {
	if localPath(back) {
		return back
	}
	return "/"
}

// signInView is the sign-in.
type signInView struct {
	page
	Back string
}

func (v *visit) signInPage() error {
	back := wanted(v.r.URL.Query().Get("back"))
	if v.member != nil {
		return v.goTo(back)
	}
	door := v.cookie(doorCookie)
	if !cpni.ID(door).Valid() {
		door = string(cpni.NewID())
		v.setCookie(doorCookie, door, 0)
	}
	p := v.page("Sign in", "")
	p.Token = v.seal.mark("sign-in", door)
	return v.show(http.StatusOK, signInPage(signInView{p, back}))
}

// signIn begins a session. Whether there is such a person is told neither by the answer nor by its time.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) signIn() error {
	door := v.cookie(doorCookie)
	if !cpni.ID(door).Valid() || !v.seal.holds(v.form.Get("token"), "sign-in", door) {
		return errForged
	}
	ctx := v.r.Context()
	back := wanted(v.form.Get("back"))
	secret, err := v.office.Staff.SignInFrom(ctx, v.field("name"), v.form.Get("password"), v.source())
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		v.session = "" // what is left is for who is not signed in
		return v.leave(flash{For: "/sign-in", Refusal: refusal}, "/sign-in?back="+url.QueryEscape(back))
	}
	if err != nil {
		return err
	}
	if v.session != "" {
		if err := v.office.Staff.SignOut(ctx, v.session); err != nil {
			return err
		}
	}
	v.setCookie(sessionCookie, secret, 0)
	v.setCookie(doorCookie, "", 0)
	return v.goTo(back)
}

// source is where attempts to sign in come from.
func (v *visit) source() string {
	host, _, err := net.SplitHostPort(v.r.RemoteAddr)
	if err != nil {
		return v.r.RemoteAddr
	}
	return host
}

func (v *visit) signOut() error {
	if v.session != "" {
		if !v.seal.holds(v.form.Get("token"), "form", v.session) {
			return errForged
		}
		if err := v.office.Staff.SignOut(v.r.Context(), v.session); err != nil {
			return err
		}
	}
	v.session = ""
	v.setCookie(sessionCookie, "", 0)
	v.setCookie(atCookie, "", 0)
	return v.leave(flash{For: "/sign-in", Note: "You are signed out."}, "/sign-in")
}

// start is the page with which a person's work begins.
func (v *visit) start() error {
	switch {
	case v.member.May(staff.Watch):
		return v.goTo("/home")
	case v.member.May(staff.See):
		return v.goTo("/desk")
	case v.member.May(staff.ReadRecords):
		return v.goTo("/records")
	}
	return v.goTo("/me")
}
