package voice

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ringfence/internal/cpni"
)

// calls tries a line of the carrier's own at a port.
func calls(t testing.TB, port int, keys string) (Tried, error) {
	t.Helper()
	return Try(t.Context(), Config{Switch: fmt.Sprintf("127.0.0.1:%d", port), From: "+12125550100", Name: "Carrier", Dial: Dial{Format: "digits"}}, cpni.ClockFunc(time.Now), customer, keys, 8*time.Second)
}

// A line is called as a customer would: it answers, is heard, takes the keys and is let go; what keeps it from that is told apart.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v)
func TestTryingALine(t *testing.T) {
	t.Parallel()
	t.Run("it works", func(t *testing.T) {
		t.Parallel()
		p := answering(t, words(stillness(200*time.Millisecond), voiceOf(t, "en", sentence), stillness(60*time.Second)))
		got, err := calls(t, p.port, "1,2#")
		if err != nil || got.Keys != 3 || got.Heard == 0 || got.Hung || !got.Goodbye {
			t.Errorf("%+v, %v", got, err)
		}
		p.saw("Call established")
	})
	t.Run("it is busy or down", func(t *testing.T) {
		t.Parallel()
		port, done := playing(t, 1, nil, receive("INVITE"), respond("100 Trying"), refuses("503 Service Unavailable"), receive("ACK"))
		if _, err := calls(t, port, "1"); !errors.Is(err, ErrTurnedOff) {
			t.Errorf("503: %v", err)
		}
		done()
	})
	t.Run("nobody answers", func(t *testing.T) {
		t.Parallel()
		late := `<send><![CDATA[
SIP/2.0 487 Request Terminated
[last_Via:]
[last_From:]
[last_To:];tag=switch[call_number]
[last_Call-ID:]
CSeq:[$6] INVITE
Content-Length: 0

]]></send>
`
		port, done := playing(t, 1, nil, receive("INVITE", `<ereg regexp=" *[0-9]+" search_in="hdr" header="CSeq:" assign_to="6"/>`), respond("180 Ringing"), receive("CANCEL"), respond("200 OK"), late, receive("ACK"))
		if _, err := calls(t, port, "1"); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("it rings: %v", err)
		}
		done()
	})
	t.Run("it is silent", func(t *testing.T) {
		t.Parallel()
		port, done := playing(t, 1, nil, receive("INVITE"), answered, receive("ACK"), receive("BYE"), respond("200 OK"))
		if _, err := calls(t, port, "1"); !errors.Is(err, ErrNoVoice) {
			t.Errorf("nothing is heard: %v", err)
		}
		done()
	})
	t.Run("there is no switch", func(t *testing.T) {
		t.Parallel()
		if _, err := calls(t, freePorts(t, 2), "1"); !errors.Is(err, ErrNoLine) {
			t.Errorf("nobody listens: %v", err)
		}
	})
	for keys, can := range map[string]bool{"": true, "1,2#*": true, "1 2": false, "p": false} {
		if Keys(keys) != can {
			t.Errorf("%q can be pressed: %v", keys, !can)
		}
	}
}
