package accounting

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/vault"
)

// Holdings is what the carrier holds about a customer, counted and not opened.
//
// cite: P-06, 47 USC 222(h)(1)
type Holdings struct {
	Profile  *customer.Profile
	Classes  []Held // every class of customer proprietary network information, and the listing
	Records  Count  // entries of the ledger: who asked, who tried, what was changed
	Messages Count  // to the customer
	// Kept are the numbers of the policy: how many months records are kept at least.
	Kept Kept
}

// Held is how much is held of one class.
type Held struct {
	Class       cpni.DataClass
	First, Last int // months as yyyymm; 0: nothing, or not of a month
	Count       int // calls, bills, pieces
	Lines       []vault.Amount
	// May names those whom the customer has let see the class.
	May []string
}

// Count is how many there are, and since when.
type Count struct {
	N     int
	Since time.Time // zero: there are none
}

// Kept are how many months what is on record is kept, from its last entry on; approvals from their end on.
//
// cite: 47 CFR 64.2007(a)(3), 47 CFR 64.2008(a)(2), 47 CFR 64.2009(c)
type Kept struct{ Disclosures, Approvals, Notices int }

// Holdings counts what is held about a customer.
func (b *Book) Holdings(ctx context.Context, of cpni.ID) (*Holdings, error) {
	p, _, err := b.Customers.Get(ctx, of)
	if err != nil {
		return nil, err
	}
	now := b.Clock.Now()
	numbers := b.Policy.Numbers(now)
	const retention = "retention"
	h := &Holdings{Profile: p, Kept: Kept{numbers.Int(retention, "disclosure_months"), numbers.Int(retention, "approval_months"), numbers.Int(retention, "notice_months")}}
	amounts, err := b.Vault.Amounts(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, class := range []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Billing, cpni.Service, cpni.Location, cpni.Listing} {
		held := Held{Class: class}
		for _, a := range amounts {
			if a.Class != class {
				continue
			}
			held.Lines = append(held.Lines, a)
			held.Count += a.Count
			if a.First > 0 && (held.First == 0 || a.First < held.First) {
				held.First = a.First
			}
			held.Last = max(held.Last, a.Last)
		}
		if class == cpni.Listing {
			for _, l := range p.LiveLines(now) {
				if l.Listed {
					held.Count++
				}
			}
		}
		for _, a := range p.Speakers() {
			if slices.Contains(a.Data, class) {
				held.May = append(held.May, a.Name)
			}
		}
		h.Classes = append(h.Classes, held)
	}
	if h.Records, err = b.count(ctx, "SELECT count(*), coalesce(min(at), 0) FROM record WHERE customer_id = $1 AND kind <> $2", of, string(ledger.Message)); err != nil {
		return nil, err
	}
	h.Messages, err = b.count(ctx, "SELECT count(*), coalesce(min(at), 0) FROM message WHERE customer_id = $1 AND kind <> $2", of, "")
	return h, err
}

func (b *Book) count(ctx context.Context, query string, of cpni.ID, but string) (Count, error) {
	var c Count
	var since int64
	if err := b.DB.Reader().QueryRow(ctx, query, string(of), but).Scan(&c.N, &since); err != nil {
		return c, fmt.Errorf("counting what is held: %w", err)
	}
	if since > 0 {
		c.Since = time.UnixMicro(since).UTC()
	}
	return c, nil
}
