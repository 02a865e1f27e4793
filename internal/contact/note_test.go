package contact

import (
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// details gives what the sealed records of a kind say about one thing, oldest first.
func (w *world) details(of cpni.ID, kind ledger.Kind, what string) []map[string]string {
	w.t.Helper()
	rows, err := w.ledger.Records(w.ctx, of, ledger.Filter{Kind: kind, Limit: 500})
	if err != nil {
		w.t.Fatal(err)
	}
	var all []map[string]string
	for i := range rows {
		var d map[string]string
		plain, err := w.vault.OpenRecord(w.ctx, rows[len(rows)-1-i])
		if err == nil {
			err = vault.Detail(plain, &d)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if d["what"] == what {
			all = append(all, d)
		}
	}
	return all
}

// cite: P-17, P-19, P-41, I-23
func TestNotes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann := w.create(w.ann())
		id := w.verified(ann)
		for _, c := range []struct {
			what, text string
			code       cpni.Code
		}{
			{"a plain note", "Wants a call tomorrow after five about her router.", ""},
			{"two lines", "One line\n and another.", ""},
			{"nothing", "  ", "BAD_INPUT"},
			{"too much", strings.Repeat("a", LongestNote+1), "BAD_INPUT"},
			{"what is no text", "a\x00b", "BAD_INPUT"},
			{"the password as it was said", "She says it is BLUE heron, 42!", "NOTE_SECRET"},
			{"the password within words", "pass:blueheron42.", "NOTE_SECRET"},
			{"a PIN that nobody has said yet", "Her PIN is 830 275", "NOTE_SECRET"},
			{"the password of an authorised person, which nobody has said", "Bo's password is red fox 77", "NOTE_SECRET"},
			{"the same in hyphens", "told me red-fox-77", "NOTE_SECRET"},
			{"a card", "Card 4111 1111 1111 1111 did not work", "NOTE_CARD"},
			{"a card in hyphens", "4111-1111-1111-1111", "NOTE_CARD"},
			{"a card of fifteen digits", "378282246310005", "NOTE_CARD"},
			{"sixteen digits that are no card", "Meter 4111 1111 1111 1112", ""},
			{"a number of a ticket", "See ticket 20260305", ""},
		} {
			w.clock.advance(time.Second)
			if got := w.code(w.Note(w.ctx, id, c.text)); got != c.code {
				t.Errorf("%s: %q, want %q", c.what, got, c.code)
			}
		}
		if code := w.code(w.Note(w.ctx, cpni.NewID(), "To nobody.")); code != "NO_CONTACT" {
			t.Errorf("a note on no contact: %q", code)
		}
		if err := w.End(w.ctx, id); err != nil {
			t.Fatal(err)
		}
		if code := w.code(w.Note(w.ctx, id, "It was blueheron42 again")); code != "NOTE_SECRET" {
			t.Errorf("after the end the secret may be written: %q", code)
		}
		w.clock.advance(time.Second)
		if err := w.Note(w.ctx, id, "Written after the end."); err != nil {
			t.Error(err)
		}
		all := w.details(ann, ledger.Contact, noted)
		if len(all) != 5 || all[0]["text"] != "Wants a call tomorrow after five about her router." || all[1]["text"] != "One line and another." {
			t.Errorf("%v", all)
		}
	})
}

// On a node where the secret was not said, nothing is remembered of it; a note is compared with what is on file.
//
// cite: P-19
func TestNotesOnAnotherNode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.verified(w.create(w.ann()))
		other := w.node(db)
		for text, want := range map[string]cpni.Code{"She said blue-heron-42": "NOTE_SECRET", "The password is blue heron 42, she says": "NOTE_SECRET", "PIN 830275": "NOTE_SECRET",
			`It is "blue heron 42"`: "NOTE_SECRET", "All is well": ""} {
			if got := w.code(other.Note(w.ctx, id, text)); got != want {
				t.Errorf("%s: %q", text, got)
			}
		}
	})
}

// cite: P-42, I-16
func TestOutcomes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann := w.create(w.ann())
		id := w.verified(ann)
		if code := w.code(w.WrapUp(w.ctx, id, "happy")); code != "BAD_INPUT" {
			t.Errorf("%q", code)
		}
		for _, how := range []Outcome{Served, GaveUp} { // the second changes nothing
			if err := w.WrapUp(w.ctx, id, how); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.advance(time.Second)
		s, _, err := w.Get(w.ctx, id)
		if err != nil || s.Outcome != Served || w.Live(s, w.clock.Now()) {
			t.Errorf("%+v, %v", s, err)
		}
		if err := w.End(w.ctx, w.contact(ann)); err != nil {
			t.Fatal(err)
		}
		ended := w.details(ann, ledger.Contact, "ended")
		if len(ended) != 2 || ended[0]["outcome"] != "served" || ended[1]["outcome"] != "" {
			t.Errorf("%v", ended)
		}
	})
}

// cite: P-13, P-14, P-28, I-16, 47 CFR 64.2007(a)(1), 47 CFR 64.2008(f), V80, V83
func TestOneTimeConsent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann := w.create(w.ann())
		yes := func(in cpni.ID, change func(*Consent)) cpni.Code {
			c := Consent{Contact: in, Yes: true, Read: true, Script: "1", Purposes: []cpni.Purpose{cpni.InboundMarketing}}
			if change != nil {
				change(&c)
			}
			_, err := w.Consent(w.ctx, c)
			return w.code(err)
		}
		id, shop := w.verified(ann), w.contactBy(Opening{Customer: ann, Channel: cpni.Store, Agent: "rep"})
		ended := w.verified(ann)
		if err := w.End(w.ctx, ended); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			what   string
			in     cpni.ID
			change func(*Consent)
			code   cpni.Code
		}{
			{"without attestation", id, func(c *Consent) { c.Read = false }, "CONSENT_EVIDENCE"},
			{"without script", id, func(c *Consent) { c.Script = "" }, "CONSENT_EVIDENCE"},
			{"for nothing", id, func(c *Consent) { c.Purposes = nil }, "SCOPE"},
			{"for partners", id, func(c *Consent) { c.Purposes = []cpni.Purpose{cpni.PartnerMarketing} }, "SCOPE"},
			{"with a recording that is a novel", id, func(c *Consent) { c.Recording = strings.Repeat("a", 101) }, "BAD_INPUT"},
			{"before anybody is proved", w.contact(ann), nil, "UNAUTHENTICATED"},
			{"in a shop", shop, nil, "CHANNEL"},
			{"after the end", ended, nil, "TOKEN_SCOPE"},
			{"as it should be", id, nil, ""},
		} {
			if got := yes(c.in, c.change); got != c.code {
				t.Errorf("%s: %q, want %q", c.what, got, c.code)
			}
		}
		s, _, err := w.Get(w.ctx, id)
		if err != nil || s.OneTime == nil || !s.OneTime.Evidence || !s.Asked.Yes || s.Asked.Script != "1" {
			t.Fatalf("%+v, %v", s, err)
		}
		if s, _, _ := w.Get(w.ctx, w.verified(ann)); s.OneTime != nil {
			t.Error("the consent counts in another contact")
		}
		w.clock.advance(time.Second)
		if s, err = w.Consent(w.ctx, Consent{Contact: id, Script: "1"}); err != nil || s.OneTime != nil || s.Asked.Yes {
			t.Fatalf("a no does not end it: %+v, %v", s, err)
		}
		if got := yes(id, nil); got != "DENIED" {
			t.Errorf("who has said no was asked again: %q", got)
		}
		answers := w.details(ann, ledger.Change, consentAsked)
		if len(answers) != 2 || answers[0]["answer"] != "yes" || answers[0]["script"] != "1" || answers[0]["purposes"] != "inbound-marketing" || answers[1]["answer"] != "no" {
			t.Errorf("%v", answers)
		}
	})
}

// Who knows the household's secrets, answers its telephone or opens its letters gets nothing by that.
//
// cite: P-16, P-18, P-19, P-25, 47 USC 222(a), 47 CFR 64.2010(f)
func TestCare(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann := w.create(w.ann())
		care := func(in cpni.ID, c Care) cpni.Code {
			c.Contact = in
			return w.code(w.Care(w.ctx, c))
		}
		id := w.verified(ann)
		for _, c := range []struct {
			what string
			in   cpni.ID
			care Care
			code cpni.Code
		}{
			{"before anybody is proved", w.contact(ann), Care{Alone: true}, "UNAUTHENTICATED"},
			{"with a weak word", id, Care{Word: "annarcher"}, "WEAK_SECRET"},
			{"with nowhere left", id, Care{Shared: []string{"lines", "email", "postal"}}, "CONFIG"},
			{"with a place that is none", id, Care{Shared: []string{"pigeon"}}, "BAD_INPUT"},
			{"as it should be", id, Care{Word: "marmalade kettle 9", Shared: []string{"lines", "postal"}, Alone: true}, ""},
		} {
			if got := care(c.in, c.care); got != c.code {
				t.Errorf("%s: %q, want %q", c.what, got, c.code)
			}
		}
		if all, err := w.outbox.Messages(w.ctx, ann); err != nil || len(all) != 0 {
			t.Errorf("a notice tells of it: %v, %v", all, err)
		}
		for _, c := range []struct {
			what  string
			proof Proof
			code  cpni.Code
		}{
			{"the password of before", Proof{Password: password}, "BAD_SECRET"},
			{"the authorised person's", Proof{Password: "red-fox-77"}, "BAD_SECRET"},
			{"the PIN", Proof{PIN: pin}, "METHOD"},
			{"a backup answer", Proof{Backup: map[string]string{question: answer}}, "METHOD"},
			{"a call back", Proof{Callback: &Callback{Number: line, Answered: true}}, "NOT_TNOR"},
			{"a code to a line", Proof{SendCode: line}, "NOT_TNOR"},
			{"a code by post", Proof{SendCode: "postal"}, "NOT_AOR"},
			{"a code by e-mail", Proof{SendCode: "email"}, ""},
			{"the word", Proof{Password: "Marmalade kettle nine"}, "BAD_SECRET"},
		} {
			if got := w.try(w.contact(ann), c.proof); got != c.code {
				t.Errorf("%s: %q, want %q", c.what, got, c.code)
			}
			w.clock.advance(31 * time.Second) // past the waits after wrong secrets
		}
		id = w.contact(ann)
		if got := w.try(id, Proof{Password: "Marmalade Kettle 9"}); got != "" {
			t.Fatalf("the word: %q", got)
		}
		notices, err := w.Alter(w.ctx, Alteration{Contact: id, ContactNumber: "+17035550188"})
		if err != nil || len(notices) != 1 || notices[0].Via != cpni.Email {
			t.Errorf("the notice goes to a place that others read: %v, %v", notices, err)
		}
		notices, err = w.Enrol(w.ctx, Enrolment{Contact: id, PIN: "915274"})
		if err != nil || len(notices) != 1 || notices[0].Via != cpni.Email {
			t.Errorf("the notice goes to a place that others read: %v, %v", notices, err)
		}
		if got := care(id, Care{Alone: true}); got != "" {
			t.Fatalf("%q", got)
		}
		if p := w.profile(ann); p.Safety.Word == nil || len(p.Safety.Shared) > 0 || !p.Safety.Since.Equal(w.profile(ann).Safety.Since) {
			t.Errorf("%+v", p.Safety)
		}
		if got := care(id, Care{Off: true}); got != "" || w.profile(ann).Safety != nil {
			t.Errorf("%q", got)
		}
		if got := w.try(w.contact(ann), Proof{Password: password}); got != "" {
			t.Errorf("after the care has ended the password is refused: %q", got)
		}
		var kinds []string
		for _, what := range []string{"care set", "care ended"} {
			for range w.details(ann, ledger.Change, what) {
				kinds = append(kinds, what)
			}
		}
		if strings.Join(kinds, ", ") != "care set, care set, care ended" {
			t.Errorf("%v", kinds)
		}
	})
}

// Nobody can take the care away, or learn a thing, who is proved as an authorised person.
//
// cite: P-16, 47 CFR 64.2003(f)
func TestCareIsTheCustomersOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := w.ann()
		p.Safety = &customer.Safety{Since: start, Alone: false}
		ann := w.create(p)
		id := w.contact(ann)
		if got := w.try(id, Proof{Password: "red-fox-77"}); got != "" {
			t.Fatalf("%q", got)
		}
		if got := w.code(w.Care(w.ctx, Care{Contact: id, Off: true})); got != "UNAUTHENTICATED" {
			t.Errorf("%q", got)
		}
	})
}
