package store

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
)

// When what commits have written to the log beside a SQLite file is copied into the file, in pages.
const (
	logSoft = 16_000 // beside the commits
	logHard = 64_000 // by the commit itself, when it grows faster than it can be copied
)

// checkpointer copies the log into the file without keeping commits waiting: most of it on a connection of its own, and
// only what was written meanwhile by the writer, who then begins the log anew.
type checkpointer struct {
	mu    sync.Mutex // held while the log is copied beside the writer: nobody else can then
	due   chan struct{}
	ahead atomic.Bool // all but the newest pages are copied
}

// watch is for the writer's connection.
func (k *checkpointer) watch(c *sqlite3.Conn) error {
	c.WALHook(func(c *sqlite3.Conn, schema string, pages int) error {
		switch {
		case pages >= logHard, pages >= logSoft && k.ahead.Swap(false):
			c.WALCheckpoint(schema, sqlite3.CHECKPOINT_PASSIVE) // the commit is durable whatever becomes of this
		case pages >= logSoft:
			select {
			case k.due <- struct{}{}:
			default:
			}
		}
		return nil
	})
	return steady(c)
}

// start copies what is due on a connection of its own, until stop is called, which closes it.
func (k *checkpointer) start(own *sql.DB) (stop func() error) {
	ctx, end := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { k.run(ctx, own) })
	return func() error {
		end()
		ended.Wait()
		return own.Close()
	}
}

func (k *checkpointer) run(ctx context.Context, own *sql.DB) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.due:
			k.mu.Lock()
			var busy, pages, copied int
			err := own.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &copied)
			k.mu.Unlock()
			if err == nil {
				k.ahead.Store(true)
			}
		}
	}
}
