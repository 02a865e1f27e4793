package rules

import (
	"os"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
)

// builtIn is the policy of the project.
var builtIn = sync.OnceValue(func() *Set {
	s, err := Load(os.DirFS("../../policy"))
	if err != nil {
		panic(err)
	}
	return s
})

var now = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

var numbers = Numbers{AddressOfRecordAge: 30 * 24 * 3600, DisturbedLine: 72 * 3600, SmallestCell: 10, RenoticeMonths: 24}

// asked are the facts of a request in which nothing is wrong but what a test makes wrong: a trained agent, a customer in
// service, a live telephone contact in which nobody is proved yet.
func asked(purpose cpni.Purpose, to cpni.RecipientKind, data ...cpni.DataClass) Facts {
	role := workOf[purpose]
	if role == "" {
		role = cpni.RoleAgent
	}
	f := Facts{At: now, Purpose: purpose, Data: data, Via: cpni.Screen, Actor: Actor{Kind: ActorStaff, Role: role, TrainedUntil: now.AddDate(0, 6, 0)},
		Customer:  Customer{Known: true, Since: now.AddDate(-5, 0, 0), Categories: []cpni.Category{cpni.Local}},
		Recipient: Recipient{Kind: to}, Approval: Approval{State: cpni.Unnotified}, Numbers: numbers}
	if purpose == cpni.CustomerRequest {
		f.Via = cpni.Voice
		f.Contact = &Contact{Channel: cpni.Phone, Live: true, Same: true}
	}
	return f
}

func (f Facts) proved(methods ...cpni.Method) Facts {
	c := Contact{Channel: cpni.Phone, Live: true, Same: true}
	if f.Contact != nil {
		c = *f.Contact
	}
	c.Speaker = SpeakerCustomer
	c.Evidence = nil
	for _, m := range methods {
		c.Evidence = append(c.Evidence, Evidence{Method: m, At: f.At})
	}
	f.Contact = &c
	return f
}

// anyFacts draws facts: likely and unlikely ones, with words that nobody knows among them.
func anyFacts(t *rapid.T) Facts {
	some := func(name string) bool { return rapid.IntRange(0, 2).Draw(t, name) > 0 }
	when := func(name string) time.Time {
		switch rapid.IntRange(0, 3).Draw(t, name) {
		case 0:
			return time.Time{}
		case 1:
			return now.Add(-time.Duration(rapid.IntRange(0, 3000).Draw(t, name+" hours ago")) * time.Hour)
		}
		return now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(t, name+" hours ahead")) * time.Hour)
	}
	purposes := append([]cpni.Purpose{"curiosity"}, cpni.Purposes...)
	f := Facts{
		At: now, Purpose: rapid.SampledFrom(purposes).Draw(t, "purpose"),
		Data:    rapid.SliceOfNDistinct(rapid.SampledFrom(append([]cpni.DataClass{"shoe-size"}, cpni.DataClasses...)), 0, 3, rapid.ID).Draw(t, "data"),
		Via:     rapid.SampledFrom([]cpni.Via{"", "pigeon", cpni.Voice, cpni.Screen, cpni.Postal, cpni.Email, cpni.Text, cpni.File}).Draw(t, "via"),
		Numbers: numbers,
	}
	f.Numbers.UnaidedDetail = some("unaided option")
	f.Actor = Actor{Kind: rapid.SampledFrom([]string{ActorStaff, ActorSystem, ActorCustomer, ""}).Draw(t, "kind"), Role: rapid.SampledFrom(append([]cpni.Role{""}, roleWords...)).Draw(t, "role"), TrainedUntil: when("trained")}
	if !some("own role") {
		f.Actor.Role = workOf[f.Purpose]
	}
	if !some("any scope") {
		f.Actor.Scopes = []string{string(rapid.SampledFrom(purposes).Draw(t, "scope"))}
	}
	f.Customer = Customer{Known: some("known"), Ended: when("ended"), Categories: rapid.SliceOfN(rapid.SampledFrom(categoryWords), 0, 3).Draw(t, "categories"),
		DedicatedRepresentative: some("dedicated"), ContractCoversCPNI: some("covers"), ListedOnly: some("listed"), Forgotten: !some("remembered")}
	f.Recipient = Recipient{Kind: rapid.SampledFrom(append([]cpni.RecipientKind{"somebody"}, kindWords...)).Draw(t, "to"), Class: rapid.SampledFrom(append([]cpni.PartnerClass{""}, classWords...)).Draw(t, "class"),
		Partner: "acme", Agreement: some("agreement"), Until: when("until"), DestroyBy: when("destroy by"), DestroyProof: some("certificate"), ServesThis: some("serves"),
		GrantKnown: some("on the list"), Granted: rapid.SliceOfN(rapid.SampledFrom(cpni.DataClasses), 0, 4).Draw(t, "granted")}
	if some("contact") {
		c := &Contact{Channel: rapid.SampledFrom(append([]cpni.Channel{""}, channelWords...)).Draw(t, "channel"), Live: some("live"), Same: some("same"), Outbound: !some("inbound"),
			Speaker: rapid.SampledFrom([]string{"", SpeakerCustomer, SpeakerAuthorised}).Draw(t, "speaker"), Receives: some("receives")}
		for _, m := range rapid.SliceOfN(rapid.SampledFrom(methodWords), 0, 3).Draw(t, "methods") {
			c.Evidence = append(c.Evidence, Evidence{Method: m, At: when("proved"), Until: when("evidence until")})
		}
		if !some("no consent") {
			c.OneTime = &OneTimeConsent{At: when("consent"), Purposes: []cpni.Purpose{rapid.SampledFrom(purposes).Draw(t, "consent to")}, Partners: []string{"acme"}[:rapid.IntRange(0, 1).Draw(t, "partners")], Evidence: some("recorded")}
		}
		f.Contact = c
	}
	if some("destination") {
		f.Destination = &Destination{Kind: rapid.SampledFrom([]string{DestinationPostal, DestinationEmail, DestinationLine, "contact-number"}).Draw(t, "destination kind"), Since: when("since"), Shift: int64(rapid.SampledFrom([]int{0, 3600, -3600}).Draw(t, "shift")), Disturbed: when("disturbed")}
	}
	f.Approval = Approval{State: rapid.SampledFrom(append([]cpni.ApprovalState{""}, stateWords...)).Draw(t, "state"), NamesRecipient: some("names"), OtherTuple: some("other tuple"), ExpressPrior: some("express")}
	if some("offer") {
		f.Offer = &Offer{Categories: rapid.SliceOfN(rapid.SampledFrom(append(words[cpni.Category]{"lawn-care"}, categoryWords...)), 0, 2).Draw(t, "offered")}
	}
	f.Recipient.Placed = some("placed")
	f.Basis = anyBasis(t, some, when)
	return f
}

func anyBasis(t *rapid.T, some func(string) bool, when func(string) time.Time) Basis {
	var b Basis
	if some("process") {
		b.Process = &Process{ID: "SUB-7", Issuer: rapid.SampledFrom([]string{"", "District Court"}).Draw(t, "issuer"), Scope: rapid.SliceOfN(rapid.SampledFrom(cpni.DataClasses), 0, 4).Draw(t, "scope"),
			From: when("from"), Until: when("until"), ReviewedBy: rapid.SampledFrom([]string{"", "cora"}).Draw(t, "reviewed")}
		if some("filed") {
			b.Process.Filed = &Filed{Stands: some("stands"), Subject: some("subject"), Dates: some("dates"), Recipient: some("recipient")}
		}
	}
	open := func(name string) *Case {
		if !some(name) {
			return nil
		}
		return &Case{ID: "X-1", Open: some(name + " open")}
	}
	b.Case, b.Ticket, b.Order = open("case"), open("ticket"), open("order")
	b.Placement = open("placement")
	if some("emergency") {
		b.Emergency = &Emergency{Kind: rapid.SampledFrom([]string{EmergencyCall, LifeAtRisk, "weather"}).Draw(t, "emergency kind"), Caller: rapid.SampledFrom([]string{"psap", "guardian", "immediate-family", "other"}).Draw(t, "emergency caller")}
	}
	if some("request") {
		b.Request = &Request{Written: some("written"), Signed: some("signed"), Names: some("request names")}
	}
	if some("unaided") {
		b.Unaided = &Unaided{Matches: some("matches"), Only: some("only")}
	}
	if some("cells") {
		n := rapid.IntRange(0, 20).Draw(t, "smallest cell")
		b.Cells = &n
	}
	b.PortOut = !some("no port")
	return b
}

func decide(t testing.TB, f Facts) Decision {
	t.Helper()
	return builtIn().Explain(f)
}
