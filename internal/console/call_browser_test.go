package console

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	browserpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/vault"
)

// acts counts what a browser has the server do.
func (w *world) acts() *atomic.Int64 {
	n := &atomic.Int64{}
	w.server.Close()
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			n.Add(1)
		}
		w.console.Handler().ServeHTTP(rw, r)
	}))
	w.t.Cleanup(w.server.Close)
	return n
}

// The whole of a normal call is four actions, none of them with the mouse: open, verify, ask, wrap up. The number that the
// switch has sent stands in no address of the browser's history.
//
// cite: P-16, P-17, P-19, P-41, P-42, I-23, 47 CFR 64.2010(b)
func TestANormalCallIsFourActions(t *testing.T) {
	w := newWorld(t)
	acts := w.acts()
	c := w.chromium(t)
	c.signIn("agent")
	c.sees("Who is calling?")
	acts.Store(0)

	c.goTo("/desk?number=%2B12025550141") // the softphone opens this
	c.sees("Ann Archer", "The telephone shows +1202•••••41")
	c.hasFocus("channel=phone")
	c.picture("desk-number")
	c.press(kb.Enter) // 1: they called us
	c.sees("Not verified")
	c.hasFocus("secret-password")
	c.press(annPassword, kb.Enter) // 2: verify
	c.sees("Verified by password.")
	c.hasFocus("data=call-detail")
	c.tabTo("ask-from")
	c.press("Feb")
	c.tabTo("Ask")
	c.press(kb.Enter) // 3: ask
	c.sees("Permitted: you may tell the customer", "+1 703 555 0123")
	c.hasFocus("answer-title")
	c.picture("desk-permitted")
	c.alt("e")
	c.hasFocus("end")
	c.press(kb.Enter) // 4: wrap up
	c.sees("The contact has ended", "Who is calling?")
	c.hasFocus("number")
	if n := acts.Load(); n != 4 {
		t.Errorf("the call took %d actions, want 4", n)
	}
	ended := w.records(w.ann, ledger.Contact)[0]
	if s, _, err := w.Contacts.Get(t.Context(), cpni.ID(ended.Contact)); err != nil || s.Outcome != contact.Served || s.Caller != annNumber {
		t.Errorf("%+v, %v", s, err)
	}
	history, err := chromedp.Call(c.ctx, browserpage.GetNavigationHistory, cdp.Empty{})
	must(t, err)
	for _, e := range history.Entries {
		if strings.Contains(e.URL, "5550141") {
			t.Errorf("the number stands in the history: %s", e.URL)
		}
	}
	if len(history.Entries) < 5 {
		t.Errorf("only %d addresses in the history", len(history.Entries))
	}
}

// Each way out of a refusal is one key away.
//
// cite: P-28, I-28
func TestWaysByDigits(t *testing.T) {
	w := newWorld(t)
	c := w.chromium(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.ask(at)
	c.takeOver(b)
	c.goTo(b.at)
	c.sees("What would make it allowed", "Verify by the PIN")
	c.hasFocus("answer-title")
	c.picture("desk-refused")
	c.press("2")
	c.hasFocus("secret-pin")
	c.press("111222", kb.Enter) // digits that are typed are no keys
	c.sees("That is not the secret.")
	c.goTo(b.at)
	c.hasFocus("answer-title")
	c.press("1")
	c.hasFocus("secret-password")
	c.press(annPassword, kb.Enter) // and the key itself is not typed
	c.sees("Verified by password.")
	c.goTo(b.at)
	c.hasFocus("answer-title")
	c.press("6")
	c.sees("Send it to the postal address of record")
	c.hasFocus("Ask this way\n: Send it to the postal address of record")
	c.press(kb.Enter)
	c.sees("Permitted: it is sent, not told")
}

// The account is changed by keys, and the desk says who is told of it.
//
// cite: P-19, P-23, P-25, 47 CFR 64.2010(f)
func TestChangeByKeys(t *testing.T) {
	w := newWorld(t)
	c := w.chromium(t)
	b := w.signedIn(t, "agent")
	at := b.verified(w.ann)
	c.takeOver(b)
	c.goTo(at)
	c.sees("Verified: the customer")
	c.hasFocus("data=call-detail")
	c.alt("c")
	c.hasFocus("change-title")
	c.tabTo("New postal address")
	c.press(kb.Enter)
	c.sees("the notice never tells the new value, and never goes to it")
	c.tabTo("change-postal")
	c.press("9 New Rd, Fairfax, VA 22030", kb.Enter)
	c.sees("Done. The customer is told by a call to a number of record and by post to the address of before.", "Postal address set")
	c.picture("desk-change")
	c.alt("c")
	c.hasFocus("change-title")
	c.tabTo("New PIN")
	c.press(kb.Enter)
	c.tabTo("change-pin")
	c.press("123456", kb.Enter)
	c.sees("it is a run or a repeat", "WEAK_SECRET")
}

// The words are read, the answer is taken, and an offer may be made on this call.
//
// cite: P-28, 47 USC 222(d)(3), 47 CFR 64.2008(f)
func TestConsentByKeys(t *testing.T) {
	w := newWorld(t)
	w.item(w.ann, vault.Item{Class: cpni.Service, Values: map[string]string{"plan": "Basic"}})
	c := w.chromium(t)
	b := w.signedIn(t, "agent")
	at := b.verified(w.ann)
	c.takeOver(b)
	c.goTo(at)
	c.sees("Verified: the customer")
	c.hasFocus("data=call-detail")
	c.alt("o")
	c.hasFocus("consent-title")
	c.sees("You have a right, and we have a duty under federal law")
	c.picture("desk-consent")
	c.tabTo("consent-read")
	c.press(" ")
	c.tabTo("answer=yes")
	c.press(kb.Enter)
	c.sees("The yes is on record.", "It ends with this contact.")
}

// A note is written, and the contact ended with a word on how, without the mouse.
//
// cite: P-41, P-42
func TestNoteAndWrapUpByKeys(t *testing.T) {
	w := newWorld(t)
	c := w.chromium(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	c.takeOver(b)
	c.goTo(at)
	c.sees("Not verified")
	c.hasFocus("secret-password")
	c.alt("n")
	c.hasFocus("note-text")
	c.press("Wants a call after five.", kb.Tab, kb.Enter)
	c.sees("The note is on record.", "Wants a call after five.")
	c.tabTo("outcome")
	c.press("To be")
	c.tabTo("end")
	c.press(kb.Enter)
	c.sees("The contact has ended", "Who is calling?")
	c.goTo(customerAddress(w.ann))
	c.sees("Contacts before", "To be called back")
	c.picture("desk-history")
}

// Two keys lead from a call to what is done when life is at risk.
//
// cite: P-28, 47 USC 222(d)(4)
func TestDistressByKeys(t *testing.T) {
	w := newWorld(t)
	w.item(w.ann, vault.Item{Class: cpni.Location, Period: 202603, Values: map[string]string{"cell": "Springfield 3"}})
	c := w.chromium(t)
	b := w.signedIn(t, "agent")
	at := b.verified(w.ann)
	c.takeOver(b)
	for _, from := range []string{at, customerAddress(w.ann)} {
		c.goTo(from)
		c.sees("Ann Archer")
		c.alt("x")
		c.hasFocus("distress-emergency")
		c.picture("desk-distress")
		c.press(kb.Enter)
		c.sees("Who asks for the location of the call?", "47 USC 222(d)(4)(A)")
		c.hasFocus("claim-who")
	}
	c.press(kb.Tab, "county dispatch, 703 555 0100", kb.Enter)
	c.sees("Permitted: you may give the location to a public safety answering point", "Springfield 3")
	c.hasFocus("answer-title")
	c.picture("desk-emergency")
	c.goTo("/desk")
	c.sees("Write down why")
	c.tabTo("why-1")
	c.press("The county dispatch called about a caller who had hung up.", kb.Tab, kb.Enter)
	c.sees("The reason is on record.")

	c.goTo(at)
	c.sees("Verified: the customer")
	c.alt("x")
	c.hasFocus("distress-emergency")
	c.tabTo("care-shared-1")
	c.press(" ")
	c.tabTo("care-word")
	c.press("marmalade kettle 9", kb.Enter)
	c.sees("It is set. No notice of it goes anywhere.", "Handle with care")
	p, _, err := w.Customers.Get(t.Context(), w.ann)
	must(t, err)
	if p.Safety == nil || p.Safety.Word == nil || !p.Quiet(customer.Shared.Lines) {
		t.Errorf("%+v", p.Safety)
	}
}

// The calls are narrowed without scripts.
//
// cite: P-17, I-23
func TestNarrowingByKeys(t *testing.T) {
	w := newWorld(t)
	w.calls(w.ann, 1, vault.Call{At: time.Date(2026, 2, 3, 15, 0, 0, 0, time.UTC), Seconds: 60, Answered: true, Number: "+17035550177", ID: 8})
	c := w.chromium(t)
	b := w.signedIn(t, "agent")
	b.ask(b.verified(w.ann))
	c.takeOver(b)
	c.goTo(b.at)
	c.sees("3 calls")
	c.hasFocus("answer-title")
	c.tabTo("filter-day")
	c.press("Tue 3")
	c.tabTo("Show these")
	c.press(kb.Enter)
	c.sees("1 call", "+1 703 555 0177")
	if strings.Contains(evaluate[string](c, "location.href"), "5550177") {
		t.Error("a number stands in the address")
	}
	c.picture("desk-narrowed")

	// On paper there are the calls and what allowed them, and nothing to press.
	_, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	must(t, err)
	shown := func(what string) bool {
		return evaluate[bool](c, `(e => !!e && e.getClientRects().length > 0)(document.querySelector("`+what+`"))`)
	}
	for _, what := range []string{".calls", "#answer-title", "h1"} {
		if !shown(what) {
			t.Errorf("%s is not printed", what)
		}
	}
	for _, what := range []string{"#ask", "#call", "#verify", ".filter", "#end", "nav"} {
		if shown(what) {
			t.Errorf("%s is printed", what)
		}
	}
}
