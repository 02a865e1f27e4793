package incidents_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/breach/bundle"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/workday"
)

// filed is an incident with everything that a file can have, closed.
func filed(t *testing.T, o *officetest.Office) (*breach.Incident, cpni.ID) {
	t.Helper()
	by := o.Member(t, cpni.RoleCompliance)
	act := breach.Act{By: by}
	d := o.Incidents
	var i *breach.Incident
	do := func(next *breach.Incident, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		i = next
	}
	ctx := t.Context()
	facts := breach.Facts{Title: "Calls read in a shop", What: "Somebody read the calls of a customer in a shop.", Discovered: o.Clock.Now().Add(-time.Hour), DiscoveredBy: string(by), From: workday.On(2026, time.November, 20), Data: []cpni.DataClass{cpni.CallDetail},
		Outcome: clock.Accessed, Intentional: clock.Yes, Harm: clock.Unlikely, Basis: "The seller has said so & nothing left the shop.", Encryption: clock.Plain, Customers: 1}
	do(d.Open(ctx, breach.Intake{By: by, Facts: facts}))
	do(d.Put(ctx, i.ID, act, []cpni.ID{o.Customer(t).ID}, "Whose calls they were."))
	do(d.Determine(ctx, i.ID, act, breach.Determination{Basis: "The log of the shop."}))
	if _, err := d.Tell(ctx, i.ID, act); !isHeld(err) {
		t.Fatalf("told before the hold is over: %v (I-08)", err)
	}
	do(d.Report(ctx, i.ID, act, breach.Filing{Through: breach.Facility, Receipt: "F-4711", Form: "breach-2007/1", Copy: []byte(`{"receipt":"F-4711"}`), Pages: []byte("%PDF-1.7 as filed"), Scan: []byte("%PDF-1.7 the receipt")}))
	if _, err := d.Direct(ctx, i.ID, act, breach.Direction{Agency: "FBI", Officer: "Agent Doe", Until: workday.On(2026, time.December, 20)}, nil, ""); !isHeld(err) {
		t.Fatalf("a spoken direction: %v", err)
	}
	do(d.Drop(ctx, i.ID, act, "FBI", "They will not write it."))
	facts.What, facts.Customers, facts.Intentional = "Somebody came upon the calls of a customer in a shop.", 2, clock.No
	do(d.Correct(ctx, i.ID, act, facts, "The seller meant nothing."))
	do(d.AskedByState(ctx, i.ID, act, breach.StateDuty{State: "VA", Law: "Va. Code 18.2-186.6", By: workday.On(2026, time.December, 10)}))
	text := breach.Text{What: "Somebody in a shop came upon your calls.", Done: "The till has a lock now.", Advice: "Change your password.", Short: "your calls"}
	do(d.Word(ctx, i.ID, act, breach.Words{Texts: map[string]breach.Text{"en": text, "es": {What: "Alguien en una tienda vio sus llamadas.", Done: "La caja ahora tiene cerradura.", Advice: "Cambie su contraseña.", Short: "sus llamadas"}}}))
	do(d.Agree(ctx, i.ID, breach.Act{By: o.Member(t, cpni.RoleOfficer)}, i.WordsStep))
	do(d.Respond(ctx, i.ID, act, "", "", "", true, nil))
	do(d.Remark(ctx, i.ID, act, "The till has a lock now.", "Photograph of the till", []byte("\x89PNG\r\n\x1a\nand so on")))
	do(d.Sanction(ctx, i.ID, act, "case 7"))
	do(d.Close(ctx, i.ID, act, breach.Closing{Cause: "An open till.", Remedy: "A lock.", Lessons: "Lock what shows calls."}))
	return i, by
}

func isHeld(err error) bool {
	var r *cpni.Refusal
	return errors.As(err, &r) && r.Outcome == cpni.Hold
}

// bundled gives the bundle of an incident as it is handed over.
func bundled(t *testing.T, o *officetest.Office, id, by cpni.ID) []byte {
	t.Helper()
	if err := o.Ledger.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := o.Incidents.Bundle(t.Context(), id, by)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func verified(t *testing.T, file []byte, key string) *bundle.Report {
	t.Helper()
	r, err := bundle.Verify(bytes.NewReader(file), int64(len(file)), key)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// contents are the files that can be read out of an archive, by their names; nil: none can.
func contents(file []byte) map[string][]byte {
	in, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil
	}
	all := map[string][]byte{}
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			return nil
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil
		}
		all[f.Name] = append(content, 0) // an empty file is one too
	}
	return all
}

// again writes an archive with other files.
func again(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, content := range files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = f.Write(content[:len(content)-1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The bundle of a closed file holds everything, verifies without the office, and says of nobody who the customer is. Every byte that can be
// read out of it is what was handed over, or is found.
//
// cite: P-41, P-49, P-51, 47 CFR 64.2011(d)
func TestBundle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		i, by := filed(t, o)
		file, key := bundled(t, o, i.ID, by), o.Ledger.VerifierKey()
		r := verified(t, file, key)
		if !r.OK() || r.Proved != len(i.History) || r.Papers != 4 || r.Incident.Number != i.Number || r.Tree == 0 {
			t.Fatalf("%d of %d steps are proved, %d papers, %v", r.Proved, len(i.History), r.Papers, r.Faults)
		}
		people, err := o.Incidents.Set(t.Context(), i.ID, by, "", "", 10)
		if err != nil || len(people) != 1 {
			t.Fatal(people, err)
		}
		if bytes.Contains(file, []byte(people[0].Customer)) {
			t.Error("the bundle names a customer (P-37)")
		}
		was := contents(file)
		for _, name := range []string{"README.txt", "dossier.pdf", "clocks.json", "steps/0001.json", "papers/0004-photograph-of-the-till.png"} {
			if was[name] == nil {
				t.Errorf("%s is missing", name)
			}
		}
		var clocks struct {
			Clocks clock.Clocks `json:"clocks"`
		}
		if err := json.Unmarshal(was["clocks.json"][:len(was["clocks.json"])-1], &clocks); err != nil || clocks.Clocks.Kind == "" || len(clocks.Clocks.Under) != 2 {
			t.Errorf("the clocks: %+v, %v", clocks, err)
		}
		if _, err := o.Incidents.Bundle(t.Context(), i.ID, o.Member(t, cpni.RoleAgent)); err == nil {
			t.Error("an agent took the file of an incident (P-47)")
		}
		// That it was taken is on record.
		rows, err := o.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Incident, Limit: 1})
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		record, err := o.Vault.OpenRecord(t.Context(), rows[0])
		if err != nil || !bytes.Contains(record, []byte("bundle taken")) || rows[0].Actor != string(by) {
			t.Errorf("the newest entry is %s by %s, %v (P-41)", record, rows[0].Actor, err)
		}

		if db.Dialect() == store.Postgres {
			return // what is checked from here on needs no database
		}
		random := rand.New(rand.NewPCG(64, 2011))
		for range 100 {
			n, bit := random.IntN(len(file)), byte(1)<<random.IntN(8)
			other := bytes.Clone(file)
			other[n] ^= bit
			if verified(t, other, key).OK() && !reflect.DeepEqual(contents(other), was) {
				t.Fatalf("byte %d with bit %#x turned is not found", n, bit)
			}
		}
		// Also one that somebody has written anew, so that nothing of the archive itself gives it away.
		for name := range was {
			files := contents(file)
			b := files[name]
			n := random.IntN(len(b) - 1)
			b[n] ^= byte(1) << random.IntN(8)
			found := false
			for _, f := range verified(t, again(t, files), key).Faults {
				found = found || f.Where == name
			}
			if !found {
				t.Errorf("byte %d of %s is another, and no fault names the file", n, name)
			}
		}
		for _, name := range []string{bundle.Signature, bundle.Sums, bundle.Readme, bundle.Clocks, "steps/0003.json", "steps/0003.receipt.json", "steps/0003.entry.json", "papers/0002-report.pdf"} {
			files := contents(file)
			if files[name] == nil {
				t.Fatalf("there is no %s", name)
			}
			delete(files, name)
			if verified(t, again(t, files), key).OK() {
				t.Errorf("without %s it holds", name)
			}
		}
		more := contents(file)
		more["papers/0005-more.txt"] = []byte("more.")
		if verified(t, again(t, more), key).OK() {
			t.Error("with another paper it holds")
		}
		other, err := ledger.NewKey(officetest.Origin)
		if err != nil {
			t.Fatal(err)
		}
		if r := verified(t, file, ledger.PublicKey(other)); r.OK() || r.Proved != 0 {
			t.Error("with the key of somebody else it holds")
		}
		if _, err := bundle.Verify(bytes.NewReader(file), int64(len(file)), "no key"); err == nil {
			t.Error("without a key it holds")
		}
	})
}

// Who has the ledger's key can sign another list of files, and still cannot make the log hold a step that it does not: whoever checks sees
// which step is another, whoever signed.
//
// cite: P-41, P-49, I-22
func TestABundleIsNoBetterThanTheLog(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	i, by := filed(t, o)
	if err := o.Ledger.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*bundle.Incident){
		"the log has another hash of what the step tells": func(x *bundle.Incident) {
			x.Steps[2].Tells = bytes.Replace(x.Steps[2].Tells, []byte("The log of the shop"), []byte("The word of a guest"), 1)
		},
		"the log has another moment of this step":              func(x *bundle.Incident) { x.Steps[2].At = x.Steps[2].At.Add(time.Second) },
		"the log has another kind of step":                     func(x *bundle.Incident) { x.Steps[2].What = "remark" },
		"the log says that somebody else did this step":        func(x *bundle.Incident) { x.Steps[2].By = string(cpni.NewID()) },
		"the log has this entry of another incident":           func(x *bundle.Incident) { x.ID = cpni.NewID() },
		"the log has another entry of this step":               func(x *bundle.Incident) { x.Steps[2].Entry = x.Steps[3].Entry },
		"it is not the entry of which the leaf has the digest": func(x *bundle.Incident) { x.Steps[2].Row.Actor = "nobody" },
		"the log has this entry as another step":               func(x *bundle.Incident) { x.Steps[2].Receipt = x.Steps[3].Receipt },
		"step 4 stands at place 3":                             func(x *bundle.Incident) { x.Steps = append(x.Steps[:2:2], x.Steps[3:]...) },
		"the log says otherwise whether it is a rehearsal":     func(x *bundle.Incident) { x.Exercise = true },
		"it names another key than the one that you gave":      func(x *bundle.Incident) { x.Key = "another" },
	} {
		was, err := o.Incidents.Bundle(t.Context(), i.ID, by)
		if err != nil {
			t.Fatal(err)
		}
		whole := was.Incident
		whole.Steps = slices.Clone(whole.Steps)
		change(&whole)
		b, err := bundle.Make(whole, []byte("%PDF-"), map[string]string{}, nil, o.Ledger.Sign)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := b.Write(&out); err != nil {
			t.Fatal(err)
		}
		r := verified(t, out.Bytes(), o.Ledger.VerifierKey())
		if !strings.Contains(fmt.Sprint(r.Faults), what) {
			t.Errorf("found %v, and not that %s", r.Faults, what)
		}
	}
}

var (
	entries = regexp.MustCompile(`Entry [0-9a-z]{26}`)
	hashes  = regexp.MustCompile(`[0-9a-f]{32,64}`)
	keys    = regexp.MustCompile(regexp.QuoteMeta(officetest.Origin) + `\+\S+`)
)

// The dossier says everything that is in the file, in words for people, and is the same each time once the file is closed.
//
// cite: P-49, P-51, P-52, P-53, 47 CFR 64.2011(d)
func TestDossier(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	i, by := filed(t, o)
	parts, err := o.Incidents.DossierParts(t.Context(), i.ID, by)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&text, "%s %s\n", p.Kind, strings.ReplaceAll(p.Text, "\n", "\n   "))
	}
	got := keys.ReplaceAllString(hashes.ReplaceAllString(entries.ReplaceAllString(text.String(), "Entry ENTRY"), "HASH"), officetest.Origin+"+KEY")
	golden := filepath.Join("testdata", "dossier.txt")
	if os.Getenv("GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the dossier is not the one of %s (write it with GOLDEN=1):\n%s", golden, got)
	}
	file, signed, err := o.Incidents.SignedDossier(t.Context(), i.ID, by)
	if err != nil {
		t.Fatal(err)
	}
	o.Time.Add(48 * time.Hour)
	same, err := o.Incidents.Dossier(t.Context(), i.ID, by)
	if err != nil || !bytes.Equal(file, same) {
		t.Errorf("two days later a closed file is printed otherwise, %v", err)
	}
	if !bytes.HasPrefix(file, []byte("%PDF-")) {
		t.Error("it is no PDF")
	}
	lines, err := ledger.OpenStatement(signed, bundle.DossierSort, o.Ledger.VerifierKey())
	if err != nil || len(lines) != 3 || lines[0] != "incident "+i.Number+" "+string(i.ID) {
		t.Errorf("signed: %q, %v", lines, err)
	}
	if _, err := o.Incidents.Dossier(context.Background(), i.ID, o.Member(t, cpni.RoleAgent)); err == nil {
		t.Error("an agent read the file of an incident (P-47)")
	}
	if _, err := o.Incidents.Dossier(t.Context(), cpni.NewID(), by); !errors.Is(err, breach.ErrNone) {
		t.Errorf("of none: %v", err)
	}
}
