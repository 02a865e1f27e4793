package retention_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// After a customer is forgotten nothing of theirs is in the files of the database, in what the node remembers or in what it says; a copy
// from before is not served, and has their key destroyed before it is, whoever restores it.
//
// cite: P-37, I-21
func TestNothingOfTheForgottenIsLeft(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	file, path := filepath.Join(dir, "ringfence.db"), filepath.Join(dir, "checkpoint")
	db := storetest.Open(t, "sqlite:"+file)
	o := officetest.OpenOutside(t, db, path)
	w := of(t, db, o)
	canaries := []string{"Kanarienvogel Zeisig", "zeisig@kanarienvogel.example", "+12025559871", "7 Kanarienvogel Rd", "+17035550123", officetest.Password}
	ann := w.Customer(t, func(p *customer.Profile) {
		p.Name, p.Email[0].Value, p.Lines[0].Number, p.Postal[0].Value = canaries[0], canaries[1], canaries[2], canaries[3]
	})
	ben := w.served()
	in := w.Verified(t, w.agent, ann.ID)
	a, err := w.Door.Disclose(ctx, officetest.AskCalls(w.agent, in))
	w.must(err)
	w.must(w.Contacts.End(ctx, in))
	w.must(w.Ledger.Sequence(ctx))
	var wrapped []byte
	w.must(db.Reader().QueryRow(ctx, "SELECT wrapped FROM customer_key WHERE customer_id = $1", string(ann.ID)).Scan(&wrapped))
	found := func(what string) (names []string) {
		t.Helper()
		w.must(filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(name)
			if bytes.Contains(text, []byte(what)) {
				names = append(names, filepath.Base(name))
			}
			return err
		}))
		return names
	}
	if len(found(string(wrapped))) == 0 {
		t.Fatal("the key is not found while it is there: the test does not see what it should")
	}
	// A copy as an operator takes one: of a database that nobody has open.
	w.Close()
	w.must(db.Close())
	copied, err := os.ReadFile(file)
	w.must(err)
	db = storetest.Open(t, "sqlite:"+file)
	w = of(t, db, o.On(t, db))
	if _, _, err := w.Customers.Recent(ctx, ann.ID); err != nil {
		t.Fatal(err)
	}

	w.must(w.Forget(ctx, ann.ID, "test"))
	var said []string
	say := func(err error) {
		if err != nil {
			said = append(said, err.Error())
		}
	}
	for _, get := range []func() error{
		func() error { _, _, err := w.Customers.Get(ctx, ann.ID); return err },
		func() error { _, _, err := w.Customers.Recent(ctx, ann.ID); return err },
	} {
		if err := get(); !errors.Is(err, customer.ErrNoCustomer) {
			t.Errorf("the node remembers: %v (I-21)", err)
		} else {
			say(err)
		}
	}
	rows, err := w.Ledger.Records(ctx, ann.ID, ledger.Filter{Limit: 500})
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d records, %v", len(rows), err)
	}
	for _, r := range rows {
		if _, err := w.Vault.OpenRecord(ctx, r); !errors.Is(err, vault.ErrForgotten) {
			t.Errorf("a record of the kind %s can be read: %v (I-21)", r.Kind, err)
		} else {
			say(err)
		}
	}
	if receipt, err := w.Ledger.Recall(ctx, ann.ID, a.Entry); err == nil {
		if _, err := w.Vault.ReadCalls(ctx, receipt, 1, []int{202610}); err == nil {
			t.Error("calls can be opened against an old receipt (I-21)")
		}
	}
	w.must(w.Due(ctx))
	w.verifies(0)
	for _, what := range append(canaries, string(wrapped)) {
		if names := found(what); len(names) > 0 {
			t.Errorf("something of the forgotten is in %v (I-21)", names)
		}
		for _, text := range said {
			if bytes.Contains([]byte(text), []byte(what)) {
				t.Errorf("said: %s (I-23)", text)
			}
		}
	}

	// Somebody restores the copy from before.
	w.Close()
	w.must(db.Close())
	for _, end := range []string{"-wal", "-shm"} {
		_ = os.Remove(file + end)
	}
	w.must(os.WriteFile(file, copied, 0o600))
	db = storetest.Open(t, "sqlite:"+file)
	if _, err := o.TryOn(t, db); !errors.Is(err, ledger.ErrRolledBack) {
		t.Fatalf("an older database is served: %v (I-21)", err)
	}
	w.must(os.Remove(path)) // the loss is real, and somebody has said so
	w = of(t, db, o.On(t, db))
	if _, _, err := w.Customers.Get(ctx, ann.ID); !errors.Is(err, customer.ErrNoCustomer) {
		t.Errorf("who was forgotten has come back: %v (I-21)", err)
	}
	if n := w.count("SELECT count(*) FROM customer_key WHERE customer_id = $1", string(ann.ID)); n != 0 || len(found(string(wrapped))) > 0 {
		t.Errorf("their key has come back: %d, in %v (I-21)", n, found(string(wrapped)))
	}
	if _, _, err := w.Customers.Get(ctx, ben.ID); err != nil {
		t.Errorf("who was not forgotten: %v", err)
	}
	again, err := w.Ledger.Records(ctx, "", ledger.Filter{Kind: ledger.Forget})
	if err != nil || len(again) != 1 || again[0].Actor != string(cpni.RoleSystem) {
		t.Errorf("that it was destroyed again is on record %d times, %v (P-41)", len(again), err)
	}
	w.verifies(0)
}
