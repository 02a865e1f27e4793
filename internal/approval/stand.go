package approval

import (
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
)

// Stand is where one scope of a customer's approval stands at a moment, and what it rests on.
type Stand struct {
	Scope   string
	State   cpni.ApprovalState
	Since   time.Time // zero: nothing was said or given
	Noticed time.Time // when the notice was given that it rests on; zero: none
	Matures time.Time // of one that waits: the first moment at which silence counts
	Lapses  time.Time // of silence that counts: the first moment at which it counts no more
	Notice  cpni.ID   // the message of that notice; "" none
	By      string    // the scope of a wider refusal under which it stands; "" its own
}

// locations are the purposes for which call location has scopes of its own.
var locations = []cpni.Purpose{cpni.OwnMarketing, cpni.PartnerMarketing}

// Stands lists where every scope of a customer's approval stands: the carrier's own, each of the partners, call location, and whatever
// else the customer has refused.
//
// cite: P-11, P-36, 47 CFR 64.2007(a)(2), 47 CFR 64.2007(a)(3)
func Stands(p *customer.Profile, partners []rules.Recipient, at time.Time, terms Terms) []Stand {
	own := rules.Recipient{Kind: cpni.ToCarrier}
	all := []Stand{stand(p, cpni.OwnMarketing, nil, own, at, terms), stand(p, cpni.OtherMarketing, nil, own, at, terms)}
	for _, r := range partners {
		all = append(all, stand(p, cpni.PartnerMarketing, nil, r, at, terms))
	}
	for _, purpose := range locations {
		all = append(all, stand(p, purpose, []cpni.DataClass{cpni.Location}, own, at, terms))
	}
	for _, a := range p.Approvals {
		if a.State == cpni.Denied && !slices.ContainsFunc(all, func(s Stand) bool { return s.Scope == a.Scope }) {
			all = append(all, Stand{Scope: a.Scope, State: cpni.Denied, Since: a.Since})
		}
	}
	return all
}

func stand(p *customer.Profile, purpose cpni.Purpose, data []cpni.DataClass, to rules.Recipient, at time.Time, terms Terms) Stand {
	s := Stand{Scope: ScopeOf(purpose, data, to)}
	a := Standing(p, purpose, data, to, at, terms)
	s.State, s.Since, s.Noticed = a.State, a.Since, a.NoticeAt
	for _, x := range p.Approvals {
		switch {
		case x.Scope == s.Scope && x.Since.Equal(a.Since) && (x.State == cpni.Denied) == (a.State == cpni.Denied):
			s.Notice = x.Notice
		case a.State == cpni.Denied && x.State == cpni.Denied && x.Since.Equal(a.Since) && (x.Scope == customer.Everything || strings.HasPrefix(x.Scope, dataScope)):
			s.By = x.Scope
		}
	}
	switch a.State {
	case cpni.Waiting:
		s.Matures = a.Matures
	case cpni.OptOutOK:
		if terms.RenoticeMonths > 0 {
			s.Lapses = Lapses(a.NoticeAt, at.Location(), terms.RenoticeMonths)
		}
	case cpni.Unnotified:
		s.Since = time.Time{}
	}
	return s
}
