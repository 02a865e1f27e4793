package voice

import (
	"math"
	"sync"
	"time"

	"ringfence/internal/notify/voice/speech"
)

// How long and how loud. A telephone carries 50 frames of 20 ms a second; levels are in decibels below the loudest sine
// that fits.
const (
	frameTime    = 20 * time.Millisecond
	frameSamples = 160

	voiceLevel = -42.0 // what is quieter is no voice
	overNoise  = 9.0   // a voice is so much louder than the line
	underOurs  = 12.0  // while we speak, what comes back quieter by this may be our echo
	beepLevel  = -36.0
	beepFrom   = 380.0 // hertz
	beepTo     = 2600.0
	beepSteady = 25.0 // hertz by which a beep may waver
	beepPure   = 0.85 // of its energy lies at its frequency
)

var (
	// A person says a word or a sentence and waits for an answer; a machine goes on speaking.
	shortWord     = frames(60 * time.Millisecond)
	personAtMost  = frames(2100 * time.Millisecond)
	personWaits   = frames(800 * time.Millisecond)
	nobodySpeaks  = frames(3500 * time.Millisecond)
	machineTalks  = frames(3500 * time.Millisecond) // while we speak: nobody interrupts for so long
	beepAtLeast   = frames(140 * time.Millisecond)
	machineSilent = frames(3 * time.Second) // a machine without a beep, or with one that was not heard, records by then
)

func frames(d time.Duration) int { return int(d / frameTime) }

// who is at the other end, as far as listening tells.
type who int

const (
	unknown who = iota
	person
	machine
	nobody // the line is silent
)

// ear listens to a call: whether somebody speaks and for how long, whether there is a beep, which keys are pressed.
//
// The rule: whoever speaks for at most 2.1 s and then waits for 0.8 s is a person; whoever speaks longer, or beeps, is a
// machine; when nothing is heard for 3.5 s nobody can tell. A person can become a machine later, by a beep or by
// speaking on for 3.5 s while we speak; a machine never becomes a person. It errs to the side of the machine, to which
// less is said: whoever answers in long sentences is taken for one.
//
// cite: P-20, P-25, 47 CFR 64.2010(f)(2)
type ear struct {
	mu      sync.Mutex
	opened  bool
	noise   float64 // the line's level when nobody speaks
	ours    float64 // the level of what we have just sent, which comes back as an echo
	verdict who

	heard  int // frames since the call was answered
	began  int // when the utterance that goes on began; 0: none goes on
	ended  int // when its last voice was heard
	voiced int // frames with a voice in it

	tone     float64 // hertz of the beep that goes on
	toneLong int
	beeped   int // when the last beep ended; 0: none was heard

	keys []rune
}

func newEar() *ear { return &ear{noise: -60, ours: -100} }

// open begins to listen: the call is answered.
func (e *ear) open() {
	e.mu.Lock()
	e.opened = true
	e.mu.Unlock()
}

// hear takes a frame.
func (e *ear) hear(samples []int16) {
	level := levelOf(samples)
	hertz, pure := toneOf(samples)
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.opened {
		return
	}
	e.heard++
	// The floor falls at once to what is heard and rises slowly, so that a voice does not lift it.
	if level < e.noise {
		e.noise = max(level, -75)
	} else {
		e.noise = min(e.noise+0.02, -45)
	}
	if pure && level > beepLevel && hertz > beepFrom && hertz < beepTo {
		if e.toneLong > 0 && math.Abs(hertz-e.tone) < beepSteady {
			e.toneLong++
		} else {
			e.tone, e.toneLong = hertz, 1
		}
		if e.toneLong >= beepAtLeast {
			// The message is left after the end of the beep, which every further frame of it puts off.
			e.verdict, e.beeped = machine, e.heard
			e.began = 0
		}
		return
	}
	e.toneLong = 0
	e.ours -= 0.3 // an echo dies away
	loud := level > voiceLevel && level > e.noise+overNoise && level > e.ours-underOurs
	if loud {
		if e.began == 0 {
			e.began, e.voiced = e.heard, 0
		}
		e.ended = e.heard
		e.voiced++
	}
	e.judge()
}

// judge says who it is after each frame.
func (e *ear) judge() {
	long, pause := 0, 0
	if e.began > 0 {
		long, pause = e.ended-e.began+1, e.heard-e.ended
	}
	switch e.verdict {
	case unknown:
		switch {
		case long > personAtMost && e.voiced > personAtMost/3:
			e.verdict = machine
		case e.began > 0 && e.voiced >= shortWord && pause >= personWaits:
			e.verdict = person
		case e.began > 0 && pause >= personWaits:
			e.began = 0 // a crackle
		case e.began == 0 && e.heard >= nobodySpeaks:
			e.verdict = nobody
		}
	case person, nobody:
		switch {
		case long > machineTalks && e.voiced > machineTalks/3:
			e.verdict = machine
		case e.began > 0 && pause >= personWaits:
			if e.verdict == nobody && e.voiced >= shortWord {
				e.verdict = person
			}
			e.began = 0
		}
	}
}

// spoke tells how loud the frame is that we send now.
func (e *ear) spoke(level float64) {
	e.mu.Lock()
	e.ours = max(level, e.ours)
	e.mu.Unlock()
}

// press takes a key.
func (e *ear) press(key rune) {
	e.mu.Lock()
	if e.opened && len(e.keys) < 64 {
		e.keys = append(e.keys, key)
	}
	e.mu.Unlock()
}

// pressed gives the keys that came since it was asked last.
func (e *ear) pressed() []rune {
	e.mu.Lock()
	defer e.mu.Unlock()
	keys := e.keys
	e.keys = nil
	return keys
}

// is who is at the other end by now.
func (e *ear) is() who {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.verdict
}

// records says whether a machine that has the call records by now: its beep is over, or it has long been silent.
func (e *ear) records() (ready, beep bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.beeped > 0 {
		return e.heard-e.beeped >= frames(200*time.Millisecond), true
	}
	return e.began > 0 && e.heard-e.ended >= machineSilent, false
}

// silence takes n frames in which nothing came.
func (e *ear) silence(n int) {
	for range n {
		e.hear(make([]int16, frameSamples))
	}
}

// levelOf is the level of a frame in decibels below the loudest sine.
func levelOf(samples []int16) float64 {
	var sum float64
	for _, s := range samples {
		sum += float64(s) * float64(s)
	}
	if sum == 0 {
		return -100
	}
	return 10 * math.Log10(sum/float64(len(samples))/(32767.0*32767.0/2))
}

// toneOf says whether a frame is one pure tone, and its frequency in hertz. A sine follows x[n]+x[n-2] = c·x[n-1] with c
// twice the cosine of its angle; c is fitted to the frame. The frame is a tone when nearly all of its energy lies at the
// frequency so found; of a voice, with its many harmonics, it does not.
func toneOf(samples []int16) (hertz float64, pure bool) {
	var cross, square float64
	for n := 2; n < len(samples); n++ {
		y, x := float64(samples[n])+float64(samples[n-2]), float64(samples[n-1])
		cross, square = cross+y*x, square+x*x
	}
	if square == 0 {
		return 0, false
	}
	c := cross / square
	if c <= -2 || c >= 2 {
		return 0, false
	}
	angle := math.Acos(c / 2)
	var in, out, energy float64
	for n, s := range samples {
		sin, cos := math.Sincos(angle * float64(n))
		x := float64(s)
		in, out, energy = in+x*cos, out+x*sin, energy+x*x
	}
	return angle * speech.Rate / (2 * math.Pi), 2*(in*in+out*out)/float64(len(samples)) > beepPure*energy
}
