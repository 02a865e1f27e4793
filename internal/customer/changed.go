package customer

import (
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
)

// What names the kinds of things of an account of whose change the customer is told. They are the words that notices fill in;
// each says what sort of thing it is and nothing of its value.
//
// cite: P-23, P-24, 47 CFR 64.2010(f)(1)
const (
	WhatPassword      = "password"
	WhatPIN           = "PIN"
	WhatBackup        = "backup answer"
	WhatOnline        = "online account"
	WhatPostal        = "postal address"
	WhatEmail         = "e-mail address"
	WhatAuthorised    = "authorised person"
	WhatLines         = "line"
	WhatContactNumber = "contact number"
	WhatListing       = "directory listing"
	WhatNotices       = "way of notices"
	WhatSIM           = "SIM request" // before it is done
	WhatSIMLock       = "SIM lock"
)

// Whats lists them.
var Whats = []string{WhatPassword, WhatPIN, WhatBackup, WhatOnline, WhatPostal, WhatEmail, WhatAuthorised, WhatLines, WhatContactNumber, WhatListing, WhatNotices, WhatSIM, WhatSIMLock}

// Changed is a change of the account of which the customer is told. It is kept so that they can say that it was not theirs,
// and so that it can be undone then.
//
// cite: P-23, 47 CFR 64.2010(f)
type Changed struct {
	ID      cpni.ID   `json:"id"`
	What    string    `json:"what"` // one of Whats
	At      time.Time `json:"at"`
	By      string    `json:"by,omitempty"` // who made it: a member of the staff, or customer
	Contact string    `json:"contact,omitempty"`
	// Value is what was set, if it can be written down: an address, a number, a name. It is never told to anybody.
	Value string `json:"value,omitempty"`
	// Was is what stood there before, of what has no history of its own.
	Was *Was `json:"was,omitempty"`
	// Gone: something was taken away, not set.
	Gone bool `json:"gone,omitempty"`

	Disputed  time.Time `json:"disputed,omitzero"` // when the customer said that it was not theirs; zero: they did not
	How       string    `json:"how,omitempty"`     // they said it: link, call, text, contact
	Settled   time.Time `json:"settled,omitzero"`
	Outcome   string    `json:"outcome,omitempty"` // Kept or Undone
	SettledBy string    `json:"settled_by,omitempty"`
	// Undoes is the change that this one took back.
	Undoes cpni.ID `json:"undoes,omitempty"`
}

// Was is what a change has replaced.
type Was struct {
	Person   *Authorised     `json:"person,omitempty"`
	Listed   map[string]bool `json:"listed,omitempty"`
	Hidden   map[string]bool `json:"hidden,omitempty"` // whether the address was kept out of the directory, by number
	NoticeBy cpni.Via        `json:"notice_by,omitempty"`
	Language string          `json:"language,omitempty"`
	// EmailNotices is whether the customer had agreed to notices by e-mail; nil: that was not changed.
	EmailNotices *bool `json:"email_notices,omitempty"`
}

// What became of a disputed change.
const (
	Kept   = "kept"   // it was the customer's after all
	Undone = "undone" // it was not
)

// Cleared reports whether a secret of a kind was taken away because the customer said that they did not set it, and none has
// been set since.
//
// cite: P-22, P-23, 47 CFR 64.2010(e)
func (p *Profile) Cleared(what string) bool {
	for _, c := range slices.Backward(p.Changes) {
		if c.What == what {
			return c.Undoes != ""
		}
	}
	return false
}

// Open reports whether the change is disputed and nobody has decided yet.
func (c *Changed) Open() bool { return !c.Disputed.IsZero() && c.Settled.IsZero() }

// mostChanged bounds the changes that a customer's document keeps.
const mostChanged = 40

// Note adds a change to those that are kept. Of too many the oldest go that nobody disputes.
func (p *Profile) Note(c Changed) {
	p.Changes = append(p.Changes, c)
	for i := 0; len(p.Changes) > mostChanged && i < len(p.Changes); {
		if p.Changes[i].Open() {
			i++
			continue
		}
		p.Changes = slices.Delete(p.Changes, i, i+1)
	}
}

// Change finds a change that is kept; nil: it is not.
func (p *Profile) Change(id cpni.ID) *Changed {
	for i := range p.Changes {
		if p.Changes[i].ID == id && id != "" {
			return &p.Changes[i]
		}
	}
	return nil
}

// Disputes reports since when something of the account is frozen because the customer has said that a change was not theirs:
// at is the moment of the earliest such change.
//
// cite: P-16, P-23, 47 CFR 64.2010(a)
func (p *Profile) Disputes() (at time.Time, is bool) {
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Open() && (!is || c.At.Before(at)) {
			at, is = c.At, true
		}
	}
	return at, is
}

// Refreeze marks what open disputes are about, and nothing else: while it is marked it proves nothing and nothing goes to it.
// Of what was changed again after a disputed change, what came later is marked with it.
//
// cite: P-16, P-20, P-21, P-23, 47 CFR 64.2010(a)
func (p *Profile) Refreeze() {
	for _, s := range p.Credentials.all() {
		s.Frozen = false
	}
	for _, all := range [][]Address{p.Postal, p.Email} {
		for i := range all {
			all[i].Frozen = false
		}
	}
	for i := range p.Lines {
		p.Lines[i].Frozen = false
	}
	for i := range p.Authorised {
		p.Authorised[i].Frozen = false
	}
	for i := range p.Passkeys {
		p.Passkeys[i].Frozen = false
	}
	for _, c := range p.Changes {
		if c.Open() {
			p.freeze(c)
		}
	}
}

func (p *Profile) freeze(c Changed) {
	secret := func(s *Secret) {
		if s != nil && !s.Set.Before(c.At) {
			s.Frozen = true
		}
	}
	switch c.What {
	case WhatPassword:
		secret(p.Credentials.Password)
	case WhatPIN:
		secret(p.Credentials.PIN)
	case WhatBackup:
		for i := range p.Credentials.Backup {
			secret(&p.Credentials.Backup[i].Answer)
		}
	case WhatOnline:
		for i := range p.Passkeys {
			p.Passkeys[i].Frozen = p.Passkeys[i].Frozen || !c.Gone && !p.Passkeys[i].Made.Before(c.At)
		}
	case WhatPostal:
		freezeAddresses(p.Postal, c.At)
	case WhatEmail:
		freezeAddresses(p.Email, c.At)
	case WhatLines:
		for i := range p.Lines {
			if l := &p.Lines[i]; l.Number == c.Value && !c.Gone && !l.Since.Before(c.At) {
				l.Frozen = true
			}
		}
	case WhatAuthorised:
		for i := range p.Authorised {
			if a := &p.Authorised[i]; !c.Gone && SameName(a.Name, c.Value) {
				a.Frozen = true
			}
		}
	}
}

// freezeAddresses marks those that came with a change or after it, but for one that had been there before.
func freezeAddresses(all []Address, at time.Time) {
	for i := range all {
		a := &all[i]
		before := slices.ContainsFunc(all, func(b Address) bool { return b.Since.Before(at) && !b.Undone && strings.EqualFold(a.Value, b.Value) })
		a.Frozen = !a.Since.Before(at) && !before || a.Frozen
	}
}

// all are the secrets that are set.
func (c *Credentials) all() []*Secret {
	var all []*Secret
	for _, s := range []*Secret{c.Password, c.PIN} {
		if s != nil {
			all = append(all, s)
		}
	}
	for i := range c.Backup {
		all = append(all, &c.Backup[i].Answer)
	}
	return all
}

// SameName compares names as people write them.
func SameName(a, b string) bool { return fold(a) == fold(b) }
