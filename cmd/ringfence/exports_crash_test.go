package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/export"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/server"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// The export of the crash test: some batches of customers, with bills so long that the file has several parts.
const (
	exported = 2800
	longBill = 4500 // bytes
)

// A server that is killed again and again in the middle of an export hands nothing half-made out, and ends with everybody once: an entry in
// the ledger, a row in the file. The file is read with the partner's key, is what its manifest says, and tells by every row where it comes
// from. A server that is killed while it hands the file out has handed it out.
//
// cite: P-41, I-01, I-10, 47 CFR 64.2009(c)
func TestKilledInTheMiddleOfAnExport(t *testing.T) {
	for name, url := range map[string]func(t *testing.T) string{"sqlite": func(*testing.T) string { return "" }, "postgres": func(t *testing.T) string { return storetest.Postgres(t) }} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "office")
			args := []string{"init", folder, "--carrier", "Test", "--zone", "America/New_York", "--email", "privacy@test.example", "--phone", "+18005550100", "--post", "1 Main St, Springfield, VA 22150", "--web", "https://account.test.example", "--facility", "https://reporting.facility.example/cpni", "--origin", "ledger.test.example"}
			if u := url(t); u != "" {
				args = append(args, "--database", u)
			}
			mustRun(t, args...)
			config := filepath.Join(folder, "ringfence.yaml")
			replace(t, config, "127.0.0.1:8080", "127.0.0.1:0")
			x := beginExport(t, config)
			cut := 0
			for range *kills {
				before := x.look(t)
				if before.State != export.Running {
					break
				}
				s := start(t, folder, "serve", "-c", config)
				x.mustHaveNothing(t, s)
				for e := before; e.State == export.Running && e.Decided == before.Decided; e = x.look(t) {
					time.Sleep(2 * time.Millisecond)
				}
				time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
				s.kill()
				after := x.look(t)
				if after.State == export.Running {
					cut++
				}
				t.Logf("killed with %d of %d decided, %d in %d parts, %s", after.Decided, exported, after.Rows, after.PartsDone, after.State)
				x.gone(t)
			}
			if cut == 0 {
				t.Fatal("the export was finished before it could be cut off")
			}
			s := start(t, folder, "serve", "-c", config)
			for x.look(t).State == export.Running {
				time.Sleep(20 * time.Millisecond)
			}
			x.killWhileFetched(t, s)
			inOffice(t, config, func(o *server.Opened) {
				if _, err := o.Exports.Fetch(t.Context(), x.id, "printers", "their machine"); !errors.Is(err, export.ErrFetched) {
					t.Errorf("a file whose first copy was cut off is fetched again without a word: %v", err)
				}
				if _, err := o.Exports.FetchAgain(t.Context(), x.id, x.keeper, "the line broke off, their desk says"); err != nil { // what a person decides
					t.Fatal(err)
				}
				f, err := o.Exports.Fetch(t.Context(), x.id, "printers", "their machine")
				if err != nil {
					t.Fatal(err)
				}
				var archive bytes.Buffer
				if err := f.Write(t.Context(), &archive, func() error { return nil }); err != nil {
					t.Fatal(err)
				}
				x.mustBeWhole(t, o, archive.Bytes())
			})
			mustRun(t, "verify", "-c", config)
			mustRun(t, "replay", "-c", config)
		})
	}
}

// cutExport is the export that is cut off, and who has to do with it.
type cutExport struct {
	db     *store.DB // beside the server, to look
	config string
	id     cpni.ID
	keeper cpni.ID
	names  []string
	key    *age.X25519Identity
	secret string // with which the partner fetches
}

// beginExport adds customers with long bills and begins an export of them.
func beginExport(t *testing.T, config string) *cutExport {
	t.Helper()
	x := &cutExport{config: config}
	var err error
	if x.key, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	inOffice(t, config, func(o *server.Opened) {
		ctx, now := t.Context(), o.Clock.Now()
		since := now.AddDate(-1, 0, 0)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(o.DB.Tx(ctx, func(tx *store.Tx) error {
			for i := range exported {
				p := customer.Profile{ID: cpni.NewID(), Name: fmt.Sprintf("Customer %d", i), Since: since, Postal: []customer.Address{{Value: fmt.Sprintf("%d Main St, Springfield, VA 22150", i), Since: since}}}
				x.names = append(x.names, p.Name)
				bill := vault.Item{Class: cpni.Billing, Period: 202602, Values: map[string]string{"total": fmt.Sprintf("%d.50", i), "text": strings.Repeat("x", longBill)}}
				if err := errors.Join(o.Customers.Insert(ctx, tx, &p), o.Vault.PutItem(ctx, tx, p.ID, bill)); err != nil {
					return err
				}
			}
			return nil
		}))
		must(o.Partners.Put(ctx, "test", partner.Partner{ID: "printers", Key: x.key.Recipient().String(), Agreement: &partner.Agreement{Until: now.AddDate(1, 0, 0), DestroyDays: 30, Purposes: []cpni.Purpose{cpni.BillingPurpose}}}))
		x.secret, err = o.Partners.NewKey(ctx, "printers", "their machine", 24*time.Hour, "test")
		must(err)
		bill, err := o.Staff.Add(ctx, staff.Member{Login: "bill", Name: "Bill", Role: cpni.RoleBilling, Trained: now}, "", "test")
		must(err)
		x.keeper, err = o.Staff.Add(ctx, staff.Member{Login: "kay", Name: "Kay", Role: cpni.RoleCompliance, Trained: now}, "", "test")
		must(err)
		e, err := o.Exports.Begin(ctx, "", export.Spec{Title: "Bills", Partner: "printers", Purpose: cpni.BillingPurpose, Basis: "47 USC 222(d)(1)", Data: []cpni.DataClass{cpni.Billing}, Columns: []string{"name", "billing.total", "billing.text"},
			Months: []int{202602}, List: export.List{Kind: export.Everybody}}, nil, bill, x.keeper)
		must(err)
		x.id = e.ID
	})
	c, err := server.ReadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if x.db, err = store.OpenToRead(t.Context(), c.Database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.db.Close() })
	slices.Sort(x.names)
	return x
}

// look reads how far the export has come, beside whoever works on it.
func (x *cutExport) look(t *testing.T) (e export.Export) {
	t.Helper()
	if err := x.db.Reader().QueryRow(t.Context(), "SELECT state, decided, held, parts FROM export WHERE export_id = $1", string(x.id)).Scan(&e.State, &e.Decided, &e.Rows, &e.PartsDone); err != nil {
		t.Fatal(err)
	}
	return e
}

// gone says, where several nodes share a database, that the one that was killed is gone: they would wait for it a while.
func (x *cutExport) gone(t *testing.T) {
	if x.db.Dialect() != store.Postgres {
		return
	}
	inOffice(t, x.config, func(o *server.Opened) {
		if err := o.DB.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE export SET claimed = 0")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func (x *cutExport) request(t *testing.T, s *started, method, path string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+"/v1/partners/printers/exports"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+x.secret)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// ask asks as the partner does; path is what follows the export.
func (x *cutExport) ask(t *testing.T, s *started, method, path string) (status int, body []byte) {
	t.Helper()
	a := x.request(t, s, method, "/"+string(x.id)+path)
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, body
}

// mustHaveNothing checks that the partner neither sees nor gets anything of a file that is not finished.
func (x *cutExport) mustHaveNothing(t *testing.T, s *started) {
	t.Helper()
	if status, body := x.ask(t, s, http.MethodPost, "/file"); status != http.StatusConflict {
		t.Fatalf("a file that is not finished is fetched: %d, %d bytes", status, len(body))
	}
	if status, body := x.ask(t, s, http.MethodGet, ""); status != http.StatusNotFound {
		t.Fatalf("the manifest of a file that is not finished: %d %s", status, body)
	}
	a := x.request(t, s, http.MethodGet, "")
	defer a.Body.Close()
	var all []any
	if err := json.NewDecoder(a.Body).Decode(&all); err != nil || len(all) != 0 {
		t.Fatalf("%v waits: %v", all, err)
	}
}

// killWhileFetched has the server killed when the partner has the first bytes of the file.
func (x *cutExport) killWhileFetched(t *testing.T, s *started) {
	t.Helper()
	a := x.request(t, s, http.MethodPost, "/"+string(x.id)+"/file")
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		t.Fatalf("not fetched: %d", a.StatusCode)
	}
	begin := make([]byte, 4096)
	if _, err := io.ReadFull(a.Body, begin); err != nil {
		t.Fatal(err)
	}
	s.kill()
	if rest, err := io.ReadAll(a.Body); err == nil {
		t.Errorf("%d bytes of a file that was cut off pass for the whole", len(rest))
	}
}

// mustBeWhole checks the file and what is on record of it.
func (x *cutExport) mustBeWhole(t *testing.T, o *server.Opened, archive []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		f, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var m export.Manifest
	text := read("manifest.json")
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	var inParts int64
	for _, p := range m.Parts {
		sealed := read(p.Name)
		if int64(len(sealed)) != p.Size || fmt.Sprintf("%x", sha256.Sum256(sealed)) != p.Sum {
			t.Errorf("%s is not what the manifest says", p.Name)
		}
		inParts += p.Rows
		r, err := age.Decrypt(bytes.NewReader(sealed), x.key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&plain, r); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := csv.NewReader(&plain).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var names, marks []string
	for _, r := range rows[1:] {
		marks, names = append(marks, r[0]), append(names, r[1])
		if len(r) != 4 || r[2] == "" || len(r[3]) != longBill {
			t.Fatalf("a row of %d cells, or without its bill", len(r))
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, x.names) {
		t.Errorf("%d rows of %d customers, who are not those of the carrier", len(names), exported)
	}
	if m.Export != x.id || m.Rows != exported || inParts != exported || m.Ledger.Count != exported || len(m.Parts) < 2 {
		t.Errorf("the manifest says %d rows, %d in %d parts, %d entries", m.Rows, inParts, len(m.Parts), m.Ledger.Count)
	}
	found, tried, err := o.Exports.Trace(t.Context(), marks)
	if err != nil || tried != exported || len(found) != 1 || found[0].Export.ID != x.id || found[0].Marks != exported {
		t.Errorf("%d references tell of %d exports: %v", tried, len(found), err)
	}
	var entries, customers, within, listed int
	if err := o.DB.Reader().QueryRow(t.Context(), "SELECT count(*), count(DISTINCT customer_id), COALESCE(sum(CASE WHEN id >= $1 AND id <= $2 THEN 1 ELSE 0 END), 0) FROM record WHERE kind = $3 AND customer_id <> '' AND recipient = 'printers'",
		string(m.Ledger.First), string(m.Ledger.Last), string(ledger.Decision)).Scan(&entries, &customers, &within); err != nil {
		t.Fatal(err)
	}
	if entries != exported || customers != exported || within != exported {
		t.Errorf("%d entries of %d customers, %d of them where the manifest says", entries, customers, within)
	}
	if err := o.DB.Reader().QueryRow(t.Context(), "SELECT count(*) FROM export_row r JOIN record d ON d.customer_id = r.customer_id AND d.id = r.entry_id WHERE r.export_id = $1 AND r.code = '' AND d.outcome = $2", string(x.id), string(cpni.Permit)).Scan(&listed); err != nil {
		t.Fatal(err)
	}
	if counts, err := o.Exports.Counts(t.Context(), x.id); err != nil || counts[""] != exported || len(counts) != 1 || listed != exported {
		t.Errorf("%d rows with their entries, counted %v: %v", listed, counts, err)
	}
}
