package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

func testConfig() Config {
	return Config{Carrier: Carrier{Name: "Test", Zone: "America/New_York", Contact: Contact{Email: "privacy@test.example", Phone: "+18005550100", Post: "1 Main St, Springfield, VA 22150", Web: "https://account.test.example"},
		Facility: Facility{Link: "https://reporting.facility.example/cpni", Verified: "2026-11-20"}, Posting: "https://test.example/privacy"}, Database: "memory:", Listen: "127.0.0.1:0", Metrics: "127.0.0.1:0",
		Vault: Vault{Key: "env:X"}, Ledger: Ledger{Origin: officetest.Origin, Key: "x"}}
}

// Every entry that is wrong is named with what to write, all at once.
//
// cite: P-12, P-27, P-46, P-55, 47 CFR 64.2008(c)(3), 47 CFR 64.2011(b)
func TestConfigurationsThatAreWrong(t *testing.T) {
	if err := testConfig().Check(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"carrier.name": func(c *Config) { c.Carrier.Name = " " }, "carrier.zone": func(c *Config) { c.Carrier.Zone = "" }, "CONFIG_CONTACT.*P-12": func(c *Config) { c.Carrier.Contact.Email = "nobody" },
		"database is empty": func(c *Config) { c.Database = "" }, "vault.key": func(c *Config) { c.Vault.Key = "" }, "ledger.origin": func(c *Config) { c.Ledger.Origin = "a b" },
		"ledger.key": func(c *Config) { c.Ledger.Key = "" }, "listen": func(c *Config) { c.Listen = "8080" }, "metrics": func(c *Config) { c.Metrics = "x" },
		"url \"desk\"": func(c *Config) { c.Address = "desk" }, "without a path": func(c *Config) { c.Address = "https://desk.example/console" }, "trusted-proxies: \"all\"": func(c *Config) { c.Proxies = []string{"10.0.0.0/8", "all"} },
		"second-factor is required or optional": func(c *Config) { c.SignIn.SecondFactor = "no" },
		"oidc.issuer":                           func(c *Config) { c.SignIn.OIDC.Issuer = "http://id.example" }, "oidc.client-id": func(c *Config) { c.SignIn.OIDC.Issuer = "https://id.example" },
		"oidc needs url": func(c *Config) { c.SignIn.OIDC.ClientID = "ringfence" },
		"oidc.claim is":  func(c *Config) { c.SignIn.OIDC.Claim = "sub" },
		"messages.email.by is smtp, file or none, not \"pigeon\"": func(c *Config) { c.Messages.Email.By = "pigeon" },
		"messages.text.file is empty":                             func(c *Config) { c.Messages.Text.By = "file" },
		"messages.voice.file is set, and messages.voice.by":       func(c *Config) { c.Messages.Voice.File = "/x" },
		"CONFIG_CONTACT: carrier.contact.phone is empty.*P-27":    func(c *Config) { c.Carrier.Contact.Phone = " " },
		"CONFIG_CONTACT: carrier.contact.post is empty.*P-12":     func(c *Config) { c.Carrier.Contact.Post = "" },
		"CONFIG_CONTACT: carrier.contact.web is empty.*P-12":      func(c *Config) { c.Carrier.Contact.Web = "our page" },
		"CONFIG: carrier.facility.link is empty.*P-46":            func(c *Config) { c.Carrier.Facility.Link = "" },
		"CONFIG: carrier.facility.link .*no https.*P-46":          func(c *Config) { c.Carrier.Facility.Link = "http://facility.example" },
		"CONFIG: carrier.facility.verified \"\".*P-46":            func(c *Config) { c.Carrier.Facility.Verified = "" },
		"CONFIG: carrier.posting is empty.*P-55":                  func(c *Config) { c.Carrier.Posting = "" },
		"messages.address is empty.*P-23":                         func(c *Config) { c.Messages.Letter = LetterWay{By: "file", File: "/x"} },
		"messages.address \"http://carrier.example\"":             func(c *Config) { c.Messages.Address = "http://carrier.example" },
		"messages.address \"https://a.example/b\"":                func(c *Config) { c.Messages.Address = "https://a.example/b" },
		"CONFIG: carrier.reports.frn \"12345\".*P-45":             func(c *Config) { c.Carrier.Reports.FRN = "12345" },
		"CONFIG: carrier.reports.filer-id \"8123456\".*P-45":      func(c *Config) { c.Carrier.Reports.FilerID = "8123456" },
		"CONFIG: carrier.reports.states has \"Virginia\".*P-45":   func(c *Config) { c.Carrier.Reports.States = []string{"MD", "Virginia"} },
		"CONFIG: carrier.reports.contact.email is no.*P-45":       func(c *Config) { c.Carrier.Reports.Contact.Email = "Cora <c@x.example>" },
		"CONFIG: carrier.reports.address is more.*P-45":           func(c *Config) { c.Carrier.Reports.Address = "1 Main St\nSpringfield" },
		"oidc.second-factor is ours":                              func(c *Config) { c.SignIn.OIDC.SecondFactor = "none" },
	} {
		c := testConfig()
		change(&c)
		if err := c.Check(); err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	if err := (Config{}).Check(); strings.Count(fmt.Sprint(err), "\n") < 5 {
		t.Errorf("not everything is named: %v", err)
	}
	whole := testConfig()
	whole.Address, whole.Proxies = "https://desk.carrier.example/", []string{"10.0.0.0/8", "192.0.2.7", "fd00::/8"}
	whole.SignIn = SignInWay{SecondFactor: "required", OIDC: OIDC{Name: "Carrier ID", Issuer: "https://id.carrier.example", ClientID: "ringfence", Claim: "preferred_username", SecondFactor: "provider"}}
	whole.Messages = Messages{Email: EmailWay{By: "file", File: "/var/messages"}, Text: TextWay{By: "none"}}
	if err := whole.Check(); err != nil {
		t.Errorf("nothing is wrong: %v", err)
	}
	if got := whole.JoinAddress("x"); got != "https://desk.carrier.example/join/x" {
		t.Errorf("an invitation leads to %s", got)
	}
	whole.SignIn.OIDC.SecretFile = filepath.Join(t.TempDir(), "none")
	if _, err := whole.consoleOptions(Machine, time.UTC, true, nil); err == nil || !strings.Contains(err.Error(), "client-secret-file") {
		t.Errorf("a secret that is not there: %v", err)
	}
	file := filepath.Join(t.TempDir(), "c.yaml")
	for _, text := range []string{"carrier: {nmae: X}", "messages: {email: {smtp: x}}", "messages: {fax: {by: none}}", "carrier: [", "listen: {a: b}", "\xff\xfe", "database: x\ndatabase: y"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadConfig(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// running is a server that answers on loopback.
type running struct {
	*Listening
	log *bytes.Buffer
}

func listen(t *testing.T, o *officetest.Office, c Config) running {
	t.Helper()
	r := running{log: &bytes.Buffer{}}
	l, err := Listen(t.Context(), o.Office, c, slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})), false)
	if err != nil {
		t.Fatal(err)
	}
	r.Listening = l
	return r
}

func (r running) do(t *testing.T, key, method, path, body string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, "http://"+r.Address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

// Nothing personal stands in logs, metrics, addresses, errors, the readable part of the ledger or the database's files,
// whatever was done with it, right or wrong.
//
// cite: I-23, I-05, P-37, P-41
func TestNothingPersonalLeaks(t *testing.T) {
	file := storetest.SQLite(t)
	db := storetest.Open(t, file)
	o := officetest.Open(t, db)
	const name, born, password, pin, email, postal, question, answer, stranger = "Zephyrine Quillfeather", "1971-07-19", "marmalade-canary-77", "839174", "zephyrine@canary.example",
		"77 Canary Row, Birdville, VA 22150", "Which canary sang first?", "the yellow one", "+17035550177"
	secret := func(s string) *customer.Secret { x := o.Secrets.Secret(s); return &x }
	ann := o.Customer(t, func(p *customer.Profile) {
		p.Name, p.Account, p.Born, p.SSN4 = name, "ACCT-CANARY-1", born, "7719"
		p.Postal, p.Email = []customer.Address{{Value: postal, Since: p.Since}}, []customer.Address{{Value: email, Since: p.Since}}
		p.ContactNumbers = []string{"+17035550188"}
		p.Credentials = customer.Credentials{Password: secret(password), PIN: secret(pin), Backup: []customer.Backup{{Question: question, Answer: *secret(answer)}}}
	})
	agent := o.Member(t, cpni.RoleAgent)
	key, err := o.Staff.NewKey(t.Context(), agent, "test", nil, "test")
	if err != nil {
		t.Fatal(err)
	}
	personal := []string{name, "Quillfeather", "quillfeather", "ACCT-CANARY-1", password, pin, email, postal, "Birdville", question, answer, stranger, ann.Lines[0].Number, "+17035550188", "+17035550123",
		born, "wrong-canary", key}
	r := listen(t, o, testConfig())
	told := ""
	ask := func(method, path, body string) string {
		status, _, text := r.do(t, key, method, path, body)
		if status >= 400 {
			told += text
		}
		return text
	}
	ask("POST", "/v1/customers/search", `{"number":"`+ann.Lines[0].Number+`"}`)
	ask("POST", "/v1/customers/search", `{"number":"`+stranger+`","name":"`+name+`"}`)
	opened := ask("POST", "/v1/contacts", `{"number":"`+ann.Lines[0].Number+`","channel":"phone","caller":"`+stranger+`","source":"`+stranger+`"}`)
	in := regexp.MustCompile(`"id":"(\w+)"`).FindStringSubmatch(opened)[1]
	proofs := "/v1/contacts/" + in + "/proofs"
	for _, body := range []string{`{"password":"wrong-canary"}`, `{"pin":"839175"}`, `{"backup":{"` + question + `":"wrong-canary"}}`, `{"claim":{"ssn4":"7719"}}`, `{"callback":{"number":"` + stranger + `","answered":true}}`,
		`{"photo_id":{"name":"` + name + `","expires":"2099-01-01","government":true}}`, `{"password":"` + name + `"`, `{"password":7}`, `{"nothing":"` + password + `"}`, `{"send_code":"` + email + `"}`,
		`{"password":"` + password + `"}`} {
		ask("POST", proofs, body)
	}
	for _, body := range []string{`{"contact":"` + in + `","data":["call-detail"]}`, `{"contact":"` + in + `","data":["call-detail"],"to":"authorised:` + name + `"}`,
		`{"contact":"` + in + `","data":["call-detail"],"to":"` + name + `"}`, `{"contact":"` + in + `","data":["call-detail"],"purpose":"` + name[:10] + `"}`,
		`{"contact":"` + in + `","data":["call-detail"],"via":"postal","address":"` + postal + `"}`, `{"contact":"` + in + `","data":["` + name[:10] + `"]}`,
		`{"data":["call-detail"],"purpose":"legal","process":{"id":"` + name + `"}}`,
		`{"contact":"` + in + `","data":["call-detail"],"line":"` + stranger + `"}`} {
		ask("POST", "/v1/disclosures", body)
	}
	ask("POST", "/v1/contacts/"+in+"/credentials", `{"password":"`+password+`-new"}`)
	ask("POST", "/v1/contacts/"+in+"/changes", `{"email":"new-`+email+`"}`)
	ask("GET", "/v1/contacts/"+stranger, "")
	if err := o.Ledger.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _, tile := r.do(t, key, "GET", "/ledger/checkpoint", "")
	_, _, metrics := running{Listening: &Listening{Address: r.Metrics}}.do(t, "", "GET", "/metrics", "")
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	rows, err := o.Ledger.Records(t.Context(), ann.ID, ledger.Filter{Limit: 1000})
	if err != nil || len(rows) < 15 {
		t.Fatalf("%d on record, %v", len(rows), err)
	}
	var readable strings.Builder
	for _, row := range rows {
		row.Sealed = nil
		fmt.Fprintf(&readable, "%+v\n", row)
	}
	places := map[string]string{"the log": r.log.String(), "refusals": told, "the ledger": tile + readable.String(), "metrics": metrics}
	for _, suffix := range []string{"", "-wal"} {
		if b, err := os.ReadFile(strings.TrimPrefix(file, "sqlite:") + suffix); err == nil {
			places["the database's file "+suffix] = string(b)
		}
	}
	if len(places["the database's file "])+len(places["the database's file -wal"]) < 50_000 {
		t.Error("the database's files were not read")
	}
	if told == "" {
		t.Error("nothing was refused")
	}
	for place, text := range places {
		for _, p := range personal {
			if i := strings.Index(text, p); i >= 0 {
				t.Errorf("%s holds %q: …%q…", place, p, text[max(0, i-80):min(len(text), i+80)])
			}
		}
	}
	for _, want := range []string{`ringfence_messages_waiting{way="voice"} `, `ringfence_messages_oldest_seconds{way="postal"} 0`, `ringfence_messages_dead{way="email"} 0`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if !strings.Contains(metrics, `ringfence_http_answers_total{part="api",status="403"}`) || !strings.Contains(metrics, "ringfence_decisions_permitted_total") {
		t.Errorf("no metrics: %s", metrics)
	}
}

// A node says whether it can decide and record, and what is in the way; every answer bears the headers that keep it out
// of frames and caches.
func TestReady(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	o := officetest.Open(t, db)
	r := listen(t, o, testConfig())
	defer r.Stop()
	status, header, text := r.do(t, "", "GET", "/readyz", "")
	if status != http.StatusOK || !strings.Contains(text, `"ready":true`) {
		t.Errorf("%d %s", status, text)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if header.Get(name) != want {
			t.Errorf("%s is %q", name, header.Get(name))
		}
	}
	if status, _, text := r.do(t, "", "GET", "/healthz", ""); status != http.StatusOK || text != "ok\n" {
		t.Errorf("%d %s", status, text)
	}
	if err := db.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "ALTER TABLE ledger_checkpoint RENAME TO gone")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if status, _, text := r.do(t, "", "GET", "/readyz", ""); status != http.StatusServiceUnavailable || !strings.Contains(text, `"ledger"`) {
		t.Errorf("without a ledger: %d %s", status, text)
	}
}

// An address that is taken is told as that; the one who asked ends and nothing stays open.
func TestAnAddressThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	for _, change := range []func(*Config){func(c *Config) { c.Listen = taken.Addr().String() }, func(c *Config) { c.Metrics = taken.Addr().String() }} {
		c := testConfig()
		change(&c)
		if _, err := Listen(t.Context(), o.Office, c, slog.New(slog.DiscardHandler), false); err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
			t.Errorf("%v", err)
		}
	}
}

// A server that is told to stop lets requests in flight end, and what they decided is on record and in the tree.
//
// cite: P-41, I-03
func TestStopping(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		key, err := o.Staff.NewKey(t.Context(), agent, "test", nil, "test")
		if err != nil {
			t.Fatal(err)
		}
		ann := o.Customer(t)
		in, err := o.OpenContact(t.Context(), contact.Opening{Customer: ann.ID, Channel: cpni.Phone, Agent: agent})
		if err != nil {
			t.Fatal(err)
		}
		r := listen(t, o, testConfig())
		entries := make(chan string, 10_000)
		done := make(chan bool)
		go func() {
			defer close(done)
			for {
				request, _ := http.NewRequest("POST", "http://"+r.Address+"/v1/disclosures", strings.NewReader(`{"contact":"`+string(in.ID)+`","data":["call-detail"]}`))
				request.Header.Set("Authorization", "Bearer "+key)
				request.Header.Set("Content-Type", "application/json")
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					return
				}
				b, _ := io.ReadAll(response.Body)
				response.Body.Close()
				if m := regexp.MustCompile(`"entry":"(\w+)"`).FindSubmatch(b); m != nil {
					entries <- string(m[1])
				}
			}
		}()
		time.Sleep(200 * time.Millisecond)
		if err := r.Stop(); err != nil {
			t.Fatal(err)
		}
		<-done
		close(entries)
		n := 0
		for e := range entries {
			n++
			if _, err := o.Ledger.Prove(t.Context(), ann.ID, cpni.ID(e)); err != nil {
				t.Fatalf("%s: %v", e, err)
			}
		}
		if n == 0 {
			t.Error("nothing was asked")
		}
	})
}
