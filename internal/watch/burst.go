package watch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// bursts notices who works on more customers than anybody does in an hour or a day, or than they themselves usually do.
//
// cite: P-37, 47 CFR 64.2010(a)
var bursts = Detector{Name: "burst", Code: "BURST", Says: "More customers were worked on than is usual.",
	see: func(s *sight, e Event) (*finding, error) {
		if !e.touches() {
			return nil, nil
		}
		n := s.numbers(e.At)
		day := s.day(e.At)
		today, fresh, err := s.customersToday(e)
		if err != nil || !fresh {
			return nil, err
		}
		since, err := s.since("burst", e.Actor, e.At.Add(-time.Hour))
		if err != nil {
			return nil, err
		}
		hour, err := s.touches(e.Actor, since.Add(time.Microsecond), e.At, e.Seq, n.BurstPerHour, false)
		if err != nil {
			return nil, err
		}
		if customers(hour) > n.BurstPerHour {
			return &finding{Subject: e.Actor, Member: cpni.ID(e.Actor), Evidence: seqs(hour)}, nil
		}
		most, err := s.usual(e.Actor, day, n)
		if err != nil || today <= min(n.BurstPerDay, most) {
			return nil, err
		}
		closed, err := s.since("burst", e.Actor, time.Time{})
		if err != nil || s.day(closed) == day { // of this day's number somebody has heard
			return nil, err
		}
		all, err := s.touches(e.Actor, s.midnight(e.At), e.At, e.Seq, today, false)
		return &finding{Subject: e.Actor, Member: cpni.ID(e.Actor), Evidence: seqs(all)}, err
	}}

// midnight is when the carrier's day of a moment began.
func (s *sight) midnight(at time.Time) time.Time {
	y, m, d := at.In(s.w.parts.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, s.w.parts.Zone)
}

// customersToday counts the event's customer among those whom the person has worked on today; fresh is false when it was
// so already.
func (s *sight) customersToday(e Event) (n int, fresh bool, err error) {
	var before int
	err = s.tx.QueryRow(s.ctx, "SELECT count(*) FROM (SELECT 1 FROM watch_entry WHERE customer_id = $1 AND at >= $2 AND at <= $3 AND actor = $4 AND seq < $5"+touched+" LIMIT 1) x",
		string(e.Customer), s.midnight(e.At).UnixMicro(), e.At.UnixMicro(), e.Actor, e.Seq).Scan(&before)
	if err != nil || before > 0 {
		return 0, false, err
	}
	err = s.tx.QueryRow(s.ctx, "INSERT INTO watch_habit (actor, day, customers) VALUES ($1, $2, 1) ON CONFLICT (actor, day) DO UPDATE SET customers = watch_habit.customers + 1 RETURNING customers",
		e.Actor, s.day(e.At)).Scan(&n)
	if err != nil {
		return 0, false, fmt.Errorf("noting how much somebody works: %w", err)
	}
	return n, true, nil
}

// habitDays is how many days of somebody's work tell what is usual for them.
const habitDays = 20

// usual gives on how many customers in a day a person may work by what they have done before: so many per cent of the
// middle of their last days.
func (s *sight) usual(actor string, day int, n Numbers) (int, error) {
	rows, err := s.tx.Query(s.ctx, "SELECT customers FROM watch_habit WHERE actor = $1 AND day < $2 ORDER BY day DESC LIMIT $3", actor, day, habitDays)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var past []int
	for rows.Next() {
		var c int
		if err := rows.Scan(&c); err != nil {
			return 0, err
		}
		past = append(past, c)
	}
	if len(past) < max(1, n.OwnDays) {
		return n.BurstPerDay, rows.Err()
	}
	slices.Sort(past)
	return max(n.OwnLeast, past[len(past)/2]*n.OwnPercent/100), rows.Err()
}

func setHabit(ctx context.Context, tx *store.Tx, actor string, day, customers int) error {
	_, err := tx.Exec(ctx, "INSERT INTO watch_habit (actor, day, customers) VALUES ($1, $2, $3) ON CONFLICT (actor, day) DO UPDATE SET customers = excluded.customers", actor, day, customers)
	if err != nil {
		return fmt.Errorf("noting how much somebody works: %w", err)
	}
	return nil
}

type habit struct {
	actor string
	day   int
}

// habits counts from the index on how many customers each actor worked on each day.
func (w *Watch) habits(ctx context.Context, tx *store.Tx) (map[habit]int, error) {
	rows, err := tx.Query(ctx, "SELECT actor, customer_id, at FROM watch_entry WHERE actor <> ''"+touched+" ORDER BY actor, at")
	if err != nil {
		return nil, fmt.Errorf("reading how much people work: %w", err)
	}
	defer rows.Close()
	seen := map[habit]map[cpni.ID]bool{}
	for rows.Next() {
		var actor string
		var of cpni.ID
		var at int64
		if err := rows.Scan(&actor, &of, &at); err != nil {
			return nil, fmt.Errorf("reading how much people work: %w", err)
		}
		if !cpni.ID(actor).Valid() {
			continue
		}
		h := habit{actor, w.day(time.UnixMicro(at))}
		if seen[h] == nil {
			seen[h] = map[cpni.ID]bool{}
		}
		seen[h][of] = true
	}
	all := map[habit]int{}
	for h, c := range seen {
		all[h] = len(c)
	}
	return all, rows.Err()
}
