package scenario

import (
	"sync"
	"time"
)

// clock is the story's clock: only the file moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now gives the moment at which the story stands, in UTC.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to.UTC()
}
