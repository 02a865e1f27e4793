package customer

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Whatever makes, changes or forgets a customer leaves a trace in the same transaction, and what comes to nothing leaves none. Traces that are
// removed are said to be gone.
//
// cite: I-02, I-19
func TestEveryChangeLeavesATrace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		changes := func(from int64) Changes {
			t.Helper()
			c, err := w.Changed(t.Context(), from)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		traced := func(from int64, want ...cpni.ID) int64 {
			t.Helper()
			c := changes(from)
			var got []cpni.ID
			for _, x := range c.All {
				if x.N >= from {
					got = append(got, x.ID)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d traces, want %d (I-19)", len(got), len(want))
			}
			return c.Next
		}
		next := traced(0)
		p := ann()
		id := w.create(p)
		next = traced(next, id)
		if err := w.update(id, func(p *Profile) { p.Language = "es" }); err != nil {
			t.Fatal(err)
		}
		next = traced(next, id)
		if err := w.update(id, func(p *Profile) { p.Name = "" }); err == nil {
			t.Fatal("a customer without a name")
		}
		next = traced(next)
		undone := errors.New("undone")
		if err := db.Tx(t.Context(), func(tx *store.Tx) error {
			if _, _, err := w.UpdateTx(t.Context(), tx, id, func(p *Profile) (Change, error) {
				p.Ended = start
				return Change{Actor: "test", What: "service ends"}, nil
			}); err != nil {
				return err
			}
			return undone
		}); !errors.Is(err, undone) {
			t.Fatal(err)
		}
		next = traced(next)
		called := 0
		w.WhenForgetting(func(_ context.Context, tx *store.Tx, of cpni.ID) error {
			if called++; of != id {
				t.Error("somebody else is forgotten")
			}
			return nil
		})
		if err := w.Forget(t.Context(), id, "test"); err != nil || called != 1 {
			t.Fatalf("%d were called, %v", called, err)
		}
		next = traced(next, id)
		p.Lines[0].Number = "+12025550144"
		other := w.create(p)
		after := traced(next, other)
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return w.PruneTx(t.Context(), tx, after) }); err != nil {
			t.Fatal(err)
		}
		if c := changes(math.MaxInt64); c.Pruned != after || c.Next < after {
			t.Errorf("%+v after everything before %d was removed", c, after)
		}
		if err := w.update(other, func(p *Profile) { p.Language = "es" }); err != nil {
			t.Fatal(err)
		}
		if c := changes(after); len(c.All) != 1 || c.All[0].ID != other || c.All[0].N < after {
			t.Errorf("%+v: the count did not go on (I-02)", c)
		}
	})
}
