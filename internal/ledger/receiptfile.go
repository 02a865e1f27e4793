package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/cpni"
)

// ReceiptFile is what somebody takes home of one entry: enough for a stranger to see, without this program and without
// asking anybody, that the entry stands in the log that the carrier has signed, and what it says.
//
// Proof is in the form of C2SP tlog-proof, which holds the signed checkpoint too. Record is what was recorded, to the byte,
// with the salt at its beginning; its SHA-256 stands in the leaf. Without Record the file proves that the entry is there and
// tells nothing of what it says.
//
// cite: P-41, 47 CFR 64.2009(c)
type ReceiptFile struct {
	Format string `json:"format"`
	Log    string `json:"log"` // the log's name, the first line of its checkpoints
	Key    string `json:"key"` // the log's public key, to be compared with the one that the carrier publishes
	Leaf   string `json:"leaf"`
	Proof  string `json:"proof"`
	Record string `json:"record,omitempty"`
}

const (
	receiptFormat = "ringfence receipt 1"
	proofHeader   = "c2sp.org/tlog-proof@v1"
)

// ReceiptFile makes the file of an entry that is in the tree; ErrNotYet: it is not yet. record is the opened record, or nil.
func (l *Ledger) ReceiptFile(ctx context.Context, customer, id cpni.ID, record []byte) (ReceiptFile, error) {
	in, err := l.Prove(ctx, customer, id)
	if err != nil {
		return ReceiptFile{}, err
	}
	return ReceiptFile{Format: receiptFormat, Log: l.origin, Key: l.VerifierKey(), Leaf: string(in.Leaf), Proof: in.text(), Record: string(record)}, nil
}

// text is the proof in the form of C2SP tlog-proof.
func (in Inclusion) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nindex %d\n", proofHeader, in.Index)
	for _, h := range in.Proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	return b.String() + "\n" + string(in.Checkpoint)
}

// Bytes is the file as it is handed over. Only these bytes are the file: VerifyReceipt takes no others.
func (f ReceiptFile) Bytes() ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(f); err != nil {
		return nil, fmt.Errorf("writing a receipt: %w", err)
	}
	return b.Bytes(), nil
}

// VerifiedReceipt is what a receipt that holds says.
type VerifiedReceipt struct {
	Log    string
	Leaf   Leaf
	Index  int64     // of the leaf in the tree
	Tree   tlog.Tree // that was signed
	Record []byte    // as it was recorded; nil: the file does not tell
}

// ErrReceipt: a file is no receipt of the log whose key was given.
var ErrReceipt = errors.New("this receipt does not hold")

// mostReceipt bounds the file of a receipt, in bytes.
const mostReceipt = 1 << 20

// VerifyReceipt verifies a receipt against the public key of its log, and nothing else: no network, no database.
//
// cite: P-41
func VerifyReceipt(file io.Reader, key string) (VerifiedReceipt, error) {
	none := VerifiedReceipt{}
	bad := func(format string, a ...any) (VerifiedReceipt, error) {
		return none, fmt.Errorf("%w: %w", ErrReceipt, fmt.Errorf(format, a...))
	}
	v, err := Trust{Key: key}.verifier()
	if err != nil {
		return none, err
	}
	text, err := io.ReadAll(io.LimitReader(file, mostReceipt+1))
	if err != nil {
		return none, fmt.Errorf("reading the receipt: %w", err)
	}
	if len(text) > mostReceipt {
		return bad("it is larger than any receipt")
	}
	var f ReceiptFile
	if err := json.Unmarshal(text, &f); err != nil {
		return bad("it is not written as receipts are: %w", err)
	}
	if again, err := f.Bytes(); err != nil || !bytes.Equal(again, text) {
		return bad("it is not to the byte as it was handed over")
	}
	switch {
	case f.Format != receiptFormat:
		return bad("it is of the form %.40q, not of %q", f.Format, receiptFormat)
	case f.Key != strings.TrimSpace(key):
		return bad("it names another key than the one that you gave")
	case f.Log != v.Name():
		return bad("it is of the log %.100q, not of %q", f.Log, v.Name())
	}
	out := VerifiedReceipt{Log: f.Log}
	if out.Leaf, err = ParseLeaf([]byte(f.Leaf)); err != nil {
		return bad("%w", err)
	}
	if out.Index, out.Tree, err = checkProof(f.Proof, f.Leaf, v); err != nil {
		return bad("%w", err)
	}
	if f.Record == "" {
		return out, nil
	}
	if sha256.Sum256([]byte(f.Record)) != out.Leaf.Commitment {
		return bad("the record is not the one of which the leaf holds the hash")
	}
	out.Record = []byte(f.Record)
	return out, nil
}

// checkProof checks a proof in the form of C2SP tlog-proof.
func checkProof(text, leaf string, v note.Verifier) (index int64, tree tlog.Tree, err error) {
	head, signed, ok := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 2 || lines[0] != proofHeader {
		return 0, tree, fmt.Errorf("the proof is not of the form %s", proofHeader)
	}
	number, ok := strings.CutPrefix(lines[1], "index ")
	if index, err = strconv.ParseInt(number, 10, 64); !ok || err != nil || index < 0 || strconv.FormatInt(index, 10) != number {
		return 0, tree, errors.New("the proof does not say which leaf it is about")
	}
	var path tlog.RecordProof
	for _, line := range lines[2:] {
		b, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(b) != tlog.HashSize {
			return 0, tree, errors.New("a hash of the proof is none")
		}
		path = append(path, tlog.Hash(b))
	}
	c, err := openCheckpoint([]byte(signed), v)
	if err != nil {
		return 0, tree, err
	}
	if index >= c.Tree.N {
		return 0, tree, errors.New("the leaf stands behind the end of the signed tree")
	}
	if err := tlog.CheckRecord(path, c.Tree.N, c.Tree.Hash, index, tlog.RecordHash([]byte(leaf))); err != nil {
		return 0, tree, errors.New("the leaf does not lead to the signed root")
	}
	return index, c.Tree, nil
}
