package contact

import (
	"context"
	"errors"
	"math"
	"time"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Ring is a call to a number of record that was asked for in a contact, and what has become of it.
type Ring struct {
	Message cpni.ID   `json:"message"` // that the switch carries
	Place   string    `json:"place"`   // the number itself
	Asked   time.Time `json:"asked"`
	Until   time.Time `json:"until"` // it begins before then, or not at all
	// Ended is how the last attempt went, as notify.Call has it; "" while none has been heard of.
	Ended   string    `json:"ended,omitempty"`
	Pressed bool      `json:"pressed,omitempty"` // somebody pressed the key that was asked for
	Refused cpni.Code `json:"refused,omitempty"` // why that proved nobody
	Again   bool      `json:"again,omitempty"`   // another attempt follows
}

// Out reports whether the call may still be answered.
func (r *Ring) Out(at time.Time) bool {
	return r != nil && at.Before(r.Until) && (r.Ended == "" || r.Again)
}

// calls is the subject under which calls count that were asked for and did not prove anybody.
const calls = "calls"

// HasSwitch says that calls are made by the carrier's switch. From then on nobody's word is taken that somebody answered.
// It is called before the desk works.
func (d *Desk) HasSwitch() { d.rings = true }

// Rings reports whether calls are made by the switch.
func (d *Desk) Rings() bool { return d.rings }

var (
	errWord = reject("METHOD", "calls are made by the switch here, which hears who answers; nobody's word is taken for it", []string{"P-20", "47 CFR 64.2010(b)(1)(iii)"},
		"have the number rung from here", "send a code to a number or address of record")
	errNoSwitch = reject("METHOD", "no switch is set up that could ring a number", []string{"P-20"},
		"dial the number of the service by hand, and note what happened", "send a code to a number or address of record")
	errRinging = reject("CONFLICT", "a call to that number is on its way", []string{"P-20"}, "wait until it is over", "send a code to a number or address of record")
)

// callback takes a call to a number of record: it has the switch ring, or takes the agent's word where there is no switch.
//
// cite: P-20, 47 CFR 64.2003(q), 47 CFR 64.2010(b)(1)(iii)
func (d *Desk) callback(ctx context.Context, s *State, c Callback) (*State, error) {
	if c.Ring {
		return d.ring(ctx, s, c.Number)
	}
	return d.change(ctx, s.Customer, s.ID, func(ctx context.Context, tx *store.Tx, now time.Time, s *State, p *customer.Profile) (ledger.Entry, any, error) {
		line, refusal := d.lineOfRecord(p, c.Number, now)
		if refusal == nil && c.Answered && d.rings {
			refusal = errWord
		}
		if refusal != nil {
			return ledger.Entry{}, nil, refusal
		}
		detail := map[string]string{"method": string(cpni.ByCallback), "what": "not answered, by the agent's word"}
		if !c.Answered {
			return attempt(nil), detail, nil
		}
		detail["what"] = "answered, by the agent's word"
		return attempt(nil), detail, d.proveByLine(ctx, tx, s, cpni.ByCallback, line.Number, now)
	})
}

// proveByLine adds evidence that was obtained by a line.
func (d *Desk) proveByLine(ctx context.Context, tx *store.Tx, s *State, method cpni.Method, number string, now time.Time) error {
	s.prove(method, Customer, now)
	s.reached(method, number)
	return throttle.Clear(ctx, tx, s.Customer, secrets)
}

// ring has the switch call a number of record. The message that carries it is written with the contact. Like codes, calls
// cannot close this way to the customer; who has many made that prove nobody waits between them.
//
// cite: P-20, I-18, 47 CFR 64.2003(q), 47 CFR 64.2010(b)(1)(iii)
func (d *Desk) ring(ctx context.Context, s *State, number string) (*State, error) {
	return d.change(ctx, s.Customer, s.ID, func(ctx context.Context, tx *store.Tx, now time.Time, s *State, p *customer.Profile) (ledger.Entry, any, error) {
		r := d.numbers(now)
		line, refusal := d.lineOfRecord(p, number, now)
		switch {
		case refusal != nil:
		case !d.rings:
			refusal = errNoSwitch
		case s.Ring.Out(now) && s.Ring.Place == line.Number:
			refusal = errRinging
		case s.Rings >= r.CallbacksPerContact:
			refusal = reject("LOCKED", "as many calls were made in this contact as may be", []string{"P-20", "47 CFR 64.2010(a)"}, "send a code to a number or address of record", reachOut[2])
		}
		if refusal != nil {
			return ledger.Entry{}, nil, refusal
		}
		v, err := throttle.Take(ctx, tx, now, throttle.Counter{Of: s.Customer, Subject: calls,
			Rules: ThrottleRules{FreeTries: r.CodesFree, FirstDelay: r.CodePause, LongestDelay: r.CodePause, InAll: math.MaxInt}})
		if err != nil {
			return ledger.Entry{}, nil, err
		}
		if !v.Open() {
			return ledger.Entry{}, nil, reject("LOCKED", "many calls were made that proved nobody: the next can be made in "+seconds(v.Wait), []string{"P-20", "47 CFR 64.2010(a)"},
				reachOut[1], reachOut[2], "ask again then")
		}
		if err := d.voidRing(ctx, tx, s); err != nil {
			return ledger.Entry{}, nil, err
		}
		s.Ring = &Ring{Message: cpni.NewTimedID(now), Place: line.Number, Asked: now, Until: now.Add(r.CallbackLife)}
		s.Rings++
		message := notify.Message{ID: s.Ring.Message, Kind: notify.CallBack, Via: cpni.Voice, Place: notify.TNOR, To: line.Number, Until: s.Ring.Until, Tokens: map[string]string{contactToken: string(s.ID)}}
		return attempt(nil), map[string]string{"method": string(cpni.ByCallback), "what": "asked for"}, d.outbox.Plan(ctx, tx, s.Customer, message)
	})
}

// contactToken is the token of a message that names the contact which waits for what becomes of it. No template shows it.
const contactToken = "contact"

// voidRing takes back the call that is out. One that rings already proves nobody any more.
func (d *Desk) voidRing(ctx context.Context, tx *store.Tx, s *State) error {
	if s.Ring == nil {
		return nil
	}
	id := s.Ring.Message
	s.Ring = nil
	return d.outbox.Cancel(ctx, tx, s.Customer, id)
}

// Called takes how a call went that was asked for in a contact, in the transaction that writes it down. It proves the
// customer only when a person answered and pressed the key, while the contact still runs and the line is still of record.
// A machine, or somebody who presses nothing, proves nobody.
//
// cite: P-20, P-42, I-16, 47 CFR 64.2003(q), 47 CFR 64.2010(b)(1)(iii)
func (d *Desk) Called(ctx context.Context, tx *store.Tx, of cpni.ID, m notify.Message, call notify.Call) ([]ledger.Entry, error) {
	id := cpni.ID(m.Tokens[contactToken])
	if m.Kind != notify.CallBack || id == "" {
		return nil, nil
	}
	_, _, entries, err := d.changeTx(ctx, tx, of, id, func(ctx context.Context, tx *store.Tx, now time.Time, s *State, p *customer.Profile) (ledger.Entry, any, error) {
		r := s.Ring
		if r == nil || r.Message != m.ID {
			return ledger.Entry{}, nil, errStand // another call has taken its place
		}
		r.Ended, r.Again = call.Ended, m.State == notify.Queued
		r.Pressed = call.Ended == notify.Answered && call.Pressed != ""
		detail := map[string]string{"method": string(cpni.ByCallback), "what": endings[call.Ended]}
		if !r.Pressed {
			return attempt(nil), detail, nil
		}
		detail["what"] = "answered, and the key pressed"
		refusal := errEnded
		if d.runs(s, s.active, now) {
			_, refusal = d.lineOfRecord(p, r.Place, now)
		}
		if refusal != nil {
			r.Refused = refusal.Code
			return attempt(refusal), detail, nil
		}
		if err := throttle.Clear(ctx, tx, s.Customer, calls); err != nil {
			return ledger.Entry{}, nil, err
		}
		return attempt(nil), detail, d.proveByLine(ctx, tx, s, cpni.ByCallback, r.Place, now)
	})
	switch {
	case errors.Is(err, errStand), errors.Is(err, ErrNoContact), errors.Is(err, customer.ErrNoCustomer), errors.Is(err, vault.ErrForgotten):
		return nil, nil // nobody waits for it any more
	case err != nil:
		return nil, err
	}
	d.Drop(id)
	return entries, nil
}

// endings say how a call ended that proved nobody.
var endings = map[string]string{
	notify.Answered:    "answered, and no key pressed",
	notify.Machine:     "taken by a machine",
	notify.Busy:        "busy",
	notify.NoAnswer:    "not answered",
	notify.Refused:     "turned away",
	notify.Unreachable: "not reached",
}

// CodeLine gives the line to which a code goes that the customer asks for alone, without anybody who could offer a choice:
// the one that they have had longest, of those that nobody else may hold for now. ok is false when there is none.
//
// cite: P-20, 47 CFR 64.2003(q)
func (d *Desk) CodeLine(p *customer.Profile) (number string, ok bool) {
	now := d.clock.Now()
	l, ok := d.numbers(now).reachable(p, now, now, false)
	return l.Number, ok
}
