package audience

import (
	"context"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// source lists customers behind one, in the order of their ids, with what is to be kept in mind of each.
type source func(ctx context.Context, x *Index, after cpni.ID, most int) ([]cpni.ID, map[cpni.ID]*record, error)

// fromTables is the source that counts: the customers' own records.
func (s *Sets) fromTables(ctx context.Context, x *Index, after cpni.ID, most int) ([]cpni.ID, map[cpni.ID]*record, error) {
	ids, err := s.ids(ctx, after, most)
	if err != nil {
		return nil, nil, err
	}
	records, err := s.readRecords(ctx, x, ids)
	return ids, records, err
}

// Imagine has customers read from memory who are in no table, to measure with more of them than there is room for: the one behind a customer is
// what next gives, ids in order; nil is the end. Nothing of it is for a database in which there are customers.
func (s *Sets) Imagine(next func(after cpni.ID) *customer.Profile) {
	s.source = func(_ context.Context, x *Index, after cpni.ID, most int) ([]cpni.ID, map[cpni.ID]*record, error) {
		ids, records := make([]cpni.ID, 0, most), make(map[cpni.ID]*record, most)
		for len(ids) < most {
			p := next(after)
			if p == nil {
				break
			}
			r := x.recordOf(p, 1)
			ids, records[p.ID], after = append(ids, p.ID), &r, p.ID
		}
		return ids, records, nil
	}
}

// Begin begins the index of this node from what is kept, as the first question would.
func (s *Sets) Begin(ctx context.Context) error {
	_, err := s.ready(ctx)
	return err
}
