package approval

import (
	"context"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// confirm plans the message that says to the customer what is now on record of what they have said: to a place of record, so that who
// did not say it hears of it.
//
// cite: P-12, P-14, 47 CFR 64.2008(c)
func (b *Book) confirm(ctx context.Context, tx *store.Tx, p *customer.Profile, e Event) error {
	if b.Outbox == nil {
		return nil
	}
	spots := b.Contacts.OfRecord(p, b.Clock.Now(), cpni.Email, cpni.Text, cpni.Postal)
	if len(spots) == 0 {
		return nil // the answer counts all the same
	}
	s := spots[0]
	return b.Outbox.Plan(ctx, tx, p.ID, notify.Message{Kind: notify.AnswerReceived, Via: s.Via, Place: s.Place, To: s.To,
		Tokens: map[string]string{"answer": string(e.What), "scope": e.Scope, "received": e.At.Format(timeForm)}})
}

// timeForm is how moments stand in the tokens of messages.
const timeForm = "2006-01-02T15:04:05Z07:00"
