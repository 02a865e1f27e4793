package smpp

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// What a carrier writes is read as it is meant.
func TestConfig(t *testing.T) {
	var c Config
	text := lines(
		"address: smsc.carrier.example:3550", "ca-file: /etc/ringfence/smsc.pem", "system-id: ringfence", "password-file: /etc/ringfence/smsc",
		"system-type: CPNI", "bind: transmitter+receiver", "source: \"12345\"", "source-ton: 0", "source-npi: 1", "service-type: CMT", "long: payload",
		"alphabet: ucs2", "receipts: {ask: failure, ids: decimal}", "id-tag: 0x1401", "per-second: 50", "window: 20", "enquire-link: 20s",
		"answer-within: 10s", "later: [0x401]", "unreachable: [1026]", "stop-words: [STOP, NADA *]")
	if err := yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	ton, npi, source := c.source()
	if len(c.roles()) != 2 || ton != 0 || npi != 1 || source != "12345" || c.IDTag != 0x1401 || c.EnquireLink != 20*time.Second || c.Later[0] != 0x401 || c.plain() || c.Receipts.registered() != 2 {
		t.Errorf("%+v", c)
	}
	for source, want := range map[string][2]byte{"12345": {3, 0}, "+12025550100": {1, 1}, "Carrier": {5, 0}} {
		if ton, npi, _ := (Config{Source: source}).source(); [2]byte{ton, npi} != want {
			t.Errorf("%s has type %d and plan %d", source, ton, npi)
		}
	}
}

// What is wrong is said with what to write instead, all of it at once, and no session is tried.
func TestConfigWrong(t *testing.T) {
	good := Config{Address: "smsc.example:3550", SystemID: "ringfence", PasswordFile: "x", Source: "12345"}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"address":       func(c *Config) { c.Address = "smsc.example" },
		"opposite":      func(c *Config) { c.Plain, c.CAFile = true, "x" },
		"system-id":     func(c *Config) { c.SystemID = strings.Repeat("x", 16) },
		"system-type":   func(c *Config) { c.SystemType = strings.Repeat("x", 13) },
		"service-type":  func(c *Config) { c.ServiceType = "123456" },
		"password-file": func(c *Config) { c.PasswordFile = "" },
		"bind":          func(c *Config) { c.Bind = "both" },
		"long":          func(c *Config) { c.Long = "sar" },
		"alphabet":      func(c *Config) { c.Alphabet = "latin1" },
		"receipts.ask":  func(c *Config) { c.Receipts.Ask = "yes" },
		"receipts.ids":  func(c *Config) { c.Receipts.IDs = "hex" },
		"source":        func(c *Config) { c.Source = "Señor" },
		"id-tag":        func(c *Config) { c.IDTag = 0x0204 },
		"per-second":    func(c *Config) { c.PerSecond = -1 },
		"window":        func(c *Config) { c.Window = 2000 },
		"enquire-link":  func(c *Config) { c.EnquireLink = time.Millisecond },
		"answer-within": func(c *Config) { c.AnswerWithin = time.Hour },
		"stop-words":    func(c *Config) { c.StopWords = []string{"*"} },
	} {
		c := good
		change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), name) || strings.Count(err.Error(), "\n") != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := newOffice()
	clock := cpni.ClockFunc(func() time.Time { return noon })
	for _, words := range []string{"", strings.Repeat("0123456789", 7)} {
		good.PasswordFile = filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(good.PasswordFile, []byte(words+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(good, o, o, clock, o.report); err == nil || words != "" && strings.Contains(err.Error(), words) {
			t.Errorf("a password of %d characters: %v", len(words), err)
		}
	}
	if _, err := New(config(t, 1, nil), o, nil, clock, o.report); err == nil {
		t.Error("nobody takes texts, and nothing is wrong")
	}
}

// Without TLS nothing is said to a centre that is not on this machine, unless somebody has written that it may be.
func TestPlain(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, "10.0.0.1:1": false, "smsc.example:1": false} {
		if (Config{Address: address}).plain() != want || !(Config{Address: address, Plain: true}).plain() || (Config{Address: address, CAFile: "x"}).plain() {
			t.Errorf("%s", address)
		}
	}
	peer, o := startCentre(t), newOffice()
	// TLS ends at a listener in front of the centre, as it does at carriers.
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	t.Cleanup(web.Close)
	front, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	var passing sync.WaitGroup
	t.Cleanup(func() {
		front.Close()
		passing.Wait()
	})
	passing.Go(func() {
		for {
			in, err := front.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", peer.port))
			if err != nil {
				in.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				passing.Go(func() {
					io.Copy(way[0], way[1])
					way[0].Close()
					way[1].Close()
				})
			}
		}
	})
	port := front.Addr().(*net.TCPAddr).Port
	ca := filepath.Join(t.TempDir(), "good.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	secret := open(t, config(t, port, func(c *Config) { c.CAFile = ca }), o)
	if got := send(t, secret, piece("text"))[0]; got.State != notify.Sent || secret.Plain() {
		t.Errorf("by TLS: %+v", got)
	}
	stranger, err := New(config(t, port, func(c *Config) {
		c.CAFile, c.Address = ca, fmt.Sprintf("localhost:%d", port) // the certificate is for 127.0.0.1
	}), o, o, cpni.ClockFunc(func() time.Time { return noon }), o.report)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.open(t.Context(), transceiver); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("a certificate of another name: %v", err)
	}

	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := New(config(t, peer.port, func(c *Config) { c.CAFile = ca }), o, o, cpni.ClockFunc(func() time.Time { return noon }), o.report)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.open(t.Context(), transceiver); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("%v", err)
	}
	c.cfg.CAFile, c.cfg.Address = "", strings.Replace(c.cfg.Address, "127.0.0.1", "smsc.invalid", 1)
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	defer cancel()
	if _, err := c.open(ctx, transceiver); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
