package audience

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"ringfence/internal/cpni"
)

// served remembers whom an affiliate serves itself, as numbers.
type served struct {
	mu      sync.Mutex
	partner string
	version int64
	names   int // how many customers the index had when the numbers were looked up
	set     *roaring.Bitmap
}

// servedBy gives the numbers of the customers whom a partner serves, as version of the register has them.
//
// cite: P-15, 47 CFR 64.2005(a)(1)
func (x *Index) servedBy(partner string, version int64, ids []cpni.ID) *roaring.Bitmap {
	s := &x.served
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set != nil && s.partner == partner && s.version == version && s.names == x.names() {
		return s.set
	}
	set := roaring.New()
	for _, id := range ids {
		if k, ok := id.Bytes(); ok {
			if n, ok := x.find(k); ok {
				set.Add(n)
			}
		}
	}
	s.partner, s.version, s.names, s.set = partner, version, x.names(), set
	return set
}

// names is how many numbers were given; none is given twice.
func (x *Index) names() int {
	n := len(x.late)
	for _, p := range x.parts[:x.sorted] {
		n += len(p.keys)
	}
	return n
}

// spread runs do over portions of n on all processors.
func spread(ctx context.Context, n int, do func(from, to int) error) error {
	workers := max(1, runtime.GOMAXPROCS(0))
	if n < 1000 {
		workers = 1
	}
	errs := make([]error, workers)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			const portion = 4096
			for from := w * portion; from < n && errs[w] == nil; from += workers * portion {
				if errs[w] = ctx.Err(); errs[w] == nil {
					errs[w] = do(from, min(n, from+portion))
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
