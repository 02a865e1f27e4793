package voice

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

const described = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\na=sendonly\r\n"

// TestRemoteOf reads where a switch wants its sound, and refuses what we cannot send.
func TestRemoteOf(t *testing.T) {
	r, err := remoteOf([]byte(described))
	if err != nil {
		t.Fatal(err)
	}
	if r.to != netip.MustParseAddrPort("192.0.2.1:4000") || r.control.Port() != 4001 || !r.aLaw || r.keys != 96 || r.answering() != "recvonly" {
		t.Errorf("read as %+v", r)
	}
	if r, err := remoteOf([]byte(strings.Replace(described, "a=sendonly", "c=IN IP4 192.0.2.9", 1))); err != nil || r.to.Addr() != netip.MustParseAddr("192.0.2.9") || r.answering() != "sendrecv" {
		t.Errorf("the address of the audio is not taken: %+v, %v", r, err)
	}
	for _, change := range [][2]string{{"m=audio 4000", "m=audio 0"}, {"m=audio 4000", "m=audio 65535"}, {"m=audio", "m=video"}, {"8 0 96", "18 96"}, {"RTP/AVP", "RTP/SAVP"},
		{"c=IN IP4 192.0.2.1\r\n", ""}, {"c=IN IP4 192.0.2.1", "c=IN IP6 2001:db8::1"}, {"c=IN IP4 192.0.2.1", "c=IN IP4 sbc.carrier.example"}, {"v=0", "hello"}} {
		if r, err := remoteOf([]byte(strings.Replace(described, change[0], change[1], 1))); err == nil {
			t.Errorf("%s instead of %s is read as %+v", change[1], change[0], r)
		}
	}
}

func FuzzRemoteOf(f *testing.F) {
	f.Add([]byte(described))
	f.Add([]byte("v=0\n\nm=audio\nc=IN\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := remoteOf(b); err == nil && (!r.to.IsValid() || r.control.Port() != r.to.Port()+1) {
			t.Errorf("%q is read as %+v", b, r)
		}
	})
}

// TestKeysOf reads keys from events and from INFO.
//
// cite: P-20, 47 CFR 64.2010(b)
func TestKeysOf(t *testing.T) {
	for _, c := range []struct {
		event []byte
		want  rune
	}{{[]byte{0, 10, 0, 160}, '0'}, {[]byte{11, 0x8A, 3, 0x20}, '#'}, {[]byte{15, 0, 0, 0}, 'D'}, {[]byte{16, 0, 0, 0}, 0}, {[]byte{1, 2, 3}, 0}, {nil, 0}} {
		if got := keyOf(c.event); got != c.want {
			t.Errorf("event %v is key %q", c.event, got)
		}
	}
	for _, c := range []struct {
		kind, body string
		want       rune
	}{
		{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", '5'}, {"application/dtmf-relay", "Duration=160\nsignal = #\n", '#'},
		{"Application/DTMF", "*", '*'}, {"application/dtmf", "11", 0}, {"application/dtmf-relay", "5", 0}, {"text/plain", "5", 0}, {"", "5", 0},
	} {
		req := sip.NewRequest(sip.INFO, sip.Uri{Scheme: "sip", Host: "x"})
		if c.kind != "" {
			req.AppendHeader(sip.NewHeader("Content-Type", c.kind))
		}
		req.SetBody([]byte(c.body))
		if got := infoKey(req); got != c.want {
			t.Errorf("%s %q is key %q", c.kind, c.body, got)
		}
	}
}
