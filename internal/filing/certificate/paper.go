package certificate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Paper is the text or the pages as they were signed, or what proves that they were filed. It is kept as it was.
//
// cite: 47 CFR 64.2009(e)
type Paper struct {
	N     int
	At    time.Time
	Name  string
	Media string
	Hash  [32]byte // SHA-256
}

// MostPaper bounds a paper, in bytes.
const MostPaper = 8 << 20

var errPaper = cpni.Rejected("BAD_INPUT", "the paper is no PDF, JPEG, PNG, mail or text, or is larger than 8 MB", ofCertificate, "scan it as PDF, or save the mail as a file")

// sniff tells what sort of file a paper is, by its own bytes.
func sniff(file []byte) (media string, ok bool) {
	for media, begins := range map[string]string{"application/pdf": "%PDF-", "image/jpeg": "\xff\xd8\xff", "image/png": "\x89PNG\r\n\x1a\n"} {
		if bytes.HasPrefix(file, []byte(begins)) {
			return media, true
		}
	}
	if bytes.ContainsRune(file, 0) || !bytes.Equal(file, bytes.ToValidUTF8(file, nil)) {
		return "", false
	}
	return "text/plain", true
}

func paperPlace(year, n int) string { return fmt.Sprintf("certificate-paper/%d/%d", year, n) }

// keep keeps a paper, sealed, and gives its number; 0 when there is none.
func (m *moved) keep(name string, file []byte) (n int, err error) {
	if len(file) == 0 {
		return 0, nil
	}
	media, ok := sniff(file)
	if !ok || len(file) > MostPaper {
		return 0, errPaper
	}
	if err := m.tx.QueryRow(m.ctx, "SELECT coalesce(max(n), 0) + 1 FROM certificate_paper WHERE year = $1", m.f.Year).Scan(&n); err != nil {
		return 0, fmt.Errorf("reading the papers of a certificate: %w", err)
	}
	sealed, err := m.d.Vault.SealTx(m.ctx, m.tx, "", paperPlace(m.f.Year, n), file)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(file)
	if _, err := m.tx.Exec(m.ctx, "INSERT INTO certificate_paper (year, n, at, name, media, hash, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		m.f.Year, n, m.now.UnixMicro(), name, media, sum[:], sealed); err != nil {
		return 0, fmt.Errorf("keeping a paper of a certificate: %w", err)
	}
	return n, nil
}

// Paper gives a paper as it was.
//
// cite: 47 CFR 64.2009(e)
func (d *Desk) Paper(ctx context.Context, year int, by cpni.ID, n int) (Paper, []byte, error) {
	if _, err := d.One(ctx, year, by); err != nil {
		return Paper{}, nil, err
	}
	p := Paper{N: n}
	var at int64
	var hash, sealed []byte
	err := d.DB.Reader().QueryRow(ctx, "SELECT at, name, media, hash, sealed FROM certificate_paper WHERE year = $1 AND n = $2", year, n).Scan(&at, &p.Name, &p.Media, &hash, &sealed)
	if store.IsNoRow(err) {
		return Paper{}, nil, ErrNone
	}
	if err != nil {
		return Paper{}, nil, fmt.Errorf("reading a paper of a certificate: %w", err)
	}
	p.At = time.UnixMicro(at).UTC()
	copy(p.Hash[:], hash)
	file, err := d.Vault.OpenState(ctx, "", paperPlace(year, n), sealed)
	return p, file, err
}
