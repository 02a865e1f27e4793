package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/office/officetest"
	"ringfence/internal/register"
	"ringfence/internal/rules"
	"ringfence/internal/store/storetest"
)

// The file of a register is verified on a machine that has nothing else, and beside an export of the ledger it shows that no line was
// left out; one from which a line was taken does not.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func TestVerifyRegister(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, storetest.SQLite(t)))
	o.Door.InlineProcess = true // what a process is, its own tests show
	by, ann := o.Member(t, cpni.RoleCompliance), o.Customer(t)
	for _, number := range []string{"CV 1", "CV 2"} {
		o.Time.Add(time.Second)
		a, err := o.Door.Disclose(t.Context(), disclose.Request{Caller: disclose.Caller{Staff: by}, Customer: ann.ID, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.Legal, To: "law-enforcement", Via: cpni.File,
			Process: &rules.Process{ID: number, Issuer: "a court", Scope: []cpni.DataClass{cpni.CallDetail}, From: officetest.Start.AddDate(0, -1, 0), Until: officetest.Start.AddDate(1, 0, 0), ReviewedBy: "counsel"}})
		if err != nil || !a.Decision.Permit() {
			t.Fatalf("%v, %+v", err, a)
		}
	}
	if err := o.Ledger.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	export, path := filepath.Join(folder, "export"), filepath.Join(folder, "register.jsonl")
	if err := o.Ledger.Export(t.Context(), export); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := o.Registers.Proof(t.Context(), &file, register.Disclosures, register.Query{}, true); err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file.Bytes())
	key := o.Ledger.VerifierKey()
	out := mustRun(t, "verify", "--register", path, "--folder", export, "--key", key)
	for _, want := range []string{"The register holds", "Each of its 2 lines", "No line was left out"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q: %s", want, out)
		}
	}
	lines := bytes.SplitAfter(file.Bytes(), []byte("\n"))
	write(append(bytes.Replace(lines[0], []byte(`"lines":2`), []byte(`"lines":1`), 1), lines[1]...))
	if code, out := command("verify", "--register", path, "--folder", export, "--key", key); code != 1 || !strings.Contains(out, "NOT complete: 1 entries") {
		t.Errorf("without a line: %d %s", code, out)
	}
	write(file.Bytes())
	if code, _ := command("verify", "--register", path, "--key", "x"); code == 0 {
		t.Error("under a key that is none")
	}
}
