package smpp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linxGnu/gosmpp/data"

	"ringfence/internal/notify"
)

// Codes of our own, where the centre has said nothing.
const (
	codeNotBound = "not bound"       // no session, so it has not seen the message
	codeLost     = "connection lost" // it may have the message, or not
	codeNoAnswer = "no answer"       // the same
	codeFull     = "held back"       // it had just said that it takes no more
	codeTooLong  = "too long"
	codeEmpty    = "empty"
	codeNoNumber = "no number in E.164"
)

const okStatus = "ESME_ROK"

// How long we leave the centre alone, after what it said.
const (
	pauseThrottled = 2 * time.Second
	pauseFull      = 30 * time.Second
	pauseTrouble   = time.Minute
)

var (
	errNotBound = errors.New("no session with the message centre")
	errHeld     = errors.New("no turn in the time that there was")
	errLost     = errors.New("the session ended before the answer")
	errNoAnswer = errors.New("the message centre did not answer")
)

// codeOf is the code of a message whose answer did not come.
func codeOf(err error) string {
	switch {
	case errors.Is(err, errNotBound):
		return codeNotBound
	case errors.Is(err, errHeld):
		return codeFull
	case errors.Is(err, errNoAnswer), errors.Is(err, context.DeadlineExceeded):
		return codeNoAnswer
	}
	return codeLost
}

// outcome is what a command_status makes of a message.
func (c Config) outcome(status data.CommandStatusType) notify.Outcome {
	o := notify.Outcome{State: notify.Failed, Code: statusName(status)}
	switch status {
	case data.ESME_ROK:
		o.State = notify.Sent
	case data.ESME_RTHROTTLED:
		o.State, o.After = notify.Queued, pauseThrottled
	case data.ESME_RMSGQFUL:
		o.State, o.After = notify.Queued, pauseFull
	case data.ESME_RSYSERR, data.ESME_RX_T_APPN, data.ESME_RINVBNDSTS:
		o.State, o.After = notify.Queued, pauseTrouble
	case data.ESME_RINVDSTADR:
		o.State = notify.Bounced
	default:
		switch {
		case slices.Contains(c.Later, uint32(status)):
			o.State, o.After = notify.Queued, pauseTrouble
		case slices.Contains(c.Unreachable, uint32(status)):
			o.State = notify.Bounced
		}
	}
	return o
}

// statusName is a status as the specification calls it, or its number.
func statusName(status data.CommandStatusType) string {
	if s := status.String(); strings.HasPrefix(s, "ESME_") {
		return s
	}
	return fmt.Sprintf("0x%08X", uint32(status))
}
