package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

func TestMetaAndTransactions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		if err := db.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, "a", "1") }); err != nil {
			t.Fatal(err)
		}
		boom := errors.New("boom")
		err := db.Tx(ctx, func(tx *store.Tx) error {
			if err := tx.SetMeta(ctx, "a", "2"); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatalf("got %v", err)
		}
		if v, err := db.Meta(ctx, "a"); err != nil || v != "1" {
			t.Fatalf("a rolled-back transaction left %q, %v", v, err)
		}
	})
}

func TestForwardClockNeverGoesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		now := time.Date(2026, 3, 8, 7, 0, 0, 0, time.UTC)
		inner := cpni.ClockFunc(func() time.Time { return now })
		c, err := store.Forward(ctx, inner, db)
		if err != nil {
			t.Fatal(err)
		}
		first := c.Now()
		if err := db.Tx(ctx, func(tx *store.Tx) error { return c.Keep(ctx, tx) }); err != nil {
			t.Fatal(err)
		}
		now = now.Add(-time.Hour)
		if c.Now().Before(first) {
			t.Error("the clock went back with the machine's")
		}
		again, err := store.Forward(ctx, inner, db)
		if err != nil {
			t.Fatal(err)
		}
		if again.Now().Before(first) {
			t.Error("the clock went back across a restart")
		}
	})
}

func TestAddressesThatCannotBeOpened(t *testing.T) {
	file := storetest.SQLite(t)
	storetest.Open(t, file)
	for _, c := range []struct {
		url  string
		want error
	}{{file, store.ErrInUse}, {"sqlite:/nowhere/at/all/x.db", nil}, {"sqlite:", nil}, {"mysql://x", nil}, {"", nil},
		{"postgres:///x?host=/nowhere&connect_timeout=1", nil}} {
		db, err := store.Open(t.Context(), c.url)
		if err == nil {
			db.Close()
			t.Errorf("%q opened", c.url)
		}
		if c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.url, err, c.want)
		}
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	for _, url := range []string{storetest.SQLite(t), storetest.Postgres(t)} {
		db, err := store.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, $1)", true)
			return err
		})
		db.Close()
		if err != nil {
			t.Fatal(err)
		}
		if db, err := store.Open(t.Context(), url); !errors.Is(err, store.ErrNewerSchema) {
			t.Errorf("%s: %v", url, err)
			if err == nil {
				db.Close()
			}
		}
	}
}

func TestBatcherAnswersEachItem(t *testing.T) {
	var sizes []int
	b := store.NewBatcher(8, func(_ context.Context, items []int) []error {
		sizes = append(sizes, len(items))
		errs := make([]error, len(items))
		for i, n := range items {
			if n%3 == 0 {
				errs[i] = fmt.Errorf("%d", n)
			}
			if n == 100 {
				panic("one hundred")
			}
		}
		return errs
	})
	done := make(chan error)
	for n := range 200 {
		go func() {
			err := b.Do(context.Background(), n)
			if n%3 == 0 && err == nil || n == 100 && !errors.Is(err, store.ErrUnknownOutcome) {
				done <- fmt.Errorf("%d: %v", n, err)
				return
			}
			done <- nil
		}()
	}
	for range 200 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	b.Close()
	if err := b.Do(context.Background(), 1); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	for _, s := range sizes {
		if s > 8 {
			t.Errorf("a group of %d", s)
		}
	}
}

// The log beside the file is emptied when somebody is forgotten, also while much is being written and copied.
//
// cite: I-21
func TestScrubWhileTheLogIsCopied(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	ctx := t.Context()
	exec := func(sql string, args ...any) error {
		return db.Tx(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, sql, args...); return err })
	}
	if err := exec("CREATE TABLE ballast (n INTEGER PRIMARY KEY, b BLOB)"); err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	for n := range 150 { // more than is copied at once, twice
		if err := exec("INSERT INTO ballast VALUES ($1, $2)", n, block); err != nil {
			t.Fatal(err)
		}
		if n%5 == 0 {
			if err := db.Scrub(ctx); err != nil {
				t.Fatalf("after %d: %v", n, err)
			}
		}
		if n == 100 {
			for m := range 70 { // without a scrub between: the copier is at work
				if err := exec("INSERT INTO ballast VALUES ($1, $2)", 1000+m, block); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
