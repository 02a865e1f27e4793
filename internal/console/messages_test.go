package console

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/notify/file"
	"ringfence/internal/office"
	"ringfence/internal/store"
)

// withMessages is a world whose messages are carried into a folder, which it gives as well.
func withMessages(t testing.TB, change ...func(*office.Config)) (w *world, folder string) {
	t.Helper()
	folder = t.TempDir()
	c := file.New(file.Options{Folder: folder, Answers: true})
	w = newWorld(t, append([]func(*office.Config){func(o *office.Config) {
		o.Channels = map[cpni.Via]notify.Channel{cpni.Text: c, cpni.Voice: c, cpni.Email: c, cpni.Postal: c}
		o.Carrier = office.Carrier{Name: "Test Carrier", Phone: "+18005550100", Email: "privacy@carrier.example", Web: "https://carrier.example", Address: "https://account.carrier.example"}
	}}, change...)...)
	w.serve(Options{Carrier: "Test Carrier", Report: w.report, Ways: map[cpni.Via]string{cpni.Text: "file", cpni.Voice: "file", cpni.Email: "file", cpni.Postal: "file"}})
	return w, folder
}

// carried has everything go that is due.
func (w *world) carried() {
	w.t.Helper()
	must(w.t, w.Messages.Step(context.Background()))
}

// plan plans a message to a customer.
func (w *world) plan(of cpni.ID, m notify.Message) cpni.ID {
	w.t.Helper()
	m.ID = cpni.NewTimedID(w.clock.Now())
	must(w.t, w.DB.Tx(context.Background(), func(tx *store.Tx) error { return w.Outbox.Plan(context.Background(), tx, of, m) }))
	return m.ID
}

// newest gives the newest message of a customer by a way.
func (w *world) newest(of cpni.ID, via cpni.Via) notify.Message {
	w.t.Helper()
	all, err := w.Outbox.Messages(context.Background(), of)
	must(w.t, err)
	for _, m := range slices.Backward(all) {
		if m.Via == via {
			return m
		}
	}
	w.t.Fatalf("no message by %s", via)
	return notify.Message{}
}

// broken is a channel whose other side takes nothing.
type broken struct{ out notify.Outcome }

func (b broken) Send(_ context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	for _, p := range pieces {
		told(p, b.out)
	}
}
func (broken) Check(context.Context) error {
	return fmt.Errorf("the mail server refuses the connection")
}
func (broken) Batch() int { return 10 }

const newAddress = "9 Elsewhere Rd, Richmond, VA 23220"

// A changed address is told to the old one and to the line; whoever may reads what went and what became of it; the new
// value is on no page, and what a code is nobody of the staff sees.
//
// cite: P-20, P-23, P-25, I-09, 47 CFR 64.2010(f)(2)
func TestMessagesOnThePages(t *testing.T) {
	w, _ := withMessages(t)
	agent := w.signedIn(t, "agent")
	at := agent.open(w.ann, "phone")
	agent.prove(at, "method", "code", "place", "1")
	code := w.code(w.ann)
	agent.prove(at, "method", "pin", "secret", annPIN)
	agent.submit(at+"/changes", "what", "postal", "value", newAddress).says(t, "Done. The customer is told")
	w.clock.pass(time.Second)
	w.carried()
	page := agent.get(at)
	page.says(t, "Messages to this customer", "Notice of change by call to a telephone number of record, +1202•••••41", "by letter to where the customer was reached before the change", "delivered", "Verification code")
	page.lacks(t, "/messages/", newAddress, "Elsewhere")
	if strings.Count(page.page, code) != 0 {
		t.Error("the code stands in the contact")
	}
	agent.get("/messages").is(t, http.StatusForbidden)

	b := w.signedIn(t, "supervisor")
	list := b.get("/messages")
	list.says(t, "Messages", "How many", "3 messages", "Notice of change", "letter", "delivered")
	list.lacks(t, "Archer", annNumber, "need somebody", "Springfield")
	b.get("/messages?way=postal").says(t, "1 message", "letter")
	b.get("/messages?state=failed").says(t, "There are none here.")
	b.get("/messages?kind=account-change&state=delivered").says(t, "2 messages")
	letter := w.newest(w.ann, cpni.Postal)
	address := messageAddress(w.ann, letter.ID)
	page = b.get(address)
	page.says(t, "Notice of change, by letter", "To Ann Archer", "Delivered: the customer has it", "written into a folder", "What the customer gets", "Ann Archer", "1 Main St, Springfield, VA 22150", "Planned with what caused it")
	page.lacks(t, w.Outbox.Token(letter.ID), "Try again now")
	call := w.newest(w.ann, cpni.Voice)
	b.get(messageAddress(w.ann, call.ID)).says(t, "Notice of change, by call", "somebody answered", "waits for the key")
	verification := ""
	for _, m := range regexp.MustCompile(`/messages/[0-9a-z]{26}/[0-9a-z]{26}`).FindAllString(list.page, -1) {
		page := b.get(m)
		page.lacks(t, newAddress, "Elsewhere", "Richmond", code)
		if strings.Contains(page.page, "Verification code") {
			verification = m
			page.says(t, notify.Cover, "The code is covered", "waits")
		}
	}
	if verification == "" {
		t.Error("the code's message was not found")
	}
	if rows := w.records(w.ann, ledger.Lookup); len(rows) == 0 || rows[0].Actor != string(w.people["supervisor"]) {
		t.Errorf("that messages were looked at is not on record: %+v", rows)
	}

	// The auditor reads the fate and nothing of what it says; others do not come here.
	auditor := w.signedIn(t, "auditor")
	auditor.get("/messages").says(t, "3 messages")
	page = auditor.get(address)
	page.says(t, "Delivered: the customer has it", "shown to those whose work it is")
	page.lacks(t, "Archer", "Springfield", "•", "What can be done")
	auditor.get(address+"/page").is(t, http.StatusForbidden)
	auditor.get(address+"/evidence/1").is(t, http.StatusForbidden)
	auditor.post(address+"/retry", "token", auditor.token(), "reason", "x").is(t, http.StatusForbidden)
	for _, path := range []string{"/messages/x/y", "/messages/" + string(w.ann) + "/" + string(cpni.NewID()), "/messages?customer=x", address + "/letter.pdf", address + "/evidence/1", address + "/page"} {
		b.get(path).is(t, http.StatusNotFound)
	}
	b.get(recordsAddress(w.ann)+"?kind=message").says(t, "Messages", "done")
	if len(w.reports) > 0 {
		t.Errorf("reported: %q", w.reports)
	}
}

// In a demonstration the customers are made up, and the code is shown, plainly marked.
//
// cite: I-17
func TestADemonstrationCoversNothing(t *testing.T) {
	w, _ := withMessages(t)
	agent := w.signedIn(t, "agent")
	agent.prove(agent.open(w.ann, "phone"), "method", "code", "place", "1")
	code, m := w.code(w.ann), w.newest(w.ann, cpni.Voice)
	w.serve(Options{Carrier: "Test Carrier", Report: w.report, Bare: true})
	w.signedIn(t, "supervisor").get(messageAddress(w.ann, m.ID)).says(t, "A demonstration: nothing is covered", code)
	w.serve(Options{Carrier: "Test Carrier", Report: w.report, Demonstration: true}) // a password is enough; no more
	page := w.signedIn(t, "supervisor").get(messageAddress(w.ann, m.ID))
	page.says(t, "The code is covered")
	page.lacks(t, code)
}

// noOtherWay is how it is with a customer who is reached in one way alone.
func noOtherWay(context.Context, *customer.Profile, notify.Message, time.Time) *notify.Message {
	return nil
}

// An e-mail is shown shut off from everything, and what came in is saved and never shown; other pages keep their headers.
//
// cite: P-41, I-23
func TestWhatStrangersWriteIsShutOff(t *testing.T) {
	w, _ := withMessages(t)
	w.Messages.Instead = noOtherWay
	id := w.plan(w.ann, notify.Message{Kind: notify.AccountChange, Via: cpni.Email, Place: notify.AOR, To: "ann.archer@example.com", Tokens: map[string]string{"what": "password"}})
	w.carried()
	raw := "From: MAILER-DAEMON\r\n\r\n<script>hit=1</script> no such mailbox"
	must(t, w.Messages.Returned(t.Context(), w.Outbox.Token(id), notify.Report{Kind: notify.Bounce, Outcome: notify.Outcome{State: notify.Bounced, Code: "5.1.1", Says: payload}, Raw: []byte(raw)}))
	b := w.signedIn(t, "compliance")
	at := messageAddress(w.ann, id)
	page := b.get(at).is(t, http.StatusOK)
	page.says(t, "bounced", "A bounce came in", "5.1.1", payload, "Save what came in")
	page.lacks(t, "<script>hit", "<img src=x")
	if got, want := page.Header.Get("Content-Security-Policy"), strictCSP+"; frame-src 'self'"; got != want {
		t.Errorf("the page may %q", got)
	}
	html := b.get(at+"/page").is(t, http.StatusOK)
	if csp := html.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox; default-src 'none'") || !strings.HasSuffix(csp, "frame-ancestors 'self'") || html.Header.Get("X-Frame-Options") != "SAMEORIGIN" {
		t.Errorf("the e-mail's page may %q", csp)
	}
	if !strings.Contains(html.page, "<html") || strings.Contains(html.page, w.Outbox.Token(id)) {
		t.Error("the e-mail's page is not there, or has the customer's token")
	}
	evidence := ""
	for _, m := range regexp.MustCompile(`href="([^"]*/evidence/\d+)"`).FindAllStringSubmatch(page.page, -1) {
		evidence = m[1]
	}
	saved := b.get(evidence).is(t, http.StatusOK)
	if saved.page != raw || saved.Header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.HasPrefix(saved.Header.Get("Content-Disposition"), "attachment;") {
		t.Errorf("%q %v", saved.page, saved.Header)
	}
	for _, path := range []string{at + "/page", evidence} {
		r := b.get(path)
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
}

// A letter is shown as it is printed, in a frame of its own page, to who may see customers and with nothing uncovered.
//
// cite: P-17, P-25
func TestLetterAsItIsPrinted(t *testing.T) {
	w, _ := withMessages(t)
	id := w.plan(w.ann, notify.Message{Kind: notify.AccountChange, Via: cpni.Postal, Place: notify.Old, To: "1 Main St, Springfield, VA 22150", Tokens: map[string]string{"what": "password"}})
	var printed notify.Piece
	w.serve(Options{Carrier: "Test Carrier", Report: w.report, Letter: func(p notify.Piece) ([]byte, error) {
		printed = p
		return []byte("%PDF-1.7 " + p.Name), nil
	}})
	b := w.signedIn(t, "compliance")
	at := messageAddress(w.ann, id)
	page := b.get(at)
	page.says(t, "Open the letter", "Its words")
	if !strings.Contains(page.page, `<iframe class="letter" src="`+at+`/letter.pdf" title="The letter, as it is printed">`) {
		t.Error("the letter is not on the page")
	}
	letter := b.get(at+"/letter.pdf").is(t, http.StatusOK)
	if letter.page != "%PDF-1.7 Ann Archer" || letter.Header.Get("Content-Type") != "application/pdf" || letter.Header.Get("X-Frame-Options") != "SAMEORIGIN" || letter.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%q %v", letter.page, letter.Header)
	}
	if printed.ID != id || printed.Return != notify.Cover || strings.Contains(printed.Text, w.Outbox.Token(id)) || !strings.Contains(printed.Text, w.Outbox.Number(id)) {
		t.Errorf("printed: %+v", printed)
	}
	w.signedIn(t, "auditor").get(at+"/letter.pdf").is(t, http.StatusForbidden)
}

// What did not arrive stands first; a person tries again, takes back or settles, with a reason and once.
//
// cite: P-23, P-25, P-41, 47 CFR 64.2010(f)
func TestActingOnAMessage(t *testing.T) {
	down := broken{notify.Outcome{State: notify.Failed, Code: "5.5.4", Says: "no"}}
	w, _ := withMessages(t, func(o *office.Config) { o.Channels[cpni.Email] = down })
	w.Messages.Instead = noOtherWay
	change := notify.Message{Kind: notify.AccountChange, Via: cpni.Email, Place: notify.AOR, To: "ann.archer@example.com", Tokens: map[string]string{"what": "password"}}
	id := w.plan(w.ann, change)
	w.carried()
	w.looked()
	b := w.signedIn(t, "fraud")
	b.get("/messages").says(t, "1 message needs somebody", "5.5.4")
	alerts := b.get("/alerts")
	alerts.says(t, "A message did not arrive")
	found := regexp.MustCompile(`/alerts/[0-9a-z]{26}`).FindString(alerts.page)
	b.get(found).says(t, "What to do", "tell the customer by the number or address of record", "Messages to this customer", "DEAD_LETTER")
	at := messageAddress(w.ann, id)
	page := b.get(at)
	page.says(t, "failed", "What can be done", "Try again now", "Settle it")
	b.submit(at+"/retry", "reason", " ").says(t, "What is done about a message is done with a reason.", "REASON")
	form := []string{"token", page.value("token"), "key", page.value("key"), "reason", "The server is up again."}
	for range 2 { // a second click does nothing more
		b.follow(b.post(at+"/retry", form...)).says(t, "It is sent once more", "The message that goes in its place", "by The fraud", "The server is up again.")
	}
	if all, err := w.Outbox.Messages(t.Context(), w.ann); err != nil || len(all) != 2 {
		t.Fatalf("%d messages (%v)", len(all), err)
	}
	other := w.newest(w.ann, cpni.Email)
	second := messageAddress(w.ann, other.ID)
	b.get(second).says(t, "in the place of one that did not arrive", "Take it back")
	b.submit(second+"/withdraw", "reason", "Told on the telephone.").says(t, "It is taken back.", "taken back")
	b.submit(second+"/settle", "reason", "x").says(t, "CONFLICT")
	third := w.plan(w.ann, change)
	w.carried()
	b.submit(messageAddress(w.ann, third)+"/settle", "reason", "Told in the shop.").says(t, "It is settled.", "settled", "Told in the shop.")
	b.submit(messageAddress(w.ann, third)+"/another", "reason", "x").says(t, "NO_OTHER_FORM")
	b.get("/messages").lacks(t, "needs somebody")
	b.get(at+"/retry").is(t, http.StatusSeeOther)
	if rows := w.records(w.ann, ledger.Message); len(rows) != 5 {
		t.Errorf("%d entries about messages", len(rows))
	}
}

// Who administers sees each way, by what it goes and whether it works, and sends themselves a test: never a customer, so
// many an hour, and on record.
//
// cite: P-23, P-37, 47 CFR 64.2010(a)
func TestWaysInTheSettings(t *testing.T) {
	w, folder := withMessages(t, func(o *office.Config) { delete(o.Channels, cpni.Postal) })
	w.Messages.Channels[cpni.Email] = broken{notify.Outcome{State: notify.Bounced, Code: "5.1.1", Says: "<amos@carrier.example>: who is that?"}}
	w.plan(w.ann, notify.Message{Kind: notify.AccountChange, Via: cpni.Postal, Place: notify.Old, To: "1 Main St", Tokens: map[string]string{"what": "password"}})
	b := w.signedIn(t, "admin")
	b.get("/settings").says(t, "Ways to reach customers", "Text by file", "Letter No channel carries it, so its messages wait. 1 waits, the oldest for", "The mail server refuses the connection.", "Send me a test text")
	b.get("/settings").lacks(t, "Send me a test letter")
	b.get("/health").says(t, "Ways to reach customers", "No channel carries it, so its messages wait.")
	b.submit("/settings/test", "way", "text", "to", "202 555 0100", "language", "es").says(t, "The test by text is delivered (FILE).")
	written, err := filepath.Glob(filepath.Join(folder, "*", "message.txt"))
	must(t, err)
	if len(written) != 1 {
		t.Fatalf("%d were written", len(written))
	}
	if text, err := os.ReadFile(written[0]); err != nil || !strings.Contains(string(text), "prueba") {
		t.Errorf("%q (%v)", text, err)
	}
	page := b.submit("/settings/test", "way", "email", "to", "amos@carrier.example")
	page.says(t, "The test by e-mail was not taken: 5.1.1 <…>: who is that?", "NOT_SENT")
	for way, to := range map[string]string{"text": annNumber, "voice": "(202) 555-0141", "email": "Ann.Archer@example.com"} {
		b.submit("/settings/test", "way", way, "to", to).says(t, "That is a customer's", "CUSTOMER")
	}
	for way, to := range map[string]string{"text": "12", "email": "Amos <amos@carrier.example>", "file": "x"} {
		b.submit("/settings/test", "way", way, "to", to).says(t, "BAD_INPUT")
	}
	b.submit("/settings/test", "way", "postal", "to", "1 Own St, Springfield, VA 22150").says(t, "NO_CHANNEL")
	for range 10 {
		b.submit("/settings/test", "way", "voice", "to", "202 555 0100").says(t, "The test by call is delivered (FILE): somebody answered.")
	}
	b.submit("/settings/test", "way", "voice", "to", "202 555 0100").says(t, "TOO_MANY")
	w.clock.pass(time.Hour)
	b = w.signedIn(t, "admin")
	b.submit("/settings/test", "way", "voice", "to", "202 555 0100").says(t, "The test by call is delivered")
	rows, err := w.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Admin, Limit: 500})
	must(t, err)
	tests := 0
	for _, r := range rows {
		plain, err := w.Vault.OpenRecord(t.Context(), r)
		must(t, err)
		if strings.Contains(string(plain), "test message") {
			tests++
		}
		if strings.Contains(string(plain), "0100") || strings.Contains(string(plain), "amos@") {
			t.Error("the record has the place")
		}
	}
	if tests != 2*13 {
		t.Errorf("%d entries about tests", tests)
	}
	w.signedIn(t, "supervisor").post("/settings/test", "token", "x").is(t, http.StatusForbidden)
	w.clock.pass(time.Hour) // what was proved at the sign-in is too old
	old := w.signedIn(t, "admin")
	w.clock.pass(20 * time.Minute)
	if r := old.post("/settings/test", "token", old.token(), "way", "voice", "to", "202 555 0100"); !strings.HasPrefix(r.Header.Get("Location"), "/me/confirm") {
		t.Errorf("a test without proof: %s %s", r.Status, r.Header.Get("Location"))
	}
}

// In the demonstration a person changes an address at the desk, by nothing but keys, and sees the letter to the old address,
// the call to the line, and no word of the new address anywhere.
//
// cite: P-23, P-25, I-09, 47 CFR 64.2010(f)(1), 47 CFR 64.2010(f)(2)
func TestChangedAddressByKeys(t *testing.T) {
	w, folder := withMessages(t)
	c := w.chromium(t)
	c.signIn("supervisor")
	c.sees("What waits for you")
	c.goTo("/desk")
	c.hasFocus("number")
	c.press("202 555 0141", kb.Enter)
	c.sees("Open a contact")
	c.hasFocus("channel=phone")
	c.press(kb.Enter)
	c.sees("Not verified")
	c.tabTo("secret-password")
	c.press(annPassword, kb.Enter)
	c.sees("Verified by password.")
	c.alt("c")
	c.sees("New postal address")
	evaluate[bool](c, `(() => { const f = document.getElementById("change-postal-value") || document.querySelector('form:has(input[name="what"][value="postal"]) input[name="value"]'); f.closest("details").open = true; for (let d = f.closest("details"); d; d = d.parentElement.closest("details")) d.open = true; f.focus(); return true; })()`)
	c.press(newAddress, kb.Enter)
	c.sees("Done. The customer is told", "Messages to this customer", "by letter to where the customer was reached before the change", "waits")
	w.carried()
	c.tabTo("Customers")
	c.press(kb.Enter)
	c.tabTo("Messages")
	c.press(kb.Enter)
	c.sees("2 messages", "Notice of change", "delivered")
	paths := []string{"/messages"}
	for _, m := range []notify.Message{w.newest(w.ann, cpni.Postal), w.newest(w.ann, cpni.Voice)} {
		paths = append(paths, messageAddress(w.ann, m.ID))
	}
	for i, path := range paths {
		c.goTo(path)
		c.sees([]string{"How many", "1 Main St, Springfield, VA 22150", "somebody answered"}[i])
		c.isSound("messages "+[]string{"list", "a letter", "a call"}[i], path)
		shown := evaluate[string](c, `document.documentElement.outerHTML`)
		for _, part := range []string{newAddress, "Elsewhere", "Richmond", "23220"} {
			if strings.Contains(shown, part) {
				t.Errorf("%s has %q", path, part)
			}
		}
	}
	written := 0
	must(t, filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		written++
		if strings.Contains(string(text), "Elsewhere") {
			t.Errorf("%s has the new address", d.Name())
		}
		return err
	}))
	if written < 4 {
		t.Errorf("only %d files were written", written)
	}
}

// Every page about messages fits and is sound, with everything on it.
//
// cite: P-23
func TestMessagePagesAreSound(t *testing.T) {
	w, _ := withMessages(t)
	for _, via := range []cpni.Via{cpni.Email, cpni.Text} {
		w.plan(w.ann, notify.Message{Kind: notify.AccountChange, Via: via, Place: notify.AOR, To: "ann.archer@example.com", Language: "es", Tokens: map[string]string{"what": "password"}})
	}
	w.carried()
	mail, text := w.newest(w.ann, cpni.Email), w.newest(w.ann, cpni.Text)
	w.Messages.Instead = noOtherWay // so that somebody has to look
	must(t, w.Messages.Returned(t.Context(), w.Outbox.Token(mail.ID), notify.Report{Kind: notify.Bounce, Outcome: notify.Outcome{State: notify.Bounced, Code: "5.1.1", Says: "550 5.1.1 no such user"}, Raw: []byte("raw")}))
	w.looked()
	b := w.signedIn(t, "officer")
	alerts := b.get("/alerts").page
	found := regexp.MustCompile(`/alerts/[0-9a-z]{26}`).FindString(alerts)
	if found == "" {
		t.Fatalf("no alert of the bounce:\n%s", alerts)
	}
	c := w.chromium(t)
	c.takeOver(b)
	for what, path := range map[string]string{"all": "/messages", "of one": "/messages?customer=" + string(w.ann), "an e-mail": messageAddress(w.ann, mail.ID), "a text": messageAddress(w.ann, text.ID), "settings": "/settings", "health": "/health", "alert": found} {
		c.isSound("messages "+what, path)
	}
}
