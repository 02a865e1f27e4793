package inbound

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// door is a listener with the server that minds it.
type door struct {
	*watched
	server *smtp.Server
}

// watched is a listener that knows the connections that came through it.
type watched struct {
	net.Listener
	mu   sync.Mutex
	open map[*through]bool
}

func watch(l net.Listener) *watched { return &watched{Listener: l, open: map[*through]bool{}} }

// Accept waits for a connection.
func (w *watched) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t := &through{c, w}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[t] = true
	return t, nil
}

// hurry ends the patience with every sender that has something left to say.
func (w *watched) hurry() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for t := range w.open {
		_ = t.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// through is a connection.
type through struct {
	net.Conn
	door *watched
}

// Close closes it.
func (t *through) Close() error {
	t.door.mu.Lock()
	delete(t.door.open, t)
	t.door.mu.Unlock()
	return t.Conn.Close()
}

// hurryEvery is how often those who wait are looked for while the doors close.
const hurryEvery = 20 * time.Millisecond

// shut closes a door. A message that is being brought may come to its end within partTime; who has nothing to bring goes
// at once.
func (r *Receiver) shut(d door) {
	part, done := context.WithTimeout(context.Background(), partTime)
	defer done()
	closed := make(chan struct{})
	var closing sync.WaitGroup
	closing.Go(func() {
		defer close(closed)
		if err := d.server.Shutdown(part); err != nil {
			d.hurry()
		}
	})
	tick := time.NewTicker(hurryEvery)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case <-closed:
			waiting = false
		case <-tick.C:
			if len(r.flow.room) == 0 || part.Err() != nil {
				d.hurry()
			}
		}
	}
	closing.Wait()
}
