package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Tx is one transaction. It is given to the function that DB.Tx runs and is of no use after it.
type Tx struct {
	db *DB
	tx *sql.Tx
}

// SQL is the transaction of database/sql, for the job queue.
func (tx *Tx) SQL() *sql.Tx { return tx.tx }

// Dialect tells which kind of database this is.
func (tx *Tx) Dialect() Dialect { return tx.db.dialect }

// Exec runs a statement.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s := tx.db.stmts.get(ctx, tx.db.write, query); s != nil {
		return tx.tx.StmtContext(ctx, s).ExecContext(ctx, args...)
	}
	return tx.tx.ExecContext(ctx, query, args...)
}

// Query runs a query; close its rows before the next statement.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return tx.tx.QueryContext(ctx, query, args...)
}

// QueryRow runs a query for one row.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return tx.tx.QueryRowContext(ctx, query, args...)
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
	if err := do(&Tx{db, tx}); err != nil {
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
	if s := r.db.stmts.get(ctx, r.db.read, query); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return r.db.read.QueryContext(ctx, query, args...)
}

func (r reader) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if s := r.db.stmts.get(ctx, r.db.read, query); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return r.db.read.QueryRowContext(ctx, query, args...)
}

// statements keeps prepared the queries that run often. Queries are constants of the program, so there are few.
type statements struct {
	mu   sync.Mutex
	byDB map[*sql.DB]map[string]*sql.Stmt
}

// mostStatements bounds the cache; past it queries run unprepared.
const mostStatements = 400

// get returns the prepared form of query, or nil when it cannot be had; the caller then runs it unprepared. Inside a
// transaction of SQLite's single writer nothing can be prepared on another connection, so it is prepared on first
// sight only by readers and by PostgreSQL.
func (s *statements) get(ctx context.Context, db *sql.DB, query string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, ok := s.byDB[db][query]; ok {
		return st
	}
	if len(s.byDB[db]) >= mostStatements || db.Stats().MaxOpenConnections == 1 {
		return nil
	}
	st, err := db.PrepareContext(ctx, query)
	if err != nil {
		return nil
	}
	if s.byDB == nil {
		s.byDB = map[*sql.DB]map[string]*sql.Stmt{}
	}
	if s.byDB[db] == nil {
		s.byDB[db] = map[string]*sql.Stmt{}
	}
	s.byDB[db][query] = st
	return st
}

func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.byDB {
		for _, st := range m {
			st.Close()
		}
	}
	s.byDB = nil
}
