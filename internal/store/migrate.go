package store

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrations gives the migrations and the version that they lead to.
func (db *DB) migrations() (*goose.Provider, int64, error) {
	dialect := database.DialectSQLite3
	if db.dialect == Postgres {
		dialect = database.DialectPostgres
	}
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, 0, err
	}
	provider, err := goose.NewProvider(dialect, db.write, dialectFS{sub, db.dialect})
	if err != nil {
		return nil, 0, fmt.Errorf("reading the migrations: %w", err)
	}
	latest := int64(0)
	for _, s := range provider.ListSources() {
		latest = max(latest, s.Version)
	}
	return provider, latest, nil
}

// sameSchema refuses a database that another version of this program has written.
func (db *DB) sameSchema(ctx context.Context) error {
	_, latest, err := db.migrations()
	if err != nil {
		return err
	}
	var now int64
	if err := db.Reader().QueryRow(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&now); err != nil {
		return fmt.Errorf("reading the schema's version: %w; is this a database of Ringfence?", db.explain(err))
	}
	switch {
	case now > latest:
		return fmt.Errorf("%w (schema %d, this program knows %d)", ErrNewerSchema, now, latest)
	case now < latest:
		return fmt.Errorf("%w (schema %d, this program knows %d)", ErrOlderSchema, now, latest)
	}
	return nil
}

func (db *DB) migrate(ctx context.Context) error {
	provider, latest, err := db.migrations()
	if err != nil {
		return err
	}
	unlock, err := db.lockMigrations(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	now, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", db.explain(err))
	}
	if now > latest {
		return fmt.Errorf("%w (schema %d, this program knows %d)", ErrNewerSchema, now, latest)
	}
	if now == latest {
		return nil
	}
	return db.sorting(ctx, func() error {
		if _, err := provider.Up(ctx); err != nil {
			return fmt.Errorf("bringing the schema up to date: %w", db.explain(err))
		}
		return nil
	})
}

// sorting runs do while SQLite may sort in files: an index of many rows is made by sorting them, and they need not fit into memory.
// It is for what sorts ids and times, for a file of it may outlive a crash.
func (db *DB) sorting(ctx context.Context, do func() error) error {
	if db.dialect == Postgres {
		return do()
	}
	if _, err := db.write.ExecContext(ctx, "PRAGMA temp_store = file"); err != nil {
		return fmt.Errorf("letting the database sort in files: %w", db.explain(err))
	}
	err := do()
	if _, back := db.write.ExecContext(context.WithoutCancel(ctx), "PRAGMA temp_store = memory"); back != nil {
		err = errors.Join(err, fmt.Errorf("having the database sort in memory again: %w", db.explain(back)))
	}
	return err
}

// migrationLock is the key of PostgreSQL's advisory lock: two nodes that start together migrate one after the other.
const migrationLock = 0x52696e67

func (db *DB) lockMigrations(ctx context.Context) (func(), error) {
	if db.dialect != Postgres {
		return func() {}, nil
	}
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("locking the schema: %w", err)
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		conn.Close()
		return nil, fmt.Errorf("locking the schema: %w", err)
	}
	return func() {
		conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
		conn.Close()
	}, nil
}

// dialectFS serves the migrations in the words of one dialect: they are written once, with BLOB for bytes.
type dialectFS struct {
	fs.FS
	dialect Dialect
}

var blobWord = regexp.MustCompile(`\bBLOB\b`)

func (d dialectFS) Open(name string) (fs.File, error) {
	f, err := d.FS.Open(name)
	if err != nil || d.dialect != Postgres {
		return f, err
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return f, err
	}
	text, err := fs.ReadFile(d.FS, name)
	f.Close()
	if err != nil {
		return nil, err
	}
	text = blobWord.ReplaceAll(text, []byte("BYTEA"))
	return &memoryFile{bytes.NewReader(text), info, int64(len(text))}, nil
}

func (d dialectFS) Glob(pattern string) ([]string, error) { return fs.Glob(d.FS, pattern) }

type memoryFile struct {
	*bytes.Reader
	info fs.FileInfo
	size int64
}

func (m *memoryFile) Stat() (fs.FileInfo, error) { return sized{m.info, m.size}, nil }
func (m *memoryFile) Close() error               { return nil }

type sized struct {
	fs.FileInfo
	size int64
}

func (s sized) Size() int64        { return s.size }
func (s sized) ModTime() time.Time { return time.Time{} }

var errNoRow = sql.ErrNoRows

// IsNoRow reports whether err says that a query found no row.
func IsNoRow(err error) bool { return errors.Is(err, errNoRow) }
