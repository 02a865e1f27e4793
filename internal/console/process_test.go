package console

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/process"
	"ringfence/internal/staff"
)

// scanned is a paper.
var scanned = []byte("%PDF-1.7\n\x00\xff In the matter of")

// paperForm is what somebody enters of a court order for February.
func paperForm(token string, change ...string) []string {
	form := []string{"token", token, "key", string(cpni.NewID()), "kind", "court-order", "number", "26-cr-114", "issuer", "Judge Jane Roe", "court", "District Court, D.C.", "issued", "2026-03-01", "received", "2026-03-04", "until", "2026-04-30",
		"about", annNumber + "\n+12125550000", "class", "call-detail", "class", "location", "records-from", "2026-02-01", "records-until", "2026-02-28", "officer", "Special Agent Doe",
		"address", "Federal Bureau, 9 Pine Road, Springfield, VA 22150"}
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

// taken has compliance take a paper in, and gives its address.
func (w *world) taken(t testing.TB, b *browser, change ...string) string {
	t.Helper()
	b.get("/process/new").is(t, http.StatusOK)
	r := b.follow(b.postScan("/process/new", scanned, paperForm(b.token(), change...)...))
	r.has(t, "It is taken in.")
	return b.at
}

// A paper is taken in at the desk, read there by somebody else who sees the differences, released, packed and handed out once after
// the person has proved again who they are; nobody but compliance and officers comes to the desk.
//
// cite: P-29, P-37, P-41, 47 USC 222(c)(1)
func TestLegalProcessAtTheDesk(t *testing.T) {
	w := newWorld(t)
	for _, login := range []string{"agent", "supervisor", "fraud", "billing", "marketing", "auditor", "admin"} {
		w.signedIn(t, login).get("/process").is(t, http.StatusForbidden)
	}
	b := w.signedIn(t, "compliance")
	b.get("/process").has(t, "There are none here.", "/process/new")
	b.get("/process/new").has(t, "Search warrant", "18 USC 2703(c)(1)(A)", "It cannot forbid to tell the customer.")
	for what, form := range map[string][]string{"no end": {"until", ""}, "no day": {"issued", "yesterday"}, "no kind": {"kind", "decree"}, "nobody": {"about", " "}} {
		r := b.follow(b.postScan("/process/new", scanned, paperForm(b.token(), form...)...))
		if !strings.Contains(r.page, "INCOMPLETE") && !strings.Contains(r.page, "BAD_INPUT") {
			t.Errorf("%s: %s", what, text(r.page))
		}
	}
	b.follow(b.postScan("/process/new", nil, paperForm(b.token())...)).has(t, "There is no scan of the paper")
	at := w.taken(t, b)
	page := b.get(at)
	page.says(t, "To be read", "Judge Jane Roe", "You took it in, so somebody else reads it.", "cannot be commanded", "nobody of ours in that time")
	page.lacks(t, "Approve this much", "Release what it covers", "Ann Archer")
	if scan := b.get(at + "/papers/1"); scan.page != string(scanned) || !strings.HasPrefix(scan.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%q %v", scan.page, scan.Header)
	}
	b.submit(at+"/release").says(t, "Nobody has read it yet, and nothing is released because it is late.")
	officer := w.signedIn(t, "officer")
	officer.get("/process").has(t, "26-cr-114", "To be read")
	read := officer.get(at)
	read.says(t, "Read the paper, and say what it commands", "not to be commanded by such a paper")
	version := read.value("version")
	verdict := []string{"version", version, "subject", "1", "subject", "2", "class", "call-detail", "records-from", "2026-02-01", "records-until", "2026-02-11", "verdict", "approve"}
	officer.submit(at+"/review", verdict...).has(t, "REASON")
	officer.submit(at+"/review", append(verdict, "reason", "The judge let the rest fall.")...).says(t, "It is approved, within what you chose.", "Narrowed by the reviewer", "2026-02-28 2026-02-11")
	b.get(at).says(t, "To be answered", "Asked for, and not released", "18 USC 2703(d)", "The judge let the rest fall.")
	b.submit(at+"/release").says(t, "1 entry was released, each by a decision of its own.")
	b.submit(at+"/pack").says(t, "Package 1 is made.")
	w.clock.pass(w.Policy.Numbers(w.clock.Now()).Duration("security-defaults", "step_up"))
	r := b.submit(at + "/packages/1")
	r.says(t, "This wants to be sure that it is you. Nothing was done yet.")
	b.follow(b.post("/me/confirm", "token", b.token(), "back", at, "password", password))
	out := b.post(at+"/packages/1", "token", b.token())
	if out.StatusCode != http.StatusOK || !strings.HasPrefix(out.Header.Get("Content-Disposition"), "attachment") {
		t.Fatalf("%s %v %s", out.Status, out.Header, text(out.page))
	}
	z, err := zip.NewReader(bytes.NewReader([]byte(out.page)), int64(len(out.page)))
	must(t, err)
	calls := ""
	for _, f := range z.File {
		if strings.HasPrefix(f.Name, "records/") {
			r, err := f.Open()
			must(t, err)
			all, err := io.ReadAll(r)
			must(t, err)
			calls += string(all)
		}
	}
	if !strings.Contains(calls, called) || strings.Contains(calls, "2026-02-12") {
		t.Errorf("the calls of the package: %s (P-29)", calls)
	}
	b.follow(b.post(at+"/packages/1", "token", b.token())).says(t, "This package was handed out already")
	b.get(at).says(t, "handed out", "Package handed out")
	b.submit(at+"/close").says(t, "It is closed.", "Answered")
	if looks := w.records(w.ann, ledger.Lookup); len(looks) != 0 {
		t.Errorf("the desk of legal process leaves %d look-ups with the customer (P-29)", len(looks))
	}
}

// What forbids to tell the customer is there for those whom it names: to others it is not in the list, at its address, in the records
// or in the search.
//
// cite: P-29, P-37, 47 CFR 64.2010(a)
func TestSecretProcessAtTheDesk(t *testing.T) {
	w := newWorld(t)
	w.member(staff.Member{Login: "compliance2", Name: "The other compliance", Role: cpni.RoleCompliance, Trained: w.clock.Now()})
	b := w.signedIn(t, "compliance")
	at := w.taken(t, b, "silence", "yes", "silence-until", "2026-06-30", "named", string(w.people["officer"]), "class", "call-detail")
	b.get(at).says(t, "Secret", "It forbids to tell the customer until 1 Jul 2026", "Who may know of it", "The officer")
	officer := w.signedIn(t, "officer")
	version := officer.get(at).value("version")
	officer.submit(at+"/review", "version", version, "subject", "1", "class", "call-detail", "records-from", "2026-02-01", "records-until", "2026-02-28", "verdict", "approve", "reason", "the second is nobody's").says(t, "It is approved")
	b.submit(at+"/release").says(t, "1 entry was released")
	must(t, w.Ledger.Sequence(t.Context()))
	must(t, w.Watch.Step(t.Context()))
	id := w.records(w.ann, ledger.Decision)[0].ID
	other := w.signedIn(t, "compliance2")
	for _, path := range []string{at, at + "/papers/1", recordsAddress(w.ann) + "/" + string(id)} {
		other.get(path).is(t, http.StatusNotFound)
		b.get(path).is(t, http.StatusOK)
	}
	other.get("/process").lacks(t, "26-cr-114")
	for _, path := range []string{recordsAddress(w.ann), "/records/search?kind=decision"} {
		other.get(path).lacks(t, string(id))
		b.get(path).has(t, string(id))
	}
	w.signedIn(t, "auditor").get(recordsAddress(w.ann)).lacks(t, string(id))
	other.postScan(at+"/end", nil, "token", other.token(), "state", "quashed", "reason", "x").is(t, http.StatusNotFound)
	b.submit(at+"/name", "named", string(w.people["compliance2"])).says(t, "They may know of it from now on.")
	other.get(at).is(t, http.StatusOK)
	b.follow(b.postScan(at+"/silence", nil, "token", b.token(), "silence", "lift", "reason", "lifted")).says(t, "NEED_WRITING")
	b.follow(b.postScan(at+"/silence", scanned, "token", b.token(), "silence", "lift", "reason", "lifted")).says(t, "It is on record.", "It forbade to tell the customer")
	w.signedIn(t, "auditor").get(recordsAddress(w.ann)).has(t, string(id))
}

// A paper that was withdrawn or quashed is answered no more.
//
// cite: P-29
func TestProcessEndsAtTheDesk(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "compliance")
	at := w.taken(t, b)
	b.follow(b.postScan(at+"/end", nil, "token", b.token(), "state", "rejected", "reason", "x")).says(t, "BAD_INPUT")
	b.follow(b.postScan(at+"/end", scanned, "token", b.token(), "state", "quashed", "reason", "The court of appeals")).says(t, "It has ended.", "Quashed", "Paper 2")
	b.submit(at+"/release").says(t, "It is quashed, so nothing is released under it")
}

// Whatever stands on a paper is text and nothing else.
//
// cite: I-23
func TestHostilePapers(t *testing.T) {
	w := newWorld(t)
	w.hostile()
	b := w.signedIn(t, `<script>hit=1</script>`)
	at := w.taken(t, b, "number", payload, "issuer", payload, "court", payload, "officer", payload, "address", payload, "about", payload, "to", payload)
	for _, path := range []string{at, "/process", "/process/new"} {
		r := b.get(path).is(t, http.StatusOK)
		for _, s := range scripts.FindAllString(r.page, -1) {
			if !strings.Contains(s, "/assets/") {
				t.Errorf("%s: %s", path, s)
			}
		}
		if s := handlers.FindString(r.page); s != "" {
			t.Errorf("%s: %s", path, s)
		}
	}
}

// The desk of legal process keeps nobody out, on a desk, on a telephone and in the dark.
//
// cite: P-29
func TestLegalProcessInABrowser(t *testing.T) {
	w := newWorld(t)
	b, officer := w.signedIn(t, "compliance"), w.signedIn(t, "officer")
	bo := w.customer(customer.Profile{Name: "Bo Baker", Account: "B-7", Since: w.clock.Now().AddDate(-2, 0, 0), Lines: []customer.Line{{Number: "+12025550177", Since: w.clock.Now().AddDate(-2, 0, 0), Categories: []cpni.Category{cpni.Local}}}})
	late := w.taken(t, b, "number", "26-mc-9", "due", "2026-03-05")
	w.taken(t, b, "number", "NSL 26-33", "kind", "national-security-letter", "silence", "yes", "named", string(w.people["officer"]))
	civil := w.taken(t, b, "number", "26-cv-771", "kind", "civil-subpoena", "to", "Smith & Partners", "about", "B-7\n"+annNumber)
	at := w.taken(t, b, "about", annNumber+"\n+12125550000\n"+string(bo))
	c := w.chromium(t)
	c.takeOver(officer)
	c.isSound("process to be read", at)
	officer.submit(at+"/review", "version", officer.get(at).value("version"), "subject", "1", "subject", "2", "class", "call-detail", "records-from", "2026-02-01", "records-until", "2026-02-20", "verdict", "approve", "reason", "The judge let the rest fall.").says(t, "It is approved")
	officer.submit(civil+"/review", "version", officer.get(civil).value("version"), "subject", "1", "subject", "2", "class", "call-detail", "records-from", "2026-02-01", "records-until", "2026-02-28", "verdict", "approve", "reason", "no such paper commands locations").says(t, "It is approved")
	w.clock.pass(24 * time.Hour)
	must(t, w.Processes.Due(t.Context()))
	b = w.signedIn(t, "compliance")
	b.submit(at + "/release")
	b.submit(at + "/pack")
	c.takeOver(b)
	c.isSound("process to be answered", at)
	c.isSound("process told first", civil)
	c.isSound("process late", late)
	c.isSound("process list", "/process")
	c.isSound("process new", "/process/new")
	if all, _, err := w.Processes.List(t.Context(), w.people["compliance"], process.Query{}); err != nil || len(all) != 4 {
		t.Errorf("%d files, %v", len(all), err)
	}
}
