package audience

import (
	"context"

	"ringfence/internal/cpni"
)

// SetPortion makes portions small.
func (s *Sets) SetPortion(n int) { s.portion = n }

// Loaded reports whether the node has an index.
func (s *Sets) Loaded() bool { return s.current.Load() != nil }

// LoadNow begins the index anew, and says from which parts.
func (s *Sets) LoadNow(ctx context.Context) (string, error) {
	s.catching.Lock()
	defer s.catching.Unlock()
	err := s.load(ctx)
	return s.build, err
}

// Lose takes a customer out of the set of those of whom something stands there about a scope, as an error in the index would.
func (s *Sets) Lose(scope string, id cpni.ID) {
	x := s.current.Load()
	x.mu.Lock()
	defer x.mu.Unlock()
	k, _ := keyOf(id)
	n, _ := x.find(k)
	if set := x.scopes[scope]; set != nil {
		set.all.Remove(n)
		for _, p := range set.patterns {
			p.all.Remove(n)
		}
	}
}

// Mistake writes a record of before in the place of a customer's, sets included, as a missed change would.
func (s *Sets) Mistake(id cpni.ID) error {
	x := s.current.Load()
	x.mu.Lock()
	defer x.mu.Unlock()
	k, err := keyOf(id)
	if err != nil {
		return err
	}
	return x.put(k, &record{version: 1, class: class{categories: "local", lines: 1}})
}

// Holds reports whether anything is kept in mind of a customer.
func (s *Sets) Holds(id cpni.ID) bool {
	x := s.current.Load()
	x.mu.RLock()
	defer x.mu.RUnlock()
	k, _ := keyOf(id)
	n, ok := x.find(k)
	return ok && x.alive.Contains(n)
}
