package voice

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/internal/notify"
)

// script of sipp, which plays the switch.
func receive(method string, actions ...string) string {
	return fmt.Sprintf("<recv request=%q crlf=\"true\"><action>%s</action></recv>\n", method, strings.Join(actions, ""))
}

// header is an action that wants a header to be so.
func header(name, pattern, variable string) string {
	return fmt.Sprintf(`<ereg regexp=%q search_in="hdr" header="%s:" check_it="true" assign_to=%q/>`, pattern, name, variable)
}

func respond(status string, more ...string) string {
	return fmt.Sprintf(`<send><![CDATA[
SIP/2.0 %s
[last_Via:]
[last_From:]
[last_To:];tag=switch[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:switch@[local_ip]:[local_port]>
%s]]></send>
`, status, strings.Join(more, "\n")+"\nContent-Length: 0\n\n")
}

// refuses ends a call that was not answered: a switch says so until it hears that it was heard (RFC 3261, 17.2.1).
func refuses(status string, more ...string) string {
	return strings.Replace(respond(status, more...), "<send>", `<send retrans="500">`, 1)
}

// answered is 200 with a description of sound that nobody sends.
const answered = `<send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=switch[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:switch@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000

]]></send>
`

// request is one that the switch sends within a call whose From header stands in variable 1.
func request(method, body, kind string) string {
	content := "Content-Length: 0\n\n"
	if body != "" {
		content = "Content-Type: " + kind + "\nContent-Length: [len]\n\n" + body + "\n"
	}
	return fmt.Sprintf(`<send retrans="500"><![CDATA[
%s sip:ringfence@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:switch@[local_ip]>;tag=switch[call_number]
To:[$1]
[last_Call-ID:]
CSeq: [cseq] %s
Max-Forwards: 70
Contact: <sip:switch@[local_ip]:[local_port]>
%s]]></send>
`, method, method, content)
}

// playing starts sipp as the switch, for so many calls.
func playing(t testing.TB, calls int, args []string, steps ...string) (port int, done func()) {
	t.Helper()
	path := program(t, "sipp", "sip-tester")
	dir := t.TempDir()
	file := filepath.Join(dir, "scenario.xml")
	text := `<?xml version="1.0" encoding="ISO-8859-1" ?><!DOCTYPE scenario SYSTEM "sipp.dtd"><scenario name="switch">` + "\n" + strings.Join(steps, "") + "</scenario>\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	port = freePorts(t, 14)
	run, lines := start(t, dir, path, append([]string{"-sf", file, "-i", "127.0.0.1", "-p", fmt.Sprint(port), "-m", fmt.Sprint(calls), "-nostdin",
		"-trace_err", "-timeout", "90", "-timeout_error", "-mp", fmt.Sprint(port + 2), "-mi", "127.0.0.1"}, args...)...)
	// To try the port would be to take it from sipp; the system knows who has it.
	for n := 0; ; n++ {
		open, err := os.ReadFile("/proc/net/udp")
		if err != nil || n > 1000 {
			t.Fatal("sipp did not begin to listen", err)
		}
		if strings.Contains(string(open), fmt.Sprintf(" 0100007F:%04X ", port)) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return port, func() {
		t.Helper()
		said := ""
		for line := range lines {
			said += line + "\n"
		}
		_ = run.Wait()
		if code := run.ProcessState.ExitCode(); code != 0 {
			trouble, _ := filepath.Glob(filepath.Join(dir, "*errors.log"))
			for _, name := range trouble {
				b, _ := os.ReadFile(name)
				said += string(b)
			}
			t.Errorf("the switch was not content (%d): %s", code, said[max(len(said)-4000, 0):])
		}
	}
}

// TestRefusals tells apart why a call does not come about.
//
// cite: P-20, 47 CFR 64.2003(q)
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status string
		more   string
		want   notify.Outcome
		ended  string // "": there was no call
	}{
		{"486 Busy Here", "", notify.Outcome{State: notify.Queued, After: 10 * time.Minute}, notify.Busy},
		{"600 Busy Everywhere", "Retry-After: 90 (at lunch)", notify.Outcome{State: notify.Queued, After: 90 * time.Second}, notify.Busy},
		{"480 Temporarily Unavailable", "", notify.Outcome{State: notify.Queued, After: 10 * time.Minute}, notify.NoAnswer},
		{"408 Request Timeout", "", notify.Outcome{State: notify.Queued, After: 10 * time.Minute}, notify.NoAnswer},
		{"603 Decline", "", notify.Outcome{State: notify.Queued, After: 10 * time.Minute}, notify.Refused},
		{"403 Forbidden", "", notify.Outcome{State: notify.Queued, After: 10 * time.Minute}, notify.Refused},
		{"607 Unwanted", "", notify.Outcome{State: notify.Failed}, notify.Refused},
		{"404 Not Found", "", notify.Outcome{State: notify.Bounced}, notify.Unreachable},
		{"484 Address Incomplete", "", notify.Outcome{State: notify.Bounced}, notify.Unreachable},
		{"604 Does Not Exist Anywhere", "", notify.Outcome{State: notify.Bounced}, notify.Unreachable},
		{"302 Moved Temporarily", "", notify.Outcome{State: notify.Bounced}, notify.Unreachable}, // P-20: nobody else is rung
		{"503 Service Unavailable", "Retry-After: 120", notify.Outcome{State: notify.Queued, After: 2 * time.Minute}, ""},
		{"500 Server Internal Error", "", notify.Outcome{State: notify.Queued}, ""},
		{"401 Unauthorized", "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"", notify.Outcome{State: notify.Queued}, ""},
		{"488 Not Acceptable Here", "", notify.Outcome{State: notify.Queued}, ""},
	} {
		t.Run(c.status, func(t *testing.T) {
			t.Parallel()
			var more []string
			if c.more != "" {
				more = append(more, c.more)
			}
			p := message(notify.Spoken{Text: sentence})
			port, done := playing(t, 1, nil, receive("INVITE",
				header("X-Ringfence-Message", " *"+string(p.ID), "1"), header("X-Ringfence-Attempt", " *1", "2"), header("Call-ID", " *"+string(p.ID)+"-1@", "3"),
				header("From", ".*Carrier.*sip:.12125550100@", "4"), header("To", ".*sip:12125550123@", "5"))+`<Reference variables="1,2,3,4,5"/>`,
				respond("100 Trying"), refuses(c.status, more...), receive("ACK"))
			o := send(t, carrier(t, port, nil), p)[0]
			done()
			if o.State != c.want.State || o.After != c.want.After || o.Code != c.status[:3] || o.Says != c.status[4:] {
				t.Errorf("outcome %+v", o)
			}
			switch {
			case c.ended == "" && o.Call != nil:
				t.Errorf("there was no call, but it is told of %+v", o.Call)
			case c.ended != "" && (o.Call == nil || o.Call.Ended != c.ended):
				t.Errorf("the call ended %+v, not %s", o.Call, c.ended)
			}
		})
	}
}

// TestNobodyAnswers takes the call back after the ring time, once cleanly and once when the answer crosses it: then the
// telephone must not stay off the hook.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	late := func(status string) string {
		return strings.Replace(strings.Replace(status, "[last_CSeq:]", "CSeq:[$6] INVITE", 1), ` retrans="500"`, "", 1)
	}
	for name, end := range map[string][]string{
		"taken back":         {late(respond("487 Request Terminated")), receive("ACK")},
		"answered meanwhile": {late(answered), receive("ACK"), receive("BYE"), respond("200 OK")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, done := playing(t, 1, nil, append([]string{receive("INVITE", `<ereg regexp=" *[0-9]+" search_in="hdr" header="CSeq:" assign_to="6"/>`),
				respond("180 Ringing"), receive("CANCEL"), respond("200 OK")}, end...)...)
			o := send(t, carrier(t, port, func(c *Config) { c.Ring = 5 * time.Second }), message(notify.Spoken{Text: sentence}))[0]
			done()
			if o.State != notify.Queued || o.Call == nil || o.Call.Ended != notify.NoAnswer || o.After == 0 {
				t.Errorf("outcome %+v %+v", o, o.Call)
			}
		})
	}
}

// TestRingsOften waits on while a switch says again and again that it rings.
func TestRingsOften(t *testing.T) {
	t.Parallel()
	steps := []string{receive("INVITE")}
	for range 25 {
		steps = append(steps, respond("180 Ringing"))
	}
	port, done := playing(t, 1, nil, append(steps, respond("486 Busy Here"), receive("ACK"))...)
	o := send(t, carrier(t, port, nil), message(notify.Spoken{Text: sentence}))[0]
	done()
	if o.Call == nil || o.Call.Ended != notify.Busy {
		t.Errorf("outcome %+v", o)
	}
}

// TestNoSwitch calls where nobody is: the message waits.
func TestNoSwitch(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			c := carrier(t, freePorts(t, 1), func(c *Config) { c.Transport = transport })
			if err := c.Check(t.Context()); err == nil {
				t.Error("the check says that all is well")
			}
			o := send(t, c, message(notify.Spoken{Text: sentence}))[0]
			if o.State != notify.Queued || o.Code != codeNoSwitch || o.Call != nil {
				t.Errorf("outcome %+v", o)
			}
		})
	}
}

// TestForwarded keeps a code from a number to which the switch forwards the call, and still leaves a notice there.
//
// cite: P-20, 47 CFR 64.2003(q)
func TestForwarded(t *testing.T) {
	t.Parallel()
	// A telephone takes longer to be answered than two datagrams take to overtake each other.
	steps := []string{receive("INVITE"), respond("181 Call Is Being Forwarded"), `<pause milliseconds="300"/>`, answered, receive("ACK"), receive("BYE"), respond("200 OK")}
	t.Run("code", func(t *testing.T) {
		t.Parallel()
		port, done := playing(t, 1, nil, steps...)
		o := send(t, carrier(t, port, nil), message(notify.Spoken{Text: thanks}, notify.Spoken{Digits: "1", NotOnMachine: true}))[0]
		done()
		if o.State != notify.Bounced || o.Code != codeForwarded {
			t.Errorf("outcome %+v", o)
		}
	})
	t.Run("notice", func(t *testing.T) {
		t.Parallel()
		port, done := playing(t, 1, nil, steps...)
		o := send(t, carrier(t, port, nil), message(notify.Spoken{Text: thanks}))[0]
		done()
		if o.State != notify.Delivered || o.Call.Ended != notify.Answered {
			t.Errorf("outcome %+v", o)
		}
	})
}

// TestPassword answers the switch's question for the password, to a call and to a registration.
func TestPassword(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(c *Config) { c.User, c.PasswordFile = "ringfence", file }
	verify := `<verifyauth assign_to="1" username="ringfence" password="open sesame"/>`
	question := "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"47364c23432d2e131a5fb210812c\", algorithm=MD5, qop=\"auth\""
	steps := func(method string, after ...string) []string {
		challenge := []string{receive(method), respond("401 Unauthorized", question)}
		if method == "INVITE" {
			challenge = append(challenge, receive("ACK"))
		}
		return append(append(challenge, receive(method, verify), `<nop condexec="1" condexec_inverse="true"><action><error message="the password is wrong"/></action></nop>`), after...)
	}
	t.Run("call", func(t *testing.T) {
		t.Parallel()
		port, done := playing(t, 1, nil, steps("INVITE", respond("486 Busy Here"), receive("ACK"))...)
		o := send(t, carrier(t, port, with), message(notify.Spoken{Text: sentence}))[0]
		done()
		if o.Call == nil || o.Call.Ended != notify.Busy {
			t.Errorf("outcome %+v", o)
		}
	})
	t.Run("registration", func(t *testing.T) {
		t.Parallel()
		port, done := playing(t, 1, nil, steps("REGISTER", respond("200 OK", "Expires: 600"))...)
		carrier(t, port, func(c *Config) { with(c); c.Register = 10 * time.Minute })
		done()
	})
}

// TestWithinCall is what a switch may ask within a call: to send the sound elsewhere, and a key by SIP INFO, which opens
// what is behind it although nobody has spoken.
//
// cite: P-20, 47 CFR 64.2010(b)
func TestWithinCall(t *testing.T) {
	t.Parallel()
	quiet := filepath.Join(t.TempDir(), "quiet.alaw")
	if err := os.WriteFile(quiet, bytes.Repeat([]byte{0xD5}, 80000), 0o600); err != nil {
		t.Fatal(err)
	}
	port, done := playing(t, 1, nil, receive("INVITE", `<ereg regexp=".*" search_in="hdr" header="From:" assign_to="1"/>`), respond("100 Trying"), answered, receive("ACK"),
		`<nop><action><exec rtp_stream="`+quiet+`,-1,8"/></action></nop>`,
		request("INVITE", "v=0\no=- 1 2 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 0 96\na=rtpmap:96 telephone-event/8000\na=sendrecv\n", "application/sdp"),
		`<recv response="100" optional="true"/><recv response="200"><action><ereg regexp="m=audio [0-9]+ RTP/AVP 0 8 96" search_in="body" check_it="true" assign_to="2"/></action></recv>`,
		strings.Replace(request("ACK", "", ""), ` retrans="500"`, "", 1),
		`<Reference variables="2"/><pause milliseconds="6000"/>`,
		request("INFO", "Signal=5\nDuration=160", "application/dtmf-relay"), `<recv response="200"/>`,
		receive("BYE"), respond("200 OK"))
	o := send(t, carrier(t, port, nil), message(notify.Spoken{Text: thanks, Key: "5"}, notify.Spoken{Digits: "7", NotOnMachine: true}))[0]
	done()
	if o.State != notify.Delivered || o.Call.Pressed != "5" {
		t.Errorf("outcome %+v %+v", o, o.Call)
	}
}
