package contact

import (
	"context"
	"slices"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
)

var errShared = reject("NOT_TNOR", "the customer has asked that nothing goes to a line", []string{"P-20", "47 USC 222(a)"},
	"ask for the customer's own word", "send a code to an address that is theirs alone", reachOut[2])

// cared refuses methods that the customer's own word has taken the place of. It says so as of any method that the customer
// has not: who asks learns nothing of why.
//
// cite: P-16, P-18, 47 USC 222(a)
func cared(p *customer.Profile, method cpni.Method) *cpni.Refusal {
	if p.Safety == nil || p.Safety.Word == nil || !slices.Contains([]cpni.Method{cpni.ByPIN, cpni.ByBackup}, method) {
		return nil
	}
	return reject("METHOD", "this customer is not proved by that method", []string{"P-18", "47 CFR 64.2010(a)"}, append([]string{"ask for the password"}, reachOut[1:]...)...)
}

// Care is what a customer asks for who must fear somebody near them.
type Care struct {
	Contact cpni.ID
	Off     bool     // the care ends
	Word    string   // a word of the customer's own; "" leaves one that is set
	Shared  []string // kinds of place that others read or answer; see customer.Shared
	Alone   bool     // nobody authorised speaks for the customer
}

// Care sets or ends the care that a customer has asked for. Like every change of an account it needs the customer proved
// in the contact; no notice of it goes anywhere, for it would tell the very person who must not know.
//
// cite: P-16, P-25, 47 USC 222(a), 47 CFR 64.2010(a)
func (d *Desk) Care(ctx context.Context, c Care) error {
	s, err := d.proved(ctx, c.Contact, "")
	if err != nil {
		return err
	}
	p, _, err := d.customers.Get(ctx, s.Customer)
	if err != nil {
		return err
	}
	now := d.clock.Now()
	r := d.numbers(now)
	if refusal := c.check(p, r); refusal != nil {
		return d.refused(ctx, s, Proof{}, refusal)
	}
	var word *customer.Secret
	if c.Word != "" && !c.Off {
		d.heard.add(s.ID, c.Word)
		fresh := d.hash.Secret(c.Word)
		fresh.Set = now
		word = &fresh
	}
	_, err = d.customers.Update(ctx, s.Customer, func(p *customer.Profile) (customer.Change, error) {
		change := customer.Change{What: "care set"}
		if c.Off {
			if p.Safety == nil {
				return change, customer.ErrUnchanged
			}
			p.Safety, change.What = nil, "care ended"
			return d.inContact(change, s), nil
		}
		care := customer.Safety{Since: now, Word: word, Shared: c.Shared, Alone: c.Alone}
		if old := p.Safety; old != nil {
			care.Since = old.Since
			if word == nil {
				care.Word = old.Word
			}
		}
		p.Safety = &care
		if p.Quiet(customer.Shared.Lines) {
			change.Also = cancelsLines(d)
		}
		return d.inContact(change, s), nil
	})
	return d.answered(ctx, s, err)
}

// check says what forbids c; nil when nothing does. One way to reach the customer must stay, or no change of their account
// could be told to them.
//
// cite: P-19, P-25, 47 CFR 64.2010(f)
func (c Care) check(p *customer.Profile, r Rules) *cpni.Refusal {
	if c.Off {
		return nil
	}
	kinds := []string{customer.Shared.Lines, customer.Shared.Email, customer.Shared.Postal}
	if slices.ContainsFunc(c.Shared, func(k string) bool { return !slices.Contains(kinds, k) }) {
		return badInput("that is no kind of place", "name "+strings.Join(kinds, ", "), "P-25")
	}
	reaches := func(kind string, has bool) bool { return has && !slices.Contains(c.Shared, kind) }
	on := func(all []customer.Address) bool {
		return slices.ContainsFunc(all, func(a customer.Address) bool { return a.Until.IsZero() })
	}
	lines := slices.ContainsFunc(p.Lines, func(l customer.Line) bool { return l.Removed.IsZero() })
	if !reaches(kinds[0], lines) && !reaches(kinds[1], on(p.Email)) && !reaches(kinds[2], on(p.Postal)) {
		return reject("CONFIG", "no place would be left at which the customer can be told of a change of their account", []string{"P-25", "47 CFR 64.2010(f)"},
			"add an e-mail or postal address that is theirs alone first")
	}
	if c.Word != "" {
		if why := WeakPassword(c.Word, p, r.Secrets); why != "" {
			return weak("word", why)
		}
	}
	return nil
}

// cancelsLines takes back what is on its way to the customer's lines.
func cancelsLines(d *Desk) func(context.Context, *store.Tx, *customer.Profile) error {
	return func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
		return d.outbox.CancelTo(ctx, tx, p.ID, "")
	}
}
