// Package partner keeps the companies that may receive information: their class, agreement and duty to destroy.
package partner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Partner is a company under contract. An unset class counts as independent contractor.
//
// cite: P-15, P-35, 47 CFR 64.2007(b)
type Partner struct {
	ID        string            `json:"id"`
	Class     cpni.PartnerClass `json:"class,omitempty"`
	Agreement *Agreement        `json:"agreement,omitempty"`
	Serves    []cpni.ID         `json:"serves,omitempty"` // customers whom an affiliate serves itself
}

// Agreement is what counsel has signed.
type Agreement struct {
	Until       time.Time `json:"until"`
	DestroyBy   time.Time `json:"destroy_by"`
	Certificate bool      `json:"certificate,omitempty"` // a certificate of destruction is held
}

// Register keeps the partners.
type Register struct {
	db     *store.DB
	vault  *vault.Vault
	ledger *ledger.Ledger
	clock  cpni.Clock
	mu     sync.RWMutex
	cache  map[string]entry
}

type entry struct {
	partner *Partner
	version int64
}

// NewRegister opens the register.
func NewRegister(db *store.DB, v *vault.Vault, l *ledger.Ledger, clock cpni.Clock) *Register {
	return &Register{db: db, vault: v, ledger: l, clock: clock, cache: map[string]entry{}}
}

// ErrNone: there is no such partner.
var ErrNone = errors.New("there is no such partner")

// Put writes a partner.
func (r *Register) Put(ctx context.Context, p Partner, by string) error {
	switch p.Class {
	case "", cpni.Agent, cpni.AffiliateComm, cpni.AffiliateOther, cpni.JointVenture, cpni.IndependentContractor, cpni.OtherParty:
	default:
		return cpni.Rejected("CONFIG", "that is no class of partner", []string{"P-15", "47 CFR 64.2007(b)"}, "name agent, affiliate-comm, affiliate-other, joint-venture, independent-contractor or other, or leave it unset")
	}
	if p.ID == "" || cpni.RecipientKind(p.ID) == cpni.ToCarrier || len(p.ID) > 60 {
		return cpni.Rejected("CONFIG", "a partner needs a short id of its own", []string{"P-15"}, "give one such as acme")
	}
	if a := p.Agreement; a != nil && !a.DestroyBy.IsZero() && a.DestroyBy.Before(a.Until) {
		return cpni.Rejected("CONFIG", "the data would have to be destroyed before the agreement ends", []string{"P-35"}, "check the two dates")
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if _, err := tx.Exec(ctx, `INSERT INTO partner (partner_id, version, document) VALUES ($1, 1, $2)
			ON CONFLICT (partner_id) DO UPDATE SET version = partner.version + 1, document = excluded.document`, p.ID, string(text)); err != nil {
			return nil, fmt.Errorf("writing a partner: %w", err)
		}
		e, err := r.vault.Entry(ctx, nil, ledger.Entry{Kind: ledger.Admin, At: r.clock.Now(), Actor: by, Recipient: p.ID, Outcome: cpni.OK}, map[string]string{"what": "partner written", "document": string(text)})
		return []ledger.Entry{e}, err
	})
	r.Drop(p.ID)
	return err
}

// Recent gives a partner as this node has last seen it, with the version for a store.Guard.
func (r *Register) Recent(ctx context.Context, id string) (*Partner, int64, error) {
	r.mu.RLock()
	e, ok := r.cache[id]
	r.mu.RUnlock()
	if ok {
		return e.partner, e.version, nil
	}
	var text string
	err := r.db.Reader().QueryRow(ctx, "SELECT version, document FROM partner WHERE partner_id = $1", id).Scan(&e.version, &text)
	if store.IsNoRow(err) {
		return nil, 0, ErrNone
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading a partner: %w", err)
	}
	e.partner = &Partner{}
	if err := json.Unmarshal([]byte(text), e.partner); err != nil {
		return nil, 0, fmt.Errorf("reading a partner: %w", err)
	}
	r.mu.Lock()
	r.cache[id] = e
	r.mu.Unlock()
	return e.partner, e.version, nil
}

// Drop forgets what this node has last seen of a partner.
func (r *Register) Drop(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.cache, id)
}

// Facts gives what the rules may know of the partner as a recipient of this customer's information.
func (p *Partner) Facts(of cpni.ID) rules.Recipient {
	f := rules.Recipient{Kind: cpni.ToPartner, Partner: p.ID, Class: p.Class, ServesThis: slices.Contains(p.Serves, of)}
	if f.Class == "" {
		f.Class = cpni.IndependentContractor
	}
	if p.Agreement != nil {
		f.Agreement, f.Until, f.DestroyBy, f.DestroyProof = true, p.Agreement.Until, p.Agreement.DestroyBy, p.Agreement.Certificate
	}
	return f
}
