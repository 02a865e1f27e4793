package approval

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
	"ringfence/internal/store"
)

// confirm plans the message that says to the customer what is now on record of what they have said: to a place of record, so that who
// did not say it hears of it. It waits a moment, and what is said the same way within that moment is told in one message.
//
// cite: P-12, P-14, 47 CFR 64.2008(c)
func (b *Book) confirm(ctx context.Context, tx *store.Tx, p *customer.Profile, e Event) error {
	if b.Outbox == nil {
		return nil
	}
	now := b.Clock.Now()
	spots := b.Contacts.OfRecord(p, now, cpni.Email, cpni.Text, cpni.Postal)
	if len(spots) == 0 {
		return nil // the answer counts all the same
	}
	s := spots[0]
	m := notify.Message{ID: cpni.NewTimedID(now), Kind: notify.AnswerReceived, Via: s.Via, Place: s.Place, To: s.To, Due: now.Add(b.confirmAfter(now)),
		Tokens: map[string]string{"choice": string(map[What]Say{Granted: Grant, Objected: Object, Lifted: Lift}[e.What]), "scope-words": b.named(ctx, e.Scope), "since": wording.Moment(e.At.In(b.Zone))}}
	waits, err := b.Outbox.Unsent(ctx, tx, p.ID, notify.AnswerReceived)
	if err != nil {
		return fmt.Errorf("confirming an answer: %w", err)
	}
	for _, w := range waits {
		if w.Tokens["choice"] != m.Tokens["choice"] || w.To != m.To || w.Via != m.Via {
			continue
		}
		if err := b.Outbox.Cancel(ctx, tx, p.ID, w.ID); err != nil {
			return err
		}
		// When the first was said it has waited for long enough.
		m.Due, m.Tokens = w.Due, together(w.Tokens, m.Tokens)
	}
	return b.Outbox.Plan(ctx, tx, p.ID, m)
}

// named gives a scope with the name of the partner that it is about.
func (b *Book) named(ctx context.Context, scope string) string {
	id, is := strings.CutPrefix(scope, partnerScope)
	if !is || b.Called == nil {
		return scope
	}
	return partnerScope + b.Called(ctx, id)
}

func (b *Book) confirmAfter(at time.Time) time.Duration {
	if b.Numbers == nil {
		return 0
	}
	return b.Numbers(at).ConfirmAfter
}

// several stands in a message for more scopes than one.
const several = "several"

// together joins what two confirmations say. The later moment stands.
func together(old, new map[string]string) map[string]string {
	scopes := []string{old["scope-words"], new["scope-words"]}
	switch {
	case slices.Contains(scopes, customer.Everything):
		new["scope-words"] = customer.Everything
	case scopes[0] != scopes[1]:
		new["scope-words"] = several
	}
	if strings.Compare(old["since"], new["since"]) > 0 {
		new["since"] = old["since"]
	}
	return new
}
