package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// row is where a way stands.
type row struct {
	since, due time.Time
	try        cpni.ID
	begun      time.Time
	took       time.Duration
	deadline   time.Time // zero: nothing is waited for
	failed     int
	firstTry   cpni.ID
	first      time.Time
	concluded  time.Time // zero: no try has said anything yet
	failure    cpni.ID
	silent     time.Time // zero: somebody can tell
}

func (r row) waits() bool { return !r.deadline.IsZero() }

func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

const readRow = "SELECT since, due, try_id, begun, took, deadline, failed, first_try, first_at, concluded, failure, silent FROM monitor_way WHERE way = $1"

func (m *Monitors) scan(ctx context.Context, q store.Querier, w Way, lock string) (r row, err error) {
	var since, due, begun, took, deadline, first, concluded, silent int64
	err = q.QueryRow(ctx, readRow+lock, string(w)).Scan(&since, &due, &r.try, &begun, &took, &deadline, &r.failed, &r.firstTry, &first, &concluded, &r.failure, &silent)
	if err != nil {
		return r, err
	}
	r.since, r.due, r.begun, r.deadline, r.first, r.concluded, r.silent = moment(since), moment(due), moment(begun), moment(deadline), moment(first), moment(concluded), moment(silent)
	r.took = time.Duration(took) * time.Microsecond
	return r, nil
}

// row gives where a way stands, and begins to watch it when nobody has.
func (m *Monitors) row(ctx context.Context, w Way) (row, error) {
	r, err := m.scan(ctx, m.DB.Reader(), w, "")
	if store.IsNoRow(err) {
		now := m.Clock.Now().UnixMicro()
		err = m.DB.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO monitor_way (way, since, due, try_id, begun, took, deadline, failed, first_try, first_at, concluded, failure, silent) VALUES ($1, $2, $2, '', 0, 0, 0, 0, '', 0, 0, '', 0) ON CONFLICT DO NOTHING", string(w), now)
			return err
		})
		if err == nil {
			r, err = m.scan(ctx, m.DB.Reader(), w, "")
		}
	}
	if err != nil {
		return r, fmt.Errorf("reading where it stands: %w", err)
	}
	return r, nil
}

// held reads where a way stands in a transaction that nobody else is in.
func (m *Monitors) held(ctx context.Context, tx *store.Tx, w Way) (row, error) {
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " FOR UPDATE"
	}
	r, err := m.scan(ctx, tx, w, lock)
	if err != nil {
		return r, fmt.Errorf("reading where it stands: %w", err)
	}
	return r, nil
}

// claim begins a try, unless another node has; what is begun and never told of is begun anew when the next is due.
func (m *Monitors) claim(ctx context.Context, w Way, now time.Time) (try cpni.ID, mine bool, err error) {
	try = cpni.NewTimedID(now)
	err = m.DB.Tx(ctx, func(tx *store.Tx) error {
		done, err := tx.Exec(ctx, "UPDATE monitor_way SET due = $1, try_id = $2, begun = $3, took = 0, deadline = 0 WHERE way = $4 AND due <= $3 AND deadline = 0",
			now.Add(m.Numbers(now).Every).UnixMicro(), string(try), now.UnixMicro(), string(w))
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		mine = n == 1
		return err
	})
	if err != nil {
		return "", false, fmt.Errorf("beginning a try: %w", err)
	}
	return try, mine, nil
}

// wait notes that the customer has done their part and the refusal is waited for.
func (m *Monitors) wait(ctx context.Context, w Way, try cpni.ID, took time.Duration, until time.Time) error {
	err := m.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE monitor_way SET took = $1, deadline = $2 WHERE way = $3 AND try_id = $4", took.Microseconds(), until.UnixMicro(), string(w), string(try))
		return err
	})
	if err != nil {
		return fmt.Errorf("waiting for a refusal: %w", err)
	}
	return nil
}

// Outcome is what became of a try.
type Outcome string

// The outcomes.
const (
	Worked  Outcome = "worked"
	Failing Outcome = "failed"
	// Untried is a try that could not be made, for something that is the monitor's own. It says nothing about the way.
	Untried Outcome = "untried"
)

// Try is a try that has ended.
type Try struct {
	ID      cpni.ID       `json:"-"`
	Way     Way           `json:"-"`
	At      time.Time     `json:"-"` // when it was begun
	Took    time.Duration `json:"-"` // until it was known
	Outcome Outcome       `json:"-"`
	Step    string        `json:"-"` // at which it failed; "" it worked
	Node    string        `json:"-"` // that tried
	Failure cpni.ID       `json:"-"` // the file to which it belongs; "" none
	Entry   cpni.ID       `json:"-"` // of the ledger
	Says    string        `json:"says,omitempty"`
}

func tryPlace(id cpni.ID) string { return "monitor-try/" + string(id) }

// errOver: the try was told of already, or another was begun since.
var errOver = errors.New("this try is over")

// keepTx writes a try with its entry in the ledger.
//
// cite: P-41, 47 CFR 64.2009(f)
func (m *Monitors) keepTx(ctx context.Context, tx *store.Tx, t *Try) (ledger.Entry, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return ledger.Entry{}, fmt.Errorf("keeping a try: %w", err)
	}
	e, err := m.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Filing, At: m.Clock.Now(), Actor: string(cpni.RoleSystem), Outcome: cpni.OK},
		map[string]any{"what": "way to refuse tried: " + string(t.Outcome), "way": t.Way, "try": t.ID, "begun": t.At, "step": t.Step, "says": t.Says})
	if err != nil {
		return e, err
	}
	t.Entry = e.ID
	sealed, err := m.Vault.SealTx(ctx, tx, "", tryPlace(t.ID), plain)
	if err != nil {
		return e, err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO monitor_try (way, at, try_id, took, outcome, step, node, failure, entry_id, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		string(t.Way), t.At.UnixMicro(), string(t.ID), t.Took.Microseconds(), string(t.Outcome), t.Step, t.Node, string(t.Failure), string(t.Entry), sealed); err != nil {
		return e, fmt.Errorf("keeping a try: %w", err)
	}
	return e, nil
}

// writeTx writes where a way stands once a try is over.
func (m *Monitors) writeTx(ctx context.Context, tx *store.Tx, w Way, r row) error {
	if _, err := tx.Exec(ctx, "UPDATE monitor_way SET try_id = '', took = 0, deadline = 0, failed = $1, first_try = $2, first_at = $3, concluded = $4, failure = $5, silent = $6 WHERE way = $7",
		r.failed, string(r.firstTry), micros(r.first), micros(r.concluded), string(r.failure), micros(r.silent), string(w)); err != nil {
		return fmt.Errorf("keeping where a way stands: %w", err)
	}
	return nil
}
