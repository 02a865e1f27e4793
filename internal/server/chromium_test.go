package server

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"ringfence/internal/visitor/browsertest"
)

// chromium starts a browser with an empty profile, in which several people have a window each. It ends with the test.
func chromium(t *testing.T) context.Context {
	t.Helper()
	ctx := browsertest.Chromium(t, "en-US")
	must(t, chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// person is somebody with a browser of their own, who reads what pages say and presses what can be pressed on them.
type person struct {
	t   *testing.T
	ctx context.Context
	at  string // of the server
}

// person gives somebody a browser with cookies of its own.
func newPerson(t *testing.T, browser context.Context, at string) *person {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	p := &person{t, ctx, at}
	p.look(1280, 900)
	return p
}

// look sets the size of the window.
func (p *person) look(width, height int64) {
	p.t.Helper()
	must(p.t, chromedp.Do(p.ctx, chromedp.EmulateViewport(width, height, chromedp.EmulateScale(1))))
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	must(p.t, err)
}

func (p *person) goTo(path string) {
	p.t.Helper()
	must(p.t, chromedp.Do(p.ctx, chromedp.Navigate(p.at+path)))
}

// reads gives what the page says, on one line; "" while it is on its way to another.
func (p *person) reads() string {
	page, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.readyState === "complete" ? document.body.innerText.replace(/\s+/g, " ") : ""`))
	if err != nil {
		return ""
	}
	return page
}

// sees waits until the page says all of it.
func (p *person) sees(all ...string) {
	p.t.Helper()
	p.watches(func() {}, all...)
}

// again looks again at a page of something that goes on until it says all of it.
func (p *person) again(all ...string) {
	p.t.Helper()
	p.watches(func() { p.press("Look again") }, all...)
}

// watches does something as long as a page does not say all of it.
func (p *person) watches(do func(), all ...string) {
	p.t.Helper()
	page := ""
	if !browsertest.Until(func() bool {
		now := p.reads()
		if now == "" {
			return false
		}
		page = now
		if browsertest.Says(page, all...) {
			return true
		}
		do()
		return false
	}) {
		p.t.Fatalf("the page does not say %q; it says:\n%s", all, page)
	}
}

// lacks fails when the page says one of it.
func (p *person) lacks(all ...string) {
	p.t.Helper()
	page := p.reads()
	for _, s := range all {
		if page == "" || strings.Contains(page, s) {
			p.t.Errorf("the page should not say %q; it says:\n%s", s, page)
		}
	}
}

// finds has scripts find the elements of a page as people call them: by their words without the hints, under a heading.
const finds = `
	const named = e => { const c = e.cloneNode(true); c.querySelectorAll("small, .unseen, .quiet").forEach(x => x.remove()); return c.textContent.replace(/\s+/g, " ").trim(); };
	const shown = e => e.checkVisibility();
	const within = part => part === "" ? document : [...document.querySelectorAll("fieldset, section, li, .card, main, header")].filter(shown).findLast(e => { const h = e.querySelector("legend, h1, h2, h3"); return h && named(h) === part; });
	const called = (part, what, text) => { const root = within(part); return root && [...root.querySelectorAll(what)].filter(shown).find(e => named(e) === text); };
	const click = e => {
		if (!e) { return false; }
		e.scrollIntoView({block: "center"});
		const r = e.getClientRects()[0], at = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
		if (!at || !e.contains(at) && !at.contains(e)) { return false; }
		e.click();
		return true;
	};
	const fill = (e, text) => {
		if (!e) { return false; }
		if (e.tagName === "SELECT") { text = [...e.options].find(o => o.text.startsWith(text))?.value; }
		e.focus();
		e.value = text;
		e.dispatchEvent(new Event("input", {bubbles: true}));
		e.dispatchEvent(new Event("change", {bubbles: true}));
		return text !== undefined && e.value === text;
	};
`

func evaluate[T any](p *person, script string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		p.t.Fatalf("%.80s: %v", script, err)
	}
	return v
}

func quoted(s string) string {
	text, _ := json.Marshal(s) // a string can always be written
	return string(text)
}

// does fails unless a script can do what it is to do on the page.
func (p *person) does(what, script string) {
	p.t.Helper()
	if !evaluate[bool](p, `(() => {`+finds+`return `+script+`; })()`) {
		p.t.Fatalf("%s: the page has nothing with which that can be done; it says:\n%s", what, p.reads())
	}
}

// press presses the button or follows the link of this name, and waits for the page to which that leads.
func (p *person) press(text string) {
	p.t.Helper()
	p.pressIn("", text)
}

// section goes to a page to which the top of every page leads, which may stand behind the title of its group.
func (p *person) section(group, page string) {
	p.t.Helper()
	g := quoted(group)
	p.does("opening "+group, `(!called("", "summary", `+g+`) || click(called("", "summary", `+g+`)))`)
	p.press(page)
}

// pressIn does so in the part of the page with this heading.
func (p *person) pressIn(part, text string) {
	p.t.Helper()
	p.does("pressing "+text, `(document.body.dataset.old = "yes", click(called(`+quoted(part)+`, "button, a", `+quoted(text)+`)))`)
	if !browsertest.Until(func() bool {
		fresh, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](`document.readyState === "complete" && !document.body.dataset.old`))
		return err == nil && fresh
	}) {
		p.t.Fatalf("pressing %s leads nowhere; the page says:\n%s", text, p.reads())
	}
}

// pick ticks a box or chooses one of several, in the part of the page with this heading.
func (p *person) pick(part, text string) {
	p.t.Helper()
	p.does("choosing "+text, `click(called(`+quoted(part)+`, "label.pick, .checks label", `+quoted(text)+`))`)
}

// fill writes into the field of this label; of a list it chooses what begins with the text.
func (p *person) fill(label, text string) {
	p.t.Helper()
	p.does("filling in "+label, `fill((l => l && document.getElementById(l.htmlFor))(called("", "label[for]", `+quoted(label)+`)), `+quoted(text)+`)`)
}

// number gives a figure that stands beside a word, and -1 where there is none.
func (p *person) number(of string) int {
	p.t.Helper()
	return evaluate[int](p, `(dt => dt ? Number(dt.nextElementSibling.innerText.replaceAll(",", "")) : -1)([...document.querySelectorAll("dt")].find(e => e.innerText.trim() === `+quoted(of)+`))`)
}

// table gives the cells of the table in the part with this heading, row by row.
func (p *person) table(heading string) [][]string {
	p.t.Helper()
	return evaluate[[][]string](p, `(() => { const h = [...document.querySelectorAll("h2, h3")].find(e => e.innerText.trim() === `+quoted(heading)+`);
		const table = h && [...document.querySelectorAll("table")].find(t => h.compareDocumentPosition(t) & Node.DOCUMENT_POSITION_FOLLOWING);
		return table ? [...table.tBodies[0].rows].map(r => [...r.cells].map(c => c.innerText.trim())) : []; })()`)
}

// picture keeps what the page looks like, and fails when it is wider than a telephone.
func (p *person) picture(what string) {
	p.t.Helper()
	for _, v := range []struct {
		name          string
		width, height int64
	}{{"-phone", 375, 812}, {"", 1280, 900}} {
		p.look(v.width, v.height)
		if over := evaluate[int](p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
			p.t.Errorf("%s: %d pixels wider than a window of %d", what, over, v.width)
		}
		browsertest.Picture(p.ctx, p.t, "../..", "story-"+what+v.name)
	}
}
