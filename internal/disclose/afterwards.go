package disclose

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
)

// afterwards is what this node has answered in emergencies while the ledger could not be written, and has still to bring there.
type afterwards struct {
	claimsMu sync.Mutex
	claims   map[cpni.ID]claimRow
}

// claimRow is the row of a claim; it is about nobody but by their ids.
type claimRow struct {
	Customer cpni.ID `json:"customer"`
	Claim    cpni.ID `json:"claim"`
	Staff    cpni.ID `json:"staff"`
	At       int64   `json:"at"`  // microseconds since 1970 UTC
	Due      int64   `json:"due"` // when it has to be justified
}

// cannotWait reports whether a refusal for want of a record would keep from whoever answers an emergency call where it comes from. They
// are told, once it is recorded on this node; everybody else waits for the ledger.
//
// cite: P-28, P-41, I-27, 47 USC 222(d)(4)(A), V113
func (d *Door) cannotWait(ctx context.Context, g *gathered, err error) bool {
	var refusal *cpni.Refusal
	return d.Journal != nil && ctx.Err() == nil && !errors.As(err, &refusal) && g.decision.Permit() && g.facts.Purpose == cpni.Emergency && g.facts.Recipient.Kind == cpni.ToPSAP &&
		len(g.facts.Data) == 1 && g.facts.Data[0] == cpni.Location && !viaChannels(g.facts.Via)
}

// firstHere records a decision in this node's journal and answers.
//
// cite: P-28, P-41, I-01, I-27, V113
func (d *Door) firstHere(ctx context.Context, g *gathered, p *pending) (*Answer, error) {
	var err error
	if p.receipt, err = d.Journal.Record(p.entry, nil); err != nil {
		return nil, d.unrecorded(err)
	}
	p.fetched = nil
	d.counts.permitted.Add(1)
	return d.answer(ctx, g, p)
}

// claimHere records a claim in this node's journal, with its row.
func (d *Door) claimHere(ctx context.Context, c Claim, row claimRow) error {
	e, err := d.Vault.Entry(ctx, nil, ledger.Entry{Customer: c.Customer, Kind: ledger.Change, At: time.UnixMicro(row.At).UTC(), Actor: string(c.Staff), Outcome: cpni.OK}, c.detail())
	if err != nil {
		return err
	}
	beside, err := json.Marshal(row)
	if err != nil {
		return err
	}
	if _, err := d.Journal.Record(e, beside); err != nil {
		return err
	}
	d.claimsMu.Lock()
	defer d.claimsMu.Unlock()
	if d.claims == nil {
		d.claims = map[cpni.ID]claimRow{}
	}
	d.claims[c.ID] = row
	return nil
}

// claimedHere finds a claim that is recorded in this node's journal and not yet in the ledger.
func (d *Door) claimedHere(customer, claim cpni.ID) (claimRow, bool) {
	d.claimsMu.Lock()
	defer d.claimsMu.Unlock()
	row, ok := d.claims[claim]
	return row, ok && row.Customer == customer
}

// put writes the row of a claim; one that is there stays.
func (r claimRow) put(ctx context.Context, tx *store.Tx) (fresh bool, err error) {
	done, err := tx.Exec(ctx, "INSERT INTO emergency (customer_id, claim_id, staff_id, at, due, justified) VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT DO NOTHING",
		string(r.Customer), string(r.Claim), string(r.Staff), r.At, r.Due)
	if err != nil {
		return false, fmt.Errorf("recording an emergency: %w", err)
	}
	n, err := done.RowsAffected()
	return n == 1, err
}

// Bring takes into the ledger what this node has recorded by itself. While the ledger cannot be written it stays where it is.
//
// cite: P-41, I-27, V113
func (d *Door) Bring(ctx context.Context) error {
	if d.Journal == nil {
		return nil
	}
	var brought []cpni.ID
	_, err := d.Journal.Bring(ctx, func(ctx context.Context, tx *store.Tx, beside []byte) error {
		var row claimRow
		if err := json.Unmarshal(beside, &row); err != nil {
			return fmt.Errorf("a claim of the journal cannot be read: %w", err)
		}
		brought = append(brought, row.Claim)
		_, err := row.put(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	d.claimsMu.Lock()
	defer d.claimsMu.Unlock()
	for _, id := range brought {
		delete(d.claims, id)
	}
	return nil
}
