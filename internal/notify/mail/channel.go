// Package mail carries messages to customers by e-mail, over the carrier's own mail server: signed, secret on the way as
// far as that server, and so that what comes back finds its message.
//
// cite: P-21, P-23, P-25, 47 CFR 64.2010(f)
package mail

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/idna"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// patience is how long a call of Send may take: a node that has had messages for longer than the lease of the policy (lease,
// 5 minutes) is taken for dead, and another sends them.
type patience struct {
	begin time.Duration // messages are begun for so long; the rest is left for the next call
	end   time.Duration // what was begun may take so much longer
	// grace is how much longer it may take when the program is told to stop: one that was said and not answered would be
	// said again.
	grace time.Duration
}

var usual = patience{begin: 2 * time.Minute, end: 2 * time.Minute, grace: 10 * time.Second}

// Channel sends e-mail. It holds no connection between two calls of Send.
type Channel struct {
	cfg    Config
	clock  cpni.Clock
	from   netmail.Address
	domain string // where bounces and replies come back
	keys   []signingKey
	roots  *x509.CertPool
	slots  chan struct{} // one for each connection that may be open
	patience
}

var _ notify.Channel = (*Channel)(nil)

// New makes the channel of a configuration and reads the files that it names. The server need not be there yet. Its
// messages are dated by clock.
func New(cfg Config, clock cpni.Clock) (*Channel, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.filled()
	from, err := netmail.ParseAddress(cfg.From)
	if err != nil {
		return nil, err
	}
	box, err := parseAddress(from.Address)
	if err != nil {
		return nil, fmt.Errorf("messages.email.smtp.from: %w", err)
	}
	if box.wide() {
		return nil, errors.New("messages.email.smtp.from has letters before its @ that not every server can carry: write an address of plain letters")
	}
	c := &Channel{cfg: cfg, clock: clock, from: netmail.Address{Name: displayed(from.Name), Address: box.String()}, slots: make(chan struct{}, cfg.Connections), patience: usual}
	if c.domain, err = idna.Lookup.ToASCII(cfg.ReturnDomain); err != nil {
		return nil, fmt.Errorf("messages.email.smtp.return-domain: %w", err)
	}
	if cfg.PasswordFile != "" {
		if _, err := readPassword(cfg.PasswordFile); err != nil {
			return nil, err
		}
	}
	if c.roots, err = readRoots(cfg.CAFile); err != nil {
		return nil, err
	}
	for _, k := range cfg.DKIM {
		key, err := readKey(k)
		if err != nil {
			return nil, err
		}
		c.keys = append(c.keys, key)
	}
	return c, nil
}

// Batch is how many messages it takes at once.
func (c *Channel) Batch() int { return c.cfg.Batch }

// Check goes to the server, makes the connection secret, signs in and takes leave.
func (c *Channel) Check(ctx context.Context) error {
	ready, err := c.connect(ctx)
	if err != nil {
		return err
	}
	ready.quit()
	return nil
}

// Send hands pieces over. A connection carries one after another; several are opened when there is enough for them. When
// none can be opened every piece is to be tried again. When ctx ends, or time is up, what is on its way is still heard to
// its end, and the rest is left as it was.
func (c *Channel) Send(ctx context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, c.begin)
	defer cancel()
	s := &sending{Channel: c, ctx: ctx, whole: whole, told: told, todo: pieces}
	var all sync.WaitGroup
	for i := range min(c.cfg.Connections, len(pieces)) {
		if !c.slot(ctx, i == 0) {
			break
		}
		all.Go(func() {
			defer func() { <-c.slots }()
			s.carry()
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return
	}
	for _, p := range s.todo {
		told(p, s.down)
	}
}

// slot waits for leave to open a connection. Those after the first do not wait: what others have open will soon be free for
// a later call, and the first carries everything if it must.
func (c *Channel) slot(ctx context.Context, wait bool) bool {
	select {
	case c.slots <- struct{}{}:
		return true
	default:
	}
	if !wait {
		return false
	}
	select {
	case c.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// sending is one call of Send.
type sending struct {
	*Channel
	ctx   context.Context // ends when nothing more is begun
	whole context.Context // ends when the program is told to stop
	told  func(notify.Piece, notify.Outcome)

	mu   sync.Mutex
	todo []notify.Piece
	down notify.Outcome // why the last connection could not be opened
}

// next takes a piece.
func (s *sending) next() (notify.Piece, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.todo) == 0 || s.ctx.Err() != nil {
		return notify.Piece{}, false
	}
	p := s.todo[0]
	s.todo = s.todo[1:]
	return p, true
}

// back leaves a piece to the other connections, since this one cannot be opened.
func (s *sending) back(p notify.Piece, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.todo = append(s.todo, p)
	s.down = outcome(connecting, err)
}

// carry sends piece after piece over one connection, which it opens again when it breaks.
func (s *sending) carry() {
	var line *conn
	var let func()
	leave := func(broken bool) {
		if line != nil {
			if broken {
				line.raw.Close()
			} else {
				line.quit()
			}
			let()
			line = nil
		}
	}
	defer func() { leave(false) }()
	for {
		p, more := s.next()
		if !more {
			return
		}
		l, err := s.compose(p)
		if err != nil {
			s.told(p, notify.Outcome{State: notify.Failed, Code: "malformed", Says: err.Error()})
			continue
		}
		// A connection that has carried something may have been closed since: as long as the server has taken nothing of a
		// message, it is said once more on a new one.
		for fresh := false; ; {
			if line == nil {
				fresh = true
				if line, err = s.connect(s.ctx); err != nil {
					s.back(p, err)
					return
				}
				let = s.guard(line)
			}
			o, at, broken := s.deliver(line, p, l)
			// Some servers end a connection that has carried enough, others only say no to whatever is said on it.
			enough := at == sender && o.State == notify.Queued && (broken && !fresh || line.carried)
			if broken || enough {
				leave(broken)
			}
			if enough && s.ctx.Err() == nil {
				continue
			}
			s.told(p, o)
			break
		}
	}
}

// guard closes a connection some time after nothing more is to be begun. The function that it returns ends the guard.
func (s *sending) guard(line *conn) (let func()) {
	gone := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-gone:
			return
		case <-s.ctx.Done():
		}
		ending := time.NewTimer(s.end)
		defer ending.Stop()
		select {
		case <-gone:
			return
		case <-ending.C:
			line.raw.Close()
			return
		case <-s.whole.Done():
		}
		grace := time.NewTimer(s.grace)
		defer grace.Stop()
		select {
		case <-gone:
		case <-grace.C:
			line.raw.Close()
		}
	})
	return func() {
		close(gone)
		watching.Wait()
	}
}

// deliver says one message. It returns what came of it, at which point, and whether the connection is of no more use.
//
// cite: RFC 5321, RFC 3461
func (c *Channel) deliver(line *conn, p notify.Piece, l letter) (o notify.Outcome, at stage, broken bool) {
	if l.wide && !line.wide {
		return notify.Outcome{State: notify.Failed, Code: "SMTPUTF8", Says: "the mail server cannot carry mail to an address with letters of this kind before its @"}, sender, false
	}
	fail := func(at stage, err error) (notify.Outcome, stage, bool) {
		o := outcome(at, err)
		// 421 is a server that takes leave.
		broken := !isReply(err) || strings.HasPrefix(o.Code, "421")
		if !broken && line.Reset() != nil {
			broken = true
		}
		return o, at, broken
	}
	mail := "MAIL FROM:<" + l.from + ">"
	if line.eight {
		mail += " BODY=8BITMIME"
	}
	if line.size {
		mail += fmt.Sprintf(" SIZE=%d", len(l.bytes))
	}
	if l.wide {
		mail += " SMTPUTF8"
	}
	rcpt := "RCPT TO:<" + l.to + ">"
	if line.dsn {
		mail += " RET=HDRS ENVID=" + xtext(string(p.ID))
		rcpt += " NOTIFY=FAILURE,DELAY"
		if c.cfg.Receipts {
			rcpt += ",SUCCESS"
		}
		if !l.wide {
			rcpt += " ORCPT=rfc822;" + xtext(l.to)
		}
	}
	if _, _, err := line.command(250, "%s", mail); err != nil {
		return fail(sender, err)
	}
	if _, _, err := line.command(25, "%s", rcpt); err != nil {
		return fail(recipient, err)
	}
	if _, _, err := line.command(354, "DATA"); err != nil {
		return fail(asking, err)
	}
	code, says, err := line.data(l.bytes)
	if err != nil {
		return fail(content, err)
	}
	line.carried = true
	return taken(code, says, l.id), content, false
}

// xtext writes what may stand in a parameter.
//
// cite: RFC 3461
func xtext(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] < '!' || s[i] > '~' || s[i] == '+' || s[i] == '=' {
			fmt.Fprintf(&b, "+%02X", s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
