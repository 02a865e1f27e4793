package inbound

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// What somebody has written is taken out of a mail whole, and what it quotes is told from it where only the mail can tell.
//
// cite: P-12, RFC 5322
func TestWrote(t *testing.T) {
	for name, row := range map[string]struct {
		mail, from, id, subject, text string
	}{
		"plain":         {"From: Ann <Ann@customer.example>\r\nMessage-ID: <1@customer.example>\r\nSubject: =?utf-8?q?Decisi=C3=B3n?=\r\n\r\nNo.\r\n> yes\r\n", "Ann@customer.example", "<1@customer.example>", "Decisión", "No.\r\n> yes\r\n"},
		"two senders":   {"From: a@b.example, c@d.example\r\n\r\nNo", "", "", "", "No"},
		"no sender":     {"Subject: x\r\n\r\nNo", "", "", "x", "No"},
		"twice a field": {"From: a@b.example\r\nFrom: c@d.example\r\n\r\nNo", "", "", "", "No"},
		"a page":        {"From: a@b.example\r\nContent-Type: text/html\r\n\r\n<html><head><title>x</title><style>p{}</style></head><body><p>Do&nbsp;not <b>share</b></p><div class=\"gmail_quote\">I agree</div></body>", "a@b.example", "", "", "Do\u00a0not  share"},
		"a quotation":   {"From: a@b.example\r\nContent-Type: text/html\r\n\r\n<div>No</div><blockquote type=cite>yes</blockquote>", "a@b.example", "", "", "No"},
	} {
		w := wrote(read([]byte(row.mail)), true)
		if w.From != row.from || w.ID != row.id || w.Subject != row.subject || !strings.Contains(strings.TrimSpace(w.Text), strings.TrimSpace(row.text)) || strings.Contains(w.Text, "agree") || !w.Shown {
			t.Errorf("%s: %+v", name, w)
		}
	}
	for name, raw := range map[string]string{
		"tags":         strings.Repeat("<", 5<<20),
		"half a quote": strings.Repeat("<div class=\"", 1<<19),
		"comments":     strings.Repeat("<!--", 1<<20),
		"styles":       strings.Repeat("<style>", 1<<19),
	} {
		if w := wrote(read([]byte("Content-Type: text/html\r\n\r\n"+raw)), false); len(w.Text) > 2*mostText {
			t.Errorf("%s: %d bytes", name, len(w.Text))
		}
	}
}

// heard takes answers.
type heard struct {
	got []notify.Wrote
	err error
}

func (h *heard) Mail(_ context.Context, _ []byte, w notify.Wrote, _ time.Time) error {
	h.got = append(h.got, w)
	return h.err
}

// nobody is an inbox that knows no message.
type nobody struct{ notify.Inbox }

func (nobody) Returned(context.Context, string, notify.Report) error { return notify.ErrNotOurs }

func (nobody) Referred(context.Context, cpni.Via, string, notify.Report) error {
	return notify.ErrNotOurs
}

// Mail to an address for answers is an answer when it answers no message of ours, unless a machine has written it; and nobody fills
// the queue of those who read.
//
// cite: P-12, 47 CFR 64.2008(c)(3)
func TestMailToTheAddressForAnswers(t *testing.T) {
	cfg := Config{Domain: "mail.carrier.example", General: []string{"help@carrier.example"}, Answers: []string{"Choices@carrier.example"}}
	h := &heard{}
	r := &Receiver{own: newAddresses(cfg), inbox: nobody{}, clock: &ticking{}, report: func(error) {}, dns: noDNS{}, flow: newFlow(&ticking{}), answers: h}
	take := func(raw, to string) error {
		where, ok := r.own.parse(to)
		if !ok {
			t.Fatalf("%s is none of ours", to)
		}
		return r.take(t.Context(), []byte(raw), to, where, peer{from: "x@customer.example", by: "ESMTP"})
	}
	mail := "From: ann@customer.example\r\nSubject: Choice\r\n\r\nOpt out"
	for name, row := range map[string]struct {
		raw, to string
		taken   bool
	}{
		"an answer":         {mail, "choices@carrier.example", true},
		"to another":        {mail, "help@carrier.example", false},
		"of a machine":      {"Auto-Submitted: auto-replied\r\n" + mail, "choices@carrier.example", false},
		"of somebody away":  {"From: a@b.example\r\nSubject: Out of office\r\n\r\nOpt out", "choices@carrier.example", false},
		"that came back":    {string(sample(t, "dsn-failed-unknown")), "choices@carrier.example", false},
		"that is unwelcome": {string(sample(t, "arf-abuse")), "choices@carrier.example", false},
	} {
		h.got = nil
		err := take(row.raw, row.to)
		if row.taken != (err == nil && len(h.got) == 1) || !row.taken && !errors.Is(err, notify.ErrNotOurs) {
			t.Errorf("%s: %v, %d answers", name, err, len(h.got))
		}
	}
	for range mostAnHour + 5 {
		_ = take(mail, "choices@carrier.example")
	}
	if len(h.got) > mostAnHour {
		t.Errorf("%d mails of one sender were taken in an hour", len(h.got))
	}
	if err := take(mail, "choices@carrier.example"); err == nil || errors.Is(err, notify.ErrNotOurs) {
		t.Errorf("the next is not asked for again: %v", err)
	}
}

// A mailbox tells by the header for which of its addresses a mail is.
func TestMailboxKnowsAnswers(t *testing.T) {
	b := &mailbox{Receiver: &Receiver{own: newAddresses(Config{Domain: "mail.carrier.example", Answers: []string{"choices@carrier.example"}})}}
	for raw, want := range map[string]target{
		"To: \"Choices\" <CHOICES@carrier.example>\r\n\r\nno":                                  {general: true, answers: true},
		"Delivered-To: choices@carrier.example\r\nTo: other@carrier.example\r\n\r\nno":         {general: true, answers: true},
		"To: other@carrier.example\r\n\r\nno":                                                  {general: true},
		"To: choices@carrier.example\r\nDelivered-To: replies+a1@mail.carrier.example\r\n\r\n": {token: "a1"},
	} {
		if got := b.sentTo([]byte(raw)); got != want {
			t.Errorf("%q: %+v", raw, got)
		}
	}
}
