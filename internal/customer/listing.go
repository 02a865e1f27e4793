package customer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Listing is what a directory prints of a line: subscriber list information, and nothing else.
//
// cite: P-04, P-32, 47 USC 222(h)(3)
type Listing struct {
	Line    int    // its place within the customer
	Number  string // E.164
	Name    string
	Address string // "" the customer wants none printed, or others read their letters
	Heading string // the primary advertising classification, as it was assigned when service began; "" none
}

// Listings gives what may be published of a customer at the moment at: the lines that are in service and listed. A line that is
// not published is never among them.
//
// cite: P-32, V106, 47 USC 222(h)(3)
func (p *Profile) Listings(at time.Time) []Listing {
	var all []Listing
	address := ""
	if !p.Quiet(Shared.Postal) {
		on := slices.DeleteFunc(slices.Clone(p.Postal), func(a Address) bool { return a.Frozen || a.Undone })
		if a, ok := Current(on, at); ok {
			address = a.Value
		}
	}
	for _, l := range p.LiveLines(at) {
		if !l.Listed || l.Frozen {
			continue
		}
		x := Listing{Line: l.No, Number: l.Number, Name: p.Name, Address: address, Heading: l.Heading}
		if l.NoAddress {
			x.Address = ""
		}
		all = append(all, x)
	}
	return all
}

// listTx notes in tx that what may be published of a customer is no longer what it was, so that publishers who have it are told at
// once.
//
// cite: P-32, 47 USC 222(e)
func listTx(ctx context.Context, tx *store.Tx, old, p *Profile, now time.Time) error {
	if old == nil || slices.Equal(old.Listings(now), p.Listings(now)) {
		return nil
	}
	return unlistTx(ctx, tx, p.ID, now)
}

func unlistTx(ctx context.Context, tx *store.Tx, id cpni.ID, now time.Time) error {
	_, err := tx.Exec(ctx, "INSERT INTO listing_changed (customer_id, at) VALUES ($1, $2) ON CONFLICT (customer_id) DO UPDATE SET at = excluded.at", string(id), now.UnixMicro())
	if err != nil {
		return fmt.Errorf("noting that a listing has changed: %w", err)
	}
	return nil
}
