package breach

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// Act is who does something about an incident.
type Act struct {
	By cpni.ID
	// ID names the act: sent twice it is done once. "" does it each time.
	ID cpni.ID
	// Version is the file's version that whoever acts has seen; 0: whatever it is now.
	Version int64
}

func eventPlace(id cpni.ID, n int) string { return fmt.Sprintf("incident-event/%s/%d", id, n) }

// row is the row of an incident.
type row struct {
	version   int64
	year, seq int
	exercise  bool
	state     string
	at        int64
}

const rowColumns = "version, year, seq, exercise, state, at"

func scanRow(scan func(...any) error) (r row, err error) {
	var exercise int
	err = scan(&r.version, &r.year, &r.seq, &exercise, &r.state, &r.at)
	r.exercise = exercise != 0
	return r, err
}

func (r row) number() string {
	letter := "I"
	if r.exercise {
		letter = "R"
	}
	return fmt.Sprintf("%s-%d-%d", letter, r.year, r.seq)
}

// The states of a row.
const (
	stateOpen    = "open"
	stateClosed  = "closed"
	stateRemoved = "removed" // nothing of it had to be kept any more
)

// opener opens what is sealed, in a transaction or outside one.
type opener func(ctx context.Context, of cpni.ID, what string, sealed []byte) ([]byte, error)

func (d *Desk) in(tx *store.Tx) opener {
	return func(ctx context.Context, of cpni.ID, what string, sealed []byte) ([]byte, error) {
		return d.Vault.OpenStateTx(ctx, tx, of, what, sealed)
	}
}

// history reads the steps of an incident.
func (d *Desk) history(ctx context.Context, q store.Querier, open opener, id cpni.ID) ([]Event, error) {
	rows, err := q.Query(ctx, "SELECT n, at, what, actor, act, entry_id, sealed FROM incident_event WHERE incident_id = $1 ORDER BY n", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading the history of an incident: %w", err)
	}
	defer rows.Close()
	var all []Event
	var sealed [][]byte
	for rows.Next() {
		var e Event
		var at int64
		var b []byte
		if err := rows.Scan(&e.N, &at, &e.What, &e.By, &e.Act, &e.Entry, &b); err != nil {
			return nil, fmt.Errorf("reading the history of an incident: %w", err)
		}
		e.At = time.UnixMicro(at).UTC()
		all, sealed = append(all, e), append(sealed, b)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading the history of an incident: %w", err)
	}
	for i := range all {
		plain, err := open(ctx, "", eventPlace(id, all[i].N), sealed[i])
		if err == nil {
			err = json.Unmarshal(plain, &all[i])
		}
		if err != nil {
			return nil, fmt.Errorf("reading the history of an incident: %w", err)
		}
	}
	return all, nil
}

// read reads an incident, whoever asks.
func (d *Desk) read(ctx context.Context, q store.Querier, open opener, id cpni.ID, lock string) (*Incident, error) {
	r, err := scanRow(q.QueryRow(ctx, "SELECT "+rowColumns+" FROM incident WHERE incident_id = $1"+lock, string(id)).Scan)
	if store.IsNoRow(err) || err == nil && r.state == stateRemoved {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading an incident: %w", err)
	}
	history, err := d.history(ctx, q, open, id)
	if err != nil {
		return nil, err
	}
	return told(&Incident{ID: id, Number: r.number(), Version: r.version, Exercise: r.exercise}, history), nil
}

// One gives an incident to a member of the staff who may know of it; to others there is none.
//
// cite: P-47, P-49, 47 CFR 64.2010(a), 47 CFR 64.2011(a)
func (d *Desk) One(ctx context.Context, id, by cpni.ID) (*Incident, error) {
	if err := d.admits(ctx, by, staff.ReadIncidents); err != nil {
		return nil, err
	}
	return d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
}

// ByNumber gives the id of an incident that people call by its number.
func (d *Desk) ByNumber(ctx context.Context, number string, by cpni.ID) (cpni.ID, error) {
	if err := d.admits(ctx, by, staff.ReadIncidents); err != nil {
		return "", err
	}
	var letter rune
	var year, seq int
	if _, err := fmt.Sscanf(number, "%c-%d-%d", &letter, &year, &seq); err != nil {
		return "", ErrNone
	}
	var id cpni.ID
	err := d.DB.Reader().QueryRow(ctx, "SELECT incident_id FROM incident WHERE year = $1 AND exercise = $2 AND seq = $3 AND state <> $4", year, flag(letter == 'R'), seq, stateRemoved).Scan(&id)
	if store.IsNoRow(err) {
		return "", ErrNone
	}
	return id, err
}

// admits refuses whoever has not a right.
func (d *Desk) admits(ctx context.Context, by cpni.ID, right staff.Right) error {
	m, _, err := d.Staff.Get(ctx, by)
	if err != nil {
		return err
	}
	if refusal := m.Barred(right); refusal != nil {
		return refusal
	}
	return nil
}

// moved is a change of an incident in one transaction.
type moved struct {
	d   *Desk
	ctx context.Context
	tx  *store.Tx
	i   *Incident
	by  string
	act cpni.ID
	now time.Time // the incident's
	all []ledger.Entry
}

// errDone: the act was done already.
var errDone = errors.New("this was done already")

// change changes an incident in a transaction with its entries. By is "" for the system. What was done already is not done again.
func (d *Desk) change(ctx context.Context, id cpni.ID, a Act, do func(m *moved) error) (*Incident, error) {
	if a.By != "" {
		if err := d.admits(ctx, a.By, staff.HandleIncidents); err != nil {
			return nil, err
		}
	}
	var i *Incident
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		i, entries, err = d.move(ctx, tx, id, a, do)
		return entries, err
	})
	if errors.Is(err, errDone) {
		return i, nil
	}
	return i, plainly(err)
}

// move is change within a transaction.
func (d *Desk) move(ctx context.Context, tx *store.Tx, id cpni.ID, a Act, do func(m *moved) error) (*Incident, []ledger.Entry, error) {
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " FOR UPDATE"
	}
	i, err := d.read(ctx, tx, d.in(tx), id, lock)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range i.History {
		if a.ID != "" && e.Act == a.ID {
			return i, nil, errDone
		}
	}
	if a.Version != 0 && a.Version != i.Version {
		return i, nil, cpni.Rejected("CONFLICT", "somebody else has written to this file meanwhile", []string{"P-49"}, "look at it again, then do it once more")
	}
	by := string(a.By)
	if by == "" {
		by = string(cpni.RoleSystem)
	}
	m := &moved{d: d, ctx: ctx, tx: tx, i: i, by: by, act: a.ID, now: i.Now(d.Clock.Now())}
	if err := do(m); err != nil {
		return i, nil, err
	}
	return i, m.all, m.write()
}

// note adds a step to the history, with its entry in the ledger. The entry says which incident and which step, and what the step's own
// hash is, and nothing of what it tells: those who read the ledger need not know of it.
//
// cite: P-41, P-49, 47 CFR 64.2011(d)
func (m *moved) note(what What, e Event) (Event, error) {
	e.N, e.What, e.By = len(m.i.History)+1, what, m.by
	e.At, e.Act = m.now, m.act
	m.act = "" // of the first step
	plain, err := json.Marshal(e)
	if err != nil {
		return e, fmt.Errorf("writing the history of an incident: %w", err)
	}
	entry := ledger.Entry{Kind: ledger.Incident, At: m.d.Clock.Now(), Actor: m.by, Outcome: cpni.OK}
	detail := map[string]any{"what": "incident: " + string(what), "incident": m.i.ID, "step": e.N, "at": e.At.UTC().Truncate(time.Microsecond), "hash": fmt.Sprintf("%x", sha256.Sum256(plain))}
	if m.i.Exercise {
		detail["exercise"] = true
	}
	if what == Refused {
		entry.Outcome, entry.Code = cpni.Hold, e.Code
	}
	if entry, err = m.d.Vault.Entry(m.ctx, m.tx, entry, detail); err != nil {
		return e, err
	}
	e.Entry = entry.ID
	m.all = append(m.all, entry)
	sealed, err := m.d.Vault.SealTx(m.ctx, m.tx, "", eventPlace(m.i.ID, e.N), plain)
	if err != nil {
		return e, err
	}
	_, err = m.tx.Exec(m.ctx, "INSERT INTO incident_event (incident_id, n, at, what, actor, act, entry_id, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		string(m.i.ID), e.N, e.At.UnixMicro(), string(what), e.By, string(e.Act), string(e.Entry), sealed)
	if err != nil {
		return e, fmt.Errorf("writing the history of an incident: %w", err)
	}
	m.i.take(e)
	return e, nil
}

// alert raises an alert beside a step. A rehearsal raises none: whoever is asked by one acts.
func (m *moved) alert(code cpni.Code, says string) error {
	if m.i.Exercise {
		return nil
	}
	e, err := m.d.Vault.Entry(m.ctx, m.tx, ledger.Entry{Kind: ledger.Alert, At: m.d.Clock.Now(), Actor: m.by, Outcome: cpni.OK, Code: code}, map[string]any{"what": says, "incident": m.i.ID})
	if err == nil {
		m.all = append(m.all, e)
	}
	return err
}

// clocks are those of the incident as it stands in the transaction.
func (m *moved) clocks() clock.Clocks {
	return clock.Reckon(m.i.Case(), m.now, m.d.Numbers(m.d.Clock.Now()), m.d.Calendars, m.d.Zone)
}

// write writes the row as the incident stands now.
func (m *moved) write() error {
	if len(m.all) == 0 {
		return nil
	}
	state := stateOpen
	if !m.i.Closed.IsZero() {
		state = stateClosed
	}
	m.i.Version++
	_, err := m.tx.Exec(m.ctx, "UPDATE incident SET version = $1, state = $2, changed = $3 WHERE incident_id = $4", m.i.Version, state, m.d.Clock.Now().UnixMicro(), string(m.i.ID))
	if err != nil {
		return fmt.Errorf("writing an incident: %w", err)
	}
	return nil
}

func flag(is bool) int {
	if is {
		return 1
	}
	return 0
}
