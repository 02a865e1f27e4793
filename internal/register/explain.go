package register

import (
	"context"
	"strings"

	"ringfence/internal/store"
)

// Plan tells how the database would search, for whoever tunes it.
func (b *Book) Plan(ctx context.Context, q Query) (string, error) {
	if err := q.tidy(); err != nil {
		return "", err
	}
	query, args, err := b.statement(ctx, q, 1<<40, q.Limit+1)
	if err != nil {
		return "", err
	}
	return explain(ctx, b.DB, query, args...)
}

// FollowPlan tells how the database would follow the ledger, for whoever tunes it.
func (b *Book) FollowPlan(ctx context.Context) (string, error) {
	query := "SELECT r.id FROM record r WHERE r.node = 'x' AND r.n = 1 AND r.kind = 'decision' AND r.outcome = 'permit' AND r.recipient <> 'customer' AND r.recipient <> 'carrier' AND r.recipient <> 'unknown'"
	if b.DB.Dialect() == store.Postgres {
		query = "SELECT r.id FROM record r JOIN ledger_span s ON s.node = r.node AND s.n = r.n WHERE s.first_seq >= 0 AND s.first_seq < 9 AND r.kind = 'decision' AND r.outcome = 'permit' AND r.recipient <> 'customer' AND r.recipient <> 'carrier' AND r.recipient <> 'unknown'"
	}
	return explain(ctx, b.DB, query)
}

func explain(ctx context.Context, db *store.DB, query string, args ...any) (string, error) {
	how := "EXPLAIN QUERY PLAN "
	if db.Dialect() == store.Postgres {
		how = "EXPLAIN "
	}
	rows, err := db.Reader().Query(ctx, how+query, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var text string
		into := []any{&text}
		if db.Dialect() == store.SQLite {
			var a, b, c any
			into = []any{&a, &b, &c, &text}
		}
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		all.WriteString(text + "\n")
	}
	return all.String(), rows.Err()
}
