package console

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// told gives Ann a notice that only a yes answers.
func (w *world) told() cpni.ID {
	w.t.Helper()
	id := cpni.NewTimedID(w.Clock.Now())
	_, err := w.Ledger.Commit(context.Background(), func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := w.Outbox.Plan(context.Background(), tx, w.ann, notify.Message{ID: id, Kind: notify.OptInRequest, Via: cpni.Postal, Place: notify.AOR, To: "1 Main St"}); err != nil {
			return nil, err
		}
		_, entries, err := w.Approvals.Give(context.Background(), tx, w.ann, approval.Given{Notice: id, Kind: approval.OptIn, Via: "postal", At: w.Clock.Now(), Scopes: []string{"other-marketing"}, By: "test"})
		return entries, err
	})
	must(w.t, err)
	w.clock.pass(time.Minute)
	return id
}

// state is where a scope of Ann's stands.
func (w *world) state(scope string) cpni.ApprovalState {
	w.t.Helper()
	p, _, err := w.Customers.Get(context.Background(), w.ann)
	must(w.t, err)
	all, err := w.Stands(context.Background(), p)
	must(w.t, err)
	for _, s := range all {
		if s.Scope == scope {
			return s.State
		}
	}
	return ""
}

// A no is taken from anybody who names the account; a yes, and a no that is taken back, only from the customer who has proved
// themselves, to a notice that they have, with somebody's word for it. Nothing of it shows anywhere else in the contact.
//
// cite: P-11, P-12, P-13, P-14, P-36, 47 CFR 64.2007(a)
func TestUseOfTheirInformation(t *testing.T) {
	w := newWorld(t)
	notice := w.told()
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	page := b.get(at)
	page.says(t, "Use of their information", "Record their no", "A yes, or a no that is taken back, is taken once the customer is verified")
	page.lacks(t, "Record their yes")
	say := func(form ...string) reply {
		t.Helper()
		return b.follow(b.post(at+"/usage", append([]string{"token", b.token()}, form...)...))
	}
	say("says", "yes", "notice", string(notice)+" other-marketing", "read", "yes").says(t, "UNAUTHENTICATED")
	say("says", "perhaps").says(t, "BAD_INPUT")
	say("says", "no", "scope", "own-marketing").says(t, "Their no is on record, and counts from now.", "They said no")
	say("says", "back", "scope", "own-marketing", "read", "yes").says(t, "UNAUTHENTICATED")
	if w.state("own-marketing") != cpni.Denied || w.state("other-marketing") != cpni.Unnotified {
		t.Error("a no of somebody who was not verified did not count, or for more than it was (P-12)")
	}
	at = b.verified(w.ann)
	b.get(at).says(t, "Record their yes", "notice "+w.Outbox.Number(notice), "Take it back")
	say("says", "yes", "notice", string(notice)+" other-marketing").says(t, "CONSENT_EVIDENCE")
	say("says", "yes", "notice", string(notice)+" own-marketing", "read", "yes").says(t, "NOT_CONSENT")
	say("says", "yes", "notice", string(notice)+" other-marketing", "read", "yes", "recording", "call-77").says(t, "Their yes is on record.")
	say("says", "back", "scope", "own-marketing", "read", "yes").says(t, "Their no is taken back.")
	if w.state("own-marketing") != cpni.Unnotified || w.state("other-marketing") != cpni.OptInOK {
		t.Errorf("it stands at %s and %s", w.state("own-marketing"), w.state("other-marketing"))
	}
	c := w.signedIn(t, "compliance")
	c.get(recordsAddress(w.ann)).says(t, "Approvals")
	c.get(recordsAddress(w.ann)+"/approvals").says(t, "They said yes", "a recording: call-77", "A no taken back", "No: our offers of other communications services", "Told of: our offers of anything else")
	w.signedIn(t, "marketing").get(recordsAddress(w.ann)+"/approvals").is(t, http.StatusForbidden)
}

// mail posts an answer on paper.
func (b *browser) paper(of cpni.ID, scan []byte, form ...string) reply {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i < len(form); i += 2 {
		must(b.t, w.WriteField(form[i], form[i+1]))
	}
	part, err := w.CreateFormFile("scan", "letter.pdf")
	must(b.t, err)
	_, err = part.Write(scan)
	must(b.t, err)
	must(b.t, w.Close())
	r, err := http.NewRequest(http.MethodPost, b.server.URL+"/answers/post/"+string(of), &body)
	must(b.t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.follow(b.send(r))
}

// A letter is entered by the number of the notice that it answers, with its scan as it is, which is opened on record.
//
// cite: P-10, P-12, P-14, P-36, P-41, 47 CFR 64.2007(a)
func TestAnswersOnPaper(t *testing.T) {
	w := newWorld(t)
	notice := w.told()
	b := w.signedIn(t, "agent")
	b.get("/answers/post").says(t, "Number on the notice")
	b.follow(b.post("/answers/post", "token", b.token(), "number", "0000000000")).says(t, "No notice has this number")
	page := b.follow(b.post("/answers/post", "token", b.token(), "number", w.Outbox.Number(notice)))
	page.says(t, "An answer of Ann Archer", "Yes to a notice (signed)")
	day := w.Clock.Now().In(w.Zone).Format(time.DateOnly)
	pdf := []byte("%PDF-1.7\n\x00\xff yes")
	form := []string{"token", b.token(), "via", "postal", "received", day, "says", "yes", "notice", string(notice) + " other-marketing", "signed", "yes"}
	b.paper(w.ann, []byte("MZ\x00 no scan"), form...).says(t, "A scan is a PDF, JPEG or PNG file")
	b.paper(w.ann, nil, form...).says(t, "UNAUTHENTICATED")
	b.paper(w.ann, pdf, form...).says(t, "It is on record", "They said yes")
	b.paper(w.ann, bytes.Repeat([]byte("x"), approval.MostEvidence+1), form...).is(t, http.StatusRequestEntityTooLarge)
	b.paper(w.ann, pdf, "token", b.token(), "via", "postal", "received", "2025-01-01", "says", "no", "scope", "everything").says(t, "REASON")
	b.paper(w.ann, pdf, "token", "x", "via", "postal", "received", day, "says", "no").is(t, http.StatusForbidden)
	events, err := w.Approvals.Events(context.Background(), w.ann)
	must(t, err)
	i := slices.IndexFunc(events, func(e approval.Event) bool { return e.What == approval.Granted })
	if i < 0 {
		t.Fatal("no yes is on record")
	}
	c := w.signedIn(t, "compliance")
	r := c.post(recordsAddress(w.ann)+"/approvals/"+string(events[i].ID)+"/evidence", "token", c.token())
	if r.StatusCode != http.StatusOK || r.page != string(pdf) || r.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(r.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%s %q %q", r.Status, r.Header.Get("Content-Type"), r.page)
	}
	if looks := w.records(w.ann, ledger.Lookup); !slices.ContainsFunc(looks, func(x ledger.Row) bool { return x.Purpose == "evidence" }) {
		t.Error("that the evidence was opened is not on record (P-41)")
	}
	c.post(recordsAddress(w.ann)+"/approvals/"+string(cpni.NewID())+"/evidence", "token", c.token()).is(t, http.StatusNotFound)
}

// mailed has a mail come in at the address for answers.
func (w *world) mailed(text string) {
	w.t.Helper()
	p, _, err := w.Customers.Get(context.Background(), w.ann)
	must(w.t, err)
	must(w.t, w.Answers.Mail(context.Background(), []byte(text), notify.Wrote{ID: text, From: p.Email[0].Value, Subject: "Choice", Text: text}, w.Clock.Now()))
}

// What is not plain is read by one person at a time, and what they find is on record.
//
// cite: P-12, P-37, P-41
func TestAnswersAreRead(t *testing.T) {
	w := newWorld(t)
	w.mailed("What is this <script>hit()</script> about my privacy?")
	b, other := w.signedIn(t, "supervisor"), w.signedIn(t, "agent")
	page := b.get("/answers")
	page.says(t, "What it means is not plain", "nothing is recorded")
	page.lacks(t, "about my privacy")
	all, err := w.Answers.Waiting(context.Background())
	must(t, err)
	at := "/answers/read/" + string(all[0].ID)
	b.follow(b.get(at)).says(t, "Answers to read")
	page = b.follow(b.post(at+"/open", "token", b.token()))
	page.says(t, "about my privacy?", "Ann Archer", "nothing shows that it is really from there")
	page.lacks(t, "<script>hit")
	other.follow(other.post(at+"/open", "token", other.token())).says(t, "Somebody else is reading this answer")
	b.follow(b.post(at+"/decide", "token", b.token(), "is", "other")).says(t, "BAD_INPUT")
	b.follow(b.post(at+"/decide", "token", b.token(), "is", "objection", "scope", "own-marketing")).says(t, "It is decided, and on record.", "Nothing waits to be read.")
	if w.state("own-marketing") != cpni.Denied {
		t.Error("what was found to be a no does not count (P-12)")
	}
	w.signedIn(t, "marketing").get("/answers").is(t, http.StatusForbidden)
}

// A no is one key away in a call, and none of the pages about answers keeps anybody out.
//
// cite: P-12, P-13
func TestAnswersInABrowser(t *testing.T) {
	w := newWorld(t)
	w.told()
	w.mailed("What is this about my privacy?")
	must(t, w.Approvals.Object(context.Background(), w.ann, "partner:acme", "phone", "test", w.Clock.Now()))
	c := w.chromium(t)
	b := w.signedIn(t, "compliance")
	at := b.verified(w.ann)
	c.takeOver(b)
	c.goTo(at)
	c.sees("Verified: the customer")
	c.alt("u")
	c.hasFocus("usage-no")
	c.picture("desk-usage")
	c.isSound("the panel of their information", "")
	c.press(kb.Enter)
	c.sees("Their no is on record, and counts from now.")
	if w.state(customer.Everything) != cpni.Denied {
		t.Error("the key did not record it (P-12)")
	}
	all, err := w.Answers.Waiting(context.Background())
	must(t, err)
	_, err = w.Answers.Open(context.Background(), all[0].ID, w.memberOf(t, "compliance"))
	must(t, err)
	for path, name := range map[string]string{"/answers": "answers", "/answers/read/" + string(all[0].ID): "answers-read", "/answers/post": "answers-post", "/answers/post/" + string(w.ann): "answers-enter",
		recordsAddress(w.ann) + "/approvals": "answers-kept"} {
		c.isSound(path, path)
		c.picture(name)
	}
}
