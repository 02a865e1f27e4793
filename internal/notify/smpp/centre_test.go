package smpp

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// enough is how long a test waits for what surely comes.
const enough = 30 * time.Second

// centre is a message centre in a process of its own, testdata/centre.pl on Perl's Net::SMPP.
type centre struct {
	t       testing.TB
	command *exec.Cmd
	in      io.WriteCloser
	events  chan event
	done    chan event // what it has done of what it was told to do
	port    int
}

// event is what the centre tells of what came in.
type event struct {
	Event, Do, Role, ID, Type, From, To, Octets, Service string
	Port, Status, Version, Class, Coding, Registered     int
	FromTON                                              int `json:"from_ton"`
	FromNPI                                              int `json:"from_npi"`
	ToTON                                                int `json:"to_ton"`
	Replace                                              int
	TLV                                                  map[string]string
}

// bytes are the octets of the text.
func (e event) bytes() []byte {
	b, err := hex.DecodeString(e.Octets)
	if err != nil {
		panic(err)
	}
	return b
}

func startCentre(t testing.TB) *centre {
	t.Helper()
	if out, err := exec.Command("perl", "-MNet::SMPP", "-MJSON::PP", "-e", "1").CombinedOutput(); err != nil {
		t.Fatalf("a message centre made of Perl's Net::SMPP is needed for this test: install Debian's libnet-smpp-perl (`make test` does): %v: %s", err, out)
	}
	c := &centre{t: t, command: exec.Command("perl", filepath.Join("testdata", "centre.pl")), events: make(chan event, 1<<16), done: make(chan event, 1)}
	in, err := c.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.in = in
	out, err := c.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.command.Stderr = os.Stderr
	if err := c.command.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(c.events)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Errorf("the centre says %q: %v", lines.Text(), err)
				return
			}
			if e.Event == "done" {
				c.done <- e
			} else {
				c.events <- e
			}
		}
	})
	t.Cleanup(func() {
		c.kill()
		reading.Wait()
	})
	c.port = c.next("listening").Port
	return c
}

// kill ends the centre in the middle of whatever it does.
func (c *centre) kill() {
	if c.command.ProcessState == nil {
		c.command.Process.Kill()
		c.command.Wait()
	}
}

// next waits for an event of a sort, and passes over others.
func (c *centre) next(sort string) event {
	c.t.Helper()
	return c.find(sort, func(event) bool { return true })
}

func (c *centre) find(sort string, is func(event) bool) event {
	c.t.Helper()
	late := time.After(enough)
	for {
		select {
		case e, ok := <-c.events:
			if !ok {
				c.t.Fatalf("the centre ended before %s", sort)
			}
			if e.Event == sort && is(e) {
				return e
			}
		case <-late:
			c.t.Fatalf("the centre did not tell of %s", sort)
		}
	}
}

// do has the centre do something and waits until it has.
func (c *centre) do(what string, more map[string]any) {
	c.t.Helper()
	order := map[string]any{"do": what}
	for k, v := range more {
		order[k] = v
	}
	b, err := json.Marshal(order)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c.in, "%s\n", b); err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-c.done:
	case <-time.After(enough):
		c.t.Fatalf("the centre did not %s", what)
	}
}

func (c *centre) set(more map[string]any) { c.t.Helper(); c.do("set", more) }

// receipt has the centre tell of a message in these words.
func (c *centre) receipt(words string, tlv map[string]string) {
	c.t.Helper()
	c.do("deliver", map[string]any{"class": 4, "octets": hex.EncodeToString([]byte(words)), "tlv": tlv})
}

// office is who is behind the channel: the inbox and who takes texts.
type office struct {
	mu      sync.Mutex
	reports []reported
	texts   []texted
	fail    error           // what it answers now
	known   map[string]bool // references of what was told as sent
	said    []string        // to report
	change  chan struct{}
}

type reported struct {
	via       cpni.Via
	reference string
	notify.Report
}

type texted struct {
	from, to, words string
	stop            bool
	at              time.Time
}

func newOffice() *office { return &office{known: map[string]bool{}, change: make(chan struct{}, 1)} }

func (o *office) changed() {
	select {
	case o.change <- struct{}{}:
	default:
	}
}

func (o *office) Returned(context.Context, string, notify.Report) error { return notify.ErrNotOurs }

func (o *office) Referred(_ context.Context, via cpni.Via, reference string, r notify.Report) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.changed()
	if o.fail != nil {
		return o.fail
	}
	if !o.known[reference] {
		return notify.ErrNotOurs
	}
	o.reports = append(o.reports, reported{via, reference, r})
	return nil
}

func (o *office) Texted(_ context.Context, from, to, words string, stop bool, at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.changed()
	if o.fail != nil {
		return o.fail
	}
	o.texts = append(o.texts, texted{from, to, words, stop, at})
	return nil
}

func (o *office) report(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.changed()
	o.said = append(o.said, err.Error())
}

func (o *office) answer(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail = err
}

// know notes the name of a message, as an outbox does when it is told.
func (o *office) know(reference string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known[reference] = true
}

// until waits for something to hold.
func (o *office) until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	late := time.After(enough)
	for {
		o.mu.Lock()
		ok := holds()
		o.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-o.change:
		case <-late:
			t.Fatalf("it did not come to: %s; reports %+v, texts %+v, said %q", what, o.reports, o.texts, o.said)
		}
	}
}

// noon is the time of every test.
var noon = time.Date(2026, 11, 25, 17, 0, 0, 0, time.UTC)

// config reaches a centre on a port of this machine.
func config(t testing.TB, port int, change func(*Config)) Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{Address: fmt.Sprintf("127.0.0.1:%d", port), SystemID: "ringfence", PasswordFile: file, Source: "12345", PerSecond: 10_000}
	if change != nil {
		change(&c)
	}
	return c
}

// open makes a channel and runs it until the test ends.
func open(t testing.TB, cfg Config, o *office) *Channel {
	t.Helper()
	c, err := New(cfg, o, o, cpni.ClockFunc(func() time.Time { return noon }), o.report)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return c
}

// piece is a text with an ID of its own.
func piece(text string) notify.Piece {
	return notify.Piece{ID: cpni.NewID(), Kind: "change", Via: cpni.Text, To: "+15550001111", Language: "en", Words: notify.Words{Text: text}, Attempt: 1}
}

// send sends and gives the outcomes by piece.
func send(t testing.TB, c *Channel, pieces ...notify.Piece) []notify.Outcome {
	t.Helper()
	var mu sync.Mutex
	by := map[cpni.ID][]notify.Outcome{}
	c.Send(t.Context(), pieces, func(p notify.Piece, o notify.Outcome) {
		mu.Lock()
		defer mu.Unlock()
		by[p.ID] = append(by[p.ID], o)
		c.inbox.(*office).know(o.Reference)
	})
	all := make([]notify.Outcome, len(pieces))
	for i, p := range pieces {
		if len(by[p.ID]) != 1 {
			t.Fatalf("piece %d was told of %d times: %+v", i, len(by[p.ID]), by[p.ID])
		}
		all[i] = by[p.ID][0]
	}
	return all
}

// together puts the parts of long texts together as a telephone does, and reads them.
func together(t testing.TB, events []event) string {
	t.Helper()
	slices.SortFunc(events, func(a, b event) int { return int(a.bytes()[5]) - int(b.bytes()[5]) })
	var all []byte
	for i, e := range events {
		b := e.bytes()
		if e.Class&0x40 == 0 || len(b) < 7 || b[0] != 5 || b[1] != 0 || b[2] != 3 || int(b[4]) != len(events) || int(b[5]) != i+1 || b[3] != events[0].bytes()[3] {
			t.Fatalf("part %d of %d has the header % x", i+1, len(events), b[:min(len(b), 7)])
		}
		if len(b) > 6+153 || e.Coding == 8 && len(b) > 6+134 {
			t.Errorf("part %d has %d octets", i+1, len(b))
		}
		all = append(all, b[6:]...)
	}
	return decode(all, byte(events[0].Coding))
}

func lines(s ...string) string { return strings.Join(s, "\n") }
