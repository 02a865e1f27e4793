// Package throttle slows the guessing of secrets. A try counts as failed before the secret is looked at, in the
// database, so that neither many tries at once nor many nodes get past the count; a right one is given back.
//
// cite: P-19, I-18, 47 CFR 64.2010(a)
package throttle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Rules are the dated numbers by which guessing is slowed.
type Rules struct {
	FreeTries    int           // failures before the delay begins
	FirstDelay   time.Duration // doubles with every further failure
	LongestDelay time.Duration // to which the delay grows; 0: a day
	PerDay       int           // failures after which the method closes for Closed; 0: no such limit
	Closed       time.Duration
	InAll        int // failures after which the method stays closed until somebody is reached out to
	InAllPIN     int // likewise for a PIN
	InAllWeak    int // likewise for a PIN of few digits taken over from an old system
}

// Kind is what sort of secret a try is about: the easier it is to guess, the fewer tries it bears.
type Kind int

// The kinds.
const (
	Password Kind = iota
	PIN
	Weak // marked as taken over from an old system
)

func (r Rules) most(k Kind) int {
	switch k {
	case PIN:
		return r.InAllPIN
	case Weak:
		return r.InAllWeak
	}
	return r.InAll
}

// Counter is what failures count against: a customer's secrets, a source of tries, a login.
type Counter struct {
	Of      cpni.ID // the customer; "" when it is no customer's
	Subject string  // never personal data: a fixed word, or a keyed hash
	Rules   Rules
	Kind    Kind
	// Daily: it begins anew with every day (UTC), for nobody could be reached out to who would open it again.
	Daily bool
}

const daily = "day "

func (c Counter) subject() string {
	if c.Daily {
		return daily + c.Subject
	}
	return c.Subject
}

// Verdict says whether a try may be made. The zero Verdict: yes, and it has been counted.
type Verdict struct {
	Wait    time.Duration // until the next try; 0: no wait
	Shut    bool          // until somebody is reached out to
	Counter int           // which counter refuses
}

// Open reports whether the try may be made.
func (v Verdict) Open() bool { return v.Wait == 0 && !v.Shut }

// Take counts one failure under every counter, unless one of them refuses the try: then none counts. Counters come in the
// same order everywhere, the customer's first.
func Take(ctx context.Context, tx *store.Tx, at time.Time, counters ...Counter) (Verdict, error) {
	states := make([]state, len(counters))
	for i, c := range counters {
		s, err := hold(ctx, tx, c, at)
		if err != nil {
			return Verdict{}, err
		}
		if v := s.judge(c, at); !v.Open() {
			v.Counter = i
			return v, nil
		}
		states[i] = s.failed(c.Rules, at)
	}
	for i, c := range counters {
		if err := write(ctx, tx, c, states[i]); err != nil {
			return Verdict{}, err
		}
	}
	return Verdict{}, nil
}

// GiveBack takes back what Take counted for a try that turned out right. It does not forgive what failed before.
func GiveBack(ctx context.Context, tx *store.Tx, at time.Time, counters ...Counter) error {
	for _, c := range counters {
		s, err := hold(ctx, tx, c, at)
		if err != nil {
			return err
		}
		s.streak, s.today = max(0, s.streak-1), max(0, s.today-1)
		if s.openAt.After(at) {
			s.openAt = at
		}
		if err := write(ctx, tx, c, s); err != nil {
			return err
		}
	}
	return nil
}

// Clear forgives what failed: the customer has been reached out to or has proved themselves. What the day has seen stays
// counted.
func Clear(ctx context.Context, tx *store.Tx, of cpni.ID, subject string) error {
	_, err := tx.Exec(ctx, "UPDATE throttle SET streak = 0, open_at = 0 WHERE customer_id = $1 AND subject = $2", string(of), subject)
	if err != nil {
		return fmt.Errorf("forgiving failed attempts: %w", err)
	}
	return nil
}

// Streak gives the failures under a counter since it was last cleared.
func Streak(ctx context.Context, q store.Querier, of cpni.ID, subject string) (int, error) {
	var n int
	err := q.QueryRow(ctx, "SELECT streak FROM throttle WHERE customer_id = $1 AND subject = $2", string(of), subject).Scan(&n)
	if err != nil && !store.IsNoRow(err) {
		return 0, fmt.Errorf("reading failed attempts: %w", err)
	}
	return n, nil
}

// state is a row of the table throttle.
type state struct {
	streak, day, today int
	openAt             time.Time
}

func dayOf(at time.Time) int {
	y, m, d := at.UTC().Date()
	return y*10000 + int(m)*100 + d
}

// hold reads a counter and keeps everybody else from it until tx ends.
func hold(ctx context.Context, tx *store.Tx, c Counter, at time.Time) (state, error) {
	var s state
	var open int64
	err := tx.QueryRow(ctx, `INSERT INTO throttle (customer_id, subject, streak, day, today, open_at) VALUES ($1, $2, 0, 0, 0, 0)
		ON CONFLICT (customer_id, subject) DO UPDATE SET streak = throttle.streak RETURNING streak, day, today, open_at`,
		string(c.Of), c.subject()).Scan(&s.streak, &s.day, &s.today, &open)
	if err != nil {
		return s, fmt.Errorf("reading failed attempts: %w", err)
	}
	s.openAt = time.UnixMicro(open).UTC()
	if d := dayOf(at); s.day != d {
		s.day, s.today = d, 0
		if c.Daily {
			s.streak = 0
		}
	}
	return s, nil
}

func write(ctx context.Context, tx *store.Tx, c Counter, s state) error {
	_, err := tx.Exec(ctx, "UPDATE throttle SET streak = $1, day = $2, today = $3, open_at = $4 WHERE customer_id = $5 AND subject = $6",
		s.streak, s.day, s.today, s.openAt.UnixMicro(), string(c.Of), c.subject())
	if err != nil {
		return fmt.Errorf("counting failed attempts: %w", err)
	}
	return nil
}

// judge tells whether a try may be made at the moment at.
func (s state) judge(c Counter, at time.Time) Verdict {
	switch {
	case s.streak >= c.Rules.most(c.Kind) && !c.Daily:
		return Verdict{Shut: true}
	case s.streak >= c.Rules.most(c.Kind):
		return Verdict{Wait: at.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(at)}
	case at.Before(s.openAt):
		return Verdict{Wait: s.openAt.Sub(at)}
	}
	return Verdict{}
}

// failed counts one more failure.
func (s state) failed(r Rules, at time.Time) state {
	s.streak++
	s.today++
	longest := r.LongestDelay
	if longest == 0 {
		longest = 24 * time.Hour
	}
	delay := time.Duration(0)
	if s.streak >= r.FreeTries {
		delay = r.FirstDelay
		for i := r.FreeTries; i < s.streak && delay > 0 && delay < longest; i++ {
			delay *= 2
		}
		delay = min(delay, longest)
	}
	if r.PerDay > 0 && s.today%r.PerDay == 0 {
		delay = max(delay, r.Closed)
	}
	s.openAt = at.Add(delay)
	return s
}

// shards are the rows among which a count of all customers together is spread, so that they do not all wait for one.
const shards = 8

func surgeSubject(at time.Time, shard int) string {
	return fmt.Sprintf("%ssurge %02d %d", daily, at.UTC().Hour(), shard)
}

// Note counts one failure among those of everybody in this hour.
func Note(ctx context.Context, tx *store.Tx, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO throttle (customer_id, subject, streak, day, today, open_at) VALUES ('', $1, 0, $2, 1, 0)
		ON CONFLICT (customer_id, subject) DO UPDATE SET today = CASE WHEN throttle.day = excluded.day THEN throttle.today + 1 ELSE 1 END, day = excluded.day`,
		surgeSubject(at, rand.IntN(shards)), dayOf(at))
	if err != nil {
		return fmt.Errorf("counting failed attempts: %w", err)
	}
	return nil
}

// InHour gives the failures of everybody in this hour.
func InHour(ctx context.Context, q store.Querier, at time.Time) (int, error) {
	all := 0
	for i := range shards {
		var n int
		err := q.QueryRow(ctx, "SELECT today FROM throttle WHERE customer_id = '' AND subject = $1 AND day = $2", surgeSubject(at, i), dayOf(at)).Scan(&n)
		if err != nil && !store.IsNoRow(err) {
			return 0, fmt.Errorf("reading failed attempts: %w", err)
		}
		all += n
	}
	return all, nil
}

// How long the counters that are no customer's are kept: a daily one, and one of a login that nobody has tried since.
const (
	keepDaily = 2 * 24 * time.Hour
	keepLogin = 90 * 24 * time.Hour
)

// Sweep removes counters that are no customer's and count no longer.
func Sweep(ctx context.Context, tx *store.Tx, at time.Time) error {
	for _, q := range []struct {
		where string
		age   time.Duration
	}{{"subject LIKE 'day %'", keepDaily}, {"subject NOT LIKE 'day %'", keepLogin}} {
		if _, err := tx.Exec(ctx, "DELETE FROM throttle WHERE customer_id = '' AND day < $1 AND "+q.where, dayOf(at.Add(-q.age))); err != nil {
			return fmt.Errorf("removing old counts of failed attempts: %w", err)
		}
	}
	return nil
}

// Look tells whether a try could be made at the moment at, and counts nothing.
func Look(ctx context.Context, q store.Querier, at time.Time, counters ...Counter) (Verdict, error) {
	for i, c := range counters {
		var s state
		var open int64
		err := q.QueryRow(ctx, "SELECT streak, day, today, open_at FROM throttle WHERE customer_id = $1 AND subject = $2", string(c.Of), c.subject()).Scan(&s.streak, &s.day, &s.today, &open)
		if store.IsNoRow(err) {
			continue
		}
		if err != nil {
			return Verdict{}, fmt.Errorf("reading failed attempts: %w", err)
		}
		s.openAt = time.UnixMicro(open).UTC()
		if c.Daily && s.day != dayOf(at) {
			s.streak = 0
		}
		if v := s.judge(c, at); !v.Open() {
			v.Counter = i
			return v, nil
		}
	}
	return Verdict{}, nil
}
