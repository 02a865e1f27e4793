package scenario

import (
	"context"
	"fmt"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/monitor"
	"ringfence/internal/notify"
)

// tryRefusals has the carrier's own monitor try a way to refuse, if it is due, and tells where the way stands. Whoever writes is heard as any
// customer is who writes; where a fault has the way down, they cannot hand over what they write.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func tryRefusals(ctx context.Context, w *world, a args) (result, error) {
	way := monitor.Way(a.text("way"))
	for _, x := range monitor.Ways {
		if x == way {
			w.office.Monitors.Use(x, storyProbe{w, x})
		} else {
			w.office.Monitors.NotOffered(x, "the story tries another way")
		}
	}
	if err := w.office.Monitors.Work(ctx); err != nil {
		return result{}, err
	}
	all, err := w.office.Monitors.List(ctx, monitor.Span{})
	if err != nil {
		return result{}, err
	}
	r := succeeded()
	for _, s := range all {
		if s.Way == way {
			r.fields = map[string]any{"state": string(s.State), "tries": s.Tries, "failures": len(s.Failures)}
		}
	}
	return r, nil
}

// storyProbe writes as the account of a monitor.
type storyProbe struct {
	w   *world
	way monitor.Way
}

// Where the accounts of the monitors write from.
const (
	storyEmail  = "monitor@refusals.example"
	storyNumber = "+12025550109"
)

// From is where it writes from.
func (p storyProbe) From() monitor.Place {
	if p.way == monitor.Mail {
		return monitor.Place{Email: storyEmail}
	}
	return monitor.Place{Number: storyNumber}
}

// Via is as what it writes is recorded.
func (p storyProbe) Via() []string {
	return []string{map[monitor.Way]string{monitor.Mail: approval.ByEmail, monitor.Text: approval.ByText}[p.way]}
}

// Try writes.
func (p storyProbe) Try(ctx context.Context, as monitor.Account, _ time.Duration) (string, error) {
	p.w.outside.mu.Lock()
	down := p.w.outside.down[map[monitor.Way]cpni.Via{monitor.Mail: cpni.Email, monitor.Text: cpni.Text}[p.way]]
	p.w.outside.mu.Unlock()
	if down {
		return "", monitor.Failed("hand it over", "the story has this way down")
	}
	const words = "I refuse the use of my information for offers."
	if p.way == monitor.Text {
		return "the text was taken", p.w.office.Answers.Texted(ctx, storyNumber, "", words+" "+as.Token, false, p.w.now())
	}
	p.w.written++
	wrote := notify.Wrote{ID: fmt.Sprintf("<%d@refusals.example>", p.w.written), From: storyEmail, Subject: "My choice", Text: words}
	return "the mail was taken", p.w.office.Answers.Mail(ctx, []byte("Message-Id: "+wrote.ID+"\r\n\r\n"+words), wrote, p.w.now())
}
