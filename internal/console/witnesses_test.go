package console

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/ledger/witness"
	"ringfence/internal/office"
	"ringfence/internal/store"
)

// asked has a witness that remembers state asked about the ledger of w.
func (w *world) asked(t testing.TB, state string) *witness.Asker {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state")
	if state != "" {
		must(t, os.WriteFile(path, []byte(state), 0o600))
	}
	private, err := witness.NewWitnessKey()
	must(t, err)
	x, err := witness.OpenWitness("witness.partner.example", private, []string{w.Ledger.VerifierKey()}, path)
	must(t, err)
	srv := httptest.NewServer(x.Handler())
	t.Cleanup(srv.Close)
	a, err := witness.New(witness.Parts{DB: w.DB, Ledger: w.Ledger, Clock: cpni.ClockFunc(time.Now), Peers: []witness.Peer{{Key: x.VerifierKey(), URL: srv.URL}}, Client: witness.Client(),
		Numbers: func(time.Time) witness.Numbers {
			return witness.Numbers{Apart: time.Second, Again: time.Hour, RetryFirst: time.Second, RetryLongest: time.Minute, AlertAfter: 87600 * time.Hour}
		},
		Alert: func(ctx context.Context, tx *store.Tx, code cpni.Code, says string) (ledger.Entry, error) {
			return w.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Alert, At: w.Office.Clock.Now(), Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: code}, map[string]string{"what": says})
		}})
	must(t, err)
	must(t, a.Work(context.Background()))
	return a
}

// Health tells how the ledger stands with its witnesses, good and bad; and where the carrier offers mobile service the desk asks for a new SIM, and the customer's
// lock is honoured. Both fit every window, and axe finds nothing to complain of.
//
// cite: P-23, P-37, P-41, 47 CFR 64.2010(h), V114
func TestWitnessesAndSIMs(t *testing.T) {
	w := newWorld(t, func(c *office.Config) { c.CMRS = true })
	w.serve(Options{Carrier: "Test Carrier", Report: w.report})
	must(t, w.Ledger.Sequence(context.Background()))
	admin := w.signedIn(t, "admin")
	admin.get("/health").says(t, "Witnesses of the ledger", "Nobody outside is asked")
	must(t, w.Ledger.Sequence(context.Background()))
	w.Office.Witnesses = w.asked(t, "")
	admin.get("/health").says(t, "Good", "Enough witnesses have cosigned the ledger lately", "witness.partner.example")
	w.Office.Witnesses = w.asked(t, `{"`+w.Ledger.Origin()+`": {"size": 100000, "root": "NW9GKeXPxKEizNnsOcookwTPsLCeAJ8v0GqD/MQHrTM="}}`)
	admin.get("/health").says(t, "Bad", "A witness says that this ledger is not the one that it has cosigned", "It says that this is not the log that it has cosigned")

	b := w.signedIn(t, "agent")
	at := b.verified(w.ann)
	b.submit(at+"/changes", "what", "sim-done").says(t, "NOT_FOUND")
	b.submit(at+"/changes", "what", "sim", "line", "1").says(t, "Noted, and not done yet. The customer is told")
	b.submit(at+"/changes", "what", "sim-done").says(t, "NOT_TOLD", "47 CFR 64.2010(h)")
	b.submit(at+"/changes", "what", "sim-lock").says(t, "Done. The customer is told")
	b.submit(at+"/changes", "what", "sim", "line", "1").says(t, "SIM_LOCKED", "take the lock off")
	b.get(at).says(t, "Take the SIM lock off")
	b.get(at).lacks(t, "The new SIM is in use")

	c := w.chromium(t)
	c.takeOver(admin)
	c.isSound("health with a witness", "/health")
}
