package register

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/vault"
)

// Disclosure is a line of the register of disclosures: something that a third party received, or was given access to.
//
// cite: P-41, 47 CFR 64.2009(c)
type Disclosure struct {
	Seq      int64     `json:"place"` // of its entry in the tree
	Entry    cpni.ID   `json:"entry"`
	Customer cpni.ID   `json:"customer,omitempty"` // "" what is about no single customer
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"` // who asked: a member of the staff, an integration, or customer
	Told
	// Of what went to a partner: the file that it went in, and whether what was given is still there.
	File *File `json:"file,omitempty"`
	// Unreadable: the customer's key is destroyed, and only what the entry itself says is known.
	Unreadable bool `json:"unreadable,omitempty"`
	// Hidden: the reader may not know of the process that it rests on, and sees what the entry itself says.
	Hidden bool `json:"hidden,omitempty"`
	// Over: the carrier need not keep the line any longer.
	Over bool `json:"over,omitempty"`
	// Campaigned is the campaign of which it was a part.
	Campaigned *Campaign `json:"-"`
}

// Told is what the record of a decision says of what was given.
type Told struct {
	To       Recipient        `json:"to"`
	Purpose  cpni.Purpose     `json:"purpose"`
	Data     []cpni.DataClass `json:"data"`
	Months   []int            `json:"months,omitempty"` // as yyyymm
	Via      cpni.Via         `json:"via,omitempty"`
	Basis    Basis            `json:"basis"`
	Rules    []string         `json:"rules,omitempty"` // that permitted it
	Cites    []string         `json:"cites,omitempty"` // the sections of law that they rest on
	Campaign cpni.ID          `json:"campaign,omitempty"`
	// DestroyBy is when the recipient must have destroyed it; zero: no agreement says.
	DestroyBy time.Time `json:"destroy_by,omitzero"`
	// Secret: a process forbids that the customer is told.
	Secret bool `json:"secret,omitempty"`
}

// Recipient is who received.
type Recipient struct {
	Kind    cpni.RecipientKind `json:"kind"`
	Partner string             `json:"partner,omitempty"` // its id
	Class   cpni.PartnerClass  `json:"class,omitempty"`
	Name    string             `json:"name,omitempty"` // of a designee, an authorised person or another carrier
}

// Word is the recipient as the entry has it: the id of a partner, or the kind.
func (r Recipient) Word() string {
	if r.Partner != "" {
		return r.Partner
	}
	return string(r.Kind)
}

// The kinds of Basis.
const (
	ByApproval  = "approval"        // the customer has said yes
	ByGrant     = "grant"           // the customer lets this person see it
	ByRequest   = "written-request" // the customer has asked for it in writing
	ByProcess   = "process"         // a court or an authority
	ByCase      = "case"            // of fraud or protection
	ByTicket    = "ticket"          // of trouble with the service
	ByOrder     = "order"           // for a service, or for bills
	ByEmergency = "emergency"
	ByPort      = "port"      // the number goes to another carrier
	ByPlacement = "placement" // an account that a vendor collects
	ByListing   = "listing"   // published by the customer's own choice
	ByAggregate = "aggregate" // about nobody
	ByLaw       = "law"       // a rule that asks for nothing of these
)

// Basis is what a disclosure rests on.
type Basis struct {
	Kind string `json:"kind"`
	ID   string `json:"id,omitempty"` // of the process, case, ticket or order, or its number where none was kept here
	// Number is what its issuer, or the carrier's own system, calls it; "" not known beside the id.
	Number string `json:"number,omitempty"`
	// Issuer and Reviewer of a process.
	Issuer   string `json:"issuer,omitempty"`
	Reviewer string `json:"reviewer,omitempty"`
	Approval string `json:"approval,omitempty"` // where the approval stood
}

// tell reads what the record of a decision says.
func tell(rec disclose.Record) Told {
	f := rec.Facts
	t := Told{Campaign: campaignOf(f), Purpose: f.Purpose, Data: f.Data, Months: rec.Months, Via: f.Via, Rules: rec.Decision.Rules, Cites: rec.Decision.Cites, DestroyBy: f.Recipient.DestroyBy,
		To: Recipient{Kind: f.Recipient.Kind, Partner: f.Recipient.Partner, Class: f.Recipient.Class}}
	if _, name, ok := strings.Cut(rec.To, ":"); ok {
		t.To.Name = name
	}
	if !slices.ContainsFunc(f.Data, ofMonths) {
		t.Months = nil
	}
	b := f.Basis
	switch {
	case b.Process != nil:
		t.Basis = Basis{Kind: ByProcess, ID: b.Process.ID, Issuer: b.Process.Issuer, Reviewer: b.Process.ReviewedBy}
		t.Secret = b.Process.Secret
	case b.Placement != nil:
		t.Basis = Basis{Kind: ByPlacement, ID: b.Placement.ID}
	case b.Emergency != nil:
		t.Basis = Basis{Kind: ByEmergency, ID: b.Emergency.Kind}
	case b.Case != nil:
		t.Basis = Basis{Kind: ByCase, ID: b.Case.ID}
	case b.Ticket != nil:
		t.Basis = Basis{Kind: ByTicket, ID: b.Ticket.ID}
	case b.Request != nil:
		t.Basis = Basis{Kind: ByRequest}
	case b.PortOut:
		t.Basis = Basis{Kind: ByPort}
	case b.Order != nil:
		t.Basis = Basis{Kind: ByOrder, ID: b.Order.ID}
	case b.Cells != nil:
		t.Basis = Basis{Kind: ByAggregate}
	case f.Recipient.Kind == cpni.ToAuthorised:
		t.Basis = Basis{Kind: ByGrant}
	case f.Purpose == cpni.Directory:
		t.Basis = Basis{Kind: ByListing}
	case f.Approval.State == cpni.OptInOK || f.Approval.State == cpni.OptOutOK || f.Approval.State == cpni.OneTime:
		t.Basis = Basis{Kind: ByApproval, Approval: string(f.Approval.State)}
	default:
		t.Basis = Basis{Kind: ByLaw}
	}
	return t
}

func campaignOf(f rules.Facts) cpni.ID {
	if f.Campaign == nil {
		return ""
	}
	return f.Campaign.ID
}

func ofMonths(c cpni.DataClass) bool {
	return c != cpni.Listing && c != cpni.Aggregate && c != cpni.Service
}

// bare is what an entry itself says, where its record can be read by nobody.
func bare(e ledger.Entry) Told {
	t := Told{Purpose: cpni.Purpose(e.Purpose), Data: e.Permits, Basis: Basis{Kind: ByLaw}}
	if kind := cpni.RecipientKind(e.Recipient); slices.Contains(kinds, kind) {
		t.To.Kind = kind
	} else {
		t.To = Recipient{Kind: cpni.ToPartner, Partner: e.Recipient}
	}
	return t
}

// kinds are the recipients outside that are no partners.
var kinds = []cpni.RecipientKind{cpni.ToAuthorised, cpni.ToDesignee, cpni.ToLawEnforcement, cpni.ToDirectoryPublisher, cpni.ToPSAP, cpni.ToOtherCarrier, cpni.ToFamily}

// Kinds lists the kinds of third parties that are no partners, as screens offer them.
func Kinds() []cpni.RecipientKind { return slices.Clone(kinds) }

// told opens what a row says; plain is the record to the byte, nil where it can be read by nobody.
func (b *Book) told(ctx context.Context, row ledger.Row) (t Told, plain []byte, err error) {
	plain, err = b.Vault.OpenRecord(ctx, row)
	if errors.Is(err, vault.ErrForgotten) {
		return bare(row.Entry), nil, nil
	}
	if err != nil {
		return t, nil, err
	}
	rec, err := disclose.DecodeRecord(plain)
	if err != nil {
		return t, nil, err
	}
	return tell(rec), plain, nil
}

// secrecy keeps what a process forbids from who may not know of it, and says whether it forbids to tell the customer now.
//
// cite: P-29, P-37
func (b *Book) secrecy(ctx context.Context, d *Disclosure, e ledger.Entry, viewer cpni.ID) error {
	if b.Secrets == nil || d.Basis.Kind != ByProcess {
		return nil
	}
	silent, ok, err := b.Secrets.Silent(ctx, d.Basis.ID)
	if err != nil || !ok {
		return err
	}
	d.Secret = silent
	if d.Hidden, err = b.Secrets.Hides(ctx, d.Basis.ID, viewer); d.Hidden {
		d.Told = bare(e)
		d.Told.Basis.Kind, d.Secret = ByProcess, true
	}
	return err
}

// Told gives what the register tells of a decision whose record is open already, for who tells the customer of it.
//
// cite: P-41, 47 CFR 64.2009(c)
func (b *Book) Told(ctx context.Context, row ledger.Row, rec disclose.Record) (Disclosure, error) {
	one := []Disclosure{{Entry: row.ID, Customer: row.Customer, At: row.At, Actor: row.Actor, Told: tell(rec)}}
	err := b.beside(ctx, one)
	return one[0], err
}

// line makes the line of a row that stands at a place.
func (b *Book) line(ctx context.Context, row ledger.Row, seq int64, viewer cpni.ID) (Disclosure, []byte, error) {
	d := Disclosure{Seq: seq, Entry: row.ID, Customer: row.Customer, At: row.At, Actor: row.Actor}
	var plain []byte
	var err error
	if d.Told, plain, err = b.told(ctx, row); err != nil {
		return d, nil, err
	}
	d.Unreadable = plain == nil
	d.Over = b.over(Disclosures, d.At)
	return d, plain, b.secrecy(ctx, &d, row.Entry, viewer)
}

// Reasons gives the sentences of the rules that permitted a disclosure, as the policy of its day has them.
func (b *Book) Reasons(ctx context.Context, d Disclosure) ([]string, error) {
	row, err := b.Ledger.Record(ctx, d.Customer, d.Entry)
	if err != nil {
		return nil, err
	}
	set, err := b.Policy.At(ctx, row.Rules)
	if err != nil {
		return nil, err
	}
	var says []string
	for _, r := range set.Rules() {
		if slices.Contains(d.Rules, r.ID) {
			says = append(says, r.Says+" ("+strings.Join(r.Cites, ", ")+")")
		}
	}
	return says, nil
}
