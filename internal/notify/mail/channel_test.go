package mail

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/notify/mail/mailtest"
)

var (
	day   = time.Date(2026, 3, 2, 15, 4, 5, 0, time.UTC)
	clock = cpni.ClockFunc(func() time.Time { return day })
)

const token = "a1b2c3d4e5f6g7h8j9k0m1n2"

// config is one for a server.
func config(s *mailtest.Server, change ...func(*Config)) Config {
	c := Config{Host: s.Host, Port: s.Port, Security: StartTLS, CAFile: s.CAFile, From: "Example Telephone <privacy@carrier.example>", ReturnDomain: "mail.carrier.example"}
	for _, f := range change {
		f(&c)
	}
	return c
}

func channel(t testing.TB, c Config) *Channel {
	t.Helper()
	made, err := New(c, clock)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// piece is a notice of change to an address.
func piece(to string) notify.Piece {
	return notify.Piece{
		ID: cpni.NewTimedID(day), Kind: "change-notice", Via: cpni.Email, To: to, Name: "Núñez, José", Language: "es",
		Words: notify.Words{
			Subject: "Aviso: cambió su dirección de correo — ¿fue usted?",
			Text:    "Señor Núñez:\n\nSu dirección cambió.\n.\nUna línea de puntos arriba.\n",
			HTML:    "<p>Señor Núñez:</p><p>Su dirección cambió.</p>",
			Version: "1",
		},
		Return: token, Attempt: 1,
	}
}

// secret writes a file that holds s.
func secret(t testing.TB, s string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(s+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// send sends pieces and gathers what came of them; each may be told once.
func send(t testing.TB, c *Channel, pieces ...notify.Piece) map[cpni.ID]notify.Outcome {
	t.Helper()
	return sendWith(t, t.Context(), c, pieces...)
}

func sendWith(t testing.TB, ctx context.Context, c *Channel, pieces ...notify.Piece) map[cpni.ID]notify.Outcome {
	t.Helper()
	var mu sync.Mutex
	all := map[cpni.ID]notify.Outcome{}
	c.Send(ctx, pieces, func(p notify.Piece, o notify.Outcome) {
		mu.Lock()
		defer mu.Unlock()
		if _, twice := all[p.ID]; twice {
			t.Errorf("a piece was told twice")
		}
		all[p.ID] = o
	})
	return all
}

// Notices go over a connection that is as secret as was asked for, and signed in as was asked for.
//
// cite: P-23, P-25
func TestSecureAndSignedIn(t *testing.T) {
	for _, row := range []struct {
		name      string
		options   mailtest.Options
		mechanism string
	}{
		{"starttls", mailtest.Options{Security: StartTLS}, ""},
		{"tls", mailtest.Options{Security: TLS}, ""},
		{"none on this machine", mailtest.Options{Security: None}, ""},
		{"starttls plain", mailtest.Options{Security: StartTLS, User: "rf", Password: "pässword 1"}, "PLAIN"},
		{"starttls login", mailtest.Options{Security: StartTLS, User: "rf", Password: "pässword 1", Without: []string{"PLAIN"}}, "LOGIN"},
		{"tls plain", mailtest.Options{Security: TLS, User: "rf", Password: "pässword 1"}, "PLAIN"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := mailtest.Start(t, row.options)
			c := channel(t, config(s, func(c *Config) {
				c.Security = row.options.Security
				if row.options.User != "" {
					c.User, c.PasswordFile = row.options.User, secret(t, row.options.Password)
				}
			}))
			if err := c.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(s.Received(t)) != 0 {
				t.Fatal("a check has sent something")
			}
			p := piece("jose@customer.example")
			o := send(t, c, p)[p.ID]
			if o.State != notify.Sent || o.Code != "250 2.0.0" || !strings.Contains(o.Says, "taken as 1") || o.Reference != string(p.ID)+"@mail.carrier.example" {
				t.Fatalf("got %+v", o)
			}
			l := s.Received(t)[0]
			if l.TLS != (row.options.Security != None) || l.User != row.options.User || l.Mechanism != row.mechanism || l.Hello != "mail.carrier.example" {
				t.Errorf("TLS %v, user %q by %q, hello %q", l.TLS, l.User, l.Mechanism, l.Hello)
			}
			if l.From != "bounces+"+token+"@mail.carrier.example" || !slices.Equal(l.To, []string{"jose@customer.example"}) {
				t.Errorf("from %s to %s", l.From, l.To)
			}
		})
	}
}

// What is not as secret as was asked for, or does not let us in, gets nothing; every message waits.
//
// cite: P-23
func TestNothingGoesWhereItShouldNot(t *testing.T) {
	for _, row := range []struct {
		name    string
		options mailtest.Options
		change  func(*testing.T, *Config)
		code    string
		says    string
	}{
		{"no STARTTLS", mailtest.Options{Security: StartTLS, NoTLS: true}, nil, "tls", "STARTTLS"},
		{"another's certificate", mailtest.Options{Security: StartTLS, WrongName: true}, nil, "tls", "certificate"},
		{"another's certificate", mailtest.Options{Security: TLS, WrongName: true}, nil, "tls", "certificate"},
		{"unknown authority", mailtest.Options{Security: TLS}, func(_ *testing.T, c *Config) { c.CAFile = "" }, "tls", "certificate"},
		{"wrong password", mailtest.Options{Security: StartTLS, User: "rf", Password: "right"}, func(t *testing.T, c *Config) {
			c.User, c.PasswordFile = "rf", secret(t, "wrong")
		}, "535 5.7.8", "password-file"},
		{"no way to sign in", mailtest.Options{Security: StartTLS, User: "rf", Password: "right", Without: []string{"PLAIN", "LOGIN"}}, func(t *testing.T, c *Config) {
			c.User, c.PasswordFile = "rf", secret(t, "right")
		}, "auth", "SCRAM"},
		{"must sign in", mailtest.Options{Security: StartTLS, User: "rf", Password: "right"}, nil, "530 5.7.0", "Authentication"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := mailtest.Start(t, row.options)
			c := channel(t, config(s, func(c *Config) {
				c.Security = row.options.Security
				if row.change != nil {
					row.change(t, c)
				}
			}))
			if err := c.Check(t.Context()); err == nil && row.name != "must sign in" {
				t.Error("the check says that all is well")
			}
			p, q := piece("jose@customer.example"), piece("ana@customer.example")
			for _, o := range send(t, c, p, q) {
				if o.State != notify.Queued || o.Code != row.code || !strings.Contains(o.Says, row.says) || strings.Contains(o.Says, "right") || strings.Contains(o.Says, "wrong") {
					t.Errorf("got %+v", o)
				}
			}
			if n := len(s.Received(t)); n != 0 {
				t.Errorf("%d messages went out", n)
			}
		})
	}
}

// A server's answer becomes a fate that a person can read.
//
// cite: P-23, RFC 3463, 47 CFR 64.2008(d)(3)
func TestAnswers(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{Security: StartTLS})
	c := channel(t, config(s))
	for _, row := range []struct {
		local string
		state notify.State
		code  string
	}{
		{"ana", notify.Sent, "250 2.0.0"},
		{"rcpt.550.5.1.1", notify.Bounced, "550 5.1.1"},
		{"rcpt.550.5.1.10", notify.Bounced, "550 5.1.10"},
		{"rcpt.550.5.2.1", notify.Bounced, "550 5.2.1"},
		{"rcpt.552.5.2.2", notify.Bounced, "552 5.2.2"},
		{"rcpt.550", notify.Bounced, "550"},
		{"rcpt.553", notify.Bounced, "553"},
		{"rcpt.550.5.7.1", notify.Failed, "550 5.7.1"},
		{"rcpt.550.5.1.8", notify.Failed, "550 5.1.8"},
		{"rcpt.554", notify.Failed, "554"},
		{"rcpt.450.4.2.1", notify.Queued, "450 4.2.1"},
		{"rcpt.451", notify.Queued, "451"},
		{"rcpt.421.4.3.2", notify.Queued, "421 4.3.2"},
		{"data.554.5.7.1", notify.Failed, "554 5.7.1"},
		{"data.550.5.1.1", notify.Bounced, "550 5.1.1"},
		{"data.550", notify.Failed, "550"},
		{"data.451.4.3.0", notify.Queued, "451 4.3.0"},
		{"bea", notify.Sent, "250 2.0.0"},
	} {
		p := piece(row.local + "@customer.example")
		if o := send(t, c, p)[p.ID]; o.State != row.state || o.Code != row.code || o.Says == "" {
			t.Errorf("%s: got %+v, want %s %s", row.local, o, row.state, row.code)
		}
	}
	// All over one connection: no answer to one message touches another.
	pieces := []notify.Piece{piece("a@customer.example"), piece("rcpt.550.5.1.1@customer.example"), piece("b@customer.example"), piece("data.554.5.7.1@customer.example"), piece("c@customer.example")}
	c = channel(t, config(s, func(c *Config) { c.Connections = 1 }))
	before := len(s.Received(t))
	all := send(t, c, pieces...)
	var got []notify.State
	for _, p := range pieces {
		got = append(got, all[p.ID].State)
	}
	if want := []notify.State{notify.Sent, notify.Bounced, notify.Sent, notify.Failed, notify.Sent}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	kept := s.Received(t)[before:]
	if len(kept) != 3 || kept[0].Connection != kept[2].Connection {
		t.Errorf("%d messages; they came over several connections", len(kept))
	}
}

// A server that relays nothing says so with the code of an unknown mailbox; no customer's address is called bad for that.
//
// cite: 47 CFR 64.2008(d)(3)
func TestRelayingDeniedIsNoBounce(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{Security: StartTLS, Says: "relaying denied"})
	p := piece("rcpt.550@customer.example")
	if o := send(t, channel(t, config(s)), p)[p.ID]; o.State != notify.Failed {
		t.Errorf("got %+v", o)
	}
}

// A server that refuses our sender fails the message, and does not blame the address.
func TestRefusedSender(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{Security: StartTLS, Mail: "550 5.7.1 not from you"})
	p := piece("ana@customer.example")
	if o := send(t, channel(t, config(s)), p)[p.ID]; o.State != notify.Failed || o.Code != "550 5.7.1" {
		t.Errorf("got %+v", o)
	}
}

// When nobody answers every message is to be tried again, none is lost, and none is doubled once somebody does.
//
// cite: P-23
func TestServerAway(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{Security: StartTLS})
	c := channel(t, config(s))
	s.Kill()
	var pieces []notify.Piece
	for i := range 50 {
		pieces = append(pieces, piece(fmt.Sprintf("c%d@customer.example", i)))
	}
	if err := c.Check(t.Context()); err == nil {
		t.Error("the check says that all is well")
	}
	all := send(t, c, pieces...)
	for _, p := range pieces {
		if o := all[p.ID]; o.State != notify.Queued || o.Code != "network" {
			t.Fatalf("got %+v", o)
		}
	}
	s.Restart(t)
	for id, o := range send(t, c, pieces...) {
		if o.State != notify.Sent {
			t.Fatalf("%s: got %+v", id, o)
		}
	}
	seen := map[string]int{}
	for _, l := range s.Received(t) {
		seen[l.To[0]]++
	}
	for i := range 50 {
		if n := seen[fmt.Sprintf("c%d@customer.example", i)]; n != 1 {
			t.Errorf("customer %d has it %d times", i, n)
		}
	}
}

// A server that dies in the middle of a message leaves that one and those behind it to be tried again.
//
// cite: P-23
func TestServerDies(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{Security: StartTLS})
	c := channel(t, config(s, func(c *Config) { c.Connections = 1 }))
	first, fatal, last := piece("a@customer.example"), piece("die@customer.example"), piece("z@customer.example")
	all := send(t, c, first, fatal, last)
	if o := all[first.ID]; o.State != notify.Sent {
		t.Errorf("the first: %+v", o)
	}
	if o := all[fatal.ID]; o.State != notify.Queued || o.Code != "unanswered" {
		t.Errorf("the one in the middle: %+v", o)
	}
	if o := all[last.ID]; o.State != notify.Queued || o.Code != "network" {
		t.Errorf("the last: %+v", o)
	}
	// The same message again has the same name, by which a server that had taken it could tell.
	s.Died()
	s.Restart(t)
	late := piece("late@customer.example")
	if o := send(t, c, late)[late.ID]; o.State != notify.Queued || o.Code != "unanswered" {
		t.Errorf("the one without an answer: %+v", o)
	}
	s.Died()
	s.Restart(t)
	late.Attempt = 2
	late.To = "late@customer.example"
	send(t, c, late)
	s.Died()
	var names []string
	for _, l := range s.Received(t) {
		if l.To[0] == "late@customer.example" {
			names = append(names, header(t, l.Content).Get("Message-ID"))
		}
	}
	if len(names) != 2 || names[0] != names[1] {
		t.Errorf("the attempts have the names %q", names)
	}
}

// A server that falls silent is left, before another node takes what it was given for lost; so is one when the program is
// told to stop.
//
// cite: P-23, I-10
func TestServerFallsSilent(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{Security: StartTLS})
	for _, row := range []struct {
		name   string
		have   patience
		cancel bool
	}{
		{"time is up", patience{begin: time.Second, end: time.Millisecond, grace: time.Hour}, false},
		{"told to stop", patience{begin: time.Hour, end: time.Hour, grace: time.Millisecond}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := channel(t, config(s, func(c *Config) { c.Connections = 1 }))
			c.patience = row.have
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			mute, behind := piece("mute@customer.example"), piece("behind@customer.example")
			before := piece("before@customer.example")
			got := map[cpni.ID]notify.Outcome{}
			c.Send(ctx, []notify.Piece{before, mute, behind}, func(p notify.Piece, o notify.Outcome) {
				got[p.ID] = o
				if row.cancel {
					go func() { // while the next one is being said
						time.Sleep(500 * time.Millisecond)
						cancel()
					}()
				}
			})
			if got[before.ID].State != notify.Sent || got[mute.ID].State != notify.Queued || got[mute.ID].Code != "unanswered" {
				t.Errorf("got %+v", got)
			}
			if _, told := got[behind.ID]; told {
				t.Error("one that was never begun is told of")
			}
		})
	}
	// One that does not even greet keeps a check for as long as that may take, and no longer.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := channel(t, config(s, func(c *Config) { c.Port = l.Addr().(*net.TCPAddr).Port }))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.Check(ctx); err == nil {
		t.Error("the check says that all is well")
	}
}

// A connection that the server has had enough of is replaced by another, in the middle of a batch.
func TestConnectionsAreOpenedAgain(t *testing.T) {
	for _, enough := range []string{"421 4.7.0 bye", "452 4.5.3 too many messages"} {
		s := mailtest.Start(t, mailtest.Options{Security: StartTLS, PerLine: 3, Enough: enough})
		var pieces []notify.Piece
		for i := range 20 {
			pieces = append(pieces, piece(fmt.Sprintf("c%d@customer.example", i)))
		}
		for id, o := range send(t, channel(t, config(s, func(c *Config) { c.Connections = 2 })), pieces...) {
			if o.State != notify.Sent {
				t.Errorf("%s: %+v", id, o)
			}
		}
		if n := len(s.Received(t)); n != 20 {
			t.Errorf("%s: %d messages came in", enough, n)
		}
	}
}

// Who is told to stop leaves what was not begun as it was.
func TestStops(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{Security: StartTLS})
	c := channel(t, config(s, func(c *Config) { c.Connections = 1 }))
	ctx, cancel := context.WithCancel(t.Context())
	var pieces []notify.Piece
	for i := range 20 {
		pieces = append(pieces, piece(fmt.Sprintf("c%d@customer.example", i)))
	}
	told := 0
	c.Send(ctx, pieces, func(notify.Piece, notify.Outcome) {
		told++
		cancel()
	})
	if n := len(s.Received(t)); told != 1 || n != 1 {
		t.Errorf("%d told, %d went out", told, n)
	}
	if got := sendWith(t, ctx, c, pieces...); len(got) != 0 {
		t.Errorf("%d were told after the end", len(got))
	}
}

// A server that knows DSN is asked for word of what becomes of a message, and told its name.
//
// cite: P-23, RFC 3461
func TestDeliveryStatusIsAskedFor(t *testing.T) {
	for _, row := range []struct {
		dsn, receipts bool
		notify        string
	}{{true, false, "NOTIFY=FAILURE,DELAY"}, {true, true, "NOTIFY=FAILURE,DELAY,SUCCESS"}, {false, true, ""}} {
		s := mailtest.Start(t, mailtest.Options{Security: StartTLS, DSN: row.dsn})
		p := piece("jose+a=b@customer.example")
		if o := send(t, channel(t, config(s, func(c *Config) { c.Receipts = row.receipts })), p)[p.ID]; o.State != notify.Sent {
			t.Fatalf("got %+v", o)
		}
		l := s.Received(t)[0]
		mail, rcpt := strings.Fields(l.Mail), strings.Fields(l.Rcpt)
		for _, want := range []string{"RET=HDRS", "ENVID=" + string(p.ID)} {
			if slices.Contains(mail, want) != row.dsn {
				t.Errorf("MAIL %s", l.Mail)
			}
		}
		if row.dsn && (!slices.Contains(rcpt, row.notify) || !slices.Contains(rcpt, "ORCPT=rfc822;jose+2Ba+3Db@customer.example")) || !row.dsn && strings.Contains(l.Rcpt, "NOTIFY") {
			t.Errorf("RCPT %s", l.Rcpt)
		}
	}
}

// An address in other letters goes as far as the server can carry it, and SMTPUTF8 is said only where it is needed.
//
// cite: RFC 6531
func TestWideAddresses(t *testing.T) {
	for _, row := range []struct {
		utf8 bool
		to   string
		goes string
		wide bool
		code string
	}{
		{true, "jose@cliente-español.example", "jose@xn--cliente-espaol-1nb.example", false, "250 2.0.0"},
		{true, "josé@customer.example", "josé@customer.example", true, "250 2.0.0"},
		{true, "jose@customer.example", "jose@customer.example", false, "250 2.0.0"},
		{false, "josé@customer.example", "", false, "SMTPUTF8"},
	} {
		s := mailtest.Start(t, mailtest.Options{Security: StartTLS, UTF8: row.utf8})
		p := piece(row.to)
		if o := send(t, channel(t, config(s)), p)[p.ID]; o.Code != row.code || (o.State == notify.Sent) != (row.goes != "") {
			t.Errorf("%s: got %+v", row.to, o)
			continue
		}
		if row.goes == "" {
			continue
		}
		l := s.Received(t)[0]
		if l.To[0] != row.goes || strings.Contains(l.Mail, "SMTPUTF8") != row.wide {
			t.Errorf("%s: went to %s with MAIL %s", row.to, l.To[0], l.Mail)
		}
	}
}

// BenchmarkNotices sends signed notices to a real server on this machine, over STARTTLS.
func BenchmarkNotices(b *testing.B) {
	for _, connections := range []int{1, 4} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			s := mailtest.Start(b, mailtest.Options{Security: StartTLS, DSN: true, Discard: true})
			c := channel(b, config(s, func(c *Config) {
				c.Connections, c.Batch = connections, 500
				c.DKIM = keys(b)
			}))
			pieces := make([]notify.Piece, b.N)
			for i := range pieces {
				pieces[i] = piece(fmt.Sprintf("c%d@customer.example", i))
			}
			var mu sync.Mutex
			sent := 0
			b.ResetTimer()
			for batch := range slices.Chunk(pieces, c.Batch()) {
				c.Send(b.Context(), batch, func(_ notify.Piece, o notify.Outcome) {
					mu.Lock()
					defer mu.Unlock()
					if o.State == notify.Sent {
						sent++
					}
				})
			}
			b.StopTimer()
			if sent != b.N {
				b.Fatalf("%d of %d went out", sent, b.N)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "notices/s")
		})
	}
}
