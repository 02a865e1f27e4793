// Package voice carries messages as telephone calls: it rings a number over the carrier's own switch (SIP), says what is
// to be said, takes a key, and hears apart who or what has answered.
//
// A call is one loop that sends a frame of sound every 20 ms and looks what it has heard meanwhile. The signalling is
// sipgo's; what is said comes from the package speech. Nobody but the number that a message is addressed to is rung: a
// redirection is not followed, and where the switch says that it forwards the call, no code is spoken.
//
// cite: P-20, P-25, 47 CFR 64.2010(b), 47 CFR 64.2010(f)(2), 47 CFR 64.2003(q)
package voice

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/notify/voice/speech"
)

// Channel makes calls while Run runs.
type Channel struct {
	config   Config
	password string
	clock    cpni.Clock
	report   func(error)
	speech   *speech.Speech
	room     chan struct{} // one for each call that goes on
	line     atomic.Pointer[line]
	beginMu  sync.Mutex     // held while a call begins and while Run ends
	calls    sync.WaitGroup // those that go on
	port     atomic.Int32   // where the search for free ports begins
	tick     func() (<-chan time.Time, func())
}

var _ notify.Channel = (*Channel)(nil)

// ErrNotRunning is what Send and Check answer before Run has begun and after it has ended.
var ErrNotRunning = errors.New("voice calls are not running: the program is starting or stopping")

// New checks the configuration and reads the recordings. report gets what goes wrong beside the calls, such as a
// registration that the switch refuses; it says nothing personal.
func New(c Config, clock cpni.Clock, report func(error)) (*Channel, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	password, err := c.password()
	if err != nil {
		return nil, err
	}
	if c.Transport == "tls" {
		if _, err := c.tls(); err != nil {
			return nil, err
		}
	}
	s, err := speech.New(c.Speech)
	if err != nil {
		return nil, err
	}
	return &Channel{config: c, password: password, clock: clock, report: report, speech: s, room: make(chan struct{}, c.AtOnce),
		tick: func() (<-chan time.Time, func()) { t := time.NewTicker(frameTime); return t.C, t.Stop }}, nil
}

// Run listens for the switch and keeps the registration until ctx ends; then it hangs up and waits for every call.
func (c *Channel) Run(ctx context.Context) error {
	l, err := openLine(ctx, c.config, c.password)
	if err != nil {
		return err
	}
	defer l.close()
	calling, hangUp := context.WithCancel(ctx)
	l.calling = calling
	if !c.line.CompareAndSwap(nil, l) {
		hangUp()
		return errors.New("voice calls are running already")
	}
	defer func() {
		c.beginMu.Lock()
		c.line.Store(nil)
		c.beginMu.Unlock()
		hangUp()
		c.calls.Wait()
	}()
	return l.run(ctx, c.report)
}

// Batch is how many calls go on at once.
func (c *Channel) Batch() int { return c.config.AtOnce }

// Check asks the switch whether it is there (OPTIONS), whether the registration holds, and tries the voice. Nothing
// rings.
func (c *Channel) Check(ctx context.Context) error {
	l := c.line.Load()
	if l == nil {
		return ErrNotRunning
	}
	if err := l.ask(ctx); err != nil {
		return err
	}
	if err := l.registration(); err != nil {
		return err
	}
	return c.speech.Check(ctx, "en", "es")
}

// betweenCalls is how far apart calls begin: a switch drops what comes all at once.
const betweenCalls = 20 * time.Millisecond

// Send makes the calls, as many at once as there is room, and says what became of each. A call that the end of ctx cuts
// off is told nothing of, and is made again.
func (c *Channel) Send(ctx context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	l := c.line.Load()
	if l == nil {
		c.report(ErrNotRunning)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.calling, cancel)()
	var mine sync.WaitGroup
	defer mine.Wait()
	next := time.NewTicker(betweenCalls)
	defer next.Stop()
	for i, piece := range pieces {
		select {
		case c.room <- struct{}{}:
		case <-ctx.Done():
			return
		}
		if i > 0 {
			select {
			case <-next.C:
			case <-ctx.Done():
				<-c.room
				return
			}
		}
		mine.Go(func() {
			defer func() { <-c.room }()
			if !c.begin(l) {
				return
			}
			defer c.calls.Done()
			outcome, err := c.call(ctx, l, piece)
			if err == nil {
				told(piece, outcome)
			}
		})
	}
}

// begin counts a call in, unless Run has ended.
func (c *Channel) begin(l *line) bool {
	c.beginMu.Lock()
	defer c.beginMu.Unlock()
	if c.line.Load() != l {
		return false
	}
	c.calls.Add(1)
	return true
}

// call makes one call. An error: ctx has ended.
func (c *Channel) call(ctx context.Context, l *line, piece notify.Piece) (notify.Outcome, error) {
	failed := func(code string) (notify.Outcome, error) {
		return notify.Outcome{State: notify.Failed, Code: code}, nil
	}
	again := func(code string) (notify.Outcome, error) {
		return notify.Outcome{State: notify.Queued, Code: code}, ctx.Err()
	}
	number, err := c.config.Dial.number(piece.To)
	if err != nil {
		return failed(codeNumber)
	}
	parts, err := script(ctx, c.speech, piece)
	switch {
	case errors.Is(err, speech.ErrNotSpoken) || errors.Is(err, errSaysNothing):
		return failed(codeNoRecord)
	case err != nil:
		return again(codeSpeech)
	case lasts(parts) > c.config.Longest:
		return failed(codeTooLong)
	}
	e := newEar()
	s, err := openSound(l, int(c.port.Add(1)), e)
	if err != nil {
		c.report(fmt.Errorf("a call could not be made: %w", err))
		return again(codeNoSound)
	}
	defer s.close()
	d, refused, err := l.ring(ctx, number, piece, s)
	switch {
	case refused != nil:
		return c.refusal(refused), nil
	case ctx.Err() != nil:
		return notify.Outcome{}, ctx.Err()
	case errors.Is(err, errRangOut):
		return notify.Outcome{State: notify.Queued, Code: "487", After: c.config.Again, Call: &notify.Call{Ended: notify.NoAnswer}}, nil
	case errors.Is(err, errSound):
		c.report(err)
		return again(codeNoSound)
	case err != nil:
		return again(codeNoSwitch)
	}
	defer l.forget(d)
	return c.talk(ctx, l, d, s, parts)
}

// talk says a script in a call that was answered.
func (c *Channel) talk(ctx context.Context, l *line, d *dialog, s *sound, parts []part) (notify.Outcome, error) {
	tick, stop := c.tick()
	defer stop()
	t := &talk{sound: s, ear: s.ear, gone: d.session.Context().Done(), tick: tick, longest: frames(c.config.Longest), clock: c.clock,
		alive: func(ctx context.Context) error { return l.alive(ctx, d) }}
	s.ear.open()
	how, err := t.through(ctx, parts, d.forwarded.Load())
	bye := l.hangUp(d, err == nil || !errors.Is(err, errHungUp))
	t.close()
	if ctx.Err() != nil {
		return notify.Outcome{}, ctx.Err()
	}
	call := &notify.Call{Ended: how.ended, Pressed: how.pressed, Lasted: time.Duration(t.frames) * frameTime}
	o := notify.Outcome{State: notify.Queued, Call: call, After: c.config.Again}
	switch {
	case errors.Is(err, errLost), err == nil && bye != nil && t.frames-t.lastAt > quietLine/2:
		// Whatever we said towards the end, nobody can have heard it.
		o.Code = codeLost
	case how.all:
		o.State, o.Code, o.After = notify.Delivered, codeSpoken, 0
	case how.kept == codeForwarded:
		o.State, o.Code, o.After = notify.Bounced, codeForwarded, 0
		call.Ended = notify.Unreachable
	case errors.Is(err, errTooLong):
		o.Code = codeTooLong
	case errors.Is(err, errHungUp):
		o.Code = codeHungUp
	case how.kept != "":
		o.Code = how.kept
	case errors.Is(err, errMachine):
		o.Code = codeNoBeep
	default:
		o.Code = codeMachine
	}
	return o, nil
}

// course is how a call went.
type course struct {
	said
	ended string
}

// through takes a call from its answer to its end: first it listens who is there.
func (t *talk) through(ctx context.Context, parts []part, forwarded bool) (course, error) {
	for t.ear.is() == unknown {
		if err := t.step(ctx, nil); err != nil {
			return course{ended: notify.Answered}, err
		}
		if len(t.keys) > 0 {
			t.certain = true
			break
		}
	}
	if !t.isMachine() {
		s, err := t.hold(ctx, parts, forwarded)
		if !errors.Is(err, errMachine) {
			return course{said: s, ended: notify.Answered}, err
		}
	}
	leave := forMachine(parts)
	if len(leave) == 0 {
		return course{ended: notify.Machine}, nil
	}
	all, err := t.leave(ctx, leave)
	if err == nil {
		err = t.pause(ctx, betweenParts)
	}
	if all && errors.Is(err, errHungUp) {
		err = nil
	}
	return course{said: said{all: all}, ended: notify.Machine}, err
}
