package mail

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/wneessen/go-mail/smtp"

	"ringfence/internal/notify/mail/mailtest"
)

// signInByIMAP goes a way to sign in to an IMAP server, which asks and is answered as one of SMTP.
func signInByIMAP(t *testing.T, box *mailtest.Mailbox, roots *x509.CertPool, way smtp.Auth) bool {
	t.Helper()
	raw, err := tls.Dial("tcp", net.JoinHostPort(box.Host, strconv.Itoa(box.TLSPort)), &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	c := textproto.NewConn(raw)
	name, first, err := way.Start(&smtp.ServerInfo{Name: box.Host, TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Cmd("a AUTHENTICATE %s", name); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		line, err := c.ReadLine()
		if err != nil {
			t.Fatal(err)
		}
		asked, ok := strings.CutPrefix(line, "+ ")
		if !ok {
			if strings.HasPrefix(line, "a ") {
				return strings.HasPrefix(line, "a OK")
			}
			continue
		}
		challenge, err := base64.StdEncoding.DecodeString(asked)
		if err != nil {
			t.Fatal(err)
		}
		answer := first
		if first = nil; answer == nil {
			if answer, err = way.Next(challenge, true); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Cmd("%s", base64.StdEncoding.EncodeToString(answer)); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the server asks and asks")
	return false
}

// Every way to sign in that we know is one that Dovecot lets in with the right password, and with no other; the strongest
// is taken.
//
// cite: RFC 5802, RFC 4954
func TestWaysToSignIn(t *testing.T) {
	box := mailtest.StartMailbox(t)
	text, err := os.ReadFile(box.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	for _, row := range []struct {
		offered []string
		takes   string
	}{
		{[]string{"LOGIN", "PLAIN", "SCRAM-SHA-1", "scram-sha-256"}, "SCRAM-SHA-256"},
		{[]string{"PLAIN", "SCRAM-SHA-1"}, "SCRAM-SHA-1"}, {[]string{"LOGIN", "PLAIN"}, "PLAIN"}, {[]string{"LOGIN", "CRAM-MD5"}, "LOGIN"},
	} {
		for _, password := range []string{box.Password, "wrong"} {
			way, err := mechanism(row.offered, box.User, password, box.Host)
			if err != nil {
				t.Fatal(err)
			}
			if name, _, err := way.Start(&smtp.ServerInfo{Name: box.Host, TLS: true}); err != nil || name != row.takes {
				t.Fatalf("of %v it takes %s: %v", row.offered, name, err)
			}
			right := password == box.Password
			if signInByIMAP(t, box, pool, way) != right {
				t.Errorf("%s with the password %q: let in %v", row.takes, password, !right)
			}
			if p, ok := way.(*proving); ok && p.proved != right {
				t.Errorf("%s: the server has proved itself: %v", row.takes, p.proved)
			}
		}
	}
	if _, err := mechanism([]string{"CRAM-MD5"}, "a", "b", "c"); err == nil {
		t.Error("an unknown way is gone")
	}
	// A server that is content before it has shown that it knows the password is not believed.
	way, err := mechanism([]string{"SCRAM-SHA-256"}, "a", "b", "c")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := way.Next([]byte("welcome"), false); err == nil {
		t.Error("a server without the password is believed")
	}
}
