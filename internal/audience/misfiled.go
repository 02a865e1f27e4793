package audience

import (
	"github.com/RoaringBitmap/roaring/v2"
)

// misfiled counts the customers who are in sets in which they should not be by what is kept in mind of them, or are missing from some of
// theirs. The sets are made again from the records, set by set, and compared.
//
// cite: I-19
func (x *Index) misfiled() (int, error) {
	again := newIndex(x.words, x.zone, x.from)
	again.parts, again.sorted, again.late = x.parts, x.sorted, x.late
	var r record
	wrong := roaring.New()
	for p := range x.parts {
		for i, at := range x.parts[p].at {
			n := uint32(p)<<16 | uint32(i)
			if at == gone {
				continue
			}
			if err := x.read(n, &r); err != nil {
				wrong.Add(n)
				continue
			}
			again.file(n, &r)
		}
	}
	compareSets := func(a, b *roaring.Bitmap) {
		switch {
		case a == nil && b == nil:
		case a == nil:
			wrong.Or(b)
		case b == nil:
			wrong.Or(a)
		default:
			wrong.Or(roaring.Xor(a, b))
		}
	}
	compareSets(x.alive, again.alive)
	compareSets(x.broken, again.broken)
	compareSets(x.moving, again.moving)
	compareAll(x.service, again.service, compareSets)
	compareAll(x.months, again.months, compareSets)
	compareAll(x.states, again.states, compareSets)
	compareAll(x.zips, again.zips, compareSets)
	compareAll(x.scopes, again.scopes, func(a, b *scope) {
		if a == nil || b == nil {
			a, b = orNone(a), orNone(b)
		}
		compareSets(a.all, b.all)
		compareSets(a.yes, b.yes)
		compareAll(a.patterns, b.patterns, func(a, b *pattern) {
			if a == nil || b == nil || len(a.slots) != len(b.slots) {
				for _, p := range []*pattern{a, b} {
					if p != nil {
						wrong.Or(p.all)
					}
				}
				return
			}
			compareSets(a.all, b.all)
			for i := range a.slots {
				compareAll(a.slots[i].weeks, b.slots[i].weeks, func(a, b *bucket) {
					switch {
					case a == nil:
						wrong.Or(b.all)
					case b == nil:
						wrong.Or(a.all)
					default:
						compareSets(a.all, b.all)
						// The bounds may be wider than the customers who are left, and never narrower.
						if a.rests.min.After(b.rests.min) || a.rests.max.Before(b.rests.max) || a.matures.min.After(b.matures.min) || a.matures.max.Before(b.matures.max) {
							wrong.Or(b.all)
						}
					}
				})
			}
		})
	})
	return int(wrong.GetCardinality()), nil
}

func orNone(s *scope) *scope {
	if s == nil {
		return &scope{all: roaring.New(), yes: roaring.New(), patterns: map[string]*pattern{}}
	}
	return s
}

// compareAll compares what two maps have under each key.
func compareAll[K comparable, V any](a, b map[K]*V, do func(a, b *V)) {
	for k, v := range a {
		do(v, b[k])
	}
	for k, v := range b {
		if a[k] == nil {
			do(nil, v)
		}
	}
}
