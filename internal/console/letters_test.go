package console

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/written"
)

// signedLetter is a scan.
var signedLetter = []byte("%PDF-1.7\n\x00\xff signed")

// lettered has a customer report something and a request of theirs come by post, and gives the pages of both.
func (w *world) lettered(of cpni.ID) []string {
	w.t.Helper()
	ctx := context.Background()
	var about cpni.ID
	if all := w.records(of, ledger.Decision); len(all) > 0 {
		about = all[0].ID
	}
	c, err := w.Complaints.File(ctx, complaint.Filing{Customer: of, Category: complaint.EmployeeAccess, Entry: about, Text: payload})
	must(w.t, err)
	q, err := w.Written.Post(ctx, written.Posting{Customer: of, By: w.people["agent"], Signature: payload, Scan: signedLetter,
		Draft: written.Draft{Name: payload, Data: []cpni.DataClass{cpni.CallDetail}, Months: []int{202602}, Via: cpni.Postal, To: "a b " + payload}})
	must(w.t, err)
	return []string{"/reports", "/reports?state=open", reportAddress(of, c.ID), "/written", "/written?state=entered", requestAddress(of, q.ID), customerAddress(of) + "/written"}
}

// postScan sends a form with a file.
func (b *browser) postScan(path string, file []byte, form ...string) reply {
	b.t.Helper()
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for i := 0; i < len(form); i += 2 {
		must(b.t, parts.WriteField(form[i], form[i+1]))
	}
	if file != nil {
		to, err := parts.CreateFormFile("scan", "letter.pdf")
		must(b.t, err)
		_, err = to.Write(file)
		must(b.t, err)
	}
	must(b.t, parts.Close())
	r, err := http.NewRequest(http.MethodPost, b.server.URL+path, &body)
	must(b.t, err)
	r.Header.Set("Content-Type", parts.FormDataContentType())
	return b.send(r)
}

// A report is looked into and answered by compliance; nobody looks into what they did themselves; the customer is told nothing
// of who it was; and it waits on the home page until then.
//
// cite: P-37, P-41, 47 CFR 64.2009(e)
func TestReportsFromCustomers(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "compliance")
	at := agent.open(w.ann, "phone")
	agent.prove(at, "method", "pin", "secret", annPIN)
	agent.ask(at)
	entry := w.records(w.ann, ledger.Decision)[0].ID
	c, err := w.Complaints.File(t.Context(), complaint.Filing{Customer: w.ann, Category: complaint.EmployeeAccess, Entry: entry, Text: "Why did you look?"})
	must(t, err)
	path := reportAddress(w.ann, c.ID)
	w.signedIn(t, "agent").get(path).is(t, http.StatusForbidden)
	agent.get("/home").has(t, "1 report of a customer is not answered")
	if r := agent.submit(path + "/take"); !strings.Contains(r.page, "SELF_REVIEW") {
		t.Errorf("who did it looks into it (P-37): %s", text(r.page))
	}
	officer := w.signedIn(t, "officer")
	list := officer.get("/reports")
	list.has(t, "An employee saw it", "Open")
	list.lacks(t, "Why did you look?", "Ann Archer")
	looks := len(w.records(w.ann, ledger.Lookup))
	officer.get(path).has(t, "Why did you look?", recordsAddress(w.ann)+"/"+string(entry))
	if n := len(w.records(w.ann, ledger.Lookup)); n != looks+1 {
		t.Errorf("reading it left %d look-ups (P-41)", n-looks)
	}
	if r := officer.submit(path+"/answer", "answer", "It was for a call of yours."); !strings.Contains(r.page, "STATE") {
		t.Errorf("answered before it was taken: %s", text(r.page))
	}
	officer.submit(path+"/take").has(t, "You look into it.")
	officer.submit(path+"/answer", "answer", "It was for a call of yours.").has(t, "The customer can read the answer", "Answered", "It was for a call of yours.")
	agent.get("/home").lacks(t, "is not answered")
	officer.get("/reports/"+string(w.ann)+"/"+string(cpni.NewID())).is(t, http.StatusNotFound)
}

// A request that came by post is entered with its scan, and decided in a contact in which the customer was proved.
//
// cite: P-16, P-36, P-42, 47 USC 222(c)(2)
func TestWrittenRequestByPost(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	b.get(customerAddress(w.ann)).has(t, customerAddress(w.ann)+"/written")
	enter := customerAddress(w.ann) + "/written"
	form := []string{"token", b.token(), "name", "Tariff Analysts", "class", "call-detail", "from", "202602", "to", "202603", "via", "email", "address", "in@analysts.example", "signature", "Ann Archer"}
	for what, file := range map[string][]byte{"none": nil, "a page": []byte("<html>")} {
		if r := b.follow(b.postScan(enter, file, form...)); !strings.Contains(r.page, "There is no scan of the letter") {
			t.Errorf("%s: %s", what, text(r.page))
		}
	}
	b.postScan(enter, append(bytes.Clone(signedLetter), make([]byte, written.MostScan)...), form...).is(t, http.StatusRequestEntityTooLarge)
	b.postScan(enter, signedLetter, append([]string{"token", "forged"}, form[2:]...)...).is(t, http.StatusForbidden)
	r := b.follow(b.postScan(enter, signedLetter, form...))
	r.has(t, "It is entered", "Tariff Analysts", "Open a contact with the customer first")
	path := b.at
	scan := b.get(path + "/scan")
	if scan.page != string(signedLetter) || scan.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(scan.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%q %v", scan.page, scan.Header)
	}
	w.signedIn(t, "marketing").get(path).is(t, http.StatusForbidden)
	if r := b.submit(path + "/prove"); !strings.Contains(r.page, "You have no contact with this customer") {
		t.Errorf("%s", text(r.page))
	}
	at := b.open(w.ann, "phone")
	if r := b.submit(path + "/prove"); !strings.Contains(r.page, "UNAUTHENTICATED") {
		t.Errorf("where nobody is proved: %s", text(r.page))
	}
	b.prove(at, "method", "pin", "secret", annPIN)
	r = b.submit(path + "/prove")
	r.has(t, "Tell the customer this pass phrase now", "Waits before it goes")
	b.get(path).lacks(t, "Tell the customer this pass phrase now")
	permits := w.records(w.ann, ledger.Decision)
	if permits[0].Outcome != cpni.Permit || permits[0].Purpose != string(cpni.DesigneePurpose) || permits[0].Actor != string(w.people["agent"]) {
		t.Errorf("%+v (P-41)", permits[0].Entry)
	}
	list := b.get("/written")
	list.has(t, "By post", "Waits before it goes")
	list.lacks(t, "Ann Archer", "Tariff")
	b.submit(path+"/withdraw").has(t, "It is taken back.", "Taken back")
	second := b.follow(b.postScan(enter, signedLetter, form...))
	second.has(t, "It is entered")
	path = b.at
	b.submit(path+"/decline", "reason", "The signature is not theirs.").has(t, "Not carried out", "The signature is not theirs.")
}
