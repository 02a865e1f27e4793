package ledger

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/store"
)

// sequenceEvery is the longest that a committed entry waits for the tree; a proof is due within a second.
const sequenceEvery = 200 * time.Millisecond

// sequenceMost bounds one transaction of the sequencer, so that writers wait little for it.
const sequenceMost = 200 // commits

// Run sequences until ctx ends. Of several nodes on one PostgreSQL one at a time does it; when it stops, another takes
// over. report gets errors; the ledger goes on trying.
func (l *Ledger) Run(ctx context.Context, report func(error)) {
	tick := time.NewTicker(sequenceEvery)
	defer tick.Stop()
	for {
		if err := l.elected(ctx, tick.C); err != nil && ctx.Err() == nil {
			report(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(sequenceEvery):
		}
	}
}

// sequencerLock is the key of PostgreSQL's advisory lock that the sequencing node holds.
const sequencerLock = 0x52696e67_73657100

// elected holds the lock, where there is one, and sequences as long as it is held. Who does not get it follows.
func (l *Ledger) elected(ctx context.Context, tick <-chan time.Time) error {
	held := func() error { return nil }
	if l.db.Dialect() == store.Postgres {
		conn, err := l.db.Conn(ctx)
		if err != nil {
			return fmt.Errorf("standing for sequencer: %w", err)
		}
		defer conn.Close()
		var got bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(sequencerLock)).Scan(&got); err != nil {
			return fmt.Errorf("standing for sequencer: %w", err)
		}
		if !got {
			return l.follow(ctx)
		}
		// The lock lives as long as the connection, so the connection does not go back into the pool.
		defer conn.Raw(func(any) error { return driver.ErrBadConn })
		held = func() error { return conn.PingContext(ctx) }
	}
	l.mu.Lock()
	l.tree = nil // another node may have sequenced meanwhile
	l.mu.Unlock()
	for {
		if err := held(); err != nil {
			return fmt.Errorf("no longer the sequencer: %w", err)
		}
		if err := l.Sequence(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
		}
	}
}

// Sequence puts everything that is committed into the tree and signs a checkpoint, in as many transactions as it takes.
func (l *Ledger) Sequence(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		done, err := l.sequenceSome(ctx)
		if err != nil {
			l.tree = nil // read again what is really there
			return fmt.Errorf("sequencing: %w", err)
		}
		if done {
			return nil
		}
	}
}

type laneRow struct {
	node    string
	n       int64
	count   int
	entries []byte
	about   string
}

func (l *Ledger) sequenceSome(ctx context.Context) (done bool, err error) {
	if l.tree == nil {
		if err := l.reload(ctx); err != nil {
			return false, err
		}
	}
	lanes, err := l.waiting(ctx)
	if err != nil || len(lanes) == 0 {
		return true, err
	}
	before := l.tree.size
	now := max(l.clock.Now().UnixMicro(), l.tree.last)
	first, err := l.tree.plant(lanes, now)
	if err != nil {
		return false, err
	}
	root, err := l.tree.root()
	if err != nil {
		return false, err
	}
	next := tlog.Tree{N: l.tree.size, Hash: root}
	signed, err := signCheckpoint(Checkpoint{l.origin, next}, l.signer)
	if err != nil {
		return false, fmt.Errorf("signing the checkpoint: %w", err)
	}
	err = l.db.Tx(ctx, func(tx *store.Tx) error {
		if err := succeed(ctx, tx, before, next.N); err != nil {
			return err
		}
		if err := l.tree.flush(ctx, tx); err != nil {
			return err
		}
		for i, lane := range lanes {
			if _, err := tx.Exec(ctx, "INSERT INTO ledger_span (node, n, first_seq, count, about) VALUES ($1, $2, $3, $4, $5)", lane.node, lane.n, first[i], lane.count, lane.about); err != nil {
				return fmt.Errorf("placing commit %d of node %s: %w", lane.n, lane.node, err)
			}
			if _, err := tx.Exec(ctx, "DELETE FROM ledger_lane WHERE node = $1 AND n = $2", lane.node, lane.n); err != nil {
				return err
			}
		}
		// Of each minute the last checkpoint stays.
		if _, err := tx.Exec(ctx, "DELETE FROM ledger_checkpoint WHERE size = $1 AND at / 60000000 = $2", before, now/60000000); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO ledger_checkpoint (size, at, note) VALUES ($1, $2, $3)", next.N, now, string(signed)); err != nil {
			return err
		}
		return tx.SetMeta(ctx, "clock.mark", fmt.Sprint(now))
	})
	if err != nil {
		return false, err
	}
	l.tree.flushed()
	return len(lanes) < sequenceMost, l.remember(next, signed)
}

// plant appends what the lanes hold as leaves sequenced at now, in microseconds; it returns the first index of each lane.
func (t *tree) plant(lanes []laneRow, now int64) ([]int64, error) {
	t.last = now
	stamp := " " + time.UnixMicro(now).UTC().Format(timeLayout)
	first := make([]int64, len(lanes))
	for i, lane := range lanes {
		entries, err := splitBundle(lane.entries)
		if err != nil || len(entries) != lane.count {
			return nil, fmt.Errorf("commit %d of node %s holds %d entries of %d: %w", lane.n, lane.node, len(entries), lane.count, errors.Join(err, errDamaged))
		}
		first[i] = t.size
		for _, e := range entries {
			t.append(append(e[:len(e):len(e)], stamp...))
		}
	}
	return first, nil
}

// headName is the small fact in which the database keeps how many entries are signed.
const headName = "ledger.head"

// succeed moves the head of the log from before to after, or fails when another node has moved it: of two nodes that both
// take themselves for the sequencer one cannot commit.
//
// cite: P-41
func succeed(ctx context.Context, tx *store.Tx, before, after int64) error {
	if before == 0 {
		if _, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, '0') ON CONFLICT (name) DO NOTHING", headName); err != nil {
			return err
		}
	}
	moved, err := tx.Exec(ctx, "UPDATE meta SET value = $1 WHERE name = $2 AND value = $3", fmt.Sprint(after), headName, fmt.Sprint(before))
	if err != nil {
		return err
	}
	if n, err := moved.RowsAffected(); err != nil || n != 1 {
		return errors.Join(fmt.Errorf("the log's head is no longer at %d: another node has sequenced, or the database was changed", before), err)
	}
	return nil
}

// waiting reads what was committed and is not in the tree, the oldest first, whichever node it is from.
func (l *Ledger) waiting(ctx context.Context) ([]laneRow, error) {
	rows, err := l.db.Reader().Query(ctx, "SELECT node, n, count, entries, about FROM ledger_lane ORDER BY at, node, n LIMIT $1", sequenceMost)
	if err != nil {
		return nil, fmt.Errorf("reading what waits: %w", err)
	}
	defer rows.Close()
	var all []laneRow
	for rows.Next() {
		var r laneRow
		if err := rows.Scan(&r.node, &r.n, &r.count, &r.entries, &r.about); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
