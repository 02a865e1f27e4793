package main

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/ledger/witness"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// An export is verified with the witnesses that have cosigned the ledger, and not without them.
//
// cite: P-41
func TestVerifyWitnesses(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, storetest.SQLite(t)))
	o.Member(t, cpni.RoleCompliance)
	if err := o.Ledger.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	folder, keys := t.TempDir(), make([]string, 2)
	var peers []witness.Peer
	for i, name := range []string{"one.example", "two.example"} {
		private, err := witnessKey(filepath.Join(folder, name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := witnessKey(filepath.Join(folder, name+".key")); err != nil || strings.TrimSpace(again) != private {
			t.Fatalf("the key that is there: %v", err)
		}
		w, err := witness.OpenWitness(name, private, []string{o.Ledger.VerifierKey()}, filepath.Join(folder, name+".state"))
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(w.Handler())
		t.Cleanup(srv.Close)
		keys[i], peers = w.VerifierKey(), append(peers, witness.Peer{Key: w.VerifierKey(), URL: srv.URL})
	}
	a, err := witness.New(witness.Parts{DB: o.DB, Ledger: o.Ledger, Clock: cpni.ClockFunc(time.Now), Peers: peers[:1], Client: witness.Client(),
		Numbers: func(time.Time) witness.Numbers {
			return witness.Numbers{Apart: time.Minute, Again: time.Hour, RetryFirst: time.Second, RetryLongest: time.Minute, AlertAfter: time.Hour}
		},
		Alert: func(context.Context, *store.Tx, cpni.Code, string) (ledger.Entry, error) {
			t.Error("an alert")
			return ledger.Entry{}, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	export := filepath.Join(folder, "export")
	if err := o.Ledger.Export(t.Context(), export); err != nil {
		t.Fatal(err)
	}
	verify := func(more ...string) (int, string) {
		return command(append([]string{"verify", "--folder", export, "--key", o.Ledger.VerifierKey()}, more...)...)
	}
	if code, out := verify(); code != 0 || strings.Contains(out, "cosigned") {
		t.Errorf("with the log's key alone: %d, %s", code, out)
	}
	if code, out := verify("--witness", keys[0]); code != 0 || !strings.Contains(out, "one.example has cosigned the first") {
		t.Errorf("with the witness that has cosigned: %d, %s", code, out)
	}
	if code, out := verify("--witness", keys[0], "--witness", keys[1], "--quorum", "1"); code != 0 {
		t.Errorf("with one of two: %d, %s", code, out)
	}
	if code, out := verify("--witness", keys[0], "--witness", keys[1]); code != 1 || !strings.Contains(out, "not witnessed") || !strings.Contains(out, "none of two.example") {
		t.Errorf("with both: %d, %s", code, out)
	}
	if code, out := verify("--quorum", "1"); code == 0 || !strings.Contains(out, "--witness") {
		t.Errorf("a quorum of nobody: %d, %s", code, out)
	}
	// The witness' state is one file; an older one put back is what docs/witnesses.md warns of.
	if state, err := os.ReadFile(filepath.Join(folder, "one.example.state")); err != nil || !strings.Contains(string(state), officetest.Origin) {
		t.Errorf("what it has cosigned: %q, %v", state, err)
	}
}
