// Package bundle is the file of an incident as it is handed over to a stranger: one archive with the dossier, every step to the byte, the
// proof that the ledger holds each, the papers and the clocks, under one signature with the ledger's key. It is made where the incidents are
// kept and checked anywhere, without a database and without asking anybody.
//
// cite: P-41, P-49, P-51, 47 CFR 64.2011(d)
package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// The sorts of statements that are signed (ledger.Ledger.Sign): over a bundle, and over a dossier alone.
const (
	Sort        = "ringfence incident 1"
	DossierSort = "ringfence incident dossier 1"
)

// Files of a bundle. Below steps/ and papers/ lie those of each step and paper.
const (
	Signature = "SIGNATURE"
	Sums      = "SHA256SUMS"
	Dossier   = "dossier.pdf"
	Whole     = "incident.json"
	Clocks    = "clocks.json"
	Readme    = "README.txt"
)

func stepFile(n int) string    { return fmt.Sprintf("steps/%04d.json", n) }
func receiptFile(n int) string { return fmt.Sprintf("steps/%04d.receipt.json", n) }
func entryFile(n int) string   { return fmt.Sprintf("steps/%04d.entry.json", n) }

// endings are how files of papers end, by their media.
var endings = map[string]string{"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png", "application/json": ".json", "text/plain": ".txt"}

// paperFile names the file of a paper.
func paperFile(n int, name, media string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}, strings.ToLower(name))
	ending := endings[media]
	if ending == "" {
		ending = ".bin"
	}
	return fmt.Sprintf("papers/%04d-%.40s%s", n, plain, ending)
}

// Incident is what the bundle says of the whole in one file for programs.
type Incident struct {
	Format   string    `json:"format"`
	Log      string    `json:"log"` // the ledger's name
	Key      string    `json:"key"` // its public key, to be compared with the one that the carrier publishes
	ID       cpni.ID   `json:"id"`
	Number   string    `json:"number"`
	Exercise bool      `json:"exercise,omitempty"`
	Made     time.Time `json:"made"`
	Steps    []Step    `json:"steps"`
}

// Step is one step of the history.
type Step struct {
	N     int             `json:"n"`
	At    time.Time       `json:"at"` // when it was recorded; in a rehearsal, on its clock
	What  string          `json:"what"`
	By    string          `json:"by"`
	Entry cpni.ID         `json:"entry"` // of the ledger
	Hash  string          `json:"hash"`  // SHA-256 of what it tells, to the byte, which stands in a file of its own
	Tells json.RawMessage `json:"tells"`

	Receipt ledger.ReceiptFile `json:"-"`
	Row     ledger.Entry       `json:"-"` // as it is stored
}

// Paper is a paper that goes with it. Read gives it when its turn comes.
type Paper struct {
	N           int
	Name, Media string
	Hash        [32]byte
	Read        func() ([]byte, error)
}

// row is an entry as it is stored, from which its digest can be made again.
type row struct {
	ID         cpni.ID `json:"id"`
	Kind       string  `json:"kind"`
	At         int64   `json:"at"` // microseconds since 1970 UTC
	Actor      string  `json:"actor"`
	Outcome    string  `json:"outcome"`
	Code       string  `json:"code,omitempty"`
	Commitment []byte  `json:"commitment"`
	Sealed     []byte  `json:"sealed"`
}

func rowOf(e ledger.Entry) row {
	return row{e.ID, string(e.Kind), e.At.UnixMicro(), e.Actor, string(e.Outcome), string(e.Code), e.Commitment[:], e.Sealed}
}

func (r row) entry() ledger.Entry {
	e := ledger.Entry{ID: r.ID, Kind: ledger.Kind(r.Kind), At: time.UnixMicro(r.At).UTC(), Actor: r.Actor, Outcome: cpni.Outcome(r.Outcome), Code: cpni.Code(r.Code), Sealed: r.Sealed}
	copy(e.Commitment[:], r.Commitment)
	return e
}

// file is one file of a bundle.
type file struct {
	name string
	hash [32]byte
	read func() ([]byte, error)
}

func ready(name string, b []byte) file {
	return file{name, sha256.Sum256(b), func() ([]byte, error) { return b, nil }}
}

// Bundle is an archive that can be written. Its papers are read while it is.
type Bundle struct {
	Incident Incident
	files    []file
}

// Signer signs a statement with the ledger's key.
type Signer func(sort string, lines ...string) ([]byte, error)

// Make puts a bundle together and has it signed. clocks are written as JSON.
//
// cite: P-41, P-51, 47 CFR 64.2011(d)
func Make(i Incident, dossier []byte, clocks any, papers []Paper, sign Signer) (*Bundle, error) {
	i.Format, i.Made = Sort, i.Made.UTC()
	b := &Bundle{Incident: i, files: []file{ready(Readme, []byte(readme(i))), ready(Dossier, dossier)}}
	add := func(name string, v any) error {
		text, err := written(v)
		b.files = append(b.files, ready(name, text))
		return err
	}
	if err := add(Whole, i); err != nil {
		return nil, err
	}
	if err := add(Clocks, clocks); err != nil {
		return nil, err
	}
	for _, s := range i.Steps {
		b.files = append(b.files, ready(stepFile(s.N), s.Tells))
		text, err := s.Receipt.Bytes()
		if err != nil {
			return nil, err
		}
		b.files = append(b.files, ready(receiptFile(s.N), text))
		if err := add(entryFile(s.N), rowOf(s.Row)); err != nil {
			return nil, err
		}
	}
	for _, p := range papers {
		b.files = append(b.files, file{paperFile(p.N, p.Name, p.Media), p.Hash, p.Read})
	}
	sums := b.sums()
	signed, err := sign(Sort, statement(i, sha256.Sum256(dossier), sha256.Sum256(sums))...)
	if err != nil {
		return nil, fmt.Errorf("signing the bundle of an incident: %w", err)
	}
	b.files = append(b.files, ready(Sums, sums), ready(Signature, signed))
	return b, nil
}

// statement is what is signed, beside its sort.
func statement(i Incident, dossier, sums [32]byte) []string {
	return []string{"incident " + i.Number + " " + string(i.ID), "made " + i.Made.Format(time.RFC3339Nano), fmt.Sprintf("steps %d", len(i.Steps)), fmt.Sprintf("%s %x", Dossier, dossier), fmt.Sprintf("%s %x", Sums, sums)}
}

// written writes JSON as a bundle holds it: for people too, and its texts as they are.
func written(v any) ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(v); err != nil {
		return nil, fmt.Errorf("writing the bundle of an incident: %w", err)
	}
	return b.Bytes(), nil
}

// sums lists the files with their hashes, as sha256sum reads them.
func (b *Bundle) sums() []byte {
	var out bytes.Buffer
	for _, f := range b.files {
		fmt.Fprintf(&out, "%x  %s\n", f.hash, f.name)
	}
	return out.Bytes()
}

// Hash is the SHA-256 of the list of the bundle's files.
func (b *Bundle) Hash() [32]byte { return b.files[len(b.files)-2].hash }

// Write writes the archive. Nothing in it is compressed, so that what is read out of it is what lies in it.
func (b *Bundle) Write(to io.Writer) error {
	out := zip.NewWriter(to)
	for _, f := range b.files {
		content, err := f.read()
		if err != nil {
			return fmt.Errorf("writing the bundle of an incident: %w", err)
		}
		if sha256.Sum256(content) != f.hash {
			return fmt.Errorf("writing the bundle of an incident: %s is not what its hash says", f.name)
		}
		w, err := out.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Store, Modified: b.Incident.Made})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			return fmt.Errorf("writing the bundle of an incident: %w", err)
		}
	}
	return out.Close()
}
