package console

import (
	"net/http"
	"testing"
	"time"

	"ringfence/internal/filing"
)

// tellFailure takes a failed way to refuse in, and gives its address.
func (b *browser) tellFailure(change ...string) string {
	b.t.Helper()
	form := append([]string{"key", b.get("/failures/new").is(b.t, http.StatusOK).value("key"), "mechanism", "the form on the web", "what", "The button did nothing.", "found", "2026-03-05T09:30", "affected", "120", "states", "unknown"}, change...)
	b.submit("/failures/new", form...).says(b.t, "It is taken in as O-2026-")
	return b.at
}

// wholeLetter is what the form of the facts has when the letter lacks nothing.
var wholeLetter = []string{"mechanism", "the form on the web", "what", "The button did nothing.", "found", "2026-03-05T09:30", "affected", "120", "remedy", "The button was mended.", "remedied", "2026-03-05", "states", "yes",
	"commissions", "Virginia SCC", "action", "It took note.", "notice", "Please refuse again.", "contact", "Jo Doe, +18005550101", "reason", "it was mended"}

// A way to refuse that failed goes from the desk's first note to the letter that was sent, with its days shown and what the letter lacks.
//
// cite: P-12, 47 CFR 64.2009(f)
func TestFailureAtTheDesk(t *testing.T) {
	w := newWorld(t)
	w.Filing.Carrier.Name = "Test Carrier"
	b := w.signedIn(t, "compliance")
	b.get("/failures").is(t, http.StatusOK).says(t, "0 files", "Take one in")
	r := b.submit("/failures/new", "key", b.get("/failures/new").value("key"), "mechanism", "the form on the web", "what", "", "found", "2026-03-05T09:30", "states", "unknown").is(t, http.StatusUnprocessableEntity)
	r.says(t, "It is not said what the problem was.")
	r.has(t, `value="the form on the web"`)
	at := b.tellFailure()
	b.get("/failures").says(t, "O-2026-1", "the form on the web", "Not judged", "Judge whether it was more than an anomaly")
	b.get("/home").says(t, "1 way to refuse has failed")
	b.get(at).says(t, "not yet: the clock does not run", "things are lacking", "whether state commissions were notified", "Customers who could not refuse", "120")
	judge := func(form ...string) reply {
		shown := b.get(at)
		return b.follow(b.post(at+"/judge", append([]string{"token", shown.value("token"), "key", shown.value("key"), "version", shown.value("version")}, form...)...))
	}
	judge("is", "anomaly", "basis", "").says(t, "A judgement by which no letter is due stands without its basis.")
	judge("is", "anomaly", "basis", "one customer, once").says(t, "It is judged to be an anomaly. No letter is due.", "An anomaly: no letter is due", "It turns out to be more")
	b.get("/failures?of=done").says(t, "O-2026-1", "1 file")
	judge("is", "more", "basis", "It was everybody.").says(t, "The clock of the letter runs.", "Letter is due", "The letter is sent to the Commission by the end of", "last day", "not counted: Saturday", "not counted: Sunday", "5 days counted, 2 skipped", "to come")
	b.get("/failures").says(t, "Send the letter to the Commission by Thu 12 Mar 2026")
	shown := b.get(at + "/facts")
	b.submit(at+"/facts", append([]string{"key", shown.value("key"), "version", shown.value("version")}, wholeLetter...)...).says(t, "The facts are corrected.", "Complete", "Virginia SCC", "The letter was sent")
	stale := shown.value("version")
	b.submit(at+"/facts", append([]string{"key", b.get(at + "/facts").value("key"), "version", stale}, wholeLetter...)...).is(t, http.StatusConflict).says(t, "Somebody else has written to this file meanwhile.")
	if r := b.get(at+"/letter.pdf").is(t, http.StatusOK); r.Header.Get("Content-Type") != "application/pdf" {
		t.Errorf("the letter is printed as %q", r.Header.Get("Content-Type"))
	}
	w.clock.pass(20 * 24 * time.Hour)
	b = w.signedIn(t, "compliance")
	b.get("/failures").says(t, "Letter is late", "days late")
	b.get("/home").says(t, "1 letter to the Commission is late")
	b.get(at).says(t, "The letter is late.", "and every day to")
	shown = b.get(at)
	b.follow(b.postScan(at+"/file", scanned, "token", shown.value("token"), "key", shown.value("key"), "version", shown.value("version"), "at", "", "proof", "R-1")).
		says(t, "The letter is on record as it was sent.", "Letter sent late", "R-1", "The letter as it was sent", "The proof as it was scanned")
	b.get(at+"/papers/1").is(t, http.StatusOK).has(t, "1. Name of the carrier")
	b.get(at+"/papers/9").is(t, http.StatusNotFound)

	auditor := w.signedIn(t, "auditor")
	auditor.get(at).is(t, http.StatusOK).lacks(t, "Correct the facts")
	agent := w.signedIn(t, "agent")
	for _, path := range []string{"/failures", at, at + "/letter.pdf"} {
		agent.get(path).is(t, http.StatusForbidden)
	}
	all, err := w.Filing.List(t.Context(), w.people["compliance"], filing.Query{Done: true})
	must(t, err)
	if len(all) != 1 || all[0].Letter == nil || !all[0].Letter.Late {
		t.Errorf("it is not sent late: %v", all)
	}
}

// The pages of failures fit every window, and axe finds nothing to complain of.
func TestFailuresInABrowser(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "compliance")
	at := b.tellFailure()
	c := w.chromium(t)
	c.takeOver(b)
	c.isSound("a failure that is not judged", at)
	shown := b.get(at)
	b.follow(b.post(at+"/judge", "token", shown.value("token"), "key", shown.value("key"), "version", shown.value("version"), "is", "more", "basis", "It was everybody."))
	c.isSound("a failure with its clock", at)
	c.isSound("the failures", "/failures")
	c.isSound("the facts of a failure", at+"/facts")
}
