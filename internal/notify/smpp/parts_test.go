package smpp

import (
	"strconv"
	"testing"

	"ringfence/internal/notify"
)

// Parts are counted by text, whatever order they come in and however often; a name that is given again begins anew; and
// only so many are kept.
func TestMemory(t *testing.T) {
	m := NewMemory()
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
	for i := range mostParts {
		sent(strconv.Itoa(i)+"/2", 2, strconv.Itoa(i))
	}
	told("a", notify.Delivered, "", "")
	if len(m.texts) != mostParts || len(m.order) != mostParts {
		t.Errorf("%d and %d parts are kept", len(m.texts), len(m.order))
	}
}
