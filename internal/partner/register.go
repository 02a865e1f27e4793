package partner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

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
		e := ledger.Entry{Kind: ledger.Admin, At: r.clock.Now(), Actor: by, Outcome: cpni.OK}
		what := struct {
			What    string  `json:"what"`
			Partner Partner `json:"partner"`
		}{"partner", p}
		if refusal != nil {
			e.Outcome, e.Code = refusal.Outcome, refusal.Code
		} else {
			document, err := json.Marshal(p)
			if err != nil {
				return nil, fmt.Errorf("writing a partner: %w", err)
			}
			if _, err := tx.Exec(ctx, `INSERT INTO partner (partner_id, version, document) VALUES ($1, 1, $2)
				ON CONFLICT (partner_id) DO UPDATE SET version = partner.version + 1, document = excluded.document`, p.ID, string(document)); err != nil {
				return nil, fmt.Errorf("writing a partner: %w", err)
			}
		}
		e, err := r.vault.Entry(ctx, tx, e, what)
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

// Get reads a partner as it stands in the database, with the version for a store.Guard.
func (r *Register) Get(ctx context.Context, id string) (*Partner, int64, error) {
	var c cached
	var document string
	err := r.db.Reader().QueryRow(ctx, "SELECT version, document FROM partner WHERE partner_id = $1", id).Scan(&c.version, &document)
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
	rows, err := r.db.Reader().Query(ctx, "SELECT document FROM partner ORDER BY partner_id")
	if err != nil {
		return nil, fmt.Errorf("listing partners: %w", err)
	}
	defer rows.Close()
	var all []Partner
	for rows.Next() {
		var document string
		if err := rows.Scan(&document); err != nil {
			return nil, err
		}
		var p Partner
		if err := json.Unmarshal([]byte(document), &p); err != nil {
			return nil, fmt.Errorf("reading a partner: %w", err)
		}
		all = append(all, p)
	}
	return all, rows.Err()
}
