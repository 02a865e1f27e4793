package countersign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// silence is after how long a node that tries or does something, and is not heard of, counts as gone.
const silence = 5 * time.Minute

// Work tries what is to be tried and does what is agreed to and takes long, until nothing is left that no other node works
// on. What was interrupted is begun again.
func (r *Register) Work(ctx context.Context) error {
	rows, err := r.db.Reader().Query(ctx, "SELECT proposal_id FROM proposal WHERE (state = $1 OR state = $2 AND expires > $3) AND claimed < $4 ORDER BY at", string(Working), string(Trying),
		r.clock.Now().UnixMicro(), r.clock.Now().Add(-silence).UnixMicro())
	if err != nil {
		return fmt.Errorf("looking for agreed proposals: %w", err)
	}
	var all []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return errors.Join(err, rows.Close())
		}
		all = append(all, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("looking for agreed proposals: %w", err)
	}
	var faults []error
	for _, id := range all {
		if err := r.workOn(ctx, id); err != nil && !errors.Is(err, errDecided) {
			faults = append(faults, fmt.Errorf("the proposal %s: %w", id, err))
		}
	}
	return errors.Join(faults...)
}

// workOn works on one proposal, if no other node does.
func (r *Register) workOn(ctx context.Context, id cpni.ID) error {
	claim := string(cpni.NewID())
	now := r.clock.Now()
	if err := r.db.Tx(ctx, func(tx *store.Tx) error {
		return take(ctx, tx, "UPDATE proposal SET claim = $1, claimed = $2 WHERE proposal_id = $3 AND state IN ($4, $5) AND claimed < $6 RETURNING proposal_id",
			claim, now.UnixMicro(), string(id), string(Trying), string(Working), now.Add(-silence).UnixMicro())
	}); err != nil {
		return err
	}
	p, err := r.Get(ctx, id)
	if err != nil {
		return err
	}
	last := now
	heard := func() {
		if now := r.clock.Now(); now.Sub(last) > silence/10 {
			last = now
			// When this fails another node may begin as well, and finds what this one has done.
			_ = r.db.Tx(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE proposal SET claimed = $1 WHERE proposal_id = $2 AND claim = $3", now.UnixMicro(), string(id), claim)
				return err
			})
		}
	}
	switch p.State {
	case Trying:
		err = r.try(ctx, p, claim, heard)
	case Working:
		err = r.perform(ctx, p, claim, heard)
	}
	if err != nil && ctx.Err() != nil { // this node stops: the next one need not wait
		_ = r.db.Tx(context.WithoutCancel(ctx), func(tx *store.Tx) error {
			_, err := tx.Exec(context.WithoutCancel(ctx), "UPDATE proposal SET claimed = 0 WHERE proposal_id = $1 AND claim = $2", string(id), claim)
			return err
		})
	}
	return err
}

// try tries a proposal. Only one that passes waits for a second person.
func (r *Register) try(ctx context.Context, p *Proposal, claim string, heard func()) error {
	report, passed, err := r.performers[p.Kind].Try(ctx, p.Act, heard)
	if err != nil {
		return err
	}
	text, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("writing what came of trying: %w", err)
	}
	state, ended, what := Waiting, int64(0), "tried, and waits for a second person"
	if !passed {
		state, ended, what = Failed, r.clock.Now().UnixMicro(), "tried, and failed"
	}
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		sealed, err := r.vault.SealTx(ctx, tx, vault.CarrierID, reportPlace(p.ID), text)
		if err != nil {
			return nil, err
		}
		if err := take(ctx, tx, "UPDATE proposal SET state = $1, ended = $2, report = $3 WHERE proposal_id = $4 AND claim = $5 AND state = $6 RETURNING proposal_id",
			string(state), ended, sealed, string(p.ID), claim, string(Trying)); err != nil {
			return nil, err
		}
		return r.entry(ctx, tx, ledger.Admin, string(p.By), nil, map[string]any{"what": what, "proposal": p.ID, "kind": p.Kind, "hash": p.Hash})
	})
	return err
}

// perform does what was agreed to.
func (r *Register) perform(ctx context.Context, p *Proposal, claim string, heard func()) error {
	do := r.performers[p.Kind]
	if do.Work == nil {
		return fmt.Errorf("nobody knows how to do what is of the kind %s", p.Kind)
	}
	if err := do.Work(ctx, p.Act, heard); err != nil {
		return err
	}
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := take(ctx, tx, "UPDATE proposal SET state = $1, ended = $2 WHERE proposal_id = $3 AND claim = $4 AND state = $5 RETURNING proposal_id",
			string(Done), r.clock.Now().UnixMicro(), string(p.ID), claim, string(Working)); err != nil {
			return nil, err
		}
		return r.entry(ctx, tx, do.Kind, string(p.Second), nil, map[string]any{"what": "done", "proposal": p.ID, "kind": p.Kind, "hash": p.Hash, "proposed_by": p.By})
	})
	return err
}
