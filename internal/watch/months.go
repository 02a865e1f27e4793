package watch

import (
	"context"
	"fmt"
)

// Months gives what was counted in a year, by month (0 is January) and word of the counts: of days that are in the tree. first is the first
// day of which anything was counted in any year, as yyyymmdd of the carrier's days; 0: nothing was. No entry is read.
//
// cite: P-37, P-41
func (w *Watch) Months(ctx context.Context, year int) (months [12]map[string]int64, first int, err error) {
	for i := range months {
		months[i] = map[string]int64{}
	}
	if err := w.parts.DB.Reader().QueryRow(ctx, "SELECT coalesce(min(day), 0) FROM watch_count").Scan(&first); err != nil {
		return months, 0, fmt.Errorf("reading the counts: %w", err)
	}
	rows, err := w.parts.DB.Reader().Query(ctx, "SELECT day / 100 - $1, what, sum(n) FROM watch_count WHERE day >= $2 AND day <= $3 GROUP BY day / 100, what", year*100+1, year*10000+101, year*10000+1231)
	if err != nil {
		return months, 0, fmt.Errorf("reading the counts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var month int
		var what string
		var n int64
		if err := rows.Scan(&month, &what, &n); err != nil {
			return months, 0, fmt.Errorf("reading the counts: %w", err)
		}
		if month >= 0 && month < len(months) {
			months[month][what] = n
		}
	}
	return months, first, rows.Err()
}
