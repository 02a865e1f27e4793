package office

import (
	"context"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// Script gives what is read to customers today, by its id; ok is false when the policy has no such script.
func (o *Office) Script(id string) (s rules.Script, ok bool) {
	set, _ := o.Policy.Current()
	return set.Script(id, workday.DateIn(o.Clock.Now(), o.Zone))
}

// OneTimeConsent records what a customer answered on a call to the script that is in force. A yes counts for the purposes
// that the script names, and not to words that are read no longer.
//
// cite: P-28, 47 CFR 64.2007(a)(1), 47 CFR 64.2008(f)
func (o *Office) OneTimeConsent(ctx context.Context, c contact.Consent) (*contact.State, error) {
	s, ok := o.Script(rules.OneTimeScript)
	if c.Yes && (!ok || c.Script != s.Version) {
		return nil, cpni.Rejected("CONSENT_EVIDENCE", "these are not the words that are read now", []string{"47 CFR 64.2007(a)(1)", "47 CFR 64.2008(f)"}, "reload the page, read the text that it shows, and take the answer to that")
	}
	c.Purposes = nil
	if c.Yes {
		c.Purposes = s.Purposes
	}
	return o.Contacts.Consent(ctx, c)
}
