package portal

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notice"
	"ringfence/internal/rules"
)

// scope is one thing about which a customer can choose.
type scope struct {
	Scope   string
	Purpose cpni.Purpose   // of one that can be agreed to
	Class   cpni.DataClass // of one that is about a class of information, and can only be refused
	Partner notice.Recipient
	Data    []cpni.DataClass // location, where the use is of that
}

// grantable reports whether a customer can say yes to it.
func (x scope) grantable() bool { return x.Purpose != "" }

func (x scope) recipient() rules.Recipient {
	if x.Partner.ID == "" {
		return rules.Recipient{Kind: cpni.ToCarrier}
	}
	return rules.Recipient{Kind: cpni.ToPartner, Partner: x.Partner.ID, Class: x.Partner.Class}
}

// standing is where a customer's choices stand, and what was said and given before.
type standing struct {
	profile *customer.Profile
	events  []approval.Event // as they were recorded
	scopes  []scope
	names   map[string]notice.Recipient // of companies
	at      time.Time                   // in the carrier's zone
	terms   approval.Terms
}

// standing gathers where the choices of who is signed in stand.
//
// cite: P-11, P-36, 47 CFR 64.2009(a)
func (p *Portal) standing(ctx context.Context, v visit) (*standing, error) {
	s := &standing{profile: v.Profile, at: p.office.Clock.Now().In(p.office.Zone)}
	s.terms.RenoticeMonths = p.office.Approvals.Numbers(s.at).RenoticeMonths
	if p.office.Door.Additions != nil {
		s.terms.Additions, _ = p.office.Door.Additions()
	}
	var err error
	if s.events, err = p.office.Approvals.Events(ctx, v.Customer); err != nil {
		return nil, err
	}
	if s.names, err = p.office.Notices.Named(ctx); err != nil {
		return nil, err
	}
	partners, err := p.partnersFor(ctx, s.profile, s.events, s.names)
	if err != nil {
		return nil, err
	}
	s.scopes = scopesFor(partners, p.office.Door.CMRS || s.located())
	return s, nil
}

// located reports whether the customer was told or has said something about call location.
func (s *standing) located() bool {
	return slices.ContainsFunc(s.profile.Approvals, func(a customer.Approval) bool { return strings.HasPrefix(a.Scope, "location:") })
}

// partnersFor lists the companies that matter to a customer: those of which a notice told them, of which they have said something, and
// those on the register that have an agreement in force and do not act as the carrier itself.
//
// cite: P-11, P-15, P-35, 47 CFR 64.2007(b), 47 CFR 64.2008(c)(2)
func (p *Portal) partnersFor(ctx context.Context, of *customer.Profile, events []approval.Event, names map[string]notice.Recipient) ([]notice.Recipient, error) {
	found := map[string]notice.Recipient{}
	add := func(id string, class cpni.PartnerClass) {
		r, there := found[id]
		if !there {
			r = names[id]
			if r.ID == "" {
				r = notice.Recipient{ID: id, Name: id}
			}
		}
		if class != "" {
			r.Class = class
		}
		found[id] = r
	}
	scoped := func(scope string) {
		if id, ok := strings.CutPrefix(scope, "partner:"); ok {
			add(id, "")
		}
	}
	for _, a := range of.Approvals {
		scoped(a.Scope)
	}
	for _, e := range events {
		scoped(e.Scope)
		for _, x := range e.Scopes {
			scoped(x)
		}
	}
	all, err := p.office.Partners.All(ctx)
	if err != nil {
		return nil, err
	}
	now := p.office.Clock.Now()
	for _, x := range all {
		_, matters := found[x.ID]
		if matters || x.Class != cpni.Agent && x.Agreement != nil && now.Before(x.Agreement.Until) {
			add(x.ID, x.Class)
		}
		if r, is := found[x.ID]; is && r.Name == x.ID { // no notice has named it yet
			r.Name = x.Called()
			found[x.ID] = r
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b notice.Recipient) int {
		return strings.Compare(strings.ToLower(a.Name)+a.ID, strings.ToLower(b.Name)+b.ID)
	}), nil
}

// classesRefused are the classes of information that a customer can refuse whatever they are for.
var classesRefused = []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Service, cpni.Billing, cpni.Location}

// scopesFor lists what a customer can choose about.
//
// cite: P-11, P-36, 47 CFR 64.2008(c)(2), 47 USC 222(f)
func scopesFor(partners []notice.Recipient, location bool) []scope {
	all := []scope{{Scope: customer.Everything}, {Scope: string(cpni.OwnMarketing), Purpose: cpni.OwnMarketing}, {Scope: string(cpni.OtherMarketing), Purpose: cpni.OtherMarketing}}
	for _, x := range partners {
		all = append(all, scope{Scope: "partner:" + x.ID, Purpose: cpni.PartnerMarketing, Partner: x})
	}
	if location {
		for _, purpose := range []cpni.Purpose{cpni.OwnMarketing, cpni.OtherMarketing} {
			all = append(all, scope{Scope: "location:" + string(purpose), Purpose: purpose, Data: []cpni.DataClass{cpni.Location}})
		}
	}
	for _, c := range classesRefused {
		all = append(all, scope{Scope: "data:" + string(c), Class: c})
	}
	return all
}

func (s *standing) find(name string) (scope, bool) {
	for _, x := range s.scopes {
		if x.Scope == name {
			return x, true
		}
	}
	return scope{}, false
}

// last is the event that was recorded last; "" nothing is on record.
func (s *standing) last() cpni.ID { return lastOf(s.events) }

func lastOf(events []approval.Event) cpni.ID {
	if len(events) == 0 {
		return ""
	}
	return events[len(events)-1].ID
}

// refusal is the customer's refusal of exactly a scope.
func refusal(p *customer.Profile, scope string) (customer.Approval, bool) {
	for _, a := range p.Approvals {
		if a.Scope == scope && a.State == cpni.Denied {
			return a, true
		}
	}
	return customer.Approval{}, false
}

func (s *standing) refused(scope string) bool {
	_, is := refusal(s.profile, scope)
	return is
}

// stands is where one use stands now.
func (s *standing) stands(p *customer.Profile, x scope) rules.Approval {
	return approval.Standing(p, x.Purpose, x.Data, x.recipient(), s.at, s.terms)
}

// denied is the refusal because of which a use is refused: its own, or that of everything.
func (s *standing) denied(x scope, since time.Time) (customer.Approval, bool) {
	for _, name := range []string{x.Scope, customer.Everything} {
		if a, is := refusal(s.profile, name); is && (x.Scope == name || a.Since.Equal(since)) {
			return a, true
		}
	}
	return customer.Approval{}, false
}

// heard finds the event because of which something stands since a moment.
func (s *standing) heard(what approval.What, scope string, since time.Time) (approval.Event, bool) {
	for _, e := range slices.Backward(s.events) {
		if e.What == what && e.At.Equal(since) && (e.Scope == scope || slices.Contains(e.Scopes, scope)) {
			return e, true
		}
	}
	return approval.Event{}, false
}
