package partner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Register is the register of partners.
type Register struct {
	db     *store.DB
	vault  *vault.Vault
	ledger *ledger.Ledger
	clock  cpni.Clock

	mu    sync.RWMutex
	cache map[string]cached
}

type cached struct {
	partner *Partner
	version int64
}

// NewRegister opens the register.
func NewRegister(db *store.DB, v *vault.Vault, l *ledger.Ledger, clock cpni.Clock) *Register {
	return &Register{db: db, vault: v, ledger: l, clock: clock, cache: map[string]cached{}}
}

// ErrNoPartner: no partner of this id is on the register, so nothing may be given to it.
var ErrNoPartner = errors.New("there is no such partner on the register")

// Put adds p or replaces what the register says of it, and records who did so. What is wrong with p is a
// *cpni.Refusal, recorded too.
//
// cite: P-15, P-35, P-41
func (r *Register) Put(ctx context.Context, by string, p Partner) error {
	refusal := p.check()
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if refusal == nil {
			return r.PutTx(ctx, tx, by, p)
		}
		e, err := r.vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: r.clock.Now(), Actor: by, Outcome: refusal.Outcome, Code: refusal.Code}, put{"partner", p})
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return err
	}
	r.Drop(p.ID)
	if refusal != nil {
		return refusal
	}
	return nil
}

// put is what is on record of a change of the register.
type put struct {
	What    string  `json:"what"`
	Partner Partner `json:"partner"`
}

// Check says what is wrong with what the register would say of a partner: a *cpni.Refusal, or nil.
func (p *Partner) Check() error {
	if r := p.check(); r != nil { // a nil refusal is no nil error
		return r
	}
	return nil
}

// PutTx is Put of what is sound, in a transaction; call Drop once that is durable.
//
// cite: P-15, P-35, P-41
func (r *Register) PutTx(ctx context.Context, tx *store.Tx, by string, p Partner) ([]ledger.Entry, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	document, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("writing a partner: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO partner (partner_id, version, document) VALUES ($1, 1, $2)
		ON CONFLICT (partner_id) DO UPDATE SET version = partner.version + 1, document = excluded.document, overdue = 0`, p.ID, string(document)); err != nil {
		return nil, fmt.Errorf("writing a partner: %w", err)
	}
	e, err := r.vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: r.clock.Now(), Actor: by, Outcome: cpni.OK}, put{"partner", p})
	return []ledger.Entry{e}, err
}

// DueTx writes in tx the first day by which something that a partner holds must be destroyed; zero: nothing waits. Decisions about the
// partner that stood on what was there before are made again.
//
// cite: P-41, 47 CFR 64.2009(c)
func (r *Register) DueTx(ctx context.Context, tx *store.Tx, id string, due time.Time) error {
	at := int64(0)
	if !due.IsZero() {
		at = due.UnixMicro()
	}
	if _, err := tx.Exec(ctx, "UPDATE partner SET due = $1, version = version + 1 WHERE partner_id = $2", at, id); err != nil {
		return fmt.Errorf("writing when a partner must destroy: %w", err)
	}
	return nil
}

// Get reads a partner as it stands in the database, with the version for a store.Guard.
func (r *Register) Get(ctx context.Context, id string) (*Partner, int64, error) {
	var c cached
	var document string
	var due int64
	err := r.db.Reader().QueryRow(ctx, "SELECT version, document, due FROM partner WHERE partner_id = $1", id).Scan(&c.version, &document, &due)
	if store.IsNoRow(err) {
		return nil, 0, ErrNoPartner
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading a partner: %w", err)
	}
	c.partner = &Partner{}
	if err := json.Unmarshal([]byte(document), c.partner); err != nil {
		return nil, 0, fmt.Errorf("reading a partner: %w", err)
	}
	c.partner.Due = dueOf(due)
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.cache[id]; !ok || old.version < c.version {
		r.cache[id] = c
	}
	return c.partner, c.version, nil
}

// Recent gives a partner as this node has last seen it. Whoever decides on it names the version in a store.Guard. It
// is shared: do not change it.
func (r *Register) Recent(ctx context.Context, id string) (*Partner, int64, error) {
	r.mu.RLock()
	c, ok := r.cache[id]
	r.mu.RUnlock()
	if ok {
		return c.partner, c.version, nil
	}
	return r.Get(ctx, id)
}

// Drop forgets what this node has last seen of a partner.
func (r *Register) Drop(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.cache, id)
}

// All lists the partners by id.
func (r *Register) All(ctx context.Context) ([]Partner, error) {
	rows, err := r.db.Reader().Query(ctx, "SELECT document, due FROM partner ORDER BY partner_id")
	if err != nil {
		return nil, fmt.Errorf("listing partners: %w", err)
	}
	defer rows.Close()
	var all []Partner
	for rows.Next() {
		var document string
		var due int64
		if err := rows.Scan(&document, &due); err != nil {
			return nil, err
		}
		var p Partner
		if err := json.Unmarshal([]byte(document), &p); err != nil {
			return nil, fmt.Errorf("reading a partner: %w", err)
		}
		p.Due = dueOf(due)
		all = append(all, p)
	}
	return all, rows.Err()
}

func dueOf(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMicro(at).UTC()
}
