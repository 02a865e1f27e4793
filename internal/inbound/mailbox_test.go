package inbound

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/notify"
	"ringfence/internal/notify/mail/mailtest"
)

// into is the configuration of a receiver that looks into a mailbox.
func into(t testing.TB, m *mailtest.Mailbox, change ...func(*Mailbox)) Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(m.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{Domain: "mail.carrier.example", General: []string{"privacy@carrier.example"}, Largest: 64 << 10, IMAP: Mailbox{
		Host: m.Host, Port: m.TLSPort, User: m.User, PasswordFile: path, CAFile: m.CAFile, Every: time.Second,
	}}
	for _, f := range change {
		f(&c.IMAP)
	}
	return c
}

// looking is a receiver that has not begun to look.
func looking(t testing.TB, c Config) (*Receiver, *inbox, *[]error) {
	t.Helper()
	in, reported := &inbox{}, &[]error{}
	r, err := New(c, in, clock, func(err error) { *reported = append(*reported, err) })
	if err != nil {
		t.Fatal(err)
	}
	r.dns = noDNS{}
	return r, in, reported
}

func delivered(to string, raw []byte) []byte {
	return append([]byte("Return-Path: <>\r\nDelivered-To: "+to+"\r\n"), raw...)
}

// What comes into a mailbox is taken from there, and marked once it is kept, and not before. What is not ours stays as it
// is for those who read the mailbox.
//
// cite: P-21, 47 CFR 64.2008(d)(3), I-03
func TestMailbox(t *testing.T) {
	box := mailtest.StartMailbox(t)
	for _, row := range []struct {
		name   string
		change func(*Mailbox)
		folder string // where what was taken is
	}{
		{"tls", func(*Mailbox) {}, ""},
		{"none on this machine", func(m *Mailbox) { m.Security, m.Port = "none", box.Port }, ""},
		{"starttls, moved", func(m *Mailbox) { m.Security, m.Port, m.Done = "starttls", box.Port, "Taken" }, "Taken"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, in, reported := looking(t, into(t, box, row.change))
			if err := r.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			unread, read := box.Counts(t, "")
			_, before := box.Counts(t, row.folder)
			before2, _ := box.Counts(t, "Taken")
			bounce := delivered(bouncesTo, sample(t, "dsn-failed-unknown"))
			reply := sample(t, "reply-plain") // only To tells where it went
			letter := []byte("Delivered-To: returns@carrier.example\r\nFrom: ana@customer.example\r\nSubject: Hello\r\n\r\nGood day.\r\n")
			stranger := delivered("bounces+zzzz@mail.carrier.example", []byte("From: x@y.example\r\n\r\nx\r\n"))
			large := delivered(bouncesTo, bytes.Repeat([]byte("X: y\r\n"), 20_000))
			for _, m := range [][]byte{letter, bounce, stranger, large, reply} {
				box.Deliver(t, m)
			}
			in.set(errors.New("the database is away"))
			if err := r.box.look(t.Context()); err == nil {
				t.Error("nothing is said of what could not be kept")
			}
			if now, was := box.Counts(t, ""); now != unread+5 || was != read {
				t.Fatalf("with the database away %d are unread and %d read", now-unread, was-read)
			}
			in.set(nil)
			for range 2 { // the second look finds nothing new
				if err := r.box.look(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			all := in.all()
			if len(all) != 2 || all[0].Kind != notify.Bounce || all[0].State != notify.Bounced || all[1].Kind != notify.Reply || all[1].by != known {
				t.Fatalf("%d came in: %+v", len(all), all)
			}
			if !bytes.HasSuffix(all[0].Raw, bounce) || !bytes.HasPrefix(all[0].Raw, []byte("Authentication-Results: ")) {
				t.Errorf("what is kept: %q", all[0].Raw)
			}
			now, was := box.Counts(t, "")
			if row.folder == "" {
				if now != unread+3 || was != before+2 {
					t.Errorf("%d are unread and %d read", now-unread, was-before)
				}
			} else if moved, _ := box.Counts(t, "Taken"); now != unread+3 || moved != before2+2 {
				t.Errorf("%d are unread and %d moved", now-unread, moved-before2)
			}
			if !slices.ContainsFunc(*reported, func(err error) bool { return strings.Contains(err.Error(), "larger than") }) {
				t.Errorf("nobody is told of the large one: %v", *reported)
			}
		})
	}
}

// A receiver looks by itself until it is told to stop.
func TestWatchesTheMailbox(t *testing.T) {
	box := mailtest.StartMailbox(t)
	r, in, _ := looking(t, into(t, box))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	for i := range 2 { // the second arrives after the first look
		box.Deliver(t, delivered(bouncesTo, sample(t, "dsn-failed-unknown")))
		for range 600 {
			if len(in.all()) > i {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	cancel()
	if err := <-ended; err != nil || len(in.all()) != 2 {
		t.Errorf("%d came in, and it ended with %v", len(in.all()), err)
	}
}

// A mailbox that cannot be looked into says why, and no secret.
func TestMailboxThatCannotBeOpened(t *testing.T) {
	box := mailtest.StartMailbox(t)
	wrong := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(wrong, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		change func(*Mailbox)
		says   string
	}{
		{func(m *Mailbox) { m.PasswordFile = wrong }, "password-file"},
		{func(m *Mailbox) { m.CAFile = "" }, "certificate"},
		{func(m *Mailbox) { m.Port = 1 }, "cannot be reached"},
		{func(m *Mailbox) { m.Done = "Nowhere" }, "imap.done"},
	} {
		r, in, _ := looking(t, into(t, box, row.change))
		if err := r.Check(t.Context()); err == nil || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), box.Password) {
			t.Errorf("want something of %q, got %v", row.says, err)
		}
		if len(in.all()) != 0 {
			t.Error("something came in")
		}
	}
}
