package ledger

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Inclusion proves that a record is in the tree.
type Inclusion struct {
	Index      int64
	Leaf       []byte // as in the bundle of entries
	Size       int64  // of the tree that the proof is for
	Root       tlog.Hash
	Proof      tlog.RecordProof
	Checkpoint []byte // signed
}

// ErrNotYet: the entry is durable but not yet in the tree; it is within a second.
var ErrNotYet = errors.New("the entry is recorded and will be in the tree within a second; ask again")

// Prove gives the proof of inclusion of a record in the newest tree.
func (l *Ledger) Prove(ctx context.Context, customer, id cpni.ID) (Inclusion, error) {
	row, err := l.Record(ctx, customer, id)
	if err != nil {
		return Inclusion{}, err
	}
	q := l.db.Reader()
	var first int64
	err = q.QueryRow(ctx, "SELECT first_seq FROM ledger_span WHERE node = $1 AND n = $2", row.Node, row.N).Scan(&first)
	if store.IsNoRow(err) {
		return Inclusion{}, ErrNotYet
	}
	if err != nil {
		return Inclusion{}, fmt.Errorf("finding the entry's place: %w", err)
	}
	in := Inclusion{Index: first + int64(row.Pos)}
	if in.Checkpoint, err = l.Newest(ctx); err != nil {
		return in, err
	}
	c, err := parseCheckpoint(in.Checkpoint, l.verifiers())
	if err != nil {
		return in, err
	}
	in.Size, in.Root = c.Tree.N, c.Tree.Hash
	if in.Index >= in.Size {
		return Inclusion{}, ErrNotYet
	}
	if in.Leaf, err = readLeaf(ctx, q, in.Index); err != nil {
		return in, err
	}
	if in.Proof, err = tlog.ProveRecord(in.Size, in.Index, l.hashes(ctx)); err != nil {
		return in, fmt.Errorf("proving inclusion: %w", err)
	}
	if err := tlog.CheckRecord(in.Proof, in.Size, in.Root, in.Index, tlog.RecordHash(in.Leaf)); err != nil {
		return in, fmt.Errorf("leaf %d does not lead to the signed root: %w", in.Index, errDamaged)
	}
	return in, nil
}

// Consistency proves that the tree of size newer begins with the tree of size older.
func (l *Ledger) Consistency(ctx context.Context, older, newer int64) (tlog.TreeProof, error) {
	return tlog.ProveTree(newer, older, l.hashes(ctx))
}

// Newest gives the newest signed checkpoint. A ledger without entries has none: ErrNotYet. A database that has fallen
// behind what this node knows was signed gives none either: ErrRolledBack.
func (l *Ledger) Newest(ctx context.Context) ([]byte, error) {
	known := l.known.Load() // before the database is asked, for it only grows
	var size int64
	var text string
	err := l.db.Reader().QueryRow(ctx, "SELECT size, note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1").Scan(&size, &text)
	none := store.IsNoRow(err)
	switch {
	case err != nil && !none:
		return nil, fmt.Errorf("reading the newest checkpoint: %w", err)
	case known != nil && size < known.N:
		return nil, fmt.Errorf("%w (the database holds %d entries, %d were signed)", ErrRolledBack, size, known.N)
	case none:
		return nil, ErrNotYet
	}
	return []byte(text), nil
}

// Known is the size of the newest signed tree that this node knows, without asking the database.
func (l *Ledger) Known() int64 {
	if t := l.known.Load(); t != nil {
		return t.N
	}
	return 0
}

// Tree gives the newest tree that was signed.
func (l *Ledger) Tree(ctx context.Context) (tlog.Tree, error) {
	signed, err := l.Newest(ctx)
	if errors.Is(err, ErrNotYet) {
		return tlog.Tree{}, nil
	}
	if err != nil {
		return tlog.Tree{}, err
	}
	c, err := parseCheckpoint(signed, l.verifiers())
	return c.Tree, err
}

func readLeaf(ctx context.Context, q store.Querier, index int64) ([]byte, error) {
	var data []byte
	err := q.QueryRow(ctx, "SELECT data FROM ledger_tile WHERE level = $1 AND idx = $2", bundleLevel, index>>tileHeight).Scan(&data)
	if err != nil {
		return nil, fmt.Errorf("reading entry %d: %w", index, err)
	}
	entries, err := splitBundle(data)
	if i := int(index % tileWidth); err == nil && i < len(entries) {
		return entries[i], nil
	}
	return nil, fmt.Errorf("entry %d: %w", index, errDamaged)
}
