package contact

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// NoticeMissing is the code of the alert that an account was changed and there is no place at which the customer could be
// told.
//
// cite: P-23
const NoticeMissing cpni.Code = "CHANGE_NOTICE_MISSING"

// Planned is a notice of change that a change has caused: how, and to which kind of place.
type Planned struct {
	Via cpni.Via     `json:"via"`
	To  notify.Place `json:"to"`
}

// changed is what a change does to be told: it is noted on p, and its notice is planned with it, to places that were there
// before. The new value gets nothing, and the message holds no value, old or new. record is what the ledger says of the
// change; it also says which places are told. Where there is none, somebody has to look.
//
// cite: P-23, P-25, I-09, 47 CFR 64.2010(f)
func (d *Desk) changed(p *customer.Profile, c customer.Changed, record string) ([]Planned, customer.Change) {
	c.ID = cpni.NewTimedID(c.At)
	p.Note(c)
	messages := d.tellings(p, c, notify.AccountChange, c.At)
	planned, places := make([]Planned, len(messages)), make([]string, len(messages))
	for i, m := range messages {
		planned[i], places[i] = Planned{m.Via, m.Place}, string(m.Place)
	}
	told := strings.Join(places, " ")
	if len(messages) == 0 {
		told = "none"
	}
	change := customer.Change{What: record, Detail: map[string]string{"what": record, "notices": told, "change": string(c.ID)}, Also: d.plans(messages)}
	if len(messages) == 0 {
		change.Alerts = func(ctx context.Context, tx *store.Tx, p *customer.Profile) ([]ledger.Entry, error) {
			return d.missing(ctx, tx, p.ID, c)
		}
	}
	return planned, change
}

// missing is the alert that nobody can be told of a change.
func (d *Desk) missing(ctx context.Context, tx *store.Tx, of cpni.ID, c customer.Changed) ([]ledger.Entry, error) {
	e, err := d.vault.Entry(ctx, tx, ledger.Entry{Customer: of, Kind: ledger.Alert, At: d.clock.Now(), Actor: string(cpni.RoleSystem), Contact: c.Contact, Outcome: cpni.OK, Code: NoticeMissing},
		map[string]string{"what": "an account was changed, and no place is left at which the customer can be told", "change": string(c.ID), "of": c.What})
	return []ledger.Entry{e}, err
}

func (d *Desk) plans(messages []notify.Message) func(context.Context, *store.Tx, *customer.Profile) error {
	return func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
		for _, m := range messages {
			if err := d.outbox.Plan(ctx, tx, p.ID, m); err != nil {
				return fmt.Errorf("telling the customer: %w", err)
			}
		}
		return nil
	}
}

// tellings are the messages of a kind about a change: one by the way that the customer prefers, and one more to another
// record, for who holds the one place may not hold the other. Who changes an address is also told at the one before it.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)(2)
func (d *Desk) tellings(p *customer.Profile, c customer.Changed, kind string, now time.Time) []notify.Message {
	spots := d.numbers(now).spots(p, c, now)
	var all []notify.Message
	picked := func(via ...cpni.Via) bool {
		return slices.ContainsFunc(all, func(m notify.Message) bool { return slices.Contains(via, m.Via) })
	}
	for _, s := range spots {
		if len(all) == 2 && !(s.changed && !picked(s.via)) {
			continue
		}
		all = append(all, notify.Message{Kind: kind, Via: s.via, Place: s.place, To: s.to, Tokens: map[string]string{"what": c.What, "when": d.when(c.At)}, About: c.ID, AsOf: c.At})
	}
	for i := range all {
		// Who is told at once by e-mail is not woken by a call about the same.
		all[i].AtOnce = !picked(cpni.Email)
		for j, m := range all {
			if i != j {
				all[i].Beside = append(all[i].Beside, m.To)
			}
		}
	}
	return all
}

// when writes a moment with the carrier's clock and zone, as RFC 9557 has it.
//
// cite: RFC 9557
func (d *Desk) when(at time.Time) string {
	local := at.In(d.numbers(at).Zone)
	return local.Format(time.RFC3339) + "[" + local.Location().String() + "]"
}

// spot is a place at which a customer could be reached before a change.
type spot struct {
	via     cpni.Via
	place   notify.Place
	to      string
	changed bool // it is of the kind that was changed
}

// spots are the places at which the customer could be reached before c, one of each record, in the order in which they are
// taken: what the customer prefers, their lines, the address of the kind that was changed, e-mail, post.
//
// cite: P-23, P-25, I-09, 47 CFR 64.2010(f)(2)
func (r Rules) spots(p *customer.Profile, c customer.Changed, now time.Time) []spot {
	var all []spot
	prefers := p.NoticeBy
	if slices.ContainsFunc(p.Changes, func(x customer.Changed) bool { return x.Open() && x.What == customer.WhatNotices }) {
		prefers = ""
	}
	if l, ok := r.reachable(p, c.At, now, prefers == cpni.Text); ok {
		via := spokenOrText(l)
		if prefers == cpni.Voice {
			via = cpni.Voice
		}
		all = append(all, spot{via: via, place: notify.TNOR, to: l.Number})
	}
	address := func(via cpni.Via, kind, what string, list []customer.Address) {
		a, ok := r.before(list, c.At)
		if !ok || p.Quiet(kind) {
			return
		}
		s := spot{via: via, place: notify.AOR, to: a.Value, changed: c.What == what}
		if s.changed || !a.On(now) {
			s.place = notify.Old
		}
		all = append(all, s)
	}
	address(cpni.Email, customer.Shared.Email, customer.WhatEmail, p.Email)
	address(cpni.Postal, customer.Shared.Postal, customer.WhatPostal, p.Postal)
	rank := func(s spot) int {
		switch {
		case prefers != "" && (s.via == prefers || prefers == cpni.Text && s.via == cpni.Voice):
			return 0
		case s.place == notify.TNOR:
			return 1
		case s.changed:
			return 2
		case s.via == cpni.Email:
			return 3
		}
		return 4
	}
	slices.SortStableFunc(all, func(a, b spot) int { return rank(a) - rank(b) })
	return all
}

// before gives the address of a kind at which the customer was reached before the moment at: the newest that was of record
// until it was replaced, or still is. It stands until another is of record, however often it is replaced meanwhile: who has
// got in and changes an address twice does not escape the one who was there before.
//
// cite: P-21, P-25, I-09, 47 CFR 64.2003(b), 47 CFR 64.2010(f)(2)
func (r Rules) before(list []customer.Address, at time.Time) (best customer.Address, ok bool) {
	for _, a := range list {
		if !a.Since.Before(at) || a.Frozen || a.Undone {
			continue
		}
		until := at
		if !a.Until.IsZero() && a.Until.Before(at) {
			until = a.Until
		}
		stood := a
		stood.Until = time.Time{}
		if !r.ofRecord(stood, until) {
			continue
		}
		if !ok || !a.Since.Before(best.Since) {
			best, ok = a, true
		}
	}
	return best, ok
}

// reachable gives the line that the customer has had longest, of those that nobody else may hold for now, that were there
// before the moment at, and that did not come lately: a wireless one first when texts are preferred.
//
// cite: P-20, P-25, 47 CFR 64.2003(q)
func (r Rules) reachable(p *customer.Profile, at, now time.Time, texts bool) (best customer.Line, ok bool) {
	if p.Quiet(customer.Shared.Lines) {
		return best, false
	}
	better := func(l customer.Line) bool {
		if w := spokenOrText(l) == cpni.Text; texts && w != (spokenOrText(best) == cpni.Text) {
			return w
		}
		return l.Since.Before(best.Since)
	}
	for _, l := range p.LiveLines(now) {
		// A number has no age in the law. But who has got in and adds a line of their own must not be the one who is told.
		lately := l.Since.After(p.Since) && at.Sub(l.Since) < r.AddressOfRecordAge
		if l.Frozen || !l.Since.Before(at) || lately || isDisturbed(l, now, r.DisturbedLine) {
			continue
		}
		if !ok || better(l) {
			best, ok = l, true
		}
	}
	return best, ok
}

func isDisturbed(l customer.Line, now time.Time, lasts time.Duration) bool {
	return !l.Disturbed.IsZero() && now.Before(l.Disturbed.Add(lasts))
}

// spokenOrText is how a short message reaches a line.
func spokenOrText(l customer.Line) cpni.Via {
	if slices.Contains(l.Categories, cpni.Wireless) && l.NoTexts.IsZero() {
		return cpni.Text
	}
	return cpni.Voice
}

// WouldTell gives the notices that a change of an account causes, before it is made.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
func (d *Desk) WouldTell(p *customer.Profile, what string) []Planned {
	now := d.clock.Now()
	var all []Planned
	for _, m := range d.tellings(p, customer.Changed{What: what, At: now}, notify.AccountChange, now) {
		all = append(all, Planned{m.Via, m.Place})
	}
	return all
}
