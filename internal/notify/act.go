package notify

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Act is what a person does about a message: who, why, and under which name a message that comes of it is made, so that
// the same asked twice is done once; "" a fresh one.
type Act struct {
	By     cpni.ID
	Reason string
	As     cpni.ID
}

// Codes of refused acts, and of what people have done.
const (
	NotNow = "CONFLICT"
	// Settled is an event: somebody has looked at what did not arrive, and no more is done.
	Settled = "settled"
	Taken   = "TAKEN_BACK"
)

// longestReason bounds a reason, in bytes.
const longestReason = 500

var (
	errReason = cpni.Rejected("REASON", "what is done about a message is done with a reason", []string{"P-23", "P-41"}, "say why, in at most 500 bytes")
	errPast   = cpni.Rejected("EXPIRED", "what the message says is worth nothing any more", []string{"P-20", "P-21"}, "have the customer ask again")
	errOther  = cpni.Rejected(NoSuchWay, "there is no other way to reach this customer that the law allows for this message", []string{"P-25", "47 CFR 64.2010(f)(1)"}, "try the same way again", "note in the case how the customer was told")
)

func errState(s State, wants string) error {
	return cpni.Rejected(NotNow, fmt.Sprintf("the message is %s; only one that %s can be treated so", s, wants), []string{"P-23"}, "reload the page: it may have moved on")
}

// Retry sends a message that did not arrive once more, the same way to the same place, as a message of its own: what the
// other side has seen it would take for a repetition. It gives the new message's id.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
func (c *Carrier) Retry(ctx context.Context, of, id cpni.ID, a Act) (cpni.ID, error) {
	return c.again(ctx, of, id, a, "message sent once more", func(_ *store.Tx, r row, m Message) (*Message, error) {
		if r.m.State != Bounced && r.m.State != Failed {
			return nil, errState(r.m.State, "bounced or failed")
		}
		return &m, nil
	})
}

// Another sends what a message says by the next way that the law allows, although nothing has come back. It gives the new
// message's id.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
func (c *Carrier) Another(ctx context.Context, of, id cpni.ID, a Act) (cpni.ID, error) {
	return c.again(ctx, of, id, a, "message sent another way", func(tx *store.Tx, r row, m Message) (*Message, error) {
		if !elsewhere(r.m) {
			return nil, errState(r.m.State, "a customer must get, and that is not being handed over at this moment,")
		}
		who, _, err := c.Customers.ReadTx(ctx, tx, of)
		if err != nil {
			return nil, err
		}
		other := c.other(ctx, who, m)
		if other == nil {
			return nil, errOther
		}
		return other, nil
	})
}

// elsewhere tells whether a person may have a message sent another way.
func elsewhere(m Message) bool {
	switch m.State {
	case Queued, Sent, Delivered, Bounced, Failed:
		return mustArrive(m.Kind)
	}
	return false
}

// other plans what goes another way; nil when there is none.
func (c *Carrier) other(ctx context.Context, who *customer.Profile, m Message) *Message {
	if c.Instead == nil {
		return nil
	}
	other := c.Instead(ctx, who, m, c.Clock.Now())
	if other != nil {
		other.Tried = append(append([]string{}, m.Tried...), m.To)
	}
	return other
}

// again plans a message in the place of another, and puts both and the reason on record.
func (c *Carrier) again(ctx context.Context, of, id cpni.ID, a Act, what string, next func(*store.Tx, row, Message) (*Message, error)) (made cpni.ID, err error) {
	if err := reasoned(a.Reason); err != nil {
		return "", err
	}
	_, err = c.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		now := c.Clock.Now()
		r, err := c.Outbox.locked(ctx, tx, of, id)
		if err != nil {
			return nil, err
		}
		if a.As != "" && r.m.Instead == a.As { // the same was asked before
			made = a.As
			return nil, nil
		}
		m, err := r.open(func(sealed []byte) ([]byte, error) {
			return c.Vault.OpenStateTx(ctx, tx, of, messagePlace(string(id)), sealed)
		})
		if err != nil {
			return nil, err
		}
		if m.Kind == VerificationCode || !m.Until.IsZero() && !now.Before(m.Until) {
			return nil, errPast
		}
		n, err := next(tx, r, m)
		if err != nil {
			return nil, err
		}
		if made = a.As; made == "" {
			made = cpni.NewTimedID(now)
		}
		n.ID, n.Kind, n.InsteadOf = made, m.Kind, id
		if err := c.Outbox.Plan(ctx, tx, of, *n); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "UPDATE message SET state = $1, instead = $2, stopped = 1, changed = $3 WHERE customer_id = $4 AND message_id = $5",
			string(Replaced), string(made), now.UnixMicro(), string(of), string(id)); err != nil {
			return nil, fmt.Errorf("replacing a message: %w", err)
		}
		if err := c.Outbox.add(ctx, tx, of, id, Event{At: now, What: string(Replaced), Said: Said{Says: a.Reason, By: a.By}}); err != nil {
			return nil, err
		}
		return c.acted(ctx, tx, r, a, map[string]string{"what": what, "instead": string(made), "via": string(n.Via), "place": string(n.Place)})
	})
	return made, err
}

// Withdraw takes back a message that waits. One that a channel has at this moment may still go out, but no other attempt
// follows. What was taken back already stays so.
//
// cite: P-23
func (c *Carrier) Withdraw(ctx context.Context, of, id cpni.ID, a Act) error {
	if err := reasoned(a.Reason); err != nil {
		return err
	}
	_, err := c.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		r, err := c.Outbox.locked(ctx, tx, of, id)
		switch {
		case err != nil:
			return nil, err
		case r.m.State == Cancelled, r.m.State == Sending && r.stopped:
			return nil, nil
		case r.m.State != Queued && r.m.State != Sending:
			return nil, errState(r.m.State, "waits")
		}
		if err := c.Outbox.Cancel(ctx, tx, of, id); err != nil {
			return nil, err
		}
		if err := c.Outbox.add(ctx, tx, of, id, Event{At: c.Clock.Now(), What: string(Cancelled), Code: Taken, Said: Said{Says: a.Reason, By: a.By}}); err != nil {
			return nil, err
		}
		return c.acted(ctx, tx, r, a, map[string]string{"what": "message taken back", "via": string(r.m.Via), "place": string(r.m.Place)})
	})
	return err
}

// Settle notes that somebody has looked at a message that did not arrive, and how the customer was told instead, or why
// they need not be. Nothing is sent.
//
// cite: P-23, P-25
func (c *Carrier) Settle(ctx context.Context, of, id cpni.ID, a Act) error {
	if err := reasoned(a.Reason); err != nil {
		return err
	}
	_, err := c.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		now := c.Clock.Now()
		r, err := c.Outbox.locked(ctx, tx, of, id)
		switch {
		case err != nil:
			return nil, err
		case r.m.State != Bounced && r.m.State != Failed:
			return nil, errState(r.m.State, "bounced or failed")
		case r.stopped:
			return nil, nil
		}
		if _, err := tx.Exec(ctx, "UPDATE message SET stopped = 1 WHERE customer_id = $1 AND message_id = $2", string(of), string(id)); err != nil {
			return nil, fmt.Errorf("settling a message: %w", err)
		}
		if err := c.Outbox.add(ctx, tx, of, id, Event{At: now, What: Settled, Said: Said{Says: a.Reason, By: a.By}}); err != nil {
			return nil, err
		}
		return c.acted(ctx, tx, r, a, map[string]string{"what": "message settled", "via": string(r.m.Via), "place": string(r.m.Place)})
	})
	return err
}

func reasoned(reason string) error {
	if strings.TrimSpace(reason) == "" || len(reason) > longestReason || !utf8.ValidString(reason) {
		return errReason
	}
	return nil
}

// acted puts on record what a person has done about a message, and why.
//
// cite: P-41, 47 CFR 64.2009(c)
func (c *Carrier) acted(ctx context.Context, tx *store.Tx, r row, a Act, detail map[string]string) ([]ledger.Entry, error) {
	detail["message"], detail["kind"], detail["was"], detail["reason"] = string(r.m.ID), r.m.Kind, string(r.m.State), a.Reason
	e, err := c.Vault.Entry(ctx, tx, ledger.Entry{Customer: r.of, Kind: ledger.Message, At: c.Clock.Now(), Actor: string(a.By), Outcome: cpni.OK}, detail)
	return []ledger.Entry{e}, err
}

// locked reads a message that is about to be changed.
func (o *Outbox) locked(ctx context.Context, tx *store.Tx, of, id cpni.ID) (row, error) {
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " FOR UPDATE"
	}
	rows, err := o.rows(ctx, tx, "customer_id = $1 AND message_id = $2"+lock, string(of), string(id))
	if err != nil {
		return row{}, err
	}
	if len(rows) == 0 {
		return row{}, ErrNoMessage
	}
	return rows[0], nil
}

// Can are the acts that there are for a message now.
type Can struct{ Retry, Another, Withdraw, Settle bool }

// Can tells what a person can do about a message.
func (c *Carrier) Can(ctx context.Context, of cpni.ID, m Message) (Can, error) {
	now := c.Clock.Now()
	lost := m.State == Bounced || m.State == Failed
	worth := m.Kind != VerificationCode && (m.Until.IsZero() || now.Before(m.Until))
	can := Can{Retry: lost && worth, Withdraw: m.State == Queued || m.State == Sending && !m.Stopped, Settle: lost && !m.Stopped}
	if !worth || !elsewhere(m) {
		return can, nil
	}
	who, _, err := c.Customers.Get(ctx, of)
	if err != nil {
		return can, err
	}
	can.Another = c.other(ctx, who, m) != nil
	return can, nil
}
