package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// oldestPostgres is the first server version whose behaviour the tests cover.
const oldestPostgres = 150000

func openPostgres(ctx context.Context, address string, toRead bool) (*DB, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("database address %s: %w", withoutPassword(address), errors.Unwrap(err))
	}
	config.RuntimeParams["application_name"] = "ringfence"
	config.RuntimeParams["timezone"] = "UTC"
	// Acknowledged means durable, whatever the server's own default is.
	config.RuntimeParams["synchronous_commit"] = "on"
	if toRead {
		config.RuntimeParams["default_transaction_read_only"] = "on"
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(24)
	pool.SetMaxIdleConns(24)
	db := &DB{dialect: Postgres, write: pool, read: pool, where: fmt.Sprintf("PostgreSQL database %s on %s", config.Database, config.Host)}
	var version int
	if err := pool.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		pool.Close()
		return nil, fmt.Errorf("%s does not answer: %w; is the server running, and may this user connect?", db.where, err)
	}
	if version < oldestPostgres {
		pool.Close()
		return nil, fmt.Errorf("%s is version %d; Ringfence needs 15 or later", db.where, version/10000)
	}
	return db, nil
}

// retryable reports whether PostgreSQL asks for the whole transaction to be tried again.
func retryable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40001", "40P01": // serialization failure, deadlock
			return true
		}
	}
	return false
}

func explainPostgres(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "53100" { // disk full
		return fmt.Errorf("%w (%w)", ErrFull, err)
	}
	return err
}

func (db *DB) explain(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if db.dialect == Postgres {
		return explainPostgres(err)
	}
	return explainSQLite(err)
}
