package notice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what notices are given with.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Customers *customer.Book
	Contacts  *contact.Desk
	Approvals *approval.Book
	Outbox    *notify.Outbox
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's
	// Page writes a notice as the portal shows it; nil: it shows none.
	Page func(r Run, p *customer.Profile, language string) (notify.Words, error)
}

// Notices gives notices.
type Notices struct {
	Parts

	mu   sync.Mutex
	runs map[cpni.ID]Run // what each says never changes
}

// New makes what gives notices.
func New(p Parts) *Notices { return &Notices{Parts: p, runs: map[cpni.ID]Run{}} }

// Run is one notice, given to many.
type Run struct {
	ID      cpni.ID
	At      time.Time
	State   RunState
	Changed time.Time
	Spec    Spec
}

// RunState is how far a run has come.
type RunState string

// The states of a run.
const (
	Planned RunState = "planned"
	Running RunState = "running"
	Paused  RunState = "paused"
	Stopped RunState = "stopped"
	Done    RunState = "done"
)

// What has become of a notice with one customer.
const (
	WithPlanned  = "planned"   // it is on its way
	WithGiven    = "given"     // it is proven given
	WithCameBack = "came-back" // it came back, and another form is on its way
	WithNoWay    = "no-way"    // no way is left
	WithLeftOut  = "left-out"  // it was not to go to them
)

// ErrNoRun: there is no such run.
var ErrNoRun = errors.New("there is no such notice")

// mostRuns bounds what is remembered of runs.
const mostRuns = 1000

// Begin records a run that gives a notice; nothing goes out by it yet.
//
// cite: P-27, 47 CFR 64.2008(a)(2)
func (n *Notices) Begin(ctx context.Context, s Spec, by string) (run Run, err error) {
	_, err = n.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var e ledger.Entry
		run, e, err = n.begin(ctx, tx, s, Planned, by)
		return []ledger.Entry{e}, err
	})
	return run, plainly(err)
}

func (n *Notices) begin(ctx context.Context, tx *store.Tx, s Spec, state RunState, by string) (Run, ledger.Entry, error) {
	now := n.Clock.Now()
	s = s.complete()
	if r := s.check(n.Approvals.Numbers(now)); r != nil {
		return Run{}, ledger.Entry{}, r
	}
	run := Run{ID: cpni.NewTimedID(now), At: now, State: state, Changed: now, Spec: s}
	text, err := json.Marshal(s)
	if err != nil {
		return run, ledger.Entry{}, fmt.Errorf("beginning a notice: %w", err)
	}
	_, err = tx.Exec(ctx, "INSERT INTO notice_run (run_id, at, state, changed, spec) VALUES ($1, $2, $3, $4, $5)", string(run.ID), now.UnixMicro(), string(run.State), now.UnixMicro(), string(text))
	if err != nil {
		return run, ledger.Entry{}, fmt.Errorf("beginning a notice: %w", err)
	}
	e, err := n.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: by, Outcome: cpni.OK},
		map[string]string{"what": "notice begun", "run": string(run.ID), "kind": s.Kind, "scopes": strings.Join(s.Scopes(), " "), "ways": strings.Join(s.Ways, " "), "edition": s.Edition})
	return run, e, err
}

// plainly gives what a person can act on without saying in which transaction it came up.
func plainly(err error) error {
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return err
}

// Run gives a run.
func (n *Notices) Run(ctx context.Context, id cpni.ID) (Run, error) {
	return n.run(ctx, n.DB.Reader(), id)
}

func (n *Notices) run(ctx context.Context, q store.Querier, id cpni.ID) (Run, error) {
	r := Run{ID: id}
	var at, changed int64
	var spec string
	err := q.QueryRow(ctx, "SELECT at, state, changed, spec FROM notice_run WHERE run_id = $1", string(id)).Scan(&at, &r.State, &changed, &spec)
	if store.IsNoRow(err) {
		return r, ErrNoRun
	}
	if err == nil {
		err = json.Unmarshal([]byte(spec), &r.Spec)
	}
	if err != nil {
		return r, fmt.Errorf("reading a notice: %w", err)
	}
	r.At, r.Changed = time.UnixMicro(at).UTC(), time.UnixMicro(changed).UTC()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.runs) >= mostRuns {
		clear(n.runs)
	}
	n.runs[id] = r
	return r, nil
}

// says gives what a run says, which never changes; its state may be an old one.
func (n *Notices) says(ctx context.Context, q store.Querier, id cpni.ID) (Run, error) {
	n.mu.Lock()
	r, ok := n.runs[id]
	n.mu.Unlock()
	if ok {
		return r, nil
	}
	return n.run(ctx, q, id)
}

// tokens are what the words of a notice are filled with, beside what all messages are.
func (s Spec) tokens(r approval.Rules) map[string]string {
	purposes, data, names := make([]string, len(s.Purposes)), make([]string, len(s.Data)), make([]string, len(s.Recipients))
	for i, p := range s.Purposes {
		purposes[i] = string(p)
	}
	for i, c := range s.Data {
		data[i] = string(c)
	}
	for i, r := range s.Recipients {
		names[i] = r.Name
	}
	return map[string]string{"purposes": strings.Join(purposes, " "), "information": strings.Join(data, " "), "recipients": strings.Join(names, "; "), "wait-days": strconv.Itoa(max(s.Wait, r.Wait))}
}
