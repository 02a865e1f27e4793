package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Config says where the carrier's gateway is and what is shared with it.
type Config struct {
	URL string `yaml:"url"` // https://…, or http:// to this machine alone
	// SecretFile holds what requests are signed with, a line for each secret in the form whsec_ and base64. With several
	// lines every request bears a signature by each, so that a secret can be changed without a break.
	SecretFile string `yaml:"secret-file"`
	// ReceiptSecretFile holds what receipts must be signed with, any one of its lines; empty: secret-file.
	ReceiptSecretFile string        `yaml:"receipt-secret-file"`
	CAFile            string        `yaml:"ca-file"` // PEM, of who has signed the gateway's certificate; empty: those whom the machine trusts
	Timeout           time.Duration `yaml:"timeout"` // for one request; default 20s
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = 20 * time.Second
	}
	return c
}

// Check reports everything that is wrong with c, and what to write instead.
func (c Config) Check() error {
	c = c.withDefaults()
	var wrong []error
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf("webhook: "+format, a...)) }
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		say("url is no address: write the gateway's, such as https://texts.carrier.example/messages")
	case u.User != nil || u.Fragment != "":
		say("url has a name, a password or a fragment in it: leave them out; requests are known by their signature")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		say("url begins with http, and messages would go unenciphered: write https (http is for this machine alone)")
	case u.Scheme != "http" && u.Scheme != "https":
		say("url must begin with https")
	}
	if c.SecretFile == "" {
		say("secret-file is empty: write the path of a file with a secret in the form whsec_ and base64")
	}
	if c.Timeout < time.Second || c.Timeout > time.Minute {
		say("timeout %s: write a time from 1s to 1m", c.Timeout)
	}
	return errors.Join(wrong...)
}

func loopback(host string) bool {
	at, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && at.IsLoopback()
}

// leastSecret is how many octets a secret must have, after the specification.
const leastSecret = 24

// readSecrets reads the secrets in a file, one a line.
func readSecrets(name, path string) ([]*standardwebhooks.Webhook, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("webhook: %s: %w", name, err)
	}
	var all []*standardwebhooks.Webhook
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s, err := standardwebhooks.NewWebhook(line)
		if err != nil || len(strings.TrimPrefix(line, "whsec_")) < (leastSecret*4+2)/3 {
			return nil, fmt.Errorf("webhook: %s: a line is no secret of at least %d octets in base64: write one made by `openssl rand -base64 32`, with whsec_ before it", name, leastSecret)
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("webhook: %s holds no secret: write one made by `openssl rand -base64 32`, with whsec_ before it", name)
	}
	return all, nil
}

func (c Config) tls() (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("webhook: ca-file: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("webhook: ca-file holds no certificate in PEM")
		}
	}
	return t, nil
}
