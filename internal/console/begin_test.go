package console

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// From an empty register to two trained agents who serve callers, by nothing but keys and what the pages say.
//
// cite: P-37, P-38, 47 CFR 64.2009(b), 47 CFR 64.2010(a)
func TestTwoAgentsFromNothingByKeys(t *testing.T) {
	w := secured(t)
	w.empty(t)
	secret, err := w.Staff.SetUp(t.Context())
	must(t, err)
	c := w.chromium(t)
	factor := func() (key string) {
		t.Helper()
		c.sees("Set up a second factor")
		c.hasFocus("code")
		key = strings.ReplaceAll(evaluate[string](c, `document.querySelector(".key").innerText`), " ", "")
		c.press(w.shows(t, key), kb.Enter)
		c.sees("Keep these recovery codes")
		c.hasFocus("I have kept them: go on")
		c.press(kb.Enter)
		return key
	}
	leave := func() {
		t.Helper()
		w.clock.pass(time.Minute) // an app shows another code
		c.tabTo("Sign out")
		c.press(kb.Enter)
		c.sees("You are signed out.")
		c.hasFocus("name")
	}
	enter := func(login, password, key string) {
		t.Helper()
		c.press(login, kb.Tab, password, kb.Enter)
		c.sees("Second step")
		c.hasFocus("code")
		c.press(w.shows(t, key), kb.Enter)
	}

	c.goTo("/set-up/" + secret)
	c.sees("Set up the first administrator", "Keep the register of the staff")
	if at := evaluate[string](c, `location.pathname`); at != "/set-up" {
		t.Errorf("the secret stays in the address: %s", at)
	}
	c.hasFocus("login")
	c.press("amos", kb.Tab, "Amos Ivanov", kb.Tab, "blue kettle rides", kb.Tab, "blue kettle rides", kb.Enter)
	amos := factor()
	c.sees("1 on the register", "Amos Ivanov, administrator", "Before the first caller", "Add those who serve callers")
	c.isSound("first steps", "")
	c.look(1280, 900, 1, "light")

	for i, who := range []struct{ login, name, password string }{{"nia", "Nia Adeyemi", "red lamps hum"}, {"leo", "Leo Sandoval", "nine grey barges"}} {
		if i > 0 {
			enter("amos", "blue kettle rides", amos)
			c.sees("Amos Ivanov, administrator")
			c.goTo("/staff")
			c.sees("2 on the register")
		}
		c.tabTo("login")
		c.press(who.login, kb.Tab, who.name, kb.Tab, "Age", kb.Tab, kb.Enter)
		c.sees("Give this address to the person")
		c.hasFocus("secret")
		invitation := evaluate[string](c, `document.activeElement.value`)
		c.tabTo("Go to the member")
		c.press(kb.Enter)
		c.sees(who.name, "Not set", "Role: agent")
		leave()

		c.goTo(strings.TrimPrefix(invitation, w.server.URL))
		c.sees("Welcome, "+who.name, "Serve customers")
		c.hasFocus("password")
		c.press(who.password, kb.Tab, who.password, kb.Enter)
		key := factor()
		c.sees("Who is calling?", who.name+", agent", "You have not passed the course yet")

		// No caller before the course, which the page leads to.
		c.hasFocus("number")
		c.press("202 555 0141", kb.Enter)
		c.sees("You have no current training", "UNTRAINED")
		c.tabTo("Take the course now")
		c.press(kb.Enter)
		c.sees("Your training", "Never passed")
		c.tabTo("Customer information at Test Carrier")
		c.press(kb.Enter)
		c.sees("Begin to read")
		c.tabTo("Take the test")
		c.press(kb.Enter)
		c.sees("15 questions; 12 right answers pass")
		c.answer(w, w.memberOf(t, who.login))
		c.sees("Passed")
		leave()

		// A caller, served.
		enter(who.login, who.password, key)
		c.sees("Who is calling?")
		c.hasFocus("number")
		c.press("202 555 0141", kb.Enter)
		c.sees("Open a contact")
		c.hasFocus("channel=phone")
		c.press(kb.Enter)
		c.sees("Not verified")
		c.tabTo("secret-password")
		c.press(annPassword, kb.Enter)
		c.sees("Verified by password.")
		c.tabTo("ask-from")
		c.press("Feb")
		c.tabTo("Ask")
		c.press(kb.Enter)
		c.sees("Permitted: you may tell the customer", "Tue 10 Feb 2026 22:41:07 EST to +1 703 555 0123 9s")
		c.goTo("/join/x")
		c.sees("The invitation has been used, has lapsed, or was replaced by another.")
		c.goTo("/desk")
		c.sees("Who is calling?")
		leave()
	}
	c.goTo("/set-up/" + secret)
	c.sees("There is nothing here")
}

// memberOf finds a member by the name with which they sign in.
func (w *world) memberOf(t testing.TB, login string) cpni.ID {
	t.Helper()
	all, err := w.Staff.Members(t.Context())
	must(t, err)
	for _, m := range all {
		if m.Login == login {
			return m.ID
		}
	}
	t.Fatalf("nobody signs in as %s", login)
	return ""
}

// Who keeps the register is told what is left to do before a caller can be served, until it is done.
//
// cite: P-38
func TestFirstSteps(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "admin")
	b.get("/staff").lacks(t, "Before the first caller")
	must(t, w.DB.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "DELETE FROM customer")
		return err
	}))
	page := b.get("/staff")
	page.says(t, "Before the first caller", "ringfence import customers")
	page.lacks(t, "Add those who serve callers")
	for _, m := range []string{"agent", "second", "untrained", "supervisor", "compliance", "fraud"} {
		must(t, w.Staff.Disable(t.Context(), w.people[m], "test"))
	}
	b.get("/staff").says(t, "Before the first caller", "ringfence import customers", "Add those who serve callers")
}
