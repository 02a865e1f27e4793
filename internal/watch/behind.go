package watch

import (
	"context"
	"errors"
	"time"

	"ringfence/internal/ledger"
)

// Behind tells since when something stands in the tree that no detector has looked at yet; zero: they are up with it. begun is false
// where they have never followed.
//
// cite: P-37, 47 CFR 64.2010(a)
func (w *Watch) Behind(ctx context.Context) (since time.Time, begun bool, err error) {
	text, err := w.parts.DB.Meta(ctx, positionName)
	if err != nil || text == "" {
		return time.Time{}, false, err
	}
	p, err := readPosition(text)
	if err != nil {
		return time.Time{}, true, err
	}
	next, err := w.parts.Ledger.After(ctx, p.next, 1)
	if errors.Is(err, ledger.ErrUntold) {
		return time.Time{}, false, nil // the index is made anew
	}
	if err != nil || len(next) == 0 {
		return time.Time{}, true, err
	}
	return next[0].At, true, nil
}

// Detecting is how many detectors follow.
func (w *Watch) Detecting() int { return len(Detectors) }
