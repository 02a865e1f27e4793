package breach

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// Paper is a file that was filed, received or attached. It is kept as it was.
//
// cite: P-51, 47 CFR 64.2011(d)
type Paper struct {
	N     int
	At    time.Time
	Name  string
	Media string
	Hash  [32]byte // SHA-256
}

// MostPaper bounds a paper, in bytes.
const MostPaper = 8 << 20

var errPaper = cpni.Rejected("BAD_INPUT", "the paper is no PDF, JPEG, PNG, mail or text, or is larger than 8 MB", []string{"P-51"}, "scan it as PDF, or save the mail as a file")

// sniff tells what sort of file a paper is, by its own bytes.
func sniff(file []byte) (media string, ok bool) {
	for media, begins := range map[string][]byte{"application/pdf": []byte("%PDF-"), "image/jpeg": {0xff, 0xd8, 0xff}, "image/png": []byte("\x89PNG\r\n\x1a\n")} {
		if bytes.HasPrefix(file, begins) {
			return media, true
		}
	}
	if len(file) > 0 && !bytes.ContainsRune(file, 0) && bytes.Equal(file, bytes.ToValidUTF8(file, nil)) {
		if file[0] == '{' {
			return "application/json", true
		}
		return "text/plain", true
	}
	return "", false
}

func paperPlace(id cpni.ID, n int) string { return fmt.Sprintf("incident-paper/%s/%d", id, n) }

// keep keeps a paper, sealed. It gives its number and its hash; 0 when there is none.
func (m *moved) keep(name string, file []byte) (n int, hash string, err error) {
	if len(file) == 0 {
		return 0, "", nil
	}
	media, ok := sniff(file)
	if !ok || len(file) > MostPaper {
		return 0, "", errPaper
	}
	if err := m.tx.QueryRow(m.ctx, "SELECT coalesce(max(n), 0) + 1 FROM incident_paper WHERE incident_id = $1", string(m.i.ID)).Scan(&n); err != nil {
		return 0, "", fmt.Errorf("reading the papers of an incident: %w", err)
	}
	sealed, err := m.d.Vault.SealTx(m.ctx, m.tx, "", paperPlace(m.i.ID, n), file)
	if err != nil {
		return 0, "", err
	}
	sum := sha256.Sum256(file)
	if _, err := m.tx.Exec(m.ctx, "INSERT INTO incident_paper (incident_id, n, at, name, media, hash, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		string(m.i.ID), n, m.now.UnixMicro(), name, media, sum[:], sealed); err != nil {
		return 0, "", fmt.Errorf("keeping a paper of an incident: %w", err)
	}
	return n, fmt.Sprintf("%x", sum), nil
}

// Papers lists the papers of an incident.
//
// cite: P-51, 47 CFR 64.2011(d)
func (d *Desk) Papers(ctx context.Context, id, by cpni.ID) ([]Paper, error) {
	if err := d.admits(ctx, by, staff.ReadIncidents); err != nil {
		return nil, err
	}
	rows, err := d.DB.Reader().Query(ctx, "SELECT n, at, name, media, hash FROM incident_paper WHERE incident_id = $1 ORDER BY n", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading the papers of an incident: %w", err)
	}
	defer rows.Close()
	var all []Paper
	for rows.Next() {
		var p Paper
		var at int64
		var hash []byte
		if err := rows.Scan(&p.N, &at, &p.Name, &p.Media, &hash); err != nil {
			return nil, fmt.Errorf("reading the papers of an incident: %w", err)
		}
		p.At = time.UnixMicro(at).UTC()
		copy(p.Hash[:], hash)
		all = append(all, p)
	}
	return all, rows.Err()
}

// File gives a paper as it was.
//
// cite: P-51, 47 CFR 64.2011(d)
func (d *Desk) File(ctx context.Context, id, by cpni.ID, n int) (Paper, []byte, error) {
	papers, err := d.Papers(ctx, id, by)
	if err != nil {
		return Paper{}, nil, err
	}
	i := slices.IndexFunc(papers, func(p Paper) bool { return p.N == n })
	if i < 0 {
		return Paper{}, nil, ErrNone
	}
	var sealed []byte
	if err := d.DB.Reader().QueryRow(ctx, "SELECT sealed FROM incident_paper WHERE incident_id = $1 AND n = $2", string(id), n).Scan(&sealed); err != nil {
		return Paper{}, nil, fmt.Errorf("reading a paper of an incident: %w", err)
	}
	file, err := d.Vault.OpenState(ctx, "", paperPlace(id, n), sealed)
	return papers[i], file, err
}
