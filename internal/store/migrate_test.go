package store

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// A migration may make an index of more rows than SQLite has memory for; what runs after it sorts in memory again, where nothing is left.
func TestAMigrationSortsMoreThanFitsIntoMemory(t *testing.T) {
	// Every connection gets what a fresh one has in service, but for most of its memory.
	ctx := sqlite3.WithMaxMemory(t.Context(), 64<<20)
	db, err := Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "ringfence.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	do := func(ctx context.Context, query string) error {
		return db.Tx(ctx, func(tx *Tx) error { _, err := tx.Exec(ctx, query); return err })
	}
	if err := do(ctx, "CREATE TABLE crowded (id INTEGER NOT NULL PRIMARY KEY, word TEXT NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	if err := do(ctx, `INSERT INTO crowded WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
		SELECT i, hex(randomblob(400)) FROM n`); err != nil {
		t.Fatal(err)
	}
	if err := db.sorting(ctx, func() error { return do(ctx, "CREATE INDEX crowded_word ON crowded (word)") }); err != nil {
		t.Errorf("an index of 100 MB cannot be made in 64 MB: %v", err)
	}
	var where int
	if err := db.write.QueryRowContext(ctx, "PRAGMA temp_store").Scan(&where); err != nil || where != 2 {
		t.Errorf("after it, %d says where it sorts, %v; 2 is in memory", where, err)
	}
}
