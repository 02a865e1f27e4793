package office

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
)

// Carrier is what messages to customers say of who writes them.
//
// cite: P-12, P-27
type Carrier struct {
	Name  string
	Phone string
	Email string
	Web   string
	// Address is where customers reach this server, such as https://account.carrier.example; links in messages begin with it.
	Address string
}

// Where links in messages lead. They are short because a text message has few letters.
const (
	NotMeLink   = "/n/"
	RecordsLink = "/r/"
	GivenLink   = "/g/" // to records that a customer gives to somebody they named
	// ChoicesLink is where who got a notice refuses without signing in. RefusePage does the same for who names themselves.
	ChoicesLink = "/c/"
	RefusePage  = "/account/refuse"
)

// messages makes the carrier of messages.
func (o *Office) messages(c Config) *notify.Carrier {
	return notify.NewCarrier(notify.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Outbox: o.Outbox, Customers: o.Customers, Clock: o.Clock, Zone: o.Zone,
		Numbers: numbersOf(o.Policy, notify.RulesOf), Writer: o.Editions,
		Answered: o.Answers.Replied, Mobile: o.Answers,
		Called: o.Contacts.Called, Enclose: o.Door.Enclose,
		Tokens: map[string]string{"carrier": c.Carrier.Name, "telephone": c.Carrier.Phone},
		Adds:   o.tokens,
		Again:  o.writtenThen,
		Still:  o.Contacts.Still, Hidden: o.Contacts.Hidden, Instead: o.instead, Heard: o.heard, Goes: o.goes,
		NotMe: func(ctx context.Context, of cpni.ID, m notify.Message) error {
			return o.Contacts.NotMe(ctx, of, m, contact.ByCall)
		},
	})
}

// instead plans the form that takes the place of a message that did not arrive.
func (o *Office) instead(ctx context.Context, p *customer.Profile, m notify.Message, now time.Time) *notify.Message {
	if m.Kind == notify.IncidentNotice {
		return o.Incidents.Instead(ctx, p, m, now)
	}
	if notify.IsNotice(m.Kind) {
		return o.Notices.Instead(ctx, p, m, now)
	}
	return o.Contacts.Instead(p, m, now)
}

// Reach says by what messages are carried, before Run: the channels may need the open office themselves.
func (o *Office) Reach(channels map[cpni.Via]notify.Channel) {
	o.Messages.Channels = channels
	if channels[cpni.Voice] != nil {
		o.Contacts.HasSwitch()
	}
}

// sourceOf gives what is kept under a version of words.
func (o *Office) sourceOf(version string) ([]byte, error) {
	return o.Outbox.Source(context.Background(), version)
}

// keepWording stores the templates that are in use, by their versions.
func (o *Office) keepWording(ctx context.Context) error {
	all := map[string]func() []byte{}
	for _, t := range o.Wording.Templates() {
		all[t.Version()] = t.Source
	}
	return o.Outbox.Keep(ctx, all)
}

// writtenThen writes a message by the template of a version that was in use once.
func (o *Office) writtenThen(ctx context.Context, version string, tokens map[string]string) (notify.Words, error) {
	source, err := o.Outbox.Source(ctx, version)
	if err != nil {
		return notify.Words{}, err
	}
	if source == nil {
		return notify.Words{}, errors.New("the template by which the message was written is not kept")
	}
	t, err := wording.Parse(source)
	if err != nil {
		return notify.Words{}, err
	}
	return t.Write(tokens)
}

// tokens are those of one message that follow from what it is.
//
// cite: P-23, P-27
func (o *Office) tokens(_ cpni.ID, m notify.Message, p *customer.Profile) map[string]string {
	all := map[string]string{"when": wording.Moment(m.At.In(o.Zone)), "short-code": o.Outbox.Number(m.ID)}
	if link := map[string]string{notify.AccountChange: NotMeLink, notify.Records: RecordsLink, notify.DesigneeRecords: GivenLink, notify.OptOutNotice: ChoicesLink, notify.OptInRequest: ChoicesLink, notify.Campaign: ChoicesLink}[m.Kind]; link != "" {
		all["link"] = o.Carrier.Address + link + o.Outbox.Token(m.ID)
	}
	if notify.IsNotice(m.Kind) || m.Kind == notify.AnswerReceived || m.Kind == notify.AnswerHow {
		maps.Copy(all, o.NoticeTokens(m.ID))
	}
	if m.Kind == notify.OptOutNotice { // a refusal needs no sign-in; nobody has to type a link from paper
		all["answer-web"] = map[bool]string{true: o.Carrier.Address + RefusePage, false: all["link"]}[m.Via == cpni.Postal]
	}
	if m.Kind == notify.IncidentNotice {
		language := m.Language
		if language == "" && p != nil {
			language = p.Language
		}
		maps.Copy(all, o.incidentTokens(m, language))
	}
	if m.Kind == notify.Campaign {
		maps.Copy(all, o.campaignTokens(m, p))
	}
	if !m.Until.IsZero() {
		all["until"] = wording.Moment(m.Until.In(o.Zone))
		all["minutes"] = strconv.Itoa(max(1, int(m.Until.Sub(m.At)/time.Minute)))
	}
	return all
}
