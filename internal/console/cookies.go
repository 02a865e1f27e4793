package console

import (
	"net/http"
	"time"
)

// The cookies. None can be read by scripts, and none is sent with what another site's page posts.
const (
	sessionCookie = "ringfence"       // the secret of the session
	doorCookie    = "ringfence-door"  // a random word to which the token of the sign-in form is bound
	stepCookie    = "ringfence-step"  // the secret of a sign-in that goes on
	inviteCookie  = "ringfence-join"  // the secret of an invitation that is being taken
	flashCookie   = "ringfence-flash" // what the next page is to say
	keysCookie    = "ringfence-keys"  // off: no single keys
	atCookie      = "ringfence-at"    // the id of the contact that was opened last
)

// cookieName gives a cookie's name. Where people come by HTTPS it bears the prefix that keeps other hosts of the
// domain from setting it.
func (c *Console) cookieName(name string) string {
	if c.options.Secure {
		return "__Host-" + name
	}
	return name
}

// cookie gives a cookie's value, "" without one.
func (v *visit) cookie(name string) string {
	c, err := v.r.Cookie(v.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie gives the browser a cookie that it keeps for life, or until it is closed when life is 0. An empty value takes
// it away.
func (v *visit) setCookie(name, value string, life time.Duration) {
	c := &http.Cookie{Name: v.cookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: v.options.Secure, SameSite: http.SameSiteLaxMode, MaxAge: int(life / time.Second)}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(v.w, c)
}
