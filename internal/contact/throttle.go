package contact

import (
	"context"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// ThrottleRules are the dated numbers by which guessing is slowed.
type ThrottleRules struct {
	FreeTries  int           // failures before the delay begins
	FirstDelay time.Duration // doubles with every further failure
	PerDay     int           // failures after which the method closes for Closed
	Closed     time.Duration
	InAll      int // failures after which the method stays closed until the customer is reached out to
	InAllPIN   int
}

// secrets is the subject under which failures of password, PIN and backup answers count together: a guesser gains
// nothing by going from one to the other, or from channel to channel.
const secrets = "secrets"

// throttleState is a row of the table throttle.
type throttleState struct {
	streak, day, today int
	openAt             time.Time
}

func dayOf(at time.Time) int { return at.Year()*10000 + int(at.Month())*100 + at.Day() }

// allowed tells when the next try is, zero for now; never is true when only reaching out to the customer helps.
func (s throttleState) allowed(r ThrottleRules, pin bool, at time.Time) (wait time.Duration, never bool) {
	most := r.InAll
	if pin {
		most = r.InAllPIN
	}
	if s.streak >= most {
		return 0, true
	}
	if at.Before(s.openAt) {
		return s.openAt.Sub(at), false
	}
	return 0, false
}

// failed counts one more failure.
func (s throttleState) failed(r ThrottleRules, at time.Time) throttleState {
	s.streak++
	if d := dayOf(at); s.day != d {
		s.day, s.today = d, 0
	}
	s.today++
	delay := time.Duration(0)
	if over := s.streak - r.FreeTries; over >= 0 {
		delay = r.FirstDelay << min(over, 20)
	}
	if s.today%r.PerDay == 0 {
		delay = max(delay, r.Closed)
	}
	if delay > 24*time.Hour {
		delay = 24 * time.Hour
	}
	s.openAt = at.Add(delay)
	return s
}

func readThrottle(ctx context.Context, q store.Querier, customer cpni.ID, subject string) (throttleState, error) {
	var s throttleState
	var open int64
	err := q.QueryRow(ctx, "SELECT streak, day, today, open_at FROM throttle WHERE customer_id = $1 AND subject = $2", string(customer), subject).Scan(&s.streak, &s.day, &s.today, &open)
	if store.IsNoRow(err) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("reading failed attempts: %w", err)
	}
	s.openAt = time.UnixMicro(open).UTC()
	return s, nil
}

func writeThrottle(ctx context.Context, tx *store.Tx, customer cpni.ID, subject string, s throttleState) error {
	_, err := tx.Exec(ctx, `INSERT INTO throttle (customer_id, subject, streak, day, today, open_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (customer_id, subject) DO UPDATE SET streak = excluded.streak, day = excluded.day, today = excluded.today, open_at = excluded.open_at`,
		string(customer), subject, s.streak, s.day, s.today, s.openAt.UnixMicro())
	return err
}

// clearThrottle opens the method again, after the customer has been reached out to or has proved themselves.
func clearThrottle(ctx context.Context, tx *store.Tx, customer cpni.ID, subject string) error {
	_, err := tx.Exec(ctx, "DELETE FROM throttle WHERE customer_id = $1 AND subject = $2", string(customer), subject)
	return err
}
