package exports_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/export"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/partner"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// world is an office with a partner and its key.
type world struct {
	*officetest.Office
	t        testing.TB
	key      *age.X25519Identity
	bill     cpni.ID // who has exports made
	keeper   cpni.ID // who agrees
	mia      cpni.ID // marketing
	printers partner.Partner
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{Office: officetest.Open(t, db), t: t}
	var err error
	if w.key, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	w.bill, w.keeper, w.mia = w.Member(t, cpni.RoleBilling), w.Member(t, cpni.RoleCompliance), w.Member(t, cpni.RoleMarketing)
	now := w.Clock.Now()
	w.printers = partner.Partner{ID: "printers", Name: "Bill Printers", Class: cpni.IndependentContractor, Key: w.key.Recipient().String(),
		Agreement: &partner.Agreement{Reference: "C-77", Until: now.AddDate(1, 0, 0), DestroyDays: 30, Purposes: []cpni.Purpose{cpni.BillingPurpose, cpni.PartnerMarketing}}}
	w.put(w.printers)
	return w
}

func (w *world) put(p partner.Partner) {
	w.t.Helper()
	if err := w.Partners.Put(w.t.Context(), "test", p); err != nil {
		w.t.Fatal(err)
	}
}

// bills is an export of everybody's bills to the printers.
func bills() export.Spec {
	return export.Spec{Title: "Bills of October", Partner: "printers", Purpose: cpni.BillingPurpose, Basis: "47 USC 222(d)(1)", Data: []cpni.DataClass{cpni.Billing}, Columns: []string{"name", "postal", "billing.total"},
		Months: []int{202610}, List: export.List{Kind: export.Everybody}}
}

// marketing is an export for the marketing of the printers.
func marketing() export.Spec {
	s := bills()
	s.Title, s.Purpose, s.Basis, s.Data, s.Columns = "Offers", cpni.PartnerMarketing, "47 CFR 64.2007(b)", []cpni.DataClass{cpni.Service}, []string{"name", "number", "service.plan"}
	return s
}

// billed adds a customer with a bill and a plan.
func (w *world) billed(total string, change ...func(*customer.Profile)) *customer.Profile {
	w.t.Helper()
	p := w.Customer(w.t, change...)
	ctx := w.t.Context()
	if err := w.DB.Tx(ctx, func(tx *store.Tx) error {
		return errors.Join(w.Vault.PutItem(ctx, tx, p.ID, vault.Item{Class: cpni.Billing, Period: 202610, Values: map[string]string{"total": total, "credit": "1.00"}}),
			w.Vault.PutItem(ctx, tx, p.ID, vault.Item{Class: cpni.Usage, Period: 202610, Values: map[string]string{"minutes": "981"}}),
			w.Vault.PutItem(ctx, tx, p.ID, vault.Item{Class: cpni.Service, Values: map[string]string{"plan": "evening"}}))
	}); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// saidYes gives a customer the approval of a partner's marketing.
func saidYes(p *customer.Profile) {
	since := officetest.Start.AddDate(0, -1, 0)
	p.Approvals = []customer.Approval{{Scope: "partner:printers", State: cpni.OptInOK, Since: since, NoticeAt: since, Names: []string{"printers"}}}
}

// begun begins an export that both have agreed to.
func (w *world) begun(s export.Spec, by cpni.ID, customers ...cpni.ID) export.Export {
	w.t.Helper()
	e, err := w.Exports.Propose(w.t.Context(), "", s, customers, by)
	if err != nil {
		w.t.Fatal(err)
	}
	if e, err = w.Exports.Agree(w.t.Context(), e.ID, w.keeper); err != nil || e.State != export.Running {
		w.t.Fatalf("%+v: %v", e, err)
	}
	return e
}

// made makes an export and works on it to its end.
func (w *world) made(s export.Spec, by cpni.ID, customers ...cpni.ID) export.Export {
	w.t.Helper()
	return w.worked(w.begun(s, by, customers...).ID)
}

func (w *world) worked(id cpni.ID) export.Export {
	w.t.Helper()
	if err := w.Exports.Work(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return w.one(id)
}

func (w *world) one(id cpni.ID) export.Export {
	w.t.Helper()
	e, err := w.Exports.One(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// fetch fetches a file as the partner does, and reads it with the partner's key.
func (w *world) fetch(id cpni.ID, partner string) (rows [][]string, m export.Manifest, archive []byte, err error) {
	w.t.Helper()
	f, err := w.Exports.Fetch(w.t.Context(), id, partner, "a key")
	if err != nil {
		return nil, m, nil, err
	}
	var out bytes.Buffer
	if err := f.Write(w.t.Context(), &out, func() error { return nil }); err != nil {
		w.t.Fatal(err)
	}
	rows, m = w.unpack(out.Bytes())
	return rows, m, out.Bytes(), nil
}

func (w *world) unpack(archive []byte) (rows [][]string, m export.Manifest) {
	w.t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		w.t.Fatal(err)
	}
	read := func(name string) []byte {
		f, err := z.Open(name)
		if err != nil {
			w.t.Fatal(err)
		}
		defer f.Close()
		b, err := io.ReadAll(f)
		if err != nil {
			w.t.Fatal(err)
		}
		return b
	}
	if err := json.Unmarshal(read("manifest.json"), &m); err != nil {
		w.t.Fatal(err)
	}
	var plain bytes.Buffer
	for _, p := range m.Parts {
		r, err := age.Decrypt(bytes.NewReader(read(p.Name)), w.key)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := io.Copy(&plain, r); err != nil {
			w.t.Fatal(err)
		}
	}
	if rows, err = csv.NewReader(&plain).ReadAll(); err != nil {
		w.t.Fatal(err)
	}
	if len(z.File) != len(m.Parts)+1 {
		w.t.Errorf("%d files in the archive, and %d parts", len(z.File), len(m.Parts))
	}
	return rows, m
}

// column gives a column of a table with its head.
func column(rows [][]string, name string) []string {
	n := slices.Index(rows[0], name)
	var all []string
	for _, r := range rows[1:] {
		all = append(all, r[n])
	}
	slices.Sort(all)
	return all
}

// decisions are the decisions on record about a customer, the newest first.
func (w *world) decisions(of cpni.ID) []ledger.Row {
	w.t.Helper()
	rows, err := w.Ledger.Records(w.t.Context(), of, ledger.Filter{Kind: ledger.Decision, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

// alerts counts the alerts of the carrier with a code.
func (w *world) alerts(code cpni.Code) (n int) {
	w.t.Helper()
	rows, err := w.Ledger.Records(w.t.Context(), "", ledger.Filter{Kind: ledger.Alert, Limit: 500})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range rows {
		if r.Code == code {
			n++
		}
	}
	return n
}

func code(err error) cpni.Code {
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

func (w *world) pass(d time.Duration) { w.Time.Add(d) }

// admin counts what is on record of the carrier's acts of a kind.
func (w *world) admin(what string) (n int) {
	w.t.Helper()
	rows, err := w.Ledger.Records(w.t.Context(), "", ledger.Filter{Kind: ledger.Admin, Limit: 500})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range rows {
		plain, err := w.Vault.OpenRecord(w.t.Context(), r)
		if err != nil {
			w.t.Fatal(err)
		}
		var d struct{ What string }
		if err := vault.Detail(plain, &d); err != nil {
			continue
		}
		if d.What == what {
			n++
		}
	}
	return n
}

func requests(by, of cpni.ID) []disclose.Request {
	return []disclose.Request{{Caller: disclose.Caller{Staff: by}, Customer: of, Data: []cpni.DataClass{cpni.Billing}, Purpose: cpni.BillingPurpose, To: "printers", Via: cpni.File}}
}

func nothing(context.Context, *store.Tx, []*disclose.Handed) ([]ledger.Entry, error) { return nil, nil }
