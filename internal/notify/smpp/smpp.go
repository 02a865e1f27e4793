// Package smpp carries texts to the carrier's own message centre by SMPP 3.4, and takes from it what became of them and
// what customers text back. It is a channel of internal/notify.
//
// What the octets of the protocol mean is read and written by gosmpp's packages pdu and data. The session is ours: a
// message in must be answered only after it is on record, one out whose answer never came must be known as such, and all
// of it must end with its context.
//
// cite: P-20, P-23, P-25, 47 CFR 64.2010(f)(2)
package smpp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// How long we wait. None of these is law or policy.
const (
	forBind    = 10 * time.Second // a batch, for a session with the centre
	forBatch   = 2 * time.Minute  // for a batch in all, since the outbox takes what it hears nothing of for lost after a while
	toConnect  = 10 * time.Second // for the connection and the answer to a bind
	toUnbind   = 2 * time.Second  // for the answers to what is out, and to our good-bye, when we end
	firstRetry = time.Second      // before a lost session is tried again; twice as long each time…
	lastRetry  = time.Minute      // …up to this
	toHandle   = 20 * time.Second // for what came in to be on record
)

// Channel is a notify.Channel to one message centre.
type Channel struct {
	cfg      Config
	password string
	inbox    notify.Inbox
	mobile   notify.Mobile
	parts    Parts
	clock    cpni.Clock
	report   func(error)
	stops    notify.Stops
	rate     *rate.Limiter
	window   chan struct{} // a place for each message that may wait for its answer

	mu      sync.Mutex
	running bool
	bound   map[role]*session
	why     map[role]error // no session: why not
	change  chan struct{}  // closed when bound changes
}

// New makes the channel; Run keeps its sessions. What the centre tells later goes to inbox, what customers text to mobile,
// and what a person should know to report, which must be safe to call from several goroutines; nothing in it is personal.
func New(cfg Config, inbox notify.Inbox, mobile notify.Mobile, clock cpni.Clock, report func(error)) (*Channel, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if inbox == nil || mobile == nil || clock == nil || report == nil {
		return nil, errors.New("smpp: an inbox, somebody who takes texts, a clock and a report are needed")
	}
	password, err := cfg.password()
	if err != nil {
		return nil, err
	}
	c := &Channel{cfg: cfg, password: password, inbox: inbox, mobile: mobile, parts: NewMemory(), clock: clock, report: report,
		stops: notify.NewStops(cfg.StopWords), rate: rate.NewLimiter(rate.Limit(cfg.PerSecond), max(1, cfg.PerSecond/20)),
		window: make(chan struct{}, cfg.Window), bound: map[role]*session{}, why: map[role]error{}, change: make(chan struct{})}
	for _, r := range cfg.roles() {
		c.why[r] = errors.New("no session was tried yet")
	}
	return c, nil
}

// KeepParts has the parts of long texts kept by p instead of in this process's memory; call it before Run.
func (c *Channel) KeepParts(p Parts) { c.parts = p }

// Batch is how many pieces Send takes at most at once.
func (c *Channel) Batch() int { return min(c.cfg.PerSecond*5, 500) }

// Run keeps the sessions with the centre until ctx ends, and returns when all that it started has ended.
func (c *Channel) Run(ctx context.Context) error {
	c.mu.Lock()
	if c.running {
		c.mu.Unlock()
		return errors.New("smpp: the channel runs already")
	}
	c.running = true
	c.mu.Unlock()
	var all sync.WaitGroup
	for _, r := range c.cfg.roles() {
		all.Go(func() { c.keep(ctx, r) })
	}
	all.Wait()
	c.mu.Lock()
	c.running = false
	c.mu.Unlock()
	return nil
}

// keep binds again and again as r, and serves each session until it ends.
func (c *Channel) keep(ctx context.Context, r role) {
	wait, told := firstRetry, ""
	for ctx.Err() == nil {
		s, err := c.open(ctx, r)
		if err == nil {
			c.set(r, s, nil)
			wait, told = firstRetry, ""
			err = s.serve(ctx, c.cfg.EnquireLink, c.cfg.AnswerWithin, c.arrived)
		}
		if ctx.Err() != nil {
			c.set(r, nil, errors.New("the channel has ended"))
			return
		}
		c.set(r, nil, err)
		if err.Error() != told { // the same again is no news
			told = err.Error()
			c.report(fmt.Errorf("message centre %s: %w", c.cfg.Address, err))
		}
		if !pause(ctx, wait) {
			return
		}
		wait = min(2*wait, lastRetry)
	}
}

// set notes the session of r, or why there is none.
func (c *Channel) set(r role, s *session, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s == nil {
		delete(c.bound, r)
	} else {
		c.bound[r] = s
	}
	c.why[r] = why
	close(c.change)
	c.change = make(chan struct{})
}

// out is the session by which messages go out, and what tells of a change; nil: there is none now.
func (c *Channel) out() (*session, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for r, s := range c.bound {
		if r.sends() && s.alive() {
			return s, c.change
		}
	}
	return nil, c.change
}

// await is out, but waits a while for a session.
func (c *Channel) await(ctx context.Context) *session {
	ctx, cancel := context.WithTimeout(ctx, forBind)
	defer cancel()
	for {
		s, change := c.out()
		if s != nil {
			return s
		}
		select {
		case <-change:
		case <-ctx.Done():
			return nil
		}
	}
}

// Check says what keeps the channel from carrying messages now: a session that is missing, or one that does not answer.
func (c *Channel) Check(ctx context.Context) error {
	c.mu.Lock()
	running, bound, why := c.running, map[role]*session{}, map[role]error{}
	for r, s := range c.bound {
		bound[r] = s
	}
	for r, err := range c.why {
		why[r] = err
	}
	c.mu.Unlock()
	if !running {
		return errors.New("the channel to the message centre is not running")
	}
	var wrong []error
	for _, r := range c.cfg.roles() {
		s := bound[r]
		if s == nil {
			wrong = append(wrong, fmt.Errorf("not bound as %s to %s: %w", r, c.cfg.Address, why[r]))
			continue
		}
		if err := s.enquire(ctx, c.cfg.AnswerWithin); err != nil {
			wrong = append(wrong, fmt.Errorf("bound as %s to %s, which does not answer: %w", r, c.cfg.Address, err))
		}
	}
	return errors.Join(wrong...)
}

// Plain reports whether the way to the centre is not enciphered by us, which is for a health page to show.
func (c *Channel) Plain() bool { return c.cfg.plain() }

// Send hands texts to the centre, as many at once as the window and the throughput allow, and returns when the fate of
// each is known, ctx has ended, or it has taken too long.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)(2)
func (c *Channel) Send(ctx context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	ctx, cancel := context.WithTimeout(ctx, forBatch)
	defer cancel()
	if c.await(ctx) == nil {
		if ctx.Err() == nil {
			for _, p := range pieces {
				told(p, notify.Outcome{State: notify.Queued, Code: codeNotBound})
			}
		}
		return
	}
	var all sync.WaitGroup
	var held atomic.Pointer[notify.Outcome] // what pieces are told that were not begun when the centre took no more
	at := make(chan struct{}, c.cfg.Window)
	for _, p := range pieces {
		select {
		case at <- struct{}{}:
		case <-ctx.Done():
			all.Wait()
			return
		}
		all.Go(func() {
			defer func() { <-at }()
			if o, known := c.send(ctx, p, &held); known {
				told(p, o)
			}
		})
	}
	all.Wait()
}

// send carries one text; known is false when ctx ended before anybody could know what became of it.
func (c *Channel) send(ctx context.Context, p notify.Piece, held *atomic.Pointer[notify.Outcome]) (o notify.Outcome, known bool) {
	submits, o := c.cfg.compose(p)
	if o.State != "" {
		return o, true
	}
	reference := ""
	for i, m := range submits {
		for try := 0; ; try++ {
			if o := held.Load(); o != nil && i == 0 {
				return *o, true
			}
			a, err := c.submit(ctx, m)
			if ctx.Err() != nil && err != nil {
				return o, false
			}
			if err != nil {
				o = notify.Outcome{State: notify.Queued, Code: codeOf(err)}
				if errors.Is(err, errNotBound) {
					held.Store(&o)
				} else if errors.Is(err, errNoAnswer) {
					held.Store(&notify.Outcome{State: notify.Queued, Code: codeFull})
				}
				return o, true
			}
			if o = c.cfg.outcome(a.status); o.State == notify.Sent {
				id := c.cfg.Receipts.reference(a.id)
				if i == 0 {
					reference = nameOf(id, len(submits))
				}
				if len(submits) > 1 && id != "" && c.cfg.Receipts.Ask != "none" {
					// A receipt may be quicker than the next part.
					if err := c.parts.Sent(context.WithoutCancel(ctx), reference, len(submits), id); err != nil {
						c.report(fmt.Errorf("keeping the parts of a text, so that what becomes of it will not be known: %w", err))
					}
				}
				break
			}
			if o.After > 0 {
				held.Store(&notify.Outcome{State: notify.Queued, Code: codeFull, After: o.After})
			}
			// A text of which some parts are with the centre is better finished than begun again.
			if o.State != notify.Queued || i == 0 || try == 3 {
				return o, true
			}
			if !pause(ctx, o.After) {
				return o, false
			}
		}
	}
	o = notify.Outcome{State: notify.Sent, Reference: reference, Code: okStatus}
	if c.cfg.Receipts.Ask == "none" {
		o.Reference = "" // nothing more will be told
	}
	return o, true
}

// submit hands one message over, when the window and the throughput allow it, and waits for the answer.
func (c *Channel) submit(ctx context.Context, m submit) (answer, error) {
	select {
	case c.window <- struct{}{}:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	defer func() { <-c.window }()
	if err := c.rate.Wait(ctx); err != nil {
		return answer{}, errHeld // the turn would come after ctx's end
	}
	s := c.await(ctx)
	if s == nil {
		return answer{}, errNotBound
	}
	return s.ask(ctx, m.pdu(), c.cfg.AnswerWithin)
}

// pause waits, and reports whether it waited to the end.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
