package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/evidence"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/server"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// A bundle is verified and replayed by the program alone, in an empty folder and with an empty environment, and a byte that is another ends
// both with 1.
//
// cite: P-41, P-49, I-04
func TestABundleOnACleanMachine(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	agent, ann := o.Member(t, cpni.RoleAgent), o.Customer(t)
	for _, in := range []cpni.ID{o.Verified(t, agent, ann.ID), o.Contact(t, agent, ann.ID)} {
		if _, err := o.Door.Disclose(t.Context(), disclose.Request{Caller: disclose.Caller{Staff: agent}, Contact: in, Data: []cpni.DataClass{cpni.CallDetail}, Months: []int{202610}}); err != nil {
			t.Fatal(err)
		}
	}
	home := t.TempDir()
	path := filepath.Join(home, "bundle")
	key := identity(t, filepath.Join(home, "auditor.key"))
	to, err := evidence.NewFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := o.Evidence.Make(t.Context(), evidence.Order{From: officetest.Start, To: officetest.Start.AddDate(0, 0, 1), Scope: evidence.Scope{Kind: evidence.All}, Key: key, Why: "The auditor has asked for it."},
		evidence.Authority{By: "command"}, to)
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("ringfence")
	if err != nil {
		t.Fatal(err)
	}
	alone := func(code int, args ...string) string {
		t.Helper()
		c := exec.Command(program, args...)
		c.Dir, c.Env = t.TempDir(), []string{"NOTHING=here"}
		out, err := c.CombinedOutput()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == code || err == nil && code == 0 {
			return string(out)
		}
		t.Fatalf("ringfence %s ended with %v and not with %d: %s", args[0], err, code, out)
		return ""
	}
	verify, replay := []string{"verify", "--folder", path, "--key", m.Key}, []string{"replay", "--bundle", path, "--identity", filepath.Join(home, "auditor.key")}
	if out := alone(0, verify...); !strings.Contains(out, "The bundle is whole") || !strings.Contains(out, officetest.Origin+" is whole") {
		t.Errorf("verify says %s", out)
	}
	if out := alone(0, replay...); !strings.Contains(out, "2 decisions, each made again as it was recorded. 0 more can not") {
		t.Errorf("replay says %s", out)
	}
	name := filepath.Join(path, m.Segments[0].Facts)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)-1] ^= 1
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{verify, replay} {
		if out := alone(1, args...); !strings.Contains(out, m.Segments[0].Facts) {
			t.Errorf("%s does not name the file: %s", args[0], out)
		}
	}
	if out := alone(1, "verify", "--folder", path); !strings.Contains(out, "--key is needed") {
		t.Errorf("without a key: %s", out)
	}
	if out := alone(1, "replay", "--bundle", path); !strings.Contains(out, "--identity is needed") {
		t.Errorf("without the auditor's key: %s", out)
	}
}

// identity makes an auditor's key in a file, and gives its public half.
func identity(t *testing.T, path string) string {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err == nil {
		err = os.WriteFile(path, []byte("# the auditor's\n"+key.String()+"\n"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key.Recipient().String()
}

// The command makes a bundle of what a configuration names, says on record who has and that nobody agreed, and makes none over another.
//
// cite: P-37, P-41, P-49
func TestBundleCommand(t *testing.T) {
	home := t.TempDir()
	config := server.DemoConfig(home, "127.0.0.1:0")
	config.Ledger.Origin = "ledger.test.example"
	if err := errors.Join(vault.NewMasterFile(filepath.Join(home, "master.key")), ledger.NewKeyFile(filepath.Join(home, "ledger.key"), config.Ledger.Origin)); err != nil {
		t.Fatal(err)
	}
	file, out := filepath.Join(home, "ringfence.yaml"), filepath.Join(home, "bundle")
	writeConfig(t, file, config)
	key := identity(t, filepath.Join(home, "auditor.key"))
	for _, args := range [][]string{{}, {"--to-key", key}, {"--to-key", "age1nothing", "--why", "x"}, {"--to-key", key, "--why", "x", "--from", "yesterday"}, {"--to-key", key, "--why", "x", "--customer", "somebody"},
		{"--to-key", key, "--why", "x", "--order", string(cpni.NewID())}, {"--order", string(cpni.NewID())}} {
		if code, said := command(append([]string{"bundle", out, "-c", file}, args...)...); code == 0 {
			t.Errorf("with %v: %s", args, said)
		}
	}
	if left, err := filepath.Glob(out + "*"); err != nil || len(left) > 0 {
		t.Errorf("of what was refused is left %v, %v", left, err)
	}
	said := mustRun(t, "bundle", out, "-c", file, "--to-key", key, "--why", "The auditor has asked for it.")
	if !strings.Contains(said, "ringfence verify --folder "+out) || !strings.Contains(said, "ringfence replay --bundle "+out) {
		t.Errorf("it says %s", said)
	}
	mustRun(t, "verify", "--folder", out, "--key", verifierKey(t, config))
	said = mustRun(t, "replay", "--bundle", out, "--identity", filepath.Join(home, "auditor.key"))
	if !strings.Contains(said, "0 decisions") || !strings.Contains(said, "other records hold") {
		t.Errorf("it says %s", said)
	}
	if code, said := command("bundle", out, "-c", file, "--to-key", key, "--why", "Again."); code != 1 || !strings.Contains(said, "there already") {
		t.Errorf("over another: %d %s", code, said)
	}
}
