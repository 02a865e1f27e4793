package breach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// known is an incident as it was read, and whether its messages may go.
type known struct {
	i     *Incident
	asked time.Time // when the hold was asked last
	waits bool
}

// staleHold is for how long what the hold said is taken as it was, while nothing is written into the file.
const staleHold = time.Second

// lately gives an incident as it stands. Its history is read again only when something was added to it.
func (d *Desk) lately(ctx context.Context, id cpni.ID) (*Incident, error) {
	k, err := d.fresh(ctx, id)
	return k.i, err
}

func (d *Desk) fresh(ctx context.Context, id cpni.ID) (known, error) {
	var version int64
	err := d.DB.Reader().QueryRow(ctx, "SELECT version FROM incident WHERE incident_id = $1 AND state <> $2", string(id), stateRemoved).Scan(&version)
	if store.IsNoRow(err) {
		return known{}, ErrNone
	}
	if err != nil {
		return known{}, fmt.Errorf("reading an incident: %w", err)
	}
	now := d.Clock.Now()
	d.telling.mu.Lock()
	k, ok := d.telling.known[id]
	d.telling.mu.Unlock()
	if ok && k.i.Version == version && !now.Before(k.asked) && now.Sub(k.asked) < staleHold {
		return k, nil
	}
	if !ok || k.i.Version != version {
		if k.i, err = d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, ""); err != nil {
			return known{}, err
		}
	}
	k.asked, k.waits = now, d.waits(k.i)
	d.telling.mu.Lock()
	d.telling.known[id] = k
	d.telling.mu.Unlock()
	return k, nil
}

// Gone is why a message does not go: the file of its incident is not there any more.
const Gone = "INCIDENT_GONE"

// Goes says why a message that tells of an incident must not go, when it is about to: notify.HeldBack while customers must not be told, or
// somebody has paused it; "" it goes.
//
// cite: P-47, P-48, I-08, 47 CFR 64.2011(b)(1), 47 CFR 64.2011(b)(3)
func (d *Desk) Goes(ctx context.Context, m notify.Message) (code string) {
	k, err := d.fresh(ctx, m.Run)
	switch {
	case errors.Is(err, ErrNone):
		return Gone
	case err != nil || k.waits || k.i.Exercise:
		return notify.HeldBack // nothing goes of which nobody could say that it may
	}
	return ""
}

// Instead is the message that goes in the place of one that did not arrive: the next form of which nothing has come back. nil: there is none.
//
// cite: P-25, P-47, 47 CFR 64.2011(c)
func (d *Desk) Instead(ctx context.Context, p *customer.Profile, m notify.Message, now time.Time) *notify.Message {
	i, err := d.lately(ctx, m.Run)
	if err != nil {
		return nil
	}
	other := d.message(i, p, append(slices.Clone(m.Tried), m.To), now)
	if other != nil {
		other.Tokens = m.Tokens // what it says is what was planned for them
	}
	return other
}

// Heard follows what became of a message that tells of an incident, in the transaction in which that is written. A letter counts from its
// mailing, whoever has it before.
//
// cite: P-47, P-49, I-10, 47 CFR 64.2011(c), 47 CFR 64.2011(d)
func (d *Desk) Heard(ctx context.Context, tx *store.Tx, of cpni.ID, m notify.Message, f notify.Fate) ([]ledger.Entry, error) {
	now := d.Clock.Now()
	state, via, message, code := "", m.Via, m.ID, ""
	switch {
	case f.Kind == notify.Mailed, f.State == notify.Delivered, f.State == notify.Sent && m.Via != cpni.Postal:
		state = IsSent
	case f.State == notify.Bounced, f.State == notify.Failed, f.State == notify.Cancelled:
		state, code = NoWay, f.Code
		if f.Instead != "" {
			state, via, message = CameBack, f.By, f.Instead
		}
	default:
		return nil, nil
	}
	// A message that somebody had sent once more, or another way, is that of the customer from then on.
	done, err := tx.Exec(ctx, `UPDATE incident_customer SET state = $1, via = $2, message_id = $3, code = $4, at = $5 WHERE customer_id = $6 AND incident_id = $7 AND message_id IN ($8, $9) AND message_id <> ''
		AND state IN ($10, $11, $12, $13)`,
		state, string(via), string(message), code, now.UnixMicro(), string(of), string(m.Run), string(m.ID), string(m.InsteadOf), IsPlanned, IsSent, CameBack, NoWay)
	if err != nil {
		return nil, fmt.Errorf("writing who was told: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 || state == IsSent {
		return nil, err
	}
	// Somebody who counted as told is not: whether everybody is told is asked again.
	_, err = tx.Exec(ctx, "UPDATE incident_work SET state = $1 WHERE incident_id = $2 AND state = $3", workDone, string(m.Run), workOver)
	if err != nil {
		return nil, fmt.Errorf("writing who was told: %w", err)
	}
	return nil, nil
}

// one reads what has become of one customer of an incident. ErrNone: they are not in the set.
func (d *Desk) one(ctx context.Context, id, of cpni.ID) (Affected, error) {
	var c Affected
	var at int64
	err := d.DB.Reader().QueryRow(ctx, "SELECT customer_id, step, entry_id, state, via, message_id, code, at FROM incident_customer WHERE customer_id = $1 AND incident_id = $2", string(of), string(id)).
		Scan(&c.Customer, &c.Step, &c.Entry, &c.State, &c.Via, &c.Message, &c.Code, &at)
	if store.IsNoRow(err) {
		return c, ErrNone
	}
	if err != nil {
		return c, fmt.Errorf("reading a customer of an incident: %w", err)
	}
	c.At = time.UnixMicro(at).UTC()
	return c, nil
}
