package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"ringfence/internal/cpni"
)

// A table is read with the key of its recipient, by nobody else, and holds exactly what was written.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestTableIsForOneKey(t *testing.T) {
	partner, other := identity(t), identity(t)
	var out bytes.Buffer
	table, err := NewTable(&out, partner.Recipient().String(), []string{"number", "name"}, true)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("Ann, \"the\" Archer ", 9000) // more than the cipher gathers
	for _, row := range [][]string{{"+12025550143", "Ann"}, {"=1+1", long}, {"-5", "@x"}} {
		if err := table.Row(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Row("one"); err == nil {
		t.Error("a row without its last cell is taken")
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	if table.Rows() != 3 || table.Size() != int64(out.Len()) || table.Sum() != sha256.Sum256(out.Bytes()) {
		t.Errorf("%d rows, %d of %d bytes, sum %x", table.Rows(), table.Size(), out.Len(), table.Sum())
	}
	if bytes.Contains(out.Bytes(), []byte("Archer")) {
		t.Error("something is written in the clear")
	}
	if _, err := age.Decrypt(bytes.NewReader(out.Bytes()), other); err == nil {
		t.Error("another key reads it")
	}
	plain := deciphered(t, out.Bytes(), partner)
	want := [][]string{{"number", "name"}, {"+12025550143", "Ann"}, {"'=1+1", long}, {"'-5", "'@x"}}
	if rows := read(t, plain); !slices.EqualFunc(rows, want, slices.Equal) {
		t.Errorf("%.200q", rows)
	}
}

// What is no public key is refused, and a secret one with the rest.
func TestKeysThatAreNone(t *testing.T) {
	for _, key := range []string{"", "age1", "ssh-ed25519 AAAA", identity(t).String(), identity(t).Recipient().String() + "x"} {
		var refusal *cpni.Refusal
		if _, err := NewTable(io.Discard, key, nil, true); !errors.As(err, &refusal) || refusal.Code != "CONFIG" || len(key) > 20 && strings.Contains(err.Error(), key) {
			t.Errorf("%.10q: %v", key, err)
		}
	}
}

func identity(t testing.TB) *age.X25519Identity {
	t.Helper()
	i, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// deciphered gives a table in the clear.
func deciphered(t testing.TB, sealed []byte, by age.Identity) []byte {
	t.Helper()
	r, err := age.Decrypt(bytes.NewReader(sealed), by)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func read(t testing.TB, plain []byte) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(plain)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
