package watch

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/ledger"
)

// Total is how often a rule decided, and on which of the carrier's days last: its noon. Zero: never in that time.
type Total struct {
	N    int64
	Last time.Time
}

// RuleTotals gives how often each rule decided in the last days, today among them, and when last. It reads the counts of days
// and no entry. since is the first of those days of which there are counts; zero: there are none.
//
// cite: P-37
func (w *Watch) RuleTotals(ctx context.Context, last int) (totals map[string]Total, since time.Time, err error) {
	now := w.parts.Clock.Now().In(w.parts.Zone)
	from := w.day(time.Date(now.Year(), now.Month(), now.Day()-last+1, 12, 0, 0, 0, w.parts.Zone))
	rows, err := w.parts.DB.Reader().Query(ctx, "SELECT what, sum(n), max(day), min(day) FROM watch_count WHERE day >= $1 GROUP BY what", from)
	if err != nil {
		return nil, since, fmt.Errorf("reading the counts: %w", err)
	}
	defer rows.Close()
	totals = map[string]Total{}
	first := 0
	for rows.Next() {
		var what string
		var n int64
		var newest, oldest int
		if err := rows.Scan(&what, &n, &newest, &oldest); err != nil {
			return nil, since, fmt.Errorf("reading the counts: %w", err)
		}
		if first == 0 || oldest < first {
			first = oldest
		}
		if rule, ok := strings.CutPrefix(what, ByRule); ok {
			totals[rule] = Total{n, w.noon(newest)}
		}
	}
	if first != 0 {
		since = w.noon(first)
	}
	return totals, since, rows.Err()
}

// noon is the middle of a day that day has given.
func (w *Watch) noon(day int) time.Time {
	return time.Date(day/10000, time.Month(day/100%100), day%100, 12, 0, 0, 0, w.parts.Zone)
}

// lately is among how many entries, the newest of the tree, LastActs looks.
const lately = 10_000

// LastActs gives when an entry of each kind was last made, among the newest ten thousand of the tree.
//
// cite: P-37
func (w *Watch) LastActs(ctx context.Context) (map[ledger.Kind]time.Time, error) {
	rows, err := w.parts.DB.Reader().Query(ctx, "SELECT kind, max(at) FROM watch_entry WHERE seq > (SELECT coalesce(max(seq), 0) FROM watch_entry) - $1 GROUP BY kind", lately)
	if err != nil {
		return nil, fmt.Errorf("reading the newest entries: %w", err)
	}
	defer rows.Close()
	all := map[ledger.Kind]time.Time{}
	for rows.Next() {
		var kind ledger.Kind
		var at int64
		if err := rows.Scan(&kind, &at); err != nil {
			return nil, fmt.Errorf("reading the newest entries: %w", err)
		}
		all[kind] = time.UnixMicro(at).UTC()
	}
	return all, rows.Err()
}
