package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
)

// The bundle of an incident is checked on a machine that has nothing else, and what does not fit is named.
//
// cite: P-41, P-51, 47 CFR 64.2011(d)
func TestVerifyIncident(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	by := o.Member(t, cpni.RoleCompliance)
	i, err := o.Incidents.Open(t.Context(), breach.Intake{By: by, Facts: breach.Facts{What: "Something was seen by somebody.", Discovered: o.Clock.Now(), DiscoveredBy: "a colleague"}})
	if err == nil {
		err = o.Ledger.Sequence(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := o.Incidents.Bundle(t.Context(), i.ID, by)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := b.Write(&file); err != nil {
		t.Fatal(err)
	}
	path, key := filepath.Join(t.TempDir(), "I-2026-1.zip"), o.Ledger.VerifierKey()
	write := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file.Bytes())
	out := mustRun(t, "verify-incident", path, "--key", key)
	for _, want := range []string{"The bundle holds", "I-2026-1", string(i.ID), officetest.Origin, "1 steps"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q: %s", want, out)
		}
	}
	if code, out := command("verify-incident", path); code == 0 || !strings.Contains(out, "--key is needed") {
		t.Errorf("without a key: %d %s", code, out)
	}
	write(bytes.ReplaceAll(file.Bytes(), []byte("seen by somebody"), []byte("seen by everyone")))
	if code, out := command("verify-incident", path, "--key", key); code != 1 || !strings.Contains(out, "does NOT hold") || !strings.Contains(out, "steps/0001.json") || !strings.Contains(out, "incident.json") {
		t.Errorf("with other words: %d %s", code, out)
	}
	write([]byte("%PDF-1.7"))
	if code, out := command("verify-incident", path, "--key", key); code != 1 || !strings.Contains(out, "can not be read") {
		t.Errorf("of another file: %d %s", code, out)
	}
}
