package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Manifest says what a file is: it goes with the file, in the clear, and names no customer. Times are UTC.
//
// cite: P-41, 47 CFR 64.2009(c)
type Manifest struct {
	Format    string           `json:"format"`
	Export    cpni.ID          `json:"export"`
	Campaign  cpni.ID          `json:"campaign,omitempty"`
	Partner   string           `json:"partner"`
	Purpose   cpni.Purpose     `json:"purpose"`
	Basis     string           `json:"legal_basis"`
	Data      []cpni.DataClass `json:"data"`
	Columns   []string         `json:"columns"`
	Months    []int            `json:"months"`
	Agreement string           `json:"agreement,omitempty"`
	DestroyBy time.Time        `json:"destroy_by"`
	Made      time.Time        `json:"made"`
	Rows      int64            `json:"rows"`
	// Parts are the pieces of the file in their order. Each is enciphered by itself; deciphered and put one behind the other they are one
	// table, whose head is in the first.
	Parts []ManifestPart `json:"parts"`
	// File is the SHA-256 of all parts as they are, one behind the other by their hashes: of the lines "HASH NAME".
	File string `json:"file_sha256"`
	// Customers is the SHA-256 over the parts' hashes of their references, in hexadecimal, a line each.
	Customers string          `json:"customers_sha256"`
	Key       string          `json:"enciphered_to"`
	Ledger    ManifestEntries `json:"ledger"`
	Watermark string          `json:"watermark"`
}

// ManifestPart is one piece of a file.
type ManifestPart struct {
	Name      string `json:"name"`
	Rows      int64  `json:"rows"`
	Size      int64  `json:"size"`
	Sum       string `json:"sha256"`
	Customers string `json:"customers_sha256"` // of the references of its rows, in their order, a line each
}

// ManifestEntries tells where the ledger has what was handed out: an entry for each customer who was looked at.
type ManifestEntries struct {
	Origin string  `json:"origin"`
	First  cpni.ID `json:"first"`
	Last   cpni.ID `json:"last"`
	Count  int64   `json:"count"` // customers who were looked at, also those who are left out
}

const manifestFormat = "ringfence export v1: age files (X25519), inside them one table as RFC 4180 has it, in UTF-8"

func partName(no int64) string { return fmt.Sprintf("part-%04d.csv.age", no) }

// Manifest gives the manifest of an export whose file is finished.
func (x *Exports) Manifest(ctx context.Context, id cpni.ID) (Manifest, error) {
	e, err := x.One(ctx, id)
	if err != nil {
		return Manifest{}, err
	}
	if e.Sealed.IsZero() {
		return Manifest{}, ErrState
	}
	return x.manifest(ctx, x.DB.Reader(), e)
}

func (x *Exports) manifest(ctx context.Context, q store.Querier, e Export) (Manifest, error) {
	m := Manifest{Format: manifestFormat, Export: e.ID, Campaign: e.Spec.Campaign, Partner: e.Spec.Partner, Purpose: e.Spec.Purpose, Basis: e.Spec.Basis, Data: e.Spec.Data,
		Columns: append([]string{Reference}, e.Spec.Columns...), Months: e.Spec.Months, Agreement: e.Spec.Agreement, DestroyBy: e.DestroyBy, Made: e.Sealed, Rows: e.Rows, Parts: []ManifestPart{},
		Key: e.Spec.Key, Ledger: ManifestEntries{x.Ledger.Origin(), e.First, e.Last, e.Decided}, Watermark: MarkScheme}
	rows, err := q.Query(ctx, "SELECT part, held, size, sum, marks FROM export_part WHERE export_id = $1 ORDER BY part", string(e.ID))
	if err != nil {
		return m, fmt.Errorf("reading the parts of a file: %w", err)
	}
	defer rows.Close()
	file, customers := sha256.New(), sha256.New()
	for rows.Next() {
		var p ManifestPart
		var no int64
		var sum, marks []byte
		if err := rows.Scan(&no, &p.Rows, &p.Size, &sum, &marks); err != nil {
			return m, fmt.Errorf("reading the parts of a file: %w", err)
		}
		p.Name, p.Sum, p.Customers = partName(no), hex.EncodeToString(sum), hex.EncodeToString(marks)
		fmt.Fprintf(file, "%s %s\n", p.Sum, p.Name)
		fmt.Fprintf(customers, "%s\n", p.Customers)
		m.Parts = append(m.Parts, p)
	}
	m.File, m.Customers = hex.EncodeToString(file.Sum(nil)), hex.EncodeToString(customers.Sum(nil))
	return m, rows.Err()
}

// encode gives a manifest as it goes with the file, and its SHA-256 in hexadecimal, which the ledger has on record.
func (m Manifest) encode() (text []byte, sum string, err error) {
	if text, err = json.MarshalIndent(m, "", "  "); err != nil {
		return nil, "", fmt.Errorf("writing a manifest: %w", err)
	}
	text = append(text, '\n')
	h := sha256.Sum256(text)
	return text, hex.EncodeToString(h[:]), nil
}
