package console

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/matter"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/vault"
)

// opened opens a matter at a desk, and gives its address.
func (b *browser) opened(desk string, form ...string) string {
	b.t.Helper()
	page := b.get("/desks/" + desk)
	r := b.post("/desks/"+desk, append([]string{"token", page.value("token"), "key", page.value("key")}, form...)...)
	at := r.Header.Get("Location")
	if !strings.HasPrefix(at, "/matters/") {
		b.t.Fatalf("nothing was opened at %s: %s\n%s", desk, r.Status, text(b.follow(r).page))
	}
	return at
}

// under asks for information under a matter, and shows the answer.
func (b *browser) under(at string, form ...string) reply {
	b.t.Helper()
	page := b.get(at)
	key := strings.SplitN(strings.SplitN(page.page, `action="`+at+`/requests"`, 2)[1], "</form>", 2)[0]
	return b.post(at+"/requests", append([]string{"token", page.value("token"), "key", lastValue(key, "key")}, form...)...)
}

// A ticket is opened at the service desk, opens what its work needs, takes notes and is closed; then it opens nothing.
//
// cite: P-34, P-37, P-41, I-11, 47 USC 222(c)(1)
func TestServiceDesk(t *testing.T) {
	w := newWorld(t)
	w.item(w.ann, vault.Item{Class: cpni.Service, Line: 1, Values: map[string]string{"internet": "fibre"}})
	b := w.signedIn(t, "agent")
	b.get("/desk").says(t, "Service desk", "0 open", "Emergency desk")
	b.get("/desks").says(t, "Service desk", "Trouble tickets and orders")
	b.get("/desks").lacks(t, "Fraud desk", "Port desk", "Collection desk")
	form := []string{"kind", "ticket", "reference", "T-4471", "customer", annNumber, "lines", annNumber, "why", "No dial tone since Monday.", "data", "service", "data", "call-detail"}
	at := b.opened("service", form...)
	page := b.get(at)
	page.says(t, "Trouble ticket T-4471", "No dial tone since Monday.", "Ann Archer", "Call detail, service", "The agent", "Closes by itself")
	page.lacks(t, annNumber, "fibre")
	b.get("/desks/service").says(t, "T-4471", "1 customer", "1 matter")
	b.get("/desks/service").lacks(t, "Archer", "555 0141")
	b.get("/desk").says(t, "1 open")
	asks := []string{"data", "service", "line", "0.1", "from", "202602", "through", "", "to", "carrier"}
	r := b.under(at, asks...)
	r.is(t, http.StatusOK).says(t, "Permitted: for your work alone", "fibre", "To provide or mend the service")
	r.lacks(t, "told in the contact")
	b.under(at, "data", "billing", "line", "0.1", "from", "202602", "to", "carrier").says(t, "Refused", "NOT_NECESSARY", "The matter names no such information.")
	b.under(at, "line", "0.1", "from", "202602", "to", "carrier").is(t, http.StatusUnprocessableEntity).says(t, "Nothing is chosen of what is needed.")
	b.under(at, "data", "service", "line", "0.1", "from", "202602", "to", "law-enforcement").is(t, http.StatusUnprocessableEntity).says(t, "That is nobody who receives under this matter.")
	b.under(at, "data", "service", "line", "7", "from", "202602", "to", "carrier").is(t, http.StatusUnprocessableEntity).says(t, "No line of the matter is chosen.")
	before := len(w.records(w.ann, ledger.Decision))
	page = b.get(at)
	key := string(cpni.NewID())
	again := append([]string{"token", page.value("token"), "key", key}, asks...)
	b.post(at+"/requests", again...).says(t, "fibre")
	b.post(at+"/requests", again...).says(t, "fibre")
	if n := len(w.records(w.ann, ledger.Decision)); n != before+1 {
		t.Errorf("a form that was sent twice has asked %d times", n-before)
	}
	b.submit(at+"/notes", "note", "The card in the mast is replaced.").says(t, "The note is in the matter.", "The card in the mast is replaced.")
	b.submit(at+"/end", "outcome", "done", "reason", " ").says(t, "A matter is closed with a reason.", "REASON")
	b.submit(at+"/end", "outcome", "done", "reason", "It rings again.").says(t, "It is closed. Nothing is given on it any more.", "Closed: done", "It rings again.")
	b.post(at+"/requests", append([]string{"token", page.value("token"), "key", string(cpni.NewID())}, asks...)...).says(t, "Refused", "NOT_NECESSARY", "The matter is closed.")
	b.get("/desks/service").says(t, "There are none here.")
	b.get("/desks/service?show=closed").says(t, "T-4471", "Done")
	b.get(w.desks(t, "agent")).is(t, http.StatusNotFound)
}

// desks gives the address of a matter that is none of the work of somebody: a case of fraud.
func (w *world) desks(t testing.TB, _ string) string {
	return matterAddress(w.works(matter.Protection, "F-0", w.ann).ID)
}

// Each desk is for those whose work it is; for others its matters are not there, and to them nothing of another carrier's
// request is told.
//
// cite: P-30, P-33, P-35, P-37, 47 USC 222(b), 47 CFR 64.2010(a)
func TestDesksAreForThoseWhoWorkThere(t *testing.T) {
	w := newWorld(t)
	fraud := w.works(matter.Protection, "F-1", w.ann)
	port, err := w.Matters.Open(context.Background(), matter.Opening{Kind: matter.PortOut, Reference: "P-1", Why: "Asked for.", Carrier: "Far Telephone", About: []matter.About{{Customer: w.ann, Lines: []string{annNumber}}}, By: "test"})
	must(t, err)
	for login, desks := range map[string]string{"agent": "service emergency", "supervisor": "service ports collection emergency", "fraud": "fraud emergency", "billing": "ports collection",
		"compliance": "service fraud ports collection emergency", "marketing": "", "auditor": "", "admin": "", "officer": ""} {
		b := w.signedIn(t, login)
		may := " " + desks + " "
		for _, d := range []string{"service", "fraud", "ports", "collection", "emergency"} {
			want := http.StatusForbidden
			if strings.Contains(may, " "+d+" ") {
				want = http.StatusOK
			}
			if r := b.get("/desks/" + d); r.StatusCode != want {
				t.Errorf("%s at the desk %s: %s", login, d, r.Status)
			}
		}
		for m, desk := range map[*matter.Matter]string{fraud: "fraud", port: "ports"} {
			want := http.StatusNotFound
			if strings.Contains(may, " "+desk+" ") {
				want = http.StatusOK
			}
			r := b.get(matterAddress(m.ID))
			if r.StatusCode != want {
				t.Errorf("%s at a matter of %s: %s", login, desk, r.Status)
			}
			if want != http.StatusOK {
				r.lacks(t, "Archer", "Far Telephone")
				b.submit(matterAddress(m.ID)+"/end", "outcome", "done", "reason", "Mine.").is(t, http.StatusNotFound)
			}
		}
	}
	for _, m := range []*matter.Matter{fraud, port} {
		if now, err := w.Matters.Get(context.Background(), m.ID); err != nil || now.State != matter.Open {
			t.Errorf("closed by somebody whose work it is not: %+v %v", now, err)
		}
	}
	if r := w.signedIn(t, "agent").get(customerAddress(w.ann)); strings.Contains(strings.ToLower(text(r.page)), "port") && strings.Contains(r.page, "Far Telephone") {
		t.Error("the card tells an agent of the port")
	}
	w.signedIn(t, "agent").get("/desks/nowhere").is(t, http.StatusNotFound)
}

// What cannot be opened comes back as it was typed, with what is wrong with it.
//
// cite: P-33, P-35
func TestBadOpeningKeepsTheForm(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "compliance")
	for _, c := range []struct {
		desk string
		form []string
		code string
		says string
	}{
		{"service", []string{"kind", "ticket", "reference", "T-1", "customer", "nobody", "why", "It is dead.", "data", "service"}, "NOT_FOUND", "Not exactly one customer was found by this."},
		{"service", []string{"kind", "ticket", "reference", "T-1", "customer", annNumber, "why", "It is dead."}, "BAD_INPUT", "The matter names no information that it needs."},
		{"service", []string{"kind", "order", "reference", "T-1", "customer", annNumber, "lines", "+12025550999", "why", "It is dead.", "data", "service"}, "BAD_INPUT", "A line of the matter is none of the customer's."},
		{"ports", []string{"kind", "port-out", "reference", "T-1", "customer", annNumber, "why", "Asked for.", "carrier", "Far", "data", "service"}, "BAD_INPUT", "A port is about one customer and the numbers that are ported."},
		{"collection", []string{"kind", "collection", "reference", "T-1", "customer", annNumber, "why", "Not paid.", "vendor", "nobody", "data", "billing"}, "VENDOR", "No vendor of this id is on the register"},
	} {
		page := b.get("/desks/" + c.desk)
		key := page.value("key")
		r := b.post("/desks/"+c.desk, append([]string{"token", page.value("token"), "key", key}, c.form...)...)
		r.says(t, c.code, c.says)
		if r.StatusCode == http.StatusOK || r.value("key") != key || !strings.Contains(r.page, `value="T-1"`) {
			t.Errorf("%s: %s, the form has lost what was typed", c.desk, r.Status)
		}
	}
	b.submit("/desks/service", "key", "mine", "kind", "ticket").is(t, http.StatusBadRequest)
	b.submit("/desks/service", "key", string(cpni.NewID()), "kind", "protection").is(t, http.StatusBadRequest)
	if all, err := w.Matters.List(context.Background(), matter.Filter{}); err != nil || len(all) != 0 {
		t.Errorf("%d were opened: %v", len(all), err)
	}
}

// A port, a placement and a case of fraud on the pages: each gives what its work needs to whom it is for.
//
// cite: P-30, P-31, P-33, P-35, V104, V105, 47 USC 222(b), 47 USC 222(d)
func TestPortPlacementAndFraud(t *testing.T) {
	w := newWorld(t)
	w.item(w.ann, vault.Item{Class: cpni.Service, Line: 1, Values: map[string]string{"internet": "fibre"}})
	boss := w.signedIn(t, "supervisor")
	port := boss.opened("ports", "kind", "port-out", "reference", "P-331", "customer", annNumber, "lines", annNumber, "carrier", "Far Telephone", "why", "Their request of today.", "data", "service", "data", "listing")
	boss.get(port).says(t, "Port to another carrier P-331", "Far Telephone")
	boss.under(port, "data", "service", "line", "0.1", "from", "202602", "to", "port").says(t, "Permitted: you may give this to Far Telephone", "fibre")
	boss.under(port, "data", "call-detail", "line", "0.1", "from", "202602", "to", "port").says(t, "Nothing is chosen of what is needed.")
	boss.get("/home").says(t, "Port desk: 1 open")
	_, d, err := w.Door.Consider(context.Background(), disclose.Request{Caller: disclose.Caller{Staff: w.people["marketing"]}, Customer: w.ann, Data: []cpni.DataClass{cpni.Usage}, Purpose: cpni.WinBack, To: "carrier",
		Offer: &rules.Offer{Categories: []cpni.Category{cpni.Local}}})
	if err != nil || d.Code != "222B" {
		t.Errorf("a retention desk: %s %v", d.Code, err)
	}
	must(t, w.Partners.Put(context.Background(), "test", partner.Partner{ID: "collectors", Name: "Collectors Inc", Placed: true, Agreement: &partner.Agreement{Until: w.clock.Now().AddDate(1, 0, 0), DestroyBy: w.clock.Now().AddDate(1, 0, 0)}}))
	must(t, w.Partners.Put(context.Background(), "test", partner.Partner{ID: "loose", Name: "Loose Ends"}))
	bill := w.signedIn(t, "billing")
	page := bill.get("/desks/collection")
	page.says(t, "Collectors Inc, destroys by")
	page.lacks(t, "Loose Ends")
	placed := bill.opened("collection", "kind", "collection", "reference", "C-9", "customer", annNumber, "vendor", "collectors", "why", "Two bills are not paid.", "data", "billing")
	bill.under(placed, "data", "billing", "line", "0.", "from", "202602", "to", "collectors").says(t, "Permitted: you may give this to collectors", "42.30 USD")
	bill.under(placed, "data", "usage", "line", "0.", "from", "202602", "to", "collectors").says(t, "Refused", "NOT_NECESSARY")

	compliance := w.signedIn(t, "compliance")
	alert := caseAddress(w.alert(w.ann).ID)
	compliance.get(alert).says(t, "Open a case of fraud")
	compliance.submit(alert+"/matter", "why", " ").says(t, "It does not say why the matter is there")
	compliance.submit(alert+"/matter", "why", "Somebody looks where nobody should.").says(t, "Case of fraud or protection", "Somebody looks where nobody should.", "an alert", "Ann Archer")
	fraud := compliance.at
	compliance.get(alert).says(t, "The case that was opened on this")
	fay := w.signedIn(t, "fraud")
	fay.under(fraud, "data", "call-detail", "line", "0.", "from", "202602", "to", "law-enforcement").says(t, "Permitted: you may give this to law enforcement", "+1 703 555 0123")
	fay.under(fraud, "data", "call-detail", "line", "0.", "from", "202602", "to", "other").says(t, "The other carrier is not named.")
	fay.under(fraud, "data", "call-detail", "line", "0.", "from", "202602", "to", "other", "other", "Near Telephone").says(t, "Permitted: you may give this to Near Telephone")
	w.signedIn(t, "supervisor").submit(alert+"/matter", "why", "Mine.").is(t, http.StatusForbidden)
	if all, err := w.Matters.List(context.Background(), matter.Filter{Kinds: []matter.Kind{matter.Protection}}); err != nil || len(all) != 1 || all[0].Alert == "" {
		t.Errorf("%+v %v", all, err)
	}
}

// What lies is told at its desk and on the home page, and closes by itself.
//
// cite: P-28, P-34
func TestWhatLies(t *testing.T) {
	w := newWorld(t)
	m := w.works(matter.Ticket, "T-1", w.ann)
	w.clock.pass(4 * 24 * time.Hour)
	must(t, w.Due(context.Background()))
	b := w.signedIn(t, "supervisor")
	b.get("/home").says(t, "Service desk: 1 open, 1 of them idle")
	b.get("/desks/service?show=idle").says(t, "T-1", "Idle")
	b.get(matterAddress(m.ID)).says(t, "Idle: somebody should go on with it, or close it")
	w.clock.pass(40 * 24 * time.Hour)
	must(t, w.Due(context.Background()))
	b = w.signedIn(t, "supervisor")
	b.get(matterAddress(m.ID)).says(t, "Lapsed: nobody worked on it", "by itself")
}

// The desk of emergencies leads from the number to the claim in one step, and shows what has still to be justified: to who took a
// claim their own, to those who watch everybody's.
//
// cite: P-28, P-41, 47 USC 222(d)(4)
func TestEmergencyDesk(t *testing.T) {
	w := newWorld(t)
	w.item(w.ann, vault.Item{Class: cpni.Location, Period: 202603, Line: 1, Values: map[string]string{"place": "38.889, -77.035"}})
	b := w.signedIn(t, "agent")
	b.get("/desks/emergency").says(t, "Whose call is it?", "You have nothing to justify.")
	b.submit("/desks/emergency/find", "number", "nobody").says(t, "No customer has this number")
	page := b.submit("/desks/emergency/find", "number", annNumber)
	page.says(t, "Emergency: Ann Archer")
	b.submit(customerAddress(w.ann)+"/emergency", "claim", page.value("claim"), "who", "psap", "callback", "911 centre, desk 4").says(t, "Permitted", "38.889")
	b.get("/desks/emergency").says(t, "Write down why", "due by")
	b.get("/desks").says(t, "Emergency desk", "1 open")
	boss := w.signedIn(t, "supervisor")
	boss.get("/desks/emergency").says(t, "Not justified yet, by others", "The agent", "a 911 centre")
	w.clock.pass(25 * time.Hour)
	boss = w.signedIn(t, "supervisor")
	boss.get("/desks/emergency").says(t, "Overdue")
	b = w.signedIn(t, "agent")
	other := w.signedIn(t, "second")
	other.get("/desks/emergency").lacks(t, "The agent")
	due, err := w.Door.Unjustified(context.Background(), w.people["agent"])
	must(t, err)
	b.submit(emergencyAddress(w.ann)+"/"+string(due[0].ID)+"/why", "reason", "The 911 centre of the county, rung back at its own number.")
	b.get("/desks/emergency").says(t, "You have nothing to justify.")
	boss.get("/desks/emergency").says(t, "Justified", "The 911 centre of the county, rung back at its own number.")
}
