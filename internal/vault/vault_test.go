package vault_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// world is a vault with a ledger beside it.
type world struct {
	db     *store.DB
	vault  *vault.Vault
	ledger *ledger.Ledger
}

func open(t testing.TB, db *store.DB, m *vault.Master) world {
	t.Helper()
	v, err := vault.Open(t.Context(), db, m)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewKey("ledger.test.example")
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), db, ledger.Options{Origin: "ledger.test.example", Signer: signer, Clock: cpni.ClockFunc(time.Now)})
	if err != nil {
		t.Fatal(err)
	}
	return world{db, v, l}
}

func (w world) customer(t testing.TB) cpni.ID {
	t.Helper()
	id := cpni.NewID()
	if err := w.db.Tx(t.Context(), func(tx *store.Tx) error { return w.vault.NewCustomerKey(t.Context(), tx, id) }); err != nil {
		t.Fatal(err)
	}
	return id
}

// receipt records a permit for classes, as the door does.
func (w world) receipt(t testing.TB, customer cpni.ID, classes ...cpni.DataClass) ledger.Receipt {
	t.Helper()
	sealed := []byte("sealed")
	r, err := w.ledger.Commit(t.Context(), func(*store.Tx) ([]ledger.Entry, error) {
		return []ledger.Entry{{Customer: customer, ID: cpni.NewTimedID(time.Now()), Kind: ledger.Decision, At: time.Now(), Outcome: cpni.Permit,
			Permits: classes, Commitment: sha256.Sum256(sealed), Sealed: sealed}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r[0]
}

func (w world) merge(t testing.TB, p ...vault.Portion) vault.Merged {
	t.Helper()
	var m vault.Merged
	if err := w.db.Tx(t.Context(), func(tx *store.Tx) (err error) {
		m, err = w.vault.MergeCalls(t.Context(), tx, p)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return m
}

var noon = time.Date(2026, 2, 11, 18, 2, 0, 0, time.UTC)

func calls(n int) []vault.Call {
	all := make([]vault.Call, n)
	for i := range all {
		all[i] = vault.Call{At: noon.Add(time.Duration(i) * 37 * time.Minute), Seconds: i * 7, Answered: i%3 != 0, Out: i%2 == 0,
			Number: fmt.Sprintf("+1703555%04d", i%23), ID: uint64(i)*0x9e3779b97f4a7c15 + 5}
	}
	return all
}

// cite: P-41, P-01
func TestCallsOpenOnlyAgainstTheirReceipt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := open(t, db, vault.NewMaster())
		ann, ben := w.customer(t), w.customer(t)
		if m := w.merge(t, vault.Portion{Customer: ann, Line: 1, Month: 202602, Calls: calls(40)}); m.Added != 40 {
			t.Fatalf("%+v", m)
		}
		if m := w.merge(t, vault.Portion{Customer: ann, Line: 1, Month: 202602, Calls: calls(40)}); m.Same != 40 || m.Added+m.Changed != 0 {
			t.Fatalf("merging again: %+v", m)
		}
		got, err := w.vault.ReadCalls(t.Context(), w.receipt(t, ann, cpni.CallDetail), 1, []int{202601, 202602})
		if err != nil || len(got) != 40 || !got[0].At.Equal(noon) {
			t.Fatalf("%d calls, %v", len(got), err)
		}
		for name, r := range map[string]ledger.Receipt{"the zero receipt": {}, "a receipt for billing": w.receipt(t, ann, cpni.Billing)} {
			if _, err := w.vault.ReadCalls(t.Context(), r, 1, []int{202602}); !errors.Is(err, vault.ErrNotCovered) {
				t.Errorf("%s opened calls: %v", name, err)
			}
		}
		if got, err := w.vault.ReadCalls(t.Context(), w.receipt(t, ben, cpni.CallDetail), 1, []int{202602}); err != nil || len(got) != 0 {
			t.Errorf("another's receipt gave %d calls, %v", len(got), err)
		}
		fetched := vault.Fetch(ann)
		if err := fetched.Calls(t.Context(), db.Reader(), 1, []int{202602}); err != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]ledger.Receipt{"another's receipt": w.receipt(t, ben, cpni.CallDetail), "the zero receipt": {}, "a receipt for billing": w.receipt(t, ann, cpni.Billing)} {
			if _, err := w.vault.OpenCalls(t.Context(), r, fetched, 1, []int{202602}); !errors.Is(err, vault.ErrNotCovered) {
				t.Errorf("%s opened what was fetched: %v", name, err)
			}
			if _, err := w.vault.OpenItems(t.Context(), r, fetched, cpni.Usage); !errors.Is(err, vault.ErrNotCovered) {
				t.Errorf("%s opened items: %v", name, err)
			}
		}
		if got, err := w.vault.OpenCalls(t.Context(), w.receipt(t, ann, cpni.CallDetail), fetched, 1, []int{202602}); err != nil || len(got) != 40 {
			t.Errorf("%d calls out of what was fetched, %v", len(got), err)
		}
	})
}

func TestSealedRowsCannotBeMoved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := open(t, db, vault.NewMaster())
		ann, ben := w.customer(t), w.customer(t)
		w.merge(t, vault.Portion{Customer: ann, Line: 1, Month: 202602, Calls: calls(5)})
		for _, to := range []struct {
			customer    cpni.ID
			line, month int
		}{{ben, 1, 202602}, {ann, 2, 202602}, {ann, 1, 202603}} {
			if err := db.Tx(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), `INSERT INTO call_segment SELECT $1, $2, $3, calls, sealed FROM call_segment WHERE customer_id = $4 AND line = 1 AND month = 202602`,
					string(to.customer), to.line, to.month, string(ann))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.vault.ReadCalls(t.Context(), w.receipt(t, to.customer, cpni.CallDetail), to.line, []int{to.month}); !errors.Is(err, vault.ErrSealBroken) {
				t.Errorf("a segment moved to %v opened: %v", to, err)
			}
		}
	})
}

func TestKeysRotateWhileTheVaultIsRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		old, next := vault.NewMaster(), vault.NewMaster()
		w := open(t, db, old)
		ids := make([]cpni.ID, 20)
		for i := range ids {
			ids[i] = w.customer(t)
			w.merge(t, vault.Portion{Customer: ids[i], Line: 1, Month: 202602, Calls: calls(3)})
		}
		index := w.vault.BlindIndex("number", "+12025550101")
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return w.vault.RotateCustomer(t.Context(), tx, ids[0]) }); err != nil {
			t.Fatal(err)
		}
		if err := w.vault.Rotate(t.Context(), next, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := vault.Open(t.Context(), db, old); !errors.Is(err, vault.ErrOtherKey) {
			t.Errorf("the old master key still opens: %v", err)
		}
		again := open(t, db, next)
		if !bytes.Equal(again.vault.BlindIndex("number", "+12025550101"), index) {
			t.Error("look-ups changed with the rotation")
		}
		for _, id := range ids {
			if got, err := again.vault.ReadCalls(t.Context(), again.receipt(t, id, cpni.CallDetail), 1, []int{202602}); err != nil || len(got) != 3 {
				t.Fatalf("after rotation: %d calls, %v", len(got), err)
			}
		}
	})
}

// TestForgottenIsGoneFromEveryFile searches every file of the database for what it held. I-21, and the database thief.
func TestForgottenIsGoneFromEveryFile(t *testing.T) {
	url := storetest.SQLite(t)
	folder := filepath.Dir(strings.TrimPrefix(url, "sqlite:"))
	w := open(t, storetest.Open(t, url), vault.NewMaster())
	ann := w.customer(t)
	w.merge(t, vault.Portion{Customer: ann, Line: 1, Month: 202602, Calls: calls(30)})
	state, err := w.vault.Seal(t.Context(), ann, "profile", []byte("Ann Archer of Springfield"))
	if err != nil {
		t.Fatal(err)
	}
	var wrapped []byte
	if err := w.db.Reader().QueryRow(t.Context(), "SELECT wrapped FROM customer_key WHERE customer_id = $1", string(ann)).Scan(&wrapped); err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"Ann Archer", "17035550", "Springfield"} {
		if name := foundIn(t, folder, []byte(plain)); name != "" {
			t.Errorf("%q lies readable in %s", plain, name)
		}
	}
	if foundIn(t, folder, wrapped) == "" {
		t.Fatal("the search does not find what is surely there")
	}
	if err := w.db.Tx(t.Context(), func(tx *store.Tx) error { return w.vault.Forget(t.Context(), tx, ann) }); err != nil {
		t.Fatal(err)
	}
	if err := w.vault.Scrub(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	if name := foundIn(t, folder, wrapped); name != "" {
		t.Errorf("the destroyed key still lies in %s", name)
	}
	if _, err := w.vault.OpenState(t.Context(), ann, "profile", state); !errors.Is(err, vault.ErrForgotten) {
		t.Errorf("a forgotten customer's state opened: %v", err)
	}
	if _, err := w.vault.OpenState(t.Context(), vault.CarrierID, "x", state); !errors.Is(err, vault.ErrSealBroken) {
		t.Errorf("opened under another key: %v", err)
	}
}

func foundIn(t *testing.T, folder string, what []byte) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, what) {
			return filepath.Base(f)
		}
	}
	return ""
}

func TestMasterKeysThatDoNotFit(t *testing.T) {
	folder := t.TempDir()
	good := filepath.Join(folder, "key")
	if err := vault.NewMasterFile(good); err != nil {
		t.Fatal(err)
	}
	if err := vault.NewMasterFile(good); err == nil {
		t.Error("a key file was overwritten")
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(folder, "cut")
	if err := os.WriteFile(cut, text[:len(text)-9], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		address string
		want    error
	}{{"file:" + good, nil}, {"file:" + cut, vault.ErrBadKey}, {"file:" + folder + "/none", vault.ErrNoKey}, {"env:RINGFENCE_NO_SUCH", vault.ErrNoKey}} {
		if _, err := vault.ReadMaster(c.address); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.address, err, c.want)
		}
	}
	if _, err := vault.ReadMaster("nonsense"); err == nil {
		t.Error("nonsense is an address")
	}
}
