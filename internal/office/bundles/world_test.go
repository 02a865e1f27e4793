package bundles_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/evidence"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
)

// world is a small office in which something was decided, and an auditor with a key.
type world struct {
	*officetest.Office
	t         testing.TB
	auditor   *age.X25519Identity
	ann, bob  cpni.ID // customers
	decisions []cpni.ID
	annual    evidence.Order
}

// canaries are what no file of a bundle may hold in the open.
var canaries = []string{"Ann Archer", "+1202555", "@example.com", "Springfield", "+17035550123", "Zanzibar", `"salt"`, `"facts":{`}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{Office: officetest.Open(t, db), t: t}
	var err error
	if w.auditor, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	agent, biller := w.Member(t, cpni.RoleAgent), w.Member(t, cpni.RoleBilling)
	w.ann, w.bob = w.Customer(t).ID, w.Customer(t).ID
	for _, of := range []cpni.ID{w.ann, w.bob} {
		for _, in := range []cpni.ID{w.Verified(t, agent, of), w.Contact(t, agent, of)} {
			w.ask(disclose.Request{Caller: disclose.Caller{Staff: agent}, Contact: in, Data: []cpni.DataClass{cpni.CallDetail}, Months: []int{202610}})
		}
		w.ask(disclose.Request{Caller: disclose.Caller{Staff: biller}, Customer: of, Purpose: cpni.BillingPurpose, Data: []cpni.DataClass{cpni.Billing}, To: "Zanzibar Printers"})
	}
	w.Time.Add(time.Hour)
	w.annual = evidence.Order{From: officetest.Start.AddDate(-1, 0, 0), To: officetest.Start.AddDate(0, 1, 0), Scope: evidence.Scope{Kind: evidence.All}, Key: w.auditor.Recipient().String(), Why: "The auditor of 2026 has asked for it."}
	w.Evidence.Segment = 16
	return w
}

func (w *world) ask(r disclose.Request) {
	w.t.Helper()
	a, err := w.Door.Disclose(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.decisions = append(w.decisions, a.Entry)
}

// made makes a bundle and gives its folder.
func (w *world) made(o evidence.Order) (string, *evidence.Manifest) {
	w.t.Helper()
	folder := filepath.Join(w.t.TempDir(), "bundle")
	to, err := evidence.NewFolder(folder)
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := w.Evidence.Make(w.t.Context(), o, evidence.Authority{By: "command"}, to)
	if err != nil {
		w.t.Fatal(err)
	}
	return folder, m
}

func (w *world) verified(folder string) (*evidence.Report, string) {
	w.t.Helper()
	var out strings.Builder
	r, err := evidence.Verify(w.t.Context(), os.DirFS(folder), ledger.Trust{Key: w.Ledger.VerifierKey()}, &out)
	if err != nil {
		w.t.Fatal(err)
	}
	return r, out.String()
}

func (w *world) replayed(folder string) (*evidence.Replayed, string) {
	w.t.Helper()
	var out strings.Builder
	r, err := evidence.Replay(w.t.Context(), os.DirFS(folder), []age.Identity{w.auditor}, &out)
	if err != nil {
		w.t.Fatal(err)
	}
	return r, out.String()
}

// holds fails unless a bundle verifies and replays, with so many decisions made again.
func (w *world) holds(folder string, decisions int64) {
	w.t.Helper()
	if r, out := w.verified(folder); !r.OK() {
		w.t.Fatalf("it does not verify: %s", out)
	}
	if r, out := w.replayed(folder); !r.OK() || r.Decisions != decisions {
		w.t.Fatalf("%d decisions of %d: %s", r.Decisions, decisions, out)
	}
}

// filesIn lists the files of a folder.
func filesIn(t testing.TB, folder string) (all []string) {
	t.Helper()
	if err := fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func content(t testing.TB, folder, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t testing.TB, folder, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}
