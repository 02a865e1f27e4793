package console

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Everybody finds every section to which they may come at the top of each page, once, and none that turns them away; where there are
// many they stand behind the titles of their groups.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestSections(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		login string
		menus int
		has   []string
		lacks []string
	}{
		{"agent", 0, []string{"/desk", "/desks", "/written"}, []string{"/campaigns", "/process"}},
		{"marketing", 0, []string{"/campaigns", "/exports", "/figures", "/registers"}, []string{"/process", "/records"}},
		{"supervisor", 5, []string{"/campaigns", "/partners", "/directories"}, []string{"/process", "/staff"}},
		{"compliance", 5, []string{"/process", "/partners", "/registers", "/proposals"}, []string{"/figures", "/staff"}},
	} {
		b := w.signedIn(t, c.login)
		top, _, _ := strings.Cut(b.get("/me").is(t, http.StatusOK).page, "</nav>")
		if n := strings.Count(top, `<details name="sections">`); n != c.menus {
			t.Errorf("%s has %d menus, want %d", c.login, n, c.menus)
		}
		for _, g := range sections {
			for _, s := range g.pages {
				n := strings.Count(top, `href="`+s.address+`"`)
				if n > 1 || (n == 1) != (b.get(s.address).StatusCode == http.StatusOK) {
					t.Errorf("%s has the section %s %d times", c.login, s.address, n)
				}
			}
		}
		for _, address := range c.has {
			if !strings.Contains(top, `href="`+address+`"`) {
				t.Errorf("%s lacks the section %s", c.login, address)
			}
		}
		for _, address := range c.lacks {
			if strings.Contains(top, `href="`+address+`"`) {
				t.Errorf("%s has the section %s", c.login, address)
			}
		}
	}
}

// A menu of sections opens, leads on and closes by keys, opens without scripts, and is whole in every window.
func TestSectionsByKeys(t *testing.T) {
	w := newWorld(t)
	c := w.chromium(t)
	c.takeOver(w.signedIn(t, "compliance"))
	c.goTo("/rules")
	c.tabTo("Others who ask")
	c.press(kb.Enter)
	c.tabTo("Legal process")
	c.press(kb.Escape)
	c.hasFocus("Others who ask")
	if n := evaluate[int](c, `document.querySelectorAll("nav details[open]").length`); n != 0 {
		t.Errorf("%d menus are open after Escape", n)
	}
	c.alt("d")
	c.hasFocus("Desks")
	for _, view := range views {
		c.look(view.width, view.height, view.scale, view.scheme)
		for _, v := range c.violations() {
			t.Errorf("a menu %s: %s", view.what, v)
		}
		if over := c.wide(); over > 0 {
			t.Errorf("a menu %s makes the page %d pixels wider than the window", view.what, over)
		}
		c.picture("a menu " + view.what)
	}
	_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	must(t, err)
	c.goTo("/rules")
	c.tabTo("Marketing")
	c.press(kb.Enter)
	c.tabTo("Campaigns")
	c.press(kb.Enter)
	c.sees("Nothing goes before somebody else has approved it.")
	if got := evaluate[string](c, `document.querySelector("nav summary[aria-current]").innerText`); got != "Marketing" {
		t.Errorf("the page is marked as one of %q", got)
	}
}
