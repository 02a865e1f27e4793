package contact

import (
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
)

// tellsOfChange are the kinds of messages that tell of a change of an account.
var tellsOfChange = []string{notify.AccountChange, notify.NotMeReceived, notify.NotMeSettled}

// Still says why a message must not go any more to where it was planned to go; "" when it may. Between planning and sending
// a line can leave the customer, an address be replaced, and the customer ask for care.
//
// cite: P-20, P-21, P-25, 47 CFR 64.2003(q), 47 CFR 64.2010(f)(2)
func (d *Desk) Still(p *customer.Profile, m notify.Message, now time.Time) cpni.Code {
	const noLine, noAddress cpni.Code = "NOT_TNOR", "NOT_AOR"
	switch {
	case notify.Refusable(m.Kind):
		for _, s := range d.Current(p, now, m.Via) {
			if s.To == m.To {
				return ""
			}
		}
		return noAddress
	case m.Kind == notify.Test || m.Place == notify.Named:
		return "" // where it goes was named by who asked for it
	case m.Via == cpni.Text || m.Via == cpni.Voice:
		switch l, stands := d.stands(p, m, now); {
		case !stands:
			return noLine
		case m.Via == cpni.Text && !l.NoTexts.IsZero() && m.Kind != notify.StopReceived:
			return notify.NoTexts
		}
		return ""
	}
	list := addresses(p, m.Via)
	if slices.Contains(tellsOfChange, m.Kind) {
		// The place of before may have left the account: that is why it is told.
		if slices.ContainsFunc(list, func(a customer.Address) bool { return a.Value == m.To && a.Since.Before(asOf(m)) }) {
			return ""
		}
		return noAddress
	}
	r := d.numbers(now)
	if slices.ContainsFunc(list, func(a customer.Address) bool { return a.Value == m.To && r.ofRecord(a, now) }) {
		return ""
	}
	return noAddress
}

// asOf is when what a message tells of happened. What an earlier version planned says only when that was.
func asOf(m notify.Message) time.Time {
	if m.AsOf.IsZero() {
		return m.At
	}
	return m.AsOf
}

// stands reports whether the line that a message goes to is the customer's alone, and was before what the message is about.
func (d *Desk) stands(p *customer.Profile, m notify.Message, now time.Time) (customer.Line, bool) {
	l, on := p.LineOf(m.To, now)
	young := m.AsOf
	if at, is := p.Disputes(); is && (young.IsZero() || at.Before(young)) {
		young = at
	}
	shared := l.Frozen || p.Quiet(customer.Shared.Lines) || isDisturbed(l, now, d.numbers(now).DisturbedLine)
	return l, on && !shared && (young.IsZero() || l.Since.Before(young))
}

// Hidden are the values that a message must not carry: of a message about a change all that came to the account with that
// change or after it.
//
// cite: P-25, I-09, 47 CFR 64.2010(f)(2)
func (d *Desk) Hidden(p *customer.Profile, m notify.Message) []string {
	if !slices.Contains(tellsOfChange, m.Kind) {
		return nil
	}
	from := asOf(m)
	var all []string
	add := func(is bool, value string) {
		if is && value != "" && !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	for _, list := range [][]customer.Address{p.Postal, p.Email} {
		for _, a := range list {
			add(!a.Since.Before(from) || a.Frozen || a.Undone, a.Value)
		}
	}
	for _, l := range p.Lines {
		add(!l.Since.Before(from) || l.Frozen, l.Number)
	}
	for _, c := range p.Changes {
		add(!c.At.Before(from) || c.ID == m.About, c.Value)
	}
	for _, n := range p.ContactNumbers { // since when is not known
		add(true, n)
	}
	return all
}

// Instead gives the message that goes in the place of one that did not arrive, nil when there is none: from e-mail to post,
// from a text to a call, from a call to a text or to what is left; never to a place that was tried or that gets the same
// anyway, nor to one younger than the change. Records go nowhere else: where they go was decided at the door.
//
// cite: P-25, I-09, 47 CFR 64.2010(f)(2)
func (d *Desk) Instead(p *customer.Profile, m notify.Message, now time.Time) *notify.Message {
	if !slices.Contains(tellsOfChange, m.Kind) {
		return nil
	}
	from := asOf(m)
	what := m.Tokens["what"]
	other := func(via cpni.Via, place notify.Place, to string) *notify.Message {
		return &notify.Message{Via: via, Place: place, To: to, Language: m.Language, Tokens: m.Tokens, About: m.About, AsOf: from, Beside: m.Beside, AtOnce: true}
	}
	r := d.numbers(now)
	// A wireless line can be called and texted, if it is still the customer's.
	if (m.Via == cpni.Text || m.Via == cpni.Voice) && !slices.Contains(m.Tried, m.To) {
		same := m
		same.AsOf = from
		switch l, ok := d.stands(p, same, now); {
		case ok && m.Via == cpni.Text:
			return other(cpni.Voice, notify.TNOR, m.To)
		case ok && spokenOrText(l) == cpni.Text:
			return other(cpni.Text, notify.TNOR, m.To)
		}
	}
	for _, s := range r.spots(p, customer.Changed{What: what, At: from}, now) {
		if s.to != m.To && !slices.Contains(m.Tried, s.to) && !slices.Contains(m.Beside, s.to) {
			return other(s.via, s.place, s.to)
		}
	}
	return nil
}
