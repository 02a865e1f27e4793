package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// linesOf writes what stands on an account, a line an approval, as rowOf reads them.
func linesOf(all []customer.Approval) string {
	micros := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return t.UnixMicro()
	}
	lines := make([]string, len(all))
	for i, a := range all {
		lines[i] = fmt.Sprintf("%s %s %d %d %d %s", a.Scope, a.State, micros(a.Since), micros(a.NoticeAt), micros(a.Matures), a.Covers())
	}
	return strings.Join(lines, "\n")
}

func readLines(text string) (all []customer.Approval, err error) {
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			continue
		}
		a, err := rowOf(line)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// lookedAt is how many customers one page of AsOf holds.
const lookedAt = 1000

// AsOf tells where the approval of every customer for a use stood at moments, from the events that were on record then and by the rules that
// judge one request. Customers are told of in the order of their ids, those behind after; states has one for each moment, "" where the customer
// was not in service. What each had said before events were kept counts as it stood. Nothing sealed is opened but events from before what
// stands was written beside them, once. It ends early, without an error, when each gives ErrEnough.
//
// cite: P-36, 47 CFR 64.2007(a)(3), 47 CFR 64.2008(a)(2)
func (b *Book) AsOf(ctx context.Context, use Use, moments []time.Time, after cpni.ID, each func(of cpni.ID, states []cpni.ApprovalState) error) error {
	judges := make([]func([]customer.Approval) cpni.ApprovalState, len(moments))
	for i, at := range moments {
		added := slices.DeleteFunc(slices.Clone(use.Additions), func(a Addition) bool { return a.Since.After(at) })
		judges[i] = judge(use, at.In(b.Zone), Terms{RenoticeMonths: b.Numbers(at).RenoticeMonths, Additions: added})
	}
	for {
		page, err := b.stood(ctx, after)
		if err != nil {
			return err
		}
		for i := range page {
			c := &page[i]
			states := make([]cpni.ApprovalState, len(moments))
			for m, at := range moments {
				if !c.served(at) {
					continue
				}
				all, err := readLines(c.at(at))
				if err != nil {
					return err
				}
				states[m] = judges[m](all)
			}
			if err := each(c.id, states); errors.Is(err, ErrEnough) {
				return nil
			} else if err != nil {
				return err
			}
		}
		if len(page) < lookedAt {
			return nil
		}
		after = page[len(page)-1].id
	}
}

// ErrEnough ends AsOf.
var ErrEnough = errors.New("enough is known")

// stoodOf is what has stood of one customer's approvals.
type stoodOf struct {
	id           cpni.ID
	since, ended int64
	steps        []stoodStep // none: nothing was recorded, and now is what stands
	now          string
}

type stoodStep struct {
	n        int
	recorded int64
	first    bool // what stood before events were kept: it stood before that moment, too
	lines    string
	unknown  bool
}

func (c *stoodOf) served(at time.Time) bool {
	t := at.UnixMicro()
	return c.since <= t && (c.ended == 0 || c.ended > t)
}

// at gives what stood at a moment.
func (c *stoodOf) at(at time.Time) string {
	if len(c.steps) == 0 {
		return c.now
	}
	lines := ""
	for _, s := range c.steps {
		if s.recorded > at.UnixMicro() && !s.first {
			break
		}
		lines = s.lines
	}
	return lines
}

// stood reads a page of customers with what stood after each event.
func (b *Book) stood(ctx context.Context, after cpni.ID) ([]stoodOf, error) {
	rows, err := b.db.Reader().Query(ctx, `SELECT c.customer_id, c.since, c.ended, coalesce(e.n, 0), coalesce(e.recorded, 0), coalesce(e.what, ''), e.stands,
		CASE WHEN e.n IS NULL THEN coalesce((SELECT string_agg(concat_ws(' ', a.scope, a.state, a.since, a.noticed, a.matures, a.covers), '
') FROM approval a WHERE a.customer_id = c.customer_id), '') ELSE '' END
		FROM (SELECT customer_id, since, ended FROM customer WHERE customer_id > $1 ORDER BY customer_id LIMIT $2) c
		LEFT JOIN approval_event e ON e.customer_id = c.customer_id ORDER BY c.customer_id, e.n`, string(after), lookedAt)
	if err != nil {
		return nil, fmt.Errorf("reading where approvals stood: %w", err)
	}
	defer rows.Close()
	var all []stoodOf
	var old []int
	for rows.Next() {
		var c stoodOf
		var s stoodStep
		var what What
		var lines *string
		if err := rows.Scan(&c.id, &c.since, &c.ended, &s.n, &s.recorded, &what, &lines, &c.now); err != nil {
			return nil, fmt.Errorf("reading where approvals stood: %w", err)
		}
		if len(all) == 0 || all[len(all)-1].id != c.id {
			all = append(all, c)
		}
		if s.n == 0 {
			continue
		}
		x := &all[len(all)-1]
		if s.first = what == Stated; lines != nil {
			s.lines = *lines
		} else if s.unknown = true; len(old) == 0 || old[len(old)-1] != len(all)-1 {
			old = append(old, len(all)-1)
		}
		x.steps = append(x.steps, s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading where approvals stood: %w", err)
	}
	for _, i := range old {
		if err := b.recall(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// recall writes what stood after events from before that was kept, from the events themselves.
func (b *Book) recall(ctx context.Context, c *stoodOf) error {
	events, err := b.Events(ctx, c.id)
	if errors.Is(err, vault.ErrForgotten) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range c.steps {
		if s := &c.steps[i]; s.unknown && s.n <= len(events) {
			s.lines = linesOf(Fold(events[:s.n]))
		}
	}
	return b.db.Tx(ctx, func(tx *store.Tx) error {
		for _, s := range c.steps {
			if !s.unknown {
				continue
			}
			if _, err := tx.Exec(ctx, "UPDATE approval_event SET stands = $1 WHERE customer_id = $2 AND n = $3 AND stands IS NULL", s.lines, string(c.id), s.n); err != nil {
				return fmt.Errorf("writing where an approval stood: %w", err)
			}
		}
		return nil
	})
}
