package console

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/monitor"
	"ringfence/internal/staff"
)

const (
	triedAddress = "/failures/tried"
	triedTitle   = "Ways to refuse, tried"
)

// triedPlaces show how the carrier's own monitors find each way to refuse.
//
// cite: P-12, P-27, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func triedPlaces() []place {
	return []place{{pattern: triedAddress, right: staff.ReadIncidents, get: (*visit).triedPage}}
}

// How much of the past the page shows: a month in numbers, so many tries as bars and as rows.
const (
	triedSpan = 30 * 24 * time.Hour
	triedBars = 60
	triedRows = 10

	barWidth, barHeight = 10, 28
)

// triedView is the page.
type triedView struct {
	page
	Every string
	InRow int
	Ways  []triedWay
}

// triedWay is one way with its last tries.
type triedWay struct {
	ID, Title string
	State     chip
	Says      []string
	Facts     []fact
	Failures  []option // their files
	Bars      []triedBar
	Width     int
	Told      string // of the bars, in words
	Rows      []triedRow
}

type triedBar struct{ X, Y, W, H, Tone string }

type triedRow struct {
	When, Took, Became, Says, Node string
	Failure                        option // its file; "" none
}

var triedStates = map[monitor.State]chip{monitor.Open: {"Works", "good"}, monitor.Shaky: {"The last tries failed", "warn"}, monitor.Down: {"Failed", "bad"}, monitor.Unknown: {"Unknown", "warn"}, monitor.NotOffered: {"Not offered", ""}}

var triedWords = map[monitor.Outcome]string{monitor.Worked: "worked", monitor.Failing: "failed", monitor.Untried: "not tried"}

// triedPage shows each way, whether it works, and how the last tries went.
//
// cite: P-12, P-27, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func (v *visit) triedPage() error {
	m := v.office.Monitors
	numbers := m.Numbers(v.now)
	view := triedView{page: v.page(triedTitle, "/failures"), Every: roughly(numbers.Every), InRow: numbers.InARow}
	all, err := m.List(v.r.Context(), monitor.Span{From: v.now.Add(-triedSpan)})
	if err != nil {
		return err
	}
	for _, s := range all {
		tries, err := m.Tries(v.r.Context(), s.Way, monitor.Span{}, triedBars)
		if err != nil {
			return err
		}
		w, err := v.triedWay(s, tries, numbers)
		if err != nil {
			return err
		}
		view.Ways = append(view.Ways, w)
	}
	return v.show(http.StatusOK, triedPage(view))
}

// fileNamed is a link to the file of a failure.
func (v *visit) fileNamed(id cpni.ID) (option, error) {
	if id == "" {
		return option{}, nil
	}
	f, err := v.office.Filing.One(v.r.Context(), id, v.member.ID)
	if err != nil {
		return option{}, err
	}
	return option{Value: failureAddress(id), Text: f.Number}, nil
}

func (v *visit) triedWay(s monitor.Standing, tries []monitor.Try, n monitor.Numbers) (w triedWay, err error) {
	title := s.Way.Called()
	w = triedWay{ID: string(s.Way), Title: capital(title), State: triedStates[s.State]}
	say := func(format string, a ...any) { w.Says = append(w.Says, fmt.Sprintf(format, a...)) }
	switch s.State {
	case monitor.NotOffered:
		say("The configuration says why: %s.", s.Why)
	case monitor.Unknown:
		switch {
		case !s.SetUp:
			say("No monitor of it is set up. Nobody can tell whether it works; the monitors are set up in the configuration.")
		case s.Last == nil:
			say("No try has said anything yet.")
		default:
			say("No try has said anything for more than %s. Silence is no sign that customers can refuse.", roughly(n.SilentAfter))
		}
	case monitor.Shaky:
		say("%s in a row failed; %d are a failure, and open its file.", counted(s.InARow, "try", "tries"), n.InARow)
	case monitor.Down:
		say("%s in a row failed. The file of the failure is open until somebody judges it.", counted(s.InARow, "try", "tries"))
	}
	if s.Last != nil && s.Last.Outcome == monitor.Failing {
		say("The last try failed at the step “%s”: %s.", s.Last.Step, s.Last.Says)
	}
	if s.Waiting {
		say("At this moment the refusal of a try is waited for.")
	}
	if s.SetUp || !s.LastWorks.IsZero() || s.Tries > 0 {
		w.Facts = []fact{{"It worked last", v.ago(s.LastWorks, "never")}}
		if !s.Next.IsZero() {
			w.Facts = append(w.Facts, fact{"It is tried next", v.clock(s.Next)})
		}
		w.Facts = append(w.Facts, fact{"Tries in 30 days", strconv.Itoa(s.Tries)}, fact{"that worked", strconv.Itoa(s.Worked)}, fact{"that failed", strconv.Itoa(s.Failed)}, fact{"that could not be made", strconv.Itoa(s.Untried)})
	}
	for _, id := range slices.Compact(append(slices.Clone(s.Failures), notIn(s.Failures, s.Failure)...)) {
		f, err := v.fileNamed(id)
		if err != nil {
			return w, err
		}
		w.Failures = append(w.Failures, f)
	}
	w.draw(tries)
	for _, t := range tries[:min(len(tries), triedRows)] {
		row := triedRow{When: v.moment(t.At), Took: t.Took.Round(time.Millisecond).String(), Became: triedWords[t.Outcome], Says: t.Says, Node: t.Node}
		if t.Step != "" {
			row.Says = t.Step + ": " + t.Says
		}
		if row.Failure, err = v.fileNamed(t.Failure); err != nil {
			return w, err
		}
		w.Rows = append(w.Rows, row)
	}
	return w, nil
}

// notIn gives an id where it is one and not in a list.
func notIn(all []cpni.ID, id cpni.ID) []cpni.ID {
	if id == "" || slices.Contains(all, id) {
		return nil
	}
	return []cpni.ID{id}
}

// draw makes the strip of the last tries, the newest at the right: a full bar worked, a low one failed, a dot could not be made. So the
// strip can be read without its colours.
func (w *triedWay) draw(tries []monitor.Try) {
	count := map[monitor.Outcome]int{}
	for i, t := range slices.Backward(tries) {
		count[t.Outcome]++
		b := triedBar{X: strconv.Itoa((len(tries) - 1 - i) * barWidth), W: strconv.Itoa(barWidth - 1), Y: "0", H: strconv.Itoa(barHeight), Tone: "good"}
		switch t.Outcome {
		case monitor.Failing:
			b.Y, b.H, b.Tone = strconv.Itoa(barHeight/2), strconv.Itoa(barHeight/2), "bad"
		case monitor.Untried:
			b.Y, b.H, b.Tone = strconv.Itoa(barHeight-4), "4", "none"
		}
		w.Bars = append(w.Bars, b)
	}
	w.Width = max(1, len(tries)) * barWidth
	if len(tries) > 0 {
		w.Told = fmt.Sprintf("Of the last %s, %d worked, %d failed and %d could not be made.", counted(len(tries), "try", "tries"), count[monitor.Worked], count[monitor.Failing], count[monitor.Untried])
	}
}
