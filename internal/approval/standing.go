package approval

import (
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// Terms are what an approval is judged by beside the customer's own.
type Terms struct {
	// RenoticeMonths is how many months an opt-out notice carries; 0: without end.
	RenoticeMonths int
	// Additions are what the published policy has come to cover since it was first published.
	Additions []Addition
}

// Addition is a purpose, a recipient or a class of information that the public policy did not cover before Since. An approval
// that rests on an older notice, or an older yes, does not cover it: posting a policy changes nothing.
//
// cite: P-55, P-56, P-57, 47 CFR 64.2008(b), 47 CFR 64.2008(c)(2)
type Addition struct {
	Purpose cpni.Purpose   `json:"purpose,omitempty"`
	Data    cpni.DataClass `json:"data,omitempty"`
	Partner string         `json:"partner,omitempty"`
	Since   time.Time      `json:"since"`
}

// ask is a use that is asked about.
type ask struct {
	scope     string
	purpose   cpni.Purpose
	data      []cpni.DataClass // without call location, which has scopes of its own
	recipient rules.Recipient
}

// Standing gives where the customer's approval stands for this purpose and recipient at the moment at, whose zone, the
// carrier's, gives its dates. Where location and other information are asked for together both need approval, and the answer is that
// of the one that has less.
//
// cite: P-09, P-36, P-56, P-58, 47 CFR 64.2007(a)(2), 47 CFR 64.2008(d)(2), 47 USC 222(f)
func Standing(p *customer.Profile, purpose cpni.Purpose, data []cpni.DataClass, recipient rules.Recipient, at time.Time, terms Terms) rules.Approval {
	return stands(remembered(p, at).Approvals, purpose, data, recipient, at, terms)
}

func stands(all []customer.Approval, purpose cpni.Purpose, data []cpni.DataClass, recipient rules.Recipient, at time.Time, terms Terms) rules.Approval {
	rest := withoutLocation(data)
	located := len(rest) < len(data)
	out := standing(all, ask{ScopeOf(purpose, data, recipient), purpose, rest, recipient}, at, terms)
	if located && deniesData(all, cpni.Location, ScopeOf(purpose, data, recipient)) {
		out.State = cpni.Denied
	}
	if !located || len(rest) == 0 {
		return out
	}
	other := standing(all, ask{ScopeOf(purpose, rest, recipient), purpose, rest, recipient}, at, terms)
	if slices.Index(byGrant, other.State) < slices.Index(byGrant, out.State) {
		other.ExpressPrior = out.ExpressPrior
		return other
	}
	return out
}

// withoutLocation gives what is asked for but for call location, which has scopes of its own.
func withoutLocation(data []cpni.DataClass) []cpni.DataClass {
	if !slices.Contains(data, cpni.Location) {
		return data
	}
	return slices.DeleteFunc(slices.Clone(data), func(c cpni.DataClass) bool { return c == cpni.Location })
}

// byGrant orders states by how much they allow.
var byGrant = []cpni.ApprovalState{cpni.Denied, cpni.Unnotified, cpni.RenoticeDue, cpni.Waiting, cpni.OptOutOK, cpni.OptInOK}

func standing(all []customer.Approval, use ask, at time.Time, terms Terms) rules.Approval {
	out := rules.Approval{State: cpni.Unnotified}
	rank := -1
	for _, a := range all {
		if a.State == cpni.Denied && strings.HasPrefix(a.Scope, dataScope) {
			if class := cpni.DataClass(strings.TrimPrefix(a.Scope, dataScope)); slices.Contains(use.data, class) && !admits(all, use.scope, class, a.Since) {
				out.State, out.Since, rank = cpni.Denied, a.Since, weight(cpni.Denied)
			}
			continue
		}
		if a.Scope != use.scope && a.Scope != customer.Everything {
			out.OtherTuple = out.OtherTuple || a.State == cpni.OptInOK && use.recipient.Kind == cpni.ToPartner && strings.HasPrefix(a.Scope, partnerScope)
			continue
		}
		state := now(a, at, terms.RenoticeMonths)
		// A later affirmative act that is narrower than a denial lifts its own scope and information alone; and only a denial is about
		// all.
		if state == cpni.Denied && use.lifted(all, a, terms) || state != cpni.Denied && a.Scope == customer.Everything {
			continue
		}
		if state != cpni.Denied && !use.covered(a, terms) {
			out.OtherTuple = out.OtherTuple || state == cpni.OptInOK
			continue
		}
		score := weight(state)
		if score <= rank {
			continue
		}
		rank = score
		out.State, out.Since, out.Matures, out.NoticeAt = state, a.Since, a.Matures, a.NoticeAt
		out.NamesRecipient = use.recipient.Partner == "" || slices.Contains(a.Names, use.recipient.Partner) || a.Scope == partnerScope+use.recipient.Partner
		out.ExpressPrior = state == cpni.OptInOK && a.Scope == use.scope
	}
	return out
}

// covered reports whether what an approval rests on told of everything that is asked for: the classes of information that its notice
// named, and nothing that the public policy has come to cover since.
//
// cite: P-36, P-56, 47 CFR 64.2008(c)(2)
func (use ask) covered(a customer.Approval, terms Terms) bool {
	if len(a.Data) > 0 {
		for _, c := range use.data {
			if !slices.Contains(a.Data, c) {
				return false
			}
		}
	}
	rests := a.NoticeAt
	if a.State == cpni.OptInOK {
		rests = a.Since
	}
	for _, x := range terms.Additions {
		if !rests.Before(x.Since) {
			continue
		}
		if x.Purpose != "" && x.Purpose == use.purpose || x.Data != "" && slices.Contains(use.data, x.Data) || x.Partner != "" && (x.Partner == use.recipient.Partner || x.Partner == string(use.recipient.Class)) {
			return false
		}
	}
	return true
}

// lifted reports whether the customer has said yes, after a denial, to everything that is asked for. Beside a denial of just this scope
// stands only a yes that names its classes of information: another would have ended it.
//
// cite: P-14, P-36, 47 CFR 64.2007(a)(2)
func (use ask) lifted(all []customer.Approval, denial customer.Approval, terms Terms) bool {
	return slices.ContainsFunc(all, func(a customer.Approval) bool {
		return a.Scope == use.scope && a.State == cpni.OptInOK && a.Since.After(denial.Since) && (denial.Scope != use.scope || len(a.Data) > 0) && use.covered(a, terms)
	})
}

// weight orders states by precedence: a denial first, then opt-in, then opt-out.
func weight(s cpni.ApprovalState) int { return slices.Index(byWeight, s) }

var byWeight = []cpni.ApprovalState{cpni.Unnotified, cpni.RenoticeDue, cpni.Waiting, cpni.OptOutOK, cpni.OptInOK, cpni.Denied}

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
	case renotice > 0 && !at.Before(Lapses(a.NoticeAt, at.Location(), renotice)):
		return cpni.RenoticeDue
	}
	return cpni.OptOutOK
}

// Lapses is the first moment at which a notice carries no more: the day after the day by which it is to be given again.
// A notice of the last days of a long month is due again by the last day of a short one.
//
// cite: P-58, V48, V49, 47 CFR 64.2008(d)(2)
func Lapses(notice time.Time, zone *time.Location, months int) time.Time {
	given := workday.DateIn(notice, zone)
	due := workday.On(given.Year, given.Month+time.Month(months), given.Day)
	if last := workday.On(given.Year, given.Month+time.Month(months)+1, 0); last.Before(due) {
		due = last
	}
	return due.End(zone)
}

func lifted(all []customer.Approval, scope string, denied time.Time) bool {
	return slices.ContainsFunc(all, func(a customer.Approval) bool {
		return a.Scope == scope && a.State == cpni.OptInOK && a.Since.After(denied)
	})
}

// admits reports whether the customer has said yes to a class of information by its name after they had refused it.
func admits(all []customer.Approval, scope string, class cpni.DataClass, denied time.Time) bool {
	return slices.ContainsFunc(all, func(a customer.Approval) bool {
		return a.Scope == scope && a.State == cpni.OptInOK && a.Since.After(denied) && slices.Contains(a.Data, class)
	})
}

// deniesData reports whether the customer has refused a class of information whatever it is for, and has not let this scope have it
// since.
func deniesData(all []customer.Approval, class cpni.DataClass, scope string) bool {
	return slices.ContainsFunc(all, func(a customer.Approval) bool {
		return a.State == cpni.Denied && a.Scope == dataScope+string(class) && !lifted(all, scope, a.Since)
	})
}
