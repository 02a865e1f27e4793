package countersign

import (
	"context"
	"errors"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// tries bounds how often an agreement is begun again because a member of the staff was changed meanwhile.
const tries = 3

// Agree has a proposal done. hash is that of what the person was shown. Who proposed cannot agree, with whatever account or
// key; of two who agree at once one does, and the act is done once.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) Agree(ctx context.Context, id cpni.ID, hash string, by cpni.ID) (*Proposal, error) {
	for n := 1; ; n++ {
		err := r.agree(ctx, id, hash, by)
		if errors.Is(err, errAgain) && n < tries {
			r.staff.Drop(by)
			if p, err := r.Get(ctx, id); err == nil {
				r.staff.Drop(p.By)
			}
			continue
		}
		if err != nil {
			return nil, plainly(err)
		}
		return r.Get(ctx, id)
	}
}

func (r *Register) agree(ctx context.Context, id cpni.ID, hash string, by cpni.ID) error {
	p, guard, err := r.second(ctx, id, by, "agreement turned away")
	if err != nil {
		return err
	}
	about := map[string]any{"what": "agreement turned away", "proposal": id, "kind": p.Kind}
	switch {
	case p.By == by:
		return r.turnAway(ctx, by, ErrSame, about)
	case p.State != Waiting:
		return ErrOver
	case p.Hash != hash:
		return ErrOther
	}
	proposer, version, err := r.staff.Recent(ctx, p.By)
	if err != nil && !errors.Is(err, staff.ErrNone) {
		return err
	}
	do := r.performers[p.Kind]
	if proposer == nil || proposer.Barred(do.Right) != nil {
		return r.turnAway(ctx, by, ErrMadeBy, about)
	}
	if do.Holds != nil {
		if err := do.Holds(ctx, p.Act); err != nil {
			return r.moved(ctx, p, by, err)
		}
	}
	doIt := do.Do
	if do.Tried != nil {
		doIt = func(ctx context.Context, tx *store.Tx, act []byte, by string) ([]ledger.Entry, func(context.Context) error, error) {
			return do.Tried(ctx, tx, act, p.Report, by)
		}
	}
	state, ended := Working, int64(0)
	if doIt != nil {
		state, ended = Done, r.clock.Now().UnixMicro()
	}
	var after func(context.Context) error
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		after = nil
		if err := r.asTheyWere(ctx, tx, guard, store.Guard{Table: "staff", Key: string(p.By), Version: version}); err != nil {
			return nil, err
		}
		// Whoever comes second waits here for the first, and then finds no proposal that waits.
		if err := take(ctx, tx, `UPDATE proposal SET state = $1, second = $2, ended = $3 WHERE proposal_id = $4 AND state = $5 AND hash = $6 AND by_staff <> $2 AND expires > $7 RETURNING proposal_id`,
			string(state), string(by), ended, string(id), string(Waiting), hash, r.clock.Now().UnixMicro()); err != nil {
			return nil, err
		}
		all, err := r.entry(ctx, tx, ledger.Admin, string(by), nil, map[string]any{"what": "agreed to", "proposal": id, "kind": p.Kind, "hash": p.Hash, "proposed_by": p.By})
		if err != nil || doIt == nil {
			return all, err
		}
		more, then, err := doIt(ctx, tx, p.Act, string(by))
		after = then
		return append(all, more...), err
	})
	var refusal *cpni.Refusal
	switch {
	case errors.Is(err, errDecided):
		return ErrOver
	case errors.As(err, &refusal):
		return r.moved(ctx, p, by, refusal)
	case err != nil:
		return err
	}
	if after != nil {
		return after(ctx)
	}
	return nil
}

// take changes the one row of a proposal that is as it must be.
func take(ctx context.Context, tx *store.Tx, query string, args ...any) error {
	var id string
	err := tx.QueryRow(ctx, query, args...).Scan(&id)
	if store.IsNoRow(err) {
		return errDecided
	}
	return err
}

// second gives a proposal to somebody who may decide on it, with the guard that finds out when they no longer may.
func (r *Register) second(ctx context.Context, id, by cpni.ID, what string) (*Proposal, store.Guard, error) {
	p, err := r.Get(ctx, id)
	if err != nil {
		return nil, store.Guard{}, err
	}
	m, version, err := r.staff.Recent(ctx, by)
	if err != nil {
		return nil, store.Guard{}, err
	}
	if refusal := m.Barred(r.performers[p.Kind].Right); refusal != nil {
		return nil, store.Guard{}, r.turnAway(ctx, by, refusal, map[string]any{"what": what, "proposal": id, "kind": p.Kind})
	}
	return p, store.Guard{Table: "staff", Key: string(by), Version: version}, nil
}

// moved ends a proposal of something that can no longer be done as it was proposed.
func (r *Register) moved(ctx context.Context, p *Proposal, by cpni.ID, why error) error {
	var refusal *cpni.Refusal
	if !errors.As(why, &refusal) {
		return why
	}
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := take(ctx, tx, "UPDATE proposal SET state = $1, second = $2, ended = $3 WHERE proposal_id = $4 AND state = $5 RETURNING proposal_id",
			string(Moved), string(by), r.clock.Now().UnixMicro(), string(p.ID), string(Waiting)); err != nil {
			return nil, err
		}
		return r.entry(ctx, tx, ledger.Admin, string(by), refusal, map[string]any{"what": "could not be done any more", "proposal": p.ID, "kind": p.Kind, "hash": p.Hash, "says": refusal.Says})
	})
	if errors.Is(err, errDecided) {
		return ErrOver
	}
	return errors.Join(refusal, err)
}

// Refuse ends a proposal of somebody else: it will not be done.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) Refuse(ctx context.Context, id, by cpni.ID) (*Proposal, error) {
	p, guard, err := r.second(ctx, id, by, "refusal turned away")
	if err != nil {
		return nil, err
	}
	if p.By == by {
		return nil, cpni.Rejected("SAME_PERSON", "one's own proposal is withdrawn, not refused", []string{"P-37"}, "withdraw it")
	}
	return r.end(ctx, p, Refused, by, "refused", guard)
}

// Withdraw takes one's own proposal back, also while it is being tried.
func (r *Register) Withdraw(ctx context.Context, id, by cpni.ID) (*Proposal, error) {
	p, err := r.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if p.By != by {
		return nil, ErrNotOwn
	}
	_, version, err := r.staff.Recent(ctx, by)
	if err != nil {
		return nil, err
	}
	return r.end(ctx, p, Withdrawn, "", "withdrawn", store.Guard{Table: "staff", Key: string(by), Version: version})
}

// end ends a proposal that waits or is being tried without doing anything. second is who refuses; "" the proposer withdraws.
func (r *Register) end(ctx context.Context, p *Proposal, state State, second cpni.ID, what string, guard store.Guard) (*Proposal, error) {
	by := p.By
	if second != "" {
		by = second
	}
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := r.asTheyWere(ctx, tx, guard); err != nil {
			return nil, err
		}
		if err := take(ctx, tx, "UPDATE proposal SET state = $1, second = $2, ended = $3 WHERE proposal_id = $4 AND state IN ($5, $6) AND expires > $3 RETURNING proposal_id",
			string(state), string(second), r.clock.Now().UnixMicro(), string(p.ID), string(Waiting), string(Trying)); err != nil {
			return nil, err
		}
		return r.entry(ctx, tx, ledger.Admin, string(by), nil, map[string]any{"what": what, "proposal": p.ID, "kind": p.Kind, "hash": p.Hash})
	})
	if errors.Is(err, errDecided) {
		return nil, ErrOver
	}
	if errors.Is(err, errAgain) {
		r.staff.Drop(by)
	}
	if err != nil {
		return nil, plainly(err)
	}
	return r.Get(ctx, p.ID)
}
