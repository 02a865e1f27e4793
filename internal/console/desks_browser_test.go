package console

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/cpni"
	"ringfence/internal/matter"
	"ringfence/internal/partner"
	"ringfence/internal/vault"
)

// A ticket by keys alone: from the home page to the desk, the form, the question, the answer; and every page of the desks fits
// every window, with nothing for axe to complain of.
//
// cite: P-28, P-30, P-33, P-34, P-35
func TestDesksInTheBrowser(t *testing.T) {
	w := newWorld(t)
	w.item(w.ann, vault.Item{Class: cpni.Service, Line: 1, Values: map[string]string{"internet": "fibre"}})
	w.item(w.ann, vault.Item{Class: cpni.Location, Period: 202603, Line: 1, Values: map[string]string{"place": "38.889, -77.035"}})
	c := w.chromium(t)
	c.signIn("agent")
	c.sees("Who is calling?")
	c.alt("d")
	c.press(kb.Enter)
	c.sees("Where those ask who are not the customer")
	c.press(kb.Enter) // the first desk has the focus
	c.sees("Trouble tickets and orders")
	c.hasFocus("matter-kind")
	c.press(kb.Tab, "T-4471", kb.Tab, annNumber, kb.Tab, annNumber)
	c.tabTo("matter-why")
	c.press("No dial tone since Monday.", kb.Tab, kb.Enter)
	c.sees("Trouble ticket is open.", "No dial tone since Monday.")
	c.alt("r")
	c.tabTo("ask-to")
	c.press(kb.Tab, kb.Enter)
	c.sees("Permitted: for your work alone", "fibre")
	c.isSound("a ticket with its answer", "")
	agent := w.signedIn(t, "agent")
	claim := agent.submit("/desks/emergency/find", "number", annNumber)
	agent.submit(customerAddress(w.ann)+"/emergency", "claim", claim.value("claim"), "who", "psap", "callback", "911 centre, desk 4")
	c.isSound("emergency desk", "/desks/emergency")
	c.isSound("desk with desks", "/desk")

	must(t, w.Partners.Put(context.Background(), "test", partner.Partner{ID: "collectors", Name: "Collectors Inc", Placed: true, Agreement: &partner.Agreement{Until: w.clock.Now().AddDate(1, 0, 0), DestroyBy: w.clock.Now().AddDate(1, 0, 0)}}))
	b := w.signedIn(t, "compliance")
	port := b.opened("ports", "kind", "port-out", "reference", "P-331", "customer", annNumber, "lines", annNumber, "carrier", "Far Telephone", "why", "Their request of today.", "data", "service", "data", "listing")
	placed := b.opened("collection", "kind", "collection", "reference", "C-9", "customer", annNumber, "vendor", "collectors", "why", "Two bills are not paid.", "data", "billing")
	fraud := b.opened("fraud", "kind", "protection", "reference", "F-12", "customer", annNumber, "why", "Calls that she did not make.", "data", "call-detail")
	w.works(matter.Order, "O-5", w.ann)
	b.submit(fraud+"/notes", "note", "She was abroad on that day.")
	b.submit(placed+"/end", "outcome", "done", "reason", "It is paid.")
	w.clock.pass(4 * 24 * time.Hour)
	must(t, w.Due(context.Background()))
	alert := caseAddress(w.alert(w.ann).ID)
	c.takeOver(w.signedIn(t, "compliance"))
	for what, path := range map[string]string{"desks": "/desks", "service desk": "/desks/service", "fraud desk": "/desks/fraud", "port desk": "/desks/ports", "collection desk": "/desks/collection", "a port": port,
		"a placement that is closed": placed, "a case of fraud": fraud, "emergency desk of all": "/desks/emergency", "home with desks": "/home", "an alert with a case": alert} {
		c.isSound(what, path)
	}
}
