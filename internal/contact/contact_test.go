package contact

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// modelled is what a test knows of a contact: in it something counts only while it lives.
type modelled struct {
	id             cpni.ID
	of             cpni.ID
	opened, active time.Time
	ended          bool
	methods        []string
}

func (m *modelled) live(now time.Time) bool {
	return !m.ended && now.Before(m.active.Add(usual.Idle)) && now.Before(m.opened.Add(usual.Longest))
}

// Whatever happens in whatever order: what was proved counts in its own contact only, and dies with it: when it is hung up,
// when nothing happens for half an hour, and after two hours in all.
//
// cite: P-16, P-42, I-16, 47 CFR 64.2010(a)
func TestEvidenceDiesWithItsContact(t *testing.T) {
	db := storetest.Open(t, "memory:")
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, db)
		other := w.node(db) // another process that works on the same contacts
		w.clock.advance(time.Duration(rapid.Int64Range(0, 1e6).Draw(t, "later")) * time.Second)
		customers := []cpni.ID{w.create(w.lone()), w.create(w.lone())}
		var all []*modelled
		pick := func(t *rapid.T) *modelled {
			if len(all) == 0 {
				t.Skip("no contact yet")
			}
			return rapid.SampledFrom(all).Draw(t, "contact")
		}
		desk := func(t *rapid.T) *Desk { return rapid.SampledFrom([]*Desk{w.Desk, other}).Draw(t, "node") }
		prove := func(t *rapid.T, p Proof, method string) {
			m := pick(t)
			live := m.live(w.clock.Now())
			_, err := desk(t).Authenticate(w.ctx, m.id, p)
			if code := w.code(err); live && code != "" || !live && code != "TOKEN_SCOPE" {
				t.Fatalf("a proof in a contact that lives (%v): %q (I-16)", live, code)
			}
			if live {
				m.active = w.clock.Now()
				m.methods = append(m.methods, method)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"open": func(t *rapid.T) {
				of := rapid.SampledFrom(customers).Draw(t, "customer")
				s, err := desk(t).Open(w.ctx, Opening{Customer: of, Channel: cpni.Store, Agent: "rep"})
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, &modelled{id: s.ID, of: of, opened: w.clock.Now(), active: w.clock.Now()})
			},
			"password": func(t *rapid.T) { prove(t, Proof{Password: password}, "password") },
			"photo ID": func(t *rapid.T) {
				prove(t, Proof{PhotoID: &PhotoID{Name: "Ann Archer", Expires: w.clock.Now(), Government: true}}, "photo-id")
			},
			"claim": func(t *rapid.T) {
				m := pick(t)
				live := m.live(w.clock.Now())
				_, err := desk(t).Authenticate(w.ctx, m.id, Proof{Claim: map[string]string{"ssn4": "6789"}})
				if code := w.code(err); live && code != "METHOD" || !live && code != "TOKEN_SCOPE" {
					t.Fatalf("a claim in a contact that lives (%v): %q", live, code)
				}
				if live {
					m.active = w.clock.Now()
				}
			},
			"change": func(t *rapid.T) {
				m := pick(t)
				want := cpni.Code("")
				switch {
				case !m.live(w.clock.Now()):
					want = "TOKEN_SCOPE"
				case len(m.methods) == 0:
					s, _, err := w.Get(w.ctx, m.id)
					if err != nil {
						t.Fatal(err)
					}
					if want = "UNAUTHENTICATED"; len(s.Claims) > 0 {
						want = "ENROL"
					}
				}
				_, err := desk(t).Alter(w.ctx, Alteration{Contact: m.id, Postal: "1 New St " + string(cpni.NewID())})
				if code := w.code(err); code != want {
					t.Fatalf("a change: %q, want %q (I-16)", code, want)
				}
				if want == "" {
					m.active = w.clock.Now()
				}
			},
			"touch": func(t *rapid.T) {
				m := pick(t)
				d := desk(t)
				s, _, err := d.Get(w.ctx, m.id)
				if err != nil {
					t.Fatal(err)
				}
				now := w.clock.Now()
				if err := d.Touch(w.ctx, s, now); err != nil {
					t.Fatal(err)
				}
				if m.live(now) && now.Sub(m.active) >= touchEvery {
					m.active = now
				}
			},
			"hang up": func(t *rapid.T) {
				m := pick(t)
				if err := desk(t).End(w.ctx, m.id); err != nil {
					t.Fatal(err)
				}
				m.ended = true
			},
			"time": func(t *rapid.T) {
				w.clock.advance(time.Duration(rapid.Int64Range(1, 35*60).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				now := w.clock.Now()
				for _, m := range all {
					for _, d := range []*Desk{w.Desk, other} {
						s, _, err := d.Get(w.ctx, m.id)
						if err != nil {
							t.Fatal(err)
						}
						f := d.Facts(s, m.of, now)
						if f.Live != m.live(now) || !f.Same || (len(f.Evidence) > 0) != (len(m.methods) > 0) {
							t.Fatalf("%+v, want live %v, proved %v (I-16)", f, m.live(now), m.methods)
						}
						// Of another customer it says nothing.
						for _, c := range customers {
							if c != m.of && d.Facts(s, c, now).Same {
								t.Fatalf("evidence of one customer counts for another (I-16)")
							}
						}
						// What this node remembers never outlives what is so.
						if s, _, err := d.Recent(w.ctx, m.id); err != nil || d.Live(s, now) != m.live(now) {
							t.Fatalf("remembered as live %v, %v", d.Live(s, now), err)
						}
					}
				}
			},
		})
	})
}

// The hours of a contact, to the microsecond.
//
// cite: P-42, I-16
func TestContactEndsByItself(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.ann())
	idle := w.verified(id)
	w.clock.advance(usual.Idle - time.Microsecond)
	if got := w.evidence(idle); got != "customer password" {
		t.Errorf("a microsecond before half an hour: %q", got)
	}
	w.clock.advance(time.Microsecond)
	if got := w.evidence(idle); got != "dead" {
		t.Errorf("after half an hour: %q", got)
	}
	s, _, err := w.Get(w.ctx, idle)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Touch(w.ctx, s, w.clock.Now()); err != nil || w.evidence(idle) != "dead" {
		t.Errorf("a touch brought it back: %q, %v", w.evidence(idle), err)
	}
	long := w.verified(id)
	for range 11 {
		w.clock.advance(10 * time.Minute)
		if code := w.try(long, Proof{Callback: &Callback{Number: line, Answered: true}}); code != "" {
			t.Fatal(code)
		}
	}
	w.clock.advance(10*time.Minute - time.Microsecond)
	if got := w.evidence(long); got != "customer password callback" {
		t.Errorf("a microsecond before two hours: %q", got)
	}
	w.clock.advance(time.Microsecond)
	if got := w.evidence(long); got != "dead" {
		t.Errorf("after two hours: %q", got)
	}
}

// Evidence that has an end of its own dies at it.
//
// cite: P-16, I-16
func TestEvidenceEnds(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	s := &State{Speaker: Customer, Opened: start, active: start, Evidence: []rules.Evidence{{Method: cpni.ByCode, At: start, Until: start.Add(time.Minute)}}}
	if f := w.Facts(s, "", start); len(f.Evidence) != 1 || w.unproved(s, start) != nil {
		t.Errorf("%+v", f)
	}
	if f := w.Facts(s, "", start.Add(time.Minute)); len(f.Evidence) != 0 || w.unproved(s, start.Add(time.Minute)) == nil {
		t.Errorf("%+v", f)
	}
}

// When another person speaks, what the first proved is not theirs.
//
// cite: P-16, I-16, 47 CFR 64.2003(f)
func TestSpeakers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		c := w.verified(id)
		for _, step := range []struct {
			proof Proof
			want  string
		}{
			{Proof{PIN: pin}, "customer password pin"},
			{Proof{PIN: pin}, "customer password pin"},
			{Proof{Password: "Red Fox 77"}, "authorised password"},
			{Proof{Callback: &Callback{Number: line, Answered: true}}, "customer callback"},
			{Proof{Password: "red-fox-77"}, "authorised password"},
			{Proof{Backup: map[string]string{question: answer}}, "customer backup"},
			{Proof{Password: password}, "customer backup password"},
		} {
			if code := w.try(c, step.proof); code != "" || w.evidence(c) != step.want {
				t.Errorf("%q, %q, want %q", code, w.evidence(c), step.want)
			}
		}
		s, _, err := w.Get(w.ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		s.Speaker = authorised + "Bo Archer"
		if f := w.Facts(s, id, start); f.Speaker != string(cpni.ToAuthorised) {
			t.Errorf("facts hold the name in %q", f.Speaker)
		}
		if name, ok := s.Authorised(); name != "Bo Archer" || !ok {
			t.Errorf("%q, %v", name, ok)
		}
	})
}

// cite: P-42
func TestOpen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		gone := w.create(w.lone())
		if err := w.book.Forget(w.ctx, gone, "test"); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			name string
			o    Opening
			want cpni.Code
			err  error
		}{
			{"a channel that is none", Opening{Customer: id, Channel: "fax"}, "CHANNEL", nil},
			{"an endless number", Opening{Customer: id, Channel: cpni.Phone, Caller: strings.Repeat("5", longestCaller+1)}, "BAD_INPUT", nil},
			{"an endless source", Opening{Customer: id, Channel: cpni.Phone, Source: strings.Repeat("5", longestSource+1)}, "BAD_INPUT", nil},
			{"an endless agent", Opening{Customer: id, Channel: cpni.Phone, Agent: cpni.ID(strings.Repeat("5", longestActor+1))}, "BAD_INPUT", nil},
			{"an id of no form", Opening{ID: "7", Customer: id, Channel: cpni.Phone}, "BAD_INPUT", nil},
			{"nobody", Opening{Customer: cpni.NewID(), Channel: cpni.Phone}, "", customer.ErrNoCustomer},
			{"who is forgotten", Opening{Customer: gone, Channel: cpni.Phone}, "", customer.ErrNoCustomer},
			{"a customer of no form", Opening{Customer: "\x00", Channel: cpni.Phone}, "", customer.ErrNoCustomer},
		} {
			_, err := w.Open(w.ctx, row.o)
			var r *cpni.Refusal
			if row.err != nil && !errors.Is(err, row.err) || row.want != "" && (!errors.As(err, &r) || r.Code != row.want) {
				t.Errorf("%s: %v", row.name, err)
			}
		}
		for _, bad := range []cpni.ID{"", "7", "\x00", "\xff", cpni.NewID(), cpni.ID(strings.Repeat("a", 1<<16))} {
			for name, err := range map[string]error{
				"get": func() error { _, _, err := w.Get(w.ctx, bad); return err }(), "recent": func() error { _, _, err := w.Recent(w.ctx, bad); return err }(),
				"end": w.End(w.ctx, bad), "prove": func() error { _, err := w.Authenticate(w.ctx, bad, Proof{PIN: pin}); return err }(),
				"enrol": func() error { _, err := w.Enrol(w.ctx, Enrolment{Contact: bad, PIN: pin}); return err }(),
			} {
				if err != error(ErrNoContact) {
					t.Errorf("%s of %.10q: %v", name, bad, err)
				}
			}
		}
	})
}

// What is asked twice under one id is opened once.
//
// cite: I-11, P-42
func TestOpenAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		o := Opening{ID: cpni.NewID(), Customer: id, Channel: cpni.Phone, Agent: "rep"}
		nodes := []*Desk{w.Desk, w.node(db)}
		var all sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			all.Go(func() {
				s, err := nodes[i%2].Open(w.ctx, o)
				if errs[i] = err; err == nil && s.ID != o.ID {
					errs[i] = errors.New("another contact")
				}
			})
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		records, err := w.ledger.Records(w.ctx, id, ledger.Filter{Kind: ledger.Contact})
		if err != nil || len(records) != 1 {
			t.Errorf("%d records, %v", len(records), err)
		}
		// What was proved meanwhile is there still; under the same id there is no other contact.
		if code := w.try(o.ID, Proof{Password: password}); code != "" {
			t.Fatal(code)
		}
		if s, err := nodes[1].Open(w.ctx, o); err != nil || len(s.Evidence) != 1 {
			t.Errorf("%+v, %v", s, err)
		}
		for name, other := range map[string]Opening{"another agent": {ID: o.ID, Customer: id, Channel: cpni.Phone, Agent: "rep2"},
			"another channel": {ID: o.ID, Customer: id, Channel: cpni.Store, Agent: "rep"}, "another customer": {ID: o.ID, Customer: w.create(w.lone()), Channel: cpni.Phone, Agent: "rep"}} {
			if _, err := w.Open(w.ctx, other); w.code(err) != "CONFLICT" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A contact that is ended while a proof is taken in it has not got the proof; and none comes after.
//
// cite: P-42, I-16
func TestEndAndProofAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		other := w.node(db)
		id := w.create(w.ann())
		for range 10 {
			c := w.contact(id)
			var all sync.WaitGroup
			all.Go(func() { _, _ = other.Authenticate(w.ctx, c, Proof{Password: password}) })
			all.Go(func() { _, _ = other.Authenticate(w.ctx, c, Proof{Callback: &Callback{Number: line, Answered: true}}) })
			all.Go(func() {
				if err := w.End(w.ctx, c); err != nil {
					t.Error(err)
				}
			})
			all.Wait()
			if got := w.evidence(c); got != "dead" {
				t.Fatalf("%q (I-16)", got)
			}
			if code := w.try(c, Proof{Password: password}); code != "TOKEN_SCOPE" {
				t.Fatalf("%q (I-16)", code)
			}
			if err := w.End(w.ctx, c); err != nil {
				t.Errorf("ending again: %v", err)
			}
		}
		ended := 0
		records, err := w.ledger.Records(w.ctx, id, ledger.Filter{Kind: ledger.Contact, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if w.mentions(r, "ended") {
				ended++
			}
		}
		if ended != 10 {
			t.Errorf("%d contacts ended on record, want 10", ended)
		}
	})
}

// What was looked at before a contact ended counts no more when it is written after: neither a proof, nor a change that
// rests on one, nor that something happened.
//
// cite: P-16, P-42, I-16
func TestNothingIsWrittenAfterTheEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, end := range map[string]func(w *world, c cpni.ID){
			"hung up": func(w *world, c cpni.ID) {
				if err := w.node(db).End(w.ctx, c); err != nil {
					t.Fatal(err)
				}
			},
			"idle": func(w *world, _ cpni.ID) { w.clock.advance(usual.Idle) },
		} {
			w := newWorld(t, db)
			id := w.create(w.lone())
			c := w.verified(id)
			before, _, err := w.Get(w.ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			end(w, c)
			for _, p := range []Proof{{Password: password}, {SendCode: "email"}, {Code: "000000"}, {Claim: map[string]string{"voice": "x"}}, {Callback: &Callback{Number: line, Answered: false}}, {Contract: true}} {
				if _, err := w.take(w.ctx, before, p); w.code(err) != "TOKEN_SCOPE" {
					t.Errorf("%s, %+v: %v (I-16)", name, p, err)
				}
			}
			_, err = w.book.Update(w.ctx, id, func(p *customer.Profile) (customer.Change, error) {
				return w.inContact(customer.Change{What: "changed"}, before), nil
			})
			if w.code(err) != "TOKEN_SCOPE" {
				t.Errorf("%s: a change: %v (I-16)", name, err)
			}
			// This node believes that the contact has just been active.
			l := w.cache[c]
			l.active = w.clock.Now().Add(-touchEvery)
			w.cache[c] = l
			if err := w.Touch(w.ctx, before, w.clock.Now()); err != nil {
				t.Fatal(err)
			}
			var active int64
			if err := db.Reader().QueryRow(w.ctx, "SELECT active FROM contact WHERE contact_id = $1", string(c)).Scan(&active); err != nil || active != start.UnixMicro() {
				t.Errorf("%s: a touch moved its last activity, %v (I-16)", name, err)
			}
		}
	})
}

// Nothing of what was said, shown or sent stands readable in the files.
//
// cite: P-37, I-23, 47 CFR 64.2010(a)
func TestFilesHoldNoPlaintext(t *testing.T) {
	address := storetest.SQLite(t)
	w := newWorld(t, storetest.Open(t, address))
	id := w.create(w.ann())
	c := w.contactBy(Opening{Customer: id, Channel: cpni.Phone, Agent: "rep", Caller: "+13125550177", Source: "198.51.100.23"})
	for _, p := range []Proof{{Password: "canary-guess"}, {Claim: map[string]string{"ssn4": "6789", "canary-claim": "x"}}, {SendCode: "email"}} {
		w.try(c, p)
	}
	code := w.sent(id)
	w.try(c, Proof{Code: code})
	if _, err := w.Alter(w.ctx, Alteration{Contact: c, Email: "canary@example.net"}); err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(address, "sqlite:")
	for _, f := range []string{path, path + "-wal"} {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, plain := range []string{"canary-guess", "canary-claim", "canary@example", "198.51.100", "13125550177", "2025550143", code, "ann@example.com", "Archer"} {
			if strings.Contains(string(data), plain) {
				t.Errorf("%s holds %q", f, plain)
			}
		}
	}
}

// What a node remembers of contacts goes when a customer is forgotten.
//
// cite: I-21
func TestForgottenContacts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		c := w.verified(id)
		if err := w.book.Forget(w.ctx, id, "test"); err != nil {
			t.Fatal(err)
		}
		if _, ok := w.cache[c]; ok {
			t.Error("a contact of a forgotten customer is remembered")
		}
		if _, _, err := w.Recent(w.ctx, c); err != error(ErrNoContact) {
			t.Errorf("%v", err)
		}
	})
}

// Refusals tell what happened, the clause, and what to do; never what was said or who the customer is.
//
// cite: I-23, I-28
func TestRefusalsSayNothingPersonal(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.ann())
	c := w.contact(id)
	errs := []error{}
	for _, p := range []Proof{{Password: "canary"}, {PIN: "canary"}, {Backup: map[string]string{"canary?": "canary"}}, {Callback: &Callback{Number: "+12025550188", Answered: true}},
		{PhotoID: &PhotoID{Name: "canary"}}, {SendCode: "canary"}, {Code: "canary"}, {Contract: true}, {Claim: map[string]string{"canary": "canary"}}, {}} {
		_, err := w.Authenticate(w.ctx, c, p)
		errs = append(errs, err)
	}
	_, err := w.Enrol(w.ctx, Enrolment{Contact: c, Password: "canary"})
	errs = append(errs, err)
	_, err = w.Alter(w.ctx, Alteration{Contact: c, Email: "canary"})
	for _, err := range append(errs, err) {
		var r *cpni.Refusal
		if !errors.As(err, &r) {
			t.Errorf("%v is no refusal", err)
			continue
		}
		text := strings.ToLower(fmt.Sprint(r.Error(), r.Clauses, r.Next))
		for _, personal := range []string{"canary", "ann", "archer", "5550143", "5550188", "@example"} {
			if strings.Contains(text, personal) {
				t.Errorf("%q contains %q", text, personal)
			}
		}
		if r.Code == "" || r.Says == "" || len(r.Next) == 0 || len(r.Clauses) == 0 {
			t.Errorf("%+v does not say what to do", r)
		}
	}
}
