package contact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// NotMe is the code of the alert that a customer says that a change of their account was not theirs.
//
// cite: P-23, 47 CFR 64.2010(a)
const NotMe cpni.Code = "NOT_ME"

// Dispute is what a customer says about a change of their account: that it was not theirs. Whoever says it proves nothing, so
// it can only restrict.
type Dispute struct {
	Customer cpni.ID
	Change   cpni.ID
	How      string // they said it; one of Hows
	By       string // who took it: a member of the staff; "": the customer themselves
	Contact  cpni.ID
}

// How a customer says that a change was not theirs.
const (
	ByLink = "link" // of a notice
	ByCall = "call" // a key that was pressed in a call
	ByText = "text" // an answer to a text
	AtDesk = "contact"
)

// Hows lists them.
var Hows = []string{ByLink, ByCall, ByText, AtDesk}

// ErrNoChange: the change is not one of this customer's, or was disputed before, or is kept no longer. Who asks is not told
// which.
var ErrNoChange = reject("NO_CHANGE", "there is no such change of this account that can still be disputed", []string{"P-23"}, "look at what was changed lately on the customer's page")

// Dispute freezes a change that the customer says was not theirs: what was set proves nothing, gets nothing and is not of
// record, what was proved by it is proved no longer, and the account is changed only on stronger proof, until somebody has
// decided. They are told at the places of before that it was received, and somebody has to look at once.
//
// cite: P-16, P-23, P-25, I-16, 47 CFR 64.2010(a), 47 CFR 64.2010(f)
func (d *Desk) Dispute(ctx context.Context, x Dispute) error {
	if !slices.Contains(Hows, x.How) || len(x.By) > longestActor {
		return badInput("that is no way in which a customer says it", "say link, call, text or contact", "P-23")
	}
	now := d.clock.Now()
	var dropped []cpni.ID
	found := false
	_, err := d.customers.Update(ctx, x.Customer, func(p *customer.Profile) (customer.Change, error) {
		c := p.Change(x.Change)
		if found = c != nil && c.Disputed.IsZero(); !found {
			return customer.Change{}, customer.ErrUnchanged
		}
		c.Disputed, c.How = now, x.How
		p.Refreeze()
		made := *c
		var missed []customer.Changed
		received := d.tellings(p, made, notify.NotMeReceived, now)
		change := customer.Change{Actor: x.By, Contact: string(x.Contact), What: "change disputed",
			Detail: map[string]string{"what": "change disputed", "of": made.What, "change": string(made.ID), "how": x.How}}
		if x.By == "" {
			change.Actor = Customer
		}
		change.Also = func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
			var err error
			if missed, err = d.stop(ctx, tx, p, now); err != nil {
				return err
			}
			if dropped, err = d.disprove(ctx, tx, p, now); err != nil {
				return err
			}
			return d.plans(received)(ctx, tx, p)
		}
		change.Alerts = func(ctx context.Context, tx *store.Tx, p *customer.Profile) ([]ledger.Entry, error) {
			// The one who made the change is named, so that the case is about them and is not theirs to work on.
			e, err := d.vault.Entry(ctx, tx, ledger.Entry{Customer: p.ID, Kind: ledger.Alert, At: now, Actor: made.By, Contact: made.Contact, Outcome: cpni.OK, Code: NotMe},
				map[string]string{"what": "the customer says that a change of their account was not theirs; it is frozen", "of": made.What, "change": string(made.ID), "how": x.How})
			if err != nil {
				return nil, err
			}
			more, err := d.allMissing(ctx, tx, p, missed)
			return append(more, e), err
		}
		return change, nil
	})
	for _, id := range dropped {
		d.Drop(id)
	}
	if err == nil && !found {
		return ErrNoChange
	}
	return err
}

// stop takes back what is on its way to places that count no longer; notices of change among it go another way.
func (d *Desk) stop(ctx context.Context, tx *store.Tx, p *customer.Profile, now time.Time) ([]customer.Changed, error) {
	waiting, err := d.outbox.Waiting(ctx, tx, p.ID)
	if err != nil {
		return nil, err
	}
	waiting = slices.DeleteFunc(waiting, func(m notify.Message) bool { return d.Still(p, m, now) == "" })
	for _, m := range waiting {
		if err := d.outbox.Cancel(ctx, tx, p.ID, m.ID); err != nil {
			return nil, err
		}
	}
	return d.redirect(ctx, tx, p, waiting)
}

// disprove takes out of the contacts that run what rests on something that is frozen, and names those from which it took
// something.
//
// cite: P-16, P-42, I-16
func (d *Desk) disprove(ctx context.Context, tx *store.Tx, p *customer.Profile, now time.Time) ([]cpni.ID, error) {
	rows, err := tx.Query(ctx, "SELECT contact_id FROM contact WHERE customer_id = $1 AND ended = 0 AND opened > $2 ORDER BY contact_id", string(p.ID), now.Add(-d.numbers(now).Longest).UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("looking for contacts that run: %w", err)
	}
	var ids, changed []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("looking for contacts that run: %w", err)
	}
	for _, id := range ids {
		s, version, err := d.hold(ctx, tx, p.ID, id)
		if err != nil {
			return nil, err
		}
		rests := func(e rules.Evidence) bool { return d.rests(p, s, e.Method, now) }
		code := s.Code != nil && d.leftRecord(s.Code, p, now) != nil
		if !code && !slices.ContainsFunc(s.Evidence, rests) {
			continue
		}
		s.Evidence = slices.DeleteFunc(slices.Clone(s.Evidence), rests)
		if len(s.Evidence) == 0 {
			s.Speaker = ""
		}
		if code {
			if err := d.voidCode(ctx, tx, s); err != nil {
				return nil, err
			}
		}
		sealed, err := d.seal(ctx, tx, s)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "UPDATE contact SET version = $1, sealed = $2 WHERE customer_id = $3 AND contact_id = $4", version+1, sealed, string(p.ID), string(id)); err != nil {
			return nil, fmt.Errorf("taking a proof out of a contact: %w", err)
		}
		changed = append(changed, id)
	}
	return changed, nil
}

// rests reports whether a proof that was given in a contact rests on something that is frozen. Of a proof that reached the
// customer it is known where; where it is not, it counts no longer.
func (d *Desk) rests(p *customer.Profile, s *State, m cpni.Method, now time.Time) bool {
	if name, ok := s.Authorised(); ok {
		return !slices.ContainsFunc(p.Speakers(), func(a customer.Authorised) bool { return a.Name == name })
	}
	word := p.Safety != nil && p.Safety.Word != nil
	switch m {
	case cpni.ByPassword:
		return !word && p.Credentials.Password != nil && p.Credentials.Password.Frozen
	case cpni.ByPIN:
		return p.Credentials.PIN != nil && p.Credentials.PIN.Frozen
	case cpni.ByBackup:
		return slices.ContainsFunc(p.Credentials.Backup, func(b customer.Backup) bool { return b.Answer.Frozen })
	case cpni.ByPasskey:
		_, ok := p.Passkey(cpni.ID(s.Reached[m]))
		return !ok
	case cpni.ByCallback, cpni.ByCode:
		to := s.Reached[m]
		if _, r := d.lineOfRecord(p, to, now); r == nil {
			return false
		}
		r := d.numbers(now)
		for _, via := range []cpni.Via{cpni.Postal, cpni.Email} {
			if slices.ContainsFunc(addresses(p, via), func(a customer.Address) bool { return a.Value == to && r.ofRecord(a, now) }) {
				return false
			}
		}
		return true
	}
	return false
}

var ways = []string{"ask the customer to come to a shop with a photo ID", "call back a number of record from before the change", "send a code to a number or address of record from before the change"}

// frozen says why the account is not changed on the proof of a contact: something of it is disputed, and a secret that
// somebody may have planted is no way to change more of it. What reaches the customer where they were before does, and a
// document in the hand.
//
// cite: P-16, P-23, 47 CFR 64.2010(a), 47 CFR 64.2010(e)
func (d *Desk) frozen(p *customer.Profile, s *State, now time.Time) *cpni.Refusal {
	if _, is := p.Disputes(); !is || d.strong(p, s, now) {
		return nil
	}
	return reject("FROZEN", "the customer has said that a change of this account was not theirs: until that is settled it is changed only on stronger proof", []string{"P-16", "P-23", "47 CFR 64.2010(a)"}, ways...)
}

// strong reports whether the customer was reached or seen in the contact.
func (d *Desk) strong(p *customer.Profile, s *State, now time.Time) bool {
	return s.Speaker == Customer && slices.ContainsFunc(s.Evidence, func(e rules.Evidence) bool {
		reaches := e.Method == cpni.ByPhotoID || e.Method == cpni.ByCallback || e.Method == cpni.ByCode
		return reaches && alive(e, now) && !d.rests(p, s, e.Method, now)
	})
}

// afresh refuses to set a secret that was taken away because the customer did not set it, unless they were reached out to.
//
// cite: P-22, P-23, 47 CFR 64.2010(e)
func (d *Desk) afresh(p *customer.Profile, s *State, what string, now time.Time) *cpni.Refusal {
	if !p.Cleared(what) || d.strong(p, s, now) {
		return nil
	}
	return reject("FROZEN", "this secret was taken away because the customer had not set it: it is set anew only once they were reached out to", []string{"P-22", "P-23", "47 CFR 64.2010(e)"}, ways...)
}

// closedBy refuses a method whose secret is disputed. Who asks is told the ways that are open, and not why.
//
// cite: P-16, P-18, P-23, 47 CFR 64.2010(a)
func closedBy(p *customer.Profile, method cpni.Method) *cpni.Refusal {
	if disputed(p, method) && (method == cpni.ByBackup || len(holders(p, method)) == 0) {
		return errDisputed
	}
	return nil
}

var errDisputed = reject("METHOD", "this method is closed for this customer until somebody has looked", []string{"P-18", "P-23", "47 CFR 64.2010(a)"}, ways...)

// disputed reports whether the customer says that they did not set the secret of a method.
func disputed(p *customer.Profile, method cpni.Method) bool {
	c := p.Credentials
	switch method {
	case cpni.ByPassword:
		return c.Password != nil && c.Password.Frozen
	case cpni.ByPIN:
		return c.PIN != nil && c.PIN.Frozen
	case cpni.ByBackup:
		return slices.ContainsFunc(c.Backup, func(b customer.Backup) bool { return b.Answer.Frozen })
	}
	return false
}

// Settlement is what somebody decides about a disputed change.
type Settlement struct {
	Customer cpni.ID
	Change   cpni.ID
	By       cpni.ID
	Outcome  string // customer.Kept or customer.Undone
}

// Settle decides about a disputed change: it was the customer's after all and counts again, or it is undone, and what stood
// there before stands again; a secret is taken away, and set anew by reaching out to the customer. It is on record, and the
// customer is told. Nobody decides about a change that they made themselves.
//
// cite: P-16, P-22, P-23, P-37, 47 CFR 64.2010(f)
func (d *Desk) Settle(ctx context.Context, x Settlement) ([]Planned, error) {
	if x.Outcome != customer.Kept && x.Outcome != customer.Undone {
		return nil, badInput("that is no decision about a change", "say kept or undone", "P-23")
	}
	now := d.clock.Now()
	var told []Planned
	_, err := d.customers.Update(ctx, x.Customer, func(p *customer.Profile) (customer.Change, error) {
		c := p.Change(x.Change)
		switch {
		case c == nil || !c.Open():
			return customer.Change{}, reject("NO_CHANGE", "no such change of this account is disputed", []string{"P-23"}, "look at the customer's page: somebody may have decided already")
		case c.By == string(x.By):
			return customer.Change{}, reject("SELF_REVIEW", "you made this change yourself, so others decide about it", []string{"P-23", "P-37"}, "leave it to a colleague")
		}
		settle := func(c *customer.Changed) { c.Settled, c.Outcome, c.SettledBy = now, x.Outcome, string(x.By) }
		made := *c
		settle(c)
		var change customer.Change
		if x.Outcome == customer.Undone {
			undo(p, made, now, settle)
			p.Refreeze()
			told, change = d.changed(p, customer.Changed{What: made.What, At: now, By: string(x.By), Undoes: made.ID}, "change undone")
		} else {
			p.Refreeze()
			messages := d.tellings(p, made, notify.NotMeSettled, now)
			told = nil
			for i := range messages {
				messages[i].Tokens["outcome"] = "stands"
				told = append(told, Planned{messages[i].Via, messages[i].Place})
			}
			change = customer.Change{What: "change kept", Detail: map[string]string{"what": "change kept", "of": made.What, "change": string(made.ID)}, Also: d.plans(messages)}
		}
		change.Actor = string(x.By)
		return change, nil
	})
	return told, err
}

// undo takes a change back. settle marks others that go with it: those of the same thing that came later.
//
// cite: P-22, P-23, 47 CFR 64.2010(e)
func undo(p *customer.Profile, c customer.Changed, now time.Time, settle func(*customer.Changed)) {
	with := func(value string) {
		for i := range p.Changes {
			if o := &p.Changes[i]; o.What == c.What && !o.At.Before(c.At) && o.ID != c.ID && o.Open() && (value == "" || o.Value == value) {
				settle(o)
			}
		}
	}
	set := func(s *customer.Secret) bool { return s != nil && !s.Set.Before(c.At) }
	switch c.What {
	case customer.WhatPassword:
		if set(p.Credentials.Password) {
			p.Credentials.Password = nil
			with("")
		}
	case customer.WhatPIN:
		if set(p.Credentials.PIN) {
			p.Credentials.PIN = nil
			with("")
		}
	case customer.WhatBackup:
		p.Credentials.Backup = slices.DeleteFunc(p.Credentials.Backup, func(b customer.Backup) bool { return set(&b.Answer) })
		with("")
	case customer.WhatOnline:
		if !c.Gone {
			p.Passkeys = slices.DeleteFunc(p.Passkeys, func(k customer.Passkey) bool { return !k.Made.Before(c.At) })
			p.Online = len(p.Passkeys) > 0 // who had others keeps the account
		}
	case customer.WhatPostal:
		p.Postal = restored(p.Postal, c.At, now, with)
	case customer.WhatEmail:
		p.Email = restored(p.Email, c.At, now, with)
	case customer.WhatLines:
		for i := range p.Lines {
			l := &p.Lines[i]
			switch {
			case l.Number != c.Value:
			case c.Gone && l.Removed.Equal(c.At):
				l.Removed = time.Time{}
			case !c.Gone && l.Removed.IsZero() && !l.Since.Before(c.At):
				l.Removed = now
			}
		}
	case customer.WhatContactNumber:
		if c.Gone {
			if !slices.Contains(p.ContactNumbers, c.Value) && len(p.ContactNumbers) < keepNumbers {
				p.ContactNumbers = append(slices.Clone(p.ContactNumbers), c.Value)
			}
			return
		}
		p.ContactNumbers = slices.DeleteFunc(p.ContactNumbers, func(n string) bool { return n == c.Value })
	case customer.WhatListing:
		for i := range p.Lines {
			if was, ok := c.Was.Listed[p.Lines[i].Number]; c.Was != nil && ok && p.Lines[i].Removed.IsZero() {
				p.Lines[i].Listed = was
			}
			if was, ok := c.Was.Hidden[p.Lines[i].Number]; c.Was != nil && ok && p.Lines[i].Removed.IsZero() {
				p.Lines[i].NoAddress = was
			}
		}
	case customer.WhatAuthorised:
		p.Authorised = slices.DeleteFunc(p.Authorised, func(a customer.Authorised) bool { return Spoken(a.Name) == Spoken(c.Value) })
		if c.Was != nil && c.Was.Person != nil {
			p.Authorised = append(p.Authorised, *c.Was.Person)
		}
	case customer.WhatSIM: // it is never done: see DoSIM
	case customer.WhatSIMLock: // whoever lifted it was not the customer, and whoever set it kept nobody from anything
		if c.Gone && p.SIMLocked.IsZero() {
			p.SIMLocked = now
		}
	case customer.WhatNotices:
		if c.Was != nil {
			p.NoticeBy, p.Language = c.Was.NoticeBy, c.Was.Language
			if c.Was.EmailNotices != nil {
				for i := range p.Email {
					if p.Email[i].Until.IsZero() {
						p.Email[i].Notices = *c.Was.EmailNotices
					}
				}
			}
		}
	}
}

// restored takes away the addresses that came with a change or after it and are frozen, and has the one stand again that was
// there before, with its age: it was never the customer who ended it. One that the customer has since set again is that one.
func restored(all []customer.Address, at, now time.Time, with func(value string)) []customer.Address {
	was := -1
	for i := range all {
		a := &all[i]
		switch {
		case a.Frozen && !a.Since.Before(at):
			if a.Until.IsZero() {
				a.Until = now
			}
			a.Undone = true
			with(a.Value)
		case a.Since.Before(at) && a.Until.Equal(at):
			was = i
		}
	}
	if was < 0 {
		return all
	}
	all = slices.Clone(all)
	stands := slices.IndexFunc(all, func(a customer.Address) bool { return a.Until.IsZero() && !a.Undone })
	switch {
	case stands < 0:
		all[was].Until = time.Time{}
	case strings.EqualFold(all[stands].Value, all[was].Value):
		all[was].Until = time.Time{}
		all = slices.Delete(all, stands, stands+1)
	}
	return all
}

// NotMeByToken takes it from who has the token of a notice that the change which it tells of was not theirs. source is where
// they come from: tokens cannot be guessed, and those who try are slowed all the same. wait says for how long; the error is
// ErrNoChange for whatever is not, or no longer, a token of such a notice.
//
// cite: P-23, P-25, I-18, 47 CFR 64.2010(f)
func (d *Desk) NotMeByToken(ctx context.Context, token, how, source string) (wait time.Duration, err error) {
	of, m, wait, err := d.noticeOf(ctx, token, source)
	if err != nil || wait > 0 {
		return wait, err
	}
	return 0, d.Dispute(ctx, Dispute{Customer: of, Change: m.About, How: how})
}

// NotMe takes it from who has got a notice, and has answered it, that the change which it tells of was not theirs. That it was
// taken before, or can be taken no longer, is no error: the same is said by a call and a text.
//
// cite: P-23, 47 CFR 64.2010(f)
func (d *Desk) NotMe(ctx context.Context, of cpni.ID, m notify.Message, how string) error {
	err := d.Dispute(ctx, Dispute{Customer: of, Change: m.About, How: how})
	if errors.Is(err, ErrNoChange) || errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
		return nil
	}
	return err
}

// Disputable tells of what a notice tells: the kind of the change and when it was, if it can still be disputed. It is asked
// for before the question is put whether that was them.
//
// cite: P-23, P-25
func (d *Desk) Disputable(ctx context.Context, token, source string) (what string, at time.Time, wait time.Duration, err error) {
	of, m, wait, err := d.noticeOf(ctx, token, source)
	if err != nil || wait > 0 {
		return "", at, wait, err
	}
	p, _, err := d.customers.Get(ctx, of)
	if err != nil {
		return "", at, 0, err
	}
	c := p.Change(m.About)
	if c == nil || !c.Disputed.IsZero() {
		return "", at, 0, ErrNoChange
	}
	return c.What, c.At, 0, nil
}

// noticeOf finds the notice of change that bears a token. A token that is none counts against its source.
func (d *Desk) noticeOf(ctx context.Context, token, source string) (of cpni.ID, m notify.Message, wait time.Duration, err error) {
	now := d.clock.Now()
	counter := throttle.Counter{Subject: "not-me " + d.sourceKey(source), Rules: d.numbers(now).Source, Daily: true}
	var v throttle.Verdict
	err = d.db.Tx(ctx, func(tx *store.Tx) (err error) {
		v, err = throttle.Take(ctx, tx, now, counter)
		return err
	})
	if err != nil || !v.Open() {
		if wait = v.Wait; err == nil && wait <= 0 {
			wait = d.numbers(now).Source.Closed
		}
		return "", m, wait, err
	}
	of, m, err = d.outbox.ByToken(ctx, token)
	switch {
	case errors.Is(err, notify.ErrNotOurs) || err == nil && (m.Kind != notify.AccountChange || m.About == "") || errors.Is(err, vault.ErrForgotten):
		return "", m, 0, ErrNoChange
	case err != nil:
		return "", m, 0, err
	}
	return of, m, 0, d.db.Tx(ctx, func(tx *store.Tx) error { return throttle.GiveBack(ctx, tx, now, counter) })
}
