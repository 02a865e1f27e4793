package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/office"
)

// settingsView is what is configured, without secrets.
type settingsView struct {
	page
	Settings []Setting
	Policy   []Setting
	Keys     []Setting
	Profiles []profileView
	Key, Two cpni.ID // under which the two forms propose
	Ways     []wayStanding
}

type profileView struct{ Name, Section, State, Dates string }

// settingsPage shows what is configured, which policy and profiles are in force, and the keys by their ids.
//
// cite: P-37, P-58
func (v *visit) settingsPage() error {
	set, _ := v.office.Policy.Current()
	h, err := v.office.Health(v.r.Context())
	if err != nil {
		return err
	}
	view := settingsView{page: v.page("Settings", "/settings"), Settings: v.options.Settings, Key: cpni.NewID(), Two: cpni.NewID(),
		Policy: []Setting{{"Policy", set.Version()}, {"Rules", strconv.Itoa(len(set.Rules()))}},
		Keys:   []Setting{{"Wrapping key", strconv.FormatInt(h.WrappingID, 10)}, {"Keys last renewed", v.ago(h.Rotated, "never")}, {"First keys made", v.ago(h.Began, "")}, {"Ledger", v.office.Ledger.Origin()}, {"Its public key", v.office.Ledger.VerifierKey()}}}
	if view.Ways, err = v.standings(); err != nil {
		return err
	}
	for _, r := range set.Profiles().Rows() {
		p := profileView{Name: r.Profile, Section: r.Section, State: r.State}
		if r.From != "" {
			p.Dates = "from " + r.From
		}
		if r.Until != "" {
			p.Dates += " until " + r.Until
		}
		view.Profiles = append(view.Profiles, p)
	}
	return v.show(http.StatusOK, settingsPage(view))
}

// ago writes a moment with how long ago it was.
func (v *visit) ago(t time.Time, never string) string {
	if t.IsZero() {
		return never
	}
	return v.clock(t) + ", " + roughly(v.now.Sub(t)) + " ago"
}

// roughly writes a length of time in one unit.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Second:
		return "a moment"
	case d < 2*time.Minute:
		return counted(int(d/time.Second), "second", "seconds")
	case d < 2*time.Hour:
		return counted(int(d/time.Minute), "minute", "minutes")
	case d < 48*time.Hour:
		return counted(int(d/time.Hour), "hour", "hours")
	}
	return counted(int(d/(24*time.Hour)), "day", "days")
}

// healthView is how this node and its database stand.
type healthView struct {
	page
	Ready  bool
	Checks []office.Check
	Ledger []Setting
	Work   []Setting
	Ways   []wayStanding
	// Witnesses is how the ledger stands with those who cosign it.
	Witnesses witnessView
}

// healthTime bounds looking at everything.
const healthTime = 5 * time.Second

// healthPage shows what an operator looks at first.
//
// cite: P-37
func (v *visit) healthPage() error {
	ctx, cancel := context.WithTimeout(v.r.Context(), healthTime)
	defer cancel()
	h, err := v.office.Health(ctx)
	if err != nil {
		return err
	}
	view := healthView{page: v.page("Health", "/settings"), Ready: true, Checks: h.Checks}
	for _, c := range h.Checks {
		view.Ready = view.Ready && c.Says == ""
	}
	if view.Ways, err = v.standings(); err != nil {
		return err
	}
	verified := "never from here; `ringfence verify` leaves no trace"
	if x := h.Verified; x != nil {
		verified = fmt.Sprintf("%s: %s, %s", v.ago(x.At, ""), counted(int(x.Entries), "entry", "entries"), counted(int(x.Faults), "fault", "faults"))
	}
	replayed := "never from here; `ringfence replay` leaves no trace"
	if x := h.Replayed; x != nil {
		replayed = fmt.Sprintf("%s: %s, %d came out otherwise, %d of customers who were forgotten", v.ago(x.At, ""), counted(int(x.Decisions), "decision", "decisions"), x.Differ, x.Forgotten)
	}
	view.Ledger = []Setting{{"Newest checkpoint", v.ago(h.Signed, "none yet")}, {"Entries in the signed tree", strconv.FormatInt(h.Entries, 10)},
		{"Commits not yet in the tree", strconv.FormatInt(h.Waiting, 10)}, {"The oldest of them waits", lag(h)}, {"Last verified", verified}, {"Decisions last made again", replayed}}
	view.Witnesses = v.witnesses(h.Witnesses)
	view.Work = []Setting{{"Database", h.Database + ", " + size(h.Size)}, {"Messages that wait to go out", strconv.FormatInt(h.Outbox, 10)}, {"Proposals under way", strconv.FormatInt(h.Proposals, 10)}}
	return v.show(http.StatusOK, healthPage(view))
}

func lag(h office.Health) string {
	if h.Waiting == 0 {
		return "none waits"
	}
	return roughly(h.Lag)
}

// size writes a number of bytes.
func size(n int64) string {
	const unit = 1024
	f, i := float64(n), 0
	for f >= unit && i < 4 {
		f, i = f/unit, i+1
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + []string{"B", "KiB", "MiB", "GiB", "TiB"}[i]
}

// verifyTime bounds a verification, and a replay, that somebody waits for.
const verifyTime = 20 * time.Second

// verifyLedger verifies the whole ledger while the person waits.
//
// cite: P-41, 47 CFR 64.2009(c)
func (v *visit) verifyLedger() error {
	ctx, cancel := context.WithTimeout(v.r.Context(), verifyTime)
	defer cancel()
	found, err := v.office.Verify(ctx, v.member.ID)
	if errors.Is(err, context.DeadlineExceeded) {
		return v.leave(flash{For: "/health", Refusal: cpni.Rejected("BUSY", "the ledger is too large to be verified while you wait", []string{"P-41"}, "run `ringfence verify` on the server; it disturbs nobody")}, "/health")
	}
	if err != nil {
		return err
	}
	if found.Faults > 0 {
		return v.leave(flash{For: "/health", Refusal: cpni.Rejected("LEDGER", "the ledger is not as it was signed: "+counted(int(found.Faults), "fault", "faults"), []string{"P-41", "47 CFR 64.2009(c)"},
			"run `ringfence verify` on the server: it names every place", "tell compliance at once")}, "/health")
	}
	return v.leave(flash{For: "/health", Note: "The ledger is whole: " + counted(int(found.Entries), "entry", "entries") + ", each as it was signed."}, "/health")
}

// replayDecisions makes every recorded decision again while the person waits.
//
// cite: P-41, I-04, 47 CFR 64.2009(c)
func (v *visit) replayDecisions() error {
	ctx, cancel := context.WithTimeout(v.r.Context(), verifyTime)
	defer cancel()
	found, err := v.office.Replay(ctx, v.member.ID)
	if errors.Is(err, context.DeadlineExceeded) {
		return v.leave(flash{For: "/health", Refusal: cpni.Rejected("BUSY", "there are too many decisions to make them all again while you wait", []string{"P-41"}, "run `ringfence replay` on the server; it disturbs nobody")}, "/health")
	}
	if err != nil {
		return err
	}
	if found.Differ > 0 {
		return v.leave(flash{For: "/health", Refusal: cpni.Rejected("REPLAY", counted(int(found.Differ), "decision comes", "decisions come")+" out otherwise than recorded", []string{"P-41", "47 CFR 64.2009(c)"},
			"run `ringfence replay` on the server: it names each", "tell compliance at once")}, "/health")
	}
	return v.leave(flash{For: "/health", Note: "Made again: " + counted(int(found.Decisions), "decision", "decisions") + ", each as it is recorded."}, "/health")
}
