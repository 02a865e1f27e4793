package countersign

import (
	"context"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

const columns = "proposal_id, kind, state, hash, by_staff, at, expires, second, ended, sealed, report"

// Get gives a proposal with what it would do.
func (r *Register) Get(ctx context.Context, id cpni.ID) (*Proposal, error) {
	if !id.Valid() {
		return nil, ErrNone
	}
	p, err := r.scan(ctx, r.db.Reader().QueryRow(ctx, "SELECT "+columns+" FROM proposal WHERE proposal_id = $1", string(id)).Scan)
	if store.IsNoRow(err) {
		return nil, ErrNone
	}
	return p, err
}

// For gives a proposal to a member who may see it: one with its right.
func (r *Register) For(ctx context.Context, id cpni.ID, m *staff.Member) (*Proposal, error) {
	p, err := r.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !m.May(r.performers[p.Kind].Right) && p.By != m.ID {
		return nil, ErrNone
	}
	return p, nil
}

// mostListed bounds List.
const mostListed = 200

// List gives the newest proposals that a member may see, those first of which something may still come.
func (r *Register) List(ctx context.Context, m *staff.Member) (open, past []*Proposal, err error) {
	rows, err := r.db.Reader().Query(ctx, "SELECT "+columns+" FROM proposal ORDER BY at DESC, proposal_id DESC LIMIT $1", mostListed)
	if err != nil {
		return nil, nil, fmt.Errorf("listing proposals: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		p, err := r.scan(ctx, rows.Scan)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case !m.May(r.performers[p.Kind].Right) && p.By != m.ID:
		case p.State.Open():
			open = append(open, p)
		default:
			past = append(past, p)
		}
	}
	return open, past, rows.Err()
}

// Within gives what was proposed in a time, the oldest first, for evidence of what two people have done. Whoever asks for that was let in there.
//
// cite: P-37, P-41
func (r *Register) Within(ctx context.Context, from, to time.Time) (all []*Proposal, err error) {
	rows, err := r.db.Reader().Query(ctx, "SELECT "+columns+" FROM proposal WHERE at >= $1 AND at < $2 ORDER BY at, proposal_id", from.UnixMicro(), to.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("listing proposals: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		p, err := r.scan(ctx, rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, rows.Err()
}

// Waits counts the proposals that wait for this member: those of others with a right that they have.
func (r *Register) Waits(ctx context.Context, m *staff.Member) (n int, err error) {
	rows, err := r.db.Reader().Query(ctx, "SELECT kind, count(*) FROM proposal WHERE state = $1 AND expires > $2 AND by_staff <> $3 GROUP BY kind", string(Waiting), r.clock.Now().UnixMicro(), string(m.ID))
	if err != nil {
		return 0, fmt.Errorf("counting proposals: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var k Kind
		var of int
		if err := rows.Scan(&k, &of); err != nil {
			return 0, err
		}
		if m.May(r.performers[k].Right) {
			n += of
		}
	}
	return n, rows.Err()
}

func (r *Register) scan(ctx context.Context, scan func(...any) error) (*Proposal, error) {
	p := &Proposal{}
	var at, expires, ended int64
	var sealed, report []byte
	if err := scan(&p.ID, &p.Kind, &p.State, &p.Hash, &p.By, &at, &expires, &p.Second, &ended, &sealed, &report); err != nil {
		return nil, err
	}
	p.At, p.Expires = time.UnixMicro(at).UTC(), time.UnixMicro(expires).UTC()
	if ended != 0 {
		p.Ended = time.UnixMicro(ended).UTC()
	}
	if (p.State == Waiting || p.State == Trying) && !r.clock.Now().Before(p.Expires) {
		p.State, p.Ended = Expired, p.Expires
	}
	var err error
	if p.Act, err = r.vault.OpenState(ctx, vault.CarrierID, actPlace(p.ID), sealed); err != nil {
		return nil, err
	}
	if hashOf(p.Kind, p.Act) != p.Hash {
		return nil, fmt.Errorf("the proposal %s: %w", p.ID, vault.ErrSealBroken)
	}
	if len(report) > 0 {
		if p.Report, err = r.vault.OpenState(ctx, vault.CarrierID, reportPlace(p.ID), report); err != nil {
			return nil, err
		}
	}
	return p, nil
}
