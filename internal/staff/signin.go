package staff

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// From is where somebody who signs in comes from.
type From struct {
	Source  string // such as a network address: only its keyed hash is kept, to count failures
	Network string // coarse, as the list of sessions shows it
	Browser string // a coarse word, likewise
}

// Step is how far somebody has come who signs in.
type Step struct {
	Session string // the secret of the session that has begun; "" while something is missing
	Pending string // the secret of the sign-in that goes on; "" when a session has begun
	Enrol   bool   // what is missing has to be set up first: the member has no second factor
}

// loginSubject names a login for the count of failures: one that is nobody's is counted as any other.
func (r *Register) loginSubject(login string) string {
	return "login " + hex.EncodeToString(r.vault.BlindIndex("login", login))
}

// CheckPassword is the first step of a sign-in. An unknown name takes as long as a wrong password, is counted, recorded and
// answered the same. A right one begins a session only where no second factor is asked for; else the sign-in goes on.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) CheckPassword(ctx context.Context, name, password string, from From) (Step, error) {
	leave, err := r.hashing()
	if err != nil {
		return Step{}, err
	}
	defer leave()
	m, err := r.whoSignsIn(ctx, name)
	if err != nil {
		return Step{}, err
	}
	now := r.clock.Now()
	counted := r.counters(name, from.Source, now)
	if err := r.count(ctx, m, now, counted); err != nil {
		return Step{}, err
	}
	right, err := r.matches(m, password)
	if err != nil {
		return Step{}, err
	}
	if !right {
		return Step{}, r.turnAway(ctx, m, ErrSignIn)
	}
	return r.admit(ctx, m.ID, admission{from: from, at: now, counted: counted, by: "password", still: func(_ *store.Tx, now *Member) error {
		// Only for the member whose password was compared: they may have been given another meanwhile.
		if now.Password != m.Password {
			return ErrSignIn
		}
		return nil
	}})
}

// admission is how somebody is let in, or further, who has shown something.
type admission struct {
	from    From
	at      time.Time
	counted []throttle.Counter // what Take has counted: given back
	by      string             // what was shown, for the record
	whole   bool               // nothing more is needed
	pending string             // the secret of the sign-in that ends here; "": none
	confirm string             // the secret of the session whose holder proves again who they are; "": a session begins
	still   func(*store.Tx, *Member) error
}

// admit begins a session, or lets the sign-in go on, for a member whom nobody changes meanwhile.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) admit(ctx context.Context, id cpni.ID, a admission) (Step, error) {
	tokens := newTokens()
	var step Step
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := locked(ctx, tx, id)
		if errors.Is(err, ErrNone) || err == nil && e.member.Disabled {
			return nil, ErrSignIn
		}
		if err != nil {
			return nil, err
		}
		if err := throttle.GiveBack(ctx, tx, a.at, a.counted...); err != nil {
			return nil, err
		}
		if a.pending != "" {
			if err := r.endPending(ctx, tx, a.pending); err != nil {
				return nil, err
			}
		}
		if a.still != nil {
			if err := a.still(tx, e.member); err != nil {
				return nil, err
			}
		}
		if step, err = r.further(ctx, tx, e.member, a, tokens); err != nil {
			return nil, err
		}
		what := "signed in"
		switch {
		case a.confirm != "":
			what = "proved again who they are"
		case step.Session == "":
			what = "first step of a sign-in"
		}
		return r.entries(ctx, tx, string(id), nil, map[string]string{"what": what, "by": a.by})
	})
	if err != nil {
		return Step{}, plainly(err)
	}
	return step, nil
}

// tokens are secrets that are made before the transaction in which one of them is used.
type tokens struct {
	session, pending         string
	sessionHash, pendingHash [32]byte
}

func newTokens() (t tokens) {
	t.session, t.sessionHash = token(sessionPrefix)
	t.pending, t.pendingHash = token(pendingPrefix)
	return t
}

// further begins a session for a member who has shown enough, and a sign-in that goes on for one who has not.
func (r *Register) further(ctx context.Context, tx *store.Tx, m *Member, a admission, t tokens) (Step, error) {
	if a.confirm != "" {
		return Step{}, r.prove(ctx, tx, m, a)
	}
	if !a.whole {
		n, err := r.countFactors(ctx, tx, m.ID)
		if err != nil {
			return Step{}, err
		}
		if n > 0 || r.rules(a.at).SecondFactor {
			_, err := tx.Exec(ctx, "INSERT INTO sign_in (hash, staff_id, began) VALUES ($1, $2, $3)", t.pendingHash[:], string(m.ID), a.at.UnixMicro())
			return Step{Pending: t.pending, Enrol: n == 0}, err
		}
	}
	if err := throttle.Clear(ctx, tx, "", r.loginSubject(m.Login)); err != nil {
		return Step{}, err
	}
	_, err := tx.Exec(ctx, "INSERT INTO session (hash, staff_id, began, active, proved, ended, browser, network) VALUES ($1, $2, $3, $3, $3, 0, $4, $5)",
		t.sessionHash[:], string(m.ID), a.at.UnixMicro(), shortWord(a.from.Browser), shortWord(a.from.Network))
	return Step{Session: t.session}, err
}

// shortWord bounds what is kept of words about a browser.
func shortWord(s string) string {
	const most = 60
	return s[:min(len(s), most)]
}

// whoSignsIn finds the member; nil when nobody can sign in under that name.
func (r *Register) whoSignsIn(ctx context.Context, name string) (*Member, error) {
	l, ok := login(name)
	if !ok {
		return nil, nil
	}
	e, err := readEntry(r.db.Reader().QueryRow(ctx, readMember+"login = $1", l).Scan)
	if errors.Is(err, ErrNone) || err == nil && (e.member.Password == "" || e.member.Disabled) {
		return nil, nil
	}
	return e.member, err
}

// counters are what a sign-in counts against.
func (r *Register) counters(name, source string, now time.Time) []throttle.Counter {
	l, ok := login(name)
	if !ok {
		l = ""
	}
	return append([]throttle.Counter{{Subject: r.loginSubject(l), Rules: r.rules(now).Login}}, r.sourceCounter(source, now)...)
}

// sourceCounter counts what comes from one place; nothing where the place is not known.
func (r *Register) sourceCounter(source string, now time.Time) []throttle.Counter {
	if source == "" {
		return nil
	}
	return []throttle.Counter{{Subject: "staff source " + hex.EncodeToString(r.vault.BlindIndex("source", source)), Rules: r.rules(now).Source, Daily: true}}
}

// count counts a try as failed before anything is compared; it is given back to who turns out right.
func (r *Register) count(ctx context.Context, m *Member, now time.Time, counted []throttle.Counter) error {
	var v throttle.Verdict
	if err := r.db.Tx(ctx, func(tx *store.Tx) (err error) {
		v, err = throttle.Take(ctx, tx, now, counted...)
		return err
	}); err != nil {
		return fmt.Errorf("counting failed sign-ins: %w", err)
	}
	if !v.Open() {
		return r.turnAway(ctx, m, waits(v))
	}
	return nil
}

func waits(v throttle.Verdict) *cpni.Refusal {
	if v.Shut {
		return cpni.Rejected("LOCKED", "too many failed sign-ins: it stays closed until an administrator invites you anew", []string{"P-37"}, "ask an administrator for a new invitation")
	}
	wait := (v.Wait + time.Second - 1) / time.Second * time.Second
	return cpni.Rejected("LOCKED", "too many failed sign-ins: the next try is in "+wait.String(), []string{"P-37"}, "try again then, or ask an administrator for a new invitation")
}

// matches compares a password, or does as much for nobody.
func (r *Register) matches(m *Member, password string) (bool, error) {
	if m == nil || len(password) > longestPassword {
		r.hash.Waste()
		return false, nil
	}
	return r.hash.Matches(m.Password, password)
}

// turnAway records a sign-in that failed. What was typed as the name is not recorded: it may be the password.
func (r *Register) turnAway(ctx context.Context, m *Member, refusal *cpni.Refusal) error {
	by := ""
	if m != nil {
		by = string(m.ID)
	}
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		return r.entries(ctx, tx, by, refusal, map[string]string{"what": "sign-in failed"})
	})
	if err != nil {
		return errors.Join(refusal, err)
	}
	return refusal
}
