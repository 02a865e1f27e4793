package disclose

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/store"
)

// remembered is what an idempotency key stands for: which record, for which request.
type remembered struct {
	key      [32]byte
	request  [32]byte
	expires  time.Time
	customer cpni.ID
	record   cpni.ID
}

// remembered binds the key of a request to its caller: the same key of somebody else is another.
//
// cite: I-11
func (r Request) remembered(expires time.Time) *remembered {
	who := string(r.Caller.Staff)
	if r.Caller.Customer {
		who = "customer " + string(r.Customer) + string(r.Contact)
	}
	return &remembered{key: sha256.Sum256([]byte(who + "\x00" + r.IdempotencyKey)), request: r.hash(), expires: expires}
}

// keep writes what the key stands for, unless it stands for something already.
func (m *remembered) keep(ctx context.Context, tx *store.Tx, now time.Time) (fresh bool, err error) {
	done, err := tx.Exec(ctx, `INSERT INTO idempotency (key_hash, customer_id, record_id, request, expires) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key_hash) DO UPDATE
		SET customer_id = excluded.customer_id, record_id = excluded.record_id, request = excluded.request, expires = excluded.expires WHERE idempotency.expires <= $6`,
		m.key[:], string(m.customer), string(m.record), m.request[:], m.expires.UnixMicro(), now.UnixMicro())
	if err != nil {
		return false, fmt.Errorf("remembering a request: %w", err)
	}
	n, err := done.RowsAffected()
	return n == 1, err
}

// replayed gives the recorded answer to a request that was asked before with the same key; nil when it was not. Another
// request under a used key is refused.
//
// cite: I-11
func (d *Door) replayed(ctx context.Context, r Request) (*Answer, error) {
	m := r.remembered(time.Time{})
	var request []byte
	var expires int64
	err := d.DB.Reader().QueryRow(ctx, "SELECT customer_id, record_id, request, expires FROM idempotency WHERE key_hash = $1", m.key[:]).Scan(&m.customer, &m.record, &request, &expires)
	if store.IsNoRow(err) || err == nil && !d.Clock.Now().Before(time.UnixMicro(expires)) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for an earlier request: %w", err)
	}
	if !bytes.Equal(request, m.request[:]) {
		return nil, cpni.Rejected("IDEMPOTENCY", "this idempotency key was used for another request", nil, "make a new key for every request; use one again only to repeat the very same")
	}
	return d.recalled(ctx, r, m.customer, m.record)
}

// recalled answers from the record as it was answered then.
func (d *Door) recalled(ctx context.Context, r Request, customer, id cpni.ID) (*Answer, error) {
	receipt, err := d.Ledger.Recall(ctx, customer, id)
	if err != nil {
		return nil, err
	}
	rec, err := d.Record(ctx, customer, id)
	if err != nil {
		return nil, err
	}
	set, err := d.Policy.At(ctx, rec.Rules)
	if err != nil {
		return nil, err
	}
	g := &gathered{request: r, at: receipt.At(), customerID: customer, contactID: rec.Contact, address: rec.Address, months: rec.Months, limits: rec.Limits, facts: rec.Facts, rules: rec.Rules, to: ParseRecipient(r.To)}
	if g.decision = set.Decide(rec.Facts); !g.decision.Permit() {
		g.decision = set.Explain(rec.Facts)
	}
	if g.decision.Outcome != rec.Decision.Outcome {
		return nil, fmt.Errorf("record %s no longer replays to its decision; `ringfence replay` tells more", id)
	}
	if customer != "" {
		if g.profile, _, err = d.Customers.Get(ctx, customer); err != nil {
			return nil, err
		}
	}
	if err := d.withdrawn(ctx, g); err != nil {
		return nil, err
	}
	a, err := d.answer(ctx, g, &pending{receipt: receipt, needs: d.needs(g)})
	if a != nil {
		a.Replayed = true
	}
	return a, err
}

// withdrawn refuses to release again what was permitted once, when the customer has objected to that use since: asking again
// under the same key is a later use, and no key keeps an approval alive.
//
// cite: P-11, P-12, P-14, I-02, 47 CFR 64.2007(a)(2)
func (d *Door) withdrawn(ctx context.Context, g *gathered) error {
	if !g.decision.Permit() || !slices.Contains([]cpni.Purpose{cpni.OwnMarketing, cpni.OtherMarketing, cpni.PartnerMarketing, cpni.InboundMarketing, cpni.WinBack}, g.facts.Purpose) {
		return nil
	}
	_, now, err := d.Check(ctx, g.request)
	if err != nil || !slices.Contains(now.Codes, "DENIED") {
		return err
	}
	return &cpni.Refusal{Outcome: cpni.Deny, Code: "DENIED", Says: "The customer has refused this use since it was first answered, so nothing is released again.",
		Clauses: []string{"P-11", "P-12", "P-14", "47 CFR 64.2007(a)(2)"}, Next: []string{"leave the customer out, and use nothing of what the first answer released"}}
}

// Record reads the sealed record of a decision.
func (d *Door) Record(ctx context.Context, customer, id cpni.ID) (Record, error) {
	row, err := d.Ledger.Record(ctx, customer, id)
	if err != nil {
		return Record{}, err
	}
	plain, err := d.Vault.OpenRecord(ctx, row)
	if err != nil {
		return Record{}, err
	}
	return DecodeRecord(plain)
}

// Explain decides a recorded decision again, with the ways to a permit.
func (d *Door) Explain(ctx context.Context, r Record) (rules.Decision, error) {
	set, err := d.Policy.At(ctx, r.Rules)
	if err != nil {
		return rules.Decision{}, err
	}
	return set.Explain(r.Facts), nil
}

// Sweep removes idempotency keys whose time is over.
func (d *Door) Sweep(ctx context.Context) error {
	return d.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM idempotency WHERE expires <= $1", d.Clock.Now().UnixMicro())
		return err
	})
}
