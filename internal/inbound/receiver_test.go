package inbound

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	"ringfence/internal/notify/mail/mailtest"
)

var (
	day   = time.Date(2026, 3, 2, 15, 10, 0, 0, time.UTC)
	clock = cpni.ClockFunc(func() time.Time { return day })
)

const (
	known     = "a1b2c3d4e5f6g7h8"
	knownName = "01jq0000000000000000000000@mail.carrier.example"
)

// came is what an inbox was given.
type came struct {
	by string // a token or a name
	notify.Report
}

// inbox knows one message, and can be down.
type inbox struct {
	mu   sync.Mutex
	down error
	came []came
}

func (i *inbox) take(known bool, by string, r notify.Report) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.down != nil {
		return i.down
	}
	if !known {
		return fmt.Errorf("looking for it: %w", notify.ErrNotOurs)
	}
	i.came = append(i.came, came{by, r})
	return nil
}

func (i *inbox) Returned(_ context.Context, token string, r notify.Report) error {
	return i.take(strings.EqualFold(token, known), token, r)
}

func (i *inbox) Referred(_ context.Context, via cpni.Via, name string, r notify.Report) error {
	return i.take(via == cpni.Email && name == knownName, name, r)
}

func (i *inbox) all() []came {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]came(nil), i.came...)
}

func (i *inbox) set(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = err
}

// noDNS knows some records and no others.
type noDNS map[string]string

func (d noDNS) LookupTXT(_ context.Context, name string) ([]string, error) {
	if v, ok := d[name]; ok {
		return []string{v}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}
func (noDNS) LookupMX(context.Context, string) ([]*net.MX, error) { return nil, errors.New("none") }
func (noDNS) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	return nil, errors.New("none")
}
func (noDNS) LookupAddr(context.Context, string) ([]string, error) { return nil, errors.New("none") }

// running is a receiver that runs until its test ends.
type running struct {
	*Receiver
	inbox    *inbox
	address  map[string]string // of smtp and lmtp
	cert     string
	mu       sync.Mutex
	reported []error
	stop     func()
}

// receive starts a receiver.
func receive(t testing.TB, change ...func(*Config)) *running {
	t.Helper()
	ca, cert, key := mailtest.Certificate(t, "127.0.0.1")
	c := Config{
		Domain: "mail.carrier.example", General: []string{"privacy@carrier.example"}, Largest: 256 << 10,
		SMTP: Listener{Listen: "127.0.0.1:0", CertFile: cert, KeyFile: key}, LMTP: Listener{Listen: "unix:" + filepath.Join(t.TempDir(), "lmtp")},
	}
	for _, f := range change {
		f(&c)
	}
	r := &running{inbox: &inbox{}, address: map[string]string{}, cert: ca}
	made, err := New(c, r.inbox, clock, func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reported = append(r.reported, err)
	})
	if err != nil {
		t.Fatal(err)
	}
	made.dns = noDNS{}
	r.Receiver = made
	ctx, cancel := context.WithCancel(context.Background())
	doors, err := made.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range doors {
		name := "smtp"
		if d.server.LMTP {
			name = "lmtp"
		}
		r.address[name] = d.Addr().String()
	}
	var all sync.WaitGroup
	all.Go(func() {
		if err := made.serve(ctx, doors); err != nil {
			t.Errorf("receiving: %v", err)
		}
	})
	r.stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
	t.Cleanup(r.stop)
	return r
}

// sender is a client that we did not write: Python's smtplib. It brings messages and prints what it was answered.
const sender = `
import base64, json, smtplib, ssl, sys
asked = json.load(sys.stdin)
answers = []
if asked["way"] == "lmtp":
    c = smtplib.LMTP(asked["address"])
else:
    host, port = asked["address"].rsplit(":", 1)
    c = smtplib.SMTP(host, int(port), local_hostname=asked.get("hello") or "mx.customer.example")
    if asked.get("ca"):
        context = ssl.create_default_context(cafile=asked["ca"])
        c.starttls(context=context)
c.ehlo_or_helo_if_needed()
for m in asked["messages"]:
    said = []
    said.append(c.mail(m["from"], m.get("options") or []))
    for to in m["to"]:
        said.append(c.rcpt(to))
    if any(code == 250 for code, _ in said[1:]):
        code, text = c.docmd("DATA")
        if code == 354:
            c.send(smtplib._quote_periods(base64.b64decode(m["content"])) + b".\r\n")
            taken = [s for s in said[1:] if s[0] == 250]
            for _ in range(len(taken) if asked["way"] == "lmtp" else 1):
                said.append(c.getreply())
        else:
            said.append((code, text))
    else:
        c.rset()
    answers.append(["%d %s" % (code, text.decode()) for code, text in said])
try:
    c.quit()
except smtplib.SMTPServerDisconnected:
    pass
print(json.dumps(answers))
`

type brought struct {
	From    string   `json:"from"`
	To      []string `json:"to"`
	Content []byte   `json:"content"`
}

// bring sends messages over one connection, and returns what was answered to each command of each.
func (r *running) bring(t testing.TB, way string, secret bool, messages ...brought) [][]string {
	t.Helper()
	asked := map[string]any{"way": way, "address": r.address[way], "messages": messages}
	if secret {
		asked["ca"] = r.cert
	}
	text, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command(mailtest.Python, "-c", sender)
	run.Stdin = bytes.NewReader(text)
	var said strings.Builder
	run.Stderr = &said
	out, err := run.Output()
	if err != nil {
		t.Fatalf("Python is needed for this test: %v: %s (the package is python3; `make test` installs it)", err, said.String())
	}
	var answers [][]string
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

func bounceTo(t testing.TB, to ...string) brought {
	return brought{From: "", To: to, Content: sample(t, "dsn-failed-unknown")}
}

const (
	bouncesTo = "bounces+" + known + "@mail.carrier.example"
	repliesTo = "replies+" + known + "@mail.carrier.example"
)

// last is what was answered in the end.
func last(answers []string) string { return answers[len(answers)-1] }

// What comes to one of our addresses is kept whole and acknowledged, over SMTP and LMTP.
//
// cite: P-21, P-25, 47 CFR 64.2008(d)(3), RFC 2033
func TestReceives(t *testing.T) {
	for _, row := range []struct {
		way    string
		secret bool
		by     string
	}{{"smtp", false, "ESMTP"}, {"smtp", true, "ESMTPS"}, {"lmtp", false, "LMTP"}} {
		t.Run(row.by, func(t *testing.T) {
			r := receive(t)
			reply := brought{From: "ana@customer.example", To: []string{repliesTo}, Content: sample(t, "reply-spanish")}
			answers := r.bring(t, row.way, row.secret, bounceTo(t, bouncesTo), reply, brought{To: []string{strings.ToUpper(bouncesTo)}, Content: sample(t, "dsn-delivered")})
			for _, a := range answers {
				if !strings.HasPrefix(last(a), "250 2.0.0") {
					t.Errorf("answered %q", a)
				}
			}
			all := r.inbox.all()
			if len(all) != 3 {
				t.Fatalf("%d came in", len(all))
			}
			if b := all[0]; b.by != known || b.Kind != notify.Bounce || b.State != notify.Bounced || b.Code != "5.1.1" || !b.At.Equal(day) {
				t.Errorf("the bounce: %s %s %s %s %s", b.by, b.Kind, b.State, b.Code, b.At)
			}
			if b := all[1]; b.Kind != notify.Reply || b.State != "" || !strings.Contains(b.Says, "No quiero que usen mi información.") {
				t.Errorf("the reply: %s %q %q", b.Kind, b.State, b.Says)
			}
			if b := all[2]; b.Kind != notify.Receipt || b.State != notify.Delivered {
				t.Errorf("the receipt: %s %q", b.Kind, b.State)
			}
			raw := all[1].Raw
			if !bytes.HasSuffix(raw, reply.Content) {
				t.Errorf("what is kept does not end with what was sent: %q", raw)
			}
			trace := string(bytes.TrimSuffix(raw, reply.Content))
			for _, want := range []string{"Authentication-Results: mail.carrier.example; dkim=none", "Return-Path: <ana@customer.example>\r\n", "Delivered-To: " + repliesTo + "\r\n", "by mail.carrier.example with " + row.by + ";\r\n Mon, 02 Mar 2026 15:10:00 +0000\r\n"} {
				if !strings.Contains(trace, want) {
					t.Errorf("no %q in %q", want, trace)
				}
			}
		})
	}
}

// What is not ours is refused, without a word on whether it could have been.
//
// cite: P-21
func TestRefusesWhatIsNotOurs(t *testing.T) {
	r := receive(t)
	for _, to := range []string{"ana@mail.carrier.example", "postmaster@mail.carrier.example", "bounces@mail.carrier.example", "bounces+" + known + "@other.example", "anything@gmail.example"} {
		for _, way := range []string{"smtp", "lmtp"} {
			if a := r.bring(t, way, false, bounceTo(t, to))[0]; len(a) != 2 || a[1] != "550 5.1.1 no such mailbox here" {
				t.Errorf("%s to %s: %q", way, to, a)
			}
		}
	}
	// One that has the form and was never given out is refused with the same words, once it is all there.
	for _, way := range []string{"smtp", "lmtp"} {
		if a := r.bring(t, way, false, bounceTo(t, "bounces+zzzz@mail.carrier.example"))[0]; !strings.HasPrefix(last(a), "550 5.1.1 ") || !strings.HasSuffix(last(a), "no such mailbox here") {
			t.Errorf("%s: %q", way, a)
		}
	}
	if n := len(r.inbox.all()); n != 0 {
		t.Errorf("%d came in", n)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.reported) != 0 {
		t.Errorf("reported: %v", r.reported)
	}
}

// What cannot be kept is not acknowledged, and what goes wrong is told without anything of the message.
//
// cite: P-21, 47 CFR 64.2008(d)(3), I-03, I-23
func TestAcknowledgesOnlyWhatIsKept(t *testing.T) {
	r := receive(t)
	r.inbox.set(errors.New("the database is away"))
	for _, way := range []string{"smtp", "lmtp"} {
		if a := r.bring(t, way, false, bounceTo(t, bouncesTo))[0]; !strings.HasPrefix(last(a), "451 4.3.0") {
			t.Errorf("%s: %q", way, a)
		}
	}
	r.mu.Lock()
	if len(r.reported) != 2 || strings.Contains(fmt.Sprint(r.reported), "customer") || strings.Contains(fmt.Sprint(r.reported), known) {
		t.Errorf("reported: %v", r.reported)
	}
	r.mu.Unlock()
	r.inbox.set(nil)
	if a := r.bring(t, "smtp", false, bounceTo(t, bouncesTo))[0]; !strings.HasPrefix(last(a), "250") || len(r.inbox.all()) != 1 {
		t.Errorf("%q", a)
	}
}

// Over SMTP a message has one recipient, so that none is taken by half; over LMTP each gets an answer of its own.
//
// cite: RFC 2033
func TestRecipients(t *testing.T) {
	r := receive(t)
	a := r.bring(t, "smtp", false, bounceTo(t, bouncesTo, repliesTo))[0]
	if !strings.HasPrefix(a[1], "250") || !strings.HasPrefix(a[2], "452 4.5.3") || !strings.HasPrefix(last(a), "250") || len(r.inbox.all()) != 1 {
		t.Errorf("smtp: %q", a)
	}
	a = r.bring(t, "lmtp", false, bounceTo(t, bouncesTo, "bounces+zzzz@mail.carrier.example", repliesTo))[0]
	if len(a) != 7 || !strings.HasPrefix(a[4], "250") || !strings.HasPrefix(a[5], "550 5.1.1") || !strings.HasPrefix(a[6], "250") || len(r.inbox.all()) != 3 {
		t.Errorf("lmtp: %q", a)
	}
}

// What is too large, too much, or meant to break a reader does no harm.
func TestLimits(t *testing.T) {
	r := receive(t)
	large := brought{To: []string{bouncesTo}, Content: bytes.Repeat([]byte("x: y\r\n"), 100_000)}
	odd := brought{To: []string{bouncesTo}, Content: bytes.Repeat([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"), 5000)}
	answers := r.bring(t, "smtp", false, large, odd, bounceTo(t, bouncesTo))
	if !strings.HasPrefix(last(answers[0]), "552 5.3.4") || !strings.HasPrefix(last(answers[1]), "250") || !strings.HasPrefix(last(answers[2]), "250") {
		t.Errorf("answers: %q", answers)
	}
	// More about one message than a person would send is asked to come again.
	var many []brought
	for range mostAnHour + 5 {
		many = append(many, bounceTo(t, bouncesTo))
	}
	busy := 0
	for _, a := range r.bring(t, "smtp", false, many...) {
		if strings.HasPrefix(last(a), "451 4.3.2") {
			busy++
		}
	}
	if n := len(r.inbox.all()); n != mostAnHour || busy != 7 {
		t.Errorf("%d came in, %d were put off", n, busy)
	}
	// What is in no order is answered and forgotten.
	c, err := net.Dial("tcp", r.address["smtp"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "DATA\r\nRCPT TO:<x>\r\nMAIL FROM\r\n\x00\xff\r\n%s\r\n", strings.Repeat("x", 5000))
	buffer := make([]byte, 4096)
	n, err := c.Read(buffer)
	if err != nil || !bytes.HasPrefix(buffer[:n], []byte("220 ")) {
		t.Errorf("%q %v", buffer[:n], err)
	}
}

// A bounce or an answer that went to the wrong place is found by what it gives back or answers to.
//
// cite: P-21, 47 CFR 64.2008(d)(3)
func TestFindsTheMessageByWhatIsGivenBack(t *testing.T) {
	other := func(name, old, new string) []byte {
		raw := sample(t, name)
		if !bytes.Contains(raw, []byte(old)) {
			t.Fatalf("no %q in %s", old, name)
		}
		return bytes.ReplaceAll(raw, []byte(old), []byte(new))
	}
	for _, row := range []struct {
		name    string
		content []byte
		kind    string
		by      string
	}{
		{"a report with the header given back", sample(t, "dsn-failed-unknown"), notify.Bounce, known},
		{"one that has lost the return path", other("dsn-failed-unknown", known, "x"), notify.Bounce, knownName},
		{"a plain one with a copy below", sample(t, "odd-qmail"), notify.Bounce, known},
		{"a complaint", sample(t, "arf-abuse"), notify.Complaint, known},
		{"an answer to From", other("reply-plain", "replies+"+known+"@mail.carrier.example", "privacy@carrier.example"), notify.Reply, knownName},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := receive(t)
			if a := r.bring(t, "smtp", false, brought{To: []string{"privacy@carrier.example"}, Content: row.content})[0]; !strings.HasPrefix(last(a), "250") {
				t.Fatalf("answered %q", a)
			}
			if all := r.inbox.all(); len(all) != 1 || all[0].Kind != row.kind || all[0].by != row.by {
				t.Errorf("came in: %d", len(all))
			}
		})
	}
	r := receive(t)
	letter := brought{From: "ana@customer.example", To: []string{"privacy@carrier.example"}, Content: []byte("From: ana@customer.example\r\nSubject: Hello\r\n\r\nGood day.\r\n")}
	if a := r.bring(t, "smtp", false, letter)[0]; !strings.HasPrefix(last(a), "550 5.1.1") || len(r.inbox.all()) != 0 {
		t.Errorf("a letter that is about nothing: %q", a)
	}
}

// When the program is told to stop what has been acknowledged is kept, and a sender that only waits does not keep it.
func TestStops(t *testing.T) {
	r := receive(t)
	r.bring(t, "smtp", false, bounceTo(t, bouncesTo))
	c, err := net.Dial("tcp", r.address["smtp"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r.stop()
	if len(r.inbox.all()) != 1 {
		t.Error("it is lost")
	}
	if c, err := net.Dial("tcp", r.address["smtp"]); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

// Run says that it cannot listen, and opens nothing then; a socket that was left behind is no hindrance.
func TestRun(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r, err := New(Config{Domain: "mail.carrier.example", SMTP: Listener{Listen: l.Addr().String()}}, &inbox{}, clock, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "messages.inbound.smtp") {
		t.Errorf("got %v", err)
	}
	path := filepath.Join(t.TempDir(), "lmtp")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	r, err = New(Config{Domain: "mail.carrier.example", LMTP: Listener{Listen: "unix:" + path}}, &inbox{}, clock, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	up := false
	for range 600 {
		if c, err := net.Dial("unix", path); err == nil {
			c.Close()
			up = true
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil || !up {
		t.Errorf("it came up %v and ended with %v", up, err)
	}
}

// What is written wrong in the configuration is said with what to write.
func TestConfigurationIsChecked(t *testing.T) {
	good := Config{Domain: "mail.carrier.example", SMTP: Listener{Listen: "0.0.0.0:25"}}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	box := Mailbox{Host: "imap.carrier.example", User: "returns", PasswordFile: "/x"}
	for _, row := range []struct {
		change func(*Config)
		says   string
	}{
		{func(c *Config) { c.Domain = "" }, "messages.inbound.domain"},
		{func(c *Config) { c.General = []string{"Privacy <a@b.example>"} }, "general"},
		{func(c *Config) { c.SMTP.Listen = "" }, "no way in"},
		{func(c *Config) { c.SMTP.Listen = "25" }, "host:port"},
		{func(c *Config) { c.LMTP.Listen = "unix:lmtp" }, "whole path"},
		{func(c *Config) { c.LMTP.Listen = "0.0.0.0:24" }, "other machines"},
		{func(c *Config) { c.SMTP.CertFile = "/x" }, "both"},
		{func(c *Config) { c.Largest = 5 }, "largest"},
		{func(c *Config) { c.IMAP = box; c.IMAP.Port = -1 }, "imap.port"},
		{func(c *Config) { c.IMAP = box; c.IMAP.Security = "none" }, "not this machine"},
		{func(c *Config) { c.IMAP = box; c.IMAP.Security = "ssl" }, "write tls"},
		{func(c *Config) { c.IMAP = box; c.IMAP.User = "" }, "password-file"},
		{func(c *Config) { c.IMAP = box; c.IMAP.Every = time.Millisecond }, "too often"},
		{func(c *Config) { c.IMAP = box; c.IMAP.Done = "INBOX" }, "another"},
	} {
		c := good
		row.change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("want something of %q, got %v", row.says, err)
		}
		if _, err := New(c, &inbox{}, clock, nil); err == nil {
			t.Errorf("a receiver was made of it: %q", row.says)
		}
	}
	c := good
	c.SMTP.CertFile, c.SMTP.KeyFile = "/nowhere", "/nowhere"
	if _, err := New(c, &inbox{}, clock, nil); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
	c = good
	c.IMAP = box
	if _, err := New(c, &inbox{}, clock, nil); err == nil || !strings.Contains(err.Error(), "password") {
		t.Errorf("got %v", err)
	}
}

// Nothing here can send mail: whatever comes in, no machine of ours answers it, and so none ever answers another.
//
// cite: RFC 3834
func TestNeverAnswers(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, never := range []string{`"ringfence/internal/notify/mail"`, `"net/smtp"`, "smtp.Dial", "smtp.SendMail", "smtp.NewClient", "go-mail"} {
			if bytes.Contains(text, []byte(never)) {
				t.Errorf("%s uses %s", name, never)
			}
		}
	}
}
