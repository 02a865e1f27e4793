package breach

import (
	"context"
	"time"

	"ringfence/internal/cpni"
)

// Within gives the incidents that were opened in a time, rehearsals too, the oldest first, for evidence of them. Whoever asks for that was let
// in there.
//
// cite: P-41, P-49, 47 CFR 64.2011(d)
func (d *Desk) Within(ctx context.Context, from, to time.Time) ([]*Incident, error) {
	ids, err := d.ids(ctx, "state <> $1 AND at >= $2 AND at < $3 ORDER BY at, incident_id", stateRemoved, from.UnixMicro(), to.UnixMicro())
	if err != nil {
		return nil, err
	}
	var all []*Incident
	for _, id := range ids {
		i, err := d.Known(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, nil
}

// Known gives an incident for evidence of it; ErrNone: there is none. Whoever asks for that was let in there.
//
// cite: P-41, P-49
func (d *Desk) Known(ctx context.Context, id cpni.ID) (*Incident, error) {
	return d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
}
