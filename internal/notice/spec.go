// Package notice gives customers the notices of their rights: what each says and to whom, run by run, and for each customer the
// proof that it was given. A notice that comes back counts as not given, and another form goes out in its place.
//
// cite: P-02, P-12, P-26, P-27, 47 CFR 64.2008
package notice

import (
	"slices"
	"strings"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Ways by which a notice is given.
const (
	ByEmail  = "email"
	ByPostal = "postal"
	ByInsert = "bill-insert" // with the bill, which the billing system sends
	ByPortal = "portal"      // shown to a customer who is signed in
	ByWord   = "oral"        // read to the customer; never one whose silence counts
)

// Ways lists them.
var Ways = []string{ByEmail, ByPostal, ByInsert, ByPortal, ByWord}

// Recipient is a company that a notice names.
//
// cite: P-15, 47 CFR 64.2008(c)(2)
type Recipient struct {
	ID    string            `json:"id"`
	Name  string            `json:"name"`
	Class cpni.PartnerClass `json:"class,omitempty"` // unset: an independent contractor
}

// Spec is what a notice says, and by which ways it goes.
//
// cite: P-26, P-27, 47 CFR 64.2008(c)
type Spec struct {
	Kind       string           `json:"kind"` // approval.OptOut or approval.OptIn
	Purposes   []cpni.Purpose   `json:"purposes,omitempty"`
	Data       []cpni.DataClass `json:"data,omitempty"` // none: what its purposes need, but for call location
	Recipients []Recipient      `json:"recipients,omitempty"`
	Wait       int              `json:"wait,omitempty"` // days that it gives; 0: the law's
	Ways       []string         `json:"ways,omitempty"` // in the order in which they are tried; none: e-mail, then post
	// Edition is the version of the words; "" those that are in use when it goes.
	Edition string `json:"edition,omitempty"`
}

// complete gives what follows when something is not said: the carrier's own marketing, by e-mail to those who have agreed to that,
// and by post to the others.
func (s Spec) complete() Spec {
	if len(s.Purposes) == 0 {
		switch {
		case s.Kind == approval.OptIn && len(s.Recipients) > 0:
			s.Purposes = []cpni.Purpose{cpni.PartnerMarketing}
		default:
			s.Purposes = []cpni.Purpose{cpni.OwnMarketing}
		}
	}
	if len(s.Ways) == 0 {
		s.Ways = []string{ByEmail, ByPostal}
	}
	return s
}

// Scopes are those of approval that the notice tells of.
//
// cite: P-36, 47 CFR 64.2008(c)(2), 47 USC 222(f)
func (s Spec) Scopes() []string {
	var all []string
	add := func(scope string) {
		if approval.ValidScope(scope) && !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	for _, p := range s.Purposes {
		switch p {
		case cpni.OwnMarketing, cpni.OtherMarketing:
			add(string(p))
			// Who is neither an agent nor an affiliate of the trade receives as a company of its own, also for our marketing.
			for _, r := range s.Recipients {
				if r.Class != cpni.Agent && (r.Class != cpni.AffiliateComm || p != cpni.OwnMarketing) {
					add("partner:" + r.ID)
				}
			}
		case cpni.PartnerMarketing:
			for _, r := range s.Recipients {
				add("partner:" + r.ID)
			}
		}
		if slices.Contains(s.Data, cpni.Location) {
			add("location:" + string(p))
		}
	}
	return all
}

// Names are the ids of the companies that it names.
func (s Spec) Names() []string {
	all := make([]string, len(s.Recipients))
	for i, r := range s.Recipients {
		all[i] = r.ID
	}
	return all
}

// covers are the classes of information that an approval which rests on it covers; none: no class was named.
func (s Spec) covers() []cpni.DataClass {
	return slices.DeleteFunc(slices.Clone(s.Data), func(c cpni.DataClass) bool { return c == cpni.Location })
}

// Message is the kind of the message by which a notice is given.
func (s Spec) Message() string {
	if s.Kind == approval.OptIn {
		return notify.OptInRequest
	}
	return notify.OptOutNotice
}

var (
	errKind = cpni.Rejected("CONFIG", "a notice is opt-out, after which silence counts, or opt-in, to which only a yes does", []string{"P-26", "47 CFR 64.2008"}, "say which")
	errOral = cpni.Rejected("ORAL", "a notice after which silence counts is given in writing", []string{"P-26", "47 CFR 64.2008(d)"}, "send it by e-mail or post", "ask on the call for a consent that ends with it")
	errWays = cpni.Rejected("CONFIG", "a notice goes by e-mail, by post, with the bill or in the portal", []string{"47 CFR 64.2008(b)"}, "name ways out of email, postal, bill-insert and portal")
	errWait = cpni.Rejected("NOTICE_N16", "the wait that the notice gives is shorter than the law allows", []string{"P-26", "47 CFR 64.2008(d)(1)"}, "give at least as many days as the profile cpni-core says")
	errFor  = cpni.Rejected("NOTICE_N05", "a notice tells for what the information would be used", []string{"P-26", "47 CFR 64.2008(c)(2)"}, "name own-marketing, other-marketing or partner-marketing")
	errWho  = cpni.Rejected("NOTICE_N04", "a notice about what partners receive names each of them", []string{"P-15", "47 CFR 64.2008(c)(2)"}, "name the partners by their ids on the register")
)

// check refuses what no notice can say, whatever its words.
func (s Spec) check(r approval.Rules) *cpni.Refusal {
	switch {
	case s.Kind != approval.OptOut && s.Kind != approval.OptIn:
		return errKind
	case slices.Contains(s.Ways, ByWord) && s.Kind == approval.OptOut:
		return errOral
	case slices.ContainsFunc(s.Ways, func(w string) bool { return !slices.Contains(Ways, w) }):
		return errWays
	case s.Kind == approval.OptOut && s.Wait != 0 && s.Wait < r.Wait:
		return errWait
	case len(s.Scopes()) == 0 && slices.Contains(s.Purposes, cpni.PartnerMarketing):
		return errWho
	case len(s.Scopes()) == 0:
		return errFor
	case slices.ContainsFunc(s.Recipients, func(r Recipient) bool { return strings.TrimSpace(r.Name) == "" || r.ID == "" }):
		return errWho
	}
	return nil
}
