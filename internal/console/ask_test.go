package console

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/matter"
	"ringfence/internal/vault"
)

// A refusal says its code, every reason, what it rests on, and the ways out, each with the place where it is taken.
//
// cite: P-16, P-28, P-41, I-28, 47 CFR 64.2010(a)
func TestRefusalShowsTheWayOut(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	r := b.ask(at)
	r.is(t, http.StatusOK).says(t, "Refused", "UNAUTHENTICATED", "Nobody who may have this has been proved in this contact.", "P-16", "P-42", "47 CFR 64.2010(a)", "What would make it allowed",
		"Verify by the password", "Send it to the postal address of record", "On record since 5 Mar 2026, 10:00:00 EST", "Call detail · February 2026 · The customer asks · to the customer · told on the telephone")
	r.lacks(t, called, "703 555", annNumber)
	for _, target := range []string{"secret-password", "secret-pin", "place-callback", "place-code"} {
		if !strings.Contains(r.page, `href="#`+target+`"`) || !strings.Contains(r.page, `id="`+target+`"`) {
			t.Errorf("no way leads to %s, or there is no such field", target)
		}
	}
	// The way is gone: verified in the form to which it leads, asked again with what the form still has.
	again := r.value("again")
	if !cpni.ID(again).Valid() {
		t.Fatalf("the forms of proof do not know what is to be asked again: %q", again)
	}
	proved := b.prove(at, "method", "password", "secret", annPassword, "again", again)
	proved.says(t, "Verified by password.", "Ask again")
	if !regexp.MustCompile(`<option value="202602" selected`).MatchString(proved.page) {
		t.Error("the form does not have the month that was asked for")
	}
	b.ask(at).says(t, "Permitted: you may tell the customer", "+1 703 555 0123")
}

// A way that only changes the request is one key press.
//
// cite: I-28, P-21
func TestAskAnotherWay(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	r := b.ask(at, "line", "1")
	forms := regexp.MustCompile(`(?s)<form class="inline".*?</form>`).FindAllString(r.page, -1)
	if len(forms) != 2 {
		t.Fatalf("%d ways ask again by themselves, want post and e-mail", len(forms))
	}
	for i, kind := range []string{"It goes to the postal address of record.", "It goes to the e-mail address of record."} {
		var fields []string
		for _, f := range regexp.MustCompile(`name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(forms[i], -1) {
			fields = append(fields, f[1], f[2])
		}
		sent := b.follow(b.post(at+"/requests", fields...))
		sent.says(t, "Permitted: it is sent, not told", kind, "line +1202•••••41", "Tell the caller that it is sent to what is on record, and not what that is.")
		sent.lacks(t, called, "Main St", "ann.archer", annNumber)
	}
}

// cite: P-06, P-17, P-19, P-41, 47 CFR 64.2003(d), 47 CFR 64.2010(b)
func TestPermittedAnswer(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.prove(at, "method", "pin", "secret", annPIN)
	r := b.ask(at, "also", "billing")
	r.says(t, "Permitted: you may tell the customer", "+1 202 555 0141: 2 calls", "Tue 10 Feb 2026 22:41:07 EST to +1 703 555 0123 9s", "Thu 12 Feb 2026 09:00:00 EST from withheld not answered",
		"Billing February 2026 total 42.30 USD", "Times are those of America/New_York.", "P-17", "47 CFR 64.2010(b)")
	if r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the answer may be kept: %s", r.Header.Get("Cache-Control"))
	}
	for _, personal := range []string{"55501", "555 01", "archer", "Archer", "42.30"} {
		if strings.Contains(b.at, personal) || strings.Contains(between(r.page, "<title>", "</title>"), personal) {
			t.Errorf("%q stands in the address %s or in the title", personal, b.at)
		}
	}
	b.ask(at, "from", "202601").says(t, "No calls in these months: +1 202 555 0141")
	b.ask(at, "data", "location").says(t, "There is nothing of this kind on record for these months.")
	b.ask(at, "from", "202602", "through", "202512").says(t, "December 2025 to February 2026", "2 calls")
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// Twice the same form, one after the other or at once, asks once; a reload asks nothing and shows the same.
//
// cite: P-41, I-11
func TestAskedOnce(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.prove(at, "method", "pin", "secret", annPIN)
	form := b.askForm(at)
	var all sync.WaitGroup
	places := make([]string, 8)
	for i := range places {
		all.Go(func() { places[i] = b.post(at+"/requests", form...).Header.Get("Location") })
	}
	all.Wait()
	for _, p := range places {
		if p != places[0] || !strings.Contains(p, "/answers/") {
			t.Errorf("the same form led to %q and %q", places[0], p)
		}
	}
	first := b.get(places[0]).is(t, http.StatusOK)
	for range 3 {
		b.get(places[0]).says(t, "+1 703 555 0123")
	}
	first.says(t, "+1 703 555 0123")
	if n := len(w.records(w.ann, ledger.Decision)); n != 1 {
		t.Errorf("%d decisions", n)
	}
	// Another request under the same key is not asked.
	changed := append([]string{}, form...)
	for i := 0; i < len(changed); i += 2 {
		if changed[i] == "from" {
			changed[i+1] = "202601"
		}
	}
	r := b.post(at+"/requests", changed...).is(t, http.StatusConflict)
	r.says(t, "IDEMPOTENCY", "This form was used for another request already.", "Ask again: the form is a fresh one now.")
	if lastValue(r.page, "key") == lastValue(first.page, "key") {
		t.Error("the form has the used key still")
	}
	if n := len(w.records(w.ann, ledger.Decision)); n != 1 {
		t.Errorf("%d decisions", n)
	}
}

// What was released is shown where it was asked for and while it may still be: it is read again through the door, and
// kept nowhere.
//
// cite: P-41, P-42, I-01, I-16
func TestAnswerIsReadAgainOrNotShown(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.prove(at, "method", "pin", "secret", annPIN)
	b.ask(at).says(t, "+1 703 555 0123")
	here := b.at
	path, _, _ := strings.Cut(here, "?")
	decisions := func() int { return len(w.records(w.ann, ledger.Decision)) }

	key := between(here, "key=", "&")
	for _, other := range []string{path, path + "?key=", path + "?key=" + key[:26], path + "?key=" + string(cpni.NewID()) + "." + key[27:], path + "?key=" + url.QueryEscape(strings.ToUpper(key))} {
		r := b.get(other).is(t, http.StatusOK)
		r.says(t, "Permitted", "What was released is shown only where it was asked for. Ask again if it is needed.")
		r.lacks(t, "703 555")
	}
	b.get(at).says(t, "Asked, permitted")

	// Another person speaks now, and may not have it.
	b.prove(at, "method", "password", "secret", boPassword)
	r := b.get(here)
	r.says(t, "Permitted", "What was proved then does not hold any more, so what was released is not shown again. Ask again.")
	r.lacks(t, "703 555")
	b.prove(at, "method", "pin", "secret", annPIN)
	b.get(here).says(t, "+1 703 555 0123")

	b.submit(at + "/end")
	r = b.get(here).is(t, http.StatusOK)
	r.says(t, "Permitted", "The contact has ended, so what was released in it is not shown any more.", "This contact is over")
	r.lacks(t, "703 555")
	if n := decisions(); n != 1 {
		t.Errorf("%d decisions after all that reading", n)
	}
	b.get(contactAddress(idOf(at))+"/answers/"+string(cpni.NewID())).is(t, http.StatusNotFound)
	elsewhere := b.open(w.ann, "phone")
	b.get(strings.Replace(here, at, elsewhere, 1)).is(t, http.StatusNotFound)
}

// cite: P-16, 47 CFR 64.2003(f)
func TestAuthorisedPerson(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.get(at).lacks(t, "Bo Archer")
	page := b.prove(at, "method", "password", "secret", boPassword)
	page.says(t, "Bo Archer, authorised for billing")
	b.ask(at, "to", "authorised:Bo Archer", "data", "billing").says(t, "Permitted: you may tell Bo Archer", "42.30 USD")
	r := b.ask(at, "to", "authorised:Bo Archer")
	r.says(t, "Refused", "NO_GRANT", "to Bo Archer")
	r.lacks(t, "703 555")
	b.ask(at, "to", "authorised:Eve").says(t, "Refused", "NO_GRANT")
	b.ask(at, "to", "law-enforcement").says(t, "Refused")
}

// cite: P-30, P-33, P-34, 47 USC 222(c)(1)(A), 47 USC 222(d)(2)
func TestWorkOfTheCarrier(t *testing.T) {
	w := newWorld(t)
	for kind, reference := range map[matter.Kind]string{matter.Ticket: "T-77", matter.Order: "O-1", matter.Protection: "F-9"} {
		w.works(kind, reference, w.ann)
	}
	for _, c := range []struct {
		name, login string
		change      []string
		says        []string
	}{
		{"a ticket", "agent", []string{"purpose", "provide-service", "to", "carrier", "basis", "ticket", "id", "T-77", "data", "service"}, []string{"Permitted: for your work alone", "ticket T-77", "internet fibre"}},
		{"an order", "agent", []string{"purpose", "provide-service", "to", "carrier", "basis", "order", "id", "O-1", "data", "service"}, []string{"Permitted: for your work alone", "order O-1"}},
		{"nothing that needs it", "agent", []string{"purpose", "provide-service", "to", "carrier", "data", "service"}, []string{"Refused", "NOT_NECESSARY", "Name the open order that needs it", "Name the open trouble ticket that needs it"}},
		{"a ticket is no reason to tell the caller", "agent", []string{"purpose", "provide-service", "basis", "ticket", "id", "T-77", "data", "service"}, []string{"Refused", "UNAUTHENTICATED"}},
		{"a case of fraud", "fraud", []string{"purpose", "protect", "to", "carrier", "basis", "case", "id", "F-9"}, []string{"Permitted: for your work alone", "case F-9", "+1 703 555 0123"}},
		{"not their work", "agent", []string{"purpose", "protect", "to", "carrier", "basis", "case", "id", "F-9"}, []string{"Refused", "ROLE", "Let a trained colleague ask whose work this is"}},
		{"a basis without a number", "agent", []string{"purpose", "provide-service", "to", "carrier", "basis", "ticket"}, []string{"BAD_INPUT", "The order, ticket or case has no number."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.item(w.ann, vault.Item{Class: cpni.Service, Values: map[string]string{"internet": "fibre"}})
			b := w.signedIn(t, c.login)
			at := b.open(w.ann, "phone")
			r := b.ask(at, c.change...)
			r.says(t, c.says...)
			if strings.Contains(strings.Join(c.says, ""), "NOT_NECESSARY") && !strings.Contains(r.page, `href="#ask-basis"`) {
				t.Error("the way does not lead to the field for the ticket")
			}
		})
	}
}

// A form that cannot be asked comes back as it was sent, with what is wrong with it.
func TestBadRequestKeepsTheForm(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	for _, c := range []struct {
		change []string
		says   string
	}{
		{[]string{"data", ""}, "Nothing is chosen of what they want to know."},
		{[]string{"data", "horoscope"}, "Nothing is chosen"},
		{[]string{"from", "203001"}, "The month is none that can be chosen."},
		{[]string{"from", "yesterday"}, "The month is none that can be chosen."},
		{[]string{"through", "197001"}, "The last month is none that can be chosen."},
		{[]string{"line", "9"}, "The customer has no such line."},
		{[]string{"purpose", strings.Repeat("a", 70)}, "longer than"},
	} {
		form := b.askForm(at, append([]string{"basis", "ticket", "id", "T-4711"}, c.change...)...)
		r := b.post(at+"/requests", form...).is(t, http.StatusUnprocessableEntity)
		r.says(t, "BAD_INPUT", c.says)
		if !strings.Contains(r.page, `value="T-4711"`) {
			t.Errorf("%v: the form has lost what was typed", c.change)
		}
		var key string
		for i := 0; i < len(form); i += 2 {
			if form[i] == "key" {
				key = form[i+1]
			}
		}
		if got := lastValue(r.page, "key"); got != key {
			t.Errorf("%v: the form has the key %s, want that of before, %s", c.change, got, key)
		}
	}
	if n := len(w.records(w.ann, ledger.Decision)); n != 0 {
		t.Errorf("%d decisions", n)
	}
	b.post(at+"/requests", b.askForm(at, "key", "mine")...).is(t, http.StatusBadRequest)
	b.ask(at, "purpose", "world-domination").says(t, "Refused", "UNKNOWN_PURPOSE")
	b.get(at+"/requests").is(t, http.StatusSeeOther)
}

// Many calls come in parts, each small enough to be sent quickly, and nothing is lost between them.
func TestManyCallsComeInParts(t *testing.T) {
	w := newWorld(t)
	since := w.clock.Now().AddDate(-1, 0, 0)
	id := w.customer(customer.Profile{Name: "Busy", Since: since, Lines: []customer.Line{{Number: "+12025550160", Since: since}, {Number: "+12025550161", Since: since}, {Number: "+12025550162", Since: since}},
		Credentials: customer.Credentials{PIN: w.secret("915274")}})
	for line := 1; line <= 2; line++ {
		var calls []vault.Call
		for i := range 700 {
			calls = append(calls, vault.Call{At: time.Date(2026, 2, 1, 12, 0, i*60, 0, time.UTC), Seconds: i, Answered: true, Number: fmt.Sprintf("+1703%d55%04d", line+2, i), ID: uint64(line*1000 + i)})
		}
		w.calls(id, line, calls...)
	}
	b := w.signedIn(t, "agent")
	at := b.open(id, "phone")
	b.prove(at, "method", "pin", "secret", "915274")
	r := b.ask(at)
	seen := map[string]bool{}
	row := regexp.MustCompile(`\+1 703 [0-9]{3} [0-9]{4}`)
	parts := 0
	for {
		parts++
		if len(r.page) > 150_000 {
			t.Errorf("part %d has %d bytes", parts, len(r.page))
		}
		for _, n := range row.FindAllString(r.page, -1) {
			if seen[n] {
				t.Errorf("%s twice", n)
			}
			seen[n] = true
		}
		next := regexp.MustCompile(`href="([^"]*part=[0-9]+[^"]*)">After`).FindStringSubmatch(r.page)
		if next == nil {
			break
		}
		r = b.get(strings.ReplaceAll(next[1], "&amp;", "&"))
	}
	if parts != 3 || len(seen) != 1400 {
		t.Errorf("%d calls in %d parts, want 1400 in 3", len(seen), parts)
	}
	r.says(t, "+1 202 555 0161: 700 calls", "Rows 1001 to 1400 of 1400", "Before", "No calls in these months: +1 202 555 0162")
	b.get(b.at+"&part=99").is(t, http.StatusOK)
}
