package voice

import (
	"context"
	"errors"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify/voice/speech"
)

// talk is what happens between the answer and the end of a call: one loop that sends a frame every 20 ms and looks what
// it hears.
type talk struct {
	sound   *sound
	ear     *ear
	gone    <-chan struct{}                 // closed when the other side hangs up
	alive   func(ctx context.Context) error // asks whether the other side still has the call
	tick    <-chan time.Time
	longest int // frames
	clock   cpni.Clock

	// What the ticker says: frames are due by it, and a tick that comes late is made up for.
	started time.Time // when frame 0 was due
	now     time.Time
	frames  int   // since the answer
	lastIn  int64 // packets that had come by lastAt
	lastAt  int
	asking  chan error // what alive says; nil: nobody asks

	keys    []rune
	certain bool // a key was pressed: no machine does that
}

var (
	errHungUp  = errors.New("the other side has hung up")
	errLost    = errors.New("nothing comes from the other side any more")
	errTooLong = errors.New("the call lasts longer than voice.longest-call")
	errMachine = errors.New("a machine has the call")
)

// Frames of patience.
var (
	quietLine  = frames(8 * time.Second) // without a packet, until we ask
	keyWait    = frames(7 * time.Second)
	greetingOf = frames(75 * time.Second)       // a machine speaks no longer
	late       = frames(400 * time.Millisecond) // packets that are not here by then will not come
	stalled    = 25                             // frames that are not made up for: the program itself has stood still
)

// keyAsked is how often a key is asked for.
const keyAsked = 3

// step waits for the time of the next frame and sends it; nil is silence.
func (t *talk) step(ctx context.Context, frame speech.Audio) error {
	for t.started.IsZero() || t.due() < t.frames {
		select {
		case now := <-t.tick:
			if t.started.IsZero() {
				t.started = now
			}
			t.now = now
		case <-t.gone:
			return errHungUp
		case err := <-t.asking:
			t.asking = nil
			if err != nil {
				return errLost
			}
			t.lastAt = t.frames
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if behind := t.due() - t.frames; behind > stalled {
		t.started = t.started.Add(time.Duration(behind) * frameTime)
	}
	if t.frames++; t.frames > t.longest {
		return errTooLong
	}
	if frame != nil {
		t.ear.spoke(levelOf(frame.PCM()))
	}
	// What a socket says of one packet is no reason to end a call; whether the other side is there is asked below.
	_ = t.sound.send(frame)
	_ = t.sound.report(t.clock)
	t.listen(ctx)
	return nil
}

// due is the number of the frame that is due by now. A tick may come a little early or late; it is rounded, or now and then
// no frame would leave with a tick and two with the next.
func (t *talk) due() int { return int((t.now.Sub(t.started) + frameTime/2) / frameTime) }

// listen takes what has come, and asks when nothing comes.
func (t *talk) listen(ctx context.Context) {
	if in := t.sound.arrived.Load(); in != t.lastIn {
		t.lastIn, t.lastAt = in, t.frames
	}
	// A switch may send nothing while nobody speaks. What is only late, because a machine on the way is busy, must not be
	// taken for a pause.
	switch missing := t.frames - t.lastAt; {
	case missing == late:
		t.ear.silence(late)
	case missing > late:
		t.ear.silence(1)
	}
	t.keys = append(t.keys, t.ear.pressed()...)
	if t.asking == nil && t.frames-t.lastAt > quietLine {
		asking := make(chan error, 1)
		t.asking = asking
		go func() { asking <- t.alive(ctx) }()
	}
}

// close waits for a question that is still open.
func (t *talk) close() {
	if t.asking != nil {
		<-t.asking
	}
}

// took says whether a key was pressed since it was asked last.
func (t *talk) took(key rune) bool {
	at := slices.Index(t.keys, key)
	t.keys = t.keys[:0]
	if at < 0 {
		return false
	}
	t.certain = true
	return true
}

// isMachine says whether a machine has taken the call, unless a key was pressed.
func (t *talk) isMachine() bool { return !t.certain && t.ear.is() == machine }

// pause sends silence.
func (t *talk) pause(ctx context.Context, d time.Duration) error {
	for range frames(d) {
		if err := t.step(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// say speaks, and gives how much of it was spoken. It stops when stop says so after a frame.
func (t *talk) say(ctx context.Context, a speech.Audio, stop func() bool) (int, error) {
	for at := 0; at < len(a); at += frameSamples {
		if err := t.step(ctx, a[at:min(at+frameSamples, len(a))]); err != nil {
			return at, err
		}
		if stop() {
			return at + frameSamples, nil
		}
	}
	return len(a), nil
}

// said is what became of a script.
type said struct {
	all     bool // everything that was meant for the one who answered was said once
	pressed string
	kept    string // why a secret part was not said; "": none was left out
}

// hold says a script to a person. errMachine: it has turned out to be a machine.
//
// What only the customer may hear is said only to one who pressed the key that was asked for, or, where none was, to one
// who sounds like a person.
//
// cite: P-20, P-25, 47 CFR 64.2010(b), 47 CFR 64.2010(f)(2)
func (t *talk) hold(ctx context.Context, parts []part, forwarded bool) (said, error) {
	var s said
	missed := false // a key that was asked for was not pressed
	for i, p := range parts {
		last := i == len(parts)-1
		if p.secret {
			switch {
			case forwarded:
				s.kept = codeForwarded
			case missed:
				s.kept = codeNoKey
			case !t.certain && t.ear.is() != person && p.key == 0: // the key asks who it is
				s.kept = codeNobody
			}
			if s.kept != "" {
				continue
			}
		}
		pressed, done, err := t.part(ctx, p)
		s.all = last && done && s.kept == ""
		if err != nil {
			return s, err
		}
		if p.key != 0 {
			if missed = missed || !pressed; pressed {
				s.pressed = string(p.key)
			}
		}
		if err := t.pause(ctx, betweenParts); err != nil {
			return s, err
		}
	}
	return s, nil
}

// part says one part, and asks for its key; done: it was said once.
func (t *talk) part(ctx context.Context, p part) (pressed, done bool, err error) {
	t.keys = t.keys[:0]
	stop := func() bool { return t.isMachine() || p.key != 0 && slices.Contains(t.keys, p.key) }
	for range keyAsked {
		n, err := t.say(ctx, p.words, stop)
		done = done || n >= p.once
		switch {
		case err != nil:
			return false, done, err
		case t.isMachine():
			return false, done, errMachine
		case p.key == 0:
			return false, true, nil
		}
		if !slices.Contains(t.keys, p.key) {
			if _, err := t.say(ctx, p.ask, stop); err != nil {
				return false, done, err
			}
		}
		for wait := 0; wait < keyWait && !stop(); wait++ {
			if err := t.step(ctx, nil); err != nil {
				return false, done, err
			}
		}
		if t.took(p.key) {
			return true, true, nil
		}
		if t.isMachine() {
			return false, done, errMachine
		}
	}
	return false, true, nil
}

// leave says to a machine what a machine may hear, once it records. A beep that comes later than ours is waited for: what
// was said before it is not on the record, and is said again.
//
// cite: P-25, 47 CFR 64.2010(f)(2)
func (t *talk) leave(ctx context.Context, parts []part) (all bool, err error) {
	for {
		ready, beep := t.ear.records()
		for waited := 0; !ready; waited++ {
			if waited > greetingOf {
				return false, errMachine
			}
			if err := t.step(ctx, nil); err != nil {
				return false, err
			}
			ready, beep = t.ear.records()
		}
		later := func() bool {
			if beep {
				return false
			}
			_, now := t.ear.records()
			return now
		}
		all = false
		for i, p := range parts {
			n, err := t.say(ctx, p.words, later)
			all = i == len(parts)-1 && n >= p.once
			if err != nil {
				return all, err
			}
			if later() {
				break
			}
			if err := t.pause(ctx, betweenParts); err != nil {
				return all, err
			}
		}
		if !later() {
			return all, nil
		}
	}
}

// forMachine are the parts that a machine may hear.
func forMachine(parts []part) []part {
	return slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return p.secret || len(p.words) == 0 })
}
