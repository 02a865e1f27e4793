package monitor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/notify/smpp"
)

// TextProbe refuses by a text to the number or short code for refusals. The carrier's message centre takes it as from a telephone: under a
// name of its own, whose source is the number of the account alone.
type TextProbe struct {
	centre smpp.Config
	to     string
}

// NewText makes a probe that texts to a number or short code from the source of centre.
func NewText(centre smpp.Config, to string) (*TextProbe, error) {
	if err := centre.Check(); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(centre.Source, "+") {
		return nil, fmt.Errorf("the source %q of texts that refuse is no number such as +12025550100: an account is found by it", centre.Source)
	}
	if to == "" {
		return nil, fmt.Errorf("no number or short code for refusals is named")
	}
	return &TextProbe{centre: centre, to: to}, nil
}

// From is the number that texts.
func (p *TextProbe) From() Place { return Place{Number: p.centre.Source} }

// Via is as the desk of answers records it.
func (p *TextProbe) Via() []string { return []string{approval.ByText} }

const stepText = "hand the text over"

// Try texts. The words of each try are its own: the same words on one day would be one answer.
//
// cite: P-12, P-14, 47 CFR 64.2008(d)(3)(v)
func (p *TextProbe) Try(ctx context.Context, as Account, _ time.Duration) (string, error) {
	if err := smpp.Once(ctx, p.centre, p.to, refusalWords+" "+as.Token); err != nil {
		return "", Failed(stepText, "%v", err)
	}
	return "the message centre took the text", nil
}
