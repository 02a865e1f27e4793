package breach

import (
	"context"
	"fmt"

	"ringfence/internal/breach/bundle"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// reckoned is what the bundle says of the clocks: from what they were reckoned, and what came of it.
type reckoned struct {
	Case   clock.Case   `json:"case"`
	Clocks clock.Clocks `json:"clocks"`
}

// Bundle puts the whole file together for a stranger: the dossier, every step to the byte with the proof that the ledger holds it, the papers
// and the clocks, signed with the ledger's key. That it was taken is on record. ledger.ErrNotYet: the last step is not in the tree yet; it is within a second.
//
// cite: P-41, P-49, P-51, 47 CFR 64.2011(d)
func (d *Desk) Bundle(ctx context.Context, id, by cpni.ID) (*bundle.Bundle, error) {
	x, err := d.dossier(ctx, id, by)
	if err != nil {
		return nil, err
	}
	pdf, err := x.pdf(d.Letterhead)
	if err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	whole, papers, err := d.parted(ctx, x, by)
	if err != nil {
		return nil, err
	}
	whole.Made = now
	b, err := bundle.Make(whole, pdf, reckoned{x.i.Case(), x.clocks}, papers, d.Ledger.Sign)
	if err != nil {
		return nil, err
	}
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Incident, At: now, Actor: string(by), Outcome: cpni.OK},
			map[string]any{"what": "incident: bundle taken", "incident": id, "number": x.i.Number, "hash": fmt.Sprintf("%x", b.Hash())})
		return []ledger.Entry{e}, err
	})
	return b, plainly(err)
}

// parted gives the steps of a dossier with their proofs, and its papers.
func (d *Desk) parted(ctx context.Context, x *dossier, by cpni.ID) (bundle.Incident, []bundle.Paper, error) {
	whole := bundle.Incident{Log: x.log, Key: x.key, ID: x.i.ID, Number: x.i.Number, Exercise: x.i.Exercise}
	for n, e := range x.i.History {
		s := bundle.Step{N: e.N, At: e.At, What: string(e.What), By: e.By, Entry: e.Entry, Hash: x.hashes[n], Tells: x.plains[n]}
		row, err := d.Ledger.Record(ctx, "", e.Entry)
		if err != nil {
			return whole, nil, fmt.Errorf("reading the entry of a step: %w", err)
		}
		record, err := d.Vault.OpenRecord(ctx, row)
		if err != nil {
			return whole, nil, fmt.Errorf("opening the entry of a step: %w", err)
		}
		s.Row = row.Entry
		if s.Receipt, err = d.Ledger.ReceiptFile(ctx, "", e.Entry, record); err != nil {
			return whole, nil, err
		}
		whole.Steps = append(whole.Steps, s)
	}
	var papers []bundle.Paper
	for _, p := range x.papers {
		papers = append(papers, bundle.Paper{N: p.N, Name: p.Name, Media: p.Media, Hash: p.Hash, Read: func() ([]byte, error) {
			_, file, err := d.File(ctx, x.i.ID, by, p.N)
			return file, err
		}})
	}
	return whole, papers, nil
}

// Parted are the parts of a bundle before they are signed.
func (d *Desk) Parted(ctx context.Context, id, by cpni.ID) (bundle.Incident, []bundle.Paper, error) {
	x, err := d.dossier(ctx, id, by)
	if err != nil {
		return bundle.Incident{}, nil, err
	}
	return d.parted(ctx, x, by)
}
