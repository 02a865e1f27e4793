package contact

import (
	"context"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
)

// Consent is what a customer answered when they were asked, on a call, whether their information may be used for the
// rest of that call. It changes nothing in what they have agreed to or refused before.
//
// cite: P-14, 47 USC 222(d)(3), 47 CFR 64.2008(f)
type Consent struct {
	Contact   cpni.ID
	Yes       bool
	Purposes  []cpni.Purpose // that the words named; none is needed for a no
	Partners  []string       // companies that the words named, by their ids
	Script    string         // version of the words that were read
	Read      bool           // the agent attests that all of them were read, and that the answer is the customer's
	Recording string         // of the call, by its id; "" without one
}

// Asked is how a contact's question for a one-time consent ended.
type Asked struct {
	At     time.Time `json:"at"`
	Yes    bool      `json:"yes"`
	Script string    `json:"script"`
}

// The longest id of a recording and version of a script, in bytes.
const longestReference = 100

// oneTimePurposes are those for which a customer can agree by word of mouth for a call.
var oneTimePurposes = []cpni.Purpose{cpni.InboundMarketing, cpni.OwnMarketing, cpni.OtherMarketing, cpni.PartnerMarketing}

func (c Consent) check() *cpni.Refusal {
	switch {
	case len(c.Script) > longestReference || len(c.Recording) > longestReference || !printable(c.Recording):
		return badInput("the id of the recording is longer than any", "give the id alone", "P-28")
	case !c.Yes:
		return nil
	case c.Script == "" || !c.Read:
		return reject("CONSENT_EVIDENCE", "nobody attests that the whole text was read to the customer, and the burden of proof is ours", []string{"47 CFR 64.2007(a)(1)", "47 CFR 64.2008(f)"},
			"read the text to the end, then take the answer")
	case len(c.Purposes) == 0 || slices.ContainsFunc(c.Purposes, func(p cpni.Purpose) bool { return !slices.Contains(oneTimePurposes, p) }):
		return reject("SCOPE", "a consent for one call is for marketing, and names for what", []string{"47 CFR 64.2008(f)", "47 CFR 64.2008(c)(2)"}, "name the purposes that the text names")
	}
	if slices.Contains(c.Purposes, cpni.PartnerMarketing) != (len(c.Partners) > 0) {
		return reject("SCOPE", "a consent for what other companies receive on a call names them", []string{"P-15", "47 CFR 64.2008(f)"}, "read the text that names them")
	}
	return nil
}

// Consent records the answer. A yes counts in its contact and dies with it; a no ends the matter for this contact, and
// takes a yes of before away. Neither touches service or what the customer has said before.
//
// cite: P-13, P-14, P-28, I-16, 47 CFR 64.2007(a)(1), 47 CFR 64.2007(a)(3), 47 CFR 64.2008(f)
func (d *Desk) Consent(ctx context.Context, c Consent) (*State, error) {
	s, _, err := d.Get(ctx, c.Contact)
	if err != nil {
		return nil, err
	}
	if r := c.check(); r != nil {
		return nil, r
	}
	return d.change(ctx, s.Customer, s.ID, func(_ context.Context, _ *store.Tx, now time.Time, s *State, _ *customer.Profile) (ledger.Entry, any, error) {
		if r := d.mayConsent(s, c, now); r != nil {
			return ledger.Entry{}, nil, r
		}
		said := "no"
		s.OneTime = nil
		if c.Yes {
			said = "yes"
			s.OneTime = &rules.OneTimeConsent{At: now, Purposes: c.Purposes, Partners: c.Partners, Evidence: true}
		}
		s.Asked = &Asked{At: now, Yes: c.Yes, Script: c.Script}
		names := make([]string, len(c.Purposes))
		for i, p := range c.Purposes {
			names[i] = string(p)
		}
		return ledger.Entry{Kind: ledger.Change, Outcome: cpni.OK}, map[string]string{"what": consentAsked, "answer": said, "script": c.Script, "purposes": strings.Join(names, " "),
			"recording": c.Recording, "partners": strings.Join(c.Partners, " ")}, nil
	})
}

// consentAsked names the record of a one-time consent.
const consentAsked = "one-time consent"

// mayConsent says why an answer does not count in a contact; nil when it does. A no is always taken.
func (d *Desk) mayConsent(s *State, c Consent, now time.Time) *cpni.Refusal {
	switch {
	case !c.Yes:
		return nil
	case s.Channel != cpni.Phone:
		return reject("CHANNEL", "a consent by word of mouth for one call needs a call", []string{"47 CFR 64.2008(f)"}, "send the customer a notice and let them answer it")
	case s.Asked != nil && !s.Asked.Yes:
		return reject("DENIED", "the customer has said no in this contact, and is not asked again in it", []string{"P-13", "47 CFR 64.2008(c)(9)"}, "go on with what they called for")
	}
	return d.unproved(s, now)
}
