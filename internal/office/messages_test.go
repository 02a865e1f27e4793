package office_test

import (
	"context"
	"strings"
	"testing"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Every kind of message can be written in both languages with what the office gives, and a message of an earlier template
// is shown as it was.
//
// cite: P-23, P-27
func TestEveryMessageCanBeWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		of := o.Customer(t).ID
		tokens := map[string]map[string]string{notify.VerificationCode: {"code": "123456"}, notify.AccountChange: {"what": "postal address"},
			notify.NotMeReceived: {"what": "postal address"}, notify.NotMeSettled: {"what": "postal address", "outcome": "undone"},
			notify.Campaign:       {"offer-subject": "A larger plan", "offer": "Call everywhere in the country for $10 a month more.", "offer-short": "A larger plan."},
			notify.IncidentNotice: (&breach.Words{Texts: breachWords.Texts, When: "..2026-11-20", Data: []string{"call-detail", "personal"}}).Tokens("en"),
			notify.AnswerReceived: {"choice": "object", "scope-words": "everything", "since": "2026-11-25T14:05:00-05:00[America/New_York]", "answer-web": "https://carrier.example/choices", "number": "730518"}}
		o.Messages.Enclose = nil // nothing was decided that could be enclosed
		for _, x := range o.Wording.Templates() {
			if x.Kind() == notify.OptOutNotice || x.Kind() == notify.OptInRequest {
				continue // an edition writes them, and not the template
			}
			m := notify.Message{ID: cpni.NewID(), Kind: x.Kind(), Via: x.Via(), To: "somewhere", Language: x.Language(), Tokens: tokens[x.Kind()], At: o.Clock.Now(), Until: o.Clock.Now().Add(600e9)}
			p, err := o.Messages.Preview(t.Context(), of, m)
			if err != nil {
				t.Errorf("%s %s %s: %v", x.Kind(), x.Via(), x.Language(), err)
				continue
			}
			if p.Version != x.Version() || p.Text == "" && len(p.Spoken) == 0 {
				t.Errorf("%s %s %s says %+v", x.Kind(), x.Via(), x.Language(), p.Words)
			}
			// The same under a name of its own, as if another version were in use today.
			m.Wording = strings.ToUpper(x.Version())
			if err := o.Outbox.Keep(context.Background(), map[string]func() []byte{m.Wording: x.Source}); err != nil {
				t.Fatal(err)
			}
			again, err := o.Messages.Preview(t.Context(), of, m)
			if err != nil || again.Text != p.Text || again.HTML != p.HTML || len(again.Spoken) != len(p.Spoken) {
				t.Errorf("%s %s %s is shown as %+v, %v", x.Kind(), x.Via(), x.Language(), again.Words, err)
			}
			m.Wording = "unknown"
			if _, err := o.Messages.Preview(t.Context(), of, m); err == nil {
				t.Error("a message of a template that nobody has was shown")
			}
		}
	})
}
