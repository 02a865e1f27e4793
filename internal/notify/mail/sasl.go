package mail

import (
	"errors"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// errNoMechanism says that the server asks for something that we do not have.
var errNoMechanism = errors.New("the mail server offers no way to sign in that is known here (SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, LOGIN): look whether messages.email.smtp.port is one on which clients sign in")

// mechanism picks the strongest way to sign in of those that a server offers. The connection is already as secret as it
// was configured to be, so that a password may be said on it.
//
// cite: RFC 4954, RFC 5802
func mechanism(offered []string, user, password, host string) (smtp.Auth, error) {
	for _, m := range []struct {
		name string
		make func() smtp.Auth
	}{
		{"SCRAM-SHA-256", func() smtp.Auth { return &proving{Auth: smtp.ScramSHA256Auth(user, password)} }},
		{"SCRAM-SHA-1", func() smtp.Auth { return &proving{Auth: smtp.ScramSHA1Auth(user, password)} }},
		{"PLAIN", func() smtp.Auth { return smtp.PlainAuth("", user, password, host, true) }},
		{"LOGIN", func() smtp.Auth { return smtp.LoginAuth(user, password, host, true) }},
	} {
		if slices.ContainsFunc(offered, func(o string) bool { return strings.EqualFold(o, m.name) }) {
			return m.make(), nil
		}
	}
	return nil, errNoMechanism
}

// proving insists that the server, too, proves that it knows the password: one that is content before has not.
type proving struct {
	smtp.Auth
	proved bool
}

// Next answers a challenge, and judges what the server says at the end.
func (p *proving) Next(challenge []byte, more bool) ([]byte, error) {
	answer, err := p.Auth.Next(challenge, more)
	if err != nil {
		return nil, err
	}
	if more && strings.HasPrefix(string(challenge), "v=") {
		p.proved = true
	}
	if !more && !p.proved {
		return nil, errors.New("the mail server has not shown that it knows the password")
	}
	return answer, nil
}
