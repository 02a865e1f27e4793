package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ringfence/internal/cpni"
)

// Whoever is signed in reads every template, filled with nobody's facts.
//
// cite: P-23, P-25, P-27, 47 CFR 64.2010(f)
func TestNotices(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "auditor")
	b.get("/rules").has(t, `href="/notices"`)
	list := b.get("/notices")
	list.has(t, "Account change", "47 CFR 64.2010(f)", "e-mail", "Español", "never what it was or is")
	for _, x := range w.Wording.Templates() {
		address := string(noticeAddress(x))
		list.has(t, `href="`+address+`"`)
		r := b.get(address)
		if r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", address, r.StatusCode)
		}
		r.has(t, x.Version(), x.Dated(), strings.ReplaceAll(x.Elements()[0].For, "'", "&#39;")[1:], "Filled with samples, which are nobody")
		r.lacks(t, "Ann Archer", "{carrier}", "{code}")
		if x.Via() != cpni.Email {
			r.lacks(t, "<iframe")
			continue
		}
		r.has(t, `<iframe class="mail" src="`+address+`/mail" sandbox=""`)
		if csp := r.Header.Get("Content-Security-Policy"); csp != strictCSP+"; frame-src 'self'" {
			t.Errorf("%s: %s", address, csp)
		}
		mail := b.get(address + "/mail")
		mail.has(t, `<html lang="`+x.Language()+`">`, "Test Carrier")
		mail.lacks(t, "<script", "<img", "<form")
		if csp := mail.Header.Get("Content-Security-Policy"); csp != "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'; base-uri 'none'; sandbox" {
			t.Errorf("%s: %s", address, csp)
		}
	}
	for _, none := range []string{"/notices/account-change/email/fr", "/notices/account-change/fax/en", "/notices/birthday/email/en", "/notices/account-change/text/en/mail"} {
		if r := b.get(none); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", none, r.StatusCode)
		}
	}
}

// In a contact in progress the one who serves fills a template for the customer: with the name and the masked place, and
// with no code that works.
//
// cite: P-25, P-42
func TestNoticeForCustomer(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.get("/notices/account-change/email/es").has(t, "Fill it for Ann Archer", `href="/notices/account-change/email/es?for=contact"`)
	for _, way := range []string{"text", "voice", "email", "postal"} {
		r := b.get("/notices/account-change/" + way + "/en?for=contact")
		r.has(t, "For <strong>Ann Archer</strong>", "•")
		p, _, err := w.Customers.Get(context.Background(), w.ann)
		must(t, err)
		r.lacks(t, p.Email[0].Value, p.Postal[0].Value, annNumber, p.Account)
	}
	b.submit(at + "/end")
	b.get("/notices/account-change/email/en?for=contact").lacks(t, "Ann Archer")
	w.signedIn(t, "supervisor").get("/notices/account-change/email/en?for=contact").lacks(t, "Ann Archer")
}

// A carrier whose name no message can bear is told so, and its name is text.
//
// cite: P-27, V54
func TestNoticeThatCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	for carrier, says := range map[string]string{payload: "longer than 40 letters", "": "it is empty"} {
		w.serve(Options{Carrier: carrier, Report: w.report})
		b := w.signedIn(t, "agent")
		r := b.get("/notices/account-change/email/en")
		r.has(t, says, "NOTICE_N07", "P-27")
		r.lacks(t, "<script>hit", "<iframe")
		b.get("/notices/account-change/email/en/mail").lacks(t, "<script>hit", "<img src=x")
	}
	w.serve(Options{Carrier: `<b>"C"</b>&amp;`, Report: w.report})
	b := w.signedIn(t, "agent")
	b.get("/notices/account-change/email/en/mail").lacks(t, "<b>")
	b.get("/notices/account-change/text/en").lacks(t, `<b>"C"`)
}

// The pages of templates keep nobody out, and show the e-mail in its frame.
func TestNoticesInABrowser(t *testing.T) {
	w := newWorld(t)
	c := w.chromium(t)
	c.signIn("agent")
	c.sees("Who is calling?")
	for _, path := range []string{"/notices", "/notices/account-change/email/en", "/notices/verification-code/voice/es"} {
		c.isSound(path, path)
	}
	// The console keeps scripts out of the e-mail, also those that look for what keeps people out; so it is shown from elsewhere.
	x, _ := w.Wording.Template("account-change", cpni.Email, "es")
	words, err := x.Write(x.Sample())
	must(t, err)
	mails := httptest.NewServer(http.HandlerFunc(func(a http.ResponseWriter, _ *http.Request) {
		a.Header().Set("Content-Type", "text/html; charset=utf-8")
		a.Write([]byte(words.HTML))
	}))
	defer mails.Close()
	c.at = mails.URL
	c.isSound("e-mail", "/")
}

// has fails unless the source of the page has all of it.
func (r reply) has(t testing.TB, all ...string) {
	t.Helper()
	for _, s := range all {
		if !strings.Contains(r.page, s) {
			t.Errorf("%s: the page does not have %q; it says:\n%s", r.Request.URL.Path, s, text(r.page))
		}
	}
}
