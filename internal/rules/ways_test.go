package rules

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
)

// following does, on facts, what each step tells a person to do.
var following = map[string]func(*Facts){
	"training": func(f *Facts) { f.Actor.TrainedUntil = f.At.AddDate(1, 0, 0) },
	"whose-work-it-is": func(f *Facts) {
		f.Actor = Actor{Kind: ActorStaff, Role: workOf[f.Purpose], TrainedUntil: f.At.AddDate(1, 0, 0)}
	},
	"another-key": func(f *Facts) { f.Actor.Scopes = nil },
	"open-contact": func(f *Facts) {
		channel := cpni.Phone
		if f.Contact != nil && channelWords.known(f.Contact.Channel) != "" {
			channel = f.Contact.Channel
		}
		f.Contact = &Contact{Channel: channel, Live: true, Same: true}
	},
	"verify-password": proving(cpni.ByPassword), "verify-pin": proving(cpni.ByPIN), "verify-callback": proving(cpni.ByCallback), "verify-code": proving(cpni.ByCode),
	"verify-photo-id": proving(cpni.ByPhotoID), "verify-contract": proving(cpni.ByContract),
	"come-to-a-shop": func(f *Facts) {
		f.Contact, f.Via = &Contact{Channel: cpni.Store, Live: true, Same: true}, cpni.Screen
		proving(cpni.ByPhotoID)(f)
	},
	"send-to-postal-record": func(f *Facts) {
		f.Via, f.Destination = cpni.Postal, &Destination{Kind: DestinationPostal, Since: f.At.AddDate(-1, 0, 0)}
	},
	"send-to-email-record": func(f *Facts) {
		f.Via, f.Destination = cpni.Email, &Destination{Kind: DestinationEmail, Since: f.At.AddDate(-1, 0, 0)}
	},
	"text-to-record": func(f *Facts) { f.Destination = &Destination{Kind: DestinationLine, Since: f.At.AddDate(-1, 0, 0)} },
	"tell-in-the-contact": func(f *Facts) {
		if f.Via = cpni.Screen; f.Contact.Channel == cpni.Phone {
			f.Via = cpni.Voice
		}
	},
	"give-it-to-the-customer": func(f *Facts) { f.Recipient = Recipient{Kind: cpni.ToCustomer} },
	"customer-authorises":     func(f *Facts) { f.Recipient.GrantKnown, f.Recipient.Granted = true, f.Data },
	"agreement": func(f *Facts) {
		f.Recipient.Agreement, f.Recipient.Until = true, f.At.AddDate(1, 0, 0)
		if f.Recipient.DestroyBy.IsZero() {
			f.Recipient.DestroyBy = f.At.AddDate(1, 1, 0)
		}
	},
	"certificate-of-destruction": func(f *Facts) { f.Recipient.DestroyProof = true },
	"to-law-enforcement":         func(f *Facts) { f.Recipient = Recipient{Kind: cpni.ToLawEnforcement} },
	"to-a-publisher":             func(f *Facts) { f.Recipient = Recipient{Kind: cpni.ToDirectoryPublisher} },
	"within-the-carrier":         func(f *Facts) { f.Recipient = Recipient{Kind: cpni.ToCarrier} },
	"leave-out-the-unclassified": func(f *Facts) {
		f.Data = slices.DeleteFunc(slices.Clone(f.Data), func(d cpni.DataClass) bool { return dataWords.bit(d) == 0 })
	},
	"only-aggregate": func(f *Facts) {
		n := f.Numbers.SmallestCell
		f.Data, f.Basis.Cells = []cpni.DataClass{cpni.Aggregate}, &n
	},
	"only-listings":      func(f *Facts) { f.Data = []cpni.DataClass{cpni.Listing} },
	"customer-publishes": func(f *Facts) { f.Customer.ListedOnly = true },
	"only-what-the-port-needs": func(f *Facts) {
		f.Data = slices.DeleteFunc(slices.Clone(f.Data), func(d cpni.DataClass) bool { return d != cpni.Service && d != cpni.Listing })
		if len(f.Data) == 0 {
			f.Data = []cpni.DataClass{cpni.Service}
		}
	},
	"only-location": func(f *Facts) { f.Data = []cpni.DataClass{cpni.Location} },
	"order":         func(f *Facts) { f.Basis.Order = &Case{"O-1", true} },
	"ticket":        func(f *Facts) { f.Basis.Ticket = &Case{"T-1", true} },
	"case":          func(f *Facts) { f.Basis.Case = &Case{"F-1", true} },
	"placement":     func(f *Facts) { f.Basis.Placement = &Case{"C-1", true} },
	"only-what-billing-needs": func(f *Facts) {
		f.Data = slices.DeleteFunc(slices.Clone(f.Data), func(d cpni.DataClass) bool {
			return !slices.Contains([]cpni.DataClass{cpni.Billing, cpni.Usage, cpni.Service, cpni.CallDetail, cpni.Listing}, d)
		})
		if len(f.Data) == 0 {
			f.Data = []cpni.DataClass{cpni.Billing}
		}
	},
	"process": onProcess(func(p *Process, f *Facts) {
		p.ID, p.Issuer, p.From, p.Until = "SUB-7", "Court", f.At.AddDate(0, 0, -1), f.At.AddDate(0, 0, 1)
		if p.Filed != nil {
			p.Filed.Stands = true
		}
	}),
	"process-reviewed": onProcess(func(p *Process, f *Facts) {
		p.ReviewedBy = "cora"
	}),
	"process-scope": onProcess(func(p *Process, f *Facts) {
		if p.Scope = f.Data; p.Filed != nil {
			p.Filed.Subject, p.Filed.Dates, p.Filed.Recipient = true, true, true
		}
	}),
	"written-and-signed":     onRequest(func(r *Request) { r.Written, r.Signed = true, true }),
	"recipient-named":        onRequest(func(r *Request) { r.Names = true }),
	"emergency-call":         func(f *Facts) { f.Basis.Emergency = &Emergency{Kind: EmergencyCall, Caller: "psap"} },
	"life-at-risk":           func(f *Facts) { f.Basis.Emergency = &Emergency{Kind: LifeAtRisk, Caller: "guardian"} },
	"customer-agrees":        agreeing,
	"customer-lifts-refusal": agreeing,
	"notice-and-wait": func(f *Facts) {
		f.Approval = Approval{State: cpni.OptOutOK, OtherTuple: f.Approval.OtherTuple}
	},
	"yes-on-this-call": func(f *Facts) {
		c := *f.Contact
		c.OneTime = &OneTimeConsent{At: f.At, Purposes: []cpni.Purpose{f.Purpose}, Partners: []string{f.Recipient.Partner}, Evidence: true}
		f.Contact = &c
	},
	"offer-what-they-buy": func(f *Facts) {
		var sold []cpni.Category
		for _, c := range f.Customer.Categories {
			if services&categoryWords.bit(c) != 0 {
				sold = append(sold, c)
			}
		}
		f.Offer = &Offer{Categories: sold}
	},
}

func proving(m cpni.Method) func(*Facts) {
	return func(f *Facts) {
		c := *f.Contact
		c.Evidence = append(slices.Clone(c.Evidence), Evidence{Method: m, At: f.At})
		c.Speaker, c.Receives = SpeakerCustomer, true
		f.Contact = &c
	}
}

func onProcess(do func(*Process, *Facts)) func(*Facts) {
	return func(f *Facts) {
		p := Process{}
		if f.Basis.Process != nil {
			p = *f.Basis.Process
		}
		if p.Filed != nil {
			on := *p.Filed
			p.Filed = &on
		}
		do(&p, f)
		f.Basis.Process = &p
	}
}

func onRequest(do func(*Request)) func(*Facts) {
	return func(f *Facts) {
		r := Request{}
		if f.Basis.Request != nil {
			r = *f.Basis.Request
		}
		do(&r)
		f.Basis.Request = &r
	}
}

func agreeing(f *Facts) {
	f.Approval = Approval{State: cpni.OptInOK, NamesRecipient: true, ExpressPrior: true, OtherTuple: f.Approval.OtherTuple}
}

// Whoever does what a way says gets a permit.
//
// cite: I-28, P-01
func TestFollowingAWayGivesAPermit(t *testing.T) {
	s := builtIn()
	rapid.Check(t, func(t *rapid.T) {
		f := anyFacts(t)
		d := s.Explain(f)
		if d.Permit() && len(d.Ways) > 0 {
			t.Fatalf("a permit has ways: %s", describe(d.Ways))
		}
		if !d.Permit() && (len(d.Clauses) == 0 || d.Code == "" || len(d.Says) == 0) {
			t.Fatalf("a refusal that does not say why: %+v", d)
		}
		for _, w := range d.Ways {
			g := f
			for _, step := range w {
				if following[step.ID] == nil {
					t.Fatalf("nobody knows how to do %q", step.ID)
				}
				following[step.ID](&g)
			}
			if after := s.Decide(g); !after.Permit() {
				t.Fatalf("%s: following %s leads from %v to %v by %v", f.Purpose, describe([][]Way{w}), d.Codes, after.Codes, after.Rules)
			}
		}
	})
}

// Refusals that people meet, and the ways that they are told.
//
// cite: I-28, P-18, P-21, P-28, P-33
func TestWaysThatPeopleAreTold(t *testing.T) {
	untrained := asked(cpni.OwnMarketing, cpni.ToCarrier, cpni.Usage)
	untrained.Offer, untrained.Actor.TrainedUntil = &Offer{Categories: []cpni.Category{cpni.Local}}, time.Time{}
	ended := asked(cpni.CustomerRequest, cpni.ToCustomer, cpni.CallDetail)
	ended.Contact.Live = false
	closed := asked(cpni.CustomerRequest, cpni.ToCustomer, cpni.CallDetail)
	closed.Closed = []string{"verify-password", "verify-pin", "send-to-email-record", "verify-callback", "verify-code", "come-to-a-shop"}
	fresh := asked(cpni.CustomerRequest, cpni.ToCustomer, cpni.CallDetail)
	fresh.Via, fresh.Destination = cpni.Postal, &Destination{Kind: DestinationPostal}
	for _, c := range []struct {
		name  string
		facts Facts
		want  []string // ways that must be among those told, as ids with + between
		never []string // steps that must not be told
	}{
		{"a caller who is not verified", asked(cpni.CustomerRequest, cpni.ToCustomer, cpni.CallDetail),
			[]string{"verify-password", "verify-pin", "verify-callback", "verify-code", "send-to-postal-record", "send-to-email-record"}, []string{"verify-photo-id", "customer-agrees"}},
		{"a caller of whom nothing is on file but a postal address", closed, []string{"send-to-postal-record"}, closed.Closed},
		{"a contact that has ended", ended, []string{"open-contact+verify-password", "open-contact+verify-callback"}, []string{"verify-photo-id"}},
		{"a new address", fresh, []string{"send-to-postal-record", "send-to-email-record", "tell-in-the-contact+verify-password"}, nil},
		{"service without an order", asked(cpni.ProvideService, cpni.ToCarrier, cpni.Service), []string{"order", "ticket"}, []string{"customer-agrees", "open-contact"}},
		{"a marketer without training", untrained, []string{"training"}, []string{"customer-agrees"}},
		{"an offer of another category", func() Facts {
			f := asked(cpni.OwnMarketing, cpni.ToCarrier, cpni.Usage)
			f.Offer = &Offer{Categories: []cpni.Category{cpni.Broadband}}
			return f
		}(), []string{"customer-agrees", "notice-and-wait", "offer-what-they-buy"}, []string{"customer-lifts-refusal"}},
		{"after a refusal by the customer", func() Facts {
			f := asked(cpni.OwnMarketing, cpni.ToCarrier, cpni.Usage)
			f.Approval.State = cpni.Denied
			return f
		}(), []string{"customer-lifts-refusal"}, []string{"notice-and-wait", "customer-agrees"}},
		{"legal process", asked(cpni.Legal, cpni.ToLawEnforcement, cpni.CallDetail), []string{"process+process-reviewed+process-scope"}, nil},
	} {
		d := decide(t, c.facts)
		told := map[string]bool{}
		for _, w := range d.Ways {
			var ids string
			for i, s := range w {
				if slices.Contains(c.never, s.ID) {
					t.Errorf("%s: told to %s", c.name, s.ID)
				}
				if i > 0 {
					ids += "+"
				}
				ids += s.ID
			}
			told[ids] = true
		}
		for _, want := range c.want {
			if !told[want] {
				t.Errorf("%s: not told of %s, only of %s (%v)", c.name, want, describe(d.Ways), d.Codes)
			}
		}
	}
}

// What nothing can make allowed has no way.
//
// cite: P-28, 47 CFR 64.2005(b)(2), 47 USC 222(b)
func TestNoWayIsInventedWhereThereIsNone(t *testing.T) {
	tracking := asked(cpni.CompetitorTracking, cpni.ToCarrier, cpni.CallDetail)
	port := asked(cpni.OwnMarketing, cpni.ToCarrier, cpni.Usage)
	port.Basis.PortOut = true
	unknown := asked("curiosity", cpni.ToCarrier, cpni.CallDetail)
	gone := asked(cpni.BillingPurpose, cpni.ToCarrier, cpni.Billing)
	gone.Customer.Forgotten = true
	for name, f := range map[string]Facts{"tracking of rivals": tracking, "retention on a port": port, "an unknown purpose": unknown, "a forgotten customer": gone} {
		if d := decide(t, f); d.Permit() || len(d.Ways) > 0 {
			t.Errorf("%s: %s with ways %s", name, d.Outcome, describe(d.Ways))
		}
	}
}

// Every step that people are told can be found by somebody.
func TestEveryStepIsToldSomewhere(t *testing.T) {
	told := map[string]bool{}
	s := builtIn()
	some := rapid.Custom(func(t *rapid.T) Facts { return anyFacts(t) })
	for i := range 400 { // the same ones each time
		for _, w := range s.Explain(some.Example(i)).Ways {
			for _, step := range w {
				told[step.ID] = true
			}
		}
	}
	for _, st := range steps {
		if following[st.id] == nil {
			t.Errorf("no test does %s", st.id)
		}
		if len(st.Clauses) == 0 || st.Says == "" {
			t.Errorf("%s rests on nothing", st.id)
		}
	}
	if len(told) < len(steps)/2 {
		t.Errorf("only %d of %d steps were ever told", len(told), len(steps))
	}
}
