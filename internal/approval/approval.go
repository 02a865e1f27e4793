// Package approval tells where a customer's approval of a use stands, and takes objections. What can never be consent —
// a signature, continued service, an old file, a partner's word — is refused here.
//
// cite: P-10, P-14, P-26, P-36, P-57, 47 CFR 64.2007
package approval

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// ScopeOf names the scope that a purpose and recipient need.
func ScopeOf(purpose cpni.Purpose, data []cpni.DataClass, recipient rules.Recipient) string {
	switch {
	case slices.Contains(data, cpni.Location):
		return locationScope + string(purpose)
	case recipient.Kind == cpni.ToPartner && (recipient.Class == cpni.Agent || recipient.Class == cpni.AffiliateComm) && purpose == cpni.OwnMarketing:
		return string(cpni.OwnMarketing)
	case recipient.Kind == cpni.ToPartner:
		return partnerScope + recipient.Partner
	case purpose == cpni.OtherMarketing:
		return string(cpni.OtherMarketing)
	}
	return string(cpni.OwnMarketing)
}

// Standing gives where the customer's approval stands for this purpose and recipient at the moment at. renotice is how
// many months an opt-out notice carries; its dates are those of the zone of at, which is the carrier's. Where location and
// other information are asked for together both need approval, and the answer is that of the one that has less.
//
// cite: P-36, P-58, 47 CFR 64.2007(a)(2), 47 CFR 64.2008(d)(2), 47 USC 222(f)
func Standing(p *customer.Profile, purpose cpni.Purpose, data []cpni.DataClass, recipient rules.Recipient, at time.Time, renotice int) rules.Approval {
	p = remembered(p, at)
	out := standing(p, ScopeOf(purpose, data, recipient), recipient, at, renotice)
	rest := slices.DeleteFunc(slices.Clone(data), func(c cpni.DataClass) bool { return c == cpni.Location })
	if len(rest) == 0 || len(rest) == len(data) {
		return out
	}
	other := standing(p, ScopeOf(purpose, rest, recipient), recipient, at, renotice)
	if slices.Index(byGrant, other.State) < slices.Index(byGrant, out.State) {
		other.ExpressPrior = out.ExpressPrior
		return other
	}
	return out
}

// byGrant orders states by how much they allow.
var byGrant = []cpni.ApprovalState{cpni.Denied, cpni.Unnotified, cpni.RenoticeDue, cpni.Waiting, cpni.OptOutOK, cpni.OptInOK}

func standing(p *customer.Profile, scope string, recipient rules.Recipient, at time.Time, renotice int) rules.Approval {
	out := rules.Approval{State: cpni.Unnotified}
	rank := -1
	for _, a := range p.Approvals {
		if a.Scope != scope && a.Scope != customer.Everything {
			out.OtherTuple = out.OtherTuple || a.State == cpni.OptInOK && recipient.Kind == cpni.ToPartner && strings.HasPrefix(a.Scope, partnerScope)
			continue
		}
		state := now(a, at, renotice)
		// A later affirmative act that is narrower than a denial lifts its own scope alone; and only a denial is about all.
		if a.Scope == customer.Everything && (state != cpni.Denied || lifted(p, scope, a.Since)) {
			continue
		}
		score := weight(state)
		if score <= rank {
			continue
		}
		rank = score
		out.State, out.Since, out.Matures, out.NoticeAt = state, a.Since, a.Matures, a.NoticeAt
		out.NamesRecipient = recipient.Partner == "" || slices.Contains(a.Names, recipient.Partner) || a.Scope == partnerScope+recipient.Partner
		out.ExpressPrior = state == cpni.OptInOK && a.Scope == scope
	}
	return out
}

// weight orders states by precedence: a denial first, then opt-in, then opt-out.
func weight(s cpni.ApprovalState) int {
	return slices.Index([]cpni.ApprovalState{cpni.Unnotified, cpni.RenoticeDue, cpni.Waiting, cpni.OptOutOK, cpni.OptInOK, cpni.Denied}, s)
}

// now moves a stored state to the moment at: waits mature and notices age. What silence allows rests on a notice; where
// none is on record there is none.
//
// cite: P-26, I-15, 47 CFR 64.2003(l), 47 CFR 64.2008(d)
func now(a customer.Approval, at time.Time, renotice int) cpni.ApprovalState {
	state := a.State
	if state != cpni.Waiting && state != cpni.OptOutOK {
		return state
	}
	switch {
	case a.NoticeAt.IsZero() || at.Before(a.NoticeAt):
		return cpni.Unnotified
	case state == cpni.Waiting && (!a.Matures.After(a.NoticeAt) || at.Before(a.Matures)):
		return cpni.Waiting
	case renotice > 0 && !at.Before(lapses(a.NoticeAt, at.Location(), renotice)):
		return cpni.RenoticeDue
	}
	return cpni.OptOutOK
}

// lapses is the first moment at which a notice carries no more: the day after the day by which it is to be given again.
// A notice of the last days of a long month is due again by the last day of a short one.
//
// cite: P-58, V48, V49, 47 CFR 64.2008(d)(2)
func lapses(notice time.Time, zone *time.Location, months int) time.Time {
	given := workday.DateIn(notice, zone)
	due := workday.On(given.Year, given.Month+time.Month(months), given.Day)
	if last := workday.On(given.Year, given.Month+time.Month(months)+1, 0); last.Before(due) {
		due = last
	}
	return due.End(zone)
}

func lifted(p *customer.Profile, scope string, denied time.Time) bool {
	return slices.ContainsFunc(p.Approvals, func(a customer.Approval) bool {
		return a.Scope == scope && a.State == cpni.OptInOK && a.Since.After(denied)
	})
}

const (
	partnerScope  = "partner:"
	locationScope = "location:"
)

var partnerForm = regexp.MustCompile(`^partner:[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$`)

// ValidScope reports whether scope is one that a customer can approve or refuse: own-marketing, other-marketing,
// partner:ID, location:PURPOSE, or everything.
//
// cite: P-11, P-36
func ValidScope(scope string) bool {
	if purpose, ok := strings.CutPrefix(scope, locationScope); ok {
		return slices.Contains(cpni.Purposes, cpni.Purpose(purpose))
	}
	return slices.Contains([]string{string(cpni.OwnMarketing), string(cpni.OtherMarketing), customer.Everything}, scope) || partnerForm.MatchString(scope)
}

// longestVia is the most bytes of the word that says how an objection came.
const longestVia = 40

// Object records a customer's objection; it counts from the moment it is received and identifies, rather than proves,
// the customer. What was refused before stays refused.
//
// cite: P-11, P-12, P-14, I-14
func Object(ctx context.Context, book *customer.Book, id cpni.ID, scope, via, by string, at time.Time) error {
	if scope == "" {
		scope = customer.Everything
	}
	switch {
	case !ValidScope(scope):
		return cpni.Rejected("CONFIG", "that is no scope of approval", []string{"P-11"}, "name own-marketing, other-marketing, partner:ID, location:PURPOSE or everything")
	case at.IsZero() || len(via) > longestVia:
		return cpni.Rejected("BAD_INPUT", "an objection says when it was received, and in one word how", []string{"P-12"}, "give the moment, and email, portal, phone, postal, store or sms")
	}
	_, err := book.Update(ctx, id, func(p *customer.Profile) (customer.Change, error) {
		denial := customer.Approval{Scope: scope, State: cpni.Denied, Since: at}
		p.Approvals = slices.DeleteFunc(p.Approvals, func(a customer.Approval) bool {
			if a.Scope == scope && a.State == cpni.Denied && a.Since.After(denial.Since) {
				denial.Since = a.Since // one that was received later has been recorded first
			}
			return a.Scope == scope || scope == customer.Everything && a.State != cpni.Denied
		})
		p.Approvals = append(p.Approvals, denial)
		return customer.Change{Actor: by, What: "objection", Detail: map[string]string{"what": "objection", "scope": scope, "via": via}}, nil
	})
	return err
}

// Import refuses what can never be consent; nothing else is imported.
//
// cite: P-10, P-57, 47 CFR 64.2003(k), 47 CFR 64.2007(a)(1)
func Import(basis string) error {
	switch basis {
	case "partner-says":
		return cpni.Rejected("CONSENT_EVIDENCE", "another company's word that a customer agreed is no evidence of it", []string{"P-36", "47 CFR 64.2007(a)(1)"},
			"obtain the customer's own answer to a notice and keep it")
	case "signature", "continued-service", "legacy-contract":
		return cpni.Rejected("NOT_CONSENT", "a signature, staying a customer, or an old contract is not an answer to a notice", []string{"P-10", "P-57", "47 CFR 64.2003(k)"},
			"send the customer an individual notice and wait for the answer or the waiting period")
	}
	return cpni.Rejected("CONFIG", "that is no known basis of an approval", []string{"P-10"}, "name signature, continued-service, legacy-contract or partner-says")
}
