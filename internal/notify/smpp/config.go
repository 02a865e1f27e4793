package smpp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
	"unicode"

	"ringfence/internal/notify"
)

// Config says how the carrier's message centre is reached, and what it expects.
type Config struct {
	Address string `yaml:"address"` // host:port
	// Plain lets everything go unenciphered, the password too: for a centre that is reached through a tunnel. To this
	// machine itself nothing is enciphered unless ca-file says how.
	Plain        bool   `yaml:"plain"`
	CAFile       string `yaml:"ca-file"` // PEM, of who has signed the centre's certificate; empty: those whom the machine trusts
	SystemID     string `yaml:"system-id"`
	PasswordFile string `yaml:"password-file"`
	SystemType   string `yaml:"system-type"`
	// Bind is transceiver, the default, or transmitter+receiver, for a centre that wants two sessions.
	Bind string `yaml:"bind"`
	// Source is who texts: a short code, a number in E.164, or at most eleven letters and digits, to which nobody can answer.
	Source      string `yaml:"source"`
	SourceTON   *byte  `yaml:"source-ton"` // nothing: as the source looks
	SourceNPI   *byte  `yaml:"source-npi"`
	ServiceType string `yaml:"service-type"`
	// Long is how a text goes that one message cannot hold: udh, the default, in parts that telephones put together;
	// payload, whole, for the centre to divide.
	Long string `yaml:"long"`
	// Alphabet is gsm7, the default: GSM-7 where it can say the text; or ucs2: always UCS-2, for a centre whose own
	// alphabet is another.
	Alphabet string   `yaml:"alphabet"`
	Receipts Receipts `yaml:"receipts"`
	// IDTag is a tag (0x1400 to 0x3FFF, those of vendors) under which the centre is told the message's ID; 0: none is.
	IDTag uint16 `yaml:"id-tag"`
	// NoReference leaves out user_message_reference, for a centre that refuses it.
	NoReference bool `yaml:"no-reference"`
	// PerSecond is how many messages the centre takes in a second, parts of long texts counted one by one; default 10.
	PerSecond int `yaml:"per-second"`
	// Window is how many messages may wait for the centre's answer at once; default 10.
	Window       int           `yaml:"window"`
	EnquireLink  time.Duration `yaml:"enquire-link"`  // between two questions whether the other side is there; default 30s
	AnswerWithin time.Duration `yaml:"answer-within"` // how long the centre may take to answer; default 30s
	Later        []uint32      `yaml:"later"`         // more values of command_status after which the same may be tried again
	Unreachable  []uint32      `yaml:"unreachable"`   // more values that say that this number cannot be reached
	StopWords    []string      `yaml:"stop-words"`    // instead of those built in; a * stands for whatever follows
}

// Receipts says what the centre tells of a message that it has taken.
type Receipts struct {
	Ask string `yaml:"ask"` // final, the default: delivered or not; failure: only when not; none
	// IDs is how receipts write the name that the centre gave a message: same, the default, as it wrote it then; decimal:
	// it was hexadecimal then, and is decimal in receipts; hexadecimal: the other way about.
	IDs string `yaml:"ids"`
}

// role is what a session is for; its value is as the bind is called.
type role string

const (
	transceiver role = "transceiver"
	transmitter role = "transmitter"
	receiver    role = "receiver"
)

func (r role) sends() bool { return r != receiver }

func (c Config) roles() []role {
	if c.Bind == "transmitter+receiver" {
		return []role{transmitter, receiver}
	}
	return []role{transceiver}
}

func (c Config) withDefaults() Config {
	text := func(at *string, v string) {
		if *at == "" {
			*at = v
		}
	}
	text(&c.Bind, string(transceiver))
	text(&c.Long, "udh")
	text(&c.Alphabet, "gsm7")
	text(&c.Receipts.Ask, "final")
	text(&c.Receipts.IDs, "same")
	if c.PerSecond == 0 {
		c.PerSecond = 10
	}
	if c.Window == 0 {
		c.Window = 10
	}
	if c.EnquireLink == 0 {
		c.EnquireLink = 30 * time.Second
	}
	if c.AnswerWithin == 0 {
		c.AnswerWithin = 30 * time.Second
	}
	if len(c.StopWords) == 0 {
		c.StopWords = notify.StopWords()
	}
	return c
}

// Check reports everything that is wrong with c, and what to write instead.
func (c Config) Check() error {
	c = c.withDefaults()
	var wrong []error
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf("smpp: "+format, a...)) }
	oneOf := func(name, v string, all ...string) {
		for _, one := range all {
			if v == one {
				return
			}
		}
		say("%s %q is none of %s", name, v, strings.Join(all, ", "))
	}
	if host, _, err := net.SplitHostPort(c.Address); err != nil || host == "" {
		say("address %q is not host:port: write the message centre's, such as smsc.carrier.example:3550", c.Address)
	}
	if c.Plain && c.CAFile != "" {
		say("plain and ca-file say opposite things: leave one of them out")
	}
	if c.SystemID == "" || len(c.SystemID) > 15 {
		say("system-id must have 1 to 15 characters: write the name under which the centre knows this program")
	}
	if len(c.SystemType) > 12 {
		say("system-type has more than 12 characters: write what the centre's operator gave, often nothing")
	}
	if len(c.ServiceType) > 5 {
		say("service-type has more than 5 characters: write what the centre's operator gave, often nothing")
	}
	if c.PasswordFile == "" {
		say("password-file is empty: write the path of a file that holds the password alone")
	}
	oneOf("bind", c.Bind, "transceiver", "transmitter+receiver")
	oneOf("long", c.Long, "udh", "payload")
	oneOf("alphabet", c.Alphabet, "gsm7", "ucs2")
	oneOf("receipts.ask", c.Receipts.Ask, "final", "failure", "none")
	oneOf("receipts.ids", c.Receipts.IDs, "same", "decimal", "hexadecimal")
	if !c.sourceSound() {
		say("source %q is no sender: write a short code, a number such as +12025550100, or at most 11 letters and digits", c.Source)
	}
	if c.IDTag != 0 && (c.IDTag < 0x1400 || c.IDTag > 0x3fff) {
		say("id-tag 0x%04X is not a vendor's: write one from 0x1400 to 0x3FFF that the centre knows, or nothing", c.IDTag)
	}
	if c.PerSecond < 1 || c.PerSecond > 10_000 {
		say("per-second %d: write how many messages a second the centre takes, 1 to 10000", c.PerSecond)
	}
	if c.Window < 1 || c.Window > 1000 {
		say("window %d: write how many messages may wait for an answer at once, 1 to 1000", c.Window)
	}
	if c.EnquireLink < time.Second || c.EnquireLink > time.Hour {
		say("enquire-link %s: write a time from 1s to 1h, shorter than the centre's own patience", c.EnquireLink)
	}
	if c.AnswerWithin < time.Second || c.AnswerWithin > time.Minute {
		say("answer-within %s: write a time from 1s to 1m", c.AnswerWithin)
	}
	for _, w := range c.StopWords {
		if len(notify.NewStops([]string{w})) == 0 {
			say("stop-words: %q has no letter: write words such as STOP, or STOP * for all that begins so", w)
		}
	}
	return errors.Join(wrong...)
}

// sourceSound reports whether the source is a number or a name that SMPP can carry.
func (c Config) sourceSound() bool {
	digits, plus := strings.CutPrefix(c.Source, "+")
	if numeric(digits) {
		return len(digits) <= 15 && (!plus || len(digits) >= 7)
	}
	return !plus && c.Source != "" && len(c.Source) <= 11 && strings.IndexFunc(c.Source, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsPrint(r)
	}) < 0
}

// source is the sender's type of number, numbering plan and address.
func (c Config) source() (ton, npi byte, address string) {
	digits, plus := strings.CutPrefix(c.Source, "+")
	switch {
	case plus:
		ton, npi = 1, 1 // international, E.164
	case numeric(digits):
		ton, npi = 3, 0 // of this network: a short code
	default:
		ton, npi = 5, 0 // letters
	}
	if c.SourceTON != nil {
		ton = *c.SourceTON
	}
	if c.SourceNPI != nil {
		npi = *c.SourceNPI
	}
	return ton, npi, digits
}

func numeric(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// plain reports whether the session is not enciphered.
func (c Config) plain() bool {
	if c.Plain {
		return true
	}
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil || c.CAFile != "" {
		return false
	}
	at, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && at.IsLoopback()
}

// mostPassword is how long a password may be; the protocol has 8 characters, and centres are known that give longer ones.
const mostPassword = 64

func (c Config) password() (string, error) {
	b, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("smpp: password-file: %w", err)
	}
	p := strings.TrimRight(string(b), "\r\n")
	if p == "" || len(p) > mostPassword || strings.ContainsRune(p, 0) {
		return "", fmt.Errorf("smpp: password-file must hold the password alone, 1 to %d characters (SMPP 3.4 has at most 8; some centres take more)", mostPassword)
	}
	return p, nil
}

// tls is how the session is enciphered; nil: it is not.
func (c Config) tls() (*tls.Config, error) {
	if c.plain() {
		return nil, nil
	}
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil {
		return nil, err
	}
	t := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca-file: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca-file %s holds no certificate in PEM", c.CAFile)
		}
	}
	return t, nil
}
