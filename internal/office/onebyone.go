package office

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ringfence/internal/audience"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
)

// oneByOne finds the customers of a use by looking at each of them.
//
// cite: P-09, I-19, 47 CFR 64.2009(a)
type oneByOne struct{ o *Office }

// Count counts the customers of a use.
func (a oneByOne) Count(ctx context.Context, q audience.Question) (audience.Counts, error) {
	c := audience.Counts{Excluded: map[cpni.Code]int{}}
	err := a.walk(ctx, q, "", func(_ cpni.ID, meant bool, code cpni.Code) error {
		c.Customers++
		switch {
		case !meant:
			c.Outside++
		case code != "":
			c.Excluded[code]++
		default:
			c.Included++
		}
		return nil
	})
	return c, err
}

// Each tells of the customers of a use.
func (a oneByOne) Each(ctx context.Context, q audience.Question, after cpni.ID, do func(cpni.ID) error) error {
	return a.walk(ctx, q, after, func(id cpni.ID, meant bool, code cpni.Code) error {
		if !meant || code != "" {
			return nil
		}
		return do(id)
	})
}

const walkAtOnce = 500

func (a oneByOne) walk(ctx context.Context, q audience.Question, after cpni.ID, do func(id cpni.ID, meant bool, code cpni.Code) error) error {
	for {
		rows, err := a.o.DB.Reader().Query(ctx, "SELECT customer_id FROM customer WHERE customer_id > $1 AND (ended = 0 OR ended > $2) ORDER BY customer_id LIMIT $3", string(after), a.o.Clock.Now().UnixMicro(), walkAtOnce)
		if err != nil {
			return fmt.Errorf("looking for customers: %w", err)
		}
		var ids []cpni.ID
		for rows.Next() {
			var id cpni.ID
			if err := rows.Scan(&id); err != nil {
				rows.Close()
				return fmt.Errorf("looking for customers: %w", err)
			}
			ids = append(ids, id)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return fmt.Errorf("looking for customers: %w", err)
		}
		found, err := a.o.Customers.ReadMany(ctx, ids)
		if err != nil {
			return err
		}
		for _, f := range found {
			if f.Profile == nil {
				continue
			}
			meant, code := a.meant(q.Filter, f.Profile), cpni.Code("")
			if meant {
				_, d, err := a.o.Door.Check(ctx, disclose.Request{Caller: q.Caller, Customer: f.ID, Purpose: q.Purpose, Data: q.Data, To: q.To, Via: q.Via, Offer: q.Offer})
				if err != nil {
					return err
				}
				code = d.Code
			}
			if err := do(f.ID, meant, code); err != nil {
				return err
			}
		}
		if len(ids) < walkAtOnce {
			return nil
		}
		after = ids[len(ids)-1]
	}
}

func (a oneByOne) meant(f audience.Filter, p *customer.Profile) bool {
	now := a.o.Clock.Now()
	buys := p.Facts(now).Categories
	lines := len(p.LiveLines(now))
	return !slices.ContainsFunc(f.Has, func(c cpni.Category) bool { return !slices.Contains(buys, c) }) &&
		!slices.ContainsFunc(f.Lacks, func(c cpni.Category) bool { return slices.Contains(buys, c) }) &&
		lines >= f.Least && (f.Most == 0 || lines <= f.Most)
}
