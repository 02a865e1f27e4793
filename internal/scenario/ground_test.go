package scenario

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"

	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// What stands at the address that --db names stays as it is, and every instance is empty.
func TestInstancesAreFreshAndLeaveNothing(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "story.db")
	server := storetest.Postgres(t)
	for _, c := range []struct {
		name, address string
		left          func(t *testing.T) int
	}{
		{"memory", "", func(*testing.T) int { return 0 }},
		{"sqlite", "sqlite:" + file, func(t *testing.T) int {
			found, err := filepath.Glob(file + "*")
			if err != nil {
				t.Fatal(err)
			}
			return len(found)
		}},
		{"postgres", server, func(t *testing.T) int {
			var n int
			if err := openPlain(t, server).QueryRow("SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := newGround(c.address)
			if err != nil {
				t.Fatal(err)
			}
			defer g.close()
			for range 2 {
				db, leave, err := g.fresh(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if v, err := db.Meta(ctx, "story"); err != nil || v != "" {
					t.Errorf("a fresh instance knows of an earlier one: %q, %v", v, err)
				}
				if err := db.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, "story", "told") }); err != nil {
					t.Fatal(err)
				}
				if err := leave(); err != nil {
					t.Fatal(err)
				}
			}
			if n := c.left(t); n != 0 {
				t.Errorf("%d files or tables are left behind", n)
			}
		})
	}
}

func openPlain(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	_ = stdlib.GetDefaultDriver()
	return db
}

func TestGroundRefusesWhatIsThereAlready(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.db")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, says := range map[string]string{
		"sqlite:" + file:         "is there already",
		"mysql://root@localhost": "none of memory:",
		"postgres://%zz":         "cannot be read",
	} {
		if _, err := newGround(address); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want an error that says %q", address, err, says)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file was touched: %q, %v", text, err)
	}
}
