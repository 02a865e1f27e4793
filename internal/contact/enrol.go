package contact

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
)

// Enrolment sets one credential: exactly one of Password, PIN, Backup and Online.
type Enrolment struct {
	Customer   cpni.ID // with Initiation; otherwise the contact's
	Contact    cpni.ID
	Initiation bool // at the beginning of service: nothing to prove yet, and no notice
	By         string

	Password string
	PIN      string
	Backup   map[string]string
	Online   bool
	// Passkey, with Online, is one that is added to the online account; Drop is one that is taken off it.
	Passkey *customer.Passkey
	Drop    cpni.ID
	// Also writes more in the transaction in which it is set.
	Also func(ctx context.Context, tx *store.Tx) error
}

// Enrol sets a password, PIN, backup questions or the online account, and plans the notice of it.
//
// cite: P-19, P-22, P-23, 47 CFR 64.2010(e), 47 CFR 64.2010(f)
func (d *Desk) Enrol(ctx context.Context, e Enrolment) ([]Planned, error) {
	if len(e.By) > longestActor {
		return nil, errActor
	}
	s := &State{Customer: e.Customer, Agent: cpni.ID(e.By)}
	if !e.Initiation {
		var err error
		if s, err = d.proved(ctx, e.Contact, e.Customer); err != nil {
			return nil, err
		}
	}
	p, _, err := d.customers.Get(ctx, s.Customer)
	if err != nil {
		return nil, err
	}
	now := d.clock.Now()
	r := d.numbers(now)
	if refusal := e.check(p, r, now); refusal != nil {
		return nil, d.refused(ctx, s, Proof{}, refusal)
	}
	for _, secret := range e.secrets() {
		d.heard.add(s.ID, secret)
	}
	fresh := e.hashed(d.hash, now) // it takes long; so not while the customer is held
	var notices []Planned
	_, err = d.customers.Update(ctx, s.Customer, func(p *customer.Profile) (customer.Change, error) {
		if refusal := e.check(p, r, now); refusal != nil {
			return customer.Change{}, refusal
		}
		fresh.set(p)
		if e.Initiation {
			return customer.Change{Actor: s.actor(), What: "set at the beginning of service", Detail: map[string]string{"what": e.what() + " set"}}, nil
		}
		if refusal := d.afresh(p, s, e.what(), now); refusal != nil {
			return customer.Change{}, refusal
		}
		if refusal := e.passkeys(p, now); refusal != nil {
			return customer.Change{}, refusal
		}
		var c customer.Change
		notices, c = d.changed(p, customer.Changed{What: e.what(), At: now, By: s.actor(), Contact: string(s.ID), Gone: e.Drop != ""}, e.what()+" set")
		return d.inContact(e.also(c), s), nil
	})
	if err != nil {
		return nil, d.answered(ctx, s, err)
	}
	return notices, nil
}

var errActor = reject("BAD_INPUT", "that is no member of the staff", nil, "give the id of the member of the staff, or of the integration")

// what names the credential that e sets, for the customer and the record.
func (e Enrolment) what() string {
	switch {
	case e.Password != "":
		return customer.WhatPassword
	case e.PIN != "":
		return customer.WhatPIN
	case len(e.Backup) > 0:
		return customer.WhatBackup
	}
	return customer.WhatOnline
}

// check says what forbids an enrolment; nil when nothing does.
func (e Enrolment) check(p *customer.Profile, r Rules, now time.Time) *cpni.Refusal {
	given := 0
	for _, is := range []bool{e.Password != "", e.PIN != "", len(e.Backup) > 0, e.Online} {
		if is {
			given++
		}
	}
	switch given {
	case 0:
		return reject("ENROL", "nothing to enrol was given", []string{"P-19"}, "give a password, a PIN, backup questions or the online account")
	case 1:
	default:
		return reject("ENROL", "more than one thing to enrol was given", []string{"P-19", "P-23"}, "set one at a time, each with its own notice")
	}
	if e.Initiation {
		if refusal := e.begins(p, r, now); refusal != nil {
			return refusal
		}
	}
	switch {
	case e.Password != "":
		if why := WeakPassword(e.Password, p, r.Secrets); why != "" {
			return weak("password", why)
		}
	case e.PIN != "":
		if why := WeakPIN(e.PIN, p, r.Secrets); why != "" {
			return weak("PIN", why)
		}
	case len(e.Backup) > customer.MostBackup:
		return weak("set of backup questions", "there are too many; a customer has five at most")
	}
	for _, q := range slices.Sorted(maps.Keys(e.Backup)) {
		if refusal := checkQuestion(q, e.Backup[q], p); refusal != nil {
			return refusal
		}
	}
	return nil
}

// begins refuses what is no beginning of service: then somebody could set the first password of a customer without
// anything proved and without a notice.
//
// cite: P-19, P-24, 47 CFR 64.2010(e), 47 CFR 64.2010(f)(1)
func (e Enrolment) begins(p *customer.Profile, r Rules, now time.Time) *cpni.Refusal {
	c := p.Credentials
	set := e.Password != "" && c.Password != nil || e.PIN != "" && c.PIN != nil || len(e.Backup) > 0 && len(c.Backup) > 0 || e.Online && p.Online
	if set || len(p.Changes) > 0 || !p.Ended.IsZero() || !now.Before(p.Since.Add(r.Initiation)) {
		return reject("ENROL", "service does not begin now, or this has been set already: the customer must be proved first", []string{"P-19", "P-24", "47 CFR 64.2010(e)"}, reachOut...)
	}
	return nil
}

func weak(what, why string) *cpni.Refusal {
	return reject("WEAK_SECRET", "the "+what+" is refused: "+why, []string{"P-19", "47 CFR 64.2010(b)"}, "offer a random passphrase or code, or let the customer choose one that nobody can derive")
}

// secrets are the secrets that e sets, as they are said.
func (e Enrolment) secrets() []string {
	return append(slices.Collect(maps.Values(e.Backup)), e.Password, e.PIN)
}

// credential is what an enrolment sets, hashed.
type credential struct {
	password, pin *customer.Secret
	backup        []customer.Backup
	online        bool
}

func (e Enrolment) hashed(h *Hasher, now time.Time) credential {
	c := credential{online: e.Online}
	secret := func(plain string) *customer.Secret {
		s := h.Secret(plain)
		s.Set = now
		return &s
	}
	if e.Password != "" {
		c.password = secret(e.Password)
	}
	if e.PIN != "" {
		c.pin = secret(e.PIN)
	}
	for _, q := range slices.Sorted(maps.Keys(e.Backup)) {
		c.backup = append(c.backup, customer.Backup{Question: q, Answer: *secret(e.Backup[q])})
	}
	return c
}

// set puts c on the profile. A question that is there already gets the new answer; of too many the oldest go.
func (c credential) set(p *customer.Profile) {
	if c.password != nil {
		p.Credentials.Password = c.password
	}
	if c.pin != nil {
		p.Credentials.PIN = c.pin
	}
	for _, b := range c.backup {
		all := slices.DeleteFunc(p.Credentials.Backup, func(old customer.Backup) bool { return Spoken(old.Question) == Spoken(b.Question) })
		p.Credentials.Backup = append(all, b)
	}
	if over := len(p.Credentials.Backup) - customer.MostBackup; over > 0 {
		p.Credentials.Backup = slices.Delete(p.Credentials.Backup, 0, over)
	}
	p.Online = p.Online || c.online
}

var errUnproved = reject("UNAUTHENTICATED", "nobody has proved in a live contact that they are the customer", []string{"P-16", "47 CFR 64.2010(a)"},
	append([]string{"verify the customer first, by password or PIN"}, reachOut...)...)

// proved gives the contact when somebody has proved in it that they are the customer; asked, unless empty, is who that
// must be.
//
// cite: P-16, I-16, 47 CFR 64.2010(e)
func (d *Desk) proved(ctx context.Context, id, asked cpni.ID) (*State, error) {
	s, _, err := d.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	r := d.unproved(s, d.clock.Now())
	if asked != "" && asked != s.Customer {
		r = errUnproved
	}
	if r == nil {
		p, _, err := d.customers.Get(ctx, s.Customer)
		if err != nil {
			return nil, err
		}
		r = d.frozen(p, s, d.clock.Now())
	}
	if r != nil {
		return nil, d.refused(ctx, s, Proof{}, r)
	}
	return s, nil
}

// unproved says why nobody counts as the customer in s; nil when somebody does.
func (d *Desk) unproved(s *State, now time.Time) *cpni.Refusal {
	if !d.runs(s, s.active, now) {
		return errEnded
	}
	backup := false
	for _, e := range s.Evidence {
		switch {
		case !alive(e, now):
		case e.Method == cpni.ByBackup:
			backup = true
		case s.Speaker == Customer:
			return nil
		}
	}
	switch {
	case backup:
		return reject("ENROL", "a right backup answer alone only begins a new password", []string{"P-22", "47 CFR 64.2010(e)"},
			"send a code to a number or address of record and take it back here", reachOut[2])
	case len(s.Claims) > 0:
		return reject("ENROL", "the customer must be proved without readily available biographical or account information", []string{"P-19", "47 CFR 64.2010(e)"}, reachOut...)
	}
	return errUnproved
}

// inContact makes c stand only if the contact that it rests on still runs, and somebody is still proved in it, when it is
// written.
//
// cite: P-16, P-42, I-16
func (d *Desk) inContact(c customer.Change, s *State) customer.Change {
	c.Actor, c.Contact = s.actor(), string(s.ID)
	also := c.Also
	c.Also = func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
		held, _, err := d.hold(ctx, tx, p.ID, s.ID)
		if err != nil {
			return err
		}
		now := d.clock.Now()
		r := d.unproved(held, now)
		if r == nil {
			r = d.frozen(p, held, now)
		}
		if r != nil {
			return r
		}
		if _, err := tx.Exec(ctx, "UPDATE contact SET active = $1 WHERE customer_id = $2 AND contact_id = $3 AND active < $1", now.UnixMicro(), string(p.ID), string(s.ID)); err != nil {
			return err
		}
		if also == nil {
			return nil
		}
		return also(ctx, tx, p)
	}
	return c
}

// answered records a refusal that came up while a change was written, and gives err back.
func (d *Desk) answered(ctx context.Context, s *State, err error) error {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return d.refused(ctx, s, Proof{}, r)
	}
	return err
}
