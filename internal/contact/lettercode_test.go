package contact

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// letter sends a code by post in a contact and ends that, and gives the code with the letter's number.
func (w *world) letter(of, c cpni.ID) (code, mark string) {
	w.t.Helper()
	if refused := w.try(c, Proof{SendCode: string(cpni.Postal)}); refused != "" {
		w.t.Fatal(refused)
	}
	all, err := w.outbox.Messages(w.ctx, of)
	if err != nil {
		w.t.Fatal(err)
	}
	m := all[len(all)-1]
	if m.Via != cpni.Postal || m.Until.Sub(w.clock.Now()) != usual.LetterCodeLife {
		w.t.Fatalf("the letter goes by %s and is good for %s", m.Via, m.Until.Sub(w.clock.Now()))
	}
	if err := w.End(w.ctx, c); err != nil {
		w.t.Fatal(err)
	}
	return m.Tokens["code"], w.outbox.Number(m.ID)
}

// A letter takes days, and no contact lives so long. Its code is taken in a later contact, with the number of the letter.
//
// cite: P-21, I-16, I-17
func TestACodeByLetter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		of, other := w.create(w.ann()), w.create(w.lone())
		asked := w.contact(of)
		code, mark := w.letter(of, asked)
		w.clock.advance(5 * 24 * time.Hour)
		for _, row := range []struct {
			name string
			in   cpni.ID
			p    Proof
			want cpni.Code
		}{
			{"without the letter's number", w.contact(of), Proof{Code: code}, "BAD_SECRET"},
			{"in the contact that has ended", asked, Proof{Code: code, Letter: mark}, "TOKEN_SCOPE"},
			{"of another customer", w.contact(other), Proof{Code: code, Letter: mark}, "BAD_SECRET"},
			{"with another number", w.contact(of), Proof{Code: code, Letter: "00000000"}, "BAD_SECRET"},
			{"a wrong code", w.contact(of), Proof{Code: wrong(code), Letter: mark}, "BAD_SECRET"},
			{"as it stands on paper", w.contact(of), Proof{Code: code[:4] + " " + code[4:], Letter: mark[:4] + "-" + mark[4:]}, ""},
			{"once more", w.contact(of), Proof{Code: code, Letter: mark}, "BAD_SECRET"},
		} {
			before := len(w.attempts(of)) + len(w.attempts(other))
			if got := w.try(row.in, row.p); got != row.want {
				t.Errorf("%s: %q, want %q (I-17)", row.name, got, row.want)
			}
			if n := len(w.attempts(of)) + len(w.attempts(other)); n != before+1 {
				t.Errorf("%s: %d attempts on record", row.name, n-before)
			}
			want := map[bool]string{true: "customer code", false: ""}[row.want == ""]
			if got := w.evidence(row.in); got != want && got != "dead" {
				t.Errorf("%s: evidence %q, want %q", row.name, got, want)
			}
		}
	})
}

// cite: P-21, I-17
func TestALettersCodeDies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		of := w.create(w.ann())
		code, mark := w.letter(of, w.contact(of))
		w.clock.advance(usual.LetterCodeLife)
		if got := w.try(w.contact(of), Proof{Code: code, Letter: mark}); got != "BAD_SECRET" {
			t.Errorf("at the end of its life: %q", got)
		}
		code, mark = w.letter(of, w.contact(of))
		for range usual.CodeTries { // in whatever contacts they are made
			if got := w.try(w.contact(of), Proof{Code: wrong(code), Letter: mark}); got != "BAD_SECRET" {
				t.Errorf("a wrong code: %q", got)
			}
		}
		if got := w.try(w.contact(of), Proof{Code: code, Letter: mark}); got != "BAD_SECRET" {
			t.Errorf("after all its tries: %q", got)
		}
		code, mark = w.letter(of, w.contact(of))
		c := w.verified(of)
		if _, err := w.Alter(w.ctx, Alteration{Contact: c, Customer: of, Postal: "2 Oak Ave, Reston, VA 20190"}); err != nil {
			t.Fatal(err)
		}
		if got := w.try(w.contact(of), Proof{Code: code, Letter: mark}); got != "NOT_AOR" {
			t.Errorf("to an address that has left the account: %q (P-21)", got)
		}
	})
}

// cite: I-17
func TestACodeOfALetterWorksOnceWhoeverTriesAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		of := w.create(w.ann())
		for range 5 {
			code, mark := w.letter(of, w.contact(of))
			var all sync.WaitGroup
			var right atomic.Int32
			for range 4 {
				c := w.contact(of)
				all.Go(func() {
					if _, err := w.Authenticate(w.ctx, c, Proof{Code: code, Letter: mark}); err == nil {
						right.Add(1)
					}
				})
			}
			all.Wait()
			if n := right.Load(); n != 1 {
				t.Fatalf("the code was taken %d times (I-17)", n)
			}
		}
	})
}
