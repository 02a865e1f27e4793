package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"ringfence/internal/ledger"
	"ringfence/internal/server"
	"ringfence/internal/store"
)

// In the demonstration a caller who is verified is told the calls of February, and one who is not the reason and the
// ways; the ledger verifies by its address, in a folder and in the database, and replays; and one byte of one record that
// was changed afterwards is found and named.
//
// cite: P-41, I-04, I-06, I-12
func TestDemonstrationAndOneByte(t *testing.T) {
	folder := t.TempDir()
	s := start(t, folder, "demo", "--folder", "demo", "--listen", "127.0.0.1:0")
	var doors server.SignIns
	text, err := os.ReadFile(filepath.Join(folder, "demo", "sign-ins.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &doors); err != nil {
		t.Fatal(err)
	}
	february := object{"data": []string{"call-detail"}, "months": []string{"2026-02"}}
	ask := func(contact string) (int, object) {
		february["contact"] = contact
		return s.post(doors.Key, "/v1/disclosures", february, "")
	}
	_, opened := s.post(doors.Key, "/v1/contacts", object{"number": doors.Number, "channel": "phone"}, "")
	if status, a := ask(fmt.Sprint(opened["id"])); status != http.StatusForbidden || a["code"] != "UNAUTHENTICATED" || a["ways"] == nil {
		t.Errorf("without verification: %d %v", status, a)
	}
	status, told := ask(s.verifiedContact(t, doors.Key, doors.Number, doors.Password))
	released, _ := told["released"].(object)
	if status != http.StatusOK || len(released["calls"].([]any)) != 1 || len(released["calls"].([]any)[0].(object)["calls"].([]any)) == 0 {
		t.Fatalf("told %d %v", status, told)
	}
	entry := fmt.Sprint(told["entry"])

	config := server.DemoConfig(filepath.Join(folder, "demo"), "127.0.0.1:0")
	file := filepath.Join(folder, "ringfence.yaml")
	writeConfig(t, file, config)
	key := verifierKey(t, config)
	mustRun(t, "verify", "-c", file) // while it serves
	mustRun(t, "replay", "-c", file)
	mustRun(t, "verify", "--url", s.url+"/ledger", "--key", key)
	s.stop(t)
	mustRun(t, "export", filepath.Join(folder, "export"), "-c", file)
	mustRun(t, "verify", "--folder", filepath.Join(folder, "export"), "--key", key)

	for _, c := range []struct{ what, change, back string }{
		{"the outcome", "UPDATE record SET outcome = 'denx' WHERE id = $1", "UPDATE record SET outcome = 'permit' WHERE id = $1"},
		{"who asked", "UPDATE record SET actor = 'x' || actor WHERE id = $1", "UPDATE record SET actor = substr(actor, 2) WHERE id = $1"},
		{"for whom", "UPDATE record SET recipient = 'family' WHERE id = $1", "UPDATE record SET recipient = 'customer' WHERE id = $1"},
		{"when", "UPDATE record SET at = at + 1 WHERE id = $1", "UPDATE record SET at = at - 1 WHERE id = $1"},
		{"the commitment", "UPDATE record SET commitment = CAST(substr(commitment, 1, 31) || X'00' AS BLOB) WHERE id = $1", ""},
		{"what is sealed", "UPDATE record SET sealed = CAST(substr(sealed, 1, length(sealed)-1) || X'5a' AS BLOB) WHERE id = $1", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			copied := copyFolder(t, filepath.Join(folder, "demo"))
			own := filepath.Join(copied, "ringfence.yaml")
			writeConfig(t, own, server.DemoConfig(copied, "127.0.0.1:0"))
			change(t, copied, c.change, entry)
			for _, check := range []string{"verify", "replay"} {
				if code, out := command(check, "-c", own); code != 1 || !strings.Contains(out, entry) {
					t.Errorf("%s ended with %d and does not name %s: %s", check, code, entry, out)
				}
			}
			if c.back != "" {
				change(t, copied, c.back, entry)
				mustRun(t, "verify", "-c", own)
				mustRun(t, "replay", "-c", own)
			}
		})
	}
}

func verifierKey(t *testing.T, c server.Config) string {
	t.Helper()
	signer, err := ledger.ReadKeyFile(c.Ledger.Key)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.PublicKey(signer)
}

func writeConfig(t *testing.T, file string, c server.Config) {
	t.Helper()
	text, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func change(t *testing.T, folder, sql, entry string) {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(folder, "ringfence.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Tx(t.Context(), func(tx *store.Tx) error {
		r, err := tx.Exec(t.Context(), sql, entry)
		if err != nil {
			return err
		}
		if n, _ := r.RowsAffected(); n != 1 {
			t.Errorf("changed %d rows", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
