package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

// openSQLite opens one file for this process alone: one connection writes, several read beside it.
func openSQLite(ctx context.Context, path string) (*DB, error) {
	if path == "" {
		return nil, errors.New("database address sqlite: has no path; write sqlite:/path/ringfence.db")
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("the folder of the database is not there: %w; make it first", err)
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	db, err := openSQLiteFile(ctx, path, "full")
	if err != nil {
		lock.Close()
		return nil, err
	}
	db.cleanup = append(db.cleanup, lock.Close)
	return db, nil
}

// openMemory keeps the file where a machine keeps files in memory, and deletes it on Close.
func openMemory(ctx context.Context) (*DB, error) {
	parent := "/dev/shm"
	if _, err := os.Stat(parent); err != nil {
		parent = ""
	}
	folder, err := os.MkdirTemp(parent, "ringfence-")
	if err != nil {
		return nil, err
	}
	db, err := openSQLiteFile(ctx, filepath.Join(folder, "memory.db"), "off")
	if err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	db.where = "memory"
	db.cleanup = append(db.cleanup, func() error { return os.RemoveAll(folder) })
	return db, nil
}

func openSQLiteFile(ctx context.Context, path, synchronous string) (*DB, error) {
	dsn := func(extra ...string) string {
		q := url.Values{}
		q.Set("_txlock", "immediate")
		pragmas := append([]string{"busy_timeout(10000)", "journal_mode(wal)", "synchronous(" + synchronous + ")",
			"secure_delete(on)", "temp_store(memory)"}, extra...)
		q["_pragma"] = pragmas
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
	}
	// The writer's cache is looked through whole at many commits, and what is not in it is in the machine's.
	k := &checkpointer{due: make(chan struct{}, 1)}
	write, err := driver.Open(dsn("cache_size(-16384)"), k.watch)
	if err != nil {
		return nil, fmt.Errorf("opening the SQLite file: %w", err)
	}
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	write.SetConnMaxLifetime(0)
	if err := write.PingContext(ctx); err != nil {
		write.Close()
		return nil, fmt.Errorf("opening the SQLite file: %w", explainSQLite(err))
	}
	if err := os.Chmod(path, 0o600); err != nil {
		write.Close()
		return nil, fmt.Errorf("making the database readable by its owner alone: %w", err)
	}
	read, err := driver.Open(dsn("query_only(on)", "cache_size(-65536)"), steady)
	if err != nil {
		write.Close()
		return nil, fmt.Errorf("opening the SQLite file for reading: %w", err)
	}
	readers := max(4, 2*runtime.NumCPU())
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	own, err := driver.Open(dsn("cache_size(-1024)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the SQLite file: %w", err), read.Close(), write.Close())
	}
	own.SetMaxOpenConns(1)
	return &DB{dialect: SQLite, write: write, read: read, where: "SQLite file " + filepath.Base(path), log: k, tending: k.start(own)}, nil
}

// steady keeps a statement's plan whatever its parameters are: otherwise a range of them is planned anew for each.
func steady(c *sqlite3.Conn) error {
	_, err := c.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true)
	return err
}

// openSQLiteToRead opens a file that another process may be writing.
func openSQLiteToRead(ctx context.Context, path string) (*DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("there is no database to read: %w", err)
	}
	q := url.Values{"_pragma": {"busy_timeout(10000)", "query_only(on)", "temp_store(memory)", "cache_size(-65536)"}}
	read, err := driver.Open("file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode(), steady)
	if err != nil {
		return nil, fmt.Errorf("opening the SQLite file for reading: %w", err)
	}
	readers := max(4, 2*runtime.NumCPU())
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	if err := read.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the SQLite file for reading: %w", explainSQLite(err)), read.Close())
	}
	return &DB{dialect: SQLite, write: read, read: read, where: "SQLite file " + filepath.Base(path)}, nil
}

// lockFile takes path for this process; the lock goes with the process, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the database: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, ErrInUse
	}
	return f, nil
}

// explainSQLite turns what an operator can mend into an error that says so.
func explainSQLite(err error) error {
	switch {
	case err == nil, errors.Is(err, sql.ErrNoRows):
		return err
	case errors.Is(err, sqlite3.FULL), errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w (%w)", ErrFull, err)
	case errors.Is(err, sqlite3.NOTADB):
		return fmt.Errorf("the file is not a SQLite database, or is damaged; restore it from a backup: %w", err)
	case errors.Is(err, sqlite3.CORRUPT):
		return fmt.Errorf("the SQLite file is damaged; stop, keep a copy, and restore from a backup: %w", err)
	}
	return err
}
