package store_test

import (
	"fmt"
	"slices"
	"testing"

	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A parameter is the one that its number names, wherever it stands and however often, and a dollar in a text is a dollar.
func TestParametersAreNumbered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for range 3 { // as it comes, to be prepared, prepared
			err := db.Tx(t.Context(), func(tx *store.Tx) error {
				var a, b, c, d string
				if err := tx.QueryRow(t.Context(), "SELECT CAST($2 AS TEXT), CAST($1 AS TEXT), CAST($2 AS TEXT), 'it''s $1'", "first", "second").Scan(&a, &b, &c, &d); err != nil {
					return err
				}
				if a != "second" || b != "first" || c != "second" || d != "it's $1" {
					t.Errorf("got %q %q %q %q", a, b, c, d)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Versions are found, however many are asked for and in whatever order; what is gone or has moved is stale.
//
// cite: I-02
func TestGuards(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const rows = 700
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			for n := range rows {
				if _, err := tx.Exec(t.Context(), "INSERT INTO policy (policy_id, version, base, rules) VALUES ($1, $2, '', '')", fmt.Sprint("row '", n), n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, many := range []int{0, 1, 2, 3, rows} {
			var guards []store.Guard
			var want []bool
			for n := range many {
				key := fmt.Sprint("row '", n)
				guards = append(guards, store.Guard{Table: "policy", Key: key, Version: int64(n)}, store.Guard{Table: "policy", Key: key, Version: int64(n) + 1},
					store.Guard{Table: "policy", Key: "no " + key}, store.Guard{Table: "partner", Key: key, Version: int64(n)})
				want = append(want, false, true, true, true)
			}
			err := db.Tx(t.Context(), func(tx *store.Tx) error {
				stale, err := tx.CheckGuards(t.Context(), guards)
				if err == nil && !slices.Equal(stale, want) {
					t.Errorf("%d: %v", many, stale)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		err = db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.CheckGuards(t.Context(), []store.Guard{{Table: "policy; DROP TABLE policy", Key: "x"}})
			return err
		})
		if err == nil {
			t.Error("a guard on a table that is none")
		}
	})
}
