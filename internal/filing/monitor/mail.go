package monitor

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/notify/mail"
)

// Words in which the account refuses by mail and by text: plain ones, as docs/answers.md has them.
const refusalWords = "I refuse the use of my information for offers."

// MailProbe refuses by a mail to the address for refusals.
type MailProbe struct {
	server mail.Config
	from   string
	to     string
	clock  cpni.Clock
}

// NewMail makes a probe that writes to an address from the sender of server, which is that of the account alone.
func NewMail(server mail.Config, to string, clock cpni.Clock) (*MailProbe, error) {
	if err := server.Check(); err != nil {
		return nil, err
	}
	from, err := netmail.ParseAddress(server.From)
	if err != nil {
		return nil, err
	}
	if a, err := netmail.ParseAddress(to); err != nil || a.Address != to {
		return nil, fmt.Errorf("%q is no address for refusals", to)
	}
	return &MailProbe{server: server, from: from.Address, to: to, clock: clock}, nil
}

// From is the sender.
func (p *MailProbe) From() Place { return Place{Email: p.from} }

// Via is as the desk of answers records it.
func (p *MailProbe) Via() []string { return []string{approval.ByEmail} }

const stepMail = "hand the mail over"

// Try writes the mail and hands it over.
//
// cite: P-12, P-27, 47 CFR 64.2008(c)(3), 47 CFR 64.2008(d)(3)
func (p *MailProbe) Try(ctx context.Context, as Account, _ time.Duration) (string, error) {
	_, domain, _ := strings.Cut(p.from, "@")
	text := strings.Join([]string{"From: " + p.from, "To: " + p.to, "Subject: My information", "Date: " + p.clock.Now().UTC().Format(time.RFC1123Z), "Message-ID: <monitor-" + strings.ToLower(as.Token) + "@" + domain + ">",
		"MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "", refusalWords, ""}, "\r\n")
	if err := mail.Once(ctx, p.server, p.to, []byte(text)); err != nil {
		var no *mail.NotTaken
		if errors.As(err, &no) {
			return "", Failed(stepMail, "the mail server did not take it: %d", no.Code)
		}
		return "", Failed(stepMail, "%v", err)
	}
	return "the mail server took the mail", nil
}
