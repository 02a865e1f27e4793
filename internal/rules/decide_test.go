package rules

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ringfence/internal/cpni"
)

// The matrix of regulation digest 3.2: for each use and recipient the least approval that permits it.
//
// cite: P-07, P-09, P-15, P-26, P-36, 47 CFR 64.2005(a), 47 CFR 64.2005(a)(1), 47 CFR 64.2005(b), 47 CFR 64.2007(b), 47 USC 222(f)
func TestLeastApprovalByUseAndRecipient(t *testing.T) {
	const (
		none    = iota // no approval is needed
		silence        // an opt-out approval is enough
		yes            // an express yes that names the recipient
		never
	)
	type use struct {
		name       string
		purpose    cpni.Purpose
		data       cpni.DataClass
		categories []cpni.Category // what the customer buys
		offer      cpni.Category
	}
	local, both := []cpni.Category{cpni.Local}, []cpni.Category{cpni.Local, cpni.LongDistance}
	recipients := []struct {
		name  string
		kind  cpni.RecipientKind
		class cpni.PartnerClass
	}{{"the carrier", cpni.ToCarrier, ""}, {"an agent", cpni.ToPartner, cpni.Agent}, {"an affiliate in communications", cpni.ToPartner, cpni.AffiliateComm},
		{"another affiliate", cpni.ToPartner, cpni.AffiliateOther}, {"a joint venture", cpni.ToPartner, cpni.JointVenture},
		{"a contractor", cpni.ToPartner, cpni.IndependentContractor}, {"another company", cpni.ToPartner, cpni.OtherParty}, {"an unclassed company", cpni.ToPartner, ""}}
	for _, row := range []struct {
		use
		least [8]int
	}{
		{use{"within the category", cpni.OwnMarketing, cpni.Usage, local, cpni.Local}, [8]int{none, none, silence, yes, yes, yes, yes, yes}},
		{use{"within two categories", cpni.OwnMarketing, cpni.Usage, both, cpni.LongDistance}, [8]int{none, none, none, yes, yes, yes, yes, yes}},
		{use{"equipment and voice mail", cpni.OwnMarketing, cpni.Usage, both, cpni.VoiceMail}, [8]int{none, none, none, yes, yes, yes, yes, yes}},
		{use{"calling features", cpni.OwnMarketing, cpni.CallDetail, local, cpni.CallFeatures}, [8]int{none, none, silence, yes, yes, yes, yes, yes}},
		{use{"another category", cpni.OwnMarketing, cpni.Usage, local, cpni.LongDistance}, [8]int{silence, silence, silence, yes, yes, yes, yes, yes}},
		{use{"internet access from a wire", cpni.OwnMarketing, cpni.Usage, local, cpni.Broadband}, [8]int{silence, silence, silence, yes, yes, yes, yes, yes}},
		{use{"what is not communications", cpni.OtherMarketing, cpni.Usage, local, cpni.OtherProduct}, [8]int{yes, yes, yes, yes, yes, yes, yes, yes}},
		{use{"insurance called own marketing", cpni.OwnMarketing, cpni.Usage, local, cpni.OtherProduct}, [8]int{yes, yes, yes, yes, yes, yes, yes, yes}},
		{use{"location", cpni.OwnMarketing, cpni.Location, local, cpni.Local}, [8]int{yes, yes, yes, yes, yes, yes, yes, yes}},
		{use{"who calls rivals", cpni.CompetitorTracking, cpni.CallDetail, local, cpni.Local}, [8]int{never, never, never, never, never, never, never, never}},
	} {
		for i, r := range recipients {
			for level, approval := range []Approval{{State: cpni.Unnotified}, {State: cpni.OptOutOK}, {State: cpni.OptInOK, NamesRecipient: true, ExpressPrior: true}} {
				f := asked(row.purpose, r.kind, row.data)
				f.Actor.Role = cpni.RoleMarketing
				f.Customer.Categories = row.categories
				f.Recipient = Recipient{Kind: r.kind, Partner: "p", Class: r.class, Agreement: true, Until: now.AddDate(1, 0, 0), DestroyBy: now.AddDate(1, 1, 0), ServesThis: true}
				f.Offer = &Offer{Categories: []cpni.Category{row.offer}}
				f.Approval = approval
				if got, want := decide(t, f).Permit(), level >= row.least[i]; got != want {
					t.Errorf("%s for %s with %s: permit %v, want %v (47 CFR 64.2005, 64.2007(b))", row.name, r.name, approval.State, got, want)
				}
			}
			f := asked(row.purpose, r.kind, row.data)
			f.Actor.Role, f.Customer.Categories, f.Offer = cpni.RoleMarketing, row.categories, &Offer{Categories: []cpni.Category{row.offer}}
			f.Recipient = Recipient{Kind: r.kind, Partner: "p", Class: r.class, Agreement: true, Until: now.AddDate(1, 0, 0), DestroyBy: now.AddDate(1, 1, 0), ServesThis: true}
			f.Approval = Approval{State: cpni.Denied, NamesRecipient: true}
			if got, want := decide(t, f), row.least[i] == none; got.Permit() != want || !want && row.least[i] != never && row.data != cpni.Location && got.Code != "DENIED" {
				t.Errorf("%s for %s after a denial: %s %s (P-14)", row.name, r.name, got.Outcome, got.Code)
			}
		}
	}
}

// Which proof opens what on which channel (regulation digest 3.5).
//
// cite: P-16, P-17, P-18, P-19, P-20, P-21, P-22, P-42, 47 CFR 64.2010(b), 47 CFR 64.2010(c), 47 CFR 64.2010(d), 47 CFR 64.2010(g)
func TestProofByChannel(t *testing.T) {
	opens := map[cpni.Channel][]cpni.Method{
		cpni.Phone:  {cpni.ByPassword, cpni.ByPIN, cpni.ByCallback, cpni.ByCode, cpni.ByContract},
		cpni.Store:  {cpni.ByPhotoID, cpni.ByContract},
		cpni.Online: {cpni.ByPassword, cpni.ByPasskey, cpni.ByContract},
		cpni.Chat:   {cpni.ByPassword, cpni.ByPasskey, cpni.ByContract},
		cpni.Mail:   nil,
	}
	for channel, methods := range opens {
		for _, m := range methodWords {
			for _, exempt := range []bool{false, true} {
				f := asked(cpni.CustomerRequest, cpni.ToCustomer, cpni.CallDetail)
				f.Contact.Channel, f.Via = channel, cpni.Screen
				f.Customer.DedicatedRepresentative, f.Customer.ContractCoversCPNI = exempt, exempt
				want := slices.Contains(methods, m) && (m != cpni.ByContract || exempt)
				if d := decide(t, f.proved(m)); d.Permit() != want {
					t.Errorf("%s by %s (exemption %v): %s %s, want permit %v (P-18)", channel, m, exempt, d.Outcome, d.Code, want)
				}
			}
		}
	}
}

// When several reasons hold, all are told and the weightiest names the refusal.
//
// cite: P-01
func TestReasonsAreOrdered(t *testing.T) {
	f := asked("curiosity", "somebody", "shoe-size")
	f.Actor.TrainedUntil = time.Time{}
	d := decide(t, f)
	if want := []cpni.Code{"UNKNOWN_PURPOSE", "UNKNOWN_RECIPIENT", "UNCLASSIFIED", "UNTRAINED"}; !slices.Equal(d.Codes, want) || d.Code != want[0] {
		t.Errorf("got %s of %v, want %v", d.Code, d.Codes, want)
	}
	if len(d.Rules) != len(d.Says) || d.Rules[0] != "purpose-known" {
		t.Errorf("rules %v say %v", d.Rules, d.Says)
	}
}

// An untrained marketer who may use the information without approval hears of the training and of nothing else.
func TestApprovalIsNoReasonWhereNoneIsNeeded(t *testing.T) {
	f := asked(cpni.OwnMarketing, cpni.ToCarrier, cpni.Usage)
	f.Offer = &Offer{Categories: []cpni.Category{cpni.Local}}
	f.Actor.TrainedUntil = time.Time{}
	if d := decide(t, f); !slices.Equal(d.Codes, []cpni.Code{"UNTRAINED"}) {
		t.Errorf("got %v", d.Codes)
	}
}

// cite: P-13, P-14, I-05
func TestProofsOnlyHelpAndObjectionsOnlyHinder(t *testing.T) {
	s := builtIn()
	rapid.Check(t, func(t *rapid.T) {
		f := anyFacts(t)
		before := s.Decide(f)
		for name, more := range helps(t, f) {
			if after := s.Decide(more); before.Permit() && !after.Permit() {
				t.Fatalf("%s turned a permit into %s (%v)", name, after.Code, after.Rules)
			}
		}
		f.Approval = Approval{State: cpni.Denied}
		if after := s.Decide(f); !before.Permit() && after.Permit() {
			t.Fatalf("an objection turned %s into a permit", before.Code)
		}
	})
}

// helps gives f with one more proof each.
func helps(t *rapid.T, f Facts) map[string]Facts {
	all := map[string]Facts{}
	if f.Contact != nil && f.Contact.Live && f.Contact.Same && f.Contact.Speaker == SpeakerCustomer {
		c := *f.Contact
		m := rapid.SampledFrom(methodWords).Draw(t, "one more method")
		c.Evidence = append(slices.Clone(c.Evidence), Evidence{Method: m, At: now})
		g := f
		g.Contact = &c
		all["evidence by "+string(m)] = g
	}
	g := f
	g.Actor.TrainedUntil = now.AddDate(1, 0, 0)
	all["training"] = g
	g = f
	g.Basis.Case, g.Basis.Ticket, g.Basis.Order = &Case{"F-1", true}, &Case{"T-1", true}, &Case{"O-1", true}
	all["an open case, ticket and order"] = g
	g = f
	g.Basis.Request = &Request{Written: true, Signed: true, Names: true}
	all["a written request"] = g
	g = f
	g.Recipient.Agreement, g.Recipient.Until, g.Recipient.DestroyBy, g.Recipient.DestroyProof = true, now.AddDate(1, 0, 0), now.AddDate(2, 0, 0), true
	all["an agreement and a certificate"] = g
	g = f
	g.Recipient.GrantKnown, g.Recipient.Granted = true, cpni.DataClasses
	all["a grant"] = g
	if f.Destination != nil {
		d := *f.Destination
		d.Since, d.Shift, d.Disturbed = now.AddDate(-2, 0, 0), 0, time.Time{}
		g = f
		g.Destination = &d
		all["an older address"] = g
	}
	if f.Approval.State != cpni.Denied {
		g = f
		g.Approval = Approval{State: cpni.OptInOK, NamesRecipient: true, ExpressPrior: true, OtherTuple: f.Approval.OtherTuple}
		all["an express yes"] = g
	}
	return all
}

// The same facts give the same decision whoever is asked, whenever, and in whatever order the files of the policy come.
//
// cite: I-04
func TestTheSameFactsGiveTheSameDecision(t *testing.T) {
	one := builtIn()
	files, err := Unpack(one.Source())
	if err != nil {
		t.Fatal(err)
	}
	other, err := Load(shuffled{files})
	if err != nil {
		t.Fatal(err)
	}
	if one.Version() != other.Version() {
		t.Fatalf("one policy has two versions, %s and %s", one.Version(), other.Version())
	}
	rapid.Check(t, func(t *rapid.T) {
		f := anyFacts(t)
		a, b := one.Decide(f), other.Decide(f)
		v := viewOf(f)
		other.free(&v)
		fresh := other.judge(v) // without what is remembered
		if d := cmp.Diff(a, b) + cmp.Diff(a, fresh); d != "" {
			t.Fatal(d)
		}
	})
}

// shuffled lists folders in a random order.
type shuffled struct{ fs.FS }

func (s shuffled) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(s.FS, name)
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all, err
}

// Every purpose has a rule that permits it when nothing is wrong, but for those that nothing permits.
//
// cite: P-28
func TestEveryPurposeCanBePermitted(t *testing.T) {
	good := map[cpni.Purpose]Facts{
		cpni.CustomerRequest: asked(cpni.CustomerRequest, cpni.ToCustomer, cpni.CallDetail).proved(cpni.ByPassword),
		cpni.ProvideService:  asked(cpni.ProvideService, cpni.ToCarrier, cpni.Service),
		cpni.BillingPurpose:  asked(cpni.BillingPurpose, cpni.ToCarrier, cpni.Billing),
		cpni.Protect:         asked(cpni.Protect, cpni.ToCarrier, cpni.CallDetail),
		cpni.Legal:           asked(cpni.Legal, cpni.ToLawEnforcement, cpni.CallDetail),
		cpni.Directory:       asked(cpni.Directory, cpni.ToDirectoryPublisher, cpni.Listing),
		cpni.Emergency:       asked(cpni.Emergency, cpni.ToPSAP, cpni.Location),
		cpni.DesigneePurpose: asked(cpni.DesigneePurpose, cpni.ToDesignee, cpni.CallDetail).proved(cpni.ByPassword),
	}
	for _, p := range []cpni.Purpose{cpni.OwnMarketing, cpni.OtherMarketing, cpni.WinBack} {
		f := asked(p, cpni.ToCarrier, cpni.Usage)
		f.Approval = Approval{State: cpni.OptInOK, NamesRecipient: true}
		good[p] = f
	}
	partner := asked(cpni.PartnerMarketing, cpni.ToPartner, cpni.Usage)
	partner.Recipient = Recipient{Kind: cpni.ToPartner, Partner: "acme", Class: cpni.JointVenture, Agreement: true, Until: now.AddDate(1, 0, 0), DestroyBy: now.AddDate(1, 0, 0)}
	partner.Approval = Approval{State: cpni.OptInOK, NamesRecipient: true}
	good[cpni.PartnerMarketing] = partner
	inbound := asked(cpni.InboundMarketing, cpni.ToCarrier, cpni.Usage)
	inbound.Contact = &Contact{Channel: cpni.Phone, Live: true, Same: true, OneTime: &OneTimeConsent{At: now, Purposes: []cpni.Purpose{cpni.InboundMarketing}, Evidence: true}}
	good[cpni.InboundMarketing] = inbound
	for p, f := range good {
		f.Customer.ListedOnly = true
		f.Basis = Basis{Process: &Process{ID: "SUB-7", Issuer: "Court", Scope: cpni.DataClasses, From: now.AddDate(0, 0, -1), Until: now.AddDate(0, 0, 1), ReviewedBy: "cora"},
			Case: &Case{"F-1", true}, Order: &Case{"O-1", true}, Emergency: &Emergency{Kind: EmergencyCall, Caller: "psap"}, Request: &Request{true, true, true}}
		d := decide(t, f)
		if !d.Permit() {
			t.Errorf("%s: %s (%v)", p, d.Code, d.Rules)
		}
		if len(d.Clauses) == 0 || len(d.Cites) == 0 || len(d.Rules) == 0 {
			t.Errorf("%s: a permit that rests on nothing: %+v", p, d)
		}
	}
	for _, p := range cpni.Purposes {
		if _, ok := good[p]; !ok && p != cpni.CompetitorTracking {
			t.Errorf("the purpose %s is not tried", p)
		}
	}
}

// What leaves the carrier to be mailed or told to a customer is bound to their account or their proof, whatever the
// purpose.
//
// cite: P-16, P-42, 47 CFR 64.2010(a)
func TestServingIsNoWayAroundProof(t *testing.T) {
	f := asked(cpni.ProvideService, cpni.ToCustomer, cpni.CallDetail)
	f.Basis.Ticket = &Case{"T-1", true}
	for _, c := range []struct {
		name string
		via  cpni.Via
		to   *Destination
		code cpni.Code
	}{
		{"told without a contact", cpni.Voice, nil, "UNAUTHENTICATED"},
		{"mailed nowhere in particular", cpni.Postal, nil, "NOT_AOR"},
		{"mailed to an address that is not the customer's", cpni.Postal, &Destination{Kind: DestinationPostal}, "NOT_AOR"},
		{"mailed to the account", cpni.Postal, &Destination{Kind: DestinationPostal, Since: now.AddDate(0, 0, -3)}, ""},
	} {
		f.Via, f.Destination = c.via, c.to
		if d := decide(t, f); d.Code != c.code {
			t.Errorf("%s: %s, want %s", c.name, d.Code, c.code)
		}
	}
}

// Clocks that are set in between make thirty days longer, never shorter.
//
// cite: P-21, V85, I-25, 47 CFR 64.2003(b)
func TestAddressOfRecordAcrossClockChanges(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		since, at string
		want      bool
	}{
		{"2026-10-25 15:00", "2026-11-24 14:59", false}, {"2026-10-25 15:00", "2026-11-24 15:00", true},
		{"2026-02-20 15:00", "2026-03-22 15:59", false}, {"2026-02-20 15:00", "2026-03-22 16:00", true},
		{"2026-06-01 00:00", "2026-06-30 23:59", false}, {"2026-06-01 00:00", "2026-07-01 00:00", true},
	} {
		since, err1 := time.ParseInLocation("2006-01-02 15:04", c.since, zone)
		at, err2 := time.ParseInLocation("2006-01-02 15:04", c.at, zone)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		f := asked(cpni.CustomerRequest, cpni.ToCustomer, cpni.CallDetail)
		f.At, f.Via, f.Actor.TrainedUntil = at.UTC(), cpni.Email, at.AddDate(1, 0, 0)
		f.Destination = &Destination{Kind: DestinationEmail, Since: since.UTC(), Shift: Shift(since, at, zone)}
		if d := decide(t, f); d.Permit() != c.want {
			t.Errorf("on the account since %s, asked %s: %s %s, want permit %v", c.since, c.at, d.Outcome, d.Code, c.want)
		}
	}
}

// BenchmarkDecide measures one decision of each kind: remembered, and made by asking the rules.
//
//	go test ./internal/rules -run XXX -bench Decide
func BenchmarkDecide(b *testing.B) {
	s, err := Load(os.DirFS("../../policy"))
	if err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]Facts{"customer": asked(cpni.CustomerRequest, cpni.ToCustomer, cpni.CallDetail).proved(cpni.ByPassword), "marketing": asked(cpni.OwnMarketing, cpni.ToCarrier, cpni.Usage)} {
		b.Run(name+"/remembered", func(b *testing.B) {
			for b.Loop() {
				s.Decide(f)
			}
		})
		b.Run(name+"/asked", func(b *testing.B) {
			v := viewOf(f)
			for b.Loop() {
				s.judge(v)
			}
		})
	}
	b.Run("ways", func(b *testing.B) {
		f := asked(cpni.CustomerRequest, cpni.ToCustomer, cpni.CallDetail)
		for b.Loop() {
			s.memo = newMemo()
			s.Explain(f)
		}
	})
}

func describe(ways [][]Way) string {
	var all []string
	for _, w := range ways {
		var ids []string
		for _, s := range w {
			ids = append(ids, s.ID)
		}
		all = append(all, strings.Join(ids, "+"))
	}
	return fmt.Sprint(all)
}
