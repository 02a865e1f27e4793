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
)

// found is what an index finds of a question.
type found struct {
	customers int
	allowed   *roaring.Bitmap // whom the rules let in; nil: only the counts were asked for
	permitted int
	refused   map[cpni.Code]int
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
	serves *roaring.Bitmap // whom an affiliate serves itself; nil: nobody, or all
	each   *roaring.Bitmap // who has to be looked at one by one
	bounds []time.Time     // moments on whose two sides a notice or an answer may count otherwise
}

// judge finds whom the rules let in. Customers whom no rule can tell apart are judged once, by one of them, from what a decision about that one
// alone would be made of; of whom that is not sure, each is judged alone.
//
// cite: P-36, I-19, 47 CFR 64.2009(a)
func (x *Index) judge(ctx context.Context, frame *disclose.Frame, sets bool) (found, error) {
	s := &search{x: x, frame: frame, each: roaring.New(), bounds: []time.Time{frame.At}}
	for _, a := range frame.Terms.Additions {
		s.bounds = append(s.bounds, a.Since)
	}
	if p := frame.Partner; p != nil && !p.ServesAll && len(p.Serves) > 0 {
		s.serves = x.servedBy(p.ID, frame.PartnerVersion, p.Serves)
	}
	f := found{customers: int(x.alive.GetCardinality()), refused: map[cpni.Code]int{}}
	if n := int(x.broken.GetCardinality()); n > 0 {
		f.refused[unreadable] += n
	}
	if err := s.moved(); err != nil {
		return f, err
	}
	approvals, err := s.approvals(ctx)
	if err != nil {
		return f, err
	}
	if sets {
		f.allowed = roaring.New()
	}
	if err := s.product(approvals, &f); err != nil {
		return f, err
	}
	return f, s.oneByOne(ctx, &f)
}

// unreadable is the code of a customer whose record cannot be opened: no decision about them can be made or recorded.
const unreadable cpni.Code = "AUDIT_DOWN"

// moved adds those to be looked at one by one whose service was another at the moment of the question than it is now.
func (s *search) moved() error {
	var r record
	for it := s.x.moving.Iterator(); it.HasNext(); {
		n := it.Next()
		if err := s.x.read(n, &r); err != nil {
			return err
		}
		if r.moves(s.frame.At) {
			s.each.Add(n)
		}
	}
	return nil
}

// approvals divides the customers by where their approval stands.
func (s *search) approvals(ctx context.Context) ([]group, error) {
	scopes := approval.ScopesOf(s.frame.Facts.Purpose, s.frame.Facts.Data, s.frame.Facts.Recipient)
	slices.Sort(scopes)
	groups := []group{{set: roaring.AndNot(s.x.alive, s.x.broken)}}
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
	// What cannot be said of all members of a group was put among those who are looked at one by one.
	var out []group
	for _, g := range groups {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if g.set.AndNot(s.each); g.set.IsEmpty() {
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
			s.each.Or(b.all)
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
			codes[i] = codeOf(s.frame.Rules.Decide(facts))
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
			if code != permitted {
				f.refused[code] += n
				continue
			}
			f.permitted += n
			if f.allowed != nil {
				in := groups[i]
				if v.set != nil {
					in = roaring.And(in, v.set)
				}
				f.allowed.Or(in)
			}
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

// one judges one customer from what is kept in mind of them, as a decision about them alone would.
func (s *search) one(n uint32, r *record, all *[]customer.Approval) (cpni.Code, error) {
	if err := s.x.read(n, r); err != nil {
		return "", err
	}
	if r.broken {
		return unreadable, nil
	}
	*all = r.approvals(*all)
	return codeOf(s.frame.Rules.Decide(s.frame.Of(r.at(s.frame.At).facts(s.frame.At), s.isServed(n), *all))), nil
}

// oneByOne judges those of whom the sets do not tell enough, on all processors.
func (s *search) oneByOne(ctx context.Context, f *found) error {
	s.each.And(s.x.alive)
	s.each.AndNot(s.x.broken)
	numbers := s.each.ToArray()
	codes := make([]cpni.Code, len(numbers))
	err := spread(ctx, len(numbers), func(from, to int) error {
		var r record
		var all []customer.Approval
		for i := from; i < to; i++ {
			var err error
			if codes[i], err = s.one(numbers[i], &r, &all); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, code := range codes {
		if code != permitted {
			f.refused[code]++
			continue
		}
		f.permitted++
		if f.allowed != nil {
			f.allowed.Add(numbers[i])
		}
	}
	return nil
}
