package staff

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// secured is a world in which nobody signs in with a password alone.
func secured(t testing.TB, db *store.DB) *world {
	w := newWorld(t, db)
	w.numbers.SecondFactor = true
	return w
}

// app is what a member's telephone shows.
type app struct {
	w      *world
	secret string
}

func (a app) code() string {
	a.w.t.Helper()
	c, err := totp.GenerateCode(a.secret, a.w.clock.Now())
	if err != nil {
		a.w.t.Fatal(err)
	}
	return c
}

// next waits for a code that has not been used.
func (a app) next() string {
	a.w.clock.advance(codePeriod * time.Second)
	return a.code()
}

// enrol adds a member who has set up an app, and gives it with their recovery codes and their first session.
func (w *world) enrol(name string) (cpni.ID, app, Enrolled) {
	w.t.Helper()
	id := w.add(name)
	step, err := w.CheckPassword(w.t.Context(), name, password, From{})
	if err != nil || step.Session != "" || !step.Enrol {
		w.t.Fatalf("%+v, %v", step, err)
	}
	a, done := w.setUp(step.Pending)
	return id, a, done
}

func (w *world) setUp(holder string) (app, Enrolled) {
	w.t.Helper()
	key, err := w.NewTOTP(w.t.Context(), holder, "Test: Carrier")
	if err != nil {
		w.t.Fatal(err)
	}
	a := app{w, key.Secret()}
	done, err := w.ConfirmTOTP(w.t.Context(), holder, "", a.code(), From{Browser: "Firefox", Network: "10.0.0.0/16"})
	if err != nil {
		w.t.Fatal(err)
	}
	return a, done
}

// halfway is a sign-in whose password was right.
func (w *world) halfway(name string) string {
	w.t.Helper()
	step, err := w.CheckPassword(w.t.Context(), name, password, From{})
	if err != nil || step.Session != "" || step.Enrol {
		w.t.Fatalf("%+v, %v", step, err)
	}
	return step.Pending
}

// A password begins no session: a second factor does, whose every code is taken once.
//
// cite: P-37, I-17, 47 CFR 64.2010(a)
func TestSecondFactor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := secured(t, db)
		id, phone, done := w.enrol("rae")
		if m, err := w.Session(t.Context(), done.Session); err != nil || m.ID != id {
			t.Fatalf("setting the first factor up began no session: %v", err)
		}
		if len(done.Codes) != 10 || len(strings.Join(done.Codes, "")) != 110 {
			t.Errorf("recovery codes: %q", done.Codes)
		}
		pending := w.halfway("rae")
		if _, err := w.Session(t.Context(), pending); err != error(ErrSignIn) {
			t.Errorf("a sign-in that goes on is a session: %v", err)
		}
		if _, err := w.CheckCode(t.Context(), pending, phone.code(), From{}); err != error(ErrCode) {
			t.Errorf("the code with which the app was set up: %v", err)
		}
		w.clock.advance(time.Minute)
		code := phone.code()
		step, err := w.CheckCode(t.Context(), pending, code[:3]+" "+code[3:], From{})
		if err != nil || step.Session == "" {
			t.Fatalf("the code of the app: %v", err)
		}
		if _, err := w.CheckCode(t.Context(), pending, phone.next(), From{}); code2(err) != "SIGN_IN_OVER" {
			t.Errorf("a sign-in was gone on with twice: %v", err)
		}
		again := w.halfway("rae")
		if _, err := w.CheckCode(t.Context(), again, code, From{}); err != error(ErrCode) {
			t.Errorf("a code was taken twice: %v", err)
		}
		w.clock.advance(time.Minute)
		other := w.node(db)
		now := phone.code()
		var all sync.WaitGroup
		var got [8]Step
		var halves [len(got)]string
		for i := range halves {
			halves[i] = w.halfway("rae")
		}
		for i, p := range halves {
			all.Go(func() {
				got[i], _ = []*Register{w.Register, other}[i%2].CheckCode(t.Context(), p, now, From{})
			})
		}
		all.Wait()
		sessions := 0
		for _, s := range got {
			if s.Session != "" {
				sessions++
			}
		}
		if sessions != 1 {
			t.Errorf("one code began %d sessions", sessions)
		}
		var plain int
		if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM factor WHERE sealed = $1", []byte(phone.secret)).Scan(&plain); err != nil || plain != 0 {
			t.Errorf("%d secrets stand in the database, %v", plain, err)
		}
	})
}

// code2 is code, where a variable has its name.
func code2(err error) cpni.Code { return code(err) }

// cite: P-37, I-17, 47 CFR 64.2010(a)
func TestRecoveryCodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := secured(t, db)
		id, _, done := w.enrol("rae")
		_, _, others := w.enrol("sam")
		for i, c := range done.Codes[:2] {
			step, err := w.CheckCode(t.Context(), w.halfway("rae"), " "+strings.ToUpper(c), From{})
			if err != nil || step.Session == "" {
				t.Fatalf("recovery code: %v", err)
			}
			if n, err := w.RecoveryLeft(t.Context(), id); err != nil || n != 9-i {
				t.Errorf("%d are left, %v", n, err)
			}
		}
		pending := w.halfway("rae")
		for what, c := range map[string]string{"a used one": done.Codes[0], "another's": others.Codes[0], "a guess": "aaaaa-aaaaa", "an endless one": strings.Repeat("a", 1<<16)} {
			w.clock.advance(time.Hour)
			if _, err := w.CheckCode(t.Context(), w.halfway("rae"), c, From{}); err != error(ErrCode) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := w.CheckCode(t.Context(), pending, done.Codes[4], From{}); code(err) != "SIGN_IN_OVER" {
			t.Errorf("hours after the password: %v", err)
		}
		w.clock.advance(time.Hour)
		step, err := w.CheckCode(t.Context(), w.halfway("rae"), done.Codes[4], From{})
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := w.NewRecoveryCodes(t.Context(), step.Session)
		if err != nil || len(fresh) != 10 {
			t.Fatal(fresh, err)
		}
		if _, err := w.CheckCode(t.Context(), w.halfway("rae"), done.Codes[5], From{}); err != error(ErrCode) {
			t.Errorf("an old one after new ones were made: %v", err)
		}
		rows, err := db.Reader().Query(t.Context(), "SELECT hash FROM recovery_code")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var h []byte
			if err := rows.Scan(&h); err != nil {
				t.Fatal(err)
			}
			for _, c := range fresh {
				if strings.Contains(string(h), plainCode(c)) {
					t.Error("a recovery code stands in the database")
				}
			}
		}
	})
}

// Who guesses second factors is slowed as who guesses passwords, by the same count, and a right password does not forgive
// what failed behind it.
//
// cite: P-37, I-18, 47 CFR 64.2010(a)
func TestSecondFactorIsThrottled(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := secured(t, db)
		_, phone, _ := w.enrol("rae")
		w.clock.advance(24 * time.Hour)
		for i := range numbers.Login.FreeTries {
			if _, err := w.CheckCode(t.Context(), w.halfway("rae"), "000000", From{}); code(err) != "SIGN_IN" {
				t.Fatalf("try %d: %v", i, err)
			}
		}
		for _, name := range []string{"rae"} {
			if _, err := w.CheckPassword(t.Context(), name, password, From{}); code(err) != "LOCKED" {
				t.Errorf("after %d wrong codes: %v", numbers.Login.FreeTries, err)
			}
		}
		tries := numbers.Login.FreeTries
		for range 40 * 24 { // a thief of the password, who comes back every hour for weeks
			w.clock.advance(time.Hour)
			step, err := w.CheckPassword(t.Context(), "rae", password, From{})
			if code(err) == "LOCKED" {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if phone.code() == "000000" {
				continue
			}
			if _, err := w.CheckCode(t.Context(), step.Pending, "000000", From{}); code(err) == "SIGN_IN" {
				tries++
			}
		}
		if tries > numbers.Login.InAll || tries < numbers.Login.InAll-2 {
			t.Errorf("%d codes were tried, want %d", tries, numbers.Login.InAll)
		}
	})
}

func must(m *Member, err error) *Member {
	if err != nil {
		panic(err)
	}
	return m
}

// What ends a member's sessions ends what was to become one.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestHalfASignInDies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := secured(t, db)
		id, phone, _ := w.enrol("rae")
		for name, happens := range map[string]func() error{
			"a new password": func() error { return w.SetPassword(t.Context(), id, password, "admin") },
			"disabled": func() error {
				return errors.Join(w.Disable(t.Context(), id, "admin"), w.Enable(t.Context(), id, "admin"))
			},
			"sessions ended": func() error { return w.EndSessions(t.Context(), id, "", "admin") },
			"abandoned":      nil,
		} {
			w.clock.advance(time.Hour)
			half := w.halfway("rae")
			if happens == nil {
				happens = func() error { return w.Abandon(t.Context(), half) }
			}
			if err := happens(); err != nil {
				t.Fatal(err)
			}
			if _, err := w.CheckCode(t.Context(), half, phone.next(), From{}); code(err) != "SIGN_IN_OVER" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// cite: P-37, 47 CFR 64.2010(a)
func TestSessionsAreListed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add("rae")
		sam := w.add("sam")
		from := From{Browser: "Firefox on Linux", Network: "203.0.0.0/16", Source: "203.0.113.7"}
		var secrets []string
		for range 3 {
			w.clock.advance(time.Minute)
			s, err := w.CheckPassword(t.Context(), "rae", password, from)
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, s.Session)
		}
		w.signIn("sam")
		list := func() []SessionInfo {
			all, err := w.Sessions(t.Context(), id, secrets[0])
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		all := list()
		if len(all) != 3 || all[0].This || !all[2].This || all[2].Browser != from.Browser || all[2].Network != from.Network || !all[2].Began.Equal(start.Add(time.Minute)) {
			t.Fatalf("%+v", all)
		}
		if err := w.EndSession(t.Context(), sam, all[0].ID, "sam"); err != error(ErrNoSession) {
			t.Errorf("another's session was ended: %v", err)
		}
		for _, bad := range []string{"", "zz", strings.Repeat("0", 64)} {
			if err := w.EndSession(t.Context(), id, bad, "rae"); err != error(ErrNoSession) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if err := w.node(db).EndSession(t.Context(), id, all[0].ID, string(id)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Session(t.Context(), secrets[2]); err != error(ErrSignIn) {
			t.Errorf("a session that was ended goes on: %v", err)
		}
		if err := w.EndSessions(t.Context(), id, secrets[0], string(id)); err != nil {
			t.Fatal(err)
		}
		if all := list(); len(all) != 1 || !all[0].This {
			t.Errorf("after ending all others: %+v", all)
		}
		if _, err := w.Session(t.Context(), secrets[1]); err != error(ErrSignIn) {
			t.Errorf("another session goes on: %v", err)
		}
		if err := w.EndSessions(t.Context(), id, "", "admin"); err != nil || len(list()) != 0 {
			t.Errorf("sessions outlive the end of all: %v", err)
		}
	})
}

// Who signed in a while ago proves again who they are for what would take an account over, with the best that they have.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestProvedLately(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.add("rae")
		proved := func(session string) bool {
			ok, err := w.Proved(t.Context(), session)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		mine, other := w.signIn("rae"), w.signIn("rae")
		if !proved(mine) || proved("") || proved(strings.Replace(mine, "rfs_", "rfp_", 1)) {
			t.Error("a session that has just begun is proved, and nothing else")
		}
		w.clock.advance(numbers.StepUp)
		if proved(mine) {
			t.Error("a session is proved a quarter of an hour later")
		}
		if err := w.ProveByPassword(t.Context(), mine, "wrong", From{}); err != error(ErrOwnPassword) || proved(mine) {
			t.Errorf("a wrong password: %v", err)
		}
		if err := w.ProveByPassword(t.Context(), mine, password, From{}); err != nil || !proved(mine) || proved(other) {
			t.Errorf("the password: %v", err)
		}
		phone, done := w.setUp(mine)
		w.clock.advance(numbers.StepUp)
		if err := w.ProveByPassword(t.Context(), mine, password, From{}); code(err) != "CONFLICT" || proved(mine) {
			t.Errorf("a password where there is a second factor: %v", err)
		}
		if _, err := w.CheckCode(t.Context(), mine, "000000", From{}); err != error(ErrCode) || proved(mine) {
			t.Errorf("a wrong code: %v", err)
		}
		if step, err := w.CheckCode(t.Context(), mine, phone.code(), From{}); err != nil || step != (Step{}) || !proved(mine) || proved(other) {
			t.Errorf("the code: %+v, %v", step, err)
		}
		if _, err := w.CheckCode(t.Context(), other, phone.code(), From{}); err != error(ErrCode) {
			t.Errorf("the same code in another session: %v", err)
		}
		w.clock.advance(time.Minute)
		if _, err := w.CheckCode(t.Context(), other, done.Codes[0], From{}); err != nil || !proved(other) {
			t.Errorf("a recovery code: %v", err)
		}
		if err := w.SignOut(t.Context(), other); err != nil || proved(other) {
			t.Errorf("after signing out: %v", err)
		}
		if err := w.ProveByPassword(t.Context(), other, password, From{}); err != error(ErrSignIn) {
			t.Errorf("a session that has ended: %v", err)
		}
	})
}

// A session of somebody who is no member any more opens nothing, at once.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestSessionOfNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add("rae")
		secret := w.signIn("rae")
		if err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "DELETE FROM staff WHERE staff_id = $1", string(id))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Session(t.Context(), secret); err != error(ErrSignIn) {
			t.Errorf("%v", err)
		}
	})
}

// cite: P-37, 47 CFR 64.2010(a)
func TestSignInAs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := secured(t, db)
		id := w.add("rae@carrier.example")
		dee := w.add("dee")
		if err := w.Disable(t.Context(), dee, "admin"); err != nil {
			t.Fatal(err)
		}
		const issuer = "https://id.example"
		as := func(who Identity) (Step, error) {
			who.Issuer = issuer
			return w.SignInAs(t.Context(), who, From{})
		}
		for what, who := range map[string]Identity{"unknown": {Subject: "9", Login: "nobody"}, "no claim": {Subject: "1"}, "disabled": {Subject: "2", Login: "dee"}} {
			if _, err := as(who); err != error(ErrNoAccount) {
				t.Errorf("%s: %v", what, err)
			}
		}
		step, err := as(Identity{Subject: "1", Login: "Rae@Carrier.example"})
		if err != nil || step.Session != "" || !step.Enrol {
			t.Fatalf("one factor: %+v, %v", step, err)
		}
		step, err = as(Identity{Subject: "1", Whole: true}) // found by the link, whatever the claim
		if err != nil || must(w.Session(t.Context(), step.Session)).ID != id {
			t.Fatalf("two factors: %+v, %v", step, err)
		}
		if _, err := as(Identity{Subject: "3", Login: "rae@carrier.example", Whole: true}); err != error(ErrNoAccount) {
			t.Errorf("another person of the provider with the same name: %v", err)
		}
		if err := w.Disable(t.Context(), id, "admin"); err != nil {
			t.Fatal(err)
		}
		if _, err := as(Identity{Subject: "1", Whole: true}); err != error(ErrNoAccount) {
			t.Errorf("disabled after the link: %v", err)
		}
	})
}

// cite: P-37, 47 CFR 64.2010(a)
func TestChangePassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.add("rae")
		mine, other := w.signIn("rae"), w.signIn("rae")
		const next = "eleven purple kites"
		if err := w.ChangePassword(t.Context(), mine, "wrong", next, From{}); err != error(ErrOwnPassword) {
			t.Errorf("a wrong password: %v", err)
		}
		if err := w.ChangePassword(t.Context(), mine, password, "short", From{}); code(err) != "WEAK_SECRET" {
			t.Errorf("a weak one: %v", err)
		}
		if err := w.ChangePassword(t.Context(), mine, password, next, From{}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Session(t.Context(), mine); err != nil {
			t.Errorf("the session that changed it: %v", err)
		}
		if _, err := w.Session(t.Context(), other); err != error(ErrSignIn) {
			t.Errorf("another session goes on: %v", err)
		}
		if _, err := w.SignIn(t.Context(), "rae", password); code(err) != "SIGN_IN" {
			t.Errorf("the old one: %v", err)
		}
		if _, err := w.SignIn(t.Context(), "rae", next); err != nil {
			t.Error(err)
		}
	})
}

// Who comes when too many have passwords hashed is told so, and waits nowhere; nothing is counted against them.
//
// cite: I-26
func TestQueueIsBounded(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	w.add("rae")
	hold, held := make(chan bool), make(chan bool, mostHashing)
	w.spy.meanwhile = func() { held <- true; <-hold }
	var all sync.WaitGroup
	for range mostHashing {
		name := string(cpni.NewID())
		w.add(name)
		all.Go(func() { w.SignIn(t.Context(), name, password) })
	}
	for range mostHashing {
		<-held
	}
	for range 5 {
		if _, err := w.SignIn(t.Context(), "rae", password); err != error(ErrBusy) {
			t.Errorf("%v", err)
		}
	}
	close(hold)
	all.Wait()
	w.spy.meanwhile = nil
	w.signIn("rae")
}
