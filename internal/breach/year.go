package breach

import (
	"context"
	"errors"
	"time"

	"ringfence/internal/breach/clock"
)

// OfTime reads the incidents, no rehearsals, that were opened or determined from a moment until before another, whoever asks. Those of which
// nobody may be told yet are left out, and so are those that were removed.
//
// cite: P-43, P-47, P-49, 47 CFR 64.2009(e), 47 CFR 64.2011(a)
func (d *Desk) OfTime(ctx context.Context, from, to time.Time) ([]*Incident, error) {
	ids, err := d.ids(ctx, "exercise = 0 AND at < $1 AND changed >= $2 ORDER BY at, incident_id", to.UnixMicro(), from.UnixMicro())
	if err != nil {
		return nil, err
	}
	within := func(at time.Time) bool { return !at.Before(from) && at.Before(to) }
	var all []*Incident
	for _, id := range ids {
		i, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
		if errors.Is(err, ErrNone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if (within(i.Opened) || i.Determined != nil && within(i.Determined.At)) && (!i.Closed.IsZero() || d.Hold(i) == nil) {
			all = append(all, i)
		}
	}
	return all, nil
}

// Breached reports whether an incident was judged to be a breach that the agencies are told of.
//
// cite: P-43, 47 CFR 64.2011(e)
func (d *Desk) Breached(i *Incident) bool {
	return i.Determined != nil && d.Clocks(i).Kind == clock.Breach
}
