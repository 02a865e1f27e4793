package office

import (
	"context"
	"strings"

	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// openCampaigns opens the register of campaigns, and has the door ask it.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (o *Office) openCampaigns() {
	if o.Audience == nil {
		o.Audience = oneByOne{o}
	}
	o.Campaigns = campaign.New(campaign.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Staff: o.Staff, Partners: o.Partners, Customers: o.Customers, Contacts: o.Contacts, Outbox: o.Outbox, Door: o.Door, Notices: o.Notices,
		Audience: o.Audience, Clock: o.Clock, Zone: o.Zone, Try: o.tryScript})
	o.Door.Campaigns = o.Campaigns
}

// goes says why a notice of rights, or a message of a campaign, must not go any more.
func (o *Office) goes(ctx context.Context, p *customer.Profile, m notify.Message) string {
	if m.Kind == notify.Campaign {
		return o.Campaigns.Goes(ctx, p, m)
	}
	return o.Notices.Goes(ctx, p, m)
}

// heard tells who asks what has become of a notice of rights, or of a message of a campaign.
func (o *Office) heard(ctx context.Context, tx *store.Tx, of cpni.ID, m notify.Message, f notify.Fate) ([]ledger.Entry, error) {
	if m.Kind == notify.Campaign {
		return o.Campaigns.Heard(ctx, tx, of, m, f)
	}
	return o.Notices.Heard(ctx, tx, of, m, f)
}

// campaignTokens are those of a campaign's message: its script, in the customer's language, and where a refusal needs no sign-in.
//
// cite: P-12, P-27, P-40
func (o *Office) campaignTokens(m notify.Message, p *customer.Profile) map[string]string {
	language := m.Language
	if language == "" && p != nil {
		language = p.Language
	}
	language, _, _ = strings.Cut(strings.ToLower(language), "-")
	s, err := o.Campaigns.Words(context.Background(), m.Run, language)
	if err != nil {
		return nil // the template refuses to be written without its words, and the message is tried again
	}
	all := s.Tokens()
	if m.Via == cpni.Postal { // nobody has to type a link from paper
		all["link"] = o.Carrier.Address + RefusePage
	}
	return all
}

// tryScript writes a message of a campaign as customers of a language would get it.
//
// cite: P-27, P-40
func (o *Office) tryScript(via cpni.Via, language string, s campaign.Script) error {
	tokens := s.Tokens()
	for name, text := range map[string]string{"carrier": o.Carrier.Name, "telephone": o.Carrier.Phone, "link": o.Carrier.Address + ChoicesLink + o.Outbox.Token(cpni.NewID()), "short-code": o.Outbox.Number(cpni.NewID())} {
		tokens[name] = text
	}
	if via == cpni.Postal {
		tokens["link"] = o.Carrier.Address + RefusePage
	}
	_, err := o.Editions.Write(notify.Campaign, via, language, tokens)
	return err
}
