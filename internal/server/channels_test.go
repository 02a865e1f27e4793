package server

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/notify/file"
	"ringfence/internal/notify/mail"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Each way gets what the configuration names; a way with none has no channel, and people are told by what each goes.
//
// cite: P-23
func TestChannelsOfAConfiguration(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	channels := func(c Config) (map[cpni.Via]notify.Channel, error) {
		r, err := c.reach(o.Office, nil)
		if err != nil {
			return nil, err
		}
		return r.channels, nil
	}
	c := testConfig()
	if all, err := channels(c); err != nil || len(all) != 0 {
		t.Errorf("without any: %v (%v)", all, err)
	}
	at := filepath.Join(t.TempDir(), "c.yaml")
	text := "carrier: {name: T, zone: America/New_York, contact: {email: p@t.example, phone: '+18005550100', post: '1 Main St, Springfield, VA 22150', web: 'https://account.t.example'}, facility: {link: 'https://facility.example', verified: 2026-11-20}, posting: 'https://t.example/privacy'}\ndatabase: 'memory:'\nvault: {key: env:X}\nledger: {origin: l.example, key: x}\nurl: https://desk.t.example/\n" +
		"messages:\n  email: {by: file, file: /var/m}\n  letter: {by: file, file: /var/m}\n  text: {by: none}\n"
	if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ReadConfig(at)
	if err != nil {
		t.Fatal(err)
	}
	all, err := channels(c)
	if err != nil || len(all) != 2 || all[cpni.Email] == nil || all[cpni.Postal] == nil {
		t.Errorf("%v (%v)", all, err)
	}
	by := c.Messages.carriedBy()
	if by[cpni.Email] != "file" || by[cpni.Text] != "none" || by[cpni.Voice] != "none" || c.customersAddress() != "https://desk.t.example" {
		t.Errorf("%v at %s", by, c.customersAddress())
	}
	c.Messages.Email = EmailWay{By: "smtp", SMTP: mail.Config{Host: "127.0.0.1", Port: 25, Security: mail.None, From: "T <p@t.example>", DKIM: []mail.DKIM{{Selector: "one", KeyFile: signingKey(t)}}}}
	r, err := c.reach(o.Office, nil)
	if err != nil || r.channels[cpni.Email] == nil || len(r.records) != 1 || r.records[0].Name != "one._domainkey.t.example" {
		t.Errorf("%+v (%v)", r, err)
	}
	c.Messages.Voice.By = "pigeon"
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), `messages.voice.by is sip, webhook, file or none, not "pigeon"`) {
		t.Errorf("%v", err)
	}
	for by, want := range map[string]string{"smtp": "messages.email.smtp.host", "smpp": "messages.text.smpp", "sip": "messages.voice.sip", "batch": "messages.letter.batch"} {
		c.Messages = Messages{Email: EmailWay{By: by}, Text: TextWay{By: by}, Voice: VoiceWay{By: by}, Letter: LetterWay{By: by}}
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("by: %s without settings: %v", by, err)
		}
	}
}

// signingKey makes a key that signs e-mail.
func signingKey(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), "dkim.pem")
	if err := os.WriteFile(at, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}

// Codes are shown to the staff in the demonstration that the program builds, and in no other configuration, whatever it says.
//
// cite: I-17, P-20
func TestOnlyTheDemonstrationShowsCodes(t *testing.T) {
	demo := DemoConfig(t.TempDir(), "127.0.0.1:0")
	if err := demo.Check(); err != nil {
		t.Fatal(err)
	}
	o, err := demo.consoleOptions(Machine, time.UTC, false, nil)
	if err != nil || !o.Bare || o.Ways[cpni.Voice] != "file" {
		t.Errorf("%+v (%v)", o, err)
	}
	c := testConfig()
	c.SignIn.SecondFactor = "optional"
	if o, err := c.consoleOptions(Machine, time.UTC, false, nil); err != nil || o.Bare {
		t.Errorf("%+v (%v)", o, err)
	}
}

// The customers of the demonstration can be told of a change as the story goes: at an address since 2019, by a call or by a
// text, in English or Spanish, and nothing of the new value goes out.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
func TestDemonstrationTellsOfChanges(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	s := &SignIns{Customer: "Ann Archer", Number: "+12025550141", Password: "blue heron 42", PIN: "830271", Mobile: "Luz Marina Ortega", MobileNumber: "+12025550186", MobilePIN: "472916"}
	if err := demoCustomers(t.Context(), o.Office, s); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	c := file.New(file.Options{Folder: folder, Answers: true})
	o.Messages.Channels = map[cpni.Via]notify.Channel{cpni.Text: c, cpni.Voice: c, cpni.Email: c, cpni.Postal: c}
	for number, want := range map[string][2]string{s.Number: {"call.txt", "your account"}, s.MobileNumber: {"message.txt", "su cuenta"}} {
		ids, err := o.Customers.Find(t.Context(), customer.ByNumber, number)
		if err != nil || len(ids) != 1 {
			t.Fatalf("%v (%v)", ids, err)
		}
		p, _, err := o.Customers.Get(t.Context(), ids[0])
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Postal) != 1 || p.Postal[0].Since.Year() != 2019 || p.Credentials.PIN == nil {
			t.Errorf("%s does not suit: %+v", p.Name, p.Postal)
		}
		via := cpni.Voice
		if want[0] == "message.txt" {
			via = cpni.Text
		}
		err = o.DB.Tx(t.Context(), func(tx *store.Tx) error {
			for _, m := range []notify.Message{{Kind: notify.AccountChange, Via: via, Place: notify.TNOR, To: number}, {Kind: notify.AccountChange, Via: cpni.Postal, Place: notify.Old, To: p.Postal[0].Value}} {
				m.Tokens = map[string]string{"what": "postal address"}
				if err := o.Outbox.Plan(t.Context(), tx, p.ID, m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Messages.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		found := false
		names, err := filepath.Glob(filepath.Join(folder, "*", want[0]))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			found = found || strings.Contains(string(text), want[1])
			if err != nil {
				t.Error(err)
			}
		}
		if !found {
			all, err := o.Outbox.Messages(t.Context(), p.ID)
			t.Errorf("%s does not say %q: %+v (%v)", want[0], want[1], all, err)
		}
	}
	if names, err := filepath.Glob(filepath.Join(folder, "*", "letter.txt")); err != nil || len(names) != 2 {
		t.Errorf("%d letters (%v)", len(names), err)
	}
}
