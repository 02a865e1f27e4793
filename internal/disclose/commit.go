package disclose

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// pending is a decision that waits for its record.
type pending struct {
	entry   ledger.Entry
	guards  []store.Guard
	again   *remembered // of the idempotency key, or nil
	needs   func(context.Context, store.Querier) (*vault.Fetched, error)
	sends   *notify.Message                                                                          // that brings what is permitted to an address, or nil
	instead func(ctx context.Context, tx *store.Tx, customer, entry cpni.ID) ([]ledger.Entry, error) // of that message; or nil
	receipt ledger.Receipt
	fetched *vault.Fetched // what the decision permits to open, as it lay when it was recorded; nil: not fetched yet
}

var (
	errStale = errors.New("what the decision stood on has changed")
	errAsked = errors.New("this idempotency key has been used meanwhile")
)

// prepare seals the record of a decision, ready to be committed.
func (d *Door) prepare(ctx context.Context, g *gathered) (*pending, error) {
	id := cpni.NewTimedID(g.at)
	f := &g.facts
	r := Record{Salt: newSalt(), Entry: id, Customer: g.request.Customer, Contact: g.contactID, Staff: g.request.Caller.Staff, To: g.request.To, Address: g.address,
		Line: g.request.Line, Months: g.months, Limits: g.limits, Facts: *f, Rules: g.rules, Decision: decided(g.decision)}
	if r.Customer == "" {
		r.Customer = g.customerID
	}
	plain, commitment, err := r.encode()
	if err != nil {
		return nil, err
	}
	e := ledger.Entry{Customer: g.customerID, ID: id, Kind: ledger.Decision, At: g.at, Actor: actorWord(g.request.Caller.Staff, g.request.Caller.Customer), Purpose: word(cpni.Purposes, f.Purpose),
		Recipient: recipientWord(f.Recipient.Kind, g.partner), Outcome: g.decision.Outcome, Code: g.decision.Code, Rules: g.rules, Commitment: commitment, Decided: g.decision.Rules}
	if g.contact != nil {
		e.Contact = string(g.contactID)
	}
	if g.decision.Permit() {
		e.Permits = slices.Clone(f.Data)
	}
	if e.Sealed, err = d.Vault.Seal(ctx, g.customerID, recordPlace(id), plain); err != nil {
		return nil, err
	}
	p := &pending{entry: e, guards: g.guards, needs: d.needs(g)}
	switch {
	case !g.decision.Permit():
	case g.request.Sends != nil:
		p.instead = g.request.Sends
	case viaChannels(f.Via):
		p.sends = &notify.Message{Kind: notify.Records, Via: f.Via, Place: placeOf(f), To: g.address, Tokens: map[string]string{"entry": string(id)}}
	}
	if g.request.IdempotencyKey != "" {
		p.again = g.request.remembered(g.at.Add(d.Policy.Numbers(g.at).Duration("security-defaults", "idempotency_life")))
		p.again.customer, p.again.record = g.customerID, id
	}
	return p, nil
}

// placeOf tells what sort of place a destination is.
func placeOf(f *rules.Facts) notify.Place {
	switch {
	case f.Destination == nil || !rules.OfRecord(*f):
		return notify.Named
	case f.Destination.Kind == rules.DestinationLine:
		return notify.TNOR
	}
	return notify.AOR
}

func actorWord(staff cpni.ID, customer bool) string {
	if customer {
		return "customer"
	}
	return string(staff)
}

// word gives a word for the readable part of a record, which holds no free text: what is not on the list is unknown.
func word[T ~string](known []T, w T) string {
	if slices.Contains(known, w) {
		return string(w)
	}
	return "unknown"
}

func recipientWord(kind cpni.RecipientKind, partner string) string {
	if partner != "" {
		return partner
	}
	return word([]cpni.RecipientKind{cpni.ToCustomer, cpni.ToAuthorised, cpni.ToDesignee, cpni.ToCarrier, cpni.ToLawEnforcement, cpni.ToDirectoryPublisher,
		cpni.ToPSAP, cpni.ToOtherCarrier, cpni.ToFamily}, kind)
}

// commit records a group of decisions in one transaction. Each whose facts have changed since goes back to be decided
// again.
//
// cite: P-41, I-02
func (d *Door) commit(ctx context.Context, group []*pending) []error {
	errs := make([]error, len(group))
	var kept []int // whose entries the transaction holds, in order
	receipts, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		clear(errs)
		kept = kept[:0]
		stale, err := staleOf(ctx, tx, group)
		if err != nil {
			return nil, err
		}
		entries := make([]ledger.Entry, 0, len(group))
		var beside []ledger.Entry // what is recorded with them
		for i, p := range group {
			if stale[i] {
				errs[i] = errStale
				continue
			}
			if p.again != nil {
				fresh, err := p.again.keep(ctx, tx, p.entry.At)
				if err != nil {
					return nil, err
				}
				if !fresh {
					errs[i] = errAsked
					continue
				}
			}
			// On SQLite the writer's own pages are warm, and others' are thrown away by every commit: what will be opened
			// is fetched here. It stays sealed until there is a receipt.
			if p.needs != nil && tx.Dialect() == store.SQLite {
				if p.fetched, err = p.needs(ctx, tx); err != nil {
					return nil, err
				}
			}
			if p.sends != nil {
				if err := d.Outbox.Plan(ctx, tx, p.entry.Customer, *p.sends); err != nil {
					return nil, err
				}
			}
			if p.instead != nil {
				more, err := p.instead(ctx, tx, p.entry.Customer, p.entry.ID)
				if err != nil {
					return nil, err
				}
				beside = append(beside, more...)
			}
			kept, entries = append(kept, i), append(entries, p.entry)
		}
		return append(entries, beside...), nil
	})
	if err != nil {
		if len(group) > 1 && !errors.Is(err, store.ErrUnknownOutcome) {
			return d.oneByOne(ctx, group) // one of them must not keep the others from their records
		}
		for i := range errs {
			errs[i] = fmt.Errorf("recording a decision: %w", err)
		}
		return errs
	}
	for n, i := range kept {
		group[i].receipt = receipts[n]
	}
	return errs
}

func (d *Door) oneByOne(ctx context.Context, group []*pending) []error {
	errs := make([]error, len(group))
	for i := range group {
		errs[i] = d.commit(ctx, group[i:i+1])[0]
	}
	return errs
}

// staleOf tells of each whether one of the versions that it stood on is no longer there.
func staleOf(ctx context.Context, tx *store.Tx, group []*pending) ([]bool, error) {
	var guards []store.Guard
	for _, p := range group {
		guards = append(guards, p.guards...)
	}
	gone, err := tx.CheckGuards(ctx, guards)
	if err != nil {
		return nil, err
	}
	stale := make([]bool, len(group))
	for i, p := range group {
		stale[i] = slices.Contains(gone[:len(p.guards)], true)
		gone = gone[len(p.guards):]
	}
	return stale, nil
}

// hash identifies what was asked, whatever its idempotency key.
func (r Request) hash() [32]byte {
	r.IdempotencyKey = ""
	return sha256.Sum256(mustJSON(r))
}
