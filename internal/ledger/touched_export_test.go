package ledger

import (
	"context"
	"strings"

	"ringfence/internal/store"
)

// TouchedAtOnce is how many entries one question of a trace reads.
const TouchedAtOnce = touchedAtOnce

// TouchedPlan tells how the database would answer a trace.
func (l *Ledger) TouchedPlan(ctx context.Context, t Trace) (string, error) {
	query, args := t.query()
	how := "EXPLAIN QUERY PLAN "
	if l.db.Dialect() == store.Postgres {
		how = "EXPLAIN "
	}
	rows, err := l.db.Reader().Query(ctx, how+query, args...)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	err = eachRow(rows, func() error {
		var text string
		into := []any{&text}
		if l.db.Dialect() == store.SQLite {
			into = []any{new(any), new(any), new(any), &text}
		}
		err := rows.Scan(into...)
		all.WriteString(text + "\n")
		return err
	})
	return all.String(), err
}
