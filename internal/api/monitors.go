package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/monitor"
	"ringfence/internal/staff"
)

// WayTried is how the carrier's own monitors find a way to refuse.
//
// cite: P-12, P-27, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
type WayTried struct {
	Way        monitor.Way   `json:"way" enum:"web,mail,text,phone"`
	State      monitor.State `json:"state" enum:"works,failing,failed,unknown,not-offered" doc:"unknown: no monitor is set up, or none of its tries has said anything for too long."`
	SetUp      bool          `json:"set_up"`
	Why        string        `json:"why,omitempty" doc:"Why the carrier does not offer it."`
	Waiting    bool          `json:"waiting,omitempty" doc:"The refusal of a try is waited for at this moment."`
	InARow     int           `json:"in_a_row" doc:"Tries that have failed one after another until now."`
	Failure    cpni.ID       `json:"failure,omitempty" doc:"The file of the failure that goes on."`
	Next       *time.Time    `json:"next,omitempty"`
	LastWorked *time.Time    `json:"last_worked,omitempty"`
	Last       *TryMade      `json:"last,omitempty" doc:"The last try that said something."`
	Tries      int           `json:"tries" doc:"In the time that was asked for."`
	Worked     int           `json:"worked"`
	Failed     int           `json:"failed"`
	Untried    int           `json:"untried" doc:"Those that could not be made, for something that is the monitor's own."`
	Failures   []cpni.ID     `json:"failures,omitempty" doc:"Files to which tries of that time belong."`
}

// TryMade is one try of a way to refuse.
type TryMade struct {
	At      time.Time       `json:"at"`
	Seconds float64         `json:"seconds" doc:"Until it was known what became of it."`
	Outcome monitor.Outcome `json:"outcome" enum:"worked,failed,untried"`
	Step    string          `json:"step,omitempty" doc:"At which it failed."`
	Says    string          `json:"says,omitempty" doc:"What was seen."`
	Node    string          `json:"node,omitempty" doc:"The machine that tried."`
	Failure cpni.ID         `json:"failure,omitempty"`
	Entry   cpni.ID         `json:"entry" doc:"Of the ledger."`
}

func tryMade(t monitor.Try) TryMade {
	return TryMade{At: t.At, Seconds: t.Took.Seconds(), Outcome: t.Outcome, Step: t.Step, Says: t.Says, Node: t.Node, Failure: t.Failure, Entry: t.Entry}
}

// TriedSpan is a time in which ways were tried.
type TriedSpan struct {
	From  time.Time `query:"from" doc:"From then on; all, when not given."`
	Until time.Time `query:"until" doc:"Until before then; now, when not given."`
}

// monitors are the ways to refuse as the carrier's own monitors find them.
//
// cite: P-12, P-27, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func (a *API) monitors() {
	tag := []string{"incidents"}
	register(a, operation{right: staff.ReadIncidents, scope: "incidents", Operation: huma.Operation{OperationID: "list-opt-out-monitors", Method: http.MethodGet, Path: "/v1/opt-out-monitors", Tags: tag, Summary: "List how each way to refuse is found",
		Description: "Every way, with the tries of a time counted."}},
		func(ctx context.Context, _ caller, in *TriedSpan) (*struct {
			Body struct {
				Ways []WayTried `json:"ways"`
			}
		}, error) {
			all, err := a.office.Monitors.List(ctx, monitor.Span{From: in.From, Until: in.Until})
			if err != nil {
				return nil, err
			}
			out := &struct {
				Body struct {
					Ways []WayTried `json:"ways"`
				}
			}{}
			for _, s := range all {
				w := WayTried{Way: s.Way, State: s.State, SetUp: s.SetUp, Why: s.Why, Waiting: s.Waiting, InARow: s.InARow, Failure: s.Failure, Next: momentOf(s.Next), LastWorked: momentOf(s.LastWorks), Tries: s.Tries, Worked: s.Worked, Failed: s.Failed, Untried: s.Untried, Failures: s.Failures}
				if s.Last != nil {
					t := tryMade(*s.Last)
					w.Last = &t
				}
				out.Body.Ways = append(out.Body.Ways, w)
			}
			return out, nil
		})
	register(a, operation{right: staff.ReadIncidents, scope: "incidents", Operation: huma.Operation{OperationID: "list-opt-out-tries", Method: http.MethodGet, Path: "/v1/opt-out-monitors/{way}/tries", Tags: tag, Summary: "List how a way to refuse was tried",
		Description: "The newest first. For more, ask again until the time of the last."}},
		func(ctx context.Context, _ caller, in *struct {
			TriedSpan
			Way   monitor.Way `path:"way" enum:"web,mail,text,phone"`
			Limit int         `query:"limit" minimum:"1" maximum:"1000" default:"100"`
		}) (*struct {
			Body struct {
				Tries []TryMade `json:"tries"`
			}
		}, error) {
			all, err := a.office.Monitors.Tries(ctx, in.Way, monitor.Span{From: in.From, Until: in.Until}, in.Limit)
			if err != nil {
				return nil, err
			}
			out := &struct {
				Body struct {
					Tries []TryMade `json:"tries"`
				}
			}{}
			out.Body.Tries = []TryMade{}
			for _, t := range all {
				out.Body.Tries = append(out.Body.Tries, tryMade(t))
			}
			return out, nil
		})
}
