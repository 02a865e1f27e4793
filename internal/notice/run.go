package notice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

var (
	errTitle  = cpni.Rejected("BAD_INPUT", "a run has a title by which people know it", []string{"P-27"}, "give one of at most 100 letters")
	errState  = cpni.Rejected("CONFLICT", "the run is not in a state in which that can be done", []string{"P-27"}, "look at it again: it may have moved on")
	errNoWays = cpni.Rejected("CONFIG", "a run goes by e-mail, by post, with the bill or in the portal: nobody reads to many at once", []string{"47 CFR 64.2008(b)"}, "name ways out of email, postal, bill-insert and portal")
)

const longestTitle = 100

// Check refuses a run that cannot be launched as it is described, and gives what it says with everything that follows from it.
//
// cite: P-26, P-27, 47 CFR 64.2008(c)
func (n *Notices) Check(s Spec, l Launch) (Spec, error) {
	s = s.complete()
	var r *cpni.Refusal
	switch {
	case strings.TrimSpace(l.Title) == "" || len(l.Title) > longestTitle || strings.ContainsAny(l.Title, "\r\n\x00"):
		r = errTitle
	case slices.Contains(s.Ways, ByWord) && s.Kind != approval.OptOut:
		r = errNoWays
	}
	if r == nil {
		r = s.check(n.Approvals.Numbers(n.Clock.Now()))
	}
	if r == nil {
		r = l.Audience.check(s)
	}
	if r != nil { // a nil refusal is no nil error
		return s, r
	}
	return s, nil
}

// LaunchTx begins in tx a run that two people have agreed to: it goes on by itself from when it starts.
//
// cite: P-27, 47 CFR 64.2008(a)(2), 47 CFR 64.2009(d)
func (n *Notices) LaunchTx(ctx context.Context, tx *store.Tx, s Spec, l Launch, second string, expected int64) (Run, []ledger.Entry, error) {
	s, err := n.Check(s, l)
	if err != nil {
		return Run{}, nil, err
	}
	run, e, err := n.begin(ctx, tx, s, l, Running, second)
	if err != nil {
		return run, nil, err
	}
	run.Second, run.Expected = cpni.ID(second), expected
	if _, err := tx.Exec(ctx, "UPDATE notice_run SET second = $1, expected = $2 WHERE run_id = $3", second, expected, string(run.ID)); err != nil {
		return run, nil, fmt.Errorf("beginning a notice: %w", err)
	}
	return run, []ledger.Entry{e}, nil
}

// all lists the runs, the newest first.
func (n *Notices) all(ctx context.Context) ([]Run, error) {
	return n.runsWhere(ctx, "1 = 1 ORDER BY at DESC, run_id DESC")
}

// Runs lists the newest runs that go to an audience, and those that still go on first of all.
func (n *Notices) Runs(ctx context.Context, most int) ([]Run, error) {
	return n.runsWhere(ctx, "audience <> '' ORDER BY CASE WHEN state IN ('running', 'paused') THEN 0 ELSE 1 END, at DESC, run_id DESC LIMIT $1", most)
}

func (n *Notices) runsWhere(ctx context.Context, where string, args ...any) ([]Run, error) {
	rows, err := n.DB.Reader().Query(ctx, "SELECT "+runColumns+" FROM notice_run WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("listing notices: %w", err)
	}
	defer rows.Close()
	var all []Run
	for rows.Next() {
		r, err := scanRun(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("listing notices: %w", err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// Pause holds a run: nobody else is looked at, and what has not gone waits.
//
// cite: P-27, P-41
func (n *Notices) Pause(ctx context.Context, id cpni.ID, by string) (Run, error) {
	return n.move(ctx, id, by, Paused, "notice paused", Running)
}

// Resume lets a paused run go on where it was.
//
// cite: P-27, P-41
func (n *Notices) Resume(ctx context.Context, id cpni.ID, by string) (Run, error) {
	return n.move(ctx, id, by, Running, "notice resumed", Paused)
}

// Stop ends a run for good: what has not gone does not go. What was given stays given.
//
// cite: P-27, P-41
func (n *Notices) Stop(ctx context.Context, id cpni.ID, by string) (Run, error) {
	return n.move(ctx, id, by, Stopped, "notice stopped", Running, Paused)
}

func (n *Notices) move(ctx context.Context, id cpni.ID, by string, to RunState, what string, from ...RunState) (Run, error) {
	now := n.Clock.Now()
	_, err := n.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		states := make([]string, len(from))
		for i, s := range from {
			states[i] = string(s)
		}
		var looked int64
		// On PostgreSQL this waits for the batch that a node is at: once it is answered, no more is planned.
		err := tx.QueryRow(ctx, "UPDATE notice_run SET state = $1, changed = $2, claim = '', claimed = 0 WHERE run_id = $3 AND audience <> '' AND state IN "+n.DB.Listed(4)+" RETURNING looked",
			string(to), now.UnixMicro(), string(id), n.DB.List(states)).Scan(&looked)
		if store.IsNoRow(err) {
			if _, err := n.run(ctx, tx, id); err != nil {
				return nil, err
			}
			return nil, errState
		}
		if err != nil {
			return nil, err
		}
		e, err := n.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: by, Outcome: cpni.OK}, map[string]any{"what": what, "run": id, "looked": looked})
		return []ledger.Entry{e}, err
	})
	switch {
	case errors.Is(err, ErrNoRun):
		return Run{}, ErrNoRun
	case err != nil:
		return Run{}, plainly(err)
	}
	return n.Run(ctx, id)
}

// MoveTx pauses, resumes or stops in tx the run of a campaign, also one that has looked at everybody: what of it has not gone waits, or
// does not go. A run that was stopped stays so.
//
// cite: P-27, P-40, P-41
func (n *Notices) MoveTx(ctx context.Context, tx *store.Tx, id cpni.ID, by string, to RunState) ([]ledger.Entry, error) {
	now := n.Clock.Now()
	var looked int64
	err := tx.QueryRow(ctx, "UPDATE notice_run SET state = $1, changed = $2, claim = '', claimed = 0 WHERE run_id = $3 AND state <> $1 AND state <> $4 RETURNING looked",
		string(to), now.UnixMicro(), string(id), string(Stopped)).Scan(&looked)
	if store.IsNoRow(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("moving a notice: %w", err)
	}
	what := map[RunState]string{Paused: "notice paused", Running: "notice resumed", Stopped: "notice stopped"}[to]
	e, err := n.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: by, Outcome: cpni.OK}, map[string]any{"what": what, "run": id, "looked": looked})
	return []ledger.Entry{e}, err
}

// Tally is how many customers of a run are in one state, for one reason, by one way.
type Tally struct {
	State string `json:"state"`
	Via   string `json:"via,omitempty"`
	Code  string `json:"code,omitempty"`
	N     int64  `json:"n"`
}

func sortTallies(all []Tally) {
	slices.SortFunc(all, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.Via, b.Via), cmp.Compare(a.Code, b.Code))
	})
}

// Progress is how far a run has come.
type Progress struct {
	Planned, Given, CameBack, NoWay, LeftOut int64
	Tallies                                  []Tally
}

// Progress counts what has become of a run.
//
// cite: P-27, V40, 47 CFR 64.2008(a)(2)
func (n *Notices) Progress(ctx context.Context, id cpni.ID) (Progress, error) {
	var p Progress
	rows, err := n.DB.Reader().Query(ctx, "SELECT state, via, code, count(*) FROM notice_given WHERE run_id = $1 GROUP BY state, via, code ORDER BY state, via, code", string(id))
	if err != nil {
		return p, fmt.Errorf("counting a notice: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t Tally
		if err := rows.Scan(&t.State, &t.Via, &t.Code, &t.N); err != nil {
			return p, fmt.Errorf("counting a notice: %w", err)
		}
		switch t.State {
		case WithPlanned:
			p.Planned += t.N
		case WithGiven:
			p.Given += t.N
		case WithCameBack:
			p.CameBack += t.N
		case WithNoWay:
			p.NoWay += t.N
		case WithLeftOut:
			p.LeftOut += t.N
		}
		p.Tallies = append(p.Tallies, t)
	}
	return p, rows.Err()
}

// Those lists the customers of a run in a state by a way for a reason, in the order of their ids, behind one.
func (n *Notices) Those(ctx context.Context, id cpni.ID, t Tally, after cpni.ID, most int) ([]cpni.ID, error) {
	rows, err := n.DB.Reader().Query(ctx, "SELECT customer_id FROM notice_given WHERE run_id = $1 AND state = $2 AND via = $3 AND code = $4 AND customer_id > $5 ORDER BY customer_id LIMIT $6",
		string(id), t.State, t.Via, t.Code, string(after), most)
	if err != nil {
		return nil, fmt.Errorf("listing the customers of a notice: %w", err)
	}
	defer rows.Close()
	var all []cpni.ID
	for rows.Next() {
		var c cpni.ID
		if err := rows.Scan(&c); err != nil {
			return nil, fmt.Errorf("listing the customers of a notice: %w", err)
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// staleState is how old what is known of a run's state may be when one of its messages is about to go.
const staleState = time.Second

// lately gives a run as it was a moment ago.
func (n *Notices) lately(ctx context.Context, id cpni.ID) (Run, error) {
	n.mu.Lock()
	s, ok := n.runs[id]
	n.mu.Unlock()
	if ok && n.Clock.Now().Sub(s.at) < staleState {
		return s.Run, nil
	}
	return n.run(ctx, n.DB.Reader(), id)
}
