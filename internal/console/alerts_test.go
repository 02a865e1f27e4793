package console

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/watch"
)

// looked brings everything into the tree and has Watch look at it.
func (w *world) looked() {
	w.t.Helper()
	must(w.t, w.Ledger.Sequence(context.Background()))
	must(w.t, w.Watch.Step(context.Background()))
}

// alert has the second agent open the card of a decoy, and gives the case that comes of it.
func (w *world) alert(of cpni.ID) watch.Alert {
	w.t.Helper()
	ctx := context.Background()
	must(w.t, w.Watch.SetDecoy(ctx, of, true, "test"))
	must(w.t, w.Viewed(ctx, w.people["second"], watch.Card, of))
	w.looked()
	all, err := w.Watch.Alerts(ctx, watch.Filter{Detector: "decoy", Member: w.people["second"]})
	must(w.t, err)
	if len(all) != 1 {
		w.t.Fatalf("raised: %+v", all)
	}
	must(w.t, w.Watch.SetDecoy(ctx, of, false, "test"))
	return all[0]
}

// watched shows somebody who watches the pages about that, and gives their addresses.
func (w *world) watched(b *browser, of cpni.ID) []string {
	w.t.Helper()
	at := caseAddress(w.alert(of).ID)
	b.submit(at + "/take")
	b.submit(at+"/note", "note", payload)
	return []string{"/home", "/alerts", "/alerts?state=all&detector=decoy", at, "/alerts/known", "/records/search", "/records/search?kind=any&customer=" + string(of)}
}

// A case goes from the alert to its end on the pages, and says what was done.
//
// cite: P-37, P-39, 47 CFR 64.2010(a)
func TestCaseOnThePages(t *testing.T) {
	w := newWorld(t)
	a := w.alert(w.ann)
	at := caseAddress(a.ID)
	b := w.signedIn(t, "compliance")
	b.get("/alerts").says(t, "Alerts (1)", "Decoy", "The second agent", "Open")
	b.get("/alerts?state=closed").says(t, "There are none here.")
	b.get("/alerts?detector=burst").says(t, "There are none here.")
	page := b.get(at)
	page.says(t, "A customer was opened whom nobody has reason to open.", "nobody yet", "Take the case", "Card looked at", "1 entry")
	page.lacks(t, "Archer", "202555", "L-1001")
	b.submit(at+"/note", "note", "too early").says(t, "Nobody works on the case yet.", "CONFLICT")
	b.submit(at+"/take").says(t, "The case is yours.", "Being looked into")
	b.submit(at+"/note", "note", "They say it was a slip.").says(t, "The note is in the case.", "They say it was a slip.")
	b.submit(at+"/close", "outcome", "violation", "reason", " ").says(t, "A case is closed with a reason.", "REASON")
	b.submit(at+"/close", "outcome", "violation", "reason", "It was no slip.").says(t, "The case is closed.", "Closed: violation", "It was no slip.")
	b.submit(at+"/take").says(t, "The case is closed, and stays as it is.", "CONFLICT")
	done := b.get("/alerts")
	done.says(t, "There are none here.")
	done.lacks(t, "(1)")
	b.get("/alerts?state=closed").says(t, "Closed: violation", "The compliance")
	found, err := w.Watch.Violations(context.Background())
	must(t, err)
	if len(found) != 1 || found[0].Member != w.people["second"] {
		t.Errorf("violations: %+v", found)
	}
}

// Alerts are for those who watch, and never for the one they are about.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestAlertsAreForOthers(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	must(t, w.Watch.SetDecoy(ctx, w.ann, true, "test"))
	supervisor := w.signedIn(t, "supervisor")
	supervisor.get(customerAddress(w.ann)).is(t, http.StatusOK).lacks(t, "ecoy")
	w.looked()
	all, err := w.Watch.Alerts(ctx, watch.Filter{})
	must(t, err)
	if len(all) != 1 || all[0].Member != w.people["supervisor"] {
		t.Fatalf("raised: %+v", all)
	}
	at := caseAddress(all[0].ID)
	own := supervisor.get("/alerts?state=all")
	own.says(t, "There are none here.")
	own.lacks(t, string(all[0].ID), "(1)")
	supervisor.get("/home").lacks(t, string(all[0].ID))
	supervisor.get(at).is(t, http.StatusForbidden).says(t, "SELF_REVIEW", "The case is about you, so others work on it.")
	supervisor.submit(at+"/take").says(t, "SELF_REVIEW")
	supervisor.get("/records/search?kind=alert").says(t, "There is nothing here.")
	for who, status := range map[string]int{"agent": 403, "auditor": 403, "admin": 403, "marketing": 403, "fraud": 200, "officer": 200, "compliance": 200} {
		b := w.signedIn(t, who)
		b.get(at).is(t, status)
		b.get("/alerts").is(t, status)
		b.get("/home").is(t, status)
	}
	w.signedIn(t, "auditor").get("/records/search?kind=any&code=DECOY").says(t, "There is nothing here.")
	supervisor.get("/alerts/known").is(t, http.StatusForbidden)
	w.signedIn(t, "compliance").get("/alerts/"+string(cpni.NewID())).is(t, http.StatusNotFound)
}

// Decoys and colleagues are told to the detectors by compliance, and nobody else sees them.
//
// cite: P-37, I-23
func TestKnown(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "compliance")
	b.submit("/alerts/known", "customer", annNumber).says(t, "The customer is a decoy.", string(w.ann))
	b.submit("/alerts/known", "customer", "nobody at all").says(t, "Not exactly one customer was found by this.")
	b.submit("/alerts/known", "customer", annNumber, "member", string(w.people["agent"]), "on", "yes").says(t, "It is noted.", "The agent, agent 1 account")
	agent := w.signedIn(t, "agent")
	agent.get(customerAddress(w.ann)).lacks(t, "ecoy", "olleague")
	w.looked()
	all, err := w.Watch.Alerts(context.Background(), watch.Filter{Member: w.people["agent"]})
	must(t, err)
	if len(all) != 2 {
		t.Errorf("their own account, a decoy: %+v", all)
	}
	back := b.submit("/alerts/known", "customer", string(w.ann), "on", "no")
	back.says(t, "a decoy no longer")
	back.lacks(t, ">"+string(w.ann)+"<")
	b.submit("/alerts/known", "customer", annNumber, "member", string(w.people["agent"]), "on", "no").lacks(t, "1 account")
	for _, r := range w.records(w.ann, ledger.Admin) {
		t.Errorf("the customer's records tell of it: %+v", r.Entry)
	}
}

// Every card that is shown is on record before it is shown.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func TestLookUpsAreOnRecord(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	b.submit("/desk/find", "number", annNumber).says(t, "Ann Archer")
	b.get("/desk?c="+string(w.ann)).says(t, "Ann Archer")
	w.signedIn(t, "compliance").submit("/records", "number", annNumber)
	var what []string
	for _, r := range w.records(w.ann, ledger.Lookup) {
		what = append(what, r.Purpose+" "+string(r.Outcome))
	}
	if got := strings.Join(what, ", "); got != "records ok, list ok, card ok" {
		t.Errorf("on record: %s", got)
	}
	must(t, w.DB.Close())
	r := b.get(customerAddress(w.ann))
	if r.StatusCode < 500 {
		t.Errorf("a card is shown that is not on record: %s", r.Status)
	}
	r.lacks(t, "Ann Archer")
}

// What a search finds is narrowed by what was asked, pages, and leads to the record; nothing personal stands in the address.
//
// cite: P-37, P-41, I-23
func TestSearchOfTheLedger(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	at := agent.open(w.ann, "phone")
	agent.ask(at)
	agent.prove(at, "method", "pin", "secret", annPIN)
	agent.ask(at)
	w.looked()
	b := w.signedIn(t, "compliance")
	b.submit("/records/search", "kind", "decision").says(t, "refused UNAUTHENTICATED", "permitted", "The agent")
	r := b.submit("/records/search", "kind", "decision", "code", "unauthenticated", "customer", annNumber, "actor", string(w.people["agent"]), "from", "2026-03-05", "to", "2026-03-05")
	r.says(t, "refused UNAUTHENTICATED")
	r.lacks(t, "permitted")
	if tellsNumber(b.at) || !strings.Contains(b.at, string(w.ann)) {
		t.Errorf("the address is %s", b.at)
	}
	b.submit("/records/search", "kind", "decision", "from", "2026-03-06").says(t, "There is nothing here.")
	b.submit("/records/search", "customer", "Nobody Known").says(t, "Not exactly one customer was found by this.")
	b.get("/records/search?actor=customer&kind=nonsense&before=x.y&from=never").is(t, http.StatusOK)
	entry := r.page[strings.Index(r.page, recordsAddress(w.ann)+"/"):]
	b.get(entry[:strings.IndexByte(entry, '"')]).says(t, "Replay", "Made again at", "UNAUTHENTICATED")
	for range 60 {
		w.clock.pass(20 * time.Second)
		must(t, w.Viewed(context.Background(), w.people["agent"], watch.Card, w.ann))
	}
	w.looked()
	first := b.submit("/records/search", "kind", "lookup")
	next := first.page[strings.Index(first.page, "/records/search?before="):]
	second := b.get(strings.ReplaceAll(next[:strings.IndexByte(next, '"')], "&amp;", "&"))
	if n := strings.Count(first.page, "Card looked at") + strings.Count(second.page, "Card looked at"); n < 60 || strings.Contains(second.page, ">Older<") {
		t.Errorf("two pages show %d of 61 look-ups", n)
	}
}

// The day of who watches begins with what waits, and with numbers that also stand as text.
//
// cite: P-37
func TestHome(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	at := agent.open(w.ann, "phone")
	agent.ask(at)
	w.alert(w.ann)
	b := w.signedIn(t, "supervisor")
	home := b.follow(b.get("/"))
	home.says(t, "1 alert that nobody has taken", "Decisions 1 today, 1 in seven days", "Refused 1 today", "Contacts 1 today", "Look-ups 2 today", "UNAUTHENTICATED 1 1", "The charts as a table", "5 Mar 1 0 1 1 2 0")
	home.lacks(t, "overdue")
	w.clock.pass(25 * time.Hour)
	b = w.signedIn(t, "supervisor")
	b.get("/home").says(t, "1 case is overdue", "Decisions 0 today, 1 in seven days")
	if at := agent.get("/").Header.Get("Location"); at == "/home" {
		t.Errorf("an agent begins at %s", at)
	}
}

// A case by nothing but keys.
//
// cite: P-37
func TestCaseByKeys(t *testing.T) {
	w := newWorld(t)
	w.alert(w.ann)
	c := w.chromium(t)
	c.signIn("compliance")
	c.sees("What waits for you", "1 alert that nobody has taken")
	c.hasFocus("1 alert that nobody has taken")
	c.press(kb.Enter)
	c.sees("What was out of the ordinary", "The second agent")
	c.tabTo("Decoy")
	c.press(kb.Enter)
	c.sees("A customer was opened whom nobody has reason to open.")
	c.hasFocus("Take the case")
	c.press(kb.Enter)
	c.sees("The case is yours.")
	c.hasFocus("note")
	c.press("Asked them", kb.Tab, kb.Enter)
	c.sees("The note is in the case.", "Asked them")
	c.tabTo("outcome")
	c.press("Exp", kb.Tab, "A training call", kb.Tab, kb.Enter)
	c.sees("The case is closed.", "Closed: explained", "A training call")
}
