package smpp

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Parts are counted by text, whatever order they come in and however often, and a name that is given again begins anew.
//
// cite: P-23
func TestPartsKept(t *testing.T) {
	t.Run("memory", func(t *testing.T) { testParts(t, NewMemory()) })
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := noon
		table := NewTable(db, cpni.ClockFunc(func() time.Time { return now }))
		testParts(t, table)
		// What several nodes are told at once is counted once each.
		for i := range 20 {
			name := "many" + strconv.Itoa(i)
			parts := []string{name}
			for j := range 3 {
				parts = append(parts, name+"."+strconv.Itoa(j))
			}
			for _, p := range parts {
				if err := table.Sent(t.Context(), name+"/4", 4, p); err != nil {
					t.Fatal(err)
				}
			}
			var all sync.WaitGroup
			var mu sync.Mutex
			ready := 0
			for _, p := range parts {
				all.Go(func() {
					_, of, err := table.Told(t.Context(), p, notify.Delivered)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					}
					if of == notify.Delivered {
						ready++
					}
				})
			}
			if all.Wait(); ready != 1 {
				t.Errorf("the last of four parts was told %d times", ready)
			}
		}
		now = now.Add(keepFor + time.Second)
		if err := table.Sent(t.Context(), "later/2", 2, "later"); err != nil {
			t.Fatal(err)
		}
		if name, _, err := table.Told(t.Context(), "many1", notify.Delivered); name != "" || err != nil {
			t.Errorf("an old text is kept: %q, %v", name, err)
		}
	})
}

func testParts(t *testing.T, m Parts) {
	sent := func(name string, of int, parts ...string) {
		for _, p := range parts {
			if err := m.Sent(t.Context(), name, of, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	told := func(part string, state notify.State, name string, of notify.State) {
		t.Helper()
		if n, s, err := m.Told(t.Context(), part, state); n != name || s != of || err != nil {
			t.Errorf("part %s %s: %q %q, %v, not %q %q", part, state, n, s, err, name, of)
		}
	}
	told("a", notify.Delivered, "", "")
	sent("a/3", 3, "a", "b")
	told("b", notify.Delivered, "a/3", "")
	told("b", notify.Delivered, "a/3", "")
	sent("a/3", 3, "c")
	told("c", notify.Delivered, "a/3", "")
	told("a", notify.Delivered, "a/3", notify.Delivered)
	told("a", notify.Delivered, "a/3", notify.Delivered)
	sent("a/3", 3, "a", "d", "e")
	told("d", notify.Delivered, "a/3", "")
	told("e", notify.Bounced, "a/3", notify.Bounced)
	told("a", notify.Failed, "a/3", notify.Bounced)
	told("d", notify.Delivered, "a/3", notify.Bounced)
}

// Only so many parts are kept in memory.
func TestMemoryBounded(t *testing.T) {
	m := NewMemory()
	for i := range mostParts + 10 {
		if err := m.Sent(t.Context(), strconv.Itoa(i)+"/2", 2, strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if name, _, err := m.Told(t.Context(), "9", notify.Delivered); name != "" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	if len(m.texts) != mostParts || len(m.order) != mostParts {
		t.Errorf("%d and %d parts are kept", len(m.texts), len(m.order))
	}
}
