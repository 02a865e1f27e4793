package webhook

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

var _ notify.Channel = (*Channel)(nil)

// enough is how long a test waits for what surely comes.
const enough = 30 * time.Second

// noon is the time of every test; testdata/gateway.py asks for a wait until five minutes after it.
var noon = time.Date(2026, 11, 25, 17, 0, 0, 0, time.UTC)

var clock = cpni.ClockFunc(func() time.Time { return noon })

// gateway is testdata/gateway.py in a process of its own.
type gateway struct {
	t      testing.TB
	got    chan got
	port   int
	secret string // base64
}

// got is what the gateway tells of what came in.
type got struct {
	Port               int
	Got, Method        string
	ID, Key, Type      string
	Stamp              int64
	Signed, Again      bool
	Signatures, Status int
	Body               map[string]any
}

func startGateway(t testing.TB, arguments ...string) *gateway {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal("a gateway in Python is needed for this test: install Debian's python3")
	}
	g := &gateway{t: t, got: make(chan got, 1000), secret: newSecret()}
	command := exec.Command(python, append([]string{filepath.Join("testdata", "gateway.py"), g.secret}, arguments...)...)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(g.got)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e got
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Errorf("the gateway says %q: %v", lines.Text(), err)
				return
			}
			g.got <- e
		}
	})
	t.Cleanup(func() {
		in.Close()
		command.Process.Kill()
		reading.Wait()
		command.Wait()
	})
	g.port = g.next().Port
	return g
}

func (g *gateway) next() got {
	g.t.Helper()
	select {
	case e, ok := <-g.got:
		if !ok {
			g.t.Fatal("the gateway has ended")
		}
		return e
	case <-time.After(enough):
		g.t.Fatal("nothing came to the gateway")
	}
	return got{}
}

func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

// file writes a file of this test.
func file(t testing.TB, words string) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(words); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// open makes a channel to a path of the gateway.
func (g *gateway) open(path string, change func(*Config)) *Channel {
	g.t.Helper()
	cfg := Config{URL: fmt.Sprintf("http://127.0.0.1:%d%s", g.port, path), SecretFile: file(g.t, "whsec_"+g.secret+"\n")}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg, clock)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(c.client.CloseIdleConnections)
	return c
}

func piece(text string) notify.Piece {
	return notify.Piece{ID: cpni.NewID(), Kind: "change", Via: cpni.Text, To: "+15550001111", Language: "es", Words: notify.Words{Text: text}, Attempt: 1}
}

func send(t testing.TB, c *Channel, p notify.Piece) notify.Outcome {
	t.Helper()
	var all []notify.Outcome
	c.Send(t.Context(), []notify.Piece{p}, func(_ notify.Piece, o notify.Outcome) { all = append(all, o) })
	if len(all) != 1 {
		t.Fatalf("told %d times: %+v", len(all), all)
	}
	return all[0]
}

// A message goes out signed, so that the gateway's own check passes, and the same message again is known as such.
//
// cite: P-25, 47 CFR 64.2010(f)(2)
func TestSend(t *testing.T) {
	g := startGateway(t)
	c := g.open("/once", nil)
	p := piece("Se cambió la contraseña de su cuenta.")
	o := send(t, c, p)
	if o.State != notify.Sent || o.Reference != "r-"+string(p.ID) || o.Code != "HTTP 202" {
		t.Errorf("%+v", o)
	}
	e := g.next()
	if !e.Signed || e.ID != string(p.ID) || e.Key != e.ID || e.Stamp != noon.Unix() || e.Type != "application/json" || e.Method != "POST" {
		t.Errorf("%+v", e)
	}
	want := map[string]any{"id": string(p.ID), "kind": "change", "via": "text", "to": p.To, "language": "es", "text": p.Text}
	if fmt.Sprint(e.Body) != fmt.Sprint(want) {
		t.Errorf("%v, not %v", e.Body, want)
	}
	p.Attempt = 2
	if o := send(t, c, p); o.State != notify.Sent || o.Reference != "r-"+string(p.ID) || o.Code != "HTTP 409" {
		t.Errorf("again: %+v", o)
	}
	if e := g.next(); !e.Again || !e.Signed {
		t.Errorf("%+v", e)
	}
	if err := c.Check(t.Context()); err != nil || !c.Plain() {
		t.Error(err)
	}
	if len(g.got) != 0 {
		t.Errorf("the check has sent %+v", <-g.got)
	}
}

// A call goes with what is to be spoken, part by part.
//
// cite: P-20, 47 CFR 64.2010(b)
func TestSendSpoken(t *testing.T) {
	g := startGateway(t)
	p := piece("")
	p.Via, p.Spoken = cpni.Voice, []notify.Spoken{{Text: "Press one.", Key: "1"}, {Digits: "604213", NotOnMachine: true}}
	if o := send(t, g.open("/plain", nil), p); o.State != notify.Sent || o.Reference != "" {
		t.Errorf("%+v", o)
	}
	spoken, err := json.Marshal(g.next().Body["spoken"])
	if err != nil {
		t.Fatal(err)
	}
	var again []notify.Spoken
	if err := json.Unmarshal(spoken, &again); err != nil || len(again) != 2 || again[0] != p.Spoken[0] || again[1] != p.Spoken[1] {
		t.Errorf("%s: %v", spoken, err)
	}
	if o := send(t, g.open("/plain", nil), piece("")); o.State != notify.Failed || len(g.got) != 0 {
		t.Errorf("nothing to say: %+v", o)
	}
}

// Each answer of the gateway has its meaning.
//
// cite: P-23
func TestAnswers(t *testing.T) {
	g := startGateway(t)
	for path, want := range map[string]notify.Outcome{
		"/delivered": {State: notify.Delivered, Code: "HTTP 200", Reference: "x"},
		"/plain":     {State: notify.Sent, Code: "HTTP 200"},
		"/long":      {State: notify.Sent, Code: "HTTP 200"},
		"/busy":      {State: notify.Queued, Code: "HTTP 429", Says: "later", After: 2 * time.Minute},
		"/broken":    {State: notify.Queued, Code: "HTTP 503", After: 5 * time.Minute},
		"/never":     {State: notify.Failed, Code: "HTTP 422", Says: "no such number +15550001111"},
		"/elsewhere": {State: notify.Failed, Code: "HTTP 307"},
	} {
		if o := send(t, g.open(path, nil), piece("text")); o != want {
			t.Errorf("%s: %+v, not %+v", path, o, want)
		}
		if e := g.next(); e.Got != path || !e.Signed {
			t.Errorf("%+v", e)
		}
	}
	if len(g.got) != 0 {
		t.Errorf("the message was taken elsewhere: %+v", <-g.got)
	}
	for path, code := range map[string]string{"/slow": "no answer", "/hangup": "network"} {
		if o := send(t, g.open(path, func(c *Config) { c.Timeout = time.Second }), piece("text")); o.State != notify.Queued || o.Code != code {
			t.Errorf("%s: %+v", path, o)
		}
	}
	stranger := g.open("/plain", func(c *Config) { c.SecretFile = file(t, "whsec_"+newSecret()) })
	if o := send(t, stranger, piece("text")); o.State != notify.Failed || o.Code != "HTTP 401" {
		t.Errorf("signed by another: %+v", o)
	}
	gone := g.open("/plain", func(c *Config) { c.URL = "http://127.0.0.1:1/" })
	if o := send(t, gone, piece("text")); o.State != notify.Queued || o.Code != "network" || gone.Check(t.Context()) == nil {
		t.Errorf("nobody there: %+v", o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	gone.Send(ctx, []notify.Piece{piece("text")}, func(_ notify.Piece, o notify.Outcome) { t.Errorf("told %+v, though nobody can know", o) })
}

// While a secret is changed, the old one and the new one both hold.
func TestTwoSecrets(t *testing.T) {
	g := startGateway(t)
	c := g.open("/plain", func(c *Config) { c.SecretFile = file(t, "# new\nwhsec_"+newSecret()+"\n\n# old\nwhsec_"+g.secret+"\n") })
	if o := send(t, c, piece("text")); o.State != notify.Sent {
		t.Errorf("%+v", o)
	}
	if e := g.next(); e.Signatures != 2 || !e.Signed {
		t.Errorf("%+v", e)
	}
}

// Over HTTPS nothing is said to a gateway whose certificate nobody vouches for.
func TestHTTPS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	g := startGateway(t, file(t, certificate+string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))))
	https := func(c *Config) { c.URL = strings.Replace(c.URL, "http:", "https:", 1) }
	stranger := g.open("/plain", https)
	if o := send(t, stranger, piece("text")); o.State != notify.Queued || stranger.Check(t.Context()) == nil || len(g.got) != 0 {
		t.Errorf("nobody vouches for it: %+v, %v", o, stranger.Check(t.Context()))
	}
	c := g.open("/plain", func(c *Config) { https(c); c.CAFile = file(t, certificate) })
	if o := send(t, c, piece("text")); o.State != notify.Sent || c.Check(t.Context()) != nil || c.Plain() {
		t.Errorf("%+v, %v", o, c.Check(t.Context()))
	}
}

// What is wrong in the configuration is said with what to write, and without what is secret.
func TestConfigWrong(t *testing.T) {
	good := Config{URL: "https://texts.carrier.example/messages", SecretFile: "x"}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"gateway":      func(c *Config) { c.URL = "texts" },
		"unenciphered": func(c *Config) { c.URL = "http://10.0.0.1/" },
		"https":        func(c *Config) { c.URL = "ftp://texts.carrier.example/" },
		"password":     func(c *Config) { c.URL = "https://me:secret@texts.carrier.example/" },
		"secret-file":  func(c *Config) { c.SecretFile = "" },
		"timeout":      func(c *Config) { c.Timeout = time.Hour },
	} {
		c := good
		change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "me:secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, secret := range []string{"", "# nothing", "whsec_c2hvcnQ=", "whsec_!" + newSecret()} {
		good.SecretFile = file(t, secret)
		if _, err := New(good, clock); err == nil || secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", secret, err)
		}
	}
}
