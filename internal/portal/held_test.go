package portal_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
	"ringfence/internal/watch"
	"ringfence/internal/written"
)

// send posts a form in which a field can stand several times.
func (s *site) sendForm(path string, form url.Values) (int, string) {
	s.t.Helper()
	return s.read(s.browser.PostForm(s.server.URL+path, form))
}

// billed gives a customer two bills and a service.
func (s *site) billed(of *customer.Profile) {
	s.t.Helper()
	if err := s.DB.Tx(s.t.Context(), func(tx *store.Tx) error {
		return errors.Join(s.Vault.PutItem(s.t.Context(), tx, of.ID, vault.Item{Class: cpni.Billing, Period: 202602, Values: map[string]string{"total": "12.34"}}),
			s.Vault.PutItem(s.t.Context(), tx, of.ID, vault.Item{Class: cpni.Billing, Period: 202611, Values: map[string]string{"total": "56.78"}}),
			s.Vault.PutItem(s.t.Context(), tx, of.ID, vault.Item{Class: cpni.Service, Line: 1, Values: map[string]string{"plan": "evening"}}))
	}); err != nil {
		s.t.Fatal(err)
	}
}

// opened is what a zip file holds, by name.
func opened(t *testing.T, file string) map[string]string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatalf("%v: %.200q", err, file)
	}
	all := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name] = string(text)
	}
	return all
}

// Nobody sees any of it who is not signed in.
//
// cite: P-16, 47 CFR 64.2010(c)
func TestHoldingsAreTheCustomersAlone(t *testing.T) {
	s := visit(t, storetest.Open(t, "memory:"))
	ann := s.Customer(t)
	for _, path := range []string{"/account/held", "/account/received", "/account/received/x", "/account/received/x/proof", "/account/received/x/receipt.json", "/account/download", "/account/give", "/account/give/x", "/account/report"} {
		if _, page := s.get(path); !strings.Contains(page, `name="password"`) || strings.Contains(page, ann.Name) {
			t.Errorf("%s is open to everybody: %s", path, page)
		}
	}
	before := s.permits(ann.ID)
	s.sendForm("/account/download", url.Values{"as": {"everything"}})
	if s.permits(ann.ID) != before {
		t.Error("somebody who is not signed in was given something")
	}
}

// Whatever members of the staff have looked at is told in words, in both languages.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestEveryLookIsToldInWords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann, agent := s.Customer(t), s.Member(t, cpni.RoleCompliance)
		ctx := t.Context()
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, what := range []string{watch.Card, watch.List, watch.Records} {
			ok(s.Viewed(ctx, agent, what, ann.ID))
		}
		no, err := s.Approvals.Answer(ctx, approval.Answer{Customer: ann.ID, Says: approval.Object, Via: approval.ByPostal, By: "test", Evidence: &approval.Evidence{Kind: "letter", Raw: []byte("no")}})
		ok(err)
		_, _, err = s.AnswerEvidence(ctx, agent, ann.ID, no)
		ok(err)
		ok(s.Answers.Texted(ctx, ann.Lines[0].Number, "", "not happy about my privacy", false, s.Clock.Now()))
		waiting, err := s.Answers.Waiting(ctx)
		ok(err)
		if len(waiting) != 1 {
			t.Fatalf("%d answers wait", len(waiting))
		}
		_, err = s.Answers.Open(ctx, waiting[0].ID, agent)
		ok(err)
		looks, err := s.Ledger.Records(ctx, ann.ID, ledger.Filter{Kind: ledger.Lookup})
		if err != nil || len(looks) != 5 {
			t.Fatalf("%d look-ups, %v", len(looks), err)
		}
		s.signIn(ann, officetest.Password)
		for _, l := range []string{"en", "es"} {
			_, page := s.get("/account/received?language=" + l)
			if strings.Contains(page, "received-look-") || strings.Count(page, `class="asked"`) != 5 {
				t.Errorf("%s: a look is told by its key: %s", l, page)
			}
		}
	})
}

// What is held is counted without a decision, and shown with one.
//
// cite: P-06, P-16, P-41, I-01, 47 CFR 64.2010(c)
func TestHeldAndDownloaded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t, func(p *customer.Profile) {
			p.Authorised = []customer.Authorised{{Name: "Bob <b>Archer</b>", Data: []cpni.DataClass{cpni.Billing}}}
		})
		s.billed(ann)
		s.signIn(ann, "blue heron 42")
		status, page := s.get("/account/held")
		for _, want := range []string{"Calls: 3.", "October 2026", "Bills: 2.", "from February 2026 to November 2026", "Bob &lt;b&gt;Archer&lt;/b&gt;", "at least 24 months"} {
			if !strings.Contains(page, want) {
				t.Errorf("%d: %q is not told", status, want)
			}
		}
		for _, no := range []string{"+17035550123", "12.34", "evening"} {
			if strings.Contains(page, no) {
				t.Errorf("%q is told", no)
			}
		}
		if n := s.permits(ann.ID); n != 0 {
			t.Errorf("counting took %d decisions", n)
		}
		if _, es := s.get("/account/held?language=es"); !strings.Contains(es, "Llamadas: 3.") || !strings.Contains(es, "octubre de 2026") || !strings.Contains(es, `lang="es"`) {
			t.Errorf("in Spanish: %s", es)
		}
		s.get("/account/held?language=en")
		form := url.Values{"line": {"1"}, "from": {"202610"}, "to": {"202611"}, "class": {"call-detail", "billing"}}
		with := func(name string, values ...string) url.Values {
			other := url.Values{}
			for k, v := range form {
				other[k] = v
			}
			other[name] = values
			return other
		}
		n := 0
		for _, c := range []struct {
			as   string
			want []string
		}{{"screen", []string{"+17035550123", "56.78"}}, {"json", []string{`"number": "+17035550123"`, `"total": "56.78"`}}, {"pdf", []string{"%PDF-", "+17035550123"}}} {
			status, page := s.sendForm("/account/download", with("as", c.as))
			n++
			for _, want := range c.want {
				if status != http.StatusOK || !strings.Contains(page, want) || strings.Contains(page, "12.34") {
					t.Errorf("%s: %d %.600s", c.as, status, page)
				}
			}
			if s.permits(ann.ID) != n {
				t.Errorf("%s: %d decisions, want %d (I-01)", c.as, s.permits(ann.ID), n)
			}
		}
		_, file := s.sendForm("/account/download", with("as", "csv"))
		n++
		if all := opened(t, file); len(all) != 2 || !strings.Contains(all["1.csv"], "+17035550123") || !strings.Contains(all["2.csv"], "56.78") {
			t.Errorf("%q", all)
		}
		for name, bad := range map[string]url.Values{"no line": with("line"), "no class": with("class"), "no kind": with("as", "exe"), "months the wrong way": with("from", "202612"), "no months": with("to", "x"), "another's line": with("line", "7")} {
			if bad.Get("as") == "" {
				bad["as"] = []string{"json"}
			}
			if status, page := s.sendForm("/account/download", bad); status != http.StatusBadRequest || strings.Contains(page, "+17035550123") {
				t.Errorf("%s: %d", name, status)
			}
		}
		if s.permits(ann.ID) != n {
			t.Error("what was not taken was decided")
		}
		status, file = s.sendForm("/account/download", url.Values{"as": {"everything"}})
		all := opened(t, file)
		calls, bills := "", ""
		for name, text := range all {
			if strings.HasPrefix(name, "json/") {
				calls += text
			}
			if strings.HasPrefix(name, "csv/") {
				bills += text
			}
		}
		if status != http.StatusOK || strings.Count(calls, "+17035550123") != 1 || !strings.Contains(bills, "12.34") || !strings.Contains(bills, "56.78") || strings.Count(calls, "evening") != 1 ||
			!strings.Contains(all["account.json"], ann.Lines[0].Number) || strings.Contains(all["account.json"], "argon2") || strings.Count(all["who-received-it.jsonl"], "\n") < n {
			t.Errorf("everything: %d %q", status, all)
		}
	})
}

// The accounting says who asked, by role; each line has its rule and a receipt that a stranger can check; another's is not there.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestReceivedAndProved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann, eve := s.Customer(t), s.Customer(t)
		agent := s.Member(t, cpni.RoleAgent)
		member, _, err := s.Staff.Get(t.Context(), agent)
		if err != nil {
			t.Fatal(err)
		}
		ask := func(of *customer.Profile) cpni.ID {
			a, err := s.Door.Disclose(t.Context(), officetest.AskCalls(agent, s.Verified(t, agent, of.ID)))
			if err != nil {
				t.Fatal(err)
			}
			return a.Entry
		}
		hers, others := ask(ann), ask(eve)
		if err := s.Viewed(t.Context(), agent, watch.Card, ann.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Door.Disclose(t.Context(), officetest.AskCalls(agent, s.Contact(t, agent, ann.ID))); err != nil {
			t.Fatal(err)
		}
		s.Time.Add(1e9)
		s.signIn(ann, "blue heron 42")
		_, page := s.get("/account/received")
		for _, want := range []string{"One of our agents", "your calls", "you asked for it", "given", "refused", "looked", "/account/received/" + string(hers)} {
			if !strings.Contains(page, want) {
				t.Errorf("%q is not told: %s", want, page)
			}
		}
		for _, no := range []string{member.Name, member.Login, string(agent), string(others)} {
			if strings.Contains(page, no) {
				t.Errorf("%q is told", no)
			}
		}
		if _, page := s.get("/account/received/" + string(hers)); !strings.Contains(page, "may have what is theirs") || !strings.Contains(page, "47 CFR 64.2010(b)") {
			t.Errorf("one line: %s", page)
		}
		if _, page := s.get("/account/received/" + string(hers) + "?language=es"); !strings.Contains(page, "puede tener lo que es suyo") || !strings.Contains(page, "Un agente nuestro") {
			t.Errorf("in Spanish: %s", page)
		}
		s.get("/account/received?language=en")
		for _, path := range []string{"", "/proof", "/receipt.json", "/receipt.zip"} {
			if status, _ := s.get("/account/received/" + string(others) + path); status != http.StatusNotFound {
				t.Errorf("another's line%s: %d", path, status)
			}
		}
		if _, page := s.get("/account/received/" + string(hers) + "/proof"); !strings.Contains(page, "not in the signed record yet") {
			t.Errorf("before it is in the tree: %s", page)
		}
		if err := s.Ledger.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, page := s.get("/account/received/" + string(hers) + "/proof"); !strings.Contains(page, s.Ledger.VerifierKey()) && !strings.Contains(page, strings.ReplaceAll(s.Ledger.VerifierKey(), "+", "&#43;")) {
			t.Errorf("the key is not told: %s", page)
		}
		_, file := s.get("/account/received/" + string(hers) + "/receipt.json")
		r, err := ledger.VerifyReceipt(strings.NewReader(file), s.Ledger.VerifierKey())
		if err != nil || r.Leaf.ID != hers || !bytes.Contains(r.Record, []byte(`"outcome":"permit"`)) || bytes.Contains(r.Record, []byte(member.Name)) {
			t.Errorf("%+v, %v", r, err)
		}
		_, file = s.get("/account/received/" + string(hers) + "/receipt.zip")
		all := opened(t, file)
		if all["record.json"] != string(r.Record) || !strings.Contains(all["READ-ME.txt"], s.Ledger.VerifierKey()) || !strings.HasPrefix(all["leaf.tlog-proof"], "c2sp.org/tlog-proof@v1\n") || len(strings.Fields(all["leaf.txt"])) != 7 {
			t.Errorf("%q", all)
		}
	})
}

var (
	phraseShown = regexp.MustCompile(`class="phrase">([a-z0-9-]+)<`)
	hiddenField = regexp.MustCompile(`type="hidden" name="([a-z]+)" value="([^"]*)"`)
)

// A customer who has refused all marketing writes a request, reads it, signs it with the password given again, and can take it
// back; whoever they named opens the link with the pass phrase, and the customer sees that.
//
// cite: P-16, P-36, P-41, V73, 47 USC 222(c)(2)
func TestGive(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t, func(p *customer.Profile) {
			p.Approvals = []customer.Approval{{Scope: customer.Everything, State: cpni.Denied, Since: p.Since}}
		})
		s.signIn(ann, "blue heron 42")
		form := url.Values{"name": {"Tariff <i>Analysts</i>"}, "class": {"call-detail"}, "line": {"1"}, "from": {"202610"}, "to": {"202611"}, "via": {"email"}, "address": {"in@analysts.example"}}
		status, page := s.sendForm("/account/give", form)
		if status != http.StatusOK || !strings.Contains(page, "Tariff &lt;i&gt;Analysts&lt;/i&gt;") || !strings.Contains(page, ann.Name) || s.permits(ann.ID) != 0 {
			t.Fatalf("%d: %s", status, page)
		}
		signed := url.Values{}
		for _, f := range hiddenField.FindAllStringSubmatch(page, -1) {
			signed.Add(f[1], strings.NewReplacer("&lt;", "<", "&gt;", ">").Replace(f[2]))
		}
		signed.Set("signature", ann.Name)
		signed.Set("password", "red fox 77")
		if status, page := s.sendForm("/account/give/sign", signed); status != http.StatusForbidden || !strings.Contains(page, "password is not right") || s.permits(ann.ID) != 0 {
			t.Fatalf("signed with a wrong password: %d %s", status, page)
		}
		signed.Set("password", "blue heron 42")
		signed.Set("signature", "Eve Archer")
		if status, page := s.sendForm("/account/give/sign", signed); status != http.StatusForbidden || !strings.Contains(page, "not the name on the account") || s.permits(ann.ID) != 0 {
			t.Fatalf("signed with another's name: %d %s", status, page)
		}
		signed.Set("signature", ann.Name)
		status, page = s.sendForm("/account/give/sign", signed)
		phrase := phraseShown.FindStringSubmatch(page)
		if status != http.StatusOK || phrase == nil || s.permits(ann.ID) != 1 {
			t.Fatalf("%d: %s", status, page)
		}
		if _, page := s.get("/account/received"); !strings.Contains(page, "whom you named in writing") || !strings.Contains(page, "Nothing has gone yet") {
			t.Errorf("it is not in the accounting: %s", page)
		}
		s.Time.Add(s.Policy.Numbers(s.Clock.Now()).Duration("written-request", "wait"))
		if err := s.Written.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		messages, err := s.Outbox.Messages(t.Context(), ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(messages, func(m notify.Message) bool { return m.Kind == notify.DesigneeRecords })
		if i < 0 || messages[i].To != "in@analysts.example" {
			t.Fatalf("nothing has gone: %+v", messages)
		}
		path := office.GivenLink + s.Outbox.Token(messages[i].ID)
		mine := s.browser
		s.another()
		_, nobodys := s.get(office.GivenLink + "abcdefghjkmnpqrs")
		_, asks := s.get(path)
		if strings.ReplaceAll(asks, s.Outbox.Token(messages[i].ID), "") != strings.ReplaceAll(nobodys, "abcdefghjkmnpqrs", "") || strings.Contains(asks, ann.Name) {
			t.Errorf("a link that leads somewhere looks another than one that does not:\n%s\n%s", asks, nobodys)
		}
		if status, page := s.post(path, "phrase", "aaaa-bbbb-cccc-dddd"); status != http.StatusForbidden || strings.Contains(page, "+17035550123") {
			t.Errorf("a wrong pass phrase: %d", status)
		}
		if status, _ := s.post(path, "as", "json"); status != http.StatusForbidden {
			t.Errorf("a file without the pass phrase: %d", status)
		}
		if status, page := s.post(path, "phrase", strings.ToUpper(phrase[1])); status != http.StatusOK || !strings.Contains(page, "+17035550123") || strings.Contains(page, ann.Name) {
			t.Fatalf("%d: %s", status, page)
		}
		_, file := s.post(path, "as", "json")
		var out struct{ Calls []struct{ Calls []any } }
		if err := json.Unmarshal([]byte(file), &out); err != nil || len(out.Calls) != 1 || len(out.Calls[0].Calls) != officetest.Calls {
			t.Errorf("%v: %s", err, file)
		}
		s.browser = mine
		s.signIn(ann, "blue heron 42")
		all, err := s.Written.Of(t.Context(), ann.ID)
		if err != nil || len(all) != 1 || all[0].State != written.Sent || len(all[0].Opened) != 2 {
			t.Fatalf("%+v, %v", all, err)
		}
		one := "/account/give/" + string(all[0].ID)
		if _, page := s.get(one); !strings.Contains(page, "Close the link") || !strings.Contains(page, "I ask that these records be given") {
			t.Errorf("%s", page)
		}
		if _, page := s.post(one + "/withdraw"); !strings.Contains(page, "It is taken back") {
			t.Errorf("%s", page)
		}
		s.another()
		if status, _ := s.post(path, "phrase", phrase[1]); status != http.StatusForbidden {
			t.Errorf("a link that was closed: %d", status)
		}
		eve := s.Customer(t)
		s.another()
		s.signIn(eve, "blue heron 42")
		if status, _ := s.get(one); status != http.StatusNotFound {
			t.Errorf("another's request: %d", status)
		}
	})
}

// What a customer reports is there for them to see, with the line it is about and the answer.
//
// cite: P-41, 47 CFR 64.2009(e)
func TestReport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		agent, compliance := s.Member(t, cpni.RoleAgent), s.Member(t, cpni.RoleCompliance)
		a, err := s.Door.Disclose(t.Context(), officetest.AskCalls(agent, s.Verified(t, agent, ann.ID)))
		if err != nil {
			t.Fatal(err)
		}
		s.signIn(ann, "blue heron 42")
		if _, page := s.get("/account/report?line=" + string(a.Entry)); !strings.Contains(page, "One of our agents") {
			t.Errorf("the line is not shown: %s", page)
		}
		if status, page := s.post("/account/report", "category", "gossip", "text", "<script>x</script>"); status != http.StatusBadRequest || !strings.Contains(page, "&lt;script&gt;") {
			t.Errorf("%d: %s", status, page)
		}
		s.post("/account/report", "category", "employee-access", "text", "I never called <b>you</b>.", "line", string(a.Entry))
		all, err := s.Complaints.Of(t.Context(), ann.ID)
		if err != nil || len(all) != 1 || all[0].Entry != a.Entry {
			t.Fatalf("%+v, %v", all, err)
		}
		if _, page := s.get("/account/report"); !strings.Contains(page, "Nobody has looked yet") || !strings.Contains(page, "I never called &lt;b&gt;you&lt;/b&gt;.") {
			t.Errorf("%s", page)
		}
		if _, err := s.Complaints.Take(t.Context(), ann.ID, all[0].ID, compliance); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Complaints.Reply(t.Context(), ann.ID, all[0].ID, compliance, "Somebody passed for you."); err != nil {
			t.Fatal(err)
		}
		if _, page := s.get("/account/report"); !strings.Contains(page, "Somebody passed for you.") {
			t.Errorf("the answer is not shown: %s", page)
		}
	})
}
