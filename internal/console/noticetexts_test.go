package console

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
)

// paste posts a text of a notice as the form does.
func (b *browser) paste(text string) reply {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range [][2]string{{"token", b.get("/notices/draft").value("token")}, {"kind", notify.OptOutNotice}, {"text", text}} {
		must(b.t, w.WriteField(f[0], f[1]))
	}
	must(b.t, w.Close())
	r, err := http.NewRequest(http.MethodPost, b.server.URL+"/notices/draft", &body)
	must(b.t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.send(r)
}

// Each notice shows where it keeps the items of the checklist, and prints as an insert.
//
// cite: P-02, P-08, P-27, 47 CFR 64.2008(c)
func TestNoticeTexts(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "auditor")
	b.get("/notices").has(t, `href="/notices/draft"`, "Opt out notice", "Opt in request", "Answer received")
	for _, kind := range []string{notify.OptOutNotice, notify.OptInRequest} {
		for _, way := range []string{"email", "postal"} {
			for _, language := range []string{"en", "es"} {
				r := b.get("/notices/" + kind + "/" + way + "/" + language)
				for _, i := range wording.Items {
					if i.For(kind) {
						r.has(t, `<span class="item">`+i.ID+`</span></th><td>`, i.Cite)
					} else {
						r.lacks(t, i.ID)
					}
				}
				r.has(t, "Where each item stands", `<span class="item">N-02</span><span class="item">N-03</span></p><div lang="`+language+`"><p>`, "looked for in every part, and not found")
			}
		}
		pdf := b.get("/notices/" + kind + "/postal/es/insert")
		if pdf.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(pdf.page, "%PDF-1.7") {
			t.Errorf("%s: %s", kind, pdf.Header.Get("Content-Type"))
		}
		b.get("/notices/"+kind+"/postal/es").has(t, `href="/notices/`+kind+`/postal/es/insert"`)
	}
	b.get("/notices/account-change/postal/en").lacks(t, "checklist", "insert", "N-02")
	for _, none := range []string{"/notices/account-change/postal/en/insert", "/notices/opt-out-notice/postal/fr/insert", "/notices/draft?kind=account-change"} {
		if r := b.get(none); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", none, r.StatusCode)
		}
	}
}

// A carrier's own text is held against the checklist, all at once; nothing of it is kept.
//
// cite: P-02, P-08, P-27, V52, V53, V54, 47 CFR 64.2008(c)
func TestDraftOfANotice(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "compliance")
	b.get("/notices/draft").has(t, "kind: opt-out-notice", "Begin with the text in use")
	b.get("/notices/draft?kind=opt-in-request").has(t, "kind: opt-in-request")
	text := string(w.Wording.Text(notify.OptOutNotice))
	if r := b.paste(text); r.StatusCode != http.StatusOK {
		t.Errorf("%d", r.StatusCode)
	} else {
		r.has(t, "The text is whole", "Letter, español", "E-mail, English", `<span class="item">N-16</span>`, "Test Carrier")
		r.lacks(t, "to mend")
	}
	for from, code := range map[string]string{
		"and {carrier} has the duty, to keep":         "NOTICE_N02",
		"Reply to this e-mail with the word NO.":      "NOTICE_N07",
		"{answer-email}":                              "NOTICE_N07",
		"Your answer, yes or no, is valid until you":  "NOTICE_N14",
		"Whether we may is your choice.":              "NOTICE_N13",
		"Responda a este correo con la palabra NO.":   "NOTICE_N11",
		"Your choice about the use of your customer ": "SUBJECT",
	} {
		to := map[string]string{"NOTICE_N13": "Freeze out third parties.", "NOTICE_N11": "Please reply to this e-mail with the word NO.", "SUBJECT": "Great offers for your ", "NOTICE_N07": "{}"}[code]
		if !strings.Contains(text, from) {
			t.Fatalf("the text has no %q", from)
		}
		r := b.paste(strings.Replace(text, from, to, 1))
		if r.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", code, r.StatusCode)
		}
		r.has(t, "to mend", `<span class="chip bad">`+code+`</span>`, "line ")
		r.lacks(t, "The text is whole")
	}
	for _, nonsense := range []string{"", "kind: [", "kind: account-change\n", payload, strings.Repeat("- ", 5000)} {
		r := b.paste(nonsense)
		if r.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%.20q: %d", nonsense, r.StatusCode)
		}
		r.lacks(t, "<script>hit", "<img src=x")
	}
	if got := string(w.Wording.Text(notify.OptOutNotice)); got != text {
		t.Error("the text in use is another")
	}
}

// The pages of notices keep nobody out.
func TestNoticeTextsInABrowser(t *testing.T) {
	w := newWorld(t)
	c := w.chromium(t)
	c.signIn("agent")
	c.sees("Who is calling?")
	for _, path := range []string{"/notices/opt-out-notice/email/en", "/notices/opt-in-request/postal/es", "/notices/answer-received/text/es", "/notices/draft"} {
		c.isSound(path, path)
	}
	c.goTo("/notices/draft")
	evaluate[string](c, `document.querySelector("#text").value = "kind: opt-out-notice\n"`)
	c.do(chromedp.Click(`form[enctype] button`))
	c.sees("to mend")
	c.isSound("a draft with flaws", "")
}
