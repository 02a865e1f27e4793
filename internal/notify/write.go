package notify

import (
	"context"
	"errors"
	"maps"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/vault"
)

// Codes of ours, of what never reached a channel.
const (
	Expired   = "EXPIRED"       // it was worth nothing any more
	Forgotten = "FORGOTTEN"     // the customer's key is destroyed
	Reveals   = "REVEALS"       // it would have told a value that it must not
	QuietHour = "QUIET_HOURS"   // it waits for the customer's day
	NoTexts   = "NO_TEXTS"      // the line wants none
	Unwritten = "TEMPLATE"      // its template refuses it
	GivenUp   = "GIVEN_UP"      // tried for as long as it may be
	NoSuchWay = "NO_OTHER_FORM" // it did not arrive, and there is no other way
	HeldBack  = "RUN_PAUSED"    // it waits because somebody has paused what it belongs to
)

// piece writes a message. out is what has become of one that does not go to the channel now.
//
// cite: P-20, P-25, I-09, 47 CFR 64.2010(f)(2)
func (c *Carrier) piece(ctx context.Context, r row) (p Piece, out *Outcome, err error) {
	gone := func(s State, code string) (Piece, *Outcome, error) {
		return Piece{}, &Outcome{State: s, Code: code}, nil
	}
	if r.stopped { // it was taken back while a node had it that has died
		return gone(Cancelled, r.m.Code)
	}
	m, err := c.Outbox.openRow(ctx, r)
	if errors.Is(err, vault.ErrForgotten) {
		return gone(Cancelled, Forgotten)
	}
	if err != nil {
		return p, nil, err
	}
	who, _, err := c.Customers.Get(ctx, r.of)
	if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
		return gone(Cancelled, Forgotten)
	}
	if err != nil {
		return p, nil, err
	}
	now := c.Clock.Now()
	// A code that an earlier version planned bears no end; it is long over.
	if !m.Until.IsZero() && !now.Before(m.Until) || m.Kind == VerificationCode && m.Until.IsZero() {
		return gone(Cancelled, Expired)
	}
	if c.Goes != nil && asksFirst(m.Kind) {
		switch code := c.Goes(ctx, who, m); code {
		case "":
		case HeldBack:
			return Piece{}, &Outcome{State: Queued, Code: HeldBack, After: lookAgain}, nil
		default:
			return gone(Cancelled, code)
		}
	}
	if c.Still != nil {
		if code := c.Still(who, m, now); code != "" {
			return gone(Cancelled, string(code))
		}
	}
	if !m.AtOnce && (m.Via == cpni.Text || m.Via == cpni.Voice) && !c.Writer.Urgent(m.Kind, m.Via) {
		if until, is := quiet(m.To, now, c.Zone, c.Numbers(now)); is {
			return Piece{}, &Outcome{State: Queued, Code: QuietHour, After: until.Sub(now)}, nil
		}
	}
	return c.written(ctx, r.of, m, who)
}

// lookAgain is how long what is held back waits until it is looked at again.
const lookAgain = time.Minute

// waits reports whether a message is put back without having been tried.
func waits(code string) bool { return code == QuietHour || code == HeldBack }

// written fills the template, and looks once more for what must not go out.
func (c *Carrier) written(ctx context.Context, of cpni.ID, m Message, who *customer.Profile) (Piece, *Outcome, error) {
	p := Piece{ID: m.ID, Kind: m.Kind, Via: m.Via, To: m.To, Name: who.Name, Language: c.language(m, who), Return: c.Outbox.Token(m.ID), Attempt: m.Attempts}
	words, err := c.Writer.Write(m.Kind, m.Via, p.Language, c.tokens(of, m, who))
	if err != nil {
		return p, &Outcome{State: Failed, Code: Unwritten, Says: err.Error()}, nil
	}
	p.Words = words
	if c.Hidden != nil {
		if where, is := c.Writer.Reveals(words, c.Hidden(who, m)); is {
			return p, &Outcome{State: Failed, Code: Reveals, Says: "a value that must not be told stands in its " + where}, nil
		}
	}
	if c.Enclose != nil {
		if p.Enclosed, err = c.Enclose(ctx, of, m); err != nil {
			return p, nil, err
		}
	}
	return p, nil, nil
}

func (c *Carrier) language(m Message, who *customer.Profile) string {
	for _, l := range []string{m.Language, who.Language} {
		if l != "" {
			return l
		}
	}
	return "en"
}

func (c *Carrier) tokens(of cpni.ID, m Message, who *customer.Profile) map[string]string {
	all := maps.Clone(c.Tokens)
	if all == nil {
		all = map[string]string{}
	}
	if c.Adds != nil {
		maps.Copy(all, c.Adds(of, m, who))
	}
	maps.Copy(all, m.Tokens)
	if m.Edition != "" {
		all[EditionToken] = m.Edition
	}
	return all
}

// Preview writes a message as the customer gets it, or as they got it by the template of that day, without sending anything.
func (c *Carrier) Preview(ctx context.Context, of cpni.ID, m Message) (Piece, error) {
	who, _, err := c.Customers.Get(ctx, of)
	if err != nil {
		return Piece{}, err
	}
	p, out, err := c.written(ctx, of, m, who)
	if err == nil && m.Wording != "" && m.Wording != p.Version && c.Again != nil {
		p.Words, err = c.Again(ctx, m.Wording, c.tokens(of, m, who))
		return p, err
	}
	if err == nil && out != nil {
		err = errors.New(out.Says)
	}
	return p, err
}

// backoff is when a message that was not taken is tried again, and whether it is at all.
func (c *Carrier) backoff(r row, o Outcome, now time.Time) (next time.Time, again bool) {
	rules := c.Numbers(now)
	next = now.Add(max(o.After, rules.wait(r.m.Attempts)))
	if waits(o.Code) {
		next = now.Add(o.After)
	}
	if o.Code == HeldBack {
		return next, true
	}
	return next, now.Before(r.m.At.Add(rules.TryFor[r.m.Via]))
}
