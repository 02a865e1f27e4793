package notice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	"ringfence/internal/workday"
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
	Numbers   func(at time.Time) Numbers
	Calendars *workday.Calendars
	// Words makes the edition of a notice whose text is not given, keeps it, and gives its version; nil: every notice names its own.
	Words func(ctx context.Context, s Spec) (version string, err error)
	// Insert makes the document that lies in a bill, in a language, and names the version of its words; nil: there is none.
	Insert func(r Run, language string) (doc notify.Enclosure, version string, err error)
	// Page writes a notice as the portal shows it, which bears message as its number; nil: there are no words for it.
	Page func(r Run, message cpni.ID, language string) (words notify.Words, err error)
}

// Notices gives notices.
type Notices struct {
	Parts

	mu        sync.Mutex
	inherited bool             // what an earlier process had is taken over
	runs      map[cpni.ID]seen // what each says never changes
}

// seen is a run as it was read.
type seen struct {
	Run
	at time.Time
}

// New makes what gives notices.
func New(p Parts) *Notices { return &Notices{Parts: p, runs: map[cpni.ID]seen{}} }

// Run is one notice, given to many.
type Run struct {
	ID      cpni.ID
	At      time.Time
	State   RunState
	Changed time.Time
	Spec    Spec
	Launch
	Second   cpni.ID // who agreed to it; "" nobody had to
	Expected int64   // how many it was for when it was agreed to
	Looked   int64   // how many of them it has looked at
	place    string  // the customer who was looked at last
}

// Launch is a run's title, for whom it is, and when it begins.
type Launch struct {
	Title    string    `json:"title"`
	Audience Audience  `json:"audience"`
	Starts   time.Time `json:"starts,omitzero"` // zero: as soon as it is agreed to
	By       cpni.ID   `json:"by,omitempty"`    // who proposed it
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
	if s, err = n.Worded(ctx, s); err != nil {
		return Run{}, err
	}
	_, err = n.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var e ledger.Entry
		run, e, err = n.begin(ctx, tx, s, Launch{}, Planned, by)
		return []ledger.Entry{e}, err
	})
	return run, plainly(err)
}

// Worded completes what a notice says, and gives it its words.
//
// cite: P-02, P-27, 47 CFR 64.2008(c)
func (n *Notices) Worded(ctx context.Context, s Spec) (Spec, error) {
	s = s.complete()
	if r := s.check(n.Approvals.Numbers(n.Clock.Now())); r != nil {
		return s, r
	}
	if s.Edition != "" || n.Words == nil {
		return s, nil
	}
	var err error
	s.Edition, err = n.Words(ctx, s)
	return s, err
}

// FirstWith gives when the first run began that gives a notice in the words of an edition; zero: none has.
func (n *Notices) FirstWith(ctx context.Context, edition string) (time.Time, error) {
	var at int64
	err := n.DB.Reader().QueryRow(ctx, "SELECT coalesce(min(at), 0) FROM notice_run WHERE spec LIKE $1", `%"edition":"`+edition+`"%`).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("looking for runs with the words of a notice: %w", err)
	}
	if at == 0 {
		return time.Time{}, nil
	}
	return time.UnixMicro(at).UTC(), nil
}

func (n *Notices) begin(ctx context.Context, tx *store.Tx, s Spec, l Launch, state RunState, by string) (Run, ledger.Entry, error) {
	now := n.Clock.Now()
	s = s.complete()
	if r := s.check(n.Approvals.Numbers(now)); r != nil {
		return Run{}, ledger.Entry{}, r
	}
	run := Run{ID: cpni.NewTimedID(now), At: now, State: state, Changed: now, Spec: s, Launch: l}
	text, err := json.Marshal(s)
	if err != nil {
		return run, ledger.Entry{}, fmt.Errorf("beginning a notice: %w", err)
	}
	audience := ""
	if l.Audience.Who != "" {
		if audience, err = l.Audience.text(); err != nil {
			return run, ledger.Entry{}, fmt.Errorf("beginning a notice: %w", err)
		}
	}
	_, err = tx.Exec(ctx, "INSERT INTO notice_run (run_id, at, state, changed, spec, title, audience, starts, by_staff) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		string(run.ID), now.UnixMicro(), string(run.State), now.UnixMicro(), string(text), l.Title, audience, micros(l.Starts), string(l.By))
	if err != nil {
		return run, ledger.Entry{}, fmt.Errorf("beginning a notice: %w", err)
	}
	e, err := n.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: by, Outcome: cpni.OK},
		map[string]string{"what": "notice begun", "run": string(run.ID), "title": l.Title, "for": l.Audience.String(), "kind": s.Kind, "scopes": strings.Join(s.Scopes(), " "), "ways": strings.Join(s.Ways, " "), "edition": s.Edition})
	return run, e, err
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
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

const runColumns = "run_id, at, state, changed, spec, title, audience, starts, by_staff, second, expected, looked, place"

func scanRun(scan func(...any) error) (Run, error) {
	var r Run
	var at, changed, starts int64
	var spec, audience string
	if err := scan(&r.ID, &at, &r.State, &changed, &spec, &r.Title, &audience, &starts, &r.By, &r.Second, &r.Expected, &r.Looked, &r.place); err != nil {
		return r, err
	}
	r.At, r.Changed, r.Starts = moment(at), moment(changed), moment(starts)
	if audience != "" {
		if err := json.Unmarshal([]byte(audience), &r.Audience); err != nil {
			return r, err
		}
	}
	return r, json.Unmarshal([]byte(spec), &r.Spec)
}

func (n *Notices) run(ctx context.Context, q store.Querier, id cpni.ID) (Run, error) {
	r, err := scanRun(q.QueryRow(ctx, "SELECT "+runColumns+" FROM notice_run WHERE run_id = $1", string(id)).Scan)
	if store.IsNoRow(err) {
		return r, ErrNoRun
	}
	if err != nil {
		return r, fmt.Errorf("reading a notice: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.runs) >= mostRuns {
		clear(n.runs)
	}
	n.runs[id] = seen{r, n.Clock.Now()}
	return r, nil
}

// says gives what a run says, which never changes; its state may be an old one.
func (n *Notices) says(ctx context.Context, q store.Querier, id cpni.ID) (Run, error) {
	n.mu.Lock()
	s, ok := n.runs[id]
	n.mu.Unlock()
	if ok {
		return s.Run, nil
	}
	return n.run(ctx, q, id)
}
