package disclose

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/matter"
	"ringfence/internal/notify"
	"ringfence/internal/partner"
	"ringfence/internal/rulebook"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what a Door is made of.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Policy    *rulebook.Book
	Customers *customer.Book
	Contacts  *contact.Desk
	Staff     *staff.Register
	Partners  *partner.Register
	Outbox    *notify.Outbox
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's: it decides dates and months
	// UnaidedDetail is the carrier's choice to talk about the one call that an unverified caller describes.
	//
	// cite: 47 CFR 64.2010(b)(1)(iv)
	UnaidedDetail bool
	// Additions are what the public policy has come to cover since approvals were first given, with the version of it that they are
	// of; nil: nothing.
	Additions func() ([]approval.Addition, store.Guard)
	// Reread takes up what another node has published; nil: nothing is.
	Reread func(context.Context) error
	// Matters is the register that knows which cases, tickets, orders, ports and placements run, and about whom; nil: what the
	// caller says of them counts, for rules that are tried without an office.
	Matters *matter.Register
	CMRS    bool // the carrier offers commercial mobile service
	// Journal is where this node records what an emergency call needs while the ledger cannot be written; nil: it waits as well.
	Journal *ledger.Journal
	// Processes is the register of legal process, which says what a process covers; nil: there is none.
	Processes Processes
	// InlineProcess takes the word of the caller for a process that is not on the register, which only stories and tests do.
	InlineProcess bool
	// Campaigns is the register of campaigns; nil: there is none, and whatever is asked for a campaign is refused.
	Campaigns Campaigns
}

// Campaigns tells what a decision for a campaign rests on.
//
// cite: P-40, 47 CFR 64.2009(d)
type Campaigns interface {
	// Of gives what the register says of a campaign as this use of it is asked for: f has its moment, purpose, data, recipient
	// and offer. The guard names the version that was looked at. known is false when there is no such campaign.
	Of(ctx context.Context, id cpni.ID, f rules.Facts) (c rules.Campaign, guard store.Guard, known bool, err error)
}

// Door is the one door.
type Door struct {
	Parts
	batch  *store.Batcher[*pending]
	counts struct{ permitted, refused, unrecorded atomic.Int64 }
	afterwards
}

// Counts are how many requests this node has answered, and how.
type Counts struct{ Permitted, Refused, Unrecorded int64 }

// Counts gives the counts since the door was opened.
func (d *Door) Counts() Counts {
	return Counts{d.counts.permitted.Load(), d.counts.refused.Load(), d.counts.unrecorded.Load()}
}

// groupMost bounds how many decisions one transaction records.
const groupMost = 256

// New opens the door; Close it when nothing more is asked.
func New(p Parts) *Door {
	d := &Door{Parts: p}
	d.batch = store.NewBatcher(groupMost, d.commit)
	return d
}

// Close records what has been decided and stops.
func (d *Door) Close() { d.batch.Close() }

// tries bounds how often a request whose facts change under it is decided again.
const tries = 20

// errBusy: the facts would not stand still.
var errBusy = cpni.Rejected("BUSY", "what this request rests on is being changed again and again", nil, "ask again in a moment")

// errNowhere: it may be sent, and there is no address.
var errNowhere = cpni.Rejected("BAD_INPUT", "there is no address of that kind to send it to", []string{"P-21", "47 CFR 64.2003(b)"}, "name the address, or another way")

// Disclose decides a request, records the decision, and only then releases what it permits.
//
// A refusal by the rules is an Answer, not an error. The error is a *cpni.Refusal with code AUDIT_DOWN when nothing can
// be recorded, with code BAD_INPUT or IDEMPOTENCY when the request itself is wrong, and anything else when something
// failed after the decision was recorded: nothing was released then, and asking again with the same idempotency key
// gives the recorded answer.
//
// cite: P-01, P-16, P-41, I-01, I-27
func (d *Door) Disclose(ctx context.Context, r Request) (*Answer, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.IdempotencyKey != "" {
		if a, err := d.replayed(ctx, r); a != nil || err != nil {
			return a, d.unrecorded(err)
		}
	}
	for range tries {
		g, err := d.gather(ctx, r)
		if err != nil {
			return nil, d.unrecorded(err)
		}
		if g.decision.Permit() && viaChannels(g.facts.Via) && g.address == "" {
			return nil, errNowhere
		}
		p, err := d.prepare(ctx, g)
		switch {
		case errors.Is(err, vault.ErrForgotten): // between reading the customer and sealing
			if err := d.forget(ctx, g); err != nil {
				return nil, d.unrecorded(err)
			}
			continue
		case err != nil:
			return nil, d.unrecorded(err)
		}
		err = d.batch.Do(ctx, p)
		switch {
		case errors.Is(err, errStale):
			if err := d.forget(ctx, g); err != nil {
				return nil, d.unrecorded(err)
			}
			continue
		case errors.Is(err, errAsked):
			a, err := d.replayed(ctx, r)
			if a == nil && err == nil {
				continue // it has lapsed meanwhile
			}
			return a, d.unrecorded(err)
		case err != nil && d.cannotWait(ctx, g, err):
			return d.firstHere(ctx, g, p)
		case err != nil:
			return nil, d.unrecorded(err)
		}
		if g.decision.Permit() {
			d.counts.permitted.Add(1)
		} else {
			d.counts.refused.Add(1)
		}
		if g.contact != nil && g.facts.Contact.Same {
			if err := d.Contacts.Touch(ctx, g.contact, g.at); err != nil {
				return nil, err
			}
		}
		if err := d.worked(ctx, g); err != nil {
			return nil, err
		}
		return d.answer(ctx, g, p)
	}
	return nil, errBusy
}

// unrecorded counts what auditDown makes.
func (d *Door) unrecorded(err error) error {
	err = auditDown(err)
	var lost *Unrecorded
	if errors.As(err, &lost) {
		d.counts.unrecorded.Add(1)
	}
	return err
}

// auditDown makes the refusal of a request that cannot be decided or recorded now. What the caller did wrong stays what
// it is.
//
// cite: P-41, I-27
func auditDown(err error) error {
	var refusal *cpni.Refusal
	if err == nil || errors.As(err, &refusal) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Unrecorded{cause: err}
}

// Unrecorded is the refusal of a request because its decision cannot be recorded; nothing was released.
type Unrecorded struct{ cause error }

// Error is what happened, for the operator's log; it holds no personal data.
func (u *Unrecorded) Error() string {
	return fmt.Sprintf("%s: %v", u.refusal().Error(), u.cause)
}

// Unwrap gives the refusal for the person who asked, and the cause.
func (u *Unrecorded) Unwrap() []error { return []error{u.refusal(), u.cause} }

func (u *Unrecorded) refusal() *cpni.Refusal {
	return &cpni.Refusal{Outcome: cpni.Deny, Code: "AUDIT_DOWN", Says: "The decision cannot be recorded now, so nothing is released.",
		Clauses: []string{"P-41", "47 CFR 64.2009(c)"}, Next: []string{"ask again in a moment, with the same idempotency key", "tell the operator if it lasts"}}
}

// forget drops what this node has last seen of what a request rests on, and takes up the policy in force.
func (d *Door) forget(ctx context.Context, g *gathered) error {
	if g.customerID != "" {
		d.Customers.Drop(g.customerID)
	}
	if g.contactID != "" {
		d.Contacts.Drop(g.contactID)
	}
	if g.request.Caller.Staff != "" {
		d.Staff.Drop(g.request.Caller.Staff)
	}
	if g.partner != "" {
		d.Partners.Drop(g.partner)
	}
	d.dropMatters(g)
	if d.Reread != nil {
		if err := d.Reread(ctx); err != nil {
			return err
		}
	}
	return d.Policy.Refresh(ctx)
}
