package voice

import (
	"context"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"ringfence/internal/notify"
	"ringfence/internal/notify/voice/speech"
)

// TestPerson rings a person, who hears the code twice.
//
// cite: P-20, 47 CFR 64.2010(b), 47 CFR 64.2003(q)
func TestPerson(t *testing.T) {
	t.Parallel()
	p := answering(t, hello(t))
	c := carrier(t, p.port, nil)
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	o := send(t, c, message(notify.Spoken{Text: sentence}, notify.Spoken{Digits: "4071925683", NotOnMachine: true}))[0]
	if o.State != notify.Delivered || o.Call == nil || o.Call.Ended != notify.Answered || o.Call.Lasted == 0 {
		t.Errorf("outcome %+v, call %+v", o, o.Call)
	}
	heard := p.heard()
	if len(heard) != 1 {
		t.Fatalf("%d recordings", len(heard))
	}
	if got := digitsIn(t, heard[0]); got != "40719256834071925683" {
		t.Errorf("the phone heard the digits %q", got)
	}
	if !says(t, heard[0], sentence) || says(t, heard[0], warning) {
		t.Error("the sentence was not heard, or another")
	}
}

// pressing presses a key on the phone every second until the test's call is over.
func pressing(p *phone, key string) (stop func()) {
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for range 60 {
			select {
			case <-over:
				return
			case <-time.After(time.Second):
				p.do("sndcode", key)
			}
		}
	}()
	return func() { close(over); <-done }
}

// TestKey opens a code by a key, and keeps it from whoever does not press it.
//
// cite: P-20, 47 CFR 64.2010(b)
func TestKey(t *testing.T) {
	t.Parallel()
	spoken := []notify.Spoken{{Text: sentence, Key: "1"}, {Digits: "4096", NotOnMachine: true}}
	for name, c := range map[string]struct {
		press string
		want  notify.State
		code  string
		heard string
	}{
		"pressed":     {"1", notify.Delivered, codeSpoken, "40964096"},
		"another key": {"2", notify.Queued, codeNoKey, ""},
		"none":        {"", notify.Queued, codeNoKey, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := answering(t, hello(t))
			if c.press != "" {
				defer pressing(p, c.press)()
			}
			o := send(t, carrier(t, p.port, nil), message(spoken...))[0]
			pressed := ""
			if c.want == notify.Delivered {
				pressed = c.press
			}
			if o.State != c.want || o.Code != c.code || o.Call.Ended != notify.Answered || o.Call.Pressed != pressed {
				t.Errorf("outcome %+v %+v", o, o.Call)
			}
			heard := p.heard()[0]
			// What asks for the key has the recording of 1 in it.
			if got := strings.ReplaceAll(digitsIn(t, heard), "1", ""); got != c.heard {
				t.Errorf("the phone heard the digits %q, not %q", got, c.heard)
			}
			if c.want != notify.Delivered && !says(t, heard, pressPlease["en"]) { // who presses at once is not asked
				t.Error("nobody asked for the key")
			}
		})
	}
}

// TestMachine leaves a notice after the beep, and never a code.
//
// cite: P-20, P-25, 47 CFR 64.2010(f)(2)
func TestMachine(t *testing.T) {
	t.Parallel()
	code := notify.Spoken{Digits: "735182", NotOnMachine: true}
	for name, c := range map[string]struct {
		plays []int16
		says  []notify.Spoken
		want  notify.State
		code  string
		left  bool
	}{
		"notice":          {greeting(t, 1000), []notify.Spoken{{Text: warning}, code}, notify.Delivered, codeSpoken, true},
		"low beep":        {greeting(t, 440), []notify.Spoken{{Text: warning}, code}, notify.Delivered, codeSpoken, true},
		"nothing to hear": {greeting(t, 1400), []notify.Spoken{{Text: warning, NotOnMachine: true}, code}, notify.Queued, codeMachine, false},
		"no beep": {words(stillness(300*time.Millisecond), voiceOf(t, "en", sentence), voiceOf(t, "en", warning), stillness(60*time.Second)),
			[]notify.Spoken{{Text: warning}, code}, notify.Delivered, codeSpoken, true},
		// We begin when it is silent, and begin again at its beep.
		"late beep": {words(stillness(300*time.Millisecond), voiceOf(t, "en", sentence), voiceOf(t, "en", warning), stillness(5700*time.Millisecond), beep(1000, 500*time.Millisecond), stillness(60*time.Second)),
			[]notify.Spoken{{Text: warning}, code}, notify.Delivered, codeSpoken, true},
		// A greeting that begins like a person: the beep comes while we speak.
		"short greeting": {words(stillness(300*time.Millisecond), voiceOf(t, "en", "9"), stillness(1500*time.Millisecond), beep(1000, 500*time.Millisecond), stillness(60*time.Second)),
			[]notify.Spoken{{Text: warning}, code}, notify.Delivered, codeSpoken, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := answering(t, c.plays)
			o := send(t, carrier(t, p.port, nil), message(c.says...))[0]
			if o.State != c.want || o.Code != c.code || o.Call.Ended != notify.Machine {
				t.Errorf("outcome %+v %+v", o, o.Call)
			}
			heard := p.heard()
			if !c.left {
				for _, h := range heard {
					if digitsIn(t, h) != "" || says(t, h, warning) {
						t.Error("the machine was told what it must not hear")
					}
				}
				return
			}
			if got := digitsIn(t, heard[0]); got != "" {
				t.Errorf("a code is on the machine: %q", got)
			}
			ends := len(c.plays) - 60*speech.Rate // when the machine has begun to record, or is silent
			if name == "notice" || name == "low beep" {
				ends = len(c.plays) - 90*speech.Rate
			}
			if name != "late beep" { // the recording begins with the first packet, a little after the greeting has; on a busy machine later
				ends -= 3 * speech.Rate / 2
			}
			if !says(t, heard[0][min(max(ends, 0), len(heard[0])):], warning) {
				t.Error("the notice was not left after the beep")
			}
		})
	}
}

// TestHungUp stops when the customer does, and says so.
func TestHungUp(t *testing.T) {
	t.Parallel()
	p := answering(t, hello(t))
	go func() {
		p.saw("Call established")
		time.Sleep(3 * time.Second)
		p.do("hangup", "")
	}()
	o := send(t, carrier(t, p.port, nil), message(notify.Spoken{Text: sentence}, notify.Spoken{Text: warning}, notify.Spoken{Text: sentence}))[0]
	if o.State != notify.Queued || o.Code != codeHungUp || o.Call.Ended != notify.Answered || o.After == 0 {
		t.Errorf("outcome %+v %+v", o, o.Call)
	}
}

// TestKilled loses the other side in the middle of a call: nobody can know what was heard, so it counts for nothing.
func TestKilled(t *testing.T) {
	t.Parallel()
	p := answering(t, hello(t))
	go func() {
		p.saw("Call established")
		time.Sleep(3 * time.Second)
		_ = p.process.Process.Kill()
	}()
	long := make([]notify.Spoken, 20)
	for i := range long {
		long[i] = notify.Spoken{Text: warning}
	}
	c := carrier(t, p.port, nil)
	said, err := script(t.Context(), c.speech, message(long...))
	if err != nil {
		t.Fatal(err)
	}
	o := send(t, c, message(long...))[0]
	if o.State != notify.Queued || o.Code != codeLost {
		t.Errorf("outcome %+v %+v", o, o.Call)
	}
	if o.Call.Lasted > lasts(said)*3/4 {
		t.Errorf("it spoke for %v to nobody", o.Call.Lasted)
	}
}

// TestTwoAtOnce keeps two calls apart.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	p := answering(t, hello(t))
	c := carrier(t, p.port, nil)
	var second notify.Outcome
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The phone names its recordings by the second in which they begin.
		time.Sleep(1500 * time.Millisecond)
		second = send(t, c, message(notify.Spoken{Digits: "13579"}))[0]
	}()
	first := send(t, c, message(notify.Spoken{Digits: "24680"}))[0]
	<-done
	heard := p.heard()
	if len(heard) != 2 || first.State != notify.Delivered || second.State != notify.Delivered {
		t.Fatalf("%d calls, outcomes %+v and %+v", len(heard), first, second)
	}
	if a, b := digitsIn(t, heard[0]), digitsIn(t, heard[1]); a != "2468024680" || b != "1357913579" {
		t.Errorf("the phone heard %q and %q", a, b)
	}
}

// TestStops ends the program's calls in the middle: the message is told nothing of, and the phone is hung up.
func TestStops(t *testing.T) {
	t.Parallel()
	p := answering(t, hello(t))
	c := carrier(t, p.port, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		p.saw("Call established")
		time.Sleep(time.Second)
		cancel()
	}()
	c.Send(ctx, []notify.Piece{message(notify.Spoken{Text: sentence}, notify.Spoken{Text: warning})}, func(_ notify.Piece, o notify.Outcome) {
		t.Errorf("told of a call that was cut off: %+v", o)
	})
	p.saw("session closed")
}

// TestMany makes twenty calls and looks whether any has left a goroutine or a socket behind.
func TestMany(t *testing.T) {
	p := answering(t, hello(t))
	first := freePorts(t, 10)
	c := carrier(t, p.port, func(c *Config) {
		c.AtOnce = 5
		c.MediaPorts = MediaPorts{First: first, Last: first + 9} // room for five and no more
	})
	sockets := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, f := range all {
			if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(to, "socket:") {
				n++
			}
		}
		return n
	}
	send(t, c, message(notify.Spoken{Digits: "1"})) // the first opens what stays open
	goroutines, open := runtime.NumGoroutine(), sockets()
	var pieces []notify.Piece
	for range 20 {
		pieces = append(pieces, message(notify.Spoken{Digits: "2"}))
	}
	for i, o := range send(t, c, pieces...) {
		if o.State != notify.Delivered {
			t.Errorf("call %d: %+v", i, o)
		}
	}
	// sipgo's transactions over UDP linger for five seconds, as RFC 3261 wants.
	left := 0
	for range 200 {
		if left = runtime.NumGoroutine(); left <= goroutines {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if left > goroutines {
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines, %d before: %s", left, goroutines, stacks[:runtime.Stack(stacks, true)])
	}
	if now := sockets(); now > open {
		t.Errorf("%d sockets are open, %d were before", now, open)
	}
}
