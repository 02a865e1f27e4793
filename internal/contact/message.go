package contact

import (
	"context"
	"encoding/json"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Message is one that is planned in the transaction of what caused it; the channels carry it.
type Message struct {
	ID     cpni.ID           `json:"id"`
	Kind   string            `json:"kind"` // names its template
	Via    cpni.Via          `json:"via"`
	Place  string            `json:"place"` // old, tnor or aor
	To     string            `json:"to"`
	Tokens map[string]string `json:"tokens,omitempty"`
}

// plan stores a message, sealed, to be carried to the customer.
func (d *Desk) plan(ctx context.Context, tx *store.Tx, of cpni.ID, m Message) error {
	m.ID = cpni.NewTimedID(d.clock.Now())
	plain, err := json.Marshal(m)
	if err != nil {
		return err
	}
	sealed, err := d.vault.SealTx(ctx, tx, of, "message/"+string(m.ID), plain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO message (customer_id, message_id, at, via, place, state, sealed) VALUES ($1, $2, $3, $4, $5, 'queued', $6)",
		string(of), string(m.ID), d.clock.Now().UnixMicro(), string(m.Via), m.Place, sealed)
	if err != nil {
		return fmt.Errorf("planning a message: %w", err)
	}
	return nil
}

// Messages lists what is planned for a customer, oldest first.
func (d *Desk) Messages(ctx context.Context, of cpni.ID) ([]Message, error) {
	rows, err := d.db.Reader().Query(ctx, "SELECT message_id, sealed FROM message WHERE customer_id = $1 ORDER BY message_id", string(of))
	if err != nil {
		return nil, fmt.Errorf("listing messages: %w", err)
	}
	defer rows.Close()
	var all []Message
	for rows.Next() {
		var id string
		var sealed []byte
		if err := rows.Scan(&id, &sealed); err != nil {
			return nil, err
		}
		plain, err := d.vault.OpenState(ctx, of, "message/"+id, sealed)
		if err != nil {
			return nil, err
		}
		var m Message
		if err := json.Unmarshal(plain, &m); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, rows.Err()
}
