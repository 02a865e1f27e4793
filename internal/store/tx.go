package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Tx is one transaction. It is given to the function that DB.Tx runs and is of no use after it.
type Tx struct {
	db   *DB
	pool *sql.DB // whose connection it has
	tx   *sql.Tx
}

// SQL is the transaction of database/sql.
func (tx *Tx) SQL() *sql.Tx { return tx.tx }

// Dialect tells which kind of database this is.
func (tx *Tx) Dialect() Dialect { return tx.db.dialect }

// Exec runs a statement.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s := tx.prepared(ctx, query); s != nil {
		return s.ExecContext(ctx, args...)
	}
	return tx.tx.ExecContext(ctx, tx.db.spell(query), args...)
}

// Query runs a query; close its rows before the next statement.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := tx.prepared(ctx, query); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return tx.tx.QueryContext(ctx, tx.db.spell(query), args...)
}

// QueryRow runs a query for one row.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if s := tx.prepared(ctx, query); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return tx.tx.QueryRowContext(ctx, tx.db.spell(query), args...)
}

// Prepare prepares a statement for many runs within tx; close it before tx ends.
func (tx *Tx) Prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	return tx.tx.PrepareContext(ctx, tx.db.spell(query))
}

// prepared gives the statement of query as tx runs it, or nil when it is not prepared.
func (tx *Tx) prepared(ctx context.Context, query string) *sql.Stmt {
	if s := tx.db.prepared(ctx, tx.pool, query); s != nil {
		return tx.tx.StmtContext(ctx, s)
	}
	return nil
}

// attempts bounds how often a transaction is tried again when PostgreSQL asks for it.
const attempts = 12

// Tx runs do in one transaction and commits it. When do fails, nothing of it is kept. On PostgreSQL do may run several
// times, when the server asks for it; so do changes nothing but the database.
//
// When the commit itself fails the outcome is unknown and the error is ErrUnknownOutcome.
func (db *DB) Tx(ctx context.Context, do func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := db.try(ctx, do)
		if err == nil || attempt == attempts || !retryable(err) {
			return db.explain(err)
		}
		pause := time.Duration(rand.Int64N(int64(attempt) * int64(5*time.Millisecond)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (db *DB) try(ctx context.Context, do func(*Tx) error) (err error) {
	db.prepareWanted(ctx, db.write)
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	done := false
	defer func() {
		if !done { // do failed or panicked
			if rollback := tx.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) {
				err = errors.Join(err, fmt.Errorf("rolling back: %w", rollback))
			}
		}
	}()
	if err := do(&Tx{db, db.write, tx}); err != nil {
		return err
	}
	done = true
	if err := tx.Commit(); err != nil {
		if retryable(err) {
			return err // the server has rolled it back
		}
		if rollback := tx.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) {
			err = errors.Join(err, rollback)
		}
		return fmt.Errorf("%w (%w)", ErrUnknownOutcome, db.explain(err))
	}
	return nil
}

type reader struct{ db *DB }

func (r reader) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return nil, errors.New("the reader does not write; use a transaction")
}

func (r reader) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := r.db.prepared(ctx, r.db.read, query); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return r.db.read.QueryContext(ctx, r.db.spell(query), args...)
}

func (r reader) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if s := r.db.prepared(ctx, r.db.read, query); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return r.db.read.QueryRowContext(ctx, r.db.spell(query), args...)
}
