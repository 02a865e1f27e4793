package console

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
)

// stories are told before another policy can be agreed to.
var stories = fstest.MapFS{"ours.yaml": {Data: []byte(`start: 2026-11-24 10:00
setup:
  staff: {rep: {role: agent, trained: 2026-01-05}}
  customers: {ann: {lines: [{number: "+12025550101", categories: [local]}]}}
scenarios:
  - scenario: Service goes on
    cites: [P-33]
    steps:
      - disclose: {by: rep, customer: ann, data: [service], purpose: provide-service, to: carrier, order: O-1}
`)}}

const (
	ours = `@id("no-win-back")
@clause("P-07")
@cite("47 CFR 64.2005(b)")
@code("FORBIDDEN")
@says("This carrier wins nobody back.")
forbid (principal, action == Action::"win-back", resource);
`
	closing = `@id("closed")
@clause("P-33")
@cite("47 USC 222(c)(1)")
@code("FORBIDDEN")
@says("Closed.")
forbid (principal, action == Action::"provide-service", resource);
`
)

// load posts a changed file of the policy.
func (b *browser) load(file, text string, uploads ...string) reply {
	b.t.Helper()
	form := b.get("/rules/change")
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range map[string]string{"token": form.value("token"), "key": form.value("key"), "file": file, "text": text} {
		must(b.t, w.WriteField(name, value))
	}
	for i := 0; i < len(uploads); i += 2 {
		part, err := w.CreateFormFile("upload", uploads[i])
		must(b.t, err)
		_, err = part.Write([]byte(uploads[i+1]))
		must(b.t, err)
	}
	must(b.t, w.Close())
	r, err := http.NewRequest(http.MethodPost, b.server.URL+"/rules/change", &body)
	must(b.t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.follow(b.send(r))
}

// propose loads a changed file and gives the address of the proposal.
func (b *browser) propose(file, text string) string {
	b.t.Helper()
	r := b.load(file, text)
	if !strings.HasPrefix(b.at, "/proposals/") {
		b.t.Fatalf("nothing was proposed: %s\n%s", r.Status, text)
	}
	r.says(b.t, "Proposed, and on record.", "being tried")
	return b.at
}

// Changed rules are checked, tried by the scenarios, shown rule by rule to a second person, and take effect when they agree.
//
// cite: P-01, P-13, P-28, P-37, 47 CFR 64.2008(c)(3), 47 CFR 64.2010(a)
func TestRulesAreChangedByTwo(t *testing.T) {
	w := newWorld(t)
	one, two := w.signedIn(t, "compliance"), w.signedIn(t, "officer")
	one.get("/rules/change?file=rules/05-marketing.cedar").says(t, "Begin with a file as it is in force", `@id("location-express")`)
	for name, c := range map[string]struct{ file, text, says string }{
		"a slip of the pen":   {"rules/90-ours.cedar", ours + "forbit (principal, action, resource);", "rules/90-ours.cedar:7"},
		"retaliation":         {"rules/90-ours.cedar", strings.Replace(closing, "resource);", "resource) when { context.approval.state == \"denied\" };", 1), "RETALIATION"},
		"an administrator":    {"rights/90-ours.cedar", "@id(\"x\")\n@clause(\"P-37\")\n@cite(\"47 CFR 64.2010(a)\")\n@says(\"Yes.\")\npermit (principal, action == Action::\"operate\", resource) when { context.role == \"auditor\" };", "rights/90-ours.cedar:1"},
		"a number in words":   {"profiles/cpni-core.yaml", "- {profile: cpni-core, section: x, state: in-force, effective_from: 2007-12-08, source: x, last_verified: 2026-11-24, numbers: {smallest_cell: ten}}", "profiles/cpni-core.yaml"},
		"a file of no kind":   {"clauses.yaml", "- {id: P-01, says: x}", "is no file of rules"},
		"a text without name": {"", ours, "which file of the policy is it?"},
		"nothing":             {"rules/90-ours.cedar", " \n", "there is nothing to load"},
	} {
		r := one.load(c.file, c.text)
		if r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(strings.ToLower(text(r.page)), strings.ToLower(c.says)) || strings.TrimSpace(c.text) != "" && !strings.Contains(text(r.page), strings.TrimSpace(strings.Split(c.text, "\n")[0])) {
			t.Errorf("%s: %s\n%s", name, r.Status, text(r.page))
		}
	}
	bad := one.propose("rules/90-ours.cedar", closing)
	must(t, w.Proposals.Work(context.Background()))
	page1 := two.get(bad)
	page1.says(t, "failed when it was tried", "Not all pass", "FAIL Service goes on: ours.yaml:9", "got deny FORBIDDEN")
	page1.lacks(t, "Agree, and have it done")
	good := one.propose("rules/90-ours.cedar", ours)
	must(t, w.Proposals.Work(context.Background()))
	one.get("/proposals").says(t, "Nothing waits for you.", "waits for a second person")
	page2 := one.get(good)
	page2.says(t, "All pass", "1 scenario passed")
	page2.lacks(t, "Agree, and have it done")
	one.submit(good+"/agree", "hash", one.get(good).value("hash")).says(t, "SAME_PERSON", "a second person is needed")
	page := two.get(good)
	page.says(t, "Exactly this", "no-win-back", "new", "This carrier wins nobody back.", "proposed by The compliance, compliance", "Do you agree?")
	two.submit(good+"/agree", "hash", strings.Repeat("0", 64)).says(t, "The proposal is not what you were shown: nothing was done.")
	if set, _ := w.Policy.Current(); hasRule(set, "no-win-back") {
		t.Fatal("in force before anybody agreed")
	}
	two.submit(good+"/agree", "hash", page.value("hash")).says(t, "You have agreed, and it is on record.", "done", "ended: you")
	two.submit(good+"/agree", "hash", page.value("hash")).says(t, "The proposal does not wait any more")
	two.get("/rules").says(t, "no-win-back", "This carrier wins nobody back.")
	two.get("/rules/no-win-back").says(t, "rules/90-ours.cedar:1", `forbid (principal, action == Action::"win-back", resource);`, "P-07")
	if r := one.load("rules/90-ours.cedar", ours); !strings.Contains(text(r.page), "This changes nothing") {
		t.Errorf("the same again: %s", text(r.page))
	}
	r := one.load("", "", "cpni-core.yaml", strings.Replace(w.file("profiles/cpni-core.yaml"), "smallest_cell: 10", "smallest_cell: 12", 1), "91-ours.cedar", strings.Replace(closing, `"closed"`, `"closed-too"`, 1))
	r.says(t, "Proposed, and on record.", "smallest_cell: 10", "smallest_cell: 12", "closed-too", "rules/91-ours.cedar")
	one.submit(one.at+"/withdraw").says(t, "Your proposal is withdrawn. Nothing was done.")
	// Supervisors agree to notices, and to nothing else.
	supervisor := w.signedIn(t, "supervisor")
	supervisor.get(good).is(t, http.StatusNotFound)
	supervisor.post(good+"/agree", "token", supervisor.token(), "hash", "x").is(t, http.StatusNotFound)
	supervisor.get("/proposals").lacks(t, good)
	for _, path := range []string{"/rules/change", "/settings", "/health", "/forget/" + string(w.ann)} {
		supervisor.get(path).is(t, http.StatusForbidden)
	}
	for _, who := range []string{"agent", "marketing", "billing", "auditor"} {
		b := w.signedIn(t, who)
		for _, path := range []string{good, "/proposals", "/rules/change", "/settings", "/health", "/forget/" + string(w.ann)} {
			b.get(path).is(t, http.StatusForbidden).says(t, "Not your work", "rule right-")
		}
		b.post(good+"/agree", "token", b.token(), "hash", "x").is(t, http.StatusForbidden)
	}
	// Who renews keys sees no proposals about rules.
	w.signedIn(t, "admin").get(good).is(t, http.StatusNotFound)
}

func hasRule(s *rules.Set, id string) bool {
	for _, r := range s.Rules() {
		if r.ID == id {
			return true
		}
	}
	return false
}

// file gives a file of the policy in force.
func (w *world) file(name string) string {
	set, _ := w.Policy.Current()
	return string(set.Files()[name])
}

// A customer is forgotten and keys are renewed by two people, from the pages where they are found.
//
// cite: P-37, I-21, 47 CFR 64.2010(a)
func TestWhatElseTwoPeopleDo(t *testing.T) {
	w := newWorld(t)
	one, two, admin := w.signedIn(t, "compliance"), w.signedIn(t, "officer"), w.signedIn(t, "admin")
	one.get(customerAddress(w.ann)).says(t, "Propose to forget this customer")
	w.signedIn(t, "agent").get(customerAddress(w.ann)).lacks(t, "Propose to forget")
	ask := one.get("/forget/" + string(w.ann))
	ask.says(t, "Forget Ann Archer?", "Somebody else with the same right must agree first.")
	form := []string{"token", ask.value("token"), "key", ask.value("key")}
	r := one.post("/forget/"+string(w.ann), form...)
	at := r.Header.Get("Location")
	if again := one.post("/forget/"+string(w.ann), form...); again.Header.Get("Location") != at {
		t.Errorf("the form sent twice proposes twice: %s and %s", at, again.Header.Get("Location"))
	}
	two.get("/proposals").says(t, "Waits for you", "Forget a customer", "The compliance, compliance")
	page := two.get(at)
	page.says(t, "Ann Archer", string(w.ann))
	two.submit(at+"/agree", "hash", page.value("hash")).says(t, "You have agreed")
	two.get(customerAddress(w.ann)).is(t, http.StatusNotFound)
	page3 := two.get(at)
	page3.says(t, "done", string(w.ann))
	page3.lacks(t, "Ann Archer")

	settings := admin.get("/settings")
	settings.says(t, "Propose to renew the wrapping key", "breach-2023", "dormant", "Its public key")
	admin.submit("/proposals/keys", "key", settings.value("key"), "keys", "wrapping").says(t, "Renew keys", "waits for a second person", "The wrapping key is renewed")
	keys := admin.at
	two.submit(keys+"/agree", "hash", two.get(keys).value("hash")).says(t, "agreed, being done")
	must(t, w.Proposals.Work(context.Background()))
	admin.get(keys).says(t, "done")
	admin.get("/settings").says(t, "Keys last renewed")

	if n := len(w.records("", ledger.Forget)); n != 1 {
		t.Errorf("%d records of forgetting", n)
	}
}

// A made-up request is answered as a real one would be, and neither releases nor records anything.
//
// cite: P-28, I-28
func TestTryingARequest(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	before := len(w.records(w.ann, "")) + len(w.records("", ""))
	const phone = "/rules/try?role=agent&trained=trained&purpose=customer-request&data=call-detail&via=voice&buys=local&approval=unnotified&channel=phone&to=customer"
	page5 := b.get("/rules/try")
	page5.says(t, "Who asks", "nothing is released and nothing is recorded")
	page5.lacks(t, `id="said"`)
	b.get(phone).says(t, "Refused", "UNAUTHENTICATED", "somebody-proved", "What would make it allowed", "Verify by the password")
	b.get(phone+"&proved=password").says(t, "Permitted", "customer-may-ask")
	b.get(strings.Replace(phone, "trained=trained&", "", 1)+"&proved=password").says(t, "Refused", "UNTRAINED", "staff-trained")
	b.get(strings.Replace(phone, "role=agent", "role=auditor", 1)+"&proved=password").says(t, "Refused", "ROLE", "role-customer")
	market := "/rules/try?role=marketing&trained=trained&purpose=own-marketing&data=usage&buys=local&to=carrier&offer=broadband&approval="
	b.get(market+"unnotified").says(t, "Refused", "UNNOTIFIED")
	b.get(market+"opt-in-ok").says(t, "Permitted")
	b.get("/rules/try?role=officer&trained=trained&purpose=legal&data=call-detail&to=law-enforcement&basis=process").says(t, "Permitted")
	b.get("/rules/try?purpose="+"%3Cscript%3E&data=x").is(t, http.StatusOK).says(t, "Refused", "UNKNOWN_PURPOSE")
	if after := len(w.records(w.ann, "")) + len(w.records("", "")); after != before {
		t.Errorf("%d records before, %d after", before, after)
	}
}

// Every rule has a page of its own with its text, its clauses and how often it decided; roles show their rights.
//
// cite: P-28, P-37
func TestRulesAreRead(t *testing.T) {
	w := newWorld(t)
	w.serve(Options{Carrier: "Test Carrier", Report: w.report, Stories: func() ([]Story, error) { return []Story{{"ours.yaml", "Nobody unknown", []string{"P-16"}}}, nil }})
	b := w.signedIn(t, "supervisor")
	at := b.open(w.ann, "phone")
	b.ask(at)
	b.ask(at)
	must(t, w.Ledger.Sequence(t.Context()))
	must(t, w.Watch.Step(t.Context()))
	b.get("/rules").says(t, "how often a rule decided in the last 7 days", "somebody-proved", "Roles and rights", "right-serve")
	b.get("/rules/somebody-proved").says(t, "rules/03-customer.cedar:", "It decided 2 in the last 7 days", "context.contact.proved.isEmpty()", "P-16", "Nobody unknown")
	b.get("/rules/right-serve").says(t, "rights/01-rights.cedar:", "It is about what the people who work here may do.")
	b.get("/rules/no-such-rule").is(t, http.StatusNotFound)
	b.get("/rules/roles").says(t, "Administrator", "keepers-see-no-customers", "Yes Keep the register of the staff")
	set, _ := w.Policy.Current()
	for _, r := range set.Rules() {
		b.get("/rules/"+r.ID).is(t, http.StatusOK)
	}
	for _, path := range []string{"/rules", "/rules/roles", "/rules/try", "/rules/numbers"} {
		if n := len(b.get(path).page); n > 150_000 {
			t.Errorf("%s has %d bytes", path, n)
		}
	}
	if len(w.reports) > 0 {
		t.Errorf("reported: %v", w.reports)
	}
}

// Health is what /readyz looks at and more, without anything personal; the ledger is verified on request.
//
// cite: P-37, P-41
func TestHealth(t *testing.T) {
	w := newWorld(t)
	w.serve(Options{Carrier: "Test Carrier", Report: w.report, Settings: []Setting{{"Carrier", "Test Carrier"}, {"Metrics at", ""}}})
	must(t, w.Ledger.Sequence(context.Background()))
	b := w.signedIn(t, "admin")
	page6 := b.get("/health")
	page6.says(t, "Ready", "This node decides and records.", "SQLite", "Newest checkpoint", "never from here")
	page6.lacks(t, "Ann Archer", annNumber)
	b.submit("/health/verify").says(t, "The ledger is whole:", "0 faults")
	b.submit("/health/replay").says(t, "Made again: 0 decisions, each as it is recorded", "0 came out otherwise")
	page7 := b.get("/settings")
	page7.says(t, "Carrier Test Carrier", "Metrics at not set")
	page7.lacks(t, "Ann Archer")
	must(t, w.DB.Close())
	if r := b.get("/health"); r.StatusCode != http.StatusServiceUnavailable && r.StatusCode != http.StatusInternalServerError {
		t.Errorf("without a database: %s", r.Status)
	}
}

// governed makes one proposal of each kind, and gives the addresses of the pages on rules, proposals and settings.
func (w *world) governed(b *browser) []string {
	w.t.Helper()
	ctx := context.Background()
	paths := []string{"/rules", "/rules/numbers", "/rules/roles", "/rules/try", "/rules/try?role=agent&purpose=customer-request&data=call-detail&channel=phone&to=customer&via=voice", "/rules/somebody-proved",
		"/rules/change", "/rules/change?file=rules/05-marketing.cedar", "/proposals", switchAddress("2026-01-04"), "/settings", "/health", "/forget/" + string(w.ann), "/me"}
	by := w.people["compliance"]
	add := func(p *countersign.Proposal, err error) {
		w.t.Helper()
		must(w.t, err)
		paths = append(paths, proposalAddress(p.ID))
	}
	add(w.ProposeForget(ctx, "", w.ann, by))
	add(w.ProposeSwitch(ctx, "", rules.Switch{Profile: "breach-2023", From: "2027-01-04", Citation: "91 FR 12345, " + strings.Repeat("x", 60), Reason: strings.Repeat("Read by counsel. ", 12)}, by))
	add(w.ProposePolicy(ctx, "", map[string][]byte{"rules/90-ours.cedar": []byte(closing), "profiles/cpni-core.yaml": []byte(strings.Replace(w.file("profiles/cpni-core.yaml"), "smallest_cell: 10", "smallest_cell: 12", 1))}, by))
	must(w.t, w.Proposals.Work(ctx))
	add(w.ProposePolicy(ctx, "", map[string][]byte{"rules/90-ours.cedar": []byte(ours), "rules/02-staff.cedar": []byte(strings.Replace(w.file("rules/02-staff.cedar"), `"fraud", "billing", "system"`, `"fraud", "system"`, 1))}, by))
	must(w.t, w.Proposals.Work(ctx))
	add(w.ProposePolicy(ctx, "", map[string][]byte{"rules/90-ours.cedar": []byte("// tried\n" + ours)}, by))
	add(w.ProposeRotate(ctx, "", "wrapping", w.people["admin"]))
	return paths
}

// One proposes changed rules and another agrees, by nothing but keys; every page on rules, proposals, settings and health
// fits and is sound.
//
// cite: P-01, P-28, P-37
func TestGovernanceByKeys(t *testing.T) {
	w := newWorld(t)
	c := w.chromium(t)
	c.signIn("compliance")
	c.sees("What waits for you")
	c.goTo("/rules/change")
	c.sees("Load changed rules")
	c.tabTo("file")
	c.press("rules/90-ours.cedar", kb.Tab)
	c.hasFocus("text")
	c.press(strings.ReplaceAll(strings.Replace(ours, "FORBIDDEN", "WRONG", 1), "\n", "\r"))
	c.tabTo("Check and propose")
	c.press(kb.Enter)
	c.sees("rules/90-ours.cedar:1", "needs a @code that is one of")
	c.tabTo("Go to the form")
	c.press(kb.Enter)
	c.hasFocus("text")
	evaluate[bool](c, `(() => { document.activeElement.select(); return true; })()`)
	c.press(strings.ReplaceAll(ours, "\n", "\r"))
	c.tabTo("Check and propose")
	c.press(kb.Enter)
	c.sees("Change the rules", "being tried")
	must(t, w.Proposals.Work(context.Background()))
	c.tabTo("Look again")
	c.press(kb.Enter)
	c.sees("All pass", "waits for a second person", "Withdraw")

	c.takeOver(w.signedIn(t, "officer"))
	c.goTo("/proposals")
	c.sees("Waits for you", "Change the rules")
	c.tabTo("Change the rules")
	c.press(kb.Enter)
	c.sees("Do you agree?", "no-win-back")
	c.tabTo("agree")
	c.press(kb.Enter)
	c.sees("You have agreed, and it is on record.", "done")
	if set, _ := w.Policy.Current(); !hasRule(set, "no-win-back") {
		t.Error("agreed to, and not in force")
	}
	c.goTo("/rules/try")
	c.sees("Try a request")
	c.hasFocus("field-role")
	c.tabTo("Ask the rules")
	c.press(kb.Enter)
	c.sees("Refused", "UNAUTHENTICATED")
	c.hasFocus("said")
}

// Every page on rules, proposals, settings and health fits and is sound.
//
// cite: P-28, P-37
func TestGovernancePagesAreSound(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "officer")
	b.ask(w.signedIn(t, "supervisor").open(w.ann, "phone"))
	paths := w.governed(b)
	c := w.chromium(t)
	c.takeOver(b)
	for _, path := range paths {
		c.isSound(path, path)
	}
}

// What is posted to the place that takes files is bounded and read strictly.
//
// cite: P-37
func TestFormsWithFiles(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "compliance")
	send := func(kind string, body io.Reader) int {
		r, err := http.NewRequest(http.MethodPost, b.server.URL+"/rules/change", body)
		must(t, err)
		r.Header.Set("Content-Type", kind)
		return b.send(r).StatusCode
	}
	part := func(name, text string) string {
		return "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + text + "\r\n"
	}
	for name, c := range map[string]struct {
		kind, body string
		want       int
	}{
		"an ordinary form":   {"application/x-www-form-urlencoded", "token=x", http.StatusUnsupportedMediaType},
		"no form":            {"multipart/form-data", "x", http.StatusBadRequest},
		"cut off":            {"multipart/form-data; boundary=x", part("token", "x"), http.StatusBadRequest},
		"not ours":           {"multipart/form-data; boundary=x", part("token", "x") + "--x--\r\n", http.StatusForbidden},
		"no text":            {"multipart/form-data; boundary=x", part("text", "\xff") + "--x--\r\n", http.StatusBadRequest},
		"a large field":      {"multipart/form-data; boundary=x", part("file", strings.Repeat("x", 2000)) + "--x--\r\n", http.StatusRequestEntityTooLarge},
		"a large text":       {"multipart/form-data; boundary=x", part("text", strings.Repeat("x", 300<<10)) + "--x--\r\n", http.StatusRequestEntityTooLarge},
		"many fields":        {"multipart/form-data; boundary=x", strings.Repeat(part("a", "b"), 100) + "--x--\r\n", http.StatusRequestEntityTooLarge},
		"altogether too big": {"multipart/form-data; boundary=x", strings.Repeat(part("text", strings.Repeat("x", 200<<10)), 20) + "--x--\r\n", http.StatusRequestEntityTooLarge},
	} {
		if got := send(c.kind, strings.NewReader(c.body)); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if cpni.ID(w.people["compliance"]).Valid() && len(w.reports) > 0 {
		t.Errorf("reported: %v", w.reports)
	}
}

// What people are called, what they write into a policy and what a configuration says is text on these pages, and nothing else.
//
// cite: P-37, I-23
func TestGovernancePayloads(t *testing.T) {
	w := newWorld(t)
	id := w.hostile()
	w.serve(Options{Carrier: payload, Report: w.report, Settings: []Setting{{payload, payload}}, Stories: func() ([]Story, error) { return []Story{{payload, payload, []string{"P-16"}}}, nil }})
	const login = `<script>hit=1</script>`
	by := w.people[login]
	paths := []string{"/proposals", "/rules/somebody-proved", "/forget/" + string(id), "/me"}
	add := func(p *countersign.Proposal, err error) {
		t.Helper()
		must(t, err)
		paths = append(paths, proposalAddress(p.ID))
	}
	add(w.ProposeForget(t.Context(), "", id, by))
	add(w.ProposePolicy(t.Context(), "", map[string][]byte{"rules/90-ours.cedar": []byte("// " + payload + "\n" + ours)}, by))
	must(t, w.Proposals.Work(t.Context()))
	seen := 0
	look := func(r reply) {
		t.Helper()
		r.lacks(t, "<script>hit", "<img src=x", `href="javascript:`, "onerror=hit=1>")
		seen += strings.Count(r.page, "&lt;script&gt;hit=1")
	}
	b := w.signedIn(t, login)
	for _, path := range paths {
		look(b.get(path).is(t, http.StatusOK))
	}
	look(b.postTo(place{files: true}, "/rules/change", "token", b.token(), "key", string(cpni.NewID()), "file", "rules/90-mine.cedar", "text", payload))
	look(w.signedIn(t, "officer").get("/settings").is(t, http.StatusOK))
	if seen < 15 {
		t.Errorf("the payload is on the pages only %d times: the test does not see what it should", seen)
	}
}
