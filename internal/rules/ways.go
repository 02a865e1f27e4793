package rules

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"

	"ringfence/internal/cpni"
)

// Ways gives the ways that would make a permit of what the rules refuse about f: each a list of steps that are all
// needed, the shortest first. A permit has none, and neither has what nothing can make allowed.
//
// cite: I-28
func (s *Set) Ways(f Facts) [][]Way { return s.Explain(f).Ways }

// Bounds of the search for ways.
const (
	longestWay = 6   // steps
	mostWays   = 8   // told to a person
	mostTried  = 400 // situations looked at
)

type wayKey struct {
	view   view
	closed string
}

// ways searches from a refusal on, step by step: a step is worth taking when the rule that weighs most no longer
// refuses after it.
func (s *Set) ways(from view, closed []string) [][]Way {
	sorted := slices.Sorted(slices.Values(closed))
	key := wayKey{from, strings.Join(sorted, " ")}
	if w, ok := s.memo.getWays(key); ok {
		return w
	}
	type place struct {
		view  view
		taken []int
	}
	var found [][]int
	queue := []place{{view: from}}
	seen := map[view]bool{from: true}
	for tried := 0; len(queue) > 0 && tried < mostTried && len(found) < 4*mostWays; tried++ {
		at := queue[0]
		queue = queue[1:]
		d := s.decide(at.view)
		if d.Permit() {
			found = append(found, at.taken)
			continue
		}
		if len(at.taken) == longestWay || len(d.Rules) == 0 {
			continue
		}
		for i := range steps {
			st := &steps[i]
			if slices.Contains(at.taken, i) || slices.Contains(sorted, st.id) || !st.open(&at.view) {
				continue
			}
			next := at.view
			st.take(&next)
			s.free(&next)
			if next == at.view || seen[next] || s.refuses(d.Rules[0], next) {
				continue
			}
			seen[next] = true
			queue = append(queue, place{next, append(slices.Clone(at.taken), i)})
		}
	}
	ways := told(found)
	s.memo.putWays(key, ways)
	return ways
}

// refuses reports whether one rule refuses v.
func (s *Set) refuses(id string, v view) bool {
	for _, r := range s.policies[v.action] {
		if r.ID != id {
			continue
		}
		_, why := cedar.Authorize(applicable{r}, s.entities, cedar.Request{Principal: asker, Action: actionID(v.action), Resource: anyCustomer, Context: v.context()})
		return len(why.Reasons) > 0 || len(why.Errors) > 0
	}
	return false
}

// told puts ways into words, the shortest first, without those that do more than another does.
func told(found [][]int) [][]Way {
	slices.SortStableFunc(found, func(a, b []int) int { return cmp.Compare(len(a), len(b)) })
	var kept [][]int
	for _, w := range found {
		wider := slices.ContainsFunc(kept, func(k []int) bool {
			return !slices.ContainsFunc(k, func(i int) bool { return !slices.Contains(w, i) })
		})
		if !wider && len(kept) < mostWays {
			kept = append(kept, w)
		}
	}
	ways := make([][]Way, len(kept))
	for i, w := range kept {
		for _, j := range w {
			ways[i] = append(ways[i], steps[j].Way)
		}
	}
	return ways
}

// step is one thing that somebody can do to come nearer to a permit.
type step struct {
	Way
	id   string
	open func(*view) bool // whether it can be done in this situation
	take func(*view)      // what is so afterwards
}

func way(id, says string, clauses []string, open func(*view) bool, take func(*view)) step {
	return step{Way{ID: id, Says: says, Clauses: clauses}, id, open, take}
}

func (v *view) asks(purposes ...cpni.Purpose) bool { return slices.Contains(purposes, v.purpose) }

func (v *view) markets() bool { return purposeWords.bit(v.purpose)&marketing != 0 }

// in reports whether there is a live contact with the customer on one of these channels.
func (v *view) in(channels ...cpni.Channel) bool {
	return v.contact.live && v.contact.same && slices.Contains(channels, v.contact.channel)
}

// toPerson reports whether who receives must be proved: the customer, an authorised person, or who signed a request.
func (v *view) toPerson() bool {
	return v.asks(cpni.CustomerRequest, cpni.DesigneePurpose) || v.recipient.kind == cpni.ToCustomer && v.asks(cpni.ProvideService, cpni.BillingPurpose, cpni.Protect)
}

func prove(m cpni.Method) func(*view) {
	return func(v *view) { v.contact.proved |= methodWords.bit(m) }
}

// sendable reports whether what is asked for could be sent to the customer instead.
func sendable(v *view) bool {
	return v.asks(cpni.CustomerRequest) || v.recipient.kind == cpni.ToCustomer && v.toPerson()
}

// ofRecord is a destination that everything may be sent to.
var ofRecord = destinationView{given: true, onAccount: true, ofRecord: true}

// billed is what stands on a bill, and whom it is for.
var billed = dataWords.bit(cpni.Billing) | dataWords.bit(cpni.Usage) | dataWords.bit(cpni.Service) | dataWords.bit(cpni.CallDetail) | dataWords.bit(cpni.Listing)

// only narrows what is asked for.
func (v *view) only(data mask) {
	v.data &= data
	v.basis.aggregate = v.basis.aggregate && v.data == dataWords.bit(cpni.Aggregate)
}

// begin begins a contact in which nothing is proved yet.
func (v *view) begin(channel cpni.Channel) {
	v.contact = contactView{given: true, live: true, same: true, channel: channel}
	v.basis.unaided = false
}

// workOf names the role whose work a purpose is.
var workOf = map[cpni.Purpose]cpni.Role{
	cpni.CustomerRequest: cpni.RoleAgent, cpni.DesigneePurpose: cpni.RoleAgent, cpni.ProvideService: cpni.RoleAgent, cpni.BillingPurpose: cpni.RoleBilling,
	cpni.Protect: cpni.RoleFraud, cpni.Legal: cpni.RoleCompliance, cpni.Directory: cpni.RoleAgent, cpni.Emergency: cpni.RoleAgent,
	cpni.OwnMarketing: cpni.RoleMarketing, cpni.OtherMarketing: cpni.RoleMarketing, cpni.PartnerMarketing: cpni.RoleMarketing,
	cpni.InboundMarketing: cpni.RoleAgent, cpni.WinBack: cpni.RoleMarketing,
}

// steps are the ways that people have. Those that touch the customer's own say are theirs to take, and their words say
// so.
var steps = []step{
	// The person who asks.
	way("training", "Pass the course on customer information first.", []string{"P-38", "47 CFR 64.2009(b)"},
		func(v *view) bool { return v.actor.kind == ActorStaff },
		func(v *view) { v.actor.trained = true }),
	way("whose-work-it-is", "Let a trained colleague ask whose work this is.", []string{"P-37", "47 CFR 64.2010(a)"},
		func(v *view) bool { return v.actor.kind != ActorCustomer && workOf[v.purpose] != "" },
		func(v *view) {
			v.actor = actorView{kind: ActorStaff, role: workOf[v.purpose], trained: true, scoped: true}
		}),
	way("another-key", "Use an API key that is made for this purpose.", []string{"P-37", "47 CFR 64.2010(a)"},
		func(v *view) bool { return !v.actor.scoped },
		func(v *view) { v.actor.scoped = true }),

	// The contact, and who is proved in it.
	way("open-contact", "Open a contact with this customer and ask in it.", []string{"P-42", "47 CFR 64.2010(a)"},
		func(v *view) bool { return !v.contact.live || !v.contact.same || v.contact.channel == "" },
		func(v *view) {
			channel := v.contact.channel
			if channel == "" {
				channel = cpni.Phone
			}
			v.begin(channel)
		}),
	way("verify-password", "Verify by the password.", []string{"P-19", "47 CFR 64.2010(b)"},
		func(v *view) bool { return v.toPerson() && v.in(cpni.Phone, cpni.Online, cpni.Chat) }, prove(cpni.ByPassword)),
	way("verify-pin", "Verify by the PIN.", []string{"P-19", "47 CFR 64.2010(b)"},
		func(v *view) bool { return v.toPerson() && v.in(cpni.Phone) }, prove(cpni.ByPIN)),
	way("verify-callback", "Call back the number of the service.", []string{"P-20", "47 CFR 64.2010(b)"},
		func(v *view) bool { return v.toPerson() && v.in(cpni.Phone) }, prove(cpni.ByCallback)),
	way("verify-code", "Send a code to a number or address of record, and take it back in this contact.", []string{"P-20", "P-21", "47 CFR 64.2010(b)"},
		func(v *view) bool { return v.toPerson() && v.in(cpni.Phone) }, prove(cpni.ByCode)),
	way("verify-photo-id", "Look at a valid photo ID that matches the account.", []string{"P-18", "47 CFR 64.2010(d)"},
		func(v *view) bool { return v.toPerson() && v.in(cpni.Store) }, prove(cpni.ByPhotoID)),
	way("verify-contract", "Let the dedicated representative take the contact under the business contract.", []string{"P-16", "47 CFR 64.2010(g)"},
		func(v *view) bool {
			return v.toPerson() && v.customer.businessExemption && v.in(cpni.Phone, cpni.Store, cpni.Online, cpni.Chat)
		}, prove(cpni.ByContract)),
	way("come-to-a-shop", "Ask the customer to come to a shop with a valid photo ID.", []string{"P-18", "47 CFR 64.2010(d)"},
		func(v *view) bool {
			return v.toPerson() && v.contact.given && v.contact.channel != cpni.Store && v.actor.kind != ActorCustomer
		},
		func(v *view) {
			v.begin(cpni.Store)
			v.contact.proved, v.via = methodWords.bit(cpni.ByPhotoID), cpni.Screen
		}),

	// Where it goes.
	way("send-to-postal-record", "Send it to the postal address of record.", []string{"P-21", "47 CFR 64.2003(b)", "47 CFR 64.2010(b)"},
		sendable,
		func(v *view) { v.via, v.destination = cpni.Postal, ofRecord }),
	way("send-to-email-record", "Send it to the e-mail address of record.", []string{"P-21", "47 CFR 64.2003(b)", "47 CFR 64.2010(b)"},
		sendable,
		func(v *view) { v.via, v.destination = cpni.Email, ofRecord }),
	way("text-to-record", "Send the text to an undisturbed number of record.", []string{"P-20", "47 CFR 64.2003(q)"},
		func(v *view) bool { return v.via == cpni.Text && v.data&dataWords.bit(cpni.CallDetail) == 0 },
		func(v *view) { v.destination = ofRecord }),
	way("tell-in-the-contact", "Tell or show it in the contact itself.", []string{"P-17", "47 CFR 64.2010(b)"},
		func(v *view) bool {
			return v.asks(cpni.CustomerRequest) && v.in(cpni.Phone, cpni.Store, cpni.Online, cpni.Chat)
		},
		func(v *view) {
			if v.via = cpni.Screen; v.contact.channel == cpni.Phone {
				v.via = cpni.Voice
			}
		}),

	// Who receives.
	way("give-it-to-the-customer", "Give it to the customer themselves.", []string{"P-16", "47 CFR 64.2003(f)"},
		func(v *view) bool { return v.asks(cpni.CustomerRequest) && v.recipient.kind != cpni.ToCustomer },
		func(v *view) { v.recipient = recipientView{kind: cpni.ToCustomer, known: true} }),
	way("customer-authorises", "Have the customer, once verified, authorise this person for it.", []string{"P-16", "47 CFR 64.2003(f)"},
		func(v *view) bool { return v.recipient.kind == cpni.ToAuthorised },
		func(v *view) { v.recipient.onList, v.recipient.granted = true, true }),
	way("agreement", "Put an agreement with the company in force that says by when it destroys the data.", []string{"P-35", "P-41"},
		func(v *view) bool { return v.recipient.kind == cpni.ToPartner },
		func(v *view) { v.recipient.agreement = true }),
	way("certificate-of-destruction", "Obtain the company's certificate that it has destroyed what it was given.", []string{"P-35", "P-41"},
		func(v *view) bool { return v.recipient.overdue },
		func(v *view) { v.recipient.overdue = false }),
	way("to-law-enforcement", "Answer to law enforcement, or to the party that the order names.", []string{"P-29", "47 USC 222(c)(1)"},
		func(v *view) bool { return v.asks(cpni.Legal) },
		func(v *view) { v.recipient = recipientView{kind: cpni.ToLawEnforcement, known: true} }),
	way("to-a-publisher", "Give the listing to a directory publisher.", []string{"P-32", "47 USC 222(e)"},
		func(v *view) bool { return v.asks(cpni.Directory) },
		func(v *view) { v.recipient = recipientView{kind: cpni.ToDirectoryPublisher, known: true} }),
	way("within-the-carrier", "Keep it within the carrier.", []string{"P-33", "47 USC 222(c)(1)"},
		func(v *view) bool {
			return v.asks(cpni.ProvideService, cpni.BillingPurpose, cpni.Protect, cpni.OwnMarketing, cpni.OtherMarketing)
		},
		func(v *view) { v.recipient = recipientView{kind: cpni.ToCarrier, known: true} }),

	// What is asked for.
	way("leave-out-the-unclassified", "Leave out what has not been classified.", []string{"P-03", "47 USC 222(h)(1)"},
		func(v *view) bool { return !v.dataKnown && v.data != 0 },
		func(v *view) { v.dataKnown = true }),
	way("only-aggregate", "Ask for a report alone whose smallest cell is large enough.", []string{"P-05", "47 USC 222(h)(2)"},
		func(v *view) bool { return v.data&dataWords.bit(cpni.Aggregate) != 0 },
		func(v *view) {
			v.only(dataWords.bit(cpni.Aggregate))
			v.dataKnown, v.basis.aggregate = true, true
		}),
	way("only-listings", "Ask for published listings alone.", []string{"P-32", "47 USC 222(h)(3)"},
		func(v *view) bool { return v.asks(cpni.Directory) && v.data&dataWords.bit(cpni.Listing) != 0 },
		func(v *view) { v.only(dataWords.bit(cpni.Listing)); v.dataKnown = true }),
	way("customer-publishes", "Have the customer ask that the number be published.", []string{"P-32", "47 USC 222(h)(3)"},
		func(v *view) bool { return v.asks(cpni.Directory) && !v.customer.listedOnly },
		func(v *view) { v.customer.listedOnly = true }),
	way("only-what-the-port-needs", "Give the other carrier the service and its listing, and no more.", []string{"P-33", "47 USC 222(d)(1)"},
		func(v *view) bool { return v.recipient.kind == cpni.ToOtherCarrier && v.asks(cpni.ProvideService) },
		func(v *view) {
			if v.only(dataWords.bit(cpni.Service) | dataWords.bit(cpni.Listing)); v.data == 0 {
				v.data = dataWords.bit(cpni.Service)
			}
		}),
	way("only-location", "Ask for the location of the call alone.", []string{"P-28", "47 USC 222(d)(4)"},
		func(v *view) bool { return v.asks(cpni.Emergency) && v.data&dataWords.bit(cpni.Location) != 0 },
		func(v *view) { v.only(dataWords.bit(cpni.Location)); v.dataKnown = true }),

	// The basis.
	way("order", "Name the open order that needs it.", []string{"P-33", "47 USC 222(c)(1)"},
		func(v *view) bool { return v.asks(cpni.ProvideService) },
		func(v *view) { v.basis.orderOpen = true }),
	way("ticket", "Name the open trouble ticket that needs it.", []string{"P-34", "47 USC 222(d)(1)"},
		func(v *view) bool { return v.asks(cpni.ProvideService) },
		func(v *view) { v.basis.ticketOpen = true }),
	way("case", "Name the open case that it serves.", []string{"P-30", "P-31", "47 USC 222(d)(2)"},
		func(v *view) bool { return v.asks(cpni.Protect) },
		func(v *view) { v.basis.caseOpen = true }),
	way("placement", "Place the account with the vendor, and name the placement.", []string{"P-35", "47 USC 222(d)(1)"},
		func(v *view) bool { return v.asks(cpni.BillingPurpose) && v.recipient.placed },
		func(v *view) { v.basis.placementOpen = true }),
	way("only-what-billing-needs", "Give the vendor what billing needs, and no more.", []string{"P-35", "47 USC 222(d)(1)"},
		func(v *view) bool { return v.asks(cpni.BillingPurpose) && v.recipient.kind == cpni.ToPartner },
		func(v *view) {
			if v.only(billed); v.data == 0 {
				v.data = dataWords.bit(cpni.Billing)
			}
		}),
	way("process", "File the legal process with its number, issuer and dates, in force today.", []string{"P-29", "47 USC 222(c)(1)"},
		func(v *view) bool { return v.asks(cpni.Legal) },
		func(v *view) { v.basis.process, v.basis.processInForce = true, true }),
	way("process-reviewed", "Have the legal process reviewed.", []string{"P-29", "47 USC 222(c)(1)"},
		func(v *view) bool { return v.asks(cpni.Legal) },
		func(v *view) { v.basis.processReviewed = true }),
	way("process-scope", "Ask only for what the legal process covers.", []string{"P-29", "47 USC 222(c)(1)"},
		func(v *view) bool { return v.asks(cpni.Legal) },
		func(v *view) { v.basis.processCovers = true }),
	way("written-and-signed", "Have the customer's request in writing and signed.", []string{"P-36", "47 USC 222(c)(2)"},
		func(v *view) bool { return v.asks(cpni.DesigneePurpose) },
		func(v *view) { v.basis.written, v.basis.signed = true, true }),
	way("recipient-named", "Have the customer's request name who is to receive.", []string{"P-36", "47 USC 222(c)(2)"},
		func(v *view) bool { return v.asks(cpni.DesigneePurpose) },
		func(v *view) { v.basis.namesRecipient = true }),
	way("emergency-call", "Record that this user's emergency call is being answered.", []string{"P-28", "47 USC 222(d)(4)(A)"},
		func(v *view) bool {
			return v.asks(cpni.Emergency) && (v.recipient.kind == cpni.ToPSAP || v.recipient.kind == cpni.ToLawEnforcement)
		},
		func(v *view) { v.basis.emergencyCall = true }),
	way("life-at-risk", "Record the risk of death or serious physical harm, and that the legal guardian or immediate family asks.", []string{"P-28", "47 USC 222(d)(4)(B)"},
		func(v *view) bool { return v.asks(cpni.Emergency) && v.recipient.kind == cpni.ToFamily },
		func(v *view) { v.basis.lifeAtRisk, v.basis.closeFamily = true, true }),

	// What the customer says about marketing.
	way("customer-agrees", "Ask the customer, after a notice that names this recipient and use, for an express yes.", []string{"P-15", "P-36", "47 CFR 64.2007(b)"},
		func(v *view) bool { return v.markets() && v.approval.state != cpni.Denied },
		func(v *view) {
			v.approval = approvalView{state: cpni.OptInOK, namesRecipient: true, expressPrior: true}
		}),
	way("customer-lifts-refusal", "Only the customer can lift their refusal, by an express yes of their own.", []string{"P-14", "47 CFR 64.2007(a)(2)"},
		func(v *view) bool { return v.markets() && v.approval.state == cpni.Denied },
		func(v *view) {
			v.approval = approvalView{state: cpni.OptInOK, namesRecipient: true, expressPrior: true}
		}),
	way("notice-and-wait", "Send the customer an individual notice, and wait until the time to object has passed.", []string{"P-09", "P-26", "47 CFR 64.2008(d)"},
		func(v *view) bool {
			return v.markets() && slices.Contains([]cpni.ApprovalState{cpni.Unnotified, cpni.Waiting, cpni.RenoticeDue}, v.approval.state)
		},
		func(v *view) { v.approval = approvalView{state: cpni.OptOutOK, otherTuple: v.approval.otherTuple} }),
	way("yes-on-this-call", "Ask on the telephone, after an oral notice, for consent for this call, and record it.", []string{"P-28", "47 USC 222(d)(3)", "47 CFR 64.2008(f)"},
		func(v *view) bool { return v.markets() && v.in(cpni.Phone) },
		func(v *view) { v.contact.oneTime = true }),
	way("offer-what-they-buy", "Offer only what belongs to the services that the customer already buys.", []string{"P-07", "47 CFR 64.2005(a)"},
		func(v *view) bool { return v.asks(cpni.OwnMarketing, cpni.WinBack) && v.customer.categories != 0 },
		func(v *view) {
			v.offer.given, v.offer.categories, v.offer.beyond = true, v.customer.categories, 0
		}),
}
