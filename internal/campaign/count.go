package campaign

import (
	"context"
	"errors"
	"slices"
	"strings"

	"ringfence/internal/audience"
	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
)

// Reason is why customers are left out: how many, and the sentence of the rule.
type Reason struct {
	Code cpni.Code `json:"code"`
	Says string    `json:"says,omitempty"`
	N    int64     `json:"n"`
}

// Counts are how many customers a plan would reach now, and how many are left out for which first reason. They name nobody.
//
// cite: P-40, 47 CFR 64.2009(d)
type Counts struct {
	Customers int64    `json:"customers"` // all whom the question was asked of
	Included  int64    `json:"included"`
	Outside   int64    `json:"outside"` // not among those whom the filter takes
	Excluded  []Reason `json:"excluded,omitempty"`
}

// Count counts a plan, finished or not, by the rules by which each customer is looked at when it goes out, as if by were to send it.
// Nothing is released by it.
//
// cite: P-09, P-40, 47 CFR 64.2009(a), 47 CFR 64.2009(d)
func (g *Register) Count(ctx context.Context, p *Plan, by cpni.ID) (Counts, error) {
	if p.Kind == ApprovalRequest {
		return g.countAsked(ctx, p)
	}
	var found audience.Counts
	var err error
	if len(p.Named) > 0 {
		found, err = g.countNamed(ctx, p, by)
	} else {
		found, err = g.Audience.Count(ctx, p.Question(by))
	}
	if err != nil {
		return Counts{}, err
	}
	c := Counts{Customers: int64(found.Customers), Included: int64(found.Included), Outside: int64(found.Outside)}
	n := map[cpni.Code]int64{}
	for code, count := range found.Excluded {
		n[code] += int64(count)
	}
	if p.PortOut { // the audience does not ask where it comes from: for every use the rules would refuse it
		n[portedAway] += c.Included
		c.Included = 0
		for code, count := range n {
			if slices.Index(cpni.Precedence, code) > slices.Index(cpni.Precedence, portedAway) {
				n[portedAway] += count
				delete(n, code)
			}
		}
	}
	for _, code := range slices.Concat(cpni.Precedence, others(n)) {
		if n[code] > 0 {
			says, err := g.Says(ctx, p, code)
			if err != nil {
				return Counts{}, err
			}
			c.Excluded = append(c.Excluded, Reason{code, says, n[code]})
		}
	}
	return c, nil
}

// countAsked counts whom a request for approval would come to, and why the others are left out.
//
// cite: P-40, 47 CFR 64.2009(d)
func (g *Register) countAsked(ctx context.Context, p *Plan) (Counts, error) {
	s, l, err := g.ask(ctx, &Campaign{Plan: *p})
	if err != nil {
		return Counts{}, err
	}
	found, err := g.Notices.Count(ctx, s, l, func() {})
	if err != nil {
		return Counts{}, err
	}
	c := Counts{Customers: found.Customers, Included: found.Goes()}
	n := map[cpni.Code]int64{}
	for _, t := range found.Tallies {
		switch {
		case t.Code == notice.NotMeant:
			c.Outside += t.N
		case t.State != notice.WithPlanned:
			n[cpni.Code(t.Code)] += t.N
		}
	}
	for _, code := range others(n) {
		c.Excluded = append(c.Excluded, Reason{code, Words[string(code)], n[code]})
	}
	return c, nil
}

// Quickly reports whether a plan is counted in the time that a page may take: who is asked for approval is found by opening each account.
func (g *Register) Quickly(ctx context.Context, p *Plan) (bool, error) {
	if p.Kind != ApprovalRequest {
		return p.Kind == Marketing, nil
	}
	n, err := g.inService(ctx, p.Named)
	return n <= mostAsked, err
}

// mostAsked is how many accounts a page may have opened.
const mostAsked = 20_000

// portedAway is the code of what was learned from another carrier's request to port.
const portedAway cpni.Code = "222B"

func others(n map[cpni.Code]int64) []cpni.Code {
	var all []cpni.Code
	for code := range n {
		if !slices.Contains(cpni.Precedence, code) {
			all = append(all, code)
		}
	}
	slices.Sort(all)
	return all
}

// Says gives the sentences by which the rules refuse with a code what a plan would do. Where a code stands for several reasons they are
// those that hold for the plan whatever is known of the customer; where none does, that of SaysOf.
//
// cite: P-15, P-40, 47 CFR 64.2007(b), 47 CFR 64.2009(d)
func (g *Register) Says(ctx context.Context, p *Plan, code cpni.Code) (string, error) {
	set, _ := g.Door.Policy.Current()
	f := rules.Facts{At: g.Clock.Now(), Purpose: p.Purpose, Data: p.Uses, Via: cpni.File, Recipient: rules.Recipient{Kind: cpni.ToCarrier}, Approval: rules.Approval{State: cpni.Unnotified}, Offer: p.Offer(), Basis: rules.Basis{PortOut: p.PortOut}}
	if p.To != string(cpni.ToCarrier) {
		to, _, err := g.Partners.Get(ctx, p.To)
		if errors.Is(err, partner.ErrNoPartner) {
			return SaysOf(set, code), nil
		}
		if err != nil {
			return "", err
		}
		f.Recipient = to.Facts("")
	}
	decided := set.Decide(f).Rules
	var all []string
	for _, r := range set.Rules() {
		if !r.Permits && r.Code == code && r.File == marketingRules && slices.Contains(decided, r.ID) {
			all = append(all, r.Says)
		}
	}
	if len(all) == 0 {
		return SaysOf(set, code), nil
	}
	return strings.Join(all, " "), nil
}

// SaysOf gives the sentence of the rule on marketing that refuses with a code; "" no rule does.
func SaysOf(set *rules.Set, code cpni.Code) string {
	says := ""
	for _, r := range set.Rules() {
		if r.Permits || r.Code != code || r.Says == "" {
			continue
		}
		if r.File == marketingRules {
			return r.Says
		}
		if says == "" {
			says = r.Says
		}
	}
	return says
}

// marketingRules is the file with the rules on marketing, whose sentences fit best where a code has several.
const marketingRules = "rules/05-marketing.cedar"

// countNamed counts customers who are named, one by one.
func (g *Register) countNamed(ctx context.Context, p *Plan, by cpni.ID) (audience.Counts, error) {
	found := audience.Counts{Customers: len(p.Named), Excluded: map[cpni.Code]int{}}
	for _, id := range p.Named {
		d, err := g.Would(ctx, p, id, by)
		switch {
		case err != nil:
			return found, err
		case d.Permit():
			found.Included++
		default:
			found.Excluded[d.Code]++
		}
	}
	return found, nil
}

// Would decides about one customer as the audience does: for no campaign yet, and without releasing or recording anything.
//
// cite: P-09, P-40, 47 CFR 64.2009(a)
func (g *Register) Would(ctx context.Context, p *Plan, of, by cpni.ID) (rules.Decision, error) {
	c := Campaign{Plan: *p, Launcher: by}
	_, d, err := g.Door.Check(ctx, c.Request(of))
	return d, err
}
