package voice

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/notify/voice/speech"
)

// customer is the number that is rung in tests.
const customer = "+12125550123"

// carrier makes a Channel that calls over a switch at a port, and runs it while the test does.
func carrier(t testing.TB, port int, change func(*Config)) *Channel {
	t.Helper()
	c := Config{Switch: fmt.Sprintf("127.0.0.1:%d", port), From: "+12125550100", Name: "Carrier",
		Ring: 8 * time.Second, Dial: Dial{Format: "digits"},
		Speech: speech.Config{Commands: map[string][]string{"en": {"espeak-ng", "--stdout", "-v", "en-us"}, "es": {"espeak-ng", "--stdout", "-v", "es-419"}}}}
	if change != nil {
		change(&c)
	}
	channel, err := New(c, cpni.ClockFunc(time.Now), func(err error) { t.Log("reported:", err) })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- channel.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for range 500 {
		if channel.line.Load() != nil {
			return channel
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the channel did not begin to run")
	return nil
}

// message is one with an ID of its own.
func message(spoken ...notify.Spoken) notify.Piece {
	return notify.Piece{ID: cpni.NewTimedID(time.Now()), Kind: "code", Via: cpni.Voice, To: customer, Language: "en", Attempt: 1, Words: notify.Words{Spoken: spoken}}
}

// send sends pieces and gives what was told, in their order.
func send(t testing.TB, c *Channel, pieces ...notify.Piece) []notify.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	var mu sync.Mutex
	told := map[cpni.ID]notify.Outcome{}
	c.Send(ctx, pieces, func(p notify.Piece, o notify.Outcome) {
		mu.Lock()
		defer mu.Unlock()
		if _, twice := told[p.ID]; twice {
			t.Error("told twice of one message")
		}
		told[p.ID] = o
	})
	var all []notify.Outcome
	for _, p := range pieces {
		o, ok := told[p.ID]
		if !ok {
			t.Fatal("nothing was told of a message")
		}
		all = append(all, o)
	}
	return all
}

// program finds a program that Debian has.
func program(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: apt-get install %s, or run tools/setup.sh", name, debian)
	}
	return path
}

// given is where the search for free ports goes on: none is given twice, for some programs share a port with others and
// say nothing.
var given struct {
	sync.Mutex
	next int
}

// freePorts finds so many ports in a row that nobody has now, neither for UDP nor for TCP, and gives the first. They lie
// below those that the system gives away itself, so that no socket of another test takes one before it is used.
func freePorts(t testing.TB, n int) int {
	t.Helper()
	given.Lock()
	defer given.Unlock()
	if given.next == 0 {
		given.next = 12000 + 2*rand.IntN(8000)
	}
	for range 1000 {
		if given.next > 30000 {
			given.next = 12000
		}
		first := given.next
		given.next += n + n%2
		free := true
		for port := first; port < first+n && free; port++ {
			free = !taken(port)
			if c, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
				free = false
			} else {
				_ = c.Close()
			}
		}
		if free {
			return first
		}
	}
	t.Fatal("no ports are free")
	return 0
}

// taken says whether somebody has a UDP port.
func taken(port int) bool {
	c, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		_ = c.Close()
	}
	return err != nil
}

// start starts a program that ends with the test, and gives its output line by line.
func start(t testing.TB, dir, path string, args ...string) (*exec.Cmd, <-chan string) {
	t.Helper()
	run := exec.Command(path, args...)
	run.Dir = dir
	run.Env = append(os.Environ(), "HOME="+dir, "TERM=dumb")
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	run.Stdout, run.Stderr = in, in
	// A program that reads keys from a terminal would end at the end of its input.
	stdin, err := run.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	lines := make(chan string, 10000)
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(lines)
		s := bufio.NewScanner(out)
		for s.Scan() {
			select {
			case lines <- s.Text():
			default:
			}
		}
	}()
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = stdin.Close()
		_ = run.Wait()
		_ = out.Close()
		<-read
	})
	return run, lines
}

// phone is a baresip that answers every call, plays a recording, and records what it hears.
type phone struct {
	t       testing.TB
	dir     string
	port    int
	control int
	process *exec.Cmd
	lines   <-chan string
}

// answering starts a phone that plays sound when it answers.
func answering(t testing.TB, plays []int16) *phone {
	t.Helper()
	path := program(t, "baresip", "baresip-core")
	p := &phone{t: t, dir: t.TempDir(), port: freePorts(t, 2), control: freePorts(t, 1)}
	file := make([]byte, 44, 44+2*len(plays))
	copy(file, "RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data")
	binary.LittleEndian.PutUint32(file[4:], uint32(36+2*len(plays)))
	binary.LittleEndian.PutUint32(file[40:], uint32(2*len(plays)))
	for _, s := range plays {
		file = binary.LittleEndian.AppendUint16(file, uint16(s))
	}
	p.write("plays.wav", string(file))
	p.write("cert.pem", certificate(t))
	p.write("config", fmt.Sprintf(`sip_listen 127.0.0.1:%d
sip_certificate %s
call_local_timeout 120
call_max_calls 8
audio_player aubridge,nowhere
audio_source aufile,%s
audio_alert aubridge,nowhere
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
audio_buffer 20-160
jitter_buffer_delay 1-5
rtp_timeout 60
net_interface 127.0.0.1
module_path /usr/lib/baresip/modules
module g711.so
module sndfile.so
module aufile.so
module aubridge.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:%d
snd_path %s
`, p.port, filepath.Join(p.dir, "cert.pem"), filepath.Join(p.dir, "plays.wav"), p.control, p.dir))
	p.write("accounts", fmt.Sprintf("<sip:%s@127.0.0.1:%d>;regint=0;answermode=auto;ptime=20\n", strings.TrimPrefix(customer, "+"), p.port))
	p.write("contacts", "")
	p.process, p.lines = start(t, p.dir, path, "-f", p.dir)
	for line := range p.lines {
		if strings.Contains(line, "baresip is ready") {
			return p
		}
		t.Log(line)
	}
	t.Fatal("baresip did not start")
	return nil
}

func (p *phone) write(name, text string) {
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// saw waits for a word in what the phone says.
func (p *phone) saw(word string) {
	p.t.Helper()
	for line := range p.lines {
		if strings.Contains(line, word) {
			return
		}
	}
	p.t.Errorf("the phone ended and did not say %q", word)
}

// do has the phone do something, such as press a key.
func (p *phone) do(command, params string) {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.control))
	if err != nil {
		p.t.Error(err)
		return
	}
	defer conn.Close()
	b, err := json.Marshal(map[string]string{"command": command, "params": params, "token": "t"})
	if err != nil {
		p.t.Error(err)
		return
	}
	fmt.Fprintf(conn, "%d:%s,", len(b), b)
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	_, _ = conn.Read(make([]byte, 1024))
}

// heard is what the phone has heard, call by call in the order in which they began.
func (p *phone) heard() [][]int16 {
	p.t.Helper()
	names, err := filepath.Glob(filepath.Join(p.dir, "dump-*-dec.wav"))
	if err != nil {
		p.t.Fatal(err)
	}
	slices.Sort(names)
	var all [][]int16
	for _, name := range names {
		file, err := os.ReadFile(name)
		if err != nil {
			p.t.Fatal(err)
		}
		at := bytes.Index(file, []byte("data"))
		if at < 0 {
			p.t.Fatal("the recording has no sound")
		}
		var s []int16
		for b := file[at+8:]; len(b) >= 2; b = b[2:] {
			s = append(s, int16(binary.LittleEndian.Uint16(b)))
		}
		all = append(all, s)
	}
	return all
}

// words makes what a phone plays.
func words(parts ...[]int16) []int16 { return slices.Concat(parts...) }

func stillness(d time.Duration) []int16 { return make([]int16, int(d*speech.Rate/time.Second)) }

func beep(hertz float64, d time.Duration) []int16 {
	s := stillness(d)
	for i := range s {
		s[i] = int16(9000 * math.Sin(2*math.Pi*hertz*float64(i)/speech.Rate))
	}
	return s
}

// voiceOf is a sentence that the built-in recordings have.
func voiceOf(t testing.TB, language, text string) []int16 {
	t.Helper()
	s, err := speech.New(speech.Config{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Say(context.Background(), language, text)
	if err != nil {
		t.Fatal(err)
	}
	return a.PCM()
}

// hello is how a person answers; greeting is a machine's, which goes on for seconds and ends with a beep.
func hello(t testing.TB) []int16 {
	return words(stillness(400*time.Millisecond), voiceOf(t, "en", "9"), stillness(90*time.Second))
}

func greeting(t testing.TB, hertz float64) []int16 {
	return words(stillness(500*time.Millisecond), voiceOf(t, "en", sentence), stillness(300*time.Millisecond), voiceOf(t, "en", warning),
		stillness(400*time.Millisecond), beep(hertz, 500*time.Millisecond), stillness(90*time.Second))
}

// Sentences that are recorded.
const (
	sentence = "This is a message about your telephone account."
	warning  = "Never tell this code to anybody who calls you."
	thanks   = "Thank you. Goodbye."
)

// digitsIn finds the digits that are spoken in a recording: it cuts it at the pauses and compares each piece with the
// recording of every digit. What is no digit is left out.
func digitsIn(t testing.TB, recording []int16) string {
	t.Helper()
	var found strings.Builder
	for _, piece := range utterances(recording) {
		best, which := 0.0, ""
		for _, digit := range "0123456789" {
			if likeness := alike(piece, voiceOf(t, "en", string(digit))); likeness > best {
				best, which = likeness, string(digit)
			}
		}
		if best > 0.8 {
			found.WriteString(which)
		}
	}
	return found.String()
}

// says tells whether a sentence is spoken in a recording: whether any stretch of it is like a piece of the sentence. There
// are several pieces, for on a busy machine the phone loses some packets.
func says(t testing.TB, recording []int16, text string) bool {
	t.Helper()
	const long = 1600
	near := func(a, b int16) bool { // codecs differ in how they round
		d := int(a) - int(b)
		return max(d, -d) <= 32
	}
	whole := voiceOf(t, "en", text)
	for from := len(whole) / 8; from+long <= len(whole); from += long {
		want := whole[from : from+long]
		if levelOf(want) < -40 {
			continue // a pause
		}
		for at := 0; at+long <= len(recording); at++ {
			// A cheap look before the whole comparison.
			if near(recording[at+300], want[300]) && near(recording[at+800], want[800]) && near(recording[at+1300], want[1300]) && correlation(recording[at:at+long], want) > 0.95 {
				return true
			}
		}
	}
	return false
}

// utterances cuts a recording where it is silent for a fifth of a second.
func utterances(s []int16) [][]int16 {
	var all [][]int16
	began, last := -1, 0
	for i, v := range s {
		if v > 200 || v < -200 {
			if began < 0 {
				began = i
			}
			last = i
		}
		if began >= 0 && i-last > speech.Rate/5 {
			all, began = append(all, s[began:last+1]), -1
		}
	}
	if began >= 0 {
		all = append(all, s[began:last+1])
	}
	return all
}

// alike is the greatest correlation of two pieces as one is moved along the other.
func alike(a, b []int16) float64 {
	us := utterances(b)
	if len(us) == 0 || len(a) < len(us[0])*8/10 || len(a) > len(us[0])*12/10 {
		return 0
	}
	b = us[0]
	best := 0.0
	for shift := -400; shift <= 400; shift += 1 {
		x, y := a, b
		if shift > 0 {
			x = a[min(shift, len(a)):]
		} else {
			y = b[min(-shift, len(b)):]
		}
		n := min(len(x), len(y))
		best = max(best, correlation(x[:n], y[:n]))
	}
	return best
}

func correlation(a, b []int16) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
