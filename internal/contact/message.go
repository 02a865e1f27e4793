package contact

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Message is one that is planned in the transaction of what caused it; the channels carry it. A verification code stands
// in its tokens: whoever shows messages to agents leaves the tokens out.
type Message struct {
	ID     cpni.ID           `json:"id"`
	Kind   string            `json:"kind"` // names its template
	Via    cpni.Via          `json:"via"`
	Place  string            `json:"place"` // old, tnor or aor
	To     string            `json:"to"`
	Tokens map[string]string `json:"tokens,omitempty"`
	State  string            `json:"state,omitempty"` // queued or cancelled, or what became of it
}

// States of a message.
const (
	queued    = "queued"
	cancelled = "cancelled" // before it was sent: what it says or where it goes holds no more
)

func messagePlace(id string) string { return "message/" + id }

// plan stores a message, sealed, to be carried to the customer.
func (d *Desk) plan(ctx context.Context, tx *store.Tx, of cpni.ID, m Message) error {
	now := d.clock.Now()
	if m.ID == "" {
		m.ID = cpni.NewTimedID(now)
	}
	plain, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("planning a message: %w", err)
	}
	sealed, err := d.vault.SealTx(ctx, tx, of, messagePlace(string(m.ID)), plain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO message (customer_id, message_id, at, via, place, state, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		string(of), string(m.ID), now.UnixMicro(), string(m.Via), m.Place, queued, sealed)
	if err != nil {
		return fmt.Errorf("planning a message: %w", err)
	}
	return nil
}

// cancel takes back a message that has not been sent.
func cancel(ctx context.Context, tx *store.Tx, of, id cpni.ID) error {
	_, err := tx.Exec(ctx, "UPDATE message SET state = $1 WHERE customer_id = $2 AND message_id = $3 AND state = $4", cancelled, string(of), string(id), queued)
	if err != nil {
		return fmt.Errorf("taking back a message: %w", err)
	}
	return nil
}

// cancelTo takes back every message that has not been sent to a line; number "" is every line.
//
// cite: P-20, P-25, 47 CFR 64.2003(q)
func (d *Desk) cancelTo(ctx context.Context, tx *store.Tx, of cpni.ID, number string) error {
	rows, err := d.messages(ctx, tx, "SELECT message_id, state, sealed FROM message WHERE customer_id = $1 AND place = 'tnor' AND state = 'queued'", string(of))
	if err != nil {
		return err
	}
	for _, r := range rows {
		m, err := r.open(func(sealed []byte) ([]byte, error) {
			return d.vault.OpenStateTx(ctx, tx, of, messagePlace(r.id), sealed)
		})
		if err != nil {
			return err
		}
		if number == "" || m.To == number {
			if err := cancel(ctx, tx, of, m.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

type messageRow struct {
	id, state string
	sealed    []byte
}

func (d *Desk) messages(ctx context.Context, q store.Querier, query string, args ...any) ([]messageRow, error) {
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
func (d *Desk) Messages(ctx context.Context, of cpni.ID) ([]Message, error) {
	rows, err := d.messages(ctx, d.db.Reader(), "SELECT message_id, state, sealed FROM message WHERE customer_id = $1 ORDER BY message_id DESC LIMIT $2", string(of), mostMessages)
	if err != nil {
		return nil, err
	}
	all := make([]Message, 0, len(rows))
	for _, r := range slices.Backward(rows) {
		m, err := r.open(func(sealed []byte) ([]byte, error) { return d.vault.OpenState(ctx, of, messagePlace(r.id), sealed) })
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}
