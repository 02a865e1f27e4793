package watch

import (
	"context"
	"fmt"
	"iter"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// Sums gives the counts of the carrier's days from a moment until before another. It reads the counts of days and no entry.
//
// cite: P-37, 47 CFR 64.2009(e)
func (w *Watch) Sums(ctx context.Context, from, to time.Time) (map[string]int64, error) {
	rows, err := w.parts.DB.Reader().Query(ctx, "SELECT what, sum(n) FROM watch_count WHERE day >= $1 AND day <= $2 GROUP BY what", w.day(from), w.day(to.Add(-time.Nanosecond)))
	if err != nil {
		return nil, fmt.Errorf("reading the counts: %w", err)
	}
	defer rows.Close()
	all := map[string]int64{}
	for rows.Next() {
		var what string
		var n int64
		if err := rows.Scan(&what, &n); err != nil {
			return nil, fmt.Errorf("reading the counts: %w", err)
		}
		all[what] = n
	}
	return all, rows.Err()
}

// Raisings are the alerts that were raised in a time, and where their cases stand.
type Raisings struct {
	All, Closed, Violations, Open int64
	Overdue                       int64 // open, and older than a case may become
}

// Raised counts the alerts of a time. It tells of none what it is about.
//
// cite: P-37, 47 CFR 64.2010(a)
func (w *Watch) Raised(ctx context.Context, from, to time.Time) (r Raisings, err error) {
	now := w.parts.Clock.Now()
	err = w.parts.DB.Reader().QueryRow(ctx, `SELECT count(*), coalesce(sum(CASE WHEN state = 'closed' THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN outcome = 'violation' THEN 1 ELSE 0 END), 0),
		coalesce(sum(CASE WHEN state <> 'closed' THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN state <> 'closed' AND raised < $3 THEN 1 ELSE 0 END), 0) FROM watch_alert WHERE raised >= $1 AND raised < $2`,
		from.UnixMicro(), to.UnixMicro(), now.Add(-w.parts.Numbers(now).CloseWithin).UnixMicro()).Scan(&r.All, &r.Closed, &r.Violations, &r.Open, &r.Overdue)
	if err != nil {
		err = fmt.Errorf("counting alerts: %w", err)
	}
	return r, err
}

// Unanswered counts the alerts that were raised before a moment and are not closed, by their codes.
//
// cite: P-37, 47 CFR 64.2009(e)
func (w *Watch) Unanswered(ctx context.Context, before time.Time) (map[cpni.Code]int64, error) {
	rows, err := w.parts.DB.Reader().Query(ctx, "SELECT code, count(*) FROM watch_alert WHERE state <> 'closed' AND raised < $1 GROUP BY code", before.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("counting alerts: %w", err)
	}
	defer rows.Close()
	all := map[cpni.Code]int64{}
	for rows.Next() {
		var code cpni.Code
		var n int64
		if err := rows.Scan(&code, &n); err != nil {
			return nil, fmt.Errorf("counting alerts: %w", err)
		}
		all[code] = n
	}
	return all, rows.Err()
}

// Decisions gives the decisions of a time that stand in the tree, in its order.
//
// cite: P-41, 47 CFR 64.2009(e)
func (w *Watch) Decisions(ctx context.Context, from, to time.Time) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		rows, err := w.parts.DB.Reader().Query(ctx, "SELECT "+foundColumns+" FROM watch_entry WHERE kind = $1 AND at >= $2 AND at < $3 ORDER BY seq", string(ledger.Decision), from.UnixMicro(), to.UnixMicro())
		if err != nil {
			yield(Found{}, fmt.Errorf("reading decisions: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			f, err := scanFound(rows.Scan)
			if err != nil {
				err = fmt.Errorf("reading decisions: %w", err)
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Found{}, fmt.Errorf("reading decisions: %w", err))
		}
	}
}
