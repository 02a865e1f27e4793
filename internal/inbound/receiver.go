// Package inbound takes what comes in by mail about messages that went out: that one did not arrive, that it did, that
// nobody is in, that somebody calls it unwanted, and what customers answer. It keeps each whole, never answers any of them,
// and can do no more by them than to restrict: nobody who writes a mail has shown who they are.
//
// cite: P-21, P-23, P-25, 47 CFR 64.2010(f), 47 CFR 64.2008(d)(3)
package inbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

const (
	// keepTime is how long the inbox may take to keep a message before the sender is told to come again.
	keepTime = time.Minute
	// readTime is how long a sender may take for a command, and for a whole message.
	readTime  = 2 * time.Minute
	writeTime = time.Minute
	// partTime is how long a message that is being taken may still take when the program is told to stop.
	partTime        = 10 * time.Second
	mostConnections = 100 // to each door
	// mostReferences bounds how many messages one that went to a general address may be looked for.
	mostReferences = 10
)

// Receiver receives mail.
type Receiver struct {
	cfg    Config
	inbox  notify.Inbox
	clock  cpni.Clock
	report func(error)
	own    addresses
	dns    resolver
	tls    map[string]*tls.Config // of smtp and lmtp
	box    *mailbox               // nil: none is looked into
	flow   *flow
	// answers takes mail that answers no message of ours; nil: such mail is refused, or left where it lies.
	answers Answers
}

// Answers takes a mail that came to an address for answers and answers no message of ours. notify.ErrNotOurs: it is nothing that
// anybody has to read.
type Answers interface {
	Mail(ctx context.Context, raw []byte, w notify.Wrote, at time.Time) error
}

// TakeAnswers has mail to the addresses for answers taken, before Run.
//
// cite: P-12
func (r *Receiver) TakeAnswers(answers Answers) { r.answers = answers }

// New makes a receiver and reads the files that its configuration names. What goes wrong while it runs is reported, without
// anything of a message.
func New(cfg Config, inbox notify.Inbox, clock cpni.Clock, report func(error)) (*Receiver, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.filled()
	if report == nil {
		report = func(error) {}
	}
	r := &Receiver{cfg: cfg, inbox: inbox, clock: clock, report: report, own: newAddresses(cfg), dns: net.DefaultResolver, flow: newFlow(clock), tls: map[string]*tls.Config{}}
	for name, l := range map[string]Listener{"smtp": cfg.SMTP, "lmtp": cfg.LMTP} {
		if l.CertFile == "" {
			continue
		}
		pair, err := tls.LoadX509KeyPair(l.CertFile, l.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("the certificate of messages.inbound.%s cannot be used: %w", name, err)
		}
		r.tls[name] = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if cfg.IMAP.Host != "" {
		box, err := newMailbox(r)
		if err != nil {
			return nil, err
		}
		r.box = box
	}
	return r, nil
}

// Check says what keeps mail from coming in: of a mailbox, whether it can be looked into. It changes nothing there.
func (r *Receiver) Check(ctx context.Context) error {
	if r.box == nil {
		return nil
	}
	return r.box.check(ctx)
}

// Run receives until ctx ends, and returns once all that it began has ended. An error is that it could not begin.
func (r *Receiver) Run(ctx context.Context) error {
	doors, err := r.open(ctx)
	if err != nil {
		return err
	}
	return r.serve(ctx, doors)
}

// open opens the doors.
func (r *Receiver) open(ctx context.Context) (doors []door, err error) {
	for _, way := range []struct {
		name string
		Listener
	}{{"smtp", r.cfg.SMTP}, {"lmtp", r.cfg.LMTP}} {
		if way.Listen == "" {
			continue
		}
		network, address := "tcp", way.Listen
		if path, ok := strings.CutPrefix(way.Listen, "unix:"); ok {
			network, address = "unix", path
			// A socket that was left behind when the program was killed is in the way.
			if i, err := os.Lstat(path); err == nil && i.Mode().Type() == os.ModeSocket {
				_ = os.Remove(path)
			}
		}
		l, err := (&net.ListenConfig{}).Listen(ctx, network, address)
		if err != nil {
			for _, d := range doors {
				d.Close()
			}
			return nil, fmt.Errorf("messages.inbound.%s cannot listen: %w", way.name, err)
		}
		if network == "unix" {
			// The carrier's mail server writes to it, and belongs to our group for that.
			if err := os.Chmod(address, 0o660); err != nil {
				r.report(fmt.Errorf("the rights of the socket of messages.inbound.%s cannot be set: %w", way.name, err))
			}
		}
		s := smtp.NewServer(&backend{r: r, ctx: ctx, lmtp: way.name == "lmtp"})
		s.LMTP = way.name == "lmtp"
		s.Domain = r.cfg.Domain
		s.TLSConfig = r.tls[way.name]
		s.MaxMessageBytes = int64(r.cfg.Largest)
		// Over SMTP one answer is for all: with one recipient a message is never taken for some and not for others.
		s.MaxRecipients = 1
		if s.LMTP {
			s.MaxRecipients = 20
		}
		s.ReadTimeout, s.WriteTimeout = readTime, writeTime
		s.EnableSMTPUTF8 = true
		s.ErrorLog = quietLog{r.report}
		doors = append(doors, door{watch(netutil.LimitListener(l, mostConnections)), s})
	}
	return doors, nil
}

// serve minds the doors and the mailbox until ctx ends.
func (r *Receiver) serve(ctx context.Context, doors []door) error {
	var all sync.WaitGroup
	failed := make([]error, len(doors))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i, d := range doors {
		all.Go(func() {
			if err := d.server.Serve(d.watched); err != nil && ctx.Err() == nil {
				failed[i] = fmt.Errorf("receiving mail: %w", err)
				cancel() // one that has stopped takes the others with it, so that it is seen
			}
		})
		all.Go(func() {
			<-ctx.Done()
			r.shut(d)
		})
	}
	if r.box != nil {
		all.Go(func() { r.box.watch(ctx) })
	}
	<-ctx.Done()
	all.Wait()
	return errors.Join(failed...)
}

// peer is who has brought a message.
type peer struct {
	ip    net.IP // nil: it was brought by a server of the carrier's own, which has looked already
	hello string
	from  string // the return path; empty: none
	by    string // how it came: ESMTP, LMTP
}

// take keeps one message for one of our addresses. notify.ErrNotOurs is that it belongs to no message of ours; after any
// other error it is to be brought again.
//
// cite: P-21, 47 CFR 64.2008(d)(3)
func (r *Receiver) take(ctx context.Context, raw []byte, to string, t target, p peer) error {
	ctx, cancel := context.WithTimeout(ctx, keepTime)
	defer cancel()
	m := read(raw)
	null := p.from == ""
	if p.by == "" {
		null = strings.TrimSpace(m.header.Get("Return-Path")) == "<>"
	}
	kind, outcome := judge(m, null)
	whole := append(r.trace(ctx, raw, m, to, p), raw...)
	report := notify.Report{Outcome: outcome, At: r.clock.Now(), Kind: kind, Raw: whole}
	if kind == notify.Reply {
		report.Wrote = wrote(m, Aligned(whole))
	}
	err := r.hand(ctx, m, t, report)
	if errors.Is(err, notify.ErrNotOurs) {
		err = r.answered(ctx, t, report)
	}
	if err != nil && !errors.Is(err, notify.ErrNotOurs) {
		r.report(fmt.Errorf("what came in by mail could not be kept, and is asked for again: %w", err))
	}
	return err
}

// hand gives a report to the inbox: by the token that it was sent to or, when it was sent to a general address, by what it
// says of the message that it is about.
func (r *Receiver) hand(ctx context.Context, m message, t target, report notify.Report) error {
	if !t.general {
		return r.inbox.Returned(ctx, t.token, report)
	}
	tokens, names := r.references(m)
	for _, token := range tokens {
		if err := r.inbox.Returned(ctx, token, report); !errors.Is(err, notify.ErrNotOurs) {
			return err
		}
	}
	for _, name := range names {
		if err := r.inbox.Referred(ctx, cpni.Email, name, report); !errors.Is(err, notify.ErrNotOurs) {
			return err
		}
	}
	return notify.ErrNotOurs
}

// answered gives a mail to an address for answers to who takes them.
//
// cite: P-12, 47 CFR 64.2008(c)(3)
func (r *Receiver) answered(ctx context.Context, t target, report notify.Report) error {
	if !t.answers || r.answers == nil || report.Wrote == nil {
		return notify.ErrNotOurs
	}
	sender := "from " + report.Wrote.From
	if !r.flow.may(sender) || !r.flow.mayAnswer() {
		return errTooMuch
	}
	err := r.answers.Mail(ctx, report.Raw, *report.Wrote, report.At)
	if err == nil {
		r.flow.came(sender)
		r.flow.answered()
	}
	return err
}

// errTooMuch asks for a mail to be brought again later.
var errTooMuch = errors.New("more answers come in than are taken in an hour")

// references finds which of our messages a message speaks of: the addresses to which they ask for answers, and their
// names, in its own header or in what it gives back.
func (r *Receiver) references(m message) (tokens, names []string) {
	seen := map[string]bool{}
	gather := func(text string) {
		for _, f := range r.own.within.FindAllStringSubmatch(text, mostReferences) {
			if !seen[f[1]] && len(tokens) < mostReferences {
				seen[f[1]] = true
				tokens = append(tokens, f[1])
			}
		}
		for _, f := range r.own.id.FindAllStringSubmatch(text, mostReferences) {
			if name := strings.ToLower(f[1]); !seen[name] && len(names) < mostReferences {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	for _, field := range []string{"In-Reply-To", "References", "To", "Cc"} {
		gather(m.header.Get(field))
	}
	for _, l := range m.leaves {
		gather(l.text)
	}
	return tokens, names
}

// trace is what a receiver writes above a message: who has brought it, when, and how far it is to be believed.
//
// cite: RFC 5321, RFC 8601
func (r *Receiver) trace(ctx context.Context, raw []byte, m message, to string, p peer) []byte {
	var b strings.Builder
	b.WriteString(resultsField + authres.Format(r.own.domain, r.authenticate(ctx, raw, m, p)) + "\r\n")
	if p.by != "" {
		from := "unknown"
		if isDomain(p.hello) {
			from = p.hello
		}
		if p.ip != nil {
			from += " ([" + p.ip.String() + "])"
		}
		fmt.Fprintf(&b, "Return-Path: <%s>\r\nDelivered-To: %s\r\nReceived: from %s\r\n by %s with %s;\r\n %s\r\n",
			visible(p.from), visible(to), from, r.own.domain, p.by, r.clock.Now().UTC().Format(time.RFC1123Z))
	}
	return []byte(b.String())
}

// visible leaves out of an address whatever could end its line.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) || r == '<' || r == '>' {
			return -1
		}
		return r
	}, s)
}

// quietLog says that a connection went wrong, and nothing of whose it was.
type quietLog struct{ report func(error) }

// errConnection is what is reported in place of what the library says, which names the other side.
var errConnection = errors.New("a connection over which mail came in has ended in an error")

// Printf reports.
func (l quietLog) Printf(string, ...any) { l.report(errConnection) }

// Println reports.
func (l quietLog) Println(...any) { l.report(errConnection) }
