package ledger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Trust is what a verifier knows of a log beforehand.
type Trust struct {
	Key   string // the public key, as VerifierKey gives it
	Known []byte // a checkpoint of before, as signed; nil when there is none. The log must go on from it.
	// Witnesses are those who must have cosigned the log; none: its own signature is enough.
	Witnesses Witnesses
}

// verifier checks the log's signatures; the log's origin is the key's name.
func (t Trust) verifier() (note.Verifier, error) {
	v, err := note.NewVerifier(strings.TrimSpace(t.Key))
	if err != nil {
		return nil, fmt.Errorf("the ledger's public key %q: %w", t.Key, err)
	}
	return v, nil
}

func (t Trust) known(v note.Verifier) (*tlog.Tree, error) {
	if t.Known == nil {
		return nil, nil
	}
	c, err := openCheckpoint(t.Known, v)
	if err != nil {
		return nil, fmt.Errorf("the checkpoint to compare with: %w", err)
	}
	return &c.Tree, nil
}

// openCheckpoint reads a checkpoint of the log that is named as v is, and lets no byte of it be other than it was written.
func openCheckpoint(signed []byte, v note.Verifier) (Checkpoint, error) {
	c, err := parseCheckpoint(signed, note.VerifierList(v))
	if err != nil {
		return c, err
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return c, err
	}
	for _, s := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return c, fmt.Errorf("the checkpoint's signature is not spelled as it was signed: %w", err)
		}
	}
	if c.Origin != v.Name() {
		return c, fmt.Errorf("the checkpoint is of the log %q, not of %q", c.Origin, v.Name())
	}
	return c, nil
}

// VerifyURL verifies the log that is served at base, such as https://ringfence.carrier.example/ledger, entry by entry,
// and reports to w. An error means that it could not be verified; what is wrong with the log is in the result.
//
// cite: P-41
func VerifyURL(ctx context.Context, client *http.Client, base string, trust Trust, w io.Writer) (*Verification, error) {
	a := address{client, base}
	signed, err := a.get(ctx, newestPath)
	if errors.Is(err, errNoTile) { // a mirror, or a log that publishes one checkpoint
		signed, err = a.get(ctx, "checkpoint")
	}
	if errors.Is(err, errNoTile) {
		err = errors.New("no checkpoint is served there: the ledger is empty, or this is not its address")
	}
	if err != nil {
		return nil, err
	}
	notes := [][]byte{signed}
	if len(trust.Witnesses.Keys) > 0 {
		cosigned, err := a.get(ctx, "checkpoint")
		if err != nil {
			return nil, err
		}
		notes = append(notes, cosigned)
	}
	return verifyServed(ctx, a, notes, nil, trust, w)
}

// RecordsFile is the name of the export of records beside the tiles of a folder.
const RecordsFile = "records.jsonl"

// CosignedFile is the name of the newest checkpoint that enough witnesses have cosigned, beside the newest of all.
const CosignedFile = "cosigned"

// VerifyFolder verifies a log in a folder of tiles, as Export writes it or as a mirror keeps it, and, when the folder
// holds an export of the records, each record against its entry.
//
// cite: P-41
func VerifyFolder(ctx context.Context, files fs.FS, trust Trust, w io.Writer) (*Verification, error) {
	signed, err := fs.ReadFile(files, "checkpoint")
	if err != nil {
		return nil, fmt.Errorf("the folder's checkpoint: %w", err)
	}
	notes := [][]byte{signed}
	cosigned, err := fs.ReadFile(files, CosignedFile)
	if err == nil {
		notes = append(notes, cosigned)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the folder's cosigned checkpoint: %w", err)
	}
	records, err := files.Open(RecordsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return verifyServed(ctx, folder{files}, notes, nil, trust, w)
	}
	if err != nil {
		return nil, fmt.Errorf("the folder's records: %w", err)
	}
	defer records.Close()
	return verifyServed(ctx, folder{files}, notes, records, trust, w)
}

// verifyServed verifies what anybody may have of a log, and the export of records when there is one. notes are its newest checkpoint, and
// then the one that witnesses have cosigned, where that is another.
func verifyServed(ctx context.Context, src source, notes [][]byte, records io.Reader, trust Trust, w io.Writer) (*Verification, error) {
	v, err := trust.verifier()
	if err != nil {
		return nil, err
	}
	known, err := trust.known(v)
	if err != nil {
		return nil, err
	}
	q := newInquiry(w)
	q.Origin = v.Name()
	c, err := openCheckpoint(notes[0], v)
	if err != nil {
		q.fault(Fault{BadSignature, NoEntry, "", "the checkpoint", err.Error()})
		return q.end(), nil
	}
	q.Tree = c.Tree
	cosigned, err := q.cosignatures(notes, v, trust.Witnesses)
	if err != nil {
		return nil, err
	}
	b := newBook(q)
	roots, err := q.examine(ctx, src, c.Tree, sizesOf(c.Tree, known, cosigned), b.leaf)
	if err != nil {
		return nil, err
	}
	b.order()
	q.compareKnown(known, c.Tree, roots)
	q.compareCosigned(cosigned, c.Tree, roots)
	if records != nil {
		if err := b.compareExport(ctx, src, records); err != nil {
			return nil, err
		}
	}
	return q.end(), nil
}

// compareKnown finds a log that is older than, or another than, the one of which a checkpoint is known.
func (q *inquiry) compareKnown(known *tlog.Tree, now tlog.Tree, roots map[int64]tlog.Hash) {
	if known == nil || known.N == 0 {
		return
	}
	root, ok := roots[known.N]
	switch {
	case known.N > now.N:
		q.fault(Fault{RolledBack, NoEntry, "", "the checkpoint", fmt.Sprintf("it is of %d entries; %d were signed before", now.N, known.N)})
	case ok && root != known.Hash && len(q.bad) == 0:
		q.fault(Fault{RolledBack, NoEntry, "", "the checkpoint", fmt.Sprintf("the first %d entries are not those that were signed before", known.N)})
	}
}
