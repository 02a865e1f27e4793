package voice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pion/rtp"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Tried is how a call to a line of the carrier's own went.
type Tried struct {
	Rang    time.Duration // until it was answered
	Heard   time.Duration // of sound that came
	Keys    int           // that were pressed
	Hung    bool          // the other side has hung up before us
	Goodbye bool          // the switch took our hanging up, or hung up itself
}

// Steps of such a call that may fail. What an error says names no number.
var (
	ErrNoLine    = errors.New("the switch cannot be reached")
	ErrNoAnswer  = errors.New("nobody answers")
	ErrTurnedOff = errors.New("the switch does not connect the call")
	ErrNoVoice   = errors.New("the line was answered, and nothing was to be heard")
	ErrCutOff    = errors.New("the line hung up before the last key was pressed")
	ErrNoEnd     = errors.New("the call could not be ended")
)

// How a call to a line is made. A menu begins to speak within a few seconds, and goes on for some after a key.
var (
	menuSpeaks = 8 * time.Second
	menuHears  = 3 * time.Second
	leastHeard = 200 * time.Millisecond
)

// Try calls a number of the carrier's own over the switch of c, as a customer would: it waits until the line answers, listens until something
// is said, presses the keys, listens after each, and hangs up. A comma in keys is a pause of two seconds. It has a line to the switch of its
// own, so that it runs beside a Channel.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v)
func Try(ctx context.Context, c Config, clock cpni.Clock, number, keys string, within time.Duration) (t Tried, err error) {
	c = c.withDefaults()
	if err := c.Check(); err != nil {
		return t, err
	}
	c.Ring, c.AtOnce = within, 1
	password, err := c.password()
	if err != nil {
		return t, err
	}
	to, err := c.Dial.number(number)
	if err != nil {
		return t, err
	}
	l, err := openLine(ctx, c, password)
	if err != nil {
		return t, fmt.Errorf("%w: %w", ErrNoLine, err)
	}
	defer l.close()
	e := newEar()
	s, err := openSound(l, 0, e)
	if err != nil {
		return t, err
	}
	defer s.close()
	began := clock.Now()
	d, refused, err := l.ring(ctx, to, notify.Piece{ID: cpni.NewTimedID(began), Attempt: 1}, s)
	t.Rang = clock.Now().Sub(began)
	switch {
	case refused != nil:
		return t, fmt.Errorf("%w: it answers %d", ErrTurnedOff, refused.StatusCode)
	case errors.Is(err, errRangOut):
		return t, ErrNoAnswer
	case err != nil && ctx.Err() != nil:
		return t, ctx.Err()
	case errors.Is(err, errSound):
		return t, fmt.Errorf("%w: %w", ErrTurnedOff, err)
	case err != nil:
		return t, fmt.Errorf("%w: it does not answer", ErrNoLine)
	}
	defer l.forget(d)
	e.open()
	err = s.press(ctx, d, keys, &t)
	t.Heard = time.Duration(s.arrived.Load()) * frameTime
	bye := l.hangUp(d, !t.Hung)
	t.Goodbye = bye == nil
	switch {
	case err != nil:
		return t, err
	case bye != nil:
		return t, ErrNoEnd
	}
	return t, nil
}

// press listens to what a line says and presses keys.
func (s *sound) press(ctx context.Context, d *dialog, keys string, t *Tried) error {
	tick := time.NewTicker(frameTime)
	defer tick.Stop()
	gone := d.session.Context().Done()
	// frame lets one frame pass: of silence, or of a key.
	frame := func(send func() error) error {
		select {
		case <-tick.C:
		case <-gone:
			t.Hung = true
			return ErrCutOff
		case <-ctx.Done():
			return ctx.Err()
		}
		_ = send() // what a socket says of one packet ends no call
		return nil
	}
	quiet := func() error { return s.send(nil) }
	for waited := 0; s.arrived.Load() < int64(frames(leastHeard)); waited++ {
		if waited > frames(menuSpeaks) {
			return ErrNoVoice
		}
		if err := frame(quiet); err != nil {
			if t.Hung {
				return ErrNoVoice
			}
			return err
		}
	}
	hear := func(long time.Duration) error {
		for range frames(long) {
			if err := frame(quiet); err != nil {
				return err
			}
		}
		return nil
	}
	for _, key := range keys {
		if err := hear(keyApart); err != nil {
			return err
		}
		if key == ',' {
			if err := hear(keyPause); err != nil {
				return err
			}
			continue
		}
		if err := s.key(key, frame); err != nil {
			return err
		}
		t.Keys++
	}
	err := hear(menuHears)
	if t.Hung { // a menu that has heard all may say good-bye first
		return nil
	}
	return err
}

const (
	keyApart = 200 * time.Millisecond
	keyPause = 2 * time.Second
	keyLong  = 160 * time.Millisecond
	keyEnds  = 3 // the last packet of a key is sent so often
)

// allKeys are the keys in the order of their events.
const allKeys = "0123456789*#ABCD"

// key presses one key, as an event.
//
// cite: RFC 4733
func (s *sound) key(key rune, frame func(func() error) error) error {
	event := strings.IndexRune(allKeys, key)
	if event < 0 {
		return fmt.Errorf("%q is no key of a telephone", key)
	}
	begun, first := s.packet.Timestamp, true
	for n := 1; n <= frames(keyLong); n++ {
		end := n == frames(keyLong)
		times := 1
		if end {
			times = keyEnds
		}
		if err := frame(func() (err error) {
			for range times {
				err = errors.Join(err, s.event(byte(event), begun, uint16(n*frameSamples), end, first))
				first = false
			}
			return err
		}); err != nil {
			return err
		}
	}
	s.packet.Timestamp = begun + uint32(frames(keyLong)*frameSamples)
	return nil
}

// event sends one packet of a key.
func (s *sound) event(event byte, begun uint32, lasted uint16, end, first bool) error {
	r := s.remote.Load()
	h := rtp.Header{Version: 2, Marker: first, PayloadType: r.keys, SSRC: s.packet.SSRC, SequenceNumber: s.packet.SequenceNumber, Timestamp: begun}
	s.packet.SequenceNumber++
	flags := byte(10) // volume
	if end {
		flags |= 0x80
	}
	b, err := (&rtp.Packet{Header: h, Payload: []byte{event, flags, byte(lasted >> 8), byte(lasted)}}).Marshal()
	if err != nil {
		return err
	}
	_, err = s.in.WriteToUDPAddrPort(b, r.to)
	return err
}

// Keys reports whether a line of keys can be pressed: those of a telephone, and commas for pauses.
func Keys(keys string) bool {
	return len(keys) <= 64 && !slices.ContainsFunc([]rune(keys), func(r rune) bool { return r != ',' && !strings.ContainsRune(allKeys, r) })
}
