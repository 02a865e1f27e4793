package customer

import (
	"context"
	"fmt"
	"strconv"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Changes are the traces that changed customers leave, as they stood at one moment.
type Changes struct {
	// Next is from where to read the next time. What was written by transactions that had begun and not ended is read then, so
	// that one which began early and ends late is not missed; what has been read may come again.
	Next int64
	All  []Trace
	// Pruned is up to where traces are gone: whoever has not read them reads all customers.
	Pruned int64
}

// Trace says that a customer was made, changed or forgotten.
type Trace struct {
	N  int64
	ID cpni.ID
}

// metaPruned says up to where traces are gone.
const metaPruned = "customer.changed.pruned"

// What a transaction's traces are numbered by, and from where the next reading begins: on PostgreSQL the oldest transaction that
// still runs, for of those before it everything is to be seen, or will never be.
const (
	tracePostgres = "INSERT INTO customer_changed (n, customer_id) VALUES (CAST(CAST(pg_current_xact_id() AS text) AS bigint), $1) ON CONFLICT (n, customer_id) DO NOTHING"
	traceSQLite   = "INSERT INTO customer_changed (n, customer_id) SELECT coalesce(max(n), 0) + 1, $1 FROM customer_changed"
	nextPostgres  = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
	nextSQLite    = "SELECT coalesce(max(n), 0) + 1 FROM customer_changed"
)

// traceTx leaves the trace of a customer in the transaction that changes them.
//
// cite: I-02, I-19
func traceTx(ctx context.Context, tx *store.Tx, id cpni.ID) error {
	query := traceSQLite
	if tx.Dialect() == store.Postgres {
		query = tracePostgres
	}
	if _, err := tx.Exec(ctx, query, string(id)); err != nil {
		return fmt.Errorf("leaving the trace of a change: %w", err)
	}
	return nil
}

// Changed gives the traces from a place on, of everything that was committed before it was asked.
//
// cite: I-02, I-19
func (b *Book) Changed(ctx context.Context, from int64) (Changes, error) {
	var c Changes
	err := b.db.Snapshot(ctx, func(q store.Querier) error {
		c = Changes{}
		query := nextSQLite
		if b.db.Dialect() == store.Postgres {
			query = nextPostgres
		}
		if err := q.QueryRow(ctx, query).Scan(&c.Next); err != nil {
			return err
		}
		var pruned string
		err := q.QueryRow(ctx, "SELECT value FROM meta WHERE name = $1", metaPruned).Scan(&pruned)
		if err != nil && !store.IsNoRow(err) {
			return err
		}
		if pruned != "" {
			if c.Pruned, err = strconv.ParseInt(pruned, 10, 64); err != nil {
				return err
			}
		}
		rows, err := q.Query(ctx, "SELECT n, customer_id FROM customer_changed WHERE n >= $1 ORDER BY n", from)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var t Trace
			if err := rows.Scan(&t.N, &t.ID); err != nil {
				return err
			}
			c.All = append(c.All, t)
		}
		return rows.Err()
	})
	if err != nil {
		return Changes{}, fmt.Errorf("reading which customers were changed: %w", err)
	}
	return c, nil
}

// PruneTx removes the traces before a place, which nobody needs who reads all customers anew, and those of another PostgreSQL server
// from which the database was restored: there no transaction had a number that is still to come here.
func (b *Book) PruneTx(ctx context.Context, tx *store.Tx, before int64) error {
	queries := []string{"DELETE FROM customer_changed WHERE n < $1 AND n < (SELECT max(n) FROM customer_changed)"} // the newest stays, for the count goes on from it
	if tx.Dialect() == store.Postgres {
		queries = []string{"DELETE FROM customer_changed WHERE n < $1 OR n >= CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"}
	}
	for _, q := range queries {
		if _, err := tx.Exec(ctx, q, before); err != nil {
			return fmt.Errorf("removing traces of changes: %w", err)
		}
	}
	return tx.SetMeta(ctx, metaPruned, strconv.FormatInt(before, 10))
}

// WhenForgetting has do called in the transaction that forgets a customer, so that others who keep something of customers in the database
// destroy it there.
//
// cite: P-37, I-21
func (b *Book) WhenForgetting(do func(ctx context.Context, tx *store.Tx, id cpni.ID) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgetting = append(b.forgetting, do)
}

// HoldForgetting names the latest forgetting, and keeps everybody from forgetting a customer until tx ends.
//
// cite: I-21
func (b *Book) HoldForgetting(ctx context.Context, tx *store.Tx) (string, error) {
	if _, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, '') ON CONFLICT (name) DO NOTHING", metaForgotten); err != nil {
		return "", err
	}
	query := "SELECT value FROM meta WHERE name = $1"
	if tx.Dialect() == store.Postgres {
		query += " FOR UPDATE"
	}
	var value string
	err := tx.QueryRow(ctx, query, metaForgotten).Scan(&value)
	return value, err
}

// LatestForgotten names the latest forgetting; "" there was none.
func (b *Book) LatestForgotten(ctx context.Context) (string, error) {
	return b.db.Meta(ctx, metaForgotten)
}
