package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
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
	form = append([]string{"token", shown.value("token"), "key", shown.value("key"), "version", shown.value("version")}, form...)
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
