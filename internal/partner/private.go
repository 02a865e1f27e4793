package partner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Contact is whom to speak to at a partner. It lies sealed.
type Contact struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// private is what of a partner lies sealed: whom to speak to, and the secret by which the partner knows that we are telling it.
type private struct {
	Contact Contact `json:"contact,omitzero"`
	Secret  string  `json:"secret,omitempty"` // whsec_ and base64
}

func privatePlace(id string) string { return "partner/" + id }

func (r *Register) private(ctx context.Context, q store.Querier, id string) (private, error) {
	var p private
	var sealed []byte
	err := q.QueryRow(ctx, "SELECT sealed FROM partner WHERE partner_id = $1", id).Scan(&sealed)
	if store.IsNoRow(err) {
		return p, ErrNoPartner
	}
	if err != nil || len(sealed) == 0 {
		return p, err
	}
	plain, err := r.vault.OpenState(ctx, vault.CarrierID, privatePlace(id), sealed)
	if err != nil {
		return p, fmt.Errorf("opening what is sealed of a partner: %w", err)
	}
	return p, json.Unmarshal(plain, &p)
}

func (r *Register) setPrivate(ctx context.Context, id, by, what string, change func(*private)) error {
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		p, err := r.private(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		change(&p)
		plain, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		sealed, err := r.vault.SealTx(ctx, tx, vault.CarrierID, privatePlace(id), plain)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "UPDATE partner SET sealed = $1 WHERE partner_id = $2", sealed, id); err != nil {
			return nil, err
		}
		return r.entry(ctx, tx, by, map[string]any{"what": what, "partner": id})
	})
	if errors.Is(err, ErrNoPartner) {
		return ErrNoPartner
	}
	return err
}

func (r *Register) entry(ctx context.Context, tx *store.Tx, by string, detail any) ([]ledger.Entry, error) {
	e, err := r.vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: r.clock.Now(), Actor: by, Outcome: cpni.OK}, detail)
	return []ledger.Entry{e}, err
}

// Contact gives whom to speak to at a partner.
func (r *Register) Contact(ctx context.Context, id string) (Contact, error) {
	p, err := r.private(ctx, r.db.Reader(), id)
	return p.Contact, err
}

// SetContact keeps whom to speak to at a partner. What is wrong with it is a *cpni.Refusal.
func (r *Register) SetContact(ctx context.Context, id string, c Contact, by string) error {
	for _, line := range []string{c.Name, c.Email, c.Phone} {
		if len(line) > longestName || strings.ContainsFunc(line, unicode.IsControl) {
			return cpni.Rejected("BAD_INPUT", "whom to speak to is a name, an e-mail address and a number of at most 200 bytes each", nil, "shorten it")
		}
	}
	if a, err := mail.ParseAddress(c.Email); c.Email != "" && (err != nil || a.Address != c.Email) {
		return cpni.Rejected("BAD_INPUT", "that is no e-mail address", nil, "write it as somebody@company.example")
	}
	return r.setPrivate(ctx, id, by, "contact of a partner", func(p *private) { p.Contact = c })
}

// NewSecret makes the secret with which a partner is told that a file waits, in the place of the one there was. It is shown once: the
// partner keeps it, and checks by it who is calling (Standard Webhooks).
//
// cite: P-37, P-41
func (r *Register) NewSecret(ctx context.Context, id, by string) (string, error) {
	secret := newSecret()
	return secret, r.setPrivate(ctx, id, by, "secret of a partner's webhook made", func(p *private) { p.Secret = secret })
}

// Secret gives that secret to who signs with it; "" there is none.
func (r *Register) Secret(ctx context.Context, id string) (string, error) {
	p, err := r.private(ctx, r.db.Reader(), id)
	return p.Secret, err
}

// OverdueTx notes in tx that the alert about a partner's agreement was raised; ok is false when another node was first.
//
// cite: P-41, V112
func (r *Register) OverdueTx(ctx context.Context, tx *store.Tx, id string, at time.Time) (ok bool, err error) {
	done, err := tx.Exec(ctx, "UPDATE partner SET overdue = $1 WHERE partner_id = $2 AND overdue = 0", at.UnixMicro(), id)
	if err != nil {
		return false, fmt.Errorf("noting that a partner is late: %w", err)
	}
	n, err := done.RowsAffected()
	return n == 1, err
}

// plainly gives what a person can act on without saying in which transaction it came up.
func plainly(err error) error {
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, ErrNoPartner):
		return ErrNoPartner
	}
	return err
}
