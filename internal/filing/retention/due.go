package retention

import (
	"context"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Due says once in a month that something is older than the policy keeps such a thing at most, and lets go of lists of plans that nobody
// can agree to any more. It erases nothing: two people do.
//
// cite: P-41, P-54, I-22
func (d *Desk) Due(ctx context.Context) error {
	now := d.Clock.Now()
	month := now.In(d.Zone).Format("2006-01")
	n, err := count(ctx, d.DB.Reader(), "SELECT count(*) FROM retention_reminder WHERE month = $1", month)
	if err != nil || n > 0 {
		return err
	}
	late, err := d.anyLate(ctx)
	if err != nil {
		return err
	}
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		done, err := tx.Exec(ctx, "INSERT INTO retention_reminder (month) VALUES ($1) ON CONFLICT (month) DO NOTHING", month)
		if err != nil {
			return nil, fmt.Errorf("reminding of what is over: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return nil, err
		}
		old := now.Add(-2 * d.Life(now)).UnixMicro()
		for _, table := range []string{"retention_item", "retention_line"} {
			if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE plan_id IN (SELECT plan_id FROM retention_plan WHERE state = $1 AND at < $2)", string(Proposed), old); err != nil {
				return nil, fmt.Errorf("letting go of a plan: %w", err)
			}
		}
		if _, err := tx.Exec(ctx, "DELETE FROM retention_plan WHERE state = $1 AND at < $2", string(Proposed), old); err != nil {
			return nil, fmt.Errorf("letting go of a plan: %w", err)
		}
		if len(late) == 0 {
			return nil, nil
		}
		e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Alert, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: Over},
			map[string]any{"what": "something is older than the policy keeps such a thing at most", "kinds": late})
		return []ledger.Entry{e}, err
	})
	return plainly(err)
}

// mostLooked bounds how many things of a kind are looked at for one that nothing keeps.
const mostLooked = 200

// anyLate names the kinds of which something is older than the most.
func (d *Desk) anyLate(ctx context.Context) ([]string, error) {
	now := d.Clock.Now()
	holds, err := d.keeper(ctx, d.DB.Reader())
	if err != nil {
		return nil, err
	}
	var all []string
	for _, k := range Catalogue() {
		t := d.Term(k, now)
		if k.way == nil || !t.Known || t.Most == 0 {
			continue
		}
		found, err := d.due(ctx, d.DB.Reader(), k, k.cut(d.before(now, t.Most)), mostLooked)
		if err != nil {
			return nil, fmt.Errorf("looking for what is over: %w", err)
		}
		for _, it := range found {
			kept, _, err := d.keeps(ctx, d.DB.Reader(), holds, k, it, t, now)
			if err != nil {
				return nil, err
			}
			if !kept {
				all = append(all, k.Name)
				break
			}
		}
	}
	return all, nil
}
