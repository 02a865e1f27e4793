package audience

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// found is what an index finds of a question.
type found struct {
	customers int
	outside   int
	allowed   *roaring.Bitmap // whom the rules let in; nil: only the counts were asked for
	permitted int
	refused   map[cpni.Code]int
	door      *roaring.Bitmap // of whom the rules ask where it would be sent, which only the door finds out
}

// group is a set of customers whom the rules cannot tell from one another in one regard.
type group struct {
	set *roaring.Bitmap
	of  uint32 // one of them
}

// search answers one question at one moment from an index that does not change meanwhile.
type search struct {
	x      *Index
	frame  *disclose.Frame
	filter *Filter
	serves *roaring.Bitmap // whom an affiliate serves itself; nil: nobody, or all
	each   *roaring.Bitmap // who is looked at one by one in everything
	unsure *roaring.Bitmap // who is looked at one by one for where their approval stands alone
	bounds []time.Time     // moments on whose two sides a notice or an answer may count otherwise
}

// judge finds whom the rules let in. Customers whom no rule can tell apart are judged once, by one of them, from what a decision about that one
// alone would be made of; of whom that is not sure, each is judged alone.
//
// cite: P-36, I-19, 47 CFR 64.2009(a)
func (x *Index) judge(ctx context.Context, frame *disclose.Frame, filter *Filter, sets bool) (found, error) {
	s := x.search(frame, filter)
	f := found{refused: map[cpni.Code]int{}, door: roaring.New()}
	if sets {
		f.allowed = roaring.New()
	}
	if n := int(x.broken.GetCardinality()); n > 0 {
		f.customers, f.refused[unreadable] = n, n
	}
	if err := s.moved(); err != nil {
		return f, err
	}
	meant := s.meant(&f)
	approvals, err := s.approvals(ctx, meant)
	if err != nil {
		return f, err
	}
	if err := s.product(approvals, &f); err != nil {
		return f, err
	}
	return f, s.oneByOne(ctx, &f)
}

// search begins to look for the answer of a question.
func (x *Index) search(frame *disclose.Frame, filter *Filter) *search {
	s := &search{x: x, frame: frame, filter: filter, each: roaring.New(), unsure: roaring.New(), bounds: []time.Time{frame.At}}
	for _, a := range frame.Terms.Additions {
		s.bounds = append(s.bounds, a.Since)
	}
	if p := frame.Partner; p != nil && !p.ServesAll && len(p.Serves) > 0 {
		s.serves = x.servedBy(p.ID, frame.PartnerVersion, p.Serves)
	}
	return s
}

// meant gives of whom the use is meant, among those in service of whom the sets tell that, and counts the others. Of some it is found only when
// they are looked at one by one.
//
// cite: P-40, 47 CFR 64.2009(c)
func (s *search) meant(f *found) *roaring.Bitmap {
	var serving, fitting []*roaring.Bitmap
	for c, set := range s.x.service {
		if c.ended {
			continue
		}
		serving = append(serving, set)
		if s.filter.service(c.list(), c.lines) {
			fitting = append(fitting, set)
		}
	}
	all := roaring.FastOr(serving...)
	meant := all
	if len(fitting) < len(serving) {
		meant = roaring.FastOr(fitting...)
	}
	narrow := func(sets []*roaring.Bitmap) { meant = roaring.And(meant, roaring.FastOr(sets...)) }
	if !s.filter.From.IsZero() || !s.filter.Before.IsZero() {
		var months, edges []*roaring.Bitmap
		for m, set := range s.x.months {
			first := workday.On(int(m/12), time.Month(m%12+1), 1)
			last := workday.On(int(m/12), time.Month(m%12+2), 0)
			only := func(day workday.Date) bool {
				return (s.filter.From.IsZero() || !day.Before(s.filter.From)) && (s.filter.Before.IsZero() || day.Before(s.filter.Before))
			}
			inside := func(day workday.Date) bool { return !day.IsZero() && !day.Before(first) && !day.After(last) }
			switch {
			case only(first) && only(last):
				months = append(months, set)
			case inside(s.filter.From) || inside(s.filter.Before):
				edges = append(edges, set)
			}
		}
		edge := roaring.FastOr(edges...)
		edge.And(meant)
		s.each.Or(edge)
		narrow(append(months, edge))
	}
	if len(s.filter.States) > 0 {
		var sets []*roaring.Bitmap
		for _, state := range s.filter.States {
			if set := s.x.states[state]; set != nil {
				sets = append(sets, set)
			}
		}
		narrow(sets)
	}
	if len(s.filter.Zips) > 0 {
		var sets []*roaring.Bitmap
		for begin, set := range s.x.zips {
			for _, z := range s.filter.Zips {
				if strings.HasPrefix(begin, z) || strings.HasPrefix(z, begin) {
					sets = append(sets, set)
				}
				if len(z) > zipDigits && strings.HasPrefix(z, begin) {
					s.each.Or(roaring.And(meant, set))
				}
			}
		}
		narrow(sets)
	}
	// Those who are looked at one by one are counted there.
	all = roaring.AndNot(all, s.each)
	meant = roaring.AndNot(meant, s.each)
	f.customers += int(all.GetCardinality())
	f.outside += int(all.GetCardinality() - meant.GetCardinality())
	return meant
}

// unreadable is the code of a customer whose record cannot be opened: no decision about them can be made or recorded.
const unreadable cpni.Code = "AUDIT_DOWN"

// moved adds those to be looked at one by one whose service or place was another at the moment of the question than it is now.
func (s *search) moved() error {
	if !s.frame.At.Before(s.x.moved) {
		return nil
	}
	var r record
	for it := s.x.moving.Iterator(); it.HasNext(); {
		n := it.Next()
		if err := s.x.read(n, &r); err != nil {
			return err
		}
		if s.frame.At.Before(r.spans.Last) {
			s.each.Add(n)
		}
	}
	return nil
}

// approvals divides those of whom the use is meant by where their approval stands.
func (s *search) approvals(ctx context.Context, meant *roaring.Bitmap) ([]group, error) {
	scopes := approval.ScopesOf(s.frame.Facts.Purpose, s.frame.Facts.Data, s.frame.Facts.Recipient)
	slices.Sort(scopes)
	groups := []group{{set: meant.Clone()}}
	for _, name := range slices.Compact(scopes) {
		groups = divide(groups, s.stages(name))
	}
	if s.frame.Facts.Recipient.Kind == cpni.ToPartner {
		others := roaring.New()
		for name, scope := range s.x.scopes {
			if approval.OfPartner(name) && !slices.Contains(scopes, name) {
				others.Or(scope.yes)
			}
		}
		groups = divide(groups, []*roaring.Bitmap{others})
	}
	if s.serves != nil {
		groups = divide(groups, []*roaring.Bitmap{s.serves})
	}
	s.unsure.And(meant)
	var out []group
	for _, g := range groups {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if g.set.AndNot(s.unsure); g.set.IsEmpty() {
			continue
		}
		g.of = g.set.Minimum()
		out = append(out, g)
	}
	return out, nil
}

// divide divides groups by disjoint sets, and by who is in none of them.
func divide(groups []group, by []*roaring.Bitmap) []group {
	var out []group
	for _, g := range groups {
		rest := g.set
		for _, set := range by {
			in := roaring.And(rest, set)
			if in.IsEmpty() {
				continue
			}
			out = append(out, group{set: in})
			rest = roaring.AndNot(rest, in)
		}
		if !rest.IsEmpty() {
			out = append(out, group{set: rest})
		}
	}
	return out
}

// stages divides those of whom something stands there about a scope, or about more than one, into sets of which the same can be said at the
// moment of the question.
func (s *search) stages(name string) []*roaring.Bitmap {
	var all []*roaring.Bitmap
	own := s.x.scopes[name]
	if own != nil {
		for _, p := range own.patterns {
			all = append(all, s.stagesOf(p, nil)...)
		}
	}
	if common := s.x.scopes[""]; common != nil {
		for _, p := range common.patterns {
			var but *roaring.Bitmap
			if own != nil {
				but = own.all
			}
			all = append(all, s.stagesOf(p, but)...)
		}
	}
	return all
}

func (s *search) stagesOf(p *pattern, but *roaring.Bitmap) []*roaring.Bitmap {
	all := []*roaring.Bitmap{p.all}
	for _, slot := range p.slots {
		sides := s.sides(slot)
		var next []*roaring.Bitmap
		for _, set := range all {
			if len(sides) == 1 { // of all of them the same
				next = append(next, set)
				continue
			}
			for _, side := range sides {
				if in := roaring.And(set, side); !in.IsEmpty() {
					next = append(next, in)
				}
			}
		}
		all = next
	}
	if but == nil {
		return all
	}
	for i := range all {
		all[i] = roaring.AndNot(all[i], but)
	}
	return all
}

// sides divides the customers of a slot by the side of each moment on which their row lies. Those of a week in which such a moment itself lies
// are looked at one by one.
func (s *search) sides(slot *slot) []*roaring.Bitmap {
	sets := map[string][]*roaring.Bitmap{}
	var side strings.Builder
	for _, b := range slot.weeks {
		side.Reset()
		sure := true
		on := func(first, last bool) {
			sure = sure && first == last
			if first {
				side.WriteByte('1')
			} else {
				side.WriteByte('0')
			}
		}
		for _, at := range s.bounds {
			// Both whether it lies before a moment and whether behind it, for what is on the very moment is either.
			on(b.rests.min.Before(at), b.rests.max.Before(at))
			on(b.rests.min.After(at), b.rests.max.After(at))
		}
		if silent(slot.kind) {
			at := s.frame.At
			on(at.Before(b.matures.min), at.Before(b.matures.max))
			if months := s.frame.Terms.RenoticeMonths; months > 0 && !b.rests.min.IsZero() {
				on(at.Before(approval.Lapses(b.rests.min, at.Location(), months)), at.Before(approval.Lapses(b.rests.max, at.Location(), months)))
			}
		}
		if !sure {
			s.unsure.Or(b.all)
		}
		k := side.String()
		sets[k] = append(sets[k], b.all)
	}
	var all []*roaring.Bitmap
	for _, some := range sets {
		if len(some) == 1 {
			all = append(all, some[0])
		} else {
			all = append(all, roaring.FastOr(some...))
		}
	}
	return all
}

// silent reports whether time changes what a row allows.
func silent(k *kind) bool { return k.state == cpni.Waiting || k.state == cpni.OptOutOK }

// product judges each kind of service in each group.
func (s *search) product(approvals []group, f *found) error {
	type verdicts struct {
		codes []cpni.Code // of each group; "" let in
		set   *roaring.Bitmap
		many  []*roaring.Bitmap
	}
	// Groups of whom no rule can tell anything apart are one.
	var groups []*roaring.Bitmap
	var stands []rules.Facts
	seen := map[string]int{}
	var r record
	var all []customer.Approval
	for _, g := range approvals {
		if err := s.x.read(g.of, &r); err != nil {
			return err
		}
		all = r.approvals(all)
		facts := s.frame.Of(rules.Customer{}, s.isServed(g.of), all)
		k := told(facts)
		if i, ok := seen[k]; ok {
			groups[i] = roaring.Or(groups[i], g.set)
			continue
		}
		seen[k] = len(groups)
		groups, stands = append(groups, g.set), append(stands, facts)
	}
	by := map[string]*verdicts{}
	for c, set := range s.x.service {
		codes := make([]cpni.Code, len(groups))
		var text strings.Builder
		for i := range groups {
			facts := stands[i]
			facts.Customer = c.facts(s.frame.At)
			codes[i] = s.decide(facts)
			text.WriteString(string(codes[i]))
			text.WriteByte(' ')
		}
		v := by[text.String()]
		if v == nil {
			v = &verdicts{codes: codes}
			by[text.String()] = v
		}
		v.many = append(v.many, set)
	}
	for _, v := range by {
		if len(by) > 1 {
			v.set = v.many[0]
			if len(v.many) > 1 {
				v.set = roaring.FastOr(v.many...)
			}
		}
		for i, code := range v.codes {
			n := int(groups[i].GetCardinality())
			if v.set != nil {
				n = int(groups[i].AndCardinality(v.set))
			}
			if n == 0 {
				continue
			}
			var into *roaring.Bitmap
			switch code {
			case permitted:
				f.permitted += n
				into = f.allowed
			case atTheDoor:
				into = f.door
			default:
				f.refused[code] += n
			}
			if into == nil {
				continue
			}
			in := groups[i]
			if v.set != nil {
				in = roaring.And(in, v.set)
			}
			into.Or(in)
		}
	}
	return nil
}

// told writes what rules may know of an approval and of whom the recipient serves.
func told(f rules.Facts) string {
	a := f.Approval
	b := []byte(a.State)
	for _, is := range []bool{a.NamesRecipient, a.OtherTuple, a.ExpressPrior, a.ThirdPartyWord, f.Recipient.ServesThis} {
		if is {
			b = append(b, '1')
		} else {
			b = append(b, '0')
		}
	}
	return string(b)
}

// permitted stands for the code of a permit, which has none.
const permitted cpni.Code = ""

// atTheDoor stands for the code of a decision that depends on where something would be sent.
const atTheDoor cpni.Code = "?"

// decide makes the decision about facts, whose destination is not known. Where the way is one by which things are sent, it is made for every kind
// of destination: only what is decided alike for all of them is decided here.
func (s *search) decide(f rules.Facts) cpni.Code {
	code := codeOf(s.frame.Rules.Decide(f))
	for _, d := range destinations(f.Via, f.At) {
		f.Destination = d
		if codeOf(s.frame.Rules.Decide(f)) != code {
			return atTheDoor
		}
	}
	return code
}

// destinations gives one of each kind of destination that a rule can tell apart.
func destinations(via cpni.Via, at time.Time) []*rules.Destination {
	kind := rules.DestinationPostal
	switch via {
	case cpni.Postal:
	case cpni.Email:
		kind = rules.DestinationEmail
	case cpni.Text:
		kind = rules.DestinationLine
	default:
		return nil
	}
	old := at.AddDate(-100, 0, 0)
	return []*rules.Destination{{Kind: "other"}, {Kind: kind, Since: old}, {Kind: kind, Since: old, Frozen: true}, {Kind: kind, Since: at.Add(time.Hour)}}
}

// codeOf gives the first reason of a refusal.
func codeOf(d rules.Decision) cpni.Code {
	if d.Permit() {
		return permitted
	}
	if d.Code == "" {
		return "UNKNOWN_PURPOSE"
	}
	return d.Code
}

func (s *search) isServed(n uint32) bool {
	p := s.frame.Partner
	return p != nil && (p.ServesAll || s.serves != nil && s.serves.Contains(n))
}

// one judges one customer from what is kept in mind of them, as a decision about them alone would. inService and meant as in Counts.
func (s *search) one(n uint32, r *record, all *[]customer.Approval) (v verdict, err error) {
	if err := s.x.read(n, r); err != nil {
		return v, err
	}
	if r.broken {
		return verdict{true, true, unreadable}, nil
	}
	c, w := r.at(s.frame.At)
	t := r.traits(c, w)
	if !t.inService {
		return v, nil
	}
	v.inService = true
	if v.meant = s.filter.meant(t, s.x.zone); !v.meant {
		return v, nil
	}
	if r.ported() {
		v.code = atTheDoor
		return v, nil
	}
	*all = r.approvals(*all)
	v.code = s.decide(s.frame.Of(c.facts(s.frame.At), s.isServed(n), *all))
	return v, nil
}

// verdict is what is found of one customer.
type verdict struct {
	inService, meant bool
	code             cpni.Code
}

// oneByOne judges those of whom the sets do not tell enough, on all processors.
func (s *search) oneByOne(ctx context.Context, f *found) error {
	s.each.And(s.x.alive)
	s.each.AndNot(s.x.broken)
	numbers := roaring.Or(s.each, s.unsure).ToArray()
	verdicts := make([]verdict, len(numbers))
	err := spread(ctx, len(numbers), func(from, to int) error {
		var r record
		var all []customer.Approval
		for i := from; i < to; i++ {
			var err error
			if verdicts[i], err = s.one(numbers[i], &r, &all); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, v := range verdicts {
		n := numbers[i]
		if v.inService && s.each.Contains(n) { // the others are counted already
			f.customers++
		}
		switch {
		case !v.inService:
		case !v.meant:
			f.outside++
		default:
			f.add(v.code, 1, n)
		}
	}
	return nil
}

// add counts customers of whom the rules say the same; single is one of them, where it is one.
func (f *found) add(code cpni.Code, n int, single uint32) {
	switch code {
	case permitted:
		f.permitted += n
		if f.allowed != nil {
			f.allowed.Add(single)
		}
	case atTheDoor:
		f.door.Add(single)
	default:
		f.refused[code] += n
	}
}
