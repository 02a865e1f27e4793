package contact

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A code works in its contact, within its life, once, and while it has tries.
//
// cite: P-18, P-20, P-21, I-17, 47 CFR 64.2010(b)
func TestCode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		for _, row := range []struct {
			name string
			try  func(c cpni.ID) cpni.Code
			want cpni.Code
		}{
			{"right", func(c cpni.ID) cpni.Code { return w.try(c, Proof{Code: w.sent(id)}) }, ""},
			{"right, as people write it", func(c cpni.ID) cpni.Code { return w.try(c, Proof{Code: w.sent(id)[:4] + "-" + w.sent(id)[4:] + " "}) }, ""},
			{"wrong", func(c cpni.ID) cpni.Code { return w.try(c, Proof{Code: wrong(w.sent(id))}) }, "BAD_SECRET"},
			{"no digits", func(c cpni.ID) cpni.Code { return w.try(c, Proof{Code: "-"}) }, "BAD_SECRET"},
			{"endless", func(c cpni.ID) cpni.Code { return w.try(c, Proof{Code: w.sent(id) + strings.Repeat(" ", 1<<16)}) }, "BAD_SECRET"},
			{"twice", func(c cpni.ID) cpni.Code {
				w.try(c, Proof{Code: w.sent(id)})
				return w.try(c, Proof{Code: w.sent(id)})
			}, "BAD_SECRET"},
			{"after two wrong ones", func(c cpni.ID) cpni.Code {
				w.try(c, Proof{Code: wrong(w.sent(id))})
				w.try(c, Proof{Code: wrong(w.sent(id))})
				return w.try(c, Proof{Code: w.sent(id)})
			}, ""},
			{"after three wrong ones", func(c cpni.ID) cpni.Code {
				for range 3 {
					w.try(c, Proof{Code: wrong(w.sent(id))})
				}
				return w.try(c, Proof{Code: w.sent(id)})
			}, "BAD_SECRET"},
			{"in its last moment", func(c cpni.ID) cpni.Code {
				w.clock.advance(usual.CodeLife - time.Microsecond)
				return w.try(c, Proof{Code: w.sent(id)})
			}, ""},
			{"too late", func(c cpni.ID) cpni.Code {
				w.clock.advance(usual.CodeLife)
				return w.try(c, Proof{Code: w.sent(id)})
			}, "BAD_SECRET"},
			{"in another contact", func(c cpni.ID) cpni.Code { return w.try(w.contact(id), Proof{Code: w.sent(id)}) }, "BAD_SECRET"},
			{"after another was sent", func(c cpni.ID) cpni.Code {
				old := w.sent(id)
				w.try(c, Proof{SendCode: mobile})
				return w.try(c, Proof{Code: old})
			}, "BAD_SECRET"},
			{"after the contact ended", func(c cpni.ID) cpni.Code {
				if err := w.End(w.ctx, c); err != nil {
					t.Fatal(err)
				}
				return w.try(c, Proof{Code: w.sent(id)})
			}, "TOKEN_SCOPE"},
		} {
			w.clock.advance(time.Hour)
			c := w.contact(id)
			if code := w.try(c, Proof{SendCode: "email"}); code != "" {
				t.Fatalf("%s: sending: %q", row.name, code)
			}
			before := len(w.attempts(id))
			if got := row.try(c); got != row.want {
				t.Errorf("%s: %q, want %q (I-17)", row.name, got, row.want)
			}
			if len(w.attempts(id)) == before {
				t.Errorf("%s: no attempt is on record", row.name)
			}
			if proved := w.evidence(c) == "customer code"; proved != (row.want == "") && row.name != "twice" {
				t.Errorf("%s: evidence is %q (I-17)", row.name, w.evidence(c))
			}
		}
	})
}

// Of many who give the right code at once, on several nodes, one is let in; and wrong ones have no more tries for coming at
// once.
//
// cite: I-17
func TestCodesAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		nodes := []*Desk{w.Desk, w.node(db), w.node(db)}
		for range 3 {
			id := w.create(w.lone())
			c := w.contact(id)
			if code := w.try(c, Proof{SendCode: "email"}); code != "" {
				t.Fatal(code)
			}
			right := w.sent(id)
			var in, out atomic.Int64
			var all sync.WaitGroup
			for i := range 30 {
				all.Go(func() {
					_, err := nodes[i%3].Authenticate(w.ctx, c, Proof{Code: right})
					if w.code(err) == "" {
						in.Add(1)
					} else {
						out.Add(1)
					}
				})
			}
			all.Wait()
			if in.Load() != 1 || out.Load() != 29 {
				t.Fatalf("%d were let in and %d not, want 1 and 29 (I-17)", in.Load(), out.Load())
			}
			if n := len(w.attempts(id)); n != 31 {
				t.Errorf("%d attempts on record, want 31", n)
			}

			if code := w.try(c, Proof{SendCode: "email"}); code != "" {
				t.Fatal(code)
			}
			right = w.sent(id)
			for i := range 30 {
				all.Go(func() { _, _ = nodes[i%3].Authenticate(w.ctx, c, Proof{Code: wrong(right)}) })
			}
			all.Wait()
			if code := w.try(c, Proof{Code: right}); code != "BAD_SECRET" {
				t.Errorf("after 30 wrong ones at once: %q (I-17)", code)
			}
		}
	})
}

// Codes sent, given right and wrong, to several contacts, over time: a right one counts exactly when its contact has it out,
// lives, and has tries left.
//
// cite: I-17
func TestCodesInAnyOrder(t *testing.T) {
	storetest.Each(t, codesInAnyOrder)
}

func codesInAnyOrder(t *testing.T, db *store.DB) {
	type out struct {
		code  string
		until time.Time
		tries int
	}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, db)
		w.rules.CodesFree, w.rules.CodesPerContact = 1000, 1000 // how many may be sent is another test's
		id := w.create(w.lone())
		contacts := []cpni.ID{w.contact(id), w.contact(id)}
		codes := map[cpni.ID]*out{}
		var spent []string
		pick := func(t *rapid.T) cpni.ID { return rapid.SampledFrom(contacts).Draw(t, "contact") }
		give := func(t *rapid.T, c cpni.ID, code string) {
			o, now := codes[c], w.clock.Now()
			want := o != nil && o.code == code && o.tries > 0 && now.Before(o.until)
			if got := w.try(c, Proof{Code: code}) == ""; got != want {
				t.Fatalf("a code was taken: %v, want %v (I-17)", got, want)
			}
			switch {
			case want:
				spent = append(spent, code)
				delete(codes, c)
			case o != nil:
				o.tries--
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				c := pick(t)
				if code := w.try(c, Proof{SendCode: "email"}); code != "" {
					t.Fatal(code)
				}
				s, _, err := w.Get(w.ctx, c)
				if err != nil {
					t.Fatal(err)
				}
				all, err := w.outbox.Messages(w.ctx, id)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range all {
					if m.ID == s.Code.Message {
						codes[c] = &out{m.Tokens["code"], w.clock.Now().Add(usual.CodeLife), usual.CodeTries}
					}
				}
			},
			"right": func(t *rapid.T) {
				if c := pick(t); codes[c] != nil {
					give(t, c, codes[c].code)
				}
			},
			"another contact's": func(t *rapid.T) {
				if codes[contacts[0]] != nil {
					give(t, contacts[1], codes[contacts[0]].code)
				}
			},
			"spent": func(t *rapid.T) {
				if len(spent) > 0 {
					give(t, pick(t), rapid.SampledFrom(spent).Draw(t, "spent"))
				}
			},
			"wrong": func(t *rapid.T) { give(t, pick(t), "no code") },
			"time": func(t *rapid.T) {
				w.clock.advance(time.Duration(rapid.Int64Range(1, 4*60).Draw(t, "seconds")) * time.Second)
				for i, c := range contacts {
					if w.evidence(c) == "dead" {
						contacts[i] = w.contact(id)
					}
				}
			},
		})
	})
}

// A code is worth nothing once the place it went to is not the customer's any more: somebody else may have read it. What was
// still on its way there is taken back.
//
// cite: P-20, P-21, I-17, 47 CFR 64.2003(b), 47 CFR 64.2003(q)
func TestCodeToALostPlace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for _, row := range []struct {
			name, to string
			lose     func(id, c cpni.ID) error
			want     cpni.Code
		}{
			{"service ended", line, func(id, _ cpni.ID) error { return w.EndService(w.ctx, id, "test") }, "NOT_TNOR"},
			{"the line was removed", mobile, func(id, _ cpni.ID) error {
				_, err := w.Alter(w.ctx, Alteration{Contact: w.verified(id), LineRemove: mobile})
				return err
			}, "NOT_TNOR"},
			{"a new SIM", mobile, func(id, _ cpni.ID) error {
				return w.Disturb(w.ctx, Disturbance{Customer: id, Number: mobile, What: "sim", By: "network"})
			}, "NOT_TNOR"},
			{"another's new SIM", line, func(id, _ cpni.ID) error {
				return w.Disturb(w.ctx, Disturbance{Customer: id, Number: mobile, What: "sim", By: "network"})
			}, ""},
			{"another address", "email", func(id, _ cpni.ID) error {
				_, err := w.Alter(w.ctx, Alteration{Contact: w.verified(id), Email: "new@example.org"})
				return err
			}, "NOT_AOR"},
			{"another postal address", "email", func(id, _ cpni.ID) error {
				_, err := w.Alter(w.ctx, Alteration{Contact: w.verified(id), Postal: "2 Main St"})
				return err
			}, ""},
		} {
			id := w.create(w.ann())
			c := w.contact(id)
			if code := w.try(c, Proof{SendCode: row.to}); code != "" {
				t.Fatalf("%s: sending: %q", row.name, code)
			}
			code := w.sent(id)
			if err := row.lose(id, c); err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			if strings.HasPrefix(string(row.want), "NOT_TNOR") {
				for _, m := range w.messagesTo(id, row.to) {
					if m.State != notify.Cancelled {
						t.Errorf("%s: a message to the line is %s", row.name, m.State)
					}
				}
			}
			if got := w.try(c, Proof{Code: code}); got != row.want {
				t.Errorf("%s: %q, want %q (I-17)", row.name, got, row.want)
			}
			if row.want != "" {
				if got := w.try(c, Proof{Code: code}); got != "BAD_SECRET" {
					t.Errorf("%s: and again: %q", row.name, got)
				}
			}
			if err := w.book.Forget(w.ctx, id, "test"); err != nil { // the numbers are free for the next row
				t.Fatal(err)
			}
		}
	})
}

// messagesTo lists the messages that go to one place.
func (w *world) messagesTo(of cpni.ID, to string) []notify.Message {
	w.t.Helper()
	all, err := w.outbox.Messages(w.ctx, of)
	if err != nil {
		w.t.Fatal(err)
	}
	var some []notify.Message
	for _, m := range all {
		if m.To == to {
			some = append(some, m)
		}
	}
	return some
}

// Where a code can go, how it is told, and how long it is there.
//
// cite: P-20, P-21, 47 CFR 64.2003(b), 47 CFR 64.2003(q), NIST SP 800-63B
func TestWhereCodesGo(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	p := w.ann()
	p.Email = append(p.Email, customer.Address{Value: "young@example.org", Since: start.Add(-719 * time.Hour)})
	p.Lines = append(p.Lines, customer.Line{Number: "+12025550145", Since: start.Add(time.Hour)},
		customer.Line{Number: "+12025550146", Disturbed: start.Add(-time.Hour)}, customer.Line{Number: "+12025550147", Removed: start.Add(-time.Hour)})
	id := w.create(p)
	for _, row := range []struct {
		to     string
		code   cpni.Code
		via    cpni.Via
		place  string
		digits int
	}{
		{"email", "", cpni.Email, "ann@example.com", 8}, // not the one that is too young
		{"postal", "", cpni.Postal, "1 Main St, Springfield, VA 22150", 8},
		{line, "", cpni.Voice, line, 6},
		{"202 555 0144", "", cpni.Text, mobile, 6},
		{"+12025550145", "NOT_TNOR", "", "", 0}, // begins in an hour
		{"+12025550146", "NOT_TNOR", "", "", 0},
		{"+12025550147", "NOT_TNOR", "", "", 0},
		{reached, "NOT_TNOR", "", "", 0},
		{"+12025550199", "NOT_TNOR", "", "", 0},
		{"young@example.org", "NOT_TNOR", "", "", 0},
		{"sms", "NOT_TNOR", "", "", 0},
	} {
		c := w.contact(id)
		if code := w.try(c, Proof{SendCode: row.to}); code != row.code {
			t.Errorf("to %q: %q, want %q", row.to, code, row.code)
		}
		s, _, err := w.Get(w.ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if row.code != "" {
			if s.Code != nil {
				t.Errorf("to %q: a code is out", row.to)
			}
			continue
		}
		if code := w.sent(id); s.Code.Via != row.via || s.Code.Place != row.place || len(code) != row.digits || digitsOf(code) != code {
			t.Errorf("to %q: %+v with %d digits", row.to, s.Code, len(code))
		}
		w.try(c, Proof{Code: w.sent(id)})
	}
	// However few digits and tries a policy asks for, a code is none that can be guessed.
	w.rules.SpokenDigits, w.rules.WrittenDigits = 0, 1
	c := w.contact(id)
	if w.try(c, Proof{SendCode: line}) != "" || len(w.sent(id)) != fewestDigits {
		t.Errorf("a code of %d digits", len(w.sent(id)))
	}
}

// Who asks for code after code gets longer ones, at longer intervals, and cannot keep the customer from theirs for longer
// than the pause.
//
// cite: P-18, I-18, 47 CFR 64.2010(a)
func TestManyCodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		sent, digits := 0, map[int]int{}
		for range 6 * 60 { // a guesser who tries every minute of a morning, in contact after contact
			w.clock.advance(time.Minute)
			c := w.contact(id)
			if w.try(c, Proof{SendCode: line}) == "" {
				sent++
				digits[len(w.sent(id))]++
				for range usual.CodeTries {
					w.try(c, Proof{Code: wrong(w.sent(id))})
				}
			}
		}
		r := usual.complete()
		if most := r.CodesFree + int(6*time.Hour/r.CodePause); sent > most || digits[6] != r.CodesFree || digits[6]+digits[8] != sent {
			t.Errorf("%d codes, by digits %v; want at most %d and %d short ones", sent, digits, most, r.CodesFree)
		}
		// The customer, meanwhile.
		w.clock.advance(r.CodePause)
		c := w.contact(id)
		if code := w.try(c, Proof{SendCode: "email"}); code != "" {
			t.Fatalf("the customer gets no code: %q", code)
		}
		if code := w.try(c, Proof{Code: w.sent(id)}); code != "" {
			t.Fatalf("the customer's code: %q", code)
		}
		// And after that codes are as before; in one contact there are only so many.
		c = w.contact(id)
		for i := range r.CodesPerContact {
			if code := w.try(c, Proof{SendCode: line}); code != "" || len(w.sent(id)) != 6 {
				t.Fatalf("code %d: %q, %d digits", i, code, len(w.sent(id)))
			}
			if code := w.try(c, Proof{Code: w.sent(id)}); code != "" {
				t.Fatal(code)
			}
		}
		if code := w.try(c, Proof{SendCode: line}); code != "LOCKED" {
			t.Errorf("one code more in the same contact: %q", code)
		}
	})
}
