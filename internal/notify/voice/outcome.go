package voice

import (
	"errors"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/internal/notify"
)

// The words for what happened that is no SIP response.
const (
	codeSpoken    = "SPOKEN"
	codeMachine   = "MACHINE"       // it took the call, and there was nothing that it may hear
	codeNoBeep    = "NO_BEEP"       // a machine that never recorded
	codeHungUp    = "HUNG_UP"       // before all was said
	codeNoKey     = "NO_KEY"        // the key that was asked for was not pressed
	codeNobody    = "NOBODY_SPOKE"  // somebody answered and did not speak: nobody can tell who hears
	codeForwarded = "FORWARDED"     // the call went to another number
	codeLost      = "LOST"          // the switch was gone in the middle of a call
	codeTooLong   = "TOO_LONG"      // longer than the longest call
	codeNoSwitch  = "NO_SWITCH"     // the switch does not answer
	codeNoSound   = "NO_SOUND"      // the switch and we have no codec in common, or no port is free
	codeNoRecord  = "NO_RECORDING"  // nothing can say it
	codeSpeech    = "SPEECH_FAILED" // the command that synthesises has failed
	codeNumber    = "NO_NUMBER"     // it is none
)

// rangOut is what a call ends with that we have taken back after the ring time.
var errRangOut = errors.New("nobody answered within voice.ring")

// refusal is what a final response of the switch other than 2xx means.
//
// A redirection is not followed: nobody but the number of record is rung.
//
// cite: P-20, 47 CFR 64.2003(q)
func (c *Channel) refusal(r *sip.Response) notify.Outcome {
	o := notify.Outcome{State: notify.Queued, Code: strconv.Itoa(r.StatusCode), Says: r.Reason, After: retryAfter(r)}
	ended := func(how string, state notify.State) notify.Outcome {
		o.Call, o.State = &notify.Call{Ended: how}, state
		if state == notify.Queued && o.After == 0 {
			o.After = c.config.Again
		}
		if state != notify.Queued {
			o.After = 0
		}
		return o
	}
	switch code := r.StatusCode; {
	case code >= 300 && code < 400:
		return ended(notify.Unreachable, notify.Bounced)
	case code == 486 || code == 600:
		return ended(notify.Busy, notify.Queued)
	case code == 408 || code == 480 || code == 487:
		return ended(notify.NoAnswer, notify.Queued)
	case code == 603 || code == 403:
		return ended(notify.Refused, notify.Queued)
	case code == 607: // unwanted (RFC 8197): the customer has said that no such call shall come again
		return ended(notify.Refused, notify.Failed)
	case code == 404 || code == 410 || code == 484 || code == 604:
		return ended(notify.Unreachable, notify.Bounced)
	default: // the switch's own trouble, or what it thinks of us
		return o
	}
}

// retryAfter is when the other side would like to be called again; 0: it has not said.
func retryAfter(r *sip.Response) time.Duration {
	h := r.GetHeader("Retry-After")
	if h == nil {
		return 0
	}
	digits := 0
	for digits < len(h.Value()) && h.Value()[digits] >= '0' && h.Value()[digits] <= '9' {
		digits++
	}
	n, err := strconv.Atoi(h.Value()[:digits])
	if err != nil || n > 24*3600 {
		return 0
	}
	return time.Duration(n) * time.Second
}
