package intake

import (
	"context"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Customers is the Directory of the customer book. Most numbers in a file of calls are nobody's here; so, once a file
// has shown many of them, the blind indexes of the whole book are drawn together in a filter that answers for them
// without asking the database.
type Customers struct {
	DB    *store.DB
	Vault *vault.Vault
	Book  *customer.Book

	misses int
	filter *filter
}

// missesForFilter is how many numbers that are nobody's make the filter worth its scan.
const missesForFilter = 4096

// Line finds the line that number is now; it belongs to one goroutine.
func (c *Customers) Line(ctx context.Context, number string) (Line, bool, error) {
	token := c.Vault.BlindIndex(customer.ByNumber, number)
	if c.filter != nil && !c.filter.has(token) {
		return Line{}, false, nil
	}
	var id cpni.ID
	err := c.DB.Reader().QueryRow(ctx, "SELECT customer_id FROM lookup WHERE token = $1 ORDER BY customer_id LIMIT 1", token).Scan(&id)
	if store.IsNoRow(err) {
		if c.misses++; c.misses == missesForFilter {
			return Line{}, false, c.draw(ctx)
		}
		return Line{}, false, nil
	}
	if err != nil {
		return Line{}, false, fmt.Errorf("looking up a line: %w", err)
	}
	p, _, err := c.Book.Get(ctx, id)
	if err != nil {
		return Line{}, false, fmt.Errorf("looking up a line: %w", err)
	}
	for i := len(p.Lines) - 1; i >= 0; i-- { // the last, should the customer have had the number before
		l := &p.Lines[i]
		if l.Number != number {
			continue
		}
		line := Line{Customer: id, Number: l.No, From: l.Since.Unix()}
		if !l.Removed.IsZero() {
			line.Until = l.Removed.Unix()
		}
		if !p.Ended.IsZero() && (line.Until == 0 || p.Ended.Unix() < line.Until) {
			line.Until = p.Ended.Unix()
		}
		return line, true, nil
	}
	return Line{}, false, nil
}

// draw fills the filter.
func (c *Customers) draw(ctx context.Context) error {
	var n int
	if err := c.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM lookup").Scan(&n); err != nil {
		return fmt.Errorf("counting look-ups: %w", err)
	}
	f := newFilter(n)
	rows, err := c.DB.Reader().Query(ctx, "SELECT token FROM lookup")
	if err != nil {
		return fmt.Errorf("reading look-ups: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var token []byte
		if err := rows.Scan(&token); err != nil {
			return fmt.Errorf("reading look-ups: %w", err)
		}
		f.add(token)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading look-ups: %w", err)
	}
	c.filter = f
	return nil
}

// filter is a Bloom filter of tokens, which are uniform already: ten bits a token, four probes, about one in a hundred
// strangers passes.
type filter struct {
	bits []uint64
	mask uint64
}

func newFilter(n int) *filter {
	size := uint64(1024)
	for size < uint64(n)*10 {
		size *= 2
	}
	return &filter{bits: make([]uint64, size/64), mask: size - 1}
}

func (f *filter) probes(token []byte) (p [4]uint64) {
	var a, b uint64
	for i := range 8 {
		a, b = a<<8|uint64(token[i]), b<<8|uint64(token[8+i])
	}
	for i := range p {
		p[i] = (a + uint64(i)*b) & f.mask
	}
	return p
}

func (f *filter) add(token []byte) {
	for _, p := range f.probes(token) {
		f.bits[p/64] |= 1 << (p % 64)
	}
}

func (f *filter) has(token []byte) bool {
	for _, p := range f.probes(token) {
		if f.bits[p/64]>>(p%64)&1 == 0 {
			return false
		}
	}
	return true
}
