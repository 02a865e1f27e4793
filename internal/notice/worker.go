package notice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// How a run is worked on.
const (
	// atOnce is how many customers one transaction plans: enough that a commit is nothing beside them, few enough that whoever else
	// writes waits for no longer than a moment.
	atOnce = 500
	// silence is after how long a node that works on a run, and is not heard of, counts as gone.
	silence = 2 * time.Minute
	// mostWaiting bounds the messages of one way that wait to be carried. A run goes no further ahead of the channels than that.
	mostWaiting = 20_000
	// askWaiting is how many batches are planned until it is asked again how many wait.
	askWaiting = 8
)

// errLost: another node has the run now, or it was paused or stopped.
var errLost = errors.New("the run is no longer this node's")

// Work goes on with every run that has begun, is not paused, and is no other node's, until nothing of it is left to do, or as many
// messages wait as may.
//
// cite: P-27, 47 CFR 64.2008(b)
func (n *Notices) Work(ctx context.Context) error {
	if err := n.inherit(ctx); err != nil {
		return err
	}
	now := n.Clock.Now()
	all, err := n.runsWhere(ctx, "state = $1 AND audience <> '' AND starts <= $2 AND claimed < $3 ORDER BY at, run_id", string(Running), now.UnixMicro(), now.Add(-silence).UnixMicro())
	if err != nil {
		return err
	}
	var faults []error
	for _, r := range all {
		if err := n.workOn(ctx, r.ID); err != nil && !errors.Is(err, errLost) {
			faults = append(faults, fmt.Errorf("the notice %s: %w", r.ID, err))
		}
	}
	return errors.Join(faults...)
}

// inherit takes over, once, what an earlier process had on a database that has one process: nobody else is there who could.
func (n *Notices) inherit(ctx context.Context) error {
	if n.DB.Dialect() != store.SQLite {
		return nil
	}
	n.mu.Lock()
	done := n.inherited
	n.mu.Unlock()
	if done {
		return nil
	}
	err := n.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE notice_run SET claim = '', claimed = 0 WHERE claimed <> 0")
		return err
	})
	if err != nil {
		return fmt.Errorf("taking over notices: %w", err)
	}
	n.mu.Lock()
	n.inherited = true
	n.mu.Unlock()
	return nil
}

// workOn works on one run. While one batch is written the next is made ready.
func (n *Notices) workOn(ctx context.Context, id cpni.ID) error {
	claim := string(cpni.NewID())
	now := n.Clock.Now()
	var r Run
	err := n.DB.Tx(ctx, func(tx *store.Tx) (err error) {
		r, err = scanRun(tx.QueryRow(ctx, "UPDATE notice_run SET claim = $1, claimed = $2 WHERE run_id = $3 AND state = $4 AND claimed < $5 RETURNING "+runColumns,
			claim, now.UnixMicro(), string(id), string(Running), now.Add(-silence).UnixMicro()).Scan)
		return err
	})
	if store.IsNoRow(err) {
		return errLost
	}
	if err != nil {
		return fmt.Errorf("taking a notice: %w", err)
	}
	defer func() { // the next one need not wait
		ctx := context.WithoutCancel(ctx)
		_ = n.DB.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE notice_run SET claim = '', claimed = 0 WHERE run_id = $1 AND claim = $2", string(id), claim)
			return err
		})
	}()
	alike, err := n.alike(ctx, r)
	if err != nil {
		return err
	}
	return n.walk(ctx, r, alike, claim)
}

type ahead struct {
	batch
	err error
}

func (n *Notices) walk(ctx context.Context, r Run, alike []string, claim string) error {
	ready := func(place string) <-chan ahead {
		c := make(chan ahead, 1)
		go func() {
			b, err := n.look(ctx, r, alike, place, atOnce, true)
			c <- ahead{b, err}
		}()
		return c
	}
	next := ready(r.place)
	for i := 0; ; i++ {
		a := <-next
		if a.err != nil {
			return a.err
		}
		full := false
		if i%askWaiting == askWaiting-1 {
			var err error
			if full, err = n.full(ctx, r.Spec.Ways); err != nil {
				return err
			}
		}
		goOn := !a.last && !full && ctx.Err() == nil
		if goOn {
			next = ready(a.to)
		}
		if err := n.commit(ctx, r, claim, a.batch); err != nil {
			if goOn {
				<-next // whoever starts a goroutine waits for it
			}
			return err
		}
		if !goOn {
			return ctx.Err()
		}
	}
}

// full reports whether as many messages wait for a channel as may.
//
// cite: I-26
func (n *Notices) full(ctx context.Context, ways []string) (bool, error) {
	for _, w := range ways {
		if w != ByEmail && w != ByPostal {
			continue
		}
		var waiting int
		err := n.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM (SELECT 1 AS one FROM message WHERE via = $1 AND state IN ('queued', 'sending') LIMIT $2) AS waiting", w, mostWaiting).Scan(&waiting)
		if err != nil {
			return false, fmt.Errorf("counting what waits: %w", err)
		}
		if waiting >= mostWaiting {
			return true, nil
		}
	}
	return false, nil
}

// commit writes a batch with the place at which the run then stands, in one transaction: whoever goes on after a crash, or in the
// place of another, finds both or neither.
//
// cite: I-10, P-27
func (n *Notices) commit(ctx context.Context, r Run, claim string, b batch) error {
	now := n.Clock.Now()
	_, err := n.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var looked, expected int64
		err := tx.QueryRow(ctx, "UPDATE notice_run SET claimed = $1, place = $2, looked = looked + $3 WHERE run_id = $4 AND claim = $5 AND state = $6 AND place = $7 RETURNING looked, expected",
			now.UnixMicro(), b.to, len(b.steps), string(r.ID), claim, string(Running), b.from).Scan(&looked, &expected)
		if store.IsNoRow(err) {
			return nil, errLost
		}
		if err != nil {
			return nil, err
		}
		if err := n.write(ctx, tx, r, b); err != nil || !b.last {
			return nil, err
		}
		if r.Audience.Standing {
			tomorrow := workday.DateIn(now, n.Zone).End(n.Zone)
			_, err := tx.Exec(ctx, "UPDATE notice_run SET place = '', starts = $1 WHERE run_id = $2", tomorrow.UnixMicro(), string(r.ID))
			return nil, err
		}
		if _, err := tx.Exec(ctx, "UPDATE notice_run SET state = $1, changed = $2 WHERE run_id = $3", string(Done), now.UnixMicro(), string(r.ID)); err != nil {
			return nil, err
		}
		e, err := n.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK},
			map[string]any{"what": "notice has looked at everybody", "run": r.ID, "looked": looked, "expected": expected})
		return []ledger.Entry{e}, err
	})
	if errors.Is(err, errLost) {
		return errLost
	}
	if err != nil {
		return fmt.Errorf("planning notices: %w", err)
	}
	return nil
}

// Count is how a run would go: how many customers by each way, and how many would be left out, by reason.
type Count struct {
	Customers int64   `json:"customers"`
	Tallies   []Tally `json:"tallies,omitempty"`
}

// Goes is how many customers the notice would go to.
func (c Count) Goes() (goes int64) {
	for _, t := range c.Tallies {
		if t.State == WithPlanned {
			goes += t.N
		}
	}
	return goes
}

// Count tells how a run would go, before anything goes. heard is called now and then.
//
// cite: P-27, 47 CFR 64.2009(d)
func (n *Notices) Count(ctx context.Context, s Spec, l Launch, heard func()) (Count, error) {
	s, err := n.Check(s, l)
	if err != nil {
		return Count{}, err
	}
	r := Run{Spec: s, Launch: l}
	alike, err := n.alike(ctx, r)
	if err != nil {
		return Count{}, err
	}
	counts := map[Tally]int64{}
	var c Count
	for place := ""; ; {
		b, err := n.look(ctx, r, alike, place, 2*atOnce, false)
		if err != nil {
			return Count{}, err
		}
		for _, s := range b.steps {
			counts[Tally{State: s.state, Via: s.via, Code: s.code}]++
		}
		c.Customers += int64(len(b.steps))
		heard()
		if b.last {
			break
		}
		place = b.to
	}
	for t, count := range counts {
		t.N = count
		c.Tallies = append(c.Tallies, t)
	}
	sortTallies(c.Tallies)
	return c, nil
}
