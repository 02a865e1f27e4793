package directory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// mostWithdrawn bounds how many customers one transaction looks at.
const mostWithdrawn = 200

// Due tells publishers of what customers have taken out, makes what is being made go on, and removes files that nobody has fetched for
// long.
//
// cite: P-32, V106, 47 USC 222(e), 47 USC 222(h)(3)
func (d *Desk) Due(ctx context.Context) error {
	return errors.Join(d.withdraw(ctx), d.Work(ctx), d.remove(ctx))
}

// withdraw makes, for every publisher who has it, a withdrawal of each listing that is published no longer. It names the listing by its
// id: the number and whose it was are not told again.
//
// cite: P-32, V106, 47 USC 222(h)(3)
func (d *Desk) withdraw(ctx context.Context) error {
	for {
		var looked int
		_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			var err error
			var entries []ledger.Entry
			looked, entries, err = d.withdrawSome(ctx, tx)
			return entries, err
		})
		if err != nil {
			return fmt.Errorf("telling publishers of listings that are taken out: %w", err)
		}
		if looked < mostWithdrawn {
			return nil
		}
	}
}

// of names what a publisher has of a customer.
type of struct {
	customer  cpni.ID
	line      int
	publisher string
	extract   cpni.ID
	digest    []byte
}

func (d *Desk) withdrawSome(ctx context.Context, tx *store.Tx) (int, []ledger.Entry, error) {
	changed, err := texts(ctx, tx, "SELECT customer_id FROM listing_changed ORDER BY at LIMIT $1", mostWithdrawn)
	if err != nil || len(changed) == 0 {
		return 0, nil, err
	}
	now := d.Clock.Now()
	gone := map[string][]of{} // by publisher
	stale := map[cpni.ID]bool{}
	var entries []ledger.Entry
	for _, id := range changed {
		var stands []customer.Listing
		p, _, err := d.Customers.ReadTx(ctx, tx, cpni.ID(id))
		switch {
		case err == nil:
			stands = p.Listings(now)
		case !errors.Is(err, customer.ErrNoCustomer) && !errors.Is(err, vault.ErrForgotten):
			return 0, nil, err
		}
		has, err := d.hasTx(ctx, tx, cpni.ID(id))
		if err != nil {
			return 0, nil, err
		}
		for _, g := range has {
			l, ok := listed(stands, g.line)
			if !ok {
				gone[g.publisher] = append(gone[g.publisher], g)
			}
			if !ok || !bytes.Equal(g.digest, d.digest(l)) {
				stale[g.extract] = true
			}
		}
		if _, err := tx.Exec(ctx, "DELETE FROM listing_changed WHERE customer_id = $1", id); err != nil {
			return 0, nil, fmt.Errorf("noting what was taken out: %w", err)
		}
	}
	for _, publisher := range slices.Sorted(maps.Keys(gone)) {
		some, err := d.withdrawFrom(ctx, tx, publisher, gone[publisher])
		if err != nil {
			return 0, nil, err
		}
		entries = append(entries, some...)
	}
	// A file that was not fetched yet is written anew without them.
	for _, id := range slices.Sorted(maps.Keys(stale)) {
		if _, err := tx.Exec(ctx, "UPDATE directory_extract SET state = 'writing', claim = '' WHERE extract_id = $1 AND state = 'ready' AND fetched = 0", string(id)); err != nil {
			return 0, nil, fmt.Errorf("noting what was taken out: %w", err)
		}
	}
	return len(changed), entries, nil
}

func (d *Desk) withdrawFrom(ctx context.Context, tx *store.Tx, publisher string, all []of) ([]ledger.Entry, error) {
	p, err := d.publisherTx(ctx, tx, publisher)
	if err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	e := &Extract{ID: cpni.NewTimedID(now), Publisher: publisher, Kind: Withdrawal, State: Writing, At: now, Terms: p.Terms, Deletions: int64(len(all)), parts: 1}
	var rows []row
	var entries []ledger.Entry
	for _, g := range all {
		id := d.listingID(publisher, g.customer, g.line)
		rows = append(rows, row{Of: g.customer, Action: deleted, ID: id})
		if _, err := tx.Exec(ctx, "DELETE FROM directory_given WHERE customer_id = $1 AND line = $2 AND publisher_id = $3", string(g.customer), g.line, publisher); err != nil {
			return nil, fmt.Errorf("noting what was taken out: %w", err)
		}
		some, err := d.noted(ctx, tx, g.customer, "", map[string]string{"what": "publisher told to take a listing out", "publisher": publisher, "listing": id, "extract": string(e.ID)})
		if errors.Is(err, vault.ErrForgotten) { // of who is forgotten nothing more is recorded under their key
			some, err = d.noted(ctx, tx, "", "", map[string]string{"what": "publisher told to take a listing out", "publisher": publisher, "listing": id, "extract": string(e.ID)})
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, some...)
	}
	if err := insertExtract(ctx, tx, e); err != nil {
		return nil, err
	}
	return entries, d.putPart(ctx, tx, e.ID, 0, rows)
}

// hasTx lists what publishers have of a customer.
func (d *Desk) hasTx(ctx context.Context, tx *store.Tx, id cpni.ID) ([]of, error) {
	rows, err := tx.Query(ctx, "SELECT line, publisher_id, extract_id, digest FROM directory_given WHERE customer_id = $1", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading what publishers have: %w", err)
	}
	defer rows.Close()
	var all []of
	for rows.Next() {
		g := of{customer: id}
		if err := rows.Scan(&g.line, &g.publisher, &g.extract, &g.digest); err != nil {
			return nil, fmt.Errorf("reading what publishers have: %w", err)
		}
		all = append(all, g)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

func texts(ctx context.Context, q store.Querier, query string, args ...any) ([]string, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("looking for listings: %w", err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// remove takes away files that are no longer kept.
func (d *Desk) remove(ctx context.Context) error {
	now := d.Clock.Now()
	before := now.Add(-d.Policy.Numbers(now).Duration("directory", "keep_file"))
	old, err := texts(ctx, d.DB.Reader(), "SELECT extract_id FROM directory_extract WHERE state = 'ready' AND finished <= $1 LIMIT $2", before.UnixMicro(), mostListed)
	if err != nil {
		return err
	}
	for _, id := range old {
		if err := d.DB.Tx(ctx, func(tx *store.Tx) error {
			for _, table := range []string{"directory_file", "directory_part"} {
				if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE extract_id = $1", id); err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, "UPDATE directory_extract SET state = 'removed' WHERE extract_id = $1 AND state = 'ready'", id)
			return err
		}); err != nil {
			return fmt.Errorf("removing a file: %w", err)
		}
	}
	return nil
}
