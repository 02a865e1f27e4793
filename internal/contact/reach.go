package contact

import (
	"context"
	"errors"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Reach is one attempt to reach the customer from a contact, and what has become of it. It tells neither code nor place.
type Reach struct {
	Method  cpni.Method // by code or by callback
	Via     cpni.Via
	To      notify.Place
	Until   time.Time // it is worth nothing from then on
	State   notify.State
	Tried   bool      // it was handed over before, and was not taken
	Ended   string    // how the last call went, as notify.Call has it; "": none was heard of
	Pressed bool      // somebody pressed the key that was asked for
	Refused cpni.Code // why that proved nobody
	Lapsed  bool      // it was not sent in time
}

// Waits reports whether more will be heard of it.
func (r Reach) Waits() bool {
	return r.State == notify.Queued || r.State == notify.Sending || r.State == notify.Sent && r.Method == cpni.ByCode
}

// Lost reports whether it will not arrive, so that another way must be taken.
func (r Reach) Lost() bool {
	return r.State == notify.Bounced || r.State == notify.Failed || r.State == notify.Replaced || r.State == notify.Cancelled
}

// Reaching gives what has become of the call and of the code that are out in a contact.
//
// cite: P-18, P-20, P-21
func (d *Desk) Reaching(ctx context.Context, s *State) ([]Reach, error) {
	var all []Reach
	add := func(r Reach, message cpni.ID) error {
		m, err := d.outbox.One(ctx, s.Customer, message)
		if errors.Is(err, notify.ErrNoMessage) {
			return nil
		}
		if err != nil {
			return err
		}
		r.State, r.Tried, r.Lapsed = m.State, m.Attempts > 0, m.Code == notify.Expired
		events, err := d.outbox.Events(ctx, s.Customer, message)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Call != nil {
				r.Ended = e.Call.Ended
			}
		}
		all = append(all, r)
		return nil
	}
	if r := s.Ring; r != nil {
		if err := add(Reach{Method: cpni.ByCallback, Via: cpni.Voice, To: notify.TNOR, Until: r.Until, Pressed: r.Pressed, Refused: r.Refused}, r.Message); err != nil {
			return nil, err
		}
	}
	if c := s.Code; c != nil && c.Tries > 0 {
		if err := add(Reach{Method: cpni.ByCode, Via: c.Via, To: c.To, Until: c.Until}, c.Message); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// EndingOf says how a call ended that proved nobody.
func EndingOf(ended string) string { return endings[ended] }
