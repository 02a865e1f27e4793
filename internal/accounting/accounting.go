// Package accounting tells customers, in the words of the record itself, who has asked for what the carrier holds about
// them, by which rule it was given or refused, and how much is held. Each line of it comes with a receipt that anybody can
// check.
//
// Nothing here opens customer proprietary network information: it reads the records of decisions, and counts.
//
// cite: P-41, 47 CFR 64.2009(c), 47 USC 222(c)(2)
package accounting

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/register"
	"ringfence/internal/rulebook"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what a Book is made of.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Policy    *rulebook.Book
	Customers *customer.Book
	Staff     *staff.Register
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's: it decides days
	Processes Processes      // nil: there is no register of legal process
	Registers *register.Book // tell of campaigns, and of what partners must destroy; nil: nobody does
}

// Processes is the register of legal process, as far as the accounting asks it.
type Processes interface {
	// Silent reports whether the customer must not be told now of what was asked or given under a process; ok is false when no process has
	// this id.
	Silent(ctx context.Context, id string) (silent, ok bool, err error)
	// Hides reports whether a member of the staff may not know of a process.
	Hides(ctx context.Context, id string, from cpni.ID) (bool, error)
}

// Book tells customers what is on record about them.
type Book struct{ Parts }

// New makes a book.
func New(p Parts) *Book { return &Book{p} }

// Line is one thing on record about a customer, or several that are told together.
type Line struct {
	Entry    cpni.ID   // of the ledger; of several the newest
	Entries  []cpni.ID // all of them, the newest first
	At       time.Time // of several the newest
	First    time.Time // of several the oldest; At when there is one
	LookUp   string    // what of the customer was looked at, as watch names it: card, list or records; "" it is a decision
	Who      Who
	Purpose  cpni.Purpose
	Data     []cpni.DataClass
	For      Recipient
	Via      cpni.Via
	Number   string // the one line that was asked about, in E.164; "" all of them
	Months   []int  // as yyyymm; none for what is not of a month
	Permit   bool
	Reasons  []Reason // the rules that decided
	Given    *Given   // of what went to somebody outside; nil: nothing did
	Withheld bool     // the law keeps it from the customer; it is here for auditors only

	process string // on the register, that keeps it from the customer; "" none
}

// Who asked. It is never a person of the carrier by name.
type Who struct {
	Kind string    // You, Staff, System or Unknown
	Role cpni.Role // of staff
}

// The kinds of Who.
const (
	You     = "you"     // the customer, in their own session
	Staff   = "staff"   // somebody who works for the carrier
	System  = "system"  // one of the carrier's own systems, or an integration
	Unknown = "unknown" // somebody who was none of those, and was refused
)

// Recipient is for whom it was asked.
type Recipient struct {
	Kind cpni.RecipientKind
	Name string // of a partner, a designee, an authorised person or another carrier
}

// Reason is a rule that decided, in its own words.
type Reason struct {
	Rule  string
	Says  string   // in English, as the policy has it
	Cites []string // the sections it rests on
}

// Query says which lines List gives.
type Query struct {
	Before cpni.ID // only what is older: the cursor
	Limit  int     // at most so many lines; 0 for 25
	Each   bool    // tell nothing together
	All    bool    // also what the law keeps from the customer: for auditors
	Viewer cpni.ID // the member of the staff who is shown All; what a process lets only others know is left out
}

const (
	usualLines = 25
	mostLines  = 500
	rowsAtOnce = 200
	// mostTold bounds how many are told together, so that one page reads no more than it can.
	mostTold = 1000
)

// List gives what is on record about a customer, the newest first, and the cursor of the next page; "" there is none. What
// the customer has looked at themselves on one day, with nothing of others' in between, is told together, and so is what
// members of one role have looked at of their card.
//
// cite: P-41, 47 CFR 64.2009(c)
func (b *Book) List(ctx context.Context, of cpni.ID, q Query) (all []Line, next cpni.ID, err error) {
	if q.Limit <= 0 {
		q.Limit = usualLines
	}
	q.Limit = min(q.Limit, mostLines)
	cursor := q.Before
	for {
		rows, err := b.Ledger.Records(ctx, of, ledger.Filter{Kind: ledger.Decision, Or: ledger.Lookup, Before: cursor, Limit: rowsAtOnce})
		if err != nil {
			return nil, "", err
		}
		for _, row := range rows {
			l, err := b.line(ctx, row)
			if err != nil {
				return nil, "", err
			}
			if hidden, err := b.hidden(ctx, l, q); err != nil {
				return nil, "", err
			} else if hidden {
				cursor = row.ID
				continue
			}
			if n := len(all); n > 0 && !q.Each && b.together(all[n-1], l) {
				all[n-1].join(l)
			} else if n == q.Limit {
				return all, cursor, nil
			} else {
				all = append(all, l)
			}
			cursor = row.ID
		}
		if len(rows) < rowsAtOnce {
			return all, "", nil
		}
	}
}

// One gives the line of one entry. ledger.ErrNoRecord: it is none of this customer's, or the law keeps it from them.
func (b *Book) One(ctx context.Context, of, entry cpni.ID) (Line, error) {
	row, err := b.row(ctx, of, entry)
	if err != nil {
		return Line{}, err
	}
	l, err := b.line(ctx, row)
	if err == nil && l.Withheld {
		err = ledger.ErrNoRecord
	}
	return l, err
}

// row reads an entry that the accounting is about.
func (b *Book) row(ctx context.Context, of, entry cpni.ID) (ledger.Row, error) {
	if !of.Valid() || !entry.Valid() {
		return ledger.Row{}, ledger.ErrNoRecord
	}
	row, err := b.Ledger.Record(ctx, of, entry)
	if err == nil && row.Kind != ledger.Decision && row.Kind != ledger.Lookup {
		err = ledger.ErrNoRecord
	}
	return row, err
}

// together reports whether two lines, the newer first, are told as one.
func (b *Book) together(newer, older Line) bool {
	own := func(l Line) bool { return l.Who.Kind == You && l.Permit && l.For.Kind == cpni.ToCustomer }
	day := func(t time.Time) string { return t.In(b.Zone).Format(time.DateOnly) }
	alike := own(newer) && own(older) || newer.LookUp != "" && newer.LookUp == older.LookUp && newer.Who == older.Who
	return alike && day(newer.First) == day(older.At) && len(newer.Entries) < mostTold
}

// join takes an older line into l.
func (l *Line) join(older Line) {
	l.First = older.At
	l.Entries = append(l.Entries, older.Entry)
	for _, d := range older.Data {
		if !slices.Contains(l.Data, d) {
			l.Data = append(slices.Clip(l.Data), d)
		}
	}
	months := slices.Concat(l.Months, older.Months)
	slices.Sort(months)
	l.Months = slices.Compact(months)
	if l.Number != older.Number {
		l.Number = ""
	}
	if l.Via != older.Via {
		l.Via = ""
	}
}

// line reads what a row says.
func (b *Book) line(ctx context.Context, row ledger.Row) (Line, error) {
	l := Line{Entry: row.ID, Entries: []cpni.ID{row.ID}, At: row.At, First: row.At}
	if row.Kind == ledger.Lookup {
		l.LookUp, l.Permit, l.For = row.Purpose, true, Recipient{Kind: cpni.ToCarrier}
		var err error
		l.Who, err = b.who(ctx, row.Actor)
		return l, err
	}
	rec, err := b.record(ctx, row)
	if err != nil {
		return l, err
	}
	f := rec.Facts
	l.Who = whoOf(f.Actor)
	l.Purpose, l.Data, l.Via, l.Number, l.Months, l.Permit = f.Purpose, f.Data, f.Via, rec.Line, rec.Months, row.Outcome == cpni.Permit
	l.For = recipientOf(f.Recipient, rec.To)
	if l.Withheld, err = b.withheld(ctx, rec); err != nil {
		return l, err
	}
	if l.Withheld && rec.Facts.Basis.Process.Filed != nil {
		l.process = rec.Facts.Basis.Process.ID
	}
	if !ofMonths(f.Data) {
		l.Months = nil
	}
	if l.Given, err = b.given(ctx, row, rec); err != nil {
		return l, err
	}
	l.Reasons, err = b.reasons(ctx, rec)
	return l, err
}

// ofMonths reports whether a class among data is kept by months.
func ofMonths(data []cpni.DataClass) bool {
	return slices.ContainsFunc(data, func(c cpni.DataClass) bool { return c != cpni.Listing && c != cpni.Aggregate && c != cpni.Service })
}

// withheld reports whether the law keeps a decision from the customer now. Of a process on the register the register says so: an order
// of silence may have been lifted or extended since.
//
// cite: P-29, 47 USC 222(c)(1)
func (b *Book) withheld(ctx context.Context, r disclose.Record) (bool, error) {
	p := r.Facts.Basis.Process
	if p == nil || !p.Secret || r.Facts.Purpose != cpni.Legal {
		return false, nil
	}
	if p.Filed != nil && b.Processes != nil {
		if silent, ok, err := b.Processes.Silent(ctx, p.ID); ok || err != nil {
			return silent, err
		}
	}
	return p.SecretUntil.IsZero() || b.Clock.Now().Before(p.SecretUntil), nil
}

// hidden reports whether a line is left out of a list.
//
// cite: P-29, P-37
func (b *Book) hidden(ctx context.Context, l Line, q Query) (bool, error) {
	if !l.Withheld || !q.All {
		return l.Withheld, nil
	}
	if l.process == "" || b.Processes == nil {
		return false, nil
	}
	return b.Processes.Hides(ctx, l.process, q.Viewer)
}

func (b *Book) record(ctx context.Context, row ledger.Row) (disclose.Record, error) {
	plain, err := b.Vault.OpenRecord(ctx, row)
	if err != nil {
		return disclose.Record{}, err
	}
	return disclose.DecodeRecord(plain)
}

// whoOf tells who asked, by the role that they had then.
func whoOf(a rules.Actor) Who {
	switch a.Kind {
	case rules.ActorCustomer:
		return Who{Kind: You}
	case rules.ActorStaff:
		return Who{Staff, a.Role}
	case rules.ActorSystem:
		return Who{Kind: System}
	}
	return Who{Kind: Unknown}
}

// who tells who an actor of a look-up is, by the role that they have now.
func (b *Book) who(ctx context.Context, actor string) (Who, error) {
	m, _, err := b.Staff.Recent(ctx, cpni.ID(actor))
	switch {
	case errors.Is(err, staff.ErrNone):
		return Who{Kind: System}, nil
	case err != nil:
		return Who{}, err
	case m.Role == cpni.RoleSystem:
		return Who{Kind: System}, nil
	}
	return Who{Staff, m.Role}, nil
}

// recipientOf names who was to receive: a company or a person outside the carrier by its name.
func recipientOf(r rules.Recipient, to string) Recipient {
	out := Recipient{Kind: r.Kind, Name: r.Partner}
	if _, name, ok := strings.Cut(to, ":"); ok {
		out.Name = name
	}
	if out.Name == "" && !slices.Contains([]cpni.RecipientKind{cpni.ToCustomer, cpni.ToCarrier, cpni.ToLawEnforcement, cpni.ToDirectoryPublisher, cpni.ToPSAP, cpni.ToFamily}, r.Kind) {
		out.Name = to
	}
	return out
}

// reasons gives the rules that decided, of the policy that was in force then.
func (b *Book) reasons(ctx context.Context, rec disclose.Record) ([]Reason, error) {
	set, err := b.Policy.At(ctx, rec.Rules)
	if err != nil {
		return nil, err
	}
	var all []Reason
	for _, r := range set.Rules() {
		if slices.Contains(rec.Decision.Rules, r.ID) {
			all = append(all, Reason{r.ID, r.Says, r.Cites})
		}
	}
	slices.SortStableFunc(all, func(a, b Reason) int { // by what weighs most, as they were recorded
		return slices.Index(rec.Decision.Rules, a.Rule) - slices.Index(rec.Decision.Rules, b.Rule)
	})
	if len(all) > 0 {
		return all, nil
	}
	// No rule permits it, and that is the reason.
	d := set.Decide(rec.Facts)
	for _, s := range d.Says {
		all = append(all, Reason{Says: s, Cites: d.Cites})
	}
	return all, nil
}
