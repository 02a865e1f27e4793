// Package approval tells where a customer's approval of a use stands, and takes objections. What can never be consent —
// a signature, continued service, an old file, a partner's word — is refused here.
//
// cite: P-10, P-14, P-26, P-36, P-57, 47 CFR 64.2007
package approval

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
)

// ScopeOf names the scope that a purpose and recipient need.
func ScopeOf(purpose cpni.Purpose, data []cpni.DataClass, recipient rules.Recipient) string {
	switch {
	case slices.Contains(data, cpni.Location):
		return "location:" + string(purpose)
	case recipient.Kind == cpni.ToPartner && (recipient.Class == cpni.Agent || recipient.Class == cpni.AffiliateComm) && purpose == cpni.OwnMarketing:
		return string(cpni.OwnMarketing)
	case recipient.Kind == cpni.ToPartner:
		return "partner:" + recipient.Partner
	case purpose == cpni.OtherMarketing:
		return string(cpni.OtherMarketing)
	}
	return string(cpni.OwnMarketing)
}

// Standing gives where the customer's approval stands for this purpose and recipient at the moment at. renotice is how
// many months an opt-out notice carries.
//
// cite: P-36, P-58, 47 CFR 64.2007(a)(2), 47 CFR 64.2008(d)(2)
func Standing(p *customer.Profile, purpose cpni.Purpose, data []cpni.DataClass, recipient rules.Recipient, at time.Time, renotice int) rules.Approval {
	scope := ScopeOf(purpose, data, recipient)
	out := rules.Approval{State: cpni.Unnotified}
	rank := -1
	for _, a := range p.Approvals {
		covers := a.Scope == scope || a.Scope == customer.Everything
		if !covers {
			if a.State == cpni.OptInOK && recipient.Kind == cpni.ToPartner && len(a.Scope) > 8 && a.Scope[:8] == "partner:" {
				out.OtherTuple = true
			}
			continue
		}
		state := now(a, at, renotice)
		// A later affirmative act that is narrower than a denial lifts its own scope alone.
		score := weight(state)
		if state == cpni.Denied && a.Scope == customer.Everything && lifted(p, scope, a.Since) {
			continue
		}
		if score <= rank {
			continue
		}
		rank = score
		out.State, out.Since, out.Matures, out.NoticeAt = state, a.Since, a.Matures, a.NoticeAt
		out.NamesRecipient = recipient.Partner == "" || slices.Contains(a.Names, recipient.Partner) || a.Scope == "partner:"+recipient.Partner
		out.ExpressPrior = state == cpni.OptInOK && a.Scope == scope
	}
	return out
}

// weight orders states by precedence: a denial first, then opt-in, then opt-out.
func weight(s cpni.ApprovalState) int {
	return slices.Index([]cpni.ApprovalState{cpni.Unnotified, cpni.RenoticeDue, cpni.Waiting, cpni.OptOutOK, cpni.OptInOK, cpni.Denied}, s)
}

// now moves a stored state to the moment at: waits mature and notices age.
func now(a customer.Approval, at time.Time, renotice int) cpni.ApprovalState {
	state := a.State
	if state == cpni.Waiting && !a.Matures.IsZero() && !at.Before(a.Matures) {
		state = cpni.OptOutOK
	}
	if state == cpni.OptOutOK && renotice > 0 && !a.NoticeAt.IsZero() && !at.Before(a.NoticeAt.AddDate(0, renotice, 1)) {
		state = cpni.RenoticeDue
	}
	return state
}

func lifted(p *customer.Profile, scope string, denied time.Time) bool {
	return slices.ContainsFunc(p.Approvals, func(a customer.Approval) bool {
		return a.Scope == scope && a.State == cpni.OptInOK && a.Since.After(denied)
	})
}

// Object records a customer's objection; it counts from the moment it is received and identifies, rather than proves,
// the customer.
//
// cite: P-11, P-12, P-14
func Object(ctx context.Context, book *customer.Book, id cpni.ID, scope, via, by string, at time.Time) error {
	if scope == "" {
		scope = customer.Everything
	}
	_, err := book.Update(ctx, id, func(p *customer.Profile) (customer.Change, error) {
		p.Approvals = slices.DeleteFunc(p.Approvals, func(a customer.Approval) bool {
			return a.Scope == scope || scope == customer.Everything
		})
		p.Approvals = append(p.Approvals, customer.Approval{Scope: scope, State: cpni.Denied, Since: at})
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
