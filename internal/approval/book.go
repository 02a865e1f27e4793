package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what a Book works with.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Customers *customer.Book
	Contacts  *contact.Desk  // in which customers prove who they are
	Outbox    *notify.Outbox // takes the confirmations of answers; nil: none go out
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's
	Numbers   func(at time.Time) Rules
	// Called gives the name by which customers know a partner; nil: they are called by their ids.
	Called func(ctx context.Context, partner string) string
}

// Book keeps what customers say about the use of their information, and what they were told of it.
type Book struct {
	Parts
	db    *store.DB
	vault *vault.Vault
}

// NewBook opens the book.
func NewBook(p Parts) *Book { return &Book{Parts: p, db: p.DB, vault: p.Vault} }

// move records an event: it is kept, the profile is written with what follows from it, and whatever was decided on the profile of
// before is decided again. told adds messages in the same transaction; nil: none.
func (b *Book) move(p *customer.Profile, e Event, detail map[string]string, told func(ctx context.Context, tx *store.Tx, p *customer.Profile) error) customer.Change {
	before := slices.Clone(p.Approvals)
	p.Approvals = apply(p.Approvals, e)
	c := customer.Change{Actor: e.By, Contact: string(e.Contact), Detail: detail, Affirmative: e.What == Granted || e.What == Lifted,
		Also: func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
			if err := b.keep(ctx, tx, p.ID, before, e); err != nil {
				return err
			}
			if told == nil {
				return nil
			}
			return told(ctx, tx, p)
		}}
	switch e.What {
	case Granted:
		c.What = "approval"
	case Objected:
		c.What = "objection"
	case Lifted:
		c.What = "objection taken back"
	case Noticed:
		c.What = "notice given"
	case Voided:
		c.What = "notice void"
	}
	detail["what"], detail["event"] = c.What, string(e.ID)
	return c
}

// has reports whether an event is kept already.
func (b *Book) has(ctx context.Context, q store.Querier, of, event cpni.ID) (bool, error) {
	if event == "" {
		return false, nil
	}
	var n int
	if err := q.QueryRow(ctx, "SELECT count(*) FROM approval_event WHERE customer_id = $1 AND event_id = $2", string(of), string(event)).Scan(&n); err != nil {
		return false, fmt.Errorf("looking for an event of an approval: %w", err)
	}
	return n > 0, nil
}

// errAgain: the event that is to be recorded is on record.
var errAgain = errors.New("it is on record already")
