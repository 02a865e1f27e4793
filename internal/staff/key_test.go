package staff

import (
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// cite: P-37, 47 CFR 64.2010(a)
func TestKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add("ivr")
		other := w.node(db)
		secret, err := w.NewKey(t.Context(), id, "ivr of the east", []string{"customer-request", "billing"}, "admin")
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []*Register{w.Register, other} {
			k, err := n.Key(t.Context(), secret)
			if err != nil || k.Staff != id || strings.Join(k.Scopes, " ") != "customer-request billing" || !k.Expires.Equal(start.Add(numbers.KeyLife)) {
				t.Fatalf("%+v, %v", k, err)
			}
		}
		if none, err := w.NewKey(t.Context(), id, "all", nil, "admin"); err != nil {
			t.Error(err)
		} else if k, err := w.Key(t.Context(), none); err != nil || len(k.Scopes) != 0 {
			t.Errorf("%+v, %v", k, err)
		}
		for name, make := range map[string]func() (string, error){
			"nobody":           func() (string, error) { return w.NewKey(t.Context(), cpni.NewID(), "k", nil, "admin") },
			"an id of no form": func() (string, error) { return w.NewKey(t.Context(), "\x00", "k", nil, "admin") },
			"no name":          func() (string, error) { return w.NewKey(t.Context(), id, "", nil, "admin") },
			"a long name":      func() (string, error) { return w.NewKey(t.Context(), id, strings.Repeat("k", 101), nil, "admin") },
			"two scopes in one": func() (string, error) {
				return w.NewKey(t.Context(), id, "k", []string{"billing protect"}, "admin")
			},
			"too many scopes": func() (string, error) { return w.NewKey(t.Context(), id, "k", make([]string, 41), "admin") },
		} {
			if _, err := make(); err == nil {
				t.Errorf("%s: a key was made", name)
			}
		}
		all, err := w.Keys(t.Context(), id)
		if err != nil || len(all) != 2 || !all[0].Revoked.IsZero() {
			t.Fatalf("%+v, %v", all, err)
		}
		if everybody, err := w.Keys(t.Context(), ""); err != nil || len(everybody) != 2 {
			t.Errorf("%+v, %v", everybody, err)
		}
		if nobody, err := w.Keys(t.Context(), cpni.NewID()); err != nil || len(nobody) != 0 {
			t.Errorf("%+v, %v", nobody, err)
		}
		for _, k := range all {
			if strings.Contains(secret, k.ID) {
				t.Error("the list gives the key away")
			}
			if k.Name != "ivr of the east" {
				continue
			}
			if err := w.RevokeKey(t.Context(), k.ID, "admin"); err != nil {
				t.Fatal(err)
			}
			if err := w.RevokeKey(t.Context(), k.ID, "admin"); code(err) != "CONFIG" {
				t.Errorf("revoking again: %v", err)
			}
		}
		if _, err := w.Key(t.Context(), secret); err != error(ErrNoKey) {
			t.Errorf("a revoked key, where it was revoked: %v", err)
		}
		w.clock.advance(keySeen + time.Second)
		if _, err := other.Key(t.Context(), secret); err != error(ErrNoKey) {
			t.Errorf("a revoked key, on another node, seconds later: %v", err)
		}
		for _, bad := range []string{"", "zz", strings.Repeat("0", 64), strings.Repeat("0", 1<<16)} {
			if err := w.RevokeKey(t.Context(), bad, "admin"); code(err) != "CONFIG" {
				t.Errorf("revoking %.20q: %v", bad, err)
			}
		}
	})
}

// cite: P-37, 47 CFR 64.2010(a)
func TestKeysEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add("ivr")
		secret, err := w.NewKey(t.Context(), id, "k", nil, "admin")
		if err != nil {
			t.Fatal(err)
		}
		w.clock.advance(numbers.KeyLife - time.Microsecond)
		if _, err := w.Key(t.Context(), secret); err != nil {
			t.Errorf("on its last day: %v", err)
		}
		w.clock.advance(time.Microsecond)
		if _, err := w.Key(t.Context(), secret); err != error(ErrNoKey) { // though the node has just seen it
			t.Errorf("after its last day: %v", err)
		}
		fresh, err := w.NewKey(t.Context(), id, "k", nil, "admin")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Key(t.Context(), fresh); err != nil {
			t.Fatal(err)
		}
		if err := w.Disable(t.Context(), id, "admin"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Key(t.Context(), fresh); err != error(ErrNoKey) {
			t.Errorf("of a disabled member: %v", err)
		}
		if _, err := w.NewKey(t.Context(), id, "k", nil, "admin"); code(err) != "CONFIG" {
			t.Errorf("a key for a disabled member: %v", err)
		}
		if err := w.Enable(t.Context(), id, "admin"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Key(t.Context(), fresh); err != error(ErrNoKey) {
			t.Errorf("a revoked key came back: %v", err)
		}
		for _, bad := range []string{"", "rfk_", strings.Repeat("k", 1<<16), strings.Replace(fresh, "rfk_", "rfs_", 1)} {
			if _, err := w.Key(t.Context(), bad); err != error(ErrNoKey) {
				t.Errorf("%.20q: %v", bad, err)
			}
		}
	})
}
