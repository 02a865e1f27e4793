package voice

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"time"

	"ringfence/internal/notify/voice/speech"
)

// Config says how calls are made: by which switch, from which number, with which voice.
type Config struct {
	// Switch is the carrier's own switch or session border controller, host:port. Calls go nowhere else, and nobody else
	// is listened to.
	Switch    string `yaml:"switch"`
	Transport string `yaml:"transport"` // udp, the default, tcp or tls
	CAFile    string `yaml:"ca-file"`   // of tls: who vouches for the switch; empty: whom this machine trusts
	// Also are further networks from which the switch signals or sends sound, such as 10.1.0.0/24.
	Also []string `yaml:"also-from"`

	Listen     string     `yaml:"listen"`     // host:port for the switch's requests; 127.0.0.1:0 by default
	Advertised string     `yaml:"advertised"` // the host by which the switch reaches this machine; empty: that of listen
	MediaPorts MediaPorts `yaml:"media-ports"`

	User         string        `yaml:"user"` // of digest authentication; empty: the switch asks for none
	PasswordFile string        `yaml:"password-file"`
	Register     time.Duration `yaml:"register"` // how long a registration lasts; 0: none is made

	From string `yaml:"from"` // the number that customers see
	Name string `yaml:"name"` // beside it
	Dial Dial   `yaml:"dial"`

	AtOnce  int           `yaml:"calls-at-once"` // 10 by default
	Ring    time.Duration `yaml:"ring"`          // 40s by default
	Longest time.Duration `yaml:"longest-call"`  // 5m by default
	Again   time.Duration `yaml:"again"`         // after a busy line and the like; 10m by default

	Speech speech.Config `yaml:"speech"`
}

// MediaPorts is the range of UDP ports for sound: two for each call. Zero: whichever are free.
type MediaPorts struct {
	First int `yaml:"first"`
	Last  int `yaml:"last"`
}

// Dial says how a number is written for the switch.
type Dial struct {
	Format string `yaml:"format"` // e164, the default: +12125550123; digits: 12125550123; national: 2125550123
	Prefix string `yaml:"prefix"` // digits before it, such as 9
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	or := func(s *string, otherwise string) {
		if *s == "" {
			*s = otherwise
		}
	}
	or(&c.Transport, "udp")
	or(&c.Listen, "127.0.0.1:0")
	or(&c.Dial.Format, "e164")
	if c.AtOnce == 0 {
		c.AtOnce = 10
	}
	for _, d := range []struct {
		of        *time.Duration
		otherwise time.Duration
	}{{&c.Ring, 40 * time.Second}, {&c.Longest, 5 * time.Minute}, {&c.Again, 10 * time.Minute}} {
		if *d.of == 0 {
			*d.of = d.otherwise
		}
	}
	return c
}

var (
	callerForm = regexp.MustCompile(`^\+?[0-9]{3,15}$`)
	prefixForm = regexp.MustCompile(`^[0-9*#]{0,8}$`)
)

// Check says what is wrong with the entries, all of it, each with what to write.
func (c Config) Check() error {
	c = c.withDefaults()
	var wrong []error
	want := func(ok bool, format string, a ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, a...))
		}
	}
	want(hostPort(c.Switch, false), "voice.switch is %q: write the switch's host and port, such as sbc.carrier.example:5060", c.Switch)
	want(c.Transport == "udp" || c.Transport == "tcp" || c.Transport == "tls", "voice.transport is %q: write udp, tcp or tls", c.Transport)
	want(c.CAFile == "" || c.Transport == "tls", "voice.ca-file is only for tls: write transport: tls, or leave it out")
	want(hostPort(c.Listen, true), "voice.listen is %q: write an IP address and a port, such as 127.0.0.1:5062 or 10.0.0.5:5062", c.Listen)
	want(!strings.ContainsAny(c.Advertised, ":/ @"), "voice.advertised is %q: write a host or an IPv4 address alone", c.Advertised)
	for _, also := range c.Also {
		_, err := netip.ParsePrefix(also)
		want(err == nil, "voice.also-from has %q: write a network such as 10.1.0.0/24", also)
	}
	p := c.MediaPorts
	want(p == MediaPorts{} || p.First >= 1024 && p.Last <= 65535 && p.Last-p.First+1 >= 2*c.AtOnce,
		"voice.media-ports are %d to %d: %d calls at once need %d ports from 1024 to 65535; write first: 16384 and last: %d, or leave it out", p.First, p.Last, c.AtOnce, 2*c.AtOnce, 16384+2*c.AtOnce)
	want((c.User == "") == (c.PasswordFile == ""), "voice.user and voice.password-file belong together: write both or neither")
	want(c.Register == 0 || c.Register >= time.Minute && c.User != "", "voice.register needs voice.user and at least 1m: write register: 10m, or leave it out")
	want(callerForm.MatchString(c.From), "voice.from is not a number: write the number that customers shall see, such as +12125550100")
	want(!strings.ContainsAny(c.Name, "\"\\\r\n"), "voice.name has a quotation mark or a line break: leave it out")
	want(c.Dial.Format == "e164" || c.Dial.Format == "digits" || c.Dial.Format == "national", "voice.dial.format is %q: write e164, digits or national", c.Dial.Format)
	want(prefixForm.MatchString(c.Dial.Prefix), "voice.dial.prefix is %q: write up to eight digits", c.Dial.Prefix)
	want(c.AtOnce > 0 && c.AtOnce <= 500, "voice.calls-at-once is %d: write 1 to 500", c.AtOnce)
	want(c.Ring >= 5*time.Second && c.Ring <= 3*time.Minute, "voice.ring is %v: write 5s to 3m", c.Ring)
	want(c.Longest >= 30*time.Second && c.Longest <= time.Hour, "voice.longest-call is %v: write 30s to 1h", c.Longest)
	want(c.Again >= time.Minute, "voice.again is %v: write at least 1m", c.Again)
	return errors.Join(wrong...)
}

// hostPort says whether s is host:port; an address that is listened on is an IP address, and may have port 0.
func hostPort(s string, listened bool) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || strings.ContainsAny(host, "/@ ") {
		return false
	}
	n, err := net.LookupPort("udp", port)
	if err != nil || n == 0 && !listened {
		return false
	}
	if !listened {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Is4()
}

// password reads the password file, without the line break at its end.
func (c Config) password() (string, error) {
	if c.PasswordFile == "" {
		return "", nil
	}
	b, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("voice.password-file: %w", err)
	}
	word := strings.TrimRight(string(b), "\r\n")
	if word == "" {
		return "", errors.New("voice.password-file is empty: write the password into its first line")
	}
	return word, nil
}

// tls is how the switch proves who it is.
func (c Config) tls() (*tls.Config, error) {
	host, _, err := net.SplitHostPort(c.Switch)
	if err != nil {
		return nil, err
	}
	t := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("voice.ca-file: %w", err)
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("voice.ca-file has no certificate: it must be in PEM form")
	}
	return t, nil
}
