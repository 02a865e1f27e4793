package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Who opens a database to read sees what its writer commits meanwhile, keeps the writer from nothing, and cannot write.
func TestOpenToRead(t *testing.T) {
	for _, url := range []string{storetest.SQLite(t), storetest.Postgres(t)} {
		ctx := t.Context()
		db := storetest.Open(t, url)
		reader, err := store.OpenToRead(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		for _, value := range []string{"one", "two"} {
			if err := db.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, "said", value) }); err != nil {
				t.Fatal(err)
			}
			if got, err := reader.Meta(ctx, "said"); err != nil || got != value {
				t.Errorf("%s: read %q, %v after %q was written", db.Where(), got, err, value)
			}
		}
		if err := reader.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, "said", "three") }); err == nil {
			t.Errorf("%s: who opened to read has written", db.Where())
		}
	}
}

// To read is not to bring up to date: a database of another version of the program is refused, and so is none.
func TestOpenToReadRefuses(t *testing.T) {
	for _, fresh := range []func(testing.TB) string{storetest.SQLite, storetest.Postgres} {
		for change, want := range map[string]error{
			"INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, $1)":                                           store.ErrNewerSchema,
			"DELETE FROM goose_db_version WHERE is_applied = $1 AND version_id = (SELECT max(version_id) FROM goose_db_version)": store.ErrOlderSchema,
		} {
			url := fresh(t)
			db := storetest.Open(t, url)
			if err := db.Tx(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), change, true); return err }); err != nil {
				t.Fatal(err)
			}
			reader, err := store.OpenToRead(t.Context(), url)
			if err == nil {
				reader.Close()
			}
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", db.Where(), err, want)
			}
		}
	}
	for _, url := range []string{"sqlite:" + filepath.Join(t.TempDir(), "none.db"), "mysql://x", ""} {
		if reader, err := store.OpenToRead(t.Context(), url); err == nil {
			reader.Close()
			t.Errorf("%q was opened", url)
		}
	}
}
