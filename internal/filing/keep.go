package filing

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// Act is who does something about a failure.
type Act struct {
	By cpni.ID
	// ID names the act: sent twice it is done once. "" does it each time.
	ID cpni.ID
	// Version is the file's version that whoever acts has seen; 0: whatever it is now.
	Version int64
}

func eventPlace(id cpni.ID, n int) string { return fmt.Sprintf("filing-event/%s/%d", id, n) }

func numbered(year, seq int) string { return fmt.Sprintf("O-%d-%d", year, seq) }

// opener opens what is sealed, in a transaction or outside one.
type opener func(ctx context.Context, of cpni.ID, what string, sealed []byte) ([]byte, error)

func (d *Desk) in(tx *store.Tx) opener {
	return func(ctx context.Context, of cpni.ID, what string, sealed []byte) ([]byte, error) {
		return d.Vault.OpenStateTx(ctx, tx, of, what, sealed)
	}
}

// history reads the steps of a file.
func (d *Desk) history(ctx context.Context, q store.Querier, open opener, id cpni.ID) ([]Event, error) {
	rows, err := q.Query(ctx, "SELECT n, at, what, actor, act, entry_id, sealed FROM filing_event WHERE failure_id = $1 ORDER BY n", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading the history of a failure: %w", err)
	}
	defer rows.Close()
	var all []Event
	var sealed [][]byte
	for rows.Next() {
		var e Event
		var at int64
		var b []byte
		if err := rows.Scan(&e.N, &at, &e.What, &e.By, &e.Act, &e.Entry, &b); err != nil {
			return nil, fmt.Errorf("reading the history of a failure: %w", err)
		}
		e.At = time.UnixMicro(at).UTC()
		all, sealed = append(all, e), append(sealed, b)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading the history of a failure: %w", err)
	}
	for i := range all {
		plain, err := open(ctx, "", eventPlace(id, all[i].N), sealed[i])
		if err == nil {
			err = json.Unmarshal(plain, &all[i])
		}
		if err != nil {
			return nil, fmt.Errorf("reading the history of a failure: %w", err)
		}
	}
	return all, nil
}

// read reads a file, whoever asks.
func (d *Desk) read(ctx context.Context, q store.Querier, open opener, id cpni.ID, lock string) (*Failure, error) {
	f := &Failure{ID: id}
	var year, seq int
	err := q.QueryRow(ctx, "SELECT version, year, seq FROM filing_failure WHERE failure_id = $1"+lock, string(id)).Scan(&f.Version, &year, &seq)
	if store.IsNoRow(err) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading a failure: %w", err)
	}
	f.Number = numbered(year, seq)
	history, err := d.history(ctx, q, open, id)
	if err != nil {
		return nil, err
	}
	for _, e := range history {
		f.take(e)
	}
	return f, nil
}

// One gives a file to a member of the staff who may know of it.
//
// cite: P-37, 47 CFR 64.2009(f)
func (d *Desk) One(ctx context.Context, id, by cpni.ID) (*Failure, error) {
	if err := d.admits(ctx, by, staff.ReadIncidents); err != nil {
		return nil, err
	}
	return d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
}

// Query says which files List gives.
type Query struct {
	Done   bool    // filed, or judged to need no letter; otherwise open ones
	Before cpni.ID // of the list: only those behind this one
	Limit  int     // at most so many; 0 for 50
}

const (
	usualListed = 50
	mostListed  = 500
)

// List gives files, the newest first, to who may know of them.
//
// cite: P-37, 47 CFR 64.2009(f)
func (d *Desk) List(ctx context.Context, by cpni.ID, q Query) ([]*Failure, error) {
	if err := d.admits(ctx, by, staff.ReadIncidents); err != nil {
		return nil, err
	}
	if q.Limit <= 0 {
		q.Limit = usualListed
	}
	op := "="
	if q.Done {
		op = "<>"
	}
	return d.list(ctx, "state "+op+" $1 AND ($2 = '' OR (at, failure_id) < ((SELECT b.at FROM filing_failure b WHERE b.failure_id = $2), $2)) ORDER BY at DESC, failure_id DESC LIMIT $3",
		string(Open), string(q.Before), min(q.Limit, mostListed))
}

// Within gives the files that were opened in a time, the oldest first, for evidence of them. Whoever asks for that was let in there.
//
// cite: P-12, P-41, 47 CFR 64.2009(f)
func (d *Desk) Within(ctx context.Context, from, to time.Time) ([]*Failure, error) {
	return d.list(ctx, "at >= $1 AND at < $2 ORDER BY at, failure_id", from.UnixMicro(), to.UnixMicro())
}

func (d *Desk) list(ctx context.Context, where string, of ...any) ([]*Failure, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT failure_id FROM filing_failure WHERE "+where, of...)
	if err != nil {
		return nil, fmt.Errorf("listing failures: %w", err)
	}
	defer rows.Close()
	var ids []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("listing failures: %w", err)
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("listing failures: %w", err)
	}
	var all []*Failure
	for _, id := range ids {
		f, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// moved is a change of a file in one transaction.
type moved struct {
	d   *Desk
	ctx context.Context
	tx  *store.Tx
	f   *Failure
	by  string
	act cpni.ID
	now time.Time
	all []ledger.Entry
}

// errDone: the act was done already.
var errDone = errors.New("this was done already")

// change changes a file in a transaction with its entries. What was done already is not done again.
func (d *Desk) change(ctx context.Context, id cpni.ID, a Act, do func(m *moved) error) (*Failure, error) {
	if err := d.admits(ctx, a.By, staff.HandleIncidents); err != nil {
		return nil, err
	}
	var f *Failure
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		f, entries, err = d.move(ctx, tx, id, a, do)
		return entries, err
	})
	if errors.Is(err, errDone) {
		return f, nil
	}
	return f, plainly(err)
}

// move is change within a transaction. By is "" for the system.
func (d *Desk) move(ctx context.Context, tx *store.Tx, id cpni.ID, a Act, do func(m *moved) error) (*Failure, []ledger.Entry, error) {
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " FOR UPDATE"
	}
	f, err := d.read(ctx, tx, d.in(tx), id, lock)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range f.History {
		if a.ID != "" && e.Act == a.ID {
			return f, nil, errDone
		}
	}
	if a.Version != 0 && a.Version != f.Version {
		return f, nil, cpni.Rejected("CONFLICT", "somebody else has written to this file meanwhile", ofLetter, "look at it again, then do it once more")
	}
	by := string(a.By)
	if by == "" {
		by = string(cpni.RoleSystem)
	}
	m := &moved{d: d, ctx: ctx, tx: tx, f: f, by: by, act: a.ID, now: d.Clock.Now()}
	if err := do(m); err != nil {
		return f, nil, err
	}
	return f, m.all, m.write()
}

// note adds a step to the history, with its entry in the ledger, which says which file and which step and what the step's hash is.
//
// cite: P-41, 47 CFR 64.2009(f)
func (m *moved) note(what What, e Event) error {
	e.N, e.What, e.By, e.At, e.Act = len(m.f.History)+1, what, m.by, m.now.UTC().Truncate(time.Microsecond), m.act
	m.act = "" // of the first step
	plain, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("writing the history of a failure: %w", err)
	}
	entry, err := m.d.Vault.Entry(m.ctx, m.tx, ledger.Entry{Kind: ledger.Filing, At: m.now, Actor: m.by, Outcome: cpni.OK},
		map[string]any{"what": "failed way to refuse: " + string(what), "failure": m.f.ID, "step": e.N, "at": e.At, "hash": fmt.Sprintf("%x", sha256.Sum256(plain))})
	if err != nil {
		return err
	}
	e.Entry = entry.ID
	m.all = append(m.all, entry)
	sealed, err := m.d.Vault.SealTx(m.ctx, m.tx, "", eventPlace(m.f.ID, e.N), plain)
	if err != nil {
		return err
	}
	if _, err = m.tx.Exec(m.ctx, "INSERT INTO filing_event (failure_id, n, at, what, actor, act, entry_id, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		string(m.f.ID), e.N, e.At.UnixMicro(), string(what), e.By, string(e.Act), string(e.Entry), sealed); err != nil {
		return fmt.Errorf("writing the history of a failure: %w", err)
	}
	m.f.take(e)
	return nil
}

// alert raises an alert beside a step.
func (m *moved) alert(code cpni.Code, says string) error {
	e, err := m.d.Vault.Entry(m.ctx, m.tx, ledger.Entry{Kind: ledger.Alert, At: m.now, Actor: m.by, Outcome: cpni.OK, Code: code}, map[string]any{"what": says, "failure": m.f.ID, "number": m.f.Number})
	if err == nil {
		m.all = append(m.all, e)
	}
	return err
}

// write writes the row as the file stands now.
func (m *moved) write() error {
	if len(m.all) == 0 {
		return nil
	}
	m.f.Version++
	_, err := m.tx.Exec(m.ctx, "UPDATE filing_failure SET version = $1, state = $2, changed = $3 WHERE failure_id = $4", m.f.Version, string(m.f.State()), m.now.UnixMicro(), string(m.f.ID))
	if err != nil {
		return fmt.Errorf("writing a failure: %w", err)
	}
	return nil
}
