package audience

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
)

// noon is when the cases below are asked about, and ago the same hour some days before; below zero days it is to come.
var noon = time.Date(2026, 3, 20, 12, 0, 0, 0, eastern)

func ago(days int) time.Time { return noon.AddDate(0, 0, -days) }

func silence(noticed, matures time.Time) customer.Approval {
	return customer.Approval{Scope: "own-marketing", State: cpni.Waiting, Since: noticed, NoticeAt: noticed, Matures: matures}
}

func yes(scope string, days int, data ...cpni.DataClass) customer.Approval {
	return customer.Approval{Scope: scope, State: cpni.OptInOK, Since: ago(days), Data: data}
}

func no(scope string, days int) customer.Approval {
	return customer.Approval{Scope: scope, State: cpni.Denied, Since: ago(days)}
}

// askedOf is a question about the carrier's own marketing at noon.
func askedOf(set *rules.Set, data ...cpni.DataClass) *disclose.Frame {
	f := &disclose.Frame{At: noon, Rules: set, Terms: approval.Terms{RenoticeMonths: 24}}
	f.Facts = rules.Facts{At: noon.UTC(), Purpose: cpni.OwnMarketing, Data: data, Via: cpni.Screen, Recipient: rules.Recipient{Kind: cpni.ToCarrier},
		Actor: rules.Actor{Kind: rules.ActorStaff, Role: cpni.RoleMarketing, TrainedUntil: noon.AddDate(1, 0, 0)}}
	return f
}

func forAcme(f *disclose.Frame) {
	f.Partner = &partner.Partner{ID: "acme", Class: cpni.JointVenture, Agreement: &partner.Agreement{Until: noon.AddDate(1, 0, 0), DestroyBy: noon.AddDate(1, 0, 0)}}
	f.PartnerVersion, f.Facts.Purpose, f.Facts.Recipient = 1, cpni.PartnerMarketing, f.Partner.Facts("")
}

func (c *crowd) add(t *testing.T, p *customer.Profile) cpni.ID {
	t.Helper()
	id := c.newID()
	c.all[id] = p
	k, err := keyOf(id)
	if err != nil {
		t.Fatal(err)
	}
	r := c.x.recordOf(p, 1)
	if err := c.x.put(k, &r); err != nil {
		t.Fatal(err)
	}
	return id
}

func emptyCrowd() *crowd {
	return &crowd{x: newIndex(newDictionary(), eastern, noon.Add(-reach)), all: map[cpni.ID]*customer.Profile{}}
}

func local(approvals ...customer.Approval) *customer.Profile {
	return &customer.Profile{Name: "somebody", Since: ago(3000), Lines: []customer.Line{{Categories: []cpni.Category{cpni.Local}}}, Approvals: approvals}
}

// Each thing that lets somebody in or keeps them out tells customers apart in the sets, whichever of them comes first; those beside whom it stands
// are alike but for it.
//
// cite: I-19, P-11, P-12, P-26, P-36, P-58, 47 CFR 64.2008(d), 47 USC 222(f)
func TestWhatTellsCustomersApart(t *testing.T) {
	set, err := policySet()
	if err != nil {
		t.Fatal(err)
	}
	type accounts = [][]customer.Approval
	own, placed := "own-marketing", "location:own-marketing"
	for _, row := range []struct {
		what    string
		clause  string
		data    []cpni.DataClass
		frame   func(*disclose.Frame)
		in, out accounts
	}{
		{"the two years of a notice", "P-58", []cpni.DataClass{cpni.Usage}, nil,
			accounts{{silence(noon.AddDate(0, -23, 0), ago(600))}, {silence(noon.AddDate(-2, 0, 0), ago(600))}},
			accounts{{silence(noon.AddDate(0, -25, 0), ago(600))}, {silence(noon.AddDate(-2, 0, -1), ago(600))}, {silence(noon.AddDate(-5, 0, 0), ago(600))}}},
		{"the wait after a notice", "P-26", []cpni.DataClass{cpni.Usage}, nil,
			accounts{{silence(ago(40), ago(10))}, {silence(ago(40), noon)}},
			accounts{{silence(ago(40), ago(-10))}, {silence(ago(40), noon.Add(time.Second))}, {silence(time.Time{}, ago(10))}, {silence(ago(-1), ago(-40))}, {silence(ago(40), ago(40))}, {silence(ago(40), time.Time{})}}},
		{"a refusal of everything", "P-12", []cpni.DataClass{cpni.Usage}, nil,
			accounts{{yes(own, 30)}, {silence(ago(40), ago(10))}, {no("everything", 31), yes(own, 30)}, {yes(own, 30), no("everything", 31)}},
			accounts{{no("everything", 5)}, {yes(own, 30), no("everything", 29)}, {no("everything", 29), yes(own, 30)}, {silence(ago(40), ago(10)), no("everything", 5)}, {no("everything", 50), silence(ago(40), ago(10))}, {}}},
		{"a refusal of the purpose", "P-11", []cpni.DataClass{cpni.Usage}, nil,
			accounts{{yes(own, 30)}, {no("other-marketing", 5), yes(own, 30)}},
			accounts{{no(own, 5)}, {yes(own, 30), no(own, 5)}, {no(own, 31), yes(own, 30)}}},
		{"a yes for this information beside a refusal", "P-36", []cpni.DataClass{cpni.Service}, nil,
			accounts{{no(own, 30), yes(own, 29, cpni.Service)}, {yes(own, 30, cpni.Usage, cpni.Service)}},
			accounts{{no(own, 30), yes(own, 31, cpni.Service)}, {no(own, 30), yes(own, 29, cpni.Usage)}, {yes(own, 30, cpni.Usage)}}},
		{"a yes for other information beside a refusal", "P-36", []cpni.DataClass{cpni.Usage}, nil,
			accounts{{yes(own, 29, cpni.Usage)}, {no(own, 30), yes(own, 29, cpni.Usage)}},
			accounts{{no(own, 30), yes(own, 29, cpni.Service)}, {yes(own, 29, cpni.Service)}}},
		{"a refusal of a class of information", "P-36", []cpni.DataClass{cpni.Usage, cpni.Service}, nil,
			accounts{{yes(own, 30)}, {no("data:usage", 31), yes(own, 30, cpni.Usage, cpni.Service)}, {yes(own, 30), no("data:location", 5)}},
			accounts{{no("data:usage", 5), yes(own, 30)}, {yes(own, 30), no("data:service", 5)}, {no("data:usage", 30), yes(own, 31, cpni.Usage, cpni.Service)}, {no("data:usage", 31), yes(own, 30)}}},
		{"a refusal of call location", "P-26", []cpni.DataClass{cpni.Location}, nil,
			accounts{{yes(placed, 30)}, {yes(placed, 30), yes(own, 30)}, {no("data:location", 31), yes(placed, 30)}},
			accounts{{yes(own, 30)}, {no(placed, 5)}, {yes(placed, 30), no("data:location", 5)}, {yes(placed, 30), no("everything", 5)}, {silence(ago(40), ago(10))}}},
		{"a refusal of call location beside other information", "P-36", []cpni.DataClass{cpni.Usage, cpni.Location}, nil,
			accounts{{yes(placed, 30), yes(own, 30)}, {yes(own, 30), yes(placed, 30)}, {no("data:location", 31), yes(placed, 30), yes(own, 30)}},
			accounts{{yes(own, 30)}, {yes(placed, 30)}, {yes(placed, 30), no(own, 5)}, {yes(own, 30), no(placed, 5)}, {yes(placed, 30), yes(own, 30), no("data:location", 5)}, {yes(placed, 30), yes(own, 30), no("data:usage", 5)}}},
		{"a yes that names a partner", "P-36", []cpni.DataClass{cpni.Usage}, forAcme,
			accounts{{yes("partner:acme", 30)}},
			accounts{{yes("partner:cousin", 30)}, {yes(own, 30)}, {yes("partner:acme", 30), no("partner:acme", 5)}, {yes("partner:acme", 30), no("everything", 5)}, {}}},
		{"what the policy has come to cover since", "P-36", []cpni.DataClass{cpni.Usage}, func(f *disclose.Frame) { f.Terms.Additions = []approval.Addition{{Data: cpni.Usage, Since: ago(100)}} },
			accounts{{yes(own, 99)}, {yes(own, 100)}, {silence(ago(99), ago(10))}},
			accounts{{yes(own, 101)}, {silence(ago(101), ago(10))}, {silence(ago(150), ago(10))}, {yes(own, 150)}}},
	} {
		f := askedOf(set, row.data...)
		if row.frame != nil {
			row.frame(f)
		}
		for order, all := range map[string]accounts{"the permitted first": slices.Concat(row.in, row.out), "the refused first": slices.Concat(row.out, row.in), "turn about": alternate(row.in, row.out)} {
			c := emptyCrowd()
			for _, approvals := range all {
				c.add(t, local(approvals...))
			}
			want, members := c.plain(f, &Filter{})
			if want.Included != len(row.in) {
				t.Errorf("%s, %s: one by one %d are permitted, of %d that should be (%s)", row.what, order, want.Included, len(row.in), row.clause)
			}
			if got, in := c.sets(t, f, &Filter{}); !equal(want, got) || !slices.Equal(members, in) {
				t.Errorf("%s, %s: one by one %+v, by sets %+v (%s, I-19)", row.what, order, want, got, row.clause)
			}
		}
	}
}

func alternate[T any](a, b []T) (all []T) {
	for i := range max(len(a), len(b)) {
		all = append(append(all, a[min(i, len(a)):min(i+1, len(a))]...), b[min(i, len(b)):min(i+1, len(b))]...)
	}
	return all
}

// Of whose number another carrier has asked nothing is decided by sets: the door looks at each, also when the port is over.
//
// cite: P-33, V104, I-19, 47 USC 222(b)
func TestPortedAreLeftToTheDoor(t *testing.T) {
	set, err := policySet()
	if err != nil {
		t.Fatal(err)
	}
	c := emptyCrowd()
	port := customer.Port{Matter: "m", Number: "+12025550143", Since: ago(400)}
	over := port
	over.Ended = ago(399)
	ported := map[cpni.ID]bool{}
	for i := range 9 {
		p := local(yes("own-marketing", 30))
		switch i % 3 {
		case 1:
			p.Ports = []customer.Port{port}
		case 2:
			p.Ports = []customer.Port{over}
		}
		ported[c.add(t, p)] = i%3 > 0
	}
	found, err := c.x.judge(context.Background(), askedOf(set, cpni.Usage), &Filter{}, true)
	if err != nil {
		t.Fatal(err)
	}
	for id, is := range ported {
		k, err := keyOf(id)
		if err != nil {
			t.Fatal(err)
		}
		n, ok := c.x.find(k)
		if !ok || found.door.Contains(n) != is || found.allowed.Contains(n) == is {
			t.Errorf("ported %t: at the door %t, let in by sets %t (P-33)", is, found.door.Contains(n), found.allowed.Contains(n))
		}
	}
	if found.customers != 9 || found.permitted != 3 {
		t.Errorf("%d permitted of %d (P-33)", found.permitted, found.customers)
	}
}

// What is kept in mind of a customer says of their service, to the rules, what their record says: also that a contract of a business covers
// their information, and that somebody is there for them.
//
// cite: I-19, P-16, 47 CFR 64.2010(g)
func TestRulesKnowTheSameOfTheService(t *testing.T) {
	x := newIndex(newDictionary(), eastern, instants[0].AddDate(-1, 0, 0))
	rapid.Check(t, func(t *rapid.T) {
		p := drawCustomer(t)
		if maybe(t, "of a business", 2) {
			p.Business = &customer.Business{DedicatedRepresentative: rapid.SampledFrom([]string{"", "x"}).Draw(t, "representative"), ContractCoversCPNI: rapid.Bool().Draw(t, "contract")}
		}
		made := x.recordOf(p, 1)
		var q part
		b, err := q.write(nil, &made)
		if err != nil {
			t.Fatal(err)
		}
		var r record
		if _, err := q.read(b, &r); err != nil {
			t.Fatal(err)
		}
		for _, at := range instants {
			c, _ := r.at(at)
			got, want := c.facts(at), p.Facts(at)
			ended := !want.Ended.IsZero() && !at.Before(want.Ended)
			if ended != !got.Ended.IsZero() || got.Known != want.Known || got.ListedOnly != want.ListedOnly || got.DedicatedRepresentative != want.DedicatedRepresentative || got.ContractCoversCPNI != want.ContractCoversCPNI ||
				!maps.Equal(setOf(got.Categories), setOf(want.Categories)) {
				t.Fatalf("at %s the rules know %+v, by the record %+v (I-19)", at, got, want)
			}
		}
	})
}

func setOf[T comparable](all []T) map[T]bool {
	m := map[T]bool{}
	for _, v := range all {
		m[v] = true
	}
	return m
}
