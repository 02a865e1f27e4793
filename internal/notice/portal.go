package notice

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// Pending lists the notices that wait to be shown to a customer in the portal, the oldest first: those of runs that go there and are
// neither paused nor stopped.
//
// cite: P-27, 47 CFR 64.2008(b)
func (n *Notices) Pending(ctx context.Context, of cpni.ID) ([]Run, error) {
	rows, err := n.DB.Reader().Query(ctx, "SELECT run_id FROM notice_given WHERE customer_id = $1 AND state = $2 AND via = $3 ORDER BY run_id", string(of), WithPlanned, ByPortal)
	if err != nil {
		return nil, fmt.Errorf("looking for notices that wait: %w", err)
	}
	defer rows.Close()
	var ids []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("looking for notices that wait: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("looking for notices that wait: %w", err)
	}
	var all []Run
	for _, id := range ids {
		r, err := n.run(ctx, n.DB.Reader(), id)
		if err != nil {
			return nil, err
		}
		if r.State != Paused && r.State != Stopped {
			all = append(all, r)
		}
	}
	return all, nil
}

// Words writes a notice as the portal shows it to a customer.
//
// cite: P-27, 47 CFR 64.2008(c)
func (n *Notices) Words(ctx context.Context, of, run cpni.ID, language string) (notify.Words, error) {
	r, err := n.run(ctx, n.DB.Reader(), run)
	if err != nil {
		return notify.Words{}, err
	}
	p, _, err := n.Customers.Get(ctx, of)
	if err != nil {
		return notify.Words{}, err
	}
	if n.Page == nil {
		return notify.Words{}, errNoWords
	}
	return n.Page(r, p, language)
}

var (
	errNoWords  = cpni.Rejected("TEMPLATE", "there are no words for this notice in this way", []string{"P-27", "47 CFR 64.2008(c)"}, "put its template into the policy's folder notices")
	errUnproved = cpni.Rejected("UNAUTHENTICATED", "a notice is shown to the customer when it is shown to who has proved to be the customer", []string{"P-16", "47 CFR 64.2008(b)"}, "sign in first")
	errNotDue   = cpni.Rejected("NOT_FOUND", "no such notice waits for this customer", nil, "list those that wait")
)

// Shown records that a notice was shown to a customer who was signed in, in that contact: it is given from then on.
//
// cite: P-26, P-27, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(b)
func (n *Notices) Shown(ctx context.Context, of, run, in cpni.ID) (matures time.Time, err error) {
	pending, err := n.Pending(ctx, of)
	if err != nil {
		return time.Time{}, err
	}
	i := slices.IndexFunc(pending, func(r Run) bool { return r.ID == run })
	if i < 0 {
		return time.Time{}, errNotDue
	}
	now := n.Clock.Now()
	s, _, err := n.Contacts.Get(ctx, in)
	if err != nil {
		return time.Time{}, err
	}
	if f := n.Contacts.Facts(s, of, now); !f.Live || !f.Same || len(f.Evidence) == 0 || s.Channel != cpni.Online {
		return time.Time{}, errUnproved
	}
	_, err = n.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		matures, entries, err = n.Proven(ctx, tx, of, pending[i], ByPortal, now, in, string(cpni.RoleSystem))
		return entries, err
	})
	return matures, plainly(err)
}
