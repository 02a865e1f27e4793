package registers_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/register"
	"ringfence/internal/store"
)

// given gives four things to third parties and returns their entries, the newest first.
func (w *world) given() []cpni.ID {
	w.t.Helper()
	ann, bob := w.Customer(w.t), w.Customer(w.t)
	ids := []cpni.ID{
		w.ask(w.order("CV 26-17", ann.ID, false)).Entry,
		w.ask(w.toDesignee(bob, "=HYPERLINK(\"http://evil\")")).Entry,
		w.ask(w.order("CV 26-99", bob.ID, true)).Entry,
		w.ask(w.toDesignee(ann, "Tariff Analysts")).Entry,
	}
	slices.Reverse(ids)
	w.signed()
	return ids
}

func (w *world) proof(q register.Query, open bool) []byte {
	w.t.Helper()
	var b bytes.Buffer
	if _, err := w.Registers.Proof(w.t.Context(), &b, register.Disclosures, q, open); err != nil {
		w.t.Fatal(err)
	}
	return b.Bytes()
}

func (w *world) beside(do func(ledger.Entry, int64) error) error {
	return ledger.EachSequenced(w.t.Context(), w.db.Reader(), 1<<40, func(r ledger.Row, seq int64) error { return do(r.Entry, seq) })
}

// The file of a register is checked by a stranger with the log's key alone: every line stands in the log. Beside the log it shows that
// nothing was left out of what was asked for; a file from which a line was taken is found out.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestARegisterIsProved(t *testing.T) {
	each(t, func(w *world) {
		ids := w.given()
		for range 3 { // what comes later is not of it
			w.ask(w.order("later", w.Customer(t).ID, false))
		}
		key := w.Ledger.VerifierKey()
		folder := t.TempDir()
		late := w.proof(register.Query{To: officetest.Start.Add(time.Hour)}, true)
		w.signed()
		w.must(w.Ledger.Export(t.Context(), folder+"/export"))

		v, err := register.Verify(bytes.NewReader(late), key)
		w.must(err)
		if v.Lines != 4 || v.Entries != 4 || v.Register != register.Disclosures || v.Records != 2 {
			t.Errorf("%+v", v)
		}
		for name, beside := range map[string]func(func(ledger.Entry, int64) error) error{"the database": w.beside, "an export": func(do func(ledger.Entry, int64) error) error {
			return ledger.EachExported(t.Context(), os.DirFS(folder+"/export"), w.Ledger.Known(), do)
		}} {
			if left, err := v.Complete(beside); err != nil || len(left) > 0 {
				t.Errorf("beside %s: %v, %v", name, left, err)
			}
		}

		lines := bytes.SplitAfter(late, []byte("\n"))
		without := bytes.Join([][]byte{bytes.Replace(lines[0], []byte(`"lines":4`), []byte(`"lines":3`), 1), lines[1], lines[3], lines[4]}, nil)
		short, err := register.Verify(bytes.NewReader(without), key)
		w.must(err)
		if left, err := short.Complete(w.beside); err != nil || !slices.Equal(left, ids[1:2]) {
			t.Errorf("a line was taken out: %v, %v; want %v (P-41)", left, err, ids[1])
		}
		for name, changed := range map[string][]byte{
			"a line fewer than it says": bytes.Join([][]byte{lines[0], lines[1]}, nil),
			"another recipient":         bytes.Replace(late, []byte(`"line":{"place"`), []byte(`"line":{"plate"`), 1),
			"another purpose":           bytes.Replace(late, []byte(`"purpose":"designee"`), []byte(`"purpose":"legal"`), 1),
			"another person":            bytes.Replace(late, []byte(`"name":"Tariff Analysts"`), []byte(`"name":"Other Analysts"`), 1),
			"another time":              bytes.Replace(late, []byte(`"at":"2026`), []byte(`"at":"2025`), 1),
			"another sealed record":     bytes.Replace(late, []byte(`"sealed":"`), []byte(`"sealed":"AAAA`), 1),
			"a line twice":              bytes.Join([][]byte{bytes.Replace(lines[0], []byte(`"lines":4`), []byte(`"lines":2`), 1), lines[1], lines[1]}, nil),
			"another form":              bytes.Replace(late, []byte("ringfence register 1"), []byte("ringfence register 2"), 1),
			"nothing":                   nil,
		} {
			if _, err := register.Verify(bytes.NewReader(changed), key); !errors.Is(err, register.ErrFile) {
				t.Errorf("with %s it holds: %v (P-41)", name, err)
			}
		}
		other, err := ledger.NewKey(officetest.Origin)
		w.must(err)
		if _, err := register.Verify(bytes.NewReader(late), ledger.PublicKey(other)); !errors.Is(err, register.ErrFile) {
			t.Error("under another key it holds")
		}

		// By what stands in columns one can tell that nothing is missing, and by what is sealed one cannot.
		v, err = register.Verify(bytes.NewReader(w.proof(register.Query{Purpose: cpni.Legal, Recipient: "law-enforcement"}, false)), key)
		w.must(err)
		if left, err := v.Complete(w.beside); err != nil || len(left) > 0 || v.Lines != 5 || v.Records != 0 {
			t.Errorf("legal process: %v, %v, %+v", left, err, v)
		}
		v, err = register.Verify(bytes.NewReader(w.proof(register.Query{Matter: "CV 26-17"}, false)), key)
		w.must(err)
		if _, err := v.Complete(w.beside); !errors.Is(err, register.ErrUnchecked) || v.Lines != 1 {
			t.Errorf("by a number: %v, %+v", err, v)
		}
	})
}

// A register as a table is read by programs to the cell, and no cell of it is a formula; the names of people are left out for who has
// no way to customers' information.
//
// cite: P-41, P-37, 47 CFR 64.2009(c)
func TestARegisterIsTakenAsATable(t *testing.T) {
	each(t, func(w *world) {
		ids := w.given()
		read := func(veiled bool) [][]string {
			var b bytes.Buffer
			n, err := w.Registers.CSV(t.Context(), &b, register.Disclosures, register.Query{}, veiled)
			w.must(err)
			rows, err := csv.NewReader(&b).ReadAll()
			if err != nil || n != 4 || len(rows) != 5 {
				t.Fatalf("%d lines, %d rows, %v", n, len(rows), err)
			}
			return rows
		}
		rows := read(false)
		name := slices.Index(rows[0], "name")
		for i, r := range rows[1:] {
			if r[1] != string(ids[i]) {
				t.Errorf("row %d is of %s, not of %s", i, r[1], ids[i])
			}
			for _, cell := range r {
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
					t.Errorf("the cell %q is a formula", cell)
				}
			}
		}
		if rows[3][name] != "'=HYPERLINK(\"http://evil\")" || rows[1][name] != "Tariff Analysts" {
			t.Errorf("the names: %q, %q", rows[3][name], rows[1][name])
		}
		for _, r := range read(true)[1:] {
			if r[name] != "" || strings.Contains(strings.Join(r, " "), "Tariff Analysts") {
				t.Errorf("a name: %q (P-37)", r)
			}
		}
	})
}

// A printed register has the letterhead, what was asked for, the checkpoint of which it is, and on each page its number and how many
// there are.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestARegisterIsPrinted(t *testing.T) {
	w := open(t, storeOf(t))
	ann := w.Customer(t)
	for i := range 60 {
		w.ask(w.order(fmt.Sprint("CV ", i), ann.ID, false))
	}
	w.signed()
	var b bytes.Buffer
	n, err := w.Registers.Print(t.Context(), &b, register.Disclosures, register.Query{Recipient: "law-enforcement"}, w.Letterhead(), false)
	w.must(err)
	tree, err := w.Ledger.Tree(t.Context())
	w.must(err)
	if n != 60 || !bytes.HasPrefix(b.Bytes(), []byte("%PDF-")) {
		t.Fatalf("%d lines, %.20q", n, b.Bytes())
	}
	text := textOf(t, b.Bytes())
	for _, want := range []string{"Example Tel", "Register: Disclosures to third parties", "to law enforcement", tree.Hash.String(), "Page 1 of ", "Page 2 of ", string(ann.ID)} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if out := os.Getenv("REGISTER_PDF"); out != "" {
		w.must(os.WriteFile(out, b.Bytes(), 0o600))
	}
}

// Whoever opens a register, or takes it away, is on record with what they asked for.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func TestLooksAreOnRecord(t *testing.T) {
	each(t, func(w *world) {
		w.given()
		w.must(w.Registers.Look(t.Context(), w.compliance, register.Disclosures, register.Query{Named: "Tariff Analysts"}, "", 0))
		w.must(w.Registers.Look(t.Context(), w.compliance, register.Processes, register.Query{}, "csv", 7))
		rows, err := w.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Lookup})
		w.must(err)
		if len(rows) != 2 || rows[0].Purpose != register.Looked || rows[0].Actor != string(w.compliance) {
			t.Fatalf("%+v", rows)
		}
		var all []string
		for _, r := range rows {
			plain, err := w.Vault.OpenRecord(t.Context(), r)
			w.must(err)
			all = append(all, string(plain))
		}
		if text := strings.Join(all, "\n"); !strings.Contains(text, `"named":"Tariff Analysts"`) || !strings.Contains(text, `"as":"csv"`) || !strings.Contains(text, `"lines":7`) {
			t.Errorf("%s", text)
		}
	})
}

// A line is kept for as long as the policy says and never shorter than the law's floor; what is over is marked. It is destroyed by two
// people alone, and the ledger still verifies: it says that records were destroyed, by whom, and exactly which.
//
// cite: P-41, I-22, 47 CFR 64.2009(c)
func TestWhatIsOverIsDestroyedByTwo(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		ids := w.given()
		second := w.Member(t, cpni.RoleOfficer)
		months := w.Registers.Months(register.Disclosures)
		if floor := w.Policy.Numbers(w.Clock.Now()).Int("retention", "disclosure_floor_months"); months < floor || floor != 12 {
			t.Errorf("it is kept for %d months, and the floor is %d", months, floor)
		}
		early := officetest.Start.Add(time.Hour)
		if _, err := w.ProposeDestroy(ctx, cpni.NewID(), early, w.compliance); code(err) != "RETENTION" {
			t.Errorf("too early: %v (I-22)", err)
		}
		w.Time.Add(time.Duration(months) * 31 * 24 * time.Hour)
		w.compliance = w.Member(t, cpni.RoleCompliance) // of those from before the training is over
		fresh := w.ask(w.order("fresh", w.Customer(t).ID, false)).Entry
		w.signed()
		page, err := w.Registers.Disclosed(ctx, register.Query{})
		w.must(err)
		for _, d := range page.Lines {
			if d.Over != (d.Entry != fresh) {
				t.Errorf("%s: over %v", d.Entry, d.Over)
			}
		}
		if _, err := w.ProposeDestroy(ctx, cpni.NewID(), early, w.agent); code(err) != "ROLE" {
			t.Errorf("an agent: %v", err)
		}
		p, err := w.ProposeDestroy(ctx, cpni.NewID(), early, w.compliance)
		w.must(err)
		if _, err := w.Proposals.Agree(ctx, p.ID, p.Hash, w.compliance); code(err) != "SAME_PERSON" {
			t.Errorf("alone: %v (I-22)", err)
		}
		if page, err = w.Registers.Disclosed(ctx, register.Query{}); err != nil || len(page.Lines) != 5 {
			t.Fatalf("before anybody has agreed: %d lines, %v", len(page.Lines), err)
		}
		_, err = w.Proposals.Agree(ctx, p.ID, p.Hash, second)
		w.must(err)
		w.signed()
		page, err = w.Registers.Disclosed(ctx, register.Query{})
		if err != nil || !slices.Equal(entries(page.Lines), []cpni.ID{fresh}) {
			t.Fatalf("%v, %v", entries(page.Lines), err)
		}
		w.must(w.Registers.Remake(ctx))
		for _, id := range ids {
			var n int
			w.must(w.db.Reader().QueryRow(ctx, "SELECT count(*) FROM record WHERE id = $1", string(id)).Scan(&n))
			if n != 0 {
				t.Errorf("the record %s is still there", id)
			}
		}
		check := func(want bool, what string) {
			t.Helper()
			var said strings.Builder
			v, err := w.Ledger.Verify(ctx, &said)
			w.must(err)
			if v.OK() != want {
				t.Errorf("%s, and the ledger verifies: %v\n%s", what, v.OK(), &said)
			}
			if want && (v.Destroyed != 4 || !strings.Contains(said.String(), "4 records were destroyed")) {
				t.Errorf("it says: %s", &said)
			}
		}
		check(true, "four records were destroyed")
		folder := t.TempDir() + "/export"
		w.must(w.Ledger.Export(ctx, folder))
		if v, err := ledger.VerifyFolder(ctx, os.DirFS(folder), ledger.Trust{Key: w.Ledger.VerifierKey()}, io.Discard); err != nil || !v.OK() || v.Destroyed != 4 {
			t.Errorf("the export: %+v, %v", v, err)
		}
		v, err := register.Verify(bytes.NewReader(w.proof(register.Query{}, false)), w.Ledger.VerifierKey())
		w.must(err)
		if left, err := v.Complete(w.beside); err != nil || len(left) > 0 {
			t.Errorf("the register afterwards: %v, %v", left, err)
		}

		// Nobody lets a record vanish behind the entry of another destruction.
		exec := func(query string, args ...any) {
			t.Helper()
			w.must(w.db.Tx(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, query, args...); return err }))
		}
		row, err := w.Ledger.Record(ctx, page.Lines[0].Customer, fresh)
		w.must(err)
		d := row.Digest()
		exec("DELETE FROM record WHERE id = $1", string(fresh))
		check(false, "a record is missing")
		var by string
		w.must(w.db.Reader().QueryRow(ctx, "SELECT by_entry FROM record_destroyed LIMIT 1").Scan(&by))
		exec("INSERT INTO record_destroyed (customer_id, id, kind, at, node, n, pos, digest, commitment, by_entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
			string(row.Customer), string(row.ID), string(row.Kind), row.At.UnixMicro(), row.Node, row.N, row.Pos, d[:], row.Commitment[:], by)
		check(false, "a fifth is said to be destroyed with the four")
	})
}

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}
