package contact

import (
	"context"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// longestName is the most bytes of a person's name.
const longestName = 200

// persons checks and hashes the secret of somebody whom the customer lets speak for them: it takes long, so not while the
// customer is held.
//
// cite: P-16, P-19, 47 CFR 64.2003(f)
func (d *Desk) persons(ctx context.Context, s *State, a *Authorisation, now time.Time) (*customer.Secret, *cpni.Refusal, error) {
	if a == nil || a.Password == "" {
		return nil, nil, nil
	}
	p, _, err := d.customers.Get(ctx, s.Customer)
	if err != nil {
		return nil, nil, err
	}
	if why := WeakPassword(a.Password, p, d.numbers(now).Secrets); why != "" {
		return nil, weak("password", why), nil
	}
	d.heard.add(s.ID, a.Password)
	secret := d.hash.Secret(a.Password)
	secret.Set = now
	return &secret, nil, nil
}

// apply puts the person on p, or what they may see.
//
// cite: P-16, 47 CFR 64.2003(f)
func (a *Authorisation) apply(p *customer.Profile, secret *customer.Secret, c *customer.Changed) (record string, err error) {
	name := strings.Join(strings.Fields(a.Name), " ")
	c.What, c.Value = customer.WhatAuthorised, name
	i := slices.IndexFunc(p.Authorised, func(x customer.Authorised) bool { return Spoken(x.Name) == Spoken(name) })
	if i < 0 {
		fresh := customer.Authorised{Name: name, Data: a.Data}
		fresh.Credentials.Password = secret
		p.Authorised = append(p.Authorised, fresh)
		return "person authorised", nil
	}
	was := p.Authorised[i]
	c.Value, c.Was = was.Name, &customer.Was{Person: &was}
	if secret == nil && sameClasses(was.Data, a.Data) {
		return "", customer.ErrUnchanged
	}
	p.Authorised[i].Data = a.Data
	if secret != nil {
		p.Authorised[i].Credentials.Password = secret
	}
	return "authorised person changed", nil
}

func sameClasses[T ~string](a, b []T) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// dismiss takes a person off p.
func dismiss(p *customer.Profile, name string, c *customer.Changed) (record string, err error) {
	i := slices.IndexFunc(p.Authorised, func(x customer.Authorised) bool { return Spoken(x.Name) == Spoken(name) })
	if i < 0 {
		return "", badInput("the customer has authorised nobody of that name", "give the name as it stands on the account", "P-16")
	}
	was := p.Authorised[i]
	c.What, c.Value, c.Gone, c.Was = customer.WhatAuthorised, was.Name, true, &customer.Was{Person: &was}
	p.Authorised = slices.Delete(p.Authorised, i, i+1)
	return "authorised person removed", nil
}
