package console

import (
	"context"
	"html"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/publish"
	"ringfence/internal/workday"
	"ringfence/policy"
)

// testPublic are the facts of the tests' carrier.
func testPublic(c *office.Config) {
	c.Public = office.Public{Carrier: publish.Carrier{Name: "Test Carrier", Email: "privacy@test.example", Phone: "+18005550100", Post: "1 Main St, Springfield, VA 22150", Web: "https://account.test.example",
		Facility: "https://reporting.facility.example/cpni", Posting: "https://test.example/privacy", Verified: workday.On(2026, time.March, 1)}}
}

// nextText is the built-in text under another name, with changed words.
func nextText(t testing.TB, version string, changes ...string) string {
	t.Helper()
	b, err := fs.ReadFile(policy.Files, publish.File)
	must(t, err)
	s := strings.Replace(string(b), `version: "2026-11"`, `version: "`+version+`"`, 1)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(s, changes[i]) {
			t.Fatalf("the text has no %q", changes[i])
		}
		s = strings.Replace(s, changes[i], changes[i+1], 1)
	}
	return s
}

// sendText posts the form of the next version.
func (b *browser) sendText(form ...string) reply {
	b.t.Helper()
	return b.follow(b.postTo(place{files: true}, "/policy/change", append([]string{"token", b.token()}, form...)...))
}

// answered fails when the answer has another status.
func (r reply) answered(t testing.TB, status int) reply {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("%s: %d, want %d:\n%s", r.Request.URL.Path, r.StatusCode, status, text(r.page))
	}
	return r
}

// everyWay carries nothing; it only has to be there.
type everyWay struct{ notify.Channel }

// Each sentence opens what keeps it; what is off makes it red, with the reason, and counts at the top.
//
// cite: P-37, P-46, P-55, P-56
func TestPublicPolicyAndItsKeepers(t *testing.T) {
	w := newWorld(t, testPublic)
	w.Reach(map[cpni.Via]notify.Channel{cpni.Email: everyWay{}, cpni.Text: everyWay{}, cpni.Voice: everyWay{}, cpni.Postal: everyWay{}})
	b := w.signedIn(t, "auditor")
	page := b.get("/policy")
	page.has(t, "2026-11", "verify-callback", "P-20", "of 53 sentences", `href="/policy/sentences/breach-when"`)
	page.lacks(t, "/policy/change")
	s := b.get("/policy/sentences/verify-send")
	s.has(t, "address that has been on your account for at least 30 days", "lleve en su cuenta al menos 30 días", "sent-to-record", "in force", "internal/customer", "history of addresses", "Channel: letters", "carries messages", "tests", "address-of-record.yaml", "not been told")
	s.lacks(t, "Why it is red")
	b.get("/policy/sentences/breach-keep").lacks(t, "Why it is red", "does not wholly keep")
	b.get("/policy/sentences/breach-when").has(t, "breach-2007", "in force")
	if r := b.get("/policy/sentences/none"); r.StatusCode != http.StatusNotFound {
		t.Errorf("a sentence that there is not: %d", r.StatusCode)
	}
	b.get("/policy/versions").has(t, "2026-11", "the server&#39;s first start")

	k, err := w.Keeping(context.Background())
	must(t, err)
	before := k.Red
	w.Reach(map[cpni.Via]notify.Channel{cpni.Email: everyWay{}, cpni.Text: everyWay{}, cpni.Voice: everyWay{}})
	b.get("/policy/sentences/verify-send").has(t, "Why it is red", "Nothing carries letters here", "off")
	k, err = w.Keeping(context.Background())
	must(t, err)
	if k.Red != before+2 { // verify-send and changes-where
		t.Errorf("%d red without letters, %d before", k.Red, before)
	}

	// Stories that were told are the last test.
	_, err = w.TellStories(context.Background(), func() {})
	must(t, err)
	b.get("/policy/sentences/without-service").has(t, "1 scenario passed, 0 failed")
}

// Whoever publishes sees first what follows; two people do it; and posting alone changes nobody's approval.
//
// cite: P-37, P-55, P-56, P-57, 47 CFR 64.2008(c)(2)
func TestPublishingTakesTwoAndShowsWhatFollows(t *testing.T) {
	less := func(c *office.Config) {
		testPublic(c)
		text, err := publish.Without([]byte(nextText(t, "2026-01")), publish.Covers{Purposes: []cpni.Purpose{cpni.OtherMarketing}})
		must(t, err)
		c.Public.First = text
	}
	w := newWorld(t, less)
	w.customer(customer.Profile{Name: "Cleo Clay", Since: w.clock.Now().AddDate(-1, 0, 0), Approvals: []customer.Approval{{Scope: string(cpni.OwnMarketing), State: cpni.OptInOK, Since: w.clock.Now().AddDate(0, -1, 0)}}})
	b := w.signedIn(t, "compliance")
	form := b.get("/policy/change")
	form.has(t, "Next version", "The newest that was published is 2026-01")
	next := nextText(t, "2026-12", "You lose nothing without it.", "Without it you lose nothing.", "Sin ella no pierde nada.", "No pierde nada sin ella.")
	b.sendText("key", string(cpni.NewID()), "effective", "2026-03-05", "text", next, "do", "look").answered(t, http.StatusOK).has(t, "What follows", "purpose: other marketing", "2 customers have service and need",
		"1 customer has an approval that stands or waits, and it does", "Posting it changes nobody&#39;s approval", "<ins>Without it", "use-tailor", "Español")
	if len(w.Published.Versions()) != 1 {
		t.Fatal("looking has published")
	}
	for _, x := range [][2]string{{"2026-03-04", next}, {"2026-03-05", strings.Replace(next, "clauses: [P-13]", "clauses: [P-14]", 1)}, {"2026-03-05", strings.Replace(next, "is no consent to it", "means you are deemed to have given your consent", 1)}} {
		b.sendText("key", string(cpni.NewID()), "effective", x[0], "text", x[1], "do", "propose").answered(t, http.StatusUnprocessableEntity).has(t, "policy", html.EscapeString("Without it you lose nothing."))
	}
	b.sendText("key", string(cpni.NewID()), "effective", "2026-03-05", "text", next, "do", "propose").has(t, "Publish a version of the public policy", "waits for a second person", "purpose: other marketing", "2 customers have service")
	if v, _ := w.Published.Current(w.clock.Now()); v.Version != "2026-01" {
		t.Error("it is published before a second person agreed")
	}
	officer, _, err := w.Staff.Recent(context.Background(), w.people["officer"])
	must(t, err)
	all, _, err := w.Proposals.List(context.Background(), officer)
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("%d proposals", len(all))
	}
	if _, err := w.Proposals.Agree(context.Background(), all[0].ID, all[0].Hash, w.people["compliance"]); err == nil {
		t.Error("who proposed has agreed")
	}
	o := w.signedIn(t, "officer")
	o.get("/proposals/"+string(all[0].ID)).has(t, "Do you agree?", "purpose: other marketing", "<del>", "Sentences that nothing keeps, or not wholly")
	o.submit("/proposals/"+string(all[0].ID)+"/agree", "hash", all[0].Hash).has(t, "You have agreed")
	v, _ := w.Published.Current(w.clock.Now())
	if v.Version != "2026-12" || v.By != string(w.people["compliance"]) || v.Second != string(w.people["officer"]) {
		t.Errorf("%s by %s and %s", v.Version, v.By, v.Second)
	}
	o.get("/policy/versions").has(t, "purpose: other marketing", "The compliance", "agreed to by you")
	for _, login := range []string{"agent", "auditor", "admin"} {
		if r := w.signedIn(t, login).get("/policy/change"); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s may publish: %d", login, r.StatusCode)
		}
	}
}

// The pages are whole in every window, and axe finds nothing.
//
// cite: P-55
func TestPublicPolicyPagesAreSound(t *testing.T) {
	w := newWorld(t, testPublic)
	must(t, w.PublishAdding(context.Background(), "2026-12", w.clock.Now(), publish.Covers{}, "test"))
	c := w.chromium(t)
	c.takeOver(w.signedIn(t, "compliance"))
	for _, p := range []string{"/policy", "/policy/sentences/verify-send", "/policy/sentences/breach-when", "/policy/versions", "/policy/change"} {
		c.isSound("public policy "+p, p)
	}
}
