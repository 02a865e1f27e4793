package rules

import (
	"math/bits"
	"slices"
	"time"

	"ringfence/internal/cpni"
)

// derivation is raised whenever viewOf comes to read the same facts in another way: it is part of a rule set's version,
// so that a decision is made again as it was made.
const derivation = 1

// view is what rules see: all of it is derived from the facts, and whatever is not known is empty or false. It has the
// shape of type Facts in schema.cedarschema, and is comparable, so that a decision made once need not be made again.
type view struct {
	action, purpose cpni.Purpose // action is unknown for a purpose that is not ours
	data            mask
	dataKnown       bool
	via             cpni.Via
	actor           actorView
	customer        customerView
	recipient       recipientView
	contact         contactView
	destination     destinationView
	approval        approvalView
	offer           offerView
	basis           basisView
	campaign        campaignView
}

type actorView struct {
	kind            string
	role            cpni.Role
	trained, scoped bool
}

type customerView struct {
	known, current                         bool
	categories                             mask
	several, listedOnly, businessExemption bool
}

type recipientView struct {
	kind                                        cpni.RecipientKind
	known                                       bool
	class                                       cpni.PartnerClass
	agreement, overdue, serves, onList, granted bool
}

type contactView struct {
	given, live, same bool
	channel           cpni.Channel
	outbound          bool
	proved            mask
	oneTime           bool
}

type destinationView struct{ given, onAccount, ofRecord bool }

type approvalView struct {
	state                                    cpni.ApprovalState
	namesRecipient, otherTuple, expressPrior bool
}

type offerView struct {
	given              bool
	categories, beyond mask
	free               bool
}

type basisView struct {
	process, processReviewed, processInForce, processCovers bool
	caseOpen, ticketOpen, orderOpen                         bool
	emergencyCall, lifeAtRisk, closeFamily                  bool
	written, signed, namesRecipient                         bool
	unaided, aggregate, portOut                             bool
}

type campaignView struct{ given, approved, runs, covers bool }

// The actions that are no purposes: one for words that we do not know, one that is asked first of marketing.
const (
	actionUnknown      cpni.Purpose = "unknown"
	actionApprovalFree cpni.Purpose = "approval-free"
)

// viewOf derives what rules may see. offer.free is not set: it is itself a question to the rules.
func viewOf(f Facts) view {
	v := view{action: f.Purpose, purpose: purposeWords.known(f.Purpose), via: viaWords.known(f.Via)}
	if v.purpose == "" {
		v.action = actionUnknown
	}
	v.data, v.dataKnown = dataWords.mask(f.Data)
	v.dataKnown = v.dataKnown && len(f.Data) > 0
	v.actor = actorView{kind: actorWords.known(f.Actor.Kind), role: roleWords.known(f.Actor.Role), trained: f.At.Before(f.Actor.TrainedUntil),
		scoped: len(f.Actor.Scopes) == 0 || slices.Contains(f.Actor.Scopes, string(f.Purpose))}
	v.customer = customerOf(f)
	v.recipient = recipientOf(f)
	if f.Contact != nil {
		v.contact = contactOf(f)
	}
	if d := f.Destination; d != nil {
		v.destination.given, v.destination.onAccount, v.destination.ofRecord = true, !d.Since.IsZero() && !f.At.Before(d.Since), d.ofRecord(f)
	}
	v.approval = approvalView{state: stateWords.known(f.Approval.State), namesRecipient: f.Approval.NamesRecipient, otherTuple: f.Approval.OtherTuple, expressPrior: f.Approval.ExpressPrior}
	if v.approval.state == "" {
		v.approval.state = cpni.Unnotified
	}
	if f.Offer != nil {
		v.offer.given = len(f.Offer.Categories) > 0
		for _, c := range f.Offer.Categories {
			b := categoryWords.bit(c)
			if b == 0 {
				b = categoryWords.bit(cpni.OtherProduct)
			}
			v.offer.categories |= b
		}
		v.offer.beyond = v.offer.categories &^ v.customer.categories
	}
	v.basis = basisOf(f, v)
	if c := f.Campaign; c != nil {
		v.campaign = campaignView{given: true, approved: c.Approved, runs: c.Runs, covers: c.Covers}
	}
	return v
}

// cite: P-32, 47 CFR 64.2003(f), 47 CFR 64.2010(g), 47 USC 222(h)(3)
func customerOf(f Facts) customerView {
	c := f.Customer
	v := customerView{known: c.Known && !c.Forgotten}
	if !v.known {
		return v
	}
	v.current = c.Ended.IsZero() || f.At.Before(c.Ended)
	if v.current {
		v.categories, _ = categoryWords.mask(c.Categories)
		v.categories &= services
	}
	v.several = bits.OnesCount16(uint16(v.categories)) > 1
	v.listedOnly = c.ListedOnly
	v.businessExemption = c.DedicatedRepresentative && c.ContractCoversCPNI
	return v
}

// cite: P-15, P-35, P-41
func recipientOf(f Facts) recipientView {
	r := f.Recipient
	v := recipientView{kind: kindWords.known(r.Kind), onList: r.GrantKnown, granted: len(f.Data) > 0}
	v.known = v.kind != ""
	for _, d := range f.Data {
		v.granted = v.granted && slices.Contains(r.Granted, d)
	}
	if v.kind != cpni.ToPartner {
		return v
	}
	if v.class = classWords.known(r.Class); v.class == "" {
		v.class = cpni.IndependentContractor
	}
	v.agreement = r.Agreement && f.At.Before(r.Until) && !r.DestroyBy.IsZero()
	v.overdue = !r.DestroyBy.IsZero() && !f.At.Before(r.DestroyBy) && !r.DestroyProof
	v.serves = r.ServesThis
	return v
}

// cite: P-16, P-42, 47 CFR 64.2008(f)
func contactOf(f Facts) contactView {
	c := f.Contact
	v := contactView{given: true, live: c.Live, same: c.Same, channel: channelWords.known(c.Channel), outbound: c.Outbound}
	if !c.Live || !c.Same {
		return v // what was proved belongs to a live contact with this customer
	}
	if c.Speaker == SpeakerCustomer || c.Speaker == SpeakerAuthorised && c.Receives {
		for _, e := range c.Evidence {
			if !e.At.After(f.At) && (e.Until.IsZero() || f.At.Before(e.Until)) {
				v.proved |= methodWords.bit(e.Method)
			}
		}
	}
	if o := c.OneTime; o != nil && v.channel == cpni.Phone {
		v.oneTime = o.Evidence && !o.At.After(f.At) && slices.Contains(o.Purposes, f.Purpose) &&
			(f.Recipient.Kind != cpni.ToPartner || slices.Contains(o.Partners, f.Recipient.Partner))
	}
	return v
}

// Who may have proved themselves in a contact.
const (
	SpeakerCustomer   = "customer"
	SpeakerAuthorised = "authorised"
)

// basisOf looks at the proof that was offered for a disclosure that needs no approval.
//
// cite: P-05, P-28, P-29, P-30, P-31, P-33, P-34, P-36, 47 USC 222(c)(2), 47 USC 222(d), 47 USC 222(h)(2)
func basisOf(f Facts, v view) basisView {
	var b basisView
	if p := f.Basis.Process; p != nil {
		b.process = p.ID != "" && p.Issuer != "" && !p.From.IsZero() && !p.Until.IsZero()
		b.processReviewed = p.ReviewedBy != ""
		b.processInForce = !f.At.Before(p.From) && f.At.Before(p.Until)
		scope, _ := dataWords.mask(p.Scope)
		b.processCovers = v.dataKnown && v.data&^scope == 0
	}
	open := func(c *Case) bool { return c != nil && c.ID != "" && c.Open }
	b.caseOpen, b.ticketOpen, b.orderOpen = open(f.Basis.Case), open(f.Basis.Ticket), open(f.Basis.Order)
	if e := f.Basis.Emergency; e != nil {
		b.emergencyCall, b.lifeAtRisk = e.Kind == EmergencyCall, e.Kind == LifeAtRisk
		b.closeFamily = e.Caller == "guardian" || e.Caller == "immediate-family"
	}
	if r := f.Basis.Request; r != nil {
		b.written, b.signed, b.namesRecipient = r.Written, r.Signed, r.Names
	}
	if u := f.Basis.Unaided; u != nil {
		b.unaided = v.purpose == cpni.CustomerRequest && f.Numbers.UnaidedDetail && u.Matches && u.Only && v.contact.live && v.contact.same && v.contact.channel == cpni.Phone &&
			v.data == dataWords.bit(cpni.CallDetail) && v.recipient.kind == cpni.ToCustomer && v.via == cpni.Voice
	}
	if c := f.Basis.Cells; c != nil {
		b.aggregate = v.dataKnown && v.data == dataWords.bit(cpni.Aggregate) && f.Numbers.SmallestCell > 0 && *c >= f.Numbers.SmallestCell
	}
	b.portOut = f.Basis.PortOut
	return b
}

// The kinds of emergency (47 USC 222(d)(4)).
const (
	EmergencyCall = "911-call"     // this user's emergency call is being answered
	LifeAtRisk    = "life-at-risk" // there is a risk of death or serious physical harm
)

// The kinds of destination that may be of record.
const (
	DestinationPostal = "postal"
	DestinationEmail  = "email"
	DestinationLine   = "line" // a telephone number of record
)

// ofRecord reports whether d is an address or number of record for the way of f. An address is one once its age has
// passed both in true hours and on the carrier's clocks, which may have been set in between. What the customer says they did
// not put on the account is none.
//
// cite: P-20, P-21, P-23, 47 CFR 64.2003(b), 47 CFR 64.2003(q)
func (d Destination) ofRecord(f Facts) bool {
	switch {
	case d.Frozen:
		return false
	case f.Via == cpni.Postal && d.Kind == DestinationPostal, f.Via == cpni.Email && d.Kind == DestinationEmail:
		age := f.At.Sub(d.Since)
		least := time.Duration(f.Numbers.AddressOfRecordAge) * time.Second
		return !d.Since.IsZero() && least > 0 && age >= least && age+time.Duration(d.Shift)*time.Second >= least
	case f.Via == cpni.Text && d.Kind == DestinationLine:
		return d.Disturbed.IsZero() || !f.At.Before(d.Disturbed.Add(time.Duration(f.Numbers.DisturbedLine)*time.Second))
	}
	return false
}

// OfRecord reports whether the destination of f is an address or number of record for its way.
//
// cite: P-20, P-21, 47 CFR 64.2003(b), 47 CFR 64.2003(q)
func OfRecord(f Facts) bool { return f.Destination != nil && f.Destination.ofRecord(f) }

// Shift gives by how many seconds the clocks of zone were set forward (negative: back) between since and at: what the
// clocks show of the time between is that much more than has truly passed.
//
// cite: P-21, I-25, 47 CFR 64.2003(b)
func Shift(since, at time.Time, zone *time.Location) int64 {
	_, before := since.In(zone).Zone()
	_, after := at.In(zone).Zone()
	return int64(after - before)
}
