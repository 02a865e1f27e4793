package mail

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringfence/internal/notify"
	"ringfence/internal/notify/mail/mailtest"
)

func header(t testing.TB, content []byte) netmail.Header {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header
}

// part is a leaf of a message as a reader sees it.
type part struct{ kind, name, text string }

// parts reads a message with Go's own reader, which did not write it.
func parts(t testing.TB, header func(string) string, body io.Reader) []part {
	t.Helper()
	kind, params, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		var all []part
		for r := multipart.NewReader(body, params["boundary"]); ; {
			p, err := r.NextRawPart()
			if err == io.EOF {
				return all
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, parts(t, p.Header.Get, p)...)
		}
	}
	switch header("Content-Transfer-Encoding") {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	_, d, _ := mime.ParseMediaType(header("Content-Disposition"))
	name, err := new(mime.WordDecoder).DecodeHeader(d["filename"])
	if err != nil {
		t.Fatal(err)
	}
	return []part{{kind, name, strings.ReplaceAll(string(text), "\r\n", "\n")}}
}

// What arrives is what was written: letters of Spanish, a line of one dot, both forms, and the enclosure.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)(2), RFC 2047, RFC 3834
func TestArrivesAsWritten(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{Security: StartTLS})
	p := piece("jose@customer.example")
	p.Enclosed = []notify.Enclosure{{Name: "Sus llamadas – enero.pdf", Type: "application/pdf", Bytes: []byte("%PDF-1.7\r\n\x00\xff.\r\n.\r\n")}}
	if o := send(t, channel(t, config(s)), p)[p.ID]; o.State != notify.Sent {
		t.Fatalf("got %+v", o)
	}
	raw := s.Received(t)[0].Content
	if i := slices.IndexFunc(raw, func(b byte) bool { return b > 127 }); i >= 0 {
		t.Errorf("a byte that an old server would break, at %d", i)
	}
	for _, line := range bytes.Split(raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n") {
			t.Errorf("a line of %d bytes, or with an end in it", len(line))
		}
	}
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	words := new(mime.WordDecoder)
	for name, want := range map[string]string{
		"Subject": p.Subject, "From": `"Example Telephone" <privacy@carrier.example>`, "Date": "Mon, 02 Mar 2026 15:04:05 +0000",
		"Message-ID": "<" + string(p.ID) + "@mail.carrier.example>", "Auto-Submitted": "auto-generated", "Content-Language": "es",
		"Reply-To": `"Example Telephone" <replies+` + token + `@mail.carrier.example>`, "MIME-Version": "1.0",
		"X-Mailer": "", "User-Agent": "", "List-Unsubscribe": "", "Return-Receipt-To": "", "Disposition-Notification-To": "",
	} {
		if got, err := words.DecodeHeader(m.Header.Get(name)); err != nil || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	to, err := m.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Name != p.Name || to[0].Address != p.To {
		t.Errorf("To: %v %v", to, err)
	}
	got := parts(t, m.Header.Get, m.Body)
	want := []part{{"text/plain", "", p.Text}, {"text/html", "", p.HTML}, {"application/pdf", p.Enclosed[0].Name, strings.ReplaceAll(string(p.Enclosed[0].Bytes), "\r\n", "\n")}}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// No value, whatever stands in it, adds a line to the header, a recipient or a command.
//
// cite: P-25
func TestNothingCanBeAddedToAHeader(t *testing.T) {
	c := channel(t, Config{Host: "127.0.0.1", Security: None, From: "Example <privacy@carrier.example>"})
	allowed := []string{"Auto-Submitted", "Content-Language", "Content-Type", "Content-Transfer-Encoding", "Date", "From", "Message-Id", "Mime-Version", "Reply-To", "Subject", "To"}
	rapid.Check(t, func(t *rapid.T) {
		nasty := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"x\r\nBcc: thief@evil.example", "x\nBcc: thief@evil.example", "x\rBcc: t@evil.example", "=?utf-8?q?a=0D=0ABcc:_t@evil.example?=",
			"a\u2028Bcc: t@evil.example", "\x00", "\"", "<>", ",", "a, b <t@evil.example>", "\r\n\r\nbody", strings.Repeat("á", 2000), "\r\n.\r\nMAIL FROM:<x@y>",
		}))
		p := piece("jose@customer.example")
		p.Name, p.Subject = nasty.Draw(t, "name"), nasty.Draw(t, "subject")
		p.Language, p.Text = nasty.Draw(t, "language"), nasty.Draw(t, "text")
		p.Enclosed = []notify.Enclosure{{Name: nasty.Draw(t, "file"), Type: nasty.Draw(t, "type"), Bytes: []byte("x")}}
		l, err := c.compose(p)
		if err != nil {
			t.Fatalf("not written: %v", err)
		}
		m, err := netmail.ReadMessage(bytes.NewReader(l.bytes))
		if err != nil {
			t.Fatalf("cannot be read: %v", err)
		}
		for name, values := range m.Header {
			if !slices.Contains(allowed, name) || len(values) != 1 {
				t.Fatalf("the header has %s: %q", name, values)
			}
		}
		to, err := m.Header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != "jose@customer.example" {
			t.Fatalf("it goes to %v: %v", to, err)
		}
		for line := range strings.SplitSeq(string(l.bytes), "\r\n") {
			if strings.ContainsAny(line, "\r\n") {
				t.Fatalf("a line has an end in it: %q", line)
			}
		}
	})
}

// An address that is more than an address is not written to.
//
// cite: P-21
func TestOnlyPlainAddresses(t *testing.T) {
	c := channel(t, Config{Host: "127.0.0.1", Security: None, From: "Example <privacy@carrier.example>"})
	for _, bad := range []string{
		"", "jose", "@customer.example", "jose@", "a@b.example,c@d.example", "José <jose@customer.example>", "<jose@customer.example>",
		"jose@customer.example\r\nRCPT TO:<t@evil.example>", "jose@customer.example>", "\"a b\"@customer.example", "jose@[127.0.0.1]",
		"jose @customer.example", "jose@customer .example", "jose@customer.example ", "jo\u202ese@customer.example", "jose@-.example", "a@b@c.example",
		"jose@customer.example SIZE=1", strings.Repeat("a", 65) + "@customer.example", "jose(comment)@customer.example", "jose@cus\x00tomer.example", "j\xff@customer.example",
	} {
		p := piece(bad)
		if l, err := c.compose(p); err == nil {
			t.Errorf("%q is written to as %q", bad, l.to)
		} else if bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("the error tells the address: %v", err)
		}
	}
	p := piece("jose@customer.example")
	for _, bad := range []string{"", "a b", "a>", "a\r\n", "a+b", strings.Repeat("a", 49)} {
		p.Return = bad
		if _, err := c.compose(p); err == nil {
			t.Errorf("the return token %q is taken", bad)
		}
	}
}

// Wherever it cannot be sent from is said with what to write, and no secret is shown.
func TestConfigurationIsChecked(t *testing.T) {
	good := Config{Host: "mail.carrier.example", From: "Example <privacy@carrier.example>"}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		change func(*Config)
		says   string
	}{
		{func(c *Config) { c.Host = "" }, "messages.email.smtp.host"},
		{func(c *Config) { c.Host = "a b" }, "messages.email.smtp.host"},
		{func(c *Config) { c.Port = 70000 }, "messages.email.smtp.port"},
		{func(c *Config) { c.Security = "ssl" }, "write starttls, tls"},
		{func(c *Config) { c.Security = None }, "not this machine"},
		{func(c *Config) { c.User = "rf" }, "password-file"},
		{func(c *Config) { c.PasswordFile = "/x" }, "user is not"},
		{func(c *Config) { c.User, c.PasswordFile = "r\nf", "/x" }, "one line"},
		{func(c *Config) { c.From = "privacy" }, "messages.email.smtp.from"},
		{func(c *Config) { c.From = "" }, "messages.email.smtp.from"},
		{func(c *Config) { c.From = "Example <no-reply@carrier.example>" }, "nobody reads what is written to it"},
		{func(c *Config) { c.ReturnDomain = "a b" }, "return-domain"},
		{func(c *Config) { c.Hello = "a b" }, "messages.email.smtp.hello"},
		{func(c *Config) { c.Batch = -1 }, "messages.email.smtp.batch"},
		{func(c *Config) { c.Connections = 1000 }, "messages.email.smtp.connections"},
		{func(c *Config) { c.DKIM = []DKIM{{KeyFile: "/x"}} }, "dkim[0].selector"},
		{func(c *Config) { c.DKIM = []DKIM{{Selector: "a"}} }, "dkim[0].key-file"},
		{func(c *Config) { c.DKIM = []DKIM{{Selector: "a", KeyFile: "/x", Domain: "other.example"}} }, "DMARC"},
		{func(c *Config) { c.DKIM = []DKIM{{Selector: "a", KeyFile: "/x"}, {Selector: "a", KeyFile: "/y"}} }, "dkim[1]"},
	} {
		c := good
		row.change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("want something of %q, got %v", row.says, err)
		}
		if _, err := New(c, clock); err == nil {
			t.Errorf("a channel was made of it: %q", row.says)
		}
	}
	for _, row := range []struct {
		change func(*Config)
		says   string
	}{
		{func(c *Config) { c.User, c.PasswordFile = "rf", "/nowhere" }, "password"},
		{func(c *Config) { c.User, c.PasswordFile = "rf", secret(t, "hunter2\nhunter3") }, "several lines"},
		{func(c *Config) { c.CAFile = "/nowhere" }, "ca-file"},
		{func(c *Config) { c.CAFile = secret(t, "hunter2") }, "no certificate"},
		{func(c *Config) { c.DKIM = []DKIM{{Selector: "a", KeyFile: "/nowhere"}} }, "selector a"},
		{func(c *Config) { c.DKIM = []DKIM{{Selector: "a", KeyFile: secret(t, "hunter2")}} }, "not PEM"},
		{func(c *Config) { c.DKIM = []DKIM{{Selector: "a", KeyFile: weakKey(t)}} }, "1024 bits"},
	} {
		c := good
		row.change(&c)
		if _, err := New(c, clock); err == nil || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("want something of %q, got %v", row.says, err)
		}
	}
}
