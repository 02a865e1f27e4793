// Package notify keeps the messages that go out to customers: each is planned in the transaction of what caused it, and
// carried by the channels.
//
// cite: P-14, P-23, I-10
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Outbox keeps messages, sealed.
type Outbox struct {
	db    *store.DB
	vault *vault.Vault
	clock cpni.Clock
}

// NewOutbox opens the outbox.
func NewOutbox(db *store.DB, v *vault.Vault, clock cpni.Clock) *Outbox { return &Outbox{db, v, clock} }

// Message is one that is planned in the transaction of what caused it; the channels carry it. A verification code stands
// in its tokens: whoever shows messages to agents leaves the tokens out.
type Message struct {
	ID     cpni.ID           `json:"id"`
	Kind   string            `json:"kind"` // names its template
	Via    cpni.Via          `json:"via"`
	Place  Place             `json:"place"`
	To     string            `json:"to"`
	Tokens map[string]string `json:"tokens,omitempty"`
	State  State             `json:"state,omitempty"`
}

// Place is what sort of place a message goes to; unlike the place itself it may be shown.
type Place string

// The places.
const (
	Old   Place = "old"   // where the customer was reached before a change
	TNOR  Place = "tnor"  // a telephone number of record
	AOR   Place = "aor"   // an address of record
	Named Place = "named" // another: one that was named by who asked, or an address too young to be of record
)

// State is what has become of a message.
type State string

// The states.
const (
	Queued    State = "queued"    // it waits to be sent, for the first time or again
	Sending   State = "sending"   // a channel has it
	Sent      State = "sent"      // the other side has taken it
	Delivered State = "delivered" // the customer has it, as far as the other side can know
	Bounced   State = "bounced"   // it went out and came back
	Failed    State = "failed"    // it could not be handed over, and no more is tried
	Replaced  State = "replaced"  // it bounced or failed, and goes another way
	Cancelled State = "cancelled" // before it was sent: what it says or where it goes holds no more
)

// ErrNotOurs is what an inbox answers to a token or a reference that no message has.
var ErrNotOurs = errors.New("no message bears that token or reference")

func messagePlace(id string) string { return "message/" + id }

// Plan stores a message, sealed, to be carried to the customer.
func (o *Outbox) Plan(ctx context.Context, tx *store.Tx, of cpni.ID, m Message) error {
	now := o.clock.Now()
	if m.ID == "" {
		m.ID = cpni.NewTimedID(now)
	}
	plain, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("planning a message: %w", err)
	}
	sealed, err := o.vault.SealTx(ctx, tx, of, messagePlace(string(m.ID)), plain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO message (customer_id, message_id, at, via, place, state, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		string(of), string(m.ID), now.UnixMicro(), string(m.Via), string(m.Place), string(Queued), sealed)
	if err != nil {
		return fmt.Errorf("planning a message: %w", err)
	}
	return nil
}

// Cancel takes back a message that has not been sent.
func (o *Outbox) Cancel(ctx context.Context, tx *store.Tx, of, id cpni.ID) error {
	_, err := tx.Exec(ctx, "UPDATE message SET state = $1 WHERE customer_id = $2 AND message_id = $3 AND state = $4", string(Cancelled), string(of), string(id), string(Queued))
	if err != nil {
		return fmt.Errorf("taking back a message: %w", err)
	}
	return nil
}

// CancelTo takes back every message that has not been sent to a line; number "" is every line.
//
// cite: P-20, P-25, 47 CFR 64.2003(q)
func (o *Outbox) CancelTo(ctx context.Context, tx *store.Tx, of cpni.ID, number string) error {
	rows, err := o.rows(ctx, tx, "SELECT message_id, state, sealed FROM message WHERE customer_id = $1 AND place = $2 AND state = $3", string(of), string(TNOR), string(Queued))
	if err != nil {
		return err
	}
	for _, r := range rows {
		m, err := r.open(func(sealed []byte) ([]byte, error) {
			return o.vault.OpenStateTx(ctx, tx, of, messagePlace(r.id), sealed)
		})
		if err != nil {
			return err
		}
		if number == "" || m.To == number {
			if err := o.Cancel(ctx, tx, of, m.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

type messageRow struct {
	id     string
	state  State
	sealed []byte
}

func (o *Outbox) rows(ctx context.Context, q store.Querier, query string, args ...any) ([]messageRow, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("listing messages: %w", err)
	}
	defer rows.Close()
	var all []messageRow
	for rows.Next() {
		var r messageRow
		if err := rows.Scan(&r.id, &r.state, &r.sealed); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func (r messageRow) open(unseal func([]byte) ([]byte, error)) (Message, error) {
	var m Message
	plain, err := unseal(r.sealed)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(plain, &m); err != nil {
		return m, fmt.Errorf("reading a message: %w", err)
	}
	m.State = r.state
	return m, nil
}

// mostMessages bounds an answer of Messages.
const mostMessages = 500

// Messages lists what is planned for a customer, oldest first; of very many the newest.
func (o *Outbox) Messages(ctx context.Context, of cpni.ID) ([]Message, error) {
	rows, err := o.rows(ctx, o.db.Reader(), "SELECT message_id, state, sealed FROM message WHERE customer_id = $1 ORDER BY message_id DESC LIMIT $2", string(of), mostMessages)
	if err != nil {
		return nil, err
	}
	all := make([]Message, 0, len(rows))
	for _, r := range slices.Backward(rows) {
		m, err := r.open(func(sealed []byte) ([]byte, error) { return o.vault.OpenState(ctx, of, messagePlace(r.id), sealed) })
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}
