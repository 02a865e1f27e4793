package books

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

func eventPlace(id cpni.ID, n int) string   { return fmt.Sprintf("book-event/%s/%d", id, n) }
func privatePlace(id cpni.ID, n int) string { return fmt.Sprintf("book-private/%s/%d", id, n) }

func numbered(kind Kind, year, seq int) string {
	return fmt.Sprintf("%s-%d-%d", letters[kind], year, seq)
}

// opener opens what is sealed, in a transaction or outside one.
type opener func(ctx context.Context, of cpni.ID, what string, sealed []byte) ([]byte, error)

func (d *Desk) in(tx *store.Tx) opener {
	return func(ctx context.Context, of cpni.ID, what string, sealed []byte) ([]byte, error) {
		return d.Vault.OpenStateTx(ctx, tx, of, what, sealed)
	}
}

// history reads the steps of a record.
func (d *Desk) history(ctx context.Context, q store.Querier, open opener, r *Record) ([]Event, error) {
	const doing = "reading the history of a record"
	rows, err := q.Query(ctx, "SELECT n, at, what, actor, act, entry_id, sealed, private FROM book_event WHERE record_id = $1 ORDER BY n", string(r.ID))
	if err != nil {
		return nil, fmt.Errorf(doing+": %w", err)
	}
	defer rows.Close()
	type sealed struct{ facts, private []byte }
	var all []Event
	var kept []sealed
	for rows.Next() {
		var e Event
		var at int64
		var s sealed
		if err := rows.Scan(&e.N, &at, &e.What, &e.By, &e.Act, &e.Entry, &s.facts, &s.private); err != nil {
			return nil, fmt.Errorf(doing+": %w", err)
		}
		e.At = time.UnixMicro(at).UTC()
		all, kept = append(all, e), append(kept, s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf(doing+": %w", err)
	}
	for i := range all {
		e := &all[i]
		plain, err := open(ctx, "", eventPlace(r.ID, e.N), kept[i].facts)
		if err == nil {
			err = json.Unmarshal(plain, e)
		}
		if err != nil {
			return nil, fmt.Errorf(doing+": %w", err)
		}
		if e.Held == "" || len(kept[i].private) == 0 {
			continue
		}
		if sum := sha256.Sum256(kept[i].private); e.Held != hex.EncodeToString(sum[:]) {
			return nil, fmt.Errorf(doing+": %w", vault.ErrSealBroken)
		}
		plain, err = open(ctx, r.Customer, privatePlace(r.ID, e.N), kept[i].private)
		if errors.Is(err, vault.ErrForgotten) { // between the reading of the one and of the other
			r.Customer, r.Forgotten = "", true
			continue
		}
		if err == nil {
			err = json.Unmarshal(plain, &e.From)
		}
		if err != nil {
			return nil, fmt.Errorf(doing+": %w", err)
		}
	}
	return all, nil
}

// read reads a record, whoever asks.
func (d *Desk) read(ctx context.Context, q store.Querier, open opener, id cpni.ID, lock string) (*Record, error) {
	r := &Record{ID: id}
	var year, seq, report, forgotten int
	err := q.QueryRow(ctx, "SELECT kind, version, year, seq, of, report, forgotten FROM book_record WHERE record_id = $1"+lock, string(id)).Scan(&r.Kind, &r.Version, &year, &seq, &r.Customer, &report, &forgotten)
	if store.IsNoRow(err) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading a record: %w", err)
	}
	r.Number, r.Report, r.Forgotten = numbered(r.Kind, year, seq), report != 0, forgotten != 0
	history, err := d.history(ctx, q, open, r)
	if err != nil {
		return nil, err
	}
	for _, e := range history {
		r.take(e)
	}
	return r, nil
}

// One gives a record to a member of the staff who may read the registers.
//
// cite: P-37, 47 CFR 64.2009(e)
func (d *Desk) One(ctx context.Context, id, by cpni.ID) (*Record, error) {
	if err := d.admits(ctx, by, staff.ReadRegisters); err != nil {
		return nil, err
	}
	return d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
}

// moved is a change of a record in one transaction.
type moved struct {
	d   *Desk
	ctx context.Context
	tx  *store.Tx
	r   *Record
	by  string
	act cpni.ID
	now time.Time
	all []ledger.Entry
}

// errDone: the act was done already.
var errDone = errors.New("this was done already")

// insert begins a record in a transaction. The number is given by a row of its own, so that two who begin one at the same moment wait for
// each other.
func (d *Desk) insert(ctx context.Context, tx *store.Tx, in Intake, report bool) (*Record, []ledger.Entry, error) {
	now, kind := d.Clock.Now(), in.Facts.Kind()
	year, seq := now.In(d.Zone).Year(), 0
	var there int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM book_record WHERE record_id = $1", string(in.ID)).Scan(&there); err != nil || there > 0 {
		if err == nil {
			err = errDone
		}
		return nil, nil, err
	}
	if err := tx.QueryRow(ctx, "INSERT INTO book_number (kind, year, last) VALUES ($1, $2, 1) ON CONFLICT (kind, year) DO UPDATE SET last = book_number.last + 1 RETURNING last", string(kind), year).Scan(&seq); err != nil {
		return nil, nil, fmt.Errorf("numbering a record: %w", err)
	}
	done, err := tx.Exec(ctx, `INSERT INTO book_record (record_id, kind, version, year, seq, subject, day, last_day, mend_by, of, report, forgotten, at, changed)
		VALUES ($1, $2, 0, $3, $4, '', '', '', '', $5, $6, 0, $7, $7) ON CONFLICT (record_id) DO NOTHING`, string(in.ID), string(kind), year, seq, string(in.Customer), flag(report), now.UnixMicro())
	if err != nil {
		return nil, nil, fmt.Errorf("entering a record: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		if err == nil {
			err = errDone
		}
		return nil, nil, err
	}
	by := string(in.By)
	if by == "" {
		by = string(cpni.RoleSystem)
	}
	m := &moved{d: d, ctx: ctx, tx: tx, by: by, now: now, r: &Record{ID: in.ID, Kind: kind, Number: numbered(kind, year, seq), Customer: in.Customer, Report: report}}
	if err := m.note(Entered, Event{Facts: in.Facts, From: in.From}); err != nil {
		return nil, nil, err
	}
	return m.r, m.all, m.write()
}

func flag(is bool) int {
	if is {
		return 1
	}
	return 0
}

// change changes a record in a transaction with its entries. What was done already is not done again.
func (d *Desk) change(ctx context.Context, id cpni.ID, a filing.Act, do func(m *moved) error) (*Record, error) {
	if err := d.admits(ctx, a.By, staff.KeepRegisters); err != nil {
		return nil, err
	}
	var r *Record
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		r, entries, err = d.move(ctx, tx, id, a, do)
		return entries, err
	})
	if errors.Is(err, errDone) {
		return r, nil
	}
	return r, plainly(err)
}

func (d *Desk) move(ctx context.Context, tx *store.Tx, id cpni.ID, a filing.Act, do func(m *moved) error) (*Record, []ledger.Entry, error) {
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " FOR UPDATE"
	}
	r, err := d.read(ctx, tx, d.in(tx), id, lock)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range r.History {
		if a.ID != "" && e.Act == a.ID {
			return r, nil, errDone
		}
	}
	if a.Version != 0 && a.Version != r.Version {
		return r, nil, cpni.Rejected("CONFLICT", "somebody else has written to this record meanwhile", ofBooks, "look at it again, then do it once more")
	}
	m := &moved{d: d, ctx: ctx, tx: tx, r: r, by: string(a.By), act: a.ID, now: d.Clock.Now()}
	if err := do(m); err != nil {
		return r, nil, err
	}
	return r, m.all, m.write()
}

// note adds a step to the history, with its entry in the ledger, which says which record and which step and what the step's hash is.
//
// cite: P-41, 47 CFR 64.2009(e)
func (m *moved) note(what What, e Event) error {
	e.N, e.What, e.By, e.At, e.Act = len(m.r.History)+1, what, m.by, m.now.UTC().Truncate(time.Microsecond), m.act
	if m.r.Report || m.r.Forgotten {
		e.From = Complainant{} // the report says it, or nothing more is to be held of them
	}
	private := []byte{}
	if !e.From.empty() {
		plain, err := json.Marshal(e.From)
		if err == nil {
			private, err = m.d.Vault.SealTx(m.ctx, m.tx, m.r.Customer, privatePlace(m.r.ID, e.N), plain)
		}
		if err != nil {
			return fmt.Errorf("sealing who complained: %w", err)
		}
		sum := sha256.Sum256(private)
		e.Held = hex.EncodeToString(sum[:])
	}
	plain, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("writing the history of a record: %w", err)
	}
	entry, err := m.d.Vault.Entry(m.ctx, m.tx, ledger.Entry{Kind: ledger.Filing, At: m.now, Actor: m.by, Outcome: cpni.OK},
		map[string]any{"what": string(m.r.Kind) + " " + string(what), "record": m.r.ID, "number": m.r.Number, "step": e.N, "at": e.At, "hash": fmt.Sprintf("%x", sha256.Sum256(plain))})
	if err != nil {
		return err
	}
	e.Entry = entry.ID
	m.all = append(m.all, entry)
	sealed, err := m.d.Vault.SealTx(m.ctx, m.tx, "", eventPlace(m.r.ID, e.N), plain)
	if err != nil {
		return err
	}
	if _, err = m.tx.Exec(m.ctx, "INSERT INTO book_event (record_id, n, at, what, actor, act, entry_id, sealed, private) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		string(m.r.ID), e.N, e.At.UnixMicro(), string(what), e.By, string(e.Act), string(e.Entry), sealed, private); err != nil {
		return fmt.Errorf("writing the history of a record: %w", err)
	}
	m.r.take(e)
	return nil
}

// write writes the row as the record stands now.
func (m *moved) write() error {
	m.r.Version++
	p := m.r.Facts.one().placed()
	_, err := m.tx.Exec(m.ctx, "UPDATE book_record SET version = $1, subject = $2, day = $3, last_day = $4, mend_by = $5, changed = $6 WHERE record_id = $7",
		m.r.Version, p.subject, written(p.day), written(p.last), written(p.mends), m.now.UnixMicro(), string(m.r.ID))
	if err != nil {
		return fmt.Errorf("writing a record: %w", err)
	}
	return nil
}

// written is how a day stands in the database; ” of none.
func written(d workday.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// forgetTx takes from the registers what tells of a customer. The records count as before.
//
// cite: P-37, I-21
func (d *Desk) forgetTx(ctx context.Context, tx *store.Tx, of cpni.ID) error {
	if _, err := tx.Exec(ctx, "UPDATE book_event SET private = $1 WHERE record_id IN (SELECT record_id FROM book_record WHERE of = $2)", []byte{}, string(of)); err != nil {
		return fmt.Errorf("forgetting who complained: %w", err)
	}
	if _, err := tx.Exec(ctx, "UPDATE book_record SET of = '', forgotten = 1 WHERE of = $1", string(of)); err != nil {
		return fmt.Errorf("forgetting who complained: %w", err)
	}
	return nil
}
