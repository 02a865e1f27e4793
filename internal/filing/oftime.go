package filing

import (
	"context"
	"time"
)

// OfTime gives the files that were opened from a moment until before another, whoever asks.
//
// cite: 47 CFR 64.2009(e), 47 CFR 64.2009(f)
func (d *Desk) OfTime(ctx context.Context, from, to time.Time) ([]*Failure, error) {
	return d.list(ctx, "at >= $1 AND at < $2 ORDER BY at, failure_id", from.UnixMicro(), to.UnixMicro())
}
