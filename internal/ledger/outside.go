package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// outside keeps the newest checkpoint in a file that is not part of the database: a database that was replaced by an
// older copy is behind it.
type outside struct{ path string }

// ErrRolledBack: the database is behind, or in conflict with, a checkpoint that this ledger has signed before.
var ErrRolledBack = errors.New("the ledger in this database is not the one that was signed before: it is older or another; restore the newest database, or, if the loss is real, report it and start a new ledger under a new origin")

// ReadOutside reads the newest checkpoint that is kept outside the database, as signed; nil when there is none yet.
func ReadOutside(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint outside the database: %w", err)
	}
	return text, nil
}

func (o *outside) read(v note.Verifiers) (tlog.Tree, bool, error) {
	text, err := ReadOutside(o.path)
	if err != nil || text == nil {
		return tlog.Tree{}, false, err
	}
	c, err := parseCheckpoint(text, v)
	if err != nil {
		return tlog.Tree{}, false, fmt.Errorf("the checkpoint outside the database, %s: %w", filepath.Base(o.path), err)
	}
	return c.Tree, true, nil
}

// write replaces the file as a whole: a crash leaves the old one or the new one.
func (o *outside) write(text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(o.path), ".checkpoint-*")
	if err != nil {
		return fmt.Errorf("keeping the checkpoint outside the database: %w", err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), o.path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("keeping the checkpoint outside the database: %w", err)
	}
	return nil
}

// recallOutside takes up the checkpoint that is kept outside, when there is one.
func (l *Ledger) recallOutside() error {
	if l.outer == nil {
		return nil
	}
	known, ok, err := l.outer.read(l.verifiers())
	if ok {
		l.known.Store(&known)
	}
	return err
}

// reload reads the tree from the database and refuses it unless it goes on from the newest that this node knows of.
func (l *Ledger) reload(ctx context.Context) error {
	t, err := l.loadTree(ctx, l.db.Reader())
	if err != nil {
		return err
	}
	if err := l.goesOn(ctx, t.size); err != nil {
		return err
	}
	l.tree = t
	return nil
}

// goesOn reports whether the database's log of size entries begins with the newest tree that this node knows of.
func (l *Ledger) goesOn(ctx context.Context, size int64) error {
	known := l.known.Load()
	if known == nil {
		return nil
	}
	if known.N > size {
		return fmt.Errorf("%w (the database holds %d entries, %d were signed)", ErrRolledBack, size, known.N)
	}
	root, err := tlog.TreeHash(known.N, l.hashes(ctx))
	if err != nil {
		return fmt.Errorf("computing the tree of %d entries: %w", known.N, err)
	}
	if root != known.Hash {
		return fmt.Errorf("%w (the first %d entries are not those that were signed)", ErrRolledBack, known.N)
	}
	return nil
}

// follow takes note of the newest checkpoint that another node has signed.
func (l *Ledger) follow(ctx context.Context) error {
	signed, err := l.Newest(ctx)
	if errors.Is(err, ErrNotYet) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := parseCheckpoint(signed, l.verifiers())
	if err != nil {
		return err
	}
	if known := l.known.Load(); known != nil && known.N == c.Tree.N && known.Hash == c.Tree.Hash {
		return nil
	}
	if err := l.goesOn(ctx, c.Tree.N); err != nil {
		return err
	}
	return l.remember(c.Tree, signed)
}

// remember makes tree the newest that this node knows of, here and outside the database.
func (l *Ledger) remember(tree tlog.Tree, signed []byte) error {
	l.known.Store(&tree)
	if l.outer == nil {
		return nil
	}
	return l.outer.write(signed)
}
