package disclose

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Handed is what the rules have said of one of many customers: it is on record, and opens nothing by itself.
type Handed struct {
	Customer cpni.ID // as it was asked
	Entry    cpni.ID // of the ledger
	At       time.Time
	Outcome  cpni.Outcome
	Code     cpni.Code         // of a refusal
	Version  int64             // of the customer, on which the decision stood; 0: there is no such customer
	Profile  *customer.Profile // as it stood then; nil: there is no such customer. It is shared: do not change it
	g        *gathered
	p        *pending
}

// Permit reports whether something may be handed out of this customer.
func (h *Handed) Permit() bool { return h.Outcome == cpni.Permit }

// Hand decides many requests, each about another customer, and records all of them in one transaction, each with an entry of its
// own, together with what beside writes: progress, and whatever must be true exactly when the entries are. beside may be called
// again when the transaction is; what it gives is recorded too. Nothing is opened before the transaction is durable, and then only
// by Release.
//
// The decisions are those of Disclose. An error means that nothing is on record, unless it is store.ErrUnknownOutcome.
//
// cite: P-01, P-41, I-01, I-02, 47 CFR 64.2009(c)
func (d *Door) Hand(ctx context.Context, requests []Request, beside func(ctx context.Context, tx *store.Tx, all []*Handed) ([]ledger.Entry, error)) ([]*Handed, error) {
	requests = slices.Clone(requests)
	ids := make([]cpni.ID, len(requests))
	for i := range requests {
		if err := requests[i].check(); err != nil {
			return nil, err
		}
		if requests[i].IdempotencyKey != "" || requests[i].Sends != nil || viaChannels(requests[i].Via) {
			return nil, errors.New("disclose: what is handed over in many is neither sent nor asked for under a key")
		}
		requests[i].brief, ids[i] = true, requests[i].Customer
	}
	found, err := d.Customers.ReadMany(ctx, ids)
	if err != nil {
		return nil, d.unrecorded(err)
	}
	read := make(map[cpni.ID]*customer.Read, len(found))
	for i := range found {
		read[found[i].ID] = &found[i]
	}
	all := make([]*Handed, len(requests))
	waiting := make([]int, len(requests))
	for i := range requests {
		requests[i].found, waiting[i] = read[ids[i]], i
	}
	for range tries {
		if err := d.decideMany(ctx, requests, all, waiting); err != nil {
			return nil, d.unrecorded(err)
		}
		group := make([]*pending, len(all))
		for i, h := range all {
			group[i] = h.p
		}
		var stale []bool
		receipts, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			var err error
			if stale, err = staleOf(ctx, tx, group); err != nil {
				return nil, err
			}
			if slices.Contains(stale, true) {
				return nil, errStale
			}
			entries := make([]ledger.Entry, len(group))
			for i, p := range group {
				entries[i] = p.entry
			}
			more, err := beside(ctx, tx, all)
			return append(entries, more...), err
		})
		switch {
		case errors.Is(err, errStale):
			waiting = waiting[:0]
			for i, is := range stale {
				if !is {
					continue
				}
				requests[i].found, waiting = nil, append(waiting, i)
				if err := d.forget(ctx, all[i].g); err != nil {
					return nil, d.unrecorded(err)
				}
			}
			continue
		case err != nil:
			return nil, d.unrecorded(err)
		}
		for i, h := range all {
			h.p.receipt = receipts[i]
			if h.Permit() {
				d.counts.permitted.Add(1)
			} else {
				d.counts.refused.Add(1)
			}
		}
		return all, nil
	}
	return nil, errBusy
}

// decideMany decides those of the requests that still have to be, on all processors.
func (d *Door) decideMany(ctx context.Context, requests []Request, all []*Handed, which []int) error {
	g, ctx := errgroup.WithContext(ctx)
	workers := max(1, runtime.GOMAXPROCS(0))
	for w := range workers {
		g.Go(func() error {
			for n := w; n < len(which); n += workers {
				h, err := d.decideOne(ctx, requests[which[n]])
				if err != nil {
					return err
				}
				all[which[n]] = h
			}
			return nil
		})
	}
	return g.Wait()
}

func (d *Door) decideOne(ctx context.Context, r Request) (*Handed, error) {
	for range tries {
		g, err := d.gather(ctx, r)
		if err != nil {
			return nil, err
		}
		p, err := d.prepare(ctx, g)
		if errors.Is(err, vault.ErrForgotten) { // between reading the customer and sealing
			r.found = nil
			if err := d.forget(ctx, g); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		h := handed(g, p)
		h.Customer = r.Customer
		return h, nil
	}
	return nil, errBusy
}

func handed(g *gathered, p *pending) *Handed {
	h := &Handed{Customer: g.request.Customer, Entry: p.entry.ID, At: g.at, Outcome: g.decision.Outcome, Code: g.decision.Code, Profile: g.profile, g: g, p: p}
	for _, x := range g.guards {
		if x.Table == "customer" {
			h.Version = x.Version
		}
	}
	return h
}

// Release opens what was permitted of a customer, against the receipt of its entry. vault.ErrForgotten: the customer has been
// forgotten meanwhile, and there is nothing.
//
// cite: P-41, I-01
func (d *Door) Release(ctx context.Context, h *Handed) (*Released, error) {
	if !h.Permit() || h.g.profile == nil || h.p.needs == nil {
		return nil, vault.ErrNotCovered
	}
	return d.release(ctx, h.g, h.p)
}

// Still gives what was recorded earlier of a customer for release once more, if the same is permitted at this moment: whoever goes
// on after a crash, or makes a file again, needs no second entry for who is in it already. For who is not permitted any more it
// gives a refusal, which is not on record; Hand records one.
//
// cite: P-11, P-14, P-41, I-01, I-02
func (d *Door) Still(ctx context.Context, r Request, entry cpni.ID) (*Handed, error) {
	r.brief = true
	g, err := d.consider(ctx, r)
	if err != nil {
		return nil, err
	}
	h := handed(g, &pending{entry: ledger.Entry{ID: entry}})
	h.Customer = r.Customer
	if !h.Permit() || g.customerID == "" {
		return h, nil
	}
	if h.p.receipt, err = d.Ledger.Recall(ctx, g.customerID, entry); err != nil {
		return nil, fmt.Errorf("going on with a file: %w", err)
	}
	if !h.p.receipt.Permit() {
		return nil, fmt.Errorf("going on with a file: the entry %s permits nothing", entry)
	}
	h.p.needs = d.needs(g)
	return h, nil
}
