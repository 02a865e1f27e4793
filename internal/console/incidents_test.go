package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/office"
	"ringfence/internal/watch"
)

// factsFields are what somebody enters of an incident: an agent looked at calls, and nobody knows yet why.
func factsFields(key string, change ...string) []string {
	form := []string{"key", key, "title", "Look at calls", "what", "An agent looked at the calls of customers without a contact.", "how", "At the desk.", "discovered", "2026-03-05T09:30", "discovered-by", "The compliance", "from", "2026-03-02", "until", "2026-03-04",
		"data", "call-detail", "data", "billing", "personal", "names with account numbers", "customers", "3", "outcome", "accessed", "intentional", "unknown", "good-faith", "unknown", "encryption", "none", "harm", "unknown", "carrier-loss", "1,200.50"}
	for i := 0; i < len(change); i += 2 {
		for j := 0; j < len(form); j += 2 {
			if form[j] == change[i] {
				form[j] = "" // in its place
			}
		}
		form = append(form, change[i], change[i+1])
	}
	return form
}

// takenIn has somebody take an incident in, and gives its address.
func (b *browser) takenIn(change ...string) string {
	b.t.Helper()
	key := b.get("/incidents/new").is(b.t, http.StatusOK).value("key")
	b.submit("/incidents/new", factsFields(key, change...)...).says(b.t, "It is taken in as")
	return b.at
}

// does sends a form of a page of an incident, with what that page bears.
func (b *browser) does(page, to string, form ...string) reply {
	b.t.Helper()
	shown := b.get(page).is(b.t, http.StatusOK)
	form = append([]string{"token", shown.value("token"), "key", shown.value("key")}, form...)
	if version := shown.value("version"); version != "" {
		form = append(form, "version", version)
	}
	for _, p := range addresses() {
		if p.post != nil && p.scan > 0 && strings.HasSuffix(to, p.pattern[strings.LastIndex(p.pattern, "/"):]) && strings.HasPrefix(p.pattern, "/incidents") {
			return b.follow(b.postScan(to, nil, form...))
		}
	}
	return b.follow(b.post(to, form...))
}

// An incident is taken in at the desk, shown under both rules with its reasons, corrected by a new step, determined, and its clocks are shown
// with the days that count and those that are skipped, and why.
//
// cite: P-43, P-44, P-49, P-50, P-52, 47 CFR 64.2011(b), 47 CFR 64.2011(d)
func TestIncidentAtTheDesk(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "compliance")
	b.get("/incidents").is(t, http.StatusOK).says(t, "0 files", "Take an incident in")
	r := b.post("/incidents/new", append([]string{"token", b.token()}, factsFields(string(cpni.NewID()), "harm", "unlikely")...)...).is(t, http.StatusUnprocessableEntity)
	r.says(t, "A finding that makes the duties smaller stands without its basis.", "Say on what the finding rests")
	r.has(t, "An agent looked at the calls of customers without a contact.</textarea>", `value="1,200.50"`, `value="2026-03-05T09:30"`)
	at := b.takenIn()
	r = b.get(at)
	r.says(t, "I-2026-1 Look at calls", "Breach", "Held until it is determined what happened", "Rule of 2007", "Order of 2023", "In force", "Not in force", "Counts for this incident",
		"whether somebody meant it is not known", "Determine what happened", "not yet: the clocks do not run", "Billing, Call detail", "names with account numbers", "$1200.50, estimated", "by The compliance", "5 Mar 2026, 09:30:00 EST")
	r.lacks(t, string(w.people["compliance"]))

	// A correction is a new step; what was held before stays in the history.
	stale := b.get(at + "/facts").value("version")
	b.submit(at+"/facts", append(factsFields(b.get(at+"/facts").value("key"), "customers", "41"), "version", stale)...).says(t, "The record has to say why.")
	b.submit(at+"/facts", append(factsFields(b.get(at+"/facts").value("key"), "customers", "41", "reason", "counted again"), "version", stale)...).says(t, "The facts are corrected.", "41")
	r = b.post(at+"/facts", append(factsFields(string(cpni.NewID()), "customers", "42", "reason", "counted again"), "version", stale, "token", b.token())...).is(t, http.StatusConflict)
	r.says(t, "Somebody else has written to this file meanwhile.", "Look at it again, then do it once more.")
	b.get(at+"/history").says(t, "Facts corrected", "How many customers: 41 — before: 3", "Reason: counted again", "Opened", "The compliance", "Entry of the ledger")

	// The determination starts the clocks. Sent twice it is made once.
	shown := b.get(at)
	form := []string{"token", shown.value("token"), "key", shown.value("key"), "version", shown.value("version"), "basis", "She has said so.", "earlier", ""}
	b.follow(b.post(at+"/determine", form...)).says(t, "It is determined. The clocks run.", "Report to Secret Service and FBI", "by Mon 16 Mar 2026", "in 11 days")
	b.follow(b.post(at+"/determine", form...)).says(t, "It is determined. The clocks run.")
	r = b.get(at)
	r.says(t, "Report to the agencies", "the day it counts from", "Sat 7 Mar", "not counted: Saturday", "not counted: Sunday", "last day", "today", "7 days counted, 4 skipped; 11 days are left", "Held until the agencies have the report")
	if n := len(w.incident(t).All(breach.Determined)); n != 1 {
		t.Errorf("it was determined %d times (P-44)", n)
	}
	b.submit(at+"/determine", "key", string(cpni.NewID()), "basis", "again").says(t, "It was determined already")
	w.clock.pass(20 * 24 * time.Hour)
	b = w.signedIn(t, "compliance")
	b.get("/incidents").says(t, "Report to Secret Service and FBI", "days late")
	b.get("/home").says(t, "1 incident is late; 1 incident is open; I-2026-1: report to Secret Service and FBI, Mon 16 Mar 2026, 9 days late", "Overdue")
	b.get(at).says(t, "Report to the agencies is late", "over since 9 days", "Tue 17 Mar 2026, and every day to Thu 26 Mar 2026")
}

// incident is the one that there is.
func (w *world) incident(t testing.TB) *breach.Incident {
	t.Helper()
	all, err := w.Incidents.List(t.Context(), w.people["compliance"], breach.Query{})
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("%d incidents are open", len(all))
	}
	return all[0]
}

// Whose data it reached is found in the ledger and changed by hand with reasons; the report is drafted, completed by a person and kept as it
// was filed when its receipt is entered; the agencies' words move the hold; and a file is closed when it lacks nothing.
//
// cite: P-44, P-45, P-47, P-48, P-51, P-52, P-53, 47 CFR 64.2011
func TestIncidentToItsEndAtTheDesk(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	contact := agent.open(w.ann, "phone")
	agent.prove(contact, "method", "pin", "secret", annPIN)
	agent.ask(contact)
	must(t, w.Ledger.Sequence(t.Context()))
	w.clock.pass(time.Minute)
	b := w.signedIn(t, "compliance")
	at := b.takenIn("customers", "")
	set := at + "/customers"
	b.get(set).says(t, "In the set 0", "There are none here.", "Find them in the ledger", "The agent, agent")
	b.does(set, set+"/trace").says(t, "It is not said whose touch is looked for.")
	b.does(set, set+"/trace", "actor", string(w.people["agent"]), "since", "2026-03-05T00:00").says(t, "The ledger is traced", "By The agent, from 5 Mar 2026, 00:00:00 EST", "1 customer is reached", "In the set 1", "…"+string(w.ann[len(w.ann)-8:]))
	b.get(set).lacks(t, "Ann Archer", annNumber)
	b.does(set, set+"/put", "customers", annNumber, "reason", "").says(t, "The record has to say why.")
	bo := w.customer(customer.Profile{Name: "Bo Baker", Account: "B-7", Since: w.clock.Now().AddDate(-2, 0, 0)})
	b.does(set, set+"/put", "customers", string(bo), "reason", "She says so.").says(t, "They are in the set.", "In the set 2", "by hand, step")
	b.does(set, set+"/remove", "customers", string(bo), "reason", "It was not her.").says(t, "They are out of the set.", "Taken out 1")
	b.does(set, set+"/again", "reason", "Traced again.").says(t, "Every trace was made again.")

	// The report.
	b.does(at, at+"/determine", "basis", "He has said so.").says(t, "It is determined.")
	report := at + "/report"
	page := b.get(report)
	page.says(t, "What is missing", "It has to be with Secret Service and FBI by Mon 16 Mar 2026", "I have filed it", "still to be filled in")
	page.has(t, "An agent looked at the calls of customers without a contact.", `data-copy="f-`)
	b.does(report, report+"/draft", "has-carrier-name", "yes", "f-carrier-name", "Test Carrier, Inc.").says(t, "The draft is kept. Nothing was filed.", "written over")
	b.get(report).has(t, `value="Test Carrier, Inc."`)
	if pdf := b.get(report+"/draft.pdf").is(t, http.StatusOK); !strings.HasPrefix(pdf.page, "%PDF-") || !strings.HasPrefix(pdf.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the draft as PDF: %.40q", pdf.page)
	}
	b.get(report+"/draft.json").is(t, http.StatusOK).has(t, "Test Carrier, Inc.")
	b.does(report, report+"/file", "through", "email", "receipt", "R-1").says(t, "CHANNEL")
	b.does(report, report+"/file", "through", "facility", "receipt", " ").says(t, "RECEIPT")
	b.does(report, report+"/file", "through", "facility", "receipt", "R-26-77", "agency", "FBI").says(t, "receipt R-26-77", "the receipt names FBI")
	b.get(at).says(t, "Report to Secret Service and FBI", "Held until the agencies have the report")
	b.does(report, report+"/file", "through", "facility", "receipt", "R-26-78", "agency", "USSS", "agency", "FBI").says(t, "Adds to report 1", "As it was filed, as PDF")
	b.get(at).says(t, "Hold: customers are told nothing", "Held until 17 Mar 2026, 00:00 EDT", "Tell the customers, not before 17 Mar 2026, 00:00 EDT")
	if filed := b.get(at+"/papers/3").is(t, http.StatusOK); !strings.Contains(filed.page, "R-26-78") {
		t.Errorf("the copy of the second report: %.200s", filed.page)
	}

	// The agencies.
	agencies := at + "/agencies"
	b.does(agencies, agencies+"/direct", "form", "spoken", "agency", "FBI", "officer", "Agent Doe", "until", "2026-03-25").says(t, "NEED_WRITING", "Spoken: it has to come in writing")
	r := b.follow(b.postScan(agencies+"/direct", scanned, "token", b.token(), "key", string(cpni.NewID()), "form", "written", "agency", "FBI", "officer", "Agent Doe", "until", "2026-03-27"))
	r.says(t, "The direction is on record.", "Written meanwhile", "Stands", "The direction as it was scanned")
	b.get(at).says(t, "Held until 28 Mar 2026, 00:00 EDT", "FBI directed in writing")
	b.does(agencies, agencies+"/consult", "agency", "FBI", "officer", "Agent Doe", "said", "Wait.").says(t, "The consultation is on record.", "Wait.")
	b.does(agencies, agencies+"/state", "state", "Virginia", "law", "Va. Code 18.2-186.6", "by", "2026-03-20").says(t, "The duty is on record.")
	b.get(at).says(t, "They contradict each other", "Va. Code 18.2-186.6")
	b.does(agencies, agencies+"/lift", "agency", "FBI", "officer", "Agent Doe").says(t, "It is lifted.", "Lifted 5 March 2026")
	b.get(at).says(t, "Held until 17 Mar 2026, 00:00 EDT")
	b.does(agencies, agencies+"/respond", "none", "yes").says(t, "None was received.")

	// Papers, remarks, and the end.
	papers := at + "/papers"
	b.follow(b.postScan(papers+"/add", scanned, "token", b.token(), "key", string(cpni.NewID()), "text", "He has left.", "name", "letter of the lawyer")).says(t, "It is in the file.", "letter of the lawyer", "He has left.")
	closing := at + "/closing"
	b.get(closing).says(t, "What the file lacks", "The customers have not been told.", "It is not said what the cause was.")
	r = b.does(closing, closing+"/close", "cause", "No alert looked at cards.", "remedy", "One does.", "lessons", "None.")
	r.is(t, http.StatusUnprocessableEntity).has(t, "No alert looked at cards.</textarea>")
	b.does(closing, closing+"/case", "case", "F-2026-3").says(t, "The case is named in the file.", "F-2026-3")
	b.get(at+"/history").says(t, "Direction lifted", "Report filed", "Customers reached", "Sanction case", "SHA-256 of the copy")
	must(t, w.Ledger.Sequence(t.Context()))
	b.get(at+"/history/1").says(t, "Step 1: Opened", "Hash of the step", "Signed checkpoint", "(step 1)")
	b.get(at+"/history/99").is(t, http.StatusNotFound)
}

// A rehearsal is marked on every page, its clock is moved on by those who work there, and what would be told in it is told to nobody.
//
// cite: P-43, P-49
func TestRehearsalAtTheDesk(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "compliance")
	at := b.takenIn("rehearsal", "yes")
	b.get("/incidents").says(t, "0 files")
	b.get("/incidents?of=rehearsals").says(t, "R-2026-1 Look at calls")
	for _, page := range []string{"", "/facts", "/customers", "/report", "/agencies", "/papers", "/closing", "/history"} {
		b.get(at+page).is(t, http.StatusOK).says(t, "REHEARSAL Nothing here is real")
	}
	b.does(at, at+"/determine", "basis", "as the story has it")
	b.does(at, at+"/advance", "by", "7").says(t, "The clock of the rehearsal is moved on by 7 days.", "12 Mar 2026")
	b.does(at, at+"/advance", "by", "days", "days", "0").says(t, "That is no number of days.")
	b.does(at, at+"/advance", "by", "days", "days", "9").says(t, "5 days late")
	if alerts := w.alertsOf(t, "INCIDENT", "LATE_LE", "LE_DUE"); alerts != 0 {
		t.Errorf("a rehearsal raises %d alerts", alerts)
	}
}

// alertsOf counts the alerts of some codes, as who works on incidents sees them.
func (w *world) alertsOf(t testing.TB, codes ...cpni.Code) (n int) {
	t.Helper()
	must(t, w.Due(t.Context()))
	must(t, w.Ledger.Sequence(t.Context()))
	must(t, w.Watch.Step(t.Context()))
	all, err := w.Watch.Alerts(t.Context(), watch.Filter{Viewer: w.people["compliance"]})
	must(t, err)
	for _, a := range all {
		if slices.Contains(codes, a.Code) {
			n++
		}
	}
	return n
}

// The breach desk keeps nobody out, on a desk, on a telephone and in the dark.
//
// cite: P-44, P-47
func TestBreachDeskInABrowser(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "compliance")
	at := b.takenIn()
	c := w.chromium(t)
	c.takeOver(b)
	c.isSound("incident to be determined", at)
	b.does(at, at+"/determine", "basis", "He has said so.")
	b.does(at+"/customers", at+"/customers/put", "customers", annNumber, "reason", "She says so.")
	report := at + "/report"
	b.does(report, report+"/file", "through", "facility", "receipt", "R-26-78", "agency", "USSS", "agency", "FBI").says(t, "receipt R-26-78")
	b.does(at+"/agencies", at+"/agencies/direct", "form", "written", "agency", "FBI", "officer", "Agent Doe", "until", "2026-03-27")
	b.does(at+"/agencies", at+"/agencies/state", "state", "Virginia", "law", "Va. Code 18.2-186.6", "by", "2026-03-20")
	b.takenIn("title", "Lost laptop", "outcome", "disclosed")
	rehearsal := b.takenIn("rehearsal", "yes", "title", "Who would do what")
	for _, p := range []struct{ what, path string }{{"incident on its clocks", at}, {"incident facts", at + "/facts"}, {"incident telling", at + "/telling"}, {"incident customers", at + "/customers"}, {"incident report", report}, {"incident agencies", at + "/agencies"},
		{"incident papers", at + "/papers"}, {"incident closing", at + "/closing"}, {"incident history", at + "/history"}, {"incidents", "/incidents"}, {"rehearsal", rehearsal},
		{"suspicion", "/suspicion"}, {"home with incidents", "/home"}} {
		c.isSound(p.what, p.path)
	}
}

// Whoever works for the carrier reports a suspicion and hears its number; nobody but compliance, officers and auditors finds out that there is
// an incident: not by an address, nor by alerts, the search or the ledger. The auditor reads, and changes nothing.
//
// cite: P-37, P-43, P-47, P-49, 47 CFR 64.2010(a), 47 CFR 64.2011(a)
func TestWhoKnowsOfIncidents(t *testing.T) {
	w := newWorld(t)
	for _, login := range []string{"agent", "supervisor", "marketing", "fraud", "billing", "admin"} {
		b := w.signedIn(t, login)
		form := b.get("/suspicion").is(t, http.StatusOK)
		form.has(t, `href="/suspicion"`)
		send := []string{"token", form.value("token"), "key", form.value("key"), "what", "A colleague of " + login + " photographed a screen.", "how", "I saw it.", "discovered", "2026-03-05T09:00"}
		thanks := b.follow(b.post("/suspicion", send...))
		thanks.says(t, "Thank you", "I-2026-")
		if again := b.follow(b.post("/suspicion", send...)); text(again.page) != text(thanks.page) {
			t.Errorf("%s: sent twice it is taken in twice", login)
		}
	}
	all, err := w.Incidents.List(t.Context(), w.people["compliance"], breach.Query{})
	must(t, err)
	if len(all) != 6 {
		t.Fatalf("%d incidents were taken in", len(all))
	}
	for n, i := range all { // the newest first, whatever their ids are
		if want := fmt.Sprintf("I-2026-%d", 6-n); i.Number != want {
			t.Errorf("%s stands in the place of %s", i.Number, want)
		}
	}
	older, err := w.Incidents.List(t.Context(), w.people["compliance"], breach.Query{Before: all[3].ID})
	must(t, err)
	if len(older) != 2 || older[0].ID != all[4].ID || older[1].ID != all[5].ID {
		t.Errorf("%d are older than the fourth", len(older))
	}
	b := w.signedIn(t, "agent")
	token := b.token()
	b.post("/suspicion", "token", token, "key", string(cpni.NewID()), "what", "x", "how", "y", "discovered", "2027-01-01T09:00").is(t, http.StatusUnprocessableEntity).says(t, "It was discovered at a moment that is to come.")
	at := incidentAddress(all[0].ID)
	if n := w.alertsOf(t, breach.Suspected); n != 6 {
		t.Errorf("%d alerts of incidents", n)
	}
	none := incidentAddress(cpni.NewID())
	for _, login := range []string{"agent", "supervisor", "marketing", "fraud", "billing", "admin"} {
		b := w.signedIn(t, login)
		for _, page := range []string{"", "/customers", "/report", "/agencies", "/telling", "/papers", "/papers/1", "/closing", "/history", "/history/1"} {
			if there, not := text(b.get(at+page).is(t, http.StatusForbidden).page), text(b.get(none+page).is(t, http.StatusForbidden).page); there != not {
				t.Errorf("%s tells of an incident at %s:\n%s\n%s", login, page, there, not)
			}
		}
		for _, page := range []string{"/home", "/alerts?state=all", "/records/search?kind=any", "/records/search?kind=alert"} {
			if r := b.get(page); r.StatusCode == http.StatusOK {
				r.lacks(t, "INCIDENT", "ncident was", "/incidents", "photographed")
			}
		}
	}
	seen, err := w.Watch.Alerts(t.Context(), watch.Filter{Viewer: w.people["compliance"]})
	must(t, err)
	for _, a := range seen {
		if a.Code == breach.Suspected {
			w.signedIn(t, "supervisor").get(caseAddress(a.ID)).is(t, http.StatusNotFound)
			w.signedIn(t, "compliance").get(caseAddress(a.ID)).is(t, http.StatusOK).says(t, "An incident was taken in", "Take it in as an incident")
			break
		}
	}
	auditor := w.signedIn(t, "auditor")
	auditor.get("/incidents").says(t, "6 files")
	auditor.get("/incidents").lacks(t, "Take an incident in")
	page := auditor.get(at).is(t, http.StatusOK)
	page.says(t, "photographed a screen")
	page.lacks(t, at+"/determine", at+"/facts")
	for _, p := range []string{"/customers", "/report", "/agencies", "/telling", "/papers", "/closing", "/history"} {
		auditor.get(at+p).is(t, http.StatusOK).lacks(t, at+"/customers/put", at+"/report/file", at+"/agencies/direct", at+"/telling/begin", at+"/papers/add", at+"/closing/close")
	}
	auditor.post(at+"/determine", "token", auditor.token(), "key", string(cpni.NewID())).is(t, http.StatusForbidden)
}

// An alert is taken in as an incident with what it says; who does not work on incidents reports it.
//
// cite: P-43, P-50
func TestIncidentFromAnAlert(t *testing.T) {
	w := newWorld(t)
	must(t, w.Watch.SetDecoy(t.Context(), w.ann, true, "test"))
	w.signedIn(t, "agent").get(customerAddress(w.ann))
	must(t, w.Ledger.Sequence(t.Context()))
	must(t, w.Watch.Step(t.Context()))
	b := w.signedIn(t, "compliance")
	all, err := w.Watch.Alerts(t.Context(), watch.Filter{Viewer: w.people["compliance"], Detector: "decoy"})
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("%d alerts", len(all))
	}
	at := caseAddress(all[0].ID)
	b.get(at).has(t, "/incidents/new?alert="+string(all[0].ID), "Take it in as an incident")
	form := b.get("/incidents/new?alert="+string(all[0].ID)).is(t, http.StatusOK)
	form.has(t, `value="Alert: Decoy"`, string(all[0].ID), "A customer was opened whom nobody has reason to open")
	b.takenIn("source", string(all[0].ID), "title", "Alert: Decoy")
	b.get(b.at).has(t, at, "The alert")
	supervisor := w.signedIn(t, "supervisor")
	supervisor.get(at).has(t, "/suspicion?alert="+string(all[0].ID), "Report a suspicion")
	supervisor.get("/suspicion?alert="+string(all[0].ID)).is(t, http.StatusOK).has(t, "An alert of", "Decoy", string(all[0].ID))
	w.signedIn(t, "billing").get("/suspicion?alert="+string(all[0].ID)).is(t, http.StatusOK).lacks(t, "Decoy")
}

// Words for customers are written by one person and agreed to by another; what the call centre answers is prepared; and who serves a customer
// sees nothing of it in a contact before that customer was told, and what they were told once they were.
//
// cite: P-37, P-47, I-08, 47 CFR 64.2011(a), 47 CFR 64.2011(c)
func TestTellingAtTheDesk(t *testing.T) {
	w := newWorld(t, func(c *office.Config) {
		c.Carrier = office.Carrier{Name: "Test Carrier", Phone: "+18005550147", Address: "https://account.test.example"}
	})
	b := w.signedIn(t, "compliance")
	at := b.takenIn("customers", "", "outcome", "disclosed")
	telling := at + "/telling"
	bo := w.customer(customer.Profile{Name: "Bo Baker", Account: "B-7", Since: w.clock.Now().AddDate(-2, 0, 0)})
	b.does(at+"/customers", at+"/customers/put", "customers", annNumber+"\n"+string(bo), "reason", "They say so.").says(t, "They are in the set.")
	b.does(at, at+"/determine", "basis", "He has said so.")
	b.get(telling).says(t, "No customer may be told before the agencies have the report", "0 of 2 customers told", "There is none.")
	b.does(telling, telling+"/begin").says(t, "LE_HOLD")
	if n := w.alertsOf(t, breach.HoldTried); n != 1 {
		t.Errorf("%d alerts that somebody tried to tell customers (I-08)", n)
	}
	b.does(at+"/report", at+"/report/file", "through", "facility", "receipt", "R-26-78", "agency", "USSS", "agency", "FBI").says(t, "receipt R-26-78")
	words := []string{}
	for _, l := range breach.Languages {
		words = append(words, "what-"+l, "A list with call records was passed on.", "done-"+l, "We closed the way by which it was taken.", "advice-"+l, "Change your password with us.", "short-"+l, "your call records")
	}
	r := b.does(telling, telling+"/words", words[:6]...).is(t, http.StatusUnprocessableEntity)
	r.has(t, "A list with call records was passed on.</textarea>")
	b.does(telling, telling+"/words", words...).says(t, "The words are kept.", "Written by The compliance", "You wrote them, so somebody else reads them.")
	officer := w.signedIn(t, "officer")
	officer.does(telling, telling+"/agree", "step", officer.get(telling).value("step")).says(t, "You have agreed to the words.", "Agreed to by a second person")
	b.does(telling, telling+"/answers", "q-en-1", "Was it my address too?", "a-en-1", "No, call records only.").says(t, "A question has no answer, or an answer no question.")
	b.does(telling, telling+"/answers", "q-en-1", "Was it my address too?", "a-en-1", "No, call records only.", "q-es-1", "¿También mi dirección?", "a-es-1", "No, solo las llamadas.").says(t, "The answers are kept.")
	agent := w.signedIn(t, "agent")
	agent.get(agent.open(w.ann, "phone")).is(t, http.StatusOK).lacks(t, "Told of an incident", "call records only")

	w.clock.pass(13 * 24 * time.Hour)
	b = w.signedIn(t, "compliance")
	b.does(telling, telling+"/begin").says(t, "The customers are being told.", "Pause the telling")
	b.does(telling, telling+"/pause", "reason", "The words are looked at once more.").says(t, "The telling is paused", "Paused")
	must(t, w.Incidents.Work(t.Context()))
	if all, err := w.Outbox.Messages(t.Context(), w.ann); err != nil || len(all) != 0 {
		t.Errorf("%d messages while it is paused, %v", len(all), err)
	}
	b.does(telling, telling+"/resume").says(t, "The telling goes on where it was.")
	must(t, w.Incidents.Work(t.Context()))
	b.get(telling).says(t, "A message waits to go 1", "Not reached 1", "NO_PLACE")
	b.get(telling+"?preview=1").says(t, "As a customer gets it", "A list with call records was passed on.")
	b.does(telling, telling+"/told", "customer", string(bo), "how", breach.ByWord, "reason", "The compliance called him.").says(t, "It is on record how they were told.", "1 of 2 customers told")
	agent = w.signedIn(t, "agent")
	agent.get(agent.open(w.ann, "phone")).lacks(t, "Told of an incident", "call records only")
	agent.get(agent.open(bo, "phone")).says(t, "Told of an incident", "somebody spoke with them", "Was it my address too?", "No, call records only.")
}

// Whatever stands in a file is text and nothing else.
//
// cite: I-23
func TestHostileIncidents(t *testing.T) {
	w := newWorld(t)
	w.hostile()
	b := w.signedIn(t, `<script>hit=1</script>`)
	at := b.takenIn("title", payload[:40], "what", payload, "how", payload, "discovered-by", payload, "personal", payload[:60], "basis", payload, "source", payload)
	b.does(at, at+"/determine", "basis", payload)
	b.does(at+"/agencies", at+"/agencies/direct", "form", "written", "agency", payload[:60], "officer", payload, "until", "2026-03-27", "reason", payload)
	b.does(at+"/agencies", at+"/agencies/respond", "agency", payload[:60], "text", payload)
	b.does(at+"/agencies", at+"/agencies/state", "state", payload[:60], "law", payload, "by", "2026-03-20")
	b.does(at+"/papers", at+"/papers/add", "text", payload)
	b.does(at+"/report", at+"/report/draft", "has-carrier-name", "yes", "f-carrier-name", payload)
	b.does(at+"/closing", at+"/closing/case", "case", payload)
	seen := 0
	for _, page := range []string{"", "/facts", "/customers", "/report", "/agencies", "/telling", "/papers", "/closing", "/history"} {
		r := b.get(at+page).is(t, http.StatusOK)
		r.lacks(t, "<script>hit", "<img src=x", `href="javascript:`, "onerror=hit=1>")
		seen += strings.Count(r.page, "&lt;script&gt;hit=1")
	}
	if seen < 20 {
		t.Errorf("the payload is on the pages only %d times: the test does not see what it should", seen)
	}
	b.get("/suspicion/"+url.PathEscape(payload)).is(t, http.StatusNotFound)
}
