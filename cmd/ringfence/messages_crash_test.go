package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/notify/mail/mailtest"
	"ringfence/internal/server"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/policy"
)

// burst is how many messages of each way wait when the server is first started.
const burst = 300

// A server that is killed again and again while it sends loses no message. Where the other side keeps what it was given
// under the message's name none is doubled; of what a mail server was given twice, both bear one Message-ID, and there are
// no more of them than kills can account for.
//
// cite: P-23, I-10
func TestKilledWhileSending(t *testing.T) {
	for name, url := range map[string]func(t *testing.T) string{"sqlite": func(*testing.T) string { return "" }, "postgres": func(t *testing.T) string { return storetest.Postgres(t) }} {
		t.Run(name, func(t *testing.T) {
			peer := mailtest.Start(t, mailtest.Options{Security: "none", DSN: true})
			folder := filepath.Join(t.TempDir(), "office")
			config := sendingOffice(t, folder, url(t), peer)
			ids := planBurst(t, config)
			killed := 0
			for range 20 {
				s := start(t, folder, "serve", "-c", config)
				time.Sleep(time.Duration(150+70*killed) * time.Millisecond)
				s.kill()
				killed++
				if killed >= *kills && len(peer.Received(t)) > 0 {
					break
				}
			}
			s := start(t, folder, "serve", "-c", config)
			waitUntilSent(t, config)
			s.stop(t)
			mustRun(t, "verify", "-c", config)
			mustHaveArrived(t, ids, peer.Received(t), folder, killed)
		})
	}
}

// sendingOffice makes an office whose e-mail goes to peer and whose texts go into a folder, with numbers under which a node
// that died is soon taken for dead.
func sendingOffice(t *testing.T, folder, database string, peer *mailtest.Server) (config string) {
	t.Helper()
	args := []string{"init", folder, "--carrier", "Test", "--zone", "America/New_York", "--email", "privacy@test.example", "--phone", "+18005550100", "--post", "1 Main St, Springfield, VA 22150", "--web", "https://account.test.example", "--facility", "https://reporting.facility.example/cpni", "--origin", "ledger.test.example"}
	if database != "" {
		args = append(args, "--database", database)
	}
	mustRun(t, args...)
	rules := filepath.Join(folder, "policy")
	if err := os.CopyFS(rules, policy.Files); err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(rules, "profiles", "messages.yaml"), "lease: 1m", "lease: 2s", "retry_first: 15s", "retry_first: 1s", "retry_longest: 10m", "retry_longest: 2s")
	config = filepath.Join(folder, "ringfence.yaml")
	replace(t, config, "127.0.0.1:8080", "127.0.0.1:0")
	more := fmt.Sprintf("messages:\n  address: https://account.test.example\n  email: {by: smtp, smtp: {host: 127.0.0.1, port: %d, security: none, from: \"Test <privacy@test.example>\", batch: 20}}\n  text: {by: file, file: %s}\n",
		peer.Port, filepath.Join(folder, "texts"))
	replace(t, config, `policy: ""`, "policy: "+rules)
	f, err := os.OpenFile(config, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(more); err != nil {
		t.Fatal(err)
	}
	return config
}

func replace(t *testing.T, path string, pairs ...string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if !bytes.Contains(text, []byte(pairs[i])) {
			t.Fatalf("%s has no %q", path, pairs[i])
		}
	}
	if err := os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
}

// planBurst plans notices to one customer by e-mail and by text.
func planBurst(t *testing.T, config string) map[cpni.Via][]cpni.ID {
	t.Helper()
	all := map[cpni.Via][]cpni.ID{}
	inOffice(t, config, func(o *server.Opened) {
		since := o.Clock.Now().AddDate(-1, 0, 0)
		of, err := o.Customers.Create(t.Context(), customer.Profile{Name: "Ann Archer", Since: since, Email: []customer.Address{{Value: "ann@customer.example", Since: since}},
			Lines: []customer.Line{{Number: "+12025550141", Categories: []cpni.Category{cpni.Wireless}, Since: since}}}, "test")
		if err != nil {
			t.Fatal(err)
		}
		err = o.DB.Tx(t.Context(), func(tx *store.Tx) error {
			for range burst {
				for _, m := range []notify.Message{{Via: cpni.Email, Place: notify.AOR, To: "ann@customer.example"}, {Via: cpni.Text, Place: notify.TNOR, To: "+12025550141", AtOnce: true}} {
					m.ID, m.Kind, m.Tokens = cpni.NewTimedID(o.Clock.Now()), notify.AccountChange, map[string]string{"what": "password"}
					all[m.Via] = append(all[m.Via], m.ID)
					if err := o.Outbox.Plan(t.Context(), tx, of, m); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	return all
}

func inOffice(t *testing.T, config string, do func(o *server.Opened)) {
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
	do(o)
}

// waitUntilSent waits until nothing waits any more.
func waitUntilSent(t *testing.T, config string) {
	t.Helper()
	c, err := server.ReadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.OpenToRead(t.Context(), c.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 600 {
		var n int
		if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM message WHERE state IN ('queued', 'sending')").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("messages wait after a minute")
}

func mustHaveArrived(t *testing.T, ids map[cpni.Via][]cpni.ID, letters []mailtest.Letter, folder string, killed int) {
	t.Helper()
	got := map[string]int{}
	for _, l := range letters {
		m, err := netmail.ReadMessage(bytes.NewReader(l.Content))
		if err != nil {
			t.Fatal(err)
		}
		got[m.Header.Get("Message-ID")]++
	}
	doubled := 0
	for _, n := range got {
		doubled += n - 1
	}
	if len(got) != len(ids[cpni.Email]) {
		t.Errorf("of %d e-mails %d have arrived", len(ids[cpni.Email]), len(got))
	}
	// A kill can leave what was under way on each connection to the mail server, and what was told of and not yet written.
	if most := killed * 20; doubled > most {
		t.Errorf("%d e-mails came twice, after %d kills", doubled, killed)
	}
	for _, id := range ids[cpni.Email] {
		found := 0
		for name := range got {
			if strings.Contains(name, string(id)) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d Message-IDs are of one message", found)
		}
	}
	texts := map[string]int{}
	err := fs.WalkDir(os.DirFS(filepath.Join(folder, "texts")), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() != "message.json" {
			return err
		}
		if strings.HasPrefix(path, ".part-") {
			t.Errorf("half a text lies there: %s", path)
		}
		text, err := os.ReadFile(filepath.Join(folder, "texts", path))
		if err != nil {
			return err
		}
		var m struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(text, &m); err != nil {
			return err
		}
		texts[m.ID]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids[cpni.Text] {
		if texts[string(id)] != 1 {
			t.Fatalf("a text lies there %d times", texts[string(id)])
		}
	}
	t.Logf("%d kills: %d e-mails, %d of them twice under their Message-ID; %d texts, each once", killed, len(got), doubled, len(texts))
}
