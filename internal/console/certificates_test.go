package console

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/breach/form"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/certificate"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
)

// evidenceBlock are the places to which the sentences of a page lead, with what each is called.
var (
	evidenceBlock = regexp.MustCompile(`(?s)<p class="evidence">.*?</p>`)
	evidenceLink  = regexp.MustCompile(`<a href="([^"]+)">([^<]+)</a>`)
	mainOfPage    = regexp.MustCompile(`(?s)<main.*?</main>`)
)

// opens fails unless every place to which a sentence leads is there for whoever reads it and names what the link says.
func (b *browser) opens(page reply) (n int) {
	b.t.Helper()
	seen := map[string]bool{}
	for _, block := range evidenceBlock.FindAllString(page.page, -1) {
		links := evidenceLink.FindAllStringSubmatch(block, -1)
		if len(links) == 0 {
			b.t.Errorf("a sentence leads nowhere: %s", text(block))
		}
		for _, m := range links {
			at, says := html.UnescapeString(m[1]), html.UnescapeString(m[2])
			if n++; seen[at+says] {
				continue
			}
			seen[at+says] = true
			r := b.get(at)
			if r.StatusCode != http.StatusOK {
				b.t.Errorf("%q leads to %s, which answers %d", says, at, r.StatusCode)
				continue
			}
			shown := strings.ToLower(text(mainOfPage.FindString(r.page)))
			if !slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(says), func(c rune) bool { return c < 'a' || c > 'z' }), func(word string) bool {
				return len(word) > 2 && !slices.Contains([]string{"the", "and", "with", "who", "whose", "what", "that", "last", "year", "for"}, word) && strings.Contains(shown, word[:min(len(word), 5)])
			}) {
				b.t.Errorf("%q leads to %s, which does not name it", says, at)
			}
		}
	}
	return n
}

// click clicks what bears these words.
func (c *chromium) click(words string) {
	c.t.Helper()
	if !evaluate[bool](c, fmt.Sprintf(`(() => { const e = [...document.querySelectorAll("main a, main button, main summary")].find(e => e.innerText.trim() === %q); if (e) e.click(); return !!e })()`, words)) {
		c.t.Fatalf("nothing to click says %q", words)
	}
}

// fill writes into a field, or ticks it.
func (c *chromium) fill(name, value string) {
	c.t.Helper()
	if !evaluate[bool](c, fmt.Sprintf(`(() => { const e = document.querySelector("main [name='%s']"); if (!e) return false; if (e.type === "checkbox") e.checked = true; else e.value = %q; return true })()`, name, value)) {
		c.t.Fatalf("there is no field %s", name)
	}
}

// A year's certificate goes by what people see and press from the draft, whose every sentence leads to its evidence, through the walk to the
// signature with a second factor, the pages and the receipt.
//
// cite: P-37, P-41, 47 CFR 64.2009(e), 47 CFR 1.17, V109
func TestCertificateInABrowser(t *testing.T) {
	w := newWorld(t, func(c *office.Config) {
		c.SecondFactorOptional = false
		c.Filer = form.Carrier{LegalName: "Test Carrier, LLC", FilerID: "899999"}
	})
	ctx := t.Context()
	in, err := w.OpenContact(ctx, contact.Opening{Customer: w.ann, Channel: cpni.Phone, Agent: w.people["agent"]})
	must(t, err)
	_, err = w.Door.Disclose(ctx, officetest.AskCalls(w.people["agent"], in.ID)) // refused: nobody has proved anything
	must(t, err)
	w.looked()
	w.clock.pass(time.Date(2027, 1, 15, 15, 0, 0, 0, time.UTC).Sub(w.clock.Now()))
	cora, olga := w.browser(t), w.browser(t)
	cora.enrol("compliance")
	key, _ := olga.enrol("officer")
	const at = "/certificates/2026"
	olga.get(at).says(t, "things are lacking", "What was not kept", "who signs", "Walk through it")
	cora.get(at).lacks(t, "Walk through it")
	if n := olga.opens(olga.get(at)); n < 20 {
		t.Errorf("the sentences lead to %d places", n)
	}
	c := w.chromium(t)

	c.takeOver(olga)
	c.goTo(at + "/walk")
	c.click("Begin")
	c.sees("The certificate does not say", "that who signs acts as an agent of the carrier")

	c.takeOver(cora)
	c.goTo("/home")
	c.click("The certificate for 2026 is to be signed and filed by Mon 1 Mar 2027")
	c.sees("Certificate for 2026", "To be filed by", "EB Docket", "What the records show")
	c.isSound("the file of a certificate", "")
	c.click("Write into the file")
	c.sees("Who certifies", "The registers hold 0 about access by employees")
	for name, value := range map[string]string{"signatory": "The officer", "title": "Chief Privacy Officer", "agent": "", "knowledge": "", "truthful": "", "complaints-none": "", "brokers-none": "", "pretexting": "Callers claim to be relatives.", "steps": "Nobody is told anything without proof."} {
		c.fill(name, value)
	}
	evaluate[int](c, `[...document.querySelectorAll("main textarea[name^='explained:']")].map(e => e.value = "It is being mended.").length`)
	c.isSound("the fields of a certificate", "")
	c.click("Write it into the file")
	c.sees("It is written into the file.", "Complete", "It is being mended.")

	c.takeOver(olga)
	c.goTo(at + "/preview")
	c.sees("Annual certification for 2026", "I, The officer, certify that I am an officer of Test Carrier, LLC", "The log was never verified.")
	c.goTo(at)
	c.click("Walk through it")
	c.sees("So the file is frozen as it is now")
	c.click("Begin")
	c.sees("What was checked", "How decisions were drawn", "I have looked at it")
	c.isSound("a walk through a certificate", "")
	c.click("I have looked at it")
	c.sees("What was not kept", "It is being mended.", "Confirmed")
	c.click("I have looked at it")
	c.sees("What is signed", "I, The officer, certify")
	c.click("I have looked at it")
	c.sees("Decision 1 of 1", "The decision on record")
	c.click("Make it again")
	c.sees("It was made again from the facts on record.", "It comes out as it is recorded", "Rules that decided", "The facts on which it stood")
	c.click("I have looked at it")
	c.sees("You have looked at everything.")
	record := evidenceLink.FindStringSubmatch(regexp.MustCompile(`<a href="[^"]*">The decision on record</a>`).FindString(olga.get(at + "/walk/decision-1").page))
	olga.get(record[1]).is(t, http.StatusOK).says(t, "Refused")

	w.clock.pass(20 * time.Minute) // the second factor was shown too long ago
	c.click("Sign it")
	c.sees("This wants to be sure that it is you.")
	c.fill("code", w.shows(t, key))
	evaluate[bool](c, `(document.querySelector("main [name='code']").form.requestSubmit(), true)`)
	c.sees("I sign the certificate for 2026", "4 steps, each confirmed")
	c.click("I sign the certificate for 2026")
	c.sees("It is signed.", "Signed, to be filed", "The pages as they were signed")
	pages := olga.get(at+"/certificate.pdf").is(t, http.StatusOK)
	if pages.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(pages.page, "%PDF-") || !strings.Contains(pages.Header.Get("Content-Disposition"), "cpni-certification-2026-test-carrier-llc.pdf") {
		t.Errorf("the pages come as %v", pages.Header)
	}
	c.fill("number", "20270115123456789")
	c.click("Enter that it is filed")
	c.sees("It is on record that the docket has it.", "20270115123456789", "Filed")
	c.isSound("a certificate that is filed", "")
	f, err := w.Certificates.One(ctx, 2026, w.people["auditor"])
	must(t, err)
	if f.State() != certificate.Filed || f.Sign == nil || f.Sign.By != w.people["officer"] || f.Receipt.Late {
		t.Errorf("it is %s, signed %+v", f.State(), f.Sign)
	}
}

// Who may neither write nor audit a certificate sees nothing of it, and nobody but an officer is led through it.
//
// cite: P-37, 47 CFR 64.2009(e)
func TestWhoSeesACertificate(t *testing.T) {
	w := newWorld(t)
	for login, may := range map[string]bool{"agent": false, "supervisor": false, "admin": false, "auditor": true, "compliance": true, "officer": true} {
		want := http.StatusForbidden
		if may {
			want = http.StatusOK
		}
		b := w.signedIn(t, login)
		for _, path := range []string{"/certificates", "/certificates/2026", "/certificates/2026/preview"} {
			b.get(path).is(t, want)
		}
	}
	b := w.signedIn(t, "compliance")
	for _, path := range []string{"/certificates/2027", "/certificates/x", "/certificates/2026/papers/1", "/certificates/2026/walk/nothing"} {
		if path == "/certificates/2026/walk/nothing" {
			b.get(path).says(t, "An officer is led through it")
			continue
		}
		b.get(path).is(t, http.StatusNotFound)
	}
	shown := b.get("/certificates/2026/walk")
	b.follow(b.post("/certificates/2026/walk", "token", shown.value("token"), "key", string(cpni.NewID()), "version", "1")).says(t, "An officer of the carrier is led through the file and signs the certificate, and nobody for them.")
	shown = b.get("/certificates/2026/fields")
	b.follow(b.post("/certificates/2026/fields", "token", shown.value("token"), "key", shown.value("key"), "version", shown.value("version"), "complaints-none", "yes", "online", "2", "own", "As before.")).says(t, "There were no complaints, and there were some.", "As before.")
	w.signedIn(t, "auditor").get("/certificates/2026/fields").is(t, http.StatusForbidden)
}
