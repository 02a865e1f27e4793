package console

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/vault"
)

// verified opens a contact in which the customer has proved themselves, and gives its address.
func (b *browser) verified(of cpni.ID) string {
	b.t.Helper()
	at := b.open(of, "phone")
	b.prove(at, "method", "pin", "secret", annPIN).says(b.t, "Verified: the customer")
	return at
}

// cite: P-17, P-19, P-41, I-23
func TestNotesAtTheDesk(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.verified(w.ann)
	b.submit(at+"/notes", "text", "Wants a call after five.").says(t, "The note is on record.", "Wants a call after five.", "10:00 EST, The agent", "Note written")
	for text, says := range map[string]string{annPIN: "NOTE_SECRET", "pass " + annPassword: "NOTE_SECRET", "4111 1111 1111 1111": "NOTE_CARD", "": "The note is empty."} {
		r := b.submit(at+"/notes", "text", text)
		r.says(t, says)
		if text != "" {
			r.lacks(t, text)
		}
	}
	b.submit(at+"/end", "outcome", "called-back").says(t, "The contact has ended")
	b.get(at).says(t, "This contact is over", "Contact ended: to be called back", "Wants a call after five.")
	b.submit(at+"/notes", "text", "Called twice, nobody there.").says(t, "Called twice, nobody there.")
	card := b.get(customerAddress(w.ann))
	card.says(t, "Contacts before", "Telephone The agent To be called back 2", "Notes are shown in a contact.")
	card.lacks(t, "Wants a call")
	other := w.signedIn(t, "second")
	other.post(at+"/notes", "token", other.token(), "text", "Not mine.").is(t, http.StatusNotFound)
	other.get(other.open(w.ann, "phone")).says(t, "Wants a call after five.")
}

// cite: P-42, I-16
func TestWrapUp(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	chosen := regexp.MustCompile(`<option value="([a-z-]+)" selected>[^<]*</option>`)
	likely := func(at string) string { return chosen.FindStringSubmatch(b.get(at).page)[1] }
	at := b.open(w.ann, "phone")
	if got := likely(at); got != "served" {
		t.Errorf("at the beginning: %s", got)
	}
	b.prove(at, "method", "pin", "secret", "111222")
	if got := likely(at); got != "not-verified" {
		t.Errorf("after a wrong PIN: %s", got)
	}
	b.prove(at, "method", "pin", "secret", annPIN)
	if got := likely(at); got != "served" {
		t.Errorf("after the right one: %s", got)
	}
	b.submit(at+"/end", "outcome", "happy").says(t, "That is no outcome of a contact.", "End the contact")
	b.submit(at+"/end", "outcome", "gave-up").says(t, "The contact has ended")
	s, _, err := w.Contacts.Get(t.Context(), idOf(at))
	if err != nil || s.Outcome != contact.GaveUp {
		t.Errorf("%+v, %v", s, err)
	}
	second := b.open(w.ann, "store")
	card := b.get(customerAddress(w.ann))
	card.says(t, "Your contact with this customer still runs", "Telephone The agent The caller gave up none")
	b.submit(second+"/end").says(t, "The contact has ended") // as before there were outcomes
	b.get(customerAddress(w.ann)).says(t, "Shop The agent Ended none")
}

// cite: P-16, P-19, P-22, P-23, P-24, P-25, 47 CFR 64.2010(e), 47 CFR 64.2010(f)
func TestChangesAtTheDesk(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	unproved := b.open(w.ann, "phone")
	b.get(unproved).says(t, "Verify the customer first. Nothing is changed on anybody's word")
	b.get(unproved).lacks(t, "New postal address")
	b.submit(unproved+"/changes", "what", "postal", "value", "9 New Rd, Fairfax, VA 22030").says(t, "UNAUTHENTICATED", "47 CFR 64.2010(a)", "Verify the customer first, by password or PIN.")
	bo := b.open(w.ann, "phone")
	b.prove(bo, "method", "password", "secret", boPassword)
	b.get(bo).lacks(t, "New postal address")
	b.submit(bo+"/changes", "what", "email", "value", "bo@example.com").says(t, "UNAUTHENTICATED")

	at := b.verified(w.ann)
	b.get(at).says(t, "The customer is told by a call to a number of record and by post to the address of before; the notice never tells the new value, and never goes to it.")
	for _, c := range []struct {
		name string
		form []string
		says []string
	}{
		{"weak PIN", []string{"what", "pin", "value", "123456"}, []string{"WEAK_SECRET", "it is a run or a repeat", "Offer a random passphrase"}},
		{"password of the name", []string{"what", "password", "value", "Ann Archer 1980"}, []string{"WEAK_SECRET", "P-19"}},
		{"question about what is on a bill", []string{"what", "backup", "question", "What is your account number?", "value", "L-1001"}, []string{"QUESTION_ACCOUNT"}},
		{"no address", []string{"what", "email", "value", "nowhere"}, []string{"That is not an e-mail address.", "Write it as name@example.com."}},
		{"nothing", []string{"what", "postal", "value", ""}, []string{"Nothing to change was given."}},
		{"no line", []string{"what", "line-remove", "line", "7"}, []string{"NOT_TNOR"}},
		{"a line without category", []string{"what", "line-add", "value", "+12025550177"}, []string{"The line has no category of service."}},
		{"what is no change", []string{"what", "name", "value", "Eve"}, []string{"That is nothing that can be changed here."}},
		{"new postal address", []string{"what", "postal", "value", "9 New Rd, Fairfax, VA 22030"}, []string{"Done. The customer is told by a call to a number of record and by post to the address of before.", "Postal address set"}},
		{"new e-mail", []string{"what", "email", "value", "ann@new.example"}, []string{"Done. The customer is told by a call to a number of record and by e-mail to the address of before.", "E-mail address set"}},
		{"new PIN", []string{"what", "pin", "value", "915274"}, []string{"Done. The customer is told by a call to a number of record", "PIN set"}},
		{"new password", []string{"what", "password", "value", "marmalade kettle 9"}, []string{"Done.", "Password set"}},
		{"new question", []string{"what", "backup", "question", "Which bird came to the garden?", "value", "the lame crow"}, []string{"Done."}},
		{"online", []string{"what", "online"}, []string{"Done.", "Online account set"}},
		{"contact number", []string{"what", "contact-number", "value", "+17035550188"}, []string{"Done.", "Contact number set"}},
		{"a line", []string{"what", "line-add", "value", "+12025550177", "category", "wireless", "listed", "yes"}, []string{"Done.", "Line added"}},
		{"out of the directory", []string{"what", "listed", "line", "2", "listed", "no"}, []string{"Done.", "Directory listing changed"}},
		{"the line again", []string{"what", "line-remove", "line", "2"}, []string{"Done.", "Line removed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := b.submit(at+"/changes", c.form...).is(t, http.StatusOK)
			r.says(t, c.says...)
			for i := 0; i < len(c.form); i += 2 {
				if c.form[i] == "value" && len(c.form[i+1]) > 7 && c.form[i+1] != "+12025550177" {
					r.lacks(t, c.form[i+1])
				}
			}
		})
	}
	p, _, err := w.Customers.Get(t.Context(), w.ann)
	must(t, err)
	if a, ok := customer.Current(p.Postal, w.clock.Now()); !ok || a.Value != "9 New Rd, Fairfax, VA 22030" || !p.Online || len(p.LiveLines(w.clock.Now())) != 1 || len(p.Credentials.Backup) != 2 {
		t.Errorf("%+v", p)
	}
	all, err := w.Outbox.Messages(t.Context(), w.ann)
	must(t, err)
	for _, m := range all {
		if text := fmt.Sprint(m); strings.Contains(text, "9 New Rd") || strings.Contains(text, "new.example") || strings.Contains(text, "915274") || strings.Contains(text, "0177") {
			t.Errorf("a notice tells or goes to the new: %v", m)
		}
	}
	if len(all) < 8 {
		t.Errorf("%d notices", len(all))
	}
	b.prove(b.open(w.ann, "phone"), "method", "pin", "secret", "915274").says(t, "Verified by PIN.")
}

// cite: P-13, P-14, P-28, I-16, 47 USC 222(d)(3), 47 CFR 64.2007(a)(1), 47 CFR 64.2008(f)
func TestConsentAtTheDesk(t *testing.T) {
	w := newWorld(t)
	must(t, w.update(w.ann, func(p *customer.Profile) {
		p.Approvals = []customer.Approval{{Scope: customer.Everything, State: cpni.Denied, Since: w.clock.Now()}}
	}))
	w.item(w.ann, vault.Item{Class: cpni.Service, Values: map[string]string{"plan": "Basic"}})
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.get(at).says(t, "Verify the customer first: the yes must be theirs.")
	b.get(b.open(w.ann, "store")).says(t, "Such a consent is given on a call, and this is none.")
	at = b.verified(w.ann)
	b.get(at).says(t, "You have a right, and we have a duty under federal law", "Your answer counts for this call alone.", "Text one-time, version 1.", "This customer has refused marketing use. That stands")
	b.submit(at+"/consent", "script", "1", "answer", "yes").says(t, "CONSENT_EVIDENCE", "47 CFR 64.2007(a)(1)")
	b.submit(at+"/consent", "script", "0", "answer", "yes", "read", "yes").says(t, "These are not the words that are read now.")
	b.submit(at+"/consent", "script", "1", "answer", "perhaps", "read", "yes").says(t, "Nothing says what the customer answered.")
	offer := []string{"data", "service", "purpose", "inbound-marketing"}
	refused := b.ask(at, offer...)
	refused.says(t, "Refused", "DENIED", "Ask on the telephone, after an oral notice, for consent for this call, and record it")
	if !strings.Contains(refused.page, `href="#consent-read"`) {
		t.Error("the way does not lead to the question")
	}
	b.submit(at+"/consent", "script", "1", "answer", "yes", "read", "yes", "recording", "rec-7").says(t, "The yes is on record.", "The customer said yes at 10:00 EST, to version 1 of the text.", "One-time consent: yes")
	b.ask(at, offer...).says(t, "Permitted: for your work alone", "Basic")
	b.ask(b.verified(w.ann), offer...).says(t, "Refused", "DENIED")
	b.submit(at+"/consent", "script", "1", "answer", "no").says(t, "The no is on record. Do not ask again on this call", "They are not asked again on this call")
	b.ask(at, offer...).says(t, "Refused", "DENIED")
	b.submit(at+"/consent", "script", "1", "answer", "yes", "read", "yes").says(t, "The customer has said no in this contact, and is not asked again in it.")
	b.get(at).lacks(t, "They said yes")
	b.ask(at, "data", "billing").says(t, "Permitted: you may tell the customer") // it costs them nothing
	if p, _, err := w.Customers.Get(t.Context(), w.ann); err != nil || len(p.Approvals) != 1 || p.Approvals[0].State != cpni.Denied {
		t.Errorf("%+v, %v", p.Approvals, err)
	}
}

// cite: P-16, P-17, P-25, 47 USC 222(a), 47 USC 345
func TestCareAtTheDesk(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.get(at).says(t, "The caller is in danger or in fear", "Life or limb is at risk now", "The Safe Connections Act (47 USC 345)", "Verify the customer first, by whatever is safe for them")
	b.submit(at+"/care", "alone", "yes").says(t, "UNAUTHENTICATED")
	b.prove(at, "method", "password", "secret", annPassword)
	b.submit(at+"/care", "shared", "lines", "shared", "email", "shared", "postal").says(t, "No place would be left")
	r := b.submit(at+"/care", "shared", "lines", "shared", "email", "alone", "yes", "word", "marmalade kettle 9")
	r.says(t, "It is set. No notice of it goes anywhere.", "Care has been set since 5 March 2026", "one is set; leave it empty to keep it")
	r.lacks(t, "marmalade")
	b.submit(at + "/end")
	card := b.get(customerAddress(w.ann))
	card.says(t, "Handle with care: nothing is said about this customer to anybody but them")
	card.lacks(t, "+1202•••••41", "•001")
	b.submit("/desk/find", "number", "Ann Archer").lacks(t, "+1202•••••41", "•001")
	b.get("/desk?c="+string(w.ann)).lacks(t, "+1202•••••41", "•001")

	at = b.open(w.ann, "phone")
	page := b.get(at)
	page.says(t, "shown once the customer is verified", "nothing goes to the lines of this customer", "E-mail: nothing goes there.")
	page.lacks(t, "+1202•••••41", "A word of their own", "E-mail address of record")
	if got := methods(page.page); got != "password code claim" {
		t.Errorf("%q", got)
	}
	for _, secret := range []string{annPassword, boPassword} {
		b.prove(at, "method", "password", "secret", secret).says(t, "BAD_SECRET")
	}
	b.ask(at, "via", "email").says(t, "Refused", "NOT_AOR")
	b.prove(at, "method", "password", "secret", "marmalade kettle 9").says(t, "Verified: the customer", "+1202•••••41", "A word of their own")
	b.get(at).lacks(t, "Bo Archer")
	b.submit(at+"/care", "off", "yes").says(t, "It has ended.")
	b.submit(at+"/care", "off", "yes").says(t, "It has ended.")
	b.get(customerAddress(w.ann)).lacks(t, "Handle with care")
	if all, err := w.Outbox.Messages(t.Context(), w.ann); err != nil || len(all) > 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// cite: P-28, P-41, I-01, 47 USC 222(d)(4)
func TestEmergencyAtTheDesk(t *testing.T) {
	w := newWorld(t)
	w.item(w.ann, vault.Item{Class: cpni.Location, Period: 202603, Values: map[string]string{"cell": "Springfield 3"}})
	b := w.signedIn(t, "agent")
	address := customerAddress(w.ann) + "/emergency"
	claim := func(who, callback string) reply {
		page := b.get(address)
		page.says(t, "Who asks for the location of the call?", "You have 24 hours to write down why it had to be.", "47 USC 222(d)(4)(A)")
		return b.follow(b.post(address, "token", page.value("token"), "claim", page.value("claim"), "who", who, "callback", callback, "incident", "I-7"))
	}
	claim("psap", " ").says(t, "Nothing says where the one who asks can be called back.")
	claim("other", "a friend").says(t, "Refused", "NOT_NECESSARY", "47 USC 222(d)(4)(A)")
	r := claim("psap", "county dispatch, 703 555 0100")
	r.says(t, "Permitted: you may give the location to a public safety answering point", "Springfield 3")
	if tellsNumber(b.at) || strings.Contains(b.at, "dispatch") {
		t.Errorf("the address tells who asked: %s", b.at)
	}
	seen := b.at
	b.get(seen).says(t, "Springfield 3") // a reload asks nothing anew
	if n := len(w.records(w.ann, ledger.Decision)); n != 2 {
		t.Errorf("%d decisions", n)
	}
	w.signedIn(t, "second").get(seen).is(t, http.StatusNotFound)
	b.get(strings.Replace(seen, "who=psap", "who=family", 1)).is(t, http.StatusNotFound)
	w.clock.pass(31 * time.Minute)
	b.get(seen).says(t, "What was released is not shown any more.")
	b.get(seen).lacks(t, "Springfield")

	desk := b.get("/desk")
	desk.says(t, "Write down why", "due by 6 Mar 2026, 10:00 EST")
	whys := regexp.MustCompile(`action="(/desk/customers/[a-z0-9]+/emergency/[a-z0-9]+/why)"`).FindAllStringSubmatch(desk.page, -1)
	if len(whys) != 2 {
		t.Fatalf("%d to justify", len(whys))
	}
	b.submit(whys[0][1], "reason", "because").says(t, "A justification has 20 to 1,000 bytes.")
	b.submit(whys[0][1], "reason", "The county dispatch called about a caller who had hung up.").says(t, "The reason is on record.", "Write down why")
	w.clock.pass(24 * time.Hour)
	b = w.signedIn(t, "agent")
	b.get("/desk").says(t, "was due at 10:00 EST")
	other := w.signedIn(t, "second")
	other.get("/desk").lacks(t, "Write down why")
	other.submit(whys[1][1], "reason", "The county dispatch called about a caller who had hung up.").says(t, "There is no such emergency of yours")
	w.signedIn(t, "marketing").get(address).is(t, http.StatusForbidden)
}

// The calls are narrowed by addresses in which no number stands.
//
// cite: P-17, I-23
func TestNarrowingTheCalls(t *testing.T) {
	w := newWorld(t)
	at := time.Date(2026, 2, 3, 15, 0, 0, 0, time.UTC)
	w.calls(w.ann, 1, vault.Call{At: at, Seconds: 60, Answered: true, Out: true, Number: called, ID: 7}, vault.Call{At: at.Add(time.Hour), Seconds: 60, Answered: true, Number: "+17035550177", ID: 8})
	b := w.signedIn(t, "agent")
	r := b.ask(b.verified(w.ann))
	r.says(t, "4 calls", "Everybody Withheld +1 703 555 0123 +1 703 555 0177", "Every day Tue 3 Feb 2026 Tue 10 Feb 2026 Thu 12 Feb 2026")
	answer := b.at
	for query, want := range map[string][]string{"&who=2": {"2 calls", "10:00:00 EST to"}, "&who=3": {"1 call", "11:00:00 EST from"}, "&day=2026-02-03": {"2 calls"}, "&day=2026-02-03&who=2": {"1 call"},
		"&who=1&day=2026-02-03": {"None of the calls is of this other side and day."}, "&who=99&day=2031-01-01": {"4 calls"}, "&who=x": {"4 calls"}} {
		b.get(answer+query).says(t, want...)
	}
	if n := len(w.records(w.ann, ledger.Decision)); n != 1 {
		t.Errorf("narrowing asked again: %d decisions", n)
	}
}

// A call that somebody describes unaided may be talked about where the carrier has chosen so: that call alone.
//
// cite: P-28, 47 CFR 64.2010(b)(1)(iv), V88
func TestACallThatIsDescribed(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.get(at).lacks(t, "describes unaided")
	w.Door.UnaidedDetail = true
	b.get(at).says(t, "A call that the caller describes unaided")
	b.get(b.open(w.ann, "store")).lacks(t, "describes unaided")
	described := []string{"described", "703 555 0123", "described-day", "2026-02-10", "described-time", "22:41"}
	r := b.post(at+"/requests", b.askForm(at, described...)...).is(t, http.StatusOK)
	r.says(t, "Permitted: that call alone, and nothing beside it", "Tue 10 Feb 2026 22:41:07 EST to +1 703 555 0123 9s")
	r.lacks(t, "withheld")
	b.post(at+"/requests", b.askForm(at, "described", "703 555 0124", "described-day", "2026-02-10", "described-time", "22:41")...).says(t, "Refused", "UNAUTHENTICATED", "Verify by the PIN")
	b.post(at+"/requests", b.askForm(at, "described", "703 555 0123", "described-day", "soon", "described-time", "22:41")...).says(t, "The day and time of the call that the caller describes were not read.")
	b.ask(at).says(t, "Refused", "UNAUTHENTICATED") // the next call is not
	entries := w.records(w.ann, ledger.Decision)
	b.get(answerAddress(idOf(at), entries[len(entries)-1].ID)).says(t, "What was released is shown only where it was asked for.")
}

// No page of the desk is more to carry than a slow line bears, with all that it needs, uncompressed.
func TestPagesAreSmall(t *testing.T) {
	const most = 150_000
	w := newWorld(t)
	since := w.clock.Now().AddDate(-5, 0, 0)
	many := w.annArcher()
	many.Account = "L-9"
	many.Lines = nil
	for i := range 60 {
		many.Lines = append(many.Lines, customer.Line{Number: fmt.Sprintf("+1202556%04d", i), Categories: []cpni.Category{cpni.Local}, Since: since})
	}
	id := w.customer(many)
	for i := range 300 {
		w.calls(id, 1, vault.Call{At: time.Date(2026, 2, 1, 0, 0, i*60, 0, time.UTC).Add(time.Duration(i) * 2 * time.Hour), Seconds: 60, Answered: true, Out: true, Number: fmt.Sprintf("+1703556%04d", i%40), ID: uint64(i + 1)})
	}
	b := w.signedIn(t, "supervisor")
	assets := 0
	for _, name := range []string{"ringfence.css", "desk.js", "mark.svg"} {
		assets += len(w.console.assets[name].text)
	}
	largest := 0
	for _, path := range append(w.visited(b, id, annPIN, "What was the first concert you went to?"), customerAddress(id)+"/emergency") {
		if !strings.HasPrefix(path, "/desk") {
			continue
		}
		size := len(b.get(path).page) + assets
		largest = max(largest, size)
		if size > most {
			t.Errorf("%s: %d bytes", strings.Split(path, "?")[0], size)
		}
	}
	if largest < 30_000 {
		t.Errorf("the largest page has %d bytes: the test does not see what it should", largest)
	}
	t.Logf("the largest page of the desk has %d bytes with its assets, of which these have %d", largest, assets)
}

// What others wrote into notes is text and nothing else, and refused contacts leave no way in.
//
// cite: P-37, P-42
func TestWhatIsDoneInACallIsTheAgentsOwn(t *testing.T) {
	w := newWorld(t)
	b, other := w.signedIn(t, "agent"), w.signedIn(t, "second")
	at := b.verified(w.ann)
	for place, form := range map[string][]string{"/notes": {"text", "x"}, "/changes": {"what", "online"}, "/consent": {"answer", "no"}, "/care": {"alone", "yes"}, "/end": {"outcome", "served"}} {
		other.post(at+place, append([]string{"token", other.token()}, form...)...).is(t, http.StatusNotFound)
		b.post(at+place, form...).is(t, http.StatusForbidden) // no token
		b.get(at+place).is(t, http.StatusSeeOther)
	}
	b.submit(at + "/end")
	for place, form := range map[string][]string{"/changes": {"what", "online"}, "/consent": {"answer", "yes", "script", "1", "read", "yes"}, "/care": {"alone", "yes"}} {
		b.submit(at+place, form...).says(t, "TOKEN_SCOPE")
	}
	p, _, err := w.Customers.Get(context.Background(), w.ann)
	must(t, err)
	if p.Online || p.Safety != nil {
		t.Errorf("%+v", p)
	}
	if !slices.ContainsFunc(w.records(w.ann, ledger.Attempt), func(r ledger.Row) bool { return r.Code == "TOKEN_SCOPE" }) {
		t.Error("what was refused is not on record")
	}
}
