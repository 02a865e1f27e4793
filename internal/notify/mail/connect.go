package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// How long the mail server may take. The standard's own times are longer, for servers far away; this is the carrier's own, and
// what was given up is tried again.
const (
	dialTime    = 20 * time.Second
	commandTime = 30 * time.Second
	dataTime    = 2 * time.Minute
)

// errSecurity says that a server does not keep what was configured.
var errSecurity = errors.New("the mail server does not offer STARTTLS, and messages.email.smtp.security asks for it: nothing is sent in the open")

// conn is a connection that is ready for messages.
type conn struct {
	*smtp.Client
	raw                    net.Conn
	wide, size, eight, dsn bool // what the server offers
	carried                bool // it has taken a message on this connection
}

// connect goes to the server, makes the connection secret and signs in.
func (c *Channel) connect(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(c.cfg.Host, strconv.Itoa(c.cfg.Port)))
	if err != nil {
		return nil, fmt.Errorf("the mail server cannot be reached: %w", err)
	}
	// A server that says nothing must not keep us: closing the connection ends whatever waits for it.
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	ready, err := c.greet(ctx, raw)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	for name, has := range map[string]*bool{"SMTPUTF8": &ready.wide, "SIZE": &ready.size, "8BITMIME": &ready.eight, "DSN": &ready.dsn} {
		*has, _ = ready.Extension(name)
	}
	return ready, nil
}

// greet makes a connection ready.
func (c *Channel) greet(ctx context.Context, raw net.Conn) (*conn, error) {
	settings := &tls.Config{ServerName: c.cfg.Host, RootCAs: c.roots, MinVersion: tls.VersionTLS12}
	line := raw
	switch c.cfg.Security {
	case TLS:
		secret := tls.Client(raw, settings)
		if err := secret.HandshakeContext(ctx); err != nil {
			return nil, &tlsError{err}
		}
		line = secret
	case None:
		// The name may have been of this machine when the configuration was read.
		if ip, _, err := net.SplitHostPort(raw.RemoteAddr().String()); err != nil || !isLoopback(ip) {
			return nil, errors.New("messages.email.smtp.security is none, and the mail server is not on this machine: write starttls or tls")
		}
	}
	client, err := smtp.NewClient(line, c.cfg.Host)
	if err != nil {
		return nil, fmt.Errorf("the mail server does not greet: %w", err)
	}
	if err := client.Hello(c.cfg.Hello); err != nil {
		return nil, fmt.Errorf("the mail server does not greet: %w", err)
	}
	if c.cfg.Security == StartTLS {
		if ok, _ := client.Extension("STARTTLS"); !ok {
			return nil, errSecurity
		}
		if err := client.StartTLS(settings); err != nil {
			return nil, &tlsError{err}
		}
	}
	ready := &conn{Client: client, raw: raw}
	if c.cfg.User != "" {
		if err := c.signIn(ready); err != nil {
			return nil, err
		}
	}
	return ready, nil
}

// signIn reads the password afresh, so that it can be changed while the program runs.
//
// cite: RFC 4954
func (c *Channel) signIn(line *conn) error {
	password, err := readPassword(c.cfg.PasswordFile)
	if err != nil {
		return err
	}
	_, offered := line.Extension("AUTH")
	way, err := mechanism(strings.Fields(offered), c.cfg.User, password, c.cfg.Host)
	if err != nil {
		return err
	}
	if err := line.Auth(way); err != nil {
		return fmt.Errorf("the mail server does not let us in: %w; look at messages.email.smtp.user and its password-file", err)
	}
	return nil
}

// command says something and waits for one of the answers that begin with the digits of expect.
func (c *conn) command(expect int, format string, a ...any) (int, string, error) {
	if err := c.UpdateDeadline(commandTime); err != nil {
		return 0, "", err
	}
	id, err := c.Text.Cmd(format, a...)
	if err != nil {
		return 0, "", err
	}
	c.Text.StartResponse(id)
	defer c.Text.EndResponse(id)
	return c.Text.ReadResponse(expect)
}

// data writes a message and waits for the answer to it.
func (c *conn) data(message []byte) (int, string, error) {
	if err := c.UpdateDeadline(dataTime); err != nil {
		return 0, "", err
	}
	w := c.Text.DotWriter()
	if _, err := w.Write(message); err != nil {
		return 0, "", err
	}
	if err := w.Close(); err != nil {
		return 0, "", err
	}
	return c.Text.ReadResponse(250)
}

// quit takes leave, and is content when the other side has not waited for that.
func (c *conn) quit() {
	if c.UpdateDeadline(commandTime) == nil {
		_ = c.Quit()
	}
	c.raw.Close()
}

// tlsError is that a connection could not be made secret.
type tlsError struct{ error }

func (e *tlsError) Error() string {
	return "the connection to the mail server cannot be made secret: " + e.error.Error() + "; look at messages.email.smtp.host, ca-file and the server's certificate"
}

func (e *tlsError) Unwrap() error { return e.error }

// readPassword reads a password without the line's end behind it.
func readPassword(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("the mail server's password cannot be read: %w", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" || strings.ContainsAny(password, "\r\n\x00") {
		return "", fmt.Errorf("the password in %s is empty or has several lines: write it alone into the file", path)
	}
	return password, nil
}

// readRoots reads who vouches for the server; nil is whom this machine trusts.
func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("messages.email.smtp.ca-file cannot be read: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("messages.email.smtp.ca-file %s holds no certificate in PEM", path)
	}
	return pool, nil
}
