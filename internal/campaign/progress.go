package campaign

import (
	"context"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Tally is how many customers of a campaign are in one state, for one reason.
type Tally struct {
	State string `json:"state"`
	Code  string `json:"code,omitempty"`
	N     int64  `json:"n"`
}

// Progress is how far a campaign has come.
type Progress struct {
	Looked   int64     `json:"looked"`
	Expected int64     `json:"expected"` // how many were included when it was launched
	Done     bool      `json:"done"`     // everybody was looked at
	Held     cpni.Code `json:"held,omitempty"`
	Tallies  []Tally   `json:"tallies,omitempty"`
	Export   cpni.ID   `json:"export,omitempty"` // the file for the partner; "" none has begun
}

// Of gives how many customers are in a state.
func (p Progress) Of(state string) (n int64) {
	for _, t := range p.Tallies {
		if t.State == state {
			n += t.N
		}
	}
	return n
}

// Progress counts what has become of a campaign. Of a request for approval its notice run tells, of a file the export.
//
// cite: P-40, 47 CFR 64.2009(c)
func (g *Register) Progress(ctx context.Context, c *Campaign) (Progress, error) {
	var p Progress
	var done int
	err := g.DB.Reader().QueryRow(ctx, "SELECT looked, expected, done, held FROM campaign_work WHERE campaign_id = $1", string(c.ID)).Scan(&p.Looked, &p.Expected, &done, &p.Held)
	if store.IsNoRow(err) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("counting a campaign: %w", err)
	}
	p.Done = done == 1
	switch {
	case c.Run != "":
		return g.runProgress(ctx, c, p)
	case c.Plan.Channel == ByExport:
		return g.exportProgress(ctx, c, p)
	}
	rows, err := g.DB.Reader().Query(ctx, "SELECT state, code, count(*) FROM campaign_member WHERE campaign_id = $1 GROUP BY state, code ORDER BY state, code", string(c.ID))
	if err != nil {
		return p, fmt.Errorf("counting a campaign: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t Tally
		if err := rows.Scan(&t.State, &t.Code, &t.N); err != nil {
			return p, fmt.Errorf("counting a campaign: %w", err)
		}
		p.Tallies = append(p.Tallies, t)
	}
	return p, rows.Err()
}

func (g *Register) runProgress(ctx context.Context, c *Campaign, p Progress) (Progress, error) {
	r, err := g.Notices.Run(ctx, c.Run)
	if err != nil {
		return p, err
	}
	p.Looked, p.Done = r.Looked, r.State == "done"
	found, err := g.Notices.Progress(ctx, c.Run)
	for _, t := range found.Tallies {
		p.Tallies = append(p.Tallies, Tally{State: t.State, Code: t.Code, N: t.N})
	}
	return p, err
}

func (g *Register) exportProgress(ctx context.Context, c *Campaign, p Progress) (Progress, error) {
	if g.Exporter == nil {
		return p, nil
	}
	e, err := g.Exporter.Progress(ctx, c.ID)
	if err != nil {
		return p, err
	}
	p.Looked, p.Done, p.Export = e.Looked, e.Done, e.Export
	if e.Written > 0 {
		p.Tallies = append(p.Tallies, Tally{State: WithSent, N: e.Written})
	}
	for _, code := range cpni.Precedence {
		if n := e.Excluded[code]; n > 0 {
			p.Tallies = append(p.Tallies, Tally{State: WithLeftOut, Code: string(code), N: n})
		}
	}
	return p, nil
}

// With tells what has become of a campaign with one customer; "" it has nothing to do with them.
func (g *Register) With(ctx context.Context, id, of cpni.ID) (state, code string, err error) {
	err = g.DB.Reader().QueryRow(ctx, "SELECT state, code FROM campaign_member WHERE customer_id = $1 AND campaign_id = $2", string(of), string(id)).Scan(&state, &code)
	if store.IsNoRow(err) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("reading what has become of a campaign: %w", err)
	}
	return state, code, nil
}

// Listed gives customers whom the carrier's people may serve for a campaign, behind one, in the order of their ids. Each is looked at
// once more: who has objected since stands on the list no longer.
//
// cite: P-09, P-40, I-02, 47 CFR 64.2009(a)
func (g *Register) Listed(ctx context.Context, c *Campaign, after cpni.ID, most int) (all []cpni.ID, next cpni.ID, err error) {
	if !c.Plan.Channel.Lists() || !c.Runs(g.Clock.Now(), g.Zone) {
		return nil, "", nil
	}
	for len(all) < most {
		rows, err := g.DB.Reader().Query(ctx, "SELECT customer_id FROM campaign_member WHERE campaign_id = $1 AND state = $2 AND customer_id > $3 ORDER BY customer_id LIMIT $4", string(c.ID), WithListed, string(after), most)
		if err != nil {
			return nil, "", fmt.Errorf("listing a campaign's customers: %w", err)
		}
		var found []cpni.ID
		for rows.Next() {
			var id cpni.ID
			if err := rows.Scan(&id); err != nil {
				rows.Close()
				return nil, "", fmt.Errorf("listing a campaign's customers: %w", err)
			}
			found = append(found, id)
		}
		if err := rows.Err(); err != nil {
			return nil, "", fmt.Errorf("listing a campaign's customers: %w", err)
		}
		rows.Close()
		for _, id := range found {
			after = id
			_, d, err := g.Door.Check(ctx, c.Request(id))
			if err != nil {
				return nil, "", err
			}
			if d.Permit() {
				all = append(all, id)
			}
			if len(all) == most {
				return all, after, nil
			}
		}
		if len(found) < most {
			return all, "", nil
		}
	}
	return all, after, nil
}
