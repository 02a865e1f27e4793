package contact

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// guesser tries secrets over many contacts, sources, channels and days.
type guesser struct {
	*world
	of      cpni.ID
	dice    *rand.Rand
	contact cpni.ID
	tried   []time.Time // when a secret was really compared
}

func (g *guesser) guess(p Proof) cpni.Code {
	switch g.dice.IntN(5) {
	case 0: // comes back another hour, or another day
		g.clock.advance(time.Duration(g.dice.Int64N(int64(20 * time.Hour))))
	default:
		g.clock.advance(time.Duration(g.dice.Int64N(int64(time.Minute))))
	}
	if g.contact == "" || g.evidence(g.contact) == "dead" || g.dice.IntN(20) == 0 {
		channels := []cpni.Channel{cpni.Phone, cpni.Online, cpni.Chat, cpni.Store, cpni.Mail}
		g.contact = g.contactBy(Opening{Customer: g.of, Channel: channels[g.dice.IntN(len(channels))], Agent: cpni.ID(fmt.Sprint("rep", g.dice.IntN(9))),
			Source: fmt.Sprint("198.51.100.", g.dice.IntN(200))})
	}
	code := g.try(g.contact, p)
	switch code {
	case "BAD_SECRET":
		g.tried = append(g.tried, g.clock.Now())
	case "LOCKED":
	default:
		g.t.Fatalf("a wrong secret: %q", code)
	}
	return code
}

// Ten thousand guesses, in whatever contacts, from wherever, over whatever time, try as many secrets as the table of threats
// allows and no more, never faster than it allows; and the customer gets in at once.
//
// cite: P-19, I-18, 47 CFR 64.2010(a), 47 CFR 64.2010(b)
func TestGuessing(t *testing.T) {
	const guesses = 10_000
	weak := func(p *customer.Profile) {
		p.Credentials.PIN.Weak = true
	}
	random := func(dice *rand.Rand, digits int) string {
		return fmt.Sprintf("%0*d", digits, dice.IntN(pow10(digits)))
	}
	for _, row := range []struct {
		name  string
		guess func(dice *rand.Rand) Proof
		make  func(p *customer.Profile)
		most  int
	}{
		{"passwords", func(dice *rand.Rand) Proof { return Proof{Password: "guess " + random(dice, 8)} }, func(*customer.Profile) {}, 30},
		{"PINs", func(dice *rand.Rand) Proof { return Proof{PIN: "9" + random(dice, 5)} }, func(*customer.Profile) {}, 10},
		{"PINs of four digits", func(dice *rand.Rand) Proof { return Proof{PIN: "9" + random(dice, 3)} }, weak, 5},
		{"everything by turns", func(dice *rand.Rand) Proof {
			return []Proof{{Password: "guess " + random(dice, 8)}, {PIN: "9" + random(dice, 5)}, {Backup: map[string]string{question: random(dice, 4)}}}[dice.IntN(3)]
		}, func(*customer.Profile) {}, 30},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, storetest.Open(t, "memory:"))
			p := w.ann()
			row.make(&p)
			g := &guesser{world: w, of: w.create(p), dice: rand.New(rand.NewPCG(1, 2))}
			for range guesses {
				g.guess(row.guess(g.dice))
			}
			if len(g.tried) != row.most {
				t.Errorf("%d secrets were compared, want %d (I-18)", len(g.tried), row.most)
			}
			perDay := map[string]int{}
			for i, at := range g.tried {
				perDay[at.Format(time.DateOnly)]++
				if i+1 == len(g.tried) {
					continue
				}
				least := time.Duration(0)
				if i+1 >= usual.Customer.FreeTries {
					least = min(usual.Customer.FirstDelay<<(i+1-usual.Customer.FreeTries), 24*time.Hour)
				}
				if perDay[at.Format(time.DateOnly)]%usual.Customer.PerDay == 0 {
					least = max(least, usual.Customer.Closed)
				}
				if gap := g.tried[i+1].Sub(at); gap < least {
					t.Errorf("%s between the tries %d and %d, want %s (I-18)", gap, i+1, i+2, least)
				}
			}
			// The true customer, at once.
			c := w.contact(g.of)
			if code := w.try(c, Proof{Password: password}); code != "LOCKED" && len(g.tried) == usual.Customer.InAll {
				t.Errorf("the password after %d guesses: %q", len(g.tried), code)
			}
			if code := w.try(c, Proof{SendCode: "email"}); code != "" {
				t.Fatalf("a code to record: %q", code)
			}
			if code := w.try(c, Proof{Code: w.sent(g.of)}); code != "" {
				t.Fatalf("the code: %q", code)
			}
			for _, p := range []Proof{{Password: password}, {PIN: pin}} {
				if code := w.try(c, p); code != "" {
					t.Errorf("and after it the secret itself: %q", code)
				}
			}
		})
	}
}

func pow10(n int) int {
	all := 1
	for range n {
		all *= 10
	}
	return all
}

// Guesses at one moment, in several contacts and through several nodes, get no further than one after the other.
//
// cite: P-19, I-18
func TestGuessesAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		nodes := []*Desk{w.Desk, w.node(db), w.node(db)}
		id := w.create(w.ann())
		contacts := []cpni.ID{w.contact(id), w.contact(id), w.contact(id), w.contact(id)}
		var compared, locked atomic.Int64
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				proof := []Proof{{Password: "guess"}, {PIN: "999999"}, {Backup: map[string]string{question: "guess"}}}[i%3]
				_, err := nodes[i%3].Authenticate(w.ctx, contacts[i%4], proof)
				switch w.code(err) {
				case "BAD_SECRET":
					compared.Add(1)
				case "LOCKED":
					locked.Add(1)
				}
			})
		}
		all.Wait()
		if int(compared.Load()) != usual.Customer.FreeTries || compared.Load()+locked.Load() != 60 {
			t.Errorf("%d secrets were compared and %d refused, want %d and the rest (I-18)", compared.Load(), locked.Load(), usual.Customer.FreeTries)
		}
		if n := len(w.attempts(id)); n != 60 {
			t.Errorf("%d attempts on record, want 60", n)
		}
	})
}

// Every other way of proof opens the secrets again.
//
// cite: P-18, I-18, 47 CFR 64.2010(b)
func TestAnotherProofOpensSecrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		for name, prove := range map[string]func(c cpni.ID) cpni.Code{
			"call-back": func(c cpni.ID) cpni.Code { return w.try(c, Proof{Callback: &Callback{Number: line, Answered: true}}) },
			"photo ID": func(c cpni.ID) cpni.Code {
				return w.try(c, Proof{PhotoID: &PhotoID{Name: "Ann Archer", Expires: w.clock.Now(), Government: true}})
			},
			"code": func(c cpni.ID) cpni.Code {
				w.try(c, Proof{SendCode: "postal"})
				return w.try(c, Proof{Code: w.sent(id)})
			},
		} {
			w.clock.advance(24 * time.Hour)
			c := w.contactBy(Opening{Customer: id, Channel: cpni.Store, Agent: "rep"})
			for range usual.Customer.FreeTries {
				w.try(c, Proof{Password: "guess"})
			}
			if code := w.try(c, Proof{Password: password}); code != "LOCKED" {
				t.Fatalf("%s: before: %q", name, code)
			}
			if code := prove(c); code != "" {
				t.Errorf("%s: %q", name, code)
			}
			if code := w.try(c, Proof{Password: password}); code != "" {
				t.Errorf("%s: and then the password: %q", name, code)
			}
		}
		// What is no reaching out opens nothing: a call that nobody takes, a contract, a right backup answer.
		c := w.contactBy(Opening{Customer: id, Channel: cpni.Phone, Agent: "rep2"})
		if code := w.try(c, Proof{Backup: map[string]string{question: answer}}); code != "" {
			t.Fatal(code)
		}
		for range usual.Customer.FreeTries {
			w.try(c, Proof{Password: "guess"})
		}
		for name, p := range map[string]Proof{"a call that nobody takes": {Callback: &Callback{Number: line}}, "a contract": {Contract: true}} {
			if code := w.try(c, p); code != "" {
				t.Fatalf("%s: %q", name, code)
			}
			if code := w.try(c, Proof{Password: password}); code != "LOCKED" {
				t.Errorf("%s opens the secrets: %q", name, code)
			}
		}
	})
}

// An authorised person cannot guess at the customer's PIN by turns with giving their own right password.
//
// cite: I-18, 47 CFR 64.2003(f)
func TestOwnSecretForgivesNoGuesses(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.ann())
	compared := 0
	for range 2000 {
		w.clock.advance(7 * time.Hour)
		c := w.contact(id)
		if w.try(c, Proof{PIN: "999999"}) == "BAD_SECRET" {
			compared++
		}
		w.clock.advance(20 * time.Minute)
		w.try(c, Proof{Password: "red-fox-77"})
	}
	if compared != usual.Customer.InAllPIN {
		t.Errorf("%d PINs were compared, want %d (I-18)", compared, usual.Customer.InAllPIN)
	}
	if code := w.try(w.contact(id), Proof{Password: "red-fox-77"}); code != "" {
		t.Errorf("and their own password is closed to them: %q", code)
	}
}

// A PIN that was taken over from an old system bears as few tries as the policy says.
//
// cite: P-19, I-18
func TestWeakPINs(t *testing.T) {
	for _, most := range []int{3, 7} {
		w := newWorld(t, storetest.Open(t, "memory:"))
		w.rules.Customer.InAllWeak = most
		p := w.lone()
		p.Credentials.PIN.Weak = true
		id := w.create(p)
		n := 0
		for range 50 {
			w.clock.advance(25 * time.Hour)
			if w.try(w.contact(id), Proof{PIN: "9999"}) == "BAD_SECRET" {
				n++
			}
		}
		if n != most {
			t.Errorf("%d weak PINs were compared, want %d", n, most)
		}
		if code := w.try(w.contact(id), Proof{Password: password}); code != "" {
			t.Errorf("the password, which is not weak: %q", code)
		}
	}
	w := newWorld(t, storetest.Open(t, "memory:"))
	w.rules.Customer = ThrottleRules{}
	if code := w.try(w.contact(w.create(w.lone())), Proof{Password: password}); code != "LOCKED" {
		t.Errorf("without any numbers a password is taken: %q", code)
	}
}

// Somebody who tries one secret each of many customers is slowed down where they are. Right secrets there do not count, and
// what is refused there does not count against the customers.
//
// cite: I-18, 47 CFR 64.2010(a)
func TestGuessesFromOnePlace(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	from := func(place string, of cpni.ID) cpni.ID {
		return w.contactBy(Opening{Customer: of, Channel: cpni.Online, Source: place})
	}
	good := w.create(w.lone())
	for range 200 {
		if code := w.try(from("the shop", good), Proof{Password: password}); code != "" {
			t.Fatalf("right passwords close the place: %q", code)
		}
	}
	victims, compared := make([]cpni.ID, 60), 0
	for i := range victims {
		victims[i] = w.create(w.lone())
		if w.try(from("the shop", victims[i]), Proof{PIN: "999999"}) == "BAD_SECRET" {
			compared++
		}
	}
	if compared != usual.Source.FreeTries {
		t.Errorf("%d secrets were compared at one moment, want %d", compared, usual.Source.FreeTries)
	}
	if n, err := throttle.Streak(w.ctx, w.db.Reader(), victims[59], secrets); err != nil || n != 0 {
		t.Errorf("a try that the place was refused counts against the customer: %d, %v", n, err)
	}
	if code := w.try(from("elsewhere", good), Proof{Password: password}); code != "" {
		t.Errorf("elsewhere: %q", code)
	}
	w.clock.advance(usual.Source.LongestDelay)
	if code := w.try(from("the shop", good), Proof{Password: password}); code != "" {
		t.Errorf("a minute later: %q", code)
	}
}

// When secrets of many customers are tried at once, from everywhere, the easiest to guess are not taken for that hour.
//
// cite: I-18, 47 CFR 64.2010(a)
func TestSurgeClosesWeakPINs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.rules.Surge = 20
		weak := w.lone()
		weak.Credentials.PIN.Weak = true
		old, strong := w.create(weak), w.create(w.lone())
		for i := range w.rules.Surge {
			if code := w.try(w.contact(old), Proof{PIN: pin}); code != "" {
				t.Fatalf("after %d failures: %q", i, code)
			}
			w.try(w.contact(w.create(w.lone())), Proof{Password: "guess"})
		}
		if code := w.try(w.contact(old), Proof{PIN: pin}); code != "LOCKED" {
			t.Errorf("a weak PIN in a surge: %q", code)
		}
		for name, code := range map[string]cpni.Code{"a good PIN": w.try(w.contact(strong), Proof{PIN: pin}), "a password": w.try(w.contact(old), Proof{Password: password})} {
			if code != "" {
				t.Errorf("%s in a surge: %q", name, code)
			}
		}
		w.clock.advance(time.Hour)
		if code := w.try(w.contact(old), Proof{PIN: pin}); code != "" {
			t.Errorf("an hour later: %q", code)
		}
	})
}

// Questions are asked before secrets have failed, not in their place.
//
// cite: P-22, I-18, 47 CFR 64.2010(e)
func TestQuestionsAfterFailures(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.ann())
	c := w.contact(id)
	for range usual.Customer.FreeTries - 1 {
		w.try(c, Proof{Password: "guess"})
	}
	if code := w.try(c, Proof{Backup: map[string]string{question: answer}}); code != "" {
		t.Errorf("who has forgotten the password: %q", code)
	}
	w.try(c, Proof{Password: "guess"})
	w.clock.advance(time.Hour)
	if code := w.try(w.contact(id), Proof{Backup: map[string]string{question: answer}}); code != "LOCKED" {
		t.Errorf("who guesses: %q", code)
	}
}

// Who fails on purpose all day, by every means, keeps the customer out of none of the ways that do not rest on secrets.
//
// cite: P-19, P-20, P-21, 47 CFR 64.2010(a), 47 CFR 64.2010(d)
func TestLockingOutOnPurpose(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		annoy := func(c cpni.ID) {
			for _, p := range []Proof{{Password: "x"}, {PIN: "000000"}, {Backup: map[string]string{question: "x"}}, {Claim: map[string]string{"born": "1980-04-02"}},
				{Callback: &Callback{Number: reached, Answered: true}}, {PhotoID: &PhotoID{Name: "Ann Archer", Expires: w.clock.Now(), Government: true}}, {Code: "000000"}, {SendCode: "sms"}} {
				if code := w.try(c, p); code == "" {
					t.Fatalf("%+v was taken", p)
				}
			}
		}
		for range 48 {
			w.clock.advance(30 * time.Minute)
			c := w.contactBy(Opening{Customer: id, Channel: cpni.Phone, Agent: "rep", Caller: line, Source: "198.51.100.7"})
			for range 3 {
				annoy(c)
			}
		}
		c := w.contact(id)
		if code := w.try(c, Proof{Password: password}); code != "LOCKED" {
			t.Fatalf("the password: %q", code)
		}
		for name, prove := range map[string]func() cpni.Code{
			"call-back": func() cpni.Code {
				return w.try(w.contact(id), Proof{Callback: &Callback{Number: line, Answered: true}})
			},
			"code": func() cpni.Code {
				c := w.contact(id)
				if code := w.try(c, Proof{SendCode: "email"}); code != "" {
					return code
				}
				return w.try(c, Proof{Code: w.sent(id)})
			},
			"photo ID": func() cpni.Code {
				return w.try(w.contactBy(Opening{Customer: id, Channel: cpni.Store, Agent: "rep"}), Proof{PhotoID: &PhotoID{Name: "ANN ARCHER", Expires: w.clock.Now(), Government: true}})
			},
		} {
			if code := prove(); code != "" {
				t.Errorf("%s: %q", name, code)
			}
		}
		if code := w.try(c, Proof{Password: password}); code != "" {
			t.Errorf("and after one of them the password: %q", code)
		}
	})
}
