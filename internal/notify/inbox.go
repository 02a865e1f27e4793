package notify

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Returned reports about the message that bears a return token. What came in is kept sealed with the message.
//
// cite: P-21, P-25, 47 CFR 64.2008(d)(3)
func (c *Carrier) Returned(ctx context.Context, token string, r Report) error {
	return c.reported(ctx, "mark", "mark", plainToken(token), r)
}

// Referred reports about the message that the other side named so when it took it.
func (c *Carrier) Referred(ctx context.Context, via cpni.Via, reference string, r Report) error {
	return c.reported(ctx, "reference", string(via), reference, r)
}

func (c *Carrier) reported(ctx context.Context, column, kind, text string, r Report) error {
	var found row
	var became State
	_, err := c.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		if found, err = c.Outbox.find(ctx, tx, column, kind, text); err != nil {
			return nil, err
		}
		became, entries, err = c.report(ctx, tx, found, r)
		return entries, err
	})
	if err != nil {
		return fmt.Errorf("taking what came in about a message: %w", err)
	}
	c.tally.add(found.m.Via, became)
	if r.Kind == Stop && found.m.Via == cpni.Text && c.Mobile != nil {
		return c.stopped(ctx, found, r)
	}
	return nil
}

// stopped passes on that who got a text wants no more. It is passed on again whenever it is reported again: it only restricts.
//
// cite: P-14, 47 CFR 64.1200(a)(10)
func (c *Carrier) stopped(ctx context.Context, found row, r Report) error {
	m, err := c.Outbox.openRow(ctx, found)
	if errors.Is(err, vault.ErrForgotten) || errors.Is(err, vault.ErrSealBroken) {
		return nil // nobody can tell to which line it went
	}
	if err != nil {
		return err
	}
	at := r.At
	if at.IsZero() {
		at = c.Clock.Now()
	}
	return c.Mobile.Texted(ctx, m.To, "", r.Says, true, at)
}

// report writes what came in, and moves the message on where that says so. Who says it is not proved: what comes in can
// take an arrival back or confirm it, and do nothing else. became is its new state; "" it is in the same.
func (c *Carrier) report(ctx context.Context, tx *store.Tx, found row, r Report) (became State, all []ledger.Entry, err error) {
	now := c.Clock.Now()
	if denies(found.m, r.Outcome) {
		r.Code = Denied
	}
	at := r.At
	if at.IsZero() || at.After(now) {
		at = now
	}
	if err := c.Outbox.add(ctx, tx, found.of, found.m.ID, Event{At: at, What: r.Kind, Code: r.Code, Said: Said{Says: r.Says, Call: r.Call, Raw: r.Raw}}); err != nil {
		return "", nil, err
	}
	if c.Answered != nil && (r.Kind == Reply || r.Kind == Complaint) {
		r.At = at
		all, err = c.Answered(ctx, tx, found.of, found.m, r)
		return "", all, err
	}
	if !moves(found.m.State, r.State) {
		fate := Fate{State: found.m.State, Kind: r.Kind, Code: r.Code, At: at}
		switch {
		case r.Kind == Mailed && (found.m.State == Sent || found.m.State == Sending):
		case found.m.State == Replaced && (r.State == Bounced || r.State == Failed):
			// Somebody has sent it another way while it counted as arrived; it did not.
			fate.State, fate.Instead, fate.Late = r.State, found.m.Instead, true
			if err := tx.QueryRow(ctx, "SELECT via FROM message WHERE customer_id = $1 AND message_id = $2", string(found.of), string(fate.Instead)).Scan(&fate.By); err != nil {
				return "", nil, fmt.Errorf("reading what took the place of a message: %w", err)
			}
		default:
			return "", nil, nil
		}
		all, err = c.heard(ctx, tx, found, fate)
		return "", all, err
	}
	// Another report of the same message may come at the same moment: only one of them moves it.
	res, err := tx.Exec(ctx, "UPDATE message SET state = $1, code = $2, changed = $3 WHERE customer_id = $4 AND message_id = $5 AND state = $6",
		string(r.State), r.Code, now.UnixMicro(), string(found.of), string(found.m.ID), string(found.m.State))
	if err != nil {
		return "", nil, fmt.Errorf("moving a message on: %w", err)
	}
	if n, err := res.RowsAffected(); n == 0 || err != nil {
		return "", nil, err
	}
	all, err = c.follow(ctx, tx, found, r.Outcome, r.Kind, now)
	return r.State, all, err
}

// moves tells whether a message in one state goes to another when that is reported. A later bounce takes an arrival back;
// an arrival never takes a bounce back, for another form is on its way by then.
func moves(from, to State) bool {
	switch to {
	case Delivered:
		return from == Sent || from == Sending
	case Bounced, Failed:
		return from == Sent || from == Sending || from == Delivered
	}
	return false
}
