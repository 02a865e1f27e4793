package contact

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// What a pretexter knows, reads or imitates is no proof, each alone and all together; every attempt is on record, and what was
// said is not.
//
// cite: P-16, P-17, P-18, V87, V91, 47 CFR 64.2003(a), 47 CFR 64.2003(m), 47 CFR 64.2010(b)
func TestClaimsProveNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		said := map[string]string{"ssn4": "6789", "born": "1980-04-02", "maiden": "Field", "account": "A-917304", "number": line, "bill": "84.10",
			"caller-id": line, "voice": "a deep one", "recent-payment": "84.10 on the 5th"}
		if !slices.Equal(slices.Sorted(maps.Keys(said)), claims) {
			t.Fatalf("this test knows other claims than the desk: %v", claims)
		}
		tries := []map[string]string{said}
		for name, value := range said {
			tries = append(tries, map[string]string{name: value})
		}
		c := w.contactBy(Opening{Customer: id, Channel: cpni.Phone, Agent: "rep", Caller: line})
		for i, claim := range tries {
			_, err := w.Authenticate(w.ctx, c, Proof{Claim: claim})
			if w.code(err) != "METHOD" || w.evidence(c) != "" {
				t.Errorf("%v: %v, evidence %q (P-18)", claim, err, w.evidence(c))
			}
			all := w.attempts(id)
			if len(all) != i+1 {
				t.Fatalf("%v: %d attempts on record, want %d (P-17)", claim, len(all), i+1)
			}
			for _, r := range all {
				if r.Code != "METHOD" || r.Contact != string(c) || r.Actor != "rep" {
					t.Errorf("recorded as %+v", r.Entry)
				}
				for _, v := range said {
					if w.mentions(r, v) || strings.Contains(err.Error(), v) {
						t.Errorf("what was said is on record or in the answer: %q", v)
					}
				}
			}
		}
		s, _, err := w.Get(w.ctx, c)
		if err != nil || !slices.Equal(slices.Sorted(slices.Values(s.Claims)), claims) {
			t.Errorf("%v, %v", s.Claims, err)
		}
		// Nor do they open a way to set a secret, or to change the account.
		_, err = w.Enrol(w.ctx, Enrolment{Contact: c, Password: "violet-tandem-88"})
		if w.code(err) != "ENROL" {
			t.Errorf("a password on the strength of claims: %v", err)
		}
		_, err = w.Alter(w.ctx, Alteration{Contact: c, Email: "thief@example.org"})
		if w.code(err) != "ENROL" {
			t.Errorf("an address on the strength of claims: %v", err)
		}
	})
}

// The number that is shown is a hint, whichever it is and whatever is said of it.
//
// cite: P-18, V91, 47 CFR 64.2010(b)
func TestCallerIDProvesNothing(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.ann())
	for _, caller := range []string{line, mobile, reached, "(202) 555-0143", "anonymous", ""} {
		c := w.contactBy(Opening{Customer: id, Channel: cpni.Phone, Agent: "rep", Caller: caller})
		s, _, err := w.Get(w.ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if f := w.Facts(s, id, w.clock.Now()); len(f.Evidence) != 0 || f.Speaker != "" {
			t.Errorf("shown %q: %+v (V91)", caller, f)
		}
		if _, err := w.Alter(w.ctx, Alteration{Contact: c, Email: "x@example.org"}); w.code(err) != "UNAUTHENTICATED" {
			t.Errorf("shown %q: %v", caller, err)
		}
	}
}

// Kinds of claim that nobody knows, and very many of them, do no harm: a careless face may put anything there.
//
// cite: I-23, I-26
func TestUnknownClaims(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.ann())
	c := w.contact(id)
	many := map[string]string{}
	for i := range 5000 {
		many[fmt.Sprintf("my number is %d", i)] = "x"
	}
	_, err := w.Authenticate(w.ctx, c, Proof{Claim: many})
	if w.code(err) != "METHOD" || len(err.Error()) > 500 || strings.Contains(err.Error(), "my number") {
		t.Errorf("%.600v", err)
	}
	if s, _, err := w.Get(w.ctx, c); err != nil || !slices.Equal(s.Claims, []string{"other"}) {
		t.Errorf("%.100v, %v", s.Claims, err)
	}
}

// A proof is one thing, and no longer than such things are. What is longer is looked at by nobody and costs nothing.
//
// cite: P-18, I-26
func TestProofIsOne(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.ann())
	c := w.contact(id)
	long := strings.Repeat("x", longestSecret+1)
	many := map[string]string{}
	for i := range customer.MostBackup + 1 {
		many[fmt.Sprint(i)] = "x"
	}
	for _, row := range []struct {
		name string
		p    Proof
		want cpni.Code
	}{
		{"nothing", Proof{}, "METHOD"},
		{"two secrets", Proof{Password: password, PIN: pin}, "METHOD"},
		{"a secret and a claim", Proof{Password: password, Claim: map[string]string{"ssn4": "6789"}}, "METHOD"},
		{"everything", Proof{Password: password, PIN: pin, Backup: map[string]string{question: answer}, Callback: &Callback{}, PhotoID: &PhotoID{}, SendCode: "email", Code: "1", Contract: true}, "METHOD"},
		{"a long password", Proof{Password: long}, "BAD_SECRET"},
		{"a long PIN", Proof{PIN: long}, "BAD_SECRET"},
		{"a long answer", Proof{Backup: map[string]string{question: long}}, "BAD_SECRET"},
		{"a long question", Proof{Backup: map[string]string{long: answer}}, "BAD_SECRET"},
		{"many answers", Proof{Backup: many}, "BAD_SECRET"},
		{"a long number", Proof{Callback: &Callback{Number: long, Answered: true}}, "BAD_SECRET"},
		{"a long name", Proof{PhotoID: &PhotoID{Name: long}}, "BAD_SECRET"},
		{"a long place", Proof{SendCode: long}, "BAD_SECRET"},
		{"a long code", Proof{Code: long}, "BAD_SECRET"},
	} {
		for range 4 { // oftener than secrets may fail
			if code := w.try(c, row.p); code != row.want {
				t.Errorf("%s: %q, want %q", row.name, code, row.want)
			}
		}
	}
	if code := w.try(c, Proof{Password: password}); code != "" {
		t.Errorf("and then the password: %q", code)
	}
}

// Passwords and PINs are taken as people say and type them, from whoever has one.
//
// cite: P-19, 47 CFR 64.2010(b)(1)(i)
func TestSecrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id, none := w.create(w.ann()), cpni.ID("") // who has no secrets, another each time
		for _, row := range []struct {
			name string
			of   cpni.ID
			p    Proof
			want string // evidence, or a code
		}{
			{"the password", id, Proof{Password: password}, "customer password"},
			{"said on the telephone", id, Proof{Password: "Blue Heron, 42"}, "customer password"},
			{"the PIN", id, Proof{PIN: pin}, "customer pin"},
			{"the PIN in two parts", id, Proof{PIN: "830 275"}, "customer pin"},
			{"the PIN for the password", id, Proof{Password: pin}, "BAD_SECRET"},
			{"the password for the PIN", id, Proof{PIN: password}, "BAD_SECRET"},
			{"the authorised person's", id, Proof{Password: "red-fox-77"}, "authorised password"},
			{"another's", none, Proof{Password: password}, "BAD_SECRET"},
			{"where there is none", none, Proof{PIN: "000000"}, "BAD_SECRET"},
			{"of marks alone, where there is none", none, Proof{Password: "!!!"}, "BAD_SECRET"},
			{"an answer", id, Proof{Backup: map[string]string{"favourite hiding place": "Under the stairs!"}}, "customer backup"},
			{"an answer to another question", id, Proof{Backup: map[string]string{"First pet?": answer}}, "BAD_SECRET"},
			{"a right and a wrong answer", id, Proof{Backup: map[string]string{question: answer, "First pet?": "rex"}}, "BAD_SECRET"},
			{"an answer where none is set", none, Proof{Backup: map[string]string{question: answer}}, "BAD_SECRET"},
		} {
			w.clock.advance(24 * time.Hour)
			of := row.of
			if of == none {
				of = w.create(customer.Profile{Name: "Cy Carter"})
			}
			c := w.contact(of)
			got := string(w.try(c, row.p))
			if got == "" {
				got = w.evidence(c)
			}
			if got != row.want {
				t.Errorf("%s: %q, want %q (P-19)", row.name, got, row.want)
			}
			if of != id {
				continue
			}
			if code := w.try(c, Proof{Callback: &Callback{Number: line, Answered: true}}); code != "" { // what failed is forgiven
				t.Fatal(code)
			}
		}
	})
}

// A password that was changed while it was compared is not taken.
//
// cite: P-19, I-16
func TestSecretChangedMeanwhile(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.lone())
	c := w.contact(id)
	old := holders(w.profile(id), cpni.ByPassword)
	w.update(id, func(p *customer.Profile) {
		s := w.hash.Secret("violet-tandem-88")
		p.Credentials.Password = &s
	})
	s, _, err := w.Get(w.ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.grant(w.ctx, s, cpni.ByPassword, func(_ time.Time, _ *State, p *customer.Profile) (string, *cpni.Refusal) {
		if !slices.ContainsFunc(holders(p, cpni.ByPassword), func(h holder) bool { return h.secret.Hash == old[0].secret.Hash }) {
			return "", errBadSecret
		}
		return Customer, nil
	})
	if w.code(err) != "BAD_SECRET" || w.evidence(c) != "" {
		t.Errorf("%v, %q", err, w.evidence(c))
	}
	if code := w.try(c, Proof{Password: password}); code != "BAD_SECRET" {
		t.Errorf("the old password: %q", code)
	}
	if code := w.try(c, Proof{Password: "violet tandem 88"}); code != "" {
		t.Errorf("the new password: %q", code)
	}
}

// A call back goes to a number of record that nobody else may hold for now, and proves who takes it.
//
// cite: P-20, V86, V89, 47 CFR 64.2003(q), 47 CFR 64.2010(b)(1)(iii)
func TestCallback(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	p := w.ann()
	p.Lines = append(p.Lines, customer.Line{Number: "+12025550145", Since: start.Add(time.Hour)},
		customer.Line{Number: "+12025550146", Disturbed: start.Add(-72*time.Hour + time.Microsecond)},
		customer.Line{Number: "+12025550148", Disturbed: start.Add(-72 * time.Hour)},
		customer.Line{Number: "+12025550147", Removed: start})
	id := w.create(p)
	for _, row := range []struct {
		name, number string
		answered     bool
		want         cpni.Code
		evidence     string
	}{
		{"the service's number", line, true, "", "customer callback"},
		{"as people write it", "(202) 555-0144", true, "", "customer callback"},
		{"not taken", line, false, "", ""},
		{"a contact number", reached, true, "NOT_TNOR", ""},
		{"another's number", "+12025550188", true, "NOT_TNOR", ""},
		{"no number", "", true, "NOT_TNOR", ""},
		{"a line that begins later", "+12025550145", true, "NOT_TNOR", ""},
		{"a line that was removed", "+12025550147", true, "NOT_TNOR", ""},
		{"a line disturbed just under 72 hours ago", "+12025550146", true, "NOT_TNOR", ""},
		{"and nobody took it", "+12025550146", false, "NOT_TNOR", ""},
		{"a line disturbed 72 hours ago", "+12025550148", true, "", "customer callback"},
	} {
		c := w.contact(id)
		before := len(w.attempts(id))
		if code := w.try(c, Proof{Callback: &Callback{Number: row.number, Answered: row.answered}}); code != row.want || w.evidence(c) != row.evidence {
			t.Errorf("%s: %q, evidence %q (P-20)", row.name, code, w.evidence(c))
		}
		if n := len(w.attempts(id)); n != before+1 {
			t.Errorf("%s: %d attempts on record", row.name, n-before)
		}
	}
}

// cite: P-18, V92, 47 CFR 64.2003(r), 47 CFR 64.2010(d)
func TestPhotoID(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.ann())
	today := time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC) // the first moment of the day in the east
	for _, row := range []struct {
		name     string
		channel  cpni.Channel
		document PhotoID
		want     string // evidence, or a code
	}{
		{"valid", cpni.Store, PhotoID{"Ann Archer", today.AddDate(4, 0, 0), true}, "customer photo-id"},
		{"in capitals", cpni.Store, PhotoID{"ANN  ARCHER", today.AddDate(4, 0, 0), true}, "customer photo-id"},
		{"on its last day", cpni.Store, PhotoID{"Ann Archer", today, true}, "customer photo-id"},
		{"expired yesterday", cpni.Store, PhotoID{"Ann Archer", today.AddDate(0, 0, -1), true}, "PHOTO_ID"},
		{"no date read", cpni.Store, PhotoID{"Ann Archer", time.Time{}, true}, "PHOTO_ID"},
		{"not a government's", cpni.Store, PhotoID{"Ann Archer", today.AddDate(4, 0, 0), false}, "PHOTO_ID"},
		{"another's", cpni.Store, PhotoID{"Cy Carter", today.AddDate(4, 0, 0), true}, "PHOTO_ID"},
		{"no name", cpni.Store, PhotoID{"", today.AddDate(4, 0, 0), true}, "PHOTO_ID"},
		{"a name of marks", cpni.Store, PhotoID{"--", today.AddDate(4, 0, 0), true}, "PHOTO_ID"},
		{"an authorised person's", cpni.Store, PhotoID{"Bo Archer", today.AddDate(4, 0, 0), true}, "authorised photo-id"},
		{"on the telephone", cpni.Phone, PhotoID{"Ann Archer", today.AddDate(4, 0, 0), true}, "METHOD"},
		{"held to a camera", cpni.Online, PhotoID{"Ann Archer", today.AddDate(4, 0, 0), true}, "METHOD"},
	} {
		c := w.contactBy(Opening{Customer: id, Channel: row.channel, Agent: "rep"})
		got := string(w.try(c, Proof{PhotoID: &row.document}))
		if got == "" {
			got = w.evidence(c)
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q (V92)", row.name, got, row.want)
		}
	}
}

// cite: P-16, V97, V98, 47 CFR 64.2010(g)
func TestContract(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	for _, row := range []struct {
		name     string
		business *customer.Business
		agent    cpni.ID
		want     cpni.Code
	}{
		{"both, with the representative", &customer.Business{DedicatedRepresentative: "rep2", ContractCoversCPNI: true}, "rep2", ""},
		{"both, with another agent", &customer.Business{DedicatedRepresentative: "rep2", ContractCoversCPNI: true}, "rep", "NO_EXEMPTION"},
		{"a pooled desk", &customer.Business{ContractCoversCPNI: true}, "rep2", "NO_EXEMPTION"},
		{"a pooled desk, with nobody", &customer.Business{ContractCoversCPNI: true}, "", "NO_EXEMPTION"},
		{"a contract that is silent", &customer.Business{DedicatedRepresentative: "rep2"}, "rep2", "NO_EXEMPTION"},
		{"no business", nil, "rep2", "NO_EXEMPTION"},
	} {
		p := w.lone()
		p.Business = row.business
		c := w.contactBy(Opening{Customer: w.create(p), Channel: cpni.Phone, Agent: row.agent})
		if code := w.try(c, Proof{Contract: true}); code != row.want || (w.evidence(c) != "") != (row.want == "") {
			t.Errorf("%s: %q, evidence %q", row.name, code, w.evidence(c))
		}
	}
}

// When the ledger cannot record, nothing is proved.
//
// cite: P-16, P-41, I-27
func TestNoProofWithoutRecord(t *testing.T) {
	db := storetest.Open(t, "memory:")
	w := newWorld(t, db)
	id := w.create(w.ann())
	c := w.contact(id)
	if err := db.Tx(w.ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(w.ctx, "ALTER TABLE ledger_lane RENAME TO away")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]Proof{"a password": {Password: password}, "a call-back": {Callback: &Callback{Number: line, Answered: true}}, "a claim": {Claim: map[string]string{"voice": "x"}}} {
		_, err := w.Authenticate(w.ctx, c, p)
		var r *cpni.Refusal
		if err == nil || name != "a claim" && errors.As(err, &r) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := w.evidence(c); got != "" {
		t.Errorf("%q", got)
	}
}
