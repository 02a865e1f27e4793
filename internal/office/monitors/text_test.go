package monitors_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/filing"
	"ringfence/internal/filing/monitor"
	"ringfence/internal/notify/smpp"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// centre is a message centre in a process of its own, that of the tests of internal/notify/smpp. What the monitor's telephone texts it
// delivers to whoever is bound for texts that come in, as the carrier's does.
type centre struct {
	run  *exec.Cmd
	in   io.WriteCloser
	port int
	seen sync.WaitGroup

	mu     sync.Mutex
	mute   bool // it takes texts and delivers none
	bound  chan struct{}
	passed chan string // texts that it was given
}

func startCentre(t testing.TB) *centre {
	t.Helper()
	c := &centre{run: exec.Command("perl", filepath.Join("..", "..", "notify", "smpp", "testdata", "centre.pl")), bound: make(chan struct{}, 100), passed: make(chan string, 100)}
	c.run.Stderr = os.Stderr
	in, err := c.run.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.in = in
	if err := c.run.Start(); err != nil {
		t.Fatalf("a message centre made of Perl's Net::SMPP is needed for this test: %v", err)
	}
	t.Cleanup(c.kill)
	listening := make(chan int, 1)
	c.seen.Go(func() {
		defer close(listening)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e struct {
				Event, Role, From, To, Octets string
				Port                          int
			}
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Errorf("the centre says %q", lines.Text())
				return
			}
			switch e.Event {
			case "listening":
				listening <- e.Port
			case "bind":
				if e.Role != "transmitter" {
					c.bound <- struct{}{}
				}
			case "submit":
				c.passed <- e.Octets
				c.mu.Lock()
				if !c.mute {
					fmt.Fprintf(c.in, "{\"do\":\"deliver\",\"from\":%q,\"to\":%q,\"octets\":%q}\n", e.From, e.To, e.Octets)
				}
				c.mu.Unlock()
			}
		}
	})
	c.port = <-listening
	return c
}

func (c *centre) kill() {
	if c.run.ProcessState == nil {
		_ = c.run.Process.Kill()
		c.seen.Wait()
		_ = c.run.Wait()
	}
}

func (w world) smpp(c *centre, id, source string) smpp.Config {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return smpp.Config{Address: fmt.Sprintf("127.0.0.1:%d", c.port), SystemID: id, PasswordFile: file, Source: source, PerSecond: 1000}
}

// until has the monitors work until a try has ended.
func (w world) until(way monitor.Way, tries int) monitor.Standing {
	w.t.Helper()
	for range 6000 {
		w.work(0)
		if s := w.way(way); s.Tries >= tries {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("try %d of %s has not ended", tries, way)
	return monitor.Standing{}
}

// A text goes to the short code through the message centre as from a telephone and comes in as every customer's does; a centre that is down
// opens a file.
//
// cite: P-12, P-14, V55, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func TestTextsThroughTheMessageCentre(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		n := w.Monitors.Numbers(w.Clock.Now())
		c := startCentre(t)
		channel, err := smpp.New(w.smpp(c, "ringfence", "12345"), w.Messages, w.Answers, w.Clock, func(err error) { t.Log("reported:", err) })
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() {
			if err := channel.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		t.Cleanup(func() {
			cancel()
			running.Wait()
		})
		<-c.bound
		if _, err := monitor.NewText(w.smpp(c, "monitor", "12345"), "12345"); err == nil {
			t.Error("an account is found by a short code")
		}
		p, err := monitor.NewText(w.smpp(c, "monitor", "+12025550170"), "12345")
		if err != nil {
			t.Fatal(err)
		}
		w.Monitors.Use(monitor.Text, p)
		for i := range 2 {
			if s := w.until(monitor.Text, i+1); s.State != monitor.Open {
				t.Fatalf("it is %s: %+v", s.State, s.Last)
			}
			w.Time.Add(n.Every)
		}
		if a, b := <-c.passed, <-c.passed; a == b || !strings.HasPrefix(a, "49") { // each has words of its own
			t.Errorf("it texted %s and %s", a, b)
		}
		c.mu.Lock()
		c.mute = true
		c.mu.Unlock()
		w.work(0)
		w.work(n.RecordWithin)
		if got := w.last(monitor.Text); got.Outcome != monitor.Failing || got.Step != "on record" {
			t.Errorf("a text that nobody delivers: it %s at %q", got.Outcome, got.Step)
		}
		c.kill()
		for range 2 {
			w.work(n.Every)
			if got := w.last(monitor.Text); got.Outcome != monitor.Failing || got.Step != "hand the text over" {
				t.Errorf("a centre that is down: it %s at %q", got.Outcome, got.Step)
			}
		}
		if s := w.way(monitor.Text); s.State != monitor.Down || w.alerts(filing.Failed) != 1 {
			t.Errorf("it is %s with %d alerts", s.State, w.alerts(filing.Failed))
		}
		w.nobody()
	})
}
