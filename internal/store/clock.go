package store

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"ringfence/internal/cpni"
)

// ForwardClock is a clock that never goes back: not when the machine's clock is set back, and not across a restart.
// Save its mark with Keep, in the transactions that write what was timed.
type ForwardClock struct {
	inner cpni.Clock
	mu    sync.Mutex
	mark  time.Time
}

const clockMark = "clock.mark"

// Forward makes inner a ForwardClock that starts no earlier than the mark that db keeps.
func Forward(ctx context.Context, inner cpni.Clock, db *DB) (*ForwardClock, error) {
	c := &ForwardClock{inner: inner}
	value, err := db.Meta(ctx, clockMark)
	if err != nil {
		return nil, fmt.Errorf("reading the clock's high-water mark: %w", err)
	}
	if value != "" {
		us, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the clock's high-water mark in the database is damaged: %w", err)
		}
		c.mark = time.UnixMicro(us).UTC()
	}
	return c, nil
}

// Now gives the time in UTC to the microsecond, never earlier than it or Keep has seen.
func (c *ForwardClock) Now() time.Time {
	now := c.inner.Now().UTC().Truncate(time.Microsecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.mark) {
		return c.mark
	}
	c.mark = now
	return now
}

// Raise makes the clock never earlier than t, which something durable is known to bear.
func (c *ForwardClock) Raise(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.mark) {
		c.mark = t.UTC()
	}
}

// Keep stores the clock's mark in tx.
func (c *ForwardClock) Keep(ctx context.Context, tx *Tx) error {
	return tx.SetMeta(ctx, clockMark, strconv.FormatInt(c.Now().UnixMicro(), 10))
}

// Meta reads a small fact about the database; "" when it is not set.
func (db *DB) Meta(ctx context.Context, name string) (string, error) {
	var v string
	err := db.Reader().QueryRow(ctx, "SELECT value FROM meta WHERE name = $1", name).Scan(&v)
	if IsNoRow(err) {
		return "", nil
	}
	return v, err
}

// SetMeta sets a small fact about the database.
func (tx *Tx) SetMeta(ctx context.Context, name, value string) error {
	_, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
	return err
}
