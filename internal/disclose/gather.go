package disclose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// gathered is a request with everything that its decision rests on, and that decision.
type gathered struct {
	request    Request
	at         time.Time
	customerID cpni.ID // "" when there is no such customer
	contactID  cpni.ID
	partner    string
	profile    *customer.Profile // nil when there is no such customer
	contact    *contact.State    // nil without a contact, or when there is no such contact
	to         Recipient
	address    string // where it would be sent
	months     []int
	facts      rules.Facts
	decision   rules.Decision
	rules      string
	guards     []store.Guard
}

// gather reads what a decision about r rests on, at one moment, and decides. What this node has lately seen is trusted:
// the versions it had go along, and are compared when the decision is recorded.
func (d *Door) gather(ctx context.Context, r Request) (*gathered, error) {
	g := &gathered{request: r, at: d.Clock.Now(), contactID: r.Contact, to: ParseRecipient(r.To)}
	set, guard := d.Policy.Current()
	g.rules, g.guards = set.Version(), append(make([]store.Guard, 0, 5), guard)
	if err := d.findContact(ctx, g); err != nil {
		return nil, err
	}
	if err := d.findCustomer(ctx, g); err != nil {
		return nil, err
	}
	if g.months = r.Months; len(g.months) == 0 {
		g.months = monthsAround(g.at, d.Zone)
	}
	f := &g.facts
	*f = rules.Facts{At: g.at, Purpose: r.Purpose, Data: r.Data, Via: r.Via, CMRS: d.CMRS, Numbers: d.Policy.Numbers(g.at).Numbers(d.UnaidedDetail), Offer: r.Offer}
	if f.Purpose == "" && r.Contact != "" {
		f.Purpose = cpni.CustomerRequest
	}
	if f.Via == "" {
		if f.Via = cpni.Screen; g.contact != nil && g.contact.Channel == cpni.Phone {
			f.Via = cpni.Voice
		}
	}
	for _, step := range []func(context.Context, *gathered) error{d.findActor, d.findRecipient, d.findBasis, d.findCampaign} {
		if err := step(ctx, g); err != nil {
			return nil, err
		}
	}
	d.findDestination(g)
	if g.profile != nil {
		f.Customer = g.profile.Facts(g.at)
		if r.Line != "" { // what the request would hand out is that line's
			l, live := g.profile.LineOf(r.Line, g.at)
			f.Customer.ListedOnly = live && l.Listed
		}
		terms := approval.Terms{RenoticeMonths: f.Numbers.RenoticeMonths}
		if d.Additions != nil {
			terms.Additions, guard = d.Additions()
			g.guards = append(g.guards, guard)
		}
		f.Approval = approval.Standing(g.profile, f.Purpose, f.Data, f.Recipient, g.at.In(d.Zone), terms)
	}
	if g.decision = set.Decide(*f); !g.decision.Permit() && !r.brief {
		f.Closed = d.closed(g)
		g.decision = set.Explain(*f)
	}
	return g, nil
}

// cite: P-42
func (d *Door) findContact(ctx context.Context, g *gathered) error {
	id := g.request.Contact
	if id == "" {
		return nil
	}
	s, version, err := d.Contacts.Recent(ctx, id)
	switch {
	case errors.Is(err, contact.ErrNoContact), errors.Is(err, vault.ErrForgotten):
		return nil // a contact that is none: nothing can be proved in it
	case err != nil:
		return err
	}
	g.contact = s
	g.guards = append(g.guards, store.Guard{Table: "contact", Key: string(id), Version: version})
	return nil
}

func (d *Door) findCustomer(ctx context.Context, g *gathered) error {
	id := g.request.Customer
	if id == "" && g.contact != nil {
		id = g.contact.Customer
	}
	if id == "" {
		return nil
	}
	p, version, err := d.Customers.Recent(ctx, id)
	switch {
	case errors.Is(err, customer.ErrNoCustomer), errors.Is(err, vault.ErrForgotten):
		return nil
	case err != nil:
		return err
	}
	g.customerID, g.profile = id, p
	g.guards = append(g.guards, store.Guard{Table: "customer", Key: string(id), Version: version})
	return nil
}

// findActor finds who asks, and what was proved in the contact.
//
// cite: P-16, P-38, P-42, 47 CFR 64.2009(b)
func (d *Door) findActor(ctx context.Context, g *gathered) error {
	c, f := g.request.Caller, &g.facts
	if g.request.Contact != "" {
		f.Contact = &rules.Contact{}
		if g.contact != nil && g.profile != nil {
			f.Contact = d.Contacts.Facts(g.contact, g.customerID, g.at)
			f.Contact.Same = f.Contact.Same && g.contact.Agent == c.Staff // a contact is its agent's, or the customer's own
			speaker, name, _ := strings.Cut(g.contact.Speaker, ":")
			f.Contact.Speaker = speaker // names stay out of the facts
			f.Contact.Receives = speaker == rules.SpeakerAuthorised && g.to.Kind == cpni.ToAuthorised && sameName(name, g.to.Name)
		}
	}
	f.Actor.Scopes = c.Scopes
	if c.Customer {
		f.Actor.Kind = rules.ActorCustomer
		return nil
	}
	m, version, err := d.Staff.Recent(ctx, c.Staff)
	if errors.Is(err, staff.ErrNone) {
		return nil // nobody: no kind, no role, no training
	}
	if err != nil {
		return err
	}
	g.guards = append(g.guards, store.Guard{Table: "staff", Key: string(c.Staff), Version: version})
	if m.Disabled {
		return nil
	}
	f.Actor.Kind, f.Actor.Role, f.Actor.TrainedUntil = rules.ActorStaff, m.Role, m.TrainedUntil()
	if m.Role == cpni.RoleSystem {
		f.Actor.Kind = rules.ActorSystem
	}
	return nil
}

func sameName(a, b string) bool { return contact.Spoken(a) == contact.Spoken(b) }

// findRecipient finds what is known of who would receive.
//
// cite: P-15, P-16, P-35, 47 CFR 64.2003(f), 47 CFR 64.2007(b)
func (d *Door) findRecipient(ctx context.Context, g *gathered) error {
	f := &g.facts
	f.Recipient = rules.Recipient{Kind: g.to.Kind}
	switch g.to.Kind {
	case cpni.ToAuthorised:
		if g.profile == nil {
			return nil
		}
		for _, a := range g.profile.Speakers() {
			if sameName(a.Name, g.to.Name) {
				f.Recipient.GrantKnown, f.Recipient.Granted = true, a.Data
			}
		}
	case cpni.ToPartner:
		p, version, err := d.Partners.Recent(ctx, g.to.Name)
		if errors.Is(err, partner.ErrNoPartner) {
			f.Recipient.Kind = unknownRecipient
			return nil
		}
		if err != nil {
			return err
		}
		f.Recipient, g.partner = p.Facts(g.customerID), g.to.Name
		g.guards = append(g.guards, store.Guard{Table: "partner", Key: g.to.Name, Version: version})
	}
	return nil
}

// findBasis takes the proof that was offered, and compares a call that was described with those on record.
//
// cite: P-28, 47 CFR 64.2010(b)(1)(iv)
func (d *Door) findBasis(ctx context.Context, g *gathered) error {
	r := g.request
	b := rules.Basis{Process: r.Process, Case: r.Case, Ticket: r.Ticket, Order: r.Order, Emergency: r.Emergency, Cells: r.Cells, PortOut: r.PortOut}
	if w := r.Written; w != nil {
		b.Request = &rules.Request{Written: w.Written, Signed: w.Signed, Names: namesRecipient(w.Names, g.to)}
	}
	if r.Unaided != nil {
		b.Unaided = &rules.Unaided{Only: true}
		if d.UnaidedDetail && g.profile != nil && g.contact != nil && g.contact.Customer == g.customerID {
			_, _, err := d.described(ctx, g)
			b.Unaided.Matches = err == nil
			if err != nil && !errors.Is(err, errNotDescribed) {
				return err
			}
		}
	}
	g.facts.Basis = b
	return nil
}

// findCampaign finds what is on the register of the campaign for which it is asked.
//
// cite: P-40, 47 CFR 64.2009(d)
func (d *Door) findCampaign(ctx context.Context, g *gathered) error {
	id := g.request.Campaign
	if id == "" {
		return nil
	}
	g.facts.Campaign = &rules.Campaign{ID: id}
	if d.Campaigns == nil {
		return nil
	}
	c, guard, known, err := d.Campaigns.Of(ctx, id, g.facts)
	if err != nil || !known {
		return err
	}
	c.ID = id
	g.facts.Campaign = &c
	g.guards = append(g.guards, guard)
	return nil
}

// namesRecipient reports whether a written request names the one who is to receive.
//
// cite: P-36, 47 USC 222(c)(2)
func namesRecipient(named string, to Recipient) bool {
	return strings.TrimSpace(named) != "" && to.Name != "" && sameName(named, to.Name)
}

// errNotDescribed: no call on record is the one that was described.
var errNotDescribed = errors.New("no call is the one that was described")

// described finds the one call that a caller described: its line and its id.
//
// cite: 47 CFR 64.2010(b)(1)(iv)
func (d *Door) described(ctx context.Context, g *gathered) (line int, id uint64, err error) {
	u := g.request.Unaided
	number, ok := customer.Number(u.Number)
	if !ok {
		number = u.Number
	}
	for _, l := range g.profile.Lines {
		id, found, err := d.Vault.Describes(ctx, g.customerID, l.No, vault.Month(u.At, d.Zone), number, u.At)
		if err != nil {
			return 0, 0, err
		}
		if found {
			return l.No, id, nil
		}
	}
	return 0, 0, errNotDescribed
}

// findDestination finds where it would be sent: the address that was named, or the newest that may be sent to.
//
// cite: P-20, P-21, 47 CFR 64.2003(b), 47 CFR 64.2003(q)
func (d *Door) findDestination(g *gathered) {
	f, named := &g.facts, strings.TrimSpace(g.request.Address)
	switch f.Via {
	case cpni.Postal, cpni.Email:
		kind := rules.DestinationPostal
		var all []customer.Address
		switch {
		case g.profile == nil:
		case f.Via == cpni.Postal && !g.profile.Quiet(customer.Shared.Postal):
			all = g.profile.Postal
		case f.Via == cpni.Email && !g.profile.Quiet(customer.Shared.Email):
			all = g.profile.Email
		}
		if f.Via == cpni.Email {
			kind = rules.DestinationEmail
		}
		a, ok := d.address(g, all, kind, named)
		if !ok {
			if named != "" {
				g.address, f.Destination = named, &rules.Destination{Kind: "other"}
			}
			return
		}
		g.address = a.Value
		f.Destination = &rules.Destination{Kind: kind, Since: a.Since, Shift: rules.Shift(a.Since, g.at, d.Zone), Frozen: frozen(g.profile, a.Since, a.Frozen || a.Undone)}
	case cpni.Text:
		if g.profile == nil || g.profile.Quiet(customer.Shared.Lines) {
			return
		}
		lines := g.profile.LiveLines(g.at)
		if number, ok := customer.Number(named); named != "" && ok {
			lines = slices.DeleteFunc(lines, func(l customer.Line) bool { return l.Number != number })
		} else if named != "" {
			lines = nil
		}
		if len(lines) == 0 {
			if named != "" {
				g.address, f.Destination = named, &rules.Destination{Kind: "other"}
			}
			return
		}
		g.address = lines[0].Number
		f.Destination = &rules.Destination{Kind: rules.DestinationLine, Since: lines[0].Since, Disturbed: lines[0].Disturbed, Frozen: frozen(g.profile, lines[0].Since, lines[0].Frozen)}
	}
}

// frozen reports whether a place does not count because the customer has said that a change of their account was not theirs:
// it came with that change, or after it.
//
// cite: P-21, P-23, 47 CFR 64.2010(a)
func frozen(p *customer.Profile, since time.Time, marked bool) bool {
	at, is := p.Disputes()
	return marked || is && !since.Before(at)
}

// address picks the address that was named when it stands on the account, and otherwise the newest of record, or the
// newest when none is of record.
func (d *Door) address(g *gathered, all []customer.Address, kind, named string) (customer.Address, bool) {
	var on, ofRecord []customer.Address
	for _, a := range all {
		if !a.On(g.at) || named != "" && !sameName(a.Value, named) {
			continue
		}
		on = append(on, a)
		probe := g.facts
		probe.Destination = &rules.Destination{Kind: kind, Since: a.Since, Shift: rules.Shift(a.Since, g.at, d.Zone), Frozen: frozen(g.profile, a.Since, a.Frozen || a.Undone)}
		if rules.OfRecord(probe) {
			ofRecord = append(ofRecord, a)
		}
	}
	if a, ok := customer.Current(ofRecord, g.at); ok {
		return a, true
	}
	return customer.Current(on, g.at)
}

// closed names the ways that are not open to this customer now, so that nobody is told to go them.
//
// cite: I-28
func (d *Door) closed(g *gathered) []string {
	var all []string
	shut := func(is bool, way string) {
		if is {
			all = append(all, way)
		}
	}
	p := g.profile
	if p == nil {
		return nil
	}
	credentials := p.Credentials
	if g.to.Kind == cpni.ToAuthorised {
		for _, a := range p.Speakers() {
			if sameName(a.Name, g.to.Name) {
				credentials = a.Credentials
			}
		}
	}
	word := p.Safety != nil && p.Safety.Word != nil
	shut(!credentials.Password.Proves() && !word, "verify-password")
	shut(!credentials.PIN.Proves() || word, "verify-pin")
	least := time.Duration(g.facts.Numbers.DisturbedLine) * time.Second
	quiet := !p.Quiet(customer.Shared.Lines) && slices.ContainsFunc(p.LiveLines(g.at), func(l customer.Line) bool {
		return !frozen(p, l.Since, l.Frozen) && (l.Disturbed.IsZero() || !g.at.Before(l.Disturbed.Add(least)))
	})
	record := func(via cpni.Via, kind string, all []customer.Address) bool {
		probe := g.facts
		probe.Via = via
		return slices.ContainsFunc(all, func(a customer.Address) bool {
			probe.Destination = &rules.Destination{Kind: kind, Since: a.Since, Shift: rules.Shift(a.Since, g.at, d.Zone), Frozen: frozen(g.profile, a.Since, a.Frozen || a.Undone)}
			return a.On(g.at) && rules.OfRecord(probe)
		})
	}
	postal := !p.Quiet(customer.Shared.Postal) && record(cpni.Postal, rules.DestinationPostal, p.Postal)
	email := !p.Quiet(customer.Shared.Email) && record(cpni.Email, rules.DestinationEmail, p.Email)
	shut(!quiet, "verify-callback")
	shut(!quiet, "text-to-record")
	shut(!quiet && !postal && !email, "verify-code")
	shut(!postal, "send-to-postal-record")
	shut(!email, "send-to-email-record")
	return all
}

// unknownRecipient stands for a recipient whom nobody knows.
const unknownRecipient cpni.RecipientKind = "unknown"

// Bounds of what a request may bring.
const (
	mostClasses   = 20
	mostMonths    = 120
	longestWord   = 64
	longestText   = 500
	longestKey    = 255
	mostScopes    = 20
	firstMonth    = 197001
	mostOffered   = 20
	mostCellCount = 1 << 40
)

// check refuses what no request can mean. Words that are merely unknown are for the rules to judge.
func (r *Request) check() error {
	bad := func(says string, a ...any) error {
		return cpni.Rejected("BAD_INPUT", fmt.Sprintf(says, a...), nil, "mend the request and ask again; docs/api.md describes its fields")
	}
	if len(r.Data) == 0 {
		return bad("the request names no class of data")
	}
	if len(r.Data) > mostClasses || len(r.Months) > mostMonths {
		return bad("the request names more than %d classes or %d months", mostClasses, mostMonths)
	}
	words := []string{string(r.Purpose), string(r.Via), r.Line}
	for i, c := range r.Data {
		if slices.Contains(r.Data[:i], c) {
			return bad("a class of data is named twice")
		}
		words = append(words, string(c))
	}
	if r.Offer != nil {
		if len(r.Offer.Categories) > mostOffered {
			return bad("an offer has at most %d categories", mostOffered)
		}
		for _, c := range r.Offer.Categories {
			words = append(words, string(c))
		}
	}
	texts := []string{r.To, r.Address, string(r.Campaign)}
	if p := r.Process; p != nil {
		texts = append(texts, p.ID, p.Issuer, p.ReviewedBy)
	}
	for _, c := range []*rules.Case{r.Case, r.Ticket, r.Order} {
		if c != nil {
			texts = append(texts, c.ID)
		}
	}
	if e := r.Emergency; e != nil {
		words = append(words, e.Kind, e.Caller)
	}
	if w := r.Written; w != nil {
		texts = append(texts, w.Names)
	}
	if u := r.Unaided; u != nil {
		words = append(words, u.Number)
	}
	if slices.ContainsFunc(words, func(w string) bool { return len(w) > longestWord }) {
		return bad("a word of the request is longer than %d characters", longestWord)
	}
	if slices.ContainsFunc(texts, func(w string) bool { return len(w) > longestText }) || len(r.IdempotencyKey) > longestKey {
		return bad("a field of the request is longer than it may be (%d characters, %d for an idempotency key)", longestText, longestKey)
	}
	if r.Line != "" {
		n, ok := customer.Number(r.Line)
		if !ok {
			return bad("the line is not a telephone number; write it as +12025550101")
		}
		r.Line = n
	}
	for _, m := range r.Months {
		if m < firstMonth || m%100 < 1 || m%100 > 12 || m > 999912 {
			return bad("%d is not a month; write 202602 for February 2026", m)
		}
	}
	if r.Cells != nil && (*r.Cells < 0 || *r.Cells > mostCellCount) {
		return bad("the smallest cell of a report is not a count")
	}
	return nil
}
