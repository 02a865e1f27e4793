package console

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
)

// tryField is one question of the form for a made-up request: which of these, or which of these several.
type tryField struct {
	Name, Label string
	Several     bool
	Options     []tryOption
}

type tryOption struct {
	option
	Chosen bool
}

// tryView is a made-up request and what the rules say to it.
type tryView struct {
	page
	Groups []tryGroup
	Policy string
	Asked  bool
	Answer *answerView
	Rules  []ruleView
}

type tryGroup struct {
	ID, Title string
	Fields    []tryField
}

func optionsOf[T ~string](words map[T]string, all []T) []option {
	out := make([]option, len(all))
	for i, w := range all {
		out[i] = option{string(w), capital(wordOf(words, w))}
	}
	return out
}

// tryForm are the questions, with what is chosen when nobody has chosen yet.
func tryForm() []tryGroup {
	yes := func(name, label string) tryField { return tryField{name, label, true, tried(option{name, label})} }
	one := func(name, label string, all []option) tryField { return tryField{name, label, false, tried(all...)} }
	many := func(name, label string, all []option) tryField { return tryField{name, label, true, tried(all...)} }
	optional := func(all []option, none string) []option { return append([]option{{"", none}}, all...) }
	return []tryGroup{
		{"who", "Who asks", []tryField{
			one("role", "Role", append([]option{{"customer", "The customer, signed in"}}, optionsOf(roleWords, cpni.Roles)...)),
			yes("trained", "Trained"),
		}},
		{"what", "What for", []tryField{
			one("purpose", "Purpose", optionsOf(tryPurposes, cpni.Purposes)),
			many("data", "Classes of data", optionsOf(classWords, cpni.DataClasses)),
			one("via", "How they get it", optionsOf(viaWords, []cpni.Via{cpni.Voice, cpni.Screen, cpni.Postal, cpni.Email, cpni.Text, cpni.File})),
		}},
		{"customer", "Whose information", []tryField{
			many("buys", "Buys", optionsOf(categoryWords, cpni.Services)),
			yes("business", "Business customer with a contract that deals with CPNI and a dedicated representative"),
			one("approval", "Approval stands at", optionsOf(approvalWords, []cpni.ApprovalState{cpni.Unnotified, cpni.Waiting, cpni.OptOutOK, cpni.OptInOK, cpni.Denied, cpni.RenoticeDue})),
			yes("names-recipient", "The notice named this recipient"),
			yes("express", "Express prior authorization for location"),
		}},
		{"contact", "The contact", []tryField{
			one("channel", "Channel", optional(optionsOf(channelWords, []cpni.Channel{cpni.Phone, cpni.Store, cpni.Online, cpni.Chat, cpni.Mail}), "No contact")),
			many("proved", "Proved in it", optionsOf(methodWords, []cpni.Method{cpni.ByPassword, cpni.ByPIN, cpni.ByCallback, cpni.ByCode, cpni.ByPhotoID, cpni.ByContract, cpni.ByBackup, cpni.ByPasskey})),
			yes("one-time", "Oral consent for this call, on record"),
			one("destination", "Sent to", []option{{"", "Nowhere in particular"}, {"record", "An address or number of record"}, {"new", "One that is on the account since yesterday"}, {"other", "One that is not on the account"}}),
		}},
		{"recipient", "Who receives", []tryField{
			one("to", "Recipient", optionsOf(recipientWords, []cpni.RecipientKind{cpni.ToCustomer, cpni.ToAuthorised, cpni.ToDesignee, cpni.ToPartner, cpni.ToCarrier, cpni.ToLawEnforcement, cpni.ToDirectoryPublisher,
				cpni.ToPSAP, cpni.ToOtherCarrier, cpni.ToFamily})),
			yes("granted", "An authorised person whom the customer let see this"),
			one("class", "A partner is", optional(optionsOf(partnerWords, []cpni.PartnerClass{cpni.Agent, cpni.AffiliateComm, cpni.AffiliateOther, cpni.JointVenture, cpni.IndependentContractor, cpni.OtherParty}), "Not classed")),
			yes("agreement", "Bound by an agreement that is in force"),
		}},
		{"basis", "What it rests on", []tryField{
			many("basis", "Offered", []option{{"process", "Legal process, reviewed and in force"}, {"case", "An open fraud case"}, {"ticket", "An open trouble ticket"}, {"order", "An open order"},
				{"911", "This user's emergency call is being answered"}, {"life", "Death or serious physical harm is at risk"}, {"guardian", "The legal guardian or close family asks"},
				{"written", "A written request, signed, that names the recipient"}, {"unaided", "The caller described the one call without help"}, {"aggregate", "An aggregate report with large enough cells"}, {"port-out", "Another carrier wants to port the number"}}),
			one("offer", "What is offered", optional(optionsOf(categoryWords, []cpni.Category{cpni.Local, cpni.LongDistance, cpni.Wireless, cpni.VoIP, cpni.Broadband, cpni.VoiceMail, cpni.CPE, cpni.CallFeatures, cpni.OtherProduct}), "Nothing")),
		}},
	}
}

func tried(all ...option) []tryOption {
	out := make([]tryOption, len(all))
	for i, o := range all {
		out[i] = tryOption{option: o}
	}
	return out
}

// The words that this form has beside those of the desk.
var (
	tryPurposes = map[cpni.Purpose]string{cpni.CustomerRequest: "the customer asks", cpni.DesigneePurpose: "the customer commands in writing that somebody gets it", cpni.ProvideService: "to provide or mend the service",
		cpni.BillingPurpose: "to bill or collect", cpni.Protect: "to protect against fraud", cpni.Legal: "to answer legal process", cpni.Directory: "for a directory", cpni.Emergency: "to answer an emergency",
		cpni.OwnMarketing: "marketing of our own services", cpni.OtherMarketing: "marketing of what is not communications", cpni.PartnerMarketing: "marketing by a partner", cpni.InboundMarketing: "marketing in a call that the customer made",
		cpni.WinBack: "to win a customer back", cpni.CompetitorTracking: "to track who calls competitors"}
	categoryWords = map[cpni.Category]string{cpni.Local: "local", cpni.LongDistance: "long distance", cpni.Wireless: "wireless", cpni.VoIP: "VoIP", cpni.Broadband: "broadband", cpni.VoiceMail: "voice mail",
		cpni.CPE: "equipment", cpni.CallFeatures: "calling features", cpni.OtherProduct: "something else"}
	approvalWords = map[cpni.ApprovalState]string{cpni.Unnotified: "not notified", cpni.Waiting: "notified, the wait runs", cpni.OptOutOK: "did not object", cpni.OptInOK: "said yes", cpni.Denied: "refused",
		cpni.RenoticeDue: "notice too old"}
	partnerWords = map[cpni.PartnerClass]string{cpni.Agent: "an agent", cpni.AffiliateComm: "an affiliate in communications", cpni.AffiliateOther: "another affiliate", cpni.JointVenture: "a joint venture partner",
		cpni.IndependentContractor: "an independent contractor", cpni.OtherParty: "another company"}
)

// Chosen when nobody has chosen yet: a trained agent, on the telephone, with a customer who is not verified.
var tryDefaults = url.Values{"role": {"agent"}, "trained": {"trained"}, "purpose": {string(cpni.CustomerRequest)}, "data": {string(cpni.CallDetail)}, "via": {string(cpni.Voice)},
	"buys": {string(cpni.Local)}, "approval": {string(cpni.Unnotified)}, "channel": {string(cpni.Phone)}, "destination": {""}, "to": {string(cpni.ToCustomer)}, "class": {""}, "offer": {""}}

// tryPage asks the rules about a made-up request. Nothing is released and nothing recorded: there is no customer in it.
//
// cite: P-28, I-28
func (v *visit) tryPage() error {
	set, _ := v.office.Policy.Current()
	view := tryView{page: v.page("Try a request", "/rules"), Policy: set.Version(), Groups: tryForm()}
	q := v.r.URL.Query()
	if view.Asked = len(q) > 0; !view.Asked {
		q = tryDefaults
	}
	for _, g := range view.Groups {
		for _, f := range g.Fields {
			for i := range f.Options {
				f.Options[i].Chosen = slices.Contains(q[f.Name], f.Options[i].Value)
			}
		}
	}
	if view.Asked {
		d := set.Explain(v.tryFacts(q))
		view.Answer = &answerView{Permit: d.Permit(), Title: "Refused", Codes: d.Codes, Rests: slices.Concat(d.Clauses, d.Cites), Asked: []string{"A made-up request: nothing is released and nothing recorded"}}
		if d.Permit() {
			view.Answer.Title = "Permitted"
		}
		for _, s := range d.Says {
			view.Answer.Says = append(view.Answer.Says, sentence(s))
		}
		for _, w := range d.Ways {
			var way wayView
			for _, step := range w {
				way.Steps = append(way.Steps, wayStep{Says: step.Says})
			}
			view.Answer.Ways = append(view.Answer.Ways, way)
		}
		for _, r := range set.Rules() {
			if slices.Contains(d.Rules, r.ID) {
				view.Rules = append(view.Rules, ruleViewOf(r))
			}
		}
	}
	return v.show(http.StatusOK, tryPage(view))
}

// tryFacts makes the facts of a made-up request. What is not one of our words is unknown, and helps no permit.
func (v *visit) tryFacts(q url.Values) rules.Facts {
	now := v.now
	has := func(name, value string) bool { return slices.Contains(q[name], value) }
	yes := func(name string) bool { return has(name, name) }
	n := v.office.Policy.Numbers(now).Numbers(true)
	f := rules.Facts{At: now, Purpose: cpni.Purpose(q.Get("purpose")), Data: wordsOf[cpni.DataClass](q["data"]), Via: cpni.Via(q.Get("via")), Numbers: n,
		Actor:    rules.Actor{Kind: rules.ActorStaff, Role: cpni.Role(q.Get("role"))},
		Customer: rules.Customer{Known: true, Since: now.AddDate(-5, 0, 0), Categories: wordsOf[cpni.Category](q["buys"]), DedicatedRepresentative: yes("business"), ContractCoversCPNI: yes("business")},
		Recipient: rules.Recipient{Kind: cpni.RecipientKind(q.Get("to")), Partner: "made-up", Class: cpni.PartnerClass(q.Get("class")), Agreement: yes("agreement"), Until: now.AddDate(1, 0, 0),
			DestroyBy: now.AddDate(1, 1, 0), GrantKnown: yes("granted")},
		Approval: rules.Approval{State: cpni.ApprovalState(q.Get("approval")), NamesRecipient: yes("names-recipient"), ExpressPrior: yes("express")}}
	switch f.Actor.Role {
	case "customer":
		f.Actor = rules.Actor{Kind: rules.ActorCustomer}
	case cpni.RoleSystem:
		f.Actor.Kind = rules.ActorSystem
	}
	if yes("trained") {
		f.Actor.TrainedUntil = now.AddDate(1, 0, 0)
	}
	if yes("granted") {
		f.Recipient.Granted = f.Data
	}
	if channel := cpni.Channel(q.Get("channel")); channel != "" {
		c := &rules.Contact{Channel: channel, Live: true, Same: true, Speaker: rules.SpeakerCustomer, Receives: true}
		for _, m := range q["proved"] {
			c.Evidence = append(c.Evidence, rules.Evidence{Method: cpni.Method(m), At: now})
		}
		if yes("one-time") {
			c.OneTime = &rules.OneTimeConsent{At: now, Purposes: []cpni.Purpose{f.Purpose}, Partners: []string{"made-up"}, Evidence: true}
		}
		f.Contact = c
	}
	f.Destination = tryDestination(q.Get("destination"), f, now)
	f.Basis = tryBasis(q["basis"], f, n)
	if offer := q.Get("offer"); offer != "" {
		f.Offer = &rules.Offer{Categories: []cpni.Category{cpni.Category(offer)}}
	}
	return f
}

func tryDestination(which string, f rules.Facts, now time.Time) *rules.Destination {
	kind := map[cpni.Via]string{cpni.Postal: rules.DestinationPostal, cpni.Email: rules.DestinationEmail, cpni.Text: rules.DestinationLine}[f.Via]
	switch which {
	case "record":
		return &rules.Destination{Kind: kind, Since: now.AddDate(-2, 0, 0)}
	case "new":
		return &rules.Destination{Kind: kind, Since: now.AddDate(0, 0, -1), Disturbed: now.AddDate(0, 0, -1)}
	case "other":
		return &rules.Destination{Kind: "other"}
	}
	return nil
}

func tryBasis(offered []string, f rules.Facts, n rules.Numbers) rules.Basis {
	var b rules.Basis
	open := &rules.Case{ID: "made-up", Open: true}
	for _, what := range offered {
		switch what {
		case "process":
			b.Process = &rules.Process{ID: "made-up", Issuer: "a court", Scope: f.Data, From: f.At.AddDate(0, -1, 0), Until: f.At.AddDate(0, 1, 0), ReviewedBy: "counsel"}
		case "case":
			b.Case = open
		case "ticket":
			b.Ticket = open
		case "order":
			b.Order = open
		case "911":
			b.Emergency = &rules.Emergency{Kind: rules.EmergencyCall, Caller: "psap"}
		case "life":
			b.Emergency = &rules.Emergency{Kind: rules.LifeAtRisk, Caller: "psap"}
		case "guardian":
			if b.Emergency == nil {
				b.Emergency = &rules.Emergency{}
			}
			b.Emergency.Caller = "guardian"
		case "written":
			b.Request = &rules.Request{Written: true, Signed: true, Names: true}
		case "unaided":
			b.Unaided = &rules.Unaided{Matches: true, Only: true}
		case "aggregate":
			cells := n.SmallestCell
			b.Cells = &cells
		case "port-out":
			b.PortOut = true
		}
	}
	return b
}

// wordsOf takes words of a list that is closed; a request has each once.
func wordsOf[T ~string](texts []string) []T {
	var all []T
	for _, t := range texts {
		if !slices.Contains(all, T(t)) && len(all) < 20 {
			all = append(all, T(t))
		}
	}
	return all
}
