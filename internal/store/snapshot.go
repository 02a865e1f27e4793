package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Snapshot runs read against one unchanging state of the database, however much is written meanwhile. What read is given
// does not write and is of no use after it.
func (db *DB) Snapshot(ctx context.Context, read func(Querier) error) error {
	options := &sql.TxOptions{ReadOnly: true} // of SQLite every transaction sees one state
	if db.dialect == Postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := db.read.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("beginning to read: %w", db.explain(err))
	}
	defer tx.Rollback()
	return db.explain(read(&Tx{db, db.read, tx}))
}
