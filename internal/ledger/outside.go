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

func (o *outside) read(v note.Verifiers) (tlog.Tree, bool, error) {
	text, err := os.ReadFile(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		return tlog.Tree{}, false, nil
	}
	if err != nil {
		return tlog.Tree{}, false, fmt.Errorf("reading the checkpoint outside the database: %w", err)
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

// checkOutside compares the database with the checkpoint outside it.
func (l *Ledger) checkOutside(ctx context.Context) error {
	if l.outer == nil {
		return nil
	}
	known, ok, err := l.outer.read(l.verifiers())
	if err != nil || !ok {
		return err
	}
	if known.N > l.tree.size {
		return fmt.Errorf("%w (the database holds %d entries, %d were signed)", ErrRolledBack, l.tree.size, known.N)
	}
	root, err := tlog.TreeHash(known.N, l.hashes(ctx, l.tree.size))
	if err != nil {
		return fmt.Errorf("computing the tree of %d entries: %w", known.N, err)
	}
	if root != known.Hash {
		return fmt.Errorf("%w (the first %d entries are not those that were signed)", ErrRolledBack, known.N)
	}
	return nil
}
