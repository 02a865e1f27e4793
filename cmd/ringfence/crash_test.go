package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/server"
	"ringfence/internal/store/storetest"
)

// kills is how often the server is killed, on each database; the default keeps the suite short.
var kills = flag.Int("kills", 3, "how often the crash test kills the server")

// A server that is killed at any moment of a load leaves a database that verifies, replays, and holds every disclosure
// that was acknowledged; and asking again with the same key gives the answer that was recorded.
//
// cite: P-41, I-03, I-11
func TestKilledUnderLoad(t *testing.T) {
	for name, url := range map[string]func(t *testing.T) string{"sqlite": func(t *testing.T) string { return "" }, "postgres": func(t *testing.T) string { return storetest.Postgres(t) }} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "office")
			args := []string{"init", folder, "--carrier", "Test", "--zone", "America/New_York", "--email", "privacy@test.example", "--phone", "+18005550100", "--post", "1 Main St, Springfield, VA 22150", "--web", "https://account.test.example", "--facility", "https://reporting.facility.example/cpni", "--origin", "ledger.test.example"}
			if u := url(t); u != "" {
				args = append(args, "--database", u)
			}
			mustRun(t, args...)
			config := filepath.Join(folder, "ringfence.yaml")
			text, err := os.ReadFile(config)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(config, []byte(strings.Replace(string(text), "127.0.0.1:8080", "127.0.0.1:0", 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			mustRun(t, "generate", folder, "--customers", "5", "--calls", "200")
			mustRun(t, "import", "customers", filepath.Join(folder, "customers.csv"), "-c", config)
			mustRun(t, "import", "calls", filepath.Join(folder, "calls.csv"), "--format", "csv", "-c", config)
			mustRun(t, "staff", "add", "shop", "--role", "agent", "--trained", time.Now().AddDate(0, 0, -2).Format(time.DateOnly), "-c", config)
			key := strings.TrimSpace(mustRun(t, "staff", "key", "shop", "--name", "load", "-c", config))
			number := firstNumber(t, filepath.Join(folder, "customers.csv"))
			acknowledged := map[string]string{} // by idempotency key
			for round := range *kills {
				underLoad(t, config, key, number, round, acknowledged)
				for _, command := range []string{"verify", "replay"} {
					mustRun(t, command, "-c", config)
				}
			}
			if len(acknowledged) == 0 {
				t.Fatal("nothing was acknowledged")
			}
			mustHold(t, config, acknowledged)
		})
	}
}

// underLoad lets many ask until the server is killed, and notes what was acknowledged. What was acknowledged in earlier
// rounds is asked again with its key.
func underLoad(t *testing.T, config, key, number string, round int, acknowledged map[string]string) {
	t.Helper()
	s := start(t, filepath.Dir(config), "serve", "-c", config)
	status, opened := s.post(key, "/v1/contacts", object{"number": number, "channel": "store"}, "")
	if status != http.StatusCreated {
		t.Fatalf("no contact: %d %v", status, opened)
	}
	contact := fmt.Sprint(opened["id"])
	if status, a := s.post(key, "/v1/contacts/"+contact+"/proofs", object{"photo_id": object{"name": name(t, s, key, number), "expires": "2099-01-01", "government": true}}, ""); status != http.StatusOK {
		t.Fatalf("not verified: %d %v", status, a)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for worker := range 8 {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("round %d worker %d request %d", round, worker, n)
				status, a := s.post(key, "/v1/disclosures", object{"contact": contact, "data": []string{"call-detail"}, "months": []string{"2026-02"}}, id)
				if status == 0 {
					return // killed
				}
				if status != http.StatusOK || a["released"] == nil {
					t.Errorf("answered %d %v", status, a)
					return
				}
				mu.Lock()
				acknowledged[id] = fmt.Sprint(a["customer"], " ", a["entry"])
				mu.Unlock()
			}
		})
	}
	time.Sleep(time.Duration(200+rand.IntN(800)) * time.Millisecond)
	s.kill()
	all.Wait()
}

// name reads the name on the account of a number.
func name(t *testing.T, s *started, key, number string) string {
	t.Helper()
	_, a := s.post(key, "/v1/customers/search", object{"number": number}, "")
	found, ok := a["customers"].([]any)
	if !ok || len(found) != 1 {
		t.Fatalf("found %v", a)
	}
	return fmt.Sprint(found[0].(object)["name"])
}

func firstNumber(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`\+1\d{10}`).FindString(string(text))
}

// mustHold checks that everything that was acknowledged is on record.
func mustHold(t *testing.T, config string, acknowledged map[string]string) {
	t.Helper()
	c, err := server.ReadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	o, err := server.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if err := o.Ledger.Sequence(t.Context()); err != nil { // what was committed as it was killed
		t.Fatal(err)
	}
	for key, value := range acknowledged {
		customer, entry, _ := strings.Cut(value, " ")
		row, err := o.Ledger.Record(t.Context(), cpni.ID(customer), cpni.ID(entry))
		if err != nil || row.Outcome != cpni.Permit || row.Kind != ledger.Decision {
			t.Fatalf("%s was acknowledged as %s and is not on record: %+v, %v", key, value, row.Entry, err)
		}
		if _, err := o.Ledger.Prove(t.Context(), cpni.ID(customer), cpni.ID(entry)); err != nil {
			t.Fatalf("%s cannot be proved: %v", value, err)
		}
	}
	t.Logf("%d acknowledged, all on record", len(acknowledged))
}
