package notify

import (
	"context"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Codes of alerts about messages that should have gone.
const (
	NoticeLate cpni.Code = "NOTICE_LATE" // a notice of change has not gone
	LetterLate cpni.Code = "LETTER_LATE" // nobody has confirmed that a letter was mailed
)

// mostLate bounds how many alerts one look raises; the next look raises the rest.
const mostLate = 100

// What the column late says: an alert was raised because the message had not gone, because it had not been mailed.
const (
	lateGoing  = 1
	lateMailed = 2
)

// Late raises an alert for each notice of change that should have gone by now, and for each letter that should have been
// mailed; for each once. What waits for the customer's morning while the same has gone another way is not late.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)(1)
func (c *Carrier) Late(ctx context.Context) error {
	now := c.Clock.Now()
	r := c.Numbers(now)
	going := fmt.Sprintf("kind = '%s' AND state IN ('queued', 'sending') AND stopped = 0 AND code <> '%s' AND at <= $1 AND late < %d ORDER BY at LIMIT %d", AccountChange, QuietHour, lateGoing, mostLate)
	mailed := fmt.Sprintf(`via = '%s' AND state = 'sent' AND changed <= $1 AND late < %d AND NOT EXISTS (SELECT 1 FROM message_event e
		WHERE e.customer_id = message.customer_id AND e.message_id = message.message_id AND e.what = '%s') ORDER BY changed LIMIT %d`, cpni.Postal, lateMailed, Mailed, mostLate)
	for _, x := range []struct {
		where string
		after time.Duration
		late  int
		code  cpni.Code
		says  string
	}{
		{going, r.NoticeWithin, lateGoing, NoticeLate, "a notice of a change of the account has not gone within the time that the policy gives"},
		{mailed, r.MailedWithin, lateMailed, LetterLate, "nobody has confirmed that a letter was mailed"},
	} {
		// Most looks find nothing, and take no place in the line of those who write.
		there, err := c.Outbox.rows(ctx, c.DB.Reader(), x.where, now.Add(-x.after).UnixMicro())
		if err != nil || len(there) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		_, err = c.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			var all []ledger.Entry
			rows, err := c.Outbox.rows(ctx, tx, x.where, now.Add(-x.after).UnixMicro())
			if err != nil {
				return nil, err
			}
			for _, late := range rows {
				res, err := tx.Exec(ctx, "UPDATE message SET late = $1 WHERE customer_id = $2 AND message_id = $3 AND late < $1", x.late, string(late.of), string(late.m.ID))
				if err != nil {
					return nil, err
				}
				if n, err := res.RowsAffected(); n == 0 || err != nil { // another node was faster
					if err != nil {
						return nil, err
					}
					continue
				}
				e, err := c.Vault.Entry(ctx, tx, ledger.Entry{Customer: late.of, Kind: ledger.Alert, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: x.code},
					map[string]string{"what": x.says, "message": string(late.m.ID), "via": string(late.m.Via), "code": late.m.Code})
				if err != nil {
					return nil, err
				}
				all = append(all, e)
			}
			return all, nil
		})
		if err != nil {
			return fmt.Errorf("looking for messages that are late: %w", err)
		}
	}
	return nil
}
