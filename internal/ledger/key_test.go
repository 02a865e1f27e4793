package ledger_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

func TestKeyFiles(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "ledger.key")
	if err := ledger.NewKeyFile(path, origin); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("the key file has mode %v, %v", i.Mode(), err)
	}
	if err := ledger.NewKeyFile(path, origin); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a key was overwritten: %v", err)
	}
	s, err := ledger.ReadKeyFile(path)
	if err != nil || s.Name() != origin {
		t.Fatalf("%v, %v", s, err)
	}
	if err := ledger.NewKeyFile(filepath.Join(folder, "other.key"), origin); err != nil {
		t.Fatal(err)
	}
	mine, other := strings.Fields(readFile(t, path)), strings.Fields(readFile(t, filepath.Join(folder, "other.key")))
	for name, c := range map[string]struct{ text, want string }{
		"nothing":        {"", "does not hold"},
		"one line":       {mine[0], "does not hold"},
		"no key":         {"x\ny\n", "private key"},
		"no public key":  {mine[0] + "\nx\n", "public key"},
		"not a pair":     {mine[0] + "\n" + other[1], "not a pair"},
		"wrong order":    {mine[1] + "\n" + mine[0], "private key"},
		"a changed byte": {strings.Replace(mine[0], "ledger", "ledgex", 1) + "\n" + mine[1], "private key"},
	} {
		bad := filepath.Join(folder, "bad.key")
		if err := os.WriteFile(bad, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ledger.ReadKeyFile(bad)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), mine[0]) || strings.Contains(err.Error(), "PRIVATE")) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
	if _, err := ledger.ReadKeyFile(filepath.Join(folder, "none.key")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "ringfence key ledger") {
		t.Errorf("a missing key file: %v", err)
	}
}

func TestAnotherKeyDoesNotGoOnWithTheLog(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	newScene(t, db)
	if _, err := ledger.Open(t.Context(), db, ledger.Options{Origin: origin, Signer: key(t), Clock: forward(t, db)}); err == nil {
		t.Error("a log was opened with a key that has not signed it")
	}
}

func TestAnEmptyLedger(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, key(t))
		if err := l.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Newest(t.Context()); !errors.Is(err, ledger.ErrNotYet) {
			t.Errorf("a checkpoint of nothing: %v", err)
		}
		if v := verify(t, db, verifierKey(t, l)); !v.OK() || v.Tree.N != 0 {
			t.Errorf("%+v", v)
		}
		if _, err := ledger.VerifyURL(t.Context(), http.DefaultClient, served(t, l), verifierKey(t, l), io.Discard); err == nil || !strings.Contains(err.Error(), "empty") {
			t.Errorf("by address: %v", err)
		}
		if err := l.Export(t.Context(), t.TempDir()); !errors.Is(err, ledger.ErrNotYet) {
			t.Errorf("exported: %v", err)
		}
		if _, err := l.Prove(t.Context(), "", cpni.NewID()); !errors.Is(err, ledger.ErrNoRecord) {
			t.Errorf("proved: %v", err)
		}
		// What has not been sequenced is durable, and has no proof yet.
		r := commit(t, l, cpni.NewID(), 1, 1)[0]
		if _, err := l.Prove(t.Context(), r.Customer(), r.Entry()); !errors.Is(err, ledger.ErrNotYet) {
			t.Errorf("proved: %v", err)
		}
		if v := verify(t, db, verifierKey(t, l)); !v.OK() || v.Waiting != 1 {
			t.Errorf("%+v", v)
		}
	})
}

// TestACommitIsWholeOrNotAtAll fails a commit in each of its parts and looks for what is left of it.
//
// cite: P-41
func TestACommitIsWholeOrNotAtAll(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, key(t))
		customer := cpni.NewID()
		twice := entry(customer, 1, cpni.Permit)
		boom := errors.New("boom")
		for name, c := range map[string]struct {
			entries []ledger.Entry
			err     error
		}{
			"the caller fails":          {[]ledger.Entry{entry(customer, 1, cpni.Permit)}, boom},
			"an id twice":               {[]ledger.Entry{twice, twice}, nil},
			"no id":                     {[]ledger.Entry{entry(customer, 1, cpni.Permit), {Kind: ledger.Admin}}, nil},
			"a word that is too long":   {[]ledger.Entry{func() ledger.Entry { e := entry(customer, 1, cpni.Deny); e.Actor = strings.Repeat("a", 121); return e }()}, nil},
			"a permit of nothing":       {[]ledger.Entry{func() ledger.Entry { e := entry(customer, 1, cpni.Permit); e.Permits = nil; return e }()}, nil},
			"without its sealed record": {[]ledger.Entry{func() ledger.Entry { e := entry(customer, 1, cpni.Permit); e.Sealed = nil; return e }()}, nil},
		} {
			receipts, err := l.Commit(t.Context(), func(tx *store.Tx) ([]ledger.Entry, error) {
				if err := tx.SetMeta(t.Context(), "other", name); err != nil {
					return nil, err
				}
				return c.entries, c.err
			})
			if err == nil || receipts != nil || c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("%s: receipts %v, %v", name, receipts, err)
			}
		}
		if v, err := db.Meta(t.Context(), "other"); err != nil || v != "" {
			t.Errorf("a failed commit has left %q, %v", v, err)
		}
		if v := verify(t, db, verifierKey(t, l)); !v.OK() || v.Records != 0 || v.Waiting != 0 {
			t.Errorf("%+v", v)
		}
	})
}
