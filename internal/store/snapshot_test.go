package store_test

import (
	"testing"

	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

func TestASnapshotDoesNotSeeWhatIsWrittenMeanwhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		set := func(v string) {
			if err := db.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, "seen", v) }); err != nil {
				t.Fatal(err)
			}
		}
		set("1")
		err := db.Snapshot(ctx, func(q store.Querier) error {
			for range 2 {
				var v string
				if err := q.QueryRow(ctx, "SELECT value FROM meta WHERE name = $1", "seen").Scan(&v); err != nil {
					return err
				}
				if v != "1" {
					t.Errorf("the snapshot sees %q, written after it began", v)
				}
				set("2")
			}
			if _, err := q.Exec(ctx, "UPDATE meta SET value = '3' WHERE name = 'seen'"); err == nil {
				t.Error("a snapshot wrote")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := db.Meta(ctx, "seen"); err != nil || v != "2" {
			t.Errorf("after the snapshot %q, %v", v, err)
		}
	})
}
