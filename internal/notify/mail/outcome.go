package mail

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strings"

	"ringfence/internal/notify"
)

// stage is how far a message had come when the server answered.
type stage int

const (
	connecting stage = iota
	sender           // MAIL
	recipient        // RCPT
	asking           // DATA
	content          // the message itself
)

// enhanced begins what a server says with its status in more detail.
//
// cite: RFC 2034, RFC 3463
var enhanced = regexp.MustCompile(`^([245]\.\d{1,3}\.\d{1,3})(?:\s|$)`)

// aboutUs are words with which a server that gives no more detail than 550 says that it is not the mailbox it minds.
var aboutUs = regexp.MustCompile(`(?i)relay|denied|spam|block|black ?list|polic|authent|reputation|spf|dkim|dmarc|sender`)

// taken is what comes of a message that the server has taken.
func taken(code int, says, id string) notify.Outcome {
	return notify.Outcome{State: notify.Sent, Code: word(code, says), Says: says, Reference: id}
}

// outcome is what comes of a message that the server has not taken.
func outcome(at stage, err error) notify.Outcome {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		o := notify.Outcome{State: notify.Queued, Code: withoutReply(err), Says: err.Error()}
		if at == content {
			// The server may have it or not. Said again it bears the same Message-ID and ENVID.
			o.Code = "unanswered"
		}
		return o
	}
	o := notify.Outcome{State: notify.Queued, Code: word(reply.Code, reply.Msg), Says: reply.Msg}
	if at == connecting {
		// What keeps every message is for the operator to look into; none of them is lost by that.
		o.Says = err.Error()
		return o
	}
	if reply.Code/100 == 5 {
		o.State = refused(at, reply.Code, reply.Msg)
	}
	return o
}

// refused tells apart an address that takes no mail, which is a bounce, from mail that the server does not want.
//
// cite: P-23, RFC 3463, 47 CFR 64.2008(d)(3)
func refused(at stage, code int, says string) notify.State {
	switch code {
	case 530, 534, 535, 538: // it wants us to sign in first: the messages can wait for that
		return notify.Queued
	}
	if m := enhanced.FindStringSubmatch(says); m != nil {
		switch {
		case m[1] == "5.1.7", m[1] == "5.1.8", m[1] == "5.1.9": // the sender's address
			return notify.Failed
		case strings.HasPrefix(m[1], "5.1."), m[1] == "5.2.1", m[1] == "5.2.2":
			return notify.Bounced
		}
		return notify.Failed
	}
	if at == recipient && (code == 550 || code == 551 || code == 553) && !aboutUs.MatchString(says) {
		return notify.Bounced
	}
	return notify.Failed
}

// word is a reply's code, with its status in more detail when it has one.
func word(code int, says string) string {
	if m := enhanced.FindStringSubmatch(says); m != nil {
		return fmt.Sprintf("%d %s", code, m[1])
	}
	return fmt.Sprint(code)
}

// withoutReply names what went wrong when the server has said nothing.
func withoutReply(err error) string {
	var secret *tlsError
	switch {
	case errors.As(err, &secret), errors.Is(err, errSecurity):
		return "tls"
	case errors.Is(err, errNoMechanism):
		return "auth"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "network"
}

// isReply reports whether the server itself has said no, and so is still there.
func isReply(err error) bool {
	var reply *textproto.Error
	return errors.As(err, &reply)
}
