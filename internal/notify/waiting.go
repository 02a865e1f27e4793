package notify

import (
	"context"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Unsent gives the messages of a kind to a customer that no channel has had yet, as tx sees them, the oldest first.
func (o *Outbox) Unsent(ctx context.Context, tx *store.Tx, of cpni.ID, kind string) ([]Message, error) {
	return o.opened(ctx, tx, of, "customer_id = $1 AND kind = $2 AND state = $3 AND attempts = 0 AND stopped = 0 ORDER BY at, message_id", string(of), kind, string(Queued))
}

// Waiting gives the messages of a customer that have not gone, as tx sees them.
func (o *Outbox) Waiting(ctx context.Context, tx *store.Tx, of cpni.ID) ([]Message, error) {
	return o.opened(ctx, tx, of, "customer_id = $1 AND state IN ($2, $3) AND stopped = 0", string(of), string(Queued), string(Sending))
}

// Going gives the messages of a customer that wait to go, are on their way or have arrived, as tx sees them.
func (o *Outbox) Going(ctx context.Context, tx *store.Tx, of cpni.ID) ([]Message, error) {
	return o.opened(ctx, tx, of, "customer_id = $1 AND (state IN ($2, $3) AND stopped = 0 OR state IN ($4, $5))", string(of), string(Queued), string(Sending), string(Sent), string(Delivered))
}

func (o *Outbox) opened(ctx context.Context, tx *store.Tx, of cpni.ID, where string, args ...any) ([]Message, error) {
	rows, err := o.rows(ctx, tx, where, args...)
	if err != nil {
		return nil, err
	}
	all := make([]Message, 0, len(rows))
	for _, r := range rows {
		m, err := r.open(func(sealed []byte) ([]byte, error) {
			return o.vault.OpenStateTx(ctx, tx, of, messagePlace(string(r.m.ID)), sealed)
		})
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}
