package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what audiences are found with.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Customers *customer.Book
	Door      *disclose.Door
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's
}

// request gives what the door is asked about each customer.
//
// cite: P-40, 47 CFR 64.2009(c)
func (q Question) request() disclose.Request {
	r := disclose.Request{Caller: q.Caller, Purpose: q.Purpose, Data: slices.Clone(q.Data), To: q.To, Via: q.Via, Offer: q.Offer}
	if r.To == "" {
		r.To = string(cpni.ToCarrier)
	}
	for _, d := range q.Filter.Data() { // telling customers apart by it uses it
		if !slices.Contains(r.Data, d) {
			r.Data = append(r.Data, d)
		}
	}
	return r
}

// check refuses a question that nobody can mean.
func (q *Question) check() error {
	if r := q.Filter.Check(); r != nil {
		return r
	}
	return nil
}

// reaches reports whether a customer, whose use of information is permitted, uses as much as a filter asks for. Of whoever has refused it
// nobody looks at what they use.
//
// cite: P-03, P-40, 47 CFR 64.2009(c)
func (p *Parts) reaches(ctx context.Context, f *Filter, id cpni.ID) (bool, error) {
	u := f.Usage
	if u == nil {
		return true, nil
	}
	ok, err := p.Vault.Reaches(ctx, id, u.Month, u.Calls, u.Minutes)
	if errors.Is(err, vault.ErrForgotten) {
		return false, nil
	}
	return ok, err
}

// Plain finds audiences by asking the door about every customer, one by one. It is what others are held to, and slow.
//
// cite: P-36, I-19, 47 CFR 64.2009(a)
type Plain struct{ Parts }

var _ Audience = (*Plain)(nil)

// NewPlain gives the audience that asks about every customer.
func NewPlain(p Parts) *Plain { return &Plain{p} }

// Count is as in Audience.
func (p *Plain) Count(ctx context.Context, q Question) (Counts, error) {
	c := Counts{Excluded: map[cpni.Code]int{}}
	err := p.every(ctx, q, "", func(_ cpni.ID, v verdict) error {
		c.Customers++
		switch {
		case !v.meant:
			c.Outside++
		case v.code != permitted:
			c.Excluded[v.code]++
		default:
			c.Included++
		}
		return nil
	})
	return c, err
}

// Each is as in Audience.
func (p *Plain) Each(ctx context.Context, q Question, after cpni.ID, do func(cpni.ID) error) error {
	return p.every(ctx, q, after, func(id cpni.ID, v verdict) error {
		if !v.meant || v.code != permitted {
			return nil
		}
		return do(id)
	})
}

// pageOf is how many customers are listed at once.
const pageOf = 500

// every judges all customers in service behind one.
func (p *Plain) every(ctx context.Context, q Question, after cpni.ID, do func(cpni.ID, verdict) error) error {
	if err := q.check(); err != nil {
		return err
	}
	for {
		ids, err := p.ids(ctx, after, pageOf)
		if err != nil {
			return err
		}
		for _, id := range ids {
			v, err := p.judge(ctx, &q, id)
			if err != nil {
				return err
			}
			if !v.inService {
				continue
			}
			if err := do(id, v); err != nil {
				return err
			}
		}
		if len(ids) < pageOf {
			return nil
		}
		after = ids[len(ids)-1]
	}
}

// judge asks the door about one customer.
func (p *Plain) judge(ctx context.Context, q *Question, id cpni.ID) (v verdict, err error) {
	profile, _, err := p.Customers.Get(ctx, id)
	switch {
	case errors.Is(err, customer.ErrNoCustomer), errors.Is(err, vault.ErrForgotten):
		return v, nil
	case errors.Is(err, vault.ErrSealBroken):
		return verdict{true, true, unreadable}, nil
	case err != nil:
		return v, err
	}
	r := q.request()
	r.Customer = id
	facts, d, err := p.Door.Check(ctx, r)
	if errors.Is(err, vault.ErrSealBroken) {
		return verdict{true, true, unreadable}, nil
	}
	if err != nil || !facts.Customer.Known {
		return v, err
	}
	t := traitsOf(profile, facts.At)
	if !t.inService {
		return v, nil
	}
	v = verdict{inService: true, meant: q.Filter.meant(t, p.Zone), code: codeOf(d)}
	if v.meant && v.code == permitted {
		v.meant, err = p.reaches(ctx, &q.Filter, id)
	}
	return v, err
}

// ids lists the next customers behind one, in order.
func (p *Parts) ids(ctx context.Context, after cpni.ID, most int) ([]cpni.ID, error) {
	rows, err := p.DB.Reader().Query(ctx, fmt.Sprintf("SELECT customer_id FROM customer WHERE customer_id > $1 ORDER BY customer_id LIMIT %d", most), string(after))
	if err != nil {
		return nil, fmt.Errorf("listing customers: %w", err)
	}
	defer rows.Close()
	var all []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("listing customers: %w", err)
		}
		all = append(all, id)
	}
	return all, rows.Err()
}
