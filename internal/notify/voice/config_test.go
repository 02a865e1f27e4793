package voice

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"ringfence/internal/cpni"
	"ringfence/internal/notify/voice/speech"
)

// TestConfigSays wants an error that says what to write for whatever is wrong.
func TestConfigSays(t *testing.T) {
	good := Config{Switch: "sbc.carrier.example:5060", From: "+12125550100"}
	if err := good.Check(); err != nil {
		t.Errorf("the least configuration is refused: %v", err)
	}
	for entry, change := range map[string]func(*Config){
		"voice.switch":        func(c *Config) { c.Switch = "sbc.carrier.example" },
		"voice.transport":     func(c *Config) { c.Transport = "sctp" },
		"voice.ca-file":       func(c *Config) { c.CAFile = "/etc/ca.pem" },
		"voice.listen":        func(c *Config) { c.Listen = ":5060" },
		"voice.advertised":    func(c *Config) { c.Advertised = "203.0.113.7:5060" },
		"voice.also-from":     func(c *Config) { c.Also = []string{"10.1.0.0"} },
		"voice.media-ports":   func(c *Config) { c.MediaPorts = MediaPorts{16384, 16385} },
		"voice.password-file": func(c *Config) { c.User = "ringfence" },
		"voice.register":      func(c *Config) { c.Register = time.Hour },
		"voice.from":          func(c *Config) { c.From = "Carrier" },
		"voice.name":          func(c *Config) { c.Name = "The \"Carrier\"" },
		"voice.dial.format":   func(c *Config) { c.Dial.Format = "local" },
		"voice.dial.prefix":   func(c *Config) { c.Dial.Prefix = "out" },
		"voice.calls-at-once": func(c *Config) { c.AtOnce = -1 },
		"voice.ring":          func(c *Config) { c.Ring = time.Second },
		"voice.longest-call":  func(c *Config) { c.Longest = time.Second },
		"voice.again":         func(c *Config) { c.Again = time.Second },
	} {
		c := good
		change(&c)
		err := c.Check()
		if err == nil || !strings.Contains(err.Error(), entry) || strings.Contains(err.Error(), "\n") {
			t.Errorf("what is wrong with %s is said as %v", entry, err)
		}
		if _, err := New(c, cpni.ClockFunc(time.Now), nil); err == nil {
			t.Errorf("a channel is made with a wrong %s", entry)
		}
	}
}

// TestConfigReads reads an entry as an operator writes it.
func TestConfigReads(t *testing.T) {
	var c Config
	err := yaml.UnmarshalWithOptions([]byte(`
switch: sbc.carrier.example:5061
transport: tls
listen: 10.0.0.5:5062
advertised: 203.0.113.7
media-ports: {first: 16384, last: 16583}
user: ringfence
password-file: /etc/ringfence/voice
register: 10m
from: "+12125550100"
dial: {format: national, prefix: "9"}
calls-at-once: 50
ring: 30s
speech:
  recordings: /etc/ringfence/speech
  commands:
    es: [espeak-ng, --stdout, -v, es-419]
`), &c, yaml.Strict())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	if c.Ring != 30*time.Second || c.MediaPorts.Last != 16583 || c.Speech.Commands["es"][0] != "espeak-ng" {
		t.Errorf("read as %+v", c)
	}
}

// TestSecrets wants the password and the certificates to be there before anybody is rung.
func TestSecrets(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := Config{Switch: "127.0.0.1:5060", From: "+12125550100"}
	for name, change := range map[string]func(*Config){
		"no password":    func(c *Config) { c.User, c.PasswordFile = "x", empty },
		"no certificate": func(c *Config) { c.Transport, c.CAFile = "tls", empty },
		"no recordings":  func(c *Config) { c.Speech = speech.Config{Recordings: t.TempDir()} },
		"no program":     func(c *Config) { c.Speech = speech.Config{Commands: map[string][]string{"en": nil}} },
	} {
		c := good
		change(&c)
		if _, err := New(c, cpni.ClockFunc(time.Now), nil); err == nil {
			t.Errorf("%s: a channel is made", name)
		}
	}
}

// TestNumber writes numbers as switches want them, and takes nothing else for one.
func TestNumber(t *testing.T) {
	for _, c := range []struct {
		dial     Dial
		to, want string
	}{
		{Dial{}, "+12125550123", "+12125550123"},
		{Dial{Format: "digits"}, "+12125550123", "12125550123"},
		{Dial{Format: "national", Prefix: "9"}, "+12125550123", "92125550123"},
		{Dial{Format: "digits", Prefix: "00"}, "+442079460000", "00442079460000"},
		{Dial{}, "2125550123", ""},
		{Dial{}, "jane@example.com", ""},
		{Dial{}, "+1212555;0123@elsewhere", ""},
	} {
		got, err := c.dial.number(c.to)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%+v writes %q as %q (%v), not %q", c.dial, c.to, got, err, c.want)
		}
	}
}
