package smpp

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// keepFor is how long the parts of a text are kept. A centre tries for some days at most.
const keepFor = 14 * 24 * time.Hour

// Table is Parts in the database, for all nodes and over restarts.
type Table struct {
	db    *store.DB
	clock cpni.Clock
}

// NewTable keeps parts in db.
func NewTable(db *store.DB, clock cpni.Clock) *Table { return &Table{db, clock} }

// Sent implements Parts.
func (t *Table) Sent(ctx context.Context, name string, of int, part string) error {
	now := t.clock.Now()
	err := t.db.Tx(ctx, func(tx *store.Tx) error {
		if strings.TrimSuffix(name, "/"+strconv.Itoa(of)) == part { // the first: a text begins, and old ones go
			if err := forget(ctx, tx, name, now.Add(-keepFor)); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "INSERT INTO long_text (name, parts, ready, lost, at) VALUES ($1, $2, 0, '', $3)", name, of, now.UnixMicro()); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "INSERT INTO text_part (part, name, ready) VALUES ($1, $2, 0) ON CONFLICT (part) DO UPDATE SET name = $2, ready = 0", part, name)
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping a part of a text: %w", err)
	}
	return nil
}

// forget removes a text of the same name, since centres give names again, and those from before a moment.
func forget(ctx context.Context, tx *store.Tx, name string, before time.Time) error {
	for _, query := range []string{
		"DELETE FROM text_part WHERE name IN (SELECT name FROM long_text WHERE name = $1 OR at < $2)",
		"DELETE FROM long_text WHERE name = $1 OR at < $2",
	} {
		if _, err := tx.Exec(ctx, query, name, before.UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}

// Told implements Parts.
func (t *Table) Told(ctx context.Context, part string, state notify.State) (name string, of notify.State, err error) {
	err = t.db.Tx(ctx, func(tx *store.Tx) error {
		name, of = "", ""
		fresh := int64(0)
		if state == notify.Delivered {
			done, err := tx.Exec(ctx, "UPDATE text_part SET ready = 1 WHERE part = $1 AND ready = 0", part)
			if err != nil {
				return err
			}
			if fresh, err = done.RowsAffected(); err != nil {
				return err
			}
		}
		err := tx.QueryRow(ctx, "SELECT name FROM text_part WHERE part = $1", part).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		lost := ""
		if state != notify.Delivered {
			lost = string(state)
		}
		// The text's own row is where those meet who tell of several parts at once.
		var parts, ready int64
		err = tx.QueryRow(ctx, "UPDATE long_text SET ready = ready + $1, lost = CASE WHEN lost = '' THEN $2 ELSE lost END WHERE name = $3 RETURNING parts, ready, lost", fresh, lost, name).
			Scan(&parts, &ready, &lost)
		if err != nil {
			return err
		}
		switch {
		case lost != "":
			of = notify.State(lost)
		case ready == parts:
			of = notify.Delivered
		}
		return nil
	})
	if err != nil {
		return "", "", fmt.Errorf("what became of a part of a text: %w", err)
	}
	return name, of, nil
}
