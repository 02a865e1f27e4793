package console

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// One call, from the sign-in to the end of the contact, by nothing but keys.
//
// cite: P-16, P-17, P-19, P-28, P-41, P-42, I-28, 47 CFR 64.2010(a), 47 CFR 64.2010(b)
func TestWholeCallByKeys(t *testing.T) {
	w := newWorld(t)
	c := w.chromium(t)
	c.signIn("agent")
	c.sees("Who is calling?", "The agent, agent")
	c.hasFocus("number")

	c.press(kb.Tab, kb.Tab) // away, and back by the key
	c.press("/")
	c.hasFocus("number")
	c.press("202 555 0141", kb.Enter)
	c.sees("Ann Archer", "Open a contact")
	c.hasFocus("channel=phone")
	c.press(kb.Enter)
	c.sees("Not verified", "Verify", "Ask for the caller")
	c.hasFocus("secret-password")

	// Asked before anybody is verified: the reason and the ways.
	c.alt("r")
	c.hasFocus("data=call-detail")
	c.tabTo("ask-from")
	c.press("Feb")
	if got := evaluate[string](c, `document.activeElement.value`); got != "202602" {
		t.Errorf("typing Feb chose %s", got)
	}
	c.tabTo("Ask")
	c.press(kb.Enter)
	c.sees("Refused", "Nobody who may have this has been proved in this contact.", "UNAUTHENTICATED", "47 CFR 64.2010(a)", "What would make it allowed")
	c.hasFocus("answer-title")

	// The way is gone, and the same is asked again.
	c.tabTo("Verify by the PIN")
	c.press(kb.Enter)
	c.hasFocus("secret-pin")
	c.press("111222", kb.Enter)
	c.sees("That is not the secret.", "BAD_SECRET")
	if got := evaluate[string](c, `document.activeElement.getAttribute("role")`); got != "alert" {
		t.Errorf("after a refusal the focus is on a %q", got)
	}
	c.tabTo("Go to the form")
	c.press(kb.Enter)
	c.hasFocus("secret-pin")
	c.press(annPIN, kb.Enter)
	c.sees("Verified by PIN.", "Verified: the customer")
	c.hasFocus("Ask again")
	c.press(kb.Enter)
	c.sees("Permitted: you may tell the customer", "Tue 10 Feb 2026 22:41:07 EST to +1 703 555 0123 9s", "withheld", "February 2026")
	c.hasFocus("answer-title")

	c.alt("v")
	if got := c.focused(); !strings.HasPrefix(got, "Password") {
		t.Errorf("Alt and V lead to %q", got)
	}
	c.do(chromedp.Reload())
	c.sees("+1 703 555 0123")
	c.alt("e")
	c.hasFocus("end")
	c.press(kb.Enter)
	c.sees("The contact has ended", "Who is calling?")
	c.do(chromedp.NavigateBack())
	c.sees("The contact has ended, so what was released in it is not shown any more.")
	if strings.Contains(evaluate[string](c, `document.body.innerText`), "703 555") {
		t.Error("the browser shows from memory what may not be shown any more")
	}
	if n := len(w.records(w.ann, ledger.Decision)); n != 2 {
		t.Errorf("%d decisions on record, want a refusal and a permit", n)
	}
}

// The single key can be turned off, for whom it is in the way.
func TestKeysCanBeTurnedOff(t *testing.T) {
	w := newWorld(t)
	c := w.chromium(t)
	c.signIn("agent")
	c.sees("Who is calling?")
	c.goTo("/rules")
	c.press("/")
	c.hasFocus("number")
	c.goTo("/me")
	c.tabTo("Turn it off")
	c.press(kb.Enter)
	c.sees("Single keys are off in this browser.")
	c.press("/")
	if c.focused() == "number" {
		t.Error("the key still works")
	}
}

// Without scripts everything works, and the focus is where it should be.
func TestWithoutScripts(t *testing.T) {
	w := newWorld(t)
	c := w.chromium(t)
	_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	must(t, err)
	c.signIn("agent")
	c.sees("Who is calling?")
	c.press("2025550141", kb.Enter)
	c.sees("Open a contact")
	c.hasFocus("channel=phone")
	c.press(kb.Enter)
	c.sees("Not verified")
	c.hasFocus("secret-password")
	c.tabTo("Ask")
	c.press(kb.Enter)
	c.sees("Refused")
	c.hasFocus("answer-title")
	c.tabTo("Verify by the password")
	c.press(kb.Enter)
	c.hasFocus("secret-password")
	c.press(annPassword, kb.Enter)
	c.sees("Verified by password.")
	c.hasFocus("Ask again")
}

// Every page fits a desk, a telephone and a screen at 200 %, in light and dark, and axe finds nothing to complain of.
func TestEveryPageIsSound(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "compliance")
	paths := w.visited(b, w.ann, annPIN, "What was the first concert you went to?")
	c := w.chromium(t)
	sound := func(what string) {
		t.Helper()
		for _, v := range c.violations() {
			t.Errorf("%s: %s", what, v)
		}
	}
	c.goTo("/sign-in")
	sound("the sign-in")
	c.hasFocus("name")
	c.press("agent", kb.Tab, "wrong", kb.Enter)
	c.sees("The name or the password is not right.")
	sound("the sign-in, refused")
	c.takeOver(w.signedIn(t, "marketing"))
	c.goTo("/desk")
	c.sees("Not your work")
	sound("a page that is not their work")
	c.takeOver(b)
	c.goTo("/desk")
	c.hasFocus("number")
	c.press("nobody", kb.Enter)
	c.sees("No customer has this number")
	sound("a search that finds nobody")
	for _, path := range paths {
		c.isSound(path, path)
	}
}

// Scripts in what customers and staff are called do not run.
//
// cite: I-23
func TestPayloadsDoNotRun(t *testing.T) {
	w := newWorld(t)
	id := w.hostile()
	b := w.signedIn(t, `<script>hit=1</script>`)
	paths := w.visited(b, id, "915274", payload)
	c := w.chromium(t)
	c.takeOver(b)
	for _, path := range paths {
		c.goTo(path)
		if evaluate[bool](c, `typeof hit !== "undefined"`) {
			t.Errorf("%s: the script has run", path)
		}
		if over := c.wide(); over > 0 {
			t.Errorf("%s: a long word makes the page %d pixels wider than the window", path, over)
		}
	}
	if evaluate[bool](c, `(() => { const s = document.createElement("script"); s.textContent = "window.own = 1"; document.body.append(s); return typeof own !== "undefined"; })()`) {
		t.Error("a page runs a script that is not a file of ours")
	}
	if cpni.ID(id).Valid() && len(paths) < 15 {
		t.Errorf("only %d pages", len(paths))
	}
}
