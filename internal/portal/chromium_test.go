package portal_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"ringfence/internal/visitor/browsertest"
)

// chromium is a real browser.
type chromium struct {
	t   testing.TB
	ctx context.Context
	at  string // of the server
	off bool   // pages run no scripts
}

// chromium starts a browser with an empty profile. It ends with the test.
func (s *site) chromium() *chromium {
	s.t.Helper()
	c := &chromium{t: s.t, ctx: browsertest.Chromium(s.t, "en-US"), at: s.at}
	c.look(views[0])
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *chromium) do(steps ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	must(c.t, chromedp.Do(c.ctx, steps...))
}

// view is a window in which every page has to be whole.
type view struct {
	what          string
	width, height int64
	scheme        string
}

var views = []view{{"desk", 1280, 900, "light"}, {"dark", 1280, 900, "dark"}, {"phone", 375, 812, "light"}}

func (c *chromium) look(v view) {
	c.t.Helper()
	c.do(chromedp.EmulateViewport(v.width, v.height, chromedp.EmulateScale(1)))
	_, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	must(c.t, err)
}

// scripts turns the page's own scripts on or off.
func (c *chromium) scripts(on bool) {
	c.t.Helper()
	c.off = !on
	_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
	must(c.t, err)
}

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

// evaluate runs a script in the page.
func evaluate[T any](c *chromium, script string, options ...chromedp.EvaluateOption) T {
	c.t.Helper()
	v, err := chromedp.Run(c.ctx, chromedp.Evaluate[T](script, options...))
	if err != nil {
		c.t.Fatalf("%.80s: %v", script, err)
	}
	return v
}

func (c *chromium) goTo(path string) {
	c.t.Helper()
	c.do(chromedp.Navigate(c.at + path))
}

// fill writes into a field, and click presses what is found by a selector.
func (c *chromium) fill(id, text string) {
	c.t.Helper()
	c.do(chromedp.SetValue("#"+id, text))
}

func (c *chromium) click(selector string) {
	c.t.Helper()
	c.do(chromedp.Click(selector))
}

// sees waits until the page says all of it.
func (c *chromium) sees(all ...string) {
	c.t.Helper()
	var page string
	if !browsertest.Until(func() bool {
		var err error
		page, err = chromedp.Run(c.ctx, chromedp.Evaluate[string](`document.readyState === "complete" ? document.body.innerText.replace(/\s+/g, " ") : ""`))
		return err == nil && browsertest.Says(page, all...) // an error: it is on its way to another page
	}) {
		c.t.Fatalf("the page does not say %q; it says:\n%s", all, page)
	}
}

// isSound fails unless the page that is shown fits every window and axe finds nothing to complain of, and keeps pictures.
func (c *chromium) isSound(what string) {
	c.t.Helper()
	if c.off { // axe is a script; the page has been made without
		c.scripts(true)
		defer c.scripts(false)
	}
	for _, v := range views {
		c.look(v)
		if over := evaluate[int](c, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
			c.t.Errorf("%s, %s: %d pixels wider than the window", what, v.what, over)
		}
		var rules []string
		if v.scheme == "dark" {
			rules = browsertest.Colours
		}
		for _, x := range browsertest.Violations(c.ctx, c.t, rules...) {
			c.t.Errorf("%s, %s: %s", what, v.what, x)
		}
		c.picture(what + " " + v.what)
	}
	c.look(views[0])
	if evaluate[bool](c, `typeof hit !== "undefined"`) {
		c.t.Errorf("%s: a script has run", what)
	}
}

// picture keeps what the browser shows, where pictures are wanted.
func (c *chromium) picture(what string) {
	c.t.Helper()
	browsertest.Picture(c.ctx, c.t, "../..", "portal-"+strings.ReplaceAll(what, " ", "-"))
}
