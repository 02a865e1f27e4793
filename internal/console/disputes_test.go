package console

import (
	"context"
	"net/http"
	"testing"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/watch"
)

// notMine gives the case of what a customer says was not theirs.
func (w *world) notMine() watch.Alert {
	w.t.Helper()
	w.looked()
	all, err := w.Watch.Alerts(context.Background(), watch.Filter{Detector: "not-me"})
	must(w.t, err)
	if len(all) != 1 {
		w.t.Fatalf("raised: %+v", all)
	}
	return all[0]
}

// A customer says at a desk that a change was not theirs. Everybody who serves them sees first that it is frozen, the account
// is changed only on stronger proof, and somebody decides about it: not who made the change.
//
// cite: P-16, P-23, P-25, P-37, I-09, 47 CFR 64.2010(a), 47 CFR 64.2010(f)
func TestDisputesAtTheDesk(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	at := agent.verified(w.ann)
	agent.submit(at+"/changes", "what", "email", "value", "thief@example.org").says(t, "Done. The customer is told")
	agent.submit(at+"/changes", "what", "password", "value", "violet-tandem-88").says(t, "Done. The customer is told")
	agent.submit(at+"/changes", "what", "ways", "value", "text", "language", "es").says(t, "Done. The customer is told")
	agent.submit(at+"/changes", "what", "authorise", "value", "Cy Archer", "data", "billing", "password", "green-otter-61").says(t, "Done. The customer is told")
	agent.submit(at+"/changes", "what", "dismiss", "value", "Cy Archer").says(t, "Done. The customer is told")
	card := agent.get(customerAddress(w.ann))
	card.says(t, "Changes of the account", "E-mail address", "Way and language of notices", "Authorised person")
	card.lacks(t, "thief@", "Cy Archer", "Frozen")

	second := w.signedIn(t, "second")
	other := second.open(w.ann, "phone")
	second.submit(other+"/disputes", "number", "0000000000").says(t, "There is no such change of this account that can still be disputed.", "NO_CHANGE")
	p, _, err := w.Customers.Get(context.Background(), w.ann)
	must(t, err)
	messages, err := w.Outbox.Messages(context.Background(), w.ann)
	must(t, err)
	number := ""
	for _, m := range messages {
		if m.About == p.Changes[1].ID {
			number = w.Outbox.Number(m.ID)
		}
	}
	// By the number on the notice, and by the list.
	page := second.submit(other+"/disputes", "number", number)
	page.says(t, "The change is frozen", "Frozen: the customer says that this was not them", "Password", "Supervisors and fraud decide about it.")
	page.lacks(t, "thief@", "violet")
	second.submit(other+"/disputes", "change", string(p.Changes[0].ID)).says(t, "The change is frozen", "E-mail address , changed")
	second.submit(other+"/disputes", "change", string(p.Changes[0].ID)).says(t, "NO_CHANGE")
	agent.get(customerAddress(w.ann)).says(t, "Frozen: the customer says that this was not them", "at a desk")
	agent.submit(at+"/changes", "what", "contact-number", "value", "+17035550111").says(t, "FROZEN", "until that is settled it is changed only on stronger proof")

	c := w.notMine()
	if c.Member != w.people["agent"] || c.Code != contact.NotMe {
		t.Errorf("the case is about %s: %+v (P-37)", c.Member, c)
	}
	address := caseAddress(c.ID)
	agent.post(address+"/settle", "token", agent.token(), "change", string(p.Changes[0].ID), "outcome", customer.Kept).is(t, http.StatusForbidden)
	fraud := w.signedIn(t, "fraud")
	fraud.get(customerAddress(w.ann)).says(t, "Decide about it")
	before := fraud.get(address)
	before.says(t, "A customer says: this was not me", "What the customer says was not them", "by The agent", "Take the case to decide about it.", "Change done")
	before.lacks(t, "thief@", "violet", "Archer")
	fraud.submit(address+"/take").says(t, "Undo it", "It was the customer's")
	fraud.submit(address+"/settle", "change", string(p.Changes[0].ID), "outcome", "perhaps").says(t, "That is no decision about a change.")
	fraud.submit(address+"/settle", "change", string(p.Changes[0].ID), "outcome", customer.Undone).says(t, "It is undone. The customer is told", "Undone")
	fraud.submit(address+"/settle", "change", string(p.Changes[0].ID), "outcome", customer.Undone).says(t, "NO_CHANGE")
	fraud.submit(address+"/settle", "change", string(p.Changes[1].ID), "outcome", customer.Kept).says(t, "It counts again. The customer is told", "Counts again")
	done := agent.get(customerAddress(w.ann))
	done.says(t, "Undone", "Counts again", "E-mail address, undone")
	done.lacks(t, "Frozen: the customer says that this was not them")
	agent.prove(agent.open(w.ann, "phone"), "method", string(cpni.ByPassword), "secret", "violet-tandem-88").says(t, "Verified: the customer")
}

// What is about frozen changes is sound in a browser at every width, as what stands around it.
//
// cite: P-23
func TestDisputesInABrowser(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	at := agent.verified(w.ann)
	agent.submit(at+"/changes", "what", "email", "value", "thief@example.org")
	agent.submit(at+"/changes", "what", "pin", "value", "604913")
	p, _, err := w.Customers.Get(context.Background(), w.ann)
	must(t, err)
	second := w.signedIn(t, "second")
	other := second.open(w.ann, "store")
	second.submit(other+"/disputes", "change", string(p.Changes[0].ID))
	fraud := w.signedIn(t, "fraud")
	address := caseAddress(w.notMine().ID)
	fraud.submit(address + "/take")
	c := w.chromium(t)
	c.takeOver(second)
	c.isSound("frozen-card", customerAddress(w.ann))
	c.isSound("frozen-contact", other)
	c.takeOver(fraud)
	c.isSound("frozen-case", address)
}
