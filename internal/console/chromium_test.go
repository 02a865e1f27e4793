package console

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/visitor/browsertest"
)

// chromium is a real browser with scripts, in which a test presses keys.
type chromium struct {
	t   testing.TB
	ctx context.Context
	at  string // of the server
}

// chromium starts a browser with an empty profile. It ends with the test.
func (w *world) chromium(t testing.TB) *chromium {
	t.Helper()
	c := &chromium{t: t, ctx: browsertest.Chromium(t, "en-GB"), at: w.server.URL}
	c.look(1280, 900, 1, "light")
	return c
}

func (c *chromium) do(steps ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	must(c.t, chromedp.Do(c.ctx, steps...))
}

// look sets the size of the window in CSS pixels, how many of the screen's make one, and the colour scheme.
func (c *chromium) look(width, height int64, scale float64, scheme string) {
	c.t.Helper()
	c.do(chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)))
	_, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	must(c.t, err)
}

// evaluate runs a script in the page.
func evaluate[T any](c *chromium, script string, options ...chromedp.EvaluateOption) T {
	c.t.Helper()
	v, err := chromedp.Run(c.ctx, chromedp.Evaluate[T](script, options...))
	if err != nil {
		c.t.Fatalf("%.80s: %v", script, err)
	}
	return v
}

// goTo shows a page.
func (c *chromium) goTo(path string) {
	c.t.Helper()
	c.do(chromedp.Navigate(c.at + path))
}

// press presses keys, one after the other.
func (c *chromium) press(keys ...string) {
	c.t.Helper()
	for _, k := range keys {
		c.do(chromedp.KeyEvent(k))
	}
}

// alt presses a key with Alt.
func (c *chromium) alt(key string) {
	c.t.Helper()
	c.do(chromedp.KeyEvent(key, chromedp.KeyModifiers(chromedp.ModifierAlt)))
}

// settled is the text of a page that has loaded and has given the focus to what asks for it, else nothing: a browser may
// draw a page, and take keys, a moment before it moves the focus.
const settled = `(() => {
	const focus = document.querySelector("[autofocus]");
	const waits = focus && document.activeElement === document.body && !document.querySelector(":target");
	return document.readyState === "complete" && !waits ? document.body.innerText.replace(/\s+/g, " ") : "";
})()`

// sees waits until the page says all of it.
func (c *chromium) sees(all ...string) {
	c.t.Helper()
	var page string
	if !browsertest.Until(func() bool {
		var err error
		page, err = chromedp.Run(c.ctx, chromedp.Evaluate[string](settled))
		return err == nil && browsertest.Says(page, all...) // an error: it is on its way to another page
	}) {
		c.t.Fatalf("the page does not say %q; it says:\n%s", all, page)
	}
}

// focused is the name of what has the focus: its id, or its text.
const focused = `(e => e.id || (e.getAttribute("name") ? e.name + "=" + e.value : e.innerText.trim()))(document.activeElement)`

// focused names what has the focus.
func (c *chromium) focused() string {
	c.t.Helper()
	return evaluate[string](c, focused)
}

// tabTo presses Tab until what is wanted has the focus.
func (c *chromium) tabTo(want string) {
	c.t.Helper()
	var seen []string
	for range 60 {
		if got := c.focused(); got == want {
			return
		} else {
			seen = append(seen, got)
		}
		c.press(kb.Tab)
	}
	c.t.Fatalf("Tab does not lead to %q, but to %q", want, seen)
}

// hasFocus waits until this has the focus.
func (c *chromium) hasFocus(want string) {
	c.t.Helper()
	var got string
	if !browsertest.Until(func() bool {
		var err error
		got, err = chromedp.Run(c.ctx, chromedp.Evaluate[string](focused))
		return err == nil && got == want
	}) {
		c.t.Fatalf("the focus is on %q, want %q", got, want)
	}
}

// signIn signs in by the keys.
func (c *chromium) signIn(login string) {
	c.t.Helper()
	c.goTo("/")
	c.sees("Sign in to the desk")
	c.hasFocus("name")
	c.press(login, kb.Tab, password, kb.Enter)
}

// takeOver gives the browser the session of another.
func (c *chromium) takeOver(b *browser) {
	c.t.Helper()
	at, err := url.Parse(c.at)
	must(c.t, err)
	for _, k := range b.client.Jar.Cookies(at) {
		only := true
		_, err := chromedp.Call(c.ctx, network.SetCookie, network.SetCookieParams{Name: k.Name, Value: k.Value, URL: c.at, Path: "/", HTTPOnly: &only, SameSite: network.CookieSameSiteLax})
		must(c.t, err)
	}
}

// wide reports by how many pixels the page is wider than the window.
func (c *chromium) wide() int {
	c.t.Helper()
	return evaluate[int](c, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
}

// violations has axe look at the page, by all of its rules or, where some are named, by those.
func (c *chromium) violations(rules ...string) []string {
	c.t.Helper()
	return browsertest.Violations(c.ctx, c.t, rules...)
}

// views are the windows in which every page has to be whole.
var views = []struct {
	what          string
	width, height int64
	scale         float64
	scheme        string
	axe           bool
	rules         []string // by which axe looks; none: by all
}{{"on a desk", 1280, 900, 1, "light", true, nil}, {"in the dark", 1280, 900, 1, "dark", true, browsertest.Colours}, {"on a telephone", 400, 850, 1, "light", true, nil},
	{"at 200 %", 640, 450, 2, "light", false, nil}}

// isSound fails unless a page fits every window and axe finds nothing to complain of, and keeps a picture of each. Where path
// is "" it is the page that the browser shows.
func (c *chromium) isSound(what, path string) {
	c.t.Helper()
	if path != "" {
		c.goTo(path)
	}
	for _, view := range views {
		c.look(view.width, view.height, view.scale, view.scheme)
		if over := c.wide(); over > 0 {
			c.t.Errorf("%s %s: %d pixels wider than the window", what, view.what, over)
		}
		if view.axe {
			for _, v := range c.violations(view.rules...) {
				c.t.Errorf("%s %s: %s", what, view.what, v)
			}
		}
		c.picture(what + " " + view.what)
	}
}

// ids stand in addresses, and would make the name of a picture another each time.
var ids = regexp.MustCompile(`[0-9A-Za-z_-]{26,}`)

// picture keeps what the browser shows, where pictures are wanted.
func (c *chromium) picture(what string) {
	c.t.Helper()
	browsertest.Picture(c.ctx, c.t, "../..", strings.Trim(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, strings.ToLower(ids.ReplaceAllString(what, "id"))), "-"))
}
