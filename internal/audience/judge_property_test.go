package audience

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
	"ringfence/policy"
)

var policySet = sync.OnceValues(func() (*rules.Set, error) { return rules.Load(policy.Files) })

var eastern = func() *time.Location {
	z, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return z
}()

// instants are few, and close to what a notice or an answer turns on, so that everything meets: the very moment, one before, one after.
var instants = func() (all []time.Time) {
	begins := time.Date(2024, 3, 8, 5, 0, 0, 0, time.UTC)
	for _, days := range []int{0, 1, 6, 30, 33, 200, 365, 728, 729, 730, 731, 732, 733, 740, 1200} {
		day := begins.AddDate(0, 0, days)
		for _, by := range []time.Duration{0, -time.Microsecond, time.Microsecond, 7 * time.Hour, 7*time.Hour + 123456789} {
			all = append(all, day.Add(by))
		}
	}
	return all
}()

// near are those that one population knows, so that very many of its notices, answers and questions lie in the same week.
var near = instants

func instant(t *rapid.T, label string) time.Time { return rapid.SampledFrom(near).Draw(t, label) }

// drawNear takes the instants of a few days, two of them two years apart.
func drawNear(t *rapid.T) []time.Time {
	const perDay, days = 5, 15
	first := rapid.IntRange(0, 1).Draw(t, "day")
	all := slices.Clone(instants[first*perDay : (first+1)*perDay])
	for _, day := range []int{rapid.IntRange(7, 12).Draw(t, "two years on"), rapid.IntRange(0, days-1).Draw(t, "any day")} {
		all = append(all, instants[day*perDay:(day+1)*perDay]...)
	}
	return all
}

func maybe(t *rapid.T, label string, in int) bool { return rapid.IntRange(0, in-1).Draw(t, label) == 0 }

func maybeInstant(t *rapid.T, label string) time.Time {
	if maybe(t, label+"?", 2) {
		return time.Time{}
	}
	return instant(t, label)
}

func some[T any](t *rapid.T, label string, of []T) []T {
	var all []T
	for _, v := range of {
		if rapid.Bool().Draw(t, label) {
			all = append(all, v)
		}
	}
	return all
}

var (
	scopesDrawn   = []string{"own-marketing", "own-marketing", "own-marketing", "own-marketing", "other-marketing", "partner:acme", "partner:acme", "partner:cousin", "partner:helpers", "location:own-marketing", "location:partner-marketing", "everything", "everything", "everything", "data:usage", "data:usage", "data:location", "data:service"}
	statesDrawn   = []cpni.ApprovalState{cpni.Waiting, cpni.Waiting, cpni.OptOutOK, cpni.OptInOK, cpni.OptInOK, cpni.OptInOK, cpni.Denied, cpni.RenoticeDue, cpni.Unnotified, cpni.OneTime}
	classesDrawn  = []cpni.PartnerClass{"", cpni.Agent, cpni.AffiliateComm, cpni.AffiliateOther, cpni.JointVenture}
	partnersDrawn = []string{"acme", "cousin", "helpers"}
	placesDrawn   = []string{"1 Main St, Springfield, VA 22150", "2 Oak Ave, Bethesda, MD 20814-1234", "3 Elm St, Arlington VA 22201", "Rue 1, Paris", ""}
)

// often are shapes of what stands on accounts: what meets there decides by which came first, which is newer, and what it names.
var often = [][]customer.Approval{
	{{Scope: customer.Everything, State: cpni.Denied}, {Scope: "own-marketing", State: cpni.OptInOK}},
	{{Scope: "own-marketing", State: cpni.OptInOK}, {Scope: customer.Everything, State: cpni.Denied}},
	{{Scope: "data:usage", State: cpni.Denied}, {Scope: "own-marketing", State: cpni.OptInOK, Data: []cpni.DataClass{cpni.Usage, cpni.Service}}},
	{{Scope: "data:location", State: cpni.Denied}, {Scope: "location:own-marketing", State: cpni.OptInOK}, {Scope: "own-marketing", State: cpni.OptInOK}},
	{{Scope: "own-marketing", State: cpni.Waiting}},
	{{Scope: "own-marketing", State: cpni.Waiting}, {Scope: "own-marketing", State: cpni.Waiting}},
	{{Scope: "own-marketing", State: cpni.Waiting}, {Scope: "own-marketing", State: cpni.Denied}},
	{{Scope: "own-marketing", State: cpni.OptOutOK}, {Scope: "partner:acme", State: cpni.OptInOK}},
	{{Scope: "partner:acme", State: cpni.OptInOK, Names: []string{"acme"}}, {Scope: customer.Everything, State: cpni.Denied}},
	{{Scope: "partner:cousin", State: cpni.OptInOK}, {Scope: "own-marketing", State: cpni.Waiting}},
}

// drawShape gives what can stand on an account: something that often stands there, with its times, or anything, sensible or not.
func drawShape(t *rapid.T) []customer.Approval {
	if maybe(t, "anything", 3) {
		return drawApprovals(t)
	}
	all := slices.Clone(rapid.SampledFrom(often).Draw(t, "like"))
	for i := range all {
		if all[i].Since = instant(t, "since"); all[i].State == cpni.Waiting || all[i].State == cpni.OptOutOK {
			all[i].NoticeAt, all[i].Matures = instant(t, "noticed"), instant(t, "matures")
		}
	}
	return all
}

func drawApprovals(t *rapid.T) []customer.Approval {
	var all []customer.Approval
	for range rapid.IntRange(0, 4).Draw(t, "approvals") {
		a := customer.Approval{Scope: rapid.SampledFrom(scopesDrawn).Draw(t, "scope"), State: rapid.SampledFrom(statesDrawn).Draw(t, "state"), Since: instant(t, "since")}
		if approval.Common(a.Scope) && !maybe(t, "strange", 4) {
			a.State = cpni.Denied // as of all that is about more than one scope
		}
		if a.State != cpni.Denied || maybe(t, "noticed", 4) {
			a.NoticeAt, a.Matures = maybeInstant(t, "noticed"), maybeInstant(t, "matures")
		}
		if maybe(t, "names", 3) {
			a.Names = some(t, "name", []string{"acme", "cousin"})
		}
		if maybe(t, "data", 3) {
			a.Data = some(t, "class", []cpni.DataClass{cpni.Usage, cpni.Service, cpni.Location})
		}
		all = append(all, a)
	}
	return all
}

func drawCustomer(t *rapid.T) *customer.Profile {
	p := &customer.Profile{Name: "somebody", Since: instant(t, "since"), Approvals: drawShape(t)}
	if maybe(t, "ended", 6) {
		p.Ended = instant(t, "ended at")
	}
	for range rapid.IntRange(0, 3).Draw(t, "lines") {
		l := customer.Line{Categories: some(t, "category", cpni.Services), Listed: rapid.Bool().Draw(t, "listed")}
		if maybe(t, "removed", 4) {
			l.Removed = instant(t, "removed at")
		}
		p.Lines = append(p.Lines, l)
	}
	for range rapid.IntRange(0, 2).Draw(t, "addresses") {
		a := customer.Address{Value: rapid.SampledFrom(placesDrawn).Draw(t, "place"), Since: instant(t, "address since")}
		if maybe(t, "moved out", 3) {
			a.Until = instant(t, "address until")
		}
		p.Postal = append(p.Postal, a)
	}
	if maybe(t, "business", 8) {
		p.Business = &customer.Business{DedicatedRepresentative: rapid.SampledFrom([]string{"", "x"}).Draw(t, "representative"), ContractCoversCPNI: rapid.Bool().Draw(t, "contract")}
	}
	return p
}

func drawFilter(t *rapid.T) Filter {
	var f Filter
	if maybe(t, "no filter", 2) {
		return f
	}
	if maybe(t, "services", 3) {
		f.Has = some(t, "has", cpni.Services)
		f.Lacks = slices.DeleteFunc(some(t, "lacks", cpni.Services), func(c cpni.Category) bool { return slices.Contains(f.Has, c) })
	}
	if maybe(t, "lines", 3) {
		f.Least = rapid.IntRange(0, 2).Draw(t, "least")
		f.Most = rapid.SampledFrom([]int{0, f.Least + 1, 3}).Draw(t, "most")
	}
	if maybe(t, "from", 3) {
		f.From = workday.DateIn(instant(t, "from day"), eastern)
	}
	if maybe(t, "before", 3) {
		if day := workday.DateIn(instant(t, "before day"), eastern); f.From.IsZero() || f.From.Before(day) {
			f.Before = day
		}
	}
	if maybe(t, "states", 3) {
		f.States = some(t, "state of", []string{"VA", "MD", "DC"})
	}
	if maybe(t, "zips", 3) {
		f.Zips = some(t, "zip", []string{"2", "221", "2220", "20814", "9"})
	}
	return f
}

var purposesDrawn = []cpni.Purpose{cpni.OwnMarketing, cpni.OwnMarketing, cpni.OwnMarketing, cpni.OtherMarketing, cpni.PartnerMarketing, cpni.WinBack, cpni.InboundMarketing, "provide-service", "nonsense"}

func drawFrame(t *rapid.T, set *rules.Set, ids []cpni.ID) *disclose.Frame {
	f := &disclose.Frame{At: instant(t, "at").In(eastern), Rules: set, Terms: approval.Terms{RenoticeMonths: rapid.SampledFrom([]int{24, 24, 0, 1}).Draw(t, "renotice")}}
	f.Facts = rules.Facts{At: f.At.UTC(), Purpose: rapid.SampledFrom(purposesDrawn).Draw(t, "purpose"), Via: cpni.Screen, Data: some(t, "data", []cpni.DataClass{cpni.Usage, cpni.Service, cpni.Location}),
		Actor:     rules.Actor{Kind: rules.ActorStaff, Role: rapid.SampledFrom([]cpni.Role{cpni.RoleMarketing, cpni.RoleMarketing, cpni.RoleMarketing, cpni.RoleAuditor}).Draw(t, "role"), TrainedUntil: f.At.AddDate(1, 0, 0)},
		Recipient: rules.Recipient{Kind: rapid.SampledFrom([]cpni.RecipientKind{cpni.ToCarrier, cpni.ToPartner, cpni.ToPartner, cpni.ToCustomer, "unknown"}).Draw(t, "recipient")}}
	if f.Facts.Recipient.Kind == cpni.ToPartner {
		f.Partner = &partner.Partner{ID: rapid.SampledFrom(partnersDrawn).Draw(t, "partner"), Class: rapid.SampledFrom(classesDrawn).Draw(t, "class"), Serves: some(t, "serves", ids), ServesAll: maybe(t, "serves all", 5),
			Agreement: &partner.Agreement{Until: f.At.AddDate(1, 0, 0), DestroyBy: f.At.AddDate(1, 0, 0)}}
		f.PartnerVersion = int64(rapid.IntRange(1, 1<<30).Draw(t, "version"))
		f.Facts.Recipient = f.Partner.Facts("")
	}
	if maybe(t, "offer", 2) {
		f.Facts.Offer = &rules.Offer{Categories: some(t, "offered", []cpni.Category{cpni.Local, cpni.Wireless, cpni.Broadband, cpni.VoiceMail, cpni.OtherProduct})}
	}
	for range rapid.IntRange(0, 2).Draw(t, "additions") {
		a := approval.Addition{Since: instant(t, "added")}
		switch rapid.IntRange(0, 2).Draw(t, "what was added") {
		case 0:
			a.Purpose = rapid.SampledFrom(purposesDrawn).Draw(t, "purpose added")
		case 1:
			a.Data = rapid.SampledFrom([]cpni.DataClass{cpni.Usage, cpni.Location}).Draw(t, "data added")
		default:
			a.Partner = rapid.SampledFrom([]string{"acme", "joint-venture"}).Draw(t, "partner added")
		}
		f.Terms.Additions = append(f.Terms.Additions, a)
	}
	return f
}

// crowd is a population with the index that has followed it.
type crowd struct {
	x    *Index
	all  map[cpni.ID]*customer.Profile
	next int
}

func (c *crowd) newID() cpni.ID {
	c.next++
	n := c.next * 7919 % 100_003 // in no order
	return cpni.ID(fmt.Sprintf("%025d0", n))
}

func newCrowd(t *rapid.T) *crowd {
	c := &crowd{x: newIndex(newDictionary(), eastern, instants[0].AddDate(-1, 0, 0)), all: map[cpni.ID]*customer.Profile{}}
	ids := make([]cpni.ID, rapid.SampledFrom([]int{0, 1, 10, 20, 40, 60}).Draw(t, "customers"))
	for i := range ids {
		ids[i] = c.newID()
	}
	slices.Sort(ids)
	// The first of them come as parts, as from the database.
	for some := range slices.Chunk(ids, 15) {
		p := &part{}
		for _, id := range some {
			c.all[id] = drawCustomer(t)
			r := c.x.recordOf(c.all[id], 1)
			var err error
			if p.data, err = p.write(p.data, &r); err != nil {
				t.Fatal(err)
			}
			k, err := keyOf(id)
			if err != nil {
				t.Fatal(err)
			}
			p.keys = append(p.keys, k)
		}
		written, err := p.encode()
		if err != nil {
			t.Fatal(err)
		}
		read, err := decode(written, c.x.words)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.x.append(read); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *crowd) ids() []cpni.ID { return slices.Sorted(maps.Keys(c.all)) }

// change lets customers come, change and be forgotten.
func (c *crowd) change(t *rapid.T) {
	for range rapid.IntRange(0, 15).Draw(t, "changes") {
		ids := c.ids()
		var id cpni.ID
		if len(ids) == 0 || maybe(t, "new", 3) {
			id = c.newID()
		} else {
			id = rapid.SampledFrom(ids).Draw(t, "who")
		}
		k, err := keyOf(id)
		if err != nil {
			t.Fatal(err)
		}
		if c.all[id] != nil && maybe(t, "forgotten", 3) {
			delete(c.all, id)
			if err := c.x.put(k, nil); err != nil {
				t.Fatal(err)
			}
			continue
		}
		c.all[id] = drawCustomer(t)
		r := c.x.recordOf(c.all[id], 1)
		if err := c.x.put(k, &r); err != nil {
			t.Fatal(err)
		}
	}
}

// plain is what decisions about each customer alone say.
func (c *crowd) plain(f *disclose.Frame, filter *Filter) (Counts, []cpni.ID) {
	out := Counts{Excluded: map[cpni.Code]int{}}
	var in []cpni.ID
	for _, id := range c.ids() {
		p := c.all[id]
		t := traitsOf(p, f.At)
		if !t.inService {
			continue
		}
		out.Customers++
		if !filter.meant(t, eastern) {
			out.Outside++
			continue
		}
		facts := f.Facts
		facts.Customer = p.Facts(f.At)
		if f.Partner != nil {
			facts.Recipient = f.Partner.Facts(id)
		}
		facts.Approval = approval.Standing(p, facts.Purpose, facts.Data, facts.Recipient, f.At, f.Terms)
		if d := f.Rules.Decide(facts); d.Permit() {
			out.Included++
			in = append(in, id)
		} else {
			out.Excluded[d.Code]++
		}
	}
	return out, in
}

// sets is what the index says.
func (c *crowd) sets(t interface{ Fatal(...any) }, f *disclose.Frame, filter *Filter) (Counts, []cpni.ID) {
	found, err := c.x.judge(context.Background(), f, filter, true)
	if err != nil {
		t.Fatal(err)
	}
	if !found.door.IsEmpty() {
		t.Fatal("the door was to be asked on a screen")
	}
	counted, err := c.x.judge(context.Background(), f, filter, false)
	if err != nil || counted.permitted != found.permitted {
		t.Fatal("without the sets the counts are others", err)
	}
	var in []cpni.ID
	for w := c.x.walk(found.allowed, ""); ; {
		some := w.next(7)
		if len(some) == 0 {
			break
		}
		for _, k := range some {
			in = append(in, idOf(k))
		}
	}
	return Counts{Customers: found.customers, Outside: found.outside, Included: found.permitted, Excluded: found.refused}, in
}

func equal(a, b Counts) bool {
	return a.Customers == b.Customers && a.Outside == b.Outside && a.Included == b.Included && maps.Equal(a.Excluded, b.Excluded)
}

// On whatever population, and at whatever moment, the sets give the audience that decisions about each customer alone give, with the same
// reasons; also after customers have come, changed and gone.
//
// cite: I-19, P-36, P-40, 47 CFR 64.2009(a)
func TestSetsGiveTheAudienceOfSingleDecisions(t *testing.T) {
	set, err := policySet()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { near = instants }()
	rapid.Check(t, func(t *rapid.T) {
		near = drawNear(t)
		c := newCrowd(t)
		for range rapid.IntRange(1, 3).Draw(t, "rounds") {
			for range 4 {
				f, filter := drawFrame(t, set, c.ids()), drawFilter(t)
				want, members := c.plain(f, &filter)
				got, in := c.sets(t, f, &filter)
				if !equal(want, got) || !slices.Equal(members, in) {
					t.Fatalf("one by one %+v, by sets %+v (I-19)\n%v\n%v", want, got, members, in)
				}
			}
			if n, err := c.x.misfiled(); err != nil || n != 0 {
				t.Fatalf("%d are in the wrong sets, %v", n, err)
			}
			c.change(t)
		}
	})
}

// A wrong bit in any kind of set is found by looking at the sets, and the counts would be others.
//
// cite: I-19
func TestPlantedErrorsAreFound(t *testing.T) {
	set, err := policySet()
	if err != nil {
		t.Fatal(err)
	}
	at := instants[20].AddDate(0, 2, 0)
	build := func() (*crowd, *disclose.Frame) {
		c := &crowd{x: newIndex(newDictionary(), eastern, at.Add(-reach)), all: map[cpni.ID]*customer.Profile{}}
		for i := range 12 {
			p := &customer.Profile{Name: "somebody", Since: at.AddDate(-1, i-6, 0), Lines: []customer.Line{{Categories: []cpni.Category{cpni.Services[i%2]}}},
				Postal: []customer.Address{{Value: placesDrawn[i%2], Since: at.AddDate(-1, 0, 0)}}}
			switch i % 4 {
			case 0:
				p.Approvals = []customer.Approval{{Scope: "own-marketing", State: cpni.Waiting, Since: at.AddDate(0, -3, 0), NoticeAt: at.AddDate(0, -3, 0), Matures: at.AddDate(0, -2, 0)}}
			case 1:
				p.Approvals = []customer.Approval{{Scope: "own-marketing", State: cpni.OptInOK, Since: at.AddDate(0, -3, 0)}}
			case 2:
				p.Approvals = []customer.Approval{{Scope: customer.Everything, State: cpni.Denied, Since: at.AddDate(0, -3, 0)}}
			}
			id := c.newID()
			c.all[id] = p
			k, _ := keyOf(id)
			r := c.x.recordOf(p, 1)
			if err := c.x.put(k, &r); err != nil {
				t.Fatal(err)
			}
		}
		f := &disclose.Frame{At: at.In(eastern), Rules: set, Terms: approval.Terms{RenoticeMonths: 24}}
		f.Facts = rules.Facts{At: at, Purpose: cpni.OwnMarketing, Data: []cpni.DataClass{cpni.Usage}, Via: cpni.Screen, Recipient: rules.Recipient{Kind: cpni.ToCarrier},
			Actor: rules.Actor{Kind: rules.ActorStaff, Role: cpni.RoleMarketing, TrainedUntil: at.AddDate(1, 0, 0)}}
		return c, f
	}
	flip := func(s *roaring.Bitmap) {
		n := uint32(0)
		if s.Contains(n) {
			s.Remove(n)
		} else {
			s.Add(n)
		}
	}
	first := func(m map[string]*pattern) *pattern { return m[slices.Sorted(maps.Keys(m))[0]] }
	for name, plant := range map[string]func(x *Index){
		"alive":  func(x *Index) { flip(x.alive) },
		"broken": func(x *Index) { flip(x.broken) },
		"moving": func(x *Index) { flip(x.moving) },
		"service": func(x *Index) {
			for _, s := range x.service {
				flip(s)
				break
			}
		},
		"months": func(x *Index) {
			for _, s := range x.months {
				flip(s)
				break
			}
		},
		"states": func(x *Index) {
			for _, s := range x.states {
				flip(s)
				break
			}
		},
		"zips": func(x *Index) {
			for _, s := range x.zips {
				flip(s)
				break
			}
		},
		"scope":   func(x *Index) { flip(x.scopes["own-marketing"].all) },
		"yes":     func(x *Index) { flip(x.scopes["own-marketing"].yes) },
		"pattern": func(x *Index) { flip(first(x.scopes["own-marketing"].patterns).all) },
		"week": func(x *Index) {
			for _, p := range x.scopes["own-marketing"].patterns {
				for _, s := range p.slots {
					for _, b := range s.weeks {
						flip(b.all)
						return
					}
				}
			}
		},
		"bounds": func(x *Index) {
			for _, p := range x.scopes["own-marketing"].patterns {
				for _, s := range p.slots {
					for _, b := range s.weeks {
						b.rests.max = b.rests.max.Add(-time.Hour)
						return
					}
				}
			}
		},
		"lost scope": func(x *Index) { delete(x.scopes, "") },
	} {
		c, _ := build()
		if n, err := c.x.misfiled(); err != nil || n != 0 {
			t.Fatalf("before: %d, %v", n, err)
		}
		plant(c.x)
		if n, err := c.x.misfiled(); err != nil || n == 0 {
			t.Errorf("%s: not found, %v (I-19)", name, err)
		}
	}
	for name, plant := range map[string]func(x *Index){
		"a refusal that is in no set": func(x *Index) { x.scopes[""].all.Clear(); clear(x.scopes[""].patterns) },
		"a yes of somebody who said nothing": func(x *Index) {
			s := x.scopes["own-marketing"]
			s.all.Add(3)
			for _, p := range s.patterns {
				if len(p.slots) == 1 && p.slots[0].kind.yes {
					p.all.Add(3)
					for _, b := range p.slots[0].weeks {
						b.all.Add(3)
						break
					}
				}
			}
		},
		"somebody without service": func(x *Index) {
			for _, s := range x.service {
				s.Remove(1)
			}
		},
	} {
		c, f := build()
		want, members := c.plain(f, &Filter{})
		if got, in := c.sets(t, f, &Filter{}); !equal(want, got) || !slices.Equal(members, in) {
			t.Fatalf("before: %+v, want %+v", got, want)
		}
		plant(c.x)
		if got, in := c.sets(t, f, &Filter{}); equal(want, got) && slices.Equal(members, in) {
			t.Errorf("%s: the audience is as one by one (I-19)", name)
		}
	}
}

// What is written of a customer is read as it was, to the nanosecond, and nothing of it is left where they are forgotten.
//
// cite: I-19, I-21
func TestRecordsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex(newDictionary(), eastern, instants[30])
		p := &part{}
		r := x.recordOf(drawCustomer(t), int64(rapid.IntRange(1, 1<<40).Draw(t, "version")))
		b, err := p.write(nil, &r)
		if err != nil {
			t.Fatal(err)
		}
		var back record
		n, err := p.read(append(bytes.Clone(b), 1, 2, 3), &back)
		if err != nil || n != len(b) || !back.same(&r) {
			t.Fatalf("%+v, %v", back, err)
		}
		for _, at := range instants {
			c, w := r.at(at)
			if d, v := back.at(at); c != d || w != v {
				t.Fatalf("at %s: %+v %+v, want %+v %+v", at, d, v, c, w)
			}
		}
		k := key{1}
		if err := x.put(k, &r); err != nil {
			t.Fatal(err)
		}
		if err := x.put(k, nil); err != nil {
			t.Fatal(err)
		}
		if !x.alive.IsEmpty() || len(x.service)+len(x.scopes)+len(x.months)+len(x.states)+len(x.zips) != 0 || bytes.ContainsFunc(x.parts[0].data, func(r rune) bool { return r != 0 }) {
			t.Fatal("something is left of who was forgotten (I-21)")
		}
	})
}
