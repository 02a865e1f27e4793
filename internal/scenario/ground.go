package scenario

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// ground is where instances are made: in memory, in a file, or on a PostgreSQL server. Each instance is fresh and is
// gone when its story is told.
type ground struct {
	address string
	admin   *sql.DB // for making schemas; nil unless PostgreSQL
}

// newGround looks at an address for instances: "" and memory: are memory; sqlite:/path is a file that is not there yet;
// postgres://… is a database in which every instance gets a schema of its own, so that nothing in it is touched.
func newGround(address string) (*ground, error) {
	switch {
	case address == "" || address == "memory:":
		return &ground{address: "memory:"}, nil
	case strings.HasPrefix(address, "sqlite:"):
		path := strings.TrimPrefix(address, "sqlite:")
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the file %s is there already: scenarios make their own databases and would not touch yours; name a file that is not there", path)
		}
		return &ground{address: address}, nil
	case strings.HasPrefix(address, "postgres://"), strings.HasPrefix(address, "postgresql://"):
		config, err := pgx.ParseConfig(address)
		if err != nil {
			return nil, errors.New("the address of the database cannot be read; write postgres://user@host/name")
		}
		admin := stdlib.OpenDB(*config)
		admin.SetMaxOpenConns(1)
		return &ground{address, admin}, nil
	}
	return nil, errors.New("the address of the database is none of memory:, sqlite:/path or postgres://user@host/name")
}

func (g *ground) close() error {
	if g.admin != nil {
		return g.admin.Close()
	}
	return nil
}

// fresh opens a new, empty database; leave closes and removes it.
func (g *ground) fresh(ctx context.Context) (db *store.DB, leave func() error, err error) {
	switch {
	case g.admin != nil:
		return g.freshSchema(ctx)
	case g.address == "memory:":
		db, err = store.Open(ctx, g.address)
		if err != nil {
			return nil, nil, err
		}
		return db, db.Close, nil
	}
	db, err = store.Open(ctx, g.address)
	if err != nil {
		return nil, nil, err
	}
	path := strings.TrimPrefix(g.address, "sqlite:")
	return db, func() error {
		errs := []error{db.Close()}
		for _, ending := range []string{"", "-wal", "-shm", ".lock"} {
			if err := os.Remove(path + ending); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	}, nil
}

func (g *ground) freshSchema(ctx context.Context) (*store.DB, func() error, error) {
	schema := "scenario_" + string(cpni.NewID())
	if _, err := g.admin.ExecContext(ctx, "CREATE SCHEMA "+schema); err != nil {
		return nil, nil, fmt.Errorf("making a schema for a scenario: %w", err)
	}
	drop := func() error {
		_, err := g.admin.ExecContext(context.WithoutCancel(ctx), "DROP SCHEMA "+schema+" CASCADE")
		return err
	}
	address, err := url.Parse(g.address)
	if err != nil {
		return nil, nil, errors.Join(errors.New("the address of the database cannot be read"), drop())
	}
	q := address.Query()
	q.Set("search_path", schema)
	address.RawQuery = q.Encode()
	db, err := store.Open(ctx, address.String())
	if err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	return db, func() error { return errors.Join(db.Close(), drop()) }, nil
}
