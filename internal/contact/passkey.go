package contact

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

var errNoPasskey = reject("METHOD", "that passkey proves nobody", []string{"P-16", "P-18", "47 CFR 64.2010(c)"}, "sign in by the password and a code", reachOut[2])

// Passkey takes it that the customer has shown a passkey of theirs in an online contact; whoever calls it has checked what
// the device said, and keep, unless nil, writes what it has to in the same transaction. A passkey is something that the customer has, opened
// by something that they are or know, so it stands for the password and the code; it counts only while it is on the account.
//
// cite: P-16, P-18, I-16, 47 CFR 64.2010(c), NIST SP 800-63B
func (d *Desk) Passkey(ctx context.Context, id, passkey cpni.ID, keep func(ctx context.Context, tx *store.Tx) error) (*State, error) {
	s, _, err := d.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	var refusal *cpni.Refusal
	after, err := d.change(ctx, s.Customer, s.ID, func(ctx context.Context, tx *store.Tx, now time.Time, s *State, p *customer.Profile) (ledger.Entry, any, error) {
		detail := map[string]string{"method": string(cpni.ByPasskey)}
		refusal = nil
		if _, ok := p.Passkey(passkey); !ok || s.Channel != cpni.Online || !p.Ended.IsZero() {
			refusal = errNoPasskey
			return attempt(refusal), detail, nil
		}
		s.prove(cpni.ByPasskey, Customer, now)
		s.reached(cpni.ByPasskey, string(passkey))
		if err := throttle.Clear(ctx, tx, s.Customer, secrets); err != nil || keep == nil {
			return attempt(nil), detail, err
		}
		return attempt(nil), detail, keep(ctx, tx)
	})
	if refusal != nil && err == nil {
		return nil, refusal
	}
	return after, err
}

// passkeys puts the passkey that e adds on p, or takes off the one that it drops.
//
// cite: P-23, 47 CFR 64.2010(f)(1)
func (e Enrolment) passkeys(p *customer.Profile, now time.Time) *cpni.Refusal {
	if k := e.Passkey; k != nil {
		if len(p.Passkeys) >= customer.MostPasskeys {
			return badInput("the customer has as many passkeys as can be", "remove one that is not used", "P-19")
		}
		p.Passkeys = append(slices.Clone(p.Passkeys), customer.Passkey{ID: k.ID, Name: k.Name, Made: now})
	}
	if e.Drop != "" {
		i := slices.IndexFunc(p.Passkeys, func(k customer.Passkey) bool { return k.ID == e.Drop })
		if i < 0 {
			return badInput("the customer has no such passkey", "look at the list as it is now", "P-19")
		}
		p.Passkeys = slices.Delete(slices.Clone(p.Passkeys), i, i+1)
	}
	return nil
}

// also has what comes with the enrolment written with it.
func (e Enrolment) also(c customer.Change) customer.Change {
	if e.Also == nil {
		return c
	}
	before := c.Also
	c.Also = func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
		if before != nil {
			if err := before(ctx, tx, p); err != nil {
				return err
			}
		}
		return e.Also(ctx, tx)
	}
	return c
}
