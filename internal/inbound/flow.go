package inbound

import (
	"strings"
	"sync"
	"time"

	"ringfence/internal/cpni"
)

const (
	// mostAnHour is how much may come in an hour about one message; what is more comes again later, or not at all.
	mostAnHour = 30
	mostKnown  = 50_000 // tokens that are counted
	mostAtOnce = 16     // messages that are being read from senders
	// mostAnswers is how many mails an hour are taken that answer no message of ours: a person reads what of them is not plain.
	mostAnswers = 2000
)

// flow keeps those who send very much from filling the memory or the database.
type flow struct {
	clock cpni.Clock
	room  chan struct{}

	mu    sync.Mutex
	hour  time.Time
	count map[string]int
	taken int // answers
}

func newFlow(clock cpni.Clock) *flow {
	return &flow{clock: clock, room: make(chan struct{}, mostAtOnce), count: map[string]int{}}
}

// enter asks for room for a message; leave gives it back.
func (f *flow) enter() bool {
	select {
	case f.room <- struct{}{}:
		return true
	default:
		return false
	}
}

func (f *flow) leave() { <-f.room }

// may tells whether more may come in now about the message with a token.
func (f *flow) may(token string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if hour := f.clock.Now().Truncate(time.Hour); !hour.Equal(f.hour) {
		f.hour, f.taken = hour, 0
		clear(f.count)
	}
	return f.count[strings.ToLower(token)] < mostAnHour
}

// mayAnswer tells whether more answers may come in now, once may was asked about their sender.
func (f *flow) mayAnswer() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.taken < mostAnswers
}

// answered counts an answer that has come in.
func (f *flow) answered() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.taken++
}

// came counts what has come in about a message. Only tokens that a message bears are counted, so nobody fills the list by
// inventing some.
func (f *flow) came(token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	token = strings.ToLower(token)
	if _, known := f.count[token]; known || len(f.count) < mostKnown {
		f.count[token]++
	}
}
