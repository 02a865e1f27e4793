package approval

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
)

// Say is what a customer says in an answer.
type Say string

// What can be said.
const (
	Grant  Say = "grant"            // yes, to what a notice told
	Object Say = "object"           // no
	Lift   Say = "revoke-objection" // a no is taken back
)

// Ways by which answers come.
const (
	ByEmail  = "email"
	ByPortal = "portal"
	ByPhone  = "phone" // to a person, or to a machine that answers the telephone
	ByPostal = "postal"
	ByStore  = "store"
	ByText   = "sms"
	BySignal = "gpc" // Global Privacy Control of a browser
)

// Answer is what a customer says about the use of their information.
type Answer struct {
	Customer cpni.ID
	Says     Say
	Scope    string // "" of an objection: everything
	Via      string
	// Contact is that in which the customer has proved who they are; "" nobody has proved anything.
	Contact cpni.ID
	// Notice is the message of the notice that a yes answers.
	Notice cpni.ID
	Names  []string         // companies that a yes is for; none: those that the notice named
	Data   []cpni.DataClass // classes of information that a yes is for; none: those that the notice named
	By     string           // who records it
	At     time.Time        // when it was received; zero: now
	// Signed: it is in writing and bears the customer's signature. Evidence holds it.
	Signed   bool
	Evidence *Evidence
	// Old: it was said long ago and is only taken over; nobody is written to about it.
	Old bool
	// As is the id under which it is recorded, so that the same recorded twice counts once; "" a fresh one.
	As cpni.ID
}

// Bounds of what an answer may bring.
const (
	longestVia = 40
	longestSay = 2000
	mostNamed  = 100
)

// Answer takes what a customer says. A refusal needs only to name the customer, and counts from when it was received; a yes, and
// taking a refusal back, need proof of who speaks, and a yes the notice that it answers. What was refused before stays refused.
// It gives the event, whoever recorded it first.
//
// cite: P-11, P-12, P-14, P-36, I-14, 47 CFR 64.2007(a), 47 CFR 64.2008(c)
func (b *Book) Answer(ctx context.Context, a Answer) (cpni.ID, error) {
	id, err := b.answer(ctx, a)
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		if err := b.refused(ctx, a, refusal); err != nil {
			return "", err
		}
		return "", refusal
	case errors.Is(err, customer.ErrNoCustomer):
		return "", customer.ErrNoCustomer
	}
	return id, err
}

func (b *Book) answer(ctx context.Context, a Answer) (cpni.ID, error) {
	e, refusal := b.event(&a)
	if refusal != nil {
		return "", refusal
	}
	var stood *speaker
	if a.Says != Object {
		var err error
		if stood, err = b.speaks(ctx, a, e.Recorded); err != nil {
			return "", err
		}
		e.Proved = stood.methods
	}
	_, err := b.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		return b.answerTx(ctx, tx, a, e, stood)
	})
	if errors.Is(err, errAgain) || errors.Is(err, customer.ErrUnchanged) {
		return e.ID, nil
	}
	if err != nil {
		return "", err
	}
	b.Customers.Drop(a.Customer)
	return e.ID, nil
}

// ObjectTx is Answer of a refusal as a part of a larger transaction, whose entries it gives. fresh is false when it is on record
// already.
//
// cite: P-12, P-14
func (b *Book) ObjectTx(ctx context.Context, tx *store.Tx, a Answer) (fresh bool, entries []ledger.Entry, err error) {
	a.Says = Object
	e, refusal := b.event(&a)
	if refusal != nil {
		return false, nil, refusal
	}
	entries, err = b.answerTx(ctx, tx, a, e, nil)
	if errors.Is(err, errAgain) {
		return false, nil, nil
	}
	return err == nil, entries, err
}

// event makes the event that an answer is, when it can be one.
func (b *Book) event(a *Answer) (Event, *cpni.Refusal) {
	now := b.Clock.Now()
	if a.At.IsZero() {
		a.At = now
	}
	if a.Scope == "" && a.Says == Object {
		a.Scope = customer.Everything
	}
	if r := a.check(now); r != nil {
		return Event{}, r
	}
	e := Event{ID: a.As, What: map[Say]What{Grant: Granted, Object: Objected, Lift: Lifted}[a.Says], Scope: a.Scope, At: a.At.UTC(), Recorded: now.UTC(), Via: a.Via, By: a.By,
		Contact: a.Contact, Notice: a.Notice, Evidence: a.Evidence.complete()}
	if e.ID == "" {
		e.ID = cpni.NewTimedID(now)
	}
	return e, nil
}

// refused puts on record that an answer was not taken, and why; of a customer whom there is.
//
// cite: P-36, 47 CFR 64.2007(a)(1)
func (b *Book) refused(ctx context.Context, a Answer, r *cpni.Refusal) error {
	_, err := b.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if _, _, err := b.Customers.ReadTx(ctx, tx, a.Customer); err != nil {
			return nil, err
		}
		e, err := b.vault.Entry(ctx, tx, ledger.Entry{Customer: a.Customer, Kind: ledger.Change, At: b.Clock.Now(), Actor: a.By, Contact: string(a.Contact), Outcome: r.Outcome, Code: r.Code},
			map[string]string{"what": "answer refused", "answer": string(a.Says), "scope": a.Scope, "via": a.Via, "says": r.Says})
		return []ledger.Entry{e}, err
	})
	if errors.Is(err, customer.ErrNoCustomer) {
		return nil
	}
	return err
}

// answerTx records an answer in tx.
func (b *Book) answerTx(ctx context.Context, tx *store.Tx, a Answer, e Event, stood *speaker) ([]ledger.Entry, error) {
	// Whoever holds the customer first records it; the other then finds it.
	if _, _, err := b.Customers.HoldTx(ctx, tx, a.Customer); err != nil {
		return nil, err
	}
	there, err := b.has(ctx, tx, a.Customer, a.As)
	if err != nil {
		return nil, err
	}
	if there {
		return nil, errAgain
	}
	if err := stood.still(ctx, tx); err != nil {
		return nil, err
	}
	if a.Says == Grant {
		given, ok, err := b.noticed(ctx, tx, a.Customer, a.Notice)
		if err != nil {
			return nil, err
		}
		if r := a.answers(given, ok, &e); r != nil {
			return nil, r
		}
		if e.late() {
			if e.Over, err = b.refusedLater(ctx, tx, a.Customer, e); err != nil {
				return nil, err
			}
		}
	}
	_, entries, err := b.Customers.UpdateTx(ctx, tx, a.Customer, func(p *customer.Profile) (customer.Change, error) {
		e := e.after(p)
		if a.Says == Lift && !slices.ContainsFunc(p.Approvals, func(x customer.Approval) bool {
			return x.Scope == a.Scope && x.State == cpni.Denied && x.Since.Before(e.At)
		}) {
			return customer.Change{}, customer.ErrUnchanged
		}
		what := map[Say]string{Grant: "approval", Object: "objection", Lift: "objection taken back"}[a.Says]
		return b.move(p, e, map[string]string{"what": what, "scope": a.Scope, "via": a.Via, "notice": string(a.Notice)}, func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
			if a.Old {
				return nil
			}
			return b.confirm(ctx, tx, p, e)
		}), nil
	})
	return entries, err
}

// after gives the event as one of a moment later than a refusal that was recorded before it in the same moment: what a customer says
// now is the later of the two.
//
// cite: P-14, 47 CFR 64.2007(a)(2)
func (e Event) after(p *customer.Profile) Event {
	same := func(a customer.Approval) bool { return a.Since.Equal(e.At) }
	if e.What != Objected && e.At.Equal(e.Recorded) && slices.ContainsFunc(p.Denies(), same) {
		e.At = e.At.Add(time.Microsecond)
	}
	return e
}

// Object records a refusal that was received at a moment.
//
// cite: P-11, P-12, P-14
func (b *Book) Object(ctx context.Context, id cpni.ID, scope, via, by string, at time.Time) error {
	_, err := b.Answer(ctx, Answer{Customer: id, Says: Object, Scope: scope, Via: via, By: by, At: at})
	return err
}

var (
	errScope = cpni.Rejected("CONFIG", "that is no scope of approval", []string{"P-11"}, "name own-marketing, other-marketing, partner:ID, location:PURPOSE, data:CLASS or everything")
	errYesTo = cpni.Rejected("NOT_CONSENT", "nobody says yes to everything: a yes is for a purpose and those who receive for it", []string{"P-36", "47 CFR 64.2008(c)(2)"},
		"name own-marketing, other-marketing, partner:ID or location:PURPOSE")
	errUnread = cpni.Rejected("BAD_INPUT", "an answer says when it was received, and in one word how", []string{"P-12"}, "give a moment that has been, and email, portal, phone, postal, store or sms")
	errSay    = cpni.Rejected("BAD_INPUT", "an answer is grant, object or revoke-objection", []string{"P-11"}, "say which")
	errBig    = cpni.Rejected("BAD_INPUT", "the evidence is larger than is kept, or names more than an answer can", []string{"P-36"}, "keep the recording where it is and give its hash")
	errUnheld = cpni.Rejected("UNAUTHENTICATED", "nobody has proved who speaks, and a yes is taken only from the customer", []string{"P-16", "P-36", "47 CFR 64.2007(a)"},
		"verify the customer in a contact, and record the answer in it", "take the answer in writing, with the customer's signature and the number of the notice", "record a refusal, which needs no proof")
	errProof = cpni.Rejected("CONSENT_EVIDENCE", "a yes by word of mouth counts only when it can be shown", []string{"P-36", "47 CFR 64.2007(a)(1)"},
		"name the recording, or attest that the words were read and the customer agreed")
	errNotice = cpni.Rejected("NOT_CONSENT", "a yes answers a notice, and this customer was given none that tells of this", []string{"P-10", "P-36", "47 CFR 64.2003(k)", "47 CFR 64.2008(a)(1)"},
		"give the customer the notice first, and name it with the answer")
)

func (a *Answer) check(now time.Time) *cpni.Refusal {
	switch {
	case a.Says != Grant && a.Says != Object && a.Says != Lift:
		return errSay
	case !ValidScope(a.Scope):
		return errScope
	case a.Says == Grant && !grantable(a.Scope):
		return errYesTo
	case a.At.After(now) || a.Via == "" || len(a.Via) > longestVia || strings.ContainsAny(a.Via, " \n"):
		return errUnread
	case len(a.Names) > mostNamed || len(a.Data) > len(cpni.DataClasses):
		return errBig
	case a.Evidence != nil && (len(a.Evidence.Raw) > MostEvidence || len(a.Evidence.Says) > longestSay || len(a.Evidence.Hash) > 128 || len(a.Evidence.Kind) > longestVia):
		return errBig
	}
	return nil
}

// speaker is somebody who has proved to be the customer, and in what.
type speaker struct {
	methods []cpni.Method
	guard   *store.Guard // the contact, as it was; nil: it is in writing
}

// still reports whether what was proved holds when the answer is recorded.
//
// cite: P-42, I-16
func (s *speaker) still(ctx context.Context, tx *store.Tx) error {
	if s == nil || s.guard == nil {
		return nil
	}
	stale, err := tx.CheckGuards(ctx, []store.Guard{*s.guard})
	if err != nil {
		return err
	}
	if stale[0] {
		return errUnheld
	}
	return nil
}

// speaks finds who speaks: the customer, proved in a live contact of their own, or by their signature.
//
// cite: P-16, P-36, P-42, 47 CFR 64.2007(a)
func (b *Book) speaks(ctx context.Context, a Answer, now time.Time) (*speaker, error) {
	written := a.Signed && a.Evidence != nil && (len(a.Evidence.Raw) > 0 || a.Evidence.Hash != "") && (a.Via == ByPostal || a.Via == ByStore)
	if a.Contact == "" {
		if written {
			return &speaker{}, nil
		}
		return nil, errUnheld
	}
	s, version, err := b.Contacts.Get(ctx, a.Contact)
	if errors.Is(err, contact.ErrNoContact) {
		return nil, errUnheld
	}
	if err != nil {
		return nil, err
	}
	f := b.Contacts.Facts(s, a.Customer, now)
	who := &speaker{guard: &store.Guard{Table: "contact", Key: string(a.Contact), Version: version}}
	for _, e := range f.Evidence {
		if e.Method != cpni.ByBackup && e.Method != cpni.ByContract { // neither shows that the customer themselves speaks
			who.methods = append(who.methods, e.Method)
		}
	}
	switch {
	case !f.Live || !f.Same || f.Speaker != rules.SpeakerCustomer || len(who.methods) == 0:
		if written {
			return &speaker{}, nil
		}
		return nil, errUnheld
	case a.Via == ByPhone && a.Evidence == nil:
		return nil, errProof
	}
	return who, nil
}

// answers looks whether a notice told of what a yes is for, and gives the event its names and classes.
//
// cite: P-10, P-36, V64, 47 CFR 64.2003(k), 47 CFR 64.2008(c)(2)
func (a *Answer) answers(given Event, ok bool, e *Event) *cpni.Refusal {
	if !ok || !slices.Contains(given.Scopes, a.Scope) || a.At.Before(given.At) {
		return errNotice
	}
	names, data := a.Names, a.Data
	if len(names) == 0 {
		names = given.Names
	}
	if id, is := strings.CutPrefix(a.Scope, partnerScope); is && len(a.Names) == 0 {
		names = []string{id}
	}
	if len(data) == 0 {
		data = given.Data
	}
	for _, n := range names {
		if !slices.Contains(given.Names, n) {
			return errNotice
		}
	}
	for _, c := range data {
		if len(given.Data) > 0 && !slices.Contains(given.Data, c) {
			return errNotice
		}
	}
	e.Names, e.Data = names, data
	return nil
}
