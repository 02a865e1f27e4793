package customer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// metaForgotten names the latest forgetting, for other nodes to see.
const metaForgotten = "customer.forgotten"

// Forget destroys the customer's key and everything that it sealed; the ledger still verifies. It does not ask whether something must be
// kept, which Keep does for everybody else: it is for who was forgotten already, and has come back with an older database.
//
// cite: P-37, I-21
func (b *Book) Forget(ctx context.Context, id cpni.ID, by string) error {
	return b.forget(ctx, id, by, "", false)
}

// ForgetAgain is Forget of somebody of whom it is known when they were forgotten; how is recorded.
//
// cite: P-37, I-21
func (b *Book) ForgetAgain(ctx context.Context, id cpni.ID, by, how string) error {
	return b.forget(ctx, id, by, how, false)
}

// Keep has do asked before a customer is forgotten, in the transaction that does: it refuses when something of theirs must be kept.
//
// cite: P-54, I-22
func (b *Book) Keep(do func(ctx context.Context, tx *store.Tx, id cpni.ID) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keeps = append(b.keeps, do)
}

// ForgetAlone forgets by one person without a second, as a break-glass: the record says so. What must be kept is kept all the same.
//
// cite: P-37, I-21
func (b *Book) ForgetAlone(ctx context.Context, id cpni.ID, by string) error {
	return b.forget(ctx, id, by, "break-glass: by the holder of the master key, without a second person", true)
}

func (b *Book) forget(ctx context.Context, id cpni.ID, by, how string, asks bool) error {
	_, err := b.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if asks {
			return b.ForgetTx(ctx, tx, id, by, how)
		}
		return b.forgetTx(ctx, tx, id, by, how)
	})
	if err != nil {
		return plainly(err)
	}
	return b.Forgotten(ctx, id)
}

// ofCustomers are the tables with rows of a customer, but for the vault's and the look-ups.
var ofCustomers = []string{
	"customer", "contact", "throttle", "tried", "emergency",
	"message", "message_event",
	"approval", "approval_event", "notice_given",
	"approval_evidence", "answer_read",
	"portal_session", "portal_passkey",
	"written_request", "complaint",
}

// ForgetTx forgets a customer in tx, whose entries are to be committed with it, unless something of theirs must be kept; how, when
// there is something to say, is recorded. Once it is durable, Forgotten is to be called.
//
// cite: P-37, P-54, I-21, I-22
func (b *Book) ForgetTx(ctx context.Context, tx *store.Tx, id cpni.ID, by, how string) ([]ledger.Entry, error) {
	b.mu.RLock()
	all := b.keeps
	b.mu.RUnlock()
	for _, keeps := range all {
		if err := keeps(ctx, tx, id); err != nil {
			return nil, err
		}
	}
	return b.forgetTx(ctx, tx, id, by, how)
}

func (b *Book) forgetTx(ctx context.Context, tx *store.Tx, id cpni.ID, by, how string) ([]ledger.Entry, error) {
	p, _, err := b.hold(ctx, tx, id, " FOR UPDATE")
	switch {
	case errors.Is(err, vault.ErrSealBroken), errors.Is(err, vault.ErrForgotten):
		// What cannot be read must still go; without it the look-ups are found only by going through all.
		_, err = tx.Exec(ctx, "DELETE FROM lookup WHERE customer_id = $1", string(id))
	case err == nil:
		err = b.unlook(ctx, tx, p)
	}
	if err != nil {
		return nil, err
	}
	for _, table := range ofCustomers {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE customer_id = $1", string(id)); err != nil {
			return nil, fmt.Errorf("forgetting a customer: %w", err)
		}
	}
	if err := unlistTx(ctx, tx, id, b.clock.Now()); err != nil {
		return nil, err
	}
	if err := b.vault.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := tx.SetMeta(ctx, metaForgotten, string(cpni.NewID())); err != nil {
		return nil, fmt.Errorf("forgetting a customer: %w", err)
	}
	if err := traceTx(ctx, tx, id); err != nil {
		return nil, err
	}
	// After the name of this forgetting is written, which keeps away whoever writes down what they have read of many customers.
	b.mu.RLock()
	others := b.forgetting
	b.mu.RUnlock()
	for _, do := range others {
		if err := do(ctx, tx, id); err != nil {
			return nil, err
		}
	}
	e, err := b.vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Forget, At: b.clock.Now(), Actor: by, Outcome: cpni.OK}, struct {
		Customer cpni.ID `json:"customer"`
		How      string  `json:"how,omitempty"`
	}{id, how})
	return []ledger.Entry{e}, err
}

// Forgotten lets go of what this node remembers of customers who are forgotten, and takes the last of them out of the
// database's files.
func (b *Book) Forgotten(ctx context.Context, ids ...cpni.ID) error {
	b.dropAll()
	return b.vault.Scrub(ctx, ids...)
}

// unlook removes every look-up that p can ever have had: a line or address that has ended counts too.
func (b *Book) unlook(ctx context.Context, tx *store.Tx, p *Profile) error {
	all := b.tokens(p, b.clock.Now())
	for _, l := range p.Lines {
		all = append(all, b.vault.BlindIndex(ByNumber, l.Number))
	}
	for _, a := range p.Email {
		all = append(all, b.vault.BlindIndex(ByEmail, fold(a.Value)))
	}
	for _, t := range all {
		if _, err := tx.Exec(ctx, "DELETE FROM lookup WHERE token = $1 AND customer_id = $2", t, string(p.ID)); err != nil {
			return fmt.Errorf("forgetting a customer: %w", err)
		}
	}
	return nil
}

// WhenForgotten has do called whenever a customer has been forgotten, here or by another node, so that others who
// remember something of customers let go of it too.
func (b *Book) WhenForgotten(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgotten = append(b.forgotten, do)
}

// dropAll lets go of everything that this node remembers of customers.
func (b *Book) dropAll() {
	b.mu.Lock()
	b.forgets++
	clear(b.cache)
	all := b.forgotten
	b.mu.Unlock()
	for _, do := range all {
		do()
	}
}

// followEvery is how long another node's forgetting may go unseen.
const followEvery = time.Second

// Follow lets go of what is remembered when another node forgets a customer, until ctx ends; report gets errors, and it
// goes on trying.
//
// cite: I-21
func (b *Book) Follow(ctx context.Context, report func(error)) {
	store.Every(ctx, followEvery, b.catchUp, report)
}

func (b *Book) catchUp(ctx context.Context) error {
	now, err := b.db.Meta(ctx, metaForgotten)
	if err != nil {
		return fmt.Errorf("looking for forgotten customers: %w", err)
	}
	b.mu.Lock()
	same := now == b.seen
	b.seen = now
	b.mu.Unlock()
	if !same {
		b.dropAll()
	}
	return nil
}
