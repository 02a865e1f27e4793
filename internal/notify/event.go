package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Event is one thing that has become of a message.
type Event struct {
	At   time.Time
	What string // a State, or the kind of a Report
	Code string
	Said
}

// Said is the sealed part of an event.
type Said struct {
	Says string `json:"says,omitempty"`
	Call *Call  `json:"call,omitempty"`
	Raw  []byte `json:"raw,omitempty"` // what came in, as it came
}

func (s Said) empty() bool { return s.Says == "" && s.Call == nil && len(s.Raw) == 0 }

func eventPlace(message, event cpni.ID) string {
	return "message/" + string(message) + "/event/" + string(event)
}

// add writes an event within tx.
func (o *Outbox) add(ctx context.Context, tx *store.Tx, of, id cpni.ID, e Event) error {
	event := cpni.NewTimedID(o.clock.Now())
	var sealed []byte
	if !e.empty() {
		plain, err := json.Marshal(e.Said)
		if err != nil {
			return fmt.Errorf("noting what became of a message: %w", err)
		}
		if sealed, err = o.vault.SealTx(ctx, tx, of, eventPlace(id, event), plain); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "INSERT INTO message_event (customer_id, message_id, n, event_id, at, what, code, sealed) VALUES ($1, $2, (SELECT coalesce(max(n), 0) + 1 FROM message_event WHERE customer_id = $1 AND message_id = $2), $3, $4, $5, $6, $7)",
		string(of), string(id), string(event), e.At.UnixMicro(), e.What, e.Code, sealed)
	if err != nil {
		return fmt.Errorf("noting what became of a message: %w", err)
	}
	return nil
}

// Events gives what has become of a message, oldest first.
func (o *Outbox) Events(ctx context.Context, of, id cpni.ID) ([]Event, error) {
	rows, err := o.db.Reader().Query(ctx, "SELECT event_id, at, what, code, sealed FROM message_event WHERE customer_id = $1 AND message_id = $2 ORDER BY n", string(of), string(id))
	if err != nil {
		return nil, fmt.Errorf("reading what became of a message: %w", err)
	}
	defer rows.Close()
	type lying struct {
		id     cpni.ID
		sealed []byte
	}
	var all []Event
	var there []lying
	for rows.Next() {
		var e Event
		var l lying
		var at int64
		if err := rows.Scan(&l.id, &at, &e.What, &e.Code, &l.sealed); err != nil {
			return nil, fmt.Errorf("reading what became of a message: %w", err)
		}
		e.At = time.UnixMicro(at).UTC()
		all, there = append(all, e), append(there, l)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i, l := range there {
		if l.sealed == nil {
			continue
		}
		plain, err := o.vault.OpenState(ctx, of, eventPlace(id, l.id), l.sealed)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(plain, &all[i].Said); err != nil {
			return nil, fmt.Errorf("reading what became of a message: %w", err)
		}
	}
	return all, nil
}
