package main

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// A receipt that somebody has taken home is verified on a machine that has nothing else, and one of which a byte is another is
// none.
//
// cite: P-41
func TestVerifyReceipt(t *testing.T) {
	db, err := store.Open(t.Context(), "memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	signer, err := ledger.NewKey("carrier.example/ledger")
	if err != nil {
		t.Fatal(err)
	}
	clock, err := store.Forward(t.Context(), cpni.ClockFunc(time.Now), db)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), db, ledger.Options{Origin: "carrier.example/ledger", Signer: signer, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	record := []byte(`{"salt":"c2FsdA","says":"what was decided"}`)
	e := ledger.Entry{Customer: cpni.NewID(), ID: cpni.NewTimedID(clock.Now()), Kind: ledger.Decision, At: clock.Now(), Outcome: cpni.Deny, Commitment: sha256.Sum256(record), Sealed: []byte("sealed")}
	if _, err := l.Commit(t.Context(), func(*store.Tx) ([]ledger.Entry, error) { return []ledger.Entry{e}, nil }); err != nil {
		t.Fatal(err)
	}
	if err := l.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, err := l.ReceiptFile(t.Context(), e.Customer, e.ID, record)
	if err != nil {
		t.Fatal(err)
	}
	text, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "receipt.json")
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	out := mustRun(t, "verify", "--receipt", path, "--key", l.VerifierKey())
	for _, want := range []string{"The receipt holds", string(e.ID), "carrier.example/ledger", string(record)} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q: %s", want, out)
		}
	}
	if code, out := command("verify", "--receipt", path); code == 0 || !strings.Contains(out, "--key is needed") {
		t.Errorf("without a key: %d %s", code, out)
	}
	if code, _ := command("verify", "--receipt", path, "--url", "https://x.example", "--key", l.VerifierKey()); code == 0 {
		t.Error("a receipt and an address together")
	}
	write(bytes.Replace(text, []byte("decided"), []byte("derided"), 1))
	if code, out := command("verify", "--receipt", path, "--key", l.VerifierKey()); code != 1 || !strings.Contains(out, "does not hold") {
		t.Errorf("with another byte: %d %s", code, out)
	}
}
