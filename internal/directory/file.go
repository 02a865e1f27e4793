package directory

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Columns are the columns of the file, in their order.
var Columns = []string{"action", "listing", "name", "address", "number", "heading"}

// Manifest says what a file is. It lies beside the file and tells of nobody.
//
// cite: P-32, P-41, 47 USC 222(e)
type Manifest struct {
	Extract   cpni.ID   `json:"extract"`
	Publisher string    `json:"publisher"`
	Kind      Kind      `json:"kind"`
	Made      time.Time `json:"made"`
	Terms     int       `json:"terms"`
	Columns   []string  `json:"columns"`
	Listings  int64     `json:"listings"`
	Deletions int64     `json:"deletions"`
	LeftOut   int64     `json:"left_out"` // they were decided about, and were changed or taken out before the file was written
	Mills     int64     `json:"price_mills"`
	Format    string    `json:"format"`
	Encrypted string    `json:"encrypted"`
	Content   string    `json:"content_sha256"` // of what is in it
	File      string    `json:"file_sha256"`
	Bytes     int64     `json:"file_bytes"`
}

// chunkSize is how much of a file lies in one row.
const chunkSize = 256 << 10

// chunks writes a file into the database, piece by piece.
type chunks struct {
	ctx  context.Context
	desk *Desk
	of   cpni.ID
	n    int64
	size int64
	sum  hash.Hash
	buf  []byte
}

func (c *chunks) Write(b []byte) (int, error) {
	c.sum.Write(b)
	c.size += int64(len(b))
	for rest := b; len(rest) > 0; {
		n := min(len(rest), chunkSize-len(c.buf))
		c.buf, rest = append(c.buf, rest[:n]...), rest[n:]
		if len(c.buf) == chunkSize {
			if err := c.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(b), nil
}

func (c *chunks) flush() error {
	if len(c.buf) == 0 {
		return nil
	}
	err := c.desk.DB.Tx(c.ctx, func(tx *store.Tx) error {
		if err := one(tx.Exec(c.ctx, "UPDATE directory_extract SET claimed = $1 WHERE extract_id = $2 AND claim = $3 AND state = 'writing'", c.desk.Clock.Now().UnixMicro(), string(c.of), string(c.desk.node))); err != nil {
			return err
		}
		_, err := tx.Exec(c.ctx, "INSERT INTO directory_file (extract_id, n, bytes) VALUES ($1, $2, $3)", string(c.of), c.n, c.buf)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing a file for a publisher: %w", err)
	}
	c.n, c.buf = c.n+1, c.buf[:0]
	return nil
}

// assemble writes the file out of what was kept page by page, without what customers have changed or taken out since, and makes the
// extract ready. It may be done again, until the file was fetched.
//
// cite: P-32, P-41, V106, 47 USC 222(h)(3)
func (d *Desk) assemble(ctx context.Context, e *Extract, p *Publisher) error {
	to, err := p.recipient()
	if err != nil {
		return err
	}
	if err := d.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM directory_file WHERE extract_id = $1", string(e.ID))
		return err
	}); err != nil {
		return fmt.Errorf("writing a file for a publisher: %w", err)
	}
	file := &chunks{ctx: ctx, desk: d, of: e.ID, sum: sha256.New()}
	sealed, err := age.Encrypt(file, to)
	if err != nil {
		return fmt.Errorf("encrypting a file for a publisher: %w", err)
	}
	content := sha256.New()
	table := csv.NewWriter(io.MultiWriter(sealed, content))
	table.UseCRLF = true
	if err := table.Write(Columns); err != nil {
		return err
	}
	m := Manifest{Extract: e.ID, Publisher: e.Publisher, Kind: e.Kind, Made: d.Clock.Now().UTC(), Terms: e.Terms, Columns: Columns, Format: "text/csv; charset=utf-8", Encrypted: "age"}
	for n := range e.parts {
		if err := d.writePart(ctx, e, n, table, &m); err != nil {
			return err
		}
	}
	table.Flush()
	if err := errors.Join(table.Error(), sealed.Close(), file.flush()); err != nil {
		return fmt.Errorf("writing a file for a publisher: %w", err)
	}
	if m.Mills, err = d.price(ctx, e, m.Listings); err != nil {
		return err
	}
	m.Content, m.File, m.Bytes = hex.EncodeToString(content.Sum(nil)), hex.EncodeToString(file.sum.Sum(nil)), file.size
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("writing a manifest: %w", err)
	}
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := one(tx.Exec(ctx, "UPDATE directory_extract SET state = 'ready', claim = '', finished = $1, listings = $2, manifest = $3 WHERE extract_id = $4 AND claim = $5 AND state = 'writing'",
			d.Clock.Now().UnixMicro(), m.Listings, string(text), string(e.ID), string(d.node))); err != nil {
			return nil, err
		}
		return d.noted(ctx, tx, "", e.By, map[string]any{"what": "listings for a publisher", "manifest": m})
	})
	return err
}

// price is what an extract costs by the terms under which it was asked for: the same for every publisher.
//
// cite: P-32, 47 USC 222(e)
func (d *Desk) price(ctx context.Context, e *Extract, listings int64) (int64, error) {
	all, err := d.AllTerms(ctx)
	if err != nil {
		return 0, err
	}
	for _, t := range all {
		if t.Version == e.Terms {
			return listings * map[Kind]int64{Whole: t.Whole, Update: t.Update}[e.Kind], nil
		}
	}
	return 0, nil
}

func (d *Desk) writePart(ctx context.Context, e *Extract, n int64, table *csv.Writer, m *Manifest) error {
	var sealed []byte
	if err := d.DB.Reader().QueryRow(ctx, "SELECT sealed FROM directory_part WHERE extract_id = $1 AND n = $2", string(e.ID), n).Scan(&sealed); err != nil {
		return fmt.Errorf("reading rows of an extract: %w", err)
	}
	plain, err := d.Vault.OpenState(ctx, vault.CarrierID, partPlace(e.ID, n), sealed)
	if err != nil {
		return err
	}
	var rows []row
	if err := json.Unmarshal(plain, &rows); err != nil {
		return fmt.Errorf("reading rows of an extract: %w", err)
	}
	guards := make([]store.Guard, len(rows))
	for i, r := range rows {
		guards[i] = store.Guard{Table: "customer", Key: string(r.Of), Version: r.Version}
	}
	stale, err := d.DB.CheckGuards(ctx, guards)
	if err != nil {
		return err
	}
	now := d.Clock.Now()
	for i, r := range rows {
		if r.Action != deleted && stale[i] {
			stands, err := d.stillStands(ctx, r, now)
			if err != nil {
				return err
			}
			if !stands {
				m.LeftOut++
				continue
			}
		}
		l := r.Listing
		if r.Action == deleted {
			l = customer.Listing{}
			m.Deletions++
		} else {
			m.Listings++
		}
		if err := table.Write([]string{r.Action, r.ID, inert(l.Name), inert(l.Address), l.Number, inert(l.Heading)}); err != nil {
			return fmt.Errorf("writing a file for a publisher: %w", err)
		}
	}
	return nil
}

// inert keeps a spreadsheet from taking a cell for a formula.
func inert(cell string) string {
	if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
		return "'" + cell
	}
	return cell
}

// stillStands reports whether a listing is published now just as it was decided about.
func (d *Desk) stillStands(ctx context.Context, r row, now time.Time) (bool, error) {
	p, _, err := d.Customers.Get(ctx, r.Of)
	if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	l, ok := listed(p.Listings(now), r.Listing.Line)
	return ok && l == r.Listing, nil
}

var errNotReady = cpni.Rejected("NOT_READY", "the file is not there: it is still being made, was stopped, or is no longer kept", clauses, "wait until it is ready, or ask for another extract")

// File gives the file of an extract, encrypted to the publisher, for somebody who hands it over. That it is fetched is on record
// before its first byte leaves, and what customers have changed up to then is taken out of it first.
//
// cite: P-32, P-41, V106, 47 USC 222(h)(3)
func (d *Desk) File(ctx context.Context, id, by cpni.ID, to io.Writer) error {
	if err := d.withdraw(ctx); err != nil {
		return err
	}
	e, err := d.One(ctx, id)
	if err != nil {
		return err
	}
	if e.State == Writing { // something was taken out of it
		if err := d.goOn(ctx, id); err != nil && !errors.Is(err, errLost) {
			return err
		}
	}
	if _, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		now := d.Clock.Now().UnixMicro()
		res, err := tx.Exec(ctx, "UPDATE directory_extract SET fetched = CASE fetched WHEN 0 THEN $1 ELSE fetched END WHERE extract_id = $2 AND state = 'ready'", now, string(id))
		if err != nil {
			return nil, fmt.Errorf("fetching a file: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return nil, errors.Join(err, errNotReady)
		}
		if _, err := tx.Exec(ctx, "DELETE FROM directory_part WHERE extract_id = $1", string(id)); err != nil {
			return nil, fmt.Errorf("fetching a file: %w", err)
		}
		return d.noted(ctx, tx, "", by, map[string]any{"what": "listings fetched for a publisher", "publisher": e.Publisher, "extract": id})
	}); err != nil {
		return err
	}
	for n := int64(0); ; n++ {
		var piece []byte
		err := d.DB.Reader().QueryRow(ctx, "SELECT bytes FROM directory_file WHERE extract_id = $1 AND n = $2", string(id), n).Scan(&piece)
		if store.IsNoRow(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a file: %w", err)
		}
		if _, err := to.Write(piece); err != nil {
			return err
		}
	}
}
