package inbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"ringfence/internal/notify"
)

const (
	signInTime = 30 * time.Second
	lookTime   = 10 * time.Minute // of one look into a mailbox
	mostALook  = 500              // messages that are taken in one look
)

// mailbox is looked into from time to time. A message is marked only once the inbox has it; when that could not keep it,
// or the program dies in between, it is found unmarked at the next look.
type mailbox struct {
	*Receiver
	cfg   Mailbox
	roots *x509.CertPool

	// What belongs to no message of ours lies unmarked for those who read the mailbox. It is looked at once: all up to this
	// one have been, as long as the server counts as it did.
	seen  imap.UID
	count uint32 // UIDVALIDITY
}

func newMailbox(r *Receiver) (*mailbox, error) {
	b := &mailbox{Receiver: r, cfg: r.cfg.IMAP}
	if _, err := readPassword(b.cfg.PasswordFile); err != nil {
		return nil, err
	}
	if b.cfg.CAFile != "" {
		text, err := os.ReadFile(b.cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("messages.inbound.imap.ca-file cannot be read: %w", err)
		}
		b.roots = x509.NewCertPool()
		if !b.roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("messages.inbound.imap.ca-file %s holds no certificate in PEM", b.cfg.CAFile)
		}
	}
	return b, nil
}

func readPassword(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("the password of messages.inbound.imap cannot be read: %w", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" || strings.ContainsAny(password, "\r\n\x00") {
		return "", fmt.Errorf("the password in %s is empty or has several lines: write it alone into the file", path)
	}
	return password, nil
}

// watch looks into the mailbox until ctx ends.
func (b *mailbox) watch(ctx context.Context) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		if err := b.look(ctx); err != nil && ctx.Err() == nil {
			b.report(fmt.Errorf("looking into the mailbox: %w", err))
		}
		wait.Reset(b.cfg.Every)
	}
}

// check looks whether the mailbox can be looked into.
func (b *mailbox) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, signInTime)
	defer cancel()
	c, leave, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if b.cfg.Done != "" {
		if !c.Caps().Has(imap.CapMove) {
			return errors.New("the mail server cannot move messages (MOVE), and messages.inbound.imap.done asks for it: leave that out")
		}
		if _, err := c.Status(b.cfg.Done, &imap.StatusOptions{NumMessages: true}).Wait(); err != nil {
			return fmt.Errorf("there is no folder messages.inbound.imap.done: %w; make it in the mailbox", err)
		}
	}
	return nil
}

// enter goes to the server, signs in and opens the folder.
func (b *mailbox) enter(ctx context.Context) (c *imapclient.Client, leave func(), err error) {
	raw, err := (&net.Dialer{Timeout: signInTime}).DialContext(ctx, "tcp", net.JoinHostPort(b.cfg.Host, strconv.Itoa(b.cfg.Port)))
	if err != nil {
		return nil, nil, fmt.Errorf("the mailbox's server cannot be reached: %w", err)
	}
	// A server that says nothing must not keep us: closing the connection ends whatever waits for it.
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	leave = func() {
		stop()
		if c != nil {
			_ = c.Logout().Wait()
			c.Close()
		}
		raw.Close()
	}
	fail := func(format string, a ...any) (*imapclient.Client, func(), error) {
		if c != nil {
			c.Close()
			c = nil
		}
		leave()
		return nil, nil, fmt.Errorf(format, a...)
	}
	options := &imapclient.Options{TLSConfig: &tls.Config{ServerName: b.cfg.Host, RootCAs: b.roots, MinVersion: tls.VersionTLS12}}
	switch b.cfg.Security {
	case "tls":
		options.TLSConfig.NextProtos = []string{"imap"}
		secret := tls.Client(raw, options.TLSConfig)
		if err := secret.HandshakeContext(ctx); err != nil {
			return fail("the connection to the mailbox cannot be made secret: %w; look at messages.inbound.imap.host, ca-file and the server's certificate", err)
		}
		c = imapclient.New(secret, options)
	case "starttls":
		if c, err = imapclient.NewStartTLS(raw, options); err != nil {
			c = nil
			return fail("the connection to the mailbox cannot be made secret: %w; look at messages.inbound.imap.host, ca-file and the server's certificate", err)
		}
	default:
		if ip, _, err := net.SplitHostPort(raw.RemoteAddr().String()); err != nil || !isLoopback(ip) {
			return fail("messages.inbound.imap.security is none, and the server is not on this machine: write tls or starttls")
		}
		c = imapclient.New(raw, options)
	}
	if err := c.WaitGreeting(); err != nil {
		return fail("the mailbox's server does not greet: %w", err)
	}
	password, err := readPassword(b.cfg.PasswordFile)
	if err != nil {
		return fail("%w", err)
	}
	if err := c.Login(b.cfg.User, password).Wait(); err != nil {
		return fail("the mailbox's server does not let us in: %w; look at messages.inbound.imap.user and its password-file", err)
	}
	return c, leave, nil
}

// look takes what has come into the mailbox since.
func (b *mailbox) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	c, leave, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	opened, err := c.Select(b.cfg.Folder, nil).Wait()
	if err != nil {
		return fmt.Errorf("opening the folder messages.inbound.imap.folder: %w", err)
	}
	if opened.UIDValidity != b.count {
		b.count, b.seen = opened.UIDValidity, 0
	}
	found, err := c.UIDSearch(&imap.SearchCriteria{NotFlag: []imap.Flag{imap.FlagSeen, imap.FlagDeleted}, UID: []imap.UIDSet{{imap.UIDRange{Start: b.seen + 1, Stop: 0}}}}, nil).Wait()
	if err != nil {
		return fmt.Errorf("searching the mailbox: %w", err)
	}
	uids := found.AllUIDs()
	slices.Sort(uids)
	for _, uid := range uids[:min(len(uids), mostALook)] {
		if uid <= b.seen { // a range that ends at * reaches back to the last
			continue
		}
		if err := b.one(ctx, c, uid); err != nil {
			return err
		}
		b.seen = uid
	}
	return nil
}

// one takes one message. An error leaves it for the next look.
func (b *mailbox) one(ctx context.Context, c *imapclient.Client, uid imap.UID) error {
	sizes, err := c.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, RFC822Size: true}).Collect()
	if err != nil {
		return fmt.Errorf("reading a message's size: %w", err)
	}
	if len(sizes) != 1 {
		return nil // somebody has taken it away
	}
	if sizes[0].RFC822Size > int64(b.Receiver.cfg.Largest) {
		b.report(errors.New("a message in the mailbox is larger than messages.inbound.largest, and stays there unread: somebody has to look at it"))
		return nil
	}
	section := &imap.FetchItemBodySection{Peek: true}
	whole, err := c.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil {
		return fmt.Errorf("reading a message: %w", err)
	}
	if len(whole) != 1 {
		return nil
	}
	raw := whole[0].FindBodySection(section)
	err = b.take(ctx, raw, "", b.sentTo(raw), peer{})
	if errors.Is(err, notify.ErrNotOurs) {
		return nil
	}
	if err != nil {
		return errors.New("a message in the mailbox could not be kept, and stays for the next look")
	}
	if b.cfg.Done != "" && c.Caps().Has(imap.CapMove) {
		if _, err := c.Move(imap.UIDSetNum(uid), b.cfg.Done).Wait(); err != nil {
			return fmt.Errorf("moving a message that was taken to messages.inbound.imap.done: %w", err)
		}
		return nil
	}
	if err := c.Store(imap.UIDSetNum(uid), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close(); err != nil {
		return fmt.Errorf("marking a message that was taken: %w", err)
	}
	return nil
}

// sentTo finds the address of ours that a message in a mailbox was sent to: by what the carrier's server has written above
// it, or else by its own header.
func (b *mailbox) sentTo(raw []byte) target {
	m := read(raw)
	answers := false
	for _, field := range []string{"Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To", "Cc"} {
		for f := m.header.FieldsByKey(field); f.Next(); {
			for _, found := range b.own.within.FindAllStringSubmatch(f.Value(), 1) {
				return target{token: found[1]}
			}
			answers = answers || b.own.takesAnswers(f.Value())
		}
	}
	return target{general: true, answers: answers}
}
