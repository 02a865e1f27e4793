package store

import (
	"context"
	"time"
)

// Every calls do again and again, that far apart, until ctx ends. report gets its errors; it goes on trying.
func Every(ctx context.Context, apart time.Duration, do func(context.Context) error, report func(error)) {
	tick := time.NewTicker(apart)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			report(err)
		}
	}
}
