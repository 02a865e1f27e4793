package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// takenHome commits one entry with a record and gives its receipt as a file.
func takenHome(t *testing.T, s scene, record []byte) []byte {
	t.Helper()
	e := entry(s.customer, 1, cpni.Permit)
	e.Commitment = sha256.Sum256(record)
	if _, err := s.l.Commit(t.Context(), func(*store.Tx) ([]ledger.Entry, error) { return []ledger.Entry{e}, nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.l.ReceiptFile(t.Context(), s.customer, e.ID, record); !errors.Is(err, ledger.ErrNotYet) {
		t.Errorf("before it is in the tree: %v", err)
	}
	if err := s.l.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, err := s.l.ReceiptFile(t.Context(), s.customer, e.ID, record)
	if err != nil {
		t.Fatal(err)
	}
	file, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// A receipt is verified by code that is not ours: the proof and its checkpoint by torchwood, the record by sha256sum.
//
// cite: P-41
func TestStrangersVerifyAReceipt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newScene(t, db)
		record := []byte(`{"salt":"c2FsdA","says":"<a>, \"b\" & é"}`)
		file := takenHome(t, s, record)
		var f map[string]string
		if err := json.Unmarshal(file, &f); err != nil {
			t.Fatal(err)
		}
		policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(verifierOf(t, s.l)))
		if err := torchwood.VerifyProof(policy, tlog.RecordHash([]byte(f["leaf"])), []byte(f["proof"])); err != nil {
			t.Errorf("torchwood: %v", err)
		}
		if err := torchwood.VerifyProof(policy, tlog.RecordHash([]byte(f["leaf"]+" ")), []byte(f["proof"])); err == nil {
			t.Error("torchwood takes another leaf; it was not really checking")
		}
		path := filepath.Join(t.TempDir(), "record.json")
		if err := os.WriteFile(path, []byte(f["record"]), 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := exec.Command("sha256sum", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		sum, err := base64.RawStdEncoding.DecodeString(strings.Fields(f["leaf"])[5])
		if err != nil {
			t.Fatal(err)
		}
		if hex := strings.Fields(string(said))[0]; hex != strings.ToLower(hexOf(sum)) || f["record"] != string(record) {
			t.Errorf("sha256sum says %s, the leaf %s", hex, hexOf(sum))
		}
		r, err := ledger.VerifyReceipt(bytes.NewReader(file), s.l.VerifierKey())
		if err != nil || !bytes.Equal(r.Record, record) || r.Tree.N != inTree+6 || r.Index != inTree+5 || r.Leaf.Commitment != sha256.Sum256(record) {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var out []byte
	for _, x := range b {
		out = append(out, digits[x>>4], digits[x&15])
	}
	return string(out)
}

// No byte of a receipt can be another, none can be missing or more, and another log's key verifies none of it.
//
// cite: P-41
func TestReceiptChangedByAByte(t *testing.T) {
	s := newScene(t, storetest.Open(t, "memory:"))
	file := takenHome(t, s, []byte(`{"salt":"c2FsdA","says":"what was decided"}`))
	key := s.l.VerifierKey()
	for i := range file {
		other := bytes.Clone(file)
		other[i] ^= 1
		if _, err := ledger.VerifyReceipt(bytes.NewReader(other), key); !errors.Is(err, ledger.ErrReceipt) {
			t.Errorf("byte %d, %q for %q: %v", i, other[i], file[i], err)
		}
	}
	for name, other := range map[string][]byte{"shorter": file[:len(file)-1], "longer": append(bytes.Clone(file), '\n'), "empty": nil, "twice": append(bytes.Clone(file), file...), "vast": bytes.Repeat([]byte(" "), 2<<20)} {
		if _, err := ledger.VerifyReceipt(bytes.NewReader(other), key); !errors.Is(err, ledger.ErrReceipt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	another, err := ledger.NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.VerifyReceipt(bytes.NewReader(file), ledger.PublicKey(another)); !errors.Is(err, ledger.ErrReceipt) {
		t.Errorf("another's key: %v", err)
	}
	if _, err := s.l.ReceiptFile(t.Context(), cpni.NewID(), cpni.NewID(), nil); !errors.Is(err, ledger.ErrNoRecord) {
		t.Errorf("of nothing: %v", err)
	}
}
