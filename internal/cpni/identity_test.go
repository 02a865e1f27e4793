package cpni

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// IDs of one moment sort as they were made, though other moments come in between; none is given twice, whoever asks beside it.
//
// cite: I-13
func TestTimedIDsSortAsTheyWereMade(t *testing.T) {
	at := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	var ids []ID
	for i := range 100_000 {
		if i%3 == 0 {
			NewTimedID(at.Add(time.Duration(i%7) * time.Hour))
		}
		ids = append(ids, NewTimedID(at))
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Error("IDs of one moment are out of order")
	}
	if later := NewTimedID(at.Add(time.Millisecond)); later < ids[len(ids)-1] {
		t.Error("one of a later moment sorts before them")
	}
	if first := FirstTimedID(at); ids[0] < first {
		t.Errorf("%s sorts before %s, the first of its moment", ids[0], first)
	}
	var all sync.WaitGroup
	beside := make([][]ID, 8)
	for i := range beside {
		all.Go(func() {
			for range 1000 {
				beside[i] = append(beside[i], NewTimedID(at))
			}
		})
	}
	all.Wait()
	together := slices.Concat(beside...)
	slices.Sort(together)
	if len(slices.Compact(together)) != 8000 {
		t.Error("an ID was given twice")
	}
}
