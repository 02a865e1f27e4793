package certificate

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
	"ringfence/internal/workday"
)

// Act is who does something about a file.
type Act struct {
	By cpni.ID
	// ID names the act: sent twice it is done once. "" does it each time.
	ID cpni.ID
	// Version is the file's version that whoever acts has seen; 0: whatever it is now.
	Version int64
}

func eventPlace(year, n int) string { return fmt.Sprintf("certificate-event/%d/%d", year, n) }

// opener opens what is sealed, in a transaction or outside one.
type opener func(ctx context.Context, of cpni.ID, what string, sealed []byte) ([]byte, error)

func (d *Desk) in(tx *store.Tx) opener {
	return func(ctx context.Context, of cpni.ID, what string, sealed []byte) ([]byte, error) {
		return d.Vault.OpenStateTx(ctx, tx, of, what, sealed)
	}
}

// firstYear is the first that was ever certified under the rule as it stands.
const firstYear = 2007

// there reports whether there is a file of a year: from its first day on.
func (d *Desk) there(year int) bool {
	return year >= firstYear && year <= d.Clock.Now().In(d.Zone).Year()
}

// history reads the steps of a file.
func (d *Desk) history(ctx context.Context, q store.Querier, open opener, year int) ([]Event, error) {
	rows, err := q.Query(ctx, "SELECT n, at, what, actor, act, entry_id, sealed FROM certificate_event WHERE year = $1 ORDER BY n", year)
	if err != nil {
		return nil, fmt.Errorf("reading the history of a certificate: %w", err)
	}
	defer rows.Close()
	var all []Event
	var sealed [][]byte
	for rows.Next() {
		var e Event
		var at int64
		var b []byte
		if err := rows.Scan(&e.N, &at, &e.What, &e.By, &e.Act, &e.Entry, &b); err != nil {
			return nil, fmt.Errorf("reading the history of a certificate: %w", err)
		}
		e.At = time.UnixMicro(at).UTC()
		all, sealed = append(all, e), append(sealed, b)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading the history of a certificate: %w", err)
	}
	for i := range all {
		plain, err := open(ctx, "", eventPlace(year, all[i].N), sealed[i])
		if err == nil {
			err = json.Unmarshal(plain, &all[i])
		}
		if err != nil {
			return nil, fmt.Errorf("reading the history of a certificate: %w", err)
		}
	}
	return all, nil
}

// read reads a file, whoever asks. One into which nobody has written is there as well.
func (d *Desk) read(ctx context.Context, q store.Querier, open opener, year int, lock string) (*File, error) {
	if !d.there(year) {
		return nil, ErrNone
	}
	f := &File{Year: year}
	err := q.QueryRow(ctx, "SELECT version FROM certificate WHERE year = $1"+lock, year).Scan(&f.Version)
	if store.IsNoRow(err) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a certificate: %w", err)
	}
	history, err := d.history(ctx, q, open, year)
	if err != nil {
		return nil, err
	}
	for _, e := range history {
		f.take(e)
	}
	return f, nil
}

// One gives the file of a year to a member of the staff who may see it.
//
// cite: P-37, 47 CFR 64.2009(e)
func (d *Desk) One(ctx context.Context, year int, by cpni.ID) (*File, error) {
	if err := d.admits(ctx, by, staff.ReadRegisters); err != nil {
		return nil, err
	}
	return d.read(ctx, d.DB.Reader(), d.Vault.OpenState, year, "")
}

// Years gives the files, the newest first: of each year since this house began its work, and of earlier ones into which somebody has written.
// The file of a year is there from its first day, and nothing has to run for that.
//
// cite: 47 CFR 64.2009(e)
func (d *Desk) Years(ctx context.Context, by cpni.ID) ([]*File, error) {
	if err := d.admits(ctx, by, staff.ReadRegisters); err != nil {
		return nil, err
	}
	years, err := d.years(ctx)
	if err != nil {
		return nil, err
	}
	var all []*File
	for _, year := range years {
		f, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, year, "")
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// years gives those years, the newest first.
func (d *Desk) years(ctx context.Context) (all []int, err error) {
	var began int64
	if err := d.DB.Reader().QueryRow(ctx, "SELECT coalesce(min(at), 0) FROM rule_set").Scan(&began); err != nil {
		return nil, fmt.Errorf("looking since when the house works: %w", err)
	}
	now := d.Clock.Now().In(d.Zone).Year()
	first := now
	if began != 0 {
		first = max(firstYear, time.UnixMicro(began).In(d.Zone).Year())
	}
	for year := now; year >= first; year-- {
		all = append(all, year)
	}
	rows, err := d.DB.Reader().Query(ctx, "SELECT year FROM certificate WHERE year < $1 ORDER BY year DESC", first)
	if err != nil {
		return nil, fmt.Errorf("listing certificates: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var year int
		if err := rows.Scan(&year); err != nil {
			return nil, fmt.Errorf("listing certificates: %w", err)
		}
		all = append(all, year)
	}
	return all, rows.Err()
}

// moved is a change of a file in one transaction.
type moved struct {
	d   *Desk
	ctx context.Context
	tx  *store.Tx
	f   *File
	by  string
	act cpni.ID
	now time.Time
	all []ledger.Entry
}

// errDone: the act was done already.
var errDone = errors.New("this was done already")

// change changes a file in a transaction with its entries. What was done already is not done again.
func (d *Desk) change(ctx context.Context, year int, a Act, do func(m *moved) error) (*File, error) {
	var f *File
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		f, entries, err = d.move(ctx, tx, year, a, do)
		return entries, err
	})
	if errors.Is(err, errDone) {
		return f, nil
	}
	return f, plainly(err)
}

// move is change within a transaction. By is "" for the system.
func (d *Desk) move(ctx context.Context, tx *store.Tx, year int, a Act, do func(m *moved) error) (*File, []ledger.Entry, error) {
	if !d.there(year) {
		return nil, nil, ErrNone
	}
	m := &moved{d: d, ctx: ctx, tx: tx, by: string(a.By), act: a.ID, now: d.Clock.Now()}
	if m.by == "" {
		m.by = string(cpni.RoleSystem)
	}
	if _, err := tx.Exec(ctx, "INSERT INTO certificate (year, version, state, at, changed) VALUES ($1, 0, $2, $3, $3) ON CONFLICT DO NOTHING", year, string(Working), m.now.UnixMicro()); err != nil {
		return nil, nil, fmt.Errorf("writing a certificate: %w", err)
	}
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " FOR UPDATE"
	}
	var err error
	if m.f, err = d.read(ctx, tx, d.in(tx), year, lock); err != nil {
		return nil, nil, err
	}
	for _, e := range m.f.History {
		if a.ID != "" && e.Act == a.ID {
			return m.f, nil, errDone
		}
	}
	if a.Version != 0 && a.Version != m.f.Version {
		return m.f, nil, cpni.Rejected("CONFLICT", "somebody else has written to this file meanwhile", ofCertificate, "look at it again, then do it once more")
	}
	if err := do(m); err != nil {
		return m.f, nil, err
	}
	return m.f, m.all, m.write()
}

// note adds a step to the history, with its entry in the ledger, which says which file and which step and what the step's hash is.
//
// cite: P-41, 47 CFR 64.2009(e)
func (m *moved) note(what What, e Event) error {
	e.N, e.What, e.By, e.At, e.Act = len(m.f.History)+1, what, m.by, m.now.UTC().Truncate(time.Microsecond), m.act
	m.act = "" // of the first step
	plain, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("writing the history of a certificate: %w", err)
	}
	detail := map[string]any{"what": "annual certificate: " + string(what), "year": m.f.Year, "step": e.N, "at": e.At, "hash": fmt.Sprintf("%x", sha256.Sum256(plain))}
	if e.Signature != nil {
		detail["text"] = e.Signature.Hash // of what was signed
	}
	entry, err := m.d.Vault.Entry(m.ctx, m.tx, ledger.Entry{Kind: ledger.Filing, At: m.now, Actor: m.by, Outcome: cpni.OK}, detail)
	if err != nil {
		return err
	}
	e.Entry = entry.ID
	m.all = append(m.all, entry)
	sealed, err := m.d.Vault.SealTx(m.ctx, m.tx, "", eventPlace(m.f.Year, e.N), plain)
	if err != nil {
		return err
	}
	if _, err = m.tx.Exec(m.ctx, "INSERT INTO certificate_event (year, n, at, what, actor, act, entry_id, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		m.f.Year, e.N, e.At.UnixMicro(), string(what), e.By, string(e.Act), string(e.Entry), sealed); err != nil {
		return fmt.Errorf("writing the history of a certificate: %w", err)
	}
	m.f.take(e)
	return nil
}

// alert raises an alert beside a step.
func (m *moved) alert(code cpni.Code, says string) error {
	e, err := m.d.Vault.Entry(m.ctx, m.tx, ledger.Entry{Kind: ledger.Alert, At: m.now, Actor: m.by, Outcome: cpni.OK, Code: code}, map[string]any{"what": says, "year": m.f.Year})
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
	_, err := m.tx.Exec(m.ctx, "UPDATE certificate SET version = $1, state = $2, changed = $3 WHERE year = $4", m.f.Version, string(m.f.State()), m.now.UnixMicro(), m.f.Year)
	if err != nil {
		return fmt.Errorf("writing a certificate: %w", err)
	}
	return nil
}

// DueOf tells when the certificate of a year is due: the day of the rule, where that rolls to, and the business day by which it should be
// filed so that nobody has to rely on the roll.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.4(j), V107, V108
func (d *Desk) DueOf(year int) workday.Due {
	n := d.Numbers(workday.On(year+1, 1, 1).Start(d.Zone))
	return d.Calendars.DueOn(workday.On(year+1, time.Month(n.Month), n.Day))
}
