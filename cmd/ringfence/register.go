package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"ringfence/internal/ledger"
	"ringfence/internal/register"
	"ringfence/internal/store"
)

// register verifies the file of a register and says what it proves: by itself that every line stands in the log, and beside the log,
// which is verified too, that no line was left out.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func (c *verifyCommand) register(ctx context.Context, s streams) error {
	if c.Key == "" {
		return errNoKey
	}
	f, err := os.Open(c.Register)
	if err != nil {
		return err
	}
	defer f.Close()
	v, err := register.Verify(f, c.Key)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "The register holds. %s\nEach of its %d lines stands in the log %s, of which %d entries were signed; it was made at %s.\n", v.Words, v.Lines, v.Log, v.Tree.N, v.Made.Format(time.RFC3339))
	if v.Records > 0 {
		fmt.Fprintf(s.out, "Of %d lines the words are those of the record; of the others the recipient, the purpose, the classes and the time are those of the entry.\n", v.Records)
	}
	each, done, err := c.beside(ctx, s, v)
	if err != nil {
		return err
	}
	if each == nil {
		_, err = fmt.Fprintln(s.out, "Whether a line was left out is told beside the log: name an export with --folder, or run this where the database is.")
		return err
	}
	defer done()
	left, err := v.Complete(each)
	if errors.Is(err, register.ErrUnchecked) || errors.Is(err, register.ErrOnlyDisclosures) {
		_, err = fmt.Fprintf(s.out, "It can not be told whether a line was left out: %v.\n", err)
		return err
	}
	if err != nil {
		return err
	}
	if len(left) > 0 {
		fmt.Fprintf(s.out, "The register is NOT complete: %d entries of the log belong on it and are not there.\n", len(left))
		for _, id := range left[:min(len(left), 100)] {
			fmt.Fprintf(s.out, "  %s\n", id)
		}
		return errSilent
	}
	_, err = fmt.Fprintln(s.out, "No line was left out: whatever the log has that was asked for stands on it.")
	return err
}

// beside verifies the log beside which a register is looked at, and gives what reads its entries; nil: there is none to look at.
func (c *verifyCommand) beside(ctx context.Context, s streams, v *register.Verified) (each func(func(ledger.Entry, int64) error) error, done func() error, err error) {
	trust := ledger.Trust{Key: c.Key}
	if c.Folder != "" {
		files := os.DirFS(c.Folder)
		whole, err := ledger.VerifyFolder(ctx, files, trust, s.out)
		if err != nil {
			return nil, nil, err
		}
		if !whole.OK() {
			return nil, nil, errSilent
		}
		if whole.Tree.N < v.Tree.N {
			return nil, nil, fmt.Errorf("the folder holds %d entries, and the register is of %d: take a newer export", whole.Tree.N, v.Tree.N)
		}
		return func(do func(ledger.Entry, int64) error) error {
			return ledger.EachExported(ctx, files, whole.Tree.N, do)
		}, func() error { return nil }, nil
	}
	config, err := c.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil // no database is configured here
	}
	if err != nil {
		return nil, nil, err
	}
	db, err := store.OpenToRead(ctx, config.Database)
	if err != nil {
		return nil, nil, err
	}
	whole, err := ledger.VerifyDatabase(ctx, db, trust, s.out)
	if err == nil && !whole.OK() {
		err = errSilent
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return func(do func(ledger.Entry, int64) error) error {
		return ledger.EachSequenced(ctx, db.Reader(), v.Tree.N, func(r ledger.Row, seq int64) error { return do(r.Entry, seq) })
	}, db.Close, nil
}
