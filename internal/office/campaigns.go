package office

import (
	"context"
	"strings"

	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/export"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// openCampaigns opens the register of campaigns, and has the door ask it.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (o *Office) openCampaigns() {
	o.Campaigns = campaign.New(campaign.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Staff: o.Staff, Partners: o.Partners, Customers: o.Customers, Contacts: o.Contacts, Outbox: o.Outbox, Door: o.Door, Notices: o.Notices,
		Audience: o.Audience, Exporter: exporter{o}, Clock: o.Clock, Zone: o.Zone, Try: o.tryScript,
		Hush: o.hushCampaign})
	o.Door.Campaigns = o.Campaigns
}

// exporter makes the files of campaigns for partners.
type exporter struct{ o *Office }

// Check says why the file of a campaign could not be made.
//
// cite: P-15, P-40, P-41
func (x exporter) Check(ctx context.Context, e campaign.Export) error {
	return x.o.Exports.CheckCampaign(ctx, e.Campaign, e.Title, e.Question, e.Named, e.Columns)
}

// Begin puts the file of a campaign to work.
//
// cite: P-15, P-40, P-41, 47 CFR 64.2009(c)
func (x exporter) Begin(ctx context.Context, tx *store.Tx, e campaign.Export) ([]ledger.Entry, error) {
	_, entries, err := x.o.Exports.ForCampaign(ctx, tx, e.Campaign, e.Title, e.Question, e.Named, e.Columns, e.By, e.Second)
	return entries, err
}

// Halt ends it with its campaign.
//
// cite: P-40, P-41
func (x exporter) Halt(ctx context.Context, tx *store.Tx, campaign cpni.ID, by string) ([]ledger.Entry, error) {
	return x.o.Exports.HaltTx(ctx, tx, campaign, by)
}

// Progress tells how far the newest file of a campaign has come.
func (x exporter) Progress(ctx context.Context, of cpni.ID) (campaign.Exported, error) {
	all, err := x.o.Exports.OfCampaign(ctx, of)
	if err != nil || len(all) == 0 {
		return campaign.Exported{}, err
	}
	e := all[0]
	counts, err := x.o.Exports.Counts(ctx, e.ID)
	if err != nil {
		return campaign.Exported{}, err
	}
	p := campaign.Exported{Export: e.ID, Looked: e.Decided, Written: counts[""], Excluded: counts, Done: e.State != export.Proposed && e.State != export.Running}
	delete(p.Excluded, "")
	return p, nil
}

// goes says why a notice of rights, a message of a campaign, or one that tells of a breach must not go any more.
func (o *Office) goes(ctx context.Context, p *customer.Profile, m notify.Message) string {
	switch m.Kind {
	case notify.Campaign:
		return o.Campaigns.Goes(ctx, p, m)
	case notify.IncidentNotice:
		return o.Incidents.Goes(ctx, m)
	}
	return o.Notices.Goes(ctx, p, m)
}

// heard tells who asks what has become of a notice of rights, of a message of a campaign, of one that tells of a breach, or of what went to somebody whom a customer has named.
func (o *Office) heard(ctx context.Context, tx *store.Tx, of cpni.ID, m notify.Message, f notify.Fate) ([]ledger.Entry, error) {
	switch m.Kind {
	case notify.Campaign:
		return o.Campaigns.Heard(ctx, tx, of, m, f)
	case notify.IncidentNotice:
		return o.Incidents.Heard(ctx, tx, of, m, f)
	case notify.DesigneeRecords:
		return o.Written.Unreachable(ctx, tx, of, m, f)
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
