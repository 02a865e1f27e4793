package notify

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/store"
)

// Denied is the code of a call in which the key was pressed that says "this was not me", until somebody has taken that;
// DenialTaken is its code then. It stands in the row of the message, so that it is taken even when the program dies between
// the call and what follows from it.
const (
	Denied      = "NOT_ME"
	DenialTaken = "NOT_ME_TAKEN"
)

// NotMeKey is the key by which who has got a notice in a call says that the change was not theirs.
const NotMeKey = "9"

func denies(m Message, o Outcome) bool {
	return m.Kind == AccountChange && o.Call != nil && o.Call.Pressed == NotMeKey
}

// Pressed hands on what was said by a key in calls, and was not taken yet.
//
// cite: P-23, 47 CFR 64.2010(f)
func (c *Carrier) Pressed(ctx context.Context) error {
	if c.NotMe == nil {
		return nil
	}
	rows, err := c.Outbox.rows(ctx, c.DB.Reader(), fmt.Sprintf("code = '%s' AND kind = '%s' ORDER BY changed LIMIT %d", Denied, AccountChange, mostLate))
	if err != nil {
		return err
	}
	var failed []error
	for _, r := range rows {
		m, err := c.Outbox.openRow(ctx, r)
		if err == nil {
			err = c.NotMe(ctx, r.of, m)
		}
		if err == nil {
			err = c.DB.Tx(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE message SET code = $1 WHERE customer_id = $2 AND message_id = $3 AND code = $4", DenialTaken, string(r.of), string(r.m.ID), Denied)
				return err
			})
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("taking it from a call that a change was not the customer's: %w", err))
		}
	}
	return errors.Join(failed...)
}
