package console

import (
	"net/http"
	"testing"
	"time"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/books"
	"ringfence/internal/partner"
)

// enterInBooks enters a record of a register by its form, and gives its address.
func (b *browser) enterInBooks(kind books.Kind, form ...string) string {
	b.t.Helper()
	at := "/books/new/" + string(kind)
	b.submit(at, append([]string{"key", b.get(at).is(b.t, http.StatusOK).value("key")}, form...)...).says(b.t, "It is entered as "+map[books.Kind]string{books.Complaints: "C", books.Actions: "B", books.Methods: "M", books.Reviews: "S"}[kind]+"-2026-")
	return b.at
}

var aComplaint = []string{"category", "disclosure", "source", "regulator", "received", "2026-03-02", "name", "Ann Example", "says", "Somebody told my brother whom I call.", "verdict", "not-known"}

// The registers of a year at the desk: what came by letter is entered and corrected, what a customer reported stands beside it, each count
// opens its records, and those whose work it is not see none of it.
//
// cite: P-37, P-39, P-41, 47 CFR 64.2009(e)
func TestTheBooksOfAYear(t *testing.T) {
	w := newWorld(t)
	must(t, w.Due(t.Context()))
	b := w.signedIn(t, "compliance")
	b.get("/books").is(t, http.StatusOK).says(t, "Books of 2026", "Not kept all year", "They are kept since Thu 5 Mar 2026.", "none since 5 Mar", "Enter a complaint")
	r := b.submit("/books/new/complaint", "key", b.get("/books/new/complaint").value("key"), "category", "disclosure", "source", "press", "received", "", "says", "It stands in the paper.", "verdict", "not-known").is(t, http.StatusUnprocessableEntity)
	r.says(t, "It is not said when the complaint was received.", "It stands in the paper.")
	at := b.enterInBooks(books.Complaints, aComplaint...)
	b.get(at).says(t, "C-2026-1", "Disclosure to somebody who had no right to it", "A regulator passed it on", "2 March 2026", "Ann Example", "Somebody told my brother whom I call.", "1 step")
	shown := b.get(at + "/facts")
	correct := []string{"key", shown.value("key"), "version", shown.value("version"), "reason", "the records say so", "category", "employee-access", "source", "regulator", "received", "2026-03-02", "verdict", "founded"}
	b.submit(at+"/facts", correct...).is(t, http.StatusUnprocessableEntity).says(t, "A verdict stands without what was found.")
	b.submit(at+"/facts", append(correct, "finding", "An agent looked without a contact.", "done", "The agent was warned.")...).says(t, "It is corrected.", "Access by an employee who had no right to it", "The agent was warned.", "Founded")
	correct[1] = b.get(at + "/facts").value("key")
	b.submit(at+"/facts", append(correct, "finding", "Again.")...).is(t, http.StatusConflict)

	c, err := w.Complaints.File(t.Context(), complaint.Filing{Customer: w.ann, Category: complaint.OnlineAccess, Text: "Somebody was in my account."})
	must(t, err)
	b.get("/books").says(t, "Access online by somebody who had no right to it")
	listed := b.get("/books/list/complaint?year=2026&category=employee-access").is(t, http.StatusOK)
	listed.says(t, "C-2026-1", "1 in 2026")
	listed.lacks(t, "C-2026-2")
	b.get("/books/list/complaint?year=2026").says(t, "C-2026-1", "C-2026-2", "2 in 2026")
	b.get("/books/list/complaint?year=2025").says(t, "Not kept in 2025")
	report := b.get("/books/records/"+string(c.ID)).is(t, http.StatusOK)
	report.says(t, "The customer reported it here", "The customer's report, and the answer")
	report.has(t, `href="`+reportAddress(w.ann, c.ID)+`"`)

	b.enterInBooks(books.Actions, "body", "state-commission", "name", "Virginia SCC", "docket", "PUR-2026-1", "on", "2026-03-01", "against", "Example Records", "what", "A petition.")
	method := b.get(b.enterInBooks(books.Methods, "what", "They call as the technician.", "first", "2026-02-01", "last", "2026-03-01", "known", "Four failed attempts.", "alerts", "https://desk.example.net/alerts/"+string(c.ID), "steps", "The technician is called back.", "since", "2026-03-02"))
	method.says(t, "They call as the technician.", "1 February 2026", "The technician is called back.")
	method.has(t, `href="/alerts/`+string(c.ID)+`"`)
	must(t, w.Partners.Put(t.Context(), "test", partner.Partner{ID: "acme", Name: "Acme Collections", Class: cpni.Agent, Agreement: &partner.Agreement{Until: w.clock.Now().AddDate(3, 0, 0)}}))
	must(t, w.Due(t.Context()))
	b.get("/books/suppliers").says(t, "Acme Collections", "Not reviewed yet")
	b.enterInBooks(books.Reviews, "partner", "acme", "on", "2026-03-05", "reviewer", "Cora", "checked", "Who has access.", "findings", "Two accounts too many.", "mend-by", "2026-03-20")
	b.get("/books/suppliers/acme").says(t, "Acme Collections", "To be mended by Fri 20 Mar 2026", "1 review", "Next review by", "Fri 5 Mar 2027")
	b.get("/partners").has(t, `href="/books/suppliers"`)
	b.get("/books").says(t, "Brought in the year 1", "Seen in the year 1", "Done in the year 1")
	shown = b.get("/books")
	carried := b.follow(b.post("/books/carried", "token", shown.value("token"), "from", "2026-01-01", "basis", "The paper register was entered whole."))
	carried.says(t, "It is on record.", "They are kept since Thu 1 Jan 2026.", "The paper register was entered whole.")
	carried.lacks(t, "Not kept all year")
	b.get("/books/sanctions").is(t, http.StatusOK).says(t, "0 sanctions in 2026")

	auditor := w.signedIn(t, "auditor")
	auditor.get(at).is(t, http.StatusOK).lacks(t, "Correct it, or add")
	auditor.get("/books").is(t, http.StatusOK).lacks(t, "Enter a complaint")
	agent := w.signedIn(t, "agent")
	for _, path := range []string{"/books", at, "/books/list/complaint", "/books/suppliers", "/books/sanctions"} {
		agent.get(path).is(t, http.StatusForbidden)
	}
	b.get("/books/records/"+string(cpni.NewID())).is(t, http.StatusNotFound)
	b.get("/books/list/gossip").is(t, http.StatusNotFound)
	w.clock.pass(30 * 24 * time.Hour)
	must(t, w.Due(t.Context()))
	b = w.signedIn(t, "compliance")
	b.get("/books").says(t, "1 supplier is late")
}

// The pages of the registers fit every window, and axe finds nothing to complain of.
func TestBooksInABrowser(t *testing.T) {
	w := newWorld(t)
	must(t, w.Due(t.Context()))
	b := w.signedIn(t, "compliance")
	at := b.enterInBooks(books.Complaints, aComplaint...)
	c := w.chromium(t)
	c.takeOver(b)
	c.isSound("the books of a year", "/books")
	c.isSound("complaints of a year", "/books/list/complaint")
	c.isSound("a complaint in the books", at)
	c.isSound("entering a method", "/books/new/pretexting-method")
}
