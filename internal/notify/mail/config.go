package mail

import (
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"ringfence/internal/notify/wording"
)

// Config is the mail server that takes what goes out, and in whose name it goes: messages.email in the configuration.
type Config struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"` // 0: 465 with tls, 587 with starttls, 25 without either
	// Security is starttls, the default, tls from the first byte, or none, which only a server on this machine may have.
	// What is asked for is insisted on: nothing goes out when the server does not offer it.
	Security     string `yaml:"security"`
	User         string `yaml:"user"` // empty: without authentication
	PasswordFile string `yaml:"password-file"`
	CAFile       string `yaml:"ca-file"` // PEM, of who vouches for the server; empty: the machine's own list
	Hello        string `yaml:"hello"`   // what this machine calls itself; empty: the return domain
	// From is whom the messages are from, such as Example Telephone <privacy@carrier.example>.
	From string `yaml:"from"`
	// ReturnDomain gets what comes back: bounces+…@ and replies+…@ in it reach internal/inbound. Empty: the domain of From.
	ReturnDomain string `yaml:"return-domain"`
	// DKIM has a signature made under each of these keys; one RSA and one Ed25519 reach every receiver.
	DKIM        []DKIM `yaml:"dkim"`
	Batch       int    `yaml:"batch"`       // how many messages at once; 0: 200
	Connections int    `yaml:"connections"` // how many at most to the server; 0: 4
	// Receipts also asks for word of each delivery, where the server knows how to give it.
	Receipts bool `yaml:"receipts"`
}

// DKIM is a key that signs.
type DKIM struct {
	Domain   string `yaml:"domain"` // empty: the domain of From
	Selector string `yaml:"selector"`
	KeyFile  string `yaml:"key-file"` // PEM: RSA of 2048 bits or more, or Ed25519
}

// The kinds of Security.
const (
	TLS      = "tls"
	StartTLS = "starttls"
	None     = "none"
)

// What a configuration that says nothing of it gets, and the most that it may say.
const (
	defaultBatch       = 200
	defaultConnections = 4
	mostBatch          = 10_000
	mostConnections    = 100
)

// filled is c with what was left out.
func (c Config) filled() Config {
	if c.Security == "" {
		c.Security = StartTLS
	}
	if c.Port == 0 {
		c.Port = map[string]int{TLS: 465, StartTLS: 587}[c.Security]
		if c.Port == 0 {
			c.Port = 25
		}
	}
	if from, err := netmail.ParseAddress(c.From); err == nil {
		_, domain, _ := cutAddress(from.Address)
		if c.ReturnDomain == "" {
			c.ReturnDomain = domain
		}
		c.DKIM = slices.Clone(c.DKIM)
		for i := range c.DKIM {
			if c.DKIM[i].Domain == "" {
				c.DKIM[i].Domain = domain
			}
		}
	}
	if c.Hello == "" {
		c.Hello = c.ReturnDomain
	}
	if c.Batch == 0 {
		c.Batch = defaultBatch
	}
	if c.Connections == 0 {
		c.Connections = defaultConnections
	}
	return c
}

// Check reports everything that is wrong with c, without opening a file or a connection.
//
// cite: P-23, P-25, V44, 47 CFR 64.2008(d)(3)(ii)
func (c Config) Check() error {
	var wrong []error
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf(format, a...)) }
	c = c.filled()
	if !isHost(c.Host) {
		say("messages.email.smtp.host %q is no host name or address: write that of the mail server that takes messages from this machine", c.Host)
	}
	if c.Port < 1 || c.Port > 65535 {
		say("messages.email.smtp.port %d is no port: write 587 for starttls, 465 for tls, or leave it out", c.Port)
	}
	switch c.Security {
	case TLS, StartTLS:
	case None:
		if !isLoopback(c.Host) {
			say("messages.email.smtp.security is none, and %q is not this machine: what is written to customers would travel readable; write starttls or tls", c.Host)
		}
	default:
		say("messages.email.smtp.security %q is unknown: write starttls, tls, or, for a server on this machine, none", c.Security)
	}
	if c.User != "" && c.PasswordFile == "" {
		say("messages.email.smtp.user is set and password-file is not: write the path of a file that holds the password and nothing else")
	}
	if c.User == "" && c.PasswordFile != "" {
		say("messages.email.smtp.password-file is set and user is not: write the name under which this machine signs in")
	}
	if strings.ContainsFunc(c.User, isControl) {
		say("messages.email.smtp.user holds characters that cannot be written: write a name in one line")
	}
	domain := ""
	if from, err := netmail.ParseAddress(c.From); err != nil {
		say("messages.email.smtp.from %q is no address: write whom the messages are from, such as Example Telephone <privacy@carrier.example>", c.From)
	} else if box, err := parseAddress(from.Address); err != nil {
		say("messages.email.smtp.from: %w", err)
	} else {
		domain = box.domain
		if err := wording.TakesReplies(from.Address); err != nil {
			say("messages.email.smtp.from: %w", err)
		}
	}
	if c.ReturnDomain != "" && !isDomain(c.ReturnDomain) {
		say("messages.email.smtp.return-domain %q is no domain: write one whose mail reaches messages.inbound, or leave it out", c.ReturnDomain)
	}
	if c.Hello != "" && !isHost(c.Hello) {
		say("messages.email.smtp.hello %q is no host name: write this machine's, or leave it out", c.Hello)
	}
	if c.Batch < 1 || c.Batch > mostBatch {
		say("messages.email.smtp.batch %d is not between 1 and %d", c.Batch, mostBatch)
	}
	if c.Connections < 1 || c.Connections > mostConnections {
		say("messages.email.smtp.connections %d is not between 1 and %d", c.Connections, mostConnections)
	}
	selectors := map[string]bool{}
	for i, k := range c.DKIM {
		entry := fmt.Sprintf("messages.email.smtp.dkim[%d]", i)
		if !isDomain(k.Selector) {
			say("%s.selector %q is no name: write the one under which the key stands in the DNS, such as rf2026", entry, k.Selector)
		}
		if selectors[k.Selector+"@"+k.Domain] {
			say("%s has the selector of another key: give each its own", entry)
		}
		selectors[k.Selector+"@"+k.Domain] = true
		if k.KeyFile == "" {
			say("%s.key-file is empty: write the path of the private key in PEM; docs/messages-mail.md shows how to make one", entry)
		}
		if !isDomain(k.Domain) {
			say("%s.domain %q is no domain: write that of messages.email.smtp.from, or leave it out", entry, k.Domain)
		} else if domain != "" && !within(domain, k.Domain) {
			say("%s.domain %q is not that of messages.email.smtp.from (%s) or one above it, so receivers would count the signature for nothing (DMARC): write %s, or leave it out", entry, k.Domain, domain, domain)
		}
	}
	return errors.Join(wrong...)
}

// within reports whether domain is above or one below it.
func within(domain, above string) bool {
	domain, above = strings.ToLower(domain), strings.ToLower(above)
	return domain == above || strings.HasSuffix(domain, "."+above)
}

// isHost reports whether s is a name or an address of a machine.
func isHost(s string) bool { return net.ParseIP(s) != nil || s == "localhost" || isDomain(s) }

// isDomain reports whether s can stand in the DNS.
func isDomain(s string) bool {
	ascii, err := idna.Lookup.ToASCII(s)
	return err == nil && ascii != "" && len(ascii) <= 253 && !strings.HasPrefix(ascii, ".") && !strings.ContainsFunc(ascii, func(r rune) bool {
		return r != '-' && r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
}

// isLoopback reports whether a host is this machine, where nobody listens in.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
