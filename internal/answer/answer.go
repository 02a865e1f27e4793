// Package answer takes what customers answer in words of their own: by mail, by text, and in letters that somebody enters. A plain
// refusal counts from when it was received; a yes in such words never counts, and the customer is told how to give one; what is not
// plain is put before a person, and counts as a refusal meanwhile where silence would count as approval.
//
// Nobody who writes a mail or a text has shown who they are, so nothing here grants anything.
//
// cite: P-12, P-14, P-26, 47 CFR 64.2008(c)(3), 47 CFR 64.2008(d)(3)
package answer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// Rules are the numbers by which answers are taken.
type Rules struct {
	ReadDays     int // business days until an answer has been read
	BackdateDays int // days after which a letter is entered with a reason
}

// RulesOf takes the numbers from a policy.
func RulesOf(n rules.InForce) Rules {
	return Rules{ReadDays: n.Int("answers", "read_business_days"), BackdateDays: n.Int("answers", "backdate_days")}
}

// Parts are what a Desk works with.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Customers *customer.Book
	Contacts  *contact.Desk
	Approvals *approval.Book
	Outbox    *notify.Outbox
	Partners  func(ctx context.Context) ([]string, error) // ids of companies that customers may name
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's
	Calendars *workday.Calendars
	Words     *Words
	Numbers   func(at time.Time) Rules
}

// Desk takes answers.
type Desk struct{ Parts }

// New opens the desk.
func New(p Parts) *Desk { return &Desk{p} }

// bySelf is who recorded what a customer wrote themselves.
const bySelf = "customer"

// act is what follows from an answer.
type act struct {
	object []string // scopes that are refused
	how    bool     // the customer is told how to say yes
	read   string   // why a person has to read it; "" nobody has to
}

// Why a person has to read an answer.
const (
	NotPlain  = "not-plain"
	Question  = "question"  // it is plain, and asks something beside
	Complaint = "complaint" // the customer has called a notice unwanted mail
	Nobody    = "nobody"    // no customer has the address that it is from
	Several   = "several"   // more than one has it
)

// follows says what follows from a reply to one of our messages. told are the scopes of the notice that it was; none: it was none.
//
// cite: P-12, P-14, P-26, 47 CFR 64.2008(d)(3)(ii)
func follows(kind string, told approval.Event, report string, v Verdict) act {
	scopes := told.Scopes
	if len(scopes) == 0 {
		scopes = []string{customer.Everything}
	}
	scopes = joined(scopes, v.Scopes)
	switch {
	case kind == notify.OptOutNotice:
		// The notice said to answer only in order to refuse, so an answer is a refusal unless it plainly is none.
		switch {
		case report == notify.Complaint:
			return act{object: scopes, read: Complaint}
		case v.Means == MeansYes:
			return act{how: true}
		case v.Means == MeansThanks:
			return act{}
		case v.Means == MeansNothing:
			return act{object: scopes}
		case v.Means == MeansNo && v.Asks:
			return act{object: scopes, read: Question}
		case v.Means == MeansNo:
			return act{object: scopes}
		}
		return act{object: scopes, read: NotPlain}
	case kind == notify.OptInRequest || kind == notify.AnswerReceived || kind == notify.Campaign:
		a := act{}
		switch {
		case report == notify.Complaint && notify.Refusable(kind):
			return act{object: scopes, read: Complaint}
		case v.Means == MeansNo:
			a.object = scopes
			if v.Asks {
				a.read = Question
			}
		case v.Means == MeansYes:
			a.how = kind == notify.OptInRequest
		case v.Means == MeansNotPlain && v.Refuses:
			a.object, a.read = scopes, NotPlain
		case v.Means == MeansNotPlain:
			a.read = NotPlain
		}
		return a
	case report == notify.Reply && v.Means == MeansNo && v.About:
		// A reply to something else that is about this all the same. A bare no may answer what that message was about.
		return act{object: named(v)}
	}
	return act{}
}

// joined are scopes without one twice; everything is all of them.
func joined(lists ...[]string) []string {
	var all []string
	for _, l := range lists {
		for _, s := range l {
			if s == customer.Everything {
				return []string{s}
			}
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// named are the scopes that a refusal names; of one that names none everything.
func named(v Verdict) []string {
	if len(v.Scopes) == 0 {
		return []string{customer.Everything}
	}
	return v.Scopes
}

// said is an answer in somebody's own words, as it came in.
type said struct {
	via     string
	kind    string // of evidence
	key     string // the same answer that comes again has the same
	unnamed bool   // nothing but its words and its day tells it from another of the same
	at      time.Time
	notice  cpni.ID // the message that it answers; "" none
	wrote   notify.Wrote
	raw     []byte
	verdict Verdict
	version string // of the words by which it was read
}

func (s said) id(parts ...string) cpni.ID {
	h := sha256.New()
	for _, p := range append([]string{"answer", s.via, s.key}, parts...) {
		fmt.Fprintf(h, "%d %s ", len(p), p)
	}
	return cpni.IDOf(h.Sum(nil))
}

// evidence shows that it was said: the whole of it once, and its hash with whatever else it refuses.
func (s said) evidence(whole bool) *approval.Evidence {
	sum := sha256.Sum256(s.raw)
	e := &approval.Evidence{Kind: s.kind, Hash: hex.EncodeToString(sum[:]), Says: fmt.Sprintf("read as %s by the words of %s", s.verdict.Means, s.version)}
	if s.verdict.Heard != "" {
		e.Says += ", for: " + s.verdict.Heard
	}
	if s.kind == "mail" && !s.wrote.Shown {
		e.Says += "; nothing shows that its sender is who it says"
	}
	switch {
	case !whole:
		e.Says += "; the whole of it lies with the first of what it refuses"
	case len(s.raw) > approval.MostEvidence:
		e.Raw, e.Hash = s.raw[:approval.MostEvidence], ""
		e.Says += fmt.Sprintf("; this is the beginning of %d bytes", len(s.raw))
	default:
		e.Raw = s.raw
	}
	return e
}

// objectTx records the refusals of an answer.
//
// cite: P-11, P-12, P-14, 47 CFR 64.2007(a)(2)
func (d *Desk) objectTx(ctx context.Context, tx *store.Tx, of cpni.ID, s said, scopes []string, by string) (all []ledger.Entry, err error) {
	at := s.at
	if now := d.Clock.Now(); at.After(now) {
		at = now
	}
	var since []string
	if s.unnamed {
		if since, err = d.sinceTx(ctx, tx, of, s.at); err != nil {
			return nil, err
		}
	}
	for i, scope := range scopes {
		_, entries, err := d.Approvals.ObjectTx(ctx, tx, approval.Answer{Customer: of, Scope: scope, Via: s.via, Notice: s.notice, By: by, At: at, As: s.id(append([]string{string(of), scope}, since...)...), Evidence: s.evidence(i == 0)})
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}

// sinceTx tells a refusal from one in the same words that the customer has ended since: it is another one.
//
// cite: P-12, P-14, 47 CFR 64.2007(a)(2)
func (d *Desk) sinceTx(ctx context.Context, tx *store.Tx, of cpni.ID, before time.Time) ([]string, error) {
	n, err := d.Approvals.Allowed(ctx, tx, of, before)
	if err != nil || n == 0 {
		return nil, err
	}
	return []string{"after", strconv.FormatInt(n, 10)}, nil
}

// howAgain is how long after a customer was told how to say yes they are not told again.
const howAgain = 24 * time.Hour

// tellHow tells a customer who has said yes where nothing shows who they are how to say it: at a place of record, or by a text on the
// line that they wrote from. spots are where it may go; the first is taken.
//
// cite: P-36, 47 CFR 64.2007(a)
func (d *Desk) tellHow(ctx context.Context, tx *store.Tx, of cpni.ID, spots []contact.Spot) error {
	if len(spots) == 0 {
		return nil
	}
	now := d.Clock.Now()
	var lately int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM message WHERE customer_id = $1 AND kind = $2 AND at > $3", string(of), notify.AnswerHow, now.Add(-howAgain).UnixMicro()).Scan(&lately); err != nil {
		return fmt.Errorf("telling how to say yes: %w", err)
	}
	if lately > 0 {
		return nil
	}
	s := spots[0]
	return d.Outbox.Plan(ctx, tx, of, notify.Message{Kind: notify.AnswerHow, Via: s.Via, Place: s.Place, To: s.To})
}

// done lets go of what this node remembers of customers who have said something.
func (d *Desk) done(of ...cpni.ID) {
	for _, id := range of {
		d.Customers.Drop(id)
	}
}

// gone reports whether nothing can be recorded of a customer any more.
func gone(err error) bool {
	return errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten)
}

// silent reports whether silence counts, or will, as a customer's approval.
func silent(p *customer.Profile) bool {
	return slices.ContainsFunc(p.Approvals, func(a customer.Approval) bool { return a.State == cpni.Waiting || a.State == cpni.OptOutOK })
}

// ownSubject gives the subject of a mail where the customer has written it; one that answers ours says what ours said.
func ownSubject(subject string) string {
	head, _, ok := strings.Cut(strings.ToLower(strings.TrimSpace(subject)), ":")
	if ok && slices.Contains([]string{"re", "rv", "fw", "fwd", "aw", "res", "sv"}, strings.TrimSpace(head)) {
		return ""
	}
	return subject
}
