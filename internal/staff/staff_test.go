package staff

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

var start = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

// clock is moved by the test alone.
type clock struct{ at atomic.Int64 }

func (c *clock) Now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// spy hashes for nothing, and counts the work that is done.
type spy struct {
	hashed, matched, wasted atomic.Int64
	meanwhile               func() // happens while a password is compared; nil: nothing
}

func (s *spy) Hash(secret string) string { s.hashed.Add(1); return "hash of " + secret }
func (s *spy) Matches(hash, secret string) (bool, error) {
	s.matched.Add(1)
	if s.meanwhile != nil {
		s.meanwhile()
	}
	return hash == "hash of "+secret, nil
}
func (s *spy) Waste() { s.wasted.Add(1) }

// work is how many hashes were computed to answer.
func (s *spy) work() int64 { return s.matched.Load() + s.wasted.Load() }

type world struct {
	*Register
	t       testing.TB
	clock   *clock
	spy     *spy
	master  *vault.Master
	numbers Rules
}

var numbers = Rules{TrainingLife: 365 * 24 * time.Hour, SessionIdle: time.Hour, SessionLength: 12 * time.Hour, KeyLife: 90 * 24 * time.Hour, ShortestPassword: 8, SignInLife: 10 * time.Minute, InviteLife: 72 * time.Hour, StepUp: 15 * time.Minute, RecoveryCodes: 10,
	Login:  throttle.Rules{FreeTries: 3, FirstDelay: time.Second, LongestDelay: 15 * time.Minute, PerDay: 10, Closed: 15 * time.Minute, InAll: 100},
	Source: throttle.Rules{FreeTries: 20, FirstDelay: time.Second, LongestDelay: time.Minute, PerDay: 100, Closed: 15 * time.Minute, InAll: 1000}}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}, spy: &spy{}, master: vault.NewMaster(), numbers: numbers}
	w.clock.at.Store(start.UnixMicro())
	w.Register = w.node(db)
	return w
}

// node opens the register on db as one more process would.
func (w *world) node(db *store.DB) *Register {
	w.t.Helper()
	v, err := vault.Open(w.t.Context(), db, w.master)
	if err != nil {
		w.t.Fatal(err)
	}
	signer, err := ledger.NewKey("staff.test.example")
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := ledger.Open(w.t.Context(), db, ledger.Options{Origin: "staff.test.example", Signer: signer, Clock: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	return NewRegister(db, v, l, w.clock, w.spy, func(time.Time) Rules { return w.numbers })
}

const password = "seven-green-lamps"

// SignIn begins a session where a password is enough for one.
func (r *Register) SignIn(ctx context.Context, login, password string) (string, error) {
	return r.SignInFrom(ctx, login, password, "")
}

// SignInFrom does so from somewhere.
func (r *Register) SignInFrom(ctx context.Context, login, password, source string) (string, error) {
	step, err := r.CheckPassword(ctx, login, password, From{Source: source})
	if err == nil && step.Session == "" {
		err = errors.New("a password alone begins no session")
	}
	return step.Session, err
}

func (w *world) add(login string) cpni.ID {
	w.t.Helper()
	id, err := w.Add(w.t.Context(), Member{Login: login, Name: "Rae Porter", Role: cpni.RoleAgent, Trained: start.AddDate(0, -1, 0)}, password, "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) signIn(login string) string {
	w.t.Helper()
	secret, err := w.SignIn(w.t.Context(), login, password)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

func (w *world) records() []ledger.Row {
	w.t.Helper()
	all, err := w.ledger.Records(w.t.Context(), "", ledger.Filter{Kind: ledger.Admin, Limit: 10_000})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// cite: P-38, 47 CFR 64.2009(b)
func TestAdd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.add("rae")
		for _, row := range []struct {
			name string
			m    Member
			pass string
			want cpni.Code
		}{
			{"a role that is none", Member{Login: "x1", Role: "boss"}, "", "CONFIG"},
			{"a login that is taken", Member{Login: "rae", Role: cpni.RoleAgent}, "", "CONFIG"},
			{"the same in capitals", Member{Login: " RAE", Role: cpni.RoleAgent}, "", "CONFIG"},
			{"a login with a space", Member{Login: "rae porter", Role: cpni.RoleAgent}, "", "CONFIG"},
			{"a login that no database takes", Member{Login: "r\x00e", Role: cpni.RoleAgent}, "", "CONFIG"},
			{"a login that is no text", Member{Login: "r\xffe", Role: cpni.RoleAgent}, "", "CONFIG"},
			{"a long login", Member{Login: strings.Repeat("r", longestLogin+1), Role: cpni.RoleAgent}, "", "CONFIG"},
			{"an id of no form", Member{ID: "7", Login: "x2", Role: cpni.RoleAgent}, "", "CONFIG"},
			{"a long name", Member{Login: "x3", Name: strings.Repeat("n", longestName+1), Role: cpni.RoleAgent}, "", "BAD_INPUT"},
			{"a short password", Member{Login: "x4", Role: cpni.RoleAgent}, "short", "WEAK_SECRET"},
			{"a long password", Member{Login: "x5", Role: cpni.RoleAgent}, strings.Repeat("p", longestPassword+1), "WEAK_SECRET"},
			{"a course of tomorrow", Member{Login: "x6", Role: cpni.RoleAgent, Trained: start.Add(time.Hour)}, "", "CONFIG"},
			{"nothing wrong", Member{Login: "x7", Role: cpni.RoleSystem}, "", ""},
			{"no login", Member{Role: cpni.RoleAgent}, "", ""},
		} {
			if _, err := w.Add(t.Context(), row.m, row.pass, "test"); code(err) != row.want || row.want == "" && err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
		}
		members, err := w.Members(t.Context())
		if err != nil || len(members) != 3 {
			t.Errorf("%d members, %v", len(members), err)
		}
	})
}

// A hash never leaves with the member whom an API or a page shows.
//
// cite: I-23
func TestMemberShowsNoHash(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.add("rae")
	m, _, err := w.Recent(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(m)
	if err != nil || strings.Contains(string(text), "hash of") {
		t.Errorf("%s, %v", text, err)
	}
	if w.signIn("rae") == "" {
		t.Error("and yet it is kept")
	}
}

// Training lasts as long as the policy says from the day on which it was passed, whoever says otherwise.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestTraining(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		year := numbers.TrainingLife
		until := func(id cpni.ID) time.Time {
			m, _, err := w.Recent(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return m.Until
		}
		for _, row := range []struct {
			name string
			m    Member
			want time.Time
		}{
			{"never trained", Member{}, time.Time{}},
			{"never trained, they say until next year", Member{Until: start.Add(year)}, time.Time{}},
			{"trained", Member{Trained: start.Add(-time.Hour)}, start.Add(year - time.Hour)},
			{"trained for less", Member{Trained: start, Until: start.Add(time.Hour)}, start.Add(time.Hour)},
			{"trained for ever", Member{Trained: start, Until: start.Add(10 * year)}, start.Add(year)},
		} {
			row.m.Role = cpni.RoleAgent
			id, err := w.Add(t.Context(), row.m, "", "test")
			if err != nil {
				t.Fatal(err)
			}
			if got := until(id); !got.Equal(row.want) {
				t.Errorf("%s: until %s, want %s (P-38)", row.name, got, row.want)
			}
		}
		id := w.add("rae")
		for _, step := range []struct {
			passed time.Time
			want   time.Time
			code   cpni.Code
		}{
			{start.AddDate(0, -2, 0), start.AddDate(0, -1, 0).Add(year), ""}, // an older pass changes nothing
			{start, start.Add(year), ""},
			{start.Add(time.Hour), start.Add(year), "CONFIG"},
		} {
			if err := w.Train(t.Context(), id, step.passed, "test"); code(err) != step.code {
				t.Errorf("passed on %s: %v", step.passed, err)
			}
			if got := until(id); !got.Equal(step.want) {
				t.Errorf("passed on %s: until %s, want %s (P-38)", step.passed, got, step.want)
			}
		}
		if err := w.Train(t.Context(), cpni.NewID(), start, "test"); !errors.Is(err, ErrNone) {
			t.Errorf("nobody was trained: %v", err)
		}
	})
}

// Changes of one member at once lose nothing, on whichever node: who is disabled while they are trained is both.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestConcurrentChangesLoseNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id, err := w.Add(t.Context(), Member{Login: "rae", Name: "0", Role: cpni.RoleAgent}, "", "test")
		if err != nil {
			t.Fatal(err)
		}
		nodes := []*Register{w.Register, w.node(db)}
		for _, n := range nodes { // both remember the member as they were
			if _, _, err := n.Recent(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		const writers, each = 16, 4
		var all sync.WaitGroup
		errs := make([]error, writers+1)
		for i := range writers {
			all.Go(func() {
				for range each {
					errs[i] = errors.Join(errs[i], nodes[i%2].change(t.Context(), id, "test", "counted", func(_ *store.Tx, m *Member) error {
						n, err := strconv.Atoi(m.Name)
						m.Name = strconv.Itoa(n + 1)
						return err
					}))
				}
			})
		}
		all.Go(func() { errs[writers] = nodes[1].Disable(t.Context(), id, "test") })
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		w.Drop(id)
		m, version, err := w.Recent(t.Context(), id)
		if err != nil || !m.Disabled || m.Name != strconv.Itoa(writers*each) || version != 2+writers*each {
			t.Errorf("%+v at version %d, %v", m, version, err)
		}
	})
}

// Nobody learns by the answer, or by the work that it takes, whether a name is known.
//
// cite: P-37, I-18, 47 CFR 64.2010(a)
func TestSignInTellsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.add("rae")
		disabled := w.add("dee")
		if err := w.Disable(t.Context(), disabled, "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Add(t.Context(), Member{Login: "sys", Role: cpni.RoleSystem}, "", "test"); err != nil {
			t.Fatal(err)
		}
		before := len(w.records())
		for _, row := range []struct{ name, login, password string }{
			{"a wrong password", "rae", "wrong"},
			{"an unknown name", "nobody", password},
			{"a disabled member", "dee", password},
			{"one without a password", "sys", ""},
			{"a name that no database takes", "r\x00e", password},
			{"a name that is no text", "\xff\xff", password},
			{"an empty name", "", password},
			{"an endless name", strings.Repeat("r", 1<<16), password},
			{"an endless password", "rae", strings.Repeat("p", 1<<16)},
		} {
			work, hashed := w.spy.work(), w.spy.hashed.Load()
			w.clock.advance(time.Hour) // names of no form all count together
			secret, err := w.SignIn(t.Context(), row.login, row.password)
			if secret != "" || err != error(ErrSignIn) {
				t.Errorf("%s: %q, %v", row.name, secret, err)
			}
			if w.spy.work() != work+1 || w.spy.hashed.Load() != hashed {
				t.Errorf("%s: %d hashes were computed, want 1", row.name, w.spy.work()-work)
			}
			if n := len(w.records()); n != before+1 {
				t.Errorf("%s: %d records, want one", row.name, n-before)
			}
			before = len(w.records())
		}
		turnedAway := 0
		for _, r := range w.records() {
			if r.Outcome == cpni.Reject && r.Code == "SIGN_IN" {
				turnedAway++
			}
			plain, err := w.vault.OpenRecord(t.Context(), r)
			if err != nil || strings.Contains(string(plain), "nobody") || strings.Contains(string(plain), password) {
				t.Errorf("the record repeats what was typed: %s, %v", plain, err)
			}
		}
		if turnedAway != 9 {
			t.Errorf("%d records say that nobody was signed in, want 9", turnedAway)
		}
		if w.signIn(" RAE ") == "" {
			t.Error("and the right password signs in")
		}
	})
}

// cite: P-37, I-18, 47 CFR 64.2010(a)
func TestSignInIsThrottled(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		rae := w.add("rae")
		w.add("sam")
		limit := numbers.Login
		for _, login := range []string{"rae", "nobody"} { // who is nobody is counted the same
			for i := range limit.FreeTries {
				if _, err := w.SignIn(t.Context(), login, "wrong"); code(err) != "SIGN_IN" {
					t.Fatalf("%s, try %d: %v", login, i, err)
				}
			}
			work := w.spy.work()
			if _, err := w.SignIn(t.Context(), login, password); code(err) != "LOCKED" || w.spy.work() != work {
				t.Errorf("%s: the try after %d wrong ones: %v", login, limit.FreeTries, err)
			}
		}
		w.clock.advance(time.Second)
		w.signIn("rae")
		w.signIn("sam")
		w.signIn("rae") // and what failed is forgiven
		tries := 0
		for range 40 * 24 { // a guesser who comes back every hour for weeks
			w.clock.advance(time.Hour)
			if _, err := w.SignIn(t.Context(), "rae", "wrong"); code(err) == "SIGN_IN" {
				tries++
			}
		}
		if tries != limit.InAll {
			t.Errorf("%d passwords were tried, want %d", tries, limit.InAll)
		}
		if _, err := w.SignIn(t.Context(), "rae", password); code(err) != "LOCKED" {
			t.Errorf("after %d wrong ones: %v", tries, err)
		}
		if err := w.SetPassword(t.Context(), rae, password, "admin"); err != nil {
			t.Fatal(err)
		}
		w.signIn("rae")
	})
}

// Somebody who tries many names from one place is slowed down there, and nobody elsewhere is.
//
// cite: P-37, I-18, 47 CFR 64.2010(a)
func TestSignInIsThrottledBySource(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.add("rae")
		limit := numbers.Source
		for i := range limit.FreeTries {
			if _, err := w.SignInFrom(t.Context(), "name"+string(rune('a'+i)), "wrong", "203.0.113.7"); code(err) != "SIGN_IN" {
				t.Fatalf("try %d: %v", i, err)
			}
		}
		if _, err := w.SignInFrom(t.Context(), "rae", password, "203.0.113.7"); code(err) != "LOCKED" {
			t.Errorf("from the same place: %v", err)
		}
		for _, elsewhere := range []string{"203.0.113.8", ""} {
			if _, err := w.SignInFrom(t.Context(), "rae", password, elsewhere); err != nil {
				t.Errorf("from %q: %v", elsewhere, err)
			}
		}
		tries := 0
		w.clock.advance(9 * time.Hour) // midnight, from when a day counts
		for range 24*60*2 - 1 {
			w.clock.advance(30 * time.Second)
			if _, err := w.SignInFrom(t.Context(), string(cpni.NewID()), "wrong", "203.0.113.7"); code(err) == "SIGN_IN" {
				tries++
			}
		}
		if tries != limit.InAll {
			t.Errorf("%d tries within a day, want %d", tries, limit.InAll)
		}
		var n int
		if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM throttle WHERE subject LIKE '%203.0.113%'").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows hold the address, %v", n, err)
		}
	})
}

// Many tries at one time get no further than one after the other.
//
// cite: I-18
func TestSignInsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.add("rae")
		nodes := []*Register{w.Register, w.node(db)}
		var all sync.WaitGroup
		errs := make([]error, 40)
		for i := range errs {
			all.Go(func() { _, errs[i] = nodes[i%2].SignIn(t.Context(), "rae", "wrong") })
		}
		all.Wait()
		compared := 0
		for _, err := range errs {
			switch code(err) {
			case "SIGN_IN":
				compared++
			case "LOCKED":
			default:
				t.Fatal(err)
			}
		}
		if want := numbers.Login.FreeTries; compared != want || int(w.spy.matched.Load()) != want {
			t.Errorf("%d passwords were compared, want %d", w.spy.matched.Load(), want)
		}
	})
}

// Every administrative act is on record, with who did it.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestActsAreRecorded(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.add("rae")
	act := func(name string, do func() error) {
		before := len(w.records())
		w.clock.advance(time.Second)
		if err := do(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all := w.records()
		if len(all) != before+1 || all[0].Actor == "" {
			t.Errorf("%s: %d records, the last by %q", name, len(all)-before, all[0].Actor)
		}
	}
	act("train", func() error { return w.Train(t.Context(), id, start, "admin") })
	act("set a password", func() error { return w.SetPassword(t.Context(), id, password, "admin") })
	act("make a key", func() error { _, err := w.NewKey(t.Context(), id, "k", nil, "admin"); return err })
	act("revoke a key", func() error {
		keys, err := w.Keys(t.Context(), id)
		return errors.Join(err, w.RevokeKey(t.Context(), keys[0].ID, "admin"))
	})
	secret := ""
	act("sign in", func() (err error) { secret, err = w.SignIn(t.Context(), "rae", password); return err })
	act("sign out", func() error { return w.SignOut(t.Context(), secret) })
	act("disable", func() error { return w.Disable(t.Context(), id, "admin") })
	act("enable", func() error { return w.Enable(t.Context(), id, "admin") })
}
