package contact

import (
	"context"
	"time"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// Closed is why a secret cannot be tried now. The zero Closed: it can.
type Closed struct {
	Until time.Time // when the next try may be made
	Shut  bool      // until the customer is reached out to
}

// Closed tells whether a secret of a kind could be tried in a contact now, and counts nothing. How many tries are left is
// not told: a guesser would know when to stop.
//
// cite: P-19, I-18
func (d *Desk) Closed(ctx context.Context, s *State, p *customer.Profile, method cpni.Method) (Closed, error) {
	now := d.clock.Now()
	r := d.numbers(now)
	kind := throttle.PIN
	if method != cpni.ByBackup {
		kind = kindOf(method, holders(p, method))
	} else if failed, err := throttle.Streak(ctx, d.db.Reader(), s.Customer, secrets); err != nil || failed > 0 && failed >= r.Customer.FreeTries {
		return Closed{Shut: true}, err
	}
	v, err := throttle.Look(ctx, d.db.Reader(), now, counters(s, r, kind)...)
	if err != nil || v.Open() {
		return Closed{}, err
	}
	if v.Shut {
		return Closed{Shut: true}, nil
	}
	return Closed{Until: now.Add(v.Wait)}, nil
}
