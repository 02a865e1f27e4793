package notice

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Gift is a notice as it stands with one customer.
type Gift struct {
	Run     Run
	State   string    // WithPlanned and so on
	Via     string    // a way by which notices go; "" none was open
	Message cpni.ID   // that gave it last
	Code    string    // why it was left out or came back; "" neither
	At      time.Time // since when it is in this state
}

// mostGifts bounds what is listed of one customer.
const mostGifts = 200

// Of lists the notices that have to do with a customer, the newest first.
//
// cite: P-02, 47 CFR 64.2008(a)(2)
func (n *Notices) Of(ctx context.Context, of cpni.ID) ([]Gift, error) {
	return n.gifts(ctx, "customer_id = $1 ORDER BY at DESC, run_id DESC LIMIT $2", string(of), mostGifts)
}

// Pending lists the notices that a customer is to be shown when they are signed in, the oldest first.
//
// cite: P-26, 47 CFR 64.2008(b)
func (n *Notices) Pending(ctx context.Context, of cpni.ID) ([]Gift, error) {
	return n.gifts(ctx, "customer_id = $1 AND state = $2 AND via = $3 ORDER BY at, run_id LIMIT $4", string(of), WithPlanned, ByPortal, mostGifts)
}

func (n *Notices) gifts(ctx context.Context, where string, args ...any) ([]Gift, error) {
	rows, err := n.DB.Reader().Query(ctx, "SELECT run_id, state, via, message_id, code, at FROM notice_given WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("listing a customer's notices: %w", err)
	}
	defer rows.Close()
	var all []Gift
	for rows.Next() {
		var g Gift
		var at int64
		if err := rows.Scan(&g.Run.ID, &g.State, &g.Via, &g.Message, &g.Code, &at); err != nil {
			return nil, fmt.Errorf("listing a customer's notices: %w", err)
		}
		g.At = time.UnixMicro(at).UTC()
		all = append(all, g)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing a customer's notices: %w", err)
	}
	for i := range all {
		if all[i].Run, err = n.says(ctx, n.DB.Reader(), all[i].Run.ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Shown records that a notice was shown to the customer in a contact in which they have proved who they are, and that they have gone on
// from it: its wait begins. matures is when silence counts; zero: it never does, or it was on record already.
//
// cite: P-26, V36, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(d)(1)
func (n *Notices) Shown(ctx context.Context, of, run, contact cpni.ID) (matures time.Time, err error) {
	r, err := n.says(ctx, n.DB.Reader(), run)
	if err != nil {
		return time.Time{}, err
	}
	now := n.Clock.Now()
	var changed bool
	_, err = n.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		matures, entries, err = n.Proven(ctx, tx, of, r, ByPortal, now, contact, customerSelf)
		changed = len(entries) > 0
		return entries, err
	})
	if err != nil {
		return time.Time{}, plainly(err)
	}
	if changed {
		n.Customers.Drop(of)
	}
	return matures, nil
}

// customerSelf is who records what the customers themselves do.
const customerSelf = "customer"

// ForPortal gives the run of a notice that the portal shows to whoever asks for it: the same for the same words, begun when it is asked
// for the first time.
//
// cite: P-02, P-36, 47 CFR 64.2008(c)(2)
func (n *Notices) ForPortal(ctx context.Context, s Spec) (Run, error) {
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
		run, e, err = n.begin(ctx, tx, s, Done, string(cpni.RoleSystem))
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
