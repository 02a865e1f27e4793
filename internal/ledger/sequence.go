package ledger

import (
	"context"
	"database/sql"
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

// elected holds the lock, where there is one, and sequences as long as it is held.
func (l *Ledger) elected(ctx context.Context, tick <-chan time.Time) error {
	held := func() error { return nil }
	if l.db.Dialect() == store.Postgres {
		conn, err := l.db.Conn(ctx)
		if err != nil {
			return fmt.Errorf("standing for sequencer: %w", err)
		}
		defer conn.Close()
		var got bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(sequencerLock)).Scan(&got); err != nil || !got {
			return err
		}
		defer unlock(conn)
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

func unlock(conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", int64(sequencerLock))
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
}

func (l *Ledger) sequenceSome(ctx context.Context) (done bool, err error) {
	if l.tree == nil {
		if l.tree, err = loadTree(ctx, l.db.Reader()); err != nil {
			return false, err
		}
	}
	lanes, err := l.waiting(ctx)
	if err != nil || len(lanes) == 0 {
		return true, err
	}
	before := l.tree.size
	now := max(l.clock.Now().UnixMicro(), l.tree.last)
	stamp := " " + time.UnixMicro(now).UTC().Format(timeLayout)
	first := make([]int64, len(lanes)) // of each lane row
	for i, lane := range lanes {
		entries, err := splitBundle(lane.entries)
		if err != nil || len(entries) != lane.count {
			return false, fmt.Errorf("commit %d of node %s holds %d entries of %d: %w", lane.n, lane.node, len(entries), lane.count, errors.Join(err, errDamaged))
		}
		first[i] = l.tree.size
		for _, e := range entries {
			l.tree.append(append(e[:len(e):len(e)], stamp...))
		}
	}
	l.tree.last = now
	var signed []byte
	err = l.db.Tx(ctx, func(tx *store.Tx) error {
		var size sql.NullInt64
		if err := tx.QueryRow(ctx, "SELECT max(size) FROM ledger_checkpoint").Scan(&size); err != nil {
			return err
		}
		if size.Int64 != before {
			return errors.New("another node has sequenced")
		}
		if err := l.tree.flush(ctx, tx); err != nil {
			return err
		}
		for i, lane := range lanes {
			if _, err := tx.Exec(ctx, "INSERT INTO ledger_span (node, n, first_seq, count) VALUES ($1, $2, $3, $4)", lane.node, lane.n, first[i], lane.count); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "DELETE FROM ledger_lane WHERE node = $1 AND n = $2", lane.node, lane.n); err != nil {
				return err
			}
		}
		root, err := tlog.TreeHash(l.tree.size, rawHashes{hashReader{ctx, tx}})
		if err != nil {
			return fmt.Errorf("computing the root: %w", err)
		}
		if signed, err = signCheckpoint(Checkpoint{l.origin, tlog.Tree{N: l.tree.size, Hash: root}}, l.signer); err != nil {
			return fmt.Errorf("signing the checkpoint: %w", err)
		}
		// Of each minute the last checkpoint stays.
		if _, err := tx.Exec(ctx, "DELETE FROM ledger_checkpoint WHERE at / 60000000 = $1", now/60000000); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO ledger_checkpoint (size, at, note) VALUES ($1, $2, $3)", l.tree.size, now, string(signed)); err != nil {
			return err
		}
		return tx.SetMeta(ctx, "clock.mark", fmt.Sprint(now))
	})
	if err != nil {
		return false, err
	}
	l.tree.flushed()
	if l.outer != nil {
		if err := l.outer.write(signed); err != nil {
			return false, err
		}
	}
	return len(lanes) < sequenceMost, nil
}

func (l *Ledger) waiting(ctx context.Context) ([]laneRow, error) {
	rows, err := l.db.Reader().Query(ctx, "SELECT node, n, count, entries FROM ledger_lane ORDER BY node, n LIMIT $1", sequenceMost)
	if err != nil {
		return nil, fmt.Errorf("reading what waits: %w", err)
	}
	defer rows.Close()
	var all []laneRow
	for rows.Next() {
		var r laneRow
		if err := rows.Scan(&r.node, &r.n, &r.count, &r.entries); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
