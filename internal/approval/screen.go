package approval

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
)

// Use is what a screening is about.
type Use struct {
	Purpose   cpni.Purpose
	Data      []cpni.DataClass
	Recipient rules.Recipient // of a partner: its facts without a customer
	Additions []Addition
}

// Screen tells where the approval of every customer stands for one use, without opening anything that is sealed. Each customer about
// whom anything is on record is told once or more, and the last word on them counts: after all have been looked at, those of whom
// something was recorded meanwhile are looked at again, until nothing is new. So nobody stands as it was before an objection that was
// acknowledged while the others were counted. Of a customer who is not told, nothing is on record: they are unnotified.
//
// cite: P-36, I-02, 47 CFR 64.2009(a)
func (b *Book) Screen(ctx context.Context, use Use, each func(of cpni.ID, state cpni.ApprovalState) error) error {
	if ready, err := b.Customers.Stands(ctx); err != nil || !ready {
		if err == nil {
			err = errUnready
		}
		return err
	}
	at := b.Clock.Now()
	terms := Terms{RenoticeMonths: b.Numbers(at).RenoticeMonths, Additions: use.Additions}
	state := judge(use, at.In(b.Zone), terms)
	from := at.Add(-lateCommits)
	if err := b.screen(ctx, state, each, "SELECT customer_id, scope, state, since, noticed, matures, covers FROM approval ORDER BY customer_id, n"); err != nil {
		return err
	}
	for seen := map[string]int64{}; ; {
		changed, err := b.changedSince(ctx, from, seen)
		if err != nil || len(changed) == 0 {
			return err
		}
		for some := range slices.Chunk(changed, 500) {
			left := make(map[cpni.ID]bool, len(some))
			for _, id := range some {
				left[cpni.ID(id)] = true
			}
			again := func(of cpni.ID, s cpni.ApprovalState) error {
				delete(left, of)
				return each(of, s)
			}
			if err := b.screenSome(ctx, state, again, some); err != nil {
				return err
			}
			for id := range left { // nothing stands on the account any more
				if err := each(id, cpni.Unnotified); err != nil {
					return err
				}
			}
		}
	}
}

// errUnready: of customers from before it is still being written where their approvals stand. One who is passed over would count as
// somebody who has refused nothing.
var errUnready = cpni.Rejected("BUSY", "where the approvals of all customers stand is being written down after the update, so nobody is screened yet", []string{"P-14", "P-36"},
	"try again in some minutes", "tell the operator if it lasts")

// lateCommits is more than lies between the moment that an event bears and its commit, and between the clocks of two nodes.
const lateCommits = 5 * time.Minute

// changedSince lists the customers of whom an event was recorded since a moment that seen does not have yet, and adds them to it.
func (b *Book) changedSince(ctx context.Context, from time.Time, seen map[string]int64) ([]string, error) {
	rows, err := b.db.Reader().Query(ctx, "SELECT customer_id, max(n) FROM approval_event WHERE recorded >= $1 GROUP BY customer_id", from.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("screening approvals: %w", err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var id string
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, fmt.Errorf("screening approvals: %w", err)
		}
		if seen[id] < n {
			seen[id] = n
			all = append(all, id)
		}
	}
	return all, rows.Err()
}

func (b *Book) screenSome(ctx context.Context, state func([]customer.Approval) cpni.ApprovalState, each func(cpni.ID, cpni.ApprovalState) error, ids []string) error {
	return b.screen(ctx, state, each, "SELECT customer_id, scope, state, since, noticed, matures, covers FROM approval WHERE customer_id IN "+b.db.Listed(1)+" ORDER BY customer_id, n", b.db.List(ids))
}

// screen streams rows, customer by customer.
func (b *Book) screen(ctx context.Context, state func([]customer.Approval) cpni.ApprovalState, each func(cpni.ID, cpni.ApprovalState) error, query string, args ...any) error {
	rows, err := b.db.Reader().Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("screening approvals: %w", err)
	}
	defer rows.Close()
	var of string
	var all []customer.Approval
	for rows.Next() {
		var id, covers string
		var since, noticed, matures int64
		var a customer.Approval
		if err := rows.Scan(&id, &a.Scope, &a.State, &since, &noticed, &matures, &covers); err != nil {
			return fmt.Errorf("screening approvals: %w", err)
		}
		a.Since, a.NoticeAt, a.Matures = moment(since), moment(noticed), moment(matures)
		if covers != "" {
			a.ReadCovers(covers)
		}
		if id != of {
			if of != "" {
				if err := each(cpni.ID(of), state(all)); err != nil {
					return err
				}
			}
			of, all = id, all[:0]
		}
		all = append(all, a)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("screening approvals: %w", err)
	}
	if of == "" {
		return nil
	}
	return each(cpni.ID(of), state(all))
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us)
}

// judge gives what tells where approvals stand for a use: by the same rules as for one request.
func judge(use Use, at time.Time, terms Terms) func([]customer.Approval) cpni.ApprovalState {
	return func(all []customer.Approval) cpni.ApprovalState {
		return stands(all, use.Purpose, use.Data, use.Recipient, at, terms).State
	}
}
