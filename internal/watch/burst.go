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
		y, m, d := e.At.In(s.w.parts.Zone).Date()
		day, err := s.touches(e.Actor, time.Date(y, m, d, 0, 0, 0, 0, s.w.parts.Zone), e.At, e.Seq)
		if err != nil {
			return nil, err
		}
		before := customers(day[:max(0, len(day)-1)])
		today := customers(day)
		if err := setHabit(s.ctx, s.tx, e.Actor, s.day(e.At), today); err != nil || today == before {
			return nil, err
		}
		since, err := s.since("burst", e.Actor, e.At.Add(-24*time.Hour))
		if err != nil {
			return nil, err
		}
		day = slices.DeleteFunc(day, func(t touch) bool { return t.at.Before(since) })
		hour := slices.DeleteFunc(slices.Clone(day), func(t touch) bool { return !t.at.After(e.At.Add(-time.Hour)) })
		switch most, err := s.usual(e.Actor, s.day(e.At), n); {
		case err != nil:
			return nil, err
		case customers(hour) > n.BurstPerHour:
			return &finding{Subject: e.Actor, Member: cpni.ID(e.Actor), Evidence: seqs(hour)}, nil
		case customers(day) > min(n.BurstPerDay, most):
			return &finding{Subject: e.Actor, Member: cpni.ID(e.Actor), Evidence: seqs(day)}, nil
		}
		return nil, nil
	}}

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
