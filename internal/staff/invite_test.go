package staff

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Nobody sets up a factor for another: neither with a password alone where there is one, nor after the sign-in has ended, nor
// with the leavings of another browser.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestEnrolment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := secured(t, db)
		w.add("rae")
		first, err := w.CheckPassword(t.Context(), "rae", password, From{})
		if err != nil {
			t.Fatal(err)
		}
		second, err := w.CheckPassword(t.Context(), "rae", password, From{})
		if err != nil {
			t.Fatal(err)
		}
		mine, err := w.NewTOTP(t.Context(), first.Pending, "Test")
		if err != nil {
			t.Fatal(err)
		}
		if same, err := w.NewTOTP(t.Context(), first.Pending, "Test"); err != nil || same.Secret() != mine.Secret() {
			t.Errorf("a reload shows another key: %v", err)
		}
		theirs, err := w.NewTOTP(t.Context(), second.Pending, "Test")
		if err != nil || theirs.Secret() == mine.Secret() {
			t.Fatal("two browsers share a key", err)
		}
		if _, err := w.ConfirmTOTP(t.Context(), first.Pending, "", "12345x", From{}); code(err) != "SIGN_IN" {
			t.Errorf("a code that is none: %v", err)
		}
		done, err := w.ConfirmTOTP(t.Context(), first.Pending, "my phone", app{w, mine.Secret()}.code(), From{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.ConfirmTOTP(t.Context(), second.Pending, "", app{w, theirs.Secret()}.code(), From{}); code(err) != "SIGN_IN_OVER" {
			t.Errorf("the other browser's: %v", err)
		}
		half := w.halfway("rae")
		if _, err := w.NewTOTP(t.Context(), half, "Test"); code(err) != "SIGN_IN_OVER" {
			t.Errorf("a password alone sets up a factor beside the one that is there: %v", err)
		}
		for _, bad := range []string{"", "rfs_", "rfp_x", strings.Replace(done.Session, "rfs_", "rfp_", 1), strings.Replace(half, "rfp_", "rfs_", 1)} {
			if _, err := w.NewTOTP(t.Context(), bad, "Test"); err == nil {
				t.Errorf("%.10q sets up a factor", bad)
			}
		}
		w.clock.advance(time.Second)
		a, more := w.setUp(done.Session)
		if more.Session != "" || more.Codes != nil {
			t.Errorf("a second app: %+v", more)
		}
		factors, err := w.Factors(t.Context(), must(w.Session(t.Context(), done.Session)).ID)
		if err != nil || len(factors) != 2 || factors[0].Name != "my phone" {
			t.Fatalf("%+v, %v", factors, err)
		}
		if err := w.RemoveFactor(t.Context(), done.Session, factors[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := w.RemoveFactor(t.Context(), done.Session, factors[1].ID); err != error(ErrLastFactor) {
			t.Errorf("the last one was removed: %v", err)
		}
		if _, err := w.CheckCode(t.Context(), half, (app{w, mine.Secret()}).next(), From{}); code(err) != "SIGN_IN" {
			t.Errorf("a factor that was removed: %v", err)
		}
		if _, err := w.CheckCode(t.Context(), half, a.next(), From{}); err != nil {
			t.Error(err)
		}
		w.numbers.SecondFactor = false
		if err := w.RemoveFactor(t.Context(), done.Session, factors[1].ID); err != nil {
			t.Errorf("where none is asked for the last one goes: %v", err)
		}
		if n, err := w.RecoveryLeft(t.Context(), must(w.Session(t.Context(), done.Session)).ID); err != nil || n != 0 {
			t.Errorf("%d recovery codes outlive the factors, %v", n, err)
		}
		w.signIn("rae")
	})
}

// An invitation works once, for a while, for one member, and the last one counts.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestInvitations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := secured(t, db)
		id, err := w.Add(t.Context(), Member{Login: "rae", Name: "Rae Porter", Role: cpni.RoleAgent}, "", "admin")
		if err != nil {
			t.Fatal(err)
		}
		old, err := w.Invite(t.Context(), id, "admin")
		if err != nil {
			t.Fatal(err)
		}
		secret, err := w.Invite(t.Context(), id, "admin")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Invited(t.Context(), old); err != error(ErrInvitation) {
			t.Errorf("an invitation that was replaced: %v", err)
		}
		if m, err := w.Invited(t.Context(), secret); err != nil || m.Login != "rae" {
			t.Fatalf("%+v, %v", m, err)
		}
		for _, weak := range []string{"short", "password1", "rae porter", strings.Repeat("p", longestPassword+1)} {
			if _, err := w.Join(t.Context(), secret, weak, From{}); code(err) != "WEAK_SECRET" {
				t.Errorf("%.20q: %v", weak, err)
			}
		}
		other := w.node(db)
		var all sync.WaitGroup
		var got [4]Step
		for i := range got {
			all.Go(func() { got[i], _ = []*Register{w.Register, other}[i%2].Join(t.Context(), secret, password, From{}) })
		}
		all.Wait()
		taken := 0
		for _, s := range got {
			if s.Pending != "" {
				taken++
				if !s.Enrol || s.Session != "" {
					t.Errorf("%+v", s)
				}
				w.setUp(s.Pending)
			}
		}
		if taken != 1 {
			t.Errorf("an invitation was taken %d times", taken)
		}
		for what, s := range map[string]string{"taken": secret, "none": "", "of another form": strings.Repeat("x", 47), "a key": strings.Replace(secret, "rfi_", "rfk_", 1)} {
			if _, err := w.Join(t.Context(), s, password, From{}); err != error(ErrInvitation) {
				t.Errorf("%s: %v", what, err)
			}
		}
		w.halfway("rae")

		late, err := w.Invite(t.Context(), id, "admin")
		if err != nil {
			t.Fatal(err)
		}
		w.clock.advance(numbers.InviteLife)
		if _, err := w.Join(t.Context(), late, password, From{}); err != error(ErrInvitation) {
			t.Errorf("an invitation of three days ago: %v", err)
		}
		shut, err := w.Invite(t.Context(), id, "admin")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Disable(t.Context(), id, "admin"), w.Enable(t.Context(), id, "admin")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Join(t.Context(), shut, password, From{}); err != error(ErrInvitation) {
			t.Errorf("an invitation of before a member was disabled: %v", err)
		}
		sys, err := w.Add(t.Context(), Member{Login: "ivr", Role: cpni.RoleSystem}, "", "admin")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Invite(t.Context(), sys, "admin"); code(err) != "CONFIG" {
			t.Errorf("an integration is invited: %v", err)
		}
	})
}

// A reset takes everything with which a member could sign in.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestReset(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := secured(t, db)
		id, phone, done := w.enrol("rae")
		if _, err := w.SignInAs(t.Context(), Identity{Issuer: "https://id.example", Subject: "1", Login: "rae", Whole: true}, From{}); err != nil {
			t.Fatal(err)
		}
		half := w.halfway("rae")
		_, version, err := w.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Reset(t.Context(), id, version, string(id)); err != error(ErrSelf) {
			t.Errorf("somebody resets themself: %v", err)
		}
		secret, err := w.Reset(t.Context(), id, version, "admin")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Reset(t.Context(), id, version, "other"); err != error(ErrConflict) {
			t.Errorf("a second administrator, who saw the member as they were: %v", err)
		}
		if _, err := w.Session(t.Context(), done.Session); err != error(ErrSignIn) {
			t.Errorf("a session goes on: %v", err)
		}
		if _, err := w.CheckCode(t.Context(), half, phone.next(), From{}); code(err) != "SIGN_IN_OVER" {
			t.Errorf("a sign-in goes on: %v", err)
		}
		if _, err := w.CheckPassword(t.Context(), "rae", password, From{}); err != error(ErrSignIn) {
			t.Errorf("the old password: %v", err)
		}
		if n, err := w.RecoveryLeft(t.Context(), id); err != nil || n != 0 {
			t.Errorf("%d recovery codes are left, %v", n, err)
		}
		if _, err := w.SignInAs(t.Context(), Identity{Issuer: "https://id.example", Subject: "1", Whole: true}, From{}); err != error(ErrNoAccount) {
			t.Errorf("the link to single sign-on: %v", err)
		}
		step, err := w.Join(t.Context(), secret, "eleven purple kites", From{})
		if err != nil || !step.Enrol {
			t.Fatalf("%+v, %v", step, err)
		}
	})
}

// The first administrator is made once, by whoever has what the server printed, and by nobody when there is a member.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestFirstAdministrator(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := secured(t, db)
		other := w.node(db)
		nodes := []*Register{w.Register, other}
		var secrets []string
		for _, n := range nodes {
			s, err := n.SetUp(t.Context())
			if err != nil || s == "" {
				t.Fatal(s, err)
			}
			secrets = append(secrets, s)
		}
		if _, err := w.FirstAdministrator(t.Context(), secrets[0], "root", "Amos", "short", From{}); code(err) != "WEAK_SECRET" {
			t.Errorf("a weak password: %v", err)
		}
		if _, err := w.FirstAdministrator(t.Context(), secrets[0], "a b", "Amos", password, From{}); code(err) != "CONFIG" {
			t.Errorf("a login with a space: %v", err)
		}
		if _, err := w.Join(t.Context(), secrets[0], password, From{}); err != error(ErrInvitation) {
			t.Errorf("it is no invitation of a member: %v", err)
		}
		var all sync.WaitGroup
		var got [6]Step
		for i := range got {
			all.Go(func() {
				got[i], _ = nodes[i%2].FirstAdministrator(t.Context(), secrets[i%2], "admin"+string(rune('a'+i)), "Amos", password, From{})
			})
		}
		all.Wait()
		made := 0
		for _, s := range got {
			if s.Pending != "" {
				made++
				w.setUp(s.Pending)
			}
		}
		members, err := w.Members(t.Context())
		if err != nil || made != 1 || len(members) != 1 || members[0].Role != cpni.RoleAdmin {
			t.Errorf("%d were made: %+v, %v", made, members, err)
		}
		for i, s := range secrets {
			if good, err := nodes[i].SettingUp(t.Context(), s); err != nil || good {
				t.Errorf("the address is still there: %v", err)
			}
		}
		if s, err := w.SetUp(t.Context()); err != nil || s != "" {
			t.Errorf("%q, %v", s, err)
		}
	})
}

// Two people who change one member at once: the second is told, and nothing is lost.
//
// cite: P-37
func TestConflicts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add("rae")
		_, version, err := w.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.SetRole(t.Context(), id, version, cpni.RoleSupervisor, "admin"); err != nil {
			t.Fatal(err)
		}
		for what, do := range map[string]func() error{
			"a role":   func() error { return w.node(db).SetRole(t.Context(), id, version, cpni.RoleAuditor, "other") },
			"disabled": func() error { return w.DisableAt(t.Context(), id, version, "other") },
			"enabled":  func() error { return w.EnableAt(t.Context(), id, version, "other") },
		} {
			if err := do(); err != error(ErrConflict) {
				t.Errorf("%s: %v", what, err)
			}
		}
		m, version, err := w.Get(t.Context(), id)
		if err != nil || m.Role != cpni.RoleSupervisor || m.Disabled {
			t.Errorf("%+v, %v", m, err)
		}
		for what, do := range map[string]func() error{
			"own role":          func() error { return w.SetRole(t.Context(), id, version, cpni.RoleAdmin, string(id)) },
			"disabling oneself": func() error { return w.DisableAt(t.Context(), id, version, string(id)) },
		} {
			if err := do(); err != error(ErrSelf) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := w.SetRole(t.Context(), id, version, cpni.RoleSystem, "admin"); code(err) != "CONFIG" {
			t.Errorf("a person becomes an integration: %v", err)
		}
		if err := w.SetRole(t.Context(), id, version, "boss", "admin"); code(err) != "CONFIG" {
			t.Errorf("a role that is none: %v", err)
		}
	})
}
