package inbound

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/emersion/go-smtp"

	"ringfence/internal/notify"
)

// What a sender is told. Whether an address with a token was ever given out is not said: any that we do not take is
// unknown.
var (
	errUnknown = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox here"}
	errBusy    = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "too much at once, come again"}
	errLater   = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "cannot be kept now, come again"}
)

// backend makes a session of each connection.
type backend struct {
	r    *Receiver
	ctx  context.Context
	lmtp bool
}

// NewSession begins one.
func (b *backend) NewSession(c *smtp.Conn) (smtp.Session, error) {
	s := &session{backend: b, conn: c}
	if b.lmtp {
		return &lmtpSession{s}, nil
	}
	return s, nil
}

// session is a connection over which messages are brought.
type session struct {
	*backend
	conn *smtp.Conn
	from string
	to   []recipient
}

// recipient is an address of ours.
type recipient struct {
	address string
	target
}

// Mail begins a message.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from, s.to = from, nil
	return nil
}

// Rcpt takes an address when it is ours.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	t, ok := s.r.own.parse(to)
	if !ok {
		return errUnknown
	}
	s.to = append(s.to, recipient{to, t})
	return nil
}

// Data takes a message. It is acknowledged once it is kept, and not before.
func (s *session) Data(body io.Reader) error {
	if !s.r.flow.enter() {
		return errBusy
	}
	defer s.r.flow.leave()
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	for _, to := range s.to { // one
		if err := s.keep(raw, to, "ESMTP"); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) keep(raw []byte, to recipient, by string) error {
	if !to.general && !s.r.flow.may(to.token) {
		return errBusy
	}
	p := peer{hello: s.conn.Hostname(), from: s.from, by: by}
	if a, ok := s.conn.Conn().RemoteAddr().(*net.TCPAddr); ok && !s.lmtp {
		p.ip = a.IP
	}
	if _, secret := s.conn.TLSConnectionState(); secret {
		p.by += "S"
	}
	// A message that is here is kept to its end when the program is told to stop: it was all said already.
	err := s.r.take(context.WithoutCancel(s.ctx), raw, to.address, to.target, p)
	switch {
	case errors.Is(err, notify.ErrNotOurs):
		return errUnknown
	case err != nil:
		return errLater
	}
	if !to.general {
		s.r.flow.came(to.token)
	}
	return nil
}

// Reset forgets a message that was begun.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout ends.
func (s *session) Logout() error { return nil }

// lmtpSession answers for each recipient.
type lmtpSession struct{ *session }

// LMTPData takes a message for each recipient.
//
// cite: RFC 2033
func (s *lmtpSession) LMTPData(body io.Reader, status smtp.StatusCollector) error {
	if !s.r.flow.enter() {
		return errBusy
	}
	defer s.r.flow.leave()
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	for _, to := range s.to {
		status.SetStatus(to.address, s.keep(raw, to, "LMTP"))
	}
	return nil
}
