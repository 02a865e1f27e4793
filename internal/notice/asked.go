package notice

import (
	"context"
	"encoding/json"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Asked records that the customer was shown a request which nobody had sent them, in a contact in which they have proved who they are,
// and gives the message that it counts as: as, unless the same was given to them before.
//
// cite: P-36, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(e)
func (n *Notices) Asked(ctx context.Context, of, run, as, contact cpni.ID) (message cpni.ID, err error) {
	r, err := n.says(ctx, n.DB.Reader(), run)
	if err != nil {
		return "", err
	}
	now := n.Clock.Now()
	_, err = n.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		if _, err := tx.Exec(ctx, "INSERT INTO notice_given (customer_id, run_id, state, via, message_id, code, at) VALUES ($1, $2, $3, $4, $5, '', $6) ON CONFLICT (customer_id, run_id) DO NOTHING",
			string(of), string(run), WithPlanned, ByPortal, string(as), now.UnixMicro()); err != nil {
			return nil, fmt.Errorf("proving a notice: %w", err)
		}
		if _, entries, err = n.Proven(ctx, tx, of, r, ByPortal, now, contact, customerSelf); err != nil {
			return nil, err
		}
		if err := tx.QueryRow(ctx, "SELECT message_id FROM notice_given WHERE customer_id = $1 AND run_id = $2", string(of), string(run)).Scan(&message); err != nil {
			return nil, fmt.Errorf("proving a notice: %w", err)
		}
		return entries, nil
	})
	if err != nil {
		return "", plainly(err)
	}
	n.Customers.Drop(of)
	return message, nil
}

// customerSelf is who records what the customers themselves do.
const customerSelf = "customer"

// Offered gives the run of a notice that the portal shows to whoever asks for it: the same for the same words, begun when it is asked
// for the first time.
//
// cite: P-02, P-36, 47 CFR 64.2008(c)(2)
func (n *Notices) Offered(ctx context.Context, s Spec) (Run, error) {
	s.Ways = []string{ByPortal}
	s = s.complete()
	text, err := json.Marshal(s)
	if err != nil {
		return Run{}, fmt.Errorf("finding a notice: %w", err)
	}
	var id string
	err = n.DB.Reader().QueryRow(ctx, "SELECT run_id FROM notice_run WHERE state = $1 AND spec = $2 ORDER BY at, run_id LIMIT 1", string(Done), string(text)).Scan(&id)
	switch {
	case err == nil:
		return n.says(ctx, n.DB.Reader(), cpni.ID(id))
	case !store.IsNoRow(err):
		return Run{}, fmt.Errorf("finding a notice: %w", err)
	}
	var run Run
	_, err = n.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var e ledger.Entry
		var err error
		run, e, err = n.begin(ctx, tx, s, Launch{Title: "Asked in the portal"}, Done, string(cpni.RoleSystem))
		return []ledger.Entry{e}, err
	})
	return run, plainly(err)
}

// Named gives every company that a notice has named, as the newest that did so named it, by its id.
//
// cite: P-15, 47 CFR 64.2008(c)(2)
func (n *Notices) Named(ctx context.Context) (map[string]Recipient, error) {
	rows, err := n.DB.Reader().Query(ctx, "SELECT spec FROM notice_run WHERE spec LIKE '%\"recipients\"%' ORDER BY at DESC, run_id DESC LIMIT $1", mostRuns)
	if err != nil {
		return nil, fmt.Errorf("listing companies that notices name: %w", err)
	}
	defer rows.Close()
	all := map[string]Recipient{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("listing companies that notices name: %w", err)
		}
		var s Spec
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return nil, fmt.Errorf("listing companies that notices name: %w", err)
		}
		for _, r := range s.Recipients {
			if _, there := all[r.ID]; !there {
				all[r.ID] = r
			}
		}
	}
	return all, rows.Err()
}
