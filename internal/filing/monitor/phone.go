package monitor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/notify/voice"
)

// PhoneProbe calls the telephone line for refusals over the carrier's switch. The line is the carrier's own machine or people, not a part of
// this program: that it answers, speaks, takes keys and lets go is what can always be seen. Where the line refuses for whoever keys an account
// in and records that here, the refusal is looked for as well.
type PhoneProbe struct {
	line    voice.Config
	number  string
	keys    string
	records bool
	clock   cpni.Clock
}

// NewPhone makes a probe that calls a number from the number of line. In keys the word {account} stands for the digits of the number
// from which is called, a comma for a pause. records: what is keyed in so is recorded here as a refusal of whoever calls from there.
func NewPhone(line voice.Config, number, keys string, records bool, clock cpni.Clock) (*PhoneProbe, error) {
	if err := line.Check(); err != nil {
		return nil, err
	}
	if !voice.Keys(strings.ReplaceAll(keys, accountKeys, "")) {
		return nil, fmt.Errorf("the keys %q are none of a telephone: write digits, * and #, commas for pauses, and %s for the number of the account", keys, accountKeys)
	}
	if !records && strings.Contains(keys, accountKeys) {
		return nil, fmt.Errorf("the keys name an account, and nothing is said to be recorded of it: write records: true, or other keys")
	}
	if records && !strings.HasPrefix(line.From, "+") {
		return nil, fmt.Errorf("the number %q from which is called is none such as +12025550100: the account is found by it", line.From)
	}
	if number == "" {
		return nil, errors.New("no number for refusals is named")
	}
	return &PhoneProbe{line: line, number: number, keys: keys, records: records, clock: clock}, nil
}

// accountKeys stands for the digits of the number from which is called.
const accountKeys = "{account}"

// From is the number that calls.
func (p *PhoneProbe) From() Place {
	if !p.records {
		return Place{}
	}
	return Place{Number: p.line.From}
}

// Via is as whoever answers the line records it by REST; none where nothing is recorded.
func (p *PhoneProbe) Via() []string {
	if !p.records {
		return nil
	}
	return []string{approval.ByPhone}
}

// The steps of a call.
const (
	stepRing   = "ring"
	stepAnswer = "answer"
	stepListen = "hear the line"
	stepKeys   = "press keys"
	stepHangUp = "hang up"
)

// Try calls, listens, presses the keys and hangs up.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v)
func (p *PhoneProbe) Try(ctx context.Context, as Account, within time.Duration) (string, error) {
	keys := strings.ReplaceAll(p.keys, accountKeys, strings.TrimPrefix(as.Place.Number, "+"))
	t, err := voice.Try(ctx, p.line, p.clock, p.number, keys, within)
	switch {
	case errors.Is(err, voice.ErrNoAnswer):
		return "", Failed(stepAnswer, "it rang for %s and nobody answered", within)
	case errors.Is(err, voice.ErrNoLine), errors.Is(err, voice.ErrTurnedOff):
		return "", Failed(stepRing, "%v", err)
	case errors.Is(err, voice.ErrNoVoice):
		return "", Failed(stepListen, "%v", err)
	case errors.Is(err, voice.ErrCutOff):
		return "", Failed(stepKeys, "%v, after %d of them", err, t.Keys)
	case errors.Is(err, voice.ErrNoEnd):
		return "", Failed(stepHangUp, "%v", err)
	case err != nil:
		return "", Failed(stepRing, "%v", err)
	}
	return fmt.Sprintf("it was answered after %s, %s of sound came, %d keys were pressed, and it let go", spell(t.Rang), spell(t.Heard), t.Keys), nil
}
