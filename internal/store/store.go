// Package store keeps Ringfence's records in SQLite or in PostgreSQL, through one set of queries.
//
// There is one transaction helper, DB.Tx; one way to read outside it, DB.Reader; and one group committer,
// Batcher. SQL is written once in the subset that both databases share: $1 parameters, RETURNING, ON CONFLICT, common table
// expressions. Times are stored as microseconds since 1970 UTC.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Dialect is the kind of database.
type Dialect int

// The dialects.
const (
	SQLite Dialect = iota
	Postgres
)

// String names the dialect.
func (d Dialect) String() string {
	if d == Postgres {
		return "PostgreSQL"
	}
	return "SQLite"
}

// Errors that callers act on.
var (
	// ErrUnknownOutcome: the commit failed in such a way that it may or may not have happened.
	ErrUnknownOutcome = errors.New("the database did not say whether the commit happened; ask again with the same idempotency key")
	// ErrOlderSchema: an older Ringfence has written this database, which is to be read as it is.
	ErrOlderSchema = errors.New("the database was written by an older version of Ringfence; start the server once, which brings it up to date")
	// ErrNewerSchema: a newer Ringfence has written this database.
	ErrNewerSchema = errors.New("the database was written by a newer version of Ringfence; start that version, or restore a backup made by this one")
	// ErrInUse: another process has this SQLite file open.
	ErrInUse = errors.New("another Ringfence process has this database open; stop it, or use PostgreSQL for several nodes")
	// ErrFull: the disk has no room left; nothing of the transaction was kept.
	ErrFull = errors.New("the disk is full; nothing was written; free some room and ask again")
)

// Querier runs statements; a transaction and the reader pool both are one.
type Querier interface {
	Exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// DB is an open database with its schema up to date.
type DB struct {
	dialect Dialect
	write   *sql.DB // one connection on SQLite
	read    *sql.DB
	stmts   statements
	where   string // for messages: a path or a server, never a password
	cleanup []func() error
	log     *checkpointer // of a SQLite file that is written
	tending func() error  // ends what runs beside, before anything is closed; nil: nothing does
}

// Open opens the database at url and brings its schema up to date.
//
//	sqlite:/var/lib/ringfence/ringfence.db   one file, one process
//	memory:                                  private to this DB, gone when it is closed
//	postgres://user@host/name                a PostgreSQL server, version 15 or later
func Open(ctx context.Context, address string) (*DB, error) {
	var db *DB
	var err error
	switch {
	case address == "memory:":
		db, err = openMemory(ctx)
	case strings.HasPrefix(address, "sqlite:"):
		db, err = openSQLite(ctx, strings.TrimPrefix(address, "sqlite:"))
	case strings.HasPrefix(address, "postgres://"), strings.HasPrefix(address, "postgresql://"):
		db, err = openPostgres(ctx, address, false)
	default:
		return nil, fmt.Errorf("database address %q is not one of sqlite:/path, memory: or postgres://…", withoutPassword(address))
	}
	if err != nil {
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// OpenToRead opens a database that may be in use by others, to read it. Its schema must be the one that this program
// knows.
func OpenToRead(ctx context.Context, address string) (*DB, error) {
	var db *DB
	var err error
	switch {
	case strings.HasPrefix(address, "sqlite:"):
		db, err = openSQLiteToRead(ctx, strings.TrimPrefix(address, "sqlite:"))
	case strings.HasPrefix(address, "postgres://"), strings.HasPrefix(address, "postgresql://"):
		db, err = openPostgres(ctx, address, true)
	default:
		return nil, fmt.Errorf("database address %q is not one of sqlite:/path or postgres://…", withoutPassword(address))
	}
	if err != nil {
		return nil, err
	}
	if err := db.sameSchema(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Dialect tells which kind of database this is.
func (db *DB) Dialect() Dialect { return db.dialect }

// Where names the database for messages, without secrets.
func (db *DB) Where() string { return db.where }

// Reader reads committed data outside any transaction.
func (db *DB) Reader() Querier { return reader{db} }

// Close closes every connection.
func (db *DB) Close() error {
	var errs []error
	if db.tending != nil {
		errs = append(errs, db.tending())
		db.tending = nil
	}
	db.stmts.close()
	if db.read != nil && db.read != db.write {
		errs = append(errs, db.read.Close())
	}
	if db.write != nil {
		errs = append(errs, db.write.Close())
	}
	for i := len(db.cleanup) - 1; i >= 0; i-- {
		errs = append(errs, db.cleanup[i]())
	}
	db.cleanup = nil
	return errors.Join(errs...)
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return db.Reader().QueryRow(ctx, "SELECT 1").Scan(&one)
}

func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(not a URL)"
	}
	return u.Redacted()
}

// Conn reserves one connection, for a lock that lives as long as it.
func (db *DB) Conn(ctx context.Context) (*sql.Conn, error) { return db.write.Conn(ctx) }

// Scrub takes deleted rows of tables out of the database's files: SQLite overwrites them as they are deleted and here
// empties its write-ahead log; PostgreSQL rewrites the tables.
func (db *DB) Scrub(ctx context.Context, tables ...string) error {
	if db.dialect == SQLite {
		if db.log != nil {
			db.log.mu.Lock()
			defer db.log.mu.Unlock()
		}
		var busy, log, moved int
		if err := db.write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved); err != nil {
			return fmt.Errorf("emptying the write-ahead log: %w", db.explain(err))
		}
		if busy != 0 {
			return errors.New("the write-ahead log could not be emptied while readers use it; ask again")
		}
		return nil
	}
	for _, t := range tables {
		if _, err := db.write.ExecContext(ctx, "VACUUM FULL "+t); err != nil {
			return fmt.Errorf("rewriting table %s: %w", t, db.explain(err))
		}
	}
	return nil
}
