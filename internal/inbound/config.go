package inbound

import (
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"path/filepath"
	"strings"
	"time"
)

// Config is where mail comes in: messages.inbound in the configuration. A way that has no address is not taken.
type Config struct {
	// Domain is that to which bounces+…@ and replies+…@ go: messages.email.return-domain.
	Domain string `yaml:"domain"`
	// General are other addresses whose mail may belong to one of our messages, such as that of messages.email.from. Mail
	// that does not is refused, or left where it lies.
	General []string `yaml:"general"`
	// Answers are the addresses to which customers write what may be done with their information; that of carrier.contact.email is
	// one of them.
	Answers []string `yaml:"answers"`
	SMTP    Listener `yaml:"smtp"`    // from anywhere
	LMTP    Listener `yaml:"lmtp"`    // from the carrier's own mail server
	IMAP    Mailbox  `yaml:"imap"`    // fetched from a mailbox
	Largest int      `yaml:"largest"` // bytes that a message may have; 0: 5 MiB
}

// Listener is where a server listens.
type Listener struct {
	Listen string `yaml:"listen"` // host:port, or unix:/path
	// CertFile and KeyFile are the certificate for STARTTLS in PEM; without them it is not offered.
	CertFile string `yaml:"certificate-file"`
	KeyFile  string `yaml:"key-file"`
}

// Mailbox is a mailbox that is looked into from time to time. It should be for this alone: what somebody has read is not
// looked at.
type Mailbox struct {
	Host         string        `yaml:"host"`
	Port         int           `yaml:"port"`     // 0: 993 with tls, otherwise 143
	Security     string        `yaml:"security"` // tls, the default, starttls, or none, on this machine alone
	User         string        `yaml:"user"`
	PasswordFile string        `yaml:"password-file"`
	CAFile       string        `yaml:"ca-file"`
	Folder       string        `yaml:"folder"` // empty: INBOX
	Done         string        `yaml:"done"`   // where a message goes that was taken; empty: it stays, and counts as read
	Every        time.Duration `yaml:"every"`  // between two looks; 0: a minute
}

// What a configuration that says nothing of it gets, and what it may say.
const (
	defaultLargest = 5 << 20
	leastLargest   = 64 << 10
	mostLargest    = 100 << 20
	defaultEvery   = time.Minute
	leastEvery     = time.Second
)

func (c Config) filled() Config {
	if c.Largest == 0 {
		c.Largest = defaultLargest
	}
	m := &c.IMAP
	if m.Security == "" {
		m.Security = "tls"
	}
	if m.Port == 0 {
		m.Port = 143
		if m.Security == "tls" {
			m.Port = 993
		}
	}
	if m.Folder == "" {
		m.Folder = "INBOX"
	}
	if m.Every == 0 {
		m.Every = defaultEvery
	}
	return c
}

// Check reports everything that is wrong with c, without opening anything.
//
// cite: P-23, P-25
func (c Config) Check() error {
	var wrong []error
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf(format, a...)) }
	c = c.filled()
	if !isDomain(c.Domain) {
		say("messages.inbound.domain %q is no domain: write that of messages.email.return-domain, to which bounces and replies go", c.Domain)
	}
	for _, g := range c.General {
		if a, err := netmail.ParseAddress(g); err != nil || a.Address != g {
			say("messages.inbound.general: %q is no address: write one such as privacy@carrier.example", g)
		}
	}
	for _, g := range c.Answers {
		if a, err := netmail.ParseAddress(g); err != nil || a.Address != g {
			say("messages.inbound.answers: %q is no address: write one such as choices@carrier.example", g)
		}
	}
	if c.SMTP.Listen == "" && c.LMTP.Listen == "" && c.IMAP.Host == "" {
		say("messages.inbound has no way in: write smtp.listen, lmtp.listen or imap.host")
	}
	for name, l := range map[string]Listener{"smtp": c.SMTP, "lmtp": c.LMTP} {
		if l.Listen == "" {
			continue
		}
		if path, ok := strings.CutPrefix(l.Listen, "unix:"); ok {
			if !filepath.IsAbs(path) {
				say("messages.inbound.%s.listen %q: write the whole path of the socket behind unix:", name, l.Listen)
			}
		} else if _, _, err := net.SplitHostPort(l.Listen); err != nil {
			say("messages.inbound.%s.listen %q is neither host:port nor unix:/path", name, l.Listen)
		} else if name == "lmtp" && !onThisMachine(l.Listen) {
			say("messages.inbound.lmtp.listen %q can be reached from other machines, and LMTP asks nobody who they are: listen on 127.0.0.1 or unix:/path, or use smtp", l.Listen)
		}
		if (l.CertFile == "") != (l.KeyFile == "") {
			say("messages.inbound.%s has a certificate-file or a key-file and not both: write both, or neither", name)
		}
	}
	if m := c.IMAP; m.Host != "" {
		if m.Port < 1 || m.Port > 65535 {
			say("messages.inbound.imap.port %d is no port: write 993 for tls, 143 for starttls, or leave it out", m.Port)
		}
		switch m.Security {
		case "tls", "starttls":
		case "none":
			if !isLoopback(m.Host) {
				say("messages.inbound.imap.security is none, and %q is not this machine: what customers write would travel readable; write tls or starttls", m.Host)
			}
		default:
			say("messages.inbound.imap.security %q is unknown: write tls, starttls, or, for a server on this machine, none", m.Security)
		}
		if m.User == "" || m.PasswordFile == "" {
			say("messages.inbound.imap needs user and password-file: write the name of the mailbox, and the path of a file that holds its password and nothing else")
		}
		if m.Every < leastEvery {
			say("messages.inbound.imap.every %s is too often: write %s or more, or leave it out", m.Every, leastEvery)
		}
		if m.Done != "" && m.Done == m.Folder {
			say("messages.inbound.imap.done is the folder that is looked into: write another, or leave it out")
		}
	}
	if c.Largest < leastLargest || c.Largest > mostLargest {
		say("messages.inbound.largest %d is not between %d and %d bytes", c.Largest, leastLargest, mostLargest)
	}
	return errors.Join(wrong...)
}

// isDomain reports whether s can stand behind an @.
func isDomain(s string) bool {
	return s != "" && len(s) <= 253 && !strings.HasPrefix(s, ".") && !strings.Contains(s, "..") && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func onThisMachine(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && isLoopback(host)
}
