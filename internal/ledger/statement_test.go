package ledger_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"ringfence/internal/ledger"
	"ringfence/internal/store/storetest"
)

// A statement is opened with the log's key and no other, to the byte, and is never a checkpoint, nor a checkpoint a statement.
//
// cite: P-41, P-51
func TestStatements(t *testing.T) {
	signer := key(t)
	l := open(t, storetest.Open(t, "memory:"), signer)
	signed, err := l.Sign("ringfence incident 1", "incident I-2026-1", "steps 7")
	if err != nil {
		t.Fatal(err)
	}
	if lines, err := ledger.OpenStatement(signed, "ringfence incident 1", l.VerifierKey()); err != nil || !slices.Equal(lines, []string{"incident I-2026-1", "steps 7"}) {
		t.Errorf("opened as %q, %v", lines, err)
	}
	if _, err := ledger.OpenStatement(signed, "ringfence report 1", l.VerifierKey()); !errors.Is(err, ledger.ErrStatement) {
		t.Errorf("as one of another sort: %v", err)
	}
	if _, err := ledger.OpenStatement(signed, "ringfence incident 1", ledger.PublicKey(key(t))); !errors.Is(err, ledger.ErrStatement) {
		t.Errorf("with another key: %v", err)
	}
	for i := range signed {
		other := bytes.Clone(signed)
		other[i] ^= 1
		if _, err := ledger.OpenStatement(other, "ringfence incident 1", l.VerifierKey()); err == nil {
			t.Errorf("with another byte %d it holds: %q", i, other)
		}
	}
	for _, lines := range [][]string{{"ringfence incident 1"}, {origin, "7", "root"}, {"ringfence incident 1", ""}, {"ringfence incident 1", "a\nb"}, {"incident", "a"}} {
		if _, err := l.Sign(lines[0], lines[1:]...); err == nil {
			t.Errorf("%q was signed", lines)
		}
	}
}
