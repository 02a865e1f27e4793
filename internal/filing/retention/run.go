package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// State is how far a plan has come.
type State string

// The states.
const (
	Proposed State = "proposed" // it waits for a second person, or was never agreed to
	Running  State = "running"
	Done     State = "done"
)

// DoneLine is what became of a kind under a plan.
type DoneLine struct {
	Kind                          string
	Months, Planned, Erased, Kept int
	Oldest                        time.Time
}

// Written is a plan that was written down, with what became of it.
type Written struct {
	ID    cpni.ID
	At    time.Time
	By    cpni.ID
	State State
	Hash  string
	Items int
	Ended time.Time // zero: not yet
	Lines []DoneLine
}

// Erased is how many things are gone by it.
func (w Written) Erased() int {
	n := 0
	for _, l := range w.Lines {
		n += l.Erased
	}
	return n
}

// MostListed bounds a page of plans.
const MostListed = 50

// Erasures gives the plans that are carried out or being carried out, the newest first.
//
// cite: P-41, P-54
func (d *Desk) Erasures(ctx context.Context, before cpni.ID) ([]Written, error) {
	return d.written(ctx, "state <> $1 AND ($2 = '' OR (at, plan_id) < ((SELECT b.at FROM retention_plan b WHERE b.plan_id = $2), $2)) ORDER BY at DESC, plan_id DESC LIMIT $3", string(Proposed), string(before), MostListed)
}

// Done gives one plan.
func (d *Desk) Done(ctx context.Context, id cpni.ID) (Written, error) {
	all, err := d.written(ctx, "plan_id = $1", string(id))
	if err == nil && len(all) == 0 {
		err = ErrNone
	}
	if err != nil {
		return Written{}, err
	}
	return all[0], nil
}

func (d *Desk) written(ctx context.Context, where string, args ...any) ([]Written, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT plan_id, at, by_staff, state, hash, items, ended FROM retention_plan WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading plans: %w", err)
	}
	defer rows.Close()
	var all []Written
	for rows.Next() {
		var w Written
		var at, ended int64
		if err := rows.Scan(&w.ID, &at, &w.By, &w.State, &w.Hash, &w.Items, &ended); err != nil {
			return nil, fmt.Errorf("reading plans: %w", err)
		}
		w.At, w.Ended = fromMicro(at), fromMicro(ended)
		all = append(all, w)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading plans: %w", err)
	}
	for i := range all {
		if all[i].Lines, err = d.lines(ctx, all[i].ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (d *Desk) lines(ctx context.Context, plan cpni.ID) ([]DoneLine, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT kind, months, planned, erased, kept, oldest FROM retention_line WHERE plan_id = $1 ORDER BY kind", string(plan))
	if err != nil {
		return nil, fmt.Errorf("reading plans: %w", err)
	}
	defer rows.Close()
	var all []DoneLine
	for rows.Next() {
		var l DoneLine
		var oldest int64
		if err := rows.Scan(&l.Kind, &l.Months, &l.Planned, &l.Erased, &l.Kept, &oldest); err != nil {
			return nil, fmt.Errorf("reading plans: %w", err)
		}
		l.Oldest = fromMicro(oldest)
		all = append(all, l)
	}
	return all, rows.Err()
}

// piece is how many things one transaction erases.
const piece = 200

// Carry carries a plan out that two people agreed to, piece by piece; heard is called after each. Killed, it goes on where it was: a
// piece, its entry and the place behind it are one transaction. Each thing is looked at once more before it goes.
//
// cite: P-41, P-54, I-22, 47 CFR 64.2009(c), 47 CFR 64.2011(d)
func (d *Desk) Carry(ctx context.Context, a Act, heard func()) error {
	w, err := d.Done(ctx, a.Plan)
	if err != nil {
		return err
	}
	if w.Hash != a.Hash || w.Items != a.Items {
		return errOther
	}
	forgotten := false
	for w.State != Done {
		more, keys, err := d.piece(ctx, a.Plan)
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			forgotten = true
			if err := d.Customers.Forgotten(ctx, keys...); err != nil {
				return err
			}
		}
		heard()
		if !more {
			break
		}
	}
	for _, l := range w.Lines {
		if l.Kind == "customers" && !forgotten { // a node that was killed between a piece and this may have left a key in the files
			return d.Customers.Forgotten(ctx)
		}
	}
	return nil
}

// piece erases the next things of a plan, all of one kind. It reports whether more are left, and whose keys it has destroyed.
func (d *Desk) piece(ctx context.Context, plan cpni.ID) (more bool, keys []cpni.ID, err error) {
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		more, keys = false, nil
		query := "SELECT next, items, hash FROM retention_plan WHERE plan_id = $1"
		if tx.Dialect() == store.Postgres {
			query += " FOR UPDATE"
		}
		var next, items int
		var hash string
		if err := tx.QueryRow(ctx, query, string(plan)).Scan(&next, &items, &hash); err != nil {
			return nil, fmt.Errorf("reading a plan: %w", err)
		}
		list, err := d.listed(ctx, tx, plan, next, piece)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			_, err := tx.Exec(ctx, "UPDATE retention_plan SET state = $1, ended = CASE WHEN ended = 0 THEN $2 ELSE ended END WHERE plan_id = $3", string(Done), d.Clock.Now().UnixMicro(), string(plan))
			if err == nil {
				_, err = tx.Exec(ctx, "DELETE FROM retention_item WHERE plan_id = $1", string(plan))
			}
			return nil, err
		}
		more = true
		for i, it := range list {
			if it.kind != list[0].kind {
				list = list[:i]
				break
			}
		}
		if _, err := tx.Exec(ctx, "UPDATE retention_plan SET state = $1, next = $2 WHERE plan_id = $3", string(Running), next+len(list), string(plan)); err != nil {
			return nil, err
		}
		var all []ledger.Entry
		all, keys, err = d.erase(ctx, tx, plan, hash, list)
		return all, err
	})
	return more, keys, plainly(err)
}

// erase erases things of one kind in a transaction, and says on record which and why.
func (d *Desk) erase(ctx context.Context, tx *store.Tx, plan cpni.ID, hash string, list []item) (all []ledger.Entry, keys []cpni.ID, err error) {
	k, ok := Of(list[0].kind)
	if !ok || k.way == nil {
		return nil, nil, fmt.Errorf("nothing erases %s", list[0].kind)
	}
	now := d.Clock.Now()
	term := d.Term(k, now)
	holds, err := d.keeper(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	var rows []ledger.Row
	gone, kept := []string{}, 0
	for _, it := range list {
		stays, _, err := d.keeps(ctx, tx, holds, k, it, term, now)
		if err == nil && !stays && k.way.still != "" {
			var n int
			n, err = count(ctx, tx, k.way.still, k.cut(d.before(now, term.Months)), string(it.customer), it.thing)
			stays = n == 0
		}
		if err != nil {
			return nil, nil, err
		}
		if stays {
			kept++
			continue
		}
		e, err := k.way.erase(ctx, tx, d, it)
		if err != nil {
			return nil, nil, fmt.Errorf("erasing %s: %w", k.Name, err)
		}
		if !e.gone {
			continue
		}
		all, rows, gone = append(all, e.entries...), append(rows, e.rows...), append(gone, string(it.customer)+" "+it.thing)
		if e.after != "" {
			keys = append(keys, e.after)
		}
	}
	if _, err := tx.Exec(ctx, "UPDATE retention_line SET erased = erased + $1, kept = kept + $2 WHERE plan_id = $3 AND kind = $4", len(gone), kept, string(plan), k.Name); err != nil {
		return nil, nil, fmt.Errorf("writing what was erased: %w", err)
	}
	if len(gone) == 0 {
		return all, keys, nil
	}
	e := ledger.Entry{Kind: ledger.Admin, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Purpose: "erased"}
	if len(rows) > 0 {
		e.Purpose, e.Contact = ledger.Destroyed, ledger.ListOf(rows)
	}
	if e, err = d.Vault.Entry(ctx, tx, e, map[string]any{"what": "erased when its time was over", "plan": plan, "list": hash, "kind": k.Name, "months": term.Months, "kept after all": kept, "things": gone}); err != nil {
		return nil, nil, err
	}
	if len(rows) > 0 {
		if err := ledger.Destroy(ctx, tx, e.ID, rows); err != nil {
			return nil, nil, err
		}
	}
	return append(all, e), keys, nil
}
