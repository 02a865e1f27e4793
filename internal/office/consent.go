package office

import (
	"context"
	"errors"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// Script gives what is read to customers today, by its id; ok is false when the policy has no such script.
func (o *Office) Script(id string) (s rules.Script, ok bool) {
	set, _ := o.Policy.Current()
	return set.Script(id, workday.DateIn(o.Clock.Now(), o.Zone))
}

// ConsentScript gives what is read to ask for consent for one call: when partners would receive, the text that names them.
// ok is false when the policy has none.
//
// cite: P-15, P-28, 47 CFR 64.2008(f)
func (o *Office) ConsentScript(ctx context.Context, partners ...string) (s rules.Script, ok bool, err error) {
	if len(partners) == 0 {
		s, ok = o.Script(rules.OneTimeScript)
		return s, ok, nil
	}
	names := make([]string, len(partners))
	for i, id := range partners {
		p, _, err := o.Partners.Recent(ctx, id)
		if errors.Is(err, partner.ErrNoPartner) {
			return s, false, cpni.Rejected("UNKNOWN_RECIPIENT", "there is no such partner on the register", []string{"P-15"}, "name partners by their ids")
		}
		if err != nil {
			return s, false, err
		}
		names[i] = p.Called()
	}
	s, ok = o.Script(rules.OneTimePartnerScript)
	return s.Naming(names...), ok, nil
}

// OneTimeConsent records what a customer answered on a call to the script that is in force. A yes counts for the purposes
// that the script names, for the companies that were named, and not to words that are read no longer.
//
// cite: P-15, P-28, V82, 47 CFR 64.2007(a)(1), 47 CFR 64.2008(f)
func (o *Office) OneTimeConsent(ctx context.Context, c contact.Consent) (*contact.State, error) {
	c.Purposes = nil
	if !c.Yes {
		c.Partners = nil
		return o.Contacts.Consent(ctx, c)
	}
	s, ok, err := o.ConsentScript(ctx, c.Partners...)
	if err != nil {
		return nil, err
	}
	if !ok || c.Script != s.Version {
		return nil, cpni.Rejected("CONSENT_EVIDENCE", "these are not the words that are read now", []string{"47 CFR 64.2007(a)(1)", "47 CFR 64.2008(f)"}, "reload the page, read the text that it shows, and take the answer to that")
	}
	c.Purposes = s.Purposes
	return o.Contacts.Consent(ctx, c)
}
