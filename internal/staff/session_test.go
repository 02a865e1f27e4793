package staff

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// cite: P-37, 47 CFR 64.2010(a)
func TestSessionsEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add("rae")
		other := w.node(db)
		alive := func(n *Register, secret string) bool {
			m, err := n.Session(t.Context(), secret)
			if err != nil && err != error(ErrSignIn) {
				t.Fatal(err)
			}
			return err == nil && m.ID == id
		}
		idle := w.signIn("rae")
		w.clock.advance(numbers.SessionIdle - time.Minute)
		if !alive(w.Register, idle) {
			t.Error("59 minutes idle ended a session")
		}
		w.clock.advance(numbers.SessionIdle - time.Minute)
		if !alive(w.Register, idle) {
			t.Error("a session that was used is idle")
		}
		w.clock.advance(numbers.SessionIdle)
		if alive(w.Register, idle) {
			t.Error("an hour idle did not end a session")
		}

		long := w.signIn("rae")
		for range 23 {
			w.clock.advance(30 * time.Minute)
			if !alive(w.Register, long) {
				t.Fatal("a session in use ended before its time")
			}
		}
		w.clock.advance(30 * time.Minute)
		if alive(w.Register, long) {
			t.Error("twelve hours did not end a session")
		}

		out := w.signIn("rae")
		if err := other.SignOut(t.Context(), out); err != nil || alive(w.Register, out) || alive(other, out) {
			t.Errorf("a session that was signed out lives: %v", err)
		}
		if err := w.SignOut(t.Context(), out); err != nil {
			t.Errorf("signing out again: %v", err)
		}

		changed := w.signIn("rae")
		if err := other.SetPassword(t.Context(), id, password, "admin"); err != nil || alive(w.Register, changed) {
			t.Errorf("a session outlived the password: %v", err)
		}
		disabled := w.signIn("rae")
		if !alive(w.Register, disabled) {
			t.Fatal("not signed in")
		}
		if err := other.Disable(t.Context(), id, "admin"); err != nil || alive(w.Register, disabled) {
			t.Errorf("a disabled member has a session: %v", err)
		}
		if err := other.Enable(t.Context(), id, "admin"); err != nil || alive(w.Register, disabled) {
			t.Errorf("a session came back: %v", err)
		}
		w.signIn("rae")

		for _, bad := range []string{"", "rfs_", "rfs_x", strings.Repeat("r", 1<<16), strings.Replace(disabled, "rfs_", "rfk_", 1)} {
			if alive(w.Register, bad) {
				t.Errorf("%.20q is a session", bad)
			}
			if err := w.SignOut(t.Context(), bad); err != nil {
				t.Errorf("signing out %.20q: %v", bad, err)
			}
		}
		var sessions int
		w.clock.advance(numbers.SessionLength + time.Second)
		if err := w.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM session").Scan(&sessions); err != nil || sessions != 0 {
			t.Errorf("%d sessions are kept after their end, %v", sessions, err)
		}
	})
}

// Who is disabled, or given another password, while their password is compared gets no session; and a session that is there
// by whatever mistake opens nothing to a disabled member.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestDisabledMeanwhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add("rae")
		secret := w.signIn("rae")
		for name, happens := range map[string]func() error{
			"another password": func() error { return w.SetPassword(t.Context(), id, "other-green-lamps", "admin") },
			"disabled":         func() error { return w.Disable(t.Context(), id, "admin") },
		} {
			w.spy.meanwhile = func() {
				if err := happens(); err != nil {
					t.Fatal(err)
				}
			}
			if secret, err := w.SignIn(t.Context(), "rae", password); secret != "" || err != error(ErrSignIn) {
				t.Errorf("%s: %q, %v", name, secret, err)
			}
			w.spy.meanwhile = nil
			if err := errors.Join(w.Enable(t.Context(), id, "admin"), w.SetPassword(t.Context(), id, password, "admin")); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Disable(t.Context(), id, "admin"); err != nil {
			t.Fatal(err)
		}
		if err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE session SET ended = 0")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Session(t.Context(), secret); err != error(ErrSignIn) {
			t.Errorf("a session of a disabled member: %v", err)
		}
	})
}
