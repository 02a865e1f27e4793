package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
)

// cite: P-17, I-23
func TestFind(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	token := b.token()
	for _, typed := range []string{annNumber, "(202) 555-0141", "202-555-0141", " l-1001 ", "ANN.ARCHER@example.com", "ann  archer", "Archer"} {
		r := b.post("/desk/find", "token", token, "number", typed).is(t, http.StatusSeeOther)
		if at := r.Header.Get("Location"); at != customerAddress(w.ann) {
			t.Errorf("%q leads to %s", typed, at)
		}
	}
	card := b.get(customerAddress(w.ann)).is(t, http.StatusOK)
	card.says(t, "Ann Archer", "+1202•••••41", "•-•001", "1 May 2019", "On file: password, PIN, backup question.")
	for _, none := range []string{"+12025550999", "5550141", "nobody", strings.Repeat("9", 900)} {
		r := b.post("/desk/find", "token", token, "number", none).is(t, http.StatusOK)
		r.says(t, "No customer has this number, account, e-mail address or name.", "Ask for the number of the service")
		if got := r.value("number"); strings.Contains(r.page, `value="`+none+`"`) == false {
			t.Errorf("what was typed, %q, is gone: %q", none, got)
		}
	}
	b.post("/desk/find", "token", token, "number", "  ").says(t, "Nothing was typed.")
}

// A card holds nothing that is protected, and nothing that would help who pretends to be the customer.
//
// cite: P-17, 47 CFR 64.2003(m)
func TestCardHoldsNoCPNI(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	contact := b.open(w.ann, "phone")
	for _, path := range []string{customerAddress(w.ann), contact} {
		b.get(path).is(t, http.StatusOK).lacks(t, annNumber, "202 555 0141", "5550141", "L-1001", "Main St", "22150", "ann.archer", "example.com", "0199", "1980", "6789", "Bo Archer", annPassword, annPIN,
			annAnswer, "argon2id", called, "42.30")
	}
}

// cite: P-17
func TestFindSeveral(t *testing.T) {
	w := newWorld(t)
	for range 20 {
		w.customer(customer.Profile{Name: "Ann Archer"})
	}
	b := w.signedIn(t, "agent")
	r := b.post("/desk/find", "token", b.token(), "number", "ann archer").is(t, http.StatusSeeOther)
	at := r.Header.Get("Location")
	if strings.Contains(strings.ToLower(at), "archer") {
		t.Errorf("the address has the name: %s", at)
	}
	b.follow(r).says(t, "12 customers have this", "There are more. Ask for the number or the account.")
	b.get("/desk?c=xyz&c="+string(w.ann)+"&c="+string(cpni.NewID())).says(t, "1 customer has this", "Ann Archer")
}

// What a telephone switch sends is looked up, and stands in no address afterwards.
//
// cite: P-17, I-23
func TestNumberFromASwitch(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	r := b.get("/desk?number="+url.QueryEscape(annNumber)).is(t, http.StatusSeeOther)
	if at := r.Header.Get("Location"); at != customerAddress(w.ann)+"?shown=1" {
		t.Fatalf("the number leads to %s", at)
	}
	card := b.follow(r)
	card.says(t, "The telephone shows +1202•••••41 . That is a hint, never a proof.")
	opened := b.post(customerAddress(w.ann)+"/contacts", "token", card.value("token"), "key", card.value("key"), "shown", card.value("shown"), "channel", "phone")
	s, _, err := w.Contacts.Get(t.Context(), idOf(opened.Header.Get("Location")))
	must(t, err)
	if s.Caller != annNumber || len(s.Evidence) > 0 {
		t.Errorf("the contact has caller %q and evidence %v; the number is a hint and no proof", s.Caller, s.Evidence)
	}
	b.follow(opened).says(t, "showing +1202•••••41", "Not verified")

	for other, says := range map[string]string{"+12025550999": "No customer has the number that the telephone sent.", "anonymous": "The caller's number is withheld.", "sip:Anonymous@anonymous.invalid": "The caller's number is withheld.",
		strings.Repeat("1", 3000): "The telephone sent something that is no number.", "'; DROP TABLE customer": "The telephone sent something that is no number."} {
		r := b.get("/desk?number="+url.QueryEscape(other)).is(t, http.StatusSeeOther)
		if at := r.Header.Get("Location"); at != "/desk" {
			t.Errorf("%.20q leads to %s", other, at)
		}
		if got := r.Header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("the number goes along with the referrer: %q", got)
		}
		b.follow(r).says(t, says, "Who is calling?")
	}
	for _, form := range []string{"2025550141", "(202) 555-0141", "tel:+1-202-555-0141;phone-context=x", "sip:+12025550141@switch.example;user=phone", `"Ann" <sip:12025550141@10.0.0.1>`} {
		if at := b.get("/desk?number="+url.QueryEscape(form)).is(t, http.StatusSeeOther).Header.Get("Location"); at != customerAddress(w.ann)+"?shown=1" {
			t.Errorf("%s leads to %s", form, at)
		}
	}
	b.get("/desk?other="+url.QueryEscape(annNumber)).is(t, http.StatusSeeOther)

	// Before the sign-in it goes nowhere.
	at := w.browser(t).get("/desk?number="+url.QueryEscape(annNumber)).is(t, http.StatusSeeOther).Header.Get("Location")
	if tellsNumber(at) {
		t.Errorf("the number is carried on to %s", at)
	}
}

// cite: P-37, P-38, P-42, 47 CFR 64.2009(b)
func TestOpenContact(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	card := b.get(customerAddress(w.ann))
	form := []string{"token", card.value("token"), "key", card.value("key"), "channel", "phone"}
	first := b.post(customerAddress(w.ann)+"/contacts", form...).is(t, http.StatusSeeOther).Header.Get("Location")
	again := b.post(customerAddress(w.ann)+"/contacts", form...).is(t, http.StatusSeeOther).Header.Get("Location")
	if first != again || len(w.records(w.ann, ledger.Contact)) != 1 {
		t.Errorf("a form that was sent twice opened %s and %s", first, again)
	}
	b.get(customerAddress(w.ann)).says(t, "Your contact with this customer still runs", "Telephone, since 10:00 EST")
	b.get("/rules").says(t, "Contact in progress")
	for channel, says := range map[string]string{"outbound": "telephone, we called", "store": "shop", "chat": "chat", "mail": "letter"} {
		b.get(b.open(w.ann, channel)).says(t, "Contact "+says+", since")
	}
	for _, channel := range []string{"online", "carrier-pigeon", ""} {
		card := b.get(customerAddress(w.ann))
		r := b.follow(b.post(customerAddress(w.ann)+"/contacts", "token", card.value("token"), "key", card.value("key"), "channel", channel))
		r.says(t, "A contact is by phone, store, online, chat or mail.", "CHANNEL", "47 CFR 64.2010")
	}
	for _, who := range []struct{ login, code, says, next string }{
		{"untrained", "UNTRAINED", "no current training on customer information", "Take the course now"},
		{"officer", "ROLE", "right-serve", "Let a colleague whose work it is do it."},
	} {
		b := w.signedIn(t, who.login)
		b.get(customerAddress(w.ann)).says(t, who.code, who.says, who.next, "47 CFR 64.20")
		before := len(w.records("", ledger.Contact))
		r := b.post(customerAddress(w.ann)+"/contacts", "token", b.token(), "key", string(cpni.NewID()), "channel", "phone").is(t, http.StatusSeeOther)
		b.follow(r).says(t, who.code, who.next)
		if n := len(w.records("", ledger.Contact)) - before; n != 1 {
			t.Errorf("%s: %d records of the refusal", who.login, n)
		}
	}
}

// A contact belongs to who opened it: to others it is as if it were not there.
//
// cite: P-37, P-42
func TestContactIsOnesOwn(t *testing.T) {
	w := newWorld(t)
	b, other := w.signedIn(t, "agent"), w.signedIn(t, "second")
	at := b.open(w.ann, "phone")
	b.prove(at, "method", "pin", "secret", annPIN).says(t, "Verified by PIN.")
	answer := b.ask(at)
	before := len(w.records(w.ann, ""))
	nobody := other.get("/desk/contacts/"+string(cpni.NewID())).is(t, http.StatusNotFound)
	token := other.token()
	for _, r := range []reply{other.get(at), other.get(b.at), other.post(at+"/proofs", "token", token, "method", "pin", "secret", annPIN),
		other.post(at+"/requests", "token", token, "key", string(cpni.NewID()), "data", "call-detail", "from", "202602"), other.post(at+"/end", "token", token)} {
		if r.is(t, http.StatusNotFound); r.page != nobody.page {
			t.Errorf("%s %s: the page is not that of what is not there", r.Request.Method, r.Request.URL.Path)
		}
	}
	if after := len(w.records(w.ann, "")); after != before {
		t.Errorf("%d records of what was none of their business", after-before)
	}
	answer.says(t, "Permitted: you may tell the customer")
}

// cite: P-42, I-16
func TestContactEnds(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	ended := b.open(w.ann, "phone")
	b.submit(ended+"/end").says(t, "The contact has ended, and what was proved in it with it.", "Who is calling?")
	b.submit(ended+"/end").is(t, http.StatusOK)
	long := b.open(w.ann, "phone")
	for range 3 {
		w.clock.pass(29 * time.Minute)
		b.ask(long) // asking keeps a contact going
	}
	b.get(long).is(t, http.StatusOK).says(t, "Ask for the caller")
	idle := b.open(w.ann, "phone")
	b.prove(idle, "method", "pin", "secret", annPIN)
	for range 2 {
		w.clock.pass(29 * time.Minute)
		b.ask(long)
	}
	for at, why := range map[string]string{ended: "It ended at 10:00 EST.", idle: "It ended by itself: nothing happened in it for 30 minutes.", long: "It ended by itself: a contact lasts 2 hours at most."} {
		r := b.get(at).is(t, http.StatusOK)
		r.says(t, "This contact is over", why, "Nothing that was proved in it counts any more.", "Open a new contact with this customer")
		r.lacks(t, "/proofs", "/requests", "Verified:")
		b.prove(at, "method", "pin", "secret", annPIN).says(t, "TOKEN_SCOPE", "The contact has ended, and what was proved in it with it.", "Open a new contact and verify the customer again.")
		b.follow(b.post(at+"/requests", "token", b.token(), "key", string(cpni.NewID()), "data", "call-detail", "from", "202602")).says(t, "Refused", "TOKEN_SCOPE")
	}
}

// cite: P-37, P-38
func TestRightsAreShown(t *testing.T) {
	w := newWorld(t)
	w.signedIn(t, "agent").get("/me").says(t, "Yes Serve customers: open contacts, take proofs, ask", "No Read what is on record", "right-read-records", "P-41", "Good until 5 Mar 2027, 10:00:00 EST")
	w.signedIn(t, "auditor").get("/me").says(t, "No Serve customers", "Yes Read what is on record")
	w.signedIn(t, "untrained").get("/me").says(t, "Never", "Lapsed: nothing is released to you")
	for login, home := range map[string]string{"agent": "/desk", "auditor": "/records", "admin": "/staff", "marketing": "/campaigns"} {
		if at := w.signedIn(t, login).get("/").Header.Get("Location"); at != home {
			t.Errorf("the work of the %s begins at %s, want %s", login, at, home)
		}
	}
	b := w.signedIn(t, "marketing")
	for path, right := range map[string]string{"/desk": "find customers and see their cards", "/records": "read what is on record", customerAddress(w.ann): "find customers", "/desk/contacts/" + string(w.ann): "serve customers"} {
		r := b.get(path).is(t, http.StatusForbidden)
		r.says(t, "Not your work", "it needs the right to "+right, "P-37", "Let a colleague whose work it is do it.")
	}
	must(t, w.Staff.Disable(t.Context(), w.people["marketing"], "test"))
	b.get("/me").is(t, http.StatusSeeOther)
	if m, _, err := w.Staff.Recent(t.Context(), w.people["marketing"]); err != nil || m.May(staff.See) {
		t.Errorf("%+v %v", m, err)
	}
}
