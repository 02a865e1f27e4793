package campaign

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
	"ringfence/internal/store"
)

var _ disclose.Campaigns = (*Register)(nil)

// Of gives what the register says of a campaign as a use of it is asked for. The version is read anew for each, so that a decision
// never stands on a campaign that was stopped before it was asked.
//
// cite: P-40, I-02, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (g *Register) Of(ctx context.Context, id cpni.ID, f rules.Facts) (rules.Campaign, store.Guard, bool, error) {
	c, err := g.recent(ctx, id)
	if errors.Is(err, ErrNone) {
		return rules.Campaign{}, store.Guard{}, false, nil
	}
	if err != nil {
		return rules.Campaign{}, store.Guard{}, false, err
	}
	return rules.Campaign{ID: id, Version: c.Version, Approved: c.Approved(), Runs: c.Runs(f.At, g.Zone), Covers: c.Plan.covers(f)},
		store.Guard{Table: "campaign", Key: string(id), Version: c.Version}, true, nil
}

// mostKnown bounds what is remembered of campaigns.
const mostKnown = 200

// recent gives a campaign as it stands; what is sealed of it is opened once a version. It is shared: do not change it.
func (g *Register) recent(ctx context.Context, id cpni.ID) (*Campaign, error) {
	var version int64
	err := g.DB.Reader().QueryRow(ctx, "SELECT version FROM campaign WHERE campaign_id = $1", string(id)).Scan(&version)
	if store.IsNoRow(err) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading a campaign: %w", err)
	}
	g.mu.Lock()
	c := g.known[id]
	g.mu.Unlock()
	if c != nil && c.Version == version {
		return c, nil
	}
	if c, err = g.Get(ctx, id); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= mostKnown {
		clear(g.known)
	}
	g.known[id] = c
	return c, nil
}
