package office

import (
	"context"
	"errors"
	"time"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/filing/retention"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
)

// openRetention opens the desk of terms, holds and erasure, has everybody who removes something ask it, and destroys again the keys of
// customers who came back with an older database.
//
// cite: P-41, P-54, I-21, I-22, 47 CFR 64.2011(d)
func (o *Office) openRetention(ctx context.Context, c Config) error {
	o.Retention = retention.New(retention.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Staff: o.Staff, Customers: o.Customers, Incidents: o.Incidents, Clock: o.Clock, Zone: o.Zone,
		Numbers: func(at time.Time) rules.InForce { return o.Policy.Numbers(at) },
		Life: func(at time.Time) time.Duration {
			return o.Policy.Numbers(at).Duration("security-defaults", "proposal_life")
		}})
	o.Incidents.Keeps = o.Retention.HeldIncident
	o.Registers.Keeps = func(ctx context.Context, q store.Querier, rows []ledger.Row) error {
		return o.Retention.HeldRecords(ctx, q, "disclosures", rows)
	}
	o.Customers.Keep(func(ctx context.Context, tx *store.Tx, id cpni.ID) error { return o.Retention.MayForget(ctx, tx, id) })
	path := ""
	if c.Outside != "" {
		path = c.Outside + ".forgotten"
	}
	o.forgotten = retention.NewOutside(path, o.Vault)
	if _, err := o.Retention.Recall(ctx, o.forgotten); err != nil {
		return err
	}
	o.Customers.WhenForgotten(func() {
		// What fails here is tried again, and told, when what is due is done.
		_ = o.Retention.KeepForgotten(context.Background(), o.forgotten)
	})
	return nil
}

// retentionDue tells of what is older than it should be, and keeps the list of who was forgotten.
//
// cite: P-54, I-21
func (o *Office) retentionDue(ctx context.Context) error {
	return errors.Join(o.Retention.KeepForgotten(ctx, o.forgotten), o.Retention.Due(ctx))
}

// ProposeErasure makes a plan of what is past its time, of some kinds or all, and proposes it. id names it.
//
// cite: P-41, P-54, I-22
func (o *Office) ProposeErasure(ctx context.Context, id, by cpni.ID, kinds ...string) (*countersign.Proposal, error) {
	if id == "" {
		id = cpni.NewTimedID(o.Clock.Now())
	}
	if p, err := o.Proposals.Get(ctx, id); err == nil && p.By == by {
		return p, nil
	}
	a, err := o.Retention.Propose(ctx, id, by, kinds...)
	if err != nil {
		return nil, err
	}
	return o.Proposals.Propose(ctx, id, countersign.Erase, a, by)
}

func (o *Office) holdsErase(ctx context.Context, a retention.Act) error {
	return o.Retention.StillHolds(ctx, a)
}

func (o *Office) workErase(ctx context.Context, a retention.Act, heard func()) error {
	return o.Retention.Carry(ctx, a, heard)
}

// Forget forgets a customer without a proposal, for stories and for what has been agreed to elsewhere. What must be kept is kept.
//
// cite: P-37, P-54, I-21, I-22
func (o *Office) Forget(ctx context.Context, id cpni.ID, by string) error {
	_, err := o.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		return o.Customers.ForgetTx(ctx, tx, id, by, "")
	})
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, customer.ErrNoCustomer):
		return customer.ErrNoCustomer
	case err != nil:
		return err
	}
	return o.Customers.Forgotten(ctx, id)
}
