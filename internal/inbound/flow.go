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
)

// flow keeps those who send very much from filling the memory or the database.
type flow struct {
	clock cpni.Clock
	room  chan struct{}

	mu    sync.Mutex
	hour  time.Time
	count map[string]int
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

// more counts what comes in about the message with a token, and tells whether it may.
func (f *flow) more(token string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if hour := f.clock.Now().Truncate(time.Hour); !hour.Equal(f.hour) {
		f.hour = hour
		clear(f.count)
	}
	token = strings.ToLower(token)
	if _, known := f.count[token]; !known && len(f.count) >= mostKnown {
		return false
	}
	f.count[token]++
	return f.count[token] <= mostAnHour
}
