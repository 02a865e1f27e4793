package process

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Event is one step in the history of a process. Steps are added and never changed.
//
// cite: P-29, P-41
type Event struct {
	N     int       `json:"-"`
	At    time.Time `json:"-"`
	What  string    `json:"-"`
	By    string    `json:"-"` // who did it, or system
	Entry cpni.ID   `json:"-"` // of the ledger

	Reason   string     `json:"reason,omitempty"`
	Paper    int        `json:"paper,omitempty"`    // the paper that came with it; 0: none
	Scope    *Scope     `json:"scope,omitempty"`    // of a review: what is answered
	Subject  int        `json:"subject,omitempty"`  // whom it is about; 0: all
	Decision cpni.ID    `json:"decision,omitempty"` // of a release, in the customer's records
	Code     cpni.Code  `json:"code,omitempty"`     // of a release that was refused
	Records  int        `json:"records,omitempty"`  // how many were released
	Package  int        `json:"package,omitempty"`
	Hash     string     `json:"hash,omitempty"`    // SHA-256 of a paper or of the file that was handed out
	Until    *time.Time `json:"until,omitempty"`   // of silence: when it ends from now on; nil: it does not say, or it has no end
	Message  cpni.ID    `json:"message,omitempty"` // by which the customer is told
	Named    []cpni.ID  `json:"named,omitempty"`
}

// What events tell.
const (
	TookIn     = "taken in"
	Read       = "approved"
	ReadDown   = "rejected"
	DidRelease = "released"
	DidRefuse  = "release refused"
	DidPack    = "package made"
	DidHand    = "package handed out"
	DidEnd     = "ended" // withdrawn or quashed: the state tells
	DidClose   = "answered"
	Silenced   = "silence changed"
	KeptSilent = "silence looked at"
	NamedMore  = "people named"
	PlannedOf  = "notice to the customer"
	Nowhere    = "no address of record for the notice"
	IsLate     = "not answered in time"
)

// Paper is a scanned paper of a process.
type Paper struct {
	N     int
	At    time.Time
	Media string // application/pdf, image/jpeg or image/png
	Hash  [32]byte
}

// MostScan bounds the scan of a paper, in bytes.
const MostScan = 4 << 20

// moved is a change of a process in one transaction.
type moved struct {
	r   *Register
	tx  *store.Tx
	p   *Process
	now time.Time
	all []ledger.Entry
}

// change changes a process that somebody may know of, in a transaction with its entry. by is "" for the system.
func (r *Register) change(ctx context.Context, id, by cpni.ID, do func(m *moved) error) (*Process, error) {
	var p *Process
	_, err := r.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var err error
		if p, err = r.hold(ctx, tx, id); err != nil {
			return nil, err
		}
		if by != "" {
			if err := r.admits(ctx, p, by); err != nil {
				return nil, err
			}
		}
		m := &moved{r: r, tx: tx, p: p, now: r.Clock.Now()}
		if err := do(m); err != nil {
			return nil, err
		}
		return m.all, m.write(ctx)
	})
	return p, plainly(err)
}

// hold reads a process and keeps others from changing it until tx ends.
func (r *Register) hold(ctx context.Context, tx *store.Tx, id cpni.ID) (*Process, error) {
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " FOR UPDATE"
	}
	x, err := scanRow(tx.QueryRow(ctx, "SELECT "+columns+" FROM process WHERE process_id = $1"+lock, string(id)).Scan)
	if store.IsNoRow(err) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading legal process: %w", err)
	}
	return r.opened(ctx, tx, r.in(tx), x)
}

// write writes the process as it stands now, as its next version.
func (m *moved) write(ctx context.Context) error {
	sealed, err := m.r.seal(ctx, m.tx, m.p)
	if err != nil {
		return err
	}
	m.p.Changed = m.now
	m.p.Version++
	_, err = m.tx.Exec(ctx, "UPDATE process SET version = $1, state = $2, due = $3, ends = $4, silent = $5, looked = $6, late = $7, changed = $8, sealed = $9 WHERE process_id = $10",
		m.p.Version, string(m.p.State), m.p.Due.UnixMicro(), m.p.Until.UnixMicro(), m.p.Silence.stored(), micros(m.p.Silence.Looked), number(m.p.Late), m.now.UnixMicro(), sealed, string(m.p.ID))
	if err != nil {
		return fmt.Errorf("writing legal process: %w", err)
	}
	return nil
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func number(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (r *Register) seal(ctx context.Context, tx *store.Tx, p *Process) ([]byte, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("writing legal process: %w", err)
	}
	return r.Vault.SealTx(ctx, tx, "", place(p.ID), plain)
}

// note adds a step to the history, with its entry in the ledger. An entry says which process and which step, and nothing of whom it
// is about: those who read the ledger need not know of it.
//
// cite: P-29, P-41
func (m *moved) note(ctx context.Context, by cpni.ID, what string, e Event) error {
	entry, err := m.r.step(ctx, m.tx, m.p.ID, string(by), what, m.now, e)
	m.all = append(m.all, entry)
	return err
}

func (r *Register) step(ctx context.Context, tx *store.Tx, id cpni.ID, by, what string, now time.Time, e Event) (ledger.Entry, error) {
	if by == "" {
		by = string(cpni.RoleSystem)
	}
	var n int
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(n), 0) FROM process_event WHERE process_id = $1", string(id)).Scan(&n); err != nil {
		return ledger.Entry{}, fmt.Errorf("reading the history of legal process: %w", err)
	}
	n++
	plain, err := json.Marshal(e)
	if err != nil {
		return ledger.Entry{}, fmt.Errorf("writing the history of legal process: %w", err)
	}
	entry := ledger.Entry{Kind: ledger.Process, At: now, Actor: by, Outcome: cpni.OK}
	if what == IsLate {
		entry.Kind, entry.Code = ledger.Alert, Overdue
	}
	entry, err = r.Vault.Entry(ctx, tx, entry, map[string]string{"what": "legal process: " + what, "process": string(id), "step": fmt.Sprint(n), "hash": fmt.Sprintf("%x", sha256.Sum256(plain))})
	if err != nil {
		return entry, err
	}
	sealed, err := r.Vault.SealTx(ctx, tx, "", eventPlace(id, n), plain)
	if err != nil {
		return entry, err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO process_event (process_id, n, at, what, actor, entry_id, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		string(id), n, now.UnixMicro(), what, by, string(entry.ID), sealed); err != nil {
		return entry, fmt.Errorf("writing the history of legal process: %w", err)
	}
	return entry, nil
}

// keep keeps a scanned paper, sealed. It gives its number and its hash; 0 when there is none.
func (m *moved) keep(ctx context.Context, scan []byte) (n int, hash string, err error) {
	if len(scan) == 0 {
		return 0, "", nil
	}
	return m.r.keep(ctx, m.tx, m.p.ID, scan, m.now)
}

func (r *Register) keep(ctx context.Context, tx *store.Tx, id cpni.ID, scan []byte, now time.Time) (n int, hash string, err error) {
	media, ok := sniff(scan)
	if !ok || len(scan) > MostScan {
		return 0, "", errScan
	}
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(n), 0) FROM process_paper WHERE process_id = $1", string(id)).Scan(&n); err != nil {
		return 0, "", fmt.Errorf("reading the papers of legal process: %w", err)
	}
	n++
	sealed, err := r.Vault.SealTx(ctx, tx, "", paperPlace(id, n), scan)
	if err != nil {
		return 0, "", err
	}
	sum := sha256.Sum256(scan)
	if _, err := tx.Exec(ctx, "INSERT INTO process_paper (process_id, n, at, media, hash, sealed) VALUES ($1, $2, $3, $4, $5, $6)", string(id), n, now.UnixMicro(), media, sum[:], sealed); err != nil {
		return 0, "", fmt.Errorf("keeping a paper of legal process: %w", err)
	}
	return n, fmt.Sprintf("%x", sum), nil
}

// History gives the steps of a process in their order, to who may know of it.
//
// cite: P-29, P-41
func (r *Register) History(ctx context.Context, id, by cpni.ID) ([]Event, error) {
	if _, err := r.One(ctx, id, by); err != nil {
		return nil, err
	}
	rows, err := r.DB.Reader().Query(ctx, "SELECT n, at, what, actor, entry_id, sealed FROM process_event WHERE process_id = $1 ORDER BY n", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading the history of legal process: %w", err)
	}
	defer rows.Close()
	var all []Event
	for rows.Next() {
		var e Event
		var at int64
		var sealed []byte
		if err := rows.Scan(&e.N, &at, &e.What, &e.By, &e.Entry, &sealed); err != nil {
			return nil, err
		}
		e.At = time.UnixMicro(at).UTC()
		plain, err := r.Vault.OpenState(ctx, "", eventPlace(id, e.N), sealed)
		if err == nil {
			err = json.Unmarshal(plain, &e)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the history of legal process: %w", err)
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

// Papers lists the papers of a process, to who may know of it.
func (r *Register) Papers(ctx context.Context, id, by cpni.ID) ([]Paper, error) {
	if _, err := r.One(ctx, id, by); err != nil {
		return nil, err
	}
	rows, err := r.DB.Reader().Query(ctx, "SELECT n, at, media, hash FROM process_paper WHERE process_id = $1 ORDER BY n", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading the papers of legal process: %w", err)
	}
	defer rows.Close()
	var all []Paper
	for rows.Next() {
		var p Paper
		var at int64
		var hash []byte
		if err := rows.Scan(&p.N, &at, &p.Media, &hash); err != nil {
			return nil, err
		}
		p.At = time.UnixMicro(at).UTC()
		copy(p.Hash[:], hash)
		all = append(all, p)
	}
	return all, rows.Err()
}

// Scan gives a paper as it was scanned, to who may know of the process.
func (r *Register) Scan(ctx context.Context, id, by cpni.ID, n int) (file []byte, media string, err error) {
	papers, err := r.Papers(ctx, id, by)
	if err != nil {
		return nil, "", err
	}
	i := slices.IndexFunc(papers, func(p Paper) bool { return p.N == n })
	if i < 0 {
		return nil, "", ErrNone
	}
	var sealed []byte
	if err := r.DB.Reader().QueryRow(ctx, "SELECT sealed FROM process_paper WHERE process_id = $1 AND n = $2", string(id), n).Scan(&sealed); err != nil {
		return nil, "", fmt.Errorf("reading a paper of legal process: %w", err)
	}
	file, err = r.Vault.OpenState(ctx, "", paperPlace(id, n), sealed)
	return file, papers[i].Media, err
}

// plainly gives what a person can act on without saying in which transaction it came up.
func plainly(err error) error {
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, ErrNone):
		return ErrNone
	}
	return err
}
