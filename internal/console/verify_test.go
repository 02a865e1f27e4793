package console

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
)

// methods lists the methods that a page offers, in order.
func methods(page string) string {
	var all []string
	for _, m := range regexp.MustCompile(`<details class="method" id="verify-([a-z-]+)"`).FindAllStringSubmatch(page, -1) {
		all = append(all, m[1])
	}
	return strings.Join(all, " ")
}

// cite: P-18, P-20, P-21, P-22, 47 CFR 64.2010(b), 47 CFR 64.2010(c), 47 CFR 64.2010(d), 47 CFR 64.2010(g)
func TestMethodsThatAreThere(t *testing.T) {
	w := newWorld(t)
	now := w.clock.Now()
	old := now.AddDate(-1, 0, 0)
	line := func(number string, disturbed time.Time) []customer.Line {
		return []customer.Line{{Number: number, Since: old, Disturbed: disturbed}}
	}
	business := &customer.Business{DedicatedRepresentative: string(w.people["agent"]), ContractCoversCPNI: true}
	for i, c := range []struct {
		name    string
		p       customer.Profile
		channel string
		want    string
		says    string
	}{
		{"everything, telephone", w.annArcher(), "phone", "password pin code callback backup claim", ""},
		{"everything, shop", w.annArcher(), "store", "photo-id claim", ""},
		{"everything, chat", w.annArcher(), "chat", "password claim", ""},
		{"everything, letter", w.annArcher(), "mail", "claim", "Nobody can be proved by letter."},
		{"nothing, telephone", customer.Profile{Name: "N"}, "phone", "claim", "This customer has nothing on file by which they could be proved here. A shop can look at a photo ID."},
		{"nothing, chat", customer.Profile{Name: "N"}, "chat", "claim", "In a chat only the password proves somebody, and this customer has none."},
		{"a line alone", customer.Profile{Name: "N", Since: old, Lines: line("+12025550150", time.Time{})}, "phone", "code callback claim", "Password: none that counts is on file."},
		{"a line just ported", customer.Profile{Name: "N", Since: old, Lines: line("+12025550151", now.Add(-time.Hour))}, "phone", "claim", "+1202•••••51: ported, forwarded or given a new SIM lately; no call back and no code before 8 Mar 2026, 10:00 EDT."},
		{"an old address alone", customer.Profile{Name: "N", Email: []customer.Address{{Value: "n@example.com", Since: old}}}, "phone", "code claim", ""},
		{"a new address alone", customer.Profile{Name: "N", Email: []customer.Address{{Value: "n@example.com", Since: now.Add(-29 * 24 * time.Hour)}}}, "phone", "claim", "E-mail: too new to be of record; from 6 Mar 2026, 10:00 EST on."},
		{"an authorised person's password", customer.Profile{Name: "N", Authorised: []customer.Authorised{{Name: "B", Credentials: customer.Credentials{Password: w.secret("red fox 77")}}}}, "phone", "password claim", ""},
		{"a business contract", customer.Profile{Name: "N", Business: business}, "store", "photo-id contract claim", ""},
		{"a contract of another representative", customer.Profile{Name: "N", Business: &customer.Business{DedicatedRepresentative: "somebody", ContractCoversCPNI: true}}, "store", "photo-id claim", "Business contract: only with the customer's own representative"},
		{"a word of their own", func() customer.Profile {
			p := w.annArcher()
			p.Account, p.Safety = "L-2", &customer.Safety{Since: old, Word: w.secret("marmalade kettle 9"), Shared: []string{customer.Shared.Lines, customer.Shared.Email}}
			return p
		}(), "phone", "password code claim", "Call back, and codes to a line: nothing goes to the lines of this customer."},
		{"a contract that does not cover it", customer.Profile{Name: "N", Business: &customer.Business{DedicatedRepresentative: "x"}}, "phone", "claim", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.p.Name == "Ann Archer" {
				c.p.Lines[0].Number = fmt.Sprintf("+1202555%04d", 1000+i)
			}
			b := w.signedIn(t, "agent")
			r := b.get(b.open(w.customer(c.p), c.channel))
			if got := methods(r.page); got != c.want {
				t.Errorf("the methods are %q, want %q", got, c.want)
			}
			r.says(t, c.says, "Not verified")
		})
	}
}

// cite: P-16, P-18, P-19, P-20, P-21, P-22, 47 CFR 64.2010
func TestEveryMethodProves(t *testing.T) {
	w := newWorld(t)
	must(t, w.update(w.ann, func(p *customer.Profile) {
		p.Business = &customer.Business{DedicatedRepresentative: string(w.people["agent"]), ContractCoversCPNI: true}
	}))
	for _, c := range []struct {
		name, channel string
		form          []string
		says          []string
		proves        bool
	}{
		{"password", "phone", []string{"method", "password", "secret", "BLUE-heron 42"}, []string{"Verified by password.", "Verified: the customer", "by password at 10:00 EST"}, true},
		{"PIN", "phone", []string{"method", "pin", "secret", annPIN}, []string{"Verified by PIN."}, true},
		{"authorised person", "phone", []string{"method", "password", "secret", boPassword}, []string{"Verified: Bo Archer (authorised)"}, true},
		{"backup question", "phone", []string{"method", "backup", "question", "What was the first concert you went to?", "secret", "The Comets!"},
			[]string{"The answer is right. It begins a new password and releases nothing", "Not verified", "Backup answer right"}, true},
		{"call back", "phone", []string{"method", "callback", "place", "1", "answered", "yes"}, []string{"Verified by call back."}, true},
		{"call back, nobody there", "phone", []string{"method", "callback", "place", "1", "answered", "no"}, []string{"It is on record that nobody answered.", "Not verified", "Call back not answered"}, false},
		{"call back to no line", "phone", []string{"method", "callback", "place", "7", "answered", "yes"}, []string{"NOT_TNOR", "Choose one of the numbers on the page."}, false},
		{"photo ID", "store", []string{"method", "photo-id", "name", "ann archer", "expires", "2031-06-30", "government", "yes"}, []string{"Verified by photo ID."}, true},
		{"photo ID of another", "store", []string{"method", "photo-id", "name", "Eve", "expires", "2031-06-30", "government", "yes"}, []string{"PHOTO_ID", "47 CFR 64.2010(d)"}, false},
		{"photo ID that has expired", "store", []string{"method", "photo-id", "name", "Ann Archer", "expires", "2026-03-04", "government", "yes"}, []string{"PHOTO_ID", "expired"}, false},
		{"photo ID without a date", "store", []string{"method", "photo-id", "name", "Ann Archer", "expires", "soon", "government", "yes"}, []string{"PHOTO_ID", "Write it as 2031-06-30."}, false},
		{"photo ID of a club", "store", []string{"method", "photo-id", "name", "Ann Archer", "expires", "2031-06-30"}, []string{"PHOTO_ID", "issued by a government"}, false},
		{"contract", "phone", []string{"method", "contract"}, []string{"Verified by business contract."}, true},
		{"wrong password", "phone", []string{"method", "password", "secret", "green heron 42"}, []string{"BAD_SECRET", "That is not the secret.", "Call back the number of the service.", "P-19", "Not verified"}, false},
		{"nothing typed", "phone", []string{"method", "pin", "secret", ""}, []string{"BAD_INPUT", "What the caller says is missing."}, false},
		{"no method", "phone", []string{"method", "astrology", "secret", "born in March"}, []string{"METHOD", "That is no method of proof."}, false},
		{"what is no proof", "phone", []string{"method", "claim", "claim", "born", "claim", "ssn4"}, []string{"METHOD", "What others can know, read or imitate is no proof: born, ssn4.",
			"Offered what is no proof: birth date, social security digits", "Not verified"}, false},
		{"nothing offered", "phone", []string{"method", "claim"}, []string{"BAD_INPUT", "What the caller offered is missing."}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := w.signedIn(t, "agent")
			at := b.open(w.ann, c.channel)
			r := b.prove(at, c.form...).is(t, http.StatusOK)
			r.says(t, c.says...)
			s, _, err := w.Contacts.Get(t.Context(), idOf(at))
			must(t, err)
			if got := len(s.Evidence) > 0; got != c.proves {
				t.Errorf("evidence: %v, want %v", s.Evidence, c.proves)
			}
			for i := 2; i < len(c.form); i += 2 {
				if c.form[i] == "secret" && c.form[i+1] != "" {
					r.lacks(t, c.form[i+1])
				}
			}
			b.get(at).lacks(t, "Verified by", "That is not the secret") // it is said once
		})
	}
}

func (w *world) update(id cpni.ID, do func(*customer.Profile)) error {
	_, err := w.Customers.Update(w.t.Context(), id, func(p *customer.Profile) (customer.Change, error) {
		do(p)
		return customer.Change{Actor: "test", What: "test"}, nil
	})
	return err
}

// cite: P-20, P-21, I-17
func TestCode(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	for place, to := range map[string]string{"1": "+1202•••••41", "email": "the e-mail address of record", "postal": "the postal address of record"} {
		at := b.open(w.ann, "phone")
		r := b.prove(at, "method", "code", "place", place)
		r.says(t, "A code is on its way. Ask the caller to read it to you.", "A code is on its way to "+to, "for 3 tries", "Send a new code")
		code := w.code(w.ann)
		r.lacks(t, code, annNumber, "ann.archer", "Main St")
		b.prove(at, "method", "code", "secret", "00000000").says(t, "BAD_SECRET", "for 2 tries", "Go to the form")
		b.prove(at, "method", "code", "secret", code[:4]+" "+code[4:]).says(t, "Verified by code.", "Verified: the customer")
		b.prove(at, "method", "code", "secret", code).says(t, "BAD_SECRET")
	}
	at := b.open(w.ann, "phone")
	b.prove(at, "method", "code", "place", "9").says(t, "NOT_TNOR")
}

// A lock-out is told with how long it lasts and with what stays open.
//
// cite: P-19, I-18, 47 CFR 64.2010(a)
func TestLockOutShowsWhatStaysOpen(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	var r reply
	for range 5 {
		r = b.prove(at, "method", "pin", "secret", "111222")
	}
	r.says(t, "LOCKED", "Too many wrong secrets: the next try is in", "Call back the number of the service.",
		"After wrong tries at 10:00 EST passwords, PINs and questions wait or are closed. A code to record, a call back and a shop with a photo ID stay open.")
	b.get(at).says(t, "wait or are closed", "Password waits until 10:00:", "PIN waits until 10:00:", "Call back ready") // a reload still tells it
	b.get(at).lacks(t, "tries left")
	b.prove(at, "method", "pin", "secret", annPIN).says(t, "LOCKED")
	b.prove(at, "method", "callback", "place", "1", "answered", "yes").says(t, "Verified by call back.")
	b.get(at).lacks(t, "wait or are closed")
}

// A page that is loaded again tries nothing again.
//
// cite: P-19, I-11
func TestReloadTriesNothing(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.prove(at, "method", "pin", "secret", "111222")
	before := len(w.records(w.ann, ledger.Attempt))
	for range 5 {
		b.get(b.at)
		b.get(at+"/proofs").is(t, http.StatusSeeOther)
	}
	if after := len(w.records(w.ann, ledger.Attempt)); after != before {
		t.Errorf("reloading tried %d times", after-before)
	}
}

// When somebody else speaks, what the first proved is not theirs.
//
// cite: P-16, I-16
func TestAnotherSpeaker(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.prove(at, "method", "pin", "secret", annPIN).says(t, "Verified: the customer")
	r := b.prove(at, "method", "password", "secret", boPassword)
	r.says(t, "Verified: Bo Archer (authorised)", "Bo Archer (authorised) is verified. Verify again if somebody else speaks.")
	r.lacks(t, "by PIN at")
	b.ask(at, "to", contact.Customer).says(t, "Refused")
}

// The desk says first that somebody tries again and again to pass for the customer, and goes on serving.
//
// cite: P-16, P-37, 47 CFR 64.2010(a)
func TestTheDeskWarnsOfPretexters(t *testing.T) {
	w := newWorld(t)
	ann := w.ann
	b := w.signedIn(t, "agent")
	for range 5 {
		b.prove(b.open(ann, "phone"), "method", "claim", "claim", "ssn4")
	}
	const warning = "somebody tries again and again to pass for this customer"
	b.get(customerAddress(ann)).says(t, warning)
	b.get(b.open(ann, "phone")).says(t, warning)
	w.clock.pass(25 * time.Hour)
	w.signedIn(t, "agent").get(customerAddress(ann)).lacks(t, warning)
}
