package console

import (
	"errors"
	"net/url"
	"strings"

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
		!strings.HasPrefix(u.Path, "/sign-") && !strings.HasPrefix(u.Path, "/join") && !strings.HasPrefix(u.Path, "/set-up")
}

// wanted is where to go after signing in.
func wanted(back string) string {
	if localPath(back) {
		return back
	}
	return "/"
}

func (v *visit) signOut() error {
	if step := v.cookie(stepCookie); step != "" && v.seal.holds(v.form.Get("token"), "step", step) {
		v.setCookie(stepCookie, "", 0)
		if err := v.office.Staff.Abandon(v.r.Context(), step); err != nil {
			return err
		}
		return v.goTo("/sign-in")
	}
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
	v.setCookie(stepCookie, "", 0)
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
	case v.member.May(staff.KeepStaff):
		return v.goTo("/staff")
	case v.member.May(staff.Market):
		return v.goTo("/campaigns")
	}
	return v.goTo("/me")
}
